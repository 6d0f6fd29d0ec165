/*
 * Discord by a channel's webhook: one message for each incident, edited as it goes on (standing.h).
 *
 *	no message yet -> POST ?wait=true -> its id is remembered
 *	there is one   -> PATCH messages/ID -> (loud) POST of a line
 *	                        |-> refused: it is gone, or too old: POST anew
 *
 * Webhooks cannot reply, so the line names what it is about.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/discord_body.h"
#include "alerts/post.h"
#include "alerts/standing.h"
#include "alerts/table.h"
#include "base/mem.h"
#include "base/str.h"

#define SNOWFLAKE_MAX 20 /* digits of an id */
#define USERNAME_MAX  80
#define WAIT_MAX_S    86400.0
#define WITHOUT_SOUND 4096 /* SUPPRESS_NOTIFICATIONS */

struct discord_conf {
	struct post_conf post;
	char *thread_id, *username;
	struct conf_strings mention;
	/* Made by check(). */
	struct discord_mentions mentions;
	char *base; /* the url without a slash at its end */
};

enum step { STEP_POST, STEP_EDIT, STEP_NOTE };

struct discord_run {
	struct post post;
	struct message *message;
	enum step step;
};

#define ROW struct discord_conf

static const struct conf_field fields[] = {
	{ "url", URL_AT(ROW, post.url), .flags = CONF_REQUIRED | CONF_MASKED,
		.doc = "The webhook's URL.  Whoever has it can write to the channel: its path is "
		       "never shown.",
		.example = "\"${DISCORD_WEBHOOK_URL}\"" },
	{ "mention", STRINGS_AT(ROW, mention),
		.doc = "Who is called when something is critical: `role:ID` or `user:ID`, or a "
		       "list of them.  Nobody else is ever called, whatever a text says.",
		.example = "role:1029384756102938475" },
	{ "thread_id", STRING_AT(ROW, thread_id),
		.doc = "A thread or forum post of that channel to write to.",
		.example = "\"1112223334445556667\"" },
	{ "username", STRING_AT(ROW, username),
		.doc = "The name that stands at the messages, at most 80 characters.  Default: "
		       "the webhook's own." },
	POST_ROWS(ROW),
	{ .type = CONF_END },
};

static const char manual[] =
	"One message for each incident: a line that a phone shows, and what is known below it.  It "
	"is edited as the incident goes on.  An edit makes no phone ring, so when it gets worse, "
	"is "
	"still open after `repeat_interval`, comes back or ends, a line of its own follows.  A "
	"message that somebody deleted is posted anew.\n\n"
	"1. In Discord open the channel's settings, *Integrations*, *Webhooks*, *New Webhook*.\n"
	"2. *Copy Webhook URL*, and put it into the environment or a file: "
	"`url: \"${DISCORD_WEBHOOK_URL}\"`.\n"
	"3. To call people: switch on *Developer Mode* (user settings, *Advanced*), right-click "
	"the role or person, *Copy ID*, and write `mention: \"role:ID\"`.\n"
	"4. For a forum channel make a post first, and write the id of it into `thread_id`.";

/* ---- settings ---- */

static bool
is_snowflake(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= SNOWFLAKE_MAX && strspn(text, "0123456789") == len;
}

static bool
read_mention(const char *text, struct discord_mention *out)
{
	out->is_role = str_starts(text, "role:");
	if (!out->is_role && !str_starts(text, "user:"))
		return false;
	if (!is_snowflake(text + 5))
		return false;
	str_copy(out->id, sizeof(out->id), text + 5);
	return true;
}

static void
check_mention(struct discord_conf *conf, const struct conf_node *map, struct complaints *complaints)
{
	struct discord_mentions *mentions = &conf->mentions;
	size_t most = sizeof(mentions->all) / sizeof(mentions->all[0]);
	struct conf_pos at = conf_pos_of(map, "mention");

	for (size_t i = 0; i < conf->mention.count; i++) {
		if (i == most)
			complain(complaints, &at, "mention: at most %zu", most);
		if (i >= most)
			return;
		if (read_mention(conf->mention.all[i], &mentions->all[mentions->count]))
			mentions->count++;
		else
			complain(complaints, &at,
				"mention: \"%.60s\" is neither role:ID nor user:ID, where ID is "
				"digits (right-click, Copy ID)",
				conf->mention.all[i]);
	}
}

static void
check_url(struct discord_conf *conf, const struct conf_node *map, struct complaints *complaints)
{
	struct conf_pos at = conf_pos_of(map, "url");
	size_t len;

	if (conf->post.url == NULL)
		return;
	if (strpbrk(conf->post.url, "?#") != NULL)
		complain(complaints, &at,
			"url: leave out what begins with \"?\"; a thread has a key of its own, "
			"thread_id");
	else if (str_ends(conf->post.url, "/slack") || str_ends(conf->post.url, "/github"))
		complain(complaints, &at,
			"url: leave out the last part, which is for messages of another form");
	len = strlen(conf->post.url);
	while (len > 0 && conf->post.url[len - 1] == '/')
		len--;
	conf->base = xstrndup(conf->post.url, len);
}

static void
check_username(
	const struct discord_conf *conf, const struct conf_node *map, struct complaints *complaints)
{
	struct conf_pos at = conf_pos_of(map, "username");

	if (conf->username == NULL)
		return;
	if (conf->username[0] == '\0' || message_measure(conf->username, UNIT_UTF16) > USERNAME_MAX)
		complain(complaints, &at, "username: 1 to %d characters", USERNAME_MAX);
	if (strcasestr(conf->username, "discord") != NULL ||
		strcasestr(conf->username, "clyde") != NULL)
		complain(complaints, &at,
			"username: Discord refuses names with \"discord\" or \"clyde\" in them");
}

static void
check(void *arg, const struct conf_node *map, struct tls_pool *tls, struct complaints *complaints)
{
	struct discord_conf *conf = arg;
	struct conf_pos at = conf_pos_of(map, "thread_id");

	post_check(&conf->post, map, tls, complaints);
	check_url(conf, map, complaints);
	check_mention(conf, map, complaints);
	check_username(conf, map, complaints);
	if (conf->thread_id != NULL && !is_snowflake(conf->thread_id))
		complain(
			complaints, &at, "thread_id: digits, as Copy ID gives them for the thread");
}

static void
release(void *arg)
{
	struct discord_conf *conf = arg;

	free(conf->base);
	conf->base = NULL;
	post_release(&conf->post);
}

/* ---- what is remembered: the message, and where it stands ---- */

static const char *
remembered(struct send_run *run)
{
	const struct discord_conf *conf = send_conf(run);
	const json_t *memory = send_memory(run);
	const char *id = json_string_value(json_object_get(memory, "message"));

	if (id == NULL || !is_snowflake(id))
		return NULL;
	/* Of another thread, by older settings: it is left alone. */
	return str_eq(json_string_value(json_object_get(memory, "thread")), conf->thread_id) ? id
											     : NULL;
}

static void
remember(struct send_run *run, const char *id)
{
	const struct discord_conf *conf = send_conf(run);
	json_t *memory = json_pack("{s:s}", "message", id);

	if (conf->thread_id != NULL)
		json_object_set_new(memory, "thread", json_string(conf->thread_id));
	send_remember(run, memory);
}

/* ---- answers ---- */

/* What Discord's own codes mean here, by the `code` of its JSON; others are judged by status. */
static const struct discord_code {
	int code;
	enum send_result result;
	enum send_class why;
	const char *words;
} codes[] = {
	{ 10003, SEND_NEVER, SEND_CLASS_AUTH, "the channel or thread_id is gone" },
	{ 10015, SEND_NEVER, SEND_CLASS_AUTH,
		"the webhook was deleted: make a new one, and put its URL into url" },
	{ 30046, SEND_NEVER, SEND_CLASS_RATE, "too many edits of old messages" },
	{ 50001, SEND_NEVER, SEND_CLASS_AUTH, "the webhook may not see the channel" },
	{ 50013, SEND_NEVER, SEND_CLASS_AUTH, "the webhook may not write there" },
	{ 50027, SEND_NEVER, SEND_CLASS_AUTH,
		"the token in url is wrong: copy the webhook's URL again" },
	{ 50083, SEND_NEVER, SEND_CLASS_AUTH, "the thread of thread_id is archived" },
	{ 130000, SEND_LATER, SEND_CLASS_SERVER, "Discord is overloaded" },
	{ 160005, SEND_NEVER, SEND_CLASS_AUTH, "the thread of thread_id is locked" },
	{ 220001, SEND_NEVER, SEND_CLASS_AUTH,
		"this is a forum channel: make a post and set thread_id" },
	{ 220003, SEND_NEVER, SEND_CLASS_AUTH,
		"thread_id is only for threads of forum channels and of the webhook's channel" },
};

static void
judge_code(const json_t *answer, struct post_verdict *verdict)
{
	long long code = json_integer_value(json_object_get(answer, "code"));
	const char *words = json_string_value(json_object_get(answer, "message"));

	if (words != NULL)
		str_printable(verdict->words, sizeof(verdict->words), words, strlen(words));
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (codes[i].code != code)
			continue;
		verdict->result = codes[i].result;
		verdict->why = codes[i].why;
		str_copy(verdict->words, sizeof(verdict->words), codes[i].words);
	}
}

/* Seconds with a fraction, more exact than the header; whichever is longer. */
static void
judge_wait(const json_t *answer, struct post_verdict *verdict)
{
	const json_t *after = json_object_get(answer, "retry_after");
	double seconds = json_number_value(after);

	if (!json_is_number(after) || !(seconds > 0))
		return;
	seconds = fmin(seconds, WAIT_MAX_S);
	if (seconds * USEC_PER_SEC > (double)verdict->retry_after_us)
		verdict->retry_after_us = (usec_t)ceil(seconds * USEC_PER_SEC);
}

static void
judge_failure(const json_t *answer, struct post_verdict *verdict)
{
	judge_code(answer, verdict);
	if (verdict->result == SEND_LATER)
		judge_wait(answer, verdict);
}

static void begin(struct send_run *run, enum step step);

static void
judge_edit(struct send_run *run, const json_t *answer, struct post_verdict *verdict)
{
	if (verdict->result == SEND_OK) {
		if (standing_act(send_notice(run), true) == STANDING_EDIT)
			return;
		verdict->result = SEND_NONE;
		begin(run, STEP_NOTE);
		return;
	}
	judge_failure(answer, verdict);
	if (verdict->result != SEND_NEVER)
		return;
	/* Deleted, or not to be edited any more, and if it is the webhook that is wrong, then the
	 * next answer says so, and the message is not forgotten. */
	verdict->result = SEND_NONE;
	begin(run, STEP_POST);
}

/* `wait=true` was asked for, so a message comes back; anything else is not Discord's word. */
static void
judge_post(struct send_run *run, const struct http_reply *reply, const json_t *answer,
	struct post_verdict *verdict)
{
	const struct discord_run *state = send_state(run);
	const char *id = json_string_value(json_object_get(answer, "id"));

	if (verdict->result != SEND_OK) {
		judge_failure(answer, verdict);
	} else if (id != NULL && is_snowflake(id)) {
		if (state->step == STEP_POST && send_notice(run)->digest == NULL &&
			!str_eq(send_notice(run)->type, NOTICE_TEST))
			remember(run, id);
	} else if (reply->status != 204) {
		verdict->result = SEND_LATER;
		verdict->why = SEND_CLASS_SERVER;
		str_copy(verdict->words, sizeof(verdict->words),
			"this is not how Discord answers; is url right?");
	}
}

static void
judge(struct send_run *run, const struct http_reply *reply, struct post_verdict *verdict)
{
	const struct discord_run *state = send_state(run);
	json_t *answer = post_json(reply);

	if (state->step == STEP_EDIT)
		judge_edit(run, answer, verdict);
	else
		judge_post(run, reply, answer, verdict);
	json_decref(answer);
}

/* ---- one try ---- */

static const struct discord_mentions *
who_is_called(struct send_run *run)
{
	const struct discord_conf *conf = send_conf(run);
	const struct notice *notice = send_notice(run);
	bool is_urgent = notice->severity == SEVERITY_CRITICAL && !notice->is_resolved &&
			 standing_is_loud(notice) && !str_eq(notice->type, NOTICE_TEST);

	return is_urgent ? &conf->mentions : NULL;
}

static char *
address_of(struct send_run *run, enum step step)
{
	const struct discord_conf *conf = send_conf(run);
	const char *thread = conf->thread_id;

	if (step == STEP_EDIT)
		return xasprintf("%s/messages/%s%s%s", conf->base, remembered(run),
			thread == NULL ? "" : "?thread_id=", thread == NULL ? "" : thread);
	return xasprintf("%s?wait=true%s%s", conf->base,
		thread == NULL ? "" : "&thread_id=", thread == NULL ? "" : thread);
}

static char *
body_of(struct send_run *run, enum step step)
{
	const struct discord_conf *conf = send_conf(run);
	const struct discord_run *state = send_state(run);
	const struct discord_mentions *called = step == STEP_EDIT ? NULL : who_is_called(run);
	json_t *body = step == STEP_NOTE ? discord_note_body(state->message, called)
					 : discord_embed_body(
						   state->message, send_notice(run)->at_us, called);
	char *text;

	if (step != STEP_EDIT && conf->username != NULL)
		json_object_set_new(body, "username", json_string(conf->username));
	if (step != STEP_EDIT && !standing_is_loud(send_notice(run)))
		json_object_set_new(body, "flags", json_integer(WITHOUT_SOUND));
	text = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	return text;
}

static void
begin(struct send_run *run, enum step step)
{
	const struct discord_conf *conf = send_conf(run);
	struct discord_run *state = send_state(run);
	char *url = address_of(run, step);
	const struct post_request request = {
		.method = step == STEP_EDIT ? "PATCH" : "POST",
		.url = url,
		.body = body_of(run, step),
	};

	state->step = step;
	post_start(run, &state->post, &conf->post, &request, judge);
	free(url);
}

static void
start(struct send_run *run)
{
	struct discord_run *state = send_state(run);
	const struct notice *notice = send_notice(run);
	bool has_message = remembered(run) != NULL;

	state->message = message_new(notice, send_daemon_name(run), send_language(run));
	begin(run, standing_act(notice, has_message) == STANDING_POST ? STEP_POST : STEP_EDIT);
}

static void
stop(struct send_run *run)
{
	struct discord_run *state = send_state(run);

	post_stop(&state->post);
	message_free(state->message);
	state->message = NULL;
}

const struct receiver_type receiver_type_discord = {
	.name = "discord",
	.summary = "A Discord channel, by its webhook.",
	.manual = manual,
	.fields = fields,
	.conf_size = sizeof(struct discord_conf),
	.run_size = sizeof(struct discord_run),
	.is_for_people = true,
	/* A webhook may do 5 requests in 2 s, and a notice takes two at most; 30 messages a minute
	 * go into a channel. */
	.rate_per_second = 0.5,
	.burst = 4,
	.timeout_us = 2 * USEC_PER_MIN,
	.check = check,
	.release = release,
	.target = post_target_conf,
	.start = start,
	.stop = stop,
};

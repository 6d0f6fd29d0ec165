/*
 * Slack, in two ways: an incoming webhook gets a message for each event; a bot keeps one message
 * for each incident, edits it to the newest state and tells each event in its thread.
 *
 *	nothing remembered:  post ------------------------------> done
 *	remembered:          update --ok, or not editable--> reply -> done
 *	                       `------gone-------------> post ------> done
 *
 * What was done of a notice is remembered after each step, so that a try that failed half way is
 * taken up there: nothing is said twice.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/post.h"
#include "alerts/slack_answer.h"
#include "alerts/slack_blocks.h"
#include "alerts/standing.h"
#include "alerts/table.h"
#include "base/mem.h"
#include "base/str.h"

#define API_URL      "https://slack.com/api"
#define MENTIONS_MAX 20
#define UPPER_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

struct slack_conf {
	struct post_conf post;
	char *token, *channel;
	struct conf_strings mention;
	int mention_min; /* index into levels[] */
	/* Made by check(). */
	char *mentions; /* "<!here> <@U123> "; "" */
};

enum step { STEP_HOOK, STEP_LONE, STEP_POST, STEP_UPDATE, STEP_REPLY };

struct slack_run {
	struct post post;
	enum step step;
};

static const char *const levels[] = { "info", "warning", "critical", NULL };

static const struct conf_field fields[] = {
	{ "url", URL_AT(struct slack_conf, post.url), .flags = CONF_MASKED,
		.doc = "The incoming webhook.  With `token`: where the Web API is, by default "
		       "`" API_URL "`.",
		.example = "\"${SLACK_WEBHOOK_URL}\"" },
	{ "token", SECRET_AT(struct slack_conf, token),
		.doc = "A bot's token (`xoxb-…`), instead of a webhook: one message for each "
		       "incident, edited in place, with its timeline in its thread.",
		.example = "\"${SLACK_BOT_TOKEN}\"" },
	{ "channel", STRING_AT(struct slack_conf, channel),
		.doc = "Where the bot posts: the id of a channel, or its name.",
		.example = "C0123456789" },
	{ "mention", STRINGS_AT(struct slack_conf, mention),
		.doc = "Who is pinged: `here`, `channel`, ids of people (`U…`) or of groups "
		       "(`S…`).  Nothing else in a message ever pings.",
		.example = "[here, S0123456789]" },
	{ "mention_min_severity", ENUM_AT(struct slack_conf, mention_min, levels),
		.dflt = "critical",
		.doc = "From which severity on they are pinged: when it "
		       "begins, gets worse, and with each reminder." },
	POST_ROWS(struct slack_conf),
	{ .type = CONF_END },
};

static const char manual[] =
	"As an incoming webhook, a message for each event:\n\n"
	"1. On <https://api.slack.com/apps>: *Create New App*, *From scratch*; a name, your "
	"workspace.\n"
	"2. *Incoming Webhooks*: switch them on, *Add New Webhook to Workspace*, choose the "
	"channel.\n"
	"3. Copy the URL (`https://hooks.slack.com/services/…`) into `url`.  It is a secret: keep "
	"it in the environment or a file.\n\n"
	"As a bot, one message for each incident, edited in place, its timeline in its thread:\n\n"
	"1. Create the app as above.  *OAuth & Permissions*, *Bot Token Scopes*: add "
	"`chat:write`.\n"
	"2. *Install to Workspace*.  Copy the *Bot User OAuth Token* (`xoxb-…`) into `token`.\n"
	"3. In the channel: `/invite @name-of-the-app`.\n"
	"4. The channel's name, *View channel details*, at the very bottom: copy its id (`C…`) "
	"into "
	"`channel`.\n\n"
	"The beginning, a change for the worse, reminders and the end of an incident are shown in "
	"the "
	"channel, too; the rest only in the thread.  A message that somebody deleted is posted "
	"anew.\n\n"
	"The incident's link is shown where `api.public_url` is set: an address of this host "
	"itself "
	"leads nowhere on a phone.";

/* ---- settings ---- */

/* NULL: it is none. */
static char *
mention_of(const char *name)
{
	size_t rest = strlen(name) > 1 ? strspn(name + 1, UPPER_DIGITS) + 1 : 0;

	if (str_eq(name, "here") || str_eq(name, "channel") || str_eq(name, "everyone"))
		return xasprintf("<!%s> ", name);
	if (rest != strlen(name) || rest < 3 || rest > 64)
		return NULL;
	if (name[0] == 'U' || name[0] == 'W')
		return xasprintf("<@%s> ", name);
	return name[0] == 'S' ? xasprintf("<!subteam^%s> ", name) : NULL;
}

static void
check_mention(struct slack_conf *conf, const struct conf_node *map, struct complaints *complaints)
{
	struct conf_pos at = conf_pos_of(map, "mention");
	struct buf all;

	buf_init(&all, 0);
	if (conf->mention.count > MENTIONS_MAX)
		complain(complaints, &at, "mention: at most %d", MENTIONS_MAX);
	for (size_t i = 0; i < conf->mention.count; i++) {
		char *one = mention_of(conf->mention.all[i]);

		if (one == NULL)
			complain(complaints, &at,
				"mention: \"%s\" is neither here, channel nor an id; ids are in "
				"the profile of a person (U...) or of a group (S...)",
				conf->mention.all[i]);
		else
			buf_add_text(&all, one);
		free(one);
	}
	conf->mentions = buf_take_text(&all);
}

static void
check_bot(struct slack_conf *conf, const struct conf_node *map, struct complaints *complaints)
{
	struct conf_pos at = conf_pos_of(map, "token");

	if (conf->post.url == NULL)
		conf->post.url = xstrdup(API_URL);
	if (conf->channel == NULL)
		complain(complaints, &at,
			"token: a bot needs a channel to post to; set channel to its id (C...)");
	if (!str_starts(conf->token, "xoxb-"))
		complain(complaints, &at, "token: a bot's token begins with xoxb-");
	else if (strspn(conf->token, UPPER_DIGITS "abcdefghijklmnopqrstuvwxyz-.") !=
		 strlen(conf->token))
		complain(complaints, &at, "token: there is something in it that no token has");
	if (strstr(conf->post.url, "/services/") != NULL) {
		at = conf_pos_of(map, "url");
		complain(complaints, &at,
			"url: that is an incoming webhook; take out url, or token and channel");
	}
}

static void
check_hook(
	const struct slack_conf *conf, const struct conf_node *map, struct complaints *complaints)
{
	struct conf_pos at = conf_pos_of(map, "channel");

	if (conf->channel != NULL)
		complain(complaints, &at,
			"channel: an incoming webhook has the channel it was made for; take "
			"channel out, or set the token of a bot");
	at = conf_pos_of(map, "url");
	if (conf->post.url == NULL)
		complain(complaints, &at,
			"url: is missing; set it to an incoming webhook, or set token and "
			"channel");
}

static void
check(void *arg, const struct conf_node *map, struct tls_pool *tls, struct complaints *complaints)
{
	struct slack_conf *conf = arg;

	if (conf->token != NULL)
		check_bot(conf, map, complaints);
	else
		check_hook(conf, map, complaints);
	check_mention(conf, map, complaints);
	post_check(&conf->post, map, tls, complaints);
}

static void
release(void *arg)
{
	struct slack_conf *conf = arg;

	free(conf->mentions);
	conf->mentions = NULL;
	post_release(&conf->post);
}

static void
target(const void *arg, char *out, size_t size)
{
	const struct slack_conf *conf = arg;
	size_t len;

	post_target(&conf->post, out, size);
	len = strlen(out);
	if (conf->token != NULL && conf->channel != NULL)
		snprintf(out + len, size - len, ", channel %s", conf->channel);
}

/* ---- what was done before ---- */

/* {"to": as configured, "channel": id, "ts": of the message, "edited", "replied": ids of notices}
 */
static const char *
remembered(const struct send_run *run, const char *key)
{
	const struct slack_conf *conf = send_conf(run);
	const json_t *memory = send_memory(run);

	if (!str_eq(json_string_value(json_object_get(memory, "to")), conf->channel))
		return NULL; /* another channel is set now */
	return json_string_value(json_object_get(memory, key));
}

static bool
is_done(const struct send_run *run, const char *key)
{
	return str_eq(remembered(run, key), send_notice(run)->id);
}

static void
remember_done(struct send_run *run, const char *key)
{
	json_t *memory = json_deep_copy(send_memory(run));

	json_object_set_new(memory, key, json_string(send_notice(run)->id));
	send_remember(run, memory);
}

static void
remember_message(struct send_run *run, const json_t *answer)
{
	const struct slack_conf *conf = send_conf(run);
	const char *channel = json_string_value(json_object_get(answer, "channel"));
	const char *ts = json_string_value(json_object_get(answer, "ts"));
	const char *id = send_notice(run)->id;

	if (channel == NULL || ts == NULL || strlen(channel) > 64 || strlen(ts) > 64) {
		send_remember(run, NULL); /* the next event is a message of its own */
		return;
	}
	send_remember(run, json_pack("{s:s, s:s, s:s, s:s, s:s}", "to", conf->channel, "channel",
				   channel, "ts", ts, "edited", id, "replied", id));
}

/* ---- one request ---- */

static const char *
mention_for(const struct slack_conf *conf, const struct notice *notice)
{
	bool is_due = standing_is_loud(notice) && !notice->is_resolved &&
		      !str_eq(notice->type, NOTICE_TEST) &&
		      (int)notice->severity >= conf->mention_min + (int)SEVERITY_INFO;

	return is_due ? conf->mentions : "";
}

static json_t *
make_body(const struct send_run *run, enum step step, const struct message *m)
{
	const struct slack_conf *conf = send_conf(run);
	const struct notice *notice = send_notice(run);
	const char *mention = step == STEP_UPDATE ? "" : mention_for(conf, notice);
	json_t *body;
	char *text;

	if (step != STEP_REPLY) {
		body = slack_message(m, mention);
	} else {
		text = slack_reply(m, notice, mention);
		body = json_pack("{s:s, s:b, s:b, s:b}", "text", text, "unfurl_links", 0,
			"unfurl_media", 0, "reply_broadcast", standing_is_loud(notice));
		json_object_set_new(body, "thread_ts", json_string(remembered(run, "ts")));
		free(text);
	}
	if (step == STEP_UPDATE) {
		json_object_set_new(body, "channel", json_string(remembered(run, "channel")));
		json_object_set_new(body, "ts", json_string(remembered(run, "ts")));
		json_object_del(body, "unfurl_links");
		json_object_del(body, "unfurl_media");
	} else if (step != STEP_HOOK) {
		const char *channel = step == STEP_REPLY ? remembered(run, "channel") : NULL;

		json_object_set_new(
			body, "channel", json_string(channel == NULL ? conf->channel : channel));
	}
	return body;
}

static void judge_api(
	struct send_run *run, const struct http_reply *reply, struct post_verdict *verdict);

static void
call(struct send_run *run, enum step step)
{
	const struct slack_conf *conf = send_conf(run);
	struct slack_run *state = send_state(run);
	struct message *m =
		message_new(send_notice(run), send_daemon_name(run), send_language(run));
	json_t *body = make_body(run, step, m);
	struct post_request request = { .body = json_dumps(body, JSON_COMPACT) };
	char *url = NULL, *bearer = NULL;
	struct http_header header = { "authorization", NULL };

	state->step = step;
	if (step != STEP_HOOK) {
		size_t len = strlen(conf->post.url);

		len -= conf->post.url[len - 1] == '/';
		url = xasprintf("%.*s/%s", (int)len, conf->post.url,
			step == STEP_UPDATE ? "chat.update" : "chat.postMessage");
		bearer = xasprintf("Bearer %s", conf->token);
		header.value = bearer;
		request.url = url;
		request.headers = &header;
		request.header_count = 1;
	}
	post_start(run, &state->post, &conf->post, &request,
		step == STEP_HOOK ? slack_judge_hook : judge_api);
	free(url);
	free(bearer);
	json_decref(body);
	message_free(m);
}

/* ---- the bot's steps ---- */

static void
go_on(struct send_run *run, struct post_verdict *verdict, enum step step)
{
	call(run, step);
	verdict->result = SEND_NONE;
}

static void
after_update(struct send_run *run, struct post_verdict *verdict)
{
	remember_done(run, "edited");
	go_on(run, verdict, STEP_REPLY);
}

static void
took(struct send_run *run, const json_t *answer, struct post_verdict *verdict)
{
	const struct slack_run *state = send_state(run);

	if (state->step == STEP_POST)
		remember_message(run, answer);
	else if (state->step == STEP_UPDATE)
		after_update(run, verdict);
	else if (state->step == STEP_REPLY)
		remember_done(run, "replied");
}

/* The message that cannot be reached is forgotten when there is a new one, and not before. */
static void
refused(struct send_run *run, enum slack_fate fate, struct post_verdict *verdict)
{
	const struct slack_run *state = send_state(run);

	if (state->step == STEP_UPDATE && fate == SLACK_GONE) {
		go_on(run, verdict, STEP_POST);
	} else if (state->step == STEP_UPDATE && fate == SLACK_FIXED) {
		after_update(run, verdict);
	} else if (state->step == STEP_REPLY && (fate == SLACK_CLOSED || fate == SLACK_GONE)) {
		/* The message has its newest state, but nobody would notice. */
		go_on(run, verdict, STEP_POST);
	}
}

static void
judge_api(struct send_run *run, const struct http_reply *reply, struct post_verdict *verdict)
{
	json_t *answer = post_json(reply);
	enum slack_fate fate;

	if (slack_judge_api(run, reply, answer, verdict, &fate))
		took(run, answer, verdict);
	else
		refused(run, fate, verdict);
	json_decref(answer);
}

static enum step
first_step(const struct send_run *run)
{
	const struct slack_conf *conf = send_conf(run);
	const struct notice *notice = send_notice(run);

	if (conf->token == NULL)
		return STEP_HOOK;
	if (notice->digest != NULL || str_eq(notice->type, NOTICE_TEST))
		return STEP_LONE;
	if (remembered(run, "ts") == NULL || remembered(run, "channel") == NULL)
		return STEP_POST;
	return is_done(run, "edited") ? STEP_REPLY : STEP_UPDATE;
}

static void
start(struct send_run *run)
{
	if (is_done(run, "edited") && is_done(run, "replied"))
		send_done(run, SEND_OK, 0, "said already");
	else
		call(run, first_step(run));
}

static void
stop(struct send_run *run)
{
	struct slack_run *state = send_state(run);

	post_stop(&state->post);
}

const struct receiver_type receiver_type_slack = {
	.name = "slack",
	.summary = "Slack: an incoming webhook, or a bot that edits its messages.",
	.manual = manual,
	.fields = fields,
	.conf_size = sizeof(struct slack_conf),
	.run_size = sizeof(struct slack_run),
	.is_for_people = true,
	.rate_per_second = 1,
	.burst = 3,
	.timeout_us = 2 * USEC_PER_MIN, /* of up to three requests */
	.check = check,
	.release = release,
	.target = target,
	.start = start,
	.stop = stop,
};

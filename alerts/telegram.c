/*
 * Telegram by a bot: one message for each incident, edited as it goes on (standing.h).
 *
 *	no message yet -> sendMessage -> its id is remembered
 *	there is one   -> editMessageText -> (loud) sendMessage, a reply of a line
 *	                        |-> refused: it is gone: sendMessage anew
 *	group upgraded -> the same once more to the supergroup, which is remembered
 *
 * The documented limit is 4096 characters after the markup is taken off.  Measured, those are code
 * points; libraries say UTF-16 units.  We count units with the markup, which is within both.
 * The token is in the URL: only the origin is ever said.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/post.h"
#include "alerts/standing.h"
#include "alerts/table.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#define TEXT_MAX   4096
#define TOKEN_MAX  128
#define WAIT_MAX_S 86400
#define HOPS_MAX   1 /* a supergroup is not upgraded again */

struct telegram_conf {
	struct post_conf post;
	char *token, *chat_id;
	int64_t thread;
	int silent_below;
	/* Made by check(). */
	char *base; /* "https://api.telegram.org/bot<token>/" */
};

enum step { STEP_POST, STEP_EDIT, STEP_NOTE };

struct telegram_run {
	struct post post;
	struct message *message;
	enum step step;
	int64_t chat; /* where the group went; 0: it is where the settings say */
	unsigned hops;
};

#define ROW struct telegram_conf

/* In the order of enum severity, from info on. */
static const char *const silences[] = { "warning", "critical", NULL };

static const struct conf_field fields[] = {
	{ "token", SECRET_AT(ROW, token), .flags = CONF_REQUIRED,
		.doc = "The bot's token, as @BotFather gave it.",
		.example = "\"${TELEGRAM_TOKEN}\"" },
	{ "chat_id", STRING_AT(ROW, chat_id), .flags = CONF_REQUIRED,
		.doc = "The chat: a number (negative for groups), or `@name` of a public channel.",
		.example = "-1001234567890" },
	{ "message_thread_id", INT_AT(ROW, thread), .min = "1", .max = "2147483647",
		.doc = "A topic of a group with topics." },
	{ "silent_below", ENUM_AT(ROW, silent_below, silences),
		.doc = "Messages about what is less than this come without a sound." },
	{ "url", URL_AT(ROW, post.url), .dflt = "https://api.telegram.org", .flags = CONF_ADVANCED,
		.doc = "A Bot API server of your own." },
	POST_ROWS(ROW),
	{ .type = CONF_END },
};

static const char manual[] =
	"One message for each incident, edited as the incident goes on.  An edit makes no phone "
	"ring, so when it gets worse, is still open after `repeat_interval`, comes back or ends, a "
	"short reply to it follows.  A message that somebody deleted is posted anew.\n\n"
	"1. Write to @BotFather: `/newbot`.  It answers with the token; put it into the "
	"environment or a file: `token: \"${TELEGRAM_TOKEN}\"`.\n"
	"2. Write something to the bot, or add it to the group (to a channel as an administrator "
	"who may post).\n"
	"3. `curl https://api.telegram.org/bot$TELEGRAM_TOKEN/getUpdates` shows `\"chat\":{\"id\":`"
	" and the number for `chat_id`.\n"
	"4. In a group with topics, the first number in a topic's link behind the group's is "
	"`message_thread_id`.\n\n"
	"When a group becomes a supergroup its number changes.  Messages follow it, and the log "
	"says the new number.";

/* ---- settings ---- */

static bool
is_token(const char *text)
{
	size_t digits = strspn(text, "0123456789"), len = strlen(text);

	return digits > 0 && text[digits] == ':' && len <= TOKEN_MAX && len > digits + 1 &&
	       strspn(text + digits + 1, "-_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789") == len - digits - 1;
}

static bool
read_number(const char *text, int64_t *out)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || value == 0)
		return false;
	*out = value;
	return true;
}

static bool
is_chat(const char *text)
{
	int64_t number;

	if (text[0] != '@')
		return read_number(text, &number);
	return isalpha((unsigned char)text[1]) && strlen(text) <= 64 &&
	       strspn(text + 1, "_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				"0123456789") == strlen(text + 1);
}

static void
check(void *arg, const struct conf_node *map, struct tls_pool *tls, struct complaints *complaints)
{
	struct telegram_conf *conf = arg;
	struct conf_pos url = conf_pos_of(map, "url"), token = conf_pos_of(map, "token"),
			chat = conf_pos_of(map, "chat_id");
	size_t len;

	post_check(&conf->post, map, tls, complaints);
	if (conf->token != NULL && !is_token(conf->token))
		complain(complaints, &token,
			"token: is not a bot's token (123456:ABC-DEF...); @BotFather shows it "
			"with /token");
	if (conf->chat_id != NULL && !is_chat(conf->chat_id))
		complain(complaints, &chat,
			"chat_id: \"%.60s\" is neither a number nor @name of a channel",
			conf->chat_id);
	if (conf->post.url == NULL || conf->token == NULL)
		return;
	if (strpbrk(conf->post.url, "?#") != NULL)
		complain(complaints, &url, "url: only the server belongs here");
	len = strlen(conf->post.url);
	while (len > 0 && conf->post.url[len - 1] == '/')
		len--;
	conf->base = xasprintf("%.*s/bot%s/", (int)len, conf->post.url, conf->token);
}

static void
release(void *arg)
{
	struct telegram_conf *conf = arg;

	if (conf->base != NULL)
		secret_wipe(conf->base, strlen(conf->base));
	free(conf->base);
	conf->base = NULL;
	post_release(&conf->post);
}

/* ---- markup ---- */

static void
escape(struct buf *out, const char *text, size_t len)
{
	for (size_t at = 0; at < len; at++) {
		if (text[at] == '&')
			buf_add_text(out, "&amp;");
		else if (text[at] == '<')
			buf_add_text(out, "&lt;");
		else if (text[at] == '>')
			buf_add_text(out, "&gt;");
		else if (text[at] == '"')
			buf_add_text(out, "&quot;");
		else
			buf_add(out, text + at, 1);
	}
}

static void
add_link(struct buf *out, const char *label, const char *url)
{
	buf_add_text(out, "<a href=\"");
	escape(out, url, strlen(url));
	buf_add_text(out, "\">");
	escape(out, label, strlen(label));
	buf_add_text(out, "</a>");
}

static const struct message_form form = {
	.escape = escape,
	.bold = { "<b>", "</b>" },
	.code = { "<code>", "</code>" },
	.block = { "<pre>", "</pre>" },
	.newline = "\n",
	.paragraph = "\n",
	.link = add_link,
	.max = TEXT_MAX,
	.unit = UNIT_UTF16,
	.has_headline = true,
};

/* ---- what is remembered: the message, and the chat that it stands in ---- */

/* What was remembered for another chat, by older settings, is not looked at. */
static const json_t *
memory_of(struct send_run *run)
{
	const struct telegram_conf *conf = send_conf(run);
	const json_t *memory = send_memory(run);
	const char *chat = json_string_value(json_object_get(memory, "chat"));

	return chat != NULL && str_eq(chat, conf->chat_id) ? memory : NULL;
}

static json_int_t
remembered(struct send_run *run)
{
	return json_integer_value(json_object_get(memory_of(run), "message"));
}

/* `message` 0: only where the group went, if it did. */
static void
remember(struct send_run *run, json_int_t message)
{
	const struct telegram_conf *conf = send_conf(run);
	const struct telegram_run *state = send_state(run);
	json_t *memory = json_pack("{s:s}", "chat", conf->chat_id);

	if (message != 0)
		json_object_set_new(memory, "message", json_integer(message));
	if (state->chat != 0)
		json_object_set_new(memory, "moved_to", json_integer(state->chat));
	send_remember(run, memory);
}

/* ---- answers ---- */

/* What Telegram says, by the beginning of its words; the first row that fits. */
static const struct telegram_error {
	int code; /* 0: any */
	const char *begin;
	enum send_class why;
	const char *words;
} errors[] = {
	{ 401, "", SEND_CLASS_AUTH, "the token is wrong or was revoked: ask @BotFather for it" },
	{ 404, "Not Found", SEND_CLASS_AUTH,
		"there is no such bot: is the token right? (@BotFather, /token)" },
	{ 400, "Bad Request: chat not found", SEND_CLASS_AUTH,
		"chat not found: write to the bot or add it to the group, and look at chat_id" },
	{ 400, "Bad Request: message thread not found", SEND_CLASS_AUTH,
		"there is no such topic: look at message_thread_id" },
	{ 400, "Bad Request: TOPIC_CLOSED", SEND_CLASS_AUTH, "the topic is closed" },
	{ 400, "Bad Request: not enough rights", SEND_CLASS_AUTH,
		"the bot may not write there: make it an administrator who may post" },
	{ 403, "Forbidden: bot was blocked", SEND_CLASS_AUTH, "the user has blocked the bot" },
	{ 403, "Forbidden: bot was kicked", SEND_CLASS_AUTH,
		"the bot was removed from the group: add it again" },
	{ 403, "Forbidden: bot can't initiate", SEND_CLASS_AUTH,
		"the user must write to the bot first" },
	{ 403, "Forbidden: bot is not a member", SEND_CLASS_AUTH,
		"the bot is not in the channel: add it as an administrator" },
};

static const char *
words_of(const json_t *answer)
{
	const char *words = json_string_value(json_object_get(answer, "description"));

	return words == NULL ? "" : words;
}

static const json_t *
parameter(const json_t *answer, const char *name)
{
	return json_object_get(json_object_get(answer, "parameters"), name);
}

static void
judge_wait(const json_t *answer, struct post_verdict *verdict)
{
	json_int_t seconds = json_integer_value(parameter(answer, "retry_after"));

	if (seconds <= 0)
		return;
	seconds = seconds < WAIT_MAX_S ? seconds : WAIT_MAX_S;
	if (seconds * USEC_PER_SEC > verdict->retry_after_us)
		verdict->retry_after_us = seconds * USEC_PER_SEC;
}

static void
judge_failure(const json_t *answer, int status, struct post_verdict *verdict)
{
	const char *words = words_of(answer);

	if (*words != '\0')
		str_printable(verdict->words, sizeof(verdict->words), words, strlen(words));
	if (verdict->result == SEND_LATER)
		judge_wait(answer, verdict);
	if (verdict->result != SEND_NEVER || answer == NULL)
		return;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (errors[i].code != status || !str_starts(words, errors[i].begin))
			continue;
		verdict->why = errors[i].why;
		str_copy(verdict->words, sizeof(verdict->words), errors[i].words);
		return;
	}
}

static void begin(struct send_run *run, enum step step);

/* Whether the group became a supergroup: then the same goes there. */
static bool
follows(struct send_run *run, const json_t *answer, struct post_verdict *verdict)
{
	const struct telegram_conf *conf = send_conf(run);
	struct telegram_run *state = send_state(run);
	json_int_t chat = json_integer_value(parameter(answer, "migrate_to_chat_id"));

	if (verdict->result != SEND_NEVER || chat == 0 || state->hops == HOPS_MAX)
		return false;
	state->hops++;
	state->chat = chat;
	log_warn("telegram: the group %s is a supergroup now: set chat_id to %lld", conf->chat_id,
		(long long)chat);
	/* The ids of messages begin anew there. */
	remember(run, 0);
	verdict->result = SEND_NONE;
	begin(run, STEP_POST);
	return true;
}

static void
judge_edit(struct send_run *run, const json_t *answer, int status, struct post_verdict *verdict)
{
	bool is_same = status == 400 &&
		       str_starts(words_of(answer), "Bad Request: message is not modified");

	if (verdict->result == SEND_OK || is_same) {
		verdict->result = SEND_OK;
		verdict->why = SEND_CLASS_NONE;
		verdict->words[0] = '\0';
		if (standing_act(send_notice(run), true) == STANDING_EDIT)
			return;
		verdict->result = SEND_NONE;
		begin(run, STEP_NOTE);
		return;
	}
	judge_failure(answer, status, verdict);
	if (verdict->result != SEND_NEVER)
		return;
	/* Deleted, or not to be edited any more; if it is the token or the chat that is wrong, then
	 * the next answer says so, and the message is not forgotten. */
	verdict->result = SEND_NONE;
	begin(run, STEP_POST);
}

static void
judge_send(struct send_run *run, const json_t *answer, int status, struct post_verdict *verdict)
{
	const struct telegram_run *state = send_state(run);
	const struct notice *notice = send_notice(run);
	json_int_t id = json_integer_value(
		json_object_get(json_object_get(answer, "result"), "message_id"));

	if (verdict->result != SEND_OK) {
		judge_failure(answer, status, verdict);
		return;
	}
	if (state->step == STEP_POST && id != 0 && notice->digest == NULL &&
		!str_eq(notice->type, NOTICE_TEST))
		remember(run, id);
}

static void
judge(struct send_run *run, const struct http_reply *reply, struct post_verdict *verdict)
{
	const struct telegram_run *state = send_state(run);
	json_t *answer = post_json(reply);

	/* `ok` decides; a 200 without it comes from somebody else. */
	if (verdict->result == SEND_OK && !json_is_true(json_object_get(answer, "ok"))) {
		verdict->result = SEND_LATER;
		verdict->why = SEND_CLASS_SERVER;
		str_copy(verdict->words, sizeof(verdict->words),
			"this is not how Telegram answers; is url right?");
	} else if (follows(run, answer, verdict)) {
		/* sent there */
	} else if (state->step == STEP_EDIT) {
		judge_edit(run, answer, reply->status, verdict);
	} else {
		judge_send(run, answer, reply->status, verdict);
	}
	json_decref(answer);
}

/* ---- one try ---- */

static bool
is_silent(const struct telegram_conf *conf, const struct notice *notice)
{
	if (!standing_is_loud(notice))
		return true;
	return conf->silent_below >= 0 &&
	       (int)notice->severity < (int)SEVERITY_WARNING + conf->silent_below;
}

static json_t *
chat_of(const struct telegram_conf *conf, const struct telegram_run *state)
{
	int64_t number;

	if (state->chat != 0)
		return json_integer(state->chat);
	return read_number(conf->chat_id, &number) ? json_integer(number)
						   : json_string(conf->chat_id);
}

/* What only a new message has. */
static void
add_sending(json_t *body, struct send_run *run, enum step step)
{
	const struct telegram_conf *conf = send_conf(run);

	if (conf->thread > 0)
		json_object_set_new(body, "message_thread_id", json_integer(conf->thread));
	if (is_silent(conf, send_notice(run)))
		json_object_set_new(body, "disable_notification", json_true());
	if (step == STEP_NOTE)
		json_object_set_new(body, "reply_parameters",
			json_pack("{s:I, s:b}", "message_id", remembered(run),
				"allow_sending_without_reply", 1));
}

static char *
body_of(struct send_run *run, enum step step)
{
	const struct telegram_run *state = send_state(run);
	char *text = step == STEP_NOTE ? standing_note(state->message, &form)
				       : message_render(state->message, &form);
	json_t *body = json_pack("{s:o, s:s, s:s, s:{s:b}}", "chat_id",
		chat_of(send_conf(run), state), "text", text, "parse_mode", "HTML",
		"link_preview_options", "is_disabled", 1);
	char *out;

	if (step == STEP_EDIT)
		json_object_set_new(body, "message_id", json_integer(remembered(run)));
	else
		add_sending(body, run, step);
	out = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	free(text);
	return out;
}

static void
begin(struct send_run *run, enum step step)
{
	const struct telegram_conf *conf = send_conf(run);
	struct telegram_run *state = send_state(run);
	char *url = xasprintf(
		"%s%s", conf->base, step == STEP_EDIT ? "editMessageText" : "sendMessage");
	const struct post_request request = { .url = url, .body = body_of(run, step) };

	state->step = step;
	post_start(run, &state->post, &conf->post, &request, judge);
	secret_wipe(url, strlen(url));
	free(url);
}

static void
start(struct send_run *run)
{
	const struct telegram_conf *conf = send_conf(run);
	struct telegram_run *state = send_state(run);
	const struct notice *notice = send_notice(run);
	bool has_message = remembered(run) != 0;

	state->chat = json_integer_value(json_object_get(memory_of(run), "moved_to"));
	state->message = message_new(notice, send_daemon_name(run), send_language(run));
	/* Alone too: its colon may come back as %3A. */
	send_hide(run, strchr(conf->token, ':') + 1);
	begin(run, standing_act(notice, has_message) == STANDING_POST ? STEP_POST : STEP_EDIT);
}

static void
stop(struct send_run *run)
{
	struct telegram_run *state = send_state(run);

	post_stop(&state->post);
	message_free(state->message);
	state->message = NULL;
}

const struct receiver_type receiver_type_telegram = {
	.name = "telegram",
	.summary = "A Telegram chat, group or channel, by a bot.",
	.manual = manual,
	.fields = fields,
	.conf_size = sizeof(struct telegram_conf),
	.run_size = sizeof(struct telegram_run),
	.is_for_people = true,
	/* A group takes 20 messages a minute: 8 at once and 12 in the minute that follows. */
	.rate_per_second = 0.2,
	.burst = 8,
	.timeout_us = 2 * USEC_PER_MIN,
	.check = check,
	.release = release,
	.target = post_target_conf,
	.start = start,
	.stop = stop,
};

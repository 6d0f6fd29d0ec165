/*
 * WeCom: Markdown through a group's message push (the group robot of old).
 *
 * The text has at most 4096 bytes, not characters.  Its Markdown knows headings, bold, links, code
 * in a line, quotes, three colours and <@userid>, but no way to escape any of them: what would be
 * markup is taken apart with a zero-width space, or written as its wide twin.  Markdown cannot call
 * everybody, so that `mention: all` makes the critical message a plain text.  Every answer is HTTP
 * 200 with an errcode; only 0 means taken.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alerts/message.h"
#include "alerts/robot.h"
#include "alerts/table.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/record.h"

#define MARKDOWN_MAX 4096 /* bytes of the content */
#define TEXT_MAX     2048
#define TITLE_MAX    100 /* characters */
#define NAMES_MAX    20
#define APART        "\xe2\x80\x8b" /* U+200B */

struct wecom_conf {
	struct post_conf post;
	struct conf_strings mention;
};

static const struct conf_field fields[] = {
	{ "url", URL_AT(struct wecom_conf, post.url), .flags = CONF_REQUIRED | CONF_MASKED,
		.doc = "The webhook address of the group's message push with its `key`, which is a "
		       "secret and never shown.",
		.example = "\"${WECOM_WEBHOOK_URL}\"" },
	{ "mention", STRINGS_AT(struct wecom_conf, mention),
		.doc = "Whom to call by name when something becomes critical: user ids, or `all`.",
		.example = "[wangqing]" },
	POST_ROWS(struct wecom_conf),
	{ .type = CONF_END },
};

static const char manual[] =
	"Markdown messages in a group of WeCom (企业微信), through the group's message push, "
	"formerly its robot.\n\n"
	"1. In the group: the menu at the top right, Message Push (消息推送) or Group Robot "
	"(群机器人), Add, New.\n"
	"2. Copy the webhook address, with its `key`, into `url`.\n"
	"3. `triage test NAME` shows what WeCom answers.\n\n"
	"There is nothing to sign: who has the address can write into the group, so keep it as "
	"secret as a password.  20 messages are taken in a minute; triaged stays below and gathers "
	"the rest into digests.  `mention: all` makes critical messages plain text, because "
	"Markdown cannot call everybody there.";

static const struct robot_code codes[] = {
	{ -1, NULL, SEND_LATER, SEND_CLASS_SERVER, 0, "they are busy" },
	{ 45009, NULL, SEND_LATER, SEND_CLASS_RATE, 60, "more than 20 messages in a minute" },
	{ 45033, NULL, SEND_LATER, SEND_CLASS_RATE, 5, "too many requests at once" },
	{ 93000, NULL, SEND_NEVER, SEND_CLASS_AUTH, 0,
		"no such key, or the robot left the group: copy its webhook address anew into "
		"url" },
	{ 93004, NULL, SEND_NEVER, SEND_CLASS_AUTH, 0,
		"the robot is switched off: enable it in the group's settings" },
	{ 93008, NULL, SEND_NEVER, SEND_CLASS_AUTH, 0,
		"the robot is not in the group any more: add one and set url to its address" },
	{ 40058, NULL, SEND_NEVER, SEND_CLASS_CLIENT, 0,
		"they refuse the message's form or length; please report this as a bug of "
		"triaged" },
	{ 40008, NULL, SEND_NEVER, SEND_CLASS_CLIENT, 0,
		"they do not take this kind of message; please report this as a bug of triaged" },
	{ 44004, NULL, SEND_NEVER, SEND_CLASS_CLIENT, 0,
		"they saw an empty message; please report this as a bug of triaged" },
	{ 45002, NULL, SEND_NEVER, SEND_CLASS_CLIENT, 0,
		"the message is too long; please report this as a bug of triaged" },
	{ 60020, NULL, SEND_NEVER, SEND_CLASS_AUTH, 0,
		"this host's address is not allowed: add it to the trusted IP addresses" },
};

static const struct robot_dialect dialect = {
	.service = "WeCom",
	.codes = { "errcode" },
	.texts = { "errmsg" },
	.rows = codes,
	.count = sizeof(codes) / sizeof(codes[0]),
};

/* The three colours there are: green, grey, orange. */
static const char *const colours[MESSAGE_MOODS] = {
	[MESSAGE_GOOD] = "info",
	[MESSAGE_INFO] = "comment",
	[MESSAGE_WARNING] = "warning",
	[MESSAGE_CRITICAL] = "warning",
	[MESSAGE_TEST] = "comment",
};

/* ---- settings ---- */

static void
check(void *arg, const struct conf_node *map, struct tls_pool *tls, struct complaints *complaints)
{
	struct wecom_conf *conf = arg;
	struct conf_pos at = conf_pos_of(map, "mention");

	post_check(&conf->post, map, tls, complaints);
	robot_check_url(&conf->post, "https://qyapi.weixin.qq.com", "key=", map, complaints);
	robot_check_names("mention", &conf->mention, "_-.@", map, complaints);
	if (conf->mention.count > NAMES_MAX)
		complain(complaints, &at, "mention: at most %d", NAMES_MAX);
}

/* ---- Markdown without escapes ---- */

/* Characters that begin or end markup wherever they stand, and what is written instead. */
static const struct twin {
	char c;
	const char *twin;
} twins[] = {
	{ '<', "＜" },
	{ '`', "ˋ" },
};

/* Would this character and the one behind it be markup? */
static bool
is_pair(const char *text, size_t at, size_t len)
{
	char next = at + 1 < len ? text[at + 1] : '\0';

	switch (text[at]) {
	case '*':
	case '_':
		return next == text[at];
	case ']':
		return next == '(';
	case '&':
		return next == '#' || (len - at > 2 && strncasecmp(text + at + 1, "lt", 2) == 0);
	default:
		return false;
	}
}

static void
escape(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool is_first = i == 0 || text[i - 1] == '\n';
		const char *twin = NULL;

		for (size_t t = 0; t < sizeof(twins) / sizeof(twins[0]); t++) {
			if (text[i] == twins[t].c)
				twin = twins[t].twin;
		}
		if (is_first && (text[i] == '#' || text[i] == '>'))
			buf_add_text(out, APART);
		if (twin != NULL)
			buf_add_text(out, twin);
		else
			buf_add(out, text + i, 1);
		if (is_pair(text, i, len))
			buf_add_text(out, APART);
	}
}

static void
escape_code(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '`')
			buf_add_text(out, "ˋ");
		else if (text[i] == '<' && i + 1 < len && text[i + 1] == '@')
			buf_add_text(out, "＜");
		else
			buf_add(out, text + i, 1);
	}
}

static void
add_link(struct buf *out, const char *label, const char *url)
{
	robot_add_link(out, escape, label, url);
}

/* ---- the message ---- */

static char *
write_names(const struct conf_strings *names)
{
	struct buf text;

	buf_init(&text, 0);
	for (size_t i = 0; i < names->count; i++)
		buf_addf(&text, "%s<@%s>", i == 0 ? "\n" : " ", names->all[i]);
	return buf_take_text(&text);
}

static json_t *
write_markdown(const struct message *m, const struct conf_strings *names)
{
	char *whole = message_title(m), *title = message_cut(whole, TITLE_MAX, UNIT_CHARS);
	char *tail = names == NULL ? xstrdup("") : write_names(names), *body;
	struct message_form form = {
		.escape = escape,
		.escape_code = escape_code,
		.bold = { "**", "**" },
		.code = { "`", "`" },
		.newline = "\n",
		.paragraph = "\n",
		.link = add_link,
		.unit = UNIT_BYTES,
	};
	struct buf text;
	json_t *json;

	buf_init(&text, 0);
	buf_addf(&text, "### <font color=\"%s\">", colours[m->mood]);
	escape(&text, title, strlen(title));
	buf_add_text(&text, "</font>\n");
	form.max = MARKDOWN_MAX - buf_left(&text) - strlen(tail);
	body = message_render(m, &form);
	buf_add_text(&text, body);
	buf_add_text(&text, tail);
	json = json_pack("{s:s, s:{s:o}}", "msgtype", "markdown", "markdown", "content",
		record_text(buf_text(&text)));
	buf_fini(&text);
	free(body);
	free(tail);
	free(title);
	free(whole);
	return json;
}

/* <@userid> is read in plain text too. */
static json_t *
write_plain(const struct message *m, const struct conf_strings *names)
{
	const struct message_form form = {
		.escape = escape,
		.newline = "\n",
		.paragraph = "\n",
		.max = TEXT_MAX,
		.unit = UNIT_BYTES,
		.has_headline = true,
	};
	char *text = message_render(m, &form);
	json_t *list = json_array(), *json;

	for (size_t i = 0; i < names->count; i++)
		json_array_append_new(
			list, json_string(str_eq(names->all[i], "all") ? "@all" : names->all[i]));
	json = json_pack("{s:s, s:{s:o, s:o}}", "msgtype", "text", "text", "content",
		record_text(text), "mentioned_list", list);
	free(text);
	return json;
}

/* ---- one try ---- */

static void
judge(struct send_run *run, const struct http_reply *reply, struct post_verdict *verdict)
{
	(void)run;
	robot_judge(&dialect, reply, verdict);
}

static void
start(struct send_run *run)
{
	const struct wecom_conf *conf = send_conf(run);
	const struct notice *notice = send_notice(run);
	struct message *message = message_new(notice, send_daemon_name(run), send_language(run));
	const struct conf_strings *names =
		conf->mention.count > 0 && robot_calls(notice) ? &conf->mention : NULL;
	struct post_request request = { 0 };
	json_t *body = names != NULL && robot_has_name(names, "all")
			       ? write_plain(message, names)
			       : write_markdown(message, names);

	request.body = json_dumps(body, JSON_COMPACT);
	post_start(run, send_state(run), &conf->post, &request, judge);
	json_decref(body);
	message_free(message);
}

const struct receiver_type receiver_type_wecom = {
	.name = "wecom",
	.summary = "A group of WeCom, as Markdown of its message push.",
	.manual = manual,
	.fields = fields,
	.conf_size = sizeof(struct wecom_conf),
	.run_size = sizeof(struct post),
	.is_for_people = true,
	.rate_per_second = 15.0 / 60, /* and 4 at once: 19 in the worst minute, 20 are taken */
	.burst = 3,
	.timeout_us = POST_TIMEOUT_US,
	.check = check,
	.release = post_release_conf,
	.target = post_target_conf,
	.start = start,
	.stop = post_stop_run,
};

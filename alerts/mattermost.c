/*
 * Mattermost's incoming webhooks: the title as the post's text, the rest in one attachment with the
 * colour of the mood, in Markdown.  Nothing in it pings: a mention is broken by a character that is
 * not seen.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alerts/fit.h"
#include "alerts/message.h"
#include "alerts/post.h"
#include "alerts/table.h"
#include "base/str.h"

#define TITLE_MAX 1000
#define TEXT_MAX  4000           /* 16383 are allowed, but nobody reads that much on a phone */
#define UNSEEN    "\xe2\x80\x8b" /* U+200B, zero width space */

struct mattermost_conf {
	struct post_conf post;
	char *channel;
};

static const struct conf_field fields[] = {
	{ "url", URL_AT(struct mattermost_conf, post.url), .flags = CONF_REQUIRED | CONF_MASKED,
		.doc = "The incoming webhook.  Its path is never shown.",
		.example = "\"${MATTERMOST_WEBHOOK_URL}\"" },
	{ "channel", STRING_AT(struct mattermost_conf, channel),
		.doc = "Another channel than the webhook's own, by its name in the address bar.",
		.example = "alerts" },
	POST_ROWS(struct mattermost_conf),
	{ .type = CONF_END },
};

static const char manual[] =
	"1. In Mattermost: the product menu, *Integrations*, *Incoming Webhooks*, *Add Incoming "
	"Webhook*.  (If it is not there, an admin switches it on: *System Console*, *Integration "
	"Management*.)\n"
	"2. A title and the channel; *Save*.\n"
	"3. Copy the URL (`https://…/hooks/…`) into `url`.  It is a secret: keep it in the "
	"environment or a file.\n\n"
	"With `channel` the webhook must not be locked to its own.";

static void
check(void *arg, const struct conf_node *map, struct tls_pool *tls, struct complaints *complaints)
{
	struct mattermost_conf *conf = arg;

	post_check(&conf->post, map, tls, complaints);
}

/* ---- Markdown ---- */

static bool
is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* As it stands, because a backslash would become part of the link; but for what pings. */
static void
add_address(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '@')
			buf_add_text(out, "%40");
		else
			buf_add(out, &text[i], 1);
	}
}

static void
escape(struct buf *out, const char *text, size_t len)
{
	bool is_start = true; /* nothing but blanks before */

	for (size_t i = 0; i < len; i++) {
		size_t address = fit_address_len(text + i, len - i);

		if (address > 0) {
			add_address(out, text + i, address);
			i += address - 1;
			is_start = false;
			continue;
		}
		bool is_mark = strchr("\\`*_~[]|<>", text[i]) != NULL;
		bool is_head = is_start && strchr("#+-=", text[i]) != NULL;

		if (is_mark || is_head)
			buf_add_text(out, "\\");
		buf_add(out, &text[i], 1);
		/* "@here"; that of an address behind a name stays as it is. */
		if (text[i] == '@' && (i == 0 || !is_word(text[i - 1])))
			buf_add_text(out, UNSEEN);
		is_start = is_start && text[i] == ' ';
	}
}

/* A run of backticks would end the block. */
static void
escape_code(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		buf_add(out, &text[i], 1);
		if (text[i] == '`' && i + 1 < len && text[i + 1] == '`')
			buf_add_text(out, UNSEEN);
	}
}

/* In a link's address what would end it is percent-encoded. */
static void
add_link(struct buf *out, const char *label, const char *url)
{
	buf_add_text(out, "[");
	escape(out, label, strlen(label));
	buf_add_text(out, "](");
	for (; *url != '\0'; url++) {
		if (strchr("()<>[]\\\" ", *url) != NULL)
			buf_addf(out, "%%%02X", (unsigned char)*url);
		else
			buf_add(out, url, 1);
	}
	buf_add_text(out, ")");
}

static const struct message_form form = {
	.escape = escape,
	.escape_code = escape_code,
	.bold = { "**", "**" },
	.code = { "```\n", "\n```" },
	.block = { "```\n", "\n```" },
	.newline = "\n",
	.paragraph = "\n",
	.link = add_link,
	.max = TEXT_MAX,
	.unit = UNIT_CHARS,
};

/* ---- one try ---- */

static char *
make_title(const struct message *m)
{
	char *title = message_title(m), *cut = message_cut(title, TITLE_MAX / 4, UNIT_CHARS);
	struct buf out;

	buf_init(&out, 0);
	buf_add_text(&out, "**");
	escape(&out, cut, strlen(cut));
	buf_add_text(&out, "**");
	free(title);
	free(cut);
	return buf_take_text(&out);
}

static char *
make_body(const struct send_run *run)
{
	const struct mattermost_conf *conf = send_conf(run);
	struct message *m =
		message_new(send_notice(run), send_daemon_name(run), send_language(run));
	char *title = make_title(m), *text = message_render(m, &form), *body;
	char colour[8];
	json_t *json;

	snprintf(colour, sizeof(colour), "#%06X", m->colour & 0xffffffU);
	json = json_pack("{s:s, s:[{s:s, s:s, s:s}]}", "text", title, "attachments", "fallback",
		title, "color", colour, "text", text);
	if (conf->channel != NULL)
		json_object_set_new(json, "channel", json_string(conf->channel));
	body = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	free(title);
	free(text);
	message_free(m);
	return body;
}

/* By the id of the error, any status; the server says the rest in words. */
static const struct error_row {
	const char *id;
	enum send_class why;
	const char *words;
} errors[] = {
	{ "web.incoming_webhook.invalid.app_error", SEND_CLASS_AUTH,
		"the webhook is gone: make a new one and set url" },
	{ "web.incoming_webhook.disabled.app_error", SEND_CLASS_AUTH,
		"incoming webhooks are switched off; ask an admin" },
	{ "api.incoming_webhook.disabled.app_error", SEND_CLASS_AUTH,
		"incoming webhooks are switched off; ask an admin" },
	{ "web.incoming_webhook.channel.app_error", SEND_CLASS_AUTH,
		"no such channel; take the name from the address bar" },
	{ "web.incoming_webhook.channel_locked.app_error", SEND_CLASS_AUTH,
		"the webhook is locked to its own channel; take channel out" },
	{ "web.incoming_webhook.permissions.app_error", SEND_CLASS_AUTH,
		"who made the webhook may not post to that channel" },
	{ "web.incoming_webhook.user.app_error", SEND_CLASS_AUTH,
		"who made the webhook is gone: make a new one and set url" },
	{ "web.incoming_webhook.text.app_error", SEND_CLASS_CLIENT,
		"please report this to triaged" },
	{ "web.incoming_webhook.parse.app_error", SEND_CLASS_CLIENT,
		"please report this to triaged" },
};

static const struct error_row *
find_error(const char *id)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (str_eq(errors[i].id, id))
			return &errors[i];
	}
	return NULL;
}

static bool
is_taken(const struct http_reply *reply)
{
	return reply->status == 200 && str_eq(buf_text(&reply->body), "ok");
}

static void
judge(struct send_run *run, const struct http_reply *reply, struct post_verdict *verdict)
{
	json_t *answer = post_json(reply);
	const char *id = json_string_value(json_object_get(answer, "id"));
	const char *said = json_string_value(json_object_get(answer, "message"));
	const struct error_row *row = find_error(id == NULL ? "" : id);

	(void)run;
	if (verdict->result == SEND_OK && !is_taken(reply)) {
		verdict->result = SEND_LATER;
		verdict->why = SEND_CLASS_SERVER;
		str_copy(verdict->words, sizeof(verdict->words),
			"the answer is not \"ok\"; is url that of an incoming webhook?");
	} else if (row != NULL) {
		verdict->result = SEND_NEVER;
		verdict->why = row->why;
		str_copy(verdict->words, sizeof(verdict->words), row->words);
	} else if (said != NULL) {
		str_printable(verdict->words, sizeof(verdict->words), said, strlen(said));
	}
	json_decref(answer);
}

static void
start(struct send_run *run)
{
	const struct mattermost_conf *conf = send_conf(run);
	struct post_request request = { .body = make_body(run) };

	post_start(run, send_state(run), &conf->post, &request, judge);
}

const struct receiver_type receiver_type_mattermost = {
	.name = "mattermost",
	.summary = "A Mattermost channel.",
	.manual = manual,
	.fields = fields,
	.conf_size = sizeof(struct mattermost_conf),
	.run_size = sizeof(struct post),
	.is_for_people = true,
	.rate_per_second = 1,
	.burst = 4,
	.timeout_us = POST_TIMEOUT_US,
	.check = check,
	.release = post_release_conf,
	.target = post_target_conf,
	.start = start,
	.stop = post_stop_run,
};

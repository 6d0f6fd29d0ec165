/*
 * Slack's limits count characters of the text as it is sent, entities and all, and emoji may count
 * as their names: what is built here stays well below them.
 */
#include "alerts/slack_blocks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/fit.h"
#include "base/str.h"

#define TEXT_MAX    1000 /* of `text` and of a thread's reply's title; 4000 allowed */
#define SECTION_MAX 2900 /* 3000 allowed */
#define FIELD_MAX   1900 /* 2000 allowed */
#define CONTEXT_MAX 1500
#define EVIDENCE    900  /* a phone is small */
#define MEMBERS     1900 /* about 25 lines; their emoji may count tenfold */
#define URL_MAX     2900 /* 3000 allowed */
#define CODE_MAX    1200

void
slack_escape(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		switch (text[i]) {
		case '&':
			buf_add_text(out, "&amp;");
			break;
		case '<':
			buf_add_text(out, "&lt;");
			break;
		case '>':
			buf_add_text(out, "&gt;");
			break;
		default:
			buf_add(out, &text[i], 1);
		}
	}
}

static size_t
measure(const char *text)
{
	return message_measure(text, UNIT_UTF16);
}

static char *
escaped(const char *text)
{
	struct buf out;

	buf_init(&out, 0);
	slack_escape(&out, text, strlen(text));
	return buf_take_text(&out);
}

/* Cut before it is escaped, so that no entity is cut. */
static char *
fit(const char *text, size_t max)
{
	size_t room = max;

	for (;;) {
		char *cut = message_cut(text, room, UNIT_UTF16);
		char *safe = escaped(cut);

		free(cut);
		if (measure(safe) <= max || room == 0)
			return safe;
		free(safe);
		room = room * 3 / 4;
	}
}

/* Of an address, without the punctuation of the sentence that it ends; 0: there is none. */
static size_t
address_len(const char *text)
{
	size_t len = fit_address_len(text, strlen(text));

	while (len > 0 && strchr(".,;:!?", text[len - 1]) != NULL)
		len--;
	return len;
}

/* Escaped, with the addresses in it as links: Slack would make them by itself, but then it makes
 * mentions of names, too. */
static char *
linked(const char *text)
{
	struct buf out;

	buf_init(&out, 0);
	while (*text != '\0') {
		size_t len = address_len(text);

		if (len > 0)
			buf_add_text(&out, "<");
		slack_escape(&out, text, len > 0 ? len : 1);
		if (len > 0)
			buf_add_text(&out, ">");
		text += len > 0 ? len : 1;
	}
	return buf_take_text(&out);
}

static char *
escaped_part(const struct message_part *part, size_t max, enum language language)
{
	bool has_links = part->kind == PART_REMEDY || part->kind == PART_NOTE;
	size_t room = max;

	for (;;) {
		char *cut = message_part_cut(part, room, UNIT_UTF16, language);
		char *safe = has_links ? linked(cut) : escaped(cut);

		free(cut);
		if (measure(safe) <= max || room == 0)
			return safe;
		free(safe);
		room = room * 3 / 4;
	}
}

/* ---- blocks ---- */

/* verbatim: Slack makes nothing of names and addresses in it. */
static json_t *
mrkdwn(const char *text)
{
	return json_pack("{s:s, s:s, s:b}", "type", "mrkdwn", "text", text, "verbatim", 1);
}

static void
add_section(json_t *blocks, const char *text)
{
	if (*text != '\0')
		json_array_append_new(
			blocks, json_pack("{s:s, s:o}", "type", "section", "text", mrkdwn(text)));
}

/* "*Why*\n..." */
static void
add_labelled(struct buf *out, const struct message *m, enum message_part_kind kind, size_t max)
{
	const struct message_part *part = message_part(m, kind);
	char *text;

	if (part == NULL)
		return;
	text = escaped_part(part, max, m->language);
	buf_addf(out, "%s*%s*\n%s", buf_left(out) == 0 ? "" : "\n", part->label, text);
	free(text);
}

static void
add_what(json_t *blocks, const struct message *m)
{
	char *summary = fit(m->summary, TEXT_MAX);
	struct buf out;

	buf_init(&out, 0);
	buf_add_text(&out, summary);
	add_labelled(&out, m, PART_WHY, SECTION_MAX - TEXT_MAX - CODE_MAX / 2);
	add_labelled(&out, m, PART_IMPACT, CODE_MAX / 2 - 100);
	add_section(blocks, buf_text(&out));
	buf_fini(&out);
	free(summary);
}

/* A command that holds the mark of a block's end would end it; it is then shown without one. */
static void
add_command(struct buf *out, const char *code)
{
	char *safe = escaped(code);
	bool is_block = strstr(code, "```") == NULL;

	if (measure(safe) <= CODE_MAX)
		buf_addf(out, is_block ? "\n```%s```" : "\n%s", safe);
	free(safe);
}

static void
add_remedy(json_t *blocks, const struct message *m)
{
	const struct message_part *part = message_part(m, PART_REMEDY);
	struct buf out;

	if (part == NULL)
		return;
	buf_init(&out, 0);
	add_labelled(&out, m, PART_REMEDY, SECTION_MAX - CODE_MAX - 200);
	if (part->code != NULL)
		add_command(&out, part->code);
	add_section(blocks, buf_text(&out));
	buf_fini(&out);
}

static void
add_fields(json_t *blocks, const struct message *m)
{
	static const enum message_part_kind kinds[] = { PART_TIMES, PART_HOST };
	json_t *fields = json_array();

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct buf out;

		buf_init(&out, 0);
		add_labelled(&out, m, kinds[i], FIELD_MAX - 100);
		if (buf_left(&out) > 0)
			json_array_append_new(fields, mrkdwn(buf_text(&out)));
		buf_fini(&out);
	}
	if (json_array_size(fields) > 0)
		json_array_append_new(blocks,
			json_pack("{s:s, s:o}", "type", "section", "fields", json_incref(fields)));
	json_decref(fields);
}

static void
add_note(json_t *blocks, const struct message *m)
{
	struct buf out;

	buf_init(&out, 0);
	add_labelled(&out, m, PART_NOTE, CONTEXT_MAX);
	add_section(blocks, buf_text(&out));
	buf_fini(&out);
}

static void
add_facts(json_t *blocks, const struct message *m)
{
	struct buf out;

	buf_init(&out, 0);
	add_labelled(&out, m, PART_FACTS, EVIDENCE);
	add_section(blocks, buf_text(&out));
	buf_fini(&out);
}

static void
add_members(json_t *blocks, const struct message *m)
{
	const struct message_part *part = message_part(m, PART_MEMBERS);
	char *text;

	if (part == NULL)
		return;
	text = escaped_part(part, MEMBERS, m->language);
	add_section(blocks, text);
	free(text);
}

/* A link's address: what would end it is percent-encoded. */
static void
add_link(struct buf *out, const char *label, const char *url)
{
	buf_add_text(out, "<");
	for (; *url != '\0'; url++) {
		if (strchr("<>|\" ", *url) != NULL)
			buf_addf(out, "%%%02X", (unsigned char)*url);
		else if (*url == '&')
			buf_add_text(out, "&amp;");
		else
			buf_add(out, url, 1);
	}
	buf_addf(out, "|%s>", label);
}

/* A link, no button: a button asks for an app that answers clicks. */
static void
add_foot(json_t *blocks, const struct message *m)
{
	char *footer = fit(m->footer, CONTEXT_MAX);
	struct buf out;

	buf_init(&out, 0);
	if (m->link != NULL && strlen(m->link) * 3 <= URL_MAX) {
		add_link(&out, m->link_label, m->link);
		buf_add_text(&out, *footer == '\0' ? "" : " · ");
	}
	buf_add_text(&out, footer);
	if (buf_left(&out) > 0)
		json_array_append_new(blocks, json_pack("{s:s, s:[o]}", "type", "context",
						      "elements", mrkdwn(buf_text(&out))));
	buf_fini(&out);
	free(footer);
}

static json_t *
make_blocks(const struct message *m)
{
	json_t *blocks = json_array();

	add_what(blocks, m);
	add_members(blocks, m);
	add_remedy(blocks, m);
	add_fields(blocks, m);
	add_note(blocks, m);
	add_facts(blocks, m);
	add_foot(blocks, m);
	return blocks;
}

/* ---- whole messages ---- */

/* Bold, unless a star of its own would end that. */
static void
add_title(struct buf *out, const struct message *m)
{
	char *title = message_title(m);
	char *safe = fit(title, TEXT_MAX);

	if (strchr(safe, '*') == NULL)
		buf_addf(out, "*%s*", safe);
	else
		buf_add_text(out, safe);
	free(title);
	free(safe);
}

json_t *
slack_message(const struct message *m, const char *mention)
{
	char colour[8];
	struct buf text;
	json_t *message;

	snprintf(colour, sizeof(colour), "#%06X", m->colour & 0xffffffU);
	buf_init(&text, 0);
	buf_add_text(&text, mention);
	add_title(&text, m);
	message = json_pack("{s:s, s:[{s:s, s:o}], s:b, s:b}", "text", buf_text(&text),
		"attachments", "color", colour, "blocks", make_blocks(m), "unfurl_links", 0,
		"unfurl_media", 0);
	buf_fini(&text);
	return message;
}

/* What an event brought, by its reason; the note says it in words anyway. */
static const struct news_row {
	const char *reason;
	enum message_part_kind kind;
} news[] = {
	{ "new-impact", PART_IMPACT },
	{ "root-changed", PART_WHY },
	{ "cause-changed", PART_WHY },
	{ "facts", PART_FACTS },
	{ "recovered", PART_TIMES },
};

char *
slack_reply(const struct message *m, const struct notice *notice, const char *mention)
{
	struct buf out;

	buf_init(&out, 0);
	buf_add_text(&out, mention);
	add_title(&out, m);
	add_labelled(&out, m, PART_NOTE, EVIDENCE);
	for (size_t i = 0; i < sizeof(news) / sizeof(news[0]); i++) {
		if (str_eq(news[i].reason, notice->reason))
			add_labelled(&out, m, news[i].kind, EVIDENCE);
	}
	return buf_take_text(&out);
}

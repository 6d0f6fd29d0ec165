/*
 * A message is one line of content, because that is what a phone shows of it, and one embed with
 * the rest: the summary, a field for each part, the footer.
 */
#include "alerts/discord_body.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/fit.h"
#include "alerts/standing.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

/* Documented limits, in characters; UTF-16 units are the strictest that may be meant by it. */
#define CONTENT_MAX     2000
#define DESCRIPTION_MAX 4096
#define FIELDS_MAX      25
#define NAME_MAX        256
#define VALUE_MAX       1024
#define EMBED_MAX       6000 /* description, names, values and footer together */

#define FOOTER_MAX   300  /* ours: a footer is small print */
#define SUMMARY_MAX  1500 /* ours: the rest of the description is the members of a digest */
#define LINK_MAX     1000
#define MENTIONS_MAX 300 /* ten of them */
#define TEXT_MIN     40  /* a field with less room than this says nothing */

#define ZERO_WIDTH_SPACE "\xe2\x80\x8b"

/* ---- markup ---- */

static bool
is_word(const char *text, size_t len, size_t at)
{
	return at < len && isalnum((unsigned char)text[at]);
}

static bool
is_mark(const char *text, size_t len, size_t at)
{
	char c = text[at];

	if (strchr("\\*`<[", c) != NULL)
		return true;
	if (at == 0 && strchr("#>-", c) != NULL)
		return true;
	if (c == '@')
		return str_starts(text + at, "@everyone") || str_starts(text + at, "@here");
	if (c == '_')
		return at == 0 || !is_word(text, len, at - 1) || !is_word(text, len, at + 1);
	return (c == '~' || c == '|') &&
	       ((at > 0 && text[at - 1] == c) || (at + 1 < len && text[at + 1] == c));
}

/* A backslash makes any mark harmless.  No more of them than needed: the line that a phone shows
 * of a message shows them too. */
static void
escape(struct buf *out, const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		/* It makes links of plain addresses, and takes what is in them as it stands. */
		size_t address = fit_address_len(text + at, len - at);

		if (address > 0) {
			buf_add(out, text + at, address);
			at += address;
			continue;
		}
		if (is_mark(text, len, at))
			buf_add_text(out, "\\");
		buf_add(out, text + at++, 1);
	}
}

/* In a block nothing is markup but its end. */
static void
escape_code(struct buf *out, const char *text, size_t len)
{
	size_t ticks = 0;

	for (size_t at = 0; at < len; at++) {
		ticks = text[at] == '`' ? ticks + 1 : 0;
		if (ticks == 3) {
			buf_add_text(out, ZERO_WIDTH_SPACE);
			ticks = 1;
		}
		buf_add(out, text + at, 1);
	}
}

static void
add_link(struct buf *out, const char *label, const char *url)
{
	buf_add_text(out, "[");
	escape(out, label, strlen(label));
	buf_add_text(out, "](");
	for (; *url != '\0'; url++) {
		if (strchr("()<>\\ \"", *url) != NULL)
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
	.code = { "`", "`" },
	.block = { "```\n", "\n```" },
	.newline = "\n",
	.paragraph = "\n",
	.link = add_link,
	.max = CONTENT_MAX - MENTIONS_MAX,
	.unit = UNIT_UTF16,
};

static size_t
measure(const char *text)
{
	return message_measure(text, form.unit);
}

/* ---- the embed ---- */

static char *
link_text(const struct message *message)
{
	struct buf out;

	buf_init(&out, 0);
	if (message->link != NULL)
		add_link(&out, message->link_label, message->link);
	if (measure(buf_text(&out)) > LINK_MAX)
		buf_reset(&out);
	return buf_take_text(&out);
}

/* The summary, the members of a digest, the link. */
static char *
describe(const struct message *message)
{
	const struct message_part *members = message_part(message, PART_MEMBERS);
	char *summary = fit_text(&form, message->summary, SUMMARY_MAX);
	char *link = link_text(message);
	size_t room = DESCRIPTION_MAX - measure(summary) - measure(link) - 2;
	struct buf out;

	buf_init(&out, 0);
	buf_add_text(&out, summary);
	if (members != NULL) {
		char *text = fit_part(&form, members, room, message->language);

		buf_addf(&out, "%s%s", out.len > 0 ? "\n" : "", text);
		free(text);
	}
	if (*link != '\0')
		buf_addf(&out, "%s%s", out.len > 0 ? "\n" : "", link);
	free(summary);
	free(link);
	return buf_take_text(&out);
}

/* Text and command of a part within `room`; NULL: nothing of it fits, or there is nothing. */
static char *
field_value(const struct message_part *part, size_t room, enum language language)
{
	char *code = NULL, *text, *value;
	size_t left;

	if (room > VALUE_MAX)
		room = VALUE_MAX;
	if (room < TEXT_MIN)
		return NULL;
	if (part->code != NULL)
		code = fit_code(&form, part->code, room - TEXT_MIN);
	left = code == NULL ? room : room - measure(code) - 1;
	text = fit_part(&form, part, left, language);
	value = xasprintf("%s%s%s", text, code != NULL && *text != '\0' ? "\n" : "",
		code == NULL ? "" : code);
	free(text);
	free(code);
	if (value[strspn(value, " \n")] != '\0')
		return value;
	free(value);
	return NULL;
}

static json_t *
fields_of(const struct message *message, size_t room)
{
	json_t *fields = json_array();

	for (size_t i = 0; i < message->part_count && json_array_size(fields) < FIELDS_MAX; i++) {
		const struct message_part *part = &message->parts[i];
		char *name, *value;

		if (part->kind == PART_MEMBERS)
			continue;
		name = fit_text(&form, part->label, NAME_MAX);
		value = room <= measure(name)
				? NULL
				: field_value(part, room - measure(name), message->language);
		if (value != NULL) {
			bool is_inline = part->kind == PART_TIMES || part->kind == PART_HOST;

			room -= measure(name) + measure(value);
			json_array_append_new(fields, json_pack("{s:s, s:s, s:b}", "name", name,
							      "value", value, "inline", is_inline));
		}
		free(name);
		free(value);
	}
	return fields;
}

static json_t *
embed_of(const struct message *message, usec_t at_us)
{
	char *description = describe(message);
	char *footer = message_cut(message->footer, FOOTER_MAX, form.unit);
	char at[CLOCK_RFC3339_SIZE];
	json_t *embed;

	clock_format_rfc3339(at_us, at);
	embed = json_pack("{s:i, s:s, s:o}", "color", (int)message->colour, "timestamp", at,
		"fields", fields_of(message, EMBED_MAX - measure(description) - measure(footer)));
	if (*description != '\0')
		json_object_set_new(embed, "description", json_string(description));
	if (*footer != '\0')
		json_object_set_new(embed, "footer", json_pack("{s:s}", "text", footer));
	free(description);
	free(footer);
	return embed;
}

/* ---- the message ---- */

static json_t *
allowed(const struct discord_mentions *mentions)
{
	json_t *all = json_pack("{s:[]}", "parse"), *roles = json_array(), *users = json_array();

	for (size_t i = 0; mentions != NULL && i < mentions->count; i++) {
		const struct discord_mention *one = &mentions->all[i];

		json_array_append_new(one->is_role ? roles : users, json_string(one->id));
	}
	if (json_array_size(roles) > 0)
		json_object_set(all, "roles", roles);
	if (json_array_size(users) > 0)
		json_object_set(all, "users", users);
	json_decref(roles);
	json_decref(users);
	return all;
}

/* The text behind those who are called. */
static json_t *
content_of(const char *text, const struct discord_mentions *mentions)
{
	struct buf out;
	json_t *content;

	buf_init(&out, 0);
	for (size_t i = 0; mentions != NULL && i < mentions->count; i++)
		buf_addf(
			&out, "<@%s%s> ", mentions->all[i].is_role ? "&" : "", mentions->all[i].id);
	buf_add_text(&out, text);
	content = json_string(buf_text(&out));
	buf_fini(&out);
	return content;
}

static json_t *
body_of(const char *text, const struct discord_mentions *mentions)
{
	return json_pack("{s:o, s:o}", "content", content_of(text, mentions), "allowed_mentions",
		allowed(mentions));
}

json_t *
discord_embed_body(
	const struct message *message, usec_t at_us, const struct discord_mentions *mentions)
{
	char *title = message_title(message);
	char *text = fit_text(&form, title, CONTENT_MAX - MENTIONS_MAX);
	json_t *body = body_of(text, mentions);

	json_object_set_new(body, "embeds", json_pack("[o]", embed_of(message, at_us)));
	free(text);
	free(title);
	return body;
}

json_t *
discord_note_body(const struct message *message, const struct discord_mentions *mentions)
{
	char *text = standing_note(message, &form);
	json_t *body = body_of(text, mentions);

	free(text);
	return body;
}

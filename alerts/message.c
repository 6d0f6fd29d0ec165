/*
 * A notice in words: what every kind of message has.  Owns the message; promises that all of its
 * texts are valid UTF-8 of bounded length, whatever a target said.
 */
#include "alerts/message.h"

#include <stdlib.h>
#include <string.h>

#include "alerts/message_make.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/url.h"

#define NAME_MAX_BYTES 200
#define URL_MAX_BYTES  2000

static const struct mood {
	const char *icon;
	unsigned colour;
} moods[MESSAGE_MOODS] = {
	[MESSAGE_GOOD] = { "🟢", 0x2ea44f },
	[MESSAGE_INFO] = { "🔵", 0x2f80ed },
	[MESSAGE_WARNING] = { "🟠", 0xf08c00 },
	[MESSAGE_CRITICAL] = { "🔴", 0xd00000 },
	[MESSAGE_TEST] = { "🧪", 0x7a7a8c },
};

enum message_mood
message_mood_of(enum severity severity)
{
	static const enum message_mood by_severity[] = {
		[SEVERITY_OK] = MESSAGE_GOOD,
		[SEVERITY_INFO] = MESSAGE_INFO,
		[SEVERITY_WARNING] = MESSAGE_WARNING,
		[SEVERITY_CRITICAL] = MESSAGE_CRITICAL,
	};

	return by_severity[severity];
}

const char *
message_icon(enum message_mood mood)
{
	return moods[mood].icon;
}

enum message_word
message_severity(enum severity severity)
{
	if (severity == SEVERITY_CRITICAL)
		return SAY_CRITICAL;
	return severity == SEVERITY_WARNING ? SAY_WARNING : SAY_INFO;
}

/* ---- texts ---- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void
squeeze(char *text)
{
	char *out = text;

	for (; *text != '\0'; text++) {
		if (!is_blank(*text))
			*out++ = *text;
		else if (!is_blank(text[1]) && text[1] != '\0')
			*out++ = ' ';
	}
	*out = '\0';
}

char *
message_clean_line(const char *raw, size_t max)
{
	size_t len = raw == NULL ? 0 : str_utf8_cut(raw, strnlen(raw, max + 4), max);
	char *line = xstrndup(raw == NULL ? "" : raw, len);
	char *clean = xmalloc(len * 4 + 1);

	squeeze(line);
	str_printable(clean, len * 4 + 1, line, strlen(line));
	free(line);
	line = clean;
	line += *line == ' ';
	memmove(clean, line, strlen(line) + 1);
	return clean;
}

/* Line by line; empty ones go. */
char *
message_clean_text(const char *raw, size_t max)
{
	size_t left = raw == NULL ? 0 : str_utf8_cut(raw, strnlen(raw, max + 4), max);
	struct buf out;

	buf_init(&out, 0);
	for (size_t len; left > 0; raw += len, left -= len) {
		char *line;

		len = strcspn(raw, "\n");
		len = len < left ? len : left;
		line = xstrndup(raw, len);
		len += len < left;
		char *clean = message_clean_line(line, strlen(line));
		if (*clean != '\0')
			buf_addf(&out, "%s%s", buf_left(&out) == 0 ? "" : "\n", clean);
		free(clean);
		free(line);
	}
	return buf_take_text(&out);
}

char *
message_make_headline(const char *check, const char *title, enum language language)
{
	char *name = message_clean_line(check, NAME_MAX_BYTES);
	char *said = message_clean_line(title, 400);
	const char *rest = str_skip_label(said, name);
	size_t len = strlen(name);
	bool is_named = len > 0 && strncmp(said, name, len) == 0 && rest == said &&
			strspn(said + len, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					   "0123456789_-") == 0;
	struct buf out;

	buf_init(&out, 0);
	if (!is_named && len > 0)
		buf_addf(&out, "%s%s", name, message_word(SAY_COLON, language));
	buf_add_text(&out, rest);
	free(name);
	free(said);
	return buf_take_text(&out);
}

void
message_add_part(
	struct message *m, enum message_part_kind kind, enum message_word label, char *text)
{
	if (text == NULL || *text == '\0') {
		free(text);
		return;
	}
	m->parts = xreallocarray(m->parts, m->part_count + 1, sizeof(*m->parts));
	m->parts[m->part_count++] = (struct message_part){
		.kind = kind,
		.label = message_word(label, m->language),
		.text = text,
	};
}

/* ---- a test ---- */

static void
make_test(struct message *m, const struct notice *notice, const char *daemon_name)
{
	char at[MESSAGE_TIME_SIZE];
	char *daemon = message_clean_line(daemon_name, NAME_MAX_BYTES);
	char *receiver = message_clean_line(notice->incident.check, NAME_MAX_BYTES);

	message_clock(notice->at_us, 0, at);
	m->mood = MESSAGE_TEST;
	m->status = xstrdup(message_word(SAY_TEST, m->language));
	m->headline = message_said(
		m->language, SAY_TEST_HEADLINE, &(struct message_fill){ daemon, NULL, NULL });
	m->summary = xstrdup(message_word(SAY_TEST_SUMMARY, m->language));
	message_add_part(m, PART_TIMES, SAY_TIME,
		message_said(m->language, SAY_SENT, &(struct message_fill){ at, NULL, NULL }));
	m->footer = message_said(
		m->language, SAY_TEST_OF, &(struct message_fill){ receiver, NULL, NULL });
	free(daemon);
	free(receiver);
}

/* ---- all ---- */

/* A link to this host itself, or to any address of it, helps nobody on a phone. */
static bool
is_reachable(const char *text)
{
	struct url url = { .user = NULL };
	struct err e;
	struct addr addr;
	bool is_near;

	if (url_parse(&url, text, &e) < 0)
		return false;
	is_near = str_eq(url.place.host, "localhost") || str_eq(url.place.host, "0.0.0.0") ||
		  str_eq(url.place.host, "::") ||
		  (addr_from_numeric(&addr, url.place.host, 0) == 0 && addr_is_loopback(&addr));
	is_near |= !str_eq(url.scheme, "http") && !str_eq(url.scheme, "https");
	url_fini(&url);
	return !is_near;
}

struct message *
message_new(const struct notice *notice, const char *daemon_name, enum language language)
{
	struct message *m = xcalloc(1, sizeof(*m));
	const char *url = notice->incident.url;

	m->language = language < LANG_COUNT ? language : LANG_EN;
	if (notice->digest != NULL)
		message_make_digest(m, notice);
	else if (str_eq(notice->type, NOTICE_TEST))
		make_test(m, notice, daemon_name);
	else
		message_make_incident(m, notice);
	m->icon = moods[m->mood].icon;
	m->colour = moods[m->mood].colour;
	m->link_label = message_word(SAY_OPEN_LINK, m->language);
	if (notice->digest == NULL && url != NULL && strlen(url) < URL_MAX_BYTES &&
		is_reachable(url))
		m->link = message_clean_line(url, URL_MAX_BYTES);
	if (m->footer == NULL)
		m->footer = message_clean_line(daemon_name, NAME_MAX_BYTES);
	return m;
}

void
message_free(struct message *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->part_count; i++) {
		free(m->parts[i].text);
		free(m->parts[i].code);
	}
	free(m->parts);
	free(m->status);
	free(m->headline);
	free(m->summary);
	free(m->link);
	free(m->footer);
	free(m);
}

const struct message_part *
message_part(const struct message *m, enum message_part_kind kind)
{
	for (size_t i = 0; i < m->part_count; i++) {
		if (m->parts[i].kind == kind)
			return &m->parts[i];
	}
	return NULL;
}

char *
message_title(const struct message *m)
{
	return xasprintf("%s %s · %s", m->icon, m->status, m->headline);
}

/* Internet messages as bytes.  What comes in is text of strangers: first made harmless, then
 * encoded. */
#include "alerts/mime.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/hmac.h"

#define LINE_MAX_CHARS 76
#define ATOM_MAX       200 /* a longer word is encoded, because it cannot be folded */
#define WORD_FRAME     12  /* "=?UTF-8?B?" and "?=" */
#define WORD_BYTES_MAX 45  /* of text in one encoded word: 60 digits, 72 characters in all */
#define BASE64_BYTES   57  /* of text in a line of 76 digits */

/* ---- headers ---- */

/* Line ends and tabs become blanks, so that words stay apart; what else is no text becomes dots. */
static char *
flatten(const char *text)
{
	size_t len = strlen(text);
	char *raw = xstrndup(text, len), *clean = xmalloc(len * 4 + 1);

	for (char *c = raw; *c != '\0'; c++) {
		if (*c == '\n' || *c == '\r' || *c == '\t')
			*c = ' ';
	}
	str_printable(clean, len * 4 + 1, raw, len);
	free(raw);
	return clean;
}

static bool
is_plain(const char *text)
{
	size_t run = 0;

	for (const char *c = text; *c != '\0'; c++) {
		if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
			return false;
		run = *c == ' ' ? 0 : run + 1;
		if (run > ATOM_MAX)
			return false;
	}
	return strstr(text, "=?") == NULL;
}

/* Breaks only at blanks, each of which stays where it was. */
static void
add_folded(struct buf *out, size_t column, const char *text)
{
	while (*text != '\0') {
		size_t blank = strspn(text, " "), word = strcspn(text + blank, " ");

		if (word == 0)
			return; /* blanks at the end say nothing, and would be a line of nothing */
		if (blank > 0 && column + blank + word > LINE_MAX_CHARS) {
			buf_add_text(out, "\r\n");
			column = 0;
		}
		buf_add(out, text, blank + word);
		column += blank + word;
		text += blank + word;
	}
}

/* Characters are never cut in two: each word is whole by itself. */
static void
add_encoded(struct buf *out, size_t column, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		size_t room = column + WORD_FRAME + 8 > LINE_MAX_CHARS
				      ? 0
				      : (LINE_MAX_CHARS - column - WORD_FRAME) / 4 * 3;
		size_t len;
		char digits[BASE64_SIZE(WORD_BYTES_MAX)];

		room = room > WORD_BYTES_MAX ? WORD_BYTES_MAX : room;
		len = str_utf8_cut(text, left, room);
		if (len > 0) {
			base64_encode(digits, text, len);
			buf_addf(out, "=?UTF-8?B?%s?=", digits);
			text += len;
			left -= len;
		}
		if (left > 0)
			buf_add_text(out, "\r\n ");
		column = 1;
	}
}

void
mime_add_header(struct buf *out, const char *name, const char *text)
{
	char *flat = flatten(text);
	size_t column = strlen(name) + 2;

	buf_addf(out, "%s: ", name);
	if (is_plain(flat))
		add_folded(out, column, flat + strspn(flat, " "));
	else
		add_encoded(out, column, flat);
	buf_add_text(out, "\r\n");
	free(flat);
}

void
mime_add_token(struct buf *out, const char *name, const char *text)
{
	char *flat = flatten(text);

	buf_addf(out, "%s: ", name);
	add_folded(out, strlen(name) + 2, flat);
	buf_add_text(out, "\r\n");
	free(flat);
}

/* In English whatever the locale is. */
void
mime_add_date(struct buf *out, usec_t wall_us)
{
	static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
		"Sep", "Oct", "Nov", "Dec" };
	time_t at = (time_t)(wall_us / USEC_PER_SEC);
	struct tm tm = { .tm_mday = 1 };

	gmtime_r(&at, &tm);
	buf_addf(out, "Date: %s, %02d %s %d %02d:%02d:%02d +0000\r\n", days[tm.tm_wday], tm.tm_mday,
		months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void
mime_add_mailbox(struct buf *out, const char *name, const char *address)
{
	char *flat = flatten(name == NULL ? "" : name);

	if (flat[0] != '\0' && is_plain(flat)) {
		buf_add_text(out, "\"");
		for (const char *c = flat; *c != '\0'; c++)
			buf_addf(out, "%s%c", *c == '"' || *c == '\\' ? "\\" : "", *c);
		buf_add_text(out, "\" ");
	} else if (flat[0] != '\0') {
		add_encoded(out, 1, flat);
		buf_add_text(out, " ");
	}
	buf_addf(out, "<%s>", address);
	free(flat);
}

/* ---- bodies ---- */

static void
add_base64(struct buf *out, const char *text, size_t len)
{
	char digits[BASE64_SIZE(BASE64_BYTES)];

	for (size_t at = 0; at < len; at += BASE64_BYTES) {
		base64_encode(digits, text + at, len - at < BASE64_BYTES ? len - at : BASE64_BYTES);
		buf_addf(out, "%s\r\n", digits);
	}
}

/* A blank before the end of a line would be lost on the way. */
static bool
is_literal(char c, char next)
{
	if (c == ' ' || c == '\t')
		return next != '\n' && next != '\0';
	return (unsigned char)c > ' ' && (unsigned char)c <= '~' && c != '=';
}

static void
add_quoted(struct buf *out, const char *text, size_t len)
{
	size_t column = 0;

	for (size_t i = 0; i < len; i++) {
		size_t width = is_literal(text[i], text[i + 1]) ? 1 : 3;

		if (text[i] == '\n') {
			buf_add_text(out, "\r\n");
			column = 0;
			continue;
		}
		if (column + width > LINE_MAX_CHARS - 1) {
			buf_add_text(out, "=\r\n");
			column = 0;
		}
		if (width == 1)
			buf_add(out, text + i, 1);
		else
			buf_addf(out, "=%02X", (unsigned char)text[i]);
		column += width;
	}
	if (column > 0)
		buf_add_text(out, "\r\n");
}

/* Line ends as "\n", whatever they were; inside base64 they must be CRLF (RFC 2046 4.1.1). */
static char *
end_lines(const char *text, const char *end)
{
	struct buf out;

	buf_init(&out, 0);
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '\r' && c[1] == '\n')
			continue;
		if (*c == '\n' || *c == '\r')
			buf_add_text(&out, end);
		else
			buf_add(&out, c, 1);
	}
	return buf_take_text(&out);
}

static size_t
count_escapes(const char *text)
{
	size_t count = 0;

	for (const char *c = text; *c != '\0'; c++) {
		if (*c != '\n' && *c != '\r' && !is_literal(*c, c[1]))
			count++;
	}
	return count;
}

/* Base64 adds a third, quoted-printable two for each byte that it must escape. */
void
mime_add_part(struct buf *out, const char *type, const char *text)
{
	bool is_base64 = count_escapes(text) * 2 > strlen(text) / 3;
	char *lines = end_lines(text, is_base64 ? "\r\n" : "\n");

	mime_add_token(out, "Content-Type", type);
	mime_add_token(out, "Content-Transfer-Encoding", is_base64 ? "base64" : "quoted-printable");
	buf_add_text(out, "\r\n");
	if (is_base64)
		add_base64(out, lines, strlen(lines));
	else
		add_quoted(out, lines, strlen(lines));
	free(lines);
}

void
mime_add_stuffed(struct buf *out, const char *text, size_t len)
{
	bool is_begin = true;

	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t line = end == NULL ? len : (size_t)(end - text) + 1;

		if (is_begin && text[0] == '.')
			buf_add_text(out, ".");
		buf_add(out, text, line);
		is_begin = end != NULL;
		text += line;
		len -= line;
	}
}

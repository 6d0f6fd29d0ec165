/* SMTP replies, line by line.  No state: a reply that is not whole is read anew when more came. */
#include "io/smtp_reply.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

struct line {
	const char *text; /* behind code and separator */
	size_t len, whole;
	int code;
	bool is_last;
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static enum smtp_read
read_line(const char *data, size_t len, struct line *out)
{
	const char *end = memchr(data, '\n', len < SMTP_LINE_MAX ? len : SMTP_LINE_MAX);
	size_t n;

	/* What can be no code is seen before the line is whole. */
	for (size_t i = 0; i < 3 && i < len; i++)
		if (!is_digit(data[i]))
			return SMTP_BROKEN;
	if (end == NULL)
		return len >= SMTP_LINE_MAX ? SMTP_BROKEN : SMTP_MORE;
	out->whole = (size_t)(end - data) + 1;
	n = out->whole - 1;
	if (n > 0 && data[n - 1] == '\r')
		n--;
	if (n < 3 || data[0] < '2' || data[0] > '5' || (n > 3 && data[3] != ' ' && data[3] != '-'))
		return SMTP_BROKEN;
	out->code = (data[0] - '0') * 100 + (data[1] - '0') * 10 + (data[2] - '0');
	out->is_last = n == 3 || data[3] == ' ';
	out->text = data + (n > 3 ? 4 : 3);
	out->len = n > 3 ? n - 4 : 0;
	return SMTP_REPLY;
}

static void
add_text(struct smtp_reply *out, const struct line *line)
{
	size_t len = strlen(out->text);

	if (line->len == 0 || len + 4 >= sizeof(out->text))
		return;
	if (len > 0) {
		memcpy(out->text + len, " / ", 4);
		len += 3;
	}
	str_printable(out->text + len, sizeof(out->text) - len, line->text, line->len);
}

enum smtp_read
smtp_reply_read(const void *data, size_t len, struct smtp_reply *out)
{
	struct line line;
	size_t at = 0;

	out->code = 0;
	out->text[0] = '\0';
	for (int i = 0; i < SMTP_LINES_MAX; i++) {
		enum smtp_read read = read_line((const char *)data + at, len - at, &line);

		if (read != SMTP_REPLY)
			return read == SMTP_MORE && len >= SMTP_REPLY_MAX ? SMTP_BROKEN : read;
		if (i > 0 && line.code != out->code)
			return SMTP_BROKEN;
		out->code = line.code;
		at += line.whole;
		add_text(out, &line);
		if (line.is_last) {
			out->len = at;
			return at <= SMTP_REPLY_MAX ? SMTP_REPLY : SMTP_BROKEN;
		}
	}
	return SMTP_BROKEN;
}

bool
smtp_reply_offers(const void *data, size_t len, const char *word, char *rest, size_t size)
{
	size_t want = strlen(word), at = 0;
	struct line line;

	while (at < len && read_line((const char *)data + at, len - at, &line) == SMTP_REPLY) {
		bool is_first = at == 0; /* the greeting */
		bool fits = line.len >= want && strncasecmp(line.text, word, want) == 0 &&
			    (line.len == want || line.text[want] == ' ' || line.text[want] == '=');

		at += line.whole;
		if (is_first || !fits)
			continue;
		if (line.len > want)
			str_printable(rest, size, line.text + want + 1, line.len - want - 1);
		else
			rest[0] = '\0';
		return true;
	}
	return false;
}

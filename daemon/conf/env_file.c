/*
 * The grammar of .env files: KEY=VALUE lines, # comments, `export`, single quotes (literal), double
 * quotes (with \n \t \" \\ \$), values that go over several lines inside quotes, CRLF.  Errors give
 * the line and never its content: that is where passwords live.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "conf/interpolate.h"

struct scan {
	const char *at;
	unsigned line;
	struct err *e;
};

static void
skip_blanks(struct scan *s)
{
	while (*s->at == ' ' || *s->at == '\t' || *s->at == '\r')
		s->at++;
}

static int
refuse(struct scan *s, const char *what)
{
	return err_set(s->e, (int)s->line, "line %u: %s", s->line, what);
}

/* Up to the end of the line; only blanks and a comment may stand there. */
static int
end_line(struct scan *s)
{
	skip_blanks(s);
	if (*s->at == '#')
		s->at += strcspn(s->at, "\n");
	if (*s->at != '\n' && *s->at != '\0')
		return refuse(s, "text after the closing quote");
	return 0;
}

static char
unescape(char c)
{
	switch (c) {
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case 'r':
		return '\r';
	default:
		return c;
	}
}

static int
scan_quoted(struct scan *s, struct buf *value)
{
	char quote = *s->at++;
	unsigned began = s->line;
	for (; *s->at != quote; s->at++) {
		char c = *s->at;
		if (c == '\0') {
			s->line = began;
			return refuse(s, "a quote is never closed");
		}
		if (c == '\n')
			s->line++;
		if (c == '\\' && quote == '"' && s->at[1] != '\0' &&
			strchr("ntr\"\\$", s->at[1]) != NULL)
			c = unescape(*++s->at);
		buf_add(value, &c, 1);
	}
	s->at++;
	return end_line(s);
}

/* To the end of the line or to " #". */
static void
scan_bare(struct scan *s, struct buf *value)
{
	size_t len = 0;
	while (s->at[len] != '\0' && s->at[len] != '\n' &&
		!(s->at[len] == '#' && (len == 0 || isblank((unsigned char)s->at[len - 1]))))
		len++;
	size_t end = len;
	while (end > 0 && isspace((unsigned char)s->at[end - 1]))
		end--;
	buf_add(value, s->at, end);
	s->at += len + strcspn(s->at + len, "\n");
}

static void
free_secret(char *text)
{
	if (text != NULL)
		secret_wipe(text, strlen(text));
	free(text);
}

static bool
is_key_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-';
}

static int
scan_pair(struct scan *s, struct map *into)
{
	if (str_starts(s->at, "export ") || str_starts(s->at, "export\t")) {
		s->at += strlen("export ");
		skip_blanks(s);
	}
	size_t len = 0;
	while (is_key_char(s->at[len]))
		len++;
	if (len == 0 || isdigit((unsigned char)*s->at))
		return refuse(s, "expected KEY=VALUE");
	char *key = xstrndup(s->at, len);
	s->at += len;
	skip_blanks(s);
	int result = 0;
	struct buf value;
	buf_init(&value, 0);
	if (*s->at != '=') {
		result = refuse(s, "expected KEY=VALUE, there is no \"=\"");
	} else {
		s->at++;
		skip_blanks(s);
		if (*s->at == '"' || *s->at == '\'')
			result = scan_quoted(s, &value);
		else
			scan_bare(s, &value);
	}
	if (result == 0)
		free_secret(map_put(into, key, xstrdup(buf_text(&value))));
	buf_fini(&value);
	free(key);
	return result;
}

int
env_file_parse(struct map *into, const char *text, struct err *e)
{
	struct scan s = { .at = text, .line = 1, .e = e };
	if (str_starts(text, "\xef\xbb\xbf"))
		s.at += 3;
	for (; *s.at != '\0'; s.line++) {
		skip_blanks(&s);
		if (*s.at == '#')
			s.at += strcspn(s.at, "\n");
		else if (*s.at != '\n' && *s.at != '\0' && scan_pair(&s, into) != 0)
			return -1;
		s.at += *s.at == '\n';
	}
	return 0;
}

/* In single quotes nothing means anything; a value with one of them goes into double quotes. */
void
env_file_quote(const char *value, struct buf *out)
{
	if (strpbrk(value, "'\n\r") == NULL) {
		buf_addf(out, "'%s'", value);
		return;
	}
	buf_add_text(out, "\"");
	for (; *value != '\0'; value++) {
		if (*value == '\n')
			buf_add_text(out, "\\n");
		else if (*value == '\r')
			buf_add_text(out, "\\r");
		else
			buf_addf(out, "%s%c", strchr("\"\\$", *value) != NULL ? "\\" : "", *value);
	}
	buf_add_text(out, "\"");
}

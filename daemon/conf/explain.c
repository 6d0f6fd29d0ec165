/*
 * What is wrong with a text that libyaml refuses, in words that help: not a text at all, tabs, a
 * value that lacks its quotes.  libyaml often notices a line later than a person would.
 */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "conf/parse.h"

static const char quoted_starts[] = "{[>|*&!%@#`";

const char *
file_line(const struct conf_file *file, unsigned line, size_t *len)
{
	const char *at = file->text, *end = file->text + file->len;
	if (line == 0)
		return NULL;
	for (unsigned i = 1; i < line; i++) {
		const char *next = memchr(at, '\n', (size_t)(end - at));
		if (next == NULL)
			return NULL;
		at = next + 1;
	}
	const char *stop = memchr(at, '\n', (size_t)(end - at));
	*len = (size_t)((stop != NULL ? stop : end) - at);
	return at;
}

static bool
is_strange(unsigned char c)
{
	return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f;
}

/* Where the byte at `at` is. */
static struct conf_pos
place_of(const struct conf_file *file, size_t at)
{
	struct conf_pos pos = { .file = file, .line = 1, .column = 1 };
	for (size_t i = 0; i < at; i++) {
		unsigned char c = (unsigned char)file->text[i];
		if (c == '\n') {
			pos.line++;
			pos.column = 1;
		} else if ((c & 0xc0) != 0x80) {
			pos.column++;
		}
	}
	return pos;
}

bool
text_is_sane(const struct conf_file *file, struct complaints *complaints)
{
	struct conf_pos whole = { .file = file };
	if (file->len >= 2 && (memcmp(file->text, "\xff\xfe", 2) == 0 ||
				      memcmp(file->text, "\xfe\xff", 2) == 0)) {
		complain(complaints, &whole, "is UTF-16: save it as UTF-8");
		return false;
	}
	for (size_t i = 0; i < file->len; i++) {
		if (!is_strange((unsigned char)file->text[i]))
			continue;
		struct conf_pos pos = place_of(file, i);
		complain(complaints, &pos, "is not a text file: byte 0x%02x",
			(unsigned char)file->text[i]);
		return false;
	}
	if (str_is_utf8(file->text, file->len))
		return true;
	for (unsigned line = 1;; line++) {
		size_t len;
		const char *text = file_line(file, line, &len);
		if (text == NULL)
			break;
		if (str_is_utf8(text, len))
			continue;
		struct conf_pos pos = { file, line, 1 };
		complain(complaints, &pos, "is not UTF-8: save the file as UTF-8");
		return false;
	}
	complain(complaints, &whole, "is not UTF-8: save the file as UTF-8");
	return false;
}

static size_t
tab_in_indent(const char *line, size_t len)
{
	size_t at = 0;
	while (at < len && line[at] == ' ')
		at++;
	return at < len && line[at] == '\t' ? at + 1 : 0;
}

static bool
explain_tab(
	const struct conf_file *file, const struct yaml_trouble *t, struct complaints *complaints)
{
	for (unsigned line = t->line; line > 0 && line + 1 >= t->line; line--) {
		size_t len;
		const char *text = file_line(file, line, &len);
		size_t column = text != NULL ? tab_in_indent(text, len) : 0;
		if (column == 0)
			continue;
		struct conf_pos pos = { file, line, (unsigned)column };
		complain(complaints, &pos, "a tab is used for indentation: YAML wants spaces");
		return true;
	}
	return false;
}

/* The value on a `key: value` (or `- value`) line: its offset, 0 when there is none. */
static size_t
value_offset(const char *line, size_t len)
{
	size_t at = 0;
	while (at < len && (line[at] == ' ' || line[at] == '-'))
		at++;
	size_t item = at;
	for (; at + 1 < len; at++) {
		if (line[at] == '#' && at > 0 && line[at - 1] == ' ')
			break;
		if (line[at] != ':' || line[at + 1] != ' ')
			continue;
		for (at++; at < len && line[at] == ' ';)
			at++;
		return at < len ? at : 0;
	}
	return item > 0 && item < len && line[item - 1] == ' ' ? item : 0;
}

static bool
has_colon(const char *value, size_t len)
{
	for (size_t i = 0; i + 1 < len; i++)
		if (value[i] == ':' && value[i + 1] == ' ')
			return true;
	return len > 0 && value[len - 1] == ':';
}

/* "url: " before the value, for the example of how to quote it. */
static void
key_before(const char *line, size_t value, char *out, size_t size)
{
	size_t end = value;
	while (end > 0 && line[end - 1] == ' ')
		end--;
	size_t start = end;
	while (start > 0 && strchr(" {,", line[start - 1]) == NULL)
		start--;
	snprintf(out, size, "%.*s", (int)(end - start), line + start);
}

static unsigned
column_of(const char *line, size_t offset)
{
	unsigned column = 1;
	for (size_t i = 0; i < offset; i++)
		column += ((unsigned char)line[i] & 0xc0) != 0x80;
	return column;
}

static bool
explain_quote(const struct conf_file *file, unsigned line, struct complaints *complaints)
{
	size_t len;
	const char *text = file_line(file, line, &len);
	size_t value = text != NULL ? value_offset(text, len) : 0;
	if (value == 0)
		return false;
	char first = text[value];
	bool is_start = strchr(quoted_starts, first) != NULL;
	bool is_colon = first != '"' && first != '\'' && has_colon(text + value, len - value);
	if (!is_start && !is_colon)
		return false;
	char key[64];
	key_before(text, value, key, sizeof(key));
	struct conf_pos pos = { file, line, column_of(text, value) };
	if (is_start)
		complain(complaints, &pos,
			"a text that begins with %c means something else to YAML: quote it, %s "
			"\"…\"",
			first, key);
	else
		complain(complaints, &pos, "a text that contains \": \" must be quoted: %s \"…\"",
			key);
	return true;
}

/* A character that begins no value, at the very place: also inside brackets. */
static bool
explain_start(
	const struct conf_file *file, const struct yaml_trouble *t, struct complaints *complaints)
{
	size_t len;
	const char *text = file_line(file, t->line, &len);
	if (text == NULL || t->problem == NULL || strstr(t->problem, "cannot start") == NULL)
		return false;
	size_t at = 0;
	while (at < len && column_of(text, at) < t->column)
		at++;
	if (at == len || strchr(quoted_starts, text[at]) == NULL)
		return false;
	struct conf_pos pos = { file, t->line, t->column };
	complain(complaints, &pos, "a text that begins with %c must be quoted: \"%c…\"", text[at],
		text[at]);
	return true;
}

static bool
is_inside_flow(const struct yaml_trouble *t)
{
	return t->context != NULL && strstr(t->context, "flow") != NULL;
}

/* Whether a `#` behind a blank, outside of quotes, makes the end of a line a comment. */
static bool
has_comment(const struct conf_file *file, unsigned line)
{
	size_t len;
	const char *text = file_line(file, line, &len);
	char quote = '\0';
	for (size_t i = 0; text != NULL && i < len; i++) {
		if (quote == '\0' && text[i] == '#' && i > 0 && text[i - 1] == ' ')
			return true;
		if (text[i] == '"' || text[i] == '\'')
			quote = quote == text[i] ? '\0' : quote == '\0' ? text[i] : quote;
	}
	return false;
}

static void
explain_flow(
	const struct conf_file *file, const struct yaml_trouble *t, struct complaints *complaints)
{
	struct conf_pos pos = { file, t->line, t->column };
	if (t->line == t->context_line) {
		complain(complaints, &pos,
			"does not fit here: a bracket or comma is missing, or a text with {, [ or "
			"\": \" "
			"in it lacks its quotes");
		return;
	}
	pos.line = t->context_line;
	pos.column = t->context_column;
	if (has_comment(file, t->context_line))
		complain(complaints, &pos,
			"this bracket is not closed: the \" #\" behind it begins a comment; quote "
			"a "
			"text with # in it: \"#…\"");
	else
		complain(complaints, &pos,
			"this bracket is not closed as it should be: %s in line %u", t->problem,
			t->line);
}

/* libyaml's words for what people meet most. */
static void
explain_plainly(
	const struct conf_file *file, const struct yaml_trouble *t, struct complaints *complaints)
{
	struct conf_pos pos = { file, t->line, t->column };
	const char *problem = t->problem != NULL ? t->problem : "cannot be parsed";
	if (strcmp(problem, "did not find expected key") == 0)
		complain(complaints, &pos,
			"does not fit here: its indentation matches no line above, or text follows "
			"a "
			"closing quote");
	else if (t->context != NULL)
		complain(complaints, &pos, "%s (%s)", problem, t->context);
	else
		complain(complaints, &pos, "%s", problem);
}

/* A word alone on its line; libyaml notices in the line after it. */
static bool
explain_key(
	const struct conf_file *file, const struct yaml_trouble *t, struct complaints *complaints)
{
	if (t->context_line == 0 || t->problem == NULL ||
		strcmp(t->problem, "could not find expected ':'") != 0)
		return false;
	struct conf_pos pos = { file, t->context_line, t->context_column };
	if (!explain_quote(file, t->context_line, complaints))
		complain(complaints, &pos, "a key must be followed by \": \", a colon and a space");
	return true;
}

/* Where the quote that opens at `at` closes; the text's length when it never does. */
static size_t
closing_quote(const struct conf_file *file, size_t at)
{
	char quote = file->text[at];
	for (at++; at < file->len; at++) {
		bool has_next = at + 1 < file->len;
		if (quote == '"' && file->text[at] == '\\')
			at++;
		else if (quote == '\'' && file->text[at] == quote && has_next &&
			 file->text[at + 1] == quote)
			at++;
		else if (file->text[at] == quote)
			return at;
	}
	return file->len;
}

/* A quote begins a text only where a value or a key may begin. */
static bool
is_opening(const struct conf_file *file, size_t at)
{
	if (file->text[at] != '"' && file->text[at] != '\'')
		return false;
	bool is_apart = at > 0 && file->text[at - 1] == ' ';
	while (at > 0 && file->text[at - 1] == ' ')
		at--;
	if (at == 0 || strchr("\n{[,", file->text[at - 1]) != NULL)
		return true;
	return is_apart && strchr(":-", file->text[at - 1]) != NULL;
}

/* Does it close in a later line, before what cannot follow: at the next text's opening quote? */
static bool
is_astray(const struct conf_file *file, size_t open, size_t close)
{
	if (close >= file->len)
		return true;
	if (memchr(file->text + open, '\n', close - open) == NULL)
		return false;
	for (close++; close < file->len && file->text[close] == ' ';)
		close++;
	return close < file->len && strchr(",}]:#\r\n", file->text[close]) == NULL;
}

static size_t
line_end(const struct conf_file *file, size_t at)
{
	const char *end = memchr(file->text + at, '\n', file->len - at);
	return end != NULL ? (size_t)(end - file->text) : file->len;
}

/* A quote that is never closed swallows the lines below it, and libyaml stumbles far from it. */
static bool
explain_open_quote(
	const struct conf_file *file, const struct yaml_trouble *t, struct complaints *complaints)
{
	size_t len = 0, stop = file->len;
	const char *line = file_line(file, t->context_line > 0 ? t->context_line : 1, &len);
	const char *last = file_line(file, t->line + 1, &len);
	if (last != NULL)
		stop = (size_t)(last - file->text);
	for (size_t at = line != NULL ? (size_t)(line - file->text) : stop; at < stop; at++) {
		if (file->text[at] == '#' && at > 0 && strchr(" \n", file->text[at - 1]) != NULL)
			at = line_end(file, at);
		if (at >= stop || !is_opening(file, at))
			continue;
		size_t close = closing_quote(file, at);
		if (is_astray(file, at, close)) {
			struct conf_pos pos = place_of(file, at);
			complain(complaints, &pos, "the quote opened at %u:%u is never closed",
				pos.line, pos.column);
			return true;
		}
		at = close;
	}
	return false;
}

void
explain_trouble(
	const struct conf_file *file, const struct yaml_trouble *t, struct complaints *complaints)
{
	if (explain_tab(file, t, complaints))
		return;
	if (explain_open_quote(file, t, complaints))
		return;
	if (is_inside_flow(t) && t->problem != NULL && t->context_line > 0) {
		explain_flow(file, t, complaints);
		return;
	}
	if (explain_start(file, t, complaints) || explain_key(file, t, complaints))
		return;
	if (explain_quote(file, t->line, complaints))
		return;
	if (t->context_line > 0 && t->context_line + 1 >= t->line &&
		explain_quote(file, t->context_line, complaints))
		return;
	if (t->line > 1 && explain_quote(file, t->line - 1, complaints))
		return;
	explain_plainly(file, t, complaints);
}

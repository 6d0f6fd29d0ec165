/*
 * Collects complaints and shows them like a compiler does.  Each one copies what it needs (path,
 * source line, text) when it is made, so that complaints outlive the tree they are about.
 *
 * A source line may hold a password: what looks like one (the userinfo of a URL, the value of a key
 * named like a secret) is blanked before the line is kept.
 */
#include "conf/complain.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "conf/interpolate.h"
#include "conf/tree.h"

#define PATH_SECRET_MIN 16   /* bytes, a digit among them: as settings mask them elsewhere */
#define LINE_SHOWN_MAX  76   /* columns of a source line that are shown */
#define LINE_BEFORE     38   /* of them before the caret, when it stands far to the right */
#define LINE_LOOKED_MAX 4096 /* bytes before the caret, and behind it, that are looked at */
#define CUT_MARK        "…"
#define NESTING_SHOWN   4 /* of defaults inside defaults */

struct complaint {
	bool is_warning;
	unsigned line, column; /* 0: the file as a whole */
	size_t order;          /* as they came, to break ties */
	char *path;            /* NULL: no place */
	char *source;          /* the line; NULL: none */
	size_t caret;          /* columns before the caret */
	char *text;
};

struct complaints {
	struct complaint *all;
	size_t count, room;
	unsigned errors, warnings; /* also those not kept */
};

/* A key whose name contains one of these is taken for a secret when its line is shown. */
static const char *const secret_words[] = { "token", "secret", "passw", "authorization", "api_key",
	"apikey", "credential", "cookie", "dsn", "routing_key" };

struct complaints *
complaints_new(void)
{
	return xcalloc(1, sizeof(struct complaints));
}

void
complaints_free(struct complaints *all)
{
	if (all == NULL)
		return;
	for (size_t i = 0; i < all->count; i++) {
		free(all->all[i].path);
		free(all->all[i].source);
		free(all->all[i].text);
	}
	free(all->all);
	free(all);
}

/* Bytes of `line` before character number `column` (from 1). */
static size_t
bytes_before(const char *line, size_t len, unsigned column)
{
	size_t at = 0;
	for (unsigned i = 1; i < column && at < len; i++) {
		at++;
		while (at < len && ((unsigned char)line[at] & 0xc0) == 0x80)
			at++;
	}
	return at;
}

static bool
is_secret_key(const char *key, size_t len)
{
	for (size_t w = 0; w < sizeof(secret_words) / sizeof(*secret_words); w++) {
		size_t word = strlen(secret_words[w]);
		for (size_t i = 0; i + word <= len; i++)
			if (strncasecmp(key + i, secret_words[w], word) == 0)
				return true;
	}
	return false;
}

/* Length of the word that ends before `end`: the name of a key. */
static size_t
key_length(const char *line, size_t end)
{
	size_t len = 0;
	while (len < end && strchr(" \t{,[\"'", line[end - len - 1]) == NULL)
		len++;
	return len;
}

/* Does the key of a secret end here?  ${credential:x} names one and shows nothing. */
static bool
is_secret_before(const char *line, size_t colon)
{
	size_t key = key_length(line, colon), begin = colon - key;
	bool is_variable = begin >= 2 && line[begin - 1] == '{' && line[begin - 2] == '$';
	return !is_variable && is_secret_key(line + begin, key);
}

static void blank_text(struct buf *out, const char *text, size_t len, unsigned depth);

/* The inside of ${...}: names stay, a default is as secret as what it stands for. */
static void
blank_variable(struct buf *out, const char *inside, size_t len, unsigned depth)
{
	size_t name = 0;
	while (name < len && (isalnum((unsigned char)inside[name]) || inside[name] == '_'))
		name++;
	bool has_default = len - name >= 2 && memcmp(inside + name, ":-", 2) == 0;
	buf_add_text(out, "${");
	buf_add(out, inside, has_default ? name + 2 : len);
	if (has_default)
		blank_text(out, inside + name + 2, len - name - 2, depth + 1);
	buf_add_text(out, "}");
}

/* What is not ${NAME}, which shows nothing that is secret. */
static void
blank_text(struct buf *out, const char *text, size_t len, unsigned depth)
{
	for (size_t at = 0; at < len;) {
		size_t open = at;
		while (open < len &&
			(text[open] != '$' || open + 1 == len || text[open + 1] != '{' ||
				(open > 0 && text[open - 1] == '$'))) /* $${ is no variable */
			open++;
		size_t close = open < len ? interpolate_closing(text, open + 2, len) : len;
		if (close == len || depth == NESTING_SHOWN)
			open = len;
		if (open > at)
			buf_add_text(out, SECRET_MASK);
		if (open == len)
			return;
		blank_variable(out, text + open + 2, close - open - 2, depth);
		at = close + 1;
	}
}

/* The quotes around a value stay. */
static void
blank(struct buf *out, const char *text, size_t len)
{
	bool opens = len > 0 && (text[0] == '"' || text[0] == '\'');
	bool closes = opens && len > 1 && text[len - 1] == text[0];
	if (opens)
		buf_add(out, text, 1);
	blank_text(out, text + opens, len - opens - closes, 0);
	if (closes)
		buf_add(out, text, 1);
}

/* Where the quotes that open before `at` close; `len` where they do not. */
static size_t
quotes_end(const char *line, size_t at, size_t len, char quote)
{
	for (; at < len && line[at] != quote; at++)
		if (quote == '"' && line[at] == '\\' && at + 1 < len)
			at++;
	return at;
}

static bool
is_in_flow(const char *line, size_t at)
{
	int depth = 0;
	for (size_t i = 0; i < at; i++) {
		if (line[i] == '{' && (i == 0 || line[i - 1] != '$'))
			depth++;
		else if (line[i] == '}')
			depth--;
	}
	return depth > 0;
}

/* Of a value without quotes: its comma or brace ends it only between braces. */
static size_t
plain_end(const char *line, size_t at, size_t len)
{
	bool is_flow = is_in_flow(line, at);
	size_t end = at;
	for (; end < len; end++) {
		if (line[end] == '$' && end + 1 < len && line[end + 1] == '{')
			while (end + 1 < len && line[end] != '}')
				end++;
		else if (is_flow && (line[end] == ',' || line[end] == '}'))
			break;
		else if (line[end] == '#' && end > at && strchr(" \t", line[end - 1]) != NULL)
			break;
	}
	while (end > at && line[end - 1] == ' ')
		end--;
	return end;
}

/* Where the value that begins at `at` ends. */
static size_t
value_end(const char *line, size_t at, size_t len)
{
	if (at < len && (line[at] == '"' || line[at] == '\'')) {
		size_t end = quotes_end(line, at + 1, len, line[at]);
		return end + (end < len);
	}
	if (at < len && (line[at] == '{' || line[at] == '['))
		return len; /* not what belongs there, but it may hold what does */
	return plain_end(line, at, len);
}

/* The value behind a key's colon; `len`: there is none. */
static size_t
next_value(const char *line, size_t at, size_t len, size_t *end)
{
	while (at < len && line[at] == ' ')
		at++;
	*end = value_end(line, at, len);
	return at < *end ? at : len;
}

/*
 * The password between "://", which ends before `at`, and the last "@" of the value, whatever
 * stands before that: it may be written wrongly.  Without a password the user may be one, or a
 * token. Returns where it begins; *end is where it ends, and the same where there is none.
 */
static size_t
find_password(const char *line, size_t at, size_t len, size_t *end)
{
	size_t begin = at - strlen("://"), stop, last = at, secret = at;
	while (begin > 0 && strchr(" \t\"'", line[begin - 1]) == NULL)
		begin--;
	stop = begin > 0 && strchr("\"'", line[begin - 1]) != NULL
		       ? quotes_end(line, at, len, line[begin - 1])
		       : plain_end(line, at, len);
	for (size_t i = at; i < stop; i++)
		if (line[i] == '@')
			last = i;
	for (size_t i = last; i > at; i--)
		if (line[i - 1] == ':')
			secret = i;
	*end = last;
	return secret < last ? secret : len;
}

/* Behind the key of an address whose "://" was forgotten: all up to the last "@". */
static size_t
find_bare_password(const char *line, size_t at, size_t len, size_t *end)
{
	size_t begin = next_value(line, at, len, end);
	const char *last;
	if (at < 4 || begin == len ||
		(strncasecmp(line + at - 4, "url", 3) != 0 &&
			strncasecmp(line + at - 4, "uri", 3) != 0))
		return len;
	last = memrchr(line + begin, '@', *end - begin);
	if (last == NULL || memmem(line + begin, *end - begin, "://", 3) != NULL)
		return len;
	*end = (size_t)(last - line);
	return begin;
}

/* Of a URL that `at` is in, the bytes before it; 0: it is in none. */
static size_t
url_before(const char *line, size_t at)
{
	size_t before = 0;
	while (before < at && strchr(" \t\"',{", line[at - before - 1]) == NULL)
		before++;
	return memmem(line + at - before, before, "://", 3) != NULL ? before : 0;
}

/* A word in the path of a URL that is long enough to be a secret by itself: webhooks have them. */
static size_t
find_in_path(const char *line, size_t at, size_t len, size_t *end)
{
	size_t word = 0;
	bool has_digit = false;
	if (url_before(line, at) == 0)
		return len;
	while (at + word < len && strchr("/?#\"', }", line[at + word]) == NULL)
		has_digit |= isdigit((unsigned char)line[at + word++]) != 0;
	*end = at + word;
	return has_digit && word >= PATH_SECRET_MIN ? at : len;
}

/* "?key=": the rest of a robot's address may be known to all. */
static size_t
find_in_query(const char *line, size_t at, size_t len, size_t *end)
{
	size_t name = 0, word = 0;
	while (name < at - 1 && strchr("?& ", line[at - name - 2]) == NULL)
		name++;
	if (url_before(line, at) == 0 ||
		(!is_secret_key(line + at - 1 - name, name) &&
			(name < 3 || memcmp(line + at - 4, "key", 3) != 0)))
		return len;
	while (at + word < len && strchr("&#\"', }", line[at + word]) == NULL)
		word++;
	*end = at + word;
	return word > 0 ? at : len;
}

/* Where a secret begins of which the byte before `at` tells, and its end; `len`: there is none. */
static size_t
find_secret(const char *line, size_t at, size_t len, size_t *end)
{
	if (line[at - 1] == '/' && at >= 3 && memcmp(line + at - 3, "://", 3) == 0)
		return find_password(line, at, len, end);
	if (line[at - 1] == '/')
		return find_in_path(line, at, len, end);
	if (line[at - 1] == '=')
		return find_in_query(line, at, len, end);
	if (line[at - 1] != ':')
		return len;
	return is_secret_before(line, at - 1) ? next_value(line, at, len, end)
					      : find_bare_password(line, at, len, end);
}

/* The first `stop` bytes of the line; a secret that goes beyond them is left out. */
static char *
blanked_line(const char *line, size_t len, size_t stop)
{
	struct buf out;
	size_t secret = len, end = len; /* of the next one that is known */
	buf_init(&out, 0);
	for (size_t at = 0; at < stop;) {
		if (at == secret) {
			if (end > stop)
				break;
			blank(&out, line + at, end - at);
			at = end;
			secret = len;
			continue;
		}
		char c = line[at] == '\t' ? ' ' : line[at];
		buf_add(&out, &c, 1);
		at++;
		if (secret == len)
			secret = find_secret(line, at, len, &end);
	}
	size_t size = buf_left(&out) + 1;
	char *shown = xmalloc(size);
	str_printable(shown, size, buf_text(&out), size - 1);
	buf_fini(&out);
	return shown;
}

/* Offset of the first character at or behind that column of a terminal. */
static size_t
offset_of_column(const char *text, size_t column)
{
	size_t at = 0, columns = 0;
	while (text[at] != '\0' && columns < column) {
		char one[8] = { text[at] };
		size_t len = 1;
		while (((unsigned char)text[at + len] & 0xc0) == 0x80 && len < sizeof(one) - 1) {
			one[len] = text[at + len];
			len++;
		}
		columns += str_columns(one);
		at += len;
	}
	return at;
}

/* Keeps what stands around the caret of a line that is too long to be looked at. */
static void
cut_source(struct complaint *c)
{
	size_t columns = str_columns(c->source);
	if (columns <= LINE_SHOWN_MAX)
		return;
	size_t from = c->caret > LINE_SHOWN_MAX - LINE_BEFORE / 2 ? c->caret - LINE_BEFORE : 0;
	if (from > columns - LINE_SHOWN_MAX)
		from = columns - LINE_SHOWN_MAX;
	size_t begin = offset_of_column(c->source, from);
	size_t len = offset_of_column(c->source + begin, LINE_SHOWN_MAX);
	char *head = xstrndup(c->source, begin);
	char *whole = c->source;
	c->source = xasprintf("%s%.*s%s", begin > 0 ? CUT_MARK : "", (int)len, whole + begin,
		whole[begin + len] != '\0' ? CUT_MARK : "");
	if (begin > 0)
		c->caret = c->caret - str_columns(head) + str_columns(CUT_MARK);
	free(head);
	free(whole);
}

static void
take_source(struct complaint *c, const struct conf_pos *pos)
{
	const char *line = pos->file->text;
	if (line == NULL || pos->line == 0)
		return;
	const char *end = line + pos->file->len;
	for (unsigned i = 1; i < pos->line; i++) {
		const char *next = memchr(line, '\n', (size_t)(end - line));
		if (next == NULL)
			return;
		line = next + 1;
	}
	const char *stop = memchr(line, '\n', (size_t)(end - line));
	size_t len = (size_t)((stop != NULL ? stop : end) - line);
	if (len > 0 && line[len - 1] == '\r')
		len--;
	/* The part before the caret is blanked alone, so that the caret stays under its word. */
	size_t before = bytes_before(line, len, pos->column);
	if (before >= LINE_LOOKED_MAX)
		return;
	if (len > before + LINE_LOOKED_MAX)
		len = before + LINE_LOOKED_MAX;
	char *head = blanked_line(line, len, before);
	c->caret = str_columns(head);
	free(head);
	c->source = blanked_line(line, len, len);
	cut_source(c);
}

static void
add(struct complaints *all, bool is_warning, const struct conf_pos *pos, char *text)
{
	unsigned *counter = is_warning ? &all->warnings : &all->errors;
	if ((*counter)++ >= COMPLAINTS_MAX) {
		free(text);
		return;
	}
	if (all->count == all->room) {
		all->room = all->room == 0 ? 8 : all->room * 2;
		all->all = xreallocarray(all->all, all->room, sizeof(*all->all));
	}
	struct complaint *c = &all->all[all->count];
	*c = (struct complaint){ .is_warning = is_warning, .text = text, .order = all->count };
	all->count++;
	if (pos == NULL || pos->file == NULL)
		return;
	c->path = xstrdup(pos->file->path);
	c->line = pos->line;
	c->column = pos->column;
	take_source(c, pos);
}

static char *format_text(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

static char *
format_text(const char *fmt, va_list ap)
{
	struct buf text;
	buf_init(&text, 4096);
	buf_addv(&text, fmt, ap);
	return buf_take_text(&text);
}

void
complain(struct complaints *all, const struct conf_pos *pos, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	add(all, false, pos, format_text(fmt, ap));
	va_end(ap);
}

void
complain_warn(struct complaints *all, const struct conf_pos *pos, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	add(all, true, pos, format_text(fmt, ap));
	va_end(ap);
}

unsigned
complaints_errors(const struct complaints *all)
{
	return all->errors;
}

unsigned
complaints_warnings(const struct complaints *all)
{
	return all->warnings;
}

static int
by_place(const void *a, const void *b)
{
	const struct complaint *x = *(const struct complaint *const *)a;
	const struct complaint *y = *(const struct complaint *const *)b;
	int by_path = strcmp(x->path != NULL ? x->path : "", y->path != NULL ? y->path : "");
	if (by_path != 0)
		return by_path;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->column != y->column)
		return x->column < y->column ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* The caller frees. */
static const struct complaint **
sorted(const struct complaints *all)
{
	const struct complaint **list = xcalloc(all->count + 1, sizeof(const struct complaint *));
	for (size_t i = 0; i < all->count; i++)
		list[i] = &all->all[i];
	qsort(list, all->count, sizeof(*list), by_place);
	return list;
}

static void
print_headline(const struct complaint *c, struct buf *out)
{
	if (c->path != NULL && c->line > 0)
		buf_addf(out, "%s:%u:%u: ", c->path, c->line, c->column);
	else if (c->path != NULL)
		buf_addf(out, "%s: ", c->path);
	buf_addf(out, "%s: %s\n", c->is_warning ? "warning" : "error", c->text);
}

static void
print_source(const struct complaint *c, struct buf *out)
{
	if (c->source == NULL)
		return;
	buf_addf(out, "%5u | %s\n", c->line, c->source);
	buf_addf(out, "      | %*s^\n", (int)c->caret, "");
}

void
complaints_print(const struct complaints *all, struct buf *out)
{
	const struct complaint **list = sorted(all);
	for (size_t i = 0; i < all->count; i++) {
		print_headline(list[i], out);
		print_source(list[i], out);
	}
	free(list);
	if (all->errors > COMPLAINTS_MAX)
		buf_addf(out, "and %u more errors\n", all->errors - COMPLAINTS_MAX);
	if (all->warnings > COMPLAINTS_MAX)
		buf_addf(out, "and %u more warnings\n", all->warnings - COMPLAINTS_MAX);
}

void
complaints_first(const struct complaints *all, char *out, size_t size)
{
	const struct complaint *first = NULL;
	const struct complaint **list = sorted(all);
	for (size_t i = 0; i < all->count && first == NULL; i++)
		if (!list[i]->is_warning)
			first = list[i];
	free(list);
	struct buf line;
	buf_init(&line, 0);
	if (first != NULL) {
		print_headline(first, &line);
		line.data[line.len - 1] = '\0'; /* its newline */
	}
	str_copy(out, size, buf_text(&line));
	buf_fini(&line);
}

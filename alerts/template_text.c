/*
 * Texts with placeholders.
 *
 *	text        = { literal | "{{" value { "|" filter } "}}" }
 *	value       = name { "." name } | quoted text
 *	filter      = name [ "(" quoted text or number ")" ]
 *
 * Names and filters are known when the text is read, so that rendering cannot fail.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/message.h"
#include "alerts/template.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

#define NAME_MAX_LEN 128
#define FILTERS_MAX  8
#define PIECES_MAX   512   /* literals and placeholders of one text */
#define TEXT_MAX     65536 /* of one text, rendered */
#define CUT_MAX      100000

enum arg { ARG_NONE, ARG_TEXT, ARG_COUNT };

/* Consumes the value, returns the new one. */
typedef json_t *(*filter_fn)(json_t *value, const char *text, long count);

struct filter_row {
	const char *name;
	enum arg arg;
	filter_fn fn;
};

struct filter {
	const struct filter_row *row;
	char *text;
	long count;
};

/* A literal, or a placeholder: a name, or a quoted text. */
struct piece {
	char *literal; /* NULL: name */
	char *name;
	bool is_value; /* a placeholder, also when it is a quoted text */
	struct filter filters[FILTERS_MAX];
	size_t filter_count;
};

struct template_text {
	struct piece *pieces;
	size_t count;
};

/* ---- values ---- */

/* A value inside of a text. */
static char *
as_text(const json_t *value)
{
	char *text;

	if (value == NULL || json_is_null(value))
		return xstrdup("");
	if (json_is_string(value))
		return xstrdup(json_string_value(value));
	text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	return text == NULL ? xstrdup("") : text;
}

static json_t *
take_text(char *text)
{
	json_t *value = json_string(text);

	free(text);
	return value == NULL ? json_string("") : value;
}

static const json_t *
look_up(const json_t *data, const char *name)
{
	char part[NAME_MAX_LEN + 1];

	while (data != NULL && *name != '\0') {
		size_t len = strcspn(name, ".");

		memcpy(part, name, len);
		part[len] = '\0';
		name += len + (name[len] == '.');
		data = json_is_array(data) ? json_array_get(data, strtoul(part, NULL, 10))
					   : json_object_get(data, part);
	}
	return data;
}

/* ---- filters ---- */

static bool
is_empty(const json_t *value)
{
	return value == NULL || json_is_null(value) ||
	       (json_is_string(value) && json_string_length(value) == 0) ||
	       (json_is_array(value) && json_array_size(value) == 0) ||
	       (json_is_object(value) && json_object_size(value) == 0);
}

static json_t *
filter_default(json_t *value, const char *text, long count)
{
	(void)count;
	if (!is_empty(value))
		return value;
	json_decref(value);
	return json_string(text);
}

static json_t *
change_case(json_t *value, char from, int by)
{
	char *text = as_text(value);

	json_decref(value);
	for (char *c = text; *c != '\0'; c++) {
		if (*c >= from && *c <= from + 25)
			*c = (char)(*c + by);
	}
	return take_text(text);
}

static json_t *
filter_upper(json_t *value, const char *text, long count)
{
	(void)text;
	(void)count;
	return change_case(value, 'a', 'A' - 'a');
}

static json_t *
filter_lower(json_t *value, const char *text, long count)
{
	(void)text;
	(void)count;
	return change_case(value, 'A', 'a' - 'A');
}

static json_t *
filter_json(json_t *value, const char *text, long count)
{
	char *dump = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));

	(void)text;
	(void)count;
	json_decref(value);
	return take_text(dump == NULL ? xstrdup("null") : dump);
}

static json_t *
filter_cut(json_t *value, const char *text, long count)
{
	char *whole = as_text(value), *part = message_cut(whole, (size_t)count, UNIT_CHARS);

	(void)text;
	json_decref(value);
	free(whole);
	return take_text(part);
}

/* What people read of an element: its text, its check, or its JSON. */
static char *
element_text(const json_t *element)
{
	static const char *const keys[] = { "text", "check" };

	for (size_t i = 0; i < 2; i++) {
		const json_t *found = json_object_get(element, keys[i]);

		if (json_is_string(found))
			return as_text(found);
	}
	return as_text(element);
}

static json_t *
filter_join(json_t *value, const char *text, long count)
{
	struct buf out;
	json_t *element;
	size_t i;

	(void)count;
	if (!json_is_array(value))
		return value;
	buf_init(&out, 0);
	json_array_foreach(value, i, element)
	{
		char *one = element_text(element);

		buf_addf(&out, "%s%s", i == 0 ? "" : text, one);
		free(one);
	}
	json_decref(value);
	value = json_string(buf_text(&out));
	buf_fini(&out);
	return value;
}

static const struct filter_row filter_rows[] = {
	{ "cut", ARG_COUNT, filter_cut },
	{ "default", ARG_TEXT, filter_default },
	{ "join", ARG_TEXT, filter_join },
	{ "json", ARG_NONE, filter_json },
	{ "lower", ARG_NONE, filter_lower },
	{ "upper", ARG_NONE, filter_upper },
};

static const struct filter_row *
find_filter(const char *name)
{
	for (size_t i = 0; i < sizeof(filter_rows) / sizeof(filter_rows[0]); i++) {
		if (str_eq(filter_rows[i].name, name))
			return &filter_rows[i];
	}
	return NULL;
}

/* ---- names ---- */

static bool
is_known(const char *name, const char *pattern)
{
	while (*name != '\0' && *pattern != '\0') {
		size_t len = strcspn(name, "."), width = strcspn(pattern, ".");
		bool is_number = strspn(name, "0123456789") == len && len < 9;

		if (len == 0 || (name[len] == '.' && name[len + 1] == '\0'))
			return false;
		if (!(width == 1 && *pattern == '*') &&
			!(width == 1 && *pattern == '#' && is_number) &&
			(len != width || memcmp(name, pattern, len) != 0))
			return false;
		name += len + (name[len] == '.');
		pattern += width + (pattern[width] == '.');
	}
	return *name == *pattern;
}

/* A known name as people write it: the first of a list, any name of a map. */
static char *
as_written(const char *known)
{
	char *text = xstrdup(known);

	for (char *c = text; (c = strpbrk(c, "#*")) != NULL; c++)
		*c = *c == '#' ? '0' : 'x';
	return text;
}

static int
check_name(const char *name, const struct template_names *names, struct err *e)
{
	const char *near;
	char *shown;

	for (size_t i = 0; i < names->count; i++) {
		if (is_known(name, names->all[i]))
			return 0;
	}
	near = str_nearest(name, names->all, names->count);
	if (near == NULL)
		return err_set(
			e, 0, "there is no \"%s\"; the names are in docs/receivers.md", name);
	shown = as_written(near);
	err_set(e, 0, "there is no \"%s\"; did you mean \"%s\"?", name, shown);
	free(shown);
	return -1;
}

/* ---- reading ---- */

struct scan {
	const char *at;
	const struct template_names *names;
	struct err *e;
};

static void
skip_blanks(struct scan *s)
{
	while (isspace((unsigned char)*s->at))
		s->at++;
}

/* Owned; NULL: it is never closed. */
static char *
scan_quoted(struct scan *s)
{
	char quote = *s->at++;
	struct buf text;

	buf_init(&text, 0);
	while (*s->at != '\0' && *s->at != quote) {
		if (*s->at == '\\' && (s->at[1] == quote || s->at[1] == '\\'))
			s->at++;
		buf_add(&text, s->at++, 1);
	}
	if (*s->at == '\0') {
		buf_fini(&text);
		err_set(s->e, 0, "a quote is never closed");
		return NULL;
	}
	s->at++;
	return buf_take_text(&text);
}

static int
scan_name(struct scan *s, const char *extra, char name[NAME_MAX_LEN + 1])
{
	size_t len = 0;

	while (isalnum((unsigned char)s->at[len]) ||
		(s->at[len] != '\0' && strchr(extra, s->at[len]) != NULL))
		len++;
	if (len == 0)
		return err_set(s->e, 0, "a name is missing between {{ and }}");
	if (len > NAME_MAX_LEN)
		return err_set(s->e, 0, "a name is longer than %d letters", NAME_MAX_LEN);
	memcpy(name, s->at, len);
	name[len] = '\0';
	s->at += len;
	return 0;
}

static int
scan_arg(struct scan *s, struct filter *filter)
{
	const char *name = filter->row->name;
	char *end;

	skip_blanks(s);
	if (*s->at != '(')
		return err_set(s->e, 0, "%s needs (%s)", name,
			filter->row->arg == ARG_TEXT ? "\"text\"" : "a number");
	s->at++;
	skip_blanks(s);
	if (filter->row->arg == ARG_TEXT) {
		if (*s->at != '"' && *s->at != '\'')
			return err_set(s->e, 0, "%s needs (\"text\")", name);
		filter->text = scan_quoted(s);
		if (filter->text == NULL)
			return -1;
	} else {
		filter->count = strtol(s->at, &end, 10);
		if (end == s->at || filter->count < 1 || filter->count > CUT_MAX)
			return err_set(s->e, 0, "%s needs (a number from 1 to %d)", name, CUT_MAX);
		s->at = end;
	}
	skip_blanks(s);
	if (*s->at != ')')
		return err_set(s->e, 0, "a \")\" is missing behind %s", name);
	s->at++;
	return 0;
}

static int
scan_filter(struct scan *s, struct piece *piece)
{
	struct filter *filter = &piece->filters[piece->filter_count];
	char name[NAME_MAX_LEN + 1];

	if (piece->filter_count == FILTERS_MAX)
		return err_set(s->e, 0, "at most %d filters", FILTERS_MAX);
	skip_blanks(s);
	if (scan_name(s, "_", name) < 0)
		return -1;
	filter->row = find_filter(name);
	if (filter->row == NULL)
		return err_set(s->e, 0,
			"there is no filter \"%s\"; there are cut, default, join, json, lower and "
			"upper",
			name);
	piece->filter_count++;
	return filter->row->arg == ARG_NONE ? 0 : scan_arg(s, filter);
}

static int
scan_value(struct scan *s, struct piece *piece)
{
	char name[NAME_MAX_LEN + 1];
	const char *known;

	piece->is_value = true;
	skip_blanks(s);
	if (*s->at == '"' || *s->at == '\'') {
		piece->literal = scan_quoted(s);
		return piece->literal == NULL ? -1 : 0;
	}
	if (scan_name(s, "_-.", name) < 0)
		return -1;
	known = str_starts(name, "data.incident") ? name + strlen("data.") : name;
	if (check_name(known, s->names, s->e) < 0)
		return -1;
	piece->name = xstrdup(known);
	return 0;
}

/* Behind "{{", up to and with "}}". */
static int
scan_placeholder(struct scan *s, struct piece *piece)
{
	if (scan_value(s, piece) < 0)
		return -1;
	for (skip_blanks(s); *s->at == '|'; skip_blanks(s)) {
		s->at++;
		if (scan_filter(s, piece) < 0)
			return -1;
	}
	if (strncmp(s->at, "}}", 2) != 0)
		return err_set(s->e, 0, "\"}}\" is missing behind {{%s",
			piece->name == NULL ? "\"...\"" : piece->name);
	s->at += 2;
	return 0;
}

static struct piece *
add_piece(struct template_text *text)
{
	text->pieces = xreallocarray(text->pieces, text->count + 1, sizeof(*text->pieces));
	memset(&text->pieces[text->count], 0, sizeof(*text->pieces));
	return &text->pieces[text->count++];
}

static int
check_count(const struct template_text *text, struct err *e)
{
	return text->count < PIECES_MAX
		       ? 0
		       : err_set(e, 0, "at most %d placeholders and words in one text", PIECES_MAX);
}

struct template_text *
template_text_new(const char *from, const struct template_names *names, struct err *e)
{
	struct template_text *text = xcalloc(1, sizeof(*text));
	struct scan s = { from, names, e };

	while (*s.at != '\0') {
		const char *open = strstr(s.at, "{{");
		size_t len = open == NULL ? strlen(s.at) : (size_t)(open - s.at);

		if (len > 0)
			add_piece(text)->literal = xstrndup(s.at, len);
		s.at += len;
		if (open == NULL)
			break;
		s.at += 2;
		if (check_count(text, e) < 0 || scan_placeholder(&s, add_piece(text)) < 0) {
			template_text_free(text);
			return NULL;
		}
	}
	return text;
}

void
template_text_free(struct template_text *text)
{
	if (text == NULL)
		return;
	for (size_t i = 0; i < text->count; i++) {
		struct piece *piece = &text->pieces[i];

		for (size_t k = 0; k < piece->filter_count; k++)
			free(piece->filters[k].text);
		free(piece->literal);
		free(piece->name);
	}
	free(text->pieces);
	free(text);
}

/* ---- rendering ---- */

static json_t *
render_piece(const struct piece *piece, const json_t *data)
{
	const json_t *found = piece->name == NULL ? NULL : look_up(data, piece->name);
	json_t *value = piece->literal != NULL ? json_string(piece->literal)
			: found != NULL        ? json_deep_copy(found)
					       : json_null();

	for (size_t i = 0; i < piece->filter_count; i++)
		value = piece->filters[i].row->fn(
			value, piece->filters[i].text, piece->filters[i].count);
	return value == NULL ? json_null() : value;
}

json_t *
template_text_render(const struct template_text *text, const json_t *data)
{
	struct buf out;
	json_t *value;

	if (text->count == 1 && text->pieces[0].is_value)
		return render_piece(&text->pieces[0], data);
	buf_init(&out, TEXT_MAX);
	for (size_t i = 0; i < text->count; i++) {
		json_t *one = render_piece(&text->pieces[i], data);
		char *words = as_text(one);

		buf_add_text(&out, words);
		free(words);
		json_decref(one);
	}
	value = json_string(buf_text(&out));
	buf_fini(&out);
	return value == NULL ? json_string("") : value;
}

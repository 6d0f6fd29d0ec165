/*
 * Texts with values: "{{port-owner.comm}} listens on {{target.port}}".  In a command a value is
 * quoted for a shell, because processes, paths and clients may be named by anybody: what cannot be
 * quoted where it stands makes the command unfit to be shown.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "triage/playbook_inside.h"

#define OPEN       "{{"
#define CLOSE      "}}"
#define PLAIN_MORE "_./:@%+,=-"
#define VALUES_MAX ('z' - 'A' + 1) /* each has a letter in a shape */

/* The next expression from `at` on; NULL: none. */
static const char *
next_expr(const char *at, const char **end)
{
	const char *open = strstr(at, OPEN);
	const char *close = open ? strstr(open, CLOSE) : NULL;

	if (!close)
		return NULL;
	*end = close;
	return open + strlen(OPEN);
}

/* --- values --- */

static void
print_truth(bool is_true, enum language language, char *out, size_t size)
{
	if (language == LANG_ZH)
		str_copy(out, size, is_true ? "是" : "否");
	else
		str_copy(out, size, is_true ? "yes" : "no");
}

/* `out` is for what must be made; texts come as they are.  NULL: not known. */
static const char *
print_value(const struct expr_value *value, enum language language, char *out, size_t size)
{
	if (!value->is_known)
		return NULL;
	if (value->unit == UNIT_TEXT)
		return value->text;
	if (value->unit == UNIT_BOOL)
		print_truth(value->number != 0, language, out, size);
	else if (isinf(value->number))
		str_copy(out, size, language == LANG_ZH ? "不会" : "never");
	else
		metric_format(value->number, value->unit, out, size);
	return out;
}

/* --- shells --- */

/* Which quotes are open behind `len` bytes of a command: 0, ' or ". */
static char
quotes_after(char open, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\' && open != '\'')
			i++;
		else if (open == 0 && (text[i] == '\'' || text[i] == '"'))
			open = text[i];
		else if (text[i] == open)
			open = 0;
	}
	return open;
}

static bool
is_plain(const char *value)
{
	for (const char *c = value; *c; c++) {
		bool is_word = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			       (*c >= '0' && *c <= '9');
		if (!is_word && !strchr(PLAIN_MORE, *c))
			return false;
	}
	return *value && *value != '-';
}

/* False: it cannot stand there. */
static bool
add_quoted(struct buf *out, char open, const char *value)
{
	const char *forbidden = open == '"' ? "\"$`\\!\n\r" : "'\n\r";

	if (is_plain(value)) {
		buf_add_text(out, value);
		return true;
	}
	if (*value == '-' && !open) /* it would be read as an option */
		return false;
	if (strpbrk(value, forbidden))
		return false;
	buf_addf(out, open ? "%s" : "'%s'", value);
	return true;
}

/* --- filling --- */

/* Owned; NULL: not known. */
static char *
value_of(const struct playbook_view *view, const char *from, const char *to)
{
	struct expr_names names;
	char made[200];

	playbook_names(&names, view->body);
	char *source = xstrndup(from, (size_t)(to - from));
	struct expr *expr = expr_compile(source, &names, NULL); /* said when it was loaded */
	free(source);
	if (!expr)
		return NULL;
	struct expr_value value = expr_eval(expr, &view->expr);
	char *text = xstrdup(print_value(&value, view->language, made, sizeof(made)));
	expr_free(expr);
	return text;
}

/* The text with a mark for each value; how many there are. */
static size_t
shape_of(const struct playbook_view *view, const char *at, struct buf *shape, char **values)
{
	const char *start, *end;
	size_t count = 0;

	for (; (start = next_expr(at, &end)); at = end + strlen(CLOSE)) {
		char *value = count < VALUES_MAX ? value_of(view, start, end) : NULL;
		buf_add(shape, at, (size_t)(start - strlen(OPEN) - at));
		if (value)
			buf_addf(shape, "%c%c", PLAYBOOK_VALUE, (char)('A' + count));
		else
			buf_addf(shape, "%c", PLAYBOOK_GAP);
		if (value)
			values[count++] = value;
	}
	buf_add_text(shape, at);
	return count;
}

static void
add_values(struct buf *out, const char *shape, char *const *values, enum language language)
{
	for (const char *c = shape; *c; c++) {
		if (*c == PLAYBOOK_VALUE && c[1])
			buf_add_text(out, values[*++c - 'A']);
		else if (*c == PLAYBOOK_GAP)
			buf_add_text(out, language == LANG_ZH ? "未知" : "unknown");
		else
			buf_add(out, c, 1);
	}
}

/* False: it was cut. */
static bool
give(struct buf *all, char *out, size_t size)
{
	bool is_whole = !all->is_over && buf_left(all) < size;

	str_copy(out, size, buf_text(all));
	buf_fini(all);
	return is_whole;
}

bool
playbook_fill(
	const struct playbook_view *view, const struct conf_node *text, char *out, size_t size)
{
	struct buf shape, tidy, all;
	char *values[VALUES_MAX];

	buf_init(&shape, PLAYBOOK_FILLED_MAX);
	buf_init(&tidy, PLAYBOOK_FILLED_MAX);
	buf_init(&all, PLAYBOOK_FILLED_MAX);
	size_t count = shape_of(view, text->text, &shape, values);
	playbook_tidy(buf_text(&shape), &tidy);
	add_values(&all, buf_text(&tidy), values, view->language);
	bool is_good = !strchr(buf_text(&shape), PLAYBOOK_GAP);
	for (size_t i = 0; i < count; i++)
		free(values[i]);
	buf_fini(&shape);
	buf_fini(&tidy);
	return give(&all, out, size) && is_good;
}

bool
playbook_fill_command(
	const struct playbook_view *view, const struct conf_node *command, char *out, size_t size)
{
	const char *at = command->text, *start, *end;
	bool is_good = true;
	struct buf all;
	char open = 0;

	buf_init(&all, PLAYBOOK_FILLED_MAX);
	for (; (start = next_expr(at, &end)); at = end + strlen(CLOSE)) {
		size_t before = (size_t)(start - strlen(OPEN) - at);
		char *value = value_of(view, start, end);
		buf_add(&all, at, before);
		open = quotes_after(open, at, before);
		is_good &= value && add_quoted(&all, open, value);
		free(value);
	}
	buf_add_text(&all, at);
	return give(&all, out, size) && is_good;
}

const struct conf_node *
playbook_in_language(const struct playbook_words *words, enum language language)
{
	return words->in[language] ? words->in[language] : words->in[LANG_EN];
}

/* --- mistakes --- */

void
playbook_complain_inside(const struct playbook_reader *reader, const struct conf_node *node,
	size_t at, const struct err *e)
{
	struct conf_pos pos = node->pos;

	/* Texts of several lines are folded: their columns are not the file's. */
	if (!strchr(node->text, '\n')) {
		size_t column = at + (size_t)(e->code > 0 ? e->code : 1);
		for (size_t i = 0; i + 1 < column && node->text[i]; i++)
			if (((unsigned char)node->text[i] & 0xc0) != 0x80)
				pos.column++;
		pos.column += !node->is_plain;
	}
	complain(reader->complaints, &pos, "%s", e->text);
}

static bool
is_wanted(const struct playbook_body *body, const char *name)
{
	if (str_eq(name, "this") || playbook_keys_of(name))
		return true;
	for (size_t i = 0; i < body->of->facts.count; i++)
		if (str_eq(body->of->facts.all[i], name))
			return true;
	return false;
}

bool
playbook_check_expr(const struct expr *expr, const struct conf_node *node, size_t at,
	const struct playbook_body *body, const struct playbook_reader *reader)
{
	struct err e = { 0 };
	const char *name;

	for (size_t n = 0; reader->is_checking && (name = expr_check_at(expr, n)); n++)
		if (!is_wanted(body, name))
			err_set(&e, 1, "the fact \"%s\" is not asked for: add it to `facts:`",
				name);
	if (!*e.text)
		return true;
	playbook_complain_inside(reader, node, at, &e);
	return false;
}

void
playbook_check_text(const struct conf_node *text, const struct expr_names *names,
	const struct playbook_body *body, const struct playbook_reader *reader)
{
	const char *at = text->text, *start, *end;

	if (!reader->is_checking)
		return;
	for (; (start = next_expr(at, &end)); at = end + strlen(CLOSE)) {
		char *source = xstrndup(start, (size_t)(end - start));
		size_t offset = (size_t)(start - text->text);
		struct err e = { 0 };
		struct expr *expr = expr_compile(source, names, &e);
		if (expr)
			playbook_check_expr(expr, text, offset, body, reader);
		else
			playbook_complain_inside(reader, text, offset, &e);
		expr_free(expr);
		free(source);
	}
	if (strstr(at, OPEN))
		playbook_complain_inside(reader, text, (size_t)(strstr(at, OPEN) - text->text),
			&(struct err){ .code = 1, .text = "this {{ has no }}" });
}

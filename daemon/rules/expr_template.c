/* "disk {{this.used_percent}} full": pieces of text and expressions, in turn. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "rules/expr_tree.h"

#define PIECES_MAX   64
#define RENDERED_MAX ((size_t)64 * 1024)

struct piece {
	char *text; /* NULL: an expression */
	struct expr *expr;
};

struct expr_template {
	struct piece *pieces;
	size_t count;
};

static struct piece *
add_piece(struct expr_template *t)
{
	t->pieces = xreallocarray(t->pieces, t->count + 1, sizeof(*t->pieces));
	t->pieces[t->count] = (struct piece){ 0 };
	return &t->pieces[t->count++];
}

/* Compiles what is between braces from `start` on; columns count from the template's beginning. */
static int
add_expr(struct expr_template *t, const char *text, size_t start, const struct expr_names *names,
	struct err *e)
{
	char *source = xstrndup(text + start, (size_t)(strstr(text + start, "}}") - text) - start);
	struct expr *expr = expr_compile_as(source, names, WANT_WORDS, e);

	free(source);
	if (!expr) {
		if (e)
			e->code += (int)start;
		return -1;
	}
	add_piece(t)->expr = expr;
	return 0;
}

static int
compile(struct expr_template *t, const char *text, const struct expr_names *names, struct err *e)
{
	const char *at = text, *open;

	while ((open = strstr(at, "{{"))) {
		const char *close = strstr(open, "}}");
		if (!close)
			return err_set(e, (int)(open - text) + 1, "this {{ has no }}");
		if (t->count >= PIECES_MAX)
			return err_set(e, (int)(open - text) + 1, "too many {{…}} in one text");
		if (open > at)
			add_piece(t)->text = xstrndup(at, (size_t)(open - at));
		if (add_expr(t, text, (size_t)(open + 2 - text), names, e) != 0)
			return -1;
		at = close + 2;
	}
	if (*at)
		add_piece(t)->text = xstrdup(at);
	return 0;
}

struct expr_template *
expr_template_compile(const char *text, const struct expr_names *names, struct err *e)
{
	struct expr_template *t = xcalloc(1, sizeof(*t));

	if (compile(t, text, names, e) == 0)
		return t;
	expr_template_free(t);
	return NULL;
}

void
expr_template_free(struct expr_template *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->count; i++) {
		free(t->pieces[i].text);
		expr_free(t->pieces[i].expr);
	}
	free(t->pieces);
	free(t);
}

/* Texts whole: half a path in a command would be another command. */
static void
add_value(struct buf *out, const struct expr_value *value)
{
	char text[200];

	if (!value->is_known) {
		buf_add_text(out, "?");
	} else if (value->unit == UNIT_TEXT) {
		buf_add_text(out, value->text);
	} else {
		expr_print_value(value, text, sizeof(text));
		buf_add_text(out, text);
	}
}

bool
expr_template_render(
	const struct expr_template *t, const struct expr_world *world, char *out, size_t size)
{
	struct buf all;
	bool is_whole = true;

	buf_init(&all, RENDERED_MAX);
	for (size_t i = 0; i < t->count; i++) {
		const struct piece *piece = &t->pieces[i];
		if (piece->text) {
			buf_add_text(&all, piece->text);
			continue;
		}
		struct expr_value value = expr_eval(piece->expr, world);
		is_whole = is_whole && value.is_known;
		add_value(&all, &value);
	}
	str_copy(out, size, buf_text(&all));
	is_whole = is_whole && strlen(buf_text(&all)) < size;
	buf_fini(&all);
	return is_whole;
}

const struct expr *
expr_template_at(const struct expr_template *t, size_t n)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->pieces[i].expr && n-- == 0)
			return t->pieces[i].expr;
	return NULL;
}

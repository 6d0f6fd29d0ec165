/*
 * An expression as a whole: compiled from text, asked what it is about, and made to show the
 * numbers that it looked at.  Owns the tree, the text and the lists.
 */
#include "rules/expr.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "rules/expr_fn.h"

struct expr *
expr_compile_as(
	const char *text, const struct expr_names *names, enum expr_want want, struct err *e)
{
	struct expr *expr = xcalloc(1, sizeof(*expr));

	tree_init(&expr->tree, text);
	if (tree_parse(&expr->tree, e) == 0 && expr_check(expr, names, want, e) == 0)
		return expr;
	expr_free(expr);
	return NULL;
}

struct expr *
expr_compile(const char *text, const struct expr_names *names, struct err *e)
{
	return expr_compile_as(text, names, WANT_ANY, e);
}

void
expr_free(struct expr *expr)
{
	if (!expr)
		return;
	tree_fini(&expr->tree);
	free(expr->checks);
	free(expr->windows);
	free(expr);
}

bool
expr_is_condition(const struct expr *expr)
{
	return expr->tree.root->unit == UNIT_BOOL;
}

bool
expr_is_timed(const struct expr *expr)
{
	return expr->is_timed;
}

const char *
expr_text(const struct expr *expr)
{
	return expr->tree.text;
}

const char *
expr_check_at(const struct expr *expr, size_t n)
{
	return n < expr->check_count ? expr->checks[n] : NULL;
}

size_t
expr_window_count(const struct expr *expr)
{
	return expr->window_count;
}

const struct expr_window *
expr_window_at(const struct expr *expr, size_t n)
{
	return expr->windows[n];
}

bool
expr_window_is_same(const struct expr_window *a, const struct expr_window *b)
{
	if (a->metric != b->metric || a->span_us != b->span_us || a->keep != b->keep)
		return false;
	return a->keep != KEEP_TRUTH || (a->op == b->op && a->with == b->with);
}

double
expr_window_take(const struct expr_window *window, double value)
{
	if (window->keep != KEEP_TRUTH || isnan(value))
		return value;
	return compare_numbers((enum token_kind)window->op, value, window->with);
}

void
expr_print_value(const struct expr_value *value, char *out, size_t size)
{
	if (!value->is_known)
		str_copy(out, size, "unknown");
	else if (value->unit == UNIT_TEXT)
		str_copy(out, size, value->text);
	else if (value->unit == UNIT_BOOL)
		str_copy(out, size, value->number != 0 ? "yes" : "no");
	else if (isinf(value->number))
		str_copy(out, size, "never");
	else
		metric_format(value->number, value->unit, out, size);
}

/* --- what it looked at --- */

struct look {
	const struct expr *expr;
	const struct expr_world *world;
	expr_look_fn fn;
	void *arg;
	struct buf
		seen; /* "\nlabel\n" of each, so that a value that is written twice is told once */
};

/* The source of a node; `this.x` is shown as x, and `this` as the check's name. */
static void
label_of(const struct look *look, const struct node *node, struct buf *out)
{
	const char *text = look->expr->tree.text;
	const char *at = text + node->column - 1, *end = text + node->end - 1;

	while (at < end) {
		bool is_start = at == text || (!isalnum((unsigned char)at[-1]) && at[-1] != '.');
		bool is_this = is_start && str_starts(at, "this");
		char after = is_this ? at[4] : '\0';
		if (is_this && after == '.') {
			at += 5;
		} else if (is_this && !isalnum((unsigned char)after) && after != '_') {
			buf_add_text(out, expr_real_check(expr_this, look->world));
			at += 4;
		} else {
			buf_add(out, at++, 1);
		}
	}
}

/* A value that comes from outside of the expression. */
static bool
is_input(const struct node *node)
{
	if (node->kind == NODE_METRIC)
		return true;
	if (node->kind != NODE_CALL)
		return false;
	return node->function->args[0] < ARG_NUMBER;
}

static bool
is_new(struct look *look, const struct buf *label)
{
	struct buf line;

	buf_init(&line, 0);
	buf_addf(&line, "\n%s\n", buf_text(label));
	bool was_there = strstr(buf_text(&look->seen), buf_text(&line)) != NULL;
	if (!was_there)
		buf_add_text(&look->seen, buf_text(&line));
	buf_fini(&line);
	return !was_there;
}

static void
look_at(struct look *look, const struct node *node)
{
	if (!is_input(node)) {
		for (unsigned i = 0; i < node->kid_count; i++)
			look_at(look, node->kids[i]);
		return;
	}
	struct buf label;
	buf_init(&label, 500);
	label_of(look, node, &label);
	if (is_new(look, &label)) {
		struct expr_value value = expr_eval_node(node, look->world);
		look->fn(look->arg, buf_text(&label), &value);
	}
	buf_fini(&label);
}

void
expr_look(const struct expr *expr, const struct expr_world *world, expr_look_fn fn, void *arg)
{
	struct look look = { .expr = expr, .world = world, .fn = fn, .arg = arg };

	buf_init(&look.seen, 0);
	look_at(&look, expr->tree.root);
	buf_fini(&look.seen);
}

static void
explain_one(void *arg, const char *label, const struct expr_value *value)
{
	char text[200];

	expr_print_value(value, text, sizeof(text));
	buf_addf(arg, "%s = %s\n", label, text);
}

void
expr_explain(const struct expr *expr, const struct expr_world *world, struct buf *out)
{
	expr_look(expr, world, explain_one, out);
}

static void
store_one(void *arg, const char *label, const struct expr_value *value)
{
	if (!value->is_known)
		return;
	if (value->unit == UNIT_TEXT)
		json_object_set_new(arg, label, json_string(value->text));
	else if (value->unit == UNIT_BOOL)
		json_object_set_new(arg, label, json_boolean(value->number != 0));
	else if (isfinite(value->number))
		json_object_set_new(arg, label, json_real(value->number));
}

json_t *
expr_values(const struct expr *expr, const struct expr_world *world)
{
	json_t *values = json_object();

	expr_look(expr, world, store_one, values);
	return values;
}

/*
 * Calls: whether the arguments are what the function's row says, the unit of the result, and the
 * windows that must be kept for it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "rules/expr_check.h"

#define WINDOW_MAX_US (7 * USEC_PER_DAY)

static void
add_window(struct expr *expr, const struct node *metric, double seconds)
{
	struct expr_window window = { metric->check, metric->index,
		(usec_t)(seconds * (double)USEC_PER_SEC) };

	expr->windows = xreallocarray(expr->windows, expr->window_count + 1, sizeof(window));
	expr->windows[expr->window_count++] = window;
}

static int
bad_arg(struct checker *c, const struct node *call, const struct node *arg, const char *wanted)
{
	return err_set(c->e, (int)arg->column, "%s wants %s here: %s", call->function->name, wanted,
		call->function->usage);
}

static int
arg_check(struct checker *c, const struct node *call, struct node *arg)
{
	if (expr_check_node(c, arg) != 0)
		return -1;
	return arg->kind == NODE_CHECK ? 0 : bad_arg(c, call, arg, "a check");
}

static int
arg_metric(struct checker *c, const struct node *call, struct node *arg)
{
	if (expr_check_node(c, arg) != 0)
		return -1;
	return arg->kind == NODE_METRIC ? 0 : bad_arg(c, call, arg, "one metric");
}

static int
arg_counter(struct checker *c, const struct node *call, struct node *arg)
{
	if (arg_metric(c, call, arg) != 0)
		return -1;
	if (arg->metric->kind == METRIC_COUNTER)
		return 0;
	return err_set(c->e, (int)arg->column,
		"%s is of counters, which only grow; %s goes up and down: use delta",
		call->function->name, arg->metric->name);
}

static bool
is_constant(const struct node *node)
{
	if (node->kind == NODE_UNARY && node->op == TOK_MINUS)
		return is_constant(node->kids[0]);
	return node->kind == NODE_NUMBER || node->kind == NODE_TRUTH;
}

static int
arg_comparison(struct checker *c, const struct node *call, struct node *arg)
{
	if (expr_check_node(c, arg) != 0)
		return -1;
	if (arg->kind == NODE_BINARY && arg->op >= TOK_LESS && arg->op <= TOK_NOT_EQUAL &&
		arg->kids[0]->kind == NODE_METRIC && is_constant(arg->kids[1]))
		return 0;
	return bad_arg(c, call, arg, "one metric compared with a value");
}

static int
arg_span(struct checker *c, const struct node *call, struct node *arg)
{
	if (expr_check_node(c, arg) != 0)
		return -1;
	if (arg->kind != NODE_NUMBER || arg->unit != UNIT_SECONDS || arg->number <= 0) {
		if (arg->kind == NODE_NUMBER && arg->is_bare)
			return err_set(c->e, (int)arg->column, "a window needs a unit: %gs, %gm",
				arg->number, arg->number);
		return bad_arg(c, call, arg, "a duration such as 5m");
	}
	if (arg->number > (double)WINDOW_MAX_US / (double)USEC_PER_SEC)
		return err_set(c->e, (int)arg->column, "a window is at most 7d long");
	return 0;
}

static int
arg_count(struct checker *c, const struct node *call, struct node *arg)
{
	if (expr_check_node(c, arg) != 0)
		return -1;
	if (arg->kind == NODE_NUMBER && arg->is_bare && arg->number >= 1 &&
		arg->number <= 1000000 && floor(arg->number) == arg->number)
		return 0;
	return bad_arg(c, call, arg, "a whole number");
}

static int
arg_number(struct checker *c, const struct node *call, struct node *arg)
{
	if (expr_check_kid(c, arg) != 0)
		return -1;
	if (arg->unit == UNIT_TEXT || arg->unit == UNIT_BOOL)
		return bad_arg(c, call, arg, "a number");
	return 0;
}

/* The argument that says the unit: the first of those before `arg` that was not written bare. */
static const struct node *
leader(const struct node *call, const struct node *arg)
{
	for (unsigned i = 0; i < call->kid_count && call->kids[i] != arg; i++)
		if (!call->kids[i]->is_bare)
			return call->kids[i];
	return call->kids[0];
}

static int
arg_like(struct checker *c, const struct node *call, struct node *arg)
{
	enum metric_unit unit;

	if (arg_number(c, call, arg) != 0)
		return -1;
	return unit_join(leader(call, arg), arg, "compare", &unit, c->e);
}

static int
arg_any(struct checker *c, const struct node *call, struct node *arg)
{
	(void)call;
	return expr_check_kid(c, arg);
}

static int
arg_same(struct checker *c, const struct node *call, struct node *arg)
{
	enum metric_unit unit;

	if (expr_check_kid(c, arg) != 0)
		return -1;
	return unit_join(leader(call, arg), arg, "choose between", &unit, c->e);
}

static int
arg_text(struct checker *c, const struct node *call, struct node *arg)
{
	if (expr_check_kid(c, arg) != 0)
		return -1;
	return arg->unit == UNIT_TEXT ? 0 : bad_arg(c, call, arg, "a text");
}

static int (*const arg_checks[])(struct checker *, const struct node *, struct node *) = {
	[ARG_CHECK] = arg_check,
	[ARG_METRIC] = arg_metric,
	[ARG_COUNTER] = arg_counter,
	[ARG_COMPARISON] = arg_comparison,
	[ARG_SPAN] = arg_span,
	[ARG_COUNT] = arg_count,
	[ARG_NUMBER] = arg_number,
	[ARG_LIKE] = arg_like,
	[ARG_ANY] = arg_any,
	[ARG_SAME] = arg_same,
	[ARG_TEXT] = arg_text,
};

static unsigned
arg_places(const struct expr_function *f)
{
	unsigned n = 0;

	while (n < FUNCTION_ARGS && f->args[n] != ARG_END)
		n++;
	return n;
}

static int
check_args(struct checker *c, struct node *call)
{
	const struct expr_function *f = call->function;
	unsigned places = arg_places(f);

	if (call->kid_count < places - f->optional || (call->kid_count > places && !f->repeats))
		return err_set(c->e, (int)call->column, "%s is written %s", f->name, f->usage);
	for (unsigned i = 0; i < call->kid_count; i++) {
		enum arg_kind kind = f->args[i < places ? i : places - 1];
		if (arg_checks[kind](c, call, call->kids[i]) != 0)
			return -1;
	}
	return 0;
}

static int
result_unit(struct checker *c, struct node *call)
{
	const struct node *first = call->kids[0];

	switch (call->function->result) {
	case RESULT_TRUTH:
		call->unit = UNIT_BOOL;
		return 0;
	case RESULT_TEXT:
		call->unit = UNIT_TEXT;
		return 0;
	case RESULT_COUNT:
		call->unit = UNIT_NONE;
		return 0;
	case RESULT_TIME:
		call->unit = UNIT_SECONDS;
		return 0;
	case RESULT_SAME:
		/* An average of a yes-or-no is the share of yes, from 0 to 1. */
		call->unit = first->unit == UNIT_BOOL ? UNIT_NONE : first->unit;
		return 0;
	case RESULT_JOIN:
		call->unit = leader(call, NULL)->unit;
		call->is_bare = leader(call, NULL)->is_bare;
		return 0;
	case RESULT_RATE:
		if (first->unit != UNIT_BYTES && first->unit != UNIT_NONE)
			return bad_arg(c, call, first, "a count or a size");
		call->unit = first->unit == UNIT_BYTES ? UNIT_BYTES_PER_SECOND : UNIT_PER_SECOND;
		return 0;
	}
	return -1;
}

static void
note_window(struct checker *c, const struct node *call)
{
	int metric = function_metric_arg(call->function), span = function_span_arg(call->function);

	if (metric < 0 || span < 0)
		return;
	const struct node *of = call->kids[metric];
	add_window(c->expr, of->kind == NODE_METRIC ? of : of->kids[0], call->kids[span]->number);
}

static int
unknown_function(struct checker *c, const struct node *call)
{
	const char *names[100];
	size_t n = 0;

	for (const struct expr_function *f; n < 100 && (f = function_at(n)); n++)
		names[n] = f->name;
	const char *near = str_nearest(call->text, names, n);
	return err_set(c->e, (int)call->column, "unknown function \"%s\"%s%s%s", call->text,
		near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

int
expr_check_call(struct checker *c, struct node *call)
{
	call->function = function_find(call->text);
	if (!call->function)
		return unknown_function(c, call);
	if (check_args(c, call) != 0 || result_unit(c, call) != 0)
		return -1;
	note_window(c, call);
	if (call->function->is_timed)
		c->expr->is_timed = true;
	return 0;
}

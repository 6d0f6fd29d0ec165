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

#define WINDOW_MAX_US SERIES_SPAN_MAX /* the history is kept no longer */
#define DAYS_MIN_US   (3 * USEC_PER_DAY)
#define AHEAD_MAX_S   (366 * 86400.0)

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
	if (arg->kind == NODE_METRIC && arg->unit != UNIT_TEXT)
		return 0;
	return bad_arg(c, call, arg, "one metric");
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

/* `api.total_time > 2s`, `disk.read_only`, `not disk.read_only`: one metric decides. */
static bool
is_of_one_metric(const struct node *node)
{
	if (node->kind == NODE_UNARY && node->op == TOK_NOT)
		node = node->kids[0];
	if (node->kind == NODE_METRIC)
		return node->unit == UNIT_BOOL;
	return node->kind == NODE_BINARY && node->op >= TOK_LESS && node->op <= TOK_NOT_EQUAL &&
	       node->kids[0]->kind == NODE_METRIC && node->kids[0]->unit != UNIT_TEXT &&
	       expr_is_constant(node->kids[1]);
}

static int
arg_comparison(struct checker *c, const struct node *call, struct node *arg)
{
	if (expr_check_node(c, arg) != 0)
		return -1;
	if (is_of_one_metric(arg))
		return 0;
	return bad_arg(c, call, arg, "one metric compared with a value");
}

static int
arg_either(struct checker *c, const struct node *call, struct node *arg)
{
	if (expr_check_node(c, arg) != 0)
		return -1;
	if (is_of_one_metric(arg) || (arg->kind == NODE_METRIC && arg->unit != UNIT_TEXT))
		return 0;
	return bad_arg(c, call, arg, "one metric, or one compared with a value");
}

/* A duration that is written out. */
static int
arg_duration(struct checker *c, const struct node *call, struct node *arg)
{
	if (expr_check_node(c, arg) != 0)
		return -1;
	if (arg->kind == NODE_NUMBER && arg->unit == UNIT_SECONDS && arg->number > 0)
		return 0;
	if (arg->kind == NODE_NUMBER && arg->is_bare)
		return err_set(c->e, (int)arg->column, "a window needs a unit: %gs, %gm",
			arg->number, arg->number);
	return bad_arg(c, call, arg, "a duration such as 5m");
}

/* "avg, min, max": what may look back further than two hours. */
static const char *
long_functions(char *out, size_t size)
{
	const struct expr_function *f;

	*out = '\0';
	for (size_t i = 0; (f = function_at(i)); i++) {
		if (!f->is_long || !f->eval || f->is_timed)
			continue;
		if (*out)
			strncat(out, ", ", size - strlen(out) - 1);
		strncat(out, f->name, size - strlen(out) - 1);
	}
	return out;
}

static int
arg_span(struct checker *c, const struct node *call, struct node *arg)
{
	const struct expr_function *f = call->function;
	char able[200];

	if (arg_duration(c, call, arg) != 0)
		return -1;
	double span_us = arg->number * (double)USEC_PER_SEC;
	if (span_us > (double)WINDOW_MAX_US)
		return err_set(c->e, (int)arg->column,
			"a window is at most 90d long: the history goes back no further");
	if (!f->is_long && span_us > (double)EXPR_SHORT_MAX)
		return err_set(c->e, (int)arg->column,
			"%s looks back 2h at most: longer windows are served from roll-ups, which "
			"have %s only",
			f->name, long_functions(able, sizeof(able)));
	if (f->keep == KEEP_DAYS && span_us < (double)DAYS_MIN_US)
		return err_set(
			c->e, (int)arg->column, "%s compares days: it needs at least 3d", f->name);
	if (span_us < (double)USEC_PER_MSEC)
		return bad_arg(c, call, arg, "a duration such as 5m");
	return 0;
}

static int
arg_ahead(struct checker *c, const struct node *call, struct node *arg)
{
	if (arg_duration(c, call, arg) != 0)
		return -1;
	if (arg->number > AHEAD_MAX_S)
		return err_set(c->e, (int)arg->column, "nobody knows what is in more than a year");
	return 0;
}

static int
arg_share(struct checker *c, const struct node *call, struct node *arg)
{
	if (expr_check_node(c, arg) != 0)
		return -1;
	double most = arg->unit == UNIT_PERCENT ? 100 : 1;
	if (arg->kind == NODE_NUMBER && (arg->is_bare || arg->unit == UNIT_PERCENT) &&
		arg->number >= 0 && arg->number <= most)
		return 0;
	return bad_arg(c, call, arg, "a number from 0 to 1");
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
	[ARG_EITHER] = arg_either,
	[ARG_SPAN] = arg_span,
	[ARG_AHEAD] = arg_ahead,
	[ARG_SHARE] = arg_share,
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

/* Units per second have names for some units only; 0 of them: none. */
static const struct {
	enum metric_unit of, slope;
} slopes[] = {
	{ UNIT_NONE, UNIT_PER_SECOND },
	{ UNIT_BYTES, UNIT_BYTES_PER_SECOND },
	{ UNIT_PERCENT, UNIT_PER_SECOND },
	{ UNIT_SECONDS, UNIT_NONE },
};

static int
slope_unit(struct checker *c, struct node *call)
{
	const struct node *first = call->kids[0];
	bool is_rate = call->function->result == RESULT_RATE;

	for (size_t i = 0; i < sizeof(slopes) / sizeof(*slopes); i++) {
		if (slopes[i].of != first->unit)
			continue;
		if (is_rate && first->unit != UNIT_BYTES && first->unit != UNIT_NONE)
			break;
		call->unit = slopes[i].slope;
		return 0;
	}
	return bad_arg(c, call, first, "a count or a size");
}

static int
result_unit(struct checker *c, struct node *call)
{
	static const enum metric_unit fixed[] = {
		[RESULT_TRUTH] = UNIT_BOOL,
		[RESULT_TEXT] = UNIT_TEXT,
		[RESULT_COUNT] = UNIT_NONE,
		[RESULT_TIME] = UNIT_SECONDS,
		[RESULT_PERCENT] = UNIT_PERCENT,
	};
	const struct node *first = call->kids[0];

	switch (call->function->result) {
	case RESULT_SAME:
		/* An average of a yes-or-no is the share of yes, from 0 to 1. */
		call->unit = first->unit == UNIT_BOOL ? UNIT_NONE : first->unit;
		return 0;
	case RESULT_JOIN:
		call->unit = leader(call, NULL)->unit;
		call->is_bare = leader(call, NULL)->is_bare;
		return 0;
	case RESULT_RATE:
	case RESULT_SLOPE:
		return slope_unit(c, call);
	default:
		call->unit = fixed[call->function->result];
		return 0;
	}
}

/* The place of an argument of this kind in the function's row; -1: it has none. */
static int
place_of(const struct expr_function *f, enum arg_kind kind)
{
	for (int i = 0; i < FUNCTION_ARGS; i++)
		if (f->args[i] == kind)
			return i;
	return -1;
}

/* What the comparison asks of the metric; of a yes-or-no alone, that it is not 0. */
static const struct node *
note_truth(const struct node *arg, struct expr_window *window)
{
	bool is_negated = arg->kind == NODE_UNARY;

	if (is_negated)
		arg = arg->kids[0];
	window->keep = KEEP_TRUTH;
	if (arg->kind == NODE_METRIC) {
		window->op = is_negated ? TOK_EQUAL : TOK_NOT_EQUAL;
		return arg;
	}
	static const enum token_kind opposite[TOKEN_KINDS] = {
		[TOK_LESS] = TOK_GREATER_EQUAL,
		[TOK_LESS_EQUAL] = TOK_GREATER,
		[TOK_GREATER] = TOK_LESS_EQUAL,
		[TOK_GREATER_EQUAL] = TOK_LESS,
		[TOK_EQUAL] = TOK_NOT_EQUAL,
		[TOK_NOT_EQUAL] = TOK_EQUAL,
	};
	window->op = (int)(is_negated ? opposite[arg->op] : arg->op);
	window->with = expr_eval_node(arg->kids[1], NULL).number;
	return arg->kids[0];
}

static int
note_window(struct checker *c, struct node *call)
{
	int span = place_of(call->function, ARG_SPAN);
	struct expr *expr = c->expr;

	if (span < 0)
		return 0;
	if (c->names->no_windows)
		return err_set(c->e, (int)call->column, "%s looks at the past: %s", call->text,
			c->names->no_windows);
	struct expr_window *window = tree_alloc(&expr->tree, sizeof(*window));
	const struct node *of = call->kids[0];
	window->keep = call->function->keep;
	if (of->kind != NODE_METRIC || call->function->args[0] == ARG_COMPARISON)
		of = note_truth(of, window);
	window->check = of->check;
	window->metric = of->index;
	window->row = of->metric;
	window->span_us = (usec_t)(call->kids[span]->number * (double)USEC_PER_SEC);
	call->window = window;
	expr->windows =
		xreallocarray(expr->windows, expr->window_count + 1, sizeof(*expr->windows));
	expr->windows[expr->window_count++] = window;
	return 0;
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
	if (call->function->is_timed)
		c->expr->is_timed = true;
	return note_window(c, call);
}

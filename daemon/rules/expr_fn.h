/*
 * The rows of functions: what the checker, the evaluator and the manual know of each.  Nobody
 * outside of expr_*.c includes this.
 */
#ifndef RULES_EXPR_FN_H
#define RULES_EXPR_FN_H

#include "rules/expr_tree.h"

enum arg_kind {
	ARG_END,
	ARG_CHECK,      /* api, this */
	ARG_METRIC,     /* api.total_time: a window of it is kept */
	ARG_COUNTER,    /* the same, of a metric that only grows */
	ARG_COMPARISON, /* api.total_time > 2s: one metric against what does not change */
	ARG_EITHER,     /* a metric or such a comparison */
	ARG_SPAN,       /* a duration that is written out: how long the window is */
	ARG_AHEAD,      /* another one */
	ARG_SHARE,      /* a number from 0 to 1 that is written out, or a percentage */
	ARG_COUNT,      /* a whole number that is written out */
	ARG_NUMBER,
	ARG_LIKE, /* a number that fits the arguments before it */
	ARG_ANY,  /* any value: number, text or condition */
	ARG_SAME, /* any value that fits the arguments before it */
	ARG_TEXT,
};

enum result_rule {
	RESULT_TRUTH,
	RESULT_TEXT,
	RESULT_SAME, /* as the metric */
	RESULT_JOIN, /* as all the arguments together */
	RESULT_COUNT,
	RESULT_TIME,
	RESULT_PERCENT,
	RESULT_RATE, /* of a counter, per second */
	RESULT_SLOPE /* of any metric, per second */
};

#define FUNCTION_ARGS 4

struct expr_function {
	const char *name, *usage, *doc;
	enum arg_kind args[FUNCTION_ARGS];
	unsigned optional; /* so many at the end may be left out */
	bool repeats;      /* the last may be given again and again */
	bool is_timed;     /* changes by the passing of time alone, without a sample */
	bool is_long;      /* the history can answer: windows may be longer than EXPR_SHORT_MAX */
	enum expr_keep keep;
	enum result_rule result;
	struct expr_value (*eval)(const struct node *call, const struct expr_world *world);
};

const struct expr_function *function_find(const char *name);
const struct expr_function *function_at(size_t n); /* NULL past the end */
/* The latest sample of the check that a node names so; NULL: no data. */
const struct sample *expr_sample_of(const char *check, const struct expr_world *world);

typedef struct expr_value expr_fn(const struct node *call, const struct expr_world *world);
/* expr_fn_plain.c */
expr_fn fn_down, fn_up, fn_failing, fn_cause, fn_cannot_tell, fn_abs, fn_round, fn_least,
	fn_greatest, fn_clamp, fn_known, fn_coalesce, fn_contains;
/* expr_fn_window.c */
expr_fn fn_min, fn_max, fn_sum, fn_first, fn_last, fn_avg, fn_count, fn_delta, fn_increase, fn_rate,
	fn_time_until, fn_forecast, fn_slope, fn_median, fn_quantile, fn_stddev, fn_changes,
	fn_share, fn_for_at_least, fn_absent, fn_baseline;

#endif

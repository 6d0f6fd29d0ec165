/*
 * The functions, one row each: name, usage, meaning, arguments, unit of the result, evaluation.
 * Checker, evaluator and manual read the rows; adding a function is adding a row.
 */
#include "rules/expr_fn.h"

#include <string.h>

static const struct expr_function functions[] = {
	{
		.name = "down",
		.usage = "down(api)",
		.doc = "The check is down: it failed `retries` times in a row.",
		.args = { ARG_CHECK },
		.result = RESULT_TRUTH,
		.eval = fn_down,
	},
	{
		.name = "up",
		.usage = "up(api)",
		.doc = "The check is up.",
		.args = { ARG_CHECK },
		.result = RESULT_TRUTH,
		.eval = fn_up,
	},
	{
		.name = "failing",
		.usage = "failing(api, 3)",
		.doc = "The check failed at least so many times in a row, up to now (once, if left "
		       "out).",
		.args = { ARG_CHECK, ARG_COUNT },
		.optional = 1,
		.result = RESULT_TRUTH,
		.eval = fn_failing,
	},
	{
		.name = "cause",
		.usage = "cause(api)",
		.doc = "The code of the latest failure, such as \"net.refused\"; empty when the "
		       "check "
		       "is well.",
		.args = { ARG_CHECK },
		.result = RESULT_TEXT,
		.eval = fn_cause,
	},
	{
		.name = "cannot_tell",
		.usage = "cannot_tell(api)",
		.doc = "The latest run could not tell whether the target is well (outcome "
		       "`error`).",
		.args = { ARG_CHECK },
		.result = RESULT_TRUTH,
		.eval = fn_cannot_tell,
	},
	{
		.name = "avg",
		.usage = "avg(api.total_time, 5m)",
		.doc = "The average.",
		.args = { ARG_METRIC, ARG_SPAN },
		.is_long = true,
		.result = RESULT_SAME,
		.eval = fn_avg,
	},
	{
		.name = "min",
		.usage = "min(api.total_time, 5m)",
		.doc = "The smallest value.",
		.args = { ARG_METRIC, ARG_SPAN },
		.is_long = true,
		.result = RESULT_SAME,
		.eval = fn_min,
	},
	{
		.name = "max",
		.usage = "max(api.total_time, 5m)",
		.doc = "The largest value.",
		.args = { ARG_METRIC, ARG_SPAN },
		.is_long = true,
		.result = RESULT_SAME,
		.eval = fn_max,
	},
	{
		.name = "sum",
		.usage = "sum(api.redirects, 5m)",
		.doc = "All values added up.",
		.args = { ARG_METRIC, ARG_SPAN },
		.is_long = true,
		.result = RESULT_SAME,
		.eval = fn_sum,
	},
	{
		.name = "count",
		.usage = "count(api.total_time, 5m)",
		.doc = "How many values there are.",
		.args = { ARG_METRIC, ARG_SPAN },
		.is_long = true,
		.result = RESULT_COUNT,
		.eval = fn_count,
	},
	{
		.name = "last",
		.usage = "last(api.total_time, 5m)",
		.doc = "The newest value.",
		.args = { ARG_METRIC, ARG_SPAN },
		.result = RESULT_SAME,
		.eval = fn_last,
	},
	{
		.name = "first",
		.usage = "first(api.total_time, 5m)",
		.doc = "The oldest value.",
		.args = { ARG_METRIC, ARG_SPAN },
		.result = RESULT_SAME,
		.eval = fn_first,
	},
	{
		.name = "increase",
		.usage = "increase(memory.oom_kills_total, 10m)",
		.doc = "How much a counter has grown, counted from the last value before the "
		       "window. A "
		       "counter that starts anew at 0 is understood. Unknown until there are two "
		       "values.",
		.args = { ARG_COUNTER, ARG_SPAN },
		.result = RESULT_SAME,
		.eval = fn_increase,
	},
	{
		.name = "rate",
		.usage = "rate(api-log.bytes_total, 5m)",
		.doc = "The same per second: bytes become bytes per second.",
		.args = { ARG_COUNTER, ARG_SPAN },
		.result = RESULT_RATE,
		.eval = fn_rate,
	},
	{
		.name = "delta",
		.usage = "delta(disk.free_bytes, 1h)",
		.doc = "The newest value minus the oldest. Unknown until there are two.",
		.args = { ARG_METRIC, ARG_SPAN },
		.result = RESULT_SAME,
		.eval = fn_delta,
	},
	{
		.name = "time_until",
		.usage = "time_until(disk.free_bytes, 0, 6h)",
		.doc = "How long until the metric reaches the value, if it goes on along the "
		       "straight "
		       "line through the window; endless if it does not go there or if its values "
		       "are "
		       "too scattered for a trend. Unknown before ten values that span a sixth of "
		       "the "
		       "window.",
		.args = { ARG_METRIC, ARG_LIKE, ARG_SPAN },
		.is_long = true,
		.result = RESULT_TIME,
		.eval = fn_time_until,
	},
	{
		.name = "forecast",
		.usage = "forecast(disk.used_percent, 2h, 6h)",
		.doc = "The value in so long (the first duration), if it goes on along the "
		       "straight line through the window (the second); the average if its values "
		       "are too scattered for a trend. Unknown as time_until is.",
		.args = { ARG_METRIC, ARG_AHEAD, ARG_SPAN },
		.is_long = true,
		.result = RESULT_SAME,
		.eval = fn_forecast,
	},
	{
		.name = "slope",
		.usage = "slope(memory.available_bytes, 30m)",
		.doc = "How steep the straight line through the window is, per second: bytes per "
		       "second of bytes, percentage points per second of percentages. Unknown "
		       "until there are two values.",
		.args = { ARG_METRIC, ARG_SPAN },
		.result = RESULT_SLOPE,
		.eval = fn_slope,
	},
	{
		.name = "median",
		.usage = "median(api.total_time, 10m)",
		.doc = "Half of the values are not above it.",
		.args = { ARG_METRIC, ARG_SPAN },
		.keep = KEEP_SKETCH,
		.result = RESULT_SAME,
		.eval = fn_median,
	},
	{
		.name = "quantile",
		.usage = "quantile(api.total_time, 0.95, 10m)",
		.doc = "The smallest value that this share of all values (0 to 1) does not "
		       "exceed.",
		.args = { ARG_METRIC, ARG_SHARE, ARG_SPAN },
		.keep = KEEP_SKETCH,
		.result = RESULT_SAME,
		.eval = fn_quantile,
	},
	{
		.name = "stddev",
		.usage = "stddev(api.total_time, 10m)",
		.doc = "The standard deviation of the values. Unknown until there are two.",
		.args = { ARG_METRIC, ARG_SPAN },
		.result = RESULT_SAME,
		.eval = fn_stddev,
	},
	{
		.name = "changes",
		.usage = "changes(api.status, 10m)",
		.doc = "How often a value differed from the one before it; or, of a comparison of "
		       "one metric, how often it turned true or false.",
		.args = { ARG_EITHER, ARG_SPAN },
		.result = RESULT_COUNT,
		.eval = fn_changes,
	},
	{
		.name = "share",
		.usage = "share(api.total_time > 2s, 10m)",
		.doc = "For how many of the values, in percent, the comparison held.",
		.args = { ARG_COMPARISON, ARG_SPAN },
		.result = RESULT_PERCENT,
		.eval = fn_share,
	},
	{
		.name = "baseline",
		.usage = "baseline(api.total_time, 7d)",
		.doc = "What is usual at this time: the median, over the days of the window, of "
		       "the average of the hour around the same time of the day; with three weeks "
		       "or more, only of days of the same weekday. Unknown until there are three "
		       "such days.",
		.args = { ARG_METRIC, ARG_SPAN },
		.is_long = true,
		.keep = KEEP_DAYS,
		.result = RESULT_SAME,
		.eval = fn_baseline,
	},
	{
		.name = "for_at_least",
		.usage = "for_at_least(disk.used_percent > 80, 5m)",
		.doc = "The comparison has held for every value of the window. Unknown while it "
		       "has "
		       "held, but for less time than the window.",
		.args = { ARG_COMPARISON, ARG_SPAN },
		.result = RESULT_TRUTH,
		.eval = fn_for_at_least,
	},
	{
		.name = "absent",
		.usage = "absent(api.total_time, 5m)",
		.doc = "No value for so long. Never unknown: it is counted from the start of the "
		       "daemon.",
		.args = { ARG_METRIC, ARG_SPAN },
		.is_timed = true,
		.is_long = true,
		.result = RESULT_TRUTH,
		.eval = fn_absent,
	},
	{
		.name = "abs",
		.usage = "abs(clock.offset_time)",
		.doc = "The number without its sign.",
		.args = { ARG_NUMBER },
		.result = RESULT_JOIN,
		.eval = fn_abs,
	},
	{
		.name = "least",
		.usage = "least(api.total_time, web.total_time)",
		.doc = "The smallest of several numbers, as far as they are known.",
		.args = { ARG_NUMBER, ARG_LIKE },
		.repeats = true,
		.result = RESULT_JOIN,
		.eval = fn_least,
	},
	{
		.name = "greatest",
		.usage = "greatest(api.total_time, web.total_time)",
		.doc = "The largest of several numbers, as far as they are known.",
		.args = { ARG_NUMBER, ARG_LIKE },
		.repeats = true,
		.result = RESULT_JOIN,
		.eval = fn_greatest,
	},
	{
		.name = "round",
		.usage = "round(disk.used_percent, 5%)",
		.doc = "The nearest whole number, or the nearest multiple of the second.",
		.args = { ARG_NUMBER, ARG_LIKE },
		.optional = 1,
		.result = RESULT_JOIN,
		.eval = fn_round,
	},
	{
		.name = "clamp",
		.usage = "clamp(disk.used_percent, 0, 100)",
		.doc = "The number, moved into the bounds.",
		.args = { ARG_NUMBER, ARG_LIKE, ARG_LIKE },
		.result = RESULT_JOIN,
		.eval = fn_clamp,
	},
	{
		.name = "known",
		.usage = "known(api.total_time)",
		.doc = "There is such a value at present. Never unknown.",
		.args = { ARG_ANY },
		.result = RESULT_TRUTH,
		.eval = fn_known,
	},
	{
		.name = "coalesce",
		.usage = "coalesce(api.total_time, web.total_time)",
		.doc = "The first of several values that is known.",
		.args = { ARG_ANY, ARG_SAME },
		.repeats = true,
		.result = RESULT_JOIN,
		.eval = fn_coalesce,
	},
	{
		.name = "contains",
		.usage = "contains(cause(api), \"tls\")",
		.doc = "The second text is a part of the first; letters count as they are "
		       "written.",
		.args = { ARG_TEXT, ARG_TEXT },
		.result = RESULT_TRUTH,
		.eval = fn_contains,
	},
};

#define FUNCTIONS (sizeof(functions) / sizeof(*functions))

const struct expr_function *
function_at(size_t n)
{
	return n < FUNCTIONS ? &functions[n] : NULL;
}

const struct expr_function *
function_find(const char *name)
{
	for (size_t i = 0; i < FUNCTIONS; i++)
		if (strcmp(functions[i].name, name) == 0)
			return &functions[i];
	return NULL;
}

size_t
expr_function_count(void)
{
	return FUNCTIONS;
}

struct expr_function_doc
expr_function_at(size_t n)
{
	const struct expr_function *f = &functions[n];

	return (struct expr_function_doc){ f->name, f->usage, f->doc };
}

bool
expr_is_reserved(const char *word)
{
	return token_is_keyword(word) || function_find(word) != NULL;
}

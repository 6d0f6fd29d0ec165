/*
 * The functions, one row each: name, usage, meaning, arguments, unit of the result, evaluation.
 * Checker, evaluator and manual read the rows; adding a function is adding a row.
 *
 * A window uses what there is: after a start avg(x, 5m) is the average of the one sample so far.
 * Functions for which that would be wrong say what they need, and are unknown until then.
 */
#include <math.h>
#include <string.h>

#include "rules/expr_tree.h"

/* A line needs this much before it is believed: so many values, over this part of the window,
 * and a slope this many standard errors away from flat. */
#define TREND_VALUES 10
#define TREND_PART   6
#define TREND_ERRORS 3

static const struct sample *
sample_for(const struct node *node, const struct expr_world *world)
{
	return world->sample_of(world->arg, expr_real_check(node->check, world));
}

static usec_t
span_of(const struct node *call)
{
	int at = function_span_arg(call->function);

	return (usec_t)(call->kids[at]->number * (double)USEC_PER_SEC);
}

static const struct series *
series_for(const struct node *metric, const struct node *call, const struct expr_world *world)
{
	return world->series_of(
		world->arg, expr_real_check(metric->check, world), metric->index, span_of(call));
}

/* --- about checks --- */

static enum check_state
state_of(const struct node *check, const struct expr_world *world)
{
	const struct sample *sample = sample_for(check, world);

	return sample ? sample->state : CHECK_UNKNOWN;
}

static struct expr_value
eval_down(const struct node *call, const struct expr_world *world)
{
	enum check_state state = state_of(call->kids[0], world);

	return state == CHECK_UNKNOWN ? value_unknown(UNIT_BOOL) : value_truth(state == CHECK_DOWN);
}

static struct expr_value
eval_up(const struct node *call, const struct expr_world *world)
{
	enum check_state state = state_of(call->kids[0], world);

	return state == CHECK_UNKNOWN ? value_unknown(UNIT_BOOL) : value_truth(state == CHECK_UP);
}

static struct expr_value
eval_failing(const struct node *call, const struct expr_world *world)
{
	const struct sample *sample = sample_for(call->kids[0], world);
	double wanted = call->kid_count > 1 ? call->kids[1]->number : 1;

	if (!sample)
		return value_unknown(UNIT_BOOL);
	return value_truth((double)sample->failures >= wanted);
}

static struct expr_value
eval_cause(const struct node *call, const struct expr_world *world)
{
	const struct sample *sample = sample_for(call->kids[0], world);
	struct expr_value value = { .is_known = true, .unit = UNIT_TEXT, .text = "" };

	if (!sample || sample->outcome == OUTCOME_ERROR || sample->outcome == OUTCOME_NONE)
		return value_unknown(UNIT_TEXT);
	if (sample->outcome == OUTCOME_FAIL && sample->cause)
		value.text = sample->cause->code;
	return value;
}

static struct expr_value
eval_cannot_tell(const struct node *call, const struct expr_world *world)
{
	const struct sample *sample = sample_for(call->kids[0], world);

	if (!sample)
		return value_unknown(UNIT_BOOL);
	return value_truth(sample->outcome == OUTCOME_ERROR);
}

/* --- windows --- */

/* False: there is no data to speak of. */
static bool
window(const struct node *call, const struct expr_world *world, struct series_part *part)
{
	const struct series *s = series_for(call->kids[0], call, world);

	if (!s || !sample_for(call->kids[0], world))
		return false;
	*part = series_since(s, world->now_us - span_of(call));
	return true;
}

/* One of the part's doubles, by its place in the struct. */
static struct expr_value
part_value(const struct node *call, const struct expr_world *world, size_t offset)
{
	struct series_part part;

	if (!window(call, world, &part) || part.count == 0)
		return value_unknown(call->unit);
	return value_number_of(call->unit, *(double *)(void *)((char *)&part + offset));
}

static struct expr_value
eval_min(const struct node *call, const struct expr_world *world)
{
	return part_value(call, world, offsetof(struct series_part, min));
}

static struct expr_value
eval_max(const struct node *call, const struct expr_world *world)
{
	return part_value(call, world, offsetof(struct series_part, max));
}

static struct expr_value
eval_sum(const struct node *call, const struct expr_world *world)
{
	return part_value(call, world, offsetof(struct series_part, sum));
}

static struct expr_value
eval_first(const struct node *call, const struct expr_world *world)
{
	return part_value(call, world, offsetof(struct series_part, first));
}

static struct expr_value
eval_last(const struct node *call, const struct expr_world *world)
{
	return part_value(call, world, offsetof(struct series_part, last));
}

static struct expr_value
eval_avg(const struct node *call, const struct expr_world *world)
{
	struct series_part part;

	if (!window(call, world, &part) || part.count == 0)
		return value_unknown(call->unit);
	return value_number_of(call->unit, part.sum / (double)part.count);
}

static struct expr_value
eval_count(const struct node *call, const struct expr_world *world)
{
	struct series_part part;

	if (!window(call, world, &part))
		return value_unknown(call->unit);
	return value_number_of(call->unit, (double)part.count);
}

static struct expr_value
eval_delta(const struct node *call, const struct expr_world *world)
{
	struct series_part part;

	if (!window(call, world, &part) || part.count < 2)
		return value_unknown(call->unit);
	return value_number_of(call->unit, part.last - part.first);
}

/* Growth and over how long; false: one value alone says nothing about growth. */
static bool
growth(const struct node *call, const struct expr_world *world, double *grown, double *seconds)
{
	struct series_part part;

	if (!window(call, world, &part) || part.count == 0 || part.last_us <= part.grown_from_us)
		return false;
	*grown = part.grown;
	*seconds = (double)(part.last_us - part.grown_from_us) / (double)USEC_PER_SEC;
	return true;
}

static struct expr_value
eval_increase(const struct node *call, const struct expr_world *world)
{
	double grown, seconds;

	if (!growth(call, world, &grown, &seconds))
		return value_unknown(call->unit);
	return value_number_of(call->unit, grown);
}

static struct expr_value
eval_rate(const struct node *call, const struct expr_world *world)
{
	double grown, seconds;

	if (!growth(call, world, &grown, &seconds))
		return value_unknown(call->unit);
	return value_number_of(call->unit, grown / seconds);
}

static struct expr_value
eval_time_until(const struct node *call, const struct expr_world *world)
{
	const struct series *s = series_for(call->kids[0], call, world);
	struct expr_value goal = expr_eval_node(call->kids[1], world);

	if (!s || !goal.is_known || !sample_for(call->kids[0], world))
		return value_unknown(call->unit);
	struct series_trend trend = series_trend(s, world->now_us - span_of(call));
	if (trend.count < TREND_VALUES ||
		trend.last_us - trend.first_us < span_of(call) / TREND_PART)
		return value_unknown(call->unit);
	double way = goal.number - trend.at_last;
	bool is_trend = fabs(trend.slope) > TREND_ERRORS * trend.slope_error;
	if (way == 0)
		return value_number_of(call->unit, 0);
	if (!is_trend || way * trend.slope <= 0)
		return value_number_of(call->unit, (double)INFINITY);
	double age = (double)(world->now_us - trend.last_us) / (double)USEC_PER_SEC;
	return value_number_of(call->unit, fmax(way / trend.slope - age, 0));
}

/* Does every value of the part compare so?  Where a bucket hides the answer, it is no. */
static bool
part_compares(enum token_kind op, const struct series_part *part, double with)
{
	if (op == TOK_NOT_EQUAL)
		return with < part->min || with > part->max;
	return compare_numbers(op, part->min, with) && compare_numbers(op, part->max, with);
}

static struct expr_value
eval_for_at_least(const struct node *call, const struct expr_world *world)
{
	const struct node *comparison = call->kids[0];
	const struct series *s = series_for(comparison->kids[0], call, world);
	struct expr_value with = expr_eval_node(comparison->kids[1], world);
	usec_t from_us = world->now_us - span_of(call);
	size_t seen = 0;

	if (!s || !with.is_known || !sample_for(comparison->kids[0], world))
		return value_unknown(UNIT_BOOL);
	for (size_t i = 0; i < series_parts(s); i++) {
		struct series_part part = series_part_at(s, i);
		if (part.last_us < from_us)
			continue;
		seen++;
		if (!part_compares(comparison->op, &part, with.number))
			return value_truth(false);
	}
	if (seen == 0 || !series_reaches(s, from_us))
		return value_unknown(UNIT_BOOL);
	return value_truth(true);
}

static struct expr_value
eval_absent(const struct node *call, const struct expr_world *world)
{
	const struct series *s = series_for(call->kids[0], call, world);

	if (!s)
		return value_unknown(UNIT_BOOL);
	return value_truth(world->now_us - series_last_us(s) >= span_of(call));
}

/* --- plain --- */

static struct expr_value
eval_abs(const struct node *call, const struct expr_world *world)
{
	struct expr_value value = expr_eval_node(call->kids[0], world);

	value.number = fabs(value.number);
	return value;
}

static struct expr_value
eval_round(const struct node *call, const struct expr_world *world)
{
	struct expr_value value = expr_eval_node(call->kids[0], world);
	struct expr_value step = value_number_of(UNIT_NONE, 1);

	if (call->kid_count > 1)
		step = expr_eval_node(call->kids[1], world);
	if (!value.is_known || !step.is_known || step.number <= 0)
		return value_unknown(call->unit);
	value.number = round(value.number / step.number) * step.number;
	return value;
}

/* Of those that are known: a limit that this host does not have is no reason to know nothing. */
static struct expr_value
extreme(const struct node *call, const struct expr_world *world, double (*better)(double, double))
{
	struct expr_value all = value_unknown(call->unit);

	for (unsigned i = 0; i < call->kid_count; i++) {
		struct expr_value one = expr_eval_node(call->kids[i], world);
		if (!one.is_known)
			continue;
		double number = all.is_known ? better(all.number, one.number) : one.number;
		all = value_number_of(call->unit, number);
	}
	return all;
}

static struct expr_value
eval_least(const struct node *call, const struct expr_world *world)
{
	return extreme(call, world, fmin);
}

static struct expr_value
eval_greatest(const struct node *call, const struct expr_world *world)
{
	return extreme(call, world, fmax);
}

static struct expr_value
eval_clamp(const struct node *call, const struct expr_world *world)
{
	struct expr_value value = expr_eval_node(call->kids[0], world);
	struct expr_value low = expr_eval_node(call->kids[1], world);
	struct expr_value high = expr_eval_node(call->kids[2], world);

	if (!value.is_known || !low.is_known || !high.is_known)
		return value_unknown(call->unit);
	value.number = fmin(fmax(value.number, low.number), high.number);
	return value;
}

static const struct expr_function functions[] = {
	{
		.name = "down",
		.usage = "down(api)",
		.doc = "The check is down: it failed `retries` times in a row.",
		.args = { ARG_CHECK },
		.result = RESULT_TRUTH,
		.eval = eval_down,
	},
	{
		.name = "up",
		.usage = "up(api)",
		.doc = "The check is up.",
		.args = { ARG_CHECK },
		.result = RESULT_TRUTH,
		.eval = eval_up,
	},
	{
		.name = "failing",
		.usage = "failing(api, 3)",
		.doc = "The check failed at least so many times in a row, up to now (once, if left "
		       "out).",
		.args = { ARG_CHECK, ARG_COUNT },
		.optional = 1,
		.result = RESULT_TRUTH,
		.eval = eval_failing,
	},
	{
		.name = "cause",
		.usage = "cause(api)",
		.doc = "The code of the latest failure, such as \"net.refused\"; empty when the "
		       "check "
		       "is well.",
		.args = { ARG_CHECK },
		.result = RESULT_TEXT,
		.eval = eval_cause,
	},
	{
		.name = "cannot_tell",
		.usage = "cannot_tell(api)",
		.doc = "The latest run could not tell whether the target is well (outcome "
		       "`error`).",
		.args = { ARG_CHECK },
		.result = RESULT_TRUTH,
		.eval = eval_cannot_tell,
	},
	{
		.name = "avg",
		.usage = "avg(api.total_time, 5m)",
		.doc = "The average.",
		.args = { ARG_METRIC, ARG_SPAN },
		.result = RESULT_SAME,
		.eval = eval_avg,
	},
	{
		.name = "min",
		.usage = "min(api.total_time, 5m)",
		.doc = "The smallest value.",
		.args = { ARG_METRIC, ARG_SPAN },
		.result = RESULT_SAME,
		.eval = eval_min,
	},
	{
		.name = "max",
		.usage = "max(api.total_time, 5m)",
		.doc = "The largest value.",
		.args = { ARG_METRIC, ARG_SPAN },
		.result = RESULT_SAME,
		.eval = eval_max,
	},
	{
		.name = "sum",
		.usage = "sum(api.redirects, 5m)",
		.doc = "All values added up.",
		.args = { ARG_METRIC, ARG_SPAN },
		.result = RESULT_SAME,
		.eval = eval_sum,
	},
	{
		.name = "count",
		.usage = "count(api.total_time, 5m)",
		.doc = "How many values there are.",
		.args = { ARG_METRIC, ARG_SPAN },
		.result = RESULT_COUNT,
		.eval = eval_count,
	},
	{
		.name = "last",
		.usage = "last(api.total_time, 5m)",
		.doc = "The newest value.",
		.args = { ARG_METRIC, ARG_SPAN },
		.result = RESULT_SAME,
		.eval = eval_last,
	},
	{
		.name = "first",
		.usage = "first(api.total_time, 5m)",
		.doc = "The oldest value.",
		.args = { ARG_METRIC, ARG_SPAN },
		.result = RESULT_SAME,
		.eval = eval_first,
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
		.eval = eval_increase,
	},
	{
		.name = "rate",
		.usage = "rate(net.rx_bytes_total, 5m)",
		.doc = "The same per second: bytes become bytes per second.",
		.args = { ARG_COUNTER, ARG_SPAN },
		.result = RESULT_RATE,
		.eval = eval_rate,
	},
	{
		.name = "delta",
		.usage = "delta(disk.free_bytes, 1h)",
		.doc = "The newest value minus the oldest. Unknown until there are two.",
		.args = { ARG_METRIC, ARG_SPAN },
		.result = RESULT_SAME,
		.eval = eval_delta,
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
		.result = RESULT_TIME,
		.eval = eval_time_until,
	},
	{
		.name = "for_at_least",
		.usage = "for_at_least(disk.used_percent > 80, 5m)",
		.doc = "The comparison has held for every value of the window. Unknown while it "
		       "has "
		       "held, but for less time than the window.",
		.args = { ARG_COMPARISON, ARG_SPAN },
		.result = RESULT_TRUTH,
		.eval = eval_for_at_least,
	},
	{
		.name = "absent",
		.usage = "absent(api.total_time, 5m)",
		.doc = "No value for so long. Never unknown: it is counted from the start of the "
		       "daemon.",
		.args = { ARG_METRIC, ARG_SPAN },
		.is_timed = true,
		.result = RESULT_TRUTH,
		.eval = eval_absent,
	},
	{
		.name = "abs",
		.usage = "abs(clock.offset_time)",
		.doc = "The number without its sign.",
		.args = { ARG_NUMBER },
		.result = RESULT_SAME,
		.eval = eval_abs,
	},
	{
		.name = "least",
		.usage = "least(a.total_time, b.total_time)",
		.doc = "The smallest of several numbers, as far as they are known.",
		.args = { ARG_NUMBER, ARG_LIKE },
		.repeats = true,
		.result = RESULT_SAME,
		.eval = eval_least,
	},
	{
		.name = "greatest",
		.usage = "greatest(a.total_time, b.total_time)",
		.doc = "The largest of several numbers, as far as they are known.",
		.args = { ARG_NUMBER, ARG_LIKE },
		.repeats = true,
		.result = RESULT_SAME,
		.eval = eval_greatest,
	},
	{
		.name = "round",
		.usage = "round(disk.used_percent, 5%)",
		.doc = "The nearest whole number, or the nearest multiple of the second.",
		.args = { ARG_NUMBER, ARG_LIKE },
		.optional = 1,
		.result = RESULT_SAME,
		.eval = eval_round,
	},
	{
		.name = "clamp",
		.usage = "clamp(disk.used_percent, 0, 100)",
		.doc = "The number, moved into the bounds.",
		.args = { ARG_NUMBER, ARG_LIKE, ARG_LIKE },
		.result = RESULT_SAME,
		.eval = eval_clamp,
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

int
function_span_arg(const struct expr_function *function)
{
	for (int i = 0; i < FUNCTION_ARGS; i++)
		if (function->args[i] == ARG_SPAN)
			return i;
	return -1;
}

int
function_metric_arg(const struct expr_function *function)
{
	for (int i = 0; i < FUNCTION_ARGS; i++)
		if (function->args[i] == ARG_METRIC || function->args[i] == ARG_COUNTER ||
			function->args[i] == ARG_COMPARISON)
			return i;
	return -1;
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

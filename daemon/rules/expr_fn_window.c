/*
 * Functions over windows.  A window uses what there is: after a start avg(x, 5m) is the average of
 * the one sample so far.  Functions for which that would be wrong say what they need, and are
 * unknown until then.
 */
#include <math.h>
#include <string.h>

#include "rules/expr_fn.h"

/* A line needs this much before it is believed: so many values, over this part of the window,
 * and a slope this many standard errors away from flat. */
#define TREND_VALUES 10
#define TREND_PART   6
#define TREND_ERRORS 3

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

/* --- windows --- */

/* False: there is no data to speak of. */
static bool
window(const struct node *call, const struct expr_world *world, struct series_part *part)
{
	const struct series *s = series_for(call->kids[0], call, world);

	if (!s || !expr_sample_for(call->kids[0], world))
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

struct expr_value
fn_min(const struct node *call, const struct expr_world *world)
{
	return part_value(call, world, offsetof(struct series_part, min));
}

struct expr_value
fn_max(const struct node *call, const struct expr_world *world)
{
	return part_value(call, world, offsetof(struct series_part, max));
}

struct expr_value
fn_sum(const struct node *call, const struct expr_world *world)
{
	return part_value(call, world, offsetof(struct series_part, sum));
}

struct expr_value
fn_first(const struct node *call, const struct expr_world *world)
{
	return part_value(call, world, offsetof(struct series_part, first));
}

struct expr_value
fn_last(const struct node *call, const struct expr_world *world)
{
	return part_value(call, world, offsetof(struct series_part, last));
}

struct expr_value
fn_avg(const struct node *call, const struct expr_world *world)
{
	struct series_part part;

	if (!window(call, world, &part) || part.count == 0)
		return value_unknown(call->unit);
	return value_number_of(call->unit, part.sum / (double)part.count);
}

struct expr_value
fn_count(const struct node *call, const struct expr_world *world)
{
	struct series_part part;

	if (!window(call, world, &part))
		return value_unknown(call->unit);
	return value_number_of(call->unit, (double)part.count);
}

struct expr_value
fn_delta(const struct node *call, const struct expr_world *world)
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

struct expr_value
fn_increase(const struct node *call, const struct expr_world *world)
{
	double grown, seconds;

	if (!growth(call, world, &grown, &seconds))
		return value_unknown(call->unit);
	return value_number_of(call->unit, grown);
}

struct expr_value
fn_rate(const struct node *call, const struct expr_world *world)
{
	double grown, seconds;

	if (!growth(call, world, &grown, &seconds))
		return value_unknown(call->unit);
	return value_number_of(call->unit, grown / seconds);
}

struct expr_value
fn_time_until(const struct node *call, const struct expr_world *world)
{
	const struct series *s = series_for(call->kids[0], call, world);
	struct expr_value goal = expr_eval_node(call->kids[1], world);

	if (!s || !goal.is_known || !expr_sample_for(call->kids[0], world))
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

struct expr_value
fn_for_at_least(const struct node *call, const struct expr_world *world)
{
	const struct node *comparison = call->kids[0];
	const struct series *s = series_for(comparison->kids[0], call, world);
	struct expr_value with = expr_eval_node(comparison->kids[1], world);
	usec_t from_us = world->now_us - span_of(call);
	size_t seen = 0;

	if (!s || !with.is_known || !expr_sample_for(comparison->kids[0], world))
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

struct expr_value
fn_absent(const struct node *call, const struct expr_world *world)
{
	const struct series *s = series_for(call->kids[0], call, world);

	if (!s)
		return value_unknown(UNIT_BOOL);
	return value_truth(world->now_us - series_last_us(s) >= span_of(call));
}

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

/* What is kept for the call; NULL: nothing. */
static const struct series *
series_for(const struct node *call, const struct expr_world *world)
{
	const struct expr_window *window = call->window;

	if (!world->series_of)
		return NULL;
	return world->series_of(world->arg, expr_real_check(window->check, world), window);
}

/* The same, and NULL when the check has no data either. */
static const struct series *
living_series(const struct node *call, const struct expr_world *world)
{
	return expr_sample_of(call->window->check, world) ? series_for(call, world) : NULL;
}

static usec_t
begin_of(const struct node *call, const struct expr_world *world)
{
	return world->now_us - call->window->span_us;
}

static bool
window(const struct node *call, const struct expr_world *world, struct series_part *part)
{
	const struct series *s = living_series(call, world);

	if (!s)
		return false;
	*part = series_since(s, begin_of(call, world));
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
	return value_number_of(call->unit, part.sum / part.count);
}

struct expr_value
fn_count(const struct node *call, const struct expr_world *world)
{
	struct series_part part;

	if (!window(call, world, &part))
		return value_unknown(call->unit);
	return value_number_of(call->unit, part.count);
}

struct expr_value
fn_delta(const struct node *call, const struct expr_world *world)
{
	struct series_part part;

	if (!window(call, world, &part) || part.count < 2)
		return value_unknown(call->unit);
	return value_number_of(call->unit, part.last - part.first);
}

struct expr_value
fn_stddev(const struct node *call, const struct expr_world *world)
{
	struct series_part part;

	if (!window(call, world, &part) || part.count < 2)
		return value_unknown(call->unit);
	return value_number_of(call->unit, sqrt(part.spread / part.count));
}

struct expr_value
fn_changes(const struct node *call, const struct expr_world *world)
{
	struct series_part part;

	if (!window(call, world, &part) || part.count == 0)
		return value_unknown(call->unit);
	return value_number_of(call->unit, part.changes);
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

/* --- quantiles --- */

static struct expr_value
quantile(const struct node *call, const struct expr_world *world, double q)
{
	const struct series *s = living_series(call, world);

	if (!s)
		return value_unknown(call->unit);
	return value_number_of(call->unit, series_quantile(s, begin_of(call, world), q));
}

struct expr_value
fn_median(const struct node *call, const struct expr_world *world)
{
	return quantile(call, world, 0.5);
}

struct expr_value
fn_quantile(const struct node *call, const struct expr_world *world)
{
	const struct node *share = call->kids[1];

	return quantile(
		call, world, share->unit == UNIT_PERCENT ? share->number / 100 : share->number);
}

/* --- lines --- */

static bool
trend(const struct node *call, const struct expr_world *world, struct series_trend *line)
{
	const struct series *s = living_series(call, world);

	if (!s)
		return false;
	*line = series_trend(s, begin_of(call, world));
	return true;
}

/* A line that may be believed, or at least the flat one. */
static bool
long_trend(const struct node *call, const struct expr_world *world, struct series_trend *line)
{
	return trend(call, world, line) && line->count >= TREND_VALUES &&
	       line->last_us - line->first_us >= call->window->span_us / TREND_PART;
}

static bool
is_steep(const struct series_trend *line)
{
	return fabs(line->slope) > TREND_ERRORS * line->slope_error;
}

static double
age_of(const struct series_trend *line, const struct expr_world *world)
{
	return (double)(world->now_us - line->last_us) / (double)USEC_PER_SEC;
}

struct expr_value
fn_slope(const struct node *call, const struct expr_world *world)
{
	struct series_trend line;

	if (!trend(call, world, &line) || line.last_us <= line.first_us)
		return value_unknown(call->unit);
	return value_number_of(call->unit, line.slope);
}

struct expr_value
fn_time_until(const struct node *call, const struct expr_world *world)
{
	struct expr_value goal = expr_eval_node(call->kids[1], world);
	struct series_trend line;

	if (!goal.is_known || !long_trend(call, world, &line))
		return value_unknown(call->unit);
	double way = goal.number - line.at_last;
	if (way == 0)
		return value_number_of(call->unit, 0);
	if (!is_steep(&line) || way * line.slope <= 0)
		return value_number_of(call->unit, (double)INFINITY);
	return value_number_of(call->unit, fmax(way / line.slope - age_of(&line, world), 0));
}

struct expr_value
fn_forecast(const struct node *call, const struct expr_world *world)
{
	struct series_trend line;

	if (!long_trend(call, world, &line))
		return value_unknown(call->unit);
	if (!is_steep(&line))
		return fn_avg(call, world);
	double ahead = call->kids[1]->number + age_of(&line, world);
	return value_number_of(call->unit, line.at_last + line.slope * ahead);
}

/* --- what held --- */

struct expr_value
fn_share(const struct node *call, const struct expr_world *world)
{
	struct series_part part;

	if (!window(call, world, &part) || part.count == 0)
		return value_unknown(call->unit);
	return value_number_of(call->unit, 100 * part.sum / part.count);
}

struct expr_value
fn_for_at_least(const struct node *call, const struct expr_world *world)
{
	const struct series *s = living_series(call, world);

	if (!s)
		return value_unknown(UNIT_BOOL);
	struct series_part part = series_since(s, begin_of(call, world));
	if (part.count > 0 && part.min == 0)
		return value_truth(false);
	if (part.count == 0 || !series_reaches(s, begin_of(call, world)))
		return value_unknown(UNIT_BOOL);
	return value_truth(true);
}

struct expr_value
fn_absent(const struct node *call, const struct expr_world *world)
{
	const struct series *s = series_for(call, world);

	if (!s)
		return value_unknown(UNIT_BOOL);
	return value_truth(world->now_us - series_last_us(s) >= call->window->span_us);
}

struct expr_value
fn_baseline(const struct node *call, const struct expr_world *world)
{
	const struct series *s = living_series(call, world);

	if (!s)
		return value_unknown(call->unit);
	return value_number_of(call->unit, series_usual(s, world->wall_us));
}

/*
 * The windows of a check: what is kept of its metrics because a rule looks at it.  One series for
 * each metric, length and kind of looking, so that none blurs another; long ones are taken up from
 * the history, which answers when it can.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rules/engine.h"

static struct series_shape
shape_of(const struct expr_window *what, usec_t interval_us)
{
	return (struct series_shape){ .span_us = what->span_us,
		.interval_us = interval_us,
		.has_sketch = what->keep == KEEP_SKETCH,
		.has_days = what->keep == KEEP_DAYS };
}

/* Without having looked at any window: does it have a value for one of them? */
static bool
brings_values(const struct watched *check, const struct sample *sample)
{
	for (uint64_t left = check->asked; left != 0; left &= left - 1)
		for (size_t at = (size_t)__builtin_ctzll(left); at < sample->metric_count;
			at += EXPR_GATE_BITS)
			if (!isnan(sample->values[at]))
				return true;
	return false;
}

void
engine_feed_windows(struct watched *check, const struct sample *sample, const struct moment *at)
{
	if (!brings_values(check, sample))
		return;
	for (size_t i = 0; i < check->window_count; i++) {
		struct window *w = &check->windows[i];
		size_t metric = (size_t)w->what.metric;
		if (metric >= sample->metric_count || isnan(sample->values[metric]))
			continue;
		check->seen |= expr_gate_bit(w->what.metric);
		series_add(w->series, w->what.keep == KEEP_DAYS ? at->wall_us : at->now_us,
			expr_window_take(&w->what, sample->values[metric]));
	}
}

void
engine_need_window(struct watched *check, const struct expr_window *what)
{
	for (size_t i = 0; i < check->window_count; i++) {
		if (!expr_window_is_same(&check->windows[i].what, what))
			continue;
		check->windows[i].is_needed = true;
		check->windows[i].what.row = what->row;
		return;
	}
	check->windows =
		xreallocarray(check->windows, check->window_count + 1, sizeof(*check->windows));
	struct window *w = &check->windows[check->window_count++];
	*w = (struct window){ .what = *what, .is_needed = true };
	check->asked |= expr_gate_bit(what->metric);
	w->what.check = NULL;
}

void
engine_drop_windows(struct watched *check)
{
	for (size_t i = 0; i < check->window_count; i++)
		series_free(check->windows[i].series);
	free(check->windows);
	check->windows = NULL;
	check->window_count = 0;
	check->asked = check->seen = 0;
}

/* The same but for its length. */
static bool
is_kin(const struct window *old, const struct expr_window *what)
{
	struct expr_window like = *what;

	like.span_us = old->what.span_us;
	return old->series && !old->is_needed && expr_window_is_same(&old->what, &like);
}

/* A rule whose window became longer or shorter goes on with what was kept. */
static struct series *
take_over(struct watched *check, const struct expr_window *what)
{
	for (size_t i = 0; i < check->window_count; i++) {
		struct series *found = check->windows[i].series;
		if (!is_kin(&check->windows[i], what))
			continue;
		check->windows[i].series = NULL;
		return found;
	}
	return NULL;
}

static bool
has_history(const struct expr_window *what)
{
	bool is_kept = what->keep == KEEP_VALUES || what->keep == KEEP_DAYS;

	return is_kept && what->span_us > EXPR_SHORT_MAX && what->row->kind != METRIC_MOMENT;
}

static void
make_series(struct rules *rules, struct watched *check, struct window *w, usec_t now_us)
{
	const struct series_shape shape = shape_of(&w->what, check->interval_us);
	bool is_day = w->what.keep == KEEP_DAYS;

	w->series = take_over(check, &w->what);
	if (w->series)
		series_fit(w->series, &shape);
	else
		w->series = series_new(&shape, is_day ? now_us + rules->wall_ahead_us : now_us);
	w->is_waiting = rules->options.past && has_history(&w->what);
	if (w->is_waiting)
		rules->options.past(
			rules->options.arg, check->name, w->what.row->name, w->what.span_us);
}

void
engine_fit_windows(struct rules *rules, struct watched *check, usec_t now_us)
{
	uint32_t left = 0;

	for (size_t i = 0; i < check->window_count; i++) {
		struct window *w = &check->windows[i];
		const struct series_shape shape = shape_of(&w->what, check->interval_us);
		if (w->is_needed && !w->series)
			make_series(rules, check, w, now_us);
		else if (w->is_needed)
			series_fit(w->series, &shape);
	}
	check->asked = 0;
	for (size_t i = 0; i < check->window_count; i++) {
		if (!check->windows[i].is_needed) {
			series_free(check->windows[i].series);
			continue;
		}
		check->asked |= expr_gate_bit(check->windows[i].what.metric);
		check->windows[left++] = check->windows[i];
	}
	check->window_count = left;
	if (left == 0) {
		free(check->windows);
		check->windows = NULL;
	}
}

const struct series *
engine_series(const struct watched *check, const struct expr_window *what)
{
	for (size_t i = 0; check && i < check->window_count; i++)
		if (check->windows[i].what.metric == what->metric &&
			expr_window_is_same(&check->windows[i].what, what))
			return check->windows[i].series;
	return NULL;
}

const struct series *
rules_series(const struct rules *rules, const char *check, const struct expr_window *what)
{
	return engine_series(engine_find(rules, check), what);
}

size_t
rules_window_bytes(const struct rules *rules)
{
	size_t bytes = 0;
	const char *name;
	void *value;

	for (size_t at = 0; map_next(rules->checks, &at, &name, &value);) {
		const struct watched *check = value;
		for (size_t i = 0; i < check->window_count; i++) {
			const struct series_shape shape =
				shape_of(&check->windows[i].what, check->interval_us);
			bytes += sizeof(struct window) + series_bytes_max(&shape);
		}
	}
	return bytes;
}

/* --- what the history knows --- */

static struct series_part
part_of(const struct rules_past *past, usec_t off_us)
{
	return (struct series_part){ .first_us = past->since_us - off_us,
		.last_us = past->until_us - off_us,
		.count = past->count,
		.first = past->avg,
		.last = past->avg,
		.min = past->min,
		.max = past->max,
		.sum = past->avg * past->count,
		.grown_from_us = past->since_us - off_us };
}

void
rules_take_past(struct rules *rules, const char *name, const char *metric, usec_t span_us,
	const struct rules_past *past, size_t count)
{
	struct watched *check = engine_find(rules, name);

	for (size_t i = 0; check && i < check->window_count; i++) {
		struct window *w = &check->windows[i];
		usec_t off_us = w->what.keep == KEEP_DAYS ? 0 : rules->wall_ahead_us;
		if (!w->is_waiting || w->what.span_us != span_us ||
			strcmp(w->what.row->name, metric) != 0)
			continue;
		w->is_waiting = false;
		check->seen |= expr_gate_bit(w->what.metric);
		struct series_part *parts = xcalloc(count + 1, sizeof(*parts));
		for (size_t n = 0; n < count; n++)
			parts[n] = part_of(&past[n], off_us);
		series_prepend(w->series, parts, count);
		free(parts);
	}
}

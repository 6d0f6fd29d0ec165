/*
 * The recent past of one metric: a ring of points (12 bytes each) or of buckets.  It owns one block
 * of memory that grows with what arrives, up to the size that covers the span.
 *
 * A point's time is kept in milliseconds modulo 2^32; it is read as a distance from the last
 * point's whole time, which is right as long as the span is shorter than 49 days.
 */
#include "model/series.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Quick re-checks and runs by hand come on top of the interval: room for twice as many. */
#define POINTS_MAX (2 * SERIES_PARTS)
/* The oldest bucket is partly outside of the window, and one more is the base of increases. */
#define BUCKETS_MAX (SERIES_PARTS + 2)

struct bucket {
	int64_t slot; /* time / width */
	struct series_part part;
};

struct series {
	usec_t span_us;
	usec_t width_us; /* of a bucket; 0: points */
	usec_t last_us;  /* of the newest value, or the beginning */
	uint32_t head, count, room;
	double *values; /* points: `room` values, then `room` times */
	struct bucket *buckets;
};

static uint32_t
short_time(usec_t at_us)
{
	return (uint32_t)(at_us / USEC_PER_MSEC);
}

static uint32_t *
times_of(const struct series *s)
{
	return (uint32_t *)(void *)(s->values + s->room);
}

static size_t
place(const struct series *s, size_t n)
{
	return (s->head + n) % s->room;
}

static usec_t
width_for(usec_t span_us, usec_t interval_us)
{
	if (interval_us > 0 && span_us / interval_us <= SERIES_PARTS)
		return 0;
	return span_us / (SERIES_PARTS - 1) + 1;
}

static void
set_span(struct series *s, usec_t span_us, usec_t interval_us)
{
	assert(span_us > 0);
	s->span_us = span_us < SERIES_SPAN_MAX ? span_us : SERIES_SPAN_MAX;
	s->width_us = width_for(s->span_us, interval_us);
}

struct series *
series_new(usec_t span_us, usec_t interval_us, usec_t now_us)
{
	struct series *s = xcalloc(1, sizeof(*s));

	set_span(s, span_us, interval_us);
	s->last_us = now_us;
	return s;
}

void
series_free(struct series *s)
{
	if (!s)
		return;
	free(s->values);
	free(s->buckets);
	free(s);
}

usec_t
series_span(const struct series *s)
{
	return s->span_us;
}

usec_t
series_last_us(const struct series *s)
{
	return s->last_us;
}

size_t
series_bytes(const struct series *s)
{
	if (s->width_us)
		return sizeof(*s) + s->room * sizeof(struct bucket);
	return sizeof(*s) + s->room * (sizeof(double) + sizeof(uint32_t));
}

size_t
series_parts(const struct series *s)
{
	return s->count;
}

struct series_part
series_part_at(const struct series *s, size_t n)
{
	assert(n < s->count);
	size_t at = place(s, n);
	if (s->width_us)
		return s->buckets[at].part;
	double value = s->values[at];
	uint32_t age_ms = short_time(s->last_us) - times_of(s)[at];
	usec_t when = s->last_us - (usec_t)age_ms * USEC_PER_MSEC;
	return (struct series_part){ .first_us = when,
		.last_us = when,
		.count = 1,
		.first = value,
		.last = value,
		.min = value,
		.max = value,
		.sum = value,
		.grown_from_us = when };
}

/* Moves the ring to a block of `room` places, oldest first. */
static void
grow_points(struct series *s, uint32_t room)
{
	double *values = xcalloc(room, sizeof(double) + sizeof(uint32_t));
	uint32_t *times = (uint32_t *)(void *)(values + room);

	for (size_t i = 0; i < s->count; i++) {
		values[i] = s->values[place(s, i)];
		times[i] = times_of(s)[place(s, i)];
	}
	free(s->values);
	s->values = values;
	s->room = room;
	s->head = 0;
}

static void
grow_buckets(struct series *s, uint32_t room)
{
	struct bucket *buckets = xcalloc(room, sizeof(*buckets));

	for (size_t i = 0; i < s->count; i++)
		buckets[i] = s->buckets[place(s, i)];
	free(s->buckets);
	s->buckets = buckets;
	s->room = room;
	s->head = 0;
}

static void
drop_oldest(struct series *s)
{
	s->head = (uint32_t)place(s, 1);
	s->count--;
}

/* Drops what is outside of the span; the newest of that stays as the base of increases. */
static void
drop_old(struct series *s, usec_t now_us)
{
	while (s->count > 1 && series_part_at(s, 1).last_us < now_us - s->span_us)
		drop_oldest(s);
}

static uint32_t
more_room(uint32_t room, uint32_t max)
{
	uint32_t next = room ? room * 2 : 4;
	return next < max ? next : max;
}

static double
step_up(double from, double to)
{
	return to >= from ? to - from : to; /* a counter that starts anew counts from 0 */
}

static void
join(struct series_part *to, const struct series_part *from)
{
	if (to->count == 0) {
		*to = *from;
		return;
	}
	to->grown += step_up(to->last, from->first) + from->grown;
	to->last = from->last;
	to->last_us = from->last_us;
	to->sum += from->sum;
	to->count += from->count;
	to->min = fmin(to->min, from->min);
	to->max = fmax(to->max, from->max);
}

static void
add_bucket(struct series *s, const struct series_part *part)
{
	int64_t slot = part->last_us / s->width_us;

	if (s->count > 0) {
		struct bucket *last = &s->buckets[place(s, s->count - 1)];
		if (last->slot == slot) {
			join(&last->part, part);
			return;
		}
	}
	if (s->count == BUCKETS_MAX)
		drop_oldest(s);
	if (s->count == s->room)
		grow_buckets(s, more_room(s->room, BUCKETS_MAX));
	s->buckets[place(s, s->count++)] = (struct bucket){ slot, *part };
}

/* Samples come closer than the interval said: from now on buckets. */
static void
use_buckets(struct series *s)
{
	struct series old = *s;

	s->width_us = s->span_us / (SERIES_PARTS - 1) + 1;
	s->values = NULL;
	s->head = s->count = s->room = 0;
	for (size_t i = 0; i < old.count; i++) {
		struct series_part part = series_part_at(&old, i);
		add_bucket(s, &part);
	}
	free(old.values);
}

static bool
add_point(struct series *s, usec_t at_us, double value)
{
	if (s->count == POINTS_MAX)
		return false;
	if (s->count == s->room)
		grow_points(s, more_room(s->room, POINTS_MAX));
	size_t at = place(s, s->count++);
	s->values[at] = value;
	times_of(s)[at] = short_time(at_us);
	return true;
}

void
series_add(struct series *s, usec_t at_us, double value)
{
	if (isnan(value))
		return;
	if (s->count > 0 && at_us < s->last_us)
		at_us = s->last_us;
	/* After a gap longer than the span nothing of the past is of use; this also keeps the
	 * short times of points right. */
	if (s->count > 0 && at_us - s->last_us > s->span_us)
		s->count = s->head = 0;
	drop_old(s, at_us);
	struct series_part part = { at_us, at_us, 1, value, value, value, value, value, 0, at_us };
	if (s->width_us) {
		add_bucket(s, &part);
	} else if (!add_point(s, at_us, value)) {
		use_buckets(s);
		add_bucket(s, &part);
	}
	s->last_us = at_us;
}

void
series_fit(struct series *s, usec_t span_us, usec_t interval_us)
{
	if (s->span_us == span_us && s->width_us == width_for(span_us, interval_us))
		return;
	struct series old = *s;
	*s = (struct series){ .last_us = old.last_us };
	set_span(s, span_us, interval_us);
	/* Buckets cannot become points again: a bucket that holds several stays one. */
	if (old.width_us && s->width_us == 0)
		s->width_us = s->span_us / (SERIES_PARTS - 1) + 1;
	for (size_t i = 0; i < old.count; i++) {
		struct series_part part = series_part_at(&old, i);
		if (s->width_us)
			add_bucket(s, &part);
		else
			add_point(s, part.last_us, part.last);
	}
	if (s->count > 0)
		drop_old(s, s->last_us);
	free(old.values);
	free(old.buckets);
}

bool
series_reaches(const struct series *s, usec_t from_us)
{
	return s->count > 0 && series_part_at(s, 0).first_us <= from_us;
}

struct series_part
series_since(const struct series *s, usec_t from_us)
{
	struct series_part all = { 0 };
	struct series_part before = { 0 };

	for (size_t i = 0; i < s->count; i++) {
		struct series_part part = series_part_at(s, i);
		if (part.last_us < from_us)
			before = part;
		else
			join(&all, &part);
	}
	if (before.count && all.count) {
		all.grown += step_up(before.last, all.first);
		all.grown_from_us = before.last_us;
	}
	return all;
}

/* Sums for least squares, times in seconds before `zero_us` so that they stay small. */
struct line_sums {
	double n, t, v, tt, tv, vv;
};

static void
sum_part(struct line_sums *sums, const struct series_part *part, usec_t zero_us)
{
	double n = (double)part->count;
	double mid_us = ((double)part->first_us + (double)part->last_us) / 2;
	double t = (mid_us - (double)zero_us) / (double)USEC_PER_SEC;
	double v = part->sum / n;

	sums->n += n;
	sums->t += n * t;
	sums->v += n * v;
	sums->tt += n * t * t;
	sums->tv += n * t * v;
	sums->vv += n * v * v;
}

struct series_trend
series_trend(const struct series *s, usec_t from_us)
{
	struct series_trend trend = { 0 };
	struct line_sums sums = { 0 };
	size_t used = 0;

	for (size_t i = 0; i < s->count; i++) {
		struct series_part part = series_part_at(s, i);
		if (part.last_us < from_us)
			continue;
		if (used++ == 0)
			trend.first_us = part.first_us;
		trend.last_us = part.last_us;
		trend.count += part.count;
		/* Heights are measured from the first one: squares of terabytes would eat the
		 * digits that the slope lives in. */
		part.sum -= (double)part.count * series_part_at(s, 0).first;
		sum_part(&sums, &part, s->last_us);
	}
	double spread = sums.tt - sums.t * sums.t / fmax(sums.n, 1);
	if (used < 2 || spread <= 0)
		return trend;
	double slope_sum = sums.tv - sums.t * sums.v / sums.n;
	trend.slope = slope_sum / spread;
	trend.at_last = (sums.v - trend.slope * sums.t) / sums.n + series_part_at(s, 0).first;
	double left = (sums.vv - sums.v * sums.v / sums.n) - trend.slope * slope_sum;
	if (used > 2 && left > 0)
		trend.slope_error = sqrt(left / (double)(used - 2) / spread);
	return trend;
}

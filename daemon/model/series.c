/*
 * Taking in: a ring of points (12 bytes each) or of buckets.  It owns one block of memory that
 * grows with what arrives, up to the size that covers the span; sketches of buckets come on top.
 *
 * A point's time is kept in milliseconds modulo 2^32; it is read as a distance from the last
 * point's whole time, which is right as long as the span is shorter than 49 days: longer ones are
 * buckets.
 */
#include "model/series.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/series_inside.h"

/* Quick re-checks and runs by hand come on top of the interval: room for twice as many. */
#define POINTS_MAX (2 * SERIES_PARTS)
/* The oldest bucket is partly outside of the window, and one more is the base of increases. */
#define BUCKETS_MAX     (SERIES_PARTS + 2)
#define POINTS_SPAN_MAX (40 * USEC_PER_DAY)

static usec_t
bucket_width(usec_t span_us)
{
	return span_us / (SERIES_PARTS - 1) + 1;
}

static usec_t
width_for(const struct series_shape *shape)
{
	bool is_short = shape->span_us <= POINTS_SPAN_MAX;

	if (is_short && shape->interval_us > 0 &&
		shape->span_us / shape->interval_us <= SERIES_PARTS)
		return 0;
	return bucket_width(shape->span_us);
}

static void
set_shape(struct series *s, const struct series_shape *shape)
{
	assert(shape->span_us > 0 && shape->span_us <= SERIES_SPAN_MAX);
	s->span_us = shape->span_us;
	s->width_us = width_for(shape);
	s->has_sketch = shape->has_sketch;
	if (shape->has_days)
		s->days = days_new(shape->span_us);
}

struct series *
series_new(const struct series_shape *shape, usec_t now_us)
{
	struct series *s = xcalloc(1, sizeof(*s));

	set_shape(s, shape);
	s->last_us = now_us;
	return s;
}

static void
free_parts(struct series *s)
{
	for (size_t i = 0; s->sketches && i < s->room; i++)
		sketch_fini(&s->sketches[i]);
	free(s->sketches);
	free(s->values);
	free(s->buckets);
	free(s->days);
}

void
series_free(struct series *s)
{
	if (!s)
		return;
	free_parts(s);
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
	size_t bytes = sizeof(*s);

	if (s->days)
		return bytes + days_bytes(s->days);
	if (s->width_us == 0)
		return bytes + s->room * (sizeof(double) + sizeof(uint32_t));
	bytes += s->room * sizeof(*s->buckets);
	for (size_t i = 0; s->sketches && i < s->room; i++)
		bytes += sizeof(s->sketches[i]) + sketch_bytes(&s->sketches[i]);
	return bytes;
}

size_t
series_bytes_max(const struct series_shape *shape)
{
	struct series *s = series_new(shape, 0);
	size_t bytes = series_bytes(s);
	size_t sketch = sizeof(struct sketch) + SKETCH_BINS * sizeof(struct sketch_bin);

	/* Points may have to become buckets. */
	if (!s->days)
		bytes += BUCKETS_MAX * (sizeof(struct series_part) + (s->has_sketch ? sketch : 0));
	series_free(s);
	return bytes;
}

static uint32_t
short_time(usec_t at_us)
{
	return (uint32_t)(uint64_t)(at_us / USEC_PER_MSEC);
}

/* Moves the ring to a block of `room` places, oldest first. */
static void
grow_points(struct series *s, uint32_t room)
{
	double *values = xcalloc(room, sizeof(double) + sizeof(uint32_t));
	uint32_t *times = (uint32_t *)(void *)(values + room);

	for (size_t i = 0; i < s->count; i++) {
		values[i] = s->values[series_place(s, i)];
		times[i] = series_times(s)[series_place(s, i)];
	}
	free(s->values);
	s->values = values;
	s->room = room;
	s->head = 0;
}

static void
grow_buckets(struct series *s, uint32_t room)
{
	struct series_part *buckets = xcalloc(room, sizeof(*buckets));
	struct sketch *sketches = s->has_sketch ? xcalloc(room, sizeof(*sketches)) : NULL;

	for (size_t i = 0; i < s->count; i++) {
		buckets[i] = s->buckets[series_place(s, i)];
		if (sketches) {
			sketches[i] = s->sketches[series_place(s, i)];
			s->sketches[series_place(s, i)] = (struct sketch){ 0 };
		}
	}
	for (size_t i = 0; s->sketches && i < s->room; i++)
		sketch_fini(&s->sketches[i]);
	free(s->buckets);
	free(s->sketches);
	s->buckets = buckets;
	s->sketches = sketches;
	s->room = room;
	s->head = 0;
}

static void
drop_oldest(struct series *s)
{
	if (s->sketches)
		s->sketches[s->head].count = 0;
	s->head = (uint32_t)series_place(s, 1);
	s->count--;
}

static usec_t
last_us_at(const struct series *s, size_t n)
{
	size_t at = series_place(s, n);

	return s->width_us ? s->buckets[at].last_us : series_time_at(s, at);
}

/* Drops what is outside of the span; the newest of that stays as the base of increases. */
static void
drop_old(struct series *s, usec_t now_us)
{
	while (s->count > 1 && last_us_at(s, 1) < now_us - s->span_us)
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

void
series_join(struct series_part *to, const struct series_part *from)
{
	if (to->count == 0) {
		*to = *from;
		return;
	}
	double n = to->count, m = from->count;
	double apart = from->sum / m - to->sum / n;
	to->spread += from->spread + apart * apart * n * m / (n + m);
	to->grown += step_up(to->last, from->first) + from->grown;
	to->changes += (to->last != from->first) + from->changes;
	to->last = from->last;
	to->last_us = from->last_us;
	to->sum += from->sum;
	to->count += from->count;
	to->min = from->min < to->min ? from->min : to->min;
	to->max = from->max > to->max ? from->max : to->max;
}

static int64_t
slot_of(const struct series *s, usec_t at_us)
{
	int64_t slot = at_us / s->width_us;

	return at_us % s->width_us < 0 ? slot - 1 : slot; /* the past before this boot */
}

/* Returns the bucket's place. */
static size_t
add_bucket(struct series *s, const struct series_part *part)
{
	if (s->count > 0) {
		size_t last = series_place(s, s->count - 1);
		if (slot_of(s, s->buckets[last].last_us) == slot_of(s, part->last_us)) {
			series_join(&s->buckets[last], part);
			return last;
		}
	}
	if (s->count == BUCKETS_MAX)
		drop_oldest(s);
	if (s->count == s->room)
		grow_buckets(s, more_room(s->room, BUCKETS_MAX));
	size_t at = series_place(s, s->count++);
	s->buckets[at] = *part;
	return at;
}

static struct series_part
part_of(usec_t at_us, double value)
{
	return (struct series_part){ .first_us = at_us,
		.last_us = at_us,
		.count = 1,
		.first = value,
		.last = value,
		.min = value,
		.max = value,
		.sum = value,
		.grown_from_us = at_us };
}

static void
add_value_to_buckets(struct series *s, usec_t at_us, double value)
{
	struct series_part part = part_of(at_us, value);
	size_t at = add_bucket(s, &part);

	if (s->sketches)
		sketch_add(&s->sketches[at], value);
}

struct series_part
series_part_at(const struct series *s, size_t n)
{
	assert(n < s->count);
	size_t at = series_place(s, n);
	if (s->width_us)
		return s->buckets[at];
	return part_of(series_time_at(s, at), s->values[at]);
}

static bool
add_point(struct series *s, usec_t at_us, double value)
{
	if (s->count == POINTS_MAX)
		return false;
	if (s->count == s->room)
		grow_points(s, more_room(s->room, POINTS_MAX));
	size_t at = series_place(s, s->count++);
	s->values[at] = value;
	((uint32_t *)(void *)(s->values + s->room))[at] = short_time(at_us);
	return true;
}

/* Everything of `old` that has a place, in the shape that `s` has. */
static void
take_over(struct series *s, const struct series *old)
{
	s->last_us = old->last_us;
	for (size_t i = 0; i < old->count; i++) {
		size_t from = series_place(old, i);
		struct series_part part = series_part_at(old, i);
		if (s->width_us == 0) {
			add_point(s, part.last_us, part.last);
			continue;
		}
		size_t at = add_bucket(s, &part);
		if (s->sketches && old->sketches)
			sketch_merge(&s->sketches[at], &old->sketches[from]);
		else if (s->sketches && !old->width_us)
			sketch_add(&s->sketches[at], part.last);
	}
}

/* Samples come closer than the interval said: from now on buckets. */
static void
use_buckets(struct series *s)
{
	struct series old = *s;

	s->width_us = bucket_width(s->span_us);
	s->values = NULL;
	s->head = s->count = s->room = 0;
	take_over(s, &old);
	free(old.values);
}

void
series_add(struct series *s, usec_t at_us, double value)
{
	if (isnan(value))
		return;
	if (s->days) {
		days_add(s->days, at_us, value, 1);
		s->last_us = at_us;
		return;
	}
	if (s->count > 0 && at_us < s->last_us)
		at_us = s->last_us;
	/* After a gap longer than the span nothing of the past is of use; this also keeps the
	 * short times of points right. */
	while (s->count > 0 && at_us - s->last_us > s->span_us)
		drop_oldest(s);
	drop_old(s, at_us);
	if (s->width_us == 0 && !add_point(s, at_us, value))
		use_buckets(s);
	else if (s->width_us == 0) {
		s->last_us = at_us;
		return;
	}
	add_value_to_buckets(s, at_us, value);
	s->last_us = at_us;
}

void
series_fit(struct series *s, const struct series_shape *shape)
{
	usec_t width_us = width_for(shape);

	if (s->days && shape->has_days && s->span_us == shape->span_us)
		return;
	/* Buckets cannot become points again: a bucket that holds several stays one. */
	if (s->width_us)
		width_us = bucket_width(shape->span_us);
	if (s->span_us == shape->span_us && s->width_us == width_us &&
		s->has_sketch == shape->has_sketch && (s->days != NULL) == shape->has_days)
		return;
	struct series old = *s;
	*s = (struct series){ 0 };
	set_shape(s, shape);
	s->width_us = width_us;
	take_over(s, &old);
	if (s->count > 0)
		drop_old(s, s->last_us);
	free_parts(&old);
}

static void
prepend_days(struct days *days, const struct series_part *parts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		usec_t middle_us = parts[i].first_us + (parts[i].last_us - parts[i].first_us) / 2;
		days_add(days, middle_us, parts[i].sum / parts[i].count, parts[i].count);
	}
}

/* The last of them may reach into what is known here: as far as it does, it is cut. */
static void
prepend_part(struct series *s, struct series_part part, usec_t before_us)
{
	if (part.count == 0 || part.first_us >= before_us)
		return;
	if (part.last_us >= before_us)
		part.last_us = before_us - 1;
	add_bucket(s, &part);
}

void
series_prepend(struct series *s, const struct series_part *parts, size_t count)
{
	if (s->days) {
		prepend_days(s->days, parts, count);
		return;
	}
	usec_t before_us = s->count > 0 ? series_part_at(s, 0).first_us : s->last_us;
	struct series old = *s;
	s->width_us = bucket_width(s->span_us);
	s->values = NULL;
	s->buckets = NULL;
	s->sketches = NULL;
	s->head = s->count = s->room = 0;
	for (size_t i = 0; i < count; i++)
		prepend_part(s, parts[i], before_us);
	take_over(s, &old);
	if (s->count > 0)
		drop_old(s, s->last_us);
	old.days = NULL;
	free_parts(&old);
}

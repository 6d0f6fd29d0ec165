/* How a series lies in memory: for series*.c only. */
#ifndef MODEL_SERIES_INSIDE_H
#define MODEL_SERIES_INSIDE_H

#include "model/series.h"
#include "model/sketch.h"

struct days;

struct series {
	usec_t span_us;
	usec_t width_us; /* of a bucket; 0: points */
	usec_t last_us;  /* of the newest value, or the beginning */
	uint32_t head, count, room;
	bool has_sketch;
	double *values; /* points: `room` values, then `room` times */
	struct series_part *buckets;
	struct sketch *sketches; /* beside the buckets; NULL: points, or not asked for */
	struct days *days;       /* instead of both */
};

static inline size_t
series_place(const struct series *s, size_t n)
{
	size_t at = s->head + n;

	return at < s->room ? at : at - s->room;
}

static inline const uint32_t *
series_times(const struct series *s)
{
	return (const uint32_t *)(const void *)(s->values + s->room);
}

/* When the point in this place came. */
static inline usec_t
series_time_at(const struct series *s, size_t place)
{
	uint32_t last = (uint32_t)(uint64_t)(s->last_us / USEC_PER_MSEC);
	uint32_t age_ms = last - series_times(s)[place];

	return s->last_us - (usec_t)age_ms * USEC_PER_MSEC;
}

/* The second part comes after the first. */
void series_join(struct series_part *to, const struct series_part *from);

/* --- series_days.c: averages of quarters of an hour, by the wall clock --- */

struct days *days_new(usec_t span_us);
size_t days_bytes(const struct days *days);
void days_add(struct days *days, usec_t wall_us, double value, uint32_t count);
/* See series_usual. */
double days_usual(const struct days *days, usec_t wall_us);

#endif

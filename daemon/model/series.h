/*
 * The recent past of one metric of one check: what windows of the rule language look at.  Points as
 * they came while 64 of them cover the span, else 64 buckets of equal width; adding costs O(1)
 * amortised, looking at most 66 steps, and the memory is bounded by the span, never by the number
 * of samples.
 */
#ifndef MODEL_SERIES_H
#define MODEL_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

struct series;

#define SERIES_PARTS    64 /* points or buckets that cover the span */
#define SERIES_SPAN_MAX (90 * USEC_PER_DAY)

/* What is asked of a series. */
struct series_shape {
	usec_t span_us;
	usec_t interval_us; /* at which values are expected; 0: not known */
	bool has_sketch;    /* for quantiles */
	bool has_days;      /* for series_usual, and nothing else; its times are the wall clock's */
};

/* Watching begins at `now_us` (monotonic, as all times here). */
struct series *series_new(const struct series_shape *shape, usec_t now_us);
void series_free(struct series *s);
/* Another span or interval: what was kept stays, as far as it still fits. */
void series_fit(struct series *s, const struct series_shape *shape);
usec_t series_span(const struct series *s);
size_t series_bytes(const struct series *s);
/* The most that it can come to. */
size_t series_bytes_max(const struct series_shape *shape);

/* A time before the last counts as the last.  NAN is not taken. */
void series_add(struct series *s, usec_t at_us, double value);

/* A point, or a bucket of them. */
struct series_part {
	usec_t first_us, last_us;
	uint32_t count;
	uint32_t changes; /* values that differ from the one before them */
	double first, last, min, max, sum;
	double grown; /* increase of a counter (that may start anew at 0) since grown_from_us */
	usec_t grown_from_us;
	double spread; /* sum of the squared distances from the average */
};

/* What was before the oldest value here, from elsewhere, in order of time. */
void series_prepend(struct series *s, const struct series_part *parts, size_t count);

size_t series_parts(const struct series *s);
struct series_part series_part_at(const struct series *s, size_t n); /* 0: the oldest */

/*
 * Everything since `from_us` as one part; count 0: nothing.  A bucket that reaches into the window
 * counts whole.  `grown` and `changes` begin at the last value before the window, where that is
 * known.
 */
struct series_part series_since(const struct series *s, usec_t from_us);
/* When the last value came; if none ever did, when watching began. */
usec_t series_last_us(const struct series *s);
/* True: a value at or before `from_us` is known, so the window is filled. */
bool series_reaches(const struct series *s, usec_t from_us);

/* The smallest value since `from_us` that the share `q` (0 to 1) does not exceed: of points as it
 * is, of buckets at most SKETCH_ERROR off.  NAN: there is none. */
double series_quantile(const struct series *s, usec_t from_us, double q);

/*
 * What is usual at this time of the day: for each day of the span the average of the hour around
 * the same time, of these the median.  With three weeks or more only days of the same weekday
 * count.  NAN: fewer than three are known.  Days are 24 h long.
 */
double series_usual(const struct series *s, usec_t wall_us);

/* The straight line through everything since `from_us` (least squares). */
struct series_trend {
	size_t count; /* values it rests on */
	usec_t first_us, last_us;
	double slope;       /* per second */
	double slope_error; /* standard error of it */
	double at_last;     /* height of the line at last_us */
};
struct series_trend series_trend(const struct series *s, usec_t from_us);

#endif

/* Looking: what everything since some time comes to.  Nothing here allocates or changes. */
#include <math.h>
#include <string.h>

#include "model/series_inside.h"

size_t
series_parts(const struct series *s)
{
	return s->count;
}

bool
series_reaches(const struct series *s, usec_t from_us)
{
	if (s->count == 0)
		return false;
	usec_t first_us = s->width_us ? s->buckets[s->head].first_us : series_time_at(s, s->head);
	return first_us <= from_us;
}

/* The number of the first part that reaches into the window. */
static size_t
first_since(const struct series *s, usec_t from_us)
{
	size_t n = 0;

	if (s->width_us)
		while (n < s->count && s->buckets[series_place(s, n)].last_us < from_us)
			n++;
	else
		while (n < s->count && series_time_at(s, series_place(s, n)) < from_us)
			n++;
	return n;
}

static double
step_up(double from, double to)
{
	return to >= from ? to - from : to;
}

static struct series_part
points_since(const struct series *s, size_t from)
{
	struct series_part all = series_part_at(s, from);
	double mean = all.first;

	for (size_t n = from + 1; n < s->count; n++) {
		double value = s->values[series_place(s, n)], off = value - mean;
		all.grown += step_up(all.last, value);
		all.changes += value != all.last;
		all.last = value;
		all.min = value < all.min ? value : all.min;
		all.max = value > all.max ? value : all.max;
		all.sum += value;
		all.count++;
		mean += off / all.count;
		all.spread += off * (value - mean);
	}
	all.last_us = s->last_us;
	return all;
}

static struct series_part
buckets_since(const struct series *s, size_t from)
{
	struct series_part all = s->buckets[series_place(s, from)];

	for (size_t n = from + 1; n < s->count; n++)
		series_join(&all, &s->buckets[series_place(s, n)]);
	return all;
}

struct series_part
series_since(const struct series *s, usec_t from_us)
{
	size_t from = first_since(s, from_us);

	if (from == s->count)
		return (struct series_part){ 0 };
	struct series_part all = s->width_us ? buckets_since(s, from) : points_since(s, from);
	if (from > 0) {
		struct series_part before = series_part_at(s, from - 1);
		all.grown += step_up(before.last, all.first);
		all.changes += before.last != all.first;
		all.grown_from_us = before.last_us;
	}
	return all;
}

/* --- quantiles --- */

static void
swap(double *a, double *b)
{
	double kept = *a;

	*a = *b;
	*b = kept;
}

/* The number that would stand at `rank` (from 0) if they were sorted. */
static double
select_rank(double *values, ptrdiff_t count, ptrdiff_t rank)
{
	ptrdiff_t low = 0, high = count - 1;

	while (low < high) {
		double pivot = values[(low + high) / 2];
		ptrdiff_t i = low, j = high;
		while (i <= j) {
			while (values[i] < pivot)
				i++;
			while (values[j] > pivot)
				j--;
			if (i <= j)
				swap(&values[i++], &values[j--]);
		}
		if (rank <= j)
			high = j;
		else if (rank >= i)
			low = i;
		else
			break;
	}
	return values[rank];
}

static double
quantile_of_points(const struct series *s, size_t from, double q)
{
	double values[2 * SERIES_PARTS];
	size_t count = 0;

	for (size_t n = from; n < s->count; n++)
		values[count++] = s->values[series_place(s, n)];
	double rank = ceil(q * (double)count);
	return select_rank(values, (ptrdiff_t)count, rank < 1 ? 0 : (ptrdiff_t)rank - 1);
}

struct ring_view {
	const struct series *series;
	size_t from;
};

static const struct sketch *
sketch_at(const void *arg, size_t n)
{
	const struct ring_view *view = arg;

	return &view->series->sketches[series_place(view->series, view->from + n)];
}

double
series_quantile(const struct series *s, usec_t from_us, double q)
{
	size_t from = first_since(s, from_us);

	if (from == s->count)
		return (double)NAN;
	if (s->width_us == 0)
		return quantile_of_points(s, from, q);
	if (!s->sketches)
		return (double)NAN;
	const struct ring_view ring = { s, from };
	const struct sketch_view view = { sketch_at, &ring, s->count - from };
	return sketch_quantile(&view, q);
}

double
series_usual(const struct series *s, usec_t wall_us)
{
	return s->days ? days_usual(s->days, wall_us) : (double)NAN;
}

/* --- trend --- */

/* Sums for least squares, times in seconds before `zero_us` so that they stay small. */
struct line_sums {
	double n, t, v, tt, tv, vv;
};

static void
sum_part(struct line_sums *sums, double n, double t, double v)
{
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
	size_t from = first_since(s, from_us);
	/* Heights are measured from the first one: squares of terabytes would eat the digits that
	 * the slope lives in. */
	double base = s->count > 0 ? series_part_at(s, 0).first : 0;

	for (size_t i = from; i < s->count; i++) {
		struct series_part part = series_part_at(s, i);
		if (trend.count == 0)
			trend.first_us = part.first_us;
		trend.last_us = part.last_us;
		trend.count += part.count;
		double mid_us = ((double)part.first_us + (double)part.last_us) / 2;
		sum_part(&sums, part.count, (mid_us - (double)s->last_us) / (double)USEC_PER_SEC,
			part.sum / part.count - base);
	}
	size_t used = s->count - from;
	double spread = sums.tt - sums.t * sums.t / fmax(sums.n, 1);
	if (used < 2 || spread <= 0)
		return trend;
	double slope_sum = sums.tv - sums.t * sums.v / sums.n;
	trend.slope = slope_sum / spread;
	trend.at_last = (sums.v - trend.slope * sums.t) / sums.n + base;
	double left = (sums.vv - sums.v * sums.v / sums.n) - trend.slope * slope_sum;
	if (used > 2 && left > 0)
		trend.slope_error = sqrt(left / (double)(used - 2) / spread);
	return trend;
}

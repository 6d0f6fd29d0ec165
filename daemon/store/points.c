/* See points.h.  Pure. */
#include "store/points.h"

void
points_join(struct store_point *into, const struct store_point *from)
{
	uint64_t count = into->count + from->count;
	double share = (double)from->count / (double)count;

	/* Not by their difference: it may be beyond what a double holds. */
	into->avg = into->avg * (1 - share) + from->avg * share;
	into->min = from->min < into->min ? from->min : into->min;
	into->max = from->max > into->max ? from->max : into->max;
	into->grain_us = from->grain_us > into->grain_us ? from->grain_us : into->grain_us;
	into->count = count;
}

size_t
points_thin(struct store_point *points, size_t count, usec_t step_us)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		struct store_point point = points[i];

		point.wall_us -= point.wall_us % step_us;
		if (kept > 0 && points[kept - 1].wall_us == point.wall_us)
			points_join(&points[kept - 1], &point);
		else
			points[kept++] = point;
	}
	return kept;
}

usec_t
points_grain(const struct store_point *points, size_t count)
{
	usec_t longest_us = 0;

	for (size_t i = 0; i < count; i++)
		if (points[i].grain_us > longest_us)
			longest_us = points[i].grain_us;
	return longest_us;
}

/* How late the next row may be and still speak for the time before it. */
static usec_t
patience(usec_t row_us)
{
	return row_us + row_us / 2 + 5 * USEC_PER_SEC;
}

/* For how long a point speaks. */
static usec_t
reach_of(const struct store_point *point, const struct store_point *next, usec_t row_us)
{
	usec_t gap_us = next == NULL ? INT64_MAX : next->wall_us - point->wall_us;
	usec_t spoken_us;

	if (point->grain_us <= row_us)
		return gap_us <= patience(row_us) ? gap_us : row_us;
	spoken_us = point->count >= (uint64_t)(point->grain_us / row_us)
			    ? point->grain_us
			    : (usec_t)point->count * row_us;
	return gap_us < spoken_us ? gap_us : spoken_us;
}

struct points_uptime
points_uptime(const struct store_point *points, size_t count, usec_t row_us, usec_t from_us,
	usec_t until_us)
{
	struct points_uptime sum = { 0 };

	for (size_t i = 0; i < count; i++) {
		const struct store_point *next = i + 1 < count ? &points[i + 1] : NULL;
		usec_t begin_us = points[i].wall_us;
		usec_t end_us = begin_us + reach_of(&points[i], next, row_us);

		begin_us = begin_us < from_us ? from_us : begin_us;
		end_us = end_us > until_us ? until_us : end_us;
		if (end_us <= begin_us)
			continue;
		sum.known_us += end_us - begin_us;
		sum.down_us += (usec_t)((double)(end_us - begin_us) * (1 - points[i].avg));
	}
	return sum;
}

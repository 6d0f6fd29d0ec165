/*
 * Days beside each other: averages of quarters of an hour in a ring, 4 bytes each, by the wall
 * clock.  What is usual now is the median of what was around this time on the days before.
 */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "model/series_inside.h"

#define SLOT_US      (15 * USEC_PER_MIN)
#define SLOTS_A_DAY  (USEC_PER_DAY / SLOT_US)
#define HALF_HOUR    (30 * USEC_PER_MIN / SLOT_US)
#define DAYS_NEEDED  3
#define WEEKS_FROM   (21 * USEC_PER_DAY) /* a span that has three of each weekday */
#define MEDIAN_MAX   ((size_t)(SERIES_SPAN_MAX / USEC_PER_DAY))
#define SLOTS_NEEDED 2 /* of the hour that is looked at */

struct days {
	int64_t newest; /* number of the slot being filled; INT64_MIN: nothing came yet */
	usec_t span_us;
	uint32_t room;
	uint32_t count; /* values in the newest slot */
	double sum;     /* of these */
	float slots[];  /* averages; NAN: nothing known */
};

struct days *
days_new(usec_t span_us)
{
	uint32_t room = (uint32_t)(span_us / SLOT_US + HALF_HOUR + 1);
	struct days *days = xcalloc(1, sizeof(*days) + room * sizeof(float));

	days->newest = INT64_MIN;
	days->span_us = span_us;
	days->room = room;
	for (uint32_t i = 0; i < room; i++)
		days->slots[i] = NAN;
	return days;
}

size_t
days_bytes(const struct days *days)
{
	return sizeof(*days) + days->room * sizeof(float);
}

/* Those of before 1970 have a place, too: hosts without a clock begin there. */
static float *
slot_at(const struct days *days, int64_t slot)
{
	int64_t at = slot % days->room;

	return (float *)(uintptr_t)&days->slots[at < 0 ? at + days->room : at];
}

/* The newest slot is another one now; what lies between was not seen. */
static void
move_on(struct days *days, int64_t slot)
{
	int64_t from = days->newest;

	if (from == INT64_MIN || slot - from > days->room || from - slot >= days->room)
		from = slot - days->room;
	for (int64_t i = from + 1; i <= slot; i++)
		*slot_at(days, i) = NAN;
	days->newest = slot;
	days->count = 0;
	days->sum = 0;
}

void
days_add(struct days *days, usec_t wall_us, double value, uint32_t count)
{
	int64_t slot = wall_us / SLOT_US;

	if (wall_us < 0)
		return;
	/* From the history, or the clock was set back: what is there stays. */
	if (slot < days->newest && days->newest - slot < days->room) {
		if (isnan(*slot_at(days, slot)))
			*slot_at(days, slot) = (float)value;
		return;
	}
	if (slot != days->newest)
		move_on(days, slot);
	days->sum += value * count;
	days->count += count;
	*slot_at(days, slot) = (float)(days->sum / days->count);
}

/* The average of the hour around this time; NAN: not known. */
static double
hour_around(const struct days *days, int64_t middle)
{
	double sum = 0;
	int known = 0;

	for (int64_t slot = middle - HALF_HOUR; slot <= middle + HALF_HOUR; slot++) {
		if (slot > days->newest || slot <= days->newest - days->room || slot < 0)
			continue;
		double value = (double)*slot_at(days, slot);
		if (isnan(value))
			continue;
		sum += value;
		known++;
	}
	return known < SLOTS_NEEDED ? (double)NAN : sum / known;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double
days_usual(const struct days *days, usec_t wall_us)
{
	int64_t step = days->span_us >= WEEKS_FROM ? 7 : 1, now = wall_us / SLOT_US;
	double known[MEDIAN_MAX];
	size_t count = 0;

	if (days->newest == INT64_MIN)
		return (double)NAN;
	for (int64_t day = step; day * USEC_PER_DAY <= days->span_us; day += step) {
		double value = hour_around(days, now - day * SLOTS_A_DAY);
		if (!isnan(value))
			known[count++] = value;
	}
	if (count < DAYS_NEEDED)
		return (double)NAN;
	qsort(known, count, sizeof(*known), by_size);
	return (known[(count - 1) / 2] + known[count / 2]) / 2;
}

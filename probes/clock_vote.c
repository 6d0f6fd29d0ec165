/*
 * The largest group of servers that agree with one another wins, so that one wrong server of three
 * is outvoted.  Without a majority our own clock is given the benefit of the doubt.
 */
#include "probes/clock_vote.h"

#include <stdio.h>
#include <stdlib.h>

#define ZONE_STEP_US  (15 * USEC_PER_MIN)
#define ZONE_SLACK_US (30 * USEC_PER_SEC)
#define ZONE_MIN_US   (30 * USEC_PER_MIN)
#define ZONE_MAX_US   (14 * USEC_PER_HOUR)

static int
compare(const void *a_, const void *b_)
{
	usec_t a = *(const usec_t *)a_, b = *(const usec_t *)b_;

	return a < b ? -1 : a > b;
}

static unsigned
count_near(const usec_t *offsets, unsigned count, usec_t middle, usec_t tolerance_us)
{
	unsigned near = 0;

	for (unsigned i = 0; i < count; i++)
		near += llabs(offsets[i] - middle) <= tolerance_us;
	return near;
}

static usec_t
median_near(const usec_t *offsets, unsigned count, usec_t middle, usec_t tolerance_us)
{
	usec_t near[CLOCK_SERVERS_MAX] = { 0 };
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++)
		if (llabs(offsets[i] - middle) <= tolerance_us)
			near[n++] = offsets[i];
	qsort(near, n, sizeof(near[0]), compare);
	return n % 2 == 1 ? near[n / 2] : near[n / 2 - 1] + (near[n / 2] - near[n / 2 - 1]) / 2;
}

struct clock_vote
clock_vote(const usec_t *offsets, unsigned count, usec_t tolerance_us)
{
	struct clock_vote vote = { 0 };
	usec_t best = offsets[0];

	for (unsigned i = 0; i < count; i++) {
		unsigned agree = count_near(offsets, count, offsets[i], tolerance_us);

		if (agree < vote.agree || (agree == vote.agree && llabs(offsets[i]) >= llabs(best)))
			continue;
		vote.agree = agree;
		best = offsets[i];
	}
	vote.offset_us = median_near(offsets, count, best, tolerance_us);
	vote.is_split = vote.agree * 2 <= count && count > 1;
	return vote;
}

void
clock_zone_hint(usec_t offset_us, char *out, unsigned size)
{
	usec_t off = llabs(offset_us),
	       zone = (off + ZONE_STEP_US / 2) / ZONE_STEP_US * ZONE_STEP_US;

	out[0] = '\0';
	if (off < ZONE_MIN_US || zone > ZONE_MAX_US || llabs(off - zone) > ZONE_SLACK_US)
		return;
	clock_format_duration(zone, out, size);
}

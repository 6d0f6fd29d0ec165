/* Several time servers, one answer: the median of those that agree. */
#ifndef PROBES_CLOCK_VOTE_H
#define PROBES_CLOCK_VOTE_H

#include <stdbool.h>

#include "base/clock.h"

#define CLOCK_SERVERS_MAX 8

struct clock_vote {
	usec_t offset_us;
	unsigned agree; /* servers within the tolerance of it */
	bool is_split;  /* no majority: what is nearest to our own clock was taken */
};

/* At least one and at most CLOCK_SERVERS_MAX offsets. */
struct clock_vote clock_vote(const usec_t *offsets, unsigned count, usec_t tolerance_us);
/* "8h", when the offset is that of a time zone and not of a bad clock; "" else. */
void clock_zone_hint(usec_t offset_us, char *out, unsigned size);

#endif

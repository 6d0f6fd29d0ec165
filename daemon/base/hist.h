/* Fixed exponential histogram of durations (100 us, doubling, 20 buckets): loop lag, lateness. */
#ifndef BASE_HIST_H
#define BASE_HIST_H

#include "base/clock.h"

#define HIST_BUCKETS 20

struct hist {
	uint64_t bucket[HIST_BUCKETS + 1]; /* the last one: over the highest bound */
	uint64_t count;
	double sum_us;
	usec_t max_us;
};

void hist_add(struct hist *hist, usec_t us);
void hist_merge(struct hist *hist, const struct hist *more);
usec_t hist_bound(size_t bucket);                        /* upper bound of a bucket in us */
usec_t hist_quantile(const struct hist *hist, double q); /* upper bound of the bucket it is in */

#endif

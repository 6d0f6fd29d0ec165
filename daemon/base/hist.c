/* Counting durations into doubling buckets; a quantile is as sharp as its bucket. */
#include "base/hist.h"

#include <math.h>

#define FIRST_BOUND_US INT64_C(100)

usec_t
hist_bound(size_t bucket)
{
	return bucket < HIST_BUCKETS ? FIRST_BOUND_US << bucket : INT64_MAX;
}

void
hist_add(struct hist *hist, usec_t us)
{
	size_t bucket = 0;

	while (bucket < HIST_BUCKETS && us > hist_bound(bucket))
		bucket++;
	hist->bucket[bucket]++;
	hist->count++;
	hist->sum_us += (double)us;
	if (us > hist->max_us)
		hist->max_us = us;
}

void
hist_merge(struct hist *hist, const struct hist *more)
{
	for (size_t i = 0; i <= HIST_BUCKETS; i++)
		hist->bucket[i] += more->bucket[i];
	hist->count += more->count;
	hist->sum_us += more->sum_us;
	if (more->max_us > hist->max_us)
		hist->max_us = more->max_us;
}

usec_t
hist_quantile(const struct hist *hist, double q)
{
	double share = q < 0 ? 0 : q > 1 ? 1 : q;
	uint64_t rank = (uint64_t)ceil(share * (double)hist->count), seen = 0;

	if (!hist->count)
		return 0;
	for (size_t i = 0; i < HIST_BUCKETS; i++) {
		seen += hist->bucket[i];
		if (seen && seen >= rank)
			return hist_bound(i);
	}
	return hist->max_us; /* over the highest bound, the maximum is all we know */
}

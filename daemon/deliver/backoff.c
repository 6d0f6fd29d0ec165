/*
 * When a failed delivery is tried again.  The head is short, because alerts are worth most while
 * they are young; the cap keeps a receiver that is away for a day at some 150 tries.
 */
#include "deliver/backoff.h"

#include <stddef.h>

#include "base/rand.h"

static const usec_t waits_us[] = {
	2 * USEC_PER_SEC,
	10 * USEC_PER_SEC,
	30 * USEC_PER_SEC,
	1 * USEC_PER_MIN,
	2 * USEC_PER_MIN,
	5 * USEC_PER_MIN,
	10 * USEC_PER_MIN,
};

#define WAITS (sizeof(waits_us) / sizeof(waits_us[0]))

usec_t
backoff_base(unsigned failures)
{
	if (failures == 0)
		return 0;
	return failures > WAITS ? waits_us[WAITS - 1] : waits_us[failures - 1];
}

usec_t
backoff_delay(unsigned failures)
{
	usec_t base = backoff_base(failures);
	usec_t spread = base * BACKOFF_JITTER_PERCENT / 100;

	return base - spread + (usec_t)rand_below((uint64_t)(2 * spread) + 1);
}

usec_t
backoff_asked(usec_t asked_us)
{
	usec_t delay;

	if (asked_us >= BACKOFF_ASKED_MAX_US)
		return BACKOFF_ASKED_MAX_US;
	if (asked_us <= 0)
		return 0;
	delay = asked_us +
		(usec_t)rand_below((uint64_t)(asked_us * BACKOFF_JITTER_PERCENT / 100) + 1);
	return delay > BACKOFF_ASKED_MAX_US ? BACKOFF_ASKED_MAX_US : delay;
}

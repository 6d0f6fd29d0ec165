/* When a failed delivery is tried again.  Pure but for the jitter, which is drawn here. */
#ifndef DELIVER_BACKOFF_H
#define DELIVER_BACKOFF_H

#include "base/clock.h"

#define BACKOFF_ASKED_MAX_US   USEC_PER_HOUR /* the longest Retry-After that is obeyed */
#define BACKOFF_JITTER_PERCENT 20

/* The wait after the n-th failure in a row (from 1), without jitter: 2 s, 10 s ... 10 min. */
usec_t backoff_base(unsigned failures);
/* The same with +-20 %. */
usec_t backoff_delay(unsigned failures);
/* What the other side asked for: never sooner, at most 20 % and the cap later. */
usec_t backoff_asked(usec_t asked_us);

#endif

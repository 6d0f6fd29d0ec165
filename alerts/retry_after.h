/* The Retry-After header, for every receiver that speaks HTTP. */
#ifndef ALERTS_RETRY_AFTER_H
#define ALERTS_RETRY_AFTER_H

#include "base/clock.h"

/* Seconds or an HTTP-date (RFC 9110: all three forms) as a wait from `wall_us` on; 0: the text says
 * nothing we understand, or a time that is past.  Bounded by a year. */
usec_t retry_after_parse(const char *text, usec_t wall_us);

#endif

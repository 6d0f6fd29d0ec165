/*
 * Against guessing the token: an address that sends wrong ones waits, longer each time.  Pure; how
 * many addresses are remembered is bounded.
 */
#ifndef API_GUARD_H
#define API_GUARD_H

#include <stddef.h>

#include "base/clock.h"
#include "io/addr.h"

#define GUARD_PLACES 128

/* An address, of IPv6 the network that one customer has. */
struct guard_place {
	unsigned char net[8];
	unsigned wrong; /* in a row; 0: free */
	usec_t last_us, until_us;
};

struct guard {
	struct guard_place places[GUARD_PLACES];
};

/* Seconds that this one must wait; 0: it may try. */
unsigned guard_wait_s(const struct guard *guard, const struct addr *from, usec_t now_us);
void guard_note_wrong(struct guard *guard, const struct addr *from, usec_t now_us);
void guard_note_right(struct guard *guard, const struct addr *from);

#endif

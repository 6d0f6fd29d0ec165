/* What is made of the points of a reading: fewer of them, and how long a check was up. */
#ifndef STORE_POINTS_H
#define STORE_POINTS_H

#include "store/store.h"

/* Two points of one step as one, in `into`. */
void points_join(struct store_point *into, const struct store_point *from);

/* Averages them over longer steps, in place; returns how many are left. */
size_t points_thin(struct store_point *points, size_t count, usec_t step_us);

/* The longest stretch that any of them was made of. */
usec_t points_grain(const struct store_point *points, size_t count);

struct points_uptime {
	usec_t known_us, down_us; /* down is a part of what is known */
};

/*
 * Of a series of ones and zeroes that has a row each `row_us` while somebody looks: what is known
 * of from..until.  A row speaks for the time until the next one; where that is late, for its own
 * row_us, and what follows is unknown.
 */
struct points_uptime points_uptime(const struct store_point *points, size_t count, usec_t row_us,
	usec_t from_us, usec_t until_us);

#endif

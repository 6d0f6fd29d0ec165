/*
 * A mergeable picture of a heap of numbers, for quantiles: how many fell into each of bins that
 * grow by 2 % from one to the next, so that what it answers is at most 1 % off.  It has at most
 * SKETCH_BINS bins; values so far apart that they need more make the lowest ones share a bin, so
 * that high quantiles stay right.
 */
#ifndef MODEL_SKETCH_H
#define MODEL_SKETCH_H

#include <stddef.h>
#include <stdint.h>

#define SKETCH_BINS  256
#define SKETCH_ERROR 0.01 /* relative */

struct sketch_bin {
	int16_t key;
	uint16_t count; /* more than it holds: the next bin has the same key */
};

/* Zeroed: empty.  Owns its bins, which are in order of their keys. */
struct sketch {
	struct sketch_bin *bins;
	uint16_t count, room;
};

void sketch_fini(struct sketch *sketch);
void sketch_add(struct sketch *sketch, double value);
void sketch_merge(struct sketch *to, const struct sketch *from);
size_t sketch_bytes(const struct sketch *sketch); /* of its bins */

/* The sketches of a ring, looked at as one: the nth, NULL for none there. */
struct sketch_view {
	const struct sketch *(*at)(const void *arg, size_t n);
	const void *arg;
	size_t count;
};

/*
 * The smallest number that at least the share `q` (0 to 1) of all do not exceed; NAN: there are
 * none.  Its time grows with the number of bins; nothing is allocated.
 */
double sketch_quantile(const struct sketch_view *view, double q);

#endif

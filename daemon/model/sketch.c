/*
 * Bins are numbered by the logarithm of their upper end: 1 is the smallest positive one, -1 the
 * negative one nearest to zero, 0 is zero.  Two passes find a quantile: over coarse groups of bins
 * first, then over the bins of the one group that has it.
 */
#include "model/sketch.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Bins from x to (1 + e) / (1 - e) * x, answered by the point that is e off both ends. */
#define GAMMA ((1 + SKETCH_ERROR) / (1 - SKETCH_ERROR))
/* Keys reach from e^-320 to e^320. */
#define KEY_ZERO 16000
#define KEY_MAX  (2 * KEY_ZERO)

#define GROUP_BITS 7
#define GROUP_SIZE (1 << GROUP_BITS)
#define GROUPS     ((KEY_MAX >> GROUP_BITS) + 1)

static int16_t
key_of(double value)
{
	double size = fabs(value);

	if (size == 0)
		return 0;
	double key = ceil(log(size) / log(GAMMA)) + KEY_ZERO;
	if (key < 1)
		key = 1;
	if (key > KEY_MAX)
		key = KEY_MAX;
	return (int16_t)(value < 0 ? -key : key);
}

static double
value_of(int key)
{
	if (key == 0)
		return 0;
	double size = exp((abs(key) - KEY_ZERO) * log(GAMMA)) * 2 / (GAMMA + 1);
	return key < 0 ? -size : size;
}

void
sketch_fini(struct sketch *sketch)
{
	free(sketch->bins);
	*sketch = (struct sketch){ 0 };
}

size_t
sketch_bytes(const struct sketch *sketch)
{
	return sketch->room * sizeof(*sketch->bins);
}

/* The first bin whose key is not below this one. */
static size_t
find(const struct sketch *sketch, int16_t key)
{
	size_t low = 0, high = sketch->count;

	while (low < high) {
		size_t mid = (low + high) / 2;
		if (sketch->bins[mid].key < key)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The two lowest bins become one, as far as one can hold them. */
static void
merge_lowest(struct sketch *sketch)
{
	struct sketch_bin *bins = sketch->bins;
	uint32_t count = (uint32_t)bins[0].count + bins[1].count;

	bins[1].count = count < UINT16_MAX ? (uint16_t)count : UINT16_MAX;
	memmove(bins, bins + 1, --sketch->count * sizeof(*bins));
}

static void
insert(struct sketch *sketch, size_t at, struct sketch_bin bin)
{
	if (sketch->count == SKETCH_BINS) {
		merge_lowest(sketch);
		at = find(sketch, bin.key);
	}
	if (sketch->count == sketch->room) {
		sketch->room = sketch->room ? (uint16_t)(2 * sketch->room) : 4;
		sketch->bins = xreallocarray(sketch->bins, sketch->room, sizeof(*sketch->bins));
	}
	memmove(sketch->bins + at + 1, sketch->bins + at,
		(sketch->count - at) * sizeof(*sketch->bins));
	sketch->bins[at] = bin;
	sketch->count++;
}

static void
add_bin(struct sketch *sketch, struct sketch_bin bin)
{
	size_t at = find(sketch, bin.key);

	if (at < sketch->count && sketch->bins[at].key == bin.key) {
		uint32_t room = UINT16_MAX - (uint32_t)sketch->bins[at].count;
		uint16_t taken = bin.count < room ? bin.count : (uint16_t)room;
		sketch->bins[at].count = (uint16_t)(sketch->bins[at].count + taken);
		bin.count = (uint16_t)(bin.count - taken);
	}
	if (bin.count > 0)
		insert(sketch, at, bin);
}

void
sketch_add(struct sketch *sketch, double value)
{
	add_bin(sketch, (struct sketch_bin){ key_of(value), 1 });
}

void
sketch_merge(struct sketch *to, const struct sketch *from)
{
	for (size_t i = 0; i < from->count; i++)
		add_bin(to, from->bins[i]);
}

static int
group_of(int key)
{
	return (key + KEY_MAX) >> GROUP_BITS;
}

/* How many there are in each group, or in each bin of one group.  Returns the sum. */
static uint64_t
count_bins(const struct sketch_view *view, int group, uint32_t *counts)
{
	uint64_t sum = 0;

	for (size_t n = 0; n < view->count; n++) {
		const struct sketch *sketch = view->at(view->arg, n);
		for (size_t i = 0; sketch && i < sketch->count; i++) {
			int key = sketch->bins[i].key, own = group_of(key);
			if (group >= 0 && own != group)
				continue;
			int slot = group < 0 ? own : (key + KEY_MAX) & (GROUP_SIZE - 1);
			counts[slot] += sketch->bins[i].count;
			sum += sketch->bins[i].count;
		}
	}
	return sum;
}

/* The slot that holds the number at `rank` (from 1), which becomes its rank within the slot. */
static int
find_rank(const uint32_t *counts, int slots, uint64_t *rank)
{
	int slot = 0;

	while (slot < slots - 1 && *rank > counts[slot])
		*rank -= counts[slot++];
	return slot;
}

double
sketch_quantile(const struct sketch_view *view, double q)
{
	uint32_t groups[2 * GROUPS] = { 0 }, bins[GROUP_SIZE] = { 0 };
	uint64_t count = count_bins(view, -1, groups);

	if (count == 0)
		return (double)NAN;
	double wanted = ceil(q * (double)count);
	uint64_t rank = wanted < 1 ? 1 : wanted > (double)count ? count : (uint64_t)wanted;
	int group = find_rank(groups, 2 * GROUPS, &rank);
	count_bins(view, group, bins);
	int bin = find_rank(bins, GROUP_SIZE, &rank);
	return value_of((group << GROUP_BITS) + bin - KEY_MAX);
}

/*
 * Intrusive min-heap by due time: the timers' and the scheduler's order.  A node that is inside is
 * moved by heap_insert only, not by setting `due`.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include "base/clock.h"

struct heap_node {
	usec_t due;
	size_t place; /* 1-based position; 0: not in the heap */
};

struct heap_slot {
	usec_t due; /* the node's: it is not touched to be compared */
	struct heap_node *node;
};

struct heap {
	struct heap_slot *slots; /* within block */
	size_t count, room;
	void *block;
};

void heap_init(struct heap *heap);
void heap_fini(struct heap *heap);                           /* frees the array, never the nodes */
void heap_insert(struct heap *heap, struct heap_node *node); /* or moves it if it is inside */
void heap_remove(struct heap *heap, struct heap_node *node); /* fine if it is not inside */
struct heap_node *heap_first(const struct heap *heap);       /* NULL when empty */

#endif

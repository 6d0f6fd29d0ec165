/*
 * The heap is an array of borrowed nodes; each node knows its place, so that moving and removing
 * cost a logarithm too.  Four children share a cache line, and due times lie beside the nodes: to
 * find a place in a heap of thousands, few lines are read and no node that stays where it is.
 */
#include "base/heap.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define FAN      4
#define LINE     64
#define ROOM_MIN 16

void
heap_init(struct heap *heap)
{
	*heap = (struct heap){ .slots = NULL };
}

void
heap_fini(struct heap *heap)
{
	free(heap->block);
	heap_init(heap);
}

/* The first slot is the last of its cache line, so that each four children are one line. */
static void
grow(struct heap *heap)
{
	size_t room = heap->room > 0 ? heap->room * 2 : ROOM_MIN;
	char *block = xreallocarray(NULL, room + FAN, sizeof(struct heap_slot));
	size_t begins = LINE - (uintptr_t)block % LINE;
	struct heap_slot *slots = (void *)(block + begins - sizeof(struct heap_slot));

	if (heap->count > 0)
		memcpy(slots, heap->slots, heap->count * sizeof(*slots));
	free(heap->block);
	*heap = (struct heap){ slots, heap->count, room, block };
}

_Static_assert(FAN * sizeof(struct heap_slot) == LINE, "four children are one line");

static void
set(struct heap *heap, size_t place, struct heap_slot slot)
{
	heap->slots[place - 1] = slot;
	slot.node->place = place;
}

static size_t
parent_of(size_t place)
{
	return (place + FAN - 2) / FAN;
}

static void
sift_up(struct heap *heap, size_t place, struct heap_slot slot)
{
	for (size_t above; place > 1; place = above) {
		above = parent_of(place);
		if (heap->slots[above - 1].due <= slot.due)
			break;
		set(heap, place, heap->slots[above - 1]);
	}
	set(heap, place, slot);
}

/* The earliest child; 0: it has none. */
static size_t
first_child(const struct heap *heap, size_t place)
{
	size_t child = (place - 1) * FAN + 2, first = child;

	if (child > heap->count)
		return 0;
	for (size_t end = child + FAN; ++child < end && child <= heap->count;)
		if (heap->slots[child - 1].due < heap->slots[first - 1].due)
			first = child;
	return first;
}

static void
sift_down(struct heap *heap, size_t place, struct heap_slot slot)
{
	for (size_t child; (child = first_child(heap, place)) != 0; place = child) {
		if (heap->slots[child - 1].due >= slot.due)
			break;
		set(heap, place, heap->slots[child - 1]);
	}
	set(heap, place, slot);
}

/* Puts a node at a place whose former owner is gone or has changed. */
static void
settle(struct heap *heap, size_t place, struct heap_slot slot)
{
	if (place > 1 && heap->slots[parent_of(place) - 1].due > slot.due)
		sift_up(heap, place, slot);
	else
		sift_down(heap, place, slot);
}

void
heap_insert(struct heap *heap, struct heap_node *node)
{
	const struct heap_slot slot = { node->due, node };

	if (node->place) {
		settle(heap, node->place, slot);
		return;
	}
	if (heap->count == heap->room)
		grow(heap);
	sift_up(heap, ++heap->count, slot);
}

void
heap_remove(struct heap *heap, struct heap_node *node)
{
	size_t place = node->place;

	if (!place)
		return;
	node->place = 0;
	struct heap_slot last = heap->slots[--heap->count];
	if (last.node != node)
		settle(heap, place, last);
}

struct heap_node *
heap_first(const struct heap *heap)
{
	return heap->count ? heap->slots[0].node : NULL;
}

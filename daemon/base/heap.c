/*
 * The heap is an array of borrowed nodes; each node knows its place, so that moving and removing
 * cost a logarithm too.
 */
#include "base/heap.h"

#include <stdlib.h>

#include "base/mem.h"

void
heap_init(struct heap *heap)
{
	*heap = (struct heap){ .nodes = NULL };
}

void
heap_fini(struct heap *heap)
{
	free(heap->nodes);
	heap_init(heap);
}

static void
set(struct heap *heap, size_t place, struct heap_node *node)
{
	heap->nodes[place - 1] = node;
	node->place = place;
}

static void
sift_up(struct heap *heap, size_t place, struct heap_node *node)
{
	for (; place > 1 && heap->nodes[place / 2 - 1]->due > node->due; place /= 2)
		set(heap, place, heap->nodes[place / 2 - 1]);
	set(heap, place, node);
}

static void
sift_down(struct heap *heap, size_t place, struct heap_node *node)
{
	for (size_t child; (child = place * 2) <= heap->count; place = child) {
		if (child < heap->count && heap->nodes[child]->due < heap->nodes[child - 1]->due)
			child++;
		if (heap->nodes[child - 1]->due >= node->due)
			break;
		set(heap, place, heap->nodes[child - 1]);
	}
	set(heap, place, node);
}

/* Puts a node at a place whose former owner is gone or has changed. */
static void
settle(struct heap *heap, size_t place, struct heap_node *node)
{
	if (place > 1 && heap->nodes[place / 2 - 1]->due > node->due)
		sift_up(heap, place, node);
	else
		sift_down(heap, place, node);
}

void
heap_insert(struct heap *heap, struct heap_node *node)
{
	if (node->place) {
		settle(heap, node->place, node);
		return;
	}
	if (heap->count == heap->room) {
		heap->room = heap->room ? heap->room * 2 : 16;
		heap->nodes = xreallocarray(heap->nodes, heap->room, sizeof(struct heap_node *));
	}
	sift_up(heap, ++heap->count, node);
}

void
heap_remove(struct heap *heap, struct heap_node *node)
{
	size_t place = node->place;

	if (!place)
		return;
	node->place = 0;
	struct heap_node *last = heap->nodes[--heap->count];
	if (last != node)
		settle(heap, place, last);
}

struct heap_node *
heap_first(const struct heap *heap)
{
	return heap->count ? heap->nodes[0] : NULL;
}

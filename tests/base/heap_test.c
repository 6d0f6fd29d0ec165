/* The heap against the obvious: after any mix of steps its first node is the earliest one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/heap.h"

#define NODES 200

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525U + 1013904223U;
	return *seed >> 8;
}

static usec_t
earliest(const struct heap_node nodes[NODES])
{
	usec_t due = INT64_MAX;

	for (size_t i = 0; i < NODES; i++)
		if (nodes[i].place && nodes[i].due < due)
			due = nodes[i].due;
	return due;
}

static void
test_random_steps(void **state)
{
	struct heap_node nodes[NODES] = { { 0 } };
	struct heap heap;
	uint32_t seed = 7;

	(void)state;
	heap_init(&heap);
	for (int step = 0; step < 5000; step++) {
		struct heap_node *node = &nodes[next_random(&seed) % NODES];
		if (next_random(&seed) % 3 == 0) {
			heap_remove(&heap, node);
			assert_int_equal(node->place, 0);
		} else {
			node->due = next_random(&seed) % 1000;
			heap_insert(&heap, node); /* also moves one that is inside */
			assert_ptr_equal(heap.slots[node->place - 1].node, node);
		}
		if (heap.count)
			assert_int_equal(heap_first(&heap)->due, earliest(nodes));
	}
	usec_t last = INT64_MIN;
	for (struct heap_node *node; (node = heap_first(&heap));) {
		assert_true(node->due >= last);
		last = node->due;
		heap_remove(&heap, node);
	}
	for (size_t i = 0; i < NODES; i++)
		assert_int_equal(nodes[i].place, 0);
	heap_fini(&heap);
}

static void
test_empty(void **state)
{
	struct heap heap;
	struct heap_node node = { .due = 1 };

	(void)state;
	heap_init(&heap);
	assert_null(heap_first(&heap));
	heap_remove(&heap, &node);
	heap_insert(&heap, &node);
	heap_insert(&heap, &node);
	assert_int_equal(heap.count, 1);
	heap_remove(&heap, &node);
	heap_remove(&heap, &node);
	assert_null(heap_first(&heap));
	heap_fini(&heap);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_steps),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

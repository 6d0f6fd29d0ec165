/* Lists: order, and removal at any time, repeated or during a walk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/list.h"

struct item {
	int number;
	struct list node;
};

static void
test_order_and_removal(void **state)
{
	struct item a = { .number = 1 }, b = { .number = 2 }, c = { .number = 3 };
	struct list head;
	int seen = 0;

	(void)state;
	list_init(&head);
	assert_true(list_is_empty(&head));
	list_append(&head, &b.node);
	list_append(&head, &c.node);
	list_prepend(&head, &a.node);
	LIST_EACH(it, &head)
	seen = seen * 10 + LIST_ENTRY(it, struct item, node)->number;
	assert_int_equal(seen, 123);
	list_remove(&b.node);
	list_remove(&b.node);
	seen = 0;
	LIST_EACH_SAFE(it, &head)
	{
		seen = seen * 10 + LIST_ENTRY(it, struct item, node)->number;
		list_remove(it);
	}
	assert_int_equal(seen, 13);
	assert_true(list_is_empty(&head));
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_order_and_removal) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Wrong tokens: a few are forgiven, then each costs more, and only who sent them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "api/guard.h"

static struct addr
from(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_from_numeric(&addr, text, 40000), 0);
	return addr;
}

static void
wrong(struct guard *guard, const struct addr *addr, unsigned times, usec_t now_us)
{
	while (times-- > 0)
		guard_note_wrong(guard, addr, now_us);
}

static void
test_slips_of_the_pen_cost_nothing(void **state)
{
	struct guard guard = { 0 };
	struct addr one = from("192.0.2.1");

	(void)state;
	assert_int_equal(guard_wait_s(&guard, &one, USEC_PER_SEC), 0);
	wrong(&guard, &one, 4, USEC_PER_SEC);
	assert_int_equal(guard_wait_s(&guard, &one, USEC_PER_SEC), 0);
}

static void
test_guessing_gets_slower_up_to_a_minute(void **state)
{
	struct guard guard = { 0 };
	struct addr one = from("192.0.2.1");
	usec_t now_us = USEC_PER_SEC;
	unsigned last = 0;

	(void)state;
	wrong(&guard, &one, 4, now_us);
	for (int i = 0; i < 20; i++) {
		unsigned wait_s;

		wrong(&guard, &one, 1, now_us);
		wait_s = guard_wait_s(&guard, &one, now_us);
		assert_true(wait_s >= last && wait_s >= 1 && wait_s <= 60);
		last = wait_s;
		now_us += wait_s * USEC_PER_SEC;
		assert_int_equal(guard_wait_s(&guard, &one, now_us), 0);
	}
	assert_int_equal(last, 60);
}

static void
test_others_are_not_concerned(void **state)
{
	struct guard guard = { 0 };
	struct addr one = from("192.0.2.1"), other = from("192.0.2.2");
	struct addr six = from("2001:db8:0:1::1"), near = from("2001:db8:0:1::2");
	struct addr far = from("2001:db8:0:2::1");

	(void)state;
	wrong(&guard, &one, 10, USEC_PER_SEC);
	wrong(&guard, &six, 10, USEC_PER_SEC);
	assert_true(guard_wait_s(&guard, &one, USEC_PER_SEC) > 0);
	assert_int_equal(guard_wait_s(&guard, &other, USEC_PER_SEC), 0);
	assert_true(guard_wait_s(&guard, &near, USEC_PER_SEC) > 0);
	assert_int_equal(guard_wait_s(&guard, &far, USEC_PER_SEC), 0);
}

static void
test_a_right_one_and_time_make_good(void **state)
{
	struct guard guard = { 0 };
	struct addr one = from("192.0.2.1");

	(void)state;
	wrong(&guard, &one, 4, USEC_PER_SEC);
	guard_note_right(&guard, &one);
	wrong(&guard, &one, 4, USEC_PER_SEC);
	assert_int_equal(guard_wait_s(&guard, &one, USEC_PER_SEC), 0);
	wrong(&guard, &one, 1, USEC_PER_SEC + 11 * USEC_PER_MIN);
	assert_int_equal(guard_wait_s(&guard, &one, USEC_PER_SEC + 11 * USEC_PER_MIN), 0);
}

/* A thousand addresses need no more memory than there is, and the latest is not forgotten. */
static void
test_memory_is_bounded(void **state)
{
	struct guard guard = { 0 };
	struct addr last = { 0 };
	char text[32];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "10.0.%d.%d", i / 250, i % 250);
		last = from(text);
		wrong(&guard, &last, 6, USEC_PER_SEC + i);
	}
	assert_true(guard_wait_s(&guard, &last, USEC_PER_SEC + 1000) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slips_of_the_pen_cost_nothing),
		cmocka_unit_test(test_guessing_gets_slower_up_to_a_minute),
		cmocka_unit_test(test_others_are_not_concerned),
		cmocka_unit_test(test_a_right_one_and_time_make_good),
		cmocka_unit_test(test_memory_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

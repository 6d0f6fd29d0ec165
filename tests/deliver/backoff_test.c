/* The waits between tries: their order, their spread, and what the other side asks for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "deliver/backoff.h"

static void
waits_grow_to_ten_minutes(void **state)
{
	static const int seconds[] = { 0, 2, 10, 30, 60, 120, 300, 600, 600, 600 };

	(void)state;
	for (unsigned n = 0; n < sizeof(seconds) / sizeof(seconds[0]); n++)
		assert_int_equal(backoff_base(n), seconds[n] * USEC_PER_SEC);
	assert_int_equal(backoff_base(UINT32_MAX), 10 * USEC_PER_MIN);
}

static void
jitter_stays_within_a_fifth(void **state)
{
	usec_t least = INT64_MAX, most = 0;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		usec_t delay = backoff_delay(3);

		assert_true(delay >= 24 * USEC_PER_SEC && delay <= 36 * USEC_PER_SEC);
		least = delay < least ? delay : least;
		most = delay > most ? delay : most;
	}
	assert_true(least < 26 * USEC_PER_SEC);
	assert_true(most > 34 * USEC_PER_SEC);
}

static void
asked_waits_are_kept_and_capped(void **state)
{
	(void)state;
	assert_int_equal(backoff_asked(0), 0);
	assert_int_equal(backoff_asked(-5), 0);
	for (int i = 0; i < 500; i++) {
		usec_t delay = backoff_asked(60 * USEC_PER_SEC);

		assert_true(delay >= 60 * USEC_PER_SEC && delay <= 72 * USEC_PER_SEC);
		assert_true(backoff_asked(59 * USEC_PER_MIN) <= USEC_PER_HOUR);
	}
	assert_int_equal(backoff_asked(30 * USEC_PER_DAY), USEC_PER_HOUR);
	assert_int_equal(backoff_asked(INT64_MAX), USEC_PER_HOUR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_grow_to_ten_minutes),
		cmocka_unit_test(jitter_stays_within_a_fifth),
		cmocka_unit_test(asked_waits_are_kept_and_capped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

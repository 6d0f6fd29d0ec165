/* Histograms: bounds belong to the bucket below them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hist.h"

static void
test_buckets(void **state)
{
	struct hist hist = { .count = 0 };

	(void)state;
	hist_add(&hist, 0);
	hist_add(&hist, 100);
	hist_add(&hist, 101);
	hist_add(&hist, INT64_MAX / 2);
	assert_int_equal(hist.bucket[0], 2);
	assert_int_equal(hist.bucket[1], 1);
	assert_int_equal(hist.bucket[HIST_BUCKETS], 1);
	assert_int_equal(hist.count, 4);
	assert_int_equal(hist.max_us, INT64_MAX / 2);
	assert_int_equal(hist_bound(0), 100);
	assert_int_equal(hist_bound(3), 800);
	assert_int_equal(hist_bound(HIST_BUCKETS), INT64_MAX);
}

static void
test_quantiles(void **state)
{
	struct hist hist = { .count = 0 };

	(void)state;
	assert_int_equal(hist_quantile(&hist, 0.99), 0);
	for (int i = 0; i < 98; i++)
		hist_add(&hist, 50);
	hist_add(&hist, 1000);
	hist_add(&hist, hist_bound(HIST_BUCKETS - 1) + 7);
	assert_int_equal(hist_quantile(&hist, 0), 100);
	assert_int_equal(hist_quantile(&hist, 0.5), 100);
	assert_int_equal(hist_quantile(&hist, 0.98), 100);
	assert_int_equal(hist_quantile(&hist, 0.99), 1600);
	assert_int_equal(hist_quantile(&hist, 1), hist_bound(HIST_BUCKETS - 1) + 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buckets),
		cmocka_unit_test(test_quantiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Windows of the recent past: what they hold, how they shrink it, and that they stay small. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/series.h"

#define S USEC_PER_SEC

static void
test_points(void **state)
{
	struct series *s = series_new(5 * USEC_PER_MIN, 30 * S, 0);
	(void)state;
	assert_int_equal(series_since(s, 0).count, 0);
	assert_false(series_reaches(s, 0));
	for (int i = 0; i <= 40; i++)
		series_add(s, i * 30 * S, i);
	/* The window is 900..1200 s, values 30..40; 29 stays as the base of increases. */
	assert_int_equal(series_parts(s), 12);
	struct series_part part = series_since(s, 900 * S);
	assert_int_equal(part.count, 11);
	assert_float_equal(part.first, 30, 0);
	assert_float_equal(part.last, 40, 0);
	assert_float_equal(part.min, 30, 0);
	assert_float_equal(part.max, 40, 0);
	assert_float_equal(part.sum, 385, 0);
	assert_float_equal(part.grown, 11, 0);
	assert_int_equal(part.grown_from_us, 870 * S);
	assert_int_equal(part.last_us, 1200 * S);
	assert_true(series_reaches(s, 900 * S));
	assert_false(series_reaches(s, 800 * S));
	part = series_since(s, 1200 * S);
	assert_int_equal(part.count, 1);
	assert_int_equal(series_since(s, 1201 * S).count, 0);
	series_free(s);
}

static void
test_unknown_and_backwards(void **state)
{
	struct series *s = series_new(5 * USEC_PER_MIN, 30 * S, 7 * S);
	(void)state;
	series_add(s, 10 * S, (double)NAN);
	assert_int_equal(series_parts(s), 0);
	assert_int_equal(series_last_us(s), 7 * S);
	series_add(s, 20 * S, 1);
	series_add(s, 15 * S, 2);
	assert_int_equal(series_last_us(s), 20 * S);
	assert_float_equal(series_since(s, 20 * S).sum, 3, 0);
	/* After a gap longer than the span nothing of the past is left. */
	series_add(s, 60 * USEC_PER_DAY, 5);
	assert_int_equal(series_parts(s), 1);
	series_free(s);
}

static void
test_counter_starts_anew(void **state)
{
	static const double values[] = { 100, 105, 3, 4, 0, 2 };
	struct series *points = series_new(10 * USEC_PER_MIN, 60 * S, 0);
	struct series *buckets = series_new(10 * USEC_PER_MIN, 1 * S, 0);
	(void)state;
	for (int i = 0; i < 6; i++) {
		series_add(points, i * 60 * S, values[i]);
		series_add(buckets, i * 60 * S, values[i]);
	}
	assert_float_equal(series_since(points, 0).grown, 5 + 3 + 1 + 0 + 2, 0);
	assert_float_equal(series_since(buckets, 0).grown, 5 + 3 + 1 + 0 + 2, 0);
	series_free(points);
	series_free(buckets);
}

/* Buckets against the plain sums over everything, at many windows. */
static void
test_buckets(void **state)
{
	enum { N = 20000 };
	struct series *s = series_new(2 * USEC_PER_HOUR, 1 * S, 0);
	(void)state;
	for (int i = 0; i < N; i++)
		series_add(s, i * S, (i * 7919) % 1000);
	assert_true(series_parts(s) <= 66);
	assert_true(series_bytes(s) < 6000);
	struct series_part part = series_since(s, (N - 7200) * S);
	/* A bucket that reaches into the window counts whole: at most one width more. */
	assert_in_range(part.count, 7200, 7200 + 7200 / 63 + 1);
	double sum = 0;
	for (int i = N - (int)part.count; i < N; i++)
		sum += (i * 7919) % 1000;
	assert_float_equal(part.sum, sum, 0);
	assert_int_equal(part.first_us, (N - (int)part.count) * S);
	assert_float_equal(part.min, 0, 0);
	assert_float_equal(part.max, 999, 0);
	series_free(s);
}

/* Quick re-checks bring more points than the interval promised. */
static void
test_overflow_becomes_buckets(void **state)
{
	struct series *s = series_new(60 * USEC_PER_MIN, 60 * S, 0);
	(void)state;
	for (int i = 0; i < 3000; i++)
		series_add(s, i * S, 1);
	assert_true(series_parts(s) <= 66);
	assert_int_equal(series_since(s, 0).count, 3000);
	series_free(s);
}

static void
test_fit(void **state)
{
	struct series *s = series_new(10 * USEC_PER_MIN, 30 * S, 0);
	(void)state;
	for (int i = 0; i < 20; i++)
		series_add(s, i * 30 * S, i);
	series_fit(s, 10 * USEC_PER_MIN, 30 * S);
	assert_int_equal(series_parts(s), 20);
	series_fit(s, 2 * USEC_PER_HOUR, 30 * S); /* points to buckets */
	struct series_part part = series_since(s, 0);
	assert_int_equal(part.count, 20);
	assert_float_equal(part.sum, 190, 0);
	assert_float_equal(part.grown, 19, 0);
	series_fit(s, 5 * USEC_PER_MIN, 30 * S); /* shorter: the oldest goes */
	assert_true(series_since(s, 0).count < 20);
	assert_float_equal(series_since(s, 0).last, 19, 0);
	series_add(s, 600 * S, 20);
	assert_float_equal(series_since(s, 0).last, 20, 0);
	series_free(s);
}

static void
test_trend(void **state)
{
	struct series *s = series_new(6 * USEC_PER_HOUR, 60 * S, 0);
	(void)state;
	assert_int_equal(series_trend(s, 0).count, 0);
	for (int i = 0; i < 300; i++)
		series_add(s, i * 60 * S, 5e12 - i * 60 * 1e6); /* 1 MB/s, from 5 TB on */
	struct series_trend trend = series_trend(s, 0);
	assert_int_equal(trend.count, 300);
	assert_true(fabs(trend.slope + 1e6) < 1e3);
	assert_true(fabs(trend.at_last - (5e12 - 299 * 60 * 1e6)) < 1e9);
	assert_true(fabs(trend.slope) > 100 * trend.slope_error);
	series_free(s);

	s = series_new(USEC_PER_HOUR, 60 * S, 0);
	for (int i = 0; i < 60; i++)
		series_add(s, i * 60 * S, i % 2 ? 100 : 90); /* no trend in a saw */
	trend = series_trend(s, 0);
	assert_true(fabs(trend.slope) < 3 * trend.slope_error);
	series_free(s);
}

static void
test_small(void **state)
{
	struct series *s = series_new(5 * USEC_PER_MIN, 30 * S, 0);
	(void)state;
	for (int i = 0; i < 1000; i++)
		series_add(s, i * 30 * S, i);
	assert_true(series_bytes(s) <= 300);
	series_free(s);
	series_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_points),
		cmocka_unit_test(test_unknown_and_backwards),
		cmocka_unit_test(test_counter_starts_anew),
		cmocka_unit_test(test_buckets),
		cmocka_unit_test(test_overflow_becomes_buckets),
		cmocka_unit_test(test_fit),
		cmocka_unit_test(test_trend),
		cmocka_unit_test(test_small),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

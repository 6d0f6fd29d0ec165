/* Windows of the recent past: what they hold, how they shrink it, and that they stay small. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/series.h"

#define S USEC_PER_SEC

static struct series *
make(usec_t span_us, usec_t interval_us, usec_t now_us)
{
	const struct series_shape shape = { .span_us = span_us, .interval_us = interval_us };

	return series_new(&shape, now_us);
}

static void
fit(struct series *s, usec_t span_us, usec_t interval_us)
{
	const struct series_shape shape = { .span_us = span_us, .interval_us = interval_us };

	series_fit(s, &shape);
}

/* The same numbers in every run. */
static double
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) / 16777216.0;
}

static void
test_points(void **state)
{
	struct series *s = make(5 * USEC_PER_MIN, 30 * S, 0);
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
	struct series *s = make(5 * USEC_PER_MIN, 30 * S, 7 * S);
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
	struct series *points = make(10 * USEC_PER_MIN, 60 * S, 0);
	struct series *buckets = make(10 * USEC_PER_MIN, 1 * S, 0);
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
	struct series *s = make(2 * USEC_PER_HOUR, 1 * S, 0);
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
	struct series *s = make(60 * USEC_PER_MIN, 60 * S, 0);
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
	struct series *s = make(10 * USEC_PER_MIN, 30 * S, 0);
	(void)state;
	for (int i = 0; i < 20; i++)
		series_add(s, i * 30 * S, i);
	fit(s, 10 * USEC_PER_MIN, 30 * S);
	assert_int_equal(series_parts(s), 20);
	fit(s, 2 * USEC_PER_HOUR, 30 * S); /* points to buckets */
	struct series_part part = series_since(s, 0);
	assert_int_equal(part.count, 20);
	assert_float_equal(part.sum, 190, 0);
	assert_float_equal(part.grown, 19, 0);
	fit(s, 5 * USEC_PER_MIN, 30 * S); /* shorter: the oldest goes */
	assert_true(series_since(s, 0).count < 20);
	assert_float_equal(series_since(s, 0).last, 19, 0);
	series_add(s, 600 * S, 20);
	assert_float_equal(series_since(s, 0).last, 20, 0);
	series_free(s);
}

static void
test_trend(void **state)
{
	struct series *s = make(6 * USEC_PER_HOUR, 60 * S, 0);
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

	s = make(USEC_PER_HOUR, 60 * S, 0);
	for (int i = 0; i < 60; i++)
		series_add(s, i * 60 * S, i % 2 ? 100 : 90); /* no trend in a saw */
	trend = series_trend(s, 0);
	assert_true(fabs(trend.slope) < 3 * trend.slope_error);
	series_free(s);
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Moments and quantiles of points and of buckets against the plain reading of all values. */
static void
check_moments(usec_t interval_us, int count, double limit)
{
	const struct series_shape shape = {
		.span_us = USEC_PER_HOUR, .interval_us = interval_us, .has_sketch = true
	};
	static double values[8000];
	struct series *s = series_new(&shape, 0);
	uint32_t seed = 5;
	double sum = 0, squares = 0;
	uint32_t changes = 0;

	for (int i = 0; i < count; i++) {
		values[i] = round(exp(next_random(&seed) * 6) * 100) / 100;
		changes += i > 0 && values[i] != values[i - 1];
		sum += values[i];
		series_add(s, i * interval_us, values[i]);
	}
	for (int i = 0; i < count; i++)
		squares += (values[i] - sum / count) * (values[i] - sum / count);
	struct series_part part = series_since(s, 0);
	assert_int_equal(part.count, count);
	assert_int_equal(part.changes, changes);
	assert_true(fabs(part.spread / squares - 1) < 1e-9);
	qsort(values, (size_t)count, sizeof(*values), by_size);
	static const double shares[] = { 0, 0.001, 0.1, 0.5, 0.9, 0.95, 0.99, 1 };
	for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++) {
		int rank = (int)ceil(shares[i] * count);
		double wanted = values[rank < 1 ? 0 : rank - 1];
		double got = series_quantile(s, 0, shares[i]);
		if (fabs(got / wanted - 1) > limit)
			fail_msg("%g of %d: %g, wanted %g", shares[i], count, got, wanted);
	}
	assert_true(series_bytes(s) <= series_bytes_max(&shape));
	assert_true(isnan(series_quantile(s, 9000 * USEC_PER_SEC, 0.5)));
	series_free(s);
}

static void
test_moments(void **state)
{
	(void)state;
	check_moments(60 * S, 60, 1e-15);
	check_moments(S / 2, 7200, 0.0101);
}

/* The past that comes later than what came after it. */
static void
test_prepend(void **state)
{
	struct series *s = make(6 * USEC_PER_HOUR, 60 * S, 0);
	struct series_part past[360];
	(void)state;
	for (int i = 0; i < 10; i++)
		series_add(s, i * 60 * S, 1000 + i);
	for (int i = 0; i < 360; i++) {
		usec_t at = (i - 355) * 60 * S;
		past[i] = (struct series_part){ .first_us = at,
			.last_us = at,
			.count = 2,
			.first = i,
			.last = i,
			.min = i - 1,
			.max = i + 1,
			.sum = 2 * i,
			.grown_from_us = at };
	}
	series_prepend(s, past, 360);
	struct series_part all = series_since(s, -350 * 60 * S);
	/* A bucket counts whole, and what overlaps with our own values is not taken. */
	assert_in_range(all.count, 350 * 2 + 10, 355 * 2 + 10);
	assert_true(all.first_us <= -350 * 60 * S);
	assert_true(all.min <= 4);
	assert_float_equal(all.last, 1009, 0);
	assert_int_equal(series_trend(s, -350 * 60 * S).count, all.count);
	series_add(s, 700 * S, 5);
	assert_float_equal(series_since(s, 0).last, 5, 0);
	series_free(s);
}

#define MONDAY (INT64_C(19723) * USEC_PER_DAY) /* 2024-01-01 */

static void
test_usual(void **state)
{
	const struct series_shape shape = {
		.span_us = 7 * USEC_PER_DAY, .interval_us = 60 * S, .has_days = true
	};
	struct series *s = series_new(&shape, 0);
	usec_t now = MONDAY;
	(void)state;
	/* 10 by night, 100 from 9 to 17; the second day is out of the ordinary. */
	for (; now < MONDAY + 2 * USEC_PER_DAY; now += 5 * USEC_PER_MIN)
		series_add(s, now, now % USEC_PER_DAY / USEC_PER_HOUR / 8 == 1 ? 100 : 10);
	assert_true(isnan(series_usual(s, now + 12 * USEC_PER_HOUR)));
	for (; now < MONDAY + 5 * USEC_PER_DAY; now += 5 * USEC_PER_MIN) {
		bool is_odd = now < MONDAY + 3 * USEC_PER_DAY;
		double value = now % USEC_PER_DAY / USEC_PER_HOUR / 8 == 1 ? 100 : 10;
		series_add(s, now, is_odd ? 5000 : value);
	}
	assert_float_equal(series_usual(s, now + 12 * USEC_PER_HOUR), 100, 0.001);
	assert_float_equal(series_usual(s, now + 2 * USEC_PER_HOUR), 10, 0.001);
	assert_true(series_bytes(s) <= series_bytes_max(&shape));
	assert_true(series_bytes(s) < 3000);
	/* After a week away there is nothing to compare with. */
	assert_true(isnan(series_usual(s, now + 8 * USEC_PER_DAY)));
	series_add(s, now + 30 * USEC_PER_DAY, 1);
	assert_true(isnan(series_usual(s, now + 31 * USEC_PER_DAY)));
	series_free(s);
}

/* A host without a clock begins in 1970, and is set right later. */
static void
test_usual_from_the_beginning_of_time(void **state)
{
	const struct series_shape shape = {
		.span_us = 7 * USEC_PER_DAY, .interval_us = 60 * S, .has_days = true
	};
	struct series *s = series_new(&shape, 0);
	(void)state;
	for (usec_t now = 0; now < 5 * USEC_PER_DAY; now += 5 * USEC_PER_MIN)
		series_add(s, now, 3);
	assert_float_equal(series_usual(s, 5 * USEC_PER_DAY), 3, 0.001);
	series_add(s, MONDAY, 9);
	assert_true(isnan(series_usual(s, MONDAY)));
	series_add(s, USEC_PER_HOUR, 3);
	assert_true(isnan(series_usual(s, USEC_PER_HOUR)));
	series_free(s);
}

/* Three weeks: Mondays are compared with Mondays. */
static void
test_usual_by_weekday(void **state)
{
	const struct series_shape shape = {
		.span_us = 28 * USEC_PER_DAY, .interval_us = 60 * S, .has_days = true
	};
	struct series *s = series_new(&shape, 0);
	struct series_part past[28 * 24];
	(void)state;
	for (int hour = 0; hour < 28 * 24; hour++) {
		usec_t at = MONDAY + hour * USEC_PER_HOUR;
		double value = hour / 24 % 7 == 0 ? 7 : 1;
		past[hour] = (struct series_part){
			.first_us = at, .last_us = at, .count = 3, .sum = 3 * value
		};
	}
	series_add(s, MONDAY + 28 * USEC_PER_DAY, 50); /* before the history came */
	series_prepend(s, past, 28 * 24);
	/* An hour has one value there: two of its slots are asked for. */
	assert_true(isnan(series_usual(s, MONDAY + 28 * USEC_PER_DAY + USEC_PER_HOUR)));
	for (int i = 0; i < 28 * 24; i++)
		past[i].first_us = past[i].last_us += 20 * USEC_PER_MIN;
	series_prepend(s, past, 28 * 24);
	assert_float_equal(series_usual(s, MONDAY + 28 * USEC_PER_DAY + USEC_PER_HOUR), 7, 0.001);
	assert_float_equal(series_usual(s, MONDAY + 29 * USEC_PER_DAY + USEC_PER_HOUR), 1, 0.001);
	series_free(s);
}

static void
test_small(void **state)
{
	struct series *s = make(5 * USEC_PER_MIN, 30 * S, 0);
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
		cmocka_unit_test(test_moments),
		cmocka_unit_test(test_prepend),
		cmocka_unit_test(test_usual),
		cmocka_unit_test(test_usual_from_the_beginning_of_time),
		cmocka_unit_test(test_usual_by_weekday),
		cmocka_unit_test(test_small),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

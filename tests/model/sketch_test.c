/* Sketches: how far off they are, that merging is adding, and that they stay small. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/sketch.h"

static const struct sketch *
nth(const void *arg, size_t n)
{
	return (const struct sketch *)arg + n;
}

static double
ask(const struct sketch *sketches, size_t count, double q)
{
	const struct sketch_view view = { nth, sketches, count };

	return sketch_quantile(&view, q);
}

static double
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) / 16777216.0;
}

static void
test_empty(void **state)
{
	struct sketch sketch = { 0 };
	(void)state;
	assert_true(isnan(ask(&sketch, 1, 0.5)));
	assert_true(isnan(ask(&sketch, 0, 0.5)));
	assert_int_equal(sketch_bytes(&sketch), 0);
	sketch_fini(&sketch);
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Several shapes of numbers, in one sketch, and spread over four. */
static double
draw(int shape, uint32_t *seed)
{
	double x = next_random(seed);

	switch (shape) {
	case 0:
		return x * 10 + 2; /* flat */
	case 1:
		return 0.001 * exp(4 * x * x); /* a tail */
	case 2:
		return 1e12 + 1e9 * x; /* far from zero */
	case 3:
		return (x - 0.5) * 2; /* both signs */
	default:
		return x < 0.3 ? 0 : 5;
	}
}

static void
test_error(void **state)
{
	enum { N = 5000 };
	static double values[N];
	uint32_t seed = 1;
	(void)state;
	for (int shape = 0; shape < 5; shape++) {
		struct sketch one = { 0 }, four[4] = { 0 }, merged = { 0 };
		for (int i = 0; i < N; i++) {
			values[i] = draw(shape, &seed);
			/* Nearest to zero there is no end of bins. */
			if (shape == 3 && fabs(values[i]) < 0.2)
				values[i] = values[i] < 0 ? -0.2 : 0.2;
			sketch_add(&one, values[i]);
			sketch_add(&four[i % 4], values[i]);
		}
		for (int i = 0; i < 4; i++)
			sketch_merge(&merged, &four[i]);
		qsort(values, N, sizeof(*values), by_size);
		for (double q = 0; q <= 1; q += 0.01) {
			int rank = (int)ceil(q * N);
			double wanted = values[rank < 1 ? 0 : rank - 1], got = ask(&one, 1, q);
			if (fabs(got - wanted) > fabs(wanted) * (SKETCH_ERROR + 1e-9))
				fail_msg("shape %d, %g: %g, wanted %g", shape, q, got, wanted);
			assert_float_equal(ask(four, 4, q), got, 0);
			assert_float_equal(ask(&merged, 1, q), got, 0);
		}
		assert_true(sketch_bytes(&one) <= SKETCH_BINS * sizeof(struct sketch_bin));
		sketch_fini(&one);
		sketch_fini(&merged);
		for (int i = 0; i < 4; i++)
			sketch_fini(&four[i]);
	}
}

/* Twenty decades do not fit: the high end stays right. */
static void
test_too_wide(void **state)
{
	struct sketch sketch = { 0 };
	(void)state;
	for (int i = 0; i < 2000; i++)
		sketch_add(&sketch, pow(10, -10 + i / 100.0));
	assert_int_equal(sketch.count, SKETCH_BINS);
	double wanted = pow(10, -10 + (ceil(0.99 * 2000) - 1) / 100.0);
	assert_true(fabs(ask(&sketch, 1, 0.99) / wanted - 1) <= SKETCH_ERROR + 1e-9);
	sketch_fini(&sketch);
}

static void
test_odd_numbers(void **state)
{
	struct sketch sketch = { 0 };
	(void)state;
	for (int i = 0; i < 200000; i++)
		sketch_add(&sketch, 3); /* more than one bin counts */
	assert_true(fabs(ask(&sketch, 1, 0.5) / 3 - 1) <= SKETCH_ERROR + 1e-9);
	sketch_add(&sketch, 1e300);
	sketch_add(&sketch, 1e-300);
	sketch_add(&sketch, (double)INFINITY);
	sketch_add(&sketch, -(double)INFINITY);
	assert_true(fabs(ask(&sketch, 1, 0.5) / 3 - 1) <= SKETCH_ERROR + 1e-9);
	assert_true(ask(&sketch, 1, 0) < -1e100);
	assert_true(ask(&sketch, 1, 1) > 1e100);
	sketch_fini(&sketch);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_error),
		cmocka_unit_test(test_too_wide),
		cmocka_unit_test(test_odd_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Fewer points from many, and how much of a time is known to have been up. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/points.h"

#define MIN       USEC_PER_MIN
#define SEC       USEC_PER_SEC
#define DAY       USEC_PER_DAY
#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static void
test_thinning_keeps_bounds_and_weights(void **state)
{
	struct store_point points[] = {
		{ 0, 1, 1, 1, 3, 0 },
		{ 30 * SEC, 5, 2, 9, 1, 0 },
		{ MIN, 4, 4, 4, 1, MIN },
		{ 5 * MIN + 10 * SEC, 7, 7, 7, 2, 0 },
	};

	(void)state;
	assert_int_equal(points_grain(points, LENGTH(points)), MIN);
	assert_int_equal(points_thin(points, LENGTH(points), 2 * MIN), 2);
	assert_int_equal(points[0].count, 5);
	assert_true(fabs(points[0].avg - (3.0 + 5 + 4) / 5) < 1e-9);
	assert_true(points[0].min == 1 && points[0].max == 9 && points[0].grain_us == MIN);
	assert_int_equal(points[1].wall_us, 4 * MIN);
	assert_int_equal(points_thin(points, 0, MIN), 0);
}

static void
test_what_no_sum_can_hold(void **state)
{
	struct store_point points[] = {
		{ 0, -1e308, -1e308, -1e308, 1, 0 },
		{ 1, 1e308, 1e308, 1e308, 1, 0 },
		{ 2, 1e308, 1e308, 1e308, 2, 0 },
	};

	(void)state;
	assert_int_equal(points_thin(points, LENGTH(points), MIN), 1);
	assert_true(points[0].avg >= 0.4e308 && points[0].avg <= 0.6e308);
}

struct row {
	const char *what;
	struct store_point points[4];
	size_t count;
	usec_t row_us, known_us, down_us; /* of the first ten minutes */
};

static const struct row rows[] = {
	{ "nothing", { { 0 } }, 0, 30 * SEC, 0, 0 },
	{ "a row speaks until the next one",
		{ { 0, 1, 1, 1, 1, 0 }, { 30 * SEC, 0, 0, 0, 1, 0 }, { MIN, 1, 1, 1, 1, 0 } }, 3,
		30 * SEC, 90 * SEC, 30 * SEC },
	{ "a late one is still heard", { { 0, 1, 1, 1, 1, 0 }, { 45 * SEC, 1, 1, 1, 1, 0 } }, 2,
		30 * SEC, 75 * SEC, 0 },
	{ "what nobody saw is unknown: a daemon that did not run",
		{ { 0, 0, 0, 0, 1, 0 }, { 5 * MIN, 1, 1, 1, 1, 0 } }, 2, 30 * SEC, MIN, 30 * SEC },
	{ "a whole minute, half of it down", { { 0, 0.5, 0, 1, 2, MIN } }, 1, 30 * SEC, MIN,
		30 * SEC },
	{ "a minute that lacks half of its rows", { { 0, 0, 0, 0, 1, MIN } }, 1, 30 * SEC, 30 * SEC,
		30 * SEC },
	{ "quick re-checks make no time", { { 0, 1, 1, 1, 6, MIN } }, 1, 30 * SEC, MIN, 0 },
	{ "one row in five minutes, in minutes",
		{ { 0, 1, 1, 1, 1, MIN }, { 5 * MIN, 1, 1, 1, 1, MIN } }, 2, 5 * MIN, 10 * MIN, 0 },
	{ "a seam: the minute ends where the values begin",
		{ { 0, 1, 1, 1, 2, MIN }, { MIN, 1, 1, 1, 1, 0 }, { 90 * SEC, 1, 1, 1, 1, 0 } }, 3,
		30 * SEC, 2 * MIN, 0 },
	{ "only the part inside counts", { { -10 * MIN, 0, 0, 0, 30, 15 * MIN } }, 1, 30 * SEC,
		5 * MIN, 5 * MIN },
};

static void
test_uptime(void **state)
{
	(void)state;
	for (size_t n = 0; n < LENGTH(rows); n++) {
		const struct row *row = &rows[n];
		struct points_uptime sum =
			points_uptime(row->points, row->count, row->row_us, 0, 10 * MIN);
		if (sum.known_us != row->known_us || sum.down_us != row->down_us)
			fail_msg("%s: known %jd s, down %jd s", row->what,
				(intmax_t)(sum.known_us / SEC), (intmax_t)(sum.down_us / SEC));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thinning_keeps_bounds_and_weights),
		cmocka_unit_test(test_what_no_sum_can_hold),
		cmocka_unit_test(test_uptime),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

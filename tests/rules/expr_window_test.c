/* Functions that look back: what they answer over values that are fed by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rules/expr.h"
#include "tests/rules/world.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define WALL0        (INT64_C(1700000000) * USEC_PER_SEC)

/* A world with one window, that of the expression, fed as the engine would. */
struct window_world {
	struct world w;
	struct series *series;
	const struct expr_window *window;
};

static const struct series *
series_of(void *arg, const char *check, const struct expr_window *window)
{
	struct window_world *k = (struct window_world *)arg;
	(void)check;
	assert_true(expr_window_is_same(window, k->window));
	return k->series;
}

static const struct sample *
sample_of(void *arg, const char *check)
{
	return world_sample_of(&((struct window_world *)arg)->w, check);
}

struct given {
	double every_s;
	const double *values;
	size_t count;
};

static struct expr *
compile(const struct window_world *k, const char *text)
{
	struct expr_names names = world_names(&k->w, true);
	struct err e = { 0 };
	struct expr *expr = expr_compile(text, &names, &e);

	if (!expr)
		fail_msg("%s: %d: %s", text, e.code, e.text);
	return expr;
}

static struct expr_value
answer(const char *text, const struct given *given)
{
	struct window_world k = { 0 };
	world_init(&k.w);
	struct expr *expr = compile(&k, text);
	usec_t every_us = (usec_t)(given->every_s * 1e6), now_us = 0;

	assert_int_equal(expr_window_count(expr), 1);
	k.window = expr_window_at(expr, 0);
	bool has_days = k.window->keep == KEEP_DAYS;
	const struct series_shape shape = { .span_us = k.window->span_us,
		.interval_us = every_us,
		.has_sketch = k.window->keep == KEEP_SKETCH,
		.has_days = has_days };
	k.series = series_new(&shape, 0);
	for (size_t i = 0; i < given->count; i++) {
		now_us = (usec_t)i * every_us;
		series_add(k.series, has_days ? WALL0 + now_us : now_us,
			expr_window_take(k.window, given->values[i]));
	}
	const struct expr_world world = { .arg = &k,
		.now_us = now_us,
		.wall_us = WALL0 + now_us,
		.this_check = "disks[/var]",
		.sample_of = sample_of,
		.series_of = series_of };
	struct expr_value value = expr_eval(expr, &world);
	if (expr_is_condition(expr))
		assert_int_equal(expr_verdict(expr, &world),
			!value.is_known ? VERDICT_UNKNOWN : value.number != 0);
	series_free(k.series);
	expr_free(expr);
	return value;
}

static const double steps[] = { 5, 1, 4, 2, 3, 3, 10, 6, 8, 8 };
static const double rising[] = { 10, 12, 14, 16, 18, 20, 22, 24, 26, 28 };
static const double counter[] = { 100, 110, 130, 5, 25 };
static const double flag[] = { 0, 0, 1, 1, 0, 1, 1, 1 };

#define GIVEN(a, s)                                                                                \
	{                                                                                          \
		(s), (a), COUNT(a)                                                                 \
	}
#define UNKNOWN (-12345.0)

static const struct {
	const char *text;
	struct given given;
	double wanted;
	enum metric_unit unit;
} rows[] = {
	{ "avg(api.total_time, 10m)", GIVEN(steps, 60), 5, UNIT_SECONDS },
	{ "avg(api.total_time, 150s)", GIVEN(steps, 60), 22 / 3.0, UNIT_SECONDS },
	{ "min(api.total_time, 10m)", GIVEN(steps, 60), 1, UNIT_SECONDS },
	{ "max(api.total_time, 2m)", GIVEN(steps, 60), 8, UNIT_SECONDS },
	{ "sum(api.status, 3m)", GIVEN(steps, 60), 32, UNIT_NONE },
	{ "count(api.status, 3m)", GIVEN(steps, 60), 4, UNIT_NONE },
	{ "first(api.status, 3m)", GIVEN(steps, 60), 10, UNIT_NONE },
	{ "last(api.status, 3m)", GIVEN(steps, 60), 8, UNIT_NONE },
	{ "delta(api.status, 3m)", GIVEN(steps, 60), -2, UNIT_NONE },
	{ "median(api.total_time, 10m)", GIVEN(steps, 60), 4, UNIT_SECONDS },
	{ "quantile(api.total_time, 0.9, 10m)", GIVEN(steps, 60), 8, UNIT_SECONDS },
	{ "quantile(api.total_time, 90%, 10m)", GIVEN(steps, 60), 8, UNIT_SECONDS },
	{ "quantile(api.total_time, 0, 10m)", GIVEN(steps, 60), 1, UNIT_SECONDS },
	{ "quantile(api.total_time, 1, 10m)", GIVEN(steps, 60), 10, UNIT_SECONDS },
	{ "stddev(api.total_time, 10m)", GIVEN(steps, 60), 2.792848008753788, UNIT_SECONDS },
	{ "stddev(api.total_time, 30s)", GIVEN(steps, 60), UNKNOWN, UNIT_SECONDS },
	{ "slope(this.used_percent, 10m)", GIVEN(rising, 60), 2 / 60.0, UNIT_PER_SECOND },
	{ "slope(this.free_bytes, 10m)", GIVEN(rising, 60), 2 / 60.0, UNIT_BYTES_PER_SECOND },
	{ "slope(api.total_time, 10m)", GIVEN(rising, 60), 2 / 60.0, UNIT_NONE },
	{ "slope(this.free_bytes, 30s)", GIVEN(rising, 60), UNKNOWN, UNIT_BYTES_PER_SECOND },
	{ "forecast(this.used_percent, 10m, 10m)", GIVEN(rising, 60), 48, UNIT_PERCENT },
	{ "forecast(this.used_percent, 10m, 5m)", GIVEN(rising, 60), UNKNOWN, UNIT_PERCENT },
	{ "forecast(this.used_percent, 10m, 10m)", GIVEN(steps, 60), 5, UNIT_PERCENT },
	{ "time_until(this.used_percent, 38, 10m)", GIVEN(rising, 60), 300, UNIT_SECONDS },
	{ "increase(api.requests_total, 10m)", GIVEN(counter, 60), 55, UNIT_NONE },
	{ "increase(api.requests_total, 90s)", GIVEN(counter, 60), 25, UNIT_NONE },
	{ "rate(api.sent_bytes_total, 90s)", GIVEN(counter, 60), 25 / 120.0,
		UNIT_BYTES_PER_SECOND },
	{ "changes(api.status, 10m)", GIVEN(steps, 60), 7, UNIT_NONE },
	{ "changes(api.status, 90s)", GIVEN(steps, 60), 1, UNIT_NONE },
	{ "changes(api.status > 3, 10m)", GIVEN(steps, 60), 4, UNIT_NONE },
	{ "changes(this.read_only, 10m)", GIVEN(flag, 60), 3, UNIT_NONE },
	{ "share(api.status > 3, 10m)", GIVEN(steps, 60), 60, UNIT_PERCENT },
	{ "share(not api.status > 3, 10m)", GIVEN(steps, 60), 40, UNIT_PERCENT },
	{ "share(api.total_time <= 2 * 1s, 10m)", GIVEN(steps, 60), 20, UNIT_PERCENT },
	{ "share(this.read_only, 10m)", GIVEN(flag, 60), 62.5, UNIT_PERCENT },
	{ "share(not this.read_only, 10m)", GIVEN(flag, 60), 37.5, UNIT_PERCENT },
	{ "share(this.read_only == true, 3m)", GIVEN(flag, 60), 75, UNIT_PERCENT },
	{ "for_at_least(api.status > 5, 2m)", GIVEN(steps, 60), 1, UNIT_BOOL },
	{ "for_at_least(api.status > 7, 3m)", GIVEN(steps, 60), 0, UNIT_BOOL },
	{ "for_at_least(api.status > 0, 20m)", GIVEN(steps, 60), UNKNOWN, UNIT_BOOL },
	{ "for_at_least(this.read_only, 2m)", GIVEN(flag, 60), 1, UNIT_BOOL },
};

static void
test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct expr_value value = answer(rows[i].text, &rows[i].given);
		double got = value.is_known ? value.number : UNKNOWN;
		if (value.unit != rows[i].unit)
			fail_msg("%s: unit %d", rows[i].text, value.unit);
		if (fabs(got - rows[i].wanted) > 1e-9)
			fail_msg("%s: %.12g, wanted %.12g", rows[i].text, got, rows[i].wanted);
	}
}

/* The same over more values than are kept as they are. */
static void
test_many(void **state)
{
	static double values[7200];
	const struct given given = { 1, values, COUNT(values) };
	(void)state;
	for (size_t i = 0; i < COUNT(values); i++)
		values[i] = (double)(i * 7919 % 1000 + 1);
	double median = answer("median(api.total_time, 2h)", &given).number;
	double high = answer("quantile(api.total_time, 0.99, 2h)", &given).number;
	double share = answer("share(api.status > 250, 2h)", &given).number;
	assert_true(fabs(median - 500) <= 6);
	assert_true(fabs(high - 990) <= 10);
	assert_true(fabs(share - 75) < 0.5);
	assert_true(answer("for_at_least(api.status > 0, 1h)", &given).number == 1);
	assert_true(answer("for_at_least(api.status > 1, 1h)", &given).number == 0);
	assert_true(fabs(answer("stddev(api.status, 2h)", &given).number - 288.7) < 1);
	assert_true(fabs(answer("changes(api.status > 500, 2h)", &given).number -
			    answer("changes(api.status <= 500, 2h)", &given).number) < 0.5);
}

static void
test_baseline(void **state)
{
	static double values[10 * 96];
	const struct given two = { 900, values, 2 * 96 }, all = { 900, values, COUNT(values) };
	(void)state;
	for (size_t i = 0; i < COUNT(values); i++)
		values[i] = i / 96 == 7 ? 900 : 10 + (double)(i % 96);
	assert_false(answer("baseline(api.total_time, 7d)", &two).is_known);
	struct expr_value value = answer("baseline(api.total_time, 7d)", &all);
	assert_true(value.is_known);
	assert_true(fabs(value.number - (10 + 95)) < 40); /* around midnight it jumps */
	assert_int_equal(value.unit, UNIT_SECONDS);
}

static void
test_no_past(void **state)
{
	struct world w;
	struct err e = { 0 };
	(void)state;
	world_init(&w);
	struct expr_names names = world_names(&w, true);
	names.no_windows = "a fact has no past";
	assert_null(expr_compile("1 < avg(port-owner.pid, 5m)", &names, &e));
	assert_int_equal(e.code, 5);
	assert_string_equal(e.text, "avg looks at the past: a fact has no past");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_baseline),
		cmocka_unit_test(test_no_past),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* From samples to rows: one for ten seconds, and whether the check was up beside them. */
#include <math.h>

#include "store/record.h"
#include "tests/store/bed.h"

static const struct metric_desc metrics[] = {
	{ "total_time", METRIC_GAUGE, UNIT_SECONDS, "" },
	{ "status", METRIC_MOMENT, UNIT_NONE, "" },
	{ .name = NULL },
};

static struct check_ties *tied; /* NULL: by name */

/* A sample so long after the beginning. */
static void
take_at(struct recorder *recorder, usec_t after_us, double total, double up)
{
	double values[] = { total, 200 };
	char text[] = "";
	const struct sample sample = { .outcome = OUTCOME_OK,
		.text = text,
		.started_us = USEC_PER_HOUR + after_us,
		.wall_us = WALL + after_us,
		.metrics = metrics,
		.values = values,
		.metric_count = 2 };

	if (tied != NULL)
		recorder_take_tied(recorder, tied, "api", &sample, up);
	else
		recorder_take(recorder, "api", &sample, up);
}

static void
take(struct recorder *recorder, int second, double total, double up)
{
	take_at(recorder, second * USEC_PER_SEC, total, up);
}

static void
on_points(void *arg, const struct store_point *points, size_t count)
{
	struct bed *bed = arg;

	bed->is_answered = true;
	bed->point_count = count;
	for (size_t n = 0; n < count && n < 64; n++)
		bed->points[n] = points[n];
}

static bool
is_answered(void *arg)
{
	return ((const struct bed *)arg)->is_answered;
}

static void
ask(struct bed *bed, const char *metric)
{
	const struct store_query query = { "api", metric, WALL, WALL + USEC_PER_HOUR, 0 };

	bed->is_answered = false;
	store_query_start(bed->store, &query, on_points, bed);
	assert_true(loop_turn_until(bed->loop, is_answered, bed, MAX_TURN));
}

static void
test_rows(void **state)
{
	struct bed *bed = *state;

	open_store(bed);
	struct recorder *recorder = recorder_new(bed->store);
	take(recorder, 0, 1, 1);
	for (int second = 2; second <= 10; second += 2) /* quick ones are one row */
		take(recorder, second, 3, second < 8);
	take(recorder, 40, (double)NAN, 0); /* no number, and down */
	take(recorder, 70, 5, (double)NAN); /* nobody could tell */
	take(recorder, 75, 5, 1);
	take(recorder, 100, 5, (double)NAN);
	ask(bed, "total_time");
	assert_int_equal(bed->point_count, 4);
	assert_true(bed->points[1].avg == 3 && bed->points[3].avg == 5);
	ask(bed, RECORD_UP);
	assert_int_equal(bed->point_count, 4);
	assert_true(bed->points[0].avg == 1 && bed->points[2].avg == 0);
	assert_true(fabs(bed->points[1].avg - 0.6) < 1e-6);
	assert_int_equal(bed->points[2].wall_us, WALL + 40 * USEC_PER_SEC);
	/* What was told between two rows is said with the next one. */
	assert_int_equal(bed->points[3].wall_us, WALL + 100 * USEC_PER_SEC);
	ask(bed, "status");
	assert_int_equal(bed->point_count, 0);
	recorder_free(recorder);
}

/* Runs are some milliseconds early or late: none of them waits for the next one's row. */
static void
test_rows_of_ten_seconds(void **state)
{
	static const usec_t late_us[] = { 3000, 900, 2500, 100, 4000, 0 };
	struct bed *bed = *state;

	open_store(bed);
	struct recorder *recorder = recorder_new(bed->store);
	for (int n = 0; n < 6; n++)
		take_at(recorder, n * 10 * USEC_PER_SEC + late_us[n], 1, 1);
	ask(bed, "total_time");
	assert_int_equal(bed->point_count, 6);
	recorder_free(recorder);
}

/* By its name or by its tie: the same row is gathered. */
static void
test_a_tie_leads_to_the_same_row(void **state)
{
	struct bed *bed = *state;
	struct check_ties ties = { 0 };

	open_store(bed);
	struct recorder *recorder = recorder_new(bed->store);
	take(recorder, 0, 1, 1);
	for (int second = 2; second <= 10; second += 2) {
		tied = second % 4 == 0 ? &ties : NULL;
		take(recorder, second, second, 1);
	}
	recorder_drop(recorder, "api"); /* it goes, and comes back */
	tied = &ties;
	take(recorder, 20, 7, 1);
	tied = NULL;
	ask(bed, "total_time");
	assert_int_equal(bed->point_count, 3);
	assert_true(bed->points[1].avg == 6 && bed->points[2].avg == 7);
	recorder_free(recorder);
}

static void
test_distance_of_rows(void **state)
{
	static const struct {
		int every, row; /* seconds */
	} rows[] = { { 1, 10 }, { 2, 10 }, { 3, 12 }, { 4, 12 }, { 5, 10 }, { 9, 18 }, { 10, 10 },
		{ 15, 15 }, { 3600, 3600 }, { 0, 10 } };

	(void)state;
	for (size_t n = 0; n < sizeof(rows) / sizeof(rows[0]); n++)
		assert_int_equal(
			recorder_row_us(rows[n].every * USEC_PER_SEC), rows[n].row * USEC_PER_SEC);
}

static bool
is_there(void *arg, const char *check)
{
	return strcmp(check, arg) == 0;
}

/* Gone with rows on their way, and back again: the same series goes on. */
static void
test_a_check_goes_and_comes_back(void **state)
{
	struct bed *bed = *state;

	open_store(bed);
	struct recorder *recorder = recorder_new(bed->store);
	for (int n = 0; n < 6; n++) {
		take(recorder, 40 * n, n, 1);
		recorder_sweep(recorder, is_there, (void *)(uintptr_t) "api"); /* it stays */
		take(recorder, 40 * n + 5, 7, 1); /* what a row is not full of is forgotten */
		if (n % 2 == 0)
			recorder_drop(recorder, "api");
		else
			recorder_sweep(recorder, is_there, (void *)(uintptr_t) "other");
		recorder_drop(recorder, "nobody");
	}
	ask(bed, "total_time");
	assert_int_equal(bed->point_count, 6);
	for (int n = 0; n < 6; n++)
		assert_true(bed->points[n].avg == n);
	ask(bed, RECORD_UP);
	assert_int_equal(bed->point_count, 6);
	recorder_free(recorder);
}

/* One that is dropped is not among those that there may be any more, and is freed in the end. */
static void
test_series_that_are_gone_make_room(void **state)
{
	struct bed *bed = *state;
	char name[32];

	open_store(bed);
	for (int n = 0; n < 20000; n++) { /* more than are let go at a time */
		snprintf(name, sizeof(name), "docker[%d]", n);
		store_drop_series(bed->store, store_series(bed->store, name, "cpu"));
	}
	struct store_series *series = store_series(bed->store, "api", "total_time");
	store_sample(bed->store, series, WALL, 1);
	store_drop_series(bed->store, series);
	assert_ptr_not_equal(store_series(bed->store, "api", "total_time"), series);
	ask(bed, "total_time");
	assert_int_equal(bed->point_count, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rows),
		TEST(test_rows_of_ten_seconds),
		TEST(test_a_check_goes_and_comes_back),
		TEST(test_series_that_are_gone_make_room),
		TEST(test_a_tie_leads_to_the_same_row),
		cmocka_unit_test(test_distance_of_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

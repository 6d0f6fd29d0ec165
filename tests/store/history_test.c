/* History on disk, in virtual time: minutes, quarters, what is kept how long, and restarts. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "store/levels.h"

#define T0 (INT64_C(1767323700) * USEC_PER_SEC) /* a full quarter of an hour */

#define SERIES 700

struct bed {
	struct folder folder;
	char dir[64];
	struct history *history;
	unsigned generation;
	int64_t max_bytes;
	struct store_point *points;
	long count;
	struct store_series *series[SERIES];
	size_t made;
};

static void
open_history(struct bed *bed)
{
	struct err e = { 0 };
	bed->history = history_open(&bed->folder, bed->max_bytes, ++bed->generation, &e);
	if (!bed->history)
		fail_msg("history_open: %s", e.text);
}

static void
reopen_history(struct bed *bed)
{
	history_close(bed->history);
	open_history(bed);
}

static int
make_bed(void **state)
{
	struct bed *bed = xcalloc(1, sizeof(*bed));
	struct err e;
	strcpy(bed->dir, "/tmp/history-test-XXXXXX");
	assert_non_null(mkdtemp(bed->dir));
	assert_int_equal(folder_open(&bed->folder, bed->dir, &e), 0);
	assert_int_equal(folder_begin(&bed->folder, &e), 0);
	bed->max_bytes = INT64_C(512) << 20;
	open_history(bed);
	*state = bed;
	return 0;
}

static int
drop_bed(void **state)
{
	struct bed *bed = *state;
	char command[128];
	history_close(bed->history);
	folder_close(&bed->folder, true);
	free(bed->points);
	for (size_t n = 0; n < bed->made; n++)
		free(bed->series[n]);
	snprintf(command, sizeof(command), "rm -rf %s", bed->dir);
	assert_int_equal(system(command), 0);
	free(bed);
	return 0;
}

/* Lives as long as the bed. */
static struct store_series *
make_series(struct bed *bed, const char *check, const char *metric)
{
	assert_true(bed->made < SERIES);
	bed->series[bed->made] = history_series_new(check, metric);
	return bed->series[bed->made++];
}

static void
write_rows(struct bed *bed, const struct history_row *rows, size_t count)
{
	struct err e = { 0 };
	if (history_write(bed->history, rows, count, &e) < 0)
		fail_msg("history_write: %s", e.text);
}

static void
write_one(struct bed *bed, struct store_series *series, usec_t wall_us, double value)
{
	write_rows(bed, &(struct history_row){ series, wall_us, value }, 1);
}

static void
ask(struct bed *bed, const struct store_series *series, usec_t since, usec_t until, usec_t step)
{
	struct err e = { 0 };
	char check[64];
	snprintf(check, sizeof(check), "%.*s", series->check_len, series->names);
	struct store_query query = { check, series->names + series->check_len + 1, since, until,
		step };
	free(bed->points);
	bed->points = NULL;
	bed->count = history_read(bed->history, &query, &bed->points, &e);
	if (bed->count < 0)
		fail_msg("history_read: %s", e.text);
}

static int64_t
count_blocks(struct bed *bed, const char *table)
{
	int64_t count = -1;
	char sql[64];
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
	assert_int_equal(db_number(bed->history->db, sql, 0, &count, NULL), 0);
	return count;
}

static uint64_t
count_values(const struct bed *bed)
{
	uint64_t values = 0;
	for (long n = 0; n < bed->count; n++)
		values += bed->points[n].count;
	return values;
}

static void
test_minutes_and_quarters_say_what_the_values_said(void **state)
{
	struct bed *bed = *state;
	struct store_series *s = make_series(bed, "api", "total_time");
	/* one value every ten seconds for an hour; in each minute 0, 1, .. 5 */
	for (int n = 0; n <= 360; n++)
		write_one(bed, s, T0 + n * 10 * USEC_PER_SEC, n % 6);
	assert_int_equal(count_blocks(bed, "raw"), 361);
	assert_int_equal(count_blocks(bed, "minute"), 60);
	assert_int_equal(count_blocks(bed, "quarter"), 4);
	ask(bed, s, T0, T0 + USEC_PER_HOUR - 1, USEC_PER_MIN);
	assert_int_equal(bed->count, 60);
	assert_int_equal(bed->points[7].wall_us, T0 + 7 * USEC_PER_MIN);
	assert_true(bed->points[7].avg == 2.5 && bed->points[7].count == 6);
	assert_true(bed->points[7].min == 0 && bed->points[7].max == 5);
	ask(bed, s, T0, T0 + USEC_PER_HOUR - 1, 15 * USEC_PER_MIN);
	assert_int_equal(bed->count, 4);
	assert_true(bed->points[3].avg == 2.5 && bed->points[3].count == 90);
	ask(bed, s, T0, T0 + USEC_PER_HOUR, 0);
	assert_int_equal(bed->count, 361);
}

static void
test_coarse_levels_are_continued_by_finer_ones(void **state)
{
	struct bed *bed = *state;
	struct store_series *s = make_series(bed, "api", "total_time");
	usec_t until = T0 + 20 * USEC_PER_MIN + 30 * USEC_PER_SEC;
	for (usec_t t = T0; t < until; t += 10 * USEC_PER_SEC)
		write_one(bed, s, t, 1);
	ask(bed, s, T0, until, 15 * USEC_PER_MIN);
	assert_int_equal(bed->count, 2);
	assert_int_equal(bed->points[0].count, 90);
	assert_int_equal(bed->points[1].count, 33); /* five minutes, and half of one from raw */
}

static void
test_minute_under_way_survives_a_kill(void **state)
{
	struct bed *bed = *state;
	struct store_series *s = make_series(bed, "api", "total_time");
	for (int n = 0; n < 9; n++) {
		write_one(bed, s, T0 + n * 10 * USEC_PER_SEC, n);
		if (n % 2)
			reopen_history(bed);
	}
	write_one(bed, s, T0 + 2 * USEC_PER_MIN, 100);
	assert_int_equal(count_blocks(bed, "minute"), 2);
	ask(bed, s, T0, T0 + 2 * USEC_PER_MIN - 1, USEC_PER_MIN);
	assert_int_equal(bed->count, 2);
	assert_true(bed->points[0].count == 6 && bed->points[0].avg == 2.5);
	assert_true(bed->points[1].count == 3 && bed->points[1].avg == 7);
}

static void
test_quarter_that_ended_while_we_were_away_is_rolled_up(void **state)
{
	struct bed *bed = *state;
	struct store_series *s = make_series(bed, "api", "total_time");
	write_one(bed, s, T0, 1);
	write_one(bed, s, T0 + USEC_PER_MIN, 3);
	reopen_history(bed);
	write_one(bed, s, T0 + 40 * USEC_PER_MIN, 5);
	assert_int_equal(count_blocks(bed, "quarter"), 1);
	ask(bed, s, T0, T0 + USEC_PER_HOUR, 15 * USEC_PER_MIN);
	assert_int_equal(bed->count, 2);
	assert_true(bed->points[0].avg == 2 && bed->points[0].count == 2);
	assert_true(bed->points[1].avg == 5);
}

static void
test_many_series_lie_in_parts(void **state)
{
	struct bed *bed = *state;
	struct store_series *all[600];
	struct history_row rows[600];
	for (int n = 0; n < 600; n++) {
		char name[24];
		snprintf(name, sizeof(name), "check-%d", n);
		all[n] = make_series(bed, name, "total_time");
		rows[n] = (struct history_row){ all[n], T0, n };
	}
	write_rows(bed, rows, 600);
	for (int n = 0; n < 600; n++)
		rows[n].wall_us = T0 + USEC_PER_MIN;
	write_rows(bed, rows, 600);
	assert_int_equal(count_blocks(bed, "raw"), 6);
	assert_int_equal(count_blocks(bed, "minute"), 3);
	reopen_history(bed);
	for (int n = 0; n < 600; n += 37) {
		ask(bed, all[n], T0, T0 + USEC_PER_HOUR, 0);
		assert_int_equal(bed->count, 2);
		assert_true(bed->points[0].avg == n && bed->points[1].avg == n);
	}
	assert_int_equal(all[599]->id, 600);
}

static void
test_each_level_is_kept_for_its_time(void **state)
{
	struct bed *bed = *state;
	struct store_series *s = make_series(bed, "api", "total_time");
	for (int n = 0; n < 5 * 24 * 60; n++)
		write_one(bed, s, T0 + n * USEC_PER_MIN, n);
	assert_in_range(count_blocks(bed, "raw"), 119, 122);
	assert_in_range(count_blocks(bed, "minute"), 2879, 2882);
	assert_in_range(count_blocks(bed, "quarter"), 478, 480);
	ask(bed, s, T0, T0 + 5 * USEC_PER_DAY, 0);
	assert_int_equal(count_values(bed), 5 * 24 * 60); /* each value once, whatever the level */
	for (int n = 0; n < 100; n++)
		write_one(bed, s, T0 + 95 * USEC_PER_DAY + n * USEC_PER_MIN, n);
	ask(bed, s, T0, T0 + 4 * USEC_PER_DAY, 0);
	assert_int_equal(bed->count, 0);
}

/* Three days, a value every ten seconds: what is asked for at any step is there once, from the
 * finest level that still has it, and the bounds are those of the values. */
static void
test_seams_between_levels_neither_lose_nor_double(void **state)
{
	struct bed *bed = *state;
	struct store_series *s = make_series(bed, "api", "total_time");
	static const usec_t steps[] = { 0, USEC_PER_MIN, 5 * USEC_PER_MIN, 15 * USEC_PER_MIN,
		USEC_PER_HOUR };
	struct history_row rows[6];
	usec_t until = T0 + 3 * USEC_PER_DAY + 7 * USEC_PER_MIN;
	for (usec_t t = T0; t < until; t += USEC_PER_MIN) {
		for (int n = 0; n < 6; n++)
			rows[n] = (struct history_row){ s, t + n * 10 * USEC_PER_SEC, n };
		write_rows(bed, rows, 6);
	}
	for (size_t n = 0; n < sizeof(steps) / sizeof(steps[0]); n++) {
		ask(bed, s, T0, until, steps[n]);
		assert_int_equal(count_values(bed), (until - T0) / (10 * USEC_PER_SEC));
		for (long i = 1; i < bed->count; i++)
			assert_true(bed->points[i - 1].wall_us < bed->points[i].wall_us);
	}
	ask(bed, s, T0, until, 0);
	usec_t grain_us = 15 * USEC_PER_MIN;
	for (long i = 0; i < bed->count; i++) {
		const struct store_point *point = &bed->points[i];
		assert_true(point->grain_us <= grain_us); /* finer and finer */
		grain_us = point->grain_us;
		assert_true(grain_us == 0 || (point->min == 0 && point->max == 5));
		assert_true(grain_us == 0 || point->avg == 2.5);
		usec_t age = until - point->wall_us;
		assert_true(grain_us > 0 || age <= 2 * USEC_PER_HOUR + 2 * USEC_PER_MIN);
		assert_true(grain_us > 0 || age > 0);
		assert_true(grain_us < 15 * USEC_PER_MIN || age >= 48 * USEC_PER_HOUR);
		assert_true(grain_us < USEC_PER_MIN || age >= 2 * USEC_PER_HOUR);
	}
	assert_int_equal(grain_us, 0);
}

/* A history that began in the midst of a minute, and a question that does. */
static void
test_what_begins_within_a_slot_is_there(void **state)
{
	struct bed *bed = *state;
	struct store_series *s = make_series(bed, "api", "total_time");
	usec_t begin = T0 + 5 * USEC_PER_MIN + 25 * USEC_PER_SEC;
	for (int n = 0; n < 360; n++)
		write_one(bed, s, begin + n * 10 * USEC_PER_SEC, n);
	ask(bed, s, begin, begin + USEC_PER_HOUR, 0);
	assert_int_equal(bed->count, 360);
	ask(bed, s, T0, begin + USEC_PER_HOUR, 0);
	assert_int_equal(bed->count, 360);
	ask(bed, s, begin + 70 * USEC_PER_SEC, begin + USEC_PER_HOUR, 0);
	assert_int_equal(bed->count, 353);
	ask(bed, s, T0, begin + USEC_PER_HOUR, 15 * USEC_PER_MIN);
	assert_int_equal(count_values(bed), 360);
}

static int64_t
used_bytes(struct bed *bed)
{
	int64_t pages = 0, spare = 0;
	db_number(bed->history->db, "PRAGMA page_count", 0, &pages, NULL);
	db_number(bed->history->db, "PRAGMA freelist_count", 0, &spare, NULL);
	return (pages - spare) * 4096;
}

static void
test_size_is_kept_by_giving_up_raw_values_first(void **state)
{
	struct bed *bed = *state;
	struct store_series *s = make_series(bed, "api", "total_time");
	struct history_row rows[200];
	bed->max_bytes = 256 * 1024;
	reopen_history(bed);
	for (int minute = 0; minute < 110; minute++) {
		for (int n = 0; n < 200; n++)
			rows[n] = (struct history_row){ s,
				T0 + minute * USEC_PER_MIN + n * 250 * USEC_PER_MSEC, n };
		write_rows(bed, rows, 100);
		write_rows(bed, rows + 100, 100);
	}
	assert_true(used_bytes(bed) < 300 * 1024);
	assert_in_range(count_blocks(bed, "raw"), 1, 150);
	assert_int_equal(count_blocks(bed, "minute"), 109);
	ask(bed, s, T0, T0 + 2 * USEC_PER_HOUR, 0);
	assert_int_equal(count_values(bed), 110 * 200);
}

static void
test_clock_set_back_and_forth_loses_no_value(void **state)
{
	struct bed *bed = *state;
	struct store_series *s = make_series(bed, "api", "total_time");
	static const int minutes[] = { 0, 10, 5, 6, 10, 11, 0, 12 };
	for (size_t n = 0; n < sizeof(minutes) / sizeof(minutes[0]); n++)
		write_one(bed, s, T0 + minutes[n] * USEC_PER_MIN + (usec_t)n, 1);
	ask(bed, s, T0, T0 + USEC_PER_HOUR, 0);
	assert_int_equal(count_values(bed), 8);
	for (long n = 1; n < bed->count; n++)
		assert_true(bed->points[n - 1].wall_us < bed->points[n].wall_us);
	ask(bed, s, T0, T0 + 12 * USEC_PER_MIN - 1, USEC_PER_MIN);
	assert_int_equal(bed->count, 5);
	assert_int_equal(count_values(bed), 7);
}

static void
test_late_row_belongs_to_the_minute_under_way(void **state)
{
	struct bed *bed = *state;
	struct store_series *s = make_series(bed, "api", "total_time");
	write_one(bed, s, T0 + USEC_PER_MIN, 1);
	write_one(bed, s, T0 + USEC_PER_MIN - USEC_PER_SEC, 1);
	write_one(bed, s, T0 + USEC_PER_MIN + 1, 1);
	assert_int_equal(count_blocks(bed, "minute"), 0);
}

static void
test_values_and_times_that_are_none_are_left_out(void **state)
{
	struct bed *bed = *state;
	struct store_series *s = make_series(bed, "api", "total_time");
	write_one(bed, s, T0, (double)NAN);
	write_one(bed, s, T0, (double)INFINITY);
	write_one(bed, s, 0, 1);
	write_one(bed, s, -T0, 1);
	write_one(bed, s, INT64_MAX, 1);
	write_one(bed, s, T0, 1e300);
	ask(bed, s, 0, INT64_MAX, 0);
	assert_int_equal(bed->count, 1);
	write_one(bed, s, T0 + USEC_PER_MIN, 1);
	ask(bed, s, T0, T0 + 1, USEC_PER_MIN);
	assert_true(bed->points[0].avg == 1e300 && bed->points[0].max == 1e300);
	ask(bed, s, T0 + 1, T0, 0);
	assert_int_equal(bed->count, 0);
}

static void
test_forgotten_series_begins_anew(void **state)
{
	struct bed *bed = *state;
	struct store_series *s = make_series(bed, "api", "total_time");
	struct store_series *other = make_series(bed, "db", "total_time");
	int64_t count = 0;
	write_one(bed, s, T0, 1);
	write_one(bed, other, T0, 1);
	usec_t later = T0 + 120 * USEC_PER_DAY;
	write_one(bed, other, later, 2);
	write_one(bed, other, later + 20 * USEC_PER_MIN, 2);
	assert_int_equal(
		db_number(bed->history->db, "SELECT count(*) FROM series", 0, &count, NULL), 0);
	assert_int_equal(count, 1);
	write_one(bed, s, later + 21 * USEC_PER_MIN, 3);
	ask(bed, s, later, later + USEC_PER_HOUR, 0);
	assert_int_equal(bed->count, 1);
	assert_true(bed->points[0].avg == 3);
}

/* Neither minutes nor quarters of an hour fit into such steps. */
static void
test_odd_steps_are_alike(void **state)
{
	struct bed *bed = *state;
	struct store_series *s = make_series(bed, "c", "m");
	static const int steps[] = { 90, 20 * 60 };

	for (int n = 0; n < 2 * 60 * 3; n++)
		write_one(bed, s, T0 + n * 30 * USEC_PER_SEC, 1);
	for (size_t i = 0; i < 2; i++) {
		usec_t step_us = steps[i] * USEC_PER_SEC, since_us = T0 + USEC_PER_HOUR;
		ask(bed, s, since_us - since_us % step_us, T0 + 3 * USEC_PER_HOUR, step_us);
		assert_true(bed->count > 3);
		for (long n = 0; n < bed->count - 1; n++)
			assert_int_equal(bed->points[n].count, steps[i] / 30);
	}
}

static void
test_values_that_no_sum_can_hold(void **state)
{
	struct bed *bed = *state;
	struct store_series *s = make_series(bed, "c", "m");

	for (int n = 0; n < 8; n++)
		write_one(bed, s, T0 + n * 10 * USEC_PER_SEC, 1e308);
	write_one(bed, s, T0 + 15 * USEC_PER_MIN, 1);
	ask(bed, s, T0, T0 + USEC_PER_HOUR, 15 * USEC_PER_MIN);
	assert_int_equal(bed->count, 2);
	assert_true(isfinite(bed->points[0].avg) && bed->points[0].avg > 1e38);
	assert_int_equal(bed->points[0].count, 8);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_bed, drop_bed)
	const struct CMUnitTest tests[] = {
		TEST(test_minutes_and_quarters_say_what_the_values_said),
		TEST(test_coarse_levels_are_continued_by_finer_ones),
		TEST(test_minute_under_way_survives_a_kill),
		TEST(test_quarter_that_ended_while_we_were_away_is_rolled_up),
		TEST(test_many_series_lie_in_parts),
		TEST(test_each_level_is_kept_for_its_time),
		TEST(test_seams_between_levels_neither_lose_nor_double),
		TEST(test_what_begins_within_a_slot_is_there),
		TEST(test_size_is_kept_by_giving_up_raw_values_first),
		TEST(test_clock_set_back_and_forth_loses_no_value),
		TEST(test_late_row_belongs_to_the_minute_under_way),
		TEST(test_values_and_times_that_are_none_are_left_out),
		TEST(test_forgotten_series_begins_anew),
		TEST(test_odd_steps_are_alike),
		TEST(test_values_that_no_sum_can_hold),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Tests of my-slow: the slow log as a table, digests, and what runs now. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/facts/my_scene.h"

static void
add_sources(struct scene *s, const char *is_on, const char *output, const char *schema)
{
	scene_expect(s, "log_output");
	scene_rows(s, 3, "a", "b", "c", is_on, output, schema, NULL);
}

static void
reads_the_log(void **state)
{
	struct my_stage *st = *state;

	my_add_login(&st->s);
	add_sources(&st->s, "1", "FILE,TABLE", "0");
	scene_expect(&st->s, "mysql.slow_log");
	scene_rows(&st->s, 7, "a", "b", "c", "d", "e", "f", "g", "11", "60", "7.2", "2100000", "3",
		"0", "SELECT * FROM kpi_details WHERE code='secret'", "3", "4", "1.5", "10", "3",
		"0", "SELECT 1", NULL);
	my_stage_check(st, "");
	fact_bench_run(st->b, "my-slow");
	assert_int_equal(st->b->fact.end, FACT_HAD);
	assert_fact_number(st->b, "count", 14);
	assert_fact_number(st->b, "worst", 7.2);
	assert_fact_number(st->b, "rows_examined", 2100000);
	assert_fact_number(st->b, "rows_sent", 3);
	assert_fact_text(st->b, "query", "SELECT * FROM kpi_details WHERE code=?");
	assert_fact_text(st->b, "table", "kpi_details");
	assert_fact_text(st->b, "source", "slow log");
	assert_null(strstr(st->b->fact.text, "secret"));
}

static void
asks_the_digests_when_there_is_no_log(void **state)
{
	struct my_stage *st = *state;

	my_add_login_to(&st->s, "8.4.3");
	add_sources(&st->s, "0", "FILE", "1");
	scene_expect(&st->s, "by_digest");
	scene_rows(&st->s, 7, "a", "b", "c", "d", "e", "f", "g", "4", "9", "2.5", "900", "1", "0",
		"UPDATE `orders` SET `a` = ?", NULL);
	my_stage_check(st, "");
	fact_bench_run(st->b, "my-slow");
	assert_fact_text(st->b, "source", "digests");
	assert_fact_text(st->b, "table", "`orders`");
	assert_non_null(strstr(st->b->fact.text, "the slow log is off"));
}

static void
looks_at_what_runs(void **state)
{
	struct my_stage *st = *state;

	my_add_login(&st->s);
	add_sources(&st->s, "1", "TABLE", "0");
	scene_expect(&st->s, "mysql.slow_log");
	scene_error(&st->s, 1, 1142, "#42000SELECT command denied");
	scene_expect(&st->s, "examined_rows");
	scene_rows(&st->s, 7, "a", "b", "c", "d", "e", "f", "g", "1", "31", "31", "50", "NULL",
		"NULL", "SELECT x FROM a JOIN b", NULL);
	my_stage_check(st, "");
	fact_bench_run(st->b, "my-slow");
	assert_fact_text(st->b, "source", "running");
	assert_fact_number(st->b, "worst", 31);
	assert_fact_unknown(st->b, "rows_sent");
}

static void
nothing_is_slow(void **state)
{
	struct my_stage *st = *state;

	my_add_login(&st->s);
	add_sources(&st->s, "0", "FILE", "0");
	scene_expect(&st->s, "examined_rows");
	scene_rows(&st->s, 7, "a", "b", "c", "d", "e", "f", "g", NULL);
	my_stage_check(st, "");
	fact_bench_run(st->b, "my-slow");
	assert_int_equal(st->b->fact.end, FACT_HAD);
	assert_fact_number(st->b, "count", 0);
	assert_fact_unknown(st->b, "worst");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		MY_T(reads_the_log),
		MY_T(asks_the_digests_when_there_is_no_log),
		MY_T(looks_at_what_runs),
		MY_T(nothing_is_slow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

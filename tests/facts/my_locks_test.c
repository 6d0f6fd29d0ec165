/* Tests of my-locks: the root of a chain, locks of tables, and what is not told to people. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/facts/my_scene.h"

static void
add_none(struct scene *s, const char *statement, unsigned columns)
{
	scene_step(
		s, (struct peer_step){
			   .verb = PEER_DO_EXPECT, .text = statement, .len = strlen(statement) });
	if (columns == 4)
		scene_rows(s, 4, "a", "b", "c", "d", NULL);
	else
		scene_rows(s, 5, "a", "b", "c", "d", "e", NULL);
}

/* 3 waits for 2, which waits for 1: it is 1 that holds everybody up. */
static void
finds_the_root(void **state)
{
	struct my_stage *st = *state;

	my_add_login(&st->s);
	scene_expect(&st->s, "innodb_lock_waits");
	scene_rows(&st->s, 5, "a", "b", "c", "d", "e", "3", "UPDATE users SET n='secret'", "20",
		"2", "25", "2", "UPDATE users SET n=7", "14", "1", "90", NULL);
	add_none(&st->s, "LIMIT 50", 4);
	scene_expect(&st->s, "id=1");
	scene_rows(
		&st->s, 5, "a", "b", "c", "d", "e", "app", "10.0.0.4", "Sleep", "88", "NULL", NULL);
	my_stage_check(st, "");
	fact_bench_run(st->b, "my-locks");
	assert_int_equal(st->b->fact.end, FACT_HAD);
	assert_fact_number(st->b, "blocked", 2);
	assert_fact_number(st->b, "id", 1);
	assert_fact_number(st->b, "age", 90);
	assert_fact_number(st->b, "idle", 1);
	assert_fact_number(st->b, "metadata", 0);
	assert_fact_number(st->b, "blocked_age", 20);
	assert_fact_text(st->b, "kind", "row");
	assert_fact_text(st->b, "user", "app from 10.0.0.4");
	assert_fact_text(st->b, "query", "");
	assert_fact_text(st->b, "blocked_query", "UPDATE users SET n=?");
	assert_null(strstr(st->b->fact.text, "secret"));
}

/* Two that wait for each other in a list that changed while it was read: no endless chain. */
static void
a_circle_ends(void **state)
{
	struct my_stage *st = *state;

	my_add_login(&st->s);
	scene_expect(&st->s, "innodb_lock_waits");
	scene_rows(&st->s, 5, "a", "b", "c", "d", "e", "3", "a", "20", "2", "25", "2", "b", "14",
		"3", "90", NULL);
	add_none(&st->s, "LIMIT 50", 4);
	add_none(&st->s, "WHERE id=", 5);
	my_stage_check(st, "");
	fact_bench_run(st->b, "my-locks");
	assert_int_equal(st->b->fact.end, FACT_HAD);
	assert_fact_number(st->b, "blocked", 2);
}

static void
a_table_that_changes(void **state)
{
	struct my_stage *st = *state;

	my_add_login(&st->s);
	add_none(&st->s, "innodb_lock_waits", 5);
	scene_expect(&st->s, "LIMIT 50");
	scene_rows(&st->s, 4, "a", "b", "c", "d", "9", "31", "ALTER TABLE users ADD x int",
		"Waiting for table metadata lock", NULL);
	scene_expect(&st->s, "ORDER BY trx_started");
	scene_rows(&st->s, 2, "a", "b", "5", "400", NULL);
	scene_expect(&st->s, "id=5");
	scene_rows(&st->s, 5, "a", "b", "c", "d", "e", "etl", "localhost", "Query", "100",
		"SELECT SLEEP(900)", NULL);
	my_stage_check(st, "");
	fact_bench_run(st->b, "my-locks");
	assert_fact_number(st->b, "metadata", 1);
	assert_fact_number(st->b, "blocked", 1);
	assert_fact_number(st->b, "id", 5);
	assert_fact_number(st->b, "age", 400);
	assert_fact_number(st->b, "idle", 0);
	assert_fact_text(st->b, "kind", "metadata");
	assert_fact_text(st->b, "query", "SELECT SLEEP(?)");
}

static void
asks_mysql_8_by_its_tables(void **state)
{
	struct my_stage *st = *state;

	my_add_login_to(&st->s, "8.4.3");
	add_none(&st->s, "performance_schema.data_lock_waits", 5);
	scene_expect(&st->s, "LIMIT 50");
	scene_rows(&st->s, 4, "a", "b", "c", "d", "9", "31", "UPDATE users SET a=1",
		"Waiting for backup lock", NULL);
	scene_expect(&st->s, "metadata_locks");
	scene_error(&st->s, 1, 1142, "#42000SELECT command denied");
	scene_expect(&st->s, "CURRENT_USER");
	scene_rows(&st->s, 1, "u", "app@%", NULL);
	my_stage_check(st, "");
	fact_bench_run(st->b, "my-locks");
	assert_int_equal(st->b->fact.end, FACT_HAD);
	assert_fact_text(st->b, "kind", "global");
	assert_fact_unknown(st->b, "id");
}

static void
names_the_right(void **state)
{
	struct my_stage *st = *state;

	my_add_login(&st->s);
	scene_expect(&st->s, "innodb_lock_waits");
	scene_error(&st->s, 1, 1227, "#42000Access denied; you need PROCESS");
	scene_expect(&st->s, "CURRENT_USER");
	scene_rows(&st->s, 1, "u", "app@%", NULL);
	my_stage_check(st, "");
	fact_bench_run(st->b, "my-locks");
	assert_int_equal(st->b->fact.end, FACT_MISSED);
	assert_non_null(strstr(st->b->fact.text, "GRANT PROCESS ON *.* TO `app`@`%`"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		MY_T(finds_the_root),
		MY_T(a_circle_ends),
		MY_T(a_table_that_changes),
		MY_T(asks_mysql_8_by_its_tables),
		MY_T(names_the_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

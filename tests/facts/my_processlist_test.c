/* Tests of my-processlist, and of the way to the server that all facts about MySQL share. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/facts/my_scene.h"

static void
add_list(struct scene *s)
{
	scene_expect(s, "max_connections");
	scene_rows(s, 2, "a", "b", "150", "28800", NULL);
	scene_expect(s, "Threads_connected");
	scene_rows(s, 2, "Variable_name", "Value", "Threads_connected", "120", NULL);
	scene_expect(s, "innodb_trx");
	scene_rows(s, 1, "a", "3", NULL);
	scene_expect(s, "time>300");
	scene_rows(s, 4, "a", "b", "c", "d", "110", "90", "4000", "9", NULL);
	scene_expect(s, "GROUP BY 1,2");
	scene_rows(s, 5, "a", "b", "c", "d", "e", "kpi_backend", "10.0.0.4", "100", "95", "4000",
		"root", "localhost", "19", "15", "100", NULL);
	scene_expect(s, "LIMIT 3");
	scene_rows(s, 6, "a", "b", "c", "d", "e", "f", "77", "kpi_backend", "10.0.0.4", "31",
		"Sending data", "SELECT * FROM kpi_details WHERE code='secret' AND v=4711", NULL);
	scene_expect(s, "LIMIT 20");
	scene_rows(s, 1, "id", "12", "13", NULL);
}

static void
assert_list(struct fact_bench *b)
{
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_number(b, "connections", 120);
	assert_fact_number(b, "max", 150);
	assert_fact_number(b, "percent", 80);
	assert_fact_number(b, "sleeping", 110);
	assert_fact_number(b, "sleeping_long", 90);
	assert_fact_number(b, "oldest_sleep", 4000);
	assert_fact_number(b, "running", 9);
	assert_fact_text(b, "top_client", "kpi_backend from 10.0.0.4");
	assert_fact_number(b, "top_count", 100);
	assert_fact_number(b, "longest_query", 31);
	assert_fact_number(b, "longest_query_id", 77);
	assert_fact_text(b, "longest_query_text", "SELECT * FROM kpi_details WHERE code=? AND v=?");
	assert_fact_text(b, "kill", "KILL 12; KILL 13;");
	assert_null(strstr(b->fact.text, "secret"));
}

static void
counts(void **state)
{
	struct my_stage *st = *state;

	my_add_login(&st->s);
	add_list(&st->s);
	my_stage_check(st, "");
	fact_bench_run(st->b, "my-processlist");
	assert_list(st->b);
}

/* A full server lets nobody else in: the connection of the check is used, and given back. */
static void
borrows_the_kept_connection(void **state)
{
	struct my_stage *st = *state;

	my_add_login(&st->s);
	scene_one(&st->s);
	add_list(&st->s);
	scene_one(&st->s);
	my_stage_check(st, "metrics: false");
	bench_run(st->b->probe);
	fact_bench_run(st->b, "my-processlist");
	assert_list(st->b);
	bench_run(st->b->probe);
	assert_int_equal(st->b->probe->sample.outcome, OUTCOME_OK);
	assert_int_equal(peer_accepted(st->peer), 1);
}

/* The check's run goes on with the connection once the fact is through with it. */
static void
a_run_waits_for_the_fact(void **state)
{
	struct my_stage *st = *state;

	my_add_login(&st->s);
	scene_one(&st->s);
	add_list(&st->s);
	scene_one(&st->s);
	my_stage_check(st, "metrics: false");
	bench_run(st->b->probe);
	fact_bench_start(st->b, "my-processlist");
	bench_start(st->b->probe, NULL);
	fact_bench_await(st->b);
	bench_await(st->b->probe);
	assert_list(st->b);
	assert_int_equal(st->b->probe->sample.outcome, OUTCOME_OK);
	assert_int_equal(peer_accepted(st->peer), 1);
}

/* A fact that is given up gives the connection back, too: the check is not blind. */
static void
an_abort_gives_back(void **state)
{
	struct my_stage *st = *state;

	my_add_login(&st->s);
	scene_one(&st->s);
	my_stage_check(st, "metrics: false");
	bench_run(st->b->probe);
	fact_bench_start(st->b, "my-processlist");
	bench_start(st->b->probe, NULL);
	fact_run_abort(st->b->run);
	st->b->run = NULL;
	bench_await(st->b->probe);
	assert_int_equal(st->b->probe->sample.outcome, OUTCOME_OK);
}

static void
names_the_right(void **state)
{
	struct my_stage *st = *state;

	my_add_login(&st->s);
	scene_expect(&st->s, "max_connections");
	scene_rows(&st->s, 2, "a", "b", "150", "28800", NULL);
	scene_expect(&st->s, "Threads_connected");
	scene_rows(&st->s, 2, "Variable_name", "Value", "Threads_connected", "120", NULL);
	scene_expect(&st->s, "innodb_trx");
	scene_error(&st->s, 1, 1227, "#42000Access denied; you need PROCESS");
	scene_expect(&st->s, "CURRENT_USER");
	scene_rows(&st->s, 1, "u", "app@%", NULL);
	my_stage_check(st, "");
	fact_bench_run(st->b, "my-processlist");
	assert_int_equal(st->b->fact.end, FACT_MISSED);
	assert_non_null(strstr(st->b->fact.text, "GRANT PROCESS ON *.* TO `app`@`%`"));
	assert_fact_number(st->b, "percent", 80);
}

static void
says_why_there_is_none(void **state)
{
	struct my_stage *st = *state;

	scene_greet(&st->s, SCENE_MARIADB, SCENE_NATIVE, SCENE_CAPS);
	scene_error(&st->s, 2, 1040, "#08004Too many connections");
	scene_step(&st->s, (struct peer_step)PEER_CLOSE);
	my_stage_check(st, "");
	fact_bench_run(st->b, "my-processlist");
	assert_int_equal(st->b->fact.end, FACT_MISSED);
	assert_non_null(strstr(st->b->fact.text, "Too many connections (1040)"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		MY_T(counts),
		MY_T(borrows_the_kept_connection),
		MY_T(a_run_waits_for_the_fact),
		MY_T(an_abort_gives_back),
		MY_T(names_the_right),
		MY_T(says_why_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Tests of my-replication: old words and new ones, wanted delays, errors that quote data. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/facts/my_scene.h"

static void
tells_of_mariadb(void **state)
{
	struct my_stage *st = *state;

	my_add_login(&st->s);
	scene_expect(&st->s, "SHOW ALL SLAVES STATUS");
	scene_rows(&st->s, 12, "Slave_IO_Running", "Slave_SQL_Running", "Master_Host",
		"Master_Port", "Last_SQL_Errno", "Last_SQL_Error", "Last_IO_Errno", "SQL_Delay",
		"Master_Log_File", "Read_Master_Log_Pos", "Relay_Master_Log_File",
		"Exec_Master_Log_Pos", "Yes", "No", "db-0", "3306", "1049",
		"Error 'Unknown database 'new-api'' on query. Default database: 'new-api'. Query: "
		"'INSERT INTO t VALUES ('secret')'",
		"0", "0", "bin.1", "900", "bin.1", "400", NULL);
	scene_expect(&st->s, "slave_parallel_threads");
	scene_rows(&st->s, 1, "a", "0", NULL);
	scene_expect(&st->s, "system user");
	scene_rows(&st->s, 1, "a", "96", NULL);
	my_stage_check(st, "");
	fact_bench_run(st->b, "my-replication");
	assert_int_equal(st->b->fact.end, FACT_HAD);
	assert_fact_number(st->b, "replica", 1);
	assert_fact_text(st->b, "io", "Yes");
	assert_fact_text(st->b, "sql", "No");
	assert_fact_number(st->b, "sql_errno", 1049);
	assert_fact_number(st->b, "stopped", 0);
	assert_fact_text(st->b, "source", "db-0:3306");
	assert_fact_text(st->b, "behind", "sql");
	assert_fact_number(st->b, "workers", 0);
	assert_fact_number(st->b, "applying", 96);
	assert_fact_unknown(st->b, "lag");
	assert_fact_text(st->b, "error", "Unknown database 'new-api'");
	assert_non_null(strstr(st->b->fact.text, "Query: INSERT INTO t VALUES (?)"));
	assert_null(strstr(st->b->fact.text, "secret"));
}

static void
tells_of_mysql_84(void **state)
{
	struct my_stage *st = *state;

	my_add_login_to(&st->s, "8.4.3");
	scene_expect(&st->s, "SHOW REPLICA STATUS");
	scene_rows(&st->s, 6, "Replica_IO_Running", "Replica_SQL_Running", "Source_Host",
		"Seconds_Behind_Source", "SQL_Delay", "Last_SQL_Error", "Yes", "Yes", "db-0", "120",
		"30", "", NULL);
	scene_expect(&st->s, "replica_parallel_workers");
	scene_rows(&st->s, 1, "a", "4", NULL);
	scene_expect(&st->s, "system user");
	scene_rows(&st->s, 1, "a", "NULL", NULL);
	my_stage_check(st, "");
	fact_bench_run(st->b, "my-replication");
	assert_fact_number(st->b, "lag", 90);
	assert_fact_number(st->b, "delay", 30);
	assert_fact_number(st->b, "workers", 4);
	assert_fact_unknown(st->b, "applying");
}

static void
a_row_in_an_error_is_hidden(void **state)
{
	struct my_stage *st = *state;

	my_add_login(&st->s);
	scene_expect(&st->s, "SHOW ALL SLAVES STATUS");
	scene_rows(&st->s, 3, "Slave_IO_Running", "Slave_SQL_Running", "Last_SQL_Error", "Yes",
		"No",
		"Could not execute Write_rows event on table shop.users; Duplicate entry 'a@b.c' "
		"for key 'mail', Error_code: 1062; handler error",
		NULL);
	scene_expect(&st->s, "slave_parallel_threads");
	scene_rows(&st->s, 1, "a", "0", NULL);
	scene_expect(&st->s, "system user");
	scene_rows(&st->s, 1, "a", "NULL", NULL);
	my_stage_check(st, "");
	fact_bench_run(st->b, "my-replication");
	assert_null(strstr(st->b->fact.text, "a@b.c"));
	assert_non_null(
		strstr(fact_bench_text(st->b, "error"), "Duplicate entry ? for key 'mail'"));
}

static void
one_that_is_no_replica(void **state)
{
	struct my_stage *st = *state;

	my_add_login(&st->s);
	scene_expect(&st->s, "SHOW ALL SLAVES STATUS");
	scene_rows(&st->s, 1, "Slave_IO_Running", NULL);
	my_stage_check(st, "");
	fact_bench_run(st->b, "my-replication");
	assert_int_equal(st->b->fact.end, FACT_NONE);
	assert_fact_number(st->b, "replica", 0);
}

static void
names_the_right(void **state)
{
	struct my_stage *st = *state;

	my_add_login(&st->s);
	scene_expect(&st->s, "SHOW ALL SLAVES STATUS");
	scene_error(&st->s, 1, 1227, "#42000Access denied; you need SLAVE MONITOR");
	scene_expect(&st->s, "CURRENT_USER");
	scene_rows(&st->s, 1, "u", "app@%", NULL);
	my_stage_check(st, "");
	fact_bench_run(st->b, "my-replication");
	assert_int_equal(st->b->fact.end, FACT_MISSED);
	assert_non_null(strstr(st->b->fact.text, "GRANT SLAVE MONITOR ON *.* TO `app`@`%`"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		MY_T(tells_of_mariadb),
		MY_T(tells_of_mysql_84),
		MY_T(a_row_in_an_error_is_hidden),
		MY_T(one_that_is_no_replica),
		MY_T(names_the_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

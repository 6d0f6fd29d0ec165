/* Tests of my-server: versions apart, rights that are missing, what the DSN says. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/facts/my_scene.h"

static void
tells_what_it_is(void **state)
{
	struct my_stage *st = *state;

	my_add_login(&st->s);
	scene_expect(&st->s, "VERSION()");
	scene_rows(&st->s, 10, "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "10.11.19-MariaDB",
		"/var/lib/mysql/", "1", "NULL", "151", "1", "0", "1", "2.500000", "SYSTEM", NULL);
	scene_expect(&st->s, "Uptime");
	scene_rows(&st->s, 2, "Variable_name", "Value", "Uptime", "77", NULL);
	scene_expect(&st->s, "SHOW ALL SLAVES");
	scene_rows(&st->s, 1, "a", "db-0", NULL);
	scene_expect(&st->s, "SHOW BINARY LOGS");
	scene_rows(
		&st->s, 2, "Log_name", "File_size", "bin.000007", "1000", "bin.000008", "24", NULL);
	my_stage_check(st, "");
	fact_bench_run(st->b, "my-server");
	assert_int_equal(st->b->fact.end, FACT_HAD);
	assert_fact_text(st->b, "version", "10.11.19-MariaDB");
	assert_fact_text(st->b, "data_dir", "/var/lib/mysql/");
	assert_fact_number(st->b, "read_only", 1);
	assert_fact_unknown(st->b, "super_read_only");
	assert_fact_number(st->b, "replica", 1);
	assert_fact_number(st->b, "max_connections", 151);
	assert_fact_number(st->b, "binlog_bytes", 1024);
	assert_fact_number(st->b, "binlog_count", 2);
	assert_fact_number(st->b, "binlog_expire", 0);
	assert_fact_text(st->b, "binlog_first", "bin.000007");
	assert_fact_unknown(st->b, "binlog_oldest");
	assert_fact_number(st->b, "slow_log", 1);
	assert_fact_number(st->b, "long_query", 2.5);
	assert_fact_number(st->b, "uptime", 77);
}

static void
what_may_not_be_seen_is_named(void **state)
{
	struct my_stage *st = *state;

	my_add_login_to(&st->s, "8.4.3");
	scene_expect(&st->s, "super_read_only");
	scene_rows(&st->s, 10, "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "8.4.3", "/d/",
		"0", "0", "151", "1", "2592000", "0", "10", "UTC", NULL);
	scene_expect(&st->s, "Uptime");
	scene_rows(&st->s, 2, "Variable_name", "Value", "Uptime", "77", NULL);
	scene_expect(&st->s, "SHOW REPLICA STATUS");
	scene_error(&st->s, 1, 1227, "#42000Access denied");
	scene_expect(&st->s, "SHOW BINARY LOGS");
	scene_error(&st->s, 1, 1227, "#42000Access denied");
	scene_expect(&st->s, "CURRENT_USER");
	scene_rows(&st->s, 1, "u", "app@%", NULL);
	my_stage_check(st, "");
	fact_bench_run(st->b, "my-server");
	assert_int_equal(st->b->fact.end, FACT_HAD);
	assert_fact_number(st->b, "super_read_only", 0);
	assert_fact_unknown(st->b, "binlog_bytes");
	assert_non_null(strstr(st->b->fact.text, "GRANT REPLICATION CLIENT ON *.* TO `app`@`%`"));
}

/* The settings are known even where the server is not reached. */
static void
what_the_dsn_lacks(void **state)
{
	struct my_stage *st = *state;
	char yaml[200];

	my_add_login(&st->s);
	st->peer = peer_open(st->b->probe->loop, scene_script(&st->s));
	snprintf(yaml, sizeof(yaml), "dsn: \"app:s3cret@tcp(%s)/shop?charset=latin1\"",
		peer_address(st->peer));
	fact_bench_check(st->b, "mysql", yaml);
	fact_bench_start(st->b, "my-server");
	fact_run_abort(st->b->run);
	st->b->run = NULL;
	fact_bench_start(st->b, "my-server");
	fact_bench_await(st->b);
	assert_fact_number(st->b, "parse_time", 0);
	assert_fact_text(st->b, "charset", "latin1");
	assert_null(strstr(st->b->fact.text, "s3cret"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		MY_T(tells_what_it_is),
		MY_T(what_may_not_be_seen_is_named),
		MY_T(what_the_dsn_lacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

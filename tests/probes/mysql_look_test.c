/* Tests of the mysql probe: the connection that is kept, and what is measured over it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/probes/mysql_stage.h"

/* --- the kept connection --- */

/* A login and `runs` answers to SELECT 1, each when it is asked for. */
static void
add_runs(struct scene *s, unsigned runs)
{
	scene_login(s, SCENE_MARIADB, SCENE_NATIVE);
	for (unsigned i = 0; i < runs; i++)
		scene_one(s);
}

static void
keeps_one_connection(void **state)
{
	struct stage *st = *state;

	add_runs(&st->s, 8);
	configure(st, "", "metrics: false\nreconnect_interval: 5m");
	for (unsigned i = 0; i < 3; i++) {
		bench_run(&st->b);
		assert_ok(st);
		assert_int_equal(peer_accepted(st->peer), 1);
		assert_true((bench_value(&st->b, "connect_time") >= 0) == (i == 0));
	}
	loop_advance(st->b.loop, 5 * USEC_PER_MIN);
	bench_run(&st->b);
	assert_ok(st);
	assert_true(bench_value(&st->b, "connect_time") >= 0);
	assert_int_equal(peer_accepted(st->peer), 2);
	loop_turn(st->b.loop, false);
	assert_int_equal(peer_living(st->peer), 1);
	assert_true(has_heard(st, 0, "\1\0\0\0\1")); /* goodbye */
	bench_run(&st->b);
	assert_int_equal(peer_accepted(st->peer), 2);
}

static void
keeps_none_if_told_so(void **state)
{
	struct stage *st = *state;

	add_runs(&st->s, 1);
	configure(st, "", "metrics: false\nreconnect_interval: 0s");
	for (unsigned i = 1; i < 4; i++) {
		bench_run(&st->b);
		assert_ok(st);
		assert_int_equal(peer_accepted(st->peer), i);
		loop_turn(st->b.loop, false);
		assert_int_equal(peer_living(st->peer), 0);
	}
}

/* wait_timeout, a restart, KILL: the login that follows says what is the matter, if anything. */
static void
a_kept_one_may_die(void **state)
{
	struct stage *st = *state;

	add_runs(&st->s, 1);
	scene_step(&st->s, (struct peer_step)PEER_CLOSE);
	configure(st, "", "metrics: false");
	for (unsigned i = 1; i < 4; i++) {
		bench_run(&st->b);
		assert_ok(st);
		assert_int_equal(peer_accepted(st->peer), i);
	}
}

static void
a_kept_one_may_die_when_it_is_asked(void **state)
{
	struct stage *st = *state;

	add_runs(&st->s, 1);
	scene_expect(&st->s, "SELECT 1");
	scene_error(&st->s, 1, 1927, "#70100Connection was killed");
	scene_step(&st->s, (struct peer_step)PEER_CLOSE);
	configure(st, "", "metrics: false");
	bench_run(&st->b);
	bench_run(&st->b);
	assert_ok(st);
	assert_int_equal(peer_accepted(st->peer), 2);
}

/* A firewall forgot it: nobody says anything. */
static void
a_kept_one_may_be_silent(void **state)
{
	struct stage *st = *state;

	add_runs(&st->s, 1);
	configure(st, "", "metrics: false");
	bench_run(&st->b);
	bench_start(&st->b, NULL);
	loop_turn(st->b.loop, false);
	loop_advance(st->b.loop, st->b.timeout_us / 2);
	bench_await(&st->b);
	assert_ok(st);
	assert_int_equal(peer_accepted(st->peer), 2);
}

/* A login that took nearly all of its run's time leaves a session for runs of the whole time. */
static void
limits_are_those_of_a_whole_run(void **state)
{
	struct stage *st = *state;

	add_runs(&st->s, 1);
	configure(st, "", "metrics: false");
	bench_start(&st->b, NULL);
	loop_advance(st->b.loop, st->b.timeout_us * 9 / 10);
	bench_await(&st->b);
	assert_ok(st);
	assert_true(has_heard(st, 0, "max_statement_time=10.001"));
}

/* The server is there: it is a statement of ours that is too slow. */
static void
a_slow_query_is_not_a_silent_server(void **state)
{
	struct stage *st = *state;

	add_runs(&st->s, 1);
	configure(st, "", "metrics: false\nqueries: { a: SELECT SLEEP(99) }");
	bench_run_stuck(&st->b);
	assert_cause(st, "my.query", "SELECT SLEEP(99)");
}

/* --- what it measures --- */

#define STATUS(connected)                                                                          \
	scene_rows(&st->s, 2, "Variable_name", "Value", "Threads_connected", connected,            \
		"Threads_running", "2", "Slow_queries", "5", "Aborted_connects", "4",              \
		"Innodb_row_lock_current_waits", "1", "Uptime", "77", NULL)

static void
add_variables(struct stage *st, const char *read_only)
{
	scene_expect(&st->s, "max_connections");
	scene_rows(&st->s, 9, "a", "b", "c", "d", "e", "f", "g", "h", "i", "10", read_only, "0",
		"3", "", "0", "db-1", "/d/", "app@%", NULL);
}

static void
add_measures(struct stage *st, const char *connected, const char *read_only)
{
	add_variables(st, read_only);
	scene_expect(&st->s, "GLOBAL STATUS");
	STATUS(connected);
	scene_expect(&st->s, "innodb_trx");
	scene_rows(&st->s, 2, "a", "b", "90", "3", NULL);
	scene_expect(&st->s, "processlist");
	scene_rows(&st->s, 4, "a", "b", "c", "d", "4", "1", "2", "4", NULL);
	if (atoi(connected) >= 8) {
		scene_expect(&st->s, "GROUP BY");
		scene_rows(&st->s, 5, "a", "b", "c", "d", "e", "8", "app", "10.0.0.4", "Sleep",
			"301", NULL);
	}
	scene_expect(&st->s, "SHOW ALL SLAVES");
	scene_rows(&st->s, 6, "Slave_IO_Running", "Slave_SQL_Running", "Seconds_Behind_Master",
		"SQL_Delay", "Master_Host", "Last_IO_Error", "Yes", "Yes", "100", "60", "db-0", "",
		"Yes", "Yes", "15", "0", "db-9", "", NULL);
}

static void
measures(void **state)
{
	static const struct {
		const char *name;
		double value;
	} rows[] = {
		{ "threads_connected", 5 },
		{ "connections_percent", 50 },
		{ "threads_running", 2 },
		{ "slow_queries_total", 5 },
		{ "aborted_connects_total", 4 },
		{ "row_lock_waits", 1 },
		{ "up_time", 77 },
		{ "longest_transaction_time", 90 },
		{ "longest_query_time", 4 },
		{ "idle_connections", 1 },
		{ "lock_waits", 2 },
		{ "lock_wait_time", 4 },
		{ "replica_running", 1 },
		{ "replica_lag_time", 40 },
		{ "read_only", 0 },
	};
	struct stage *st = *state;

	scene_login(&st->s, SCENE_MARIADB, SCENE_NATIVE);
	add_measures(st, "5", "0");
	configure(st, "", "");
	bench_run(&st->b);
	assert_ok(st);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (bench_value(&st->b, rows[i].name) != rows[i].value)
			fail_msg("%s is %g", rows[i].name, bench_value(&st->b, rows[i].name));
	assert_true(isnan(bench_value(&st->b, "deadlocks_total")));
	assert_true(isnan(bench_value(&st->b, "binlog_bytes")));
	assert_non_null(strstr(bench_fact(&st->b, "replica"), "100 s behind (60 s wanted)"));
	assert_non_null(strstr(bench_fact(&st->b, "server"), "db-1, server_id 3"));
}

/* The new login is refused, the kept one goes on telling; once there is room, it is replaced. */
static void
is_never_blind(void **state)
{
	struct stage *st = *state;
	struct scene full;
	const struct peer_step *scripts[2];

	scene_init(&full);
	scene_greet(&full, SCENE_MARIADB, SCENE_NATIVE, SCENE_CAPS);
	scene_error(&full, 2, 1040, "#08004Too many connections");
	scene_step(&full, (struct peer_step)PEER_CLOSE);
	scene_login(&st->s, SCENE_MARIADB, SCENE_NATIVE);
	add_measures(st, "5", "0");
	add_measures(st, "10", "0");
	scripts[0] = scene_script(&st->s);
	scripts[1] = scene_script(&full);
	st->peer = peer_open_with(
		st->b.loop, &(struct peer_options){ .scripts = scripts, .script_count = 2 });
	configure(st, "", "reconnect_interval: 1m");
	bench_run(&st->b);
	assert_ok(st);
	loop_advance(st->b.loop, USEC_PER_MIN);
	bench_run(&st->b);
	assert_cause(st, "my.too-many", "10 of 10 connections in use");
	assert_true(bench_value(&st->b, "connections_percent") == 100);
	assert_true(bench_value(&st->b, "idle_connections") == 1);
	assert_non_null(strstr(bench_fact(&st->b, "clients"), "8 x app@10.0.0.4 Sleep (301 s)"));
	loop_turn(st->b.loop, false);
	assert_int_equal(peer_living(st->peer), 1); /* the kept one */
	scene_fini(&full);
}

static void
rights_that_are_missing(void **state)
{
	struct stage *st = *state;

	scene_login(&st->s, "8.0.36", SCENE_NATIVE);
	add_variables(st, "0");
	scene_expect(&st->s, "GLOBAL STATUS");
	STATUS("5");
	scene_expect(&st->s, "innodb_trx");
	scene_error(&st->s, 1, 1227, "#42000Access denied");
	scene_expect(&st->s, "SHOW REPLICA");
	scene_error(&st->s, 1, 1227, "#42000Access denied");
	scene_expect(&st->s, "`users`");
	scene_error(&st->s, 1, 1142, "#42000SELECT command denied");
	configure(st, "", "tables: [users]");
	bench_run(&st->b);
	assert_ok(st);
	assert_int_equal(st->b.sample.note_count, 1);
	assert_string_equal(st->b.sample.notes[0].cause->code, "my.no-grant");
	assert_string_equal(st->b.sample.notes[0].text,
		"missing rights: GRANT PROCESS, REPLICATION CLIENT ON *.* TO `app`@`%`; "
		"table users: SELECT command denied (1142)");
	assert_true(isnan(bench_value(&st->b, "longest_query_time")));
	assert_true(isnan(bench_value(&st->b, "replica_running")));
	assert_true(has_heard(st, 0, "SHOW REPLICA STATUS"));
}

static void
roles_are_wanted(void **state)
{
	struct stage *st = *state;

	scene_login(&st->s, SCENE_MARIADB, SCENE_NATIVE);
	add_measures(st, "5", "1");
	configure(st, "", "role: primary");
	bench_run(&st->b);
	assert_cause(st, "my.readonly", "read_only=1");
	configure(st, "", "role: replica");
	bench_run(&st->b);
	assert_ok(st);
}

/* The name leads to another server since the failover: the kept connection has not the last word.
 */
static void
a_role_is_asked_of_whom_the_name_means(void **state)
{
	struct stage *st = *state;
	struct scene now;

	scene_login(&st->s, SCENE_MARIADB, SCENE_NATIVE);
	add_measures(st, "5", "0");
	add_variables(st, "1");
	scene_expect(&st->s, "GLOBAL STATUS");
	STATUS("5");
	now = st->s;
	scene_init(&st->s);
	scene_login(&st->s, SCENE_MARIADB, SCENE_NATIVE);
	add_measures(st, "6", "0");
	st->peer = peer_open_with(st->b.loop,
		&(struct peer_options){
			.scripts = (const struct peer_step *const[]){ scene_script(&now),
				scene_script(&st->s) },
			.script_count = 2,
		});
	configure(st, "", "role: primary");
	for (unsigned i = 1; i <= 2; i++) {
		bench_run(&st->b);
		assert_ok(st);
		assert_int_equal(peer_accepted(st->peer), i);
	}
	assert_true(bench_value(&st->b, "threads_connected") == 6);
	assert_true(bench_value(&st->b, "connect_time") >= 0);
	peer_free(st->peer);
	st->peer = NULL;
	scene_fini(&now);
}

static void
tables_and_queries(void **state)
{
	struct stage *st = *state;

	scene_login(&st->s, SCENE_MARIADB, SCENE_NATIVE);
	scene_one(&st->s);
	scene_expect(&st->s, "`users`");
	scene_rows(&st->s, 1, "1", NULL);
	scene_expect(&st->s, "`c`");
	scene_error(&st->s, 1, 1142, "#42000SELECT command denied");
	scene_expect(&st->s, "SELECT a");
	scene_rows(&st->s, 1, "n", "12.5", NULL);
	scene_expect(&st->s, "SELECT b");
	scene_rows(&st->s, 1, "n", NULL);
	configure(st, "",
		"metrics: false\ntables: [users, \"a`b.c\"]\n"
		"queries: { age_time: SELECT a, none: SELECT b }");
	bench_run(&st->b);
	assert_ok(st);
	assert_true(bench_value(&st->b, "age_time") == 12.5);
	assert_true(isnan(bench_value(&st->b, "none")));
	assert_true(has_heard(st, 0, "SELECT 1 FROM `a``b`.`c` LIMIT 0"));
	assert_int_equal(st->b.sample.note_count, 1);
}

/* All that are missing are told at once; of a table that cannot be seen nothing is claimed. */
static void
indexes_are_wanted(void **state)
{
	struct stage *st = *state;

	scene_login(&st->s, SCENE_MARIADB, SCENE_NATIVE);
	scene_one(&st->s);
	scene_expect(&st->s, "table_name='a'");
	scene_rows(&st->s, 2, "a", "b", "1", "2", NULL);
	scene_expect(&st->s, "table_name='b'");
	scene_rows(&st->s, 2, "a", "b", "1", "0", NULL);
	scene_expect(&st->s, "table_name='c'");
	scene_rows(&st->s, 2, "a", "b", "1", "0", NULL);
	scene_expect(&st->s, "table_name='d'");
	scene_rows(&st->s, 2, "a", "b", "0", "0", NULL);
	configure(st, "", "metrics: false\nindexes: [a.i, b.i, x.c.idx_time, d.i]");
	bench_run(&st->b);
	assert_cause(st, "my.no-index", "table b has no index i; table x.c has no index idx_time");
	assert_true(has_heard(st, 0, "table_schema=DATABASE() AND table_name='a'"));
	assert_true(has_heard(st, 0, "table_schema='x' AND table_name='c'"));
	assert_int_equal(st->b.sample.note_count, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TF(keeps_one_connection),
		TF(keeps_none_if_told_so),
		TF(a_kept_one_may_die),
		TF(a_kept_one_may_die_when_it_is_asked),
		TF(a_kept_one_may_be_silent),
		TF(limits_are_those_of_a_whole_run),
		TF(a_slow_query_is_not_a_silent_server),
		T(measures),
		TF(is_never_blind),
		T(rights_that_are_missing),
		T(roles_are_wanted),
		T(a_role_is_asked_of_whom_the_name_means),
		T(tables_and_queries),
		T(indexes_are_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Built-in rules about PostgreSQL and SQLite: what trips them, what a busy server may do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "probes/probe.h"
#include "tests/rules/bench.h"

static const struct metric_desc *
real_metrics_of_type(const char *type)
{
	const struct probe_type *probe = probe_find(type);

	return probe != NULL ? probe->metrics : NULL;
}

static void
set_up(struct bench *b, const char *type)
{
	bench_init(b);
	b->metrics_of_type = real_metrics_of_type;
	bench_check(b, "db", type);
	bench_start(b, "{}");
}

struct given {
	const char *metric;
	double value;
};

/* A healthy primary, but for what is given; samples for `seconds`, ten seconds apart. */
static void
feed(struct bench *b, int seconds, const struct given *given)
{
	const struct metric_desc *metrics = real_metrics_of_type(b->specs[0].type);
	static const char *const absent[] = { "replica_running", "replication_lag_time",
		"replication_lag_bytes", "archive_failing", "wal_bytes" };
	struct bench_sample sample = { 0 };

	assert_true(metric_count(metrics) <= BENCH_VALUES);
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		if (metric_index(metrics, absent[i]) >= 0)
			sample.values[metric_index(metrics, absent[i])] = NAN;
	if (metric_index(metrics, "connections_max") >= 0)
		sample.values[metric_index(metrics, "connections_max")] = 97;
	for (; given != NULL && given->metric != NULL; given++) {
		assert_true(metric_index(metrics, given->metric) >= 0);
		sample.values[metric_index(metrics, given->metric)] = given->value;
	}
	for (; seconds > 0; seconds -= 10) {
		bench_wait(b, 10);
		bench_feed(b, "db", sample);
	}
}

#define FEED(b, seconds, ...) feed(b, seconds, (const struct given[]){ __VA_ARGS__, { NULL, 0 } })

static void
connections(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b, "postgres");
	FEED(&b, 600, { "connections_percent", 79 });
	assert_string_equal(bench_log(&b), "");
	FEED(&b, 60, { "connections_percent", 80 }, { "connections", 78 });
	assert_string_equal(bench_log(&b), "fires db.connections-high warning\n");
	FEED(&b, 60, { "connections_percent", 96 }, { "connections", 93 });
	assert_string_equal(bench_log(&b), "rises db.connections-high critical\n");
	FEED(&b, 300, { "connections_percent", 20 });
	assert_string_equal(bench_log(&b), "ends db.connections-high ok\n");
	bench_fini(&b);
}

static void
a_burst_is_nothing(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b, "postgres");
	for (int i = 0; i < 50; i++) {
		FEED(&b, 10, { "connections_percent", 97 }, { "waiting", 9 }, { "waiting_time", 6 },
			{ "longest_query_time", 50 });
		FEED(&b, 20, { "connections_percent", 30 }, { "longest_query_time", 4 });
	}
	assert_string_equal(bench_log(&b), "");
	bench_fini(&b);
}

static void
a_pool_larger_than_the_server(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b, "postgres");
	FEED(&b, 60, { "pool_connections", 97 });
	assert_string_equal(bench_log(&b), "");
	FEED(&b, 10, { "pool_connections", 1000 });
	assert_string_equal(bench_log(&b), "fires db.pool-exceeds-limit warning\n");
	assert_string_equal(b.text, "the pools may open 1000 connections, the server allows 97");
	bench_fini(&b);
}

static void
a_standby_is_lost(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b, "postgres");
	FEED(&b, 600, { "replicas", 2 });
	FEED(&b, 60, { "replicas", 1 });
	assert_string_equal(bench_log(&b), "fires db.replication-stopped warning\n");
	assert_non_null(strstr(b.text, "a standby does not stream"));
	FEED(&b, 60, { "replicas", 1 }, { "replicas_wanted", 2 });
	assert_string_equal(bench_log(&b), "rises db.replication-stopped critical\n");
	FEED(&b, 60, { "replicas", 2 }, { "replicas_wanted", 2 });
	assert_string_equal(bench_log(&b), "ends db.replication-stopped ok\n");
	bench_fini(&b);
}

static void
a_standby_is_cut_off(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b, "postgres");
	FEED(&b, 600, { "in_recovery", 1 }, { "replica_running", 1 }, { "replication_lag_time", 3 },
		{ "replication_lag_bytes", 1e6 });
	assert_string_equal(bench_log(&b), "");
	FEED(&b, 60, { "in_recovery", 1 }, { "replica_running", 0 });
	assert_string_equal(bench_log(&b), "fires db.replication-stopped critical\n");
	assert_non_null(strstr(b.text, "nothing is received from the primary"));
	FEED(&b, 60, { "in_recovery", 1 }, { "replica_running", 1 });
	assert_string_equal(bench_log(&b), "ends db.replication-stopped ok\n");
	bench_fini(&b);
}

static void
a_standby_lags(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b, "postgres");
	FEED(&b, 60, { "replication_lag_bytes", 70e6 }, { "replication_lag_time", 1 });
	assert_string_equal(bench_log(&b), "fires db.replication-lag warning\n");
	FEED(&b, 60, { "replication_lag_bytes", 70e6 }, { "replication_lag_time", 121 });
	assert_string_equal(bench_log(&b), "rises db.replication-lag critical\n");
	/* It is gone for good: nothing lags any more, and nobody is told of it for ever. */
	feed(&b, 600, NULL);
	assert_string_equal(bench_log(&b), "ends db.replication-lag ok\n");
	bench_fini(&b);
}

static void
long_statements(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b, "postgres");
	FEED(&b, 60, { "longest_query_time", 45 });
	assert_string_equal(bench_log(&b), "fires db.long-query info\n");
	FEED(&b, 60, { "longest_query_time", 600 });
	assert_string_equal(bench_log(&b), "rises db.long-query warning\n");
	FEED(&b, 60, { "longest_query_time", 600 }, { "blocking_query_time", 600 });
	assert_string_equal(bench_log(&b), "rises db.long-query critical\n");
	feed(&b, 60, NULL);
	assert_string_equal(bench_log(&b), "ends db.long-query ok\n");
	bench_fini(&b);
}

static void
long_transactions(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b, "postgres");
	FEED(&b, 60, { "longest_transaction_time", 1000 });
	assert_string_equal(bench_log(&b), "fires db.long-transaction info\n");
	FEED(&b, 60, { "longest_transaction_time", 7201 }, { "idle_in_transaction_time", 300 });
	assert_string_equal(bench_log(&b), "rises db.long-transaction warning\n");
	FEED(&b, 60, { "longest_transaction_time", 7201 }, { "idle_in_transaction_time", 301 });
	assert_string_equal(bench_log(&b), "fires db.idle-in-transaction warning\n");
	bench_fini(&b);
}

static void
waiting_for_locks(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b, "postgres");
	FEED(&b, 60, { "waiting", 9 }, { "waiting_time", 4 });
	assert_string_equal(bench_log(&b), "");
	FEED(&b, 60, { "waiting", 1 }, { "waiting_time", 12 });
	assert_string_equal(bench_log(&b), "fires db.lock-wait warning\n");
	assert_string_equal(b.text, "1 sessions wait for a lock, the longest for 12 s");
	FEED(&b, 60, { "waiting", 6 }, { "waiting_time", 12 });
	assert_string_equal(bench_log(&b), "rises db.lock-wait critical\n");
	feed(&b, 60, NULL);
	assert_string_equal(bench_log(&b), "ends db.lock-wait ok\n");
	bench_fini(&b);
}

static void
a_write_lock_that_is_held(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b, "sqlite");
	FEED(&b, 60, { "busy_time", 4 }, { "busy_timeout", 1 });
	assert_string_equal(bench_log(&b), "");
	FEED(&b, 10, { "busy_time", 6 }, { "busy_timeout", 30 });
	assert_string_equal(bench_log(&b), "fires db.sqlite-lock-held warning\n");
	FEED(&b, 10, { "busy_time", 34 }, { "busy_timeout", 30 });
	assert_string_equal(bench_log(&b), "rises db.sqlite-lock-held critical\n");
	FEED(&b, 10, { "busy_time", 0 }, { "busy_timeout", 30 });
	assert_string_equal(bench_log(&b), "ends db.sqlite-lock-held ok\n");
	bench_fini(&b);
}

/* Two rows of one name are never about the same check: it would be two alerts in one. */
static void
rows_of_one_name_differ_in_type(void **state)
{
	(void)state;
	for (size_t i = 0; i < rule_builtin_count(); i++)
		for (size_t k = i + 1; k < rule_builtin_count(); k++) {
			const char *one = rule_builtin_yaml(i), *two = rule_builtin_yaml(k);

			if (strcmp(rule_builtin_name(i), rule_builtin_name(k)) != 0)
				continue;
			assert_memory_equal(one, "each: ", 6);
			assert_memory_equal(two, "each: ", 6);
			if (strcspn(one, "\n") == strcspn(two, "\n") &&
				strncmp(one, two, strcspn(one, "\n")) == 0)
				fail_msg("%s stands twice for one type", rule_builtin_name(i));
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connections),
		cmocka_unit_test(a_burst_is_nothing),
		cmocka_unit_test(a_pool_larger_than_the_server),
		cmocka_unit_test(a_standby_is_lost),
		cmocka_unit_test(a_standby_is_cut_off),
		cmocka_unit_test(a_standby_lags),
		cmocka_unit_test(long_statements),
		cmocka_unit_test(long_transactions),
		cmocka_unit_test(waiting_for_locks),
		cmocka_unit_test(a_write_lock_that_is_held),
		cmocka_unit_test(rows_of_one_name_differ_in_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

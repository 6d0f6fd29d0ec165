/* The built-in rules against the probes' own tables: they compile, and fire where they say. */
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
	return probe ? probe->metrics : NULL;
}

static void
setup_real(struct bench *b, const char *type)
{
	bench_init(b);
	b->metrics_of_type = real_metrics_of_type;
	bench_check(b, "x", type);
	bench_start(b, "{}");
}

struct given {
	const char *metric;
	double value;
};

/* 30 s later a sample in which only these are known, and counters that count nothing. */
static void
feed_real(struct bench *b, struct given one, struct given two)
{
	const struct metric_desc *metrics = real_metrics_of_type(b->specs[0].type);
	const struct given given[] = { one, two };
	struct bench_sample sample = { 0 };

	assert_true(metric_count(metrics) <= BENCH_VALUES);
	for (size_t i = 0; i < metric_count(metrics); i++)
		sample.values[i] = metrics[i].kind == METRIC_COUNTER ? 0 : NAN;
	for (size_t i = 0; i < 2; i++) {
		if (!given[i].metric)
			continue;
		int at = metric_index(metrics, given[i].metric);
		assert_true(at >= 0);
		sample.values[at] = given[i].value;
	}
	bench_wait(b, 30);
	bench_feed(b, "x", sample);
}

#define NOTHING                                                                                    \
	(struct given)                                                                             \
	{                                                                                          \
		NULL, 0                                                                            \
	}

static void
test_all_compile(void **state)
{
	struct bench b;
	(void)state;
	bench_init(&b);
	b.metrics_of_type = real_metrics_of_type;
	for (size_t i = 0; probe_table[i]; i++) {
		char name[80];
		assert_true(i < BENCH_CHECKS);
		snprintf(name, sizeof(name), "a-%s", probe_table[i]->name);
		bench_check(&b, name, probe_table[i]->name);
	}
	bench_compile(&b, "{}");
	assert_int_equal(complaints_errors(b.complaints), 0);
	assert_int_equal(b.set->count, rule_builtin_count());
	for (size_t i = 0; i < b.set->count; i++)
		assert_true(b.set->rules[i].variant_count > 0);
	bench_fini(&b);
}

/* What is about a type of which there is no check is in the set, and not compiled. */
static void
test_absent_are_names(void **state)
{
	struct bench b;
	size_t compiled = 0;
	(void)state;
	bench_init(&b);
	b.metrics_of_type = real_metrics_of_type;
	bench_check(&b, "x", "disk");
	bench_compile(&b, "{}");
	assert_int_equal(b.set->count, rule_builtin_count());
	for (size_t i = 0; i < b.set->count; i++) {
		const struct rule *rule = &b.set->rules[i];
		bool is_about = !rule->each_type || strcmp(rule->each_type, "disk") == 0;
		assert_int_equal(rule->variant_count > 0, is_about);
		compiled += is_about;
	}
	assert_true(compiled > 2);
	bench_fini(&b);
}

/* One metric: a value that is well, one that warns, one that is critical. */
static const struct threshold {
	const char *rule, *type, *metric;
	double well, warning, critical;
} thresholds[] = {
	{ "http-slow", "http", "total_time", 2, 2.1, 5.1 },
	{ "tls-expiring", "http", "tls_days_left", 21 * 86400, 20 * 86400, 6 * 86400 },
	{ "cert-expiring", "tls", "days_left", 21 * 86400, 20 * 86400, 6 * 86400 },
	{ "smtp-cert-expiring", "smtp", "tls_days_left", 21 * 86400, 20 * 86400, 6 * 86400 },
	{ "disk-space", "disk", "used_percent", 79, 80, 90 },
	{ "disk-inodes", "disk", "inodes_percent", 79, 80, 90 },
	{ "memory-high", "memory", "used_percent", 85, 86, 96 },
	{ "memory-high", "memory", "cgroup_used_percent", 85, 86, 96 },
	{ "memory-pressure", "memory", "pressure_full_percent", 9, 11, 90 },
	{ "clock-off", "clock", "offset_time", 2, 2.1, 61 },
	{ "connections-high", "mysql", "connections_percent", 79, 80, 95 },
	{ "lock-wait", "mysql", "lock_wait_time", 10, 11, 61 },
	{ "replication-lag", "mysql", "replica_lag_time", 29, 30, 120 },
	{ "fds-high", "process", "fds_percent", 79, 80, 95 },
	{ "self-stalled", "self", "loop_lag_time", 0.9, 1.1, 11 },
};

static void
feed_for(struct bench *b, const char *metric, double value, int minutes)
{
	bool is_disk = strcmp(b->specs[0].type, "disk") == 0;

	for (int i = 0; i < minutes * 2; i++)
		feed_real(b, (struct given){ metric, value },
			is_disk ? (struct given){ "total_bytes", 1e9 } : NOTHING);
}

static void
test_thresholds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(thresholds) / sizeof(*thresholds); i++) {
		const struct threshold *t = &thresholds[i];
		struct bench b;
		char wanted[200];
		setup_real(&b, t->type);
		feed_for(&b, t->metric, t->well, 10);
		assert_string_equal(bench_log(&b), "");
		feed_for(&b, t->metric, t->warning, 10);
		feed_for(&b, t->metric, t->critical, 10);
		feed_for(&b, t->metric, t->warning, 20);
		feed_for(&b, t->metric, t->well * (t->well > 1e6 ? 2 : 0.5), 20);
		snprintf(wanted, sizeof(wanted),
			"fires x.%s warning\nrises x.%s critical\nfalls x.%s warning\nends x.%s "
			"ok\n",
			t->rule, t->rule, t->rule, t->rule);
		assert_string_equal(bench_log(&b), wanted);
		assert_int_equal(b.wrong, 0);
		bench_fini(&b);
	}
}

static void
test_disk_space_has_a_gap(void **state)
{
	struct bench b;
	(void)state;
	setup_real(&b, "disk");
	const struct given size = { "total_bytes", 16e6 };
	for (int i = 0; i < 4; i++)
		feed_real(&b, (struct given){ "used_percent", 81 }, size);
	assert_string_equal(bench_log(&b), "fires x.disk-space warning\n");
	for (int i = 0; i < 20; i++)
		feed_real(&b, (struct given){ "used_percent", 78 }, size);
	assert_string_equal(bench_log(&b), "");
	feed_real(&b, (struct given){ "used_percent", 76 }, size);
	assert_string_equal(bench_log(&b), "ends x.disk-space ok\n");
	bench_fini(&b);
}

static void
test_oom_kill(void **state)
{
	struct bench b;
	(void)state;
	setup_real(&b, "memory");
	for (int i = 0; i < 30; i++)
		feed_real(&b, (struct given){ "oom_kills_total", i < 5 ? 7 : 8 }, NOTHING);
	assert_string_equal(bench_log(&b), "fires x.oom-kill critical\nends x.oom-kill ok\n");
	bench_fini(&b);
}

/* One restart that nobody asked for warns; of a process nobody knows. */
static void
test_restarts(void **state)
{
	static const struct {
		const char *type, *log;
	} rows[] = {
		{ "process", "fires x.restarts critical\nends x.restarts ok\n" },
		{ "systemd", "fires x.restarts warning\nrises x.restarts critical\n"
			     "falls x.restarts warning\nends x.restarts ok\n" },
		{ "container", "fires x.container-restarting warning\n"
			       "rises x.container-restarting critical\n"
			       "falls x.container-restarting warning\n"
			       "ends x.container-restarting ok\n" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bench b;
		setup_real(&b, rows[i].type);
		for (int n = 0; n < 40; n++) {
			double restarts = n < 3 ? 5 : n < 6 ? 3 + n : 8;
			feed_real(&b, (struct given){ "restarts_total", restarts }, NOTHING);
		}
		assert_string_equal(bench_log(&b), rows[i].log);
		bench_fini(&b);
	}
}

static void
test_read_only(void **state)
{
	struct bench b;
	(void)state;
	setup_real(&b, "disk");
	feed_real(&b, (struct given){ "read_only", 1 }, NOTHING);
	assert_string_equal(bench_log(&b), "");
	feed_real(&b, (struct given){ "read_only", 1 }, NOTHING);
	assert_string_equal(bench_log(&b), "fires x.disk-read-only critical\n");
	feed_real(&b, (struct given){ "read_only", 0 }, NOTHING);
	assert_string_equal(bench_log(&b), "ends x.disk-read-only ok\n");
	bench_fini(&b);
}

static void
test_swap_alone_is_info(void **state)
{
	struct bench b;
	(void)state;
	setup_real(&b, "memory");
	for (int i = 0; i < 8; i++)
		feed_real(&b, (struct given){ "swap_percent", 99 },
			(struct given){ "used_percent", 50 });
	assert_string_equal(bench_log(&b), "fires x.swap-high info\n");
	/* swapoff: nothing to be high any more. */
	for (int i = 0; i < 30; i++)
		feed_real(&b, (struct given){ "used_percent", 50 }, NOTHING);
	assert_string_equal(bench_log(&b), "ends x.swap-high ok\n");
	bench_fini(&b);
}

/* A steady fill is seen; a saw of the same steepness is not. */
static void
test_filling(void **state)
{
	struct bench b;
	(void)state;
	setup_real(&b, "disk");
	for (int i = 0; i < 500; i++)
		feed_real(&b, (struct given){ "used_percent", 70 },
			(struct given){ "free_bytes", 300e9 - i * 100e6 });
	assert_string_equal(bench_log(&b), "fires x.disk-filling warning\n");
	assert_non_null(strstr(b.text, "at the pace of the last hours it is full in "));
	bench_fini(&b);

	setup_real(&b, "disk");
	for (int i = 0; i < 1500; i++)
		feed_real(&b, (struct given){ "used_percent", 70 },
			(struct given){ "free_bytes", 300e9 - (i % 60) * 1e9 });
	assert_string_equal(bench_log(&b), "");
	bench_fini(&b);
}

static void
feed_both(struct bench *b, struct given one, struct given two, int minutes)
{
	for (int i = 0; i < minutes * 2; i++)
		feed_real(b, one, two);
}

/* What a healthy, busy host shows is no trouble. */
static void
test_busy_is_not_sick(void **state)
{
	struct bench b;
	(void)state;
	setup_real(&b, "disk");
	feed_both(&b, (struct given){ "io_util_percent", 100 },
		(struct given){ "io_await_time", 0.004 }, 30);
	assert_string_equal(bench_log(&b), "");
	feed_both(&b, (struct given){ "io_util_percent", 100 },
		(struct given){ "io_await_time", 0.18 }, 5);
	assert_string_equal(bench_log(&b), "fires x.disk-io warning\n");
	bench_fini(&b);

	setup_real(&b, "cpu");
	feed_both(
		&b, (struct given){ "used_percent", 60 }, (struct given){ "load_per_core", 9 }, 30);
	feed_both(&b, (struct given){ "used_percent", 97 }, NOTHING, 4);
	assert_string_equal(bench_log(&b), "");
	feed_both(&b, (struct given){ "used_percent", 97 }, NOTHING, 10);
	assert_string_equal(bench_log(&b), "fires x.cpu-high warning\n");
	bench_fini(&b);

	setup_real(&b, "log");
	feed_both(&b, (struct given){ "last_line_age", 9999 }, NOTHING, 30);
	assert_string_equal(bench_log(&b), "");
	feed_both(&b, (struct given){ "last_line_age", 9999 },
		(struct given){ "silent_after_time", 600 }, 2);
	assert_string_equal(bench_log(&b), "fires x.log-silent warning\n");
	bench_fini(&b);
}

static void
test_disk_full_at_once(void **state)
{
	struct bench b;
	(void)state;
	setup_real(&b, "disk");
	feed_both(
		&b, (struct given){ "free_bytes", 60e6 }, (struct given){ "total_bytes", 1e9 }, 1);
	assert_string_equal(bench_log(&b), ""); /* a small disk has never more */
	feed_real(&b, (struct given){ "free_bytes", 10e6 }, (struct given){ "total_bytes", 1e9 });
	assert_string_equal(bench_log(&b), "fires x.disk-full critical\n");
	bench_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_compile),
		cmocka_unit_test(test_absent_are_names),
		cmocka_unit_test(test_thresholds),
		cmocka_unit_test(test_disk_space_has_a_gap),
		cmocka_unit_test(test_oom_kill),
		cmocka_unit_test(test_restarts),
		cmocka_unit_test(test_read_only),
		cmocka_unit_test(test_swap_alone_is_info),
		cmocka_unit_test(test_filling),
		cmocka_unit_test(test_busy_is_not_sick),
		cmocka_unit_test(test_disk_full_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

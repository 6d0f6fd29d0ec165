/*
 * Quiet hours: every probe type with numbers as they are on a healthy, busy host.  They jitter;
 * single answers are slow, collectors pause, disks are noisy, jobs peak on the hour, a packet is
 * lost.  No built-in rule has anything to say about that.  A new rule needs a row here only if what
 * is healthy for its metrics does not follow from their unit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "probes/probe.h"
#include "tests/rules/bench.h"

/* Of each type and interval, each with other dice. */
#ifdef __SANITIZE_ADDRESS__
#define HOURS 4
#else
#define HOURS 24
#endif
#define DAY 86400.0
#define GB  1e9
#define MB  1e6

/* Around `base`, `jitter` up and down; one of `every` samples (0: none) is a
 * peak, and never two in a row.  Of a counter
 * these are what is added in 30 s. */
struct habit {
	const char *type, *metric; /* type NULL: any */
	double base, jitter, peak;
	unsigned every;
};

static const struct habit habits[] = {
	{ "http", "total_time", 0.12, 0.1, 4.5, 40 },
	{ "http", "status", 200, 0, 0, 0 },
	{ "http", "tls_days_left", 40 * DAY, 0, 0, 0 },
	{ "http", "restart_age", 9 * DAY, 0, 0, 0 },
	{ "http", "restarts_hour", 0, 0, 0, 0 },
	{ "tls", "days_left", 40 * DAY, 0, 0, 0 },
	{ "smtp", "tls_days_left", 40 * DAY, 0, 0, 0 },
	{ "dns", "total_time", 0.01, 0.008, 1.5, 40 },
	{ "disk", "used_percent", 72, 1, 74, 30 },
	{ "disk", "free_bytes", 28 * GB, GB, 26 * GB, 30 },
	{ "disk", "total_bytes", 100 * GB, 0, 0, 0 },
	{ "disk", "inodes_percent", 40, 1, 0, 0 },
	{ "disk", "io_util_percent", 35, 25, 100, 10 },
	{ "disk", "io_await_time", 0.004, 0.003, 0.2, 12 },
	{ "disk", "read_only", 0, 0, 0, 0 },
	{ "memory", "used_percent", 68, 6, 83, 30 },
	{ "memory", "cgroup_used_percent", 60, 8, 80, 30 },
	{ "memory", "swap_percent", 30, 5, 0, 0 },
	{ "memory", "pressure_some_percent", 3, 3, 40, 40 },
	{ "memory", "pressure_full_percent", 0.5, 0.5, 25, 40 },
	{ "memory", "oom_kills_total", 0, 0, 0, 0 },
	{ "memory", "cgroup_oom_kills_total", 0, 0, 0, 0 },
	{ "cpu", "used_percent", 45, 25, 100, 6 },
	{ "cpu", "steal_percent", 1, 1, 30, 50 },
	{ "cpu", "iowait_percent", 4, 4, 60, 20 },
	{ "cpu", "load_per_core", 0.8, 0.6, 6, 20 },
	{ "network", "listen_overflows_total", 0, 0, 0, 0 },
	{ "process", "rss_bytes", 500 * MB, 60 * MB, 640 * MB, 20 },
	{ "process", "fds_percent", 20, 10, 60, 60 },
	{ NULL, "restarts_total", 0, 0, 0, 0 },
	{ NULL, "oom_kills_total", 0, 0, 0, 0 },
	{ "container", "memory_percent", 60, 10, 88, 30 },
	{ "clock", "offset_time", 0.002, 0.01, 0.3, 60 },
	{ "log", "errors_total", 0.1, 0.1, 2, 60 },
	{ "log", "panics_total", 0, 0, 0, 0 },
	{ "log", "lines_total", 60, 50, 900, 30 },
	{ "log", "last_line_age", 2, 2, 40, 30 },
	{ "log", "silent_after_time", 1800, 0, 0, 0 },
	{ "log", "slow_time", 0.3, 0.2, 2.5, 60 },
	{ "postgres", "connections_percent", 45, 20, 78, 20 },
	{ "postgres", "connections_max", 97, 0, 0, 0 },
	{ "postgres", "pool_connections", 60, 0, 0, 0 },
	{ "postgres", "replicas", 2, 0, 0, 0 },
	{ "postgres", "replicas_wanted", 2, 0, 0, 0 },
	{ "postgres", "replication_lag_time", 0.2, 0.2, 12, 30 },
	{ "postgres", "replication_lag_bytes", 2 * MB, 2 * MB, 40 * MB, 30 },
	{ "postgres", "longest_query_time", 0.6, 0.6, 20, 30 },
	{ "postgres", "blocking_query_time", 0, 0, 2, 60 },
	{ "postgres", "longest_transaction_time", 2, 2, 300, 40 },
	{ "postgres", "idle_in_transaction_time", 0.2, 0.2, 20, 40 },
	{ "postgres", "waiting", 0.2, 0.2, 2, 30 },
	{ "postgres", "waiting_time", 0.05, 0.05, 3, 30 },
	{ "postgres", "in_recovery", 0, 0, 0, 0 },
	{ "mysql", "connections_percent", 45, 20, 78, 20 },
	{ "mysql", "idle_percent", 30, 15, 0, 0 },
	{ "mysql", "idle_connections", 5, 4, 0, 0 },
	{ "mysql", "slow_queries_total", 0.1, 0.1, 2, 20 },
	{ "mysql", "deadlocks_total", 0, 0, 0, 0 },
	{ "mysql", "longest_query_time", 0.6, 0.6, 20, 30 },
	{ "mysql", "lock_wait_time", 0, 0, 3, 40 },
	{ "mysql", "replica_lag_time", 0.5, 0.5, 12, 30 },
	{ "mysql", "binlog_expire_time", 30 * DAY, 0, 0, 0 },
	{ "mysql", "binlog_percent", 10, 1, 0, 0 },
	{ "mysql", "binlog_oldest_age", 9 * DAY, 0, 0, 0 },
	{ "mysql", "data_used_percent", 60, 1, 0, 0 },
	{ "mysql", "data_free_bytes", 40 * GB, GB, 0, 0 },
	{ "mysql", "dsn_doubtful", 0, 0, 0, 0 },
	{ "redis", "memory_percent", 70, 6, 83, 40 },
	{ "redis", "evicts", 0, 0, 0, 0 },
	{ "redis", "oom_errors_total", 0, 0, 0, 0 },
	{ "redis", "evicted_total", 0, 0, 0, 0 },
	{ "redis", "rejected_total", 0, 0, 0, 0 },
	{ "redis", "clients_percent", 30, 15, 74, 30 },
	{ "redis", "ping_time", 0.0004, 0.0003, 0.3, 40 },
	{ "redis", "hit_percent", 93, 5, 70, 20 },
	{ "redis", "keys", 1e5, 1e3, 0, 0 },
	{ "redis", "big_keys", 0, 0, 0, 0 },
	{ "redis", "longest_queue", 30, 30, 900, 30 },
	{ "sqlite", "busy_time", 0.01, 0.01, 2, 30 },
	{ "sqlite", "busy_timeout", 5, 0, 0, 0 },
	{ "self", "rights_missing", 0, 0, 0, 0 },
	{ "self", "loop_lag_time", 0.002, 0.002, 0.6, 60 },
	{ "self", "runs_total", 300, 20, 0, 0 },
	{ "self", "runs_late_total", 1, 1, 20, 40 },
	{ "self", "runs_overdue_total", 0.5, 0.5, 10, 40 },
};

/* What is healthy for a metric that has no row. */
static const struct habit by_unit[] = {
	[UNIT_NONE] = { NULL, NULL, 3, 2, 0, 0 },
	[UNIT_SECONDS] = { NULL, NULL, 0.02, 0.015, 0.8, 40 },
	[UNIT_BYTES] = { NULL, NULL, 200 * MB, 20 * MB, 260 * MB, 30 },
	[UNIT_PERCENT] = { NULL, NULL, 30, 10, 60, 30 },
	[UNIT_BYTES_PER_SECOND] = { NULL, NULL, 5 * MB, 4 * MB, 80 * MB, 20 },
	[UNIT_PER_SECOND] = { NULL, NULL, 50, 40, 900, 20 },
	[UNIT_TEXT] = { NULL, NULL, (double)NAN, 0, 0, 0 },
	[UNIT_BOOL] = { NULL, NULL, 1, 0, 0, 0 },
};

/* A yes that would be bad news. */
static const char *const bad_flags[] = { "read_only", "loading", "evicts", "dsn_doubtful",
	"archive_failing", "in_recovery", "paused", "restarting" };

struct quiet {
	struct bench b;
	const struct metric_desc *metrics;
	double counted[BENCH_VALUES];
	bool has_peaked[BENCH_VALUES]; /* in the sample before: peaks stand alone */
	uint64_t seed;
	int interval_s;
};

static uint32_t
dice(struct quiet *q, uint32_t sides)
{
	q->seed ^= q->seed << 13;
	q->seed ^= q->seed >> 7;
	q->seed ^= q->seed << 17;
	return (uint32_t)(q->seed * 2685821657736338717u >> 33) % sides;
}

static const struct metric_desc *
metrics_of_type(const char *type)
{
	const struct probe_type *probe = probe_find(type);

	return probe ? probe->metrics : NULL;
}

static struct habit
habit_of(const char *type, const struct metric_desc *metric)
{
	for (size_t i = 0; i < sizeof(habits) / sizeof(*habits); i++)
		if ((!habits[i].type || str_eq(habits[i].type, type)) &&
			str_eq(habits[i].metric, metric->name))
			return habits[i];
	struct habit habit = by_unit[metric->kind == METRIC_FLAG ? UNIT_BOOL : metric->unit];
	for (size_t i = 0; i < sizeof(bad_flags) / sizeof(*bad_flags); i++)
		if (str_eq(metric->name, bad_flags[i]))
			habit.base = 0;
	return habit;
}

static double
draw(struct quiet *q, const struct habit *habit, size_t n)
{
	double way = (double)dice(q, 2001) / 1000 - 1;

	q->has_peaked[n] = habit->every && dice(q, habit->every) == 0 && !q->has_peaked[n];
	return q->has_peaked[n] ? habit->peak : habit->base + way * habit->jitter;
}

/* Counters count whole things. */
static double
draw_metric(struct quiet *q, const char *type, size_t n)
{
	struct habit habit = habit_of(type, &q->metrics[n]);
	if (q->metrics[n].kind == METRIC_COUNTER && habit.every)
		habit.every = habit.every * 30 / (unsigned)q->interval_s + 1;
	double value = draw(q, &habit, n);

	if (q->metrics[n].kind != METRIC_COUNTER)
		return value;
	if (!q->has_peaked[n])
		value *= q->interval_s / 30.0;
	double whole = floor(value);
	whole += (double)dice(q, 1000) / 1000 < value - whole;
	return q->counted[n] += whole > 0 ? whole : 0;
}

static struct bench_sample
draw_sample(struct quiet *q, const char *type)
{
	struct bench_sample s = { .outcome = OUTCOME_OK, .state = CHECK_UP };
	uint32_t fate = dice(q, 300);

	for (size_t i = 0; q->metrics && i < metric_count(q->metrics); i++)
		s.values[i] = draw_metric(q, type, i);
	if (fate > 1)
		return s;
	/* A packet is lost, or we lack a descriptor for once. */
	s.outcome = fate ? OUTCOME_FAIL : OUTCOME_ERROR;
	s.cause = fate ? "net.timeout" : "self.local";
	s.state = fate ? CHECK_SUSPECT : CHECK_UP;
	for (size_t i = 0; i < BENCH_VALUES; i++)
		s.values[i] = (double)NAN;
	return s;
}

static void
live_an_hour(const char *type, int interval_s, uint32_t seed)
{
	struct quiet q = { .metrics = metrics_of_type(type),
		.seed = seed * 88172645463325252u,
		.interval_s = interval_s };

	assert_true(!q.metrics || metric_count(q.metrics) <= BENCH_VALUES);
	bench_init(&q.b);
	q.b.metrics_of_type = metrics_of_type;
	bench_check(&q.b, "x", type)->common.interval_us = interval_s * USEC_PER_SEC;
	bench_start(&q.b, "{}");
	for (int at = 0; at < 3600; at += interval_s) {
		bench_wait(&q.b, interval_s);
		bench_feed(&q.b, "x", draw_sample(&q, type));
		const char *said = bench_log(&q.b);
		if (*said)
			fail_msg("%s every %d s, dice %u, after %d s: %s(%s)", type, interval_s,
				seed, at, said, q.b.text);
	}
	bench_fini(&q.b);
}

static void
test_quiet_hours(void **state)
{
	static const int intervals[] = { 5, 15, 30, 60 };
	(void)state;
	for (size_t i = 0; probe_table[i]; i++)
		for (size_t n = 0; n < sizeof(intervals) / sizeof(*intervals); n++)
			for (uint32_t hour = 0; hour < HOURS; hour++)
				live_an_hour(probe_table[i]->name, intervals[n], 77 * hour + 5);
}

/* A row that nobody reads is a row about a metric that has another name now. */
static void
test_rows_are_about_something(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(habits) / sizeof(*habits); i++)
		if (habits[i].type &&
			metric_index(metrics_of_type(habits[i].type), habits[i].metric) < 0)
			fail_msg("%s has no metric %s", habits[i].type, habits[i].metric);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_are_about_something),
		cmocka_unit_test(test_quiet_hours),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

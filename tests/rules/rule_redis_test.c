/* The built-in rules about Redis: what a healthy, busy server trips is nothing, or info. */
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

struct given {
	const char *metric;
	double value;
};

/* Samples half a minute apart in which only these are known; `grows`: added at each. */
struct phase {
	int samples;
	struct given given[4];
	struct given grows;
};

static void
play(const struct phase *phases, size_t count, const char *log)
{
	const struct metric_desc *rows = real_metrics_of_type("redis");
	double grown = 0;
	struct bench b;

	bench_init(&b);
	b.metrics_of_type = real_metrics_of_type;
	bench_check(&b, "x", "redis");
	bench_start(&b, "{}");
	assert_true(metric_count(rows) <= BENCH_VALUES);
	for (size_t p = 0; p < count; p++)
		for (int n = 0; n < phases[p].samples; n++) {
			struct bench_sample sample = { 0 };

			for (size_t i = 0; i < metric_count(rows); i++)
				sample.values[i] = rows[i].kind == METRIC_COUNTER ? 0 : NAN;
			for (size_t i = 0; i < 4 && phases[p].given[i].metric != NULL; i++)
				sample.values[metric_index(rows, phases[p].given[i].metric)] =
					phases[p].given[i].value;
			grown += phases[p].grows.value;
			if (phases[p].grows.metric != NULL)
				sample.values[metric_index(rows, phases[p].grows.metric)] = grown;
			bench_wait(&b, 30);
			bench_feed(&b, "x", sample);
		}
	assert_string_equal(bench_log(&b), log);
	assert_int_equal(b.wrong, 0);
	bench_fini(&b);
}

#define PLAY(log, ...)                                                                             \
	play((const struct phase[]){ __VA_ARGS__ },                                                \
		sizeof((const struct phase[]){ __VA_ARGS__ }) / sizeof(struct phase), log)

/* A cache is full by design; a server that refuses writes is not well. */
static void
a_full_memory(void **state)
{
	(void)state;
	PLAY("", { 40, { { "memory_percent", 100 }, { "evicts", 1 } }, { NULL, 0 } });
	PLAY("", { 40, { { "memory_percent", 84 }, { "evicts", 0 } }, { NULL, 0 } });
	PLAY("fires x.redis-memory warning\nrises x.redis-memory critical\n"
	     "falls x.redis-memory warning\nends x.redis-memory ok\n",
		{ 4, { { "memory_percent", 86 }, { "evicts", 0 } }, { NULL, 0 } },
		{ 4, { { "memory_percent", 96 }, { "evicts", 0 } }, { NULL, 0 } },
		{ 9, { { "memory_percent", 86 }, { "evicts", 0 } }, { NULL, 0 } },
		{ 9, { { "memory_percent", 50 }, { "evicts", 0 } }, { NULL, 0 } });
}

/* Only volatile keys may go, and there are none: full all the same. */
static void
refused_writes_are_critical_whatever_the_policy(void **state)
{
	(void)state;
	PLAY("fires x.redis-memory critical\nends x.redis-memory ok\n",
		{ 4, { { "memory_percent", 99 }, { "evicts", 1 } }, { NULL, 0 } },
		{ 4, { { "memory_percent", 99 }, { "evicts", 1 } }, { "oom_errors_total", 3 } },
		{ 20, { { "memory_percent", 99 }, { "evicts", 1 }, { "oom_errors_total", 12 } },
			{ NULL, 0 } });
}

static void
evictions_and_misses_are_info(void **state)
{
	(void)state;
	PLAY("fires x.redis-evictions info\n",
		{ 30, { { "evicts", 1 }, { "memory_percent", 100 } }, { "evicted_total", 9 } });
	PLAY("", { 60, { { "hit_percent", 81 } }, { NULL, 0 } });
	PLAY("fires x.redis-hit-rate info\n", { 60, { { "hit_percent", 41 } }, { NULL, 0 } });
}

static void
a_failed_save_ends_with_a_good_one(void **state)
{
	(void)state;
	PLAY("fires x.redis-save-failed critical\nends x.redis-save-failed ok\n",
		{ 4, { { "last_save_ok", 1 } }, { NULL, 0 } },
		{ 4, { { "last_save_ok", 0 } }, { NULL, 0 } },
		{ 4, { { "last_save_ok", 1 } }, { NULL, 0 } });
	PLAY("fires x.redis-save-failed critical\n",
		{ 4, { { "last_save_ok", 1 }, { "last_aof_ok", 0 } }, { NULL, 0 } });
}

static void
turned_away_clients(void **state)
{
	(void)state;
	PLAY("fires x.redis-rejected critical\nends x.redis-rejected ok\n",
		{ 4, { { "clients_percent", 50 } }, { NULL, 0 } },
		{ 2, { { "clients_percent", 50 } }, { "rejected_total", 1 } },
		{ 20, { { "clients_percent", 50 }, { "rejected_total", 2 } }, { NULL, 0 } });
}

static void
a_replica_on_its_own(void **state)
{
	(void)state;
	PLAY("fires x.redis-replica-link warning\nrises x.redis-replica-link critical\n"
	     "ends x.redis-replica-link ok\n",
		{ 4, { { "replica_link_up", 1 } }, { NULL, 0 } },
		{ 8, { { "replica_link_up", 0 } }, { NULL, 0 } },
		{ 4, { { "replica_link_up", 1 } }, { NULL, 0 } });
}

/* A backlog that is worked off is nobody's business; one that grows is. */
static void
queues(void **state)
{
	(void)state;
	PLAY("", { 60, { { "longest_queue", 90 } }, { NULL, 0 } });
	PLAY("fires x.queue-growing info\n", { 60, { { "longest_queue", 5000 } }, { NULL, 0 } });
	PLAY("fires x.queue-growing warning\n", { 60, { { NULL, 0 } }, { "longest_queue", 13 } });
	PLAY("fires x.queue-growing info\nrises x.queue-growing critical\n"
	     "falls x.queue-growing info\nends x.queue-growing ok\n",
		{ 20, { { "longest_queue", 800 } }, { NULL, 0 } },
		{ 20, { { NULL, 0 } }, { "longest_queue", 200 } },
		{ 40, { { "longest_queue", 4000 } }, { NULL, 0 } },
		{ 40, { { "longest_queue", 3 } }, { NULL, 0 } });
}

static void
keys_and_databases(void **state)
{
	(void)state;
	PLAY("fires x.redis-big-keys warning\nends x.redis-big-keys ok\n",
		{ 4, { { "big_keys", 2 } }, { NULL, 0 } },
		{ 4, { { "big_keys", 0 } }, { NULL, 0 } });
	PLAY("", { 20, { { "keys", 0 }, { "other_keys", 5 } }, { NULL, 0 } });
	PLAY("fires x.redis-wrong-db info\n",
		{ 80, { { "keys", 0 }, { "other_keys", 5 } }, { NULL, 0 } });
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_memory),
		cmocka_unit_test(refused_writes_are_critical_whatever_the_policy),
		cmocka_unit_test(evictions_and_misses_are_info),
		cmocka_unit_test(a_failed_save_ends_with_a_good_one),
		cmocka_unit_test(turned_away_clients),
		cmocka_unit_test(a_replica_on_its_own),
		cmocka_unit_test(queues),
		cmocka_unit_test(keys_and_databases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* CPU: parsers over texts of several kernels, and the probe on a make-believe host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "probes/cpu_files.h"
#include "tests/help/host_root.h"

static const char stat_one[] = "cpu  1000 100 500 8000 200 50 50 100 700 0\n"
			       "cpu0 500 50 250 4000 100 25 25 50 0 0\n"
			       "cpu1 500 50 250 4000 100 25 25 50 0 0\n"
			       "intr 1 2 3\nctxt 4\ncpufoo 1\n";

static int
set_up(void **state)
{
	struct host *h;

	host_set_up(state);
	h = *state;
	host_put(h, "proc/stat", stat_one);
	host_put(h, "proc/loadavg", "3.00 2.00 1.00 2/345 6789\n");
	host_put(h, "proc/pressure/cpu",
		"some avg10=2.50 avg60=0.20 avg300=0.00 total=5000000\n"
		"full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
	assert_int_equal(bench_configure(&h->bench, "cpu", "{}"), 0);
	return 0;
}

static bool
is_about(double value, double wanted)
{
	return fabs(value - wanted) < 1e-6;
}

static void
reads_ticks(void **state)
{
	struct cpu_ticks t;

	(void)state;
	assert_true(cpu_ticks_parse(&t, stat_one));
	assert_int_equal(t.user, 1000);
	assert_int_equal(t.steal, 100);
	assert_int_equal(cpu_cores_parse(stat_one), 2);
	assert_true(cpu_ticks_parse(&t, "cpu 1 2 3 4\n")); /* of long ago */
	assert_int_equal(t.iowait, 0);
	assert_false(cpu_ticks_parse(&t, "cpu0 1 2 3 4\n"));
	assert_false(cpu_ticks_parse(&t, "cpu x"));
	assert_false(cpu_ticks_parse(&t, ""));
	assert_int_equal(cpu_cores_parse("intr 1\n"), 0);
}

static void
shares_are_of_the_time_between(void **state)
{
	const struct cpu_ticks before = { .user = 100, .idle = 800, .iowait = 100, .steal = 10 };
	struct cpu_ticks after = { .user = 130, .idle = 840, .iowait = 120, .steal = 20 };
	struct cpu_share s = cpu_share_between(&before, &after);

	(void)state;
	assert_true(is_about(s.used_percent, 40)); /* the stolen ten are used, too */
	assert_true(is_about(s.iowait_percent, 20));
	assert_true(is_about(s.steal_percent, 10));
	after.iowait = 90; /* the kernel takes some back: none, not a lot */
	s = cpu_share_between(&before, &after);
	assert_true(is_about(s.iowait_percent, 0));
	assert_true(is_about(s.used_percent, 50));
	assert_true(isnan(cpu_share_between(&after, &before).used_percent));
	assert_true(isnan(cpu_share_between(&before, &before).used_percent));
}

/* An average since boot says nothing: the first run keeps silent about shares. */
static void
measures_between_runs(void **state)
{
	struct host *h = *state;
	struct bench *b = &h->bench;

	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(isnan(bench_value(b, "used_percent")));
	assert_true(isnan(bench_value(b, "iowait_percent")));
	assert_true(isnan(bench_value(b, "steal_percent")));
	assert_true(bench_value(b, "load1") == 3);
	assert_true(bench_value(b, "load15") == 1);
	assert_true(bench_value(b, "load_per_core") == 1.5);
	assert_true(bench_value(b, "cores") == 2);
	assert_true(bench_value(b, "pressure_some_percent") == 2.5);
	loop_advance(b->loop, 10 * USEC_PER_SEC);
	host_put(h, "proc/stat", "cpu  1500 100 600 8200 300 50 50 200 900 0\ncpu0 1 1 1 1\n");
	host_put(h, "proc/pressure/cpu", "some avg10=0 avg60=0 avg300=0 total=6000000\n");
	bench_run(b);
	assert_true(is_about(bench_value(b, "used_percent"), 70));
	assert_true(is_about(bench_value(b, "iowait_percent"), 10));
	assert_true(is_about(bench_value(b, "steal_percent"), 10));
	assert_true(is_about(bench_value(b, "pressure_some_percent"), 10));
	assert_true(bench_value(b, "cores") == 1); /* one was taken offline */
	assert_string_equal(b->sample.text, "70.0 % used, 10.0 % waiting for disks");
}

static void
counters_that_go_back_begin_anew(void **state)
{
	struct host *h = *state;
	struct bench *b = &h->bench;

	bench_run(b);
	loop_advance(b->loop, USEC_PER_SEC);
	host_put(h, "proc/stat", "cpu  10 0 0 10 0 0 0 0\n");
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(isnan(bench_value(b, "used_percent")));
	loop_advance(b->loop, USEC_PER_SEC);
	host_put(h, "proc/stat", "cpu  20 0 0 20 0 0 0 0\n");
	bench_run(b);
	assert_true(is_about(bench_value(b, "used_percent"), 50));
}

static void
what_is_not_there_is_absent(void **state)
{
	struct host *h = *state;
	struct bench *b = &h->bench;

	host_put(h, "proc/loadavg", "high\n");
	host_put(h, "proc/pressure/cpu", "");
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(isnan(bench_value(b, "load1")));
	assert_true(isnan(bench_value(b, "load_per_core")));
	assert_true(isnan(bench_value(b, "pressure_some_percent")));
	host_put(h, "proc/stat", "intr 5\n");
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_ERROR);
	assert_string_equal(bench_cause(b), "self.local");
}

static void
works_on_this_host(void **state)
{
	struct host *h = *state;
	struct bench *b = &h->bench;

	b->env.host_root = "/";
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(bench_value(b, "cores") >= 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, host_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_ticks),
		cmocka_unit_test(shares_are_of_the_time_between),
		T(measures_between_runs),
		T(counters_that_go_back_begin_anew),
		T(what_is_not_there_is_absent),
		T(works_on_this_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

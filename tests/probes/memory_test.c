/* Memory: kernel files as they are written by several kernels, and the probe on a made-up host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/host_file.h"
#include "probes/pressure.h"
#include "tests/help/host_root.h"

static const char meminfo[] = "MemTotal:        8000000 kB\n"
			      "MemFree:          100000 kB\n"
			      "MemAvailable:    2000000 kB\n"
			      "SwapCached:            0 kB\n"
			      "SwapTotal:       1000000 kB\n"
			      "SwapFree:         750000 kB\n";

static const char vmstat[] = "nr_free_pages 25000\noom_kill_other 9\noom_kill 3\n";

static const char pressure[] = "some avg10=1.50 avg60=0.20 avg300=0.00 total=5000000\n"
			       "full avg10=0.50 avg60=0.10 avg300=0.00 total=1000000\n";

/* A tree of files that looks like a host. */
static int
set_up(void **state)
{
	struct host *h;

	host_set_up(state);
	h = *state;
	host_put(h, "proc/meminfo", meminfo);
	host_put(h, "proc/vmstat", vmstat);
	host_put(h, "proc/pressure/memory", pressure);
	assert_int_equal(bench_configure(&h->bench, "memory", "{}"), 0);
	return 0;
}

static void
finds_fields_at_line_starts_only(void **state)
{
	(void)state;
	assert_true(host_field(vmstat, "oom_kill") == 3);
	assert_true(host_field(meminfo, "MemTotal") == 8000000);
	assert_true(isnan(host_field(meminfo, "Mem")));
	assert_true(isnan(host_field(meminfo, "Total")));
	assert_true(isnan(host_field("oom_kill x\n", "oom_kill")));
	assert_true(isnan(host_field("oom_kill", "oom_kill")));
	assert_true(isnan(host_field("", "oom_kill")));
}

static void
reads_pressure(void **state)
{
	struct pressure p;

	(void)state;
	assert_true(pressure_parse(&p, pressure, "full"));
	assert_true(p.avg10_percent == 0.5);
	assert_true(p.total_us == 1000000);
	assert_false(pressure_parse(&p, "some avg10=x\n", "some"));
	assert_false(pressure_parse(&p, "", "some"));
}

static void
measures_the_host(void **state)
{
	struct host *h = *state;
	struct bench *b = &h->bench;

	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(bench_value(b, "used_percent") == 75);
	assert_true(bench_value(b, "available_bytes") == 2000000.0 * 1024);
	assert_true(bench_value(b, "swap_percent") == 25);
	assert_true(bench_value(b, "oom_kills_total") == 3);
	/* the first time: the kernel's own average */
	assert_true(bench_value(b, "pressure_some_percent") == 1.5);
	assert_true(bench_value(b, "pressure_full_percent") == 0.5);
	assert_true(strstr(b->sample.text, "75 % used") != NULL);
}

static void
pressure_is_the_share_between_runs(void **state)
{
	struct host *h = *state;
	struct bench *b = &h->bench;

	bench_run(b);
	loop_advance(b->loop, 10 * USEC_PER_SEC);
	host_put(h, "proc/pressure/memory",
		"some avg10=0.00 avg60=0.20 avg300=0.00 total=7000000\n"
		"full avg10=0.00 avg60=0.10 avg300=0.00 total=900000\n");
	bench_run(b);
	assert_true(fabs(bench_value(b, "pressure_some_percent") - 20) < 1e-6);
	assert_true(
		bench_value(b, "pressure_full_percent") == 0); /* went backwards: its own word */
}

static void
what_is_not_there_is_absent(void **state)
{
	struct host *h = *state;
	struct bench *b = &h->bench;

	host_put(h, "proc/meminfo",
		"MemTotal: 100 kB\nMemAvailable: 50 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n");
	host_put(h, "proc/vmstat", "nr_free_pages 1\n");
	bench_run(b);
	assert_true(bench_value(b, "used_percent") == 50);
	assert_true(isnan(bench_value(b, "swap_percent")));
	assert_true(isnan(bench_value(b, "oom_kills_total")));
}

static void
cannot_tell_without_numbers(void **state)
{
	struct host *h = *state;
	struct bench *b = &h->bench;

	host_put(h, "proc/meminfo", "MemTotal: 100 kB\n");
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_ERROR);
	assert_string_equal(bench_cause(b), "self.local");
	assert_true(isnan(bench_value(b, "used_percent")));
}

/* Time passes for the watch and for everybody. */
static void
pass(struct bench *b, usec_t by_us)
{
	loop_advance(b->loop, by_us);
	loop_turn(b->loop, false);
}

static void
a_kill_asks_for_a_run_and_is_said(void **state)
{
	struct host *h = *state;
	struct bench *b = &h->bench;

	bench_run(b);
	assert_int_equal(b->sample.note_count, 0); /* what was before us is no news */
	pass(b, 10 * USEC_PER_SEC);
	assert_int_equal(b->pokes, 0);
	host_put(h, "proc/vmstat", "oom_kill 5\n");
	pass(b, 2 * USEC_PER_SEC);
	assert_int_equal(b->pokes, 1);
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_int_equal(b->sample.note_count, 1);
	assert_string_equal(b->sample.notes[0].cause->code, "proc.oom");
	assert_non_null(strstr(b->sample.notes[0].text, "2 processes"));
	assert_true(strncmp(bench_fact(b, "last OOM kill"), "seen at 20", 10) == 0);
	pass(b, 10 * USEC_PER_SEC);
	assert_int_equal(b->pokes, 1);
	bench_run(b); /* once is enough; when it was stays to be seen */
	assert_int_equal(b->sample.note_count, 0);
	assert_string_not_equal(bench_fact(b, "last OOM kill"), "");
}

static void
a_kill_while_the_daemon_was_away_is_said(void **state)
{
	struct host *h = *state;
	struct bench *b = &h->bench;

	host_put(h, "proc/sys/kernel/random/boot_id", "one\n");
	bench_run(b);
	bench_restart(b);
	host_put(h, "proc/vmstat", "oom_kill 4\n");
	bench_run(b);
	assert_int_equal(b->sample.note_count, 1);
	assert_non_null(strstr(b->sample.notes[0].text, "1 process "));
	/* another boot: another count */
	bench_restart(b);
	host_put(h, "proc/sys/kernel/random/boot_id", "two\n");
	host_put(h, "proc/vmstat", "oom_kill 9\n");
	bench_run(b);
	assert_int_equal(b->sample.note_count, 0);
}

static void
pressure_asks_for_a_run(void **state)
{
	struct host *h = *state;
	struct bench *b = &h->bench;

	bench_run(b);
	host_put(h, "proc/pressure/memory",
		"some avg10=0.00 avg60=0.20 avg300=0.00 total=9000000\n"
		"full avg10=0.00 avg60=0.10 avg300=0.00 total=1150000\n");
	pass(b, 2 * USEC_PER_SEC);
	assert_int_equal(b->pokes, 0); /* 7 % of the time is no trouble */
	host_put(h, "proc/pressure/memory",
		"some avg10=0.00 avg60=0.20 avg300=0.00 total=9000000\n"
		"full avg10=0.00 avg60=0.10 avg300=0.00 total=1900000\n");
	pass(b, 2 * USEC_PER_SEC);
	assert_int_equal(b->pokes, 1);
}

static void
garbage_is_no_number(void **state)
{
	struct host *h = *state;
	struct bench *b = &h->bench;

	host_put(h, "proc/vmstat", "oom_kill nan\noom_kill 7\n");
	host_put(h, "proc/pressure/memory", "some avg10=inf avg60=0 avg300=0 total=nan\n\n\n");
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(isnan(bench_value(b, "oom_kills_total")));
	assert_true(isnan(bench_value(b, "pressure_some_percent")));
	pass(b, 4 * USEC_PER_SEC);
	assert_int_equal(b->pokes, 0);
}

static void
works_on_this_host(void **state)
{
	struct host *h = *state;
	struct bench *b = &h->bench;

	b->env.host_root = "/";
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(bench_value(b, "used_percent") > 0 && bench_value(b, "used_percent") < 100);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, host_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_fields_at_line_starts_only),
		cmocka_unit_test(reads_pressure),
		T(measures_the_host),
		T(pressure_is_the_share_between_runs),
		T(what_is_not_there_is_absent),
		T(cannot_tell_without_numbers),
		T(a_kill_asks_for_a_run_and_is_said),
		T(a_kill_while_the_daemon_was_away_is_said),
		T(pressure_asks_for_a_run),
		T(garbage_is_no_number),
		T(works_on_this_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

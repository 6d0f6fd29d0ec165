/* Who uses the processors between two looks, and what the processors themselves say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "io/fs.h"
#include "tests/facts/put_process.h"
#include "tests/help/fact_bench.h"

static bool
never(void *arg)
{
	(void)arg;
	return false;
}

static void
furnish(const struct fact_bench *b, unsigned long busy, const char *cpu)
{
	char stat[256];

	snprintf(stat, sizeof(stat), "%s\ncpu0 1 1 1 1\ncpu1 1 1 1 1\nprocs_running 9\n", cpu);
	host_put(b->host, "proc/stat", stat);
	host_put(b->host, "proc/uptime", "1000 1\n");
	put_process(b->host, &(struct made_process){ 1, "init", 5, 1, 100 });
	put_process(b->host, &(struct made_process){ 20, "nginx", 100 + busy / 10, 50, 200 });
	put_process(b->host, &(struct made_process){ 30, "mariadbd", 9000 + busy, 60, 300 });
}

static void
two_looks(void **state)
{
	struct fact_bench *b = *state;

	furnish(b, 0, "cpu 1000 0 0 1000 0 0 0 0 0 0");
	fact_bench_start(b, "top-cpu");
	loop_turn_until(b->probe->loop, never, NULL, 30);
	assert_non_null(b->run);
	/* 400 ms of two processors: 124 of 10 ms by one process */
	furnish(b, 124, "cpu 1066 0 0 1010 4 0 0 0 20 0");
	loop_advance(b->probe->loop, USEC_PER_SEC * 4 / 10);
	fact_bench_await(b);
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_text(b, "first", "mariadbd");
	assert_fact_number(b, "first_pid", 30);
	assert_true(fabs(fact_bench_number(b, "first_percent") - 310) < 1);
	assert_fact_text(b, "second", "nginx");
	assert_fact_number(b, "cpus", 2);
	assert_fact_number(b, "runnable", 9);
	assert_true(fact_bench_number(b, "iowait_percent") > 1);
	assert_non_null(strstr(b->fact.text, "mariadbd (pid 30) 310 %"));
}

static void
an_idle_host(void **state)
{
	struct fact_bench *b = *state;

	furnish(b, 0, "cpu 1000 0 0 1000 0 0 0 0 0 0");
	fact_bench_start(b, "top-cpu");
	loop_turn_until(b->probe->loop, never, NULL, 30);
	furnish(b, 0, "cpu 1000 0 0 1080 0 0 0 0 0 0");
	loop_advance(b->probe->loop, USEC_PER_SEC * 4 / 10);
	fact_bench_await(b);
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_text(b, "first", "");
	assert_fact_number(b, "used_percent", 0);
}

static void
this_host(void **state)
{
	struct fact_bench *b = *state;

	fact_bench_run(b, "top-cpu");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_true(fact_bench_number(b, "cpus") >= 1);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			two_looks, fact_bench_set_up_host, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(
			an_idle_host, fact_bench_set_up_host, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(this_host, fact_bench_set_up, fact_bench_tear_down),
	};

	if (argc == 2 && strcmp(argv[1], FS_HELPER_ARG) == 0)
		return fs_helper_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Where /proc hides other users' processes from us no fact speaks of "the first" or of "none": a
 * cause must not rest on what was not shown.  A listing without the first process of all is how
 * hidepid=2 looks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "io/fs.h"
#include "tests/facts/put_process.h"
#include "tests/help/fact_bench.h"

static void
put_host(const struct fact_bench *b, bool shows_all)
{
	host_put(b->host, "proc/meminfo", "MemTotal: 4000000 kB\nMemAvailable: 400000 kB\n");
	host_put(b->host, "proc/uptime", "1000 1\n");
	host_put(b->host, "proc/stat", "cpu 1 1 1 1 1 1 1 1\ncpu0 1 1 1 1 1 1 1 1\n");
	host_put(b->host, "proc/diskstats", "");
	if (shows_all)
		put_process(b->host, &(struct made_process){ 1, "init", 1, 1, 100 });
	put_process(b->host, &(struct made_process){ 20, "triaged", 1, 50, 20000 });
	host_put(b->host, "proc/20/io", "read_bytes: 1\nwrite_bytes: 1\n");
}

static void
top_memory(void **state)
{
	struct fact_bench *b = *state;

	put_host(b, false);
	fact_bench_run(b, "top-memory");
	assert_int_equal(b->fact.end, FACT_MISSED);
	assert_non_null(strstr(b->fact.text, "ProtectProc="));
	put_host(b, true);
	fact_bench_run(b, "top-memory");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_text(b, "first", "triaged");
}

static void
the_process_of_a_check(void **state)
{
	struct fact_bench *b = *state;

	put_host(b, false);
	fact_bench_check(b, "process", "{name: nginx}");
	fact_bench_run(b, "process");
	assert_int_equal(b->fact.end, FACT_MISSED);
	assert_fact_unknown(b, "present");
	put_host(b, true);
	fact_bench_run(b, "process");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_number(b, "present", 0);
}

static void
deleted_files(void **state)
{
	struct fact_bench *b = *state;

	put_host(b, false);
	fact_bench_run(b, "deleted-files");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_unknown(b, "bytes");
	assert_non_null(strstr(b->fact.text, "shown to us"));
	put_host(b, true);
	fact_bench_run(b, "deleted-files");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_number(b, "bytes", 0);
}

static bool
never(void *arg)
{
	(void)arg;
	return false;
}

/* Two looks, between which the one process that is shown wrote. */
static void
look_twice(struct fact_bench *b)
{
	fact_bench_start(b, "top-io");
	loop_turn_until(b->probe->loop, never, NULL, 30);
	host_put(b->host, "proc/20/io", "read_bytes: 1\nwrite_bytes: 9000000\n");
	loop_advance(b->probe->loop, USEC_PER_SEC / 2);
	fact_bench_await(b);
	assert_int_equal(b->fact.end, FACT_HAD);
}

static void
top_io(void **state)
{
	struct fact_bench *b = *state;

	put_host(b, false);
	look_twice(b);
	assert_fact_text(b, "first", "");
	put_host(b, true);
	host_put(b->host, "proc/1/io", "read_bytes: 1\nwrite_bytes: 1\n");
	look_twice(b);
	assert_fact_text(b, "first", "triaged");
}

#define T(name) cmocka_unit_test_setup_teardown(name, fact_bench_set_up_host, fact_bench_tear_down)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		T(top_memory),
		T(the_process_of_a_check),
		T(deleted_files),
		T(top_io),
	};

	if (argc == 2 && strcmp(argv[1], FS_HELPER_ARG) == 0)
		return fs_helper_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

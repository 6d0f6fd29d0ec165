/* Who reads and writes between two looks, and the busiest disk. */
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
put_io(const struct fact_bench *b, unsigned pid, unsigned long reads, unsigned long writes)
{
	char name[64], text[256];

	snprintf(name, sizeof(name), "proc/%u/io", pid);
	snprintf(text, sizeof(text),
		"rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: %lu\nwrite_bytes: %lu\n"
		"cancelled_write_bytes: 0\n",
		reads, writes);
	host_put(b->host, name, text);
}

static void
put_disks(const struct fact_bench *b, unsigned writes, unsigned write_ms, unsigned busy_ms)
{
	char text[512];

	snprintf(text, sizeof(text),
		"   7       0 loop0 9 0 0 9 9 0 0 9 0 99999 9\n"
		" 254       0 vda 100 0 800 50 %u 0 800 %u 0 %u 90\n"
		" 254       1 vda1 100 0 800 50 %u 0 800 %u 0 %u 90\n"
		" 254      16 vdb 1 0 8 1 1 0 8 1 0 1 1\n",
		writes, write_ms, busy_ms, writes, write_ms, busy_ms);
	host_put(b->host, "proc/diskstats", text);
}

static void
two_looks(void **state)
{
	struct fact_bench *b = *state;

	put_process(b->host, &(struct made_process){ 1, "init", 1, 1, 1 });
	put_io(b, 1, 0, 0);
	put_process(b->host, &(struct made_process){ 20, "redis-server", 1, 1, 1 });
	put_process(b->host, &(struct made_process){ 30, "mariadbd", 1, 1, 1 });
	put_io(b, 20, 0, 900000000);
	put_io(b, 30, 4096, 1000);
	put_disks(b, 100, 1000, 5000);
	fact_bench_start(b, "top-io");
	loop_turn_until(b->probe->loop, never, NULL, 30);
	assert_non_null(b->run);
	put_io(b, 20, 0, 900004096);
	put_io(b, 30, 4096, 20001000);
	put_disks(b, 110, 2800, 5485);
	loop_advance(b->probe->loop, USEC_PER_SEC / 2);
	fact_bench_await(b);
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_text(b, "first", "mariadbd");
	assert_fact_number(b, "first_pid", 30);
	assert_fact_number(b, "write_rate", 40000000);
	assert_fact_number(b, "read_rate", 0);
	assert_fact_text(b, "device", "vda");
	assert_true(fabs(fact_bench_number(b, "util_percent") - 97) < 0.5);
	assert_fact_number(b, "await", 0.18);
	assert_non_null(strstr(b->fact.text, "vda is busy 97 %"));
	assert_non_null(strstr(b->fact.text, "mariadbd (pid 30)"));
}

static void
this_host(void **state)
{
	struct fact_bench *b = *state;

	fact_bench_run(b, "top-io");
	assert_int_equal(b->fact.end, FACT_HAD);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			two_looks, fact_bench_set_up_host, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(this_host, fact_bench_set_up, fact_bench_tear_down),
	};

	if (argc == 2 && strcmp(argv[1], FS_HELPER_ARG) == 0)
		return fs_helper_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

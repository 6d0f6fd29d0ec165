/* Memory, swap and files in memory, from a fixture and from this host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "io/fs.h"
#include "tests/help/fact_bench.h"

static void
a_fixture(void **state)
{
	struct fact_bench *b = *state;

	host_put(b->host, "proc/meminfo",
		"MemTotal: 1000000 kB\nMemFree: 1 kB\nMemAvailable: 100000 kB\nCached: 300000 kB\n"
		"SwapTotal: 2000 kB\nSwapFree: 500 kB\nShmem: 200000 kB\n");
	fact_bench_run(b, "memory");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_number(b, "total_bytes", 1024000000.0F);
	assert_fact_number(b, "available_bytes", 102400000.0F);
	assert_fact_number(b, "used_percent", 90);
	assert_fact_number(b, "swap_percent", 75);
	assert_fact_number(b, "tmpfs_bytes", 204800000.0F);
	assert_fact_number(b, "cache_bytes", 102400000.0F);
	assert_non_null(strstr(b->fact.text, "90 % of"));
	assert_non_null(strstr(b->fact.text, "tmpfs"));
}

static void
without_swap(void **state)
{
	struct fact_bench *b = *state;

	host_put(b->host, "proc/meminfo",
		"MemTotal: 1000 kB\nMemAvailable: 900 kB\nSwapTotal: 0 kB\n");
	fact_bench_run(b, "memory");
	assert_fact_unknown(b, "swap_percent");
	assert_fact_unknown(b, "tmpfs_bytes");
	assert_non_null(strstr(b->fact.text, "there is no swap"));
}

static void
nonsense(void **state)
{
	struct fact_bench *b = *state;

	host_put(b->host, "proc/meminfo", "what\n");
	fact_bench_run(b, "memory");
	assert_int_equal(b->fact.end, FACT_MISSED);
}

static void
this_host(void **state)
{
	struct fact_bench *b = *state;

	fact_bench_run(b, "memory");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_true(fact_bench_number(b, "available_bytes") < fact_bench_number(b, "total_bytes"));
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_fixture, fact_bench_set_up_host, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(
			without_swap, fact_bench_set_up_host, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(
			nonsense, fact_bench_set_up_host, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(this_host, fact_bench_set_up, fact_bench_tear_down),
	};

	if (argc == 2 && strcmp(argv[1], FS_HELPER_ARG) == 0)
		return fs_helper_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

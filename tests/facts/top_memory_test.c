/* Who holds the memory: order, share, growth against an earlier look, families of workers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "io/fs.h"
#include "tests/facts/put_process.h"
#include "tests/help/fact_bench.h"

static void
furnish(const struct fact_bench *b, unsigned long backend_pages)
{
	host_put(b->host, "proc/meminfo", "MemTotal: 4000000 kB\nMemAvailable: 400000 kB\n");
	host_put(b->host, "proc/uptime", "1000 1\n");
	put_process(b->host, &(struct made_process){ 1, "init", 1, 1, 100 });
	put_process(b->host, &(struct made_process){ 20, "redis-server", 1, 50, 20000 });
	put_process(b->host, &(struct made_process){ 30, "kpi_backend", 1, 60, backend_pages });
}

static void
the_largest_comes_first(void **state)
{
	struct fact_bench *b = *state;

	furnish(b, 400000);
	fact_bench_run(b, "top-memory");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_text(b, "first", "kpi_backend");
	assert_fact_number(b, "first_pid", 30);
	assert_true(
		fact_bench_number(b, "first_bytes") == 400000.0 * (double)sysconf(_SC_PAGESIZE));
	assert_true(fabs(fact_bench_number(b, "first_percent") - 40) < 1);
	assert_fact_unknown(b, "growth_bytes");
	assert_fact_text(b, "grower", "");
	assert_non_null(strstr(b->fact.text, "kpi_backend (pid 30)"));
	assert_non_null(strstr(b->fact.text, "not known yet"));
}

static void
growth_needs_two_looks(void **state)
{
	struct fact_bench *b = *state;
	double page = (double)sysconf(_SC_PAGESIZE);

	furnish(b, 100000);
	fact_bench_run(b, "top-memory");
	loop_advance(b->probe->loop, 10 * USEC_PER_MIN);
	furnish(b, 130000);
	fact_bench_run(b, "top-memory");
	assert_true(fabs(fact_bench_number(b, "growth_bytes") - 180000 * page) < page);
	assert_fact_text(b, "grower", "kpi_backend");
	assert_fact_number(b, "grower_pid", 30);
	assert_null(strstr(b->fact.text, "not known yet"));
	assert_non_null(strstr(b->fact.text, "an hour"));
	/* against the oldest of the hour, not the last */
	loop_advance(b->probe->loop, 10 * USEC_PER_MIN);
	furnish(b, 140000);
	fact_bench_run(b, "top-memory");
	assert_true(fabs(fact_bench_number(b, "growth_bytes") - 120000 * page) < page);
}

static void
another_process_of_that_number(void **state)
{
	struct fact_bench *b = *state;

	furnish(b, 100000);
	fact_bench_run(b, "top-memory");
	loop_advance(b->probe->loop, 10 * USEC_PER_MIN);
	furnish(b, 100000);
	put_process(b->host, &(struct made_process){ 30, "kpi_backend", 1, 999, 130000 });
	fact_bench_run(b, "top-memory");
	assert_fact_unknown(b, "growth_bytes");
}

static void
workers_of_one_program(void **state)
{
	struct fact_bench *b = *state;

	furnish(b, 30000);
	for (unsigned pid = 40; pid < 48; pid++)
		put_process(b->host, &(struct made_process){ pid, "celery", 1, pid, 25000 });
	fact_bench_run(b, "top-memory");
	assert_fact_text(b, "first", "kpi_backend");
	assert_non_null(strstr(b->fact.text, "8 processes celery"));
}

static void
this_host(void **state)
{
	struct fact_bench *b = *state;

	fact_bench_run(b, "top-memory");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_true(fact_bench_number(b, "first_bytes") > 0);
	assert_true(fact_bench_number(b, "first_percent") <= 100);
}

#define HOST(test)                                                                                 \
	cmocka_unit_test_setup_teardown(test, fact_bench_set_up_host, fact_bench_tear_down)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		HOST(the_largest_comes_first),
		HOST(growth_needs_two_looks),
		HOST(another_process_of_that_number),
		HOST(workers_of_one_program),
		cmocka_unit_test_setup_teardown(this_host, fact_bench_set_up, fact_bench_tear_down),
	};

	if (argc == 2 && strcmp(argv[1], FS_HELPER_ARG) == 0)
		return fs_helper_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What keeps the clock: kernel, service, and the offset of a clock check. */
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

static void
a_service_runs(void **state)
{
	struct fact_bench *b = *state;

	host_put(b->host, "proc/uptime", "10 1\n");
	put_process(b->host, &(struct made_process){ 1, "init", 1, 1, 1 });
	put_process(b->host, &(struct made_process){ 70, "chronyd", 1, 1, 1 });
	fact_bench_run(b, "clock");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_text(b, "service", "chronyd");
	assert_fact_number(b, "service_active", 1);
	assert_fact_unknown(b, "offset_time");
}

static void
none_runs(void **state)
{
	struct fact_bench *b = *state;

	host_put(b->host, "proc/uptime", "10 1\n");
	put_process(b->host, &(struct made_process){ 1, "init", 1, 1, 1 });
	fact_bench_run(b, "clock");
	assert_fact_number(b, "service_active", 0);
	assert_non_null(strstr(b->fact.text, "no time service runs here"));
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_service_runs, fact_bench_set_up_host, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(
			none_runs, fact_bench_set_up_host, fact_bench_tear_down),
	};

	if (argc == 2 && strcmp(argv[1], FS_HELPER_ARG) == 0)
		return fs_helper_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

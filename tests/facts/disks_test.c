/* All file systems at once: the fullest is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "io/fs.h"
#include "tests/help/fact_bench.h"

static void
this_host(void **state)
{
	struct fact_bench *b = *state;

	fact_bench_run(b, "disks");
	assert_true(b->fact.end == FACT_HAD || b->fact.end == FACT_NONE);
	if (b->fact.end == FACT_NONE || fact_bench_text(b, "worst_mount")[0] == '\0')
		return; /* a machine of nothing but overlays */
	assert_true(fact_bench_number(b, "worst_percent") <= 100);
	assert_non_null(strstr(b->fact.text, fact_bench_text(b, "worst_mount")));
}

static void
no_mount_there(void **state)
{
	struct fact_bench *b = *state;

	fact_bench_run(b, "disks");
	assert_true(b->fact.end == FACT_MISSED || b->fact.end == FACT_NONE);
	assert_true(strlen(b->fact.text) > 0);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			no_mount_there, fact_bench_set_up_host, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(this_host, fact_bench_set_up, fact_bench_tear_down),
	};

	if (argc == 2 && strcmp(argv[1], FS_HELPER_ARG) == 0)
		return fs_helper_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

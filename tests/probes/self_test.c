/* The daemon's own numbers are metrics, by the names and units of base/stat.def. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/stat.h"
#include "tests/help/probe_bench.h"

static void
mirrors_every_stat(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, BENCH_FAKE);
	assert_int_equal(bench_configure(&b, "self", "{}"), 0);
	for (int i = 0; i < STAT_COUNT; i++)
		stats_set(&b.stats, (enum stat_id)i, 100 + i);
	bench_run(&b);
	assert_int_equal(b.sample.outcome, OUTCOME_OK);
	for (int i = 0; i < STAT_COUNT; i++) {
		const struct stat_desc *d = stat_desc((enum stat_id)i);
		int at = metric_index(b.type->metrics, d->name);

		assert_true(at > 0);
		assert_true(b.sample.values[at] == 100 + i);
		assert_int_equal(
			b.type->metrics[at].kind == METRIC_COUNTER, d->kind == STAT_COUNTER);
		assert_int_equal(b.type->metrics[at].unit, strcmp(d->unit, "s") == 0  ? UNIT_SECONDS
							   : strcmp(d->unit, "") == 0 ? UNIT_NONE
										      : UNIT_BYTES);
	}
	bench_close(&b);
}

static void
measures_this_process(void **state)
{
	struct bench b;
	double fds;

	(void)state;
	bench_open(&b, BENCH_FAKE);
	assert_int_equal(bench_configure(&b, "self", "{}"), 0);
	bench_run(&b);
	assert_true(bench_value(&b, "rss_bytes") > 100000);
	fds = bench_value(&b, "fds");
	assert_true(fds >= 3 && fds < 200);
	assert_true(bench_value(&b, "fds_percent") > 0);
	bench_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mirrors_every_stat),
		cmocka_unit_test(measures_this_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

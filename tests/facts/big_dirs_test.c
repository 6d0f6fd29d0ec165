/* Which folder holds the bytes, what kind it is, which one grows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "io/fs.h"
#include "tests/facts/own_disk.h"

static void
the_folder_that_explains(void **state)
{
	struct disk d;

	if (!make_disk(&d, *state))
		skip();
	/* one branch down to where many share it */
	put_file(&d, "lib/mysql/mysql-bin.000012", 4 << 20);
	put_file(&d, "lib/mysql/mysql-bin.000013", 4 << 20);
	put_file(&d, "lib/mysql/shop/orders.ibd", 1 << 20);
	put_file(&d, "log/nginx/access.log", 2 << 20);
	put_file(&d, "small", 4096);
	fact_bench_run(d.bench, "big-dirs");
	assert_int_equal(d.bench->fact.end, FACT_HAD);
	assert_named(&d, "first", "lib/mysql");
	assert_named(&d, "second", "log/nginx");
	assert_true(fabs(fact_bench_number(d.bench, "first_bytes") - (9 << 20)) < 16384);
	assert_fact_text(d.bench, "kind", "binlog");
	assert_fact_text(d.bench, "growing", "");
	assert_fact_unknown(d.bench, "growth_rate");
	assert_non_null(strstr(d.bench->fact.text, "not known yet"));
	drop_disk(&d);
}

static void
the_one_that_grows(void **state)
{
	struct disk d;

	if (!make_disk(&d, *state))
		skip();
	put_file(&d, "db/postgresql/base", 6 << 20);
	put_file(&d, "exports/2024/a.csv", 1 << 20);
	fact_bench_run(d.bench, "big-dirs");
	assert_fact_text(d.bench, "kind", "database");
	d.bench->probe->clock.is_fake = true; /* later, without waiting */
	d.bench->probe->clock.fake_mono_us = USEC_PER_DAY;
	d.bench->probe->clock.fake_wall_us = INT64_C(1700000000) * USEC_PER_SEC;
	fact_bench_forget(d.bench);
	fact_bench_run(d.bench, "big-dirs");
	loop_advance(d.bench->probe->loop, 10 * USEC_PER_SEC);
	put_file(&d, "exports/2024/b.csv", 2 << 20);
	fact_bench_run(d.bench, "big-dirs");
	assert_named(&d, "growing", "exports/2024");
	assert_true(fabs(fact_bench_number(d.bench, "growth_rate") - (2 << 20) / 10.0) < 4096);
	assert_named(&d, "first", "db/postgresql");
	assert_fact_text(d.bench, "kind", "export");
	drop_disk(&d);
}

static void
many_small_ones_are_their_folder(void **state)
{
	struct disk d;
	char name[64];

	if (!make_disk(&d, *state))
		skip();
	for (unsigned i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "sessions/%u/s", i);
		put_file(&d, name, 4096);
	}
	fact_bench_run(d.bench, "big-dirs");
	assert_named(&d, "first", "sessions");
	assert_fact_text(d.bench, "kind", "");
	drop_disk(&d);
}

#define OWN(test) cmocka_unit_test_setup_teardown(test, fact_bench_set_up, fact_bench_tear_down)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		OWN(the_folder_that_explains),
		OWN(the_one_that_grows),
		OWN(many_small_ones_are_their_folder),
	};

	if (argc == 2 && strcmp(argv[1], FS_HELPER_ARG) == 0)
		return fs_helper_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

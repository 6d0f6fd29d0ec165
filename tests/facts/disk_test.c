/* The file system that a check stands on, and the one above what is not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/fs.h"
#include "probes/facts/ground.h"
#include "tests/help/fact_bench.h"

static void
the_root(void **state)
{
	struct fact_bench *b = *state;

	fact_bench_run(b, "disk");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_text(b, "mount", "/");
	assert_true(fact_bench_number(b, "total_bytes") > 0);
	assert_true(fact_bench_number(b, "used_percent") <= 100);
	assert_fact_number(b, "read_only", 0);
}

static void
what_is_not_there(void **state)
{
	struct fact_bench *b = *state;

	fact_bench_reveal(b, &(struct revealed){ .path = "/nowhere/at/all" });
	fact_bench_run(b, "disk");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_text(b, "mount", "/");
}

static void
a_full_one(void **state)
{
	struct fact_bench *b = *state;
	char folder[] = "/tmp/triaged-disk-XXXXXX", path[128];

	assert_non_null(mkdtemp(folder));
	if (mount("none", folder, "tmpfs", 0, "size=1m,nr_inodes=3") != 0) {
		assert_true(errno == EPERM || errno == EACCES);
		rmdir(folder);
		skip();
	}
	fact_bench_reveal(b, &(struct revealed){ .path = folder });
	fact_bench_run(b, "disk");
	assert_fact_text(b, "mount", folder);
	assert_fact_text(b, "fstype", "tmpfs");
	assert_fact_number(b, "total_bytes", 1048576);
	assert_fact_number(b, "full", 0);
	assert_fact_number(b, "inodes_full", 0);
	snprintf(path, sizeof(path), "%s/a", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/b", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	fact_bench_run(b, "disk");
	assert_fact_number(b, "inodes_full", 1);
	fact_bench_run(b, "disks");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_true(fact_bench_number(b, "full_count") >= 1);
	umount(folder);
	rmdir(folder);
}

static void
when_it_is_full(void **state)
{
	struct fs_result room = { .block_size = 4096, .blocks = 1 << 20, .blocks_free = 1000 };

	(void)state;
	assert_true(ground_is_full(&room)); /* reserved blocks are nobody's */
	assert_true(ground_used_percent(&room) == 100);
	room.blocks_avail = 1 << 14; /* 64 MiB of 4 GiB */
	assert_false(ground_is_full(&room));
	room.blocks_avail--;
	assert_true(ground_is_full(&room));
	room.blocks = 1 << 16; /* of 256 MiB it is a quarter */
	assert_false(ground_is_full(&room));
	room.blocks = 0;
	assert_false(ground_is_full(&room));
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_root, fact_bench_set_up, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(
			what_is_not_there, fact_bench_set_up, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(
			a_full_one, fact_bench_set_up, fact_bench_tear_down),
		cmocka_unit_test(when_it_is_full),
	};

	if (argc == 2 && strcmp(argv[1], FS_HELPER_ARG) == 0)
		return fs_helper_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

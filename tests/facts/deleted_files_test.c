/* A deleted file that is held open takes its room, and its holder is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>

#include "io/fs.h"
#include "tests/facts/own_disk.h"

static void
held_although_deleted(void **state)
{
	struct disk d;
	char path[256];
	int fd;

	if (!make_disk(&d, *state))
		skip();
	put_file(&d, "log/app.log", 3 << 20);
	snprintf(path, sizeof(path), "%s/log/app.log", d.folder);
	fd = open(path, O_RDONLY);
	unlink(path);
	fact_bench_run(d.bench, "deleted-files");
	assert_int_equal(d.bench->fact.end, FACT_HAD);
	assert_fact_number(d.bench, "count", 1);
	assert_fact_number(d.bench, "bytes", 3145728);
	assert_named(&d, "first", "log/app.log");
	assert_fact_number(d.bench, "first_pid", getpid());
	assert_non_null(strstr(d.bench->fact.text, "held by"));
	close(fd);
	fact_bench_run(d.bench, "deleted-files");
	assert_fact_number(d.bench, "count", 0);
	drop_disk(&d);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			held_although_deleted, fact_bench_set_up, fact_bench_tear_down),
	};

	if (argc == 2 && strcmp(argv[1], FS_HELPER_ARG) == 0)
		return fs_helper_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

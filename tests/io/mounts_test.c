/* mountinfo as kernels write it: escapes, tags, binds, host_root, and lines that make no sense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/mounts.h"

static const char table[] =
	"22 27 0:21 / /proc rw,relatime - proc proc rw\n"
	"27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard\n"
	"40 27 8:1 / /mnt/my\\040disk rw,noatime shared:7 master:3 - xfs /dev/sda1 ro,attr2\n"
	"41 27 254:0 /srv /bind ro,relatime - ext4 /dev/vda rw,discard\n"
	"42 27 0:50 / /mnt/nfs rw - nfs4 server:/export rw,addr=10.0.0.1\n"
	"nonsense\n"
	"45 27 8:1 / dev rw - xfs /dev/sdc rw\n"
	"43 27 8:x / /bad rw - ext4 /dev/sdb rw\n"
	"44 27 0:51 / /mnt/nfs rw - tmpfs  rw\n";

static void
parses_every_field(void **state)
{
	struct mounts m;
	struct err e;

	(void)state;
	assert_int_equal(mounts_parse(&m, table, "/", &e), 0);
	assert_int_equal(m.count, 6);
	assert_string_equal(m.all[2].path, "/mnt/my disk");
	assert_string_equal(m.all[2].type, "xfs");
	assert_string_equal(m.all[2].source, "/dev/sda1");
	assert_int_equal(m.all[2].major, 8);
	assert_int_equal(m.all[2].minor, 1);
	assert_true(m.all[2].is_read_only_super);
	assert_true(m.all[2].is_bind_root);
	/* a read-only bind is not a read-only file system */
	assert_false(m.all[3].is_read_only_super);
	assert_false(m.all[3].is_bind_root);
	assert_string_equal(m.all[5].source, "");
	mounts_fini(&m);
	assert_int_equal(m.count, 0);
}

static void
finds_the_longest_prefix(void **state)
{
	struct mounts m;

	(void)state;
	assert_int_equal(mounts_parse(&m, table, "/", NULL), 0);
	assert_string_equal(mounts_of(&m, "/")->path, "/");
	assert_string_equal(mounts_of(&m, "/home/x")->path, "/");
	assert_string_equal(mounts_of(&m, "/mnt/my disk")->path, "/mnt/my disk");
	assert_string_equal(mounts_of(&m, "/mnt/my disk/a")->path, "/mnt/my disk");
	assert_string_equal(mounts_of(&m, "/mnt/my disks")->path, "/");
	assert_string_equal(mounts_of(&m, "/bind")->path, "/bind");
	/* mounted over: the later one is what is seen */
	assert_string_equal(mounts_of(&m, "/mnt/nfs/x")->type, "tmpfs");
	mounts_fini(&m);
}

static void
takes_the_host_root_off(void **state)
{
	static const char host[] = "1 0 0:9 / / rw - overlay overlay rw\n"
				   "2 1 8:1 / /host rw - ext4 /dev/sda1 rw\n"
				   "3 1 8:2 / /host/var rw - ext4 /dev/sda2 rw\n"
				   "4 1 8:3 / /hostile rw - ext4 /dev/sda3 rw\n";
	struct mounts m;

	(void)state;
	assert_int_equal(mounts_parse(&m, host, "/host", NULL), 0);
	assert_int_equal(m.count, 2);
	assert_string_equal(m.all[0].path, "/");
	assert_string_equal(m.all[1].path, "/var");
	mounts_fini(&m);
	assert_int_equal(mounts_parse(&m, host, "/host/", NULL), 0);
	assert_int_equal(m.count, 2);
	mounts_fini(&m);
}

static void
nothing_found_is_an_error(void **state)
{
	struct mounts m = { .count = 77 };
	struct err e;

	(void)state;
	assert_int_equal(mounts_parse(&m, "", "/", &e), -1);
	assert_int_equal(mounts_parse(&m, table, "/elsewhere", &e), -1);
	assert_int_equal(m.count, 77); /* untouched */
}

static void
reads_this_hosts_table(void **state)
{
	struct mounts m;
	struct err e;

	(void)state;
	assert_int_equal(mounts_read(&m, "/", &e), 0);
	assert_non_null(mounts_of(&m, "/proc/self"));
	assert_string_equal(mounts_of(&m, "/proc/self")->type, "proc");
	mounts_fini(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_every_field),
		cmocka_unit_test(finds_the_longest_prefix),
		cmocka_unit_test(takes_the_host_root_off),
		cmocka_unit_test(nothing_found_is_an_error),
		cmocka_unit_test(reads_this_hosts_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Disks: which mounts are looked at, what the numbers mean, and the probe with real helpers (this
 * program is its own).  A helper stopped by a signal stands in for a mount that hangs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/fs.h"
#include "probes/disk_select.h"
#include "probes/diskstats.h"
#include "probes/fs_cause.h"
#include "tests/help/probe_bench.h"

/* --- which mounts --- */

static const char table[] = "1 0 254:1 / / rw - ext4 /dev/vda1 rw\n"
			    "2 1 0:21 / /proc rw - proc proc rw\n"
			    "3 1 0:30 / /run rw - tmpfs tmpfs rw\n"
			    "4 1 254:2 /sub /a rw - xfs /dev/vda2 rw\n"
			    "5 1 254:2 / /var/lib/data rw - xfs /dev/vda2 rw\n"
			    "6 1 254:2 / /srv/data rw - xfs /dev/vda2 rw\n"
			    "7 1 0:40 / /mnt/nfs rw - nfs4 s:/x rw\n"
			    "8 1 0:41 / /mnt/ssh rw - fuse.sshfs u@h: rw\n"
			    "9 1 254:1 /etc/h /etc/hosts rw - ext4 /dev/vda1 rw\n"
			    "10 1 7:1 / /snap/x ro - squashfs /dev/loop1 ro\n"
			    "11 1 254:3 / /covered rw - ext4 /dev/vda3 rw\n"
			    "12 11 0:50 / /covered rw - tmpfs tmpfs rw\n"
			    "13 1 0:60 /@ /btr rw - btrfs /dev/vdb rw\n"
			    "14 1 0:60 /@home /btr/home rw - btrfs /dev/vdb rw\n";

static void
on_mount(void *arg, const struct mount *mount)
{
	char *found = arg;

	strcat(found, mount->path);
	strcat(found, " ");
}

static void
assert_chosen(struct conf_strings include, struct conf_strings exclude, const char *wanted)
{
	char found[512] = "";
	struct mounts m;

	assert_int_equal(mounts_parse(&m, table, "/", NULL), 0);
	disk_select(&m, &include, &exclude, on_mount, found);
	assert_string_equal(found, wanted);
	mounts_fini(&m);
}

static void
on_hidden(void *arg, const struct mount *mount, const struct veil *veil)
{
	on_mount(arg, mount);
	assert_int_equal(veil->kind, VEIL_HIDDEN);
}

/* A disk at /home, and one below it, under ProtectHome=yes; the one at /old was covered by its
 * host. */
static void
tells_what_the_unit_hides(void **state)
{
	static const char unit[] =
		"1 0 254:1 / / ro shared:1 master:2 - ext4 /dev/vda1 rw\n"
		"2 1 254:2 / /home ro master:3 - xfs /dev/vda2 rw\n"
		"3 2 254:3 / /home/data ro master:4 - xfs /dev/vda3 rw\n"
		"4 2 0:22 /systemd/inaccessible/dir /home ro master:5 - tmpfs tmpfs rw\n"
		"5 1 254:4 / /old ro master:6 - xfs /dev/vda4 rw\n"
		"6 5 254:5 / /old ro master:7 - xfs /dev/vda5 rw\n";
	const struct conf_strings none = { NULL, 0 };
	char found[256] = "", hidden[256] = "";
	struct mounts m;

	(void)state;
	assert_int_equal(mounts_parse(&m, unit, "/", NULL), 0);
	disk_select(&m, &none, &none, on_mount, found);
	disk_select_hidden(&m, "/", on_hidden, hidden);
	mounts_fini(&m);
	assert_string_equal(found, "/ /old ");
	assert_string_equal(hidden, "/home /home/data ");
}

static void
chooses_each_file_system_once(void **state)
{
	char srv[] = "/srv*", mnt[] = "/mnt/*";
	char *globs[] = { srv, mnt };
	const struct conf_strings none = { NULL, 0 }, some = { globs, 2 };

	(void)state;
	assert_chosen(none, none, "/ /srv/data /mnt/nfs /btr ");
	assert_chosen(some, none, "/srv/data /mnt/nfs ");
	assert_chosen(none, some, "/ /var/lib/data /btr ");
	assert_chosen(some, some, "");
}

/* --- numbers --- */

static void
reads_one_device(void **state)
{
	static const char text[] =
		"   7       0 loop0 1 0 2 3 0 0 0 0 0 4 5 0 0 0 0 0 0\n"
		" 254       1 vda1 1000 5 8000 2000 500 6 4000 9000 2 7000 11000 0 0 0 0 9 9\n";
	struct diskstats s;

	(void)state;
	assert_true(diskstats_parse(&s, text, 254, 1));
	assert_int_equal(s.reads, 1000);
	assert_int_equal(s.read_ms, 2000);
	assert_int_equal(s.writes, 500);
	assert_int_equal(s.write_ms, 9000);
	assert_int_equal(s.busy_ms, 7000);
	assert_false(diskstats_parse(&s, text, 254, 2));
	assert_false(diskstats_parse(&s, "", 254, 2));
}

static void
reckons_between_two_looks(void **state)
{
	const struct diskstats before = { 100, 1000, 10, 500, 2000, 3000 };
	struct diskstats after = { 110, 1050, 10, 500, 7000, 33000 };
	struct disk_io io = diskstats_between(&before, &after, 10 * USEC_PER_SEC);

	(void)state;
	assert_true(fabs(io.util_percent - 50) < 1e-9);
	assert_true(fabs(io.read_time_s - 0.005) < 1e-9);
	assert_true(isnan(io.write_time_s)); /* nothing was written */
	assert_true(fabs(io.await_s - 0.005) < 1e-9);
	assert_true(fabs(io.queue - 3) < 1e-9);
	after.busy_ms = 200000;
	assert_true(diskstats_between(&before, &after, USEC_PER_SEC).util_percent == 100);
	after.busy_ms = 0; /* the device was replaced */
	assert_true(isnan(diskstats_between(&before, &after, USEC_PER_SEC).util_percent));
	assert_true(isnan(diskstats_between(&before, &before, 0).util_percent));
}

static void
every_errno_has_a_cause(void **state)
{
	(void)state;
	for (int error = 0; error < 140; error++)
		assert_non_null(cause_find(fs_cause(error)));
}

/* --- the probe --- */

static int
tear_down(void **state)
{
	struct bench *b = *state;

	bench_close(b);
	while (waitpid(-1, NULL, 0) > 0)
		; /* helpers, all of them killed */
	free(b);
	return 0;
}

/* In a bare chroot nothing says what is mounted at its root. */
static bool
is_root_mounted(void)
{
	struct mounts mounts;
	bool is_there = false;

	if (mounts_read(&mounts, "/", NULL) < 0)
		return false;
	for (size_t n = 0; n < mounts.count; n++)
		is_there |= strcmp(mounts.all[n].path, "/") == 0;
	mounts_fini(&mounts);
	return is_there;
}

static void
measures_a_path(void **state)
{
	struct bench *b = *state;

	if (!is_root_mounted())
		skip();
	assert_int_equal(bench_configure(b, "disk", "path: /"), 0);
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(bench_value(b, "used_percent") > 0 && bench_value(b, "used_percent") <= 100);
	assert_true(bench_value(b, "total_bytes") > bench_value(b, "free_bytes"));
	assert_true(bench_value(b, "read_only") == 0);
	assert_true(isnan(bench_value(b, "count")));
	assert_true(isnan(bench_value(b, "io_util_percent"))); /* nothing to compare with yet */
	assert_true(strstr(bench_fact(b, "mount"), " on /") != NULL);
	assert_null(b->sample.children);
}

static void
a_missing_path_fails(void **state)
{
	struct bench *b = *state;

	assert_int_equal(bench_configure(b, "disk", "path: /no/such/folder"), 0);
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_FAIL);
	assert_string_equal(bench_cause(b), "fs.noent");
	assert_non_null(strstr(b->sample.text, "/no/such/folder"));
}

static void
looks_below_the_host_root(void **state)
{
	struct bench *b = *state;
	char root[] = "/tmp/triaged-disk-XXXXXX", inside[64], etc[64];

	assert_non_null(mkdtemp(root));
	snprintf(inside, sizeof(inside), "%s/data", root);
	snprintf(etc, sizeof(etc), "%s/etc", root);
	assert_int_equal(mkdir(etc, 0755), 0);
	assert_int_equal(mkdir(inside, 0755), 0);
	b->env.host_root = root;
	assert_int_equal(bench_configure(b, "disk", "path: /data"), 0);
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	rmdir(inside);
	bench_run(b);
	assert_string_equal(bench_cause(b), "fs.noent");
	/* an empty folder is no host: its volume is missing */
	rmdir(etc);
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_ERROR);
	assert_non_null(strstr(b->sample.text, "volume"));
	rmdir(root);
}

static void
proves_that_it_can_be_written(void **state)
{
	struct bench *b = *state;
	char dir[] = "/tmp/triaged-disk-XXXXXX", yaml[128];

	assert_non_null(mkdtemp(dir));
	snprintf(yaml, sizeof(yaml), "path: %s\nwrite_test: true\n", dir);
	assert_int_equal(bench_configure(b, "disk", yaml), 0);
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_int_equal(rmdir(dir), 0); /* nothing was left */
	assert_int_equal(bench_configure(b, "disk", "path: /proc/self\nwrite_test: true\n"), 0);
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_FAIL);
	assert_non_null(strstr(b->sample.text, "a write test on /proc/self"));
}

static void
all_finds_children(void **state)
{
	struct bench *b = *state;
	bool has_root = false;

	assert_int_equal(bench_configure(b, "disk", "all: true"), 0);
	assert_true(b->type->is_parent(b->conf));
	bench_run(b);
	if (b->sample.outcome == OUTCOME_ERROR)
		skip(); /* a container without a disk of its own */
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_non_null(b->sample.children);
	assert_true(bench_value(b, "count") == (double)b->sample.child_count);
	for (size_t i = 0; i < b->sample.child_count; i++) {
		has_root |= strcmp(b->sample.children[i], "/") == 0;
		assert_int_not_equal(strncmp(b->sample.children[i], "/proc", 5), 0);
	}
	if (!has_root)
		return; /* a container without a disk of its own */
	bench_run_child(b, "/");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(bench_value(b, "used_percent") > 0);
}

static void
finding_nothing_cannot_tell(void **state)
{
	struct bench *b = *state;

	assert_int_equal(bench_configure(b, "disk", "{ all: true, exclude: ['*'] }"), 0);
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_ERROR);
	assert_string_equal(bench_cause(b), "self.local");
	assert_non_null(strstr(b->sample.text, "no file system to watch was found: "));
	assert_non_null(strstr(b->sample.text, "`exclude`"));
	assert_int_equal(b->sample.child_count, 0);
	assert_true(bench_value(b, "count") == 0);
}

static void
freeze_helpers(void)
{
	char path[64];
	FILE *file;
	pid_t pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	file = fopen(path, "r");
	assert_non_null(file);
	while (fscanf(file, "%d", &pid) == 1)
		assert_int_equal(kill(pid, SIGSTOP), 0);
	fclose(file);
}

static void
a_hung_mount_is_a_finding(void **state)
{
	struct bench *b = *state;

	assert_int_equal(bench_configure(b, "disk", "path: /tmp"), 0);
	bench_run(b);
	freeze_helpers();
	bench_start(b, NULL);
	loop_advance(b->loop, b->timeout_us);
	bench_await(b);
	assert_int_equal(b->sample.outcome, OUTCOME_FAIL);
	assert_string_equal(bench_cause(b), "fs.hung");
	assert_non_null(strstr(b->sample.text, "/tmp"));
	assert_true(isnan(bench_value(b, "used_percent")));
	/* the next run is told at once, and for how long already */
	bench_run(b);
	assert_string_equal(bench_cause(b), "fs.hung");
	assert_non_null(strstr(b->sample.text, "has not answered for 10"));
}

static void
complains_about_settings(void **state)
{
	static const struct {
		const char *yaml, *words;
	} cases[] = {
		{ "{}", "path" },
		{ "{ path: /, all: true }", "exclude each other" },
		{ "{ path: /, include: [x] }", "go with" },
		{ "{ path: relative }", "path" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (bench_configure(b, "disk", cases[i].yaml) == 0)
			fail_msg("accepted: %s", cases[i].yaml);
		if (strstr(b->complaint, cases[i].words) == NULL)
			fail_msg("%s: %s", cases[i].yaml, b->complaint);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, bench_set_up_fake, tear_down)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chooses_each_file_system_once),
		cmocka_unit_test(tells_what_the_unit_hides),
		cmocka_unit_test(reads_one_device),
		cmocka_unit_test(reckons_between_two_looks),
		cmocka_unit_test(every_errno_has_a_cause),
		T(measures_a_path),
		T(a_missing_path_fails),
		T(looks_below_the_host_root),
		T(proves_that_it_can_be_written),
		T(all_finds_children),
		T(finding_nothing_cannot_tell),
		T(a_hung_mount_is_a_finding),
		T(complains_about_settings),
	};

	if (argc > 1 && strcmp(argv[1], FS_HELPER_ARG) == 0)
		return fs_helper_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

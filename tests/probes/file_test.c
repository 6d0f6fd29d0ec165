/* Files as they should be, and each way in which they are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "io/fs.h"
#include "tests/help/probe_bench.h"

struct scene {
	struct bench b;
	char folder[64], path[128];
};

static void
write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void
set_age(const char *path, long seconds)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = 0 } };
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	times[1].tv_sec = now.tv_sec - seconds;
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static int
set_up(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	bench_open(&s->b, BENCH_REAL);
	snprintf(s->folder, sizeof(s->folder), "/tmp/file-test-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	snprintf(s->path, sizeof(s->path), "%s/f", s->folder);
	write_text(s->path, "hello: 1\nworld: 2\n");
	chmod(s->path, 0644);
	*state = s;
	return 0;
}

static int
tear_down(void **state)
{
	struct scene *s = *state;
	char command[128];

	bench_close(&s->b);
	snprintf(command, sizeof(command), "rm -rf %s", s->folder);
	assert_int_equal(system(command), 0);
	free(s);
	return 0;
}

/* Runs with these settings beside the path. */
static void
run(struct scene *s, const char *path, const char *rest)
{
	char yaml[1024];

	snprintf(yaml, sizeof(yaml), "{path: %s, %s}", path, rest);
	if (bench_configure(&s->b, "file", yaml) < 0)
		fail_msg("%s", s->b.complaint);
	bench_run(&s->b);
}

static void
expect(struct scene *s, const char *rest, const char *cause, const char *words)
{
	run(s, s->path, rest);
	assert_string_equal(bench_cause(&s->b), cause);
	if (strstr(s->b.sample.text, words) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", s->b.sample.text, words);
}

static void
a_plain_file(void **state)
{
	struct scene *s = *state;

	expect(s, "kind: file, mode: \"0644\", owner: 0, content: \"^world\"", "", "18 B");
	assert_true(bench_value(&s->b, "exists") == 1);
	assert_true(bench_value(&s->b, "size_bytes") == 18);
	assert_true(bench_value(&s->b, "written_age") < 60);
	assert_true(isnan(bench_value(&s->b, "growth")));
	assert_true(isnan(bench_value(&s->b, "writable")));
	write_text(s->path, "hello: 1\nworld: 2\nmore: 3\n");
	bench_run(&s->b);
	assert_true(bench_value(&s->b, "growth") > 0);
}

static void
what_is_not_there(void **state)
{
	struct scene *s = *state;
	char link[160];

	run(s, "/no/such/file", "kind: any");
	assert_string_equal(bench_cause(&s->b), "fs.noent");
	assert_true(bench_value(&s->b, "exists") == 0);
	run(s, "/no/such/file", "exists: false");
	assert_int_equal(s->b.sample.outcome, OUTCOME_OK);
	expect(s, "exists: false", "file.unwanted", "should not be");
	snprintf(link, sizeof(link), "%s/l", s->folder);
	assert_int_equal(symlink("/nowhere", link), 0);
	run(s, link, "kind: any");
	assert_string_equal(bench_cause(&s->b), "fs.noent");
	assert_non_null(strstr(s->b.sample.text, "symbolic link to /nowhere"));
}

static void
of_another_kind(void **state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct scene *s = *state;
	char path[160];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	expect(s, "kind: folder", "file.kind", "is a file, wanted a folder");
	run(s, s->folder, "kind: file");
	assert_string_equal(bench_cause(&s->b), "file.kind");
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/s", s->folder);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	run(s, sun.sun_path, "kind: socket");
	assert_int_equal(s->b.sample.outcome, OUTCOME_OK);
	snprintf(path, sizeof(path), "%s/link", s->folder);
	assert_int_equal(symlink(s->path, path), 0);
	run(s, path, "kind: symlink");
	assert_int_equal(s->b.sample.outcome, OUTCOME_OK);
	run(s, s->folder, "content: x");
	assert_string_equal(bench_cause(&s->b), "file.kind");
	close(fd);
}

static void
whose_and_with_what_rights(void **state)
{
	struct scene *s = *state;

	expect(s, "mode: \"0600\"", "file.mode", "0644, wanted 0600");
	expect(s, "owner: 4711", "file.owner", "wanted owner 4711");
	expect(s, "owner_group: nobody-here", "file.owner", "wanted group");
	expect(s, "writable_by: no-such-user", "self.local", "no user");
	expect(s, "writable_by: \"4294967295\"", "self.local", "no user"); /* (uid_t)-1 */
	expect(s, "writable_by: \"4294967296\"", "self.local", "no user"); /* not root */
	if (geteuid() != 0)
		return;
	expect(s, "owner: root, writable_by: root", "", "root:root");
	assert_true(bench_value(&s->b, "writable") == 1);
	expect(s, "writable_by: nobody", "fs.eacces", "cannot pass the folder");
	assert_true(bench_value(&s->b, "writable") == 0);
	chmod(s->folder, 0755);
	expect(s, "writable_by: nobody", "fs.eacces",
		"is not writable for nobody (owner root:root");
	chmod(s->path, 0666);
	expect(s, "writable_by: nobody", "", "");
	expect(s, "writable_by: 12345", "", "");
}

/* "user::rw- user:nobody:rw- group::--- mask::rw- other::---" */
static const unsigned char nobody_may[] = { 2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 6, 0,
	254, 255, 0, 0, 4, 0, 0, 0, 255, 255, 255, 255, 16, 0, 6, 0, 255, 255, 255, 255, 32, 0, 0,
	0, 255, 255, 255, 255 };

/* Who is not root sees the mode alone, which an access list may overrule. */
static void
an_access_list_is_not_guessed_at(void **state)
{
	struct scene *s = *state;

	if (geteuid() != 0)
		skip();
	chmod(s->folder, 0755);
	if (setxattr(s->path, "system.posix_acl_access", nobody_may, sizeof(nobody_may), 0) != 0)
		skip();
	assert_int_equal(seteuid(1), 0);
	expect(s, "writable_by: nobody", "self.local", "has an access list");
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(s->b.sample.outcome, OUTCOME_ERROR);
	assert_true(isnan(bench_value(&s->b, "writable")));
}

static void
root_asks_as_that_user(void **state)
{
	struct scene *s = *state;

	if (geteuid() != 0)
		skip();
	chmod(s->folder, 0755);
	if (setxattr(s->path, "system.posix_acl_access", nobody_may, sizeof(nobody_may), 0) != 0)
		skip();
	expect(s, "writable_by: nobody", "", "");
	expect(s, "writable_by: daemon", "fs.eacces", "");
}

static void
too_old_or_of_the_wrong_size(void **state)
{
	struct scene *s = *state;

	expect(s, "min_size: 1kB", "file.size", "at least");
	expect(s, "max_size: 10B", "file.size", "at most");
	set_age(s->path, 7200);
	expect(s, "max_age: 1h", "file.stale", "written 2h");
	expect(s, "max_age: 3h", "", "");
}

static void
a_folder_of_backups(void **state)
{
	struct scene *s = *state;
	char path[160];

	run(s, s->folder, "files: \"*.tar.gz\", max_age: 26h");
	assert_string_equal(bench_cause(&s->b), "file.missing");
	assert_true(bench_value(&s->b, "count") == 0);
	snprintf(path, sizeof(path), "%s/b1.tar.gz", s->folder);
	write_text(path, "x");
	set_age(path, 3 * 86400);
	run(s, s->folder, "files: \"*.tar.gz\", max_age: 26h");
	assert_string_equal(bench_cause(&s->b), "file.stale");
	assert_non_null(strstr(s->b.sample.text, "b1.tar.gz"));
	snprintf(path, sizeof(path), "%s/b2.tar.gz", s->folder);
	write_text(path, "");
	run(s, s->folder, "files: \"*.tar.gz\", max_age: 26h, min_size: 1B");
	assert_string_equal(bench_cause(&s->b), "file.size");
	run(s, s->folder, "files: \"*.tar.gz\", max_age: 26h, min_files: 2");
	assert_int_equal(s->b.sample.outcome, OUTCOME_OK);
	assert_true(bench_value(&s->b, "count") == 2);
	assert_true(bench_value(&s->b, "newest_age") < 60);
	assert_true(bench_value(&s->b, "newest_bytes") == 0);
	run(s, s->folder, "min_files: 9");
	assert_string_equal(bench_cause(&s->b), "file.missing");
}

static void
content_and_form(void **state)
{
	struct scene *s = *state;

	expect(s, "format: yaml", "", "");
	expect(s, "format: json", "file.syntax", "line 1, column");
	expect(s, "content: absent", "file.content", "/absent/ does not appear");
	expect(s, "not_content: \"wor.d\"", "file.content", "line 2");
	write_text(s->path, "a:\n\tb: 1\n");
	expect(s, "format: yaml", "file.syntax", "line 2, column 1: a tab");
	expect(s, "format: yaml, max_read: 4B", "self.local", "max_read");
	expect(s, "content: \"b: 1\", max_read: 4B", "file.content", "does not appear");
}

static void
checksums(void **state)
{
	struct scene *s = *state;
	char yaml[256];

	write_text(s->path, "abc");
	expect(s, "sha256: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "",
		"3 B");
	expect(s, "sha256: 0000000000000000000000000000000000000000000000000000000000000000",
		"file.checksum", "ba7816bf8f01");
	snprintf(yaml, sizeof(yaml), "{path: %s, checksum: true}", s->path);
	assert_int_equal(bench_configure(&s->b, "file", yaml), 0);
	bench_run(&s->b);
	assert_true(bench_value(&s->b, "changed") == 0); /* known from the settings before */
	write_text(s->path, "abd");
	bench_restart(&s->b);
	bench_run(&s->b);
	assert_true(bench_value(&s->b, "changed") == 1);
	assert_non_null(strstr(bench_fact(&s->b, "changed"), "ba7816bf"));
	bench_run(&s->b);
	assert_true(bench_value(&s->b, "changed") == 0);
}

static void
settings_that_cannot_be(void **state)
{
	struct scene *s = *state;

	assert_int_equal(bench_configure(&s->b, "file", "{path: /x, mode: 9}"), -1);
	assert_int_equal(bench_configure(&s->b, "file", "{path: /x, sha256: abc}"), -1);
	assert_int_equal(
		bench_configure(&s->b, "file", "{path: /x, min_size: 2MB, max_size: 1MB}"), -1);
	assert_int_equal(bench_configure(&s->b, "file", "{path: /x, files: a/b}"), -1);
	assert_int_equal(
		bench_configure(&s->b, "file", "{path: /x, kind: folder, content: x}"), -1);
}

static void
stopped_in_the_middle(void **state)
{
	struct scene *s = *state;
	char yaml[256];

	snprintf(yaml, sizeof(yaml), "{path: %s, format: yaml, checksum: true}", s->path);
	for (int turns = 0; turns < 40; turns++) {
		assert_int_equal(bench_configure(&s->b, "file", yaml), 0);
		bench_start(&s->b, NULL);
		for (int i = 0; i < turns && s->b.run != NULL; i++)
			loop_turn(s->b.loop, false);
		bench_abort(&s->b);
		loop_turn(s->b.loop, false);
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_plain_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_not_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(of_another_kind, set_up, tear_down),
		cmocka_unit_test_setup_teardown(whose_and_with_what_rights, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_access_list_is_not_guessed_at, set_up, tear_down),
		cmocka_unit_test_setup_teardown(root_asks_as_that_user, set_up, tear_down),
		cmocka_unit_test_setup_teardown(too_old_or_of_the_wrong_size, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_folder_of_backups, set_up, tear_down),
		cmocka_unit_test_setup_teardown(content_and_form, set_up, tear_down),
		cmocka_unit_test_setup_teardown(checksums, set_up, tear_down),
		cmocka_unit_test_setup_teardown(settings_that_cannot_be, set_up, tear_down),
		cmocka_unit_test_setup_teardown(stopped_in_the_middle, set_up, tear_down),
	};

	if (argc > 1 && strcmp(argv[1], FS_HELPER_ARG) == 0)
		return fs_helper_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

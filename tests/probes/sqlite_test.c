/* SQLite: real files, good and broken in every way; nothing is made or changed beside them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "io/child.h"
#include "io/fs.h"
#include "probes/sqlite_look.h"
#include "tests/help/probe_bench.h"

struct scene {
	struct bench b;
	char folder[64], path[96];
};

static int
set_up(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	snprintf(s->folder, sizeof(s->folder), "/tmp/sqlite-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	snprintf(s->path, sizeof(s->path), "%s/a.db", s->folder);
	bench_open(&s->b, BENCH_REAL);
	*state = s;
	return 0;
}

/* The files in the folder; removes them when asked. */
static unsigned
files(const struct scene *s, bool removes)
{
	DIR *dir = opendir(s->folder);
	struct dirent *entry;
	unsigned count = 0;
	char path[400];

	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		count++;
		snprintf(path, sizeof(path), "%s/%s", s->folder, entry->d_name);
		if (removes)
			unlink(path);
	}
	closedir(dir);
	return count;
}

static int
tear_down(void **state)
{
	struct scene *s = *state;

	bench_close(&s->b);
	chmod(s->folder, 0755);
	files(s, true);
	rmdir(s->folder);
	free(s);
	return 0;
}

static sqlite3 *
make(const struct scene *s, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(s->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	return db;
}

#define ROWS                                                                                       \
	"create table t (x, y); create index i on t (x); with recursive c(n) as (select 1 union "  \
	"all select n + 1 from c where n < 3000) insert into t select n, 'row ' || n from c;"

static void
look(struct scene *s, const char *more)
{
	char yaml[512];

	snprintf(yaml, sizeof(yaml), "path: \"%s\"\n%s", s->path, more);
	if (bench_configure(&s->b, "sqlite", yaml) != 0)
		fail_msg("%s", s->b.complaint);
	bench_run(&s->b);
}

static void
assert_cause(const struct scene *s, const char *cause, const char *words)
{
	if (!str_eq(bench_cause(&s->b), cause) || strstr(s->b.sample.text, words) == NULL)
		fail_msg("wanted %s (%s), got %s: %s", cause, words, bench_cause(&s->b),
			s->b.sample.text);
}

static void
a_good_file_opens(void **state)
{
	struct scene *s = *state;

	sqlite3_close(make(s, ROWS "delete from t where x > 100;"));
	look(s, "");
	if (s->b.sample.outcome != OUTCOME_OK)
		fail_msg("%s", s->b.sample.text);
	assert_true(bench_value(&s->b, "opens") == 1);
	assert_true(bench_value(&s->b, "integrity") == 1);
	assert_true(bench_value(&s->b, "writable") == 1);
	assert_true(bench_value(&s->b, "busy") == 0);
	assert_true(bench_value(&s->b, "size_bytes") > 8192);
	assert_true(bench_value(&s->b, "free_bytes") > 4096);
	assert_true(isnan(bench_value(&s->b, "wal_bytes")));
	assert_int_equal(files(s, false), 1);
}

static void
an_empty_file_is_a_database(void **state)
{
	struct scene *s = *state;

	close(open(s->path, O_CREAT | O_WRONLY, 0644));
	look(s, "");
	assert_int_equal(s->b.sample.outcome, OUTCOME_OK);
	assert_true(bench_value(&s->b, "size_bytes") == 0);
}

static void
a_wal_is_left_as_it_is(void **state)
{
	struct scene *s = *state;
	sqlite3 *db;

	sqlite3_close(make(s, "pragma journal_mode = wal;" ROWS));
	assert_int_equal(files(s, false), 1);
	look(s, "");
	assert_int_equal(s->b.sample.outcome, OUTCOME_OK);
	assert_true(bench_value(&s->b, "wal_bytes") == 0);
	assert_true(bench_value(&s->b, "integrity") == 1);
	assert_int_equal(files(s, false), 1);
	db = make(s, "insert into t values (1, 2);");
	look(s, "lock_test: true\n");
	assert_int_equal(s->b.sample.outcome, OUTCOME_OK);
	assert_true(bench_value(&s->b, "wal_bytes") > 0);
	assert_true(bench_value(&s->b, "lock_time") >= 0);
	assert_int_equal(files(s, false), 3);
	sqlite3_close(db);
}

static void
who_holds_the_lock_is_named(void **state)
{
	static const char *const modes[] = { "pragma journal_mode = delete;" ROWS,
		"pragma journal_mode = wal;" ROWS };
	struct scene *s = *state;

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		sqlite3 *db = make(s, modes[i]);
		char pid[32];

		snprintf(pid, sizeof(pid), "pid %d", (int)getpid());
		assert_int_equal(sqlite3_exec(db, "begin immediate", NULL, NULL, NULL), SQLITE_OK);
		look(s, "busy_timeout: 50ms\nlock_test: true\n");
		assert_cause(s, "sqlite.locked", pid);
		look(s, "busy_timeout: 50ms\n"); /* seen without asking for it */
		assert_cause(s, "sqlite.locked", pid);
		assert_true(bench_value(&s->b, "busy") == 1);
		assert_true(bench_value(&s->b, "opens") == 1);
		assert_true(bench_value(&s->b, "busy_time") >= 0);
		assert_non_null(strstr(bench_fact(&s->b, "write lock"), pid));
		sqlite3_close(db);
		look(s, "");
		assert_int_equal(s->b.sample.outcome, OUTCOME_OK);
		files(s, true);
	}
}

static void
overwrite(const struct scene *s, off_t at, size_t len)
{
	int fd = open(s->path, O_WRONLY);
	char junk[4096];

	memset(junk, 0xa5, sizeof(junk));
	for (size_t done = 0; done < len; done += sizeof(junk))
		assert_int_equal(pwrite(fd, junk, sizeof(junk), at + (off_t)done), sizeof(junk));
	close(fd);
}

static void
damage_is_found_and_looked_for_again(void **state)
{
	struct scene *s = *state;

	sqlite3_close(make(s, ROWS));
	look(s, "integrity: full\n");
	assert_true(bench_value(&s->b, "integrity") == 1);
	overwrite(s, 4 * 4096, 8192);
	bench_run(&s->b); /* not due: an hour has not gone by */
	assert_int_equal(s->b.sample.outcome, OUTCOME_OK);
	look(s, "integrity_interval: 0s\n");
	assert_cause(s, "sqlite.corrupt", "");
	assert_true(bench_value(&s->b, "integrity") == 0);
	look(s, "");
	assert_cause(s, "sqlite.corrupt", "");
	bench_run(&s->b); /* not due either, but it was damaged */
	assert_cause(s, "sqlite.corrupt", "");
	look(s, "integrity: off\n");
	assert_int_equal(s->b.sample.outcome, OUTCOME_OK);
	assert_true(isnan(bench_value(&s->b, "integrity")));
}

static void
what_is_no_database_is_said(void **state)
{
	struct scene *s = *state;
	FILE *f;

	look(s, "");
	assert_cause(s, "sqlite.cantopen", "its folder does");
	f = fopen(s->path, "w");
	fputs("<html>no\n", f);
	fclose(f);
	look(s, "");
	assert_cause(s, "sqlite.notadb", "<html>no.\" and is too short");
	unlink(s->path);
	sqlite3_close(make(s, ROWS));
	overwrite(s, 0, 4096);
	look(s, "");
	assert_cause(s, "sqlite.notadb", "begins with");
	assert_int_equal(truncate(s->path, 4096 * 3 + 17), 0);
	unlink(s->path);
	sqlite3_close(make(s, ROWS));
	assert_int_equal(truncate(s->path, 4096 * 3), 0);
	look(s, "integrity: off\n");
	assert_cause(s, "sqlite.corrupt", "malformed");
	unlink(s->path);
	assert_int_equal(mkdir(s->path, 0755), 0);
	look(s, "");
	assert_cause(s, "sqlite.cantopen", "not a file");
	rmdir(s->path);
}

/* A folder without w: as its owner sees it, even when we are root. */
static void
rights_of_the_owner_count(void **state)
{
	struct scene *s = *state;

	sqlite3_close(make(s, ROWS));
	if (geteuid() == 0) {
		assert_int_equal(chown(s->path, 12345, 12345), 0);
		assert_int_equal(chown(s->folder, 12345, 12345), 0);
	}
	look(s, "");
	if (s->b.sample.outcome != OUTCOME_OK)
		fail_msg("%s", s->b.sample.text);
	assert_int_equal(chmod(s->folder, 0555), 0);
	look(s, "");
	assert_cause(s, "sqlite.readonly", "its journal cannot be made");
	assert_true(bench_value(&s->b, "writable") == 0);
	assert_true(bench_value(&s->b, "opens") == 1);
	assert_int_equal(chmod(s->folder, 0755), 0);
	assert_int_equal(chmod(s->path, 0444), 0);
	look(s, "");
	assert_cause(s, "sqlite.readonly", "is not writable for uid");
	assert_int_equal(chmod(s->path, 0), 0);
	look(s, "");
	assert_cause(s, "fs.eacces", "may not open it");
	if (geteuid() != 0)
		return;
	assert_int_equal(chmod(s->path, 0644), 0);
	look(s, "writable_by: \"54321\"\n");
	assert_cause(s, "sqlite.readonly", "uid 54321");
	look(s, "writable_by: nobody-of-that-name\n");
	assert_int_equal(s->b.sample.outcome, OUTCOME_ERROR);
}

/* A journal that a crash left belongs to the application. */
static void
a_crash_is_not_ours_to_repair(void **state)
{
	static const unsigned char magic[512] = { 0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7,
		0xff, 0xff, 0xff, 0xff };
	struct scene *s = *state;
	char journal[128];
	struct stat before, after;
	int fd;

	sqlite3_close(make(s, ROWS));
	snprintf(journal, sizeof(journal), "%s-journal", s->path);
	fd = open(journal, O_CREAT | O_WRONLY, 0644);
	assert_int_equal(write(fd, magic, sizeof(magic)), sizeof(magic));
	close(fd);
	assert_int_equal(stat(s->path, &before), 0);
	look(s, "");
	assert_int_equal(s->b.sample.outcome, OUTCOME_OK);
	assert_non_null(strstr(bench_fact(&s->b, "journal"), "crash"));
	assert_int_equal(stat(s->path, &after), 0);
	assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	assert_int_equal(access(journal, F_OK), 0);
}

static void
paths_below_the_hosts_root(void **state)
{
	struct scene *s = *state;
	char root[64];

	sqlite3_close(make(s, ROWS));
	snprintf(root, sizeof(root), "%s", s->folder);
	s->b.env.host_root = root;
	snprintf(s->path, sizeof(s->path), "/a.db?_busy_timeout=100");
	look(s, "");
	assert_int_equal(s->b.sample.outcome, OUTCOME_OK);
	snprintf(s->path, sizeof(s->path), "a.db");
	look(s, "folder: /.\n");
	assert_int_equal(s->b.sample.outcome, OUTCOME_OK);
}

/* Code that a file brought to run in the process that looks at it would find no way on. */
static void
who_looks_starts_no_program(void **state)
{
	static const char *const words[] = { "", "", "/", NULL, "", "0", "quick", "1000", "no",
		"no" };
	char arguments[LOOK_WORDS][128], *argv[LOOK_WORDS], *command[] = { arguments[0], NULL };
	struct scene *s = *state;
	int status = 0;
	pid_t pid;

	if (getenv("UNDER_VALGRIND") != NULL) /* which starts a program in its own way */
		skip();
	sqlite3_close(make(s, ROWS));
	for (int i = 0; i < LOOK_WORDS; i++) {
		snprintf(arguments[i], sizeof(arguments[i]), "%s",
			words[i] != NULL ? words[i] : s->path);
		argv[i] = arguments[i];
	}
	pid = fork();
	if (pid == 0) {
		if (freopen("/dev/null", "w", stdout) == NULL ||
			sqlite_look_main(LOOK_WORDS, argv) != 0)
			_exit(2);
		execv("/bin/false", command);
		_exit(errno == EPERM ? 0 : 3);
	}
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
settings_are_looked_at(void **state)
{
	static const char *const bad[] = { "{}", "path: a.db", "path: \":memory:\"",
		"{ path: /a, integrity: sometimes }", "{ path: /a, busy_timeout: 2m }" };
	struct scene *s = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (bench_configure(&s->b, "sqlite", bad[i]) == 0)
			fail_msg("accepted: %s", bad[i]);
}

static void
an_abort_ends_it(void **state)
{
	struct scene *s = *state;
	char yaml[256];

	sqlite3_close(make(s, ROWS));
	snprintf(yaml, sizeof(yaml), "path: %s\n", s->path);
	for (int turns = 0; turns < 12; turns += 3) {
		assert_int_equal(bench_configure(&s->b, "sqlite", yaml), 0);
		bench_start(&s->b, NULL);
		for (int i = 0; i < turns && s->b.run != NULL; i++)
			loop_turn(s->b.loop, true);
		bench_abort(&s->b);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		T(a_good_file_opens),
		T(an_empty_file_is_a_database),
		T(a_wal_is_left_as_it_is),
		T(who_holds_the_lock_is_named),
		T(damage_is_found_and_looked_for_again),
		T(what_is_no_database_is_said),
		T(rights_of_the_owner_count),
		T(a_crash_is_not_ours_to_repair),
		T(paths_below_the_hosts_root),
		T(who_looks_starts_no_program),
		T(settings_are_looked_at),
		T(an_abort_ends_it),
	};

	if (argc > 1 && strcmp(argv[1], FS_HELPER_ARG) == 0)
		return fs_helper_main();
	if (argc > 1 && strcmp(argv[1], CHILD_ARG) == 0)
		return child_main(argc, argv);
	if (argc > 1 && strcmp(argv[1], SQLITE_LOOK_ARG) == 0)
		return sqlite_look_main(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Who holds the write lock of a real file: a process of the test's own does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/child.h"
#include "io/fs.h"
#include "probes/sqlite_look.h"
#include "tests/help/fact_bench.h"

struct scene {
	struct fact_bench *b;
	char folder[64], path[80];
};

static void
open_scene(struct scene *s, void **state)
{
	char yaml[128];
	sqlite3 *db;

	s->b = *state;
	snprintf(s->folder, sizeof(s->folder), "/tmp/lock-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	snprintf(s->path, sizeof(s->path), "%s/a.db", s->folder);
	assert_int_equal(sqlite3_open(s->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TABLE t (x)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	snprintf(yaml, sizeof(yaml), "path: %s\n", s->path);
	fact_bench_check(s->b, "sqlite", yaml);
}

static void
close_scene(struct scene *s)
{
	char journal[96];

	snprintf(journal, sizeof(journal), "%s-journal", s->path);
	unlink(journal);
	unlink(s->path);
	rmdir(s->folder);
}

/* Its end of `ready` closes when the lock is held; it lets go when it is killed. */
static pid_t
hold(const struct scene *s)
{
	int ready[2];
	sqlite3 *db;
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		close(ready[0]);
		if (sqlite3_open(s->path, &db) != SQLITE_OK ||
			sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
			_exit(1);
		close(ready[1]);
		pause();
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 0);
	close(ready[0]);
	return pid;
}

static void
names_the_holder(void **state)
{
	struct scene s;
	pid_t pid;

	open_scene(&s, state);
	pid = hold(&s);
	fact_bench_run(s.b, "sqlite-lock");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(s.b->fact.end, FACT_HAD);
	assert_fact_number(s.b, "held", 1);
	assert_fact_number(s.b, "pid", pid);
	assert_fact_text(s.b, "comm", fact_bench_own_name());
	assert_fact_number(s.b, "openers", 1);
	assert_fact_unknown(s.b, "writable");
	assert_non_null(strstr(s.b->fact.text, "held by pid"));
	close_scene(&s);
}

static void
nobody_holds_it(void **state)
{
	struct scene s;

	open_scene(&s, state);
	fact_bench_run(s.b, "sqlite-lock");
	assert_int_equal(s.b->fact.end, FACT_HAD);
	assert_fact_number(s.b, "held", 0);
	assert_fact_number(s.b, "openers", 0);
	assert_fact_number(s.b, "writable", 1);
	assert_fact_unknown(s.b, "pid");
	assert_fact_unknown(s.b, "wal_bytes");
	close_scene(&s);
}

static void
a_file_that_is_gone(void **state)
{
	struct scene s;

	open_scene(&s, state);
	close_scene(&s);
	fact_bench_run(s.b, "sqlite-lock");
	assert_int_equal(s.b->fact.end, FACT_HAD);
	assert_fact_unknown(s.b, "held");
	assert_non_null(strstr(s.b->fact.text, "does not exist"));
}

static void
an_abort_leaves_nothing(void **state)
{
	struct scene s;

	open_scene(&s, state);
	fact_bench_start(s.b, "sqlite-lock");
	fact_run_abort(s.b->run);
	s.b->run = NULL;
	loop_turn(s.b->probe->loop, false);
	close_scene(&s);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			names_the_holder, fact_bench_set_up, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(
			nobody_holds_it, fact_bench_set_up, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(
			a_file_that_is_gone, fact_bench_set_up, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(
			an_abort_leaves_nothing, fact_bench_set_up, fact_bench_tear_down),
	};

	if (argc > 1 && strcmp(argv[1], CHILD_ARG) == 0)
		return child_main(argc, argv);
	if (argc > 1 && strcmp(argv[1], SQLITE_LOOK_ARG) == 0)
		return sqlite_look_main(argc, argv);
	if (argc > 1 && strcmp(argv[1], FS_HELPER_ARG) == 0)
		return fs_helper_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

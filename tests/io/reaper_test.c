/*
 * A first process with orphans of its own: this program takes them in as the first process of a
 * container does.  Those that end are waited for, and the daemon's own children keep their ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/child.h"
#include "io/fs.h"
#include "io/reaper.h"

#define TURNS   3000
#define ORPHANS 40

struct world {
	struct clock clock;
	struct loop *loop;
	struct fs_pool *fs;
	struct stats stats;
};

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	clock_init_real(&w->clock);
	w->loop = loop_new(&w->clock, NULL);
	w->fs = fs_pool_new(w->loop, &w->stats);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	fs_pool_free(w->fs);
	loop_free(w->loop);
	while (waitpid(-1, NULL, 0) > 0)
		;
	free(w);
	return 0;
}

/* Processes whose parent is gone, and who end at once or when `until` is closed. */
static void
make_orphans(int count, int until, int other_end)
{
	pid_t parent = fork();
	char byte;

	if (parent == 0) {
		for (int i = 0; i < count; i++) {
			if (fork() != 0)
				continue;
			close(other_end);
			if (until != -1 && read(until, &byte, 1) < 0)
				_exit(2);
			_exit(1);
		}
		_exit(0);
	}
	assert_int_equal(waitpid(parent, NULL, 0), parent);
}

static bool
has_no_children(void *arg)
{
	siginfo_t info;

	(void)arg;
	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == -1 && errno == ECHILD;
}

static void
test_orphans_that_were_there_before(void **state)
{
	struct world *w = *state;
	struct err e;

	make_orphans(ORPHANS, -1, -1);
	assert_false(has_no_children(NULL));
	assert_int_equal(reaper_start(w->loop, w->fs, &e), 0);
	assert_true(loop_turn_until(w->loop, has_no_children, NULL, TURNS));
}

static void
test_orphans_that_end_later(void **state)
{
	struct world *w = *state;
	struct err e;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(reaper_start(w->loop, w->fs, &e), 0);
	make_orphans(ORPHANS, ends[0], ends[1]);
	for (int i = 0; i < 5; i++)
		loop_turn_until(w->loop, has_no_children, NULL, 1);
	assert_false(has_no_children(NULL)); /* they live on */
	close(ends[1]);
	assert_true(loop_turn_until(w->loop, has_no_children, NULL, TURNS));
	close(ends[0]);
}

struct answer {
	unsigned count, bad;
};

static void
on_result(void *arg, const struct child_result *r)
{
	struct answer *a = arg;

	a->count++;
	a->bad += r->end != CHILD_EXITED || r->status != 7;
}

static bool
has_all(void *arg)
{
	return ((struct answer *)arg)->count == ORPHANS;
}

/* Each command leaves an orphan behind and ends with 7: its owner must hear of the 7. */
static void
test_our_own_keep_their_ends(void **state)
{
	struct world *w = *state;
	static const char *const argv[] = { "sh", "-c", "(sleep 0.01 &) ; exit 7", NULL };
	const struct child_options o = { .argv = argv, .timeout_us = 60 * USEC_PER_SEC };
	struct answer a = { 0, 0 };
	struct err e;

	assert_int_equal(reaper_start(w->loop, w->fs, &e), 0);
	for (int i = 0; i < ORPHANS; i++)
		child_start(w->loop, &o, on_result, &a);
	assert_true(loop_turn_until(w->loop, has_all, &a, TURNS));
	assert_int_equal(a.bad, 0);
	assert_true(loop_turn_until(w->loop, has_no_children, NULL, TURNS));
}

struct look {
	unsigned count;
	enum fs_status status;
};

static void
on_look(void *arg, const struct fs_result *r)
{
	struct look *look = arg;

	look->count++;
	look->status = r->status;
}

static bool
is_looked(void *arg)
{
	return ((struct look *)arg)->count > 0;
}

/* The helper ends a second after its last call; the pool waits for it itself. */
static void
test_helpers_are_left_to_their_pool(void **state)
{
	struct world *w = *state;
	const struct fs_request ask = { .op = FS_STATVFS, .path = "/" };
	struct look look = { 0, FS_FAILED };
	struct err e;

	assert_int_equal(reaper_start(w->loop, w->fs, &e), 0);
	assert_non_null(fs_call_start(w->fs, &ask, 60 * USEC_PER_SEC, on_look, &look));
	assert_true(loop_turn_until(w->loop, is_looked, &look, TURNS));
	assert_int_equal(look.status, FS_OK);
	assert_true(loop_turn_until(w->loop, has_no_children, NULL, TURNS));
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_orphans_that_were_there_before, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_orphans_that_end_later, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_our_own_keep_their_ends, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_helpers_are_left_to_their_pool, set_up, tear_down),
	};

	if (argc > 1 && strcmp(argv[1], FS_HELPER_ARG) == 0)
		return fs_helper_main();
	if (argc > 1 && strcmp(argv[1], CHILD_ARG) == 0)
		return child_main(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Commands with real processes: this program becomes them, as the daemon's does.  Time is real
 * where a process must end by itself, and turned by hand where a deadline passes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/child.h"
#include "io/loop.h"
#include "tests/help/shortage.h"

#define TURNS 2000

struct world {
	struct clock clock;
	struct loop *loop;
	struct stats stats;
};

struct answer {
	unsigned count;
	enum child_end end;
	int status;
	bool is_cut;
	char reason[300], out[300], err[300];
	size_t out_len;
	long max_rss_kb;
	struct child *to_cancel;
};

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	clock_init_fake(&w->clock, USEC_PER_HOUR, INT64_C(1700000000) * USEC_PER_SEC);
	w->loop = loop_new(&w->clock, NULL);
	loop_set_stats(w->loop, &w->stats);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	loop_free(w->loop);
	while (waitpid(-1, NULL, 0) > 0)
		; /* all of them were killed */
	free(w);
	return 0;
}

static void
on_result(void *arg, const struct child_result *r)
{
	struct answer *a = arg;

	a->count++;
	a->end = r->end;
	a->status = r->status;
	a->is_cut = r->is_cut;
	a->out_len = r->out_len;
	a->max_rss_kb = r->max_rss_kb;
	snprintf(a->reason, sizeof(a->reason), "%s", r->reason);
	snprintf(a->out, sizeof(a->out), "%s", r->out);
	snprintf(a->err, sizeof(a->err), "%s", r->err_out);
	child_cancel(a->to_cancel);
}

static bool
is_here(void *arg)
{
	return ((struct answer *)arg)->count > 0;
}

static struct child *
begin(struct world *w, const struct child_options *o, struct answer *a)
{
	struct child *child;

	memset(a, 0, sizeof(*a));
	child = child_start(w->loop, o, on_result, a);
	assert_int_equal(a->count, 0); /* never from inside */
	return child;
}

/* Not under valgrind, nor in old sandboxes: there the end is polled for, and the clock must go on.
 */
static bool
has_pidfd(void)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (fd != -1)
		close(fd);
	return fd != -1;
}

static bool
turn_until(struct world *w, bool (*done)(void *), void *arg)
{
	if (has_pidfd())
		return loop_turn_until(w->loop, done, arg, TURNS);
	for (int i = 0; i < TURNS && !done(arg); i++) {
		loop_turn_until(w->loop, done, arg, 1);
		loop_advance(w->loop, USEC_PER_MSEC);
	}
	return done(arg);
}

static void
await(struct world *w, struct answer *a)
{
	assert_true(turn_until(w, is_here, a));
	assert_int_equal(a->count, 1);
}

static void
run(struct world *w, const char *const *argv, struct answer *a)
{
	begin(w, &(struct child_options){ .argv = argv, .timeout_us = 10 * USEC_PER_SEC }, a);
	await(w, a);
}

#define SH(script) ((const char *const[]){ "/bin/sh", "-c", script, NULL })

static void
hears_both_streams_and_the_code(void **state)
{
	struct answer a;

	run(*state, SH("echo out; echo err >&2; exit 3"), &a);
	assert_int_equal(a.end, CHILD_EXITED);
	assert_int_equal(a.status, 3);
	assert_string_equal(a.reason, "exit 3");
	assert_string_equal(a.out, "out\n");
	assert_string_equal(a.err, "err\n");
	assert_true(a.max_rss_kb > 0);
}

static void
names_the_signal(void **state)
{
	struct answer a;

	run(*state, SH("kill -SEGV $$"), &a);
	assert_int_equal(a.end, CHILD_SIGNALLED);
	assert_int_equal(a.status, SIGSEGV);
	assert_string_equal(a.reason, "killed by SIGSEGV");
}

static void
looks_names_up_in_path(void **state)
{
	struct answer a;

	run(*state, (const char *const[]){ "true", NULL }, &a);
	assert_int_equal(a.end, CHILD_EXITED);
	run(*state, (const char *const[]){ "no-such-command-here", NULL }, &a);
	assert_int_equal(a.end, CHILD_NO_COMMAND);
	assert_int_equal(a.status, ENOENT);
	assert_string_equal(a.reason, "no-such-command-here: No such file or directory");
}

static void
says_why_there_is_no_command(void **state)
{
	struct world *w = *state;
	struct answer a;

	run(w, (const char *const[]){ "/etc/passwd", NULL }, &a);
	assert_int_equal(a.end, CHILD_NO_COMMAND);
	assert_int_equal(a.status, EACCES);
	run(w, (const char *const[]){ "", NULL }, &a);
	assert_int_equal(a.end, CHILD_NO_COMMAND);
	begin(w,
		&(struct child_options){
			.argv = SH("true"), .folder = "/nowhere", .timeout_us = USEC_PER_SEC },
		&a);
	await(w, &a);
	assert_int_equal(a.end, CHILD_NO_COMMAND);
	assert_int_equal(a.status, ENOENT);
	assert_non_null(strstr(a.reason, "folder"));
}

static void
gives_input_environment_and_folder(void **state)
{
	struct world *w = *state;
	struct answer a;

	begin(w,
		&(struct child_options){
			.argv = SH("pwd; echo $WORD $HOME; cat"),
			.env = (const char *const[]){ "PATH=/usr/bin:/bin", "WORD=hello", NULL },
			.folder = "/tmp",
			.input = "some input\nmore",
			.input_len = 15,
			.timeout_us = USEC_PER_SEC,
		},
		&a);
	await(w, &a);
	assert_string_equal(a.out, "/tmp\nhello\nsome input\nmore");
}

static uint64_t
signals_in(const char *text, const char *label)
{
	const char *at = strstr(text, label);

	assert_non_null(at);
	return strtoull(at + strlen(label), NULL, 16);
}

static void
inherits_nothing(void **state)
{
	struct answer a;
	int kept[2];

	assert_int_equal(pipe(kept), 0);
	signal(SIGPIPE, SIG_IGN);
	setenv("LEAKED", "secret", 1);
	/* In place of the shell, which blocks signals at times while it waits for a command. */
	run(*state, SH("exec grep -E 'Sig(Blk|Ign)' /proc/self/status"), &a);
	/* but the two that belong to the C library */
	if (signals_in(a.out, "SigBlk:") != 0 ||
		(signals_in(a.out, "SigIgn:") & ~UINT64_C(0x180000000)) != 0)
		fail_msg("it began with %s", a.out);
	run(*state, SH("ulimit -c; echo [$LEAKED]; readlink /proc/$$/cwd"), &a);
	assert_string_equal(a.out, "0\n[]\n/\n");
	run(*state, (const char *const[]){ "ls", "/proc/self/fd", NULL }, &a);
	assert_string_equal(a.out, "0\n1\n2\n3\n"); /* the last is the folder that it reads */
	close(kept[0]);
	close(kept[1]);
}

static void
keeps_a_part_of_much_output(void **state)
{
	struct world *w = *state;
	struct answer a;

	begin(w,
		&(struct child_options){ .argv = SH("head -c 3000000 /dev/zero; echo x >&2"),
			.timeout_us = USEC_PER_SEC,
			.output_max = 1000 },
		&a);
	await(w, &a);
	assert_int_equal(a.end, CHILD_EXITED);
	assert_int_equal(a.out_len, 1000);
	assert_true(a.is_cut);
	assert_string_equal(a.err, "x\n");
}

static bool
has_gone(void *arg)
{
	struct world *w = arg;
	siginfo_t info = { .si_pid = 0 };

	loop_advance(w->loop, 0);
	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
}

static void
ends_the_group_at_the_deadline(void **state)
{
	struct world *w = *state;
	struct answer a;

	begin(w,
		&(struct child_options){ .argv = SH("echo begun; sleep 1000 & sleep 1000"),
			.timeout_us = USEC_PER_SEC },
		&a);
	loop_advance(w->loop, USEC_PER_SEC);
	await(w, &a);
	assert_int_equal(a.end, CHILD_TIMEOUT);
	assert_string_equal(a.reason, "no end after 1s");
	assert_true(turn_until(w, has_gone, w));
}

static bool
has_said(void *arg)
{
	return access(arg, F_OK) == 0;
}

/* One that does not listen to SIGTERM has a second. */
static void
kills_what_does_not_listen(void **state)
{
	struct world *w = *state;
	char mark[] = "/tmp/triaged-child-XXXXXX", script[200];
	struct answer a;

	assert_non_null(mkdtemp(mark));
	rmdir(mark);
	snprintf(script, sizeof(script), "trap '' TERM; mkdir %s; while :; do sleep 1000; done",
		mark);
	begin(w, &(struct child_options){ .argv = SH(script), .timeout_us = USEC_PER_SEC }, &a);
	assert_true(loop_turn_until(w->loop, has_said, mark, TURNS));
	rmdir(mark);
	loop_advance(w->loop, USEC_PER_SEC);
	for (int i = 0; i < 10; i++)
		loop_turn(w->loop, false);
	assert_int_equal(a.count, 0);
	loop_advance(w->loop, USEC_PER_SEC);
	await(w, &a);
	assert_int_equal(a.end, CHILD_TIMEOUT);
}

/* A loop that does not look stands in for a process that does not die. */
static void
gives_up_what_does_not_die(void **state)
{
	struct world *w = *state;
	const struct child_options o = { .argv = SH("sleep 1000"), .timeout_us = USEC_PER_SEC };
	struct answer a, again;

	if (!has_pidfd())
		skip(); /* there the loop looks by itself, and may see it die */
	begin(w, &o, &a);
	loop_advance(w->loop, 3 * USEC_PER_SEC);
	assert_int_equal(a.count, 1);
	assert_int_equal(a.end, CHILD_TIMEOUT);
	assert_non_null(strstr(a.reason, "does not die"));
	assert_true(stats_get(&w->stats, STAT_COMMANDS_STUCK) == 1);
	begin(w, &o, &again);
	loop_advance(w->loop, 0);
	assert_int_equal(again.end, CHILD_BROKEN);
	assert_int_equal(again.status, EBUSY);
	assert_non_null(strstr(again.reason, "an earlier one"));
	assert_true(turn_until(w, has_gone, w));
	assert_true(stats_get(&w->stats, STAT_COMMANDS_STUCK) == 0);
	assert_int_equal(a.count, 1);
}

struct drained {
	struct world *w;
	struct answer *a;
};

static bool
is_drained(void *arg)
{
	struct drained *d = arg;

	loop_advance(d->w->loop, 10 * USEC_PER_MSEC);
	return d->a->count > 0;
}

/* What is left behind with the streams does not hold the result. */
static void
does_not_wait_for_those_left_behind(void **state)
{
	struct world *w = *state;
	struct answer a;

	begin(w,
		&(struct child_options){
			.argv = SH("sleep 2 & echo done"), .timeout_us = USEC_PER_HOUR },
		&a);
	assert_true(loop_turn_until(w->loop, is_drained, &(struct drained){ w, &a }, TURNS));
	assert_int_equal(a.end, CHILD_EXITED);
	assert_string_equal(a.out, "done\n");
}

static void
says_nothing_when_cancelled(void **state)
{
	struct world *w = *state;
	struct answer a, b;
	struct child *early =
		begin(w, &(struct child_options){ .argv = SH("sleep 1000"), .timeout_us = 1 }, &a);

	child_cancel(early);
	child_cancel(NULL);
	assert_true(turn_until(w, has_gone, w));
	assert_int_equal(a.count, 0);
	/* its own callback may cancel it once more */
	memset(&b, 0, sizeof(b));
	b.to_cancel = child_start(w->loop,
		&(struct child_options){ .argv = SH("true"), .timeout_us = USEC_PER_SEC },
		on_result, &b);
	await(w, &b);
}

static void
runs_our_own_program(void **state)
{
	struct world *w = *state;
	struct answer a;

	begin(w,
		&(struct child_options){
			.argv = (const char *const[]){ "me", "--say", "this", NULL },
			.is_self = true,
			.timeout_us = USEC_PER_SEC },
		&a);
	await(w, &a);
	assert_int_equal(a.end, CHILD_EXITED);
	assert_string_equal(a.out, "this\n");
}

static void
no_descriptor_is_our_trouble(void **state)
{
	struct world *w = *state;
	struct shortage shortage;
	struct answer a;

	shortage_begin(&shortage);
	begin(w, &(struct child_options){ .argv = SH("true"), .timeout_us = USEC_PER_SEC }, &a);
	shortage_end(&shortage);
	loop_advance(w->loop, 0);
	assert_int_equal(a.end, CHILD_BROKEN);
	assert_int_equal(a.status, EMFILE);
	run(w, SH("true"), &a);
	assert_int_equal(a.end, CHILD_EXITED);
}

/* Whoever is still there when the loop goes is ended with it. */
static void
goes_with_the_loop(void **state)
{
	struct world *w = *state;
	struct answer a, b;

	begin(w, &(struct child_options){ .argv = SH("sleep 1000"), .timeout_us = USEC_PER_HOUR },
		&a);
	child_cancel(begin(w,
		&(struct child_options){
			.argv = SH("trap '' TERM; sleep 1000"), .timeout_us = USEC_PER_HOUR },
		&b));
}

/* Whoever took its end away took the proof along that it went well. */
static void
an_end_that_is_lost_is_no_success(void **state)
{
	static const char *const argv[] = { "/bin/sh", "-c", "exit 2", NULL };
	struct world *w = *state;
	struct answer a;

	begin(w, &(struct child_options){ .argv = argv }, &a);
	assert_true(waitpid(-1, NULL, 0) > 0);
	assert_true(turn_until(w, is_here, &a));
	assert_int_equal(a.end, CHILD_BROKEN);
	assert_int_equal(a.status, ECHILD);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		T(hears_both_streams_and_the_code),
		T(names_the_signal),
		T(looks_names_up_in_path),
		T(says_why_there_is_no_command),
		T(gives_input_environment_and_folder),
		T(inherits_nothing),
		T(keeps_a_part_of_much_output),
		T(ends_the_group_at_the_deadline),
		T(kills_what_does_not_listen),
		T(gives_up_what_does_not_die),
		T(does_not_wait_for_those_left_behind),
		T(says_nothing_when_cancelled),
		T(an_end_that_is_lost_is_no_success),
		T(runs_our_own_program),
		T(no_descriptor_is_our_trouble),
		T(goes_with_the_loop),
	};

	if (argc > 1 && strcmp(argv[1], CHILD_ARG) == 0)
		return child_main(argc, argv);
	if (argc > 2 && strcmp(argv[1], "--say") == 0)
		return puts(argv[2]) < 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

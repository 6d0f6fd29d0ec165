/*
 * File-system calls through real helper processes: this program is its own helper.  A helper that
 * is stopped by a signal stands in for one that hangs on a dead mount.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/fs.h"
#include "io/fs_file.h"
#include "io/loop.h"
#include "tests/help/shortage.h"

#define TURNS 1000

struct world {
	struct clock clock;
	struct loop *loop;
	struct stats stats;
	struct fs_pool *pool;
	char dir[64];
};

struct answer {
	bool is_here;
	struct fs_result result;
	char data[2048];
};

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	strcpy(w->dir, "/tmp/triaged-fs-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	clock_init_fake(&w->clock, USEC_PER_HOUR, INT64_C(1700000000) * USEC_PER_SEC);
	w->loop = loop_new(&w->clock, NULL);
	w->pool = fs_pool_new(w->loop, &w->stats);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	fs_pool_free(w->pool);
	loop_free(w->loop);
	while (waitpid(-1, NULL, 0) > 0)
		; /* all of them were killed */
	rmdir(w->dir);
	free(w);
	return 0;
}

static void
on_result(void *arg, const struct fs_result *result)
{
	struct answer *a = arg;

	assert_false(a->is_here);
	a->is_here = true;
	a->result = *result;
	if (result->data != NULL && result->data_len < sizeof(a->data))
		memcpy(a->data, result->data, result->data_len);
}

static bool
is_here(void *arg)
{
	return ((struct answer *)arg)->is_here;
}

static struct fs_call *
begin(struct world *w, enum fs_op op, const char *path, struct answer *a)
{
	const struct fs_request request = { .op = op, .path = path, .length = 32 };

	memset(a, 0, sizeof(*a));
	return fs_call_start(w->pool, &request, 10 * USEC_PER_SEC, on_result, a);
}

static void
await(struct world *w, struct answer *a)
{
	assert_true(loop_turn_until(w->loop, is_here, a, TURNS));
}

static void
ask(struct world *w, enum fs_op op, const char *path, struct answer *a)
{
	begin(w, op, path, a);
	assert_false(a->is_here); /* never from inside */
	await(w, a);
}

/* The pids of our helpers. */
static unsigned
helpers(pid_t pids[16])
{
	char path[64];
	unsigned count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	file = fopen(path, "r");
	assert_non_null(file);
	while (count < 16 && fscanf(file, "%d", &pids[count]) == 1)
		count++;
	fclose(file);
	return count;
}

static void
freeze(void)
{
	pid_t pids[16];
	unsigned n = helpers(pids);

	assert_true(n > 0);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(kill(pids[i], SIGSTOP), 0);
}

static void
measures_a_file_system(void **state)
{
	struct world *w = *state;
	struct stat st;
	struct answer a;

	assert_int_equal(stat(w->dir, &st), 0);
	ask(w, FS_STATVFS, w->dir, &a);
	assert_int_equal(a.result.status, FS_OK);
	assert_true(a.result.blocks > 0 && a.result.block_size > 0);
	assert_true(a.result.blocks_avail <= a.result.blocks);
	assert_true(a.result.dev == st.st_dev);
	ask(w, FS_STAT, w->dir, &a);
	assert_int_equal(a.result.status, FS_OK);
	assert_true(S_ISDIR(a.result.mode));
	assert_true(a.result.ino == st.st_ino);
	assert_int_equal(a.result.uid, st.st_uid);
	assert_true(stats_get(&w->stats, STAT_HELPERS) == 1); /* one serves all */
}

static void
says_what_failed(void **state)
{
	struct world *w = *state;
	char path[FS_PATH_MAX + 10];
	struct answer a;

	snprintf(path, sizeof(path), "%s/none", w->dir);
	ask(w, FS_STATVFS, path, &a);
	assert_int_equal(a.result.status, FS_FAILED);
	assert_int_equal(a.result.error, ENOENT);
	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	ask(w, FS_STAT, path, &a);
	assert_int_equal(a.result.status, FS_FAILED);
	assert_int_equal(a.result.error, ENAMETOOLONG);
}

static void
writes_and_leaves_nothing(void **state)
{
	struct world *w = *state;
	char left[128];
	struct answer a;
	FILE *file;

	/* what a killed helper left does not matter */
	snprintf(left, sizeof(left), "%s/.triaged-write-test", w->dir);
	file = fopen(left, "w");
	assert_non_null(file);
	fclose(file);
	ask(w, FS_WRITE_TEST, w->dir, &a);
	assert_int_equal(a.result.status, FS_OK);
	assert_int_equal(access(left, F_OK), -1);
	ask(w, FS_WRITE_TEST, "/proc", &a);
	assert_int_equal(a.result.status, FS_FAILED);
}

static void
reads_a_piece(void **state)
{
	struct world *w = *state;
	char path[128];
	struct answer a;
	FILE *file;

	snprintf(path, sizeof(path), "%s/file", w->dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("hello there", file);
	fclose(file);
	ask(w, FS_READ, path, &a);
	unlink(path);
	assert_int_equal(a.result.status, FS_OK);
	assert_int_equal(a.result.data_len, 11);
	assert_string_equal(a.data, "hello there");
}

static void
gives_up_what_hangs(void **state)
{
	struct world *w = *state;
	struct answer a, waiting, later;

	ask(w, FS_STAT, w->dir, &a);
	freeze();
	begin(w, FS_STAT, w->dir, &a);
	begin(w, FS_STATVFS, w->dir, &waiting); /* queues behind it */
	loop_advance(w->loop, 9 * USEC_PER_SEC);
	assert_false(a.is_here);
	loop_advance(w->loop, USEC_PER_SEC);
	assert_true(a.is_here);
	assert_int_equal(a.result.status, FS_STUCK);
	assert_int_equal(a.result.stuck_us, 10 * USEC_PER_SEC);
	await(w, &waiting);
	assert_int_equal(waiting.result.status, FS_STUCK);
	assert_true(stats_get(&w->stats, STAT_HELPERS_STUCK) == 1);
	/* as long as the helper is not dead nobody else is sent there */
	ask(w, FS_STAT, w->dir, &later);
	assert_int_equal(later.result.status, FS_STUCK);
	assert_true(later.result.stuck_us >= 10 * USEC_PER_SEC);
}

static bool
nobody_stuck(void *arg)
{
	struct world *w = arg;

	loop_advance(w->loop, 50 * USEC_PER_MSEC); /* the reaper's timer */
	return stats_get(&w->stats, STAT_HELPERS_STUCK) == 0;
}

static void
asks_again_when_the_helper_is_dead(void **state)
{
	struct world *w = *state;
	struct answer a;

	ask(w, FS_STAT, w->dir, &a);
	freeze();
	begin(w, FS_STAT, w->dir, &a);
	loop_advance(w->loop, 10 * USEC_PER_SEC);
	assert_int_equal(a.result.status, FS_STUCK);
	assert_true(loop_turn_until(w->loop, nobody_stuck, w, TURNS));
	ask(w, FS_STAT, w->dir, &a);
	assert_int_equal(a.result.status, FS_OK);
}

static void
another_mount_does_not_wait(void **state)
{
	struct world *w = *state;
	struct answer hung, good;

	ask(w, FS_STAT, w->dir, &hung);
	freeze();
	begin(w, FS_STAT, w->dir, &hung);
	begin(w, FS_STAT, "/proc/self", &good);
	loop_advance(w->loop, 25 * USEC_PER_MSEC); /* patience with the busy one is short */
	await(w, &good);
	assert_int_equal(good.result.status, FS_OK);
	assert_false(hung.is_here);
}

static void
a_lost_helper_is_our_trouble(void **state)
{
	struct world *w = *state;
	pid_t pids[16];
	struct answer a;

	ask(w, FS_STAT, w->dir, &a);
	freeze();
	begin(w, FS_STAT, w->dir, &a);
	assert_int_equal(helpers(pids), 1);
	kill(pids[0], SIGKILL);
	await(w, &a);
	assert_int_equal(a.result.status, FS_BROKEN);
	ask(w, FS_STAT, w->dir, &a); /* and replaced */
	assert_int_equal(a.result.status, FS_OK);
}

static bool
has_died(void *arg)
{
	struct world *w = arg;

	return stats_get(&w->stats, STAT_HELPERS) == 0;
}

static void
one_that_dies_idle_is_not_noticed(void **state)
{
	struct world *w = *state;
	pid_t pids[16];
	struct answer a;

	ask(w, FS_STAT, w->dir, &a);
	assert_int_equal(helpers(pids), 1);
	kill(pids[0], SIGKILL);
	assert_true(loop_turn_until(w->loop, has_died, w, TURNS));
	ask(w, FS_STAT, w->dir, &a);
	assert_int_equal(a.result.status, FS_OK);
}

static void
idle_helpers_go_home(void **state)
{
	struct world *w = *state;
	struct answer a;

	ask(w, FS_STAT, w->dir, &a);
	loop_advance(w->loop, USEC_PER_SEC - 1);
	assert_true(stats_get(&w->stats, STAT_HELPERS) == 1);
	loop_advance(w->loop, 1);
	assert_true(stats_get(&w->stats, STAT_HELPERS) == 0);
}

static void
cancelled_calls_say_nothing(void **state)
{
	struct world *w = *state;
	struct answer a, b, c;
	struct fs_call *asked = begin(w, FS_STAT, w->dir, &a);
	struct fs_call *queued = begin(w, FS_STAT, w->dir, &b);

	fs_call_cancel(asked);
	fs_call_cancel(queued);
	fs_call_cancel(NULL);
	ask(w, FS_STAT, w->dir, &c); /* behind the one whose answer is dropped */
	assert_int_equal(c.result.status, FS_OK);
	assert_false(a.is_here);
	assert_false(b.is_here);
}

static void
a_cancelled_call_still_marks_its_mount(void **state)
{
	struct world *w = *state;
	struct answer a;

	ask(w, FS_STAT, w->dir, &a);
	freeze();
	fs_call_cancel(begin(w, FS_STAT, w->dir, &a));
	loop_advance(w->loop, 10 * USEC_PER_SEC);
	assert_true(stats_get(&w->stats, STAT_HELPERS_STUCK) == 1);
	ask(w, FS_STAT, w->dir, &a);
	assert_int_equal(a.result.status, FS_STUCK);
	assert_int_equal(a.result.stuck_us, 10 * USEC_PER_SEC);
}

static void
stuck_helpers_are_capped(void **state)
{
	struct world *w = *state;
	struct answer a[FS_HELPERS_STUCK_MAX], good;
	char path[32];

	for (int i = 0; i < FS_HELPERS_STUCK_MAX; i++) {
		begin(w, FS_STAT, "/usr", &good); /* one more helper, as the others are busy */
		loop_advance(w->loop, 25 * USEC_PER_MSEC);
		await(w, &good);
		freeze();
		/* each path on the root file system hangs for itself */
		snprintf(path, sizeof(path), "/usr/%d", i);
		begin(w, FS_STAT, path, &a[i]);
	}
	w->clock.fake_mono_us += 10 * USEC_PER_SEC; /* all deadlines in one turn: no reaping */
	for (int i = 0; i < FS_HELPERS_STUCK_MAX; i++) {
		await(w, &a[i]);
		assert_int_equal(a[i].result.status, FS_STUCK);
	}
	assert_true(stats_get(&w->stats, STAT_HELPERS_STUCK) == FS_HELPERS_STUCK_MAX);
	ask(w, FS_STAT, "/usr", &good);
	assert_int_equal(good.result.status, FS_BROKEN);
	assert_int_equal(good.result.error, EBUSY);
	assert_true(stats_get(&w->stats, STAT_HELPERS_REFUSED) == 1);
}

/* Helpers that are started from now on stop at once. */
static void
slow_name(char name[64], pid_t parent)
{
	snprintf(name, 64, "/tmp/triaged-fs-slow-%d", (int)parent);
}

/* All helpers hang; one is given up, and its place goes to a call whose time is nearly over: too
 * little was left to say that this mount hangs, too. */
static void
who_was_asked_late_is_not_said_to_hang(void **state)
{
	struct world *w = *state;
	struct answer a[FS_HELPERS_STUCK_MAX], late, behind;
	char path[32], slow[64];

	for (int i = 0; i < FS_HELPERS_STUCK_MAX; i++) {
		begin(w, FS_STAT, "/usr", &late); /* one more helper, as the others are busy */
		loop_advance(w->loop, 25 * USEC_PER_MSEC);
		await(w, &late);
		freeze();
		snprintf(path, sizeof(path), "/usr/%d", i);
		begin(w, FS_STAT, path, &a[i]);
	}
	begin(w, FS_STAT, "/usr/late", &late);
	begin(w, FS_STAT, "/usr/late", &behind);
	slow_name(slow, getpid());
	fclose(fopen(slow, "w"));
	loop_advance(w->loop, 10 * USEC_PER_SEC - (FS_HELPERS_STUCK_MAX - 1) * 25 * USEC_PER_MSEC);
	await(w, &a[0]);
	assert_int_equal(a[0].result.status, FS_STUCK);
	assert_false(late.is_here);
	loop_advance(w->loop, (FS_HELPERS_STUCK_MAX - 1) * 25 * USEC_PER_MSEC);
	await(w, &late);
	await(w, &behind);
	unlink(slow);
	assert_int_equal(late.result.status, FS_BROKEN);
	assert_int_equal(late.result.error, EAGAIN);
	assert_int_equal(behind.result.status, FS_BROKEN);
	assert_int_equal(behind.result.error, EAGAIN);
}

/* Started when descriptors were short: helpers are to be had again afterwards. */
static void
recovers_from_a_start_without_descriptors(void **state)
{
	struct world *w = *state;
	struct shortage shortage;
	struct answer a;

	fs_pool_free(w->pool);
	shortage_begin(&shortage);
	w->pool = fs_pool_new(w->loop, &w->stats);
	ask(w, FS_STAT, w->dir, &a);
	shortage_end(&shortage);
	assert_int_equal(a.result.status, FS_BROKEN);
	assert_int_equal(a.result.error, EMFILE);
	ask(w, FS_STAT, w->dir, &a);
	assert_int_equal(a.result.status, FS_OK);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static void
ask_with(struct world *w, enum fs_op op, const char *path, const char *arg, struct answer *a)
{
	const struct fs_request request = {
		.op = op, .path = path, .arg = arg, .offset = 4, .length = 32
	};

	memset(a, 0, sizeof(*a));
	assert_non_null(fs_call_start(w->pool, &request, 10 * USEC_PER_SEC, on_result, a));
	await(w, a);
}

static void
write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void
a_file_its_head_digest_and_new_name(void **state)
{
	static struct answer a;
	struct world *w = *state;
	char path[128], moved[128], id[64];

	snprintf(path, sizeof(path), "%s/log", w->dir);
	snprintf(moved, sizeof(moved), "%s/log.1", w->dir);
	write_text(path, "abcdefgh");
	ask_with(w, FS_TAIL, path, NULL, &a);
	assert_int_equal(a.result.status, FS_OK);
	assert_int_equal(a.result.head_len, 8);
	assert_int_equal(a.result.data_len, 12);
	assert_memory_equal(a.data, "abcdefghefgh", 12);
	assert_int_equal(a.result.size, 8);
	assert_true(a.result.ino != 0);
	snprintf(id, sizeof(id), "%llu:%llu", (unsigned long long)a.result.dev,
		(unsigned long long)a.result.ino);
	assert_int_equal(rename(path, moved), 0);
	ask_with(w, FS_FIND, w->dir, id, &a);
	assert_int_equal(a.result.status, FS_OK);
	assert_memory_equal(a.data, "log.1", 5);
	ask_with(w, FS_DIGEST, moved, NULL, &a); /* `offset` is its cap: 4 bytes */
	assert_int_equal(a.result.error, EFBIG);
	write_text(moved, "abc");
	ask_with(w, FS_DIGEST, moved, NULL, &a);
	assert_int_equal(a.result.data_len, 64);
	assert_memory_equal(
		a.data, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 64);
	unlink(moved);
	ask_with(w, FS_FIND, w->dir, id, &a);
	assert_int_equal(a.result.error, ENOENT);
}

static void
names_and_rights_of_a_file(void **state)
{
	static struct answer a;
	struct world *w = *state;
	struct fs_file file;
	char path[128], link[128];

	snprintf(path, sizeof(path), "%s/f", w->dir);
	snprintf(link, sizeof(link), "%s/l", w->dir);
	write_text(path, "x");
	chmod(path, 0644);
	assert_int_equal(symlink(path, link), 0);
	ask_with(w, FS_FILE, link, "65534\n\n\n", &a);
	assert_int_equal(a.result.status, FS_OK);
	memcpy(&file, a.data, sizeof(file));
	assert_string_equal(file.link, path);
	assert_int_equal(file.is_asked, 1);
	assert_int_equal(file.write_error, EACCES);
	ask_with(w, FS_FILE, w->dir, "\nf*\n\n", &a);
	memcpy(&file, a.data, sizeof(file));
	assert_int_equal(file.count, 1);
	assert_string_equal(file.newest, "f");
	assert_int_equal(file.newest_size, 1);
	unlink(path);
	ask_with(w, FS_FILE, link, "no-such-user-here\n\n\n", &a);
	memcpy(&file, a.data, sizeof(file));
	assert_int_equal(a.result.error, ENOENT);
	assert_string_equal(file.link, path); /* said although it leads nowhere */
	unlink(link);
}

/* To be opened and left again costs the writer of a FIFO what it wrote. */
static void
opens_files_only(void **state)
{
	static struct answer a;
	struct world *w = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/fifo", w->dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	if (fork() == 0) {
		char byte = 'x';
		int fd = open(path, O_WRONLY);

		_exit(write(fd, &byte, 1) == 1 ? 0 : 1);
	}
	ask(w, FS_READ, path, &a);
	assert_int_equal(a.result.error, EINVAL);
	assert_true(S_ISFIFO(a.result.mode));
	ask(w, FS_TAIL, path, &a);
	ask(w, FS_DIGEST, path, &a);
	assert_int_equal(a.result.error, EINVAL);
	{
		char byte = 0;
		int fd = open(path, O_RDONLY);

		assert_int_equal(read(fd, &byte, 1), 1); /* still there for its reader */
		assert_int_equal(byte, 'x');
		close(fd);
	}
	unlink(path);
}

static void
make_host(struct world *w, const char *command)
{
	char line[512];

	snprintf(line, sizeof(line), "cd %s && %s", w->dir, command);
	assert_int_equal(system(line), 0);
}

/* Links of a host that is mounted elsewhere lead through that host, and never out of it. */
static void
follows_links_below_the_root(void **state)
{
	static const struct {
		const char *path, *content;
		int error;
	} rows[] = {
		{ "/var/run/app.pid", "17\n", 0 },
		{ "/var//run/./app.pid", "17\n", 0 },
		{ "/up", "17\n", 0 },
		{ "/var/up2/app.pid", "17\n", 0 },
		{ "/chain", "17\n", 0 },
		{ "/etc/../../../run/app.pid", "17\n", 0 },
		{ "/out", "", ENOENT },
		{ "/loop", "", ELOOP },
		{ "/none/x", "", ENOENT },
		{ "/run/app.pid/x", "", ENOTDIR },
	};
	static struct answer a;
	struct world *w = *state;
	struct fs_file file;
	char path[256];

	make_host(w, "mkdir run var etc && echo 17 > run/app.pid && ln -s /run var/run && "
		     "ln -s ../../../../run/app.pid up && ln -s ../run var/up2 && "
		     "ln -s /var/run/app.pid chain && ln -s /proc/self/status out && "
		     "ln -s /loop loop");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct fs_request request = {
			.op = FS_READ, .path = path, .length = 32, .root = w->dir
		};

		snprintf(path, sizeof(path), "%s%s", w->dir, rows[i].path);
		memset(&a, 0, sizeof(a));
		fs_call_start(w->pool, &request, 10 * USEC_PER_SEC, on_result, &a);
		await(w, &a);
		if (a.result.error != rows[i].error || strcmp(a.data, rows[i].content) != 0)
			fail_msg("%s: %s %s", rows[i].path, strerror(a.result.error), a.data);
	}
	snprintf(path, sizeof(path), "%s/chain", w->dir);
	memset(&a, 0, sizeof(a));
	fs_call_start(w->pool,
		&(struct fs_request){
			.op = FS_FILE, .path = path, .arg = "\n\n\n", .root = w->dir },
		10 * USEC_PER_SEC, on_result, &a);
	await(w, &a);
	memcpy(&file, a.data, sizeof(file));
	assert_string_equal(file.link, "/var/run/app.pid");
	assert_int_equal(a.result.size, 3);
	make_host(w, "rm -rf run var etc up chain out loop");
}

static int
start_helper(void)
{
	char slow[64];

	slow_name(slow, getppid());
	if (access(slow, F_OK) == 0)
		raise(SIGSTOP);
	return fs_helper_main();
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		T(measures_a_file_system),
		T(says_what_failed),
		T(writes_and_leaves_nothing),
		T(reads_a_piece),
		T(gives_up_what_hangs),
		T(asks_again_when_the_helper_is_dead),
		T(another_mount_does_not_wait),
		T(a_lost_helper_is_our_trouble),
		T(one_that_dies_idle_is_not_noticed),
		T(idle_helpers_go_home),
		T(cancelled_calls_say_nothing),
		T(a_cancelled_call_still_marks_its_mount),
		T(stuck_helpers_are_capped),
		T(who_was_asked_late_is_not_said_to_hang),
		T(recovers_from_a_start_without_descriptors),
		T(a_file_its_head_digest_and_new_name),
		T(names_and_rights_of_a_file),
		T(opens_files_only),
		T(follows_links_below_the_root),
	};

	if (argc > 1 && strcmp(argv[1], FS_HELPER_ARG) == 0)
		return start_helper();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

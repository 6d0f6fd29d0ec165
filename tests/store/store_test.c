/* The store as its users see it: a folder, a loop, documents, history; and what goes wrong. */
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/rand.h"
#include "store/store.h"

#define WALL     (INT64_C(1767323045) * USEC_PER_SEC)
#define WAIT_US  (20 * USEC_PER_SEC)
#define MAX_TURN 2000

struct bed {
	char dir[64];
	struct clock clock;
	struct loop *loop;
	struct stats stats;
	struct store *store;
	char aside[STORE_ASIDE_MAX];
	char trouble[600];
	int troubles, recoveries;
	int durable, lost;
	struct store_point points[64];
	size_t point_count;
	bool is_answered;
};

static void
on_trouble(void *arg, const char *text)
{
	struct bed *bed = arg;
	if (!text) {
		bed->recoveries++;
		return;
	}
	bed->troubles++;
	snprintf(bed->trouble, sizeof(bed->trouble), "%s", text);
}

static int
try_open(struct bed *bed, struct err *e)
{
	struct store_options options = {
		.dir = bed->dir,
		.loop = bed->loop,
		.stats = &bed->stats,
		.history_max_bytes = INT64_C(64) << 20,
		.on_trouble = on_trouble,
		.arg = bed,
	};
	bed->store = store_open(&options, bed->aside, e);
	return bed->store ? 0 : -1;
}

static void
open_store(struct bed *bed)
{
	struct err e = { 0 };
	if (try_open(bed, &e) < 0)
		fail_msg("store_open: %s", e.text);
}

static void
close_store(struct bed *bed)
{
	store_close(bed->store, WAIT_US);
	bed->store = NULL;
}

static int
make_bed(void **state)
{
	struct bed *bed = xcalloc(1, sizeof(*bed));
	struct err e;
	strcpy(bed->dir, "/tmp/store-test-XXXXXX");
	assert_non_null(mkdtemp(bed->dir));
	clock_init_fake(&bed->clock, USEC_PER_HOUR, WALL);
	bed->loop = loop_new(&bed->clock, &e);
	assert_non_null(bed->loop);
	*state = bed;
	return 0;
}

static int
drop_bed(void **state)
{
	struct bed *bed = *state;
	char command[256];
	store_close(bed->store, WAIT_US);
	loop_free(bed->loop);
	snprintf(command, sizeof(command), "chmod -R u+w %s; rm -rf %s", bed->dir, bed->dir);
	assert_int_equal(system(command), 0);
	free(bed);
	return 0;
}

static void
on_durable(void *arg, bool is_durable)
{
	struct bed *bed = arg;
	if (is_durable)
		bed->durable++;
	else
		bed->lost++;
}

static bool
has_verdict(void *arg)
{
	struct bed *bed = arg;
	return bed->durable + bed->lost > 0;
}

/* Waits until all that was posted is decided; true when it is on disk. */
static bool
settle(struct bed *bed)
{
	bed->durable = bed->lost = 0;
	store_when_durable(bed->store, on_durable, bed);
	assert_true(loop_turn_until(bed->loop, has_verdict, bed, MAX_TURN));
	return bed->durable == 1;
}

static void
put(struct bed *bed, const char *kind, const char *key, int number)
{
	json_t *doc = json_pack("{s:i}", "n", number);
	store_put(bed->store, kind, key, doc);
	json_decref(doc);
}

struct found {
	char text[2048];
	size_t count;
};

static void
collect(void *arg, const char *key, const json_t *doc)
{
	struct found *found = arg;
	size_t len = strlen(found->text);
	snprintf(found->text + len, sizeof(found->text) - len, "%s=%d ", key,
		(int)json_integer_value(json_object_get(doc, "n")));
	found->count++;
}

static void
assert_docs(struct bed *bed, const char *kind, const char *wanted)
{
	struct found found = { .text = "" };
	struct err e;
	assert_int_equal(store_load(bed->store, kind, collect, &found, &e), 0);
	assert_string_equal(found.text, wanted);
}

static void
test_documents_come_back_in_order_of_their_keys(void **state)
{
	struct bed *bed = *state;
	open_store(bed);
	assert_string_equal(bed->aside, "");
	put(bed, "a", "2", 2);
	put(bed, "a", "1", 1);
	put(bed, "a", "3", 3);
	put(bed, "b", "1", 9);
	assert_true(settle(bed));
	put(bed, "a", "1", 11);
	store_delete(bed->store, "a", "2");
	assert_true(settle(bed));
	close_store(bed);
	open_store(bed);
	assert_docs(bed, "a", "1=11 3=3 ");
	assert_docs(bed, "b", "1=9 ");
	assert_docs(bed, "c", "");
}

static void
test_close_writes_what_the_turn_has_posted(void **state)
{
	struct bed *bed = *state;
	open_store(bed);
	put(bed, "a", "x", 1);
	close_store(bed);
	open_store(bed);
	assert_docs(bed, "a", "x=1 ");
}

static void
test_loading_comes_before_posting(void **state)
{
	struct bed *bed = *state;
	struct found found = { .text = "" };
	struct err e;
	open_store(bed);
	put(bed, "a", "x", 1);
	assert_true(settle(bed));
	assert_int_equal(store_load(bed->store, "a", collect, &found, &e), -1);
}

static void
test_dropped_waiter_is_not_called(void **state)
{
	struct bed *bed = *state;
	struct bed other = { .durable = 0 };
	open_store(bed);
	put(bed, "a", "x", 1);
	store_when_durable(bed->store, on_durable, &other);
	store_drop_waiter(bed->store, &other);
	assert_true(settle(bed));
	assert_int_equal(other.durable + other.lost, 0);
}

/*
 * Runs `body` in a child.  Its result comes through a pipe: the child ends without freeing what the
 * parent still has, and valgrind would put its opinion of that into the exit code.
 */
static int
in_child(int (*body)(struct bed *bed), struct bed *bed)
{
	int pipe_fds[2], result = 128;

	fflush(NULL);
	assert_int_equal(pipe(pipe_fds), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		result = body(bed);
		_exit(write(pipe_fds[1], &result, sizeof(result)) == sizeof(result) ? 0 : 1);
	}
	close(pipe_fds[1]);
	if (read(pipe_fds[0], &result, sizeof(result)) != sizeof(result))
		result = 128;
	close(pipe_fds[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return result;
}

static int
open_a_second(struct bed *bed)
{
	struct err e = { 0 };
	char wanted[64];
	snprintf(wanted, sizeof(wanted), "in use by triaged with pid %d", (int)getppid());
	if (try_open(bed, &e) == 0)
		return 1;
	return strstr(e.text, wanted) && strstr(e.text, "daemon.state_dir") ? 0 : 2;
}

static void
test_second_daemon_is_told_who_has_the_folder(void **state)
{
	struct bed *bed = *state;
	open_store(bed);
	struct store *mine = bed->store;
	assert_int_equal(in_child(open_a_second, bed), 0);
	bed->store = mine;
}

static void
test_missing_folder_is_made_private(void **state)
{
	struct bed *bed = *state;
	struct stat st;
	char plain[64];
	strcpy(plain, bed->dir);
	strcat(bed->dir, "/a/b");
	open_store(bed);
	assert_int_equal(stat(bed->dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	strcat(bed->dir, "/state.db");
	assert_int_equal(stat(bed->dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	strcpy(bed->dir, plain);
}

static int
open_unwritable(struct bed *bed)
{
	struct err e = { 0 };
	if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
		return 3;
	if (try_open(bed, &e) == 0)
		return 1;
	return strstr(e.text, "cannot write to state folder") && strstr(e.text, "daemon.state_dir")
		       ? 0
		       : 2;
}

static void
test_unwritable_folder_is_a_clear_error(void **state)
{
	struct bed *bed = *state;
	assert_int_equal(chmod(bed->dir, 0555), 0);
	assert_int_equal(in_child(open_unwritable, bed), 0);
}

static void
test_a_file_in_place_of_the_folder_is_a_clear_error(void **state)
{
	struct bed *bed = *state;
	struct err e = { 0 };
	char plain[64];
	strcpy(plain, bed->dir);
	strcat(bed->dir, "/file");
	FILE *f = fopen(bed->dir, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(try_open(bed, &e), -1);
	assert_non_null(strstr(e.text, "state folder"));
	strcpy(bed->dir, plain);
}

static void
damage(struct bed *bed, const char *name, long at, size_t len)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", bed->dir, name);
	FILE *f = fopen(path, "r+");
	assert_non_null(f);
	assert_int_equal(fseek(f, at, SEEK_SET), 0);
	for (size_t n = 0; n < len; n++)
		fputc('#', f);
	assert_int_equal(fclose(f), 0);
}

static int
count_files(struct bed *bed, const char *glob)
{
	char command[256];
	snprintf(command, sizeof(command), "exit $(ls -d %s/%s 2>/dev/null | wc -l)", bed->dir,
		glob);
	return WEXITSTATUS(system(command));
}

static void
test_file_that_is_no_database_is_set_aside(void **state)
{
	struct bed *bed = *state;
	open_store(bed);
	put(bed, "a", "x", 1);
	close_store(bed);
	damage(bed, "state.db", 0, 4096);
	open_store(bed);
	assert_non_null(strstr(bed->aside, "state.db was damaged"));
	assert_non_null(strstr(bed->aside, "corrupt-20260102-030405"));
	assert_int_equal(count_files(bed, "state.db.corrupt-20260102-030405"), 1);
	assert_docs(bed, "a", "");
	put(bed, "a", "y", 2);
	close_store(bed);
	open_store(bed);
	assert_string_equal(bed->aside, "");
	assert_docs(bed, "a", "y=2 ");
}

static void
fill(struct bed *bed, int count)
{
	char filler[400], key[32];
	memset(filler, 'x', sizeof(filler) - 1);
	filler[sizeof(filler) - 1] = '\0';
	for (int n = 0; n < count; n++) {
		json_t *doc = json_pack("{s:i, s:s}", "n", n, "filler", filler);
		snprintf(key, sizeof(key), "%04d", n);
		store_put(bed->store, "fill", key, doc);
		json_decref(doc);
	}
	assert_true(settle(bed));
}

static void
remove_marker(struct bed *bed)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/clean", bed->dir);
	assert_int_equal(unlink(path), 0);
}

static void
test_damage_in_the_middle_after_an_unclean_end_saves_what_can_be_read(void **state)
{
	struct bed *bed = *state;
	struct found found = { .text = "" };
	struct err e;
	open_store(bed);
	fill(bed, 300);
	close_store(bed);
	remove_marker(bed);
	damage(bed, "state.db", 20L * 4096, 2 * 4096);
	open_store(bed);
	assert_non_null(strstr(bed->aside, "state.db was damaged"));
	assert_int_equal(store_load(bed->store, "fill", collect, &found, &e), 0);
	assert_in_range(found.count, 100, 299);
}

static bool
has_recovered(void *arg)
{
	const struct bed *bed = arg;
	return bed->recoveries > 0;
}

static bool
is_in_trouble(void *arg)
{
	const struct bed *bed = arg;
	return bed->troubles > 0;
}

static void
test_damage_while_running_is_told_and_survived(void **state)
{
	struct bed *bed = *state;
	open_store(bed);
	fill(bed, 300);
	close_store(bed); /* everything is in the main file now */
	open_store(bed);
	damage(bed, "state.db", 4096, 60 * 4096);
	fill(bed, 300);
	assert_true(loop_turn_until(bed->loop, has_recovered, bed, MAX_TURN));
	assert_non_null(strstr(bed->trouble, "state.db was damaged"));
	put(bed, "a", "later", 7);
	assert_true(settle(bed));
	close_store(bed);
	open_store(bed);
	assert_docs(bed, "a", "later=7 ");
}

static void
test_newer_format_is_refused(void **state)
{
	struct bed *bed = *state;
	struct err e = { 0 };
	open_store(bed);
	close_store(bed);
	damage(bed, "state.db", 60, 4); /* user_version */
	assert_int_equal(try_open(bed, &e), -1);
	assert_non_null(strstr(e.text, "later version"));
}

/* No file may grow: what a full disk feels like to a file that must. */
static void
set_limit(rlim_t bytes)
{
	struct rlimit limit;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void
test_full_disk_is_met_from_memory_and_caught_up(void **state)
{
	struct bed *bed = *state;
	signal(SIGXFSZ, SIG_IGN);
	open_store(bed);
	put(bed, "a", "before", 1);
	put(bed, "a", "gone", 1);
	assert_true(settle(bed));
	set_limit(4096);
	put(bed, "a", "during", 2);
	store_delete(bed->store, "a", "gone");
	assert_false(settle(bed));
	assert_true(loop_turn_until(bed->loop, is_in_trouble, bed, MAX_TURN));
	assert_non_null(strstr(bed->trouble, "cannot be written"));
	assert_int_equal(count_files(bed, "ballast"), 0);
	put(bed, "a", "during", 3);
	assert_false(settle(bed));
	assert_int_equal(bed->troubles, 1);
	loop_advance(bed->loop, USEC_PER_SEC);
	assert_false(settle(bed));

	set_limit(RLIM_INFINITY);
	loop_advance(bed->loop, USEC_PER_SEC);
	assert_true(loop_turn_until(bed->loop, has_recovered, bed, MAX_TURN));
	put(bed, "a", "after", 4);
	assert_true(settle(bed));
	assert_int_equal(count_files(bed, "ballast"), 1);
	assert_int_equal((int)stats_get(&bed->stats, STAT_STORE_DEGRADED), 0);
	assert_true(stats_get(&bed->stats, STAT_STORE_ERRORS) >= 1);
	close_store(bed);
	open_store(bed);
	assert_docs(bed, "a", "after=4 before=1 during=3 ");
}

static void
test_store_in_trouble_saves_at_its_close_if_it_can(void **state)
{
	struct bed *bed = *state;
	signal(SIGXFSZ, SIG_IGN);
	open_store(bed);
	set_limit(4096);
	put(bed, "a", "x", 1);
	assert_false(settle(bed));
	set_limit(RLIM_INFINITY);
	close_store(bed);
	open_store(bed);
	assert_docs(bed, "a", "x=1 ");
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		perror(path);
}

static void
write_map(const char *path, unsigned id)
{
	char line[32];
	snprintf(line, sizeof(line), "%u %u 1", id, id);
	write_file(path, line);
}

/* A disk of our own, small enough to be filled; false where the kernel does not let us. */
static bool
mount_small_disk(const char *dir)
{
	unsigned user = geteuid(), group = getegid();
	if (unshare(CLONE_NEWNS | (user == 0 ? 0 : CLONE_NEWUSER)) < 0)
		return false;
	if (user != 0) {
		write_map("/proc/self/uid_map", user);
		write_file("/proc/self/setgroups", "deny");
		write_map("/proc/self/gid_map", group);
	}
	return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("none", dir, "tmpfs", 0, "size=8m") == 0;
}

static void
fill_disk(const char *path)
{
	char zeros[4096] = { 0 };
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ssize_t rc;
	do {
		rc = write(fd, zeros, sizeof(zeros));
	} while (rc > 0);
	close(fd);
}

#define CANNOT_MOUNT 77

/* The exit code says how far it came: 0 all the way. */
static int
live_through_a_full_disk(struct bed *bed)
{
	struct err e;
	char path[128];
	int posted = 0;
	struct found found = { .text = "" };
	if (!mount_small_disk(bed->dir))
		return CANNOT_MOUNT;
	bed->loop = loop_new(&bed->clock, &e);
	if (!bed->loop || try_open(bed, &e) < 0)
		return 1;
	snprintf(path, sizeof(path), "%s/filler", bed->dir);
	fill_disk(path);
	bool is_durable = true;
	while (is_durable && posted < 5000) {
		char key[32], text[2000];
		memset(text, 'x', sizeof(text) - 1);
		text[sizeof(text) - 1] = '\0';
		snprintf(key, sizeof(key), "%05d", posted++);
		json_t *doc = json_pack("{s:s}", "text", text);
		store_put(bed->store, "k", key, doc);
		json_decref(doc);
		bed->durable = bed->lost = 0;
		store_when_durable(bed->store, on_durable, bed);
		if (!loop_turn_until(bed->loop, has_verdict, bed, MAX_TURN))
			return 2;
		is_durable = bed->durable == 1;
		/* the ballast was given up: a word of that before anything is lost */
		if (is_durable && bed->troubles == 0 && count_files(bed, "ballast") == 0)
			return 3;
	}
	if (is_durable || posted < 20 || !strstr(bed->trouble, "cannot be written"))
		return 4;
	if (bed->troubles != 2)
		return 5;
	unlink(path);
	loop_advance(bed->loop, USEC_PER_SEC);
	if (!loop_turn_until(bed->loop, has_recovered, bed, MAX_TURN) ||
		count_files(bed, "ballast") != 1)
		return 6;
	store_close(bed->store, WAIT_US);
	if (try_open(bed, &e) < 0 || store_load(bed->store, "k", collect, &found, &e) < 0)
		return 7;
	store_close(bed->store, WAIT_US);
	return (int)found.count == posted ? 0 : 8;
}

static void
test_really_full_disk(void **state)
{
	int came_to = in_child(live_through_a_full_disk, *state);
	if (came_to == CANNOT_MOUNT)
		skip();
	assert_int_equal(came_to, 0);
}

static int
start_on_a_full_disk(struct bed *bed)
{
	struct err e = { 0 };
	char path[128];
	if (!mount_small_disk(bed->dir))
		return CANNOT_MOUNT;
	snprintf(path, sizeof(path), "%s/filler", bed->dir);
	fill_disk(path);
	bed->loop = loop_new(&bed->clock, &e);
	if (!bed->loop || try_open(bed, &e) == 0)
		return 1;
	return strstr(e.text, "full") && strstr(e.text, "free at least") ? 0 : 2;
}

static void
test_full_disk_at_the_start_is_a_clear_error(void **state)
{
	int came_to = in_child(start_on_a_full_disk, *state);
	if (came_to == CANNOT_MOUNT)
		skip();
	assert_int_equal(came_to, 0);
}

/* Writes documents for ever, reports each acknowledged number to the pipe. */
struct writing {
	struct bed *bed;
	int fd;
	unsigned posted;
};

static void
report(void *arg, bool is_durable)
{
	struct writing *w = arg;
	unsigned acked = w->posted;
	if (!is_durable || write(w->fd, &acked, sizeof(acked)) != sizeof(acked))
		_exit(1);
}

static void
write_for_ever(struct bed *bed, int fd, unsigned from)
{
	struct writing w = { bed, fd, from };
	char key[32];
	struct err e;
	bed->loop = loop_new(&bed->clock, &e); /* the parent's epoll is shared, not ours */
	if (!bed->loop)
		_exit(3);
	open_store(bed);
	for (;;) {
		unsigned before = w.posted;
		w.posted++;
		snprintf(key, sizeof(key), "%08u", w.posted);
		put(bed, "seq", key, (int)w.posted);
		snprintf(key, sizeof(key), "%08u", before);
		store_delete(bed->store, "last", key);
		snprintf(key, sizeof(key), "%08u", w.posted);
		put(bed, "last", key, (int)w.posted);
		bed->durable = bed->lost = 0;
		store_when_durable(bed->store, on_durable, bed);
		if (!loop_turn_until(bed->loop, has_verdict, bed, MAX_TURN))
			_exit(2);
		report(&w, bed->durable == 1);
	}
}

static unsigned
kill_after(struct bed *bed, unsigned from, unsigned acks)
{
	int ends[2];
	unsigned acked = from, number;
	assert_int_equal(pipe(ends), 0);
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(ends[0]);
		write_for_ever(bed, ends[1], from);
	}
	close(ends[1]);
	for (unsigned n = 0; n < acks && read(ends[0], &number, sizeof(number)) > 0; n++)
		acked = number;
	kill(pid, SIGKILL);
	while (read(ends[0], &number, sizeof(number)) == sizeof(number))
		acked = number; /* what it still said before it died */
	close(ends[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return acked;
}

static void
count_one(void *arg, const char *key, const json_t *doc)
{
	unsigned *count = arg;
	(void)key;
	assert_true(json_is_object(doc));
	(*count)++;
}

static void
test_kill_at_any_instant_loses_nothing_acknowledged(void **state)
{
	struct bed *bed = *state;
	unsigned acked = 0;
	for (int round = 0; round < 20; round++) {
		unsigned kept = 0, last = 0;
		struct err e;
		acked = kill_after(bed, acked, 1 + (unsigned)rand_below(15));
		open_store(bed);
		assert_string_equal(bed->aside, "");
		assert_int_equal(store_load(bed->store, "seq", count_one, &kept, &e), 0);
		assert_int_equal(store_load(bed->store, "last", count_one, &last, &e), 0);
		assert_in_range(kept, acked, acked + 1);
		assert_int_equal(last, kept ? 1 : 0); /* a turn is whole or absent */
		acked = kept;
		close_store(bed);
	}
	assert_true(acked >= 20);
}

static void
on_points(void *arg, const struct store_point *points, size_t count)
{
	struct bed *bed = arg;
	bed->is_answered = true;
	bed->point_count = count;
	for (size_t n = 0; n < count && n < 64; n++)
		bed->points[n] = points[n];
}

static bool
is_answered(void *arg)
{
	const struct bed *bed = arg;
	return bed->is_answered;
}

static void
ask(struct bed *bed, const char *metric, usec_t since, usec_t until, usec_t step)
{
	struct store_query query = { "api", metric, since, until, step };
	bed->is_answered = false;
	store_query_start(bed->store, &query, on_points, bed);
	assert_true(loop_turn_until(bed->loop, is_answered, bed, MAX_TURN));
}

static void
test_samples_come_back_as_posted(void **state)
{
	struct bed *bed = *state;
	open_store(bed);
	for (int n = 0; n < 10; n++) {
		store_sample(bed->store, "api", "total_time", WALL + n * USEC_PER_SEC, n * 0.5);
		store_sample(bed->store, "api", "status", WALL + n * USEC_PER_SEC, 200);
		store_sample(bed->store, "api", "absent", WALL + n * USEC_PER_SEC, (double)NAN);
	}
	ask(bed, "total_time", WALL, WALL + USEC_PER_MIN, 0);
	assert_int_equal(bed->point_count, 10);
	assert_int_equal(bed->points[3].wall_us, WALL + 3 * USEC_PER_SEC);
	assert_true(bed->points[3].avg == 1.5 && bed->points[3].count == 1);
	ask(bed, "total_time", WALL, WALL + USEC_PER_MIN, 5 * USEC_PER_SEC);
	assert_int_equal(bed->point_count, 2);
	assert_true(bed->points[1].min == 2.5 && bed->points[1].max == 4.5);
	assert_true(bed->points[1].avg == 3.5 && bed->points[1].count == 5);
	ask(bed, "absent", WALL, WALL + USEC_PER_MIN, 0);
	assert_int_equal(bed->point_count, 0);
	ask(bed, "nobody", WALL, WALL + USEC_PER_MIN, 0);
	assert_int_equal(bed->point_count, 0);
	close_store(bed);
	open_store(bed);
	ask(bed, "total_time", WALL, WALL + USEC_PER_MIN, 0);
	assert_int_equal(bed->point_count, 10);
}

static void
test_history_is_written_by_the_clock_alone(void **state)
{
	struct bed *bed = *state;
	open_store(bed);
	store_sample(bed->store, "api", "total_time", WALL, 1);
	assert_int_equal(count_files(bed, "history.db"), 0);
	loop_advance(bed->loop, 6 * USEC_PER_SEC);
	assert_true(settle(bed));
	close_store(bed);
	assert_int_equal(count_files(bed, "history.db"), 1);
}

static void
test_dropped_question_is_not_answered(void **state)
{
	struct bed *bed = *state;
	struct bed other = { .is_answered = false };
	struct store_query query = { "api", "total_time", WALL, WALL + 1, 0 };
	open_store(bed);
	store_query_start(bed->store, &query, on_points, &other);
	store_drop_waiter(bed->store, &other);
	ask(bed, "total_time", WALL, WALL + 1, 0);
	assert_false(other.is_answered);
}

static void
test_damaged_history_is_set_aside_and_goes_on(void **state)
{
	struct bed *bed = *state;
	open_store(bed);
	store_sample(bed->store, "api", "total_time", WALL, 1);
	close_store(bed);
	damage(bed, "history.db", 0, 4096);
	open_store(bed);
	store_sample(bed->store, "api", "total_time", WALL + USEC_PER_SEC, 2);
	ask(bed, "total_time", WALL, WALL + USEC_PER_MIN, 0);
	assert_int_equal(bed->point_count, 1);
	assert_int_equal(count_files(bed, "history.db.corrupt-*"), 1);
	assert_non_null(strstr(bed->trouble, "history.db was damaged"));
	assert_int_equal(bed->recoveries, 1);
}

static void
test_rows_beyond_the_queue_are_counted(void **state)
{
	struct bed *bed = *state;
	open_store(bed);
	for (int n = 0; n < 60000; n++)
		store_sample(bed->store, "api", "total_time", WALL + n, 1);
	assert_int_equal((int)stats_get(&bed->stats, STAT_STORE_DROPPED), 10000);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_bed, drop_bed)
	const struct CMUnitTest tests[] = {
		TEST(test_documents_come_back_in_order_of_their_keys),
		TEST(test_close_writes_what_the_turn_has_posted),
		TEST(test_loading_comes_before_posting),
		TEST(test_dropped_waiter_is_not_called),
		TEST(test_second_daemon_is_told_who_has_the_folder),
		TEST(test_missing_folder_is_made_private),
		TEST(test_unwritable_folder_is_a_clear_error),
		TEST(test_a_file_in_place_of_the_folder_is_a_clear_error),
		TEST(test_file_that_is_no_database_is_set_aside),
		TEST(test_damage_in_the_middle_after_an_unclean_end_saves_what_can_be_read),
		TEST(test_damage_while_running_is_told_and_survived),
		TEST(test_newer_format_is_refused),
		TEST(test_full_disk_is_met_from_memory_and_caught_up),
		TEST(test_store_in_trouble_saves_at_its_close_if_it_can),
		TEST(test_really_full_disk),
		TEST(test_full_disk_at_the_start_is_a_clear_error),
		TEST(test_kill_at_any_instant_loses_nothing_acknowledged),
		TEST(test_samples_come_back_as_posted),
		TEST(test_history_is_written_by_the_clock_alone),
		TEST(test_dropped_question_is_not_answered),
		TEST(test_damaged_history_is_set_aside_and_goes_on),
		TEST(test_rows_beyond_the_queue_are_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

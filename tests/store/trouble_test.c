/* What goes wrong below a store: damaged files, full disks, a kill at any instant. */
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/map.h"
#include "base/rand.h"
#include "tests/store/bed.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_file_that_is_no_database_is_set_aside),
		TEST(test_damage_in_the_middle_after_an_unclean_end_saves_what_can_be_read),
		TEST(test_damage_while_running_is_told_and_survived),
		TEST(test_full_disk_is_met_from_memory_and_caught_up),
		TEST(test_store_in_trouble_saves_at_its_close_if_it_can),
		TEST(test_really_full_disk),
		TEST(test_full_disk_at_the_start_is_a_clear_error),
		TEST(test_kill_at_any_instant_loses_nothing_acknowledged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

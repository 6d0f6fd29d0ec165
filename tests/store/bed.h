/* A store in a folder of its own, on a clock that the test turns: what the store's tests share. */
#ifndef TESTS_STORE_BED_H
#define TESTS_STORE_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
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

static inline void
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

static inline int
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

static inline void
open_store(struct bed *bed)
{
	struct err e = { 0 };
	if (try_open(bed, &e) < 0)
		fail_msg("store_open: %s", e.text);
}

static inline void
close_store(struct bed *bed)
{
	store_close(bed->store, WAIT_US);
	bed->store = NULL;
}

static inline int
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

static inline int
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

static inline void
on_durable(void *arg, bool is_durable)
{
	struct bed *bed = arg;
	if (is_durable)
		bed->durable++;
	else
		bed->lost++;
}

static inline bool
has_verdict(void *arg)
{
	struct bed *bed = arg;
	return bed->durable + bed->lost > 0;
}

/* Waits until all that was posted is decided; true when it is on disk. */
static inline bool
settle(struct bed *bed)
{
	bed->durable = bed->lost = 0;
	store_when_durable(bed->store, on_durable, bed);
	assert_true(loop_turn_until(bed->loop, has_verdict, bed, MAX_TURN));
	return bed->durable == 1;
}

static inline void
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

static inline void
collect(void *arg, const char *key, const json_t *doc)
{
	struct found *found = arg;
	size_t len = strlen(found->text);
	snprintf(found->text + len, sizeof(found->text) - len, "%s=%d ", key,
		(int)json_integer_value(json_object_get(doc, "n")));
	found->count++;
}

static inline void
assert_docs(struct bed *bed, const char *kind, const char *wanted)
{
	struct found found = { .text = "" };
	struct err e;
	assert_int_equal(store_load(bed->store, kind, collect, &found, &e), 0);
	assert_string_equal(found.text, wanted);
}

static inline void
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

static inline int
count_files(struct bed *bed, const char *glob)
{
	char command[256];
	snprintf(command, sizeof(command), "exit $(ls -d %s/%s 2>/dev/null | wc -l)", bed->dir,
		glob);
	return WEXITSTATUS(system(command));
}

/*
 * Runs `body` in a child.  Its result comes through a pipe: the child ends without freeing what the
 * parent still has, and valgrind would put its opinion of that into the exit code.
 */
static inline int
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_bed, drop_bed)

#endif

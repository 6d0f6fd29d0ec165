/* File events: who hears what, and that watches may go at any moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "io/inotify.h"

struct scene {
	struct clock clock;
	struct loop *loop;
	struct inotify *inotify;
	char folder[64], path[128];
};

struct ear {
	uint32_t heard; /* all masks together */
	unsigned count;
	char name[64];
	struct inotify_watch *watch, *victim; /* victim: removed at the first event */
};

static void
on_event(void *arg, uint32_t mask, const char *name)
{
	struct ear *ear = arg;

	ear->heard |= mask;
	ear->count++;
	snprintf(ear->name, sizeof(ear->name), "%s", name);
	inotify_remove(ear->victim);
	ear->victim = NULL;
}

static bool
has_heard(void *arg)
{
	return ((struct ear *)arg)->count > 0;
}

static bool
is_ignored(void *arg)
{
	return (((struct ear *)arg)->heard & IN_IGNORED) != 0;
}

static void
append(const struct scene *s, const char *text)
{
	int fd = open(s->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int
set_up(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	clock_init_real(&s->clock);
	s->loop = loop_new(&s->clock, NULL);
	s->inotify = inotify_new(s->loop);
	snprintf(s->folder, sizeof(s->folder), "/tmp/inotify-test-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	snprintf(s->path, sizeof(s->path), "%s/f", s->folder);
	append(s, "x");
	*state = s;
	return 0;
}

static int
tear_down(void **state)
{
	struct scene *s = *state;

	inotify_free(s->inotify);
	loop_free(s->loop);
	unlink(s->path);
	rmdir(s->folder);
	free(s);
	return 0;
}

static void
await(struct scene *s, bool (*done)(void *), struct ear *ear)
{
	assert_true(loop_turn_until(s->loop, done, ear, 500));
}

static void
each_hears_its_own_mask(void **state)
{
	struct scene *s = *state;
	struct ear writes = { 0 }, deletes = { 0 }, folder = { 0 };

	writes.watch = inotify_add(s->inotify, s->path, IN_MODIFY, on_event, &writes);
	deletes.watch = inotify_add(s->inotify, s->path, IN_DELETE_SELF, on_event, &deletes);
	folder.watch = inotify_add(s->inotify, s->folder, IN_DELETE | IN_CREATE, on_event, &folder);
	assert_true(writes.watch != NULL && deletes.watch != NULL && folder.watch != NULL);
	append(s, "y");
	await(s, has_heard, &writes);
	assert_true(writes.heard & IN_MODIFY);
	assert_int_equal(deletes.count, 0);
	assert_int_equal(folder.count, 0);
	unlink(s->path);
	await(s, has_heard, &folder);
	assert_string_equal(folder.name, "f");
	await(s, is_ignored, &deletes);
	assert_true(deletes.heard & IN_DELETE_SELF);
	assert_false(writes.heard & IN_DELETE_SELF);
	assert_true(is_ignored(&writes));
	inotify_remove(writes.watch);
	inotify_remove(deletes.watch);
	inotify_remove(folder.watch);
}

static void
removal_of_another_inside_a_callback(void **state)
{
	struct scene *s = *state;
	struct ear first = { 0 }, second = { 0 };

	first.watch = inotify_add(s->inotify, s->path, IN_MODIFY, on_event, &first);
	second.watch = inotify_add(s->inotify, s->path, IN_MODIFY, on_event, &second);
	first.victim = second.watch;
	append(s, "y");
	await(s, has_heard, &first);
	assert_int_equal(second.count, 0);
	first.victim = first.watch; /* and of itself, the last one there */
	first.count = 0;
	append(s, "z");
	await(s, has_heard, &first);
	first.count = 0;
	append(s, "z");
	assert_false(loop_turn_until(s->loop, has_heard, &first, 5));
}

static void
a_file_made_anew_is_watched_anew(void **state)
{
	struct scene *s = *state;
	struct ear ear = { 0 };
	struct inotify_watch *old = inotify_add(s->inotify, s->path, IN_MODIFY, on_event, &ear);

	unlink(s->path);
	await(s, is_ignored, &ear);
	append(s, "new");
	ear = (struct ear){ 0 };
	ear.watch = inotify_add(s->inotify, s->path, IN_MODIFY, on_event, &ear);
	inotify_remove(old);
	append(s, "y");
	await(s, has_heard, &ear);
	inotify_remove(ear.watch);
}

static void
what_is_not_there_says_why(void **state)
{
	struct scene *s = *state;

	errno = 0;
	assert_null(inotify_add(s->inotify, "/no/such/path", IN_MODIFY, on_event, NULL));
	assert_int_equal(errno, ENOENT);
	inotify_remove(NULL);
	inotify_free(NULL);
}

static void
freed_with_watches_in_it(void **state)
{
	struct scene *s = *state;
	struct ear ear = { 0 };

	assert_non_null(inotify_add(s->inotify, s->path, IN_MODIFY, on_event, &ear));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_hears_its_own_mask, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			removal_of_another_inside_a_callback, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_file_made_anew_is_watched_anew, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_not_there_says_why, set_up, tear_down),
		cmocka_unit_test_setup_teardown(freed_with_watches_in_it, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

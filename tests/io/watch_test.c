/* Watches: readiness told, wishes changed, and freed inside their own callback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "io/watch.h"

struct world {
	struct clock clock;
	struct loop *loop;
	struct watch *watch;
	int fds[2];
	int count;
	unsigned ready;
};

static struct world world;

static int
set_up(void **state)
{
	world = (struct world){ .count = 0 };
	clock_init_real(&world.clock);
	world.loop = loop_new(&world.clock, NULL);
	*state = &world;
	return !world.loop || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, world.fds) < 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	watch_free(w->watch);
	loop_free(w->loop);
	close(w->fds[0]);
	close(w->fds[1]);
	return 0;
}

static void
on_ready(void *arg, unsigned ready)
{
	struct world *w = arg;

	w->count++;
	w->ready = ready;
}

static void
on_ready_free(void *arg, unsigned ready)
{
	struct world *w = arg;

	on_ready(arg, ready);
	watch_free(w->watch);
	w->watch = NULL;
}

static bool
is_ready(void *arg)
{
	const struct world *w = arg;

	return w->count > 0;
}

static void
test_readiness_is_told_until_served(void **state)
{
	struct world *w = *state;
	char c;

	w->watch = watch_new(w->loop, w->fds[0], WATCH_READ, on_ready, w);
	loop_turn(w->loop, false);
	assert_int_equal(w->count, 0);
	assert_int_equal(write(w->fds[1], "x", 1), 1);
	assert_true(loop_turn_until(w->loop, is_ready, w, 100));
	assert_int_equal(w->ready, WATCH_READ);
	loop_turn(w->loop, false);
	assert_int_equal(w->count, 2);
	assert_int_equal(read(w->fds[0], &c, 1), 1);
	loop_turn(w->loop, false);
	assert_int_equal(w->count, 2);
}

static void
test_changing_the_wish(void **state)
{
	struct world *w = *state;

	w->watch = watch_new(w->loop, w->fds[0], WATCH_NOTHING, on_ready, w);
	assert_int_equal(write(w->fds[1], "x", 1), 1);
	loop_turn(w->loop, false);
	assert_int_equal(w->count, 0);
	watch_set(w->watch, WATCH_READ | WATCH_WRITE);
	loop_turn(w->loop, false);
	assert_int_equal(w->count, 1);
	assert_int_equal(w->ready, WATCH_READ | WATCH_WRITE);
	watch_set(w->watch, WATCH_WRITE);
	loop_turn(w->loop, false);
	assert_int_equal(w->ready, WATCH_WRITE);
	watch_set(w->watch, WATCH_NOTHING);
	loop_turn(w->loop, false);
	assert_int_equal(w->count, 2);
}

static void
test_freed_in_its_callback(void **state)
{
	struct world *w = *state;

	w->watch = watch_new(w->loop, w->fds[0], WATCH_WRITE, on_ready_free, w);
	loop_turn(w->loop, false);
	loop_turn(w->loop, false);
	assert_int_equal(w->count, 1);
	watch_free(NULL);
}

static void
test_end_of_the_peer_is_readable(void **state)
{
	struct world *w = *state;

	w->watch = watch_new(w->loop, w->fds[0], WATCH_READ, on_ready, w);
	shutdown(w->fds[1], SHUT_RDWR);
	assert_true(loop_turn_until(w->loop, is_ready, w, 100));
	assert_int_equal(w->ready, WATCH_READ);
}

static void
on_line(void *arg, enum log_level level, const char *line)
{
	(void)arg;
	(void)level;
	(void)line;
}

static void
test_what_cannot_be_polled_says_ready_once(void **state)
{
	struct world *w = *state;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC); /* a plain file: epoll says EPERM */

	assert_true(fd >= 0);
	log_set_sink(on_line, NULL);
	w->watch = watch_new(w->loop, fd, WATCH_READ, on_ready, w);
	loop_turn(w->loop, false);
	loop_turn(w->loop, false);
	assert_int_equal(w->count, 1);
	assert_int_equal(w->ready, WATCH_READ);
	log_set_sink(NULL, NULL);
	watch_free(w->watch);
	w->watch = NULL;
	close(fd);
}

int
main(void)
{
#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_WORLD(test_readiness_is_told_until_served),
		WITH_WORLD(test_changing_the_wish),
		WITH_WORLD(test_freed_in_its_callback),
		WITH_WORLD(test_end_of_the_peer_is_readable),
		WITH_WORLD(test_what_cannot_be_polled_says_ready_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

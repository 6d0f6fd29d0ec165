/* Listening: real ports, unix paths that are stale or alive, descriptors that run out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "io/listen.h"

struct world {
	struct clock clock;
	struct loop *loop;
	char path[64];
};

struct seen {
	int count, last_fd;
	struct addr peer;
};

static int
set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	clock_init_fake(&w->clock, USEC_PER_HOUR, 1700000000 * USEC_PER_SEC);
	w->loop = loop_new(&w->clock, NULL);
	snprintf(w->path, sizeof(w->path), "/tmp/listen-test-%d", getpid());
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	loop_free(w->loop);
	unlink(w->path);
	free(w);
	return 0;
}

static void
on_accept(void *arg, int fd, const struct addr *peer)
{
	struct seen *seen = arg;

	assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	seen->count++;
	seen->peer = *peer;
	close(fd);
}

static bool
has_one(void *arg)
{
	return ((struct seen *)arg)->count > 0;
}

static int
dial(const struct addr *addr)
{
	int fd = socket(addr_family(addr), SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd != -1);
	assert_int_equal(connect(fd, &addr->sa, addr->len), 0);
	return fd;
}

static void
test_tcp(void **state)
{
	struct world *w = *state;
	struct seen seen = { .count = 0 };
	struct listener *l;
	struct addr addr;
	struct err e;
	int fd;

	addr_from_numeric(&addr, "127.0.0.1", 0);
	l = listener_open(w->loop, &addr, 0, on_accept, &seen, &e);
	assert_non_null(l);
	fd = dial(listener_addr(l));
	assert_true(loop_turn_until(w->loop, has_one, &seen, 100));
	assert_true(addr_is_loopback(&seen.peer));
	assert_null(listener_open(w->loop, listener_addr(l), 0, on_accept, &seen, &e));
	assert_non_null(strstr(e.text, "cannot listen on 127.0.0.1:"));
	assert_int_equal(e.code, EADDRINUSE);
	close(fd);
	listener_close(l);
}

static void
test_path(void **state)
{
	struct world *w = *state;
	struct seen seen = { .count = 0 };
	struct listener *l;
	struct addr addr;
	struct stat st;
	struct err e;
	int fd;

	addr_from_path(&addr, w->path, NULL);
	l = listener_open(w->loop, &addr, 0600, on_accept, &seen, &e);
	assert_non_null(l);
	assert_int_equal(stat(w->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_null(listener_open(w->loop, &addr, 0600, on_accept, &seen, &e));
	assert_non_null(strstr(e.text, "another process listens"));
	fd = dial(&addr);
	assert_true(loop_turn_until(w->loop, has_one, &seen, 100));
	close(fd);
	listener_close(l);
	assert_int_equal(stat(w->path, &st), -1);
}

static void
test_stale_path(void **state)
{
	struct world *w = *state;
	struct seen seen = { .count = 0 };
	struct listener *l;
	struct addr addr;
	struct err e;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	addr_from_path(&addr, w->path, NULL);
	assert_int_equal(bind(fd, &addr.sa, addr.len), 0);
	close(fd); /* the file stays, as after a crash */
	l = listener_open(w->loop, &addr, 0660, on_accept, &seen, &e);
	assert_non_null(l);
	listener_close(l);
}

static void
test_not_a_socket(void **state)
{
	struct world *w = *state;
	struct seen seen = { .count = 0 };
	struct addr addr;
	struct err e;
	int fd = open(w->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	close(fd);
	addr_from_path(&addr, w->path, NULL);
	assert_null(listener_open(w->loop, &addr, 0600, on_accept, &seen, &e));
	assert_non_null(strstr(e.text, "is not a socket"));
	assert_int_equal(access(w->path, F_OK), 0);
}

static void
test_out_of_descriptors(void **state)
{
	struct world *w = *state;
	struct seen seen = { .count = 0 };
	struct rlimit before, tight;
	struct listener *l;
	struct addr addr;
	struct err e;
	int fd, again = -1;

	addr_from_numeric(&addr, "127.0.0.1", 0);
	l = listener_open(w->loop, &addr, 0, on_accept, &seen, &e);
	assert_non_null(l);
	fd = dial(listener_addr(l));
	getrlimit(RLIMIT_NOFILE, &before);
	tight = before;
	tight.rlim_cur = (rlim_t)fd + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	for (int i = 0; i < 5; i++)
		loop_turn(w->loop, false);
	assert_int_equal(seen.count, 0);
	setrlimit(RLIMIT_NOFILE, &before);
	for (int i = 0; i < 5; i++) /* rests: not even looked at */
		loop_turn(w->loop, false);
	assert_int_equal(seen.count, 0);
	loop_advance(w->loop, 201 * USEC_PER_MSEC);
	/* Valgrind accepts, finds no number it may give, and closes what it took. */
	if (getenv("UNDER_VALGRIND") != NULL)
		again = dial(listener_addr(l));
	assert_true(loop_turn_until(w->loop, has_one, &seen, 100));
	fd_close(&again);
	close(fd);
	listener_close(l);
}

static void
test_adopt(void **state)
{
	struct world *w = *state;
	struct seen seen = { .count = 0 };
	struct listener *l;
	struct addr addr;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	addr_from_numeric(&addr, "127.0.0.1", 0);
	assert_int_equal(bind(fd, &addr.sa, addr.len), 0);
	assert_int_equal(listen(fd, 5), 0);
	l = listener_adopt(w->loop, fd, on_accept, &seen);
	fd = dial(listener_addr(l));
	assert_true(loop_turn_until(w->loop, has_one, &seen, 100));
	close(fd);
	listener_close(l);
	listener_close(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tcp),
		TEST(test_path),
		TEST(test_stale_path),
		TEST(test_not_a_socket),
		TEST(test_out_of_descriptors),
		TEST(test_adopt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

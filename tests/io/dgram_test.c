/* Datagrams to local sockets: absent, stalled and restarted receivers; systemd's notify socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "io/dgram.h"

struct world {
	char folder[32];
	char path[64];
	int fd; /* the receiver */
};

static struct world world;

/* Binds a receiver to a path, or to an abstract name that starts with '@'. */
static int
listen_at(const char *path)
{
	struct sockaddr_un own = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(own.sun_path, path, len);
	if (path[0] == '@')
		own.sun_path[0] = '\0';
	socklen_t own_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	assert_int_equal(bind(fd, (struct sockaddr *)&own, own_len), 0);
	return fd;
}

static int
set_up(void **state)
{
	strcpy(world.folder, "/tmp/dgram-XXXXXX");
	assert_non_null(mkdtemp(world.folder));
	snprintf(world.path, sizeof world.path, "%s/socket", world.folder);
	world.fd = -1;
	*state = &world;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	fd_close(&w->fd);
	unlink(w->path);
	return rmdir(w->folder);
}

static void
assert_received(int fd, const char *expected)
{
	char text[256];
	ssize_t len = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);

	assert_true(len >= 0);
	text[len] = '\0';
	assert_string_equal(text, expected);
}

static void
test_absent_then_there(void **state)
{
	struct world *w = *state;
	struct dgram *dgram = dgram_new(w->path);
	struct err e;

	assert_int_equal(dgram_send(dgram, "one", 3, &e), -1);
	assert_int_equal(e.code, ENOENT);
	w->fd = listen_at(w->path);
	assert_int_equal(dgram_send(dgram, "two", 3, &e), 0);
	assert_received(w->fd, "two");
	dgram_free(dgram);
	dgram_free(NULL);
}

static void
test_restarted_receiver_misses_nothing(void **state)
{
	struct world *w = *state;
	struct dgram *dgram = dgram_new(w->path);
	struct err e;

	w->fd = listen_at(w->path);
	assert_int_equal(dgram_send(dgram, "one", 3, &e), 0);
	fd_close(&w->fd);
	assert_int_equal(dgram_send(dgram, "two", 3, &e), -1); /* nobody there for now */
	assert_int_equal(e.code, ECONNREFUSED);
	unlink(w->path);
	w->fd = listen_at(w->path);
	assert_int_equal(dgram_send(dgram, "three", 5, &e), 0);
	assert_received(w->fd, "three");
	fd_close(&w->fd);
	unlink(w->path);
	w->fd = listen_at(w->path); /* this time between two sends */
	assert_int_equal(dgram_send(dgram, "four", 4, &e), 0);
	assert_received(w->fd, "four");
	dgram_free(dgram);
}

static void
test_stalled_receiver_is_eagain(void **state)
{
	struct world *w = *state;
	struct dgram *dgram = dgram_new(w->path);
	struct err e = { .code = 0 };
	int sent = 0;

	w->fd = listen_at(w->path);
	while (sent < 100000 && dgram_send(dgram, "line", 4, &e) == 0)
		sent++;
	assert_int_equal(e.code, EAGAIN);
	assert_received(w->fd, "line");
	assert_int_equal(dgram_send(dgram, "room again", 10, &e), 0);
	dgram_free(dgram);
}

static void
test_impossible_paths(void **state)
{
	char huge[200];
	struct err e;

	(void)state;
	memset(huge, 'p', sizeof huge - 1);
	huge[sizeof huge - 1] = '\0';
	struct dgram *dgram = dgram_new(huge);
	assert_int_equal(dgram_send(dgram, "x", 1, &e), -1);
	assert_int_equal(e.code, ENAMETOOLONG);
	dgram_free(dgram);
	dgram = dgram_new("");
	assert_int_equal(dgram_send(dgram, "x", 1, &e), -1);
	dgram_free(dgram);
}

static void
test_notify(void **state)
{
	char name[64], pid[32];

	(void)state;
	snprintf(name, sizeof name, "@triaged-test-%ld", (long)getpid());
	snprintf(pid, sizeof pid, "%ld", (long)getpid());
	int fd = listen_at(name);
	setenv("NOTIFY_SOCKET", name, 1);
	setenv("WATCHDOG_USEC", "30000000", 1);
	setenv("WATCHDOG_PID", pid, 1);
	struct notify *notify = notify_new();
	assert_int_equal(notify_watchdog_us(notify), 30000000);
	notify_send(notify, "READY=1\nSTATUS=well");
	assert_received(fd, "READY=1\nSTATUS=well");
	notify_free(notify);
	assert_null(getenv("NOTIFY_SOCKET")); /* no child takes it for its own */
	assert_null(getenv("WATCHDOG_USEC"));
	assert_null(getenv("WATCHDOG_PID"));
	setenv("NOTIFY_SOCKET", name, 1);
	setenv("WATCHDOG_USEC", "30000000", 1);
	setenv("WATCHDOG_PID", "1", 1); /* somebody else's */
	notify = notify_new();
	assert_int_equal(notify_watchdog_us(notify), 0);
	notify_free(notify);
	setenv("NOTIFY_SOCKET", name, 1);
	setenv("WATCHDOG_USEC", "soon", 1);
	notify = notify_new();
	assert_int_equal(notify_watchdog_us(notify), 0);
	notify_free(notify);
	close(fd);
}

static void
test_notify_without_systemd(void **state)
{
	(void)state;
	setenv("WATCHDOG_USEC", "30000000", 1);
	struct notify *notify = notify_new();
	notify_send(notify, "READY=1");
	assert_int_equal(notify_watchdog_us(notify), 0);
	notify_free(notify);
	notify_free(NULL);
	unsetenv("WATCHDOG_USEC");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_absent_then_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_restarted_receiver_misses_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_stalled_receiver_is_eagain, set_up, tear_down),
		cmocka_unit_test(test_impossible_paths),
		cmocka_unit_test(test_notify),
		cmocka_unit_test(test_notify_without_systemd),
	};

	unsetenv("NOTIFY_SOCKET");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

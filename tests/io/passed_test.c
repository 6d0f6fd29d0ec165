/* Sockets that whoever started us has opened: told by numbers and names in the environment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/passed.h"

#define FIRST 3

/* What a child that was given this would see: the numbers are fixed, so it is one of its own. */
struct story {
	const char *count, *names;
	bool is_for_other;
	int (*make[4])(void); /* descriptors 3, 4, ... */
	size_t want;
	const char *want_names[4];
};

static int
make_tcp(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct addr addr;

	addr_from_numeric(&addr, "127.0.0.1", 0);
	return bind(fd, &addr.sa, addr.len) == 0 && listen(fd, 5) == 0 ? fd : -1;
}

static int
make_unix(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un any = { .sun_family = AF_UNIX };

	/* the kernel finds an abstract name */
	return bind(fd, (struct sockaddr *)&any, sizeof(any.sun_family)) == 0 && listen(fd, 5) == 0
		       ? fd
		       : -1;
}

static int
make_deaf(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int
make_dgram(void)
{
	return socket(AF_INET, SOCK_DGRAM, 0);
}

static int
make_file(void)
{
	return open("/dev/null", O_RDWR);
}

static int
make_nothing(void)
{
	return -1;
}

static const struct story stories[] = {
	{ .count = "2",
		.names = "api:api",
		.make = { make_tcp, make_unix },
		.want = 2,
		.want_names = { "api", "api" } },
	{ .count = "2", .make = { make_tcp, make_unix }, .want = 2, .want_names = { "", "" } },
	{ .count = "3",
		.names = "a::a-name-that-is-longer-than-the-sixty-three-bytes-that-are-kept-of-it-"
			 "xx",
		.make = { make_tcp, make_unix, make_tcp },
		.want = 3,
		.want_names = { "a", "",
			"a-name-that-is-longer-than-the-sixty-three-bytes-that-are-kept-" } },
	{ .count = "4",
		.names = "file:dgram:deaf:good",
		.make = { make_file, make_dgram, make_deaf, make_tcp },
		.want = 1,
		.want_names = { "good" } },
	{ .count = "3",
		.names = "gone:good:gone",
		.make = { make_nothing, make_unix, make_nothing },
		.want = 1,
		.want_names = { "good" } },
	{ .count = "1", .is_for_other = true, .make = { make_tcp }, .want = 0 },
	{ .count = "", .make = { make_tcp }, .want = 0 },
	{ .count = "1x", .make = { make_tcp }, .want = 0 },
	{ .count = "-1", .make = { make_tcp }, .want = 0 },
	{ .count = "99999999999999999999", .make = { make_tcp }, .want = 0 },
	{ .count = "0", .make = { make_tcp }, .want = 0 },
};

/* In the child: 0, or the line that does not hold. */
#define HOLD(x)                                                                                    \
	if (!(x))                                                                                  \
	_exit(__LINE__ % 250 + 1)

static void
play(const struct story *story)
{
	struct passed passed;
	char pid[32];

	for (int fd = FIRST; fd < 20; fd++)
		close(fd);
	for (int i = 0; i < 4 && story->make[i] != NULL; i++) {
		int fd = story->make[i]();

		if (fd != -1 && fd != FIRST + i) {
			HOLD(dup2(fd, FIRST + i) != -1);
			close(fd);
		}
	}
	snprintf(pid, sizeof(pid), "%d", (int)getpid() + story->is_for_other);
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", story->count, 1);
	unsetenv("LISTEN_FDNAMES");
	if (story->names != NULL)
		setenv("LISTEN_FDNAMES", story->names, 1);
	passed_take(&passed);
	HOLD(passed.count == story->want);
	for (size_t i = 0; i < passed.count; i++) {
		HOLD(strcmp(passed.sockets[i].name, story->want_names[i]) == 0);
		HOLD(passed.sockets[i].addr.len > 0);
		HOLD(fcntl(passed.sockets[i].fd, F_GETFD) == FD_CLOEXEC);
	}
	HOLD(getenv("LISTEN_PID") == NULL && getenv("LISTEN_FDS") == NULL);
	HOLD(getenv("LISTEN_FDNAMES") == NULL);
	passed_close(&passed);
	for (int fd = FIRST; fd < FIRST + 4 && story->want > 0; fd++)
		HOLD(fcntl(fd, F_GETFD) == -1);
	_exit(0);
}

static void
test_stories(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		int status;
		pid_t pid = fork();

		assert_int_not_equal(pid, -1);
		if (pid == 0)
			play(&stories[i]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (status != 0)
			fail_msg("story %zu: %d", i, WEXITSTATUS(status) - 1);
	}
}

static void
test_nothing_was_passed(void **state)
{
	struct passed passed;

	(void)state;
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	passed_take(&passed);
	assert_int_equal(passed.count, 0);
	passed_close(&passed);
}

/* More than are taken: the rest is closed. */
static void
test_too_many(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct passed passed;
		char text[32];

		for (int fd = FIRST; fd < 40; fd++)
			close(fd);
		for (int i = 0; i < PASSED_MAX + 2; i++)
			HOLD(make_unix() == FIRST + i);
		snprintf(text, sizeof(text), "%d", (int)getpid());
		setenv("LISTEN_PID", text, 1);
		snprintf(text, sizeof(text), "%d", PASSED_MAX + 2);
		setenv("LISTEN_FDS", text, 1);
		passed_take(&passed);
		HOLD(passed.count == PASSED_MAX);
		HOLD(fcntl(FIRST + PASSED_MAX, F_GETFD) == -1);
		HOLD(fcntl(FIRST + PASSED_MAX + 1, F_GETFD) == -1);
		passed_close(&passed);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Sockets that nobody will listen on are not passed over in silence. */
static void
test_a_senseless_number_is_said(void **state)
{
	char text[256] = "", pid_text[32];
	int ends[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		struct passed passed;

		HOLD(dup2(ends[1], STDERR_FILENO) != -1);
		snprintf(pid_text, sizeof(pid_text), "%d", (int)getpid());
		setenv("LISTEN_PID", pid_text, 1);
		setenv("LISTEN_FDS", "100000", 1);
		passed_take(&passed);
		_exit(passed.count > 0);
	}
	close(ends[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(read(ends[0], text, sizeof(text) - 1) > 0);
	assert_non_null(strstr(text, "LISTEN_FDS"));
	close(ends[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_nothing_was_passed),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_a_senseless_number_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Descriptors: closed once, flagged, and small kernel files read whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

static void
test_close_once(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	int number = fds[0];
	errno = EBUSY;
	fd_close(&fds[0]);
	assert_int_equal(fds[0], -1);
	assert_int_equal(errno, EBUSY);
	assert_int_equal(fcntl(number, F_GETFD), -1);
	fd_close(&fds[0]);
	fd_close(&fds[1]);
}

static void
test_nonblock(void **state)
{
	struct err e;
	int fds[2];
	char c;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(fd_set_nonblock(fds[0], &e), 0);
	assert_int_equal(read(fds[0], &c, 1), -1);
	assert_int_equal(errno, EAGAIN);
	fd_close(&fds[0]);
	fd_close(&fds[1]);
	assert_int_equal(fd_set_nonblock(-1, &e), -1);
	assert_int_equal(e.code, EBADF);
}

static void
test_reading_proc(void **state)
{
	struct err e;
	char text[65536], little[5];

	(void)state;
	assert_int_equal(fd_read_proc("/proc/self/status", text, sizeof text, &e), 0);
	assert_non_null(strstr(text, "\nPid:"));
	assert_int_equal(fd_read_proc("/proc/self/status", little, sizeof little, &e), 0);
	assert_string_equal(little, "Name");
	assert_int_equal(fd_read_proc("/proc/nobody", text, sizeof text, &e), -1);
	assert_int_equal(e.code, ENOENT);
	assert_int_equal(fd_read_proc("/proc/self", text, sizeof text, &e), -1);
	assert_int_equal(e.code, EISDIR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_close_once),
		cmocka_unit_test(test_nonblock),
		cmocka_unit_test(test_reading_proc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

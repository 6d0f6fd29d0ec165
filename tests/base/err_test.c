/* Errors: context is put in front, the reason survives, errno is left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/err.h"

static void
test_set_and_wrap(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(err_set(&e, 7, "port %d", 80), -1);
	assert_int_equal(e.code, 7);
	assert_string_equal(e.text, "port 80");
	assert_int_equal(err_wrap(&e, "check %s", "web"), -1);
	assert_int_equal(e.code, 7);
	assert_string_equal(e.text, "check web: port 80");
	err_set(&e, 0, "again %s", e.text);
	assert_string_equal(e.text, "again check web: port 80");
}

static void
test_sys_keeps_errno(void **state)
{
	struct err e;

	(void)state;
	errno = ENOENT;
	assert_int_equal(err_sys(&e, "cannot open %s", "x"), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(e.code, ENOENT);
	assert_string_equal(e.text, "cannot open x: No such file or directory");
}

static void
test_nobody_listens(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, 1, "x"), -1);
	assert_int_equal(err_sys(NULL, "x"), -1);
	assert_int_equal(err_wrap(NULL, "x"), -1);
}

static void
test_long_context_spares_the_reason(void **state)
{
	struct err e;
	char huge[2000];

	(void)state;
	memset(huge, 'c', sizeof huge - 1);
	huge[sizeof huge - 1] = '\0';
	err_set(&e, 0, "the reason");
	err_wrap(&e, "%s", huge);
	assert_int_equal(strlen(e.text), sizeof e.text - 1);
	assert_string_equal(e.text + strlen(e.text) - 13, "c: the reason");
	err_set(&e, 0, "%s", huge);
	err_wrap(&e, "context");
	assert_int_equal(strlen(e.text), sizeof e.text - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_and_wrap),
		cmocka_unit_test(test_sys_keeps_errno),
		cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_long_context_spares_the_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The token file: made once, kept, made anew when it cannot be trusted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/token.h"

static char folder[64], path[80];

static int
make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/triaged-token-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/token", folder);
	return 0;
}

static int
remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static void
test_made_once_and_private(void **state)
{
	char first[TOKEN_MAX], second[TOKEN_MAX];
	struct err e;
	struct stat st;

	(void)state;
	assert_int_equal(token_load(first, folder, &e), 0);
	assert_int_equal(strlen(first), 32);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(token_load(second, folder, &e), 0);
	assert_string_equal(first, second);
}

static void
test_a_readable_or_short_one_is_made_anew(void **state)
{
	char first[TOKEN_MAX], second[TOKEN_MAX];
	struct err e;
	struct stat st;

	(void)state;
	assert_int_equal(token_load(first, folder, &e), 0);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(token_load(second, folder, &e), 0);
	assert_string_not_equal(first, second);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(truncate(path, 3), 0);
	assert_int_equal(token_load(first, folder, &e), 0);
	assert_int_equal(strlen(first), 32);
}

static void
test_a_link_is_not_followed(void **state)
{
	char token[TOKEN_MAX];
	struct err e;
	struct stat st;

	(void)state;
	assert_int_equal(symlink("/etc/hostname", path), 0);
	assert_int_equal(token_load(token, folder, &e), 0);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
}

static void
test_no_folder_says_which(void **state)
{
	char token[TOKEN_MAX];
	struct err e;

	(void)state;
	assert_int_equal(token_load(token, "/nonexistent/folder", &e), -1);
	assert_non_null(strstr(e.text, "/nonexistent/folder/token"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_made_once_and_private, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(
			test_a_readable_or_short_one_is_made_anew, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(
			test_a_link_is_not_followed, make_folder, remove_folder),
		cmocka_unit_test(test_no_folder_says_which),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

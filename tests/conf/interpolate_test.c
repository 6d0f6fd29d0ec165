/* Tests of daemon/conf/interpolate.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/interpolate.h"

static char folder[] = "/tmp/interpolate-XXXXXX";

static void
write_file(const char *name, const char *data, size_t len)
{
	char path[200];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static int
make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL;
}

static int
drop_folder(void **state)
{
	static const char *const names[] = { "plain", "two", "nul", "big", "empty" };
	char path[200];
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

static void
assert_becomes(const char *text, const char *wanted)
{
	struct interpolate_env env = { .env_file = NULL };
	struct err e = { 0 };
	bool is_secret = false;
	char *got = interpolate(text, &env, &is_secret, &e);
	if (got == NULL)
		fail_msg("%s: %s", text, e.text);
	assert_string_equal(got, wanted);
	assert_false(is_secret);
	free(got);
}

static void
assert_refused(const char *text, const char *wanted)
{
	struct interpolate_env env = { .env_file = NULL };
	struct err e = { 0 };
	bool is_secret = false;
	assert_null(interpolate(text, &env, &is_secret, &e));
	if (strstr(e.text, wanted) == NULL)
		fail_msg("%s gave: %s", text, e.text);
}

static void
test_names(void **state)
{
	(void)state;
	setenv("IT_SET", "value", 1);
	setenv("IT_EMPTY", "", 1);
	unsetenv("IT_UNSET");
	assert_becomes("plain", "plain");
	assert_becomes("", "");
	assert_becomes("a${IT_SET}b${IT_SET}", "avaluebvalue");
	assert_becomes("${IT_EMPTY}", "");
	assert_becomes("${IT_EMPTY:-x}", "x");
	assert_becomes("${IT_UNSET:-}", "");
	assert_becomes("${IT_UNSET:-a b:c}", "a b:c");
	assert_becomes("${IT_UNSET:-${IT_SET}}!", "value!");
	assert_becomes("${IT_SET:-${IT_UNSET}}", "value"); /* the default is not looked at */
	assert_becomes("$${IT_SET}", "${IT_SET}");
	assert_becomes("$5 and $$ and { }", "$5 and $$ and { }");
	setenv("IT_LOOP", "${IT_SET}", 1);
	assert_becomes("${IT_LOOP}", "${IT_SET}"); /* what comes out is not looked at again */
}

static void
test_refusals(void **state)
{
	(void)state;
	assert_refused(
		"${IT_UNSET}", "${IT_UNSET} is not set: set it, or write ${IT_UNSET:-default}");
	unsetenv("IT_ALSO");
	assert_refused("${IT_ALSO}:${IT_UNSET}@${IT_SET}/${IT_UNSET}/${IT_NO:-${IT_ALSO}}",
		"${IT_ALSO}, ${IT_UNSET} are not set: set them, or write ${IT_ALSO:-default}");
	assert_refused("${IT_UNSET}${IT_SET", "never closed");
	assert_refused("${IT_SET", "never closed");
	assert_refused("${}", "is none of");
	assert_refused("${a b}", "is none of");
	assert_refused("${1A}", "is none of");
	assert_refused("${A?x}", "is none of");
	assert_refused("${file:relative}", "absolute");
	assert_refused("${file:/does/not/exist}", "No such file");
	assert_refused("${file:/tmp}", "is not a file");
	assert_refused("${file:/dev/null}", "is not a file");
	assert_refused("${credential:../x}", "not the name");
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_refused("${credential:x}", "LoadCredential=x:/path");
	assert_refused("${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-x}}}}}}}}}}",
		"nested too deeply");
}

static char *
read_secret(const char *name, struct err *e)
{
	struct interpolate_env env = { .env_file = NULL };
	char text[200];
	bool is_secret = false;
	snprintf(text, sizeof(text), "${file:%s/%s}", folder, name);
	char *got = interpolate(text, &env, &is_secret, e);
	assert_true(got == NULL || is_secret);
	return got;
}

static void
test_files(void **state)
{
	struct err e = { 0 };
	(void)state;
	write_file("plain", "s3cret\n", 7);
	char *got = read_secret("plain", &e);
	assert_string_equal(got, "s3cret");
	free(got);
	write_file("two", "a\n\n", 3);
	got = read_secret("two", &e);
	assert_string_equal(got, "a\n"); /* one final newline goes, not more */
	free(got);
	write_file("empty", "", 0);
	got = read_secret("empty", &e);
	assert_string_equal(got, "");
	free(got);
	write_file("nul", "sec\0ret", 7);
	assert_null(read_secret("nul", &e));
	assert_null(strstr(e.text, "sec"));
	char *big = calloc(1, 70000);
	memset(big, 'x', 70000);
	write_file("big", big, 70000);
	free(big);
	assert_null(read_secret("big", &e));
	assert_non_null(strstr(e.text, "64 KiB"));
}

static void
test_credentials(void **state)
{
	struct interpolate_env env = { .env_file = NULL };
	bool is_secret = false;
	(void)state;
	write_file("plain", "s3cret\n", 7);
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	char *got = interpolate("<${credential:plain}>", &env, &is_secret, NULL);
	assert_string_equal(got, "<s3cret>");
	assert_true(is_secret);
	free(got);
}

/* Somebody else's: another process, because the right to pass is given up. */
static void
test_credentials_of_another(void **state)
{
	int status = -1;
	pid_t pid = fork();
	(void)state;
	if (pid == 0) {
		char inside[200];
		snprintf(inside, sizeof(inside), "%s/in", folder);
		setenv("CREDENTIALS_DIRECTORY", inside, 1);
		if (chmod(folder, 0) != 0 || (geteuid() == 0 && setuid(65534) != 0))
			_exit(1);
		assert_refused("${credential:plain}", "look as root");
		assert_refused("${credential:plain}", "LoadCredential=plain:/path");
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(chmod(folder, 0700), 0);
	assert_int_equal(status, 0);
}

static void
test_environment_beats_file(void **state)
{
	struct map *file = map_new();
	struct interpolate_env env = { .env_file = file };
	bool is_secret = false;
	char both[] = "file", only[] = "only";
	(void)state;
	setenv("IT_SET", "value", 1);
	map_put(file, "IT_SET", both);
	map_put(file, "IT_FILE", only);
	char *got = interpolate("${IT_SET} ${IT_FILE}", &env, &is_secret, NULL);
	assert_string_equal(got, "value only");
	free(got);
	map_free(file, NULL);
}

static void
test_size_is_capped(void **state)
{
	struct interpolate_env env = { .env_file = NULL };
	struct err e = { 0 };
	bool is_secret = false;
	size_t len = 100000;
	char *value = calloc(1, len + 1), text[200] = "";
	(void)state;
	memset(value, 'v', len);
	setenv("IT_BIG", value, 1);
	for (int i = 0; i < 12; i++)
		strcat(text, "${IT_BIG}");
	assert_null(interpolate(text, &env, &is_secret, &e));
	assert_non_null(strstr(e.text, "1 MB"));
	unsetenv("IT_BIG");
	free(value);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_credentials),
		cmocka_unit_test(test_credentials_of_another),
		cmocka_unit_test(test_environment_beats_file),
		cmocka_unit_test(test_size_is_capped),
	};
	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}

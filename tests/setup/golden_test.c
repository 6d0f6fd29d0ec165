/*
 * Configurations that must load, and those that must not: tests/conf/good and tests/conf/bad.  A
 * bad file begins with one `# expect: ` line for each of its errors; what cannot hold such a line
 * is made here.  Runs in the folder of the sources.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/tls.h"
#include "rules/expr.h"
#include "setup/settings.h"

#define MARK "# expect: "

struct loaded {
	struct tls_pool *tls;
	struct complaints *complaints;
	struct settings *settings;
	char *said;
};

static void
load(struct loaded *l, const char *path)
{
	struct buf out;
	l->tls = tls_pool_new();
	l->complaints = complaints_new();
	struct settings_context context = { .tls = l->tls, .judge = &expr_judge };
	l->settings = settings_load(path, &context, l->complaints);
	buf_init(&out, 0);
	complaints_print(l->complaints, &out);
	l->said = buf_take_text(&out);
}

static void
done(struct loaded *l)
{
	settings_unref(l->settings);
	complaints_free(l->complaints);
	tls_pool_free(l->tls);
	free(l->said);
}

/* Calls fn for each .yaml file of a folder; returns how many there were. */
static unsigned
each_file(const char *folder, void (*fn)(const char *path))
{
	unsigned count = 0;
	DIR *dir = opendir(folder);
	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		char path[512];
		size_t len = strlen(entry->d_name);
		if (len < 5 || strcmp(entry->d_name + len - 5, ".yaml") != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		fn(path);
		count++;
	}
	closedir(dir);
	return count;
}

static void
check_good(const char *path)
{
	struct loaded l;
	load(&l, path);
	if (l.settings == NULL || l.said[0] != '\0')
		fail_msg("%s:\n%s", path, l.said);
	char *shown = settings_masked(l.settings);
	assert_null(strstr(shown, "s3cret"));
	free(shown);
	done(&l);
}

static void
check_bad(const char *path)
{
	struct loaded l;
	unsigned expected = 0;
	char line[1024];
	load(&l, path);
	assert_null(l.settings);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, MARK, strlen(MARK)) != 0)
			break;
		line[strcspn(line, "\n")] = '\0';
		if (strstr(l.said, line + strlen(MARK)) == NULL)
			fail_msg("%s: wanted\n%s\ngot\n%s", path, line + strlen(MARK), l.said);
		expected += strstr(line, " error: ") != NULL;
	}
	fclose(file);
	if (expected == 0 || expected != complaints_errors(l.complaints))
		fail_msg("%s: %u errors expected, these came:\n%s", path, expected, l.said);
	/* expectations are comments: only what stands in the shown source lines could be a secret
	 */
	assert_null(strstr(l.said, "s3cret"));
	done(&l);
}

static void
test_good(void **state)
{
	(void)state;
	setenv("HOME", "/nonexistent", 1);
	assert_true(each_file("tests/conf/good", check_good) >= 5);
	check_good("etc/triaged.yaml");
}

static void
test_bad(void **state)
{
	(void)state;
	unsetenv("TRIAGED_GOLDEN_UNSET");
	unsetenv("TRIAGED_GOLDEN_ALSO");
	assert_true(each_file("tests/conf/bad", check_bad) >= 30);
}

/* --- files that cannot begin with a comment --- */

static void
assert_refused(const char *data, size_t len, const char *wanted)
{
	char path[] = "/tmp/golden-XXXXXX";
	int fd = mkstemp(path);
	struct loaded l;
	assert_true(fd >= 0);
	FILE *file = fdopen(fd, "w");
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
	load(&l, path);
	unlink(path);
	assert_null(l.settings);
	if (strstr(l.said, wanted) == NULL)
		fail_msg("wanted %s, got\n%.2000s", wanted, l.said);
	assert_int_equal(complaints_errors(l.complaints), 1);
	done(&l);
}

static void
refuse_text(const struct buf *text, const char *wanted)
{
	assert_refused(buf_text(text), buf_left(text), wanted);
}

static void
test_not_yaml(void **state)
{
	static const char binary[] = "\x7f"
				     "ELF\x02\x01\x01\0\0\0";
	static const char tabs[] = "checks:\n\tmemory: { type: memory }\n";
	(void)state;
	assert_refused(binary, sizeof(binary), ":1:1: error: is not a text file: byte 0x7f");
	assert_refused("", 0, "error: the file is empty: a configuration needs at least `checks:`");
	assert_refused("\n\n# nothing\n", 11, "error: the file is empty");
	assert_refused(tabs, strlen(tabs), ":2:1: error: a tab is used for indentation");
}

static void
test_ten_megabytes(void **state)
{
	struct buf text;
	(void)state;
	buf_init(&text, 0);
	while (buf_left(&text) < 10 * 1024 * 1024)
		buf_add_text(&text, "# a line that goes on and on and on and on and on and on\n");
	refuse_text(&text, "is too large: 10 MB, at most 4 MB are read");
	buf_fini(&text);
}

static void
test_deep_nesting(void **state)
{
	struct buf text;
	(void)state;
	buf_init(&text, 0);
	buf_add_text(&text, "checks: ");
	for (int i = 0; i < 10000; i++)
		buf_add_text(&text, "{ a: ");
	refuse_text(&text, "is nested too deeply: more than 64 levels");
	buf_fini(&text);
}

static void
test_alias_bomb(void **state)
{
	struct buf text;
	(void)state;
	buf_init(&text, 0);
	buf_add_text(&text, "a: &a0 [x, x, x, x, x, x, x, x, x, x]\nb:\n");
	for (int i = 1; i < 20; i++) {
		buf_addf(&text, "  - &a%d [", i);
		for (int k = 0; k < 10; k++)
			buf_addf(&text, "%s*a%d", k > 0 ? ", " : "", i - 1);
		buf_add_text(&text, "]\n");
	}
	refuse_text(&text, "once its aliases are followed");
	buf_fini(&text);
}

static void
test_missing_file(void **state)
{
	struct loaded l;
	(void)state;
	load(&l, "/does/not/exist.yaml");
	assert_null(l.settings);
	assert_string_equal(
		l.said, "error: cannot read /does/not/exist.yaml: No such file or directory\n");
	done(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_not_yaml),
		cmocka_unit_test(test_ten_megabytes),
		cmocka_unit_test(test_deep_nesting),
		cmocka_unit_test(test_alias_bomb),
		cmocka_unit_test(test_missing_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Tests of daemon/conf/load.c: files, env_file, includes and how they are joined. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/tree.h"

#define FILES_MAX 16

static char folder[64];
static char written[FILES_MAX][200];
static size_t written_count;

static int
make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/load-XXXXXX");
	written_count = 0;
	return mkdtemp(folder) == NULL;
}

static int
drop_folder(void **state)
{
	char path[200];
	(void)state;
	for (size_t i = 0; i < written_count; i++)
		unlink(written[i]);
	snprintf(path, sizeof(path), "%s/conf.d", folder);
	rmdir(path);
	return rmdir(folder);
}

static void
write_bytes(const char *name, const char *data, size_t len)
{
	char path[200];
	snprintf(path, sizeof(path), "%s/conf.d", folder);
	if (strncmp(name, "conf.d/", 7) == 0)
		mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	strcpy(written[written_count++], path);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static void
write_file(const char *name, const char *text)
{
	write_bytes(name, text, strlen(text));
}

/* Loads "main.yaml" of the folder; `said` is owned. */
static struct conf_tree *
load(char **said)
{
	char path[200];
	struct complaints *complaints = complaints_new();
	struct buf out;
	snprintf(path, sizeof(path), "%s/main.yaml", folder);
	struct conf_tree *tree = conf_tree_load(path, complaints);
	buf_init(&out, 0);
	complaints_print(complaints, &out);
	complaints_free(complaints);
	*said = buf_take_text(&out);
	return tree;
}

static void
assert_load_says(const char *wanted)
{
	char *said;
	struct conf_tree *tree = load(&said);
	if (strstr(said, wanted) == NULL)
		fail_msg("said: %s\nwanted: %s", said, wanted);
	free(said);
	conf_tree_free(tree);
}

static struct conf_tree *
load_fine(void)
{
	char *said;
	struct conf_tree *tree = load(&said);
	assert_string_equal(said, "");
	assert_non_null(tree->root);
	free(said);
	return tree;
}

static const char *
text_at(const struct conf_tree *tree, const char *section, const char *key)
{
	const struct conf_node *node = conf_get(conf_get(tree->root, section), key);
	return node != NULL ? node->text : NULL;
}

static void
test_includes_are_joined(void **state)
{
	(void)state;
	write_file("main.yaml", "include: [conf.d/*.yaml, extra.yaml]\n"
				"checks: { a: 1 }\nroutes: [one]\nrules:\n");
	write_file("conf.d/20.yaml", "checks: { c: 3 }\nroutes: [three]\n");
	write_file("conf.d/10.yaml", "checks: { b: 2 }\nroutes: [two]\nrules: { r: x }\n");
	write_file("conf.d/30.txt", "not: [read\n");
	write_file("conf.d/05.yaml", "# comments only\n");
	write_file("extra.yaml", "daemon: { name: x }\n");
	struct conf_tree *tree = load_fine();
	assert_string_equal(text_at(tree, "checks", "a"), "1");
	assert_string_equal(text_at(tree, "checks", "b"), "2");
	assert_string_equal(text_at(tree, "checks", "c"), "3");
	assert_string_equal(text_at(tree, "rules", "r"), "x");
	assert_string_equal(text_at(tree, "daemon", "name"), "x");
	const struct conf_node *routes = conf_get(tree->root, "routes");
	assert_int_equal(routes->count, 3);
	assert_string_equal(routes->items[1]->text, "two"); /* globs in order */
	conf_tree_free(tree);
}

static void
test_second_definitions(void **state)
{
	(void)state;
	write_file("main.yaml", "include: b.yaml\nchecks:\n  a: 1\nx: 1\n");
	write_file("b.yaml", "checks:\n  z: 0\n  a: 2\nx: 2\n");
	assert_load_says("b.yaml:3:3: error: \"a\" is already written at ");
	assert_load_says("main.yaml:3:3");
	assert_load_says("b.yaml:4:1: error: x is already written at ");
}

static void
test_include_twice_is_once(void **state)
{
	(void)state;
	write_file("main.yaml", "include: [b.yaml, \"*.yaml\"]\nchecks: { a: 1 }\n");
	write_file("b.yaml", "checks: { b: 2 }\n");
	conf_tree_free(load_fine());
}

static void
test_glob_without_match(void **state)
{
	(void)state;
	write_file("main.yaml", "include: [conf.d/*.yaml, \"no/such/*.yaml\"]\nchecks: { a: 1 }\n");
	conf_tree_free(load_fine());
}

static void
test_unreadable_include(void **state)
{
	char *said;
	(void)state;
	write_file("main.yaml", "checks: { a: 1 }\ninclude:\n  - missing.yaml\n  - conf.d\n");
	write_file("conf.d/x", "");
	struct conf_tree *tree = load(&said);
	assert_non_null(strstr(said, "main.yaml:3:5: error: cannot read "));
	assert_non_null(strstr(said, "missing.yaml: No such file or directory"));
	assert_non_null(strstr(said, "main.yaml:4:5: error: "));
	assert_non_null(strstr(said, "is a folder, not a file"));
	assert_null(tree->root);
	free(said);
	conf_tree_free(tree);
}

static void
test_broken_include(void **state)
{
	(void)state;
	write_file("main.yaml", "checks: { a: 1 }\ninclude: b.yaml\n");
	write_file("b.yaml", "checks:\n\tb: 1\n");
	assert_load_says("b.yaml:2:1: error: a tab is used for indentation");
}

/* Windows' editors write one: columns count from behind it. */
static void
test_byte_order_mark(void **state)
{
	(void)state;
	write_file("main.yaml", "\xef\xbb\xbf"
				"checks: { a: 1 }\ninclude: b.yaml\n");
	write_file("b.yaml", "\xef\xbb\xbf"
			     "include: main.yaml\n");
	assert_load_says("b.yaml:1:1: error: include is allowed in ");
}

static void
test_nested_include(void **state)
{
	(void)state;
	write_file("main.yaml", "checks: { a: 1 }\ninclude: b.yaml\n");
	write_file("b.yaml", "include: main.yaml\nenv_file: x\n");
	assert_load_says("b.yaml:1:1: error: include is allowed in ");
	assert_load_says("b.yaml:2:1: error: env_file is allowed in ");
}

static void
test_env_file(void **state)
{
	(void)state;
	unsetenv("LT_A");
	setenv("LT_B", "process", 1);
	write_file("main.yaml", "env_file: .env\ninclude: ${LT_NAME}.yaml\nchecks: { a: "
				"\"${LT_A}\", b: \"${LT_B}\" }\n");
	write_file(".env", "LT_A=file\nLT_B=file\nLT_NAME=b\n");
	write_file("b.yaml", "checks: { c: \"${LT_A}\" }\n");
	struct conf_tree *tree = load_fine();
	assert_string_equal(text_at(tree, "checks", "a"), "file");
	assert_string_equal(text_at(tree, "checks", "b"), "process");
	assert_string_equal(text_at(tree, "checks", "c"), "file");
	conf_tree_free(tree);
}

static void
test_bad_env_file(void **state)
{
	char *said;
	(void)state;
	write_file("main.yaml", "checks: { a: 1 }\nenv_file: .env\n");
	write_file(".env", "A=1\nhunter2\n");
	struct conf_tree *tree = load(&said);
	assert_non_null(strstr(said, "main.yaml:2:11: error: env_file: "));
	assert_non_null(strstr(said, ".env: line 2: expected KEY=VALUE"));
	assert_null(strstr(said, "hunter2"));
	free(said);
	conf_tree_free(tree);
}

static void
test_missing_env_file(void **state)
{
	(void)state;
	write_file("main.yaml", "checks: { a: 1 }\nenv_file: .env\n");
	assert_load_says("main.yaml:2:11: error: env_file: cannot read ");
}

static void
test_missing_and_odd_files(void **state)
{
	char path[200];
	(void)state;
	assert_load_says("error: cannot read ");
	assert_load_says("main.yaml: No such file or directory");
	snprintf(path, sizeof(path), "%s/main.yaml", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_load_says("is a folder, not a file");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_load_says("is not a regular file"); /* and does not wait for a writer */
	assert_int_equal(unlink(path), 0);
	write_file("main.yaml", "");
	assert_load_says("main.yaml: error: the file is empty");
}

static void
test_ten_megabytes(void **state)
{
	size_t len = 10 * 1024 * 1024;
	char *data = malloc(len);
	(void)state;
	memset(data, '#', len);
	write_bytes("main.yaml", data, len);
	free(data);
	assert_load_says("is too large: 10 MB, at most 4 MB are read");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_includes_are_joined),
		CASE(test_second_definitions),
		CASE(test_include_twice_is_once),
		CASE(test_glob_without_match),
		CASE(test_unreadable_include),
		CASE(test_broken_include),
		CASE(test_byte_order_mark),
		CASE(test_nested_include),
		CASE(test_env_file),
		CASE(test_bad_env_file),
		CASE(test_missing_env_file),
		CASE(test_missing_and_odd_files),
		CASE(test_ten_megabytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

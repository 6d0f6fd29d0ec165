/* Tests of daemon/conf/schema_print.c: what is shown can be read back, and shows no secret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "tests/conf/sample.h"

static struct conf_tree *
fill(struct sample_block *block, const char *text)
{
	struct complaints *complaints = complaints_new();
	struct conf_tree *tree = conf_tree_parse("p.yaml", text, strlen(text), complaints);
	struct conf_part part = { sample_fields, block };
	memset(block, 0, sizeof(*block));
	conf_fill(&part, 1, tree->root, "x", NULL, complaints);
	struct buf out;
	buf_init(&out, 0);
	complaints_print(complaints, &out);
	if (complaints_errors(complaints) != 0)
		fail_msg("%s\n%s", text, buf_text(&out));
	buf_fini(&out);
	complaints_free(complaints);
	return tree;
}

static char *
print(const char *text, bool all)
{
	struct sample_block block;
	struct conf_tree *tree = fill(&block, text);
	struct buf out;
	buf_init(&out, 0);
	conf_print(sample_fields, &block, all, 0, &out);
	conf_clear(sample_fields, &block);
	conf_tree_free(tree);
	return buf_take_text(&out);
}

static void
test_only_what_differs(void **state)
{
	char *got = print("url: http://h/\nwait: 10s\nwhole: 6\ninner: { word: w }\n", false);
	(void)state;
	assert_string_equal(got, "url: http://h/\nwhole: 6\ninner:\n  word: w\n");
	free(got);
}

/* A key of 300 quotes takes 602 bytes, one of 900 more than YAML looks ahead for a colon. */
static void
test_long_keys(void **state)
{
	static const size_t lengths[] = { 300, 900 };

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		char key[1000] = "", *text, *got;
		struct sample_block block;

		memset(key, '"', lengths[i]);
		text = xasprintf("url: http://h/\nheaders:\n  '%s': word\n  other: word\n", key);
		got = print(text, false);
		conf_tree_free(fill(&block, got));
		assert_int_equal(block.headers.count, 2);
		assert_string_equal(block.headers.all[0].name, key);
		conf_clear(sample_fields, &block);
		free(got);
		free(text);
	}
}

static void
test_everything_is_masked(void **state)
{
	char *got = print("url: http://me:hunter2@h/\nsecret: hunter2\n"
			  "headers: { Authorization: Bearer hunter2, Accept: hunter2 }\n",
		true);
	(void)state;
	assert_null(strstr(got, "hunter2"));
	assert_non_null(strstr(got, "url: \"http://me:***@h/\"\n"));
	assert_non_null(strstr(got, "secret: \"***\"\n"));
	assert_non_null(strstr(got, "headers:\n  Authorization: \"***\"\n"));
	free(got);
}

static void
test_urls_are_masked(void **state)
{
	static const struct {
		const char *written, *shown;
	} rows[] = {
		{ "hook: http://h/services/T0/abc", "hook: http://h/***\n" },
		{ "hook: http://me:pw@h:1/T0", "hook: \"http://me:***@h:1/***\"\n" },
		{ "hook: http://h?T0", "hook: http://h/***\n" },
		{ "hook: http://h/", "hook: http://h/\n" },
		{ "hook: http://h", "hook: http://h\n" },
		{ "text: http://h/?token=x", "text: \"http://h/?token=x\"\n" },
	};
	static const char *const queries[][2] = {
		{ "?a=b&api_key=abc&c=d", "?a=b&api_key=***&c=d" },
		{ "?access_token=a&X-Amz-Signature=b&AUTH=c#d",
			"?access_token=***&X-Amz-Signature=***&AUTH=***#d" },
		{ "?monkey=1&author=me&token=&key", "?monkey=1&author=me&token=&key" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[200];
		snprintf(text, sizeof(text), "url: http://h/\n%s\ninner: { word: w }\n",
			rows[i].written);
		char *got = print(text, false);
		if (strstr(got, rows[i].shown) == NULL)
			fail_msg("wanted %s got %s", rows[i].shown, got);
		free(got);
	}
	for (size_t i = 0; i < sizeof(queries) / sizeof(*queries); i++) {
		char text[200];
		snprintf(text, sizeof(text), "url: \"http://h/%s\"\n", queries[i][0]);
		char *got = print(text, false);
		if (strstr(got, queries[i][1]) == NULL)
			fail_msg("wanted %s got %s", queries[i][1], got);
		free(got);
	}
}

static void
test_reads_back(void **state)
{
	static const char text[] =
		"text: \"a: b # \\\"c\\\" \\\\ \\n \\x01 ü\"\nurl: http://h/?a=b&c={d}\npath: /x "
		"y\n"
		"regex: \"^(a|b)\\\\.$\"\nwhole: 7\nsize: 3MiB\nreal: 12.5%\nflag: off\n"
		"wait: 1d2h3m4s5ms\nlevel: low\nmood: high\nlist: [\"\", \"- a\", \"a, b\", "
		"\"null\"]\n"
		"pairs: { a: \"1\", \"b c\": \"*x\" }\nnode: { q: [1, { r: ~ }, [], {}], s: \"@t\" "
		"}\n"
		"inner: { word: \"'\", depth: 2 }\n";
	struct sample_block a, b;
	struct conf_tree *tree_a = fill(&a, text);
	(void)state;
	char *shown = print(text, true);
	struct conf_tree *tree_b = fill(&b, shown);
	if (!conf_same(sample_fields, &a, &b))
		fail_msg("%s", shown);
	conf_clear(sample_fields, &a);
	conf_clear(sample_fields, &b);
	conf_tree_free(tree_a);
	conf_tree_free(tree_b);
	free(shown);
}

static void
test_sizes_and_durations(void **state)
{
	char *got = print("url: http://h/\nsize: 0\nwait: 90s\n", false);
	(void)state;
	assert_non_null(strstr(got, "size: 0B\n"));
	assert_non_null(strstr(got, "wait: 1m30s\n"));
	free(got);
	got = print("url: http://h/\nsize: 1537B\nwait: 1500ms\n", false);
	assert_non_null(strstr(got, "size: 1537B\n"));
	assert_non_null(strstr(got, "wait: 1s500ms\n"));
	free(got);
}

static void
assert_masked(const struct secret_set *set, const char *text, const char *wanted)
{
	char *copy = strdup(text);
	secret_mask(set, copy);
	assert_string_equal(copy, wanted);
	free(copy);
}

static void
test_secrets_are_registered(void **state)
{
	struct sample_block block;
	struct conf_tree *tree = fill(&block,
		"url: \"http://me:inurl1@h/?key=0123456789ab&token=short\"\nsecret: hunter2\n"
		"hook: http://h/services/T0/abc\n"
		"headers: { Authorization: Bearer abcdef, Accept: application/json }\n");
	struct secret_set *set = secret_set_new();
	(void)state;
	conf_secrets(sample_fields, &block, set);
	assert_masked(set, "<hunter2>", "<***>");
	assert_masked(set, "<inurl1>", "<***>");
	assert_masked(set, "token abcdef", "token ***");
	assert_masked(set, "key 0123456789ab", "key ***");
	assert_masked(set, "a short way", "a short way");
	assert_masked(set, "POST /services/T0/abc", "POST /***");
	assert_masked(set, "application/json", "application/json");
	secret_set_free(set);
	conf_clear(sample_fields, &block);
	conf_tree_free(tree);
}

static void
test_a_token_in_a_path_is_a_secret_by_itself(void **state)
{
	struct sample_block block;
	struct conf_tree *tree = fill(&block,
		"url: http://h/0123456789abcdef\n"
		"hook: http://h/open-apis/incoming-webhooks/v2/0f5c2d1e-7a3b-4c55?a=b\n");
	struct secret_set *set = secret_set_new();
	(void)state;
	conf_secrets(sample_fields, &block, set);
	assert_masked(set, "no robot 0f5c2d1e-7a3b-4c55", "no robot ***");
	assert_masked(set, "incoming-webhooks v2", "incoming-webhooks v2");
	assert_masked(set, "0123456789abcdef", "0123456789abcdef"); /* a row that is not masked */
	secret_set_free(set);
	conf_clear(sample_fields, &block);
	conf_tree_free(tree);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_what_differs),
		cmocka_unit_test(test_long_keys),
		cmocka_unit_test(test_everything_is_masked),
		cmocka_unit_test(test_urls_are_masked),
		cmocka_unit_test(test_reads_back),
		cmocka_unit_test(test_sizes_and_durations),
		cmocka_unit_test(test_secrets_are_registered),
		cmocka_unit_test(test_a_token_in_a_path_is_a_secret_by_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

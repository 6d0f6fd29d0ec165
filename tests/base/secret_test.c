/* Masking: no byte of a registered secret is left, not even behind the end of the text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/secret.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void
test_masking(void **state)
{
	static const struct {
		const char *text, *masked;
	} rows[] = {
		{ "", "" }, { "nothing here", "nothing here" }, { "hunter22", "***" },
		{ "redis://u:hunter22@h", "redis://u:***@h" },
		{ "hunter22 and hunter22", "*** and ***" }, { "hunter2", "hunter2" },
		{ "pass pass-long-one", "*** ***" }, /* the longer of two that start alike */
		{ "abcdefghij", "***" },             /* overlapping ones go together */
		{ "xabcdef", "x***" }, { "hunterhunter22", "hunter***" },
		{ "abc", "abc" }, /* too short to be registered */
	};
	struct secret_set *set = secret_set_new();

	(void)state;
	secret_set_add(set, "hunter22");
	secret_set_add(set, "pass");
	secret_set_add(set, "pass-long-one");
	secret_set_add(set, "abcdef");
	secret_set_add(set, "efghij");
	secret_set_add(set, "efghij");
	secret_set_add(set, "abc");
	secret_set_add(set, NULL);
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[64];
		snprintf(text, sizeof text, "%s", rows[i].text);
		secret_mask(set, text);
		assert_string_equal(text, rows[i].masked);
	}
	secret_set_free(set);
	secret_set_free(NULL);
}

static void
test_a_cut_text(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		const char *masked;
	} rows[] = {
		{ "key hunter", 11, "key ***" },
		{ "key hunter", 14, "key ***" },    /* cut before a long character */
		{ "key hunter", 15, "key hunter" }, /* whole */
		{ "key hun", 8, "key hun" },        /* too short to be worth anything */
		{ "key hunter22", 13, "key ***" },
		{ "pass-lon", 9, "***" }, /* not the shorter one, with the rest of the longer */
		{ "hunter of hunter", 17, "hunter of ***" },
	};
	struct secret_set *set = secret_set_new();

	(void)state;
	secret_set_add(set, "hunter22");
	secret_set_add(set, "pass");
	secret_set_add(set, "pass-long-one");
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[64];
		snprintf(text, sizeof text, "%s", rows[i].text);
		secret_mask_cut(set, text, rows[i].size);
		assert_string_equal(text, rows[i].masked);
	}
	secret_set_free(set);
}

static void
test_other_forms(void **state)
{
	static const struct {
		const char *secret, *text, *masked;
	} rows[] = {
		{ "a\"b\\cd", "{\"token\":\"a\\\"b\\\\cd\"}", "{\"token\":\"***\"}" },
		{ "T0/B0/xyz", "\"http:\\/\\/h\\/T0\\/B0\\/xyz\"", "\"http:\\/\\/h\\/***\"" },
		{ "p%40ss%2Fword", "no p@ss/word here", "no *** here" },
		{ "p%40ss%2Fword", "no p%40ss%2Fword here", "no *** here" },
		{ "100%", "100% of 100%", "*** of ***" },
		{ "abcd%", "abcd%4", "***4" },
		{ "%61%62", "ab and %61%62", "ab and ***" },
		{ "%00secret", "secret", "secret" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct secret_set *set = secret_set_new();
		char text[64];

		secret_set_add(set, rows[i].secret);
		snprintf(text, sizeof text, "%s", rows[i].text);
		secret_mask(set, text);
		assert_string_equal(text, rows[i].masked);
		secret_set_free(set);
	}
}

static void
test_no_tail_remains(void **state)
{
	struct secret_set *set = secret_set_new();
	char text[] = "key=sesame-open";

	(void)state;
	secret_set_add(set, "sesame-open");
	secret_mask(set, text);
	assert_memory_equal(text, "key=***\0\0\0\0\0\0\0\0", sizeof text - 1);
	secret_set_free(set);
}

static void
test_nothing_to_mask_with(void **state)
{
	struct secret_set *set = secret_set_new();
	char text[] = "plain";

	(void)state;
	secret_mask(NULL, text);
	secret_mask(set, text);
	secret_mask(set, NULL);
	assert_string_equal(text, "plain");
	secret_set_free(set);
}

static void
test_equal_and_wipe(void **state)
{
	char text[] = "abcd";

	(void)state;
	assert_true(secret_equal("abcd", 4, text, 4));
	assert_false(secret_equal("abce", 4, text, 4));
	assert_false(secret_equal("abc", 3, text, 4));
	assert_true(secret_equal("", 0, text, 0));
	secret_wipe(text, 4);
	assert_memory_equal(text, "\0\0\0\0", 4);
	secret_wipe(NULL, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_masking),
		cmocka_unit_test(test_a_cut_text),
		cmocka_unit_test(test_other_forms),
		cmocka_unit_test(test_no_tail_remains),
		cmocka_unit_test(test_nothing_to_mask_with),
		cmocka_unit_test(test_equal_and_wipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Text helpers, as tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "base/str.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void
test_comparing(void **state)
{
	(void)state;
	assert_true(str_eq(NULL, NULL));
	assert_false(str_eq(NULL, ""));
	assert_true(str_eq("a", "a"));
	assert_true(str_starts("http://x", "http://"));
	assert_false(str_starts("htt", "http"));
	assert_true(str_ends("a.yaml", ".yaml"));
	assert_true(str_ends("x", ""));
	assert_false(str_ends("l", "yaml"));
	assert_string_equal(str_skip_label("a: a: b: a: c", "a"), "b: a: c");
	assert_string_equal(str_skip_label("a:b", "a"), "a:b");
	assert_string_equal(str_skip_label("ab: c", "a"), "ab: c");
	assert_string_equal(str_skip_label(": a", ""), ": a");
	assert_string_equal(str_skip_label("a: ", "a"), "");
	assert_string_equal(str_skip_label("a", NULL), "a");
}

static void
test_globs(void **state)
{
	static const struct {
		const char *text, *glob;
		bool matches;
	} rows[] = {
		{ "", "", true },
		{ "", "*", true },
		{ "", "?", false },
		{ "a", "", false },
		{ "web-1", "web-*", true },
		{ "web-", "web-*", true },
		{ "a/b", "a*b", true },
		{ "abcbc", "a*bc", true },
		{ "abcbd", "a*bc", false },
		{ "aXbXc", "*X*X*", true },
		{ "net.refused", "net.?efused", true },
		{ "naïve", "na?ve", true },
		{ "b", "[a-c]", true },
		{ "d", "[a-c]", false },
		{ "d", "[!a-c]", true },
		{ "d", "[^d]", false },
		{ "]", "[]]", true },
		{ "-", "[a-]", true },
		{ "x7y", "*[0-9]*", true },
		{ "[x", "[x", true },
		{ "x", "[", false },
		{ "", "[a]", false },
		{ "ab", "a", false },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "*a*a*a*a*a*a*a*a*a*a*a*b", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (str_matches_glob(rows[i].text, rows[i].glob) != rows[i].matches)
			fail_msg("'%s' against '%s'", rows[i].text, rows[i].glob);
}

static void
test_cutting_between_characters(void **state)
{
	char out[6];

	(void)state;
	str_copy(out, sizeof out,
		"ab\xe2\x82\xac"
		"c"); /* a b euro c: 6 bytes into 5 */
	assert_string_equal(out, "ab\xe2\x82\xac");
	str_copy(out, 5,
		"ab\xe2\x82\xac"
		"c");
	assert_string_equal(out, "ab");
	str_copy(out, 1, "x");
	assert_string_equal(out, "");
	str_copy(out, sizeof out, NULL);
	assert_string_equal(out, "");
	assert_int_equal(str_utf8_cut("abc", 3, 9), 3);
	assert_int_equal(str_utf8_cut("\xe2\x82\xac", 3, 2), 0);
	assert_int_equal(str_utf8_cut("\x80\x80\x80\x80\x80\x80", 6, 5), 5);
}

static void
test_format_cuts_between_characters(void **state)
{
	static const struct {
		const char *text, *kept; /* in 5 bytes */
	} rows[] = {
		{ "abcd", "abcd" },
		{ "ab\xe2\x82\xac", "ab" },
		{ "a\xe2\x82\xac\xe2\x82\xac", "a\xe2\x82\xac" },
		{ "abc\xc3\xa9", "abc" },
		{ "\xf0\x9f\x98\x80!", "\xf0\x9f\x98\x80" },
		{ "a\xf0\x9f\x98\x80", "a" },
		{ "abcd\xc3\xa9", "abcd" },
		{ "\x80\x80\x80\x80\x80", "\x80\x80\x80\x80" },
	};
	char out[5];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		str_format(out, sizeof(out), "%s", rows[i].text);
		assert_string_equal(out, rows[i].kept);
	}
	str_format(out, 1, "x");
	assert_string_equal(out, "");
}

static void
test_utf8(void **state)
{
	static const struct {
		const char *text;
		bool is_utf8;
	} rows[] = {
		{ "", true },
		{ "plain", true },
		{ "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", true },
		{ "\xf4\x8f\xbf\xbf", true },
		{ "\xf4\x90\x80\x80", false }, /* past U+10FFFF */
		{ "\xc0\xaf", false },         /* overlong */
		{ "\xe0\x80\xaf", false },
		{ "\xed\xa0\x80", false }, /* a surrogate */
		{ "\xe2\x82", false },     /* cut off */
		{ "\x80", false },
		{ "\xff", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (str_is_utf8(rows[i].text, strlen(rows[i].text)) != rows[i].is_utf8)
			fail_msg("row %zu", i);
}

static void
test_columns(void **state)
{
	(void)state;
	assert_int_equal(str_columns(""), 0);
	assert_int_equal(str_columns("abc"), 3);
	assert_int_equal(str_columns("\xe7\x9b\x91\xe6\x8e\xa7"), 4); /* two Chinese characters */
	assert_int_equal(str_columns("e\xcc\x81"), 1);                /* e and a combining accent */
	assert_int_equal(str_columns("\xf0\x9f\x98\x80"), 2);
	assert_int_equal(str_columns("\xff"), 1);
}

static void
test_did_you_mean(void **state)
{
	static const char *const keys[] = { "interval", "timeout", "retries", "url", "to" };

	(void)state;
	assert_int_equal(str_distance("", ""), 0);
	assert_int_equal(str_distance("abc", ""), 3);
	assert_int_equal(str_distance("", "abc"), 3);
	assert_int_equal(str_distance("kitten", "sitting"), 3);
	assert_int_equal(str_distance("ab", "ba"), 1); /* a transposition is one slip */
	assert_int_equal(str_distance("interval", "intervall"), 1);
	assert_string_equal(str_nearest("intervall", keys, COUNT(keys)), "interval");
	assert_string_equal(str_nearest("tiemout", keys, COUNT(keys)), "timeout");
	assert_string_equal(str_nearest("ulr", keys, COUNT(keys)), "url");
	assert_null(str_nearest("xy", keys, COUNT(keys))); /* half of it would be a guess */
	assert_null(str_nearest("password", keys, COUNT(keys)));
	assert_null(str_nearest("url", keys, 0));
}

static void
test_distance_of_huge_words(void **state)
{
	char huge[1001];

	(void)state;
	memset(huge, 'h', 1000);
	huge[1000] = '\0';
	assert_int_equal(str_distance(huge, "h"), 1000);
	assert_int_equal(str_distance(huge, huge), 0);
}

static void
test_printable(void **state)
{
	char out[9];

	(void)state;
	str_printable(out, sizeof out, "a\r\nb\0c\x7f", 7);
	assert_string_equal(out, "a..b.c.");
	str_printable(out, sizeof out, "\x1b[31m\xff", 6);
	assert_string_equal(out, ".[31m.");
	str_printable(out, sizeof out, "\xc2\x9bx\xc3\xa9", 5); /* an 8-bit escape, an accent */
	assert_string_equal(out, ".x\xc3\xa9");
	str_printable(out, sizeof out, "a\xe2\x80\xae\xe2\x81\xa6z", 8); /* right to left */
	assert_string_equal(out, "a..z");
	str_printable(out, sizeof out, "1234567\xe2\x82\xac", 10);
	assert_string_equal(out, "1234567");
	str_printable(out, 1, "abc", 3);
	assert_string_equal(out, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comparing),
		cmocka_unit_test(test_globs),
		cmocka_unit_test(test_cutting_between_characters),
		cmocka_unit_test(test_format_cuts_between_characters),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_did_you_mean),
		cmocka_unit_test(test_distance_of_huge_words),
		cmocka_unit_test(test_printable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

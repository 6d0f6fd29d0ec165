/* Other people's YAML and JSON: well-formed or not, and where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "conf/text_format.h"

static const char *
say(enum text_format format, const char *text)
{
	static struct err e;

	e.text[0] = '\0';
	if (text_format_check(format, text, strlen(text), &e) == 0)
		return "";
	assert_true(e.text[0] != '\0');
	return e.text;
}

static void
good_yaml_of_all_kinds(void **state)
{
	(void)state;
	assert_string_equal(say(TEXT_YAML, ""), "");
	assert_string_equal(say(TEXT_YAML, "a: 1\nb: [x, y]\n"), "");
	assert_string_equal(say(TEXT_YAML, "- 1\n- 2\n"), "");
	assert_string_equal(say(TEXT_YAML, "a: 1\n---\nb: !Ref x\n"), "");
	assert_string_equal(say(TEXT_YAML, "a: ${NOT_SET}\n"), "");
	assert_string_equal(say(TEXT_YAML, "\xef\xbb\xbf"
					   "a: 1\n"),
		"");
}

static void
bad_yaml_is_placed(void **state)
{
	(void)state;
	assert_non_null(strstr(say(TEXT_YAML, "a:\n\tb: 1\n"), "line 2, column 1: a tab"));
	assert_non_null(strstr(say(TEXT_YAML, "a: 1\nb: [x\nc: 2\n"), "line 2"));
	assert_non_null(strstr(say(TEXT_YAML, "a: \x01\n"), "line 1, column 4"));
	assert_non_null(strstr(say(TEXT_YAML, "\xff\xfe"
					      "a"),
		"UTF-16"));
}

static void
bytes_that_are_no_text(void **state)
{
	static const char bytes[] = "a\0b: 1\n\0";
	struct err e;

	(void)state;
	assert_int_equal(text_format_check(TEXT_YAML, bytes, sizeof(bytes), &e), -1);
	assert_non_null(strstr(e.text, "line 1, column 2"));
	assert_int_equal(text_format_check(TEXT_JSON, bytes, sizeof(bytes), &e), -1);
}

static void
deep_yaml_is_refused_soon(void **state)
{
	char text[20000];

	(void)state;
	memset(text, '[', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_non_null(strstr(say(TEXT_YAML, text), "nested"));
}

static void
json_is_placed(void **state)
{
	(void)state;
	assert_string_equal(say(TEXT_JSON, "{\"a\": [1, null]}"), "");
	assert_string_equal(say(TEXT_JSON, "7"), "");
	assert_non_null(strstr(say(TEXT_JSON, "{\"a\": 1,\n \"b\" 2}"), "line 2, column"));
	assert_non_null(strstr(say(TEXT_JSON, ""), "line"));
	assert_non_null(strstr(say(TEXT_JSON, "\xef\xbb\xbf{}"), "byte order mark"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_yaml_of_all_kinds),
		cmocka_unit_test(bad_yaml_is_placed),
		cmocka_unit_test(bytes_that_are_no_text),
		cmocka_unit_test(deep_yaml_is_refused_soon),
		cmocka_unit_test(json_is_placed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

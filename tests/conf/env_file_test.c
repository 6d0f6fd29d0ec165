/* Tests of daemon/conf/env_file.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/interpolate.h"

static void
test_grammar(void **state)
{
	static const struct {
		const char *text, *value;
	} rows[] = {
		{ "A=1", "1" },
		{ "A=1\n", "1" },
		{ "# A=0\n\n  A = 1 \n", "1" },
		{ "export A=1", "1" },
		{ "A=x\r\nB=2\r\n", "x" },
		{ "A=a b # comment", "a b" },
		{ "A=a#b", "a#b" },
		{ "A=", "" },
		{ "A=#x", "" },
		{ "A=\"a b\" # comment", "a b" },
		{ "A=\"a\\n\\\"b\\\" \\$x\"", "a\n\"b\" $x" },
		{ "A='a\\n $x'", "a\\n $x" },
		{ "A=\"two\nlines\"\nB=1", "two\nlines" },
		{ "A=1\nA=2", "2" },
		{ "A=postgres://u:p@h/d?x=y", "postgres://u:p@h/d?x=y" },
		{ "\xef\xbb\xbf"
		  "A=bom",
			"bom" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct map *map = map_new();
		struct err e = { 0 };
		if (env_file_parse(map, rows[i].text, &e) != 0)
			fail_msg("%s: %s", rows[i].text, e.text);
		assert_string_equal((char *)map_get(map, "A"), rows[i].value);
		map_free(map, free);
	}
}

static void
test_errors_name_the_line_only(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "A=1\nhunter2\n", "line 2: expected KEY=VALUE, there is no \"=\"" },
		{ "A=1\n=hunter2\n", "line 2: expected KEY=VALUE" },
		{ "1A=hunter2", "line 1: expected KEY=VALUE" },
		{ "A=1\n\nB=\"hunter2\nmore", "line 3: a quote is never closed" },
		{ "A=\"x\" hunter2", "line 1: text after the closing quote" },
		{ "A=\"two\nlines\"\nhunter2", "line 3: expected KEY=VALUE, there is no \"=\"" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct map *map = map_new();
		struct err e = { 0 };
		assert_int_equal(env_file_parse(map, rows[i].text, &e), -1);
		assert_string_equal(e.text, rows[i].error);
		assert_null(strstr(e.text, "hunter2"));
		map_free(map, free);
	}
}

static void
test_what_is_quoted_is_read_again(void **state)
{
	static const char *const values[] = { "", "plain", " two  words ", "a'b", "a\"b$c`d\\e",
		"it's \"$HOME\" \\n", "line\nline's\n", "cr\rlf\r\n", "#no comment", "密码 'ü'" };
	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		struct map *map = map_new();
		struct err e = { 0 };
		struct buf text;
		buf_init(&text, 0);
		buf_add_text(&text, "A=");
		env_file_quote(values[i], &text);
		buf_add_text(&text, "\nB=2\n");
		if (env_file_parse(map, buf_text(&text), &e) != 0)
			fail_msg("%s: %s", buf_text(&text), e.text);
		assert_string_equal((char *)map_get(map, "A"), values[i]);
		assert_string_equal((char *)map_get(map, "B"), "2");
		buf_fini(&text);
		map_free(map, free);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grammar),
		cmocka_unit_test(test_errors_name_the_line_only),
		cmocka_unit_test(test_what_is_quoted_is_read_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

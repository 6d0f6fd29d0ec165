/* Tests of daemon/conf/complain.c: order, carets, caps, and that no password is shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/complain.h"
#include "conf/tree.h"

static char path[] = "a.yaml";

static struct conf_file
file_of(char *text)
{
	return (struct conf_file){ .path = path, .text = text, .len = strlen(text) };
}

/* The whole output for one error; owned. */
static char *
show(char *text, unsigned line, unsigned column)
{
	struct conf_file file = file_of(text);
	struct complaints *all = complaints_new();
	struct buf out;
	buf_init(&out, 0);
	complain(all, &(struct conf_pos){ &file, line, column }, "oops");
	complaints_print(all, &out);
	complaints_free(all);
	return buf_take_text(&out);
}

static void
assert_shows(const char *text, unsigned line, unsigned column, const char *wanted)
{
	char *copy = strdup(text);
	char *got = show(copy, line, column);
	assert_string_equal(got, wanted);
	free(got);
	free(copy);
}

static void
test_caret(void **state)
{
	(void)state;
	assert_shows("a: 1\n  timeout: 5\n", 2, 12,
		"a.yaml:2:12: error: oops\n"
		"    2 |   timeout: 5\n"
		"      |            ^\n");
	assert_shows("a: 1\r\n\tb: 5\r\n", 2, 2,
		"a.yaml:2:2: error: oops\n"
		"    2 |  b: 5\n"
		"      |  ^\n");
	/* columns count characters; wide ones take two places */
	assert_shows("名: x", 1, 4,
		"a.yaml:1:4: error: oops\n"
		"    1 | 名: x\n"
		"      |     ^\n");
	/* past the end of the line or of the file */
	assert_shows("abc", 1, 9,
		"a.yaml:1:9: error: oops\n"
		"    1 | abc\n"
		"      |    ^\n");
	assert_shows("abc", 7, 1, "a.yaml:7:1: error: oops\n");
	assert_shows("abc", 0, 0, "a.yaml: error: oops\n");
}

static void
test_long_lines(void **state)
{
	char line[6000] = "";
	(void)state;
	for (int i = 0; i < 300; i++)
		snprintf(line + strlen(line), sizeof(line) - strlen(line), "%03d, ", i);
	assert_shows(line, 1, 6,
		"a.yaml:1:6: error: oops\n"
		"    1 | 000, 001, 002, 003, 004, 005, 006, 007, 008, 009, 010, 011, 012, 013, "
		"014, 0…\n"
		"      |      ^\n");
	assert_shows(line, 1, 501,
		"a.yaml:1:501: error: oops\n"
		"    1 | …2, 093, 094, 095, 096, 097, 098, 099, 100, 101, 102, 103, 104, 105, 106, "
		"107…\n"
		"      |                                        ^\n");
	assert_shows(line, 1, 1496,
		"a.yaml:1:1496: error: oops\n"
		"    1 | … 285, 286, 287, 288, 289, 290, 291, 292, 293, 294, 295, 296, 297, 298, "
		"299, \n"
		"      |                                                                         "
		"^\n");
	strcpy(line, "名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名"
		     "名名x");
	assert_shows(line, 1, 41,
		"a.yaml:1:41: error: oops\n"
		"    1 | "
		"…名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名x\n"
		"      |                                                                           "
		" "
		"^\n");
}

static void
test_order_and_counts(void **state)
{
	char text[] = "a\nb\nc\n";
	struct conf_file file = file_of(text);
	struct complaints *all = complaints_new();
	struct buf out;
	char first[100];
	(void)state;
	buf_init(&out, 0);
	complaints_first(all, first, sizeof(first));
	assert_string_equal(first, "");
	complain(all, &(struct conf_pos){ &file, 3, 1 }, "third");
	complain_warn(all, &(struct conf_pos){ &file, 1, 1 }, "careful");
	complain(all, &(struct conf_pos){ &file, 2, 1 }, "second");
	complaints_print(all, &out);
	const char *got = buf_text(&out);
	assert_true(strstr(got, "warning: careful") < strstr(got, "error: second"));
	assert_true(strstr(got, "error: second") < strstr(got, "error: third"));
	assert_int_equal(complaints_errors(all), 2);
	assert_int_equal(complaints_warnings(all), 1);
	complaints_first(all, first, sizeof(first));
	assert_string_equal(first, "a.yaml:2:1: error: second");
	buf_fini(&out);
	complaints_free(all);
}

static void
test_cap(void **state)
{
	struct complaints *all = complaints_new();
	struct buf out;
	(void)state;
	buf_init(&out, 0);
	for (int i = 0; i < COMPLAINTS_MAX + 7; i++)
		complain(all, NULL, "number %d", i);
	complaints_print(all, &out);
	assert_int_equal(complaints_errors(all), COMPLAINTS_MAX + 7);
	assert_non_null(strstr(buf_text(&out), "number 49\n"));
	assert_null(strstr(buf_text(&out), "number 50"));
	assert_non_null(strstr(buf_text(&out), "and 7 more errors"));
	buf_fini(&out);
	complaints_free(all);
}

static void
test_it_outlives_its_file(void **state)
{
	struct complaints *all = complaints_new();
	struct buf out;
	char *text = strdup("key: value");
	struct conf_file *file = calloc(1, sizeof(*file));
	(void)state;
	*file = file_of(text);
	complain(all, &(struct conf_pos){ file, 1, 6 }, "oops");
	free(text);
	free(file);
	buf_init(&out, 0);
	complaints_print(all, &out);
	assert_non_null(strstr(buf_text(&out), "key: value"));
	buf_fini(&out);
	complaints_free(all);
}

static void
test_passwords_are_blanked(void **state)
{
	static const char *const lines[] = {
		"url: http://user:hunter2@host/x",
		"token: hunter2",
		"token: \"hunter2\"",
		"token: [a, hunter2]",
		"secret: { a: hunter2 }",
		"api: { listen: x, token: 'hunter2', x: 1 }",
		"  X-Auth-Token: hunter2 # c",
		"password: hunter2",
		"dsn: user:hunter2@tcp(db)/x",
		"a: [http://u:hunter2@a, http://u:hunter2@b]",
		"url: \"redis://:pa/hunter2@host\"",
		"url: \"redis://:p \\\"hunter2, x@host/y\"",
		"url: redis://:p?a=b#hunter2@host/zero",
		"url: redis://hunter2@host/zero",
		"{ url: redis://:1/hunter2@host/x, interval: 5s }",
		"c: { url: \":hunter2@host:1\" }",
		"dsn: host=a,b password=hunter2 sslmode=x",
		"dsn: u:a}hunter2@tcp(db)/x # note",
		"dsn: \"u:a\\\"hunter2@tcp(db)/x\"",
		"dsn: \"u:a$hunter2@tcp(db)/x\"",
		"url: \"redis://:$hunter2@${HOST}/x\"",
		"ops: { type: slack, url: https://hooks/services/T0/B0/hunter2hunter2hunter2 }",
		"url: \"https://h/api/webhooks/12/hunter2-hunter2-hunter2?wait=true\"",
		"url: https://h/cgi-bin/webhook/send?key=hunter2&x=1",
		"url: https://h/robot/send?access_token=hunter2",
		"p: { type: pagerduty, routing_key: hunter2 }",
		"token: ${TOKEN:-hunter2}",
		"token: \"${A:-${B:-hunter2}}\"",
		"{ token: ${A:-${B:-hunter2}}, x: 1 }",
		"dsn: \"${DSN:-postgres://u:hunter2@h/db}\"",
		"dsn: \"u:$${hunter2}@tcp(db)/x\"",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		char *text = strdup(lines[i]);
		char *got = show(text, 1, 1);
		if (strstr(got, "hunter2") != NULL)
			fail_msg("%s", got);
		assert_non_null(strstr(got, "***"));
		free(got);
		free(text);
	}
	assert_shows("c: { url: \"redis://u:p/w@h:1/x\", a: b@c }", 1, 29,
		"a.yaml:1:29: error: oops\n"
		"    1 | c: { url: \"redis://u:***@h:1/x\", a: b@c }\n"
		"      |                             ^\n");
	assert_shows("token: ${TOKEN}", 1, 8,
		"a.yaml:1:8: error: oops\n"
		"    1 | token: ${TOKEN}\n"
		"      |        ^\n");
	assert_shows("{ token: \"${A:-${B}}\", secret: '${C:-x}y', dsn: \"\", key: 1 }", 1, 1,
		"a.yaml:1:1: error: oops\n"
		"    1 | { token: \"${A:-${B}}\", secret: '${C:-***}***', dsn: \"\", key: 1 }\n"
		"      | ^\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_caret),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_order_and_counts),
		cmocka_unit_test(test_cap),
		cmocka_unit_test(test_it_outlives_its_file),
		cmocka_unit_test(test_passwords_are_blanked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

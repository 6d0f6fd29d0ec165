/* Header lines and bodies: what they look like, what cannot get through them, how long they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alerts/mime.h"
#include "base/mem.h"

static char *
header(const char *name, const char *text)
{
	struct buf out;

	buf_init(&out, 0);
	mime_add_header(&out, name, text);
	return buf_take_text(&out);
}

static void
expect_header(const char *text, const char *wanted)
{
	char *got = header("Subject", text);

	assert_string_equal(got, wanted);
	free(got);
}

/* Every line within 76 characters, ended by CRLF, no bare CR or LF, seven bits. */
static void
expect_lines(const char *text)
{
	size_t column = 0;

	for (const char *c = text; *c != '\0'; c++) {
		assert_true((unsigned char)*c < 0x80);
		if (*c == '\r')
			assert_int_equal(c[1], '\n');
		if (*c == '\n') {
			assert_true(c > text && c[-1] == '\r');
			column = 0;
		} else if (*c != '\r') {
			column++;
		}
		assert_true(column <= 76);
	}
	assert_int_equal(column, 0);
}

static void
headers_are_plain_where_they_can_be(void **state)
{
	(void)state;
	expect_header("db is down", "Subject: db is down\r\n");
	expect_header("", "Subject: \r\n");
	expect_header("  two  blanks ", "Subject: two  blanks\r\n");
	expect_header("\xe4\xb8\xad\xe6\x96\x87", "Subject: =?UTF-8?B?5Lit5paH?=\r\n");
	/* what looks encoded is encoded, so that it is shown as it was written */
	expect_header("=?UTF-8?Q?x?=", "Subject: =?UTF-8?B?PT9VVEYtOD9RP3g/PQ==?=\r\n");
}

static void
nothing_becomes_a_header(void **state)
{
	static const char *const evil[] = { "x\r\nBcc: all@example.com", "x\nBcc: a@b",
		"x\rBcc: a@b", "x\r\n\r\n<script>",
		"x\xe2\x80\xa8"
		"Bcc: a@b",
		"\xf0\x9f\x94\xb4\r\nBcc: a@b", "x\x0b\x0c\x01y", "a \r\n b",
		"\xff\xfe\r\nBcc: a@b" };

	(void)state;
	for (size_t i = 0; i < sizeof(evil) / sizeof(evil[0]); i++) {
		char *got = header("Subject", evil[i]);
		const char *second = strstr(got, "\r\n") + 2;

		expect_lines(got);
		if (*second != '\0' && *second != ' ')
			fail_msg("%zu: %s", i, got);
		free(got);
	}
}

static void
long_headers_are_folded(void **state)
{
	struct buf text;
	char *got;

	(void)state;
	buf_init(&text, 0);
	for (int i = 0; i < 60; i++)
		buf_add_text(&text, i % 2 ? "word " : "another ");
	got = header("Subject", buf_text(&text));
	expect_lines(got);
	assert_non_null(strstr(got, "\r\n "));
	free(got);
	buf_reset(&text);
	for (int i = 0; i < 100; i++)
		buf_add_text(&text, "\xf0\x9f\x94\xb4\xe4\xb8\xad");
	got = header("X-A-Rather-Long-Name-Of-A-Header", buf_text(&text));
	expect_lines(got);
	free(got);
	buf_reset(&text);
	for (int i = 0; i < 5000; i++)
		buf_add_text(&text, "x");
	got = header("Subject", buf_text(&text));
	expect_lines(got);
	free(got);
	buf_fini(&text);
}

static void
mailboxes_are_quoted(void **state)
{
	static const struct {
		const char *name, *wanted;
	} rows[] = {
		{ NULL, "<a@b>" },
		{ "", "<a@b>" },
		{ "web-1", "\"web-1\" <a@b>" },
		{ "a \"b\" \\ <c@d>, e", "\"a \\\"b\\\" \\\\ <c@d>, e\" <a@b>" },
		{ "\xe4\xb8\xad", "=?UTF-8?B?5Lit?= <a@b>" },
		{ "x\r\ny", "\"x  y\" <a@b>" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf out;

		buf_init(&out, 0);
		mime_add_mailbox(&out, rows[i].name, "a@b");
		assert_string_equal(buf_text(&out), rows[i].wanted);
		buf_fini(&out);
	}
}

static void
dates_are_english(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	mime_add_date(&out, INT64_C(1767323045) * USEC_PER_SEC);
	assert_string_equal(buf_text(&out), "Date: Fri, 02 Jan 2026 03:04:05 +0000\r\n");
	buf_fini(&out);
}

static char *
part(const char *text)
{
	struct buf out;

	buf_init(&out, 0);
	mime_add_part(&out, "text/plain; charset=utf-8", text);
	return buf_take_text(&out);
}

static void
bodies_are_short_lines_of_seven_bits(void **state)
{
	char *long_line = xmalloc(100001);
	char *got;

	(void)state;
	memset(long_line, 'x', 100000);
	long_line[100000] = '\0';
	got = part(long_line);
	expect_lines(got);
	free(got);
	free(long_line);
	got = part("a = b\r\nblank at the end \nna\xc3\xafve\n.dot\nlast");
	expect_lines(got);
	assert_non_null(strstr(got, "quoted-printable\r\n\r\na =3D b\r\nblank at the end=20\r\n"
				    "na=C3=AFve\r\n.dot\r\nlast\r\n"));
	free(got);
	got = part("\xe4\xb8\xad\xe6\x96\x87\n\xe4\xb8\xad");
	expect_lines(got);
	assert_non_null(strstr(got, "base64\r\n\r\n5Lit5paHDQrkuK0=\r\n"));
	free(got);
	got = part("");
	expect_lines(got);
	free(got);
}

static void
dots_are_doubled(void **state)
{
	static const char text[] = ".\r\n..\r\na.b\r\n.c";
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	mime_add_stuffed(&out, text, sizeof(text) - 1);
	assert_string_equal(buf_text(&out), "..\r\n...\r\na.b\r\n..c");
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_plain_where_they_can_be),
		cmocka_unit_test(nothing_becomes_a_header),
		cmocka_unit_test(long_headers_are_folded),
		cmocka_unit_test(mailboxes_are_quoted),
		cmocka_unit_test(dates_are_english),
		cmocka_unit_test(bodies_are_short_lines_of_seven_bits),
		cmocka_unit_test(dots_are_doubled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

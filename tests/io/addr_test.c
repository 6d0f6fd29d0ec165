/* Places as people write them, numeric addresses, and how they are shown again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "io/addr.h"

static void
test_places(void **state)
{
	static const struct {
		const char *text, *host;
		unsigned port;
		const char *path;
	} rows[] = {
		{ "db", "db", 0, "" },
		{ "db:5432", "db", 5432, "" },
		{ "db.example.com.", "db.example.com.", 0, "" },
		{ "under_score:1", "under_score", 1, "" },
		{ "127.0.0.1:65535", "127.0.0.1", 65535, "" },
		{ "127.0.0.1:0", "127.0.0.1", 0, "" },
		{ "::1", "::1", 0, "" },
		{ "[::1]", "::1", 0, "" },
		{ "[2001:db8::1]:80", "2001:db8::1", 80, "" },
		{ ":8080", "::", 8080, "" },
		{ "/run/x.sock", "", 0, "/run/x.sock" },
		{ "unix:/run/x.sock", "", 0, "/run/x.sock" },
		{ "@abstract", "", 0, "@abstract" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct place place;

		assert_int_equal(place_parse(&place, rows[i].text, NULL), 0);
		assert_string_equal(place.host, rows[i].host);
		assert_int_equal(place.port, rows[i].port);
		assert_string_equal(place.path, rows[i].path);
	}
}

static void
test_bad_places(void **state)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
		{ "", "empty" },
		{ "db:", "missing" },
		{ "db:x", "is not a port" },
		{ "https://db:443", "a scheme does not belong here" },
		{ "db:65536", "is not a port" },
		{ "db:-1", "is not a port" },
		{ "db:000080", "is not a port" },
		{ "[::1", "missing" },
		{ "[::1]x", "may follow" },
		{ "[1.2.3.4]", "is not an IPv6" },
		{ "a:b:c", "is not an address" },
		{ "a b", "cannot be in a host name" },
		{ "a..b", "empty part" },
		{ ".a", "empty part" },
		{ "b\xc3\xbc"
		  "cher.example",
			"xn--" },
		{ "256.1.1.1", "looks like an IPv4" },
		{ "1.2.3", "looks like an IPv4" },
		{ "unix:", "empty socket path" },
		{ "u:hunter2@db", "no user and password" },
		{ "u:hunter2@db:80", "no user and password" },
		{ "u:hun/ter2@[::1]:80", "no user and password" },
	};
	struct place place = { .port = 7 };
	struct err e;
	char longest[300];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(place_parse(&place, rows[i].text, &e), -1);
		if (strstr(e.text, rows[i].words) == NULL)
			fail_msg("%s: %s", rows[i].text, e.text);
		assert_null(strstr(e.text, "ter2"));
	}
	assert_int_equal(place.port, 7);
	memset(longest, 'a', sizeof(longest));
	longest[299] = '\0';
	assert_int_equal(place_parse(&place, longest, &e), -1);
	longest[64] = '\0';
	assert_int_equal(place_parse(&place, longest, &e), -1);
	longest[63] = '\0';
	assert_int_equal(place_parse(&place, longest, &e), 0);
	longest[0] = '/';
	memset(longest + 1, 'p', 200);
	longest[200] = '\0';
	assert_int_equal(place_parse(&place, longest, &e), -1);
}

static void
text_is(const char *host, uint16_t port, const char *wanted)
{
	struct addr addr;
	char text[ADDR_TEXT];

	assert_int_equal(addr_from_numeric(&addr, host, port), 0);
	addr_text(&addr, text);
	assert_string_equal(text, wanted);
}

static void
test_texts(void **state)
{
	struct addr addr = { .len = 0 };
	char text[ADDR_TEXT];

	(void)state;
	text_is("127.0.0.1", 80, "127.0.0.1:80");
	text_is("127.0.0.1", 0, "127.0.0.1");
	text_is("::1", 80, "[::1]:80");
	text_is("::1", 0, "::1");
	text_is("fe80::1%lo", 80, "[fe80::1%lo]:80");
	addr_text(&addr, text);
	assert_string_equal(text, "(nowhere)");
	assert_int_equal(addr_from_path(&addr, "/run/x", NULL), 0);
	addr_text(&addr, text);
	assert_string_equal(text, "/run/x");
	assert_int_equal(addr_from_path(&addr, "@x", NULL), 0);
	addr_text(&addr, text);
	assert_string_equal(text, "@x");
}

static void
test_not_numeric(void **state)
{
	static const char *const rows[] = { "", "localhost", "1.2.3", "01.2.3.4x", "1.2.3.4.5",
		"a:b", "::1%nosuchif", "fe80::1%", "0x7f.1" };
	struct addr addr;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(addr_from_numeric(&addr, rows[i], 1), -1);
}

static void
test_loopback_and_equal(void **state)
{
	static const struct {
		const char *host;
		int is_loopback;
	} rows[] = { { "127.0.0.1", 1 }, { "127.9.9.9", 1 }, { "128.0.0.1", 0 }, { "::1", 1 },
		{ "::2", 0 }, { "::ffff:127.0.0.1", 1 }, { "::ffff:8.8.8.8", 0 },
		{ "0.0.0.0", 0 } };
	struct addr a, b;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(addr_from_numeric(&a, rows[i].host, 1), 0);
		assert_int_equal(addr_is_loopback(&a), rows[i].is_loopback);
	}
	addr_from_numeric(&a, "10.0.0.1", 1);
	addr_from_numeric(&b, "10.0.0.1", 1);
	assert_true(addr_equal(&a, &b));
	addr_set_port(&b, 2);
	assert_false(addr_equal(&a, &b));
	addr_from_numeric(&b, "::1", 1);
	assert_false(addr_equal(&a, &b));
	addr_from_path(&a, "/x", NULL);
	addr_from_path(&b, "/x", NULL);
	assert_true(addr_equal(&a, &b));
	assert_true(addr_is_loopback(&a));
	addr_from_path(&b, "/xy", NULL);
	assert_false(addr_equal(&a, &b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_bad_places),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_not_numeric),
		cmocka_unit_test(test_loopback_and_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

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

static void
test_how_far_inside(void **state)
{
	static const struct {
		enum addr_reach reach;
		const char *first, *last; /* of a block */
	} rows[] = {
		{ ADDR_WORLD, "1.1.1.1", "9.255.255.255" },
		{ ADDR_WORLD, "11.0.0.0", "100.63.255.255" },
		{ ADDR_WORLD, "172.15.255.255", "172.32.0.0" },
		{ ADDR_WORLD, "192.167.255.255", "192.169.0.0" },
		{ ADDR_WORLD, "2001:db8::1", "2606:4700::1" },
		{ ADDR_WORLD, "64:ff9b::808:808", "::ffff:8.8.8.8" },
		{ ADDR_SITE, "10.0.0.0", "10.255.255.255" },
		{ ADDR_SITE, "172.16.0.0", "172.31.255.255" },
		{ ADDR_SITE, "192.168.0.0", "192.168.255.255" },
		{ ADDR_SITE, "100.64.0.0", "100.127.255.255" },
		{ ADDR_SITE, "fc00::1", "fdff::1" },
		{ ADDR_SITE, "fec0::1", "::ffff:10.1.2.3" },
		{ ADDR_HOST, "127.0.0.1", "127.255.255.255" },
		{ ADDR_HOST, "0.0.0.0", "0.255.255.255" },
		{ ADDR_HOST, "::", "::1" },
		{ ADDR_HOST, "::ffff:127.0.0.1", "64:ff9b::7f00:1" },
		{ ADDR_LINK, "169.254.0.0", "169.254.169.254" },
		{ ADDR_LINK, "169.254.255.255", "100.100.100.200" },
		{ ADDR_LINK, "224.0.0.1", "255.255.255.255" },
		{ ADDR_LINK, "192.0.0.192", "::ffff:169.254.169.254" },
		{ ADDR_LINK, "fe80::1", "febf::1" },
		{ ADDR_LINK, "fd00:ec2::254", "ff02::1" },
		{ ADDR_LINK, "fd20:ce::254", "fd00:42::42" },
		{ ADDR_LINK, "fd00:ec2::23", "fd00:c1::a9fe:a9fe" },
		{ ADDR_LINK, "fd00:a9fe:a9fe::1", "fd00:100::100:200" },
		{ ADDR_SITE, "fd20:ce::253", "fd00:42::43" },
		{ ADDR_SITE, "fd00:ec3::254", "fd00:c1::a9fe:a9fd" },
		{ ADDR_LINK, "168.63.129.16", "::ffff:168.63.129.16" },
		{ ADDR_WORLD, "168.63.129.15", "168.63.129.17" },
		{ ADDR_LINK, "2002:a9fe:a9fe::1", "64:ff9b::a9fe:a9fe" },
		{ ADDR_LINK, "64:ff9b:1::a9fe:a9fe", "64:ff9b:1:a9fe:a9:fe00::" },
		{ ADDR_SITE, "2002:a01:203::1", "64:ff9b:1:a01:2:300::" },
		{ ADDR_HOST, "2002:7f00:1::1", "::127.0.0.1" },
		{ ADDR_WORLD, "2002:808:808::1", "64:ff9b:1::808:808" },
	};
	struct addr addr;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(addr_from_numeric(&addr, rows[i].first, 80), 0);
		if (addr_reach(&addr) != rows[i].reach)
			fail_msg("%s is %d", rows[i].first, (int)addr_reach(&addr));
		assert_int_equal(addr_from_numeric(&addr, rows[i].last, 80), 0);
		if (addr_reach(&addr) != rows[i].reach)
			fail_msg("%s is %d", rows[i].last, (int)addr_reach(&addr));
	}
	assert_int_equal(addr_from_path(&addr, "/run/x.sock", NULL), 0);
	assert_int_equal(addr_reach(&addr), ADDR_HOST);
}

static void
test_who_may_lead_where(void **state)
{
	static const char *const to[] = { [ADDR_WORLD] = "8.8.8.8",
		[ADDR_SITE] = "10.1.1.1",
		[ADDR_HOST] = "127.0.0.1",
		[ADDR_LINK] = "169.254.169.254" };
	static const char *const may[] = { [ADDR_ANYWHERE] = "-1111",
		[ADDR_WORLD] = "-1000",
		[ADDR_SITE] = "-1100",
		[ADDR_HOST] = "-1110",
		[ADDR_LINK] = "-1101" };
	struct addr addr;

	(void)state;
	for (int from = ADDR_ANYWHERE; from <= ADDR_LINK; from++)
		for (int reach = ADDR_WORLD; reach <= ADDR_LINK; reach++) {
			assert_int_equal(addr_from_numeric(&addr, to[reach], 80), 0);
			assert_int_equal(addr_may_lead((enum addr_reach)from, &addr),
				may[from][reach] == '1');
		}
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
		cmocka_unit_test(test_how_far_inside),
		cmocka_unit_test(test_who_may_lead_where),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Redis data source names: what is read out of them, and what is said of those that are wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "conf/dsn.h"

static const struct good {
	const char *text, *user, *password, *database;
	const char *host; /* or the socket */
	unsigned port, hosts;
	enum dsn_tls tls;
	const char *masked; /* NULL: not looked at */
} goods[] = {
	{ "redis://redis", NULL, NULL, NULL, "redis", 6379, 1, DSN_TLS_DISABLE,
		"redis://redis:6379" },
	{ "redis://", NULL, NULL, NULL, "localhost", 6379, 1, DSN_TLS_DISABLE, NULL },
	{ "redis://:6380/2", NULL, NULL, "2", "localhost", 6380, 1, DSN_TLS_DISABLE, NULL },
	{ "redis://localhost:6379/", NULL, NULL, NULL, "localhost", 6379, 1, DSN_TLS_DISABLE,
		NULL },
	{ "redis://:pass@host:1/0", NULL, "pass", "0", "host", 1, 1, DSN_TLS_DISABLE,
		"redis://:***@host:1/0" },
	/* not a user that is shown: mostly it is a password whose ":" was forgotten */
	{ "redis://user@host", "user", NULL, NULL, "host", 6379, 1, DSN_TLS_DISABLE,
		"redis://***@host:6379" },
	{ "redis://user:@host", "user", NULL, NULL, "host", 6379, 1, DSN_TLS_DISABLE, NULL },
	{ "redis://default:p%40s%2Fs%3A@host/15", "default", "p@s/s:", "15", "host", 6379, 1,
		DSN_TLS_DISABLE, "redis://default:***@host:6379/15" },
	{ "redis://:a/b/c@host:6379/3", NULL, "a/b/c", "3", "host", 6379, 1, DSN_TLS_DISABLE,
		NULL },
	{ "redis://:a@b@host", NULL, "a@b", NULL, "host", 6379, 1, DSN_TLS_DISABLE, NULL },
	{ "redis://:a?b#c@host/1?pool_size=5", NULL, "a?b#c", "1", "host", 6379, 1, DSN_TLS_DISABLE,
		NULL },
	{ "redis://u:a@b?c@host/1?x=y@z", "u", "a@b?c", "1", "host", 6379, 1, DSN_TLS_DISABLE,
		NULL },
	{ "redis://:a?b=c@host/1", NULL, "a?b=c", "1", "host", 6379, 1, DSN_TLS_DISABLE, NULL },
	{ "redis://[::1]:7000/1", NULL, NULL, "1", "::1", 7000, 1, DSN_TLS_DISABLE,
		"redis://[::1]:7000/1" },
	{ "redis://[::1]", NULL, NULL, NULL, "::1", 6379, 1, DSN_TLS_DISABLE, NULL },
	{ "redis://h?db=4&client_name=a@b", NULL, NULL, "4", "h", 6379, 1, DSN_TLS_DISABLE, NULL },
	{ "rediss://h:1", NULL, NULL, NULL, "h", 1, 1, DSN_TLS_VERIFY_FULL, "rediss://h:1" },
	{ "rediss://h:1?ssl_cert_reqs=none", NULL, NULL, NULL, "h", 1, 1, DSN_TLS_REQUIRE, NULL },
	{ "rediss://h:1?skip_verify=true", NULL, NULL, NULL, "h", 1, 1, DSN_TLS_REQUIRE, NULL },
	{ "valkeys://h", NULL, NULL, NULL, "h", 6379, 1, DSN_TLS_VERIFY_FULL, NULL },
	{ "unix:///run/redis.sock?db=3", NULL, NULL, "3", "/run/redis.sock", 0, 1, DSN_TLS_DISABLE,
		"unix:///run/redis.sock?db=3" },
	{ "unix://u:p@/run/redis.sock", "u", "p", NULL, "/run/redis.sock", 0, 1, DSN_TLS_DISABLE,
		"unix://u:***@/run/redis.sock" },
	{ "redis-socket:/run/redis.sock", NULL, NULL, NULL, "/run/redis.sock", 0, 1,
		DSN_TLS_DISABLE, NULL },
	{ "redis-socket:///run/r%20s", NULL, NULL, NULL, "/run/r s", 0, 1, DSN_TLS_DISABLE, NULL },
	{ "redis+unix:///run/redis.sock?db=1", NULL, NULL, "1", "/run/redis.sock", 0, 1,
		DSN_TLS_DISABLE, NULL },
	{ "/run/redis.sock", NULL, NULL, NULL, "/run/redis.sock", 0, 1, DSN_TLS_DISABLE, NULL },
	{ "s1:26379,s2:26379", NULL, NULL, NULL, "s1", 26379, 2, DSN_TLS_DISABLE, NULL },
	{ "redis://:pw@s1:26379,s2:26380,[::1]:1/5", NULL, "pw", "5", "s1", 26379, 3,
		DSN_TLS_DISABLE, "redis://:***@s1:26379,s2:26380,[::1]:1/5" },
};

static void
good_ones_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(goods) / sizeof(goods[0]); i++) {
		const struct good *g = &goods[i];
		struct dsn dsn;
		struct err e;
		char *masked;

		if (dsn_parse(&dsn, DSN_REDIS, g->text, &e) < 0)
			fail_msg("%s: %s", g->text, e.text);
		masked = dsn_masked(&dsn);
		if (!str_eq(dsn.user, g->user) || !str_eq(dsn.password, g->password) ||
			!str_eq(dsn.database, g->database) || dsn.host_count != g->hosts ||
			dsn.hosts[0].port != g->port || dsn.tls != g->tls)
			fail_msg("%s: %s", g->text, masked);
		assert_string_equal(g->port == 0 ? dsn.hosts[0].path : dsn.hosts[0].host, g->host);
		if (g->masked != NULL)
			assert_string_equal(masked, g->masked);
		free(masked);
		dsn_fini(&dsn);
	}
}

static void
parameters_of_drivers_are_kept(void **state)
{
	struct dsn dsn;

	(void)state;
	assert_int_equal(
		dsn_parse(&dsn, DSN_REDIS, "redis://h/1?dial_timeout=3s&&x&name=a%20b", NULL), 0);
	assert_string_equal(dsn_param(&dsn, "dial_timeout"), "3s");
	assert_string_equal(dsn_param(&dsn, "name"), "a b");
	assert_string_equal(dsn_param(&dsn, "x"), "");
	dsn_fini(&dsn);
}

static void
wrong_ones_are_named_by_their_column(void **state)
{
	static const struct {
		const char *text;
		int column;
		const char *words;
	} bads[] = {
		{ "", 1, "empty" },
		{ "http://h", 1, "redis://" },
		{ "postgres://u:p@h/d", 1, "redis://" },
		{ "redis:/h:6379/0", 1, "redis://" },
		{ "redis//h:6379/0", 1, "redis://" },
		{ "\"redis://h:6379/0\"", 1, "quotes" },
		{ "'redis://h:6379/0'", 1, "quotes" },
		{ "redis://h:6379/abc", 16, "not a number" },
		{ "redis://h:6379/0/key", 16, "not a number" },
		{ "redis://h:6379/-1", 16, "not a number" },
		{ "redis://h:6379/99999999999", 16, "not a number" },
		{ "redis://h?db=x", 14, "not a number" },
		{ "redis://h:0", 11, "port" },
		{ "redis://h:65536", 11, "port" },
		{ "redis://h:", 11, "port" },
		{ "redis://h:6379x", 11, "port" },
		{ "redis://u:pa/ss", 11, "%2F" },
		{ "redis://[::1/0", 9, "]" },
		{ "redis://[::1]x", 14, "]" },
		{ "redis://:a%zz@h", 10, "password" },
		{ "redis://a%:p@h", 9, "user" },
		{ "redis://:a%00@h", 10, "password" },
		{ "redis://h\"", 9, "quotes" },
		{ "unix://run/redis.sock", 8, "whole path" },
		{ "unix://", 8, "whole path" },
		{ "redis://a,b,c,d,e,f,g,h,i", 25, "more than 8" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		struct dsn dsn;
		struct err e = { 0 };

		if (dsn_parse(&dsn, DSN_REDIS, bads[i].text, &e) == 0)
			fail_msg("accepted: %s", bads[i].text);
		if (e.code != bads[i].column || strstr(e.text, bads[i].words) == NULL)
			fail_msg("%s: column %d: %s", bads[i].text, e.code, e.text);
	}
}

static void
passwords_are_never_said(void **state)
{
	static const char *const texts[] = { "redis://:hunter2@h:x", "redis://:hunter2@h/x",
		"redis://:hunter2@h?db=x", "redis://u:hunter2/h", "redis://:hunter2%zz@h",
		"redis://:hun@ter2@h h", "ftp://:hunter2@h" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct dsn dsn;
		struct err e = { 0 };

		assert_int_equal(dsn_parse(&dsn, DSN_REDIS, texts[i], &e), -1);
		assert_null(strstr(e.text, "hunter2"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones_are_read),
		cmocka_unit_test(parameters_of_drivers_are_kept),
		cmocka_unit_test(wrong_ones_are_named_by_their_column),
		cmocka_unit_test(passwords_are_never_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

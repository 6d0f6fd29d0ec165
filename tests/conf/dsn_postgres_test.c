/* PostgreSQL's data source names: what is read out of them, and what is said of those that are
 * wrong. */
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
} goods[] = {
	{ "postgresql://root:your_pw@postgres:5432/new-api?sslmode=disable", "root", "your_pw",
		"new-api", "postgres", 5432, 1, DSN_TLS_DISABLE },
	{ "postgres://h", NULL, NULL, NULL, "h", 5432, 1, DSN_TLS_UNSET },
	{ "postgres://u@h/", "u", NULL, NULL, "h", 5432, 1, DSN_TLS_UNSET },
	{ "postgres://u:@h/d", "u", NULL, "d", "h", 5432, 1, DSN_TLS_UNSET },
	{ "postgresql+psycopg2://u:p@h/d", "u", "p", "d", "h", 5432, 1, DSN_TLS_UNSET },
	{ "postgresql://u%40x:p%2F%23%3F%25@h/a%20b", "u@x", "p/#?%", "a b", "h", 5432, 1,
		DSN_TLS_UNSET },
	{ "postgresql://u:p@ss@h/d", "u", "p@ss", "d", "h", 5432, 1, DSN_TLS_UNSET },
	{ "postgresql://u:p@[::1]:6000/d", "u", "p", "d", "::1", 6000, 1, DSN_TLS_UNSET },
	{ "postgresql://u@[fe80::1%25eth0]/d", "u", NULL, "d", "fe80::1%eth0", 5432, 1,
		DSN_TLS_UNSET },
	{ "postgresql://a:1,b:2,c/d", NULL, NULL, "d", "a", 1, 3, DSN_TLS_UNSET },
	{ "postgresql://u@%2Fvar%2Frun%2Fpostgresql/d", "u", NULL, "d",
		"/var/run/postgresql/.s.PGSQL.5432", 0, 1, DSN_TLS_UNSET },
	{ "postgresql://u@%2Ftmp:6000/d", "u", NULL, "d", "/tmp/.s.PGSQL.6000", 0, 1,
		DSN_TLS_UNSET },
	{ "postgresql:///d?host=/var/run/postgresql&port=5433", NULL, NULL, "d",
		"/var/run/postgresql/.s.PGSQL.5433", 0, 1, DSN_TLS_UNSET },
	{ "postgresql://", NULL, NULL, NULL, "/var/run/postgresql/.s.PGSQL.5432", 0, 1,
		DSN_TLS_UNSET },
	{ "postgresql://h/d?user=u&password=p%26q&ssl=true", "u", "p&q", "d", "h", 5432, 1,
		DSN_TLS_REQUIRE },
	{ "postgresql://h/d?charset=utf8&TimeZone=Asia/Shanghai&sslmode=verify-full", NULL, NULL,
		"d", "h", 5432, 1, DSN_TLS_VERIFY_FULL },
	{ "host=localhost user=postgres password=secret dbname=game port=5432 sslmode=disable "
	  "TimeZone=Asia/Shanghai",
		"postgres", "secret", "game", "localhost", 5432, 1, DSN_TLS_DISABLE },
	{ "host = 'h'  password = 'it\\'s a \\\\ b' user=''", NULL, "it's a \\ b", NULL, "h", 5432,
		1, DSN_TLS_UNSET },
	{ "password=a\\ b\\'c host=h", NULL, "a b'c", NULL, "h", 5432, 1, DSN_TLS_UNSET },
	{ "host=a,b port=1,2", NULL, NULL, NULL, "a", 1, 2, DSN_TLS_UNSET },
	{ "host=a,b port=7", NULL, NULL, NULL, "a", 7, 2, DSN_TLS_UNSET },
	{ "hostaddr=10.0.0.1 dbname=d", NULL, NULL, "d", "10.0.0.1", 5432, 1, DSN_TLS_UNSET },
	{ "dbname=d", NULL, NULL, "d", "/var/run/postgresql/.s.PGSQL.5432", 0, 1, DSN_TLS_UNSET },
};

static void
good_ones_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(goods) / sizeof(goods[0]); i++) {
		const struct good *g = &goods[i];
		struct dsn dsn;
		struct err e;

		if (dsn_parse(&dsn, DSN_POSTGRES, g->text, &e) < 0)
			fail_msg("%s: %s", g->text, e.text);
		if (!str_eq(dsn.user, g->user) || !str_eq(dsn.password, g->password) ||
			!str_eq(dsn.database, g->database))
			fail_msg("%s: %s, %s, %s", g->text, dsn.user, dsn.password, dsn.database);
		assert_int_equal(dsn.host_count, g->hosts);
		assert_string_equal(
			dsn.hosts[0].path[0] != '\0' ? dsn.hosts[0].path : dsn.hosts[0].host,
			g->host);
		assert_int_equal(dsn.hosts[0].port, g->port);
		assert_int_equal(dsn.tls, g->tls);
		dsn_fini(&dsn);
	}
}

static const struct bad {
	const char *text;
	int column;
	const char *says;
} bads[] = {
	{ "", 1, "empty" },
	{ "postgres//root:hunter2@h/d", 1, "neither a URL" },
	{ "mysql://root:hunter2@h/d", 1, "the scheme is \"mysql:\"" },
	{ "jdbc:postgresql://h/d", 1, "leave out \"jdbc:\"" },
	{ "\"postgresql://h/d\"", 1, "quotes" },
	{ "root:hunter2@tcp(mysql:3306)/new-api?parseTime=true", 1, "MySQL" },
	{ "local", 1, "neither" },
	{ "postgresql://u:hunter2@h:54x/d", 26, "port" },
	{ "postgresql://u:hunter2@h:0/d", 26, "port" },
	{ "postgresql://u:hunter2@h:65536/d", 26, "port" },
	{ "postgresql://u:hunter2@:5432/d", 24, "a host is missing" },
	{ "postgresql://u:hunter2@h%de/d", 24, "no host name has" },
	{ "postgresql://u:hunter2@a,/d", 26, "a host is missing" },
	{ "postgresql://u:hun/ter2@h/d", 19, "'/' in the user or password must be written %2F" },
	{ "postgresql://u:hun#ter2@h/d", 19, "'#' in the user or password must be written %23" },
	{ "postgresql://u:hun?ter2@h/d?sslmode=disable", 19, "%3F" },
	{ "postgresql://u:hun%ter2@h/d", 19, "%25" },
	{ "postgresql://u:hunter2%00@h/d", 23, "hex" },
	{ "postgresql://u:hunter2@h/d ", 27, "blank" },
	{ "postgresql://u:hunter2@h/d#x", 27, "%23" },
	{ "postgresql://u:hunter2@::1/d", 24, "brackets" },
	{ "postgresql://u:hunter2@[::1/d", 24, "never closed" },
	{ "postgresql://u:hunter2@[::1]5432/d", 29, "port" },
	{ "postgresql://h/d?sslmode=on", 26, "verify-full" },
	{ "postgresql://h/d?host=a,b&port=1,2,3", 32, "3 ports for 2 hosts" },
	{ "postgresql://a,b,c,d,e,f,g,h,i/d", 30, "8 hosts" },
	{ "host=h password='hunter2", 17, "quote" },
	{ "host=h password=hunter2 more", 25, "keyword=value" },
	{ "service=prod user=u", 9, "service" },
	{ "host=h port=x", 13, "port" },
	{ "host=@abstract", 6, "abstract" },
};

static void
bad_ones_name_the_place_and_no_password(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		struct dsn dsn;
		struct err e;

		if (dsn_parse(&dsn, DSN_POSTGRES, bads[i].text, &e) == 0)
			fail_msg("%s was taken", bads[i].text);
		if (e.code != bads[i].column || strstr(e.text, bads[i].says) == NULL)
			fail_msg("%s: column %d: %s", bads[i].text, e.code, e.text);
		if (strstr(e.text, "hun") != NULL || strstr(e.text, "ter2") != NULL)
			fail_msg("%s: the password is in: %s", bads[i].text, e.text);
	}
}

static void
unknown_parameters_are_kept(void **state)
{
	struct dsn dsn;

	(void)state;
	assert_int_equal(
		dsn_parse(&dsn, DSN_POSTGRES, "postgres://h/?a=1&b=%20&sslrootcert=/x&c", NULL), 0);
	assert_string_equal(dsn_param(&dsn, "a"), "1");
	assert_string_equal(dsn_param(&dsn, "b"), " ");
	assert_string_equal(dsn_param(&dsn, "c"), "");
	assert_string_equal(dsn_param(&dsn, "sslrootcert"), "/x");
	assert_null(dsn_param(&dsn, "host"));
	dsn_fini(&dsn);
}

static void
masks_the_password(void **state)
{
	struct dsn dsn;
	char *masked;

	(void)state;
	assert_int_equal(
		dsn_parse(&dsn, DSN_POSTGRES, "host=db,::1 user=app password=x dbname=shop", NULL),
		0);
	masked = dsn_masked(&dsn);
	assert_string_equal(masked, "postgresql://app:***@db:5432,[::1]:5432/shop");
	free(masked);
	dsn_fini(&dsn);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones_are_read),
		cmocka_unit_test(bad_ones_name_the_place_and_no_password),
		cmocka_unit_test(unknown_parameters_are_kept),
		cmocka_unit_test(masks_the_password),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

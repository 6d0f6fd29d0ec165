/* Tests of daemon/conf/dsn_mysql.c: both forms, what they default to, and where a wrong one is
 * wrong, without a word of the password. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/dsn.h"

static const struct good {
	const char *text;
	const char *user, *password, *host;
	unsigned port;
	const char *path, *database;
	enum dsn_tls tls;
} goods[] = {
	{ "mysql://u:p@db:3307/shop", "u", "p", "db", 3307, "", "shop", DSN_TLS_UNSET },
	{ "mariadb://u@db", "u", NULL, "db", 3306, "", NULL, DSN_TLS_UNSET },
	{ "mysql://db/", NULL, NULL, "db", 3306, "", NULL, DSN_TLS_UNSET },
	{ "mysql:///x", NULL, NULL, "127.0.0.1", 3306, "", "x", DSN_TLS_UNSET },
	{ "mysql://u:@db/x", "u", NULL, "db", 3306, "", "x", DSN_TLS_UNSET },
	{ "mysql://a%40b:p%3Aw%2f%25@[::1]:33/x%2Dy", "a@b", "p:w/%", "::1", 33, "", "x-y",
		DSN_TLS_UNSET },
	{ "mysql://u:p@w@db/x", "u", "p@w", "db", 3306, "", "x", DSN_TLS_UNSET },
	{ "mysql+pymysql://u:p@db/x?charset=utf8mb4", "u", "p", "db", 3306, "", "x",
		DSN_TLS_UNSET },
	{ "mysql://u:p@%2Frun%2Fmy.sock/x", "u", "p", "", 0, "/run/my.sock", "x", DSN_TLS_UNSET },
	{ "mysql://u:p@localhost/x?unix_socket=/run/my.sock", "u", "p", "", 0, "/run/my.sock", "x",
		DSN_TLS_UNSET },
	{ "mysql://u@db/x?ssl-mode=REQUIRED", "u", NULL, "db", 3306, "", "x", DSN_TLS_REQUIRE },
	{ "mysql://u@db/x?sslmode=verify-full", "u", NULL, "db", 3306, "", "x",
		DSN_TLS_VERIFY_FULL },
	{ "mysql://u@db/x?ssl_mode=VERIFY_CA", "u", NULL, "db", 3306, "", "x", DSN_TLS_VERIFY_CA },
	{ "mysql://u@db/x?ssl=true&mail=a@b", "u", NULL, "db", 3306, "", "x", DSN_TLS_REQUIRE },
	/* those of the guides */
	{ "root:your_secure_password@tcp(mysql:3306)/new-api", "root", "your_secure_password",
		"mysql", 3306, "", "new-api", DSN_TLS_UNSET },
	{ "root:password@tcp(mysql_host:3306)/new-api?charset=utf8mb4&parseTime=True&loc=Local",
		"root", "password", "mysql_host", 3306, "", "new-api", DSN_TLS_UNSET },
	/* the password is literal */
	{ "u:p%40:@/(x@tcp(db)/x", "u", "p%40:@/(x", "db", 3306, "", "x", DSN_TLS_UNSET },
	{ "u@tcp([::1]:33)/x", "u", NULL, "::1", 33, "", "x", DSN_TLS_UNSET },
	{ "u@tcp([::1])/", "u", NULL, "::1", 3306, "", NULL, DSN_TLS_UNSET },
	{ "/x", NULL, NULL, "127.0.0.1", 3306, "", "x", DSN_TLS_UNSET },
	{ "/", NULL, NULL, "127.0.0.1", 3306, "", NULL, DSN_TLS_UNSET },
	{ "u:p@/x", "u", "p", "127.0.0.1", 3306, "", "x", DSN_TLS_UNSET },
	{ "tcp(db:1)/x", NULL, NULL, "db", 1, "", "x", DSN_TLS_UNSET },
	{ "u@tcp/x", "u", NULL, "127.0.0.1", 3306, "", "x", DSN_TLS_UNSET },
	{ "u:p@unix(/run/my.sock)/x", "u", "p", "", 0, "/run/my.sock", "x", DSN_TLS_UNSET },
	{ "u@unix/x", "u", NULL, "", 0, "/tmp/mysql.sock", "x", DSN_TLS_UNSET },
	{ "u@tcp(db)/x?tls=true", "u", NULL, "db", 3306, "", "x", DSN_TLS_VERIFY_FULL },
	{ "u@tcp(db)/x?a=1&tls=skip-verify", "u", NULL, "db", 3306, "", "x", DSN_TLS_REQUIRE },
	{ "u@tcp(db)/x?tls=preferred&", "u", NULL, "db", 3306, "", "x", DSN_TLS_PREFER },
	{ "u@tcp(db)/x?tls=FALSE", "u", NULL, "db", 3306, "", "x", DSN_TLS_DISABLE },
};

static void
assert_same(const char *what, const char *in, const char *got, const char *wanted)
{
	if ((got == NULL) != (wanted == NULL) || (got != NULL && strcmp(got, wanted) != 0))
		fail_msg("%s: %s is %s, wanted %s", in, what, got != NULL ? got : "none",
			wanted != NULL ? wanted : "none");
}

static void
reads_both_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(goods) / sizeof(goods[0]); i++) {
		const struct good *g = &goods[i];
		struct err e;
		struct dsn dsn;

		if (dsn_parse(&dsn, DSN_MYSQL, g->text, &e) != 0)
			fail_msg("%s: column %d: %s", g->text, e.code, e.text);
		assert_int_equal(dsn.host_count, 1);
		assert_same("user", g->text, dsn.user, g->user);
		assert_same("password", g->text, dsn.password, g->password);
		assert_same("host", g->text, dsn.hosts[0].host, g->host);
		assert_same("path", g->text, dsn.hosts[0].path, g->path);
		assert_same("database", g->text, dsn.database, g->database);
		assert_int_equal(dsn.hosts[0].port, g->port);
		if (dsn.tls != g->tls)
			fail_msg("%s: tls is %d", g->text, dsn.tls);
		dsn_fini(&dsn);
	}
}

static void
keeps_the_drivers_parameters(void **state)
{
	struct dsn dsn;

	(void)state;
	assert_int_equal(dsn_parse(&dsn, DSN_MYSQL,
				 "u@tcp(db)/x?loc=Asia%2FShanghai&parseTime=true&odd=50%", NULL),
		0);
	assert_string_equal(dsn_param(&dsn, "loc"), "Asia/Shanghai");
	assert_string_equal(dsn_param(&dsn, "parseTime"), "true");
	assert_string_equal(dsn_param(&dsn, "odd"), "50%");
	assert_null(dsn_param(&dsn, "charset"));
	dsn_fini(&dsn);
}

static void
says_which_part_is_wrong(void **state)
{
	static const struct {
		const char *text;
		int column;
		const char *words;
	} bads[] = {
		{ "", 1, "empty" },
		{ " u@/x", 1, "blank" },
		{ "u@/x ", 5, "ends with a blank" },
		{ "\"u@/x\"", 1, "quotes" },
		{ "'mysql://u@h/x'", 1, "quotes" },
		{ "jdbc:mysql://h/x", 1, "leave out \"jdbc:\"" },
		{ "postgres://u:hunter2@h/x", 1, "scheme is not mysql" },
		{ "mysql://u:hunter2@h:99999/x", 21, "port" },
		{ "mysql://u:hunter2@h:x/x", 21, "port" },
		{ "mysql://u:hun/ter2@h/x", 14, "%2F" },
		{ "mysql://u:hunter2#@h/x", 18, "%23" },
		{ "mysql://u:hunter2?@h/x", 18, "%3F" },
		{ "mysql://u:hun%ter2@h/x", 11, "%25" },
		{ "mysql://u%:hunter2@h/x", 9, "%25" },
		{ "mysql://u:hunter2@h/x%zz", 21, "%25" },
		{ "mysql://u:hunter2@h/x/y", 21, "one name" },
		{ "mysql://u:hunter2@h/x#y", 22, "%23" },
		{ "mysql://u:hunter2@::1/x", 19, "brackets" },
		{ "mysql://u:hunter2@[::1/x", 19, "never closed" },
		{ "mysql://u:hunter2@a,b/x", 20, "cannot hold" },
		{ "mysql://u:hunter2@h/x?ssl-mode=on", 32, "verify-identity" },
		{ "mysql://u:hunter2@h/x?socket=my.sock", 23, "absolute" },
		{ "u:hunter2@tcp(h:3306)", 22, "no \"/\"" },
		{ "u:hunter/2@tcp(h:3306)", 23, "are missing behind" },
		{ "u:hunter2@h:3306/x", 11, "tcp(host:3306)" },
		{ "u:hunter2/x", 1, "tcp(host:3306)" },
		{ "u:hunter2@udp(h)/x", 11, "tcp(host:3306)" },
		{ "u:hunter2@(h:1)/x", 11, "missing before \"(\"" },
		{ "u:hunter2@tcp(h:1/x", 14, "not closed" },
		{ "u:hunter2@tcp(h:1x)/x", 17, "port" },
		{ "u:hunter2@tcp(::1)/x", 15, "brackets" },
		{ "u:hunter2@unix(my.sock)/x", 16, "absolute" },
		{ "u:hunter2@tcp(h)/x?tls=ture", 24, "skip-verify" },
		{ "mysql://u:1?tls=hunter2&x@h", 17, "skip-verify" },
		{ "u:hunter2@tcp(h)/x?charset", 20, "name=value" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		struct err e = { 0 };
		struct dsn dsn;

		if (dsn_parse(&dsn, DSN_MYSQL, bads[i].text, &e) == 0)
			fail_msg("%s is accepted", bads[i].text);
		if (e.code != bads[i].column || strstr(e.text, bads[i].words) == NULL)
			fail_msg("%s: column %d: %s", bads[i].text, e.code, e.text);
		if (strstr(e.text, "hunter") != NULL || strstr(e.text, "ter2") != NULL)
			fail_msg("%s: the password is told: %s", bads[i].text, e.text);
	}
}

static void
a_path_has_an_end(void **state)
{
	char text[256] = "u@unix(/";
	struct err e;
	struct dsn dsn;

	(void)state;
	memset(text + strlen(text), 'x', 120);
	strcpy(text + 128, ")/x");
	assert_int_equal(dsn_parse(&dsn, DSN_MYSQL, text, &e), -1);
	assert_int_equal(e.code, 8);
}

static void
shows_no_password(void **state)
{
	static const struct {
		const char *text, *shown;
	} rows[] = {
		{ "u:hunter2@tcp(db)/x?tls=true", "mysql://u:***@db:3306/x" },
		{ "mysql://u@[::1]:33", "mysql://u@[::1]:33" },
		{ "u:hunter2@unix(/run/my.sock)/x", "mysql://u:***@/run/my.sock/x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dsn dsn;
		char *shown;

		assert_int_equal(dsn_parse(&dsn, DSN_MYSQL, rows[i].text, NULL), 0);
		shown = dsn_masked(&dsn);
		assert_string_equal(shown, rows[i].shown);
		free(shown);
		dsn_fini(&dsn);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_both_forms),
		cmocka_unit_test(keeps_the_drivers_parameters),
		cmocka_unit_test(says_which_part_is_wrong),
		cmocka_unit_test(a_path_has_an_end),
		cmocka_unit_test(shows_no_password),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

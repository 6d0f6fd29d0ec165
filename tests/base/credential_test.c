/* Credentials by their shape: what is masked, and what must stay readable. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/credential.h"

static const struct {
	const char *text, *masked; /* NULL: it stays */
} rows[] = {
	{ "cannot parse postgres://root:hunter2@db:5432/x?sslmode=disable",
		"cannot parse postgres://root:***@db:5432/x?sslmode=disable" },
	{ "redis://:hunter2@cache:6379/0 and http://a:b@c/",
		"redis://:***@cache:6379/0 and http://a:***@c/" },
	{ "open root:p@ss:w/rd@tcp(mysql:3306)/app failed",
		"open root:***@tcp(mysql:3306)/app failed" },
	{ "host=db user=app password=hunter2 dbname=x", "host=db user=app password=*** dbname=x" },
	{ "PGPASSWORD='a b c' psql", "PGPASSWORD='***' psql" },
	{ "SESSION_SECRET=abc;TZ=UTC", "SESSION_SECRET=***;TZ=UTC" },
	{ "{\"password\": \"hun\", \"user\": \"ann\"}",
		"{\"password\": \"***\", \"user\": \"ann\"}" },
	{ "GET /?access_token=abc&x=1", "GET /?access_token=***&x=1" },
	{ "Authorization: Bearer eyJhbGciOi", "Authorization: Bearer ***" },
	{ "X-Api-Key=1; api_key = 77", "X-Api-Key=***; api_key = ***" },
	{ "two: token=a token=b token=c", "two: token=*** token=*** token=***" },
	/* JSON inside of a text, however deep, and a value with a quote in it. */
	{ "body {\\\"password\\\":\\\"hun\\\",\\\"x\\\":1}",
		"body {\\\"password\\\":\\\"***\\\",\\\"x\\\":1}" },
	{ "{\"token\":\"a\\\"b\",\"x\":\"y\"}", "{\"token\":\"***\",\"x\":\"y\"}" },
	{ "X-Api-Key: 0815 and x", "X-Api-Key: *** and x" },
	{ "Set-Cookie: sid=ab; Path=/\nCookie: a=b; c=d\nx",
		"Set-Cookie: sid=***\nCookie: a=***\nx" },
	{ "redis-server --port 1 --requirepass hun --save x",
		"redis-server --port 1 --requirepass *** --save x" },
	{ "app --password --verbose --db-password 'a b'",
		"app --password --verbose --db-password '***'" },
	/* Words about passwords, and what is masked already. */
	{ "Access denied for user 'root'@'10.0.0.4' (using password: YES)", NULL },
	{ "password authentication failed for user \"root\"", NULL },
	{ "fe_sendauth: no password supplied", NULL },
	{ "password=*** stays", NULL },
	{ "password=", NULL },
	{ "http://db:5432/x and user@host and a@b:c", NULL },
	{ "invalid token: unexpected end", NULL },
	{ "tokens=3 passed=7", NULL },
	{ "SESSION_SECRET: pid 12 and pid 13 differ", NULL },
	{ "bad cookie: no session", NULL },
	{ "use --password", NULL },
	{ "WHERE token = ? AND secret = $1", NULL },
	{ "", NULL },
};

static void
shapes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[200];

		strcpy(text, rows[i].text);
		credential_mask(text, sizeof(text));
		assert_string_equal(text, rows[i].masked != NULL ? rows[i].masked : rows[i].text);
	}
}

static void
a_full_text_never_overflows(void **state)
{
	(void)state;
	for (size_t size = 1; size < 24; size++) {
		char text[32], whole[] = "token=a token=b token=c";

		memset(text, '#', sizeof(text));
		whole[size - 1] = '\0';
		strcpy(text, whole);
		credential_mask(text, size);
		assert_true(strlen(text) < size);
		assert_true(text[size] == '#' || size == sizeof(text));
		assert_null(strstr(text, "=a"));
		assert_null(strstr(text, "=b"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes),
		cmocka_unit_test(a_full_text_never_overflows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

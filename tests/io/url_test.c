/* URLs: the parts, what is refused, what a reference means, and what may be shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "io/url.h"

static void
test_parts(void **state)
{
	static const struct {
		const char *text, *scheme, *user, *password, *host;
		unsigned port;
		const char *target;
	} rows[] = {
		{ "http://a.test", "http", NULL, NULL, "a.test", 80, "/" },
		{ "HTTPS://a.test/x?y=1#z", "https", NULL, NULL, "a.test", 443, "/x?y=1" },
		{ "http://a.test?q", "http", NULL, NULL, "a.test", 80, "/?q" },
		{ "http://[::1]:8080/", "http", NULL, NULL, "::1", 8080, "/" },
		{ "redis://:p%40ss@cache/3", "redis", NULL, "p@ss", "cache", 6379, "/3" },
		{ "http://u:p@h@a.test/", "http", "u", "p@h", "a.test", 80, "/" },
		{ "http://u@a.test:1/", "http", "u", NULL, "a.test", 1, "/" },
		{ "http://u:@a.test/", "http", "u", "", "a.test", 80, "/" },
		{ "x+y-z.1://a.test/", "x+y-z.1", NULL, NULL, "a.test", 0, "/" },
		{ "http://a.test/\xc3\xbc", "http", NULL, NULL, "a.test", 80, "/%C3%BC" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct url url;

		assert_int_equal(url_parse(&url, rows[i].text, NULL), 0);
		assert_string_equal(url.scheme, rows[i].scheme);
		assert_int_equal(url.user == NULL, rows[i].user == NULL);
		if (url.user != NULL)
			assert_string_equal(url.user, rows[i].user);
		assert_int_equal(url.password == NULL, rows[i].password == NULL);
		if (url.password != NULL)
			assert_string_equal(url.password, rows[i].password);
		assert_string_equal(url.place.host, rows[i].host);
		assert_int_equal(url_port(&url), rows[i].port);
		assert_string_equal(url.target, rows[i].target);
		url_fini(&url);
	}
}

static void
test_refused(void **state)
{
	static const char *const rows[] = { "", "a.test", "//a.test", "://a", "1http://a",
		"http://", "http:///x", "http://:80/", "http://a.test:0/", "http://a.test:x/",
		"http://a.test:99999/", "http://a b/", "http://a.test/x y", "http://a.test/x\ny",
		"http://a.test/\x7f", "http://a.test/\\x", "http://::1/", "http://u%zz@a.test/",
		"http://u%4@a.test/", "http://u%@a.test/", "http://u%00@a.test/",
		"averyveryverylongscheme://a.test/", "http://1.2.3.4.5/" };
	struct url url;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (url_parse(&url, rows[i], &e) == 0)
			fail_msg("\"%s\" was taken", rows[i]);
		assert_true(e.text[0] != '\0');
	}
}

static void
test_too_long(void **state)
{
	char *text = malloc(9002);
	struct url url;

	(void)state;
	memset(text, 'a', 9000);
	memcpy(text, "http://a.test/", 14);
	text[9000] = '\0';
	assert_int_equal(url_parse(&url, text, NULL), -1);
	free(text);
}

static void
test_references(void **state)
{
	static const struct {
		const char *reference, *wanted;
	} rows[] = {
		{ "https://other.test/x", "https://other.test/x" },
		{ "//other.test:1/x", "http://other.test:1/x" },
		{ "/abs", "http://a.test:8080/abs" },
		{ "rel", "http://a.test:8080/one/rel" },
		{ "./rel/.", "http://a.test:8080/one/rel/" },
		{ "../up", "http://a.test:8080/up" },
		{ "../../../up", "http://a.test:8080/up" },
		{ "a/b/../c", "http://a.test:8080/one/a/c" },
		{ "?z", "http://a.test:8080/one/two?z" },
		{ "#f", "http://a.test:8080/one/two?q=/../x" },
		{ "", "http://a.test:8080/one/two?q=/../x" },
		{ " /sp \r\n", "http://a.test:8080/sp" },
		{ "/a?b=../c", "http://a.test:8080/a?b=../c" },
		{ "..", "http://a.test:8080/" },
		{ ".", "http://a.test:8080/one/" },
	};
	struct url base, out;

	(void)state;
	assert_int_equal(url_parse(&base, "http://a.test:8080/one/two?q=/../x", NULL), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text;

		assert_int_equal(url_resolve(&out, &base, rows[i].reference, NULL), 0);
		text = url_masked(&out);
		assert_string_equal(text, rows[i].wanted);
		free(text);
		url_fini(&out);
	}
	assert_int_equal(url_resolve(&out, &base, "http://", NULL), -1);
	assert_int_equal(url_resolve(&out, &base, "/a\x01", NULL), -1);
	assert_int_equal(url_resolve(&out, &base, "javascript:alert", NULL), -1);
	url_fini(&base);
}

static void
test_references_keep_the_user(void **state)
{
	struct url base, out;

	(void)state;
	assert_int_equal(url_parse(&base, "http://u:p@a.test/", NULL), 0);
	assert_int_equal(url_resolve(&out, &base, "/x", NULL), 0);
	assert_string_equal(out.password, "p");
	url_fini(&out);
	assert_int_equal(url_resolve(&out, &base, "//a.test/x", NULL), 0);
	assert_null(out.password);
	url_fini(&out);
	url_fini(&base);
}

static void
test_shown(void **state)
{
	struct url url;
	char *text;

	(void)state;
	assert_int_equal(url_parse(&url, "redis://us%20er:hunter2@[::1]:6379/0", NULL), 0);
	text = url_masked(&url);
	assert_string_equal(text, "redis://us%20er:***@[::1]:6379/0");
	free(text);
	text = url_origin(&url);
	assert_string_equal(text, "redis://[::1]:6379");
	free(text);
	url_fini(&url);
	assert_int_equal(url_parse(&url, "http://h/a?page=2&token=abc&key=d&q=token", NULL), 0);
	text = url_masked(&url);
	assert_string_equal(text, "http://h/a?page=2&token=***&key=***&q=token");
	free(text);
	url_fini(&url);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_references_keep_the_user),
		cmocka_unit_test(test_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

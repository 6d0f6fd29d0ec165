/* Reading targets: queries, escapes, forms; and replies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "api/call.h"

static struct stats stats;
static const struct io_env env = { .stats = &stats, .version = "1" };
static const struct api_world world = { .env = &env };

static void
make(struct api_call *call, struct http1 *request, char *target)
{
	http1_init(request, HTTP1_REQUEST, NULL);
	request->target = target;
	call_init(call, &world, request);
}

static void
test_query(void **state)
{
	static const struct {
		const char *name, *value; /* NULL: absent */
	} rows[] = {
		{ "state", "open" },
		{ "since", "2026-01-02T03:04:05+01:00" },
		{ "text", "a b" },
		{ "flag", "" },
		{ "empty", "" },
		{ "broken", "" },
		{ "nul", "" },
		{ "stat", NULL },
		{ "none", NULL },
	};
	char target[] = "/x?state=open&since=2026-01-02T03:04:05%2B01:00&text=a+b&flag&empty="
			"&broken=%4&nul=%00";
	struct http1 request;
	struct api_call call;

	(void)state;
	make(&call, &request, target);
	assert_string_equal(call.path, "/x");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char value[64];
		bool found = call_query(&call, rows[i].name, value, sizeof(value));

		assert_int_equal(found, rows[i].value != NULL);
		if (found)
			assert_string_equal(value, rows[i].value);
	}
	call_fini(&call);
	http1_fini(&request);
}

static void
test_a_value_too_long_is_none(void **state)
{
	char target[] = "/?state=0123456789&decoded=%30%31%32%33%34", value[8] = "x";
	struct http1 request;
	struct api_call call;

	(void)state;
	make(&call, &request, target);
	assert_true(call_query(&call, "decoded", value, sizeof(value)));
	assert_string_equal(value, "01234");
	assert_true(call_query(&call, "state", value, sizeof(value)));
	assert_string_equal(value, "");
	call_fini(&call);
	http1_fini(&request);
}

static void
test_absolute_form(void **state)
{
	char target[] = "http://localhost:8421/healthz?a=b", bare[] = "http://localhost";
	struct http1 request;
	struct api_call call;

	(void)state;
	make(&call, &request, target);
	assert_string_equal(call.path, "/healthz");
	assert_string_equal(call.query, "a=b");
	call_fini(&call);
	make(&call, &request, bare);
	assert_string_equal(call.path, "/");
	call_fini(&call);
	http1_fini(&request);
}

static void
test_percent(void **state)
{
	static const struct {
		const char *text, *decoded; /* NULL: refused */
	} rows[] = {
		{ "disks%5B%2Fvar%5d", "disks[/var]" },
		{ "plain", "plain" },
		{ "%", NULL },
		{ "%4", NULL },
		{ "%zz", NULL },
		{ "a%00b", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[64];

		strcpy(text, rows[i].text);
		assert_int_equal(percent_decode(text), rows[i].decoded == NULL ? -1 : 0);
		if (rows[i].decoded != NULL)
			assert_string_equal(text, rows[i].decoded);
	}
}

static void
test_problems_are_json_whatever_they_quote(void **state)
{
	char target[] = "/";
	struct http1 request;
	struct api_call call;
	json_t *doc;

	(void)state;
	make(&call, &request, target);
	reply_problem(&call, 404, "no check is called \"%s\"", "a\"b\\\xff");
	assert_int_equal(call.reply.status, 404);
	assert_string_equal(call.reply.type, "application/problem+json");
	doc = json_loads(buf_text(&call.reply.body), 0, NULL);
	assert_non_null(doc);
	assert_int_equal(json_integer_value(json_object_get(doc, "status")), 404);
	assert_non_null(strstr(json_string_value(json_object_get(doc, "detail")), "a\"b\\"));
	json_decref(doc);
	call_fini(&call);
	http1_fini(&request);
}

/* One header of a request that was read. */
static void
parse(struct http1 *request, const char *name, const char *value)
{
	struct buf text;

	buf_init(&text, 0);
	buf_addf(&text, "GET / HTTP/1.1\r\nHost: x\r\n%s: %s\r\n\r\n", name, value);
	http1_init(request, HTTP1_REQUEST, NULL);
	if (http1_feed(request, &text) != HTTP1_DONE)
		fail_msg("%s", request->err.text);
	buf_fini(&text);
}

static void
test_who_takes_gzip(void **state)
{
	static const struct {
		const char *accept;
		bool takes;
	} rows[] = {
		{ "gzip", true },
		{ "deflate, GZIP;q=0.5, br", true },
		{ "*", true },
		{ "gzip;q=0", false },
		{ "gzip; q=0.000, *;q=1", false },
		{ "*;q=0", false },
		{ "identity", false },
		{ "xgzip, gzipped", false },
		{ ",,", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http1 request;
		struct api_call call;

		parse(&request, "Accept-Encoding", rows[i].accept);
		call_init(&call, &world, &request);
		if (call_takes_gzip(&call) != rows[i].takes)
			fail_msg("Accept-Encoding: %s", rows[i].accept);
		call_fini(&call);
		http1_fini(&request);
	}
}

static void
test_who_has_seen_it(void **state)
{
	static const struct {
		const char *tags;
		bool has;
	} rows[] = {
		{ "\"abc\"", true },
		{ "W/\"abc\"", true },
		{ "\"x\", \"y,z\" , W/\"abc\"", true },
		{ "*", true },
		{ "abc", false },
		{ "\"abcd\"", false },
		{ "\"ab\"", false },
		{ "", false },
		{ ", ,", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http1 request;
		struct api_call call;

		parse(&request, "If-None-Match", rows[i].tags);
		call_init(&call, &world, &request);
		if (call_has_seen(&call, "\"abc\"") != rows[i].has)
			fail_msg("If-None-Match: %s", rows[i].tags);
		call_fini(&call);
		http1_fini(&request);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_a_value_too_long_is_none),
		cmocka_unit_test(test_absolute_form),
		cmocka_unit_test(test_percent),
		cmocka_unit_test(test_who_takes_gzip),
		cmocka_unit_test(test_who_has_seen_it),
		cmocka_unit_test(test_problems_are_json_whatever_they_quote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

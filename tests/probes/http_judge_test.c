/* What is expected of an answer: statuses, documents, text, headers, time. */
#include "tests/probes/http_scene.h"

#define STATUS(n, text)                                                                            \
	{                                                                                          \
		n, text,                                                                           \
		{                                                                                  \
			ANSWER(n " X", "Server: stub/1\r\n", "hey\x01 you")                        \
		}                                                                                  \
	}

#define BODY(type, body)                                                                           \
	{                                                                                          \
		ANSWER("200 OK", "Content-Type: " type "\r\n", body)                               \
	}

static void
the_application_may_blame_a_part(void **state)
{
	static const struct peer_step script[] = { ANSWER("503 Service Unavailable", "",
		"{\"status\":\"DOWN\",\"components\":{\"db\":{\"status\":\"DOWN\"}}}") };
	struct bench *b = *state;
	struct peer *peer = peer_open(b->loop, script);

	run(b, peer, "");
	assert_string_equal(bench_cause(b), "http.503");
	assert_string_equal(b->sample.text, "status 503, wanted 200-299; db is DOWN");
	assert_string_equal(bench_fact(b, "component"), "db is DOWN");
	peer_free(peer);
}

static bool
has_connected(void *arg)
{
	return peer_accepted(arg) > 0;
}

static void
statuses_have_causes(void **state)
{
	static const struct {
		const char *status, *cause;
		struct peer_step script[5];
	} cases[] = {
		STATUS("401", "http.401"),
		STATUS("403", "http.403"),
		STATUS("404", "http.404"),
		STATUS("418", "http.4xx"),
		STATUS("429", "http.429"),
		STATUS("500", "http.5xx"),
		STATUS("502", "http.502"),
		STATUS("503", "http.503"),
		STATUS("504", "http.504"),
		STATUS("304", "http.status"),
	};
	struct bench *b = *state;
	char wanted[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct peer *peer = peer_open(b->loop, cases[i].script);

		run(b, peer, "");
		assert_int_equal(b->sample.outcome, OUTCOME_FAIL);
		assert_string_equal(bench_cause(b), cases[i].cause);
		snprintf(wanted, sizeof(wanted), "status %s, wanted 200-299", cases[i].status);
		assert_string_equal(b->sample.text, wanted);
		assert_string_equal(bench_fact(b, "server"), "stub/1");
		if (strcmp(cases[i].status, "304") != 0)
			assert_string_equal(bench_fact(b, "body"), "hey. you");
		assert_non_null(strstr(bench_fact(b, "timing"), "first_byte"));
		assert_true(bench_value(b, "status") == atoi(cases[i].status));
		peer_free(peer);
	}
}

static void
expected_statuses(void **state)
{
	static const struct peer_step script[] = { ANSWER("404 Not Found", "", "") };
	static const struct {
		const char *status;
		const char *text; /* NULL: fine */
	} cases[] = {
		{ "404", NULL },
		{ "400-499", NULL },
		{ "[200, 401-404]", NULL },
		{ "200", "status 404, wanted 200" },
		{ "[200, 201, 500-599]", "status 404, wanted 200, 201 or 500-599" },
	};
	struct bench *b = *state;
	struct peer *peer = peer_open(b->loop, script);
	char more[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(more, sizeof(more), "expect: { status: %s }\n", cases[i].status);
		run(b, peer, more);
		assert_int_equal(b->sample.outcome, cases[i].text ? OUTCOME_FAIL : OUTCOME_OK);
		if (cases[i].text != NULL)
			assert_string_equal(b->sample.text, cases[i].text);
	}
	peer_free(peer);
}

static void
documents_are_judged(void **state)
{
	static const struct {
		struct peer_step script[5];
		const char *expect, *cause, *words;
	} cases[] = {
		{ BODY("application/json", "{\"success\":true,\"n\":3}"),
			"json: [success == true, n > 2]", "", "status 200" },
		{ BODY("application/json",
			  "{\"success\":false,\"message\":\"\xe6\x95\xb0\xe6\x8d\xae\"}"),
			"json: success == true", "http.json-false",
			"success is false, wanted: success == true: \xe6\x95\xb0\xe6\x8d\xae" },
		{ BODY("application/json", "{\"a\":1}"), "json: success == true", "http.json-false",
			"wanted: success == true" },
		{ BODY("application/json", "{\"a\":"), "json: a == 1", "http.json-invalid",
			"not JSON" },
		{ BODY("application/json", ""), "json: a == 1", "http.json-invalid", "empty" },
		{ BODY("text/html; charset=utf-8", "oops"), "json: a == 1", "http.content-type",
			"HTML" },
		{ BODY("text/plain", "\n <!DOCTYPE html>"), "json: a == 1", "http.content-type",
			"HTML" },
		{ BODY("text/plain", "all is well"), "body: \"^all\"", "", "" },
		{ BODY("text/plain", "all is well"), "body: nothing", "http.body-mismatch",
			"/nothing/" },
		{ BODY("text/plain", "all is well"), "not_body: w.ll", "http.body-mismatch",
			"must not" },
		{ BODY("text/plain", "x"), "header: { content-type: \"^text/\" }", "", "" },
		{ BODY("text/plain", "x"), "header: { Content-Type: json }", "http.header-mismatch",
			"Content-Type is \"text/plain\", wanted json" },
		{ BODY("text/plain", "x"), "header: { X-No: json }", "http.header-mismatch",
			"no header X-No" },
		{ BODY("text/plain", "x"), "http_version: 1.1", "", "" },
		{ BODY("text/plain", "x"), "http_version: 1.0", "http.version-mismatch",
			"HTTP/1.1 answered, wanted HTTP/1.0" },
	};
	struct bench *b = *state;
	char more[128];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct peer *peer = peer_open(b->loop, cases[i].script);

		snprintf(more, sizeof(more), "expect: { %s }\n", cases[i].expect);
		run(b, peer, more);
		if (strcmp(bench_cause(b), cases[i].cause) != 0)
			fail_msg("%s: %s %s", cases[i].expect, bench_cause(b), b->sample.text);
		assert_text(b, cases[i].words);
		peer_free(peer);
	}
}

static void
slow_is_not_good_enough(void **state)
{
	struct bench *b = *state;
	struct bench slow;
	struct peer *peer;

	(void)b;
	bench_open(&slow, BENCH_FAKE);
	peer = peer_open(slow.loop, good);
	configure(&slow, peer, "http", "expect: { max_time: 2s }\n");
	bench_start(&slow, NULL);
	assert_true(loop_turn_until(slow.loop, has_connected, peer, 500));
	clock_advance(&slow.clock, 3 * USEC_PER_SEC);
	bench_await(&slow);
	assert_string_equal(bench_cause(&slow), "http.slow");
	assert_text(&slow, "wanted within 2");
	assert_true(bench_value(&slow, "total_time") >= 3);
	configure(&slow, peer, "http", "expect: { max_time: 2s }\n");
	bench_run(&slow);
	assert_int_equal(slow.sample.outcome, OUTCOME_OK);
	peer_free(peer);
	bench_close(&slow);
}

/* "u:hunter2" as it is sent, at the place where what is shown ends. */
static void
what_we_logged_in_with_is_not_shown(void **state)
{
	static const char login[] = "dTpodW50ZXIy";
	struct bench *b = *state;
	struct peer_step script[] = { PEER_EXPECT("\r\n\r\n"), PEER_SEND_BYTES(NULL, 0), PEER_CLOSE,
		PEER_END };
	char body[800];
	struct peer *peer;

	for (int before = 490; before < 520; before++) {
		int len = snprintf(body, sizeof(body),
			"HTTP/1.1 500 E\r\nContent-Length: %d\r\n\r\n%*s%s and more", before + 21,
			before, "", login);

		script[1].text = body;
		script[1].len = (size_t)len;
		peer = peer_open(b->loop, script);
		run(b, peer, "auth: { user: u, password: hunter2 }\n");
		assert_string_equal(bench_cause(b), "http.5xx");
		assert_null(strstr(bench_fact(b, "body"), "dTpo"));
		peer_free(peer);
	}
}

static void
what_was_not_read_is_said(void **state)
{
	static const struct peer_step endless[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND("HTTP/1.1 200 OK\r\n\r\n"), PEER_HUGE, PEER_END };
	struct bench *b = *state;
	struct peer *peer = peer_open(b->loop, endless);

	run(b, peer, "max_body: 2KiB\nexpect: { body: needle }\n");
	assert_string_equal(bench_cause(b), "http.body-mismatch");
	assert_text(b, "the first 2048 bytes");
	peer_free(peer);
}

#define T(f) cmocka_unit_test_setup_teardown(f, bench_set_up, bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(statuses_have_causes),
		T(expected_statuses),
		T(documents_are_judged),
		T(the_application_may_blame_a_part),
		T(slow_is_not_good_enough),
		T(what_we_logged_in_with_is_not_shown),
		T(what_was_not_read_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

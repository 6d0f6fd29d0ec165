/* One hop by hand: framings, ends in the middle, and where a timeout struck. */
#include "tests/probes/http_scene.h"

static void
reads_every_framing(void **state)
{
	static const struct peer_step chunked[] = { ANSWER(
		"200 OK", "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n") };
	static const struct peer_step to_end[] = { ANSWER("200 OK", "", "12345") };
	static const struct peer_step old[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND("HTTP/1.0 200 OK\r\n\r\n12345"), PEER_CLOSE, PEER_END };
	static const struct peer_step slow[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_TRICKLE("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345"), PEER_END };
	static const struct peer_step interim[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
			  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345"),
		PEER_END };
	static const struct peer_step *const scripts[] = { chunked, to_end, old, slow, interim };
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		struct peer *peer = peer_open(b->loop, scripts[i]);

		run(b, peer, "");
		assert_int_equal(b->sample.outcome, OUTCOME_OK);
		assert_true(bench_value(b, "body_bytes") == 5);
		peer_free(peer);
	}
}

static void
a_head_has_no_body(void **state)
{
	static const struct peer_step script[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"), PEER_STALL,
		PEER_END };
	struct bench *b = *state;
	struct peer *peer = peer_open(b->loop, script);

	run(b, peer, "method: HEAD\n");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_heard(peer, 0, "HEAD /path");
	peer_free(peer);
}

static void
an_endless_body_is_cut(void **state)
{
	static const struct peer_step known[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND("HTTP/1.1 200 OK\r\nContent-Length: 16777216\r\n\r\n"), PEER_HUGE,
		PEER_END };
	static const struct peer_step endless[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND("HTTP/1.1 200 OK\r\n\r\n"), PEER_ENDLESS_LINE, PEER_END };
	struct bench *b = *state;
	struct peer *peer = peer_open(b->loop, known);

	run(b, peer, "max_body: 4KiB\nexpect: { body: abcde }\n");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(bench_value(b, "body_bytes") == 16777216);
	peer_free(peer);
	peer = peer_open(b->loop, endless);
	run(b, peer, "");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(isnan(bench_value(b, "body_bytes")));
	run(b, peer, "expect: { json: a == 1 }\n");
	assert_string_equal(bench_cause(b), "http.json-invalid");
	assert_text(b, "max_body");
	peer_free(peer);
}

static void
a_connection_that_breaks(void **state)
{
	static const struct peer_step eof[] = { PEER_EXPECT("\r\n\r\n"), PEER_CLOSE, PEER_END };
	static const struct peer_step reset[] = { PEER_EXPECT("\r\n\r\n"), PEER_RESET, PEER_END };
	static const struct peer_step head[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND("HTTP/1.1 200 OK\r\nContent-"), PEER_CLOSE, PEER_END };
	static const struct peer_step body[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123"), PEER_CLOSE,
		PEER_END };
	static const struct peer_step chunk[] = { ANSWER(
		"200 OK", "Transfer-Encoding: chunked\r\n", "5\r\nab") };
	static const struct peer_step bad_chunk[] = { ANSWER(
		"200 OK", "Transfer-Encoding: chunked\r\n", "zz\r\n") };
	static const struct peer_step ssh[] = { PEER_SEND("SSH-2.0-x\r\n"), PEER_STALL, PEER_END };
	static const struct peer_step alert[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND("\x15\x03\x01\x02\x02\x16"), PEER_CLOSE, PEER_END };
	/* What openssl s_server sends, and the first byte of it alone. */
	static const struct peer_step version[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND("\x15\x03\x01\x00\x02\x02\x46"), PEER_CLOSE, PEER_END };
	static const struct peer_step byte[] = { PEER_SEND("\x15"), PEER_STALL, PEER_END };
	static const struct peer_step nginx[] = { ANSWER(
		"400 Bad Request", "", "<h1>The plain HTTP request was sent to HTTPS port</h1>") };
	static const struct {
		const struct peer_step *script;
		const char *cause, *words;
	} cases[] = {
		{ eof, "net.eof", "closed the connection" },
		{ reset, "net.reset", "reset" },
		{ head, "net.eof", "head" },
		{ body, "http.truncated", "after 3 bytes" },
		{ chunk, "http.truncated", "broke off" },
		{ bad_chunk, "net.protocol", "status 200, then broken HTTP" },
		{ ssh, "net.protocol", "an SSH server answers, wanted HTTP" },
		{ alert, "net.tls-required", "TLS" },
		{ version, "net.tls-required", "TLS" },
		{ byte, "net.tls-required", "TLS" },
		{ nginx, "net.tls-required", "HTTPS" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct peer *peer = peer_open(b->loop, cases[i].script);

		run(b, peer, "");
		if (strcmp(bench_cause(b), cases[i].cause) != 0)
			fail_msg("%s, not %s: %s", bench_cause(b), cases[i].cause, b->sample.text);
		assert_int_equal(b->sample.outcome, OUTCOME_FAIL);
		assert_text(b, cases[i].words);
		peer_free(peer);
	}
}

static void
a_timeout_names_its_phase(void **state)
{
	static const struct peer_step silent[] = { PEER_EXPECT("\r\n\r\n"), PEER_STALL, PEER_END };
	static const struct peer_step head[] = { PEER_SEND("HTTP/1.1 20"), PEER_STALL, PEER_END };
	static const struct peer_step body[] = {
		PEER_SEND("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123"), PEER_STALL, PEER_END
	};
	static const struct {
		const struct peer_step *script;
		const char *words;
	} cases[] = {
		{ silent, "no byte came back" },
		{ head, "head never ended" },
		{ body, "status 200 came, but the body stopped after 3 bytes" },
	};
	struct bench b;

	(void)state;
	bench_open(&b, BENCH_FAKE);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct peer *peer = peer_open(b.loop, cases[i].script);

		configure(&b, peer, "http", "");
		bench_run_stuck(&b);
		assert_string_equal(bench_cause(&b), "net.noreply");
		assert_text(&b, cases[i].words);
		assert_text(&b, "given up after 10");
		assert_true(bench_value(&b, "connect_time") >= 0);
		assert_true(bench_value(&b, "total_time") >= 10);
		peer_free(peer);
	}
	bench_close(&b);
}

#define T(f) cmocka_unit_test_setup_teardown(f, bench_set_up, bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(reads_every_framing),
		T(a_head_has_no_body),
		T(an_endless_body_is_cut),
		T(a_connection_that_breaks),
		T(a_timeout_names_its_phase),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

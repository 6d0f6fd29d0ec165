/* TCP: a connection is enough, or what is said must match; whoever else answers is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/help/peer.h"
#include "tests/help/probe_bench.h"

/* Configures a check of `peer` with `more` keys and runs it. */
static void
run(struct bench *b, const struct peer *peer, const char *more)
{
	char yaml[512];

	snprintf(yaml, sizeof(yaml), "address: \"%s\"\n%s", peer_address(peer), more);
	if (bench_configure(b, "tcp", yaml) != 0)
		fail_msg("%s", b->complaint);
	bench_run(b);
}

static void
a_connection_is_enough(void **state)
{
	static const struct peer_step script[] = { PEER_STALL, PEER_END };
	struct bench *b = *state;
	struct peer *peer = peer_open(b->loop, script);

	run(b, peer, "");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_non_null(strstr(b->sample.text, peer_address(peer)));
	assert_true(bench_value(b, "connect_time") >= 0);
	assert_true(bench_value(b, "total_time") >= 0);
	assert_true(isnan(bench_value(b, "tls_time")));
	assert_true(isnan(bench_value(b, "send_time")));
	peer_free(peer);
}

static void
nobody_there(void **state)
{
	struct bench *b = *state;
	char yaml[64];

	snprintf(yaml, sizeof(yaml), "address: 127.0.0.1:%u", peer_dead_port());
	assert_int_equal(bench_configure(b, "tcp", yaml), 0);
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_FAIL);
	assert_string_equal(bench_cause(b), "net.refused");
	assert_int_equal(bench_configure(b, "tcp", "address: unix:/no/such/socket"), 0);
	bench_run(b);
	assert_string_equal(bench_cause(b), "net.refused");
}

static void
asks_and_matches(void **state)
{
	static const struct peer_step script[] = { PEER_EXPECT("PING\r\n"),
		PEER_TRICKLE("+PONG\r\n"), PEER_END };
	struct bench *b = *state;
	struct peer *peer = peer_open(b->loop, script);

	run(b, peer, "send: \"PING\\r\\n\"\nexpect: \"^\\\\+PONG\"\n");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(bench_value(b, "send_time") >= 0);
	assert_true(bench_value(b, "first_byte_time") >= 0);
	assert_true(bench_value(b, "transfer_time") >= 0);
	peer_free(peer);
}

static void
matches_a_unix_socket(void **state)
{
	static const struct peer_step script[] = { PEER_SEND("hello\n"), PEER_END };
	struct bench *b = *state;
	struct peer *peer =
		peer_open_with(b->loop, &(struct peer_options){ .script = script,
						.unix_path = "/tmp/triaged-tcp-test.sock" });

	run(b, peer, "expect: hello\n");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	peer_free(peer);
}

static void
names_who_else_answers(void **state)
{
	static const struct peer_step ssh[] = { PEER_SEND("SSH-2.0-OpenSSH_9.2\r\n"), PEER_CLOSE,
		PEER_END };
	static const struct peer_step other[] = { PEER_SEND("wat\x01\r\n"), PEER_CLOSE, PEER_END };
	static const struct peer_step tls[] = { PEER_SEND("\x15\x03\x01\x02\x02\x16"), PEER_CLOSE,
		PEER_END };
	static const struct peer_step mysql[] = { PEER_SEND_BYTES("\x4a\x00\x00\x00\x0a"
								  "8.0.30\x00",
							  12),
		PEER_CLOSE, PEER_END };
	static const struct {
		const struct peer_step *script;
		const char *cause, *words;
	} cases[] = {
		{ ssh, "net.protocol", "an SSH server" },
		{ other, "net.protocol", "got \"wat." },
		{ tls, "net.tls-required", "TLS" },
		{ mysql, "net.protocol", "a MySQL or MariaDB server" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct peer *peer = peer_open(b->loop, cases[i].script);

		run(b, peer, "expect: \"^220 \"\n");
		assert_int_equal(b->sample.outcome, OUTCOME_FAIL);
		assert_string_equal(bench_cause(b), cases[i].cause);
		if (strstr(b->sample.text, cases[i].words) == NULL)
			fail_msg("%s", b->sample.text);
		peer_free(peer);
	}
}

static void
does_not_read_for_ever(void **state)
{
	static const struct peer_step script[] = { PEER_ENDLESS_LINE, PEER_END };
	struct bench *b = *state;
	struct peer *peer = peer_open(b->loop, script);

	run(b, peer, "expect: never\n");
	assert_string_equal(bench_cause(b), "net.protocol");
	peer_free(peer);
}

static void
tells_an_end_from_a_reset(void **state)
{
	static const struct peer_step end[] = { PEER_CLOSE, PEER_END };
	static const struct peer_step reset[] = { PEER_EXPECT("x"), PEER_RESET, PEER_END };
	struct bench *b = *state;
	struct peer *peer = peer_open(b->loop, end);

	run(b, peer, "expect: hello\n");
	assert_string_equal(bench_cause(b), "net.eof");
	peer_free(peer);
	peer = peer_open(b->loop, reset);
	run(b, peer, "send: x\nexpect: hello\n");
	assert_string_equal(bench_cause(b), "net.reset");
	peer_free(peer);
}

static void
says_where_it_is_stuck(void **state)
{
	static const struct peer_step silent[] = { PEER_STALL, PEER_END };
	static const struct peer_step half[] = { PEER_SEND("hel"), PEER_STALL, PEER_END };
	static const struct {
		const struct peer_step *script;
		const char *cause, *words;
	} cases[] = {
		{ silent, "net.noreply", "then silence" },
		{ half, "net.protocol", "got \"hel\", wanted /hello/" },
	};
	struct bench b;
	char yaml[128];

	(void)state;
	bench_open(&b, BENCH_FAKE);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct peer *peer = peer_open(b.loop, cases[i].script);

		snprintf(
			yaml, sizeof(yaml), "address: \"%s\"\nexpect: hello\n", peer_address(peer));
		assert_int_equal(bench_configure(&b, "tcp", yaml), 0);
		bench_run_stuck(&b);
		assert_string_equal(bench_cause(&b), cases[i].cause);
		assert_non_null(strstr(b.sample.text, cases[i].words));
		peer_free(peer);
	}
	bench_close(&b);
}

static void
speaks_tls(void **state)
{
	static const struct peer_step script[] = { PEER_SEND("hello\n"), PEER_END };
	struct bench *b = *state;
	struct peer *peer =
		peer_open_with(b->loop, &(struct peer_options){ .script = script, .is_tls = true });
	char more[256];

	snprintf(more, sizeof(more), "expect: hello\ntls: true\nca: %s\n", peer_ca_path());
	run(b, peer, more);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(bench_value(b, "tls_time") > 0);
	assert_string_equal(bench_fact(b, "tls"), "");
	strcat(more, "server_name: other.example\n");
	run(b, peer, more);
	assert_string_equal(bench_cause(b), "net.tls-verify");
	run(b, peer, "expect: hello\ntls: true\nverify: false\n");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_non_null(strstr(bench_fact(b, "tls"), "not verified"));
	peer_free(peer);
}

static void
plain_where_tls_is_wanted(void **state)
{
	static const struct peer_step script[] = { PEER_SEND("220 mail ready\r\n"), PEER_END };
	struct bench *b = *state;
	struct peer *peer = peer_open(b->loop, script);

	run(b, peer, "tls: true\nverify: false\n");
	assert_string_equal(bench_cause(b), "net.tls-unsupported");
	peer_free(peer);
}

static void
complains_about_addresses(void **state)
{
	static const char *const bad[] = { "{}", "address: localhost", "address: \":25\"",
		"address: \"h:99999\"", "{ address: \"h:25\", expect: \"(\" }",
		"{ address: /run/x, tls: true }" };
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (bench_configure(b, "tcp", bad[i]) == 0)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(bench_configure(b, "tcp", "address: tcp://localhost:25"), 0);
	assert_int_equal(bench_configure(b, "tcp", "address: \"[::1]:25\""), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, bench_set_up, bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_connection_is_enough),
		T(nobody_there),
		T(asks_and_matches),
		T(matches_a_unix_socket),
		T(names_who_else_answers),
		T(does_not_read_for_ever),
		T(tells_an_end_from_a_reset),
		T(says_where_it_is_stuck),
		T(speaks_tls),
		T(plain_where_tls_is_wanted),
		T(complains_about_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

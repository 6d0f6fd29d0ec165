/* TLS over a stream: resumption, certificates that are refused, STARTTLS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/help/stream_seen.h"

static void
tls_once(struct world *w, struct peer *peer, struct seen *seen, bool is_full)
{
	struct stream_options o = {
		.tls = world_tls(w, false), .server_name = "localhost", .full_handshake = is_full
	};

	seen_open(w, seen, peer_address(peer), &o);
	seen_run(w, seen, seen_is_over);
}

static const struct peer_step tls_script[] = { PEER_EXPECT("hello"), PEER_SEND("world"), PEER_CLOSE,
	PEER_END };

static void
test_tls(void **state)
{
	struct world *w = *state;
	struct peer_options po = { .script = tls_script, .is_tls = 1 };
	struct peer *peer = peer_open_with(w->loop, &po);
	struct seen seen = { .say = "hello" };
	usec_t left;

	tls_once(w, peer, &seen, false);
	assert_true(seen.is_ended);
	assert_string_equal(buf_text(stream_in(seen.stream)), "world");
	assert_true(stream_phases(seen.stream)->tls_us >= 0);
	assert_true(stream_cert_expiry(seen.stream, &left));
	assert_true(left > 89 * USEC_PER_DAY && left <= 90 * USEC_PER_DAY);
	seen_end(w, &seen);
	peer_free(peer);
}

static void
resume(struct world *w, int is_tls12)
{
	struct peer_options po = { .script = tls_script, .is_tls = 1, .is_tls12 = is_tls12 };
	struct peer *peer = peer_open_with(w->loop, &po);

	for (int i = 0; i < 41; i++) {
		struct seen seen = { .say = "hello" };
		usec_t left;

		tls_once(w, peer, &seen, false);
		assert_true(seen.is_ended);
		assert_true(stream_cert_expiry(seen.stream, &left));
		seen_end(w, &seen);
	}
	/* The first, and two in the forty after it, are full ones. */
	assert_int_equal(peer_resumed(peer), 38);
	struct seen full = { .say = "hello" };
	tls_once(w, peer, &full, true);
	assert_int_equal(peer_resumed(peer), 38);
	seen_end(w, &full);
	peer_free(peer);
}

static void
test_tls_resumes(void **state)
{
	resume(*state, 0);
	resume(*state, 1);
}

static void
tls_fails(struct world *w, const struct peer_options *po, const char *name, enum fault fault,
	const char *words)
{
	struct peer *peer = peer_open_with(w->loop, po);
	struct stream_options o = { .tls = world_tls(w, false), .server_name = name };
	struct seen seen = { .say = "hello" };

	seen_open(w, &seen, peer_address(peer), &o);
	seen_run(w, &seen, seen_is_over);
	assert_true(seen.is_failed);
	if (strstr(stream_reason(seen.stream), words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", stream_reason(seen.stream), words);
	assert_int_equal(stream_fault(seen.stream), fault);
	seen_end(w, &seen);
	peer_free(peer);
}

static void
test_tls_certificates(void **state)
{
	struct world *w = *state;
	struct peer_cert expired = { .days_left = -3 },
			 other = { .names = "DNS:other.test,IP:10.1.2.3" },
			 own = { .is_self_signed = 1 };
	struct peer_options po = { .script = tls_script, .is_tls = 1, .cert = &expired };

	tls_fails(w, &po, "localhost", FAULT_TLS_VERIFY, "expired on 20");
	po.cert = &other;
	tls_fails(w, &po, "localhost", FAULT_TLS_VERIFY,
		"is for other.test, 10.1.2.3, not for localhost");
	tls_fails(w, &po, NULL, FAULT_TLS_VERIFY, "not for 127.0.0.1");
	po.cert = &own;
	tls_fails(w, &po, "localhost", FAULT_TLS_VERIFY, "self-signed");
}

static void
test_tls_expiry_of_refused(void **state)
{
	struct world *w = *state;
	struct peer_cert expired = { .days_left = -3 };
	struct peer_options po = { .script = tls_script, .is_tls = 1, .cert = &expired };
	struct peer *peer = peer_open_with(w->loop, &po);
	struct seen seen = { .say = "hello" };
	usec_t left;

	tls_once(w, peer, &seen, false);
	assert_true(seen.is_failed);
	assert_true(stream_cert_expiry(seen.stream, &left));
	assert_true(left <= -3 * USEC_PER_DAY && left > -4 * USEC_PER_DAY);
	seen_end(w, &seen);
	peer_free(peer);
}

static void
test_tls_unverified(void **state)
{
	struct world *w = *state;
	struct peer_cert own = { .is_self_signed = 1, .names = "DNS:other.test" };
	struct peer_options po = { .script = tls_script, .is_tls = 1, .cert = &own };
	struct peer *peer = peer_open_with(w->loop, &po);
	struct stream_options o = { .tls = world_tls(w, true), .server_name = "localhost" };
	struct seen seen = { .say = "hello" };
	usec_t left;

	seen_open(w, &seen, peer_address(peer), &o);
	seen_run(w, &seen, seen_is_over);
	assert_true(seen.is_ended);
	assert_true(stream_cert_expiry(seen.stream, &left));
	seen_end(w, &seen);
	peer_free(peer);
}

static void
test_tls_to_plain(void **state)
{
	static const struct peer_step banner[] = { PEER_SEND("220 mail.test ESMTP\r\n"), PEER_END };
	static const struct peer_step shuts[] = { PEER_EXPECT_BYTES(10), PEER_CLOSE, PEER_END };
	struct world *w = *state;
	struct peer_options po = { .script = banner };

	tls_fails(w, &po, "localhost", FAULT_TLS_UNSUPPORTED, "does not speak TLS");
	po.script = shuts;
	tls_fails(w, &po, "localhost", FAULT_TLS_HANDSHAKE, "handshake failed");
}

static void
test_tls_client_certificate(void **state)
{
	struct world *w = *state;
	struct peer_options po = { .script = tls_script, .is_tls = 1, .client_ca = peer_ca_path() };
	struct tls_options with = { .ca = peer_ca_path(), .cert = peer_client_pem() };
	struct stream_options o = { .server_name = "localhost" };
	struct peer *peer = peer_open_with(w->loop, &po);
	struct seen seen = { .say = "hello" };

	o.tls = tls_ctx_get(w->tls, &with, NULL);
	assert_non_null(o.tls);
	seen_open(w, &seen, peer_address(peer), &o);
	seen_run(w, &seen, seen_is_over);
	assert_true(seen.is_ended);
	seen_end(w, &seen);
	peer_free(peer);
	tls_fails(w, &po, "localhost", FAULT_TLS_HANDSHAKE, "certificate required");
	po.is_tls12 = 1;
	tls_fails(w, &po, "localhost", FAULT_TLS_HANDSHAKE, "handshake failure");
}

static void
test_tls_stuck(void **state)
{
	static const struct peer_step script[] = { PEER_STALL, PEER_END };
	struct world *w = *state;
	struct peer *peer = peer_open(w->loop, script);
	struct stream_options o = { .tls = world_tls(w, false), .server_name = "localhost" };
	struct seen seen = { .say = "hello" };
	char text[200];

	seen_open(w, &seen, peer_address(peer), &o);
	for (int i = 0; i < 10; i++)
		loop_turn(w->loop, false);
	assert_int_equal(stream_stuck(seen.stream, text, sizeof(text)), FAULT_TLS_HANDSHAKE);
	seen_end(w, &seen);
	peer_free(peer);
}

static void
test_start_tls(void **state)
{
	static const struct peer_step script[] = { PEER_SEND("ready\n"), PEER_EXPECT("STARTTLS\n"),
		PEER_SEND("ok\n"), PEER_START_TLS, PEER_EXPECT("hello"), PEER_SEND("world"),
		PEER_CLOSE, PEER_END };
	struct world *w = *state;
	struct peer *peer = peer_open(w->loop, script);
	struct seen seen = { .want = 6 };
	struct buf *in;

	seen_open(w, &seen, peer_address(peer), NULL);
	seen_run(w, &seen, seen_has_wanted);
	in = stream_in(seen.stream);
	buf_drain(in, buf_left(in));
	stream_write(seen.stream, "STARTTLS\n", 9);
	seen.want = 3;
	seen_run(w, &seen, seen_has_wanted);
	buf_drain(in, buf_left(in));
	seen.say = "hello";
	seen.is_inside_call = true;
	stream_start_tls(seen.stream, world_tls(w, false), "localhost");
	seen.is_inside_call = false;
	seen_run(w, &seen, seen_is_over);
	assert_true(seen.is_ended);
	assert_int_equal(seen.opens, 2);
	assert_string_equal(buf_text(in), "world");
	seen_end(w, &seen);
	peer_free(peer);
}

static void
test_start_tls_injection(void **state)
{
	static const struct peer_step script[] = { PEER_SEND("ok\nINJECTED"), PEER_END };
	struct world *w = *state;
	struct peer *peer = peer_open(w->loop, script);
	struct seen seen = { .want = 11 };

	seen_open(w, &seen, peer_address(peer), NULL);
	seen_run(w, &seen, seen_has_wanted);
	buf_drain(stream_in(seen.stream), 3);
	stream_start_tls(seen.stream, world_tls(w, false), "localhost");
	seen_run(w, &seen, seen_is_over);
	assert_int_equal(stream_fault(seen.stream), FAULT_PROTOCOL);
	seen_end(w, &seen);
	peer_free(peer);
}

static void
test_tls_big(void **state)
{
	enum { SIZE = 1 << 20 };
	static const struct peer_step script[] = { PEER_EXPECT_BYTES(SIZE),
		PEER_REPEAT("abc", SIZE), PEER_CLOSE, PEER_END };
	struct world *w = *state;
	struct peer_options po = { .script = script, .is_tls = 1 };
	struct peer *peer = peer_open_with(w->loop, &po);
	struct stream_options o = { .tls = world_tls(w, false), .server_name = "localhost" };
	struct seen seen = { .keeps_reading = true };
	char *much = xcalloc(1, SIZE);

	seen_open(w, &seen, peer_address(peer), &o);
	seen_run(w, &seen, seen_is_open);
	stream_write(seen.stream, much, SIZE);
	seen_run(w, &seen, seen_is_over);
	assert_true(seen.is_ended);
	assert_int_equal(seen.got.len, SIZE);
	free(much);
	seen_end(w, &seen);
	peer_free(peer);
}

#define TEST(name)                                                                                 \
	cmocka_unit_test_setup_teardown(name, stream_world_set_up, stream_world_tear_down)

/* Our good-bye is followed by theirs, or by the bare end of the connection. */
static void
test_tls_finish(void **state)
{
	static const struct peer_step polite[] = { PEER_EXPECT("hello"), PEER_CLOSE, PEER_END };
	static const struct peer_step bare[] = { PEER_EXPECT("what never comes"), PEER_END };
	static const struct peer_step *const scripts[] = { polite, bare };
	struct world *w = *state;

	for (size_t i = 0; i < 4; i++) {
		struct peer_options po = {
			.script = scripts[i % 2], .is_tls = 1, .is_tls12 = i >= 2
		};
		struct stream_options o = { .tls = world_tls(w, false),
			.server_name = "localhost" };
		struct peer *peer = peer_open_with(w->loop, &po);
		struct seen seen = { .say = "hello" };

		seen_open(w, &seen, peer_address(peer), &o);
		seen_run(w, &seen, seen_has_sent);
		stream_finish(seen.stream);
		seen_run(w, &seen, seen_is_over);
		assert_true(seen.is_ended);
		assert_string_equal(peer_heard(peer, 0), "hello");
		assert_true(stream_is_ended(seen.stream));
		assert_int_equal(stream_unacked(seen.stream), 0);
		seen_end(w, &seen);
		peer_free(peer);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tls),
		TEST(test_tls_resumes),
		TEST(test_tls_certificates),
		TEST(test_tls_expiry_of_refused),
		TEST(test_tls_unverified),
		TEST(test_tls_to_plain),
		TEST(test_tls_client_certificate),
		TEST(test_tls_stuck),
		TEST(test_start_tls),
		TEST(test_start_tls_injection),
		TEST(test_tls_big),
		TEST(test_tls_finish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

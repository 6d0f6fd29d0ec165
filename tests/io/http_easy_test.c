/* The full HTTP client when things go wrong: connections, answers, deadlines, TLS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/help/http_seen.h"
#include "tests/help/shortage.h"

static void
test_no_connection(void **state)
{
	struct http_world *w = *state;

	http_seen_fails(w, "http://127.0.0.1:PORT/", peer_dead_port(), FAULT_REFUSED);
	http_seen_fails(w, "http://both.test:PORT/", peer_dead_port(), FAULT_REFUSED);
	http_seen_fails(w, "http://nobody.test.:PORT/", 80, FAULT_DNS_NXDOMAIN);
	http_seen_fails(w, "http://silent.test.:PORT/", 80, FAULT_DNS_FAIL);
	http_seen_fails(w, "ftp://a.test:PORT/", 80, FAULT_LOCAL);
	http_seen_fails(w, "http://a.test:PORT/ x", 80, FAULT_LOCAL);
}

/* What this host lacks is not the target's refusal. */
static void
test_out_of_descriptors(void **state)
{
	struct http_world *w = *state;
	struct shortage shortage;

	http_seen_fails(w, "http://127.0.0.1:PORT/", peer_dead_port(), FAULT_REFUSED);
	http_seen_fails(w, "http://nobody.test.:PORT/", 80, FAULT_DNS_NXDOMAIN);
	shortage_begin(&shortage);
	http_seen_fails(w, "http://127.0.0.1:PORT/", 80, FAULT_FD_LIMIT);
	http_seen_fails(w, "http://never-asked.test.:PORT/", 80, FAULT_FD_LIMIT);
	shortage_end(&shortage);
	http_seen_fails(w, "http://127.0.0.1:PORT/", peer_dead_port(), FAULT_REFUSED);
}

static void
test_bad_answers(void **state)
{
	static const struct peer_step closes[] = { PEER_EXPECT("\r\n\r\n"), PEER_CLOSE, PEER_END };
	static const struct peer_step resets[] = { PEER_EXPECT("\r\n\r\n"), PEER_RESET, PEER_END };
	static const struct peer_step garbage[] = { PEER_EXPECT("\r\n\r\n"), PEER_GARBAGE,
		PEER_CLOSE, PEER_END };
	static const struct peer_step endless[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND("HTTP/1.1 200 OK\r\nX: "), PEER_ENDLESS_LINE, PEER_END };
	static const struct peer_step many[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND("HTTP/1.1 200 OK\r\n"), PEER_REPEAT("A: b\r\n", 0), PEER_END };
	static const struct {
		const struct peer_step *script;
		enum fault fault;
	} rows[] = { { closes, FAULT_EOF }, { resets, FAULT_RESET }, { garbage, FAULT_PROTOCOL },
		{ endless, FAULT_PROTOCOL }, { many, FAULT_PROTOCOL } };
	struct http_world *w = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peer *peer = peer_open(w->loop, rows[i].script);

		http_seen_fails(w, "http://127.0.0.1:PORT/", peer_port(peer), rows[i].fault);
		peer_free(peer);
	}
}

/* Lets everything happen that can, then the deadline. */
static void
strike(struct http_world *w, struct http_seen *seen, const char *url)
{
	struct http_request request = {
		.url = url, .timeout_us = 50 * USEC_PER_MSEC, .tls = { .ca = peer_ca_path() }
	};

	memset(seen, 0, sizeof(*seen));
	http_call_start(w->http, &request, http_seen_on_reply, seen);
	for (int i = 0; i < 12; i++)
		loop_turn(w->loop, true);
	assert_false(seen->is_done);
	loop_advance(w->loop, 60 * USEC_PER_MSEC);
	assert_true(seen->is_done);
}

static void
test_deadline(void **state)
{
	static const struct peer_step script[] = { PEER_EXPECT("\r\n\r\n"), PEER_STALL, PEER_END };
	static const struct peer_step half[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), PEER_STALL,
		PEER_END };
	static const struct peer_step deaf[] = { PEER_STALL, PEER_END };
	struct http_world *w = *state;
	struct peer *peer = peer_open(w->loop, script), *tls = peer_open(w->loop, deaf),
		    *slow = peer_open(w->loop, half);
	struct http_seen seen;

	strike(w, &seen, http_seen_url("http://127.0.0.1:PORT/", peer_port(peer)));
	assert_int_equal(seen.fault, FAULT_NOREPLY);
	assert_non_null(strstr(seen.reason, "silence"));
	strike(w, &seen, http_seen_url("http://127.0.0.1:PORT/", peer_port(slow)));
	assert_int_equal(seen.fault, FAULT_NOREPLY);
	assert_non_null(strstr(seen.reason, "does not end"));
	strike(w, &seen, http_seen_url("https://127.0.0.1:PORT/", peer_port(tls)));
	assert_int_equal(seen.fault, FAULT_TLS_HANDSHAKE);
	strike(w, &seen, "http://silent.test./");
	assert_int_equal(seen.fault, FAULT_DNS_FAIL);
	peer_free(peer);
	peer_free(tls);
	peer_free(slow);
}

/* A backlog that is full: the kernel drops our SYN, as a black hole would. */
static void
test_deadline_in_connect(void **state)
{
	struct http_world *w = *state;
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fds[4], listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(in);
	struct http_seen seen;

	assert_int_equal(bind(listening, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(listening, 0), 0);
	assert_int_equal(getsockname(listening, (struct sockaddr *)&in, &len), 0);
	for (int i = 0; i < 4; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		connect(fds[i], (struct sockaddr *)&in, sizeof(in));
	}
	strike(w, &seen, http_seen_url("https://127.0.0.1:PORT/", ntohs(in.sin_port)));
	assert_int_equal(seen.fault, FAULT_TIMEOUT);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	close(listening);
}

static void
test_cancel(void **state)
{
	struct http_world *w = *state;
	struct peer *peer = peer_open(w->loop, http_ok_script);
	struct http_request request = { .url = http_seen_url(
						"http://a.test:PORT/", peer_port(peer)) };
	struct http_seen seen = { .is_done = false };

	for (int turns = 0; turns < 6; turns++) {
		struct http_call *started =
			http_call_start(w->http, &request, http_seen_on_reply, &seen);

		for (int i = 0; i < turns; i++)
			loop_turn(w->loop, false);
		if (seen.is_done)
			break;
		http_call_cancel(started);
	}
	for (int i = 0; i < 10; i++)
		loop_turn(w->loop, false);
	http_call_cancel(NULL);
	peer_free(peer);
}

static void
test_other_family(void **state)
{
	struct http_world *w = *state;
	struct peer *peer = peer_open(w->loop, http_ok_script);
	struct http_seen seen;

	http_seen_get(w, &seen, "http://both.test:PORT/", peer_port(peer));
	assert_int_equal(seen.status, 200);
	if (seen.note[0] != '\0')
		assert_non_null(strstr(seen.note, "IPv4 answers"));
	peer_free(peer);
}

/* What is told is of the address that can be reached at all, and not of the last one. */
static void
test_a_family_that_this_host_lacks_is_not_told(void **state)
{
	struct http_world *w = *state;
	const struct sockaddr_in6 own = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool has_v6 = fd >= 0 && bind(fd, (const struct sockaddr *)&own, sizeof(own)) == 0;
	struct http_seen seen;

	if (has_v6) {
		http_seen_fails(w, "http://wayless.test:PORT/", peer_dead_port(), FAULT_REFUSED);
		http_seen_get(w, &seen, "https://wayless.test:PORT/", peer_dead_port());
		assert_int_equal(seen.fault, FAULT_REFUSED);
		assert_non_null(strstr(seen.reason, "Connection refused"));
	}
	if (fd >= 0)
		close(fd);
	if (!has_v6)
		skip();
}

static void
test_bad_header_is_refused(void **state)
{
	struct http_world *w = *state;
	struct http_header headers[] = { { "X-A", "b\r\nX-C: d" } };
	struct http_request request = {
		.url = "http://a.test/", .headers = headers, .header_count = 1
	};
	struct http_seen seen;

	http_seen_call(w, &seen, &request);
	assert_int_equal(seen.fault, FAULT_LOCAL);
	assert_non_null(strstr(seen.reason, "line break"));
}

static void
tls_call(struct http_world *w, struct http_seen *seen, const struct peer_cert *cert,
	const char *format, const char *alpn)
{
	struct peer_options o = {
		.script = http_ok_script, .is_tls = 1, .cert = cert, .alpn = alpn
	};
	struct peer *peer = peer_open_with(w->loop, &o);
	struct http_request request = { .url = http_seen_url(format, peer_port(peer)),
		.tls = { .ca = peer_ca_path() } };

	http_seen_call(w, seen, &request);
	peer_free(peer);
}

static void
test_tls(void **state)
{
	struct http_world *w = *state;
	struct peer_cert expired = { .days_left = -3 }, other = { .names = "DNS:other.test" },
			 good = { .names = "DNS:a.test" }, own = { .is_self_signed = 1 };
	struct http_seen seen;

	tls_call(w, &seen, &good, "https://a.test:PORT/", "http/1.1");
	assert_int_equal(seen.fault, FAULT_NONE);
	assert_int_equal(seen.status, 200);
	assert_true(seen.has_cert);
	assert_true(seen.cert_left_us > 89 * USEC_PER_DAY);
	assert_true(seen.phases.tls_us > 0);
	tls_call(w, &seen, NULL, "https://127.0.0.1:PORT/", NULL);
	assert_int_equal(seen.status, 200);
	tls_call(w, &seen, &expired, "https://127.0.0.1:PORT/", NULL);
	assert_int_equal(seen.fault, FAULT_TLS_VERIFY);
	assert_non_null(strstr(seen.reason, "expired on 20"));
	assert_true(seen.has_cert);
	assert_true(seen.cert_left_us < 0);
	tls_call(w, &seen, &other, "https://a.test:PORT/", NULL);
	assert_int_equal(seen.fault, FAULT_TLS_VERIFY);
	assert_non_null(strstr(seen.reason, "is for other.test, not for a.test"));
	tls_call(w, &seen, &own, "https://127.0.0.1:PORT/", NULL);
	assert_int_equal(seen.fault, FAULT_TLS_VERIFY);
	assert_non_null(strstr(seen.reason, "self-signed"));
}

static void
test_tls_unverified(void **state)
{
	struct http_world *w = *state;
	struct peer_cert own = { .is_self_signed = 1, .days_left = -1 };
	struct peer_options o = { .script = http_ok_script, .is_tls = 1, .cert = &own };
	struct peer *peer = peer_open_with(w->loop, &o);
	struct http_request request = { .url = http_seen_url(
						"https://a.test:PORT/", peer_port(peer)),
		.tls = { .is_unverified = true } };
	struct http_seen seen;

	http_seen_call(w, &seen, &request);
	assert_int_equal(seen.status, 200);
	assert_true(seen.has_cert);
	assert_true(seen.cert_left_us < 0);
	peer_free(peer);
}

static void
test_tls_client_certificate(void **state)
{
	struct http_world *w = *state;
	struct peer_options o = {
		.script = http_ok_script, .is_tls = 1, .client_ca = peer_ca_path()
	};
	struct peer *peer = peer_open_with(w->loop, &o);
	struct http_request request = { .url = http_seen_url(
						"https://127.0.0.1:PORT/", peer_port(peer)),
		.tls = { .ca = peer_ca_path(), .cert = peer_client_pem() } };
	struct http_seen seen;

	http_seen_call(w, &seen, &request);
	assert_int_equal(seen.status, 200);
	request.tls.cert = NULL;
	http_seen_call(w, &seen, &request);
	assert_true(seen.fault != FAULT_NONE);
	peer_free(peer);
}

static void
test_tls_to_plain(void **state)
{
	static const struct peer_step script[] = { PEER_SEND("220 hello\r\n"), PEER_END };
	struct http_world *w = *state;
	struct peer *peer = peer_open(w->loop, script);

	http_seen_fails(w, "https://127.0.0.1:PORT/", peer_port(peer), FAULT_TLS_UNSUPPORTED);
	peer_free(peer);
}

static void
test_tls_missing_ca(void **state)
{
	struct http_world *w = *state;
	struct http_request request = { .url = "https://127.0.0.1/",
		.tls = { .ca = "/nonexistent/ca.pem" } };
	struct http_seen seen;

	http_seen_call(w, &seen, &request);
	assert_int_equal(seen.fault, FAULT_LOCAL);
	assert_non_null(strstr(seen.reason, "/nonexistent/ca.pem"));
}

static void
test_free_with_open_calls(void **state)
{
	static const struct peer_step script[] = { PEER_STALL, PEER_END };
	struct http_world *w = *state;
	struct peer *peer = peer_open(w->loop, script);
	struct http_client *client = http_client_new(w->loop, w->resolver, w->tls);
	struct http_request request = { .url = http_seen_url(
						"http://127.0.0.1:PORT/", peer_port(peer)) };
	struct http_seen seen = { .is_done = false };

	http_call_start(client, &request, http_seen_on_reply, &seen);
	request.url = "http://silent.test./";
	http_call_start(client, &request, http_seen_on_reply, &seen);
	for (int i = 0; i < 5; i++)
		loop_turn(w->loop, false);
	http_client_free(client);
	assert_false(seen.is_done);
	peer_free(peer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, http_world_set_up, http_world_tear_down)
#define FAKE(name)                                                                                 \
	cmocka_unit_test_setup_teardown(name, http_world_set_up_fake, http_world_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_connection),
		TEST(test_out_of_descriptors),
		TEST(test_bad_answers),
		FAKE(test_deadline),
		FAKE(test_deadline_in_connect),
		TEST(test_cancel),
		TEST(test_other_family),
		TEST(test_a_family_that_this_host_lacks_is_not_told),
		TEST(test_bad_header_is_refused),
		TEST(test_tls),
		TEST(test_tls_unverified),
		TEST(test_tls_client_certificate),
		TEST(test_tls_to_plain),
		TEST(test_tls_missing_ca),
		TEST(test_free_with_open_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

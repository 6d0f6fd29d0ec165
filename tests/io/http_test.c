/* The full HTTP client against scripted peers: replies, redirects, credentials, every failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/http.h"
#include "tests/help/dns.h"
#include "tests/help/peer.h"

#define TURNS 2000

struct world {
	struct clock clock;
	struct loop *loop;
	struct dns *dns;
	struct resolver *resolver;
	struct tls_pool *tls;
	struct http_client *http;
};

/* A reply, copied. */
struct seen {
	bool is_done, is_inside_call;
	enum fault fault;
	char reason[256], head[2048], body[2048], note[256];
	int status, version;
	unsigned redirects;
	bool has_redirect_loop, is_cut, is_truncated, has_cert;
	uint64_t body_bytes;
	usec_t cert_left_us;
	struct http_phases phases;
};

static const struct dns_row names[] = {
	{ .name = "a.test", .v4 = "127.0.0.1", .ttl_s = 60 },
	{ .name = "b.test", .v4 = "127.0.0.1", .ttl_s = 60 },
	{ .name = "both.test", .v4 = "127.0.0.1", .v6 = "::1", .ttl_s = 60 },
	{ .name = "silent.test", .v4_does = DNS_SILENT, .v6_does = DNS_SILENT },
	{ NULL },
};

static int
set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct resolve_options o = { .hosts_path = "/dev/null", .timeout_us = 300000, .tries = 1 };

	clock_init_real(&w->clock);
	w->loop = loop_new(&w->clock, NULL);
	w->dns = dns_open(w->loop, names);
	o.servers = dns_address(w->dns);
	w->resolver = resolver_new(w->loop, &o);
	w->tls = tls_pool_new();
	w->http = http_client_new(w->loop, w->resolver, w->tls);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	http_client_free(w->http);
	resolver_free(w->resolver);
	dns_free(w->dns);
	loop_free(w->loop);
	tls_pool_free(w->tls);
	free(w);
	return 0;
}

static void
on_reply(void *arg, const struct http_reply *reply)
{
	struct seen *seen = arg;

	assert_false(seen->is_inside_call);
	assert_false(seen->is_done);
	seen->is_done = true;
	seen->fault = reply->fault;
	seen->status = reply->status;
	seen->version = reply->version;
	seen->redirects = reply->redirects;
	seen->has_redirect_loop = reply->has_redirect_loop;
	seen->is_cut = reply->is_cut;
	seen->is_truncated = reply->is_truncated;
	seen->has_cert = reply->has_cert;
	seen->cert_left_us = reply->cert_left_us;
	seen->body_bytes = reply->body_bytes;
	seen->phases = reply->phases;
	snprintf(seen->reason, sizeof(seen->reason), "%s", reply->reason);
	snprintf(seen->head, sizeof(seen->head), "%s", buf_text(&reply->head));
	snprintf(seen->body, sizeof(seen->body), "%s", buf_text(&reply->body));
	if (reply->family_note != NULL)
		snprintf(seen->note, sizeof(seen->note), "%s", reply->family_note);
}

static bool
is_done(void *arg)
{
	return ((struct seen *)arg)->is_done;
}

static void
call(struct world *w, struct seen *seen, const struct http_request *request)
{
	memset(seen, 0, sizeof(*seen));
	seen->is_inside_call = true;
	http_call_start(w->http, request, on_reply, seen);
	seen->is_inside_call = false;
	assert_true(loop_turn_until(w->loop, is_done, seen, TURNS));
}

static const char *
url_of(const char *format, unsigned port)
{
	static char url[256];
	char number[8];
	const char *mark = strstr(format, "PORT");

	snprintf(number, sizeof(number), "%u", port);
	snprintf(url, sizeof(url), "%.*s%s%s", (int)(mark - format), format, number, mark + 4);
	return url;
}

static void
get(struct world *w, struct seen *seen, const char *format, unsigned port)
{
	struct http_request request = { .url = url_of(format, port) };

	call(w, seen, &request);
}

#define REPLY(text) PEER_EXPECT("\r\n\r\n"), PEER_SEND(text), PEER_CLOSE, PEER_END
#define OK_REPLY    REPLY("HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 2\r\n\r\nok")

static const struct peer_step ok_script[] = { OK_REPLY };

static void
test_get(void **state)
{
	struct world *w = *state;
	struct peer *peer = peer_open(w->loop, ok_script);
	struct seen seen;

	get(w, &seen, "http://a.test:PORT/x?y=1", peer_port(peer));
	assert_int_equal(seen.fault, FAULT_NONE);
	assert_int_equal(seen.status, 200);
	assert_int_equal(seen.version, 11);
	assert_string_equal(seen.body, "ok");
	assert_int_equal(seen.body_bytes, 2);
	assert_string_equal(seen.head, "X-A: b\nContent-Length: 2\n");
	assert_true(seen.phases.dns_us >= 0);
	assert_true(seen.phases.connect_us >= 0);
	assert_true(seen.phases.first_byte_us >= 0);
	assert_int_equal(seen.phases.tls_us, -1);
	assert_non_null(strstr(peer_heard(peer, 0), "GET /x?y=1 HTTP/1.1\r\nHost: a.test:"));
	assert_null(strstr(peer_heard(peer, 0), "Accept-Encoding"));
	peer_free(peer);
}

static void
test_post(void **state)
{
	struct world *w = *state;
	static const struct peer_step script[] = { PEER_EXPECT("\r\n\r\n{\"a\":1}"),
		PEER_SEND("HTTP/1.1 204 No Content\r\n\r\n"), PEER_CLOSE, PEER_END };
	struct peer *peer = peer_open(w->loop, script);
	struct http_header headers[] = { { "Content-Type", "application/json" }, { "X-Id", "7" } };
	struct http_request request = { .url = url_of(
						"http://127.0.0.1:PORT/hook", peer_port(peer)),
		.headers = headers,
		.header_count = 2,
		.body = "{\"a\":1}",
		.body_len = 7,
		.auth = HTTP_AUTH_BEARER,
		.password = "sesame" };
	struct seen seen;

	call(w, &seen, &request);
	assert_int_equal(seen.status, 204);
	assert_non_null(strstr(peer_heard(peer, 0), "POST /hook HTTP/1.1\r\n"));
	assert_non_null(strstr(peer_heard(peer, 0), "Content-Type: application/json\r\n"));
	assert_non_null(strstr(peer_heard(peer, 0), "X-Id: 7\r\n"));
	assert_non_null(strstr(peer_heard(peer, 0), "Authorization: Bearer sesame\r\n"));
	assert_null(strstr(peer_heard(peer, 0), "Expect"));
	peer_free(peer);
}

static void
test_basic_from_url(void **state)
{
	struct world *w = *state;
	struct peer *peer = peer_open(w->loop, ok_script);
	struct seen seen;

	get(w, &seen, "http://u:p%40@127.0.0.1:PORT/", peer_port(peer));
	assert_int_equal(seen.status, 200);
	assert_non_null(strstr(peer_heard(peer, 0), "Authorization: Basic dTpwQA==\r\n"));
	peer_free(peer);
}

static void
test_digest(void **state)
{
	static const struct peer_step first[] = { REPLY(
		"HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\", "
		"qop=\"auth\"\r\n"
		"Content-Length: 4\r\n\r\nwho?") };
	static const struct peer_step *const scripts[] = { first, ok_script };
	struct world *w = *state;
	struct peer_options o = { .scripts = scripts, .script_count = 2 };
	struct peer *peer = peer_open_with(w->loop, &o);
	struct http_request request = { .url = url_of("http://a.test:PORT/", peer_port(peer)),
		.auth = HTTP_AUTH_DIGEST,
		.user = "u",
		.password = "p" };
	struct seen seen;

	call(w, &seen, &request);
	assert_int_equal(seen.status, 200);
	assert_string_equal(seen.body, "ok");
	assert_non_null(strstr(peer_heard(peer, 1), "Authorization: Digest username=\"u\""));
	peer_free(peer);
}

static void
test_unix_socket(void **state)
{
	struct world *w = *state;
	char path[64];
	struct peer_options o = { .script = ok_script, .unix_path = path };
	struct http_request request = { .url = "http://docker/info", .unix_socket = path };
	struct peer *peer;
	struct seen seen;

	snprintf(path, sizeof(path), "/tmp/http-test-%d.sock", getpid());
	peer = peer_open_with(w->loop, &o);
	call(w, &seen, &request);
	assert_int_equal(seen.status, 200);
	assert_non_null(strstr(peer_heard(peer, 0), "Host: docker\r\n"));
	peer_free(peer);
}

static void
test_body_is_cut(void **state)
{
	static const struct peer_step script[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND("HTTP/1.1 200 OK\r\n\r\n"), PEER_HUGE, PEER_END };
	struct world *w = *state;
	struct peer *peer = peer_open(w->loop, script);
	struct http_request request = { .url = url_of("http://127.0.0.1:PORT/", peer_port(peer)),
		.body_max = 1000 };
	struct seen seen;

	call(w, &seen, &request);
	assert_int_equal(seen.fault, FAULT_NONE);
	assert_int_equal(seen.status, 200);
	assert_true(seen.is_cut);
	assert_int_equal(strlen(seen.body), 1000);
	peer_free(peer);
}

static void
test_body_breaks_off(void **state)
{
	static const struct peer_step script[] = { REPLY(
		"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf") };
	static const struct peer_step resets[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"),
		PEER_CLOSE, PEER_END };
	struct world *w = *state;
	struct peer *peer = peer_open(w->loop, script);
	struct seen seen;

	get(w, &seen, "http://127.0.0.1:PORT/", peer_port(peer));
	assert_int_equal(seen.fault, FAULT_NONE);
	assert_true(seen.is_truncated);
	assert_string_equal(seen.body, "half");
	peer_free(peer);
	peer = peer_open(w->loop, resets);
	get(w, &seen, "http://127.0.0.1:PORT/", peer_port(peer));
	assert_true(seen.is_truncated);
	peer_free(peer);
}

/* --- redirects --- */

static void
test_redirects(void **state)
{
	static const struct peer_step first[] = { REPLY(
		"HTTP/1.1 302 Found\r\nLocation: ../b?c\r\nContent-Length: 0\r\n\r\n") };
	static const struct peer_step *const scripts[] = { first, ok_script };
	struct world *w = *state;
	struct peer_options o = { .scripts = scripts, .script_count = 2 };
	struct peer *peer = peer_open_with(w->loop, &o);
	struct http_header headers[] = { { "Authorization", "secret" } };
	struct http_request request = { .url = url_of("http://a.test:PORT/x/y/z", peer_port(peer)),
		.follow = 5,
		.headers = headers,
		.header_count = 1,
		.method = "POST",
		.body = "data",
		.body_len = 4 };
	struct seen seen;

	call(w, &seen, &request);
	assert_int_equal(seen.status, 200);
	assert_int_equal(seen.redirects, 1);
	assert_non_null(strstr(peer_heard(peer, 1), "GET /x/b?c HTTP/1.1\r\n"));
	assert_non_null(strstr(peer_heard(peer, 1), "Authorization: secret\r\n"));
	assert_null(strstr(peer_heard(peer, 1), "data"));
	peer_free(peer);
}

static void
test_credentials_stay(void **state)
{
	struct world *w = *state;
	struct peer *target = peer_open(w->loop, ok_script), *peer;
	char reply[200];
	struct peer_step script[] = { PEER_EXPECT("\r\n\r\n"), PEER_SEND_BYTES(reply, 0),
		PEER_CLOSE, PEER_END };
	struct http_header headers[] = { { "Cookie", "secret" }, { "X-Kept", "yes" } };
	struct http_request request = { .follow = 5,
		.headers = headers,
		.header_count = 2,
		.auth = HTTP_AUTH_BASIC,
		.user = "u",
		.password = "p" };
	struct seen seen;

	snprintf(reply, sizeof(reply),
		"HTTP/1.1 307 Go\r\nLocation: http://x:y@b.test:%u/\r\nContent-Length: 0\r\n\r\n",
		peer_port(target));
	script[1].len = strlen(reply);
	peer = peer_open(w->loop, script);
	request.url = url_of("http://a.test:PORT/", peer_port(peer));
	call(w, &seen, &request);
	assert_int_equal(seen.status, 200);
	assert_non_null(strstr(peer_heard(peer, 0), "Authorization: Basic"));
	assert_non_null(strstr(peer_heard(peer, 0), "Cookie: secret"));
	assert_null(strstr(peer_heard(target, 0), "Authorization"));
	assert_null(strstr(peer_heard(target, 0), "Cookie"));
	assert_non_null(strstr(peer_heard(target, 0), "X-Kept: yes"));
	assert_non_null(strstr(peer_heard(target, 0), "Host: b.test:"));
	peer_free(peer);
	peer_free(target);
}

static void
test_redirect_loop(void **state)
{
	static const struct peer_step script[] = { REPLY(
		"HTTP/1.1 301 Moved\r\nLocation: /\r\nContent-Length: 0\r\n\r\n") };
	struct world *w = *state;
	struct peer *peer = peer_open(w->loop, script);
	struct http_request request = { .url = url_of("http://a.test:PORT/", peer_port(peer)),
		.follow = 3 };
	struct seen seen;

	call(w, &seen, &request);
	assert_int_equal(seen.status, 301);
	assert_int_equal(seen.redirects, 3);
	assert_true(seen.has_redirect_loop);
	assert_int_equal(peer_accepted(peer), 4);
	request.follow = 0;
	call(w, &seen, &request);
	assert_int_equal(seen.status, 301);
	assert_false(seen.has_redirect_loop);
	peer_free(peer);
}

static void
test_redirect_elsewhere(void **state)
{
	static const struct peer_step script[] = { REPLY(
		"HTTP/1.1 301 Moved\r\nLocation: file:///etc/passwd\r\nContent-Length: "
		"0\r\n\r\n") };
	struct world *w = *state;
	struct peer *peer = peer_open(w->loop, script);
	struct http_request request = { .url = url_of("http://a.test:PORT/", peer_port(peer)),
		.follow = 3 };
	struct seen seen;

	call(w, &seen, &request);
	assert_int_equal(seen.status, 301);
	assert_int_equal(seen.redirects, 0);
	peer_free(peer);
}

/* --- failures --- */

static void
fails(struct world *w, const char *format, unsigned port, enum fault fault)
{
	struct seen seen;

	get(w, &seen, format, port);
	if (seen.fault != fault)
		fail_msg("%s: %s: %s, not %s", format, fault_name(seen.fault), seen.reason,
			fault_name(fault));
	assert_true(seen.reason[0] != '\0');
}

static void
test_no_connection(void **state)
{
	struct world *w = *state;

	fails(w, "http://127.0.0.1:PORT/", peer_dead_port(), FAULT_REFUSED);
	fails(w, "http://both.test:PORT/", peer_dead_port(), FAULT_REFUSED);
	fails(w, "http://nobody.test.:PORT/", 80, FAULT_DNS_NXDOMAIN);
	fails(w, "http://silent.test.:PORT/", 80, FAULT_DNS_FAIL);
	fails(w, "ftp://a.test:PORT/", 80, FAULT_LOCAL);
	fails(w, "http://a.test:PORT/ x", 80, FAULT_LOCAL);
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
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peer *peer = peer_open(w->loop, rows[i].script);

		fails(w, "http://127.0.0.1:PORT/", peer_port(peer), rows[i].fault);
		peer_free(peer);
	}
}

static void
test_deadline(void **state)
{
	static const struct peer_step script[] = { PEER_EXPECT("\r\n\r\n"), PEER_STALL, PEER_END };
	static const struct peer_step deaf[] = { PEER_STALL, PEER_END };
	struct world *w = *state;
	struct peer *peer = peer_open(w->loop, script), *tls = peer_open(w->loop, deaf);
	struct http_request request = { .timeout_us = 50 * USEC_PER_MSEC };
	struct seen seen;

	request.url = url_of("http://127.0.0.1:PORT/", peer_port(peer));
	call(w, &seen, &request);
	assert_int_equal(seen.fault, FAULT_NOREPLY);
	assert_non_null(strstr(seen.reason, "silence"));
	request.url = url_of("https://127.0.0.1:PORT/", peer_port(tls));
	call(w, &seen, &request);
	assert_int_equal(seen.fault, FAULT_TLS_HANDSHAKE);
	request.url = "http://silent.test./";
	call(w, &seen, &request);
	assert_int_equal(seen.fault, FAULT_DNS_FAIL);
	peer_free(peer);
	peer_free(tls);
}

static void
test_cancel(void **state)
{
	struct world *w = *state;
	struct peer *peer = peer_open(w->loop, ok_script);
	struct http_request request = { .url = url_of("http://a.test:PORT/", peer_port(peer)) };
	struct seen seen = { .is_done = false };

	for (int turns = 0; turns < 6; turns++) {
		struct http_call *started = http_call_start(w->http, &request, on_reply, &seen);

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
	struct world *w = *state;
	struct peer *peer = peer_open(w->loop, ok_script);
	struct seen seen;

	get(w, &seen, "http://both.test:PORT/", peer_port(peer));
	assert_int_equal(seen.status, 200);
	if (seen.note[0] != '\0')
		assert_non_null(strstr(seen.note, "IPv4 answers"));
	peer_free(peer);
}

static void
test_bad_header_is_refused(void **state)
{
	struct world *w = *state;
	struct http_header headers[] = { { "X-A", "b\r\nX-C: d" } };
	struct http_request request = {
		.url = "http://a.test/", .headers = headers, .header_count = 1
	};
	struct seen seen;

	call(w, &seen, &request);
	assert_int_equal(seen.fault, FAULT_LOCAL);
	assert_non_null(strstr(seen.reason, "line break"));
}

/* --- TLS --- */

static void
tls_call(struct world *w, struct seen *seen, const struct peer_cert *cert, const char *format,
	const char *alpn)
{
	struct peer_options o = { .script = ok_script, .is_tls = 1, .cert = cert, .alpn = alpn };
	struct peer *peer = peer_open_with(w->loop, &o);
	struct http_request request = { .url = url_of(format, peer_port(peer)),
		.tls = { .ca = peer_ca_path() } };

	call(w, seen, &request);
	peer_free(peer);
}

static void
test_tls(void **state)
{
	struct world *w = *state;
	struct peer_cert expired = { .days_left = -3 }, other = { .names = "DNS:other.test" },
			 good = { .names = "DNS:a.test" }, own = { .is_self_signed = 1 };
	struct seen seen;

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
	struct world *w = *state;
	struct peer_cert own = { .is_self_signed = 1, .days_left = -1 };
	struct peer_options o = { .script = ok_script, .is_tls = 1, .cert = &own };
	struct peer *peer = peer_open_with(w->loop, &o);
	struct http_request request = { .url = url_of("https://a.test:PORT/", peer_port(peer)),
		.tls = { .is_unverified = true } };
	struct seen seen;

	call(w, &seen, &request);
	assert_int_equal(seen.status, 200);
	assert_true(seen.has_cert);
	assert_true(seen.cert_left_us < 0);
	peer_free(peer);
}

static void
test_tls_client_certificate(void **state)
{
	struct world *w = *state;
	struct peer_options o = { .script = ok_script, .is_tls = 1, .client_ca = peer_ca_path() };
	struct peer *peer = peer_open_with(w->loop, &o);
	struct http_request request = { .url = url_of("https://127.0.0.1:PORT/", peer_port(peer)),
		.tls = { .ca = peer_ca_path(), .cert = peer_client_pem() } };
	struct seen seen;

	call(w, &seen, &request);
	assert_int_equal(seen.status, 200);
	request.tls.cert = NULL;
	call(w, &seen, &request);
	assert_true(seen.fault != FAULT_NONE);
	peer_free(peer);
}

static void
test_tls_to_plain(void **state)
{
	static const struct peer_step script[] = { PEER_SEND("220 hello\r\n"), PEER_END };
	struct world *w = *state;
	struct peer *peer = peer_open(w->loop, script);

	fails(w, "https://127.0.0.1:PORT/", peer_port(peer), FAULT_TLS_UNSUPPORTED);
	peer_free(peer);
}

static void
test_tls_missing_ca(void **state)
{
	struct world *w = *state;
	struct http_request request = { .url = "https://127.0.0.1/",
		.tls = { .ca = "/nonexistent/ca.pem" } };
	struct seen seen;

	call(w, &seen, &request);
	assert_int_equal(seen.fault, FAULT_LOCAL);
	assert_non_null(strstr(seen.reason, "/nonexistent/ca.pem"));
}

static void
test_free_with_open_calls(void **state)
{
	static const struct peer_step script[] = { PEER_STALL, PEER_END };
	struct world *w = *state;
	struct peer *peer = peer_open(w->loop, script);
	struct http_client *client = http_client_new(w->loop, w->resolver, w->tls);
	struct http_request request = { .url = url_of("http://127.0.0.1:PORT/", peer_port(peer)) };
	struct seen seen = { .is_done = false };

	http_call_start(client, &request, on_reply, &seen);
	request.url = "http://silent.test./";
	http_call_start(client, &request, on_reply, &seen);
	for (int i = 0; i < 5; i++)
		loop_turn(w->loop, false);
	http_client_free(client);
	assert_false(seen.is_done);
	peer_free(peer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_get),
		TEST(test_post),
		TEST(test_basic_from_url),
		TEST(test_digest),
		TEST(test_unix_socket),
		TEST(test_body_is_cut),
		TEST(test_body_breaks_off),
		TEST(test_redirects),
		TEST(test_credentials_stay),
		TEST(test_redirect_loop),
		TEST(test_redirect_elsewhere),
		TEST(test_no_connection),
		TEST(test_bad_answers),
		TEST(test_deadline),
		TEST(test_cancel),
		TEST(test_other_family),
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

/* The full HTTP client against scripted peers: replies, redirects, credentials. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/help/http_seen.h"

static void
test_get(void **state)
{
	struct http_world *w = *state;
	struct peer *peer = peer_open(w->loop, http_ok_script);
	struct http_seen seen;

	http_seen_get(w, &seen, "http://a.test:PORT/x?y=1", peer_port(peer));
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
	struct http_world *w = *state;
	static const struct peer_step script[] = { PEER_EXPECT("\r\n\r\n{\"a\":1}"),
		PEER_SEND("HTTP/1.1 204 No Content\r\n\r\n"), PEER_CLOSE, PEER_END };
	struct peer *peer = peer_open(w->loop, script);
	struct http_header headers[] = { { "Content-Type", "application/json" }, { "X-Id", "7" } };
	struct http_request request = { .url = http_seen_url(
						"http://127.0.0.1:PORT/hook", peer_port(peer)),
		.headers = headers,
		.header_count = 2,
		.body = "{\"a\":1}",
		.body_len = 7,
		.auth = HTTP_AUTH_BEARER,
		.password = "sesame" };
	struct http_seen seen;

	http_seen_call(w, &seen, &request);
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
	struct http_world *w = *state;
	struct peer *peer = peer_open(w->loop, http_ok_script);
	struct http_seen seen;

	http_seen_get(w, &seen, "http://u:p%40@127.0.0.1:PORT/", peer_port(peer));
	assert_int_equal(seen.status, 200);
	assert_non_null(strstr(peer_heard(peer, 0), "Authorization: Basic dTpwQA==\r\n"));
	peer_free(peer);
}

static void
test_digest(void **state)
{
	static const struct peer_step first[] = { HTTP_REPLY(
		"HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\", "
		"qop=\"auth\"\r\n"
		"Content-Length: 4\r\n\r\nwho?") };
	static const struct peer_step *const scripts[] = { first, http_ok_script };
	struct http_world *w = *state;
	struct peer_options o = { .scripts = scripts, .script_count = 2 };
	struct peer *peer = peer_open_with(w->loop, &o);
	struct http_request request = { .url = http_seen_url(
						"http://a.test:PORT/", peer_port(peer)),
		.auth = HTTP_AUTH_DIGEST,
		.user = "u",
		.password = "p" };
	struct http_seen seen;

	http_seen_call(w, &seen, &request);
	assert_int_equal(seen.status, 200);
	assert_string_equal(seen.body, "ok");
	assert_non_null(strstr(peer_heard(peer, 1), "Authorization: Digest username=\"u\""));
	peer_free(peer);
}

static void
test_unix_socket(void **state)
{
	struct http_world *w = *state;
	char path[64];
	struct peer_options o = { .script = http_ok_script, .unix_path = path };
	struct http_request request = { .url = "http://docker/info", .unix_socket = path };
	struct peer *peer;
	struct http_seen seen;

	snprintf(path, sizeof(path), "/tmp/http-test-%d.sock", getpid());
	peer = peer_open_with(w->loop, &o);
	http_seen_call(w, &seen, &request);
	assert_int_equal(seen.status, 200);
	assert_non_null(strstr(peer_heard(peer, 0), "Host: docker\r\n"));
	peer_free(peer);
}

static void
test_body_is_cut(void **state)
{
	static const struct peer_step script[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND("HTTP/1.1 200 OK\r\n\r\n"), PEER_HUGE, PEER_END };
	struct http_world *w = *state;
	struct peer *peer = peer_open(w->loop, script);
	struct http_request request = {
		.url = http_seen_url("http://127.0.0.1:PORT/", peer_port(peer)), .body_max = 1000
	};
	struct http_seen seen;

	http_seen_call(w, &seen, &request);
	assert_int_equal(seen.fault, FAULT_NONE);
	assert_int_equal(seen.status, 200);
	assert_true(seen.is_cut);
	assert_int_equal(strlen(seen.body), 1000);
	peer_free(peer);
}

static void
test_body_breaks_off(void **state)
{
	static const struct peer_step script[] = { HTTP_REPLY(
		"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf") };
	static const struct peer_step resets[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"),
		PEER_CLOSE, PEER_END };
	struct http_world *w = *state;
	struct peer *peer = peer_open(w->loop, script);
	struct http_seen seen;

	http_seen_get(w, &seen, "http://127.0.0.1:PORT/", peer_port(peer));
	assert_int_equal(seen.fault, FAULT_NONE);
	assert_true(seen.is_truncated);
	assert_string_equal(seen.body, "half");
	peer_free(peer);
	peer = peer_open(w->loop, resets);
	http_seen_get(w, &seen, "http://127.0.0.1:PORT/", peer_port(peer));
	assert_true(seen.is_truncated);
	peer_free(peer);
}

static void
test_redirects(void **state)
{
	static const struct peer_step first[] = { HTTP_REPLY(
		"HTTP/1.1 302 Found\r\nLocation: ../b?c\r\nContent-Length: 0\r\n\r\n") };
	static const struct peer_step *const scripts[] = { first, http_ok_script };
	struct http_world *w = *state;
	struct peer_options o = { .scripts = scripts, .script_count = 2 };
	struct peer *peer = peer_open_with(w->loop, &o);
	struct http_header headers[] = { { "Authorization", "secret" } };
	struct http_request request = { .url = http_seen_url(
						"http://a.test:PORT/x/y/z", peer_port(peer)),
		.follow = 5,
		.headers = headers,
		.header_count = 1,
		.method = "POST",
		.body = "data",
		.body_len = 4 };
	struct http_seen seen;

	http_seen_call(w, &seen, &request);
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
	struct http_world *w = *state;
	struct peer *target = peer_open(w->loop, http_ok_script), *peer;
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
	struct http_seen seen;

	snprintf(reply, sizeof(reply),
		"HTTP/1.1 307 Go\r\nLocation: http://x:y@b.test:%u/\r\nContent-Length: 0\r\n\r\n",
		peer_port(target));
	script[1].len = strlen(reply);
	peer = peer_open(w->loop, script);
	request.url = http_seen_url("http://a.test:PORT/", peer_port(peer));
	http_seen_call(w, &seen, &request);
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
	static const struct peer_step script[] = { HTTP_REPLY(
		"HTTP/1.1 301 Moved\r\nLocation: /\r\nContent-Length: 0\r\n\r\n") };
	struct http_world *w = *state;
	struct peer *peer = peer_open(w->loop, script);
	struct http_request request = {
		.url = http_seen_url("http://a.test:PORT/", peer_port(peer)), .follow = 3
	};
	struct http_seen seen;

	http_seen_call(w, &seen, &request);
	assert_int_equal(seen.status, 301);
	assert_int_equal(seen.redirects, 3);
	assert_true(seen.has_redirect_loop);
	assert_int_equal(peer_accepted(peer), 4);
	request.follow = 0;
	http_seen_call(w, &seen, &request);
	assert_int_equal(seen.status, 301);
	assert_false(seen.has_redirect_loop);
	peer_free(peer);
}

static void
test_redirect_elsewhere(void **state)
{
	static const struct peer_step script[] = { HTTP_REPLY(
		"HTTP/1.1 301 Moved\r\nLocation: file:///etc/passwd\r\nContent-Length: "
		"0\r\n\r\n") };
	struct http_world *w = *state;
	struct peer *peer = peer_open(w->loop, script);
	struct http_request request = {
		.url = http_seen_url("http://a.test:PORT/", peer_port(peer)), .follow = 3
	};
	struct http_seen seen;

	http_seen_call(w, &seen, &request);
	assert_int_equal(seen.status, 301);
	assert_int_equal(seen.redirects, 0);
	peer_free(peer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, http_world_set_up, http_world_tear_down)

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* HTTP/1.1 framing: each message whole and a byte at a time, and everything that is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/http1.h"

/* Feeds `text` in pieces of `step` bytes; what is left over goes to *rest. */
static enum http1_state
feed(struct http1 *m, const char *text, size_t len, size_t step, size_t *rest)
{
	struct buf in;
	enum http1_state state = m->state;

	buf_init(&in, 0);
	for (size_t at = 0; at < len; at += step) {
		buf_add(&in, text + at, len - at < step ? len - at : step);
		state = http1_feed(m, &in);
	}
	if (rest != NULL)
		*rest = buf_left(&in);
	buf_fini(&in);
	return state;
}

struct row {
	const char *text;
	enum http1_state state;
	int status; /* response: its status; bad request: the status to answer with */
	const char *body;
};

static void
check(const struct row *row, enum http1_kind kind, const struct http1_limits *limits)
{
	static const size_t steps[] = { 100000, 1, 3, 7 };

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct http1 m;
		enum http1_state state;

		http1_init(&m, kind, limits);
		state = feed(&m, row->text, strlen(row->text), steps[i], NULL);
		if (state != row->state || m.status != row->status)
			fail_msg("step %zu: state %d, status %d (%s) for:\n%s", steps[i], state,
				m.status, m.err.text, row->text);
		if (row->body != NULL)
			assert_string_equal(buf_text(&m.body), row->body);
		if (state == HTTP1_BAD)
			assert_true(m.err.text[0] != '\0');
		http1_fini(&m);
	}
}

static void
test_requests(void **state)
{
	static const struct row rows[] = {
		{ "GET / HTTP/1.1\r\nHost: a\r\n\r\n", HTTP1_DONE, 0, "" },
		{ "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", HTTP1_DONE, 0, "" },
		{ "GET / HTTP/1.0\r\n\r\n", HTTP1_DONE, 0, "" },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", HTTP1_DONE, 0,
			"abc" },
		{ "POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 3\r\nContent-Length: 3\r\n\r\nabc",
			HTTP1_DONE, 0, "abc" },
		{ "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
		  "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nX: y\r\n\r\n",
			HTTP1_DONE, 0, "abc0123456789" },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab", HTTP1_BODY, 0,
			"ab" },
		{ "GET / HTTP/1.1\r\nHost: a\r\n", HTTP1_HEAD, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&rows[i], HTTP1_REQUEST, NULL);
}

#define HOST    "GET / HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

static void
test_bad_requests(void **state)
{
	static const struct row rows[] = {
		{ "GET / HTTP/1.1\nHost: a\n\n", HTTP1_BAD, 400, NULL },
		{ "GET / HTTP/1.1\r\n\r\n", HTTP1_BAD, 400, NULL },
		{ HOST "Host: b\r\n\r\n", HTTP1_BAD, 400, NULL },
		{ "GET  / HTTP/1.1\r\n\r\n", HTTP1_BAD, 400, NULL },
		{ "GET /\r\n\r\n", HTTP1_BAD, 400, NULL },
		{ "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", HTTP1_BAD, 400, NULL },
		{ "G\tT / HTTP/1.1\r\nHost: a\r\n\r\n", HTTP1_BAD, 400, NULL },
		{ "GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n", HTTP1_BAD, 400, NULL },
		{ "GET / HTTP/2.0\r\nHost: a\r\n\r\n", HTTP1_BAD, 505, NULL },
		{ "GET / HTTQ/1.1\r\nHost: a\r\n\r\n", HTTP1_BAD, 400, NULL },
		{ "\x16\x03\x01\x02\x01", HTTP1_BAD, 400, NULL },
		{ " GET / HTTP/1.1\r\n", HTTP1_BAD, 400, NULL },
		{ HOST "X : y\r\n\r\n", HTTP1_BAD, 400, NULL },
		{ HOST "no colon\r\n\r\n", HTTP1_BAD, 400, NULL },
		{ HOST ": v\r\n\r\n", HTTP1_BAD, 400, NULL },
		{ HOST "X: a\r\n b\r\n\r\n", HTTP1_BAD, 400, NULL },
		{ HOST "X: a\rb\r\n\r\n", HTTP1_BAD, 400, NULL },
		{ HOST "X: a\x01\r\n\r\n", HTTP1_BAD, 400, NULL },
		{ HOST "Content-Length: -1\r\n\r\n", HTTP1_BAD, 400, NULL },
		{ HOST "Content-Length: +1\r\n\r\n", HTTP1_BAD, 400, NULL },
		{ HOST "Content-Length: 1, 1\r\n\r\n", HTTP1_BAD, 400, NULL },
		{ HOST "Content-Length:\r\n\r\n", HTTP1_BAD, 400, NULL },
		{ HOST "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", HTTP1_BAD, 400, NULL },
		{ HOST "Content-Length: 99999999999999999999\r\n\r\n", HTTP1_BAD, 413, NULL },
		{ HOST "Content-Length: 65537\r\n\r\n", HTTP1_BAD, 413, NULL },
		{ HOST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP1_BAD, 400,
			NULL },
		{ HOST "Transfer-Encoding: gzip\r\n\r\n", HTTP1_BAD, 501, NULL },
		{ HOST "Transfer-Encoding: chunked, chunked\r\n\r\n", HTTP1_BAD, 501, NULL },
		{ HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
			HTTP1_BAD, 400, NULL },
		{ "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP1_BAD, 400, NULL },
		{ CHUNKED "x\r\n", HTTP1_BAD, 400, NULL },
		{ CHUNKED "\r\n", HTTP1_BAD, 400, NULL },
		{ CHUNKED "-3\r\n", HTTP1_BAD, 400, NULL },
		{ CHUNKED "0x3\r\n", HTTP1_BAD, 400, NULL },
		{ CHUNKED "3\nabc\r\n", HTTP1_BAD, 400, NULL },
		{ CHUNKED "3\r\nabcd\r\n", HTTP1_BAD, 400, NULL },
		{ CHUNKED "3\r\nabcX\n", HTTP1_BAD, 400, NULL },
		{ CHUNKED "ffffffffffffffff\r\n", HTTP1_BAD, 400, NULL },
		{ CHUNKED "10001\r\n", HTTP1_BAD, 413, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&rows[i], HTTP1_REQUEST, NULL);
}

static void
test_responses(void **state)
{
	static const struct row rows[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", HTTP1_DONE, 200, "ok" },
		{ "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", HTTP1_DONE, 200, "ok" },
		{ "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", HTTP1_DONE, 200, "" },
		{ "HTTP/1.1 200 OK\r\nX: a\r\n  b\r\nContent-Length: 0\r\n\r\n", HTTP1_DONE, 200,
			"" },
		{ "HTTP/1.1 204 No\r\n\r\n", HTTP1_DONE, 204, "" },
		{ "HTTP/1.1 304 No\r\nContent-Length: 7\r\n\r\n", HTTP1_DONE, 304, "" },
		{ "HTTP/1.1 101 Switch\r\nUpgrade: x\r\n\r\nhello", HTTP1_DONE, 101, "" },
		{ "HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 103 Hints\r\nA: b\r\n\r\n"
		  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
			HTTP1_DONE, 200, "ok" },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nok\n0\n\n", HTTP1_DONE,
			200, "ok" },
		{ "HTTP/1.1 200 OK\r\n\r\nuntil the end", HTTP1_BODY, 200, "until the end" },
		{ "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", HTTP1_DONE, 999, "" },
		{ "SSH-2.0-OpenSSH\r\n", HTTP1_BAD, 0, NULL },
		{ "HTTP/2 200 OK\r\n", HTTP1_BAD, 0, NULL },
		{ "HTTP/1.1 2x0 OK\r\n\r\n", HTTP1_BAD, 0, NULL },
		{ "HTTP/1.1 099 OK\r\n\r\n", HTTP1_BAD, 0, NULL },
		{ "HTTP/1.1 2000 OK\r\n\r\n", HTTP1_BAD, 0, NULL },
		{ "HTTP/1.1\r\n\r\n", HTTP1_BAD, 0, NULL },
		{ "\x15\x03\x01\x00\x02\x02", HTTP1_BAD, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&rows[i], HTTP1_RESPONSE, NULL);
}

static void
test_folded_value_is_one(void **state)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nX: a\r\n\tb\r\nContent-Length: 0\r\n\r\n";
	struct http1 m;

	(void)state;
	http1_init(&m, HTTP1_RESPONSE, NULL);
	assert_int_equal(feed(&m, text, sizeof(text) - 1, 1, NULL), HTTP1_DONE);
	assert_string_equal(http1_header(&m, "x"), "a  \tb");
	assert_int_equal(m.header_count, 2);
	http1_fini(&m);
}

static void
test_nul(void **state)
{
	static const char head[] = "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n";
	static const char chunk[] = CHUNKED "3;\0\r\n";
	struct http1 m;

	(void)state;
	http1_init(&m, HTTP1_REQUEST, NULL);
	assert_int_equal(feed(&m, head, sizeof(head) - 1, 1, NULL), HTTP1_BAD);
	http1_fini(&m);
	http1_init(&m, HTTP1_REQUEST, NULL);
	assert_int_equal(feed(&m, chunk, sizeof(chunk) - 1, 1, NULL), HTTP1_BAD);
	http1_fini(&m);
}

static void
test_eats_no_more_than_its_own(void **state)
{
	static const char text[] =
		"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /b";
	struct http1 m;
	size_t rest;

	(void)state;
	http1_init(&m, HTTP1_REQUEST, NULL);
	assert_int_equal(feed(&m, text, sizeof(text) - 1, 1000, &rest), HTTP1_DONE);
	assert_int_equal(rest, 6);
	assert_string_equal(m.method, "POST");
	assert_string_equal(m.target, "/a");
	assert_true(m.keeps_alive);
	http1_fini(&m);
}

static void
alive(const char *text, bool wanted)
{
	struct http1 m;

	http1_init(&m, HTTP1_REQUEST, NULL);
	assert_int_equal(feed(&m, text, strlen(text), 1000, NULL), HTTP1_DONE);
	assert_int_equal(m.keeps_alive, wanted);
	http1_fini(&m);
}

static void
test_keep_alive(void **state)
{
	(void)state;
	alive(HOST "\r\n", true);
	alive(HOST "Connection: close\r\n\r\n", false);
	alive(HOST "Connection: x, Close\r\n\r\n", false);
	alive(HOST "Connection: closed\r\n\r\n", true);
	alive("GET / HTTP/1.0\r\n\r\n", false);
	alive("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true);
}

/* Sends `unit` until the parser has had enough, or `most` bytes are in. */
static int
flood(enum http1_kind kind, const char *start, const char *unit, size_t most)
{
	struct http1 m;
	struct buf in;
	size_t sent = 0;
	int status;

	http1_init(&m, kind, NULL);
	buf_init(&in, 0);
	buf_add_text(&in, start);
	while (http1_feed(&m, &in) != HTTP1_BAD && sent < most) {
		buf_add_text(&in, unit);
		sent += strlen(unit);
	}
	status = m.state == HTTP1_BAD ? m.status : -1;
	assert_true(buf_left(&in) < 40000);
	buf_fini(&in);
	http1_fini(&m);
	return status;
}

static void
test_floods(void **state)
{
	(void)state;
	assert_int_equal(flood(HTTP1_REQUEST, "GET /", "x", 100000), 414);
	assert_int_equal(flood(HTTP1_REQUEST, HOST, "A: b\r\n", 100000), 431);
	assert_int_equal(flood(HTTP1_REQUEST, HOST "X: ", "y", 100000), 431);
	assert_int_equal(flood(HTTP1_REQUEST, CHUNKED, "0", 100000), 400);
	assert_int_equal(flood(HTTP1_REQUEST, CHUNKED "1;", "x", 100000), 400);
	assert_int_equal(flood(HTTP1_REQUEST, CHUNKED "0\r\n", "A: b\r\n", 100000), 431);
	assert_int_equal(flood(HTTP1_REQUEST, CHUNKED "0\r\n", "A", 100000), 400);
	assert_int_equal(flood(HTTP1_REQUEST, CHUNKED, "1\r\nx\r\n", 10000000), 413);
	assert_int_equal(flood(HTTP1_RESPONSE, "HTTP/1.1 200 OK\r\nX: ", "y", 100000), 0);
	assert_int_equal(flood(HTTP1_RESPONSE, "", "HTTP/1.1 100 Go\r\n\r\n", 100000), 0);
}

static void
test_body_is_cut(void **state)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789";
	struct http1_limits limits = { .body_max = 4, .cut_body = true };
	struct http1 m;

	(void)state;
	http1_init(&m, HTTP1_RESPONSE, &limits);
	assert_int_equal(feed(&m, text, sizeof(text) - 1, 3, NULL), HTTP1_DONE);
	assert_string_equal(buf_text(&m.body), "0123");
	assert_int_equal(m.body_bytes, 10);
	assert_true(m.is_cut);
	http1_fini(&m);
}

static void
test_head_reply(void **state)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
	struct http1 m;

	(void)state;
	http1_init(&m, HTTP1_RESPONSE, NULL);
	m.is_head_reply = true;
	assert_int_equal(feed(&m, text, sizeof(text) - 1, 1, NULL), HTTP1_DONE);
	http1_fini(&m);
}

static void
ends(const char *text, enum http1_state wanted, const char *words)
{
	struct http1 m;

	http1_init(&m, HTTP1_RESPONSE, NULL);
	feed(&m, text, strlen(text), 1000, NULL);
	assert_int_equal(http1_feed_end(&m), wanted);
	if (words != NULL)
		assert_non_null(strstr(m.err.text, words));
	http1_fini(&m);
}

static void
test_the_peer_closes(void **state)
{
	(void)state;
	ends("HTTP/1.1 200 OK\r\n\r\nall of it", HTTP1_DONE, NULL);
	ends("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", HTTP1_BAD, "truncated");
	ends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf", HTTP1_BAD,
		"truncated");
	ends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", HTTP1_BAD, "truncated");
	ends("HTTP/1.1 20", HTTP1_BAD, "closed");
	ends("", HTTP1_BAD, "closed");
	ends("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", HTTP1_DONE, NULL);
}

static void
test_tls_is_told_apart(void **state)
{
	struct http1 m;

	(void)state;
	http1_init(&m, HTTP1_RESPONSE, NULL);
	assert_int_equal(feed(&m, "\x15\x03\x01", 3, 1, NULL), HTTP1_BAD);
	assert_int_equal(m.err.code, EPROTOTYPE);
	http1_fini(&m);
	http1_init(&m, HTTP1_RESPONSE, NULL);
	assert_int_equal(feed(&m, "SSH", 3, 1, NULL), HTTP1_BAD);
	assert_int_equal(m.err.code, EPROTO);
	http1_fini(&m);
}

static void
test_writing(void **state)
{
	struct buf out;
	struct err e;

	(void)state;
	buf_init(&out, 0);
	assert_int_equal(http1_write_header(&out, "X-A", "b c", &e), 0);
	assert_string_equal(buf_text(&out), "X-A: b c\r\n");
	assert_int_equal(http1_write_header(&out, "X A", "b", &e), -1);
	assert_int_equal(http1_write_header(&out, "", "b", &e), -1);
	assert_int_equal(http1_write_header(&out, "X", "a\nb", &e), -1);
	assert_int_equal(http1_write_header(&out, "X", "a\rb", &e), -1);
	assert_string_equal(buf_text(&out), "X-A: b c\r\n");
	buf_fini(&out);
	assert_string_equal(http1_reason(404), "Not Found");
	assert_string_equal(http1_reason(799), "Unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_bad_requests),
		cmocka_unit_test(test_responses),
		cmocka_unit_test(test_folded_value_is_one),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_eats_no_more_than_its_own),
		cmocka_unit_test(test_keep_alive),
		cmocka_unit_test(test_floods),
		cmocka_unit_test(test_body_is_cut),
		cmocka_unit_test(test_head_reply),
		cmocka_unit_test(test_the_peer_closes),
		cmocka_unit_test(test_tls_is_told_apart),
		cmocka_unit_test(test_writing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

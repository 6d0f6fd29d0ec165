/*
 * The server over real sockets and a clock that the test turns: order, bounds, deadlines, rights.
 * Client and server share this thread: the client's sockets never block.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/api.h"
#include "api/server.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/loop.h"
#include "io/offload.h"
#include "setup/settings.h"

#define TURNS 200

struct fixture {
	struct clock clock;
	struct loop *loop;
	struct stats stats;
	struct offload *offload;
	struct io_env env;
	struct settings settings;
	struct api_world world;
	struct api *api;
	char folder[64], path[80];
	char *listen[2];
	uint16_t port;
	/* what the fake app was asked */
	unsigned reloads;
	struct {
		void (*done)(void *arg2, const char *text);
		void *arg;
	} waiting[CONNS_MAX];
	unsigned waiting_count;
	const char *reload_text;
	bool is_reload_later;
};

static void
on_reload(void *arg, void (*done)(void *arg2, const char *text), void *arg2)
{
	struct fixture *f = arg;

	f->reloads++;
	if (!f->is_reload_later) {
		done(arg2, f->reload_text);
		return;
	}
	assert_true(f->waiting_count < CONNS_MAX);
	f->waiting[f->waiting_count].done = done;
	f->waiting[f->waiting_count++].arg = arg2;
}

static void
end_reloads(struct fixture *f)
{
	for (unsigned i = 0; i < f->waiting_count; i++)
		f->waiting[i].done(f->waiting[i].arg, NULL);
	f->waiting_count = 0;
}

static int
setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err e;
	char where[300];

	strcpy(f->folder, "/tmp/triaged-api-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/api.sock", f->folder);
	setenv("RUNTIME_DIRECTORY", f->folder, 1);
	clock_init_fake(&f->clock, USEC_PER_HOUR, 1700000000 * USEC_PER_SEC);
	f->loop = loop_new(&f->clock, &e);
	assert_non_null(f->loop);
	f->offload = offload_new(f->loop);
	f->env = (struct io_env){
		.loop = f->loop, .offload = f->offload, .stats = &f->stats, .version = "1.2.3"
	};
	f->settings.refs = 1;
	f->listen[0] = xstrdup("127.0.0.1:0");
	f->settings.api.listen = (struct conf_strings){ f->listen, 1 };
	f->settings.daemon.state_dir = f->folder;
	f->world = (struct api_world){
		.env = &f->env, .settings = &f->settings, .reload = on_reload, .arg = f
	};
	f->api = api_new(&f->world);
	assert_int_equal(api_listen(f->api, &e), 0);
	api_where(f->api, where, sizeof(where));
	f->port = (uint16_t)strtoul(strrchr(where, ':') + 1, NULL, 10);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char token[100];

	api_free(f->api);
	assert_true(offload_free(f->offload));
	assert_int_equal(f->settings.refs, 1);
	loop_free(f->loop);
	snprintf(token, sizeof(token), "%s/token", f->folder);
	unlink(token);
	assert_int_equal(rmdir(f->folder), 0);
	free(f->listen[0]);
	free(f);
	return 0;
}

static int
dial_unix(const struct fixture *f)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct addr addr;

	assert_int_equal(addr_from_path(&addr, f->path, NULL), 0);
	assert_int_equal(connect(fd, &addr.sa, addr.len), 0);
	return fd;
}

static int
dial_tcp(const struct fixture *f)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct addr addr;

	assert_int_equal(addr_from_numeric(&addr, "127.0.0.1", f->port), 0);
	assert_int_equal(connect(fd, &addr.sa, addr.len), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

static void
say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

struct hearing {
	int fd;
	struct buf text;
	const char *wanted; /* ends at this text; NULL: at the end of the connection */
	bool is_closed;
};

static bool
hear_some(void *arg)
{
	struct hearing *h = arg;
	char chunk[65536];
	ssize_t len;

	while ((len = recv(h->fd, chunk, sizeof(chunk), 0)) > 0)
		buf_add(&h->text, chunk, (size_t)len);
	if (len == 0 || (len == -1 && errno != EAGAIN))
		h->is_closed = true;
	return h->is_closed || (h->wanted != NULL && strstr(buf_text(&h->text), h->wanted) != NULL);
}

/* Everything heard until `wanted`, or until the end of the connection. */
static char *
hear(struct fixture *f, int fd, const char *wanted)
{
	struct hearing h = { .fd = fd, .wanted = wanted };

	buf_init(&h.text, 0);
	if (!loop_turn_until(f->loop, hear_some, &h, TURNS))
		fail_msg("not heard: %s; heard: %s", wanted, buf_text(&h.text));
	if (wanted != NULL && strstr(buf_text(&h.text), wanted) == NULL)
		fail_msg("closed before: %s; heard: %s", wanted, buf_text(&h.text));
	return buf_take_text(&h.text);
}

static void
expect(struct fixture *f, int fd, const char *wanted)
{
	free(hear(f, fd, wanted));
}

static void
expect_closed(struct fixture *f, int fd)
{
	char *rest = hear(f, fd, NULL);

	assert_string_equal(rest, "");
	free(rest);
}

static void
settle(struct fixture *f)
{
	for (int i = 0; i < 5; i++)
		loop_turn(f->loop, false);
}

/* One request over TCP or the unix socket, "Connection: close" added. */
static char *
ask(struct fixture *f, bool is_tcp, const char *line, const char *headers)
{
	int fd = is_tcp ? dial_tcp(f) : dial_unix(f);
	char *text,
		*request = xasprintf("%s HTTP/1.1\r\n%sConnection: close\r\n\r\n", line, headers);

	say(fd, request);
	text = hear(f, fd, NULL);
	close(fd);
	free(request);
	return text;
}

static void
expect_status(struct fixture *f, bool is_tcp, const char *line, const char *headers, int status)
{
	char *text = ask(f, is_tcp, line, headers);

	if (strlen(text) < 12 || atoi(text + 9) != status)
		fail_msg("%s: wanted %d, got: %s", line, status, text);
	free(text);
}

#define HOST "Host: localhost\r\n"

static void
test_requests_in_order_on_one_connection(void **state)
{
	struct fixture *f = *state;
	int fd = dial_unix(f);
	char *text;

	say(fd, "GET /healthz HTTP/1.1\r\n" HOST "\r\n"
		"GET /nothing HTTP/1.1\r\n" HOST "\r\n"
		"HEAD /healthz HTTP/1.1\r\n" HOST "\r\n"
		"GET /readyz HTTP/1.1\r\n" HOST "\r\n");
	text = hear(f, fd, "not ready\n");
	assert_true(strstr(text, "200 OK") < strstr(text, "404 Not Found"));
	assert_true(strstr(text, "404 Not Found") < strstr(text, "503 Service Unavailable"));
	assert_non_null(strstr(text, "Cache-Control: no-store\r\n"));
	assert_non_null(strstr(text, "X-Content-Type-Options: nosniff\r\n"));
	assert_non_null(strstr(text, "Content-Security-Policy: default-src 'none'"));
	assert_non_null(strstr(text, "application/problem+json"));
	free(text);
	say(fd, "GET /healthz HTTP/1.1\r\n" HOST "\r\n");
	expect(f, fd, "\r\n\r\nok\n");
	close(fd);
}

static void
test_head_has_no_body(void **state)
{
	struct fixture *f = *state;
	char *text = ask(f, false, "HEAD /healthz", HOST);

	assert_non_null(strstr(text, "Content-Length: 3\r\n"));
	assert_true(str_ends(text, "\r\n\r\n"));
	free(text);
}

static void
test_other_methods_are_told_what_is_allowed(void **state)
{
	struct fixture *f = *state;
	char *text = ask(f, false, "DELETE /api/v1/checks", HOST);

	assert_non_null(strstr(text, "405 Method Not Allowed"));
	assert_non_null(strstr(text, "Allow: GET, HEAD\r\n"));
	free(text);
	text = ask(f, false, "GET /api/v1/reload", HOST);
	assert_non_null(strstr(text, "Allow: POST\r\n"));
	free(text);
}

static void
test_too_much_is_refused_with_words(void **state)
{
	static const struct {
		const char *start;
		size_t filling;
		int status;
	} rows[] = {
		{ "GET / HTTP/1.1\r\n" HOST "X: ", 10000, 431 },
		{ "POST /api/v1/reload HTTP/1.1\r\n" HOST "Content-Length: 70000\r\n\r\n", 70000,
			413 },
		{ "POST /api/v1/reload HTTP/1.1\r\n" HOST
		  "Content-Length: 99999999999999999999\r\n\r\n",
			0, 413 },
		{ "nonsense\r\n\r\n", 0, 400 },
		{ "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n", 0, 400 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = dial_tcp(f);
		char *filling = xmalloc(rows[i].filling + 1), *text;

		memset(filling, 'x', rows[i].filling);
		filling[rows[i].filling] = '\0';
		say(fd, rows[i].start);
		say(fd, filling);
		text = hear(f, fd, "}\n");
		if (atoi(text + 9) != rows[i].status)
			fail_msg("row %zu: wanted %d, got %s", i, rows[i].status, text);
		assert_non_null(strstr(text, "Connection: close"));
		free(text);
		free(filling);
		close(fd);
	}
}

static void
test_bytes_do_not_extend_a_request(void **state)
{
	struct fixture *f = *state;
	int fd = dial_unix(f);

	say(fd, "GET /healthz HTTP/1.1\r\n");
	settle(f);
	for (int i = 0; i < 4; i++) {
		loop_advance(f->loop, USEC_PER_SEC);
		say(fd, "X");
		settle(f);
	}
	loop_advance(f->loop, USEC_PER_SEC);
	expect(f, fd, "408 Request Timeout");
	loop_advance(f->loop, 2 * USEC_PER_SEC);
	expect_closed(f, fd);
	close(fd);
}

static void
test_idle_connections_end(void **state)
{
	struct fixture *f = *state;
	int fd = dial_unix(f);

	settle(f);
	loop_advance(f->loop, 59 * USEC_PER_SEC);
	say(fd, "GET /healthz HTTP/1.1\r\n" HOST "\r\n");
	expect(f, fd, "ok\n");
	loop_advance(f->loop, 59 * USEC_PER_SEC);
	say(fd, "GET /healthz HTTP/1.1\r\n" HOST "\r\n");
	expect(f, fd, "ok\n");
	loop_advance(f->loop, 61 * USEC_PER_SEC);
	expect_closed(f, fd);
	close(fd);
}

static void
test_newcomers_take_the_place_of_the_oldest(void **state)
{
	struct fixture *f = *state;
	int fds[CONNS_MAX + 2];

	for (size_t i = 0; i < CONNS_MAX + 2; i++) {
		fds[i] = dial_unix(f);
		/* The second one is idle, all others are slow. */
		if (i != 1)
			say(fds[i], "GET /heal");
		settle(f);
		loop_advance(f->loop, 1000);
	}
	expect_closed(f, fds[1]);
	expect_closed(f, fds[0]);
	say(fds[2], "thz HTTP/1.1\r\n" HOST "\r\n");
	expect(f, fds[2], "ok\n");
	for (size_t i = 0; i < CONNS_MAX + 2; i++)
		close(fds[i]);
}

/* Connections that are being answered are not given up. */
static void
test_all_busy_turns_newcomers_away(void **state)
{
	struct fixture *f = *state;
	int fds[CONNS_MAX], late;

	f->is_reload_later = true;
	for (size_t i = 0; i < CONNS_MAX; i++) {
		fds[i] = dial_unix(f);
		say(fds[i], "POST /api/v1/reload HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n");
		settle(f);
	}
	assert_int_equal(f->reloads, CONNS_MAX);
	late = dial_unix(f);
	expect(f, late, "\"status\":503");
	close(late);
	end_reloads(f);
	for (size_t i = 0; i < CONNS_MAX; i++) {
		expect(f, fds[i], "\"reloaded\":true");
		close(fds[i]);
	}
	assert_true(stats_get(&f->stats, STAT_API_REJECTED) >= 1);
}

/* However many ask at once, a turn answers few: checks have theirs in between. */
static void
test_a_crowd_is_answered_one_by_one(void **state)
{
	enum { CROWD = 40 };
	struct fixture *f = *state;
	uint64_t before = (uint64_t)stats_get(&f->stats, STAT_API_REQUESTS), answered = before;
	int fds[CROWD];

	for (size_t i = 0; i < CROWD; i++) {
		fds[i] = dial_unix(f);
		settle(f);
	}
	for (size_t i = 0; i < CROWD; i++)
		say(fds[i], "GET /healthz HTTP/1.1\r\n" HOST "\r\n");
	for (int turn = 0; answered < before + CROWD && turn < 10 * CROWD; turn++) {
		uint64_t now;

		loop_turn(f->loop, false);
		now = (uint64_t)stats_get(&f->stats, STAT_API_REQUESTS);
		assert_true(now - answered <= 2);
		answered = now;
	}
	assert_int_equal(answered, before + CROWD);
	for (size_t i = 0; i < CROWD; i++) {
		expect(f, fds[i], "200 OK");
		close(fds[i]);
	}
}

static void
test_names_are_checked_over_tcp_only(void **state)
{
	struct fixture *f = *state;

	expect_status(f, true, "GET /healthz", HOST, 200);
	expect_status(f, true, "GET /healthz", "Host: evil.example\r\n", 421);
	expect_status(f, true, "GET /healthz", "", 400);
	expect_status(f, false, "GET /healthz", "Host: evil.example\r\n", 200);
}

static void
test_writing_over_tcp_needs_the_token(void **state)
{
	struct fixture *f = *state;
	char path[100], token[64] = "", good[200], line[] = "POST /api/v1/reload", *text;
	FILE *file;

	snprintf(path, sizeof(path), "%s/token", f->folder);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(token, sizeof(token), file));
	fclose(file);
	token[strcspn(token, "\n")] = '\0';
	text = ask(f, true, line, HOST);
	assert_non_null(strstr(text, "401 Unauthorized"));
	assert_non_null(strstr(text, "WWW-Authenticate: Bearer"));
	free(text);
	expect_status(f, true, line, HOST "Authorization: Bearer nonsense\r\n", 401);
	snprintf(good, sizeof(good), HOST "Authorization: Bearer %s\r\n", token);
	expect_status(f, true, line, good, 200);
	strcat(good, "Origin: http://evil.example\r\n");
	expect_status(f, true, line, good, 403);
	assert_int_equal(f->reloads, 1);
	expect_status(f, false, line, HOST, 200);
	assert_int_equal(f->reloads, 2);
}

static void
test_a_bad_reload_says_why(void **state)
{
	struct fixture *f = *state;
	char *text;

	f->reload_text = "triaged.yaml:3:1: error: no";
	text = ask(f, false, "POST /api/v1/reload", HOST);
	assert_non_null(strstr(text, "422 Unprocessable Content"));
	assert_non_null(strstr(text, "triaged.yaml:3:1: error: no"));
	free(text);
}

static void
test_a_reload_outlives_who_asked(void **state)
{
	struct fixture *f = *state;
	int fd = dial_unix(f);

	f->is_reload_later = true;
	say(fd, "POST /api/v1/reload HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n");
	settle(f);
	assert_int_equal(f->reloads, 1);
	loop_advance(f->loop, 31 * USEC_PER_SEC);
	expect(f, fd, "504 Gateway Timeout");
	close(fd);
	end_reloads(f);
	settle(f);
}

/* What is answered when it is on disk, or written on a thread: a stop waits for it, too. */
static void
test_one_that_waits_for_its_answer_is_busy(void **state)
{
	struct fixture *f = *state;
	int fd = dial_unix(f);

	f->is_reload_later = true;
	assert_true(api_is_idle(f->api));
	say(fd, "POST /api/v1/reload HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n");
	settle(f);
	loop_advance(f->loop, USEC_PER_SEC);
	assert_false(api_is_idle(f->api));
	end_reloads(f);
	expect(f, fd, "200 OK");
	loop_advance(f->loop, USEC_PER_SEC);
	assert_true(api_is_idle(f->api));
	close(fd);
}

static bool
has_begun(void *fd)
{
	char first;

	return recv(*(int *)fd, &first, 1, MSG_PEEK) == 1;
}

static void
test_who_leaves_before_the_answer_is_written(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 8; i++) {
		int fd = dial_unix(f);

		say(fd, "GET /api/v1/config HTTP/1.1\r\n" HOST "\r\n");
		if (i % 2 == 0)
			settle(f);
		close(fd);
	}
	settle(f); /* teardown sees that nobody holds the settings */
}

static void
test_large_answers_arrive_whole_or_are_cut_in_time(void **state)
{
	struct fixture *f = *state;
	size_t size = 8 << 20;
	char *yaml = xmalloc(size + 1), *text;
	int fd = dial_unix(f), slow = dial_unix(f);

	memset(yaml, 'y', size);
	yaml[size] = '\0';
	f->settings.masked.before = yaml;
	say(slow, "GET /api/v1/config HTTP/1.1\r\n" HOST "\r\n");
	assert_true(loop_turn_until(f->loop, has_begun, &slow, TURNS));
	say(fd, "GET /api/v1/config HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	text = hear(f, fd, NULL);
	assert_int_equal(strlen(strstr(text, "\r\n\r\n") + 4), size);
	free(text);
	loop_advance(f->loop, 31 * USEC_PER_SEC);
	text = hear(f, slow, NULL);
	assert_true(strlen(text) < size);
	free(text);
	close(fd);
	close(slow);
	f->settings.masked.before = NULL;
	free(yaml);
}

static void
test_half_closing_clients_are_answered(void **state)
{
	struct fixture *f = *state;
	int fd = dial_unix(f);

	say(fd, "GET /healthz HTTP/1.1\r\n" HOST "\r\n");
	shutdown(fd, SHUT_WR);
	expect(f, fd, "ok\n");
	close(fd);
}

static void
test_a_larger_body_is_waited_for(void **state)
{
	struct fixture *f = *state;
	int fd = dial_unix(f);

	say(fd, "POST /api/v1/reload HTTP/1.1\r\n" HOST
		"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
	expect(f, fd, "100 Continue\r\n\r\n");
	say(fd, "abc");
	expect(f, fd, "200 OK");
	close(fd);
}

static void
test_listeners_that_stay_are_kept(void **state)
{
	struct fixture *f = *state;
	char before[300], after[300];
	struct err e;

	api_where(f->api, before, sizeof(before));
	assert_int_equal(api_listen(f->api, &e), 0);
	api_where(f->api, after, sizeof(after));
	assert_string_equal(before, after);
	xstrset(&f->listen[0], "off");
	assert_int_equal(api_listen(f->api, &e), 0);
	api_where(f->api, after, sizeof(after));
	assert_null(strstr(after, "http://"));
	assert_non_null(strstr(after, f->path));
	xstrset(&f->listen[0], "0.0.0.0:0");
	assert_int_equal(api_listen(f->api, &e), -1);
	assert_non_null(strstr(e.text, "api.token"));
	xstrset(&f->listen[0], "example.com:80");
	assert_int_equal(api_listen(f->api, &e), -1);
	assert_non_null(strstr(e.text, "is a name"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_requests_in_order_on_one_connection),
		TEST(test_head_has_no_body),
		TEST(test_other_methods_are_told_what_is_allowed),
		TEST(test_too_much_is_refused_with_words),
		TEST(test_bytes_do_not_extend_a_request),
		TEST(test_idle_connections_end),
		TEST(test_newcomers_take_the_place_of_the_oldest),
		TEST(test_all_busy_turns_newcomers_away),
		TEST(test_a_crowd_is_answered_one_by_one),
		TEST(test_names_are_checked_over_tcp_only),
		TEST(test_writing_over_tcp_needs_the_token),
		TEST(test_a_bad_reload_says_why),
		TEST(test_a_reload_outlives_who_asked),
		TEST(test_one_that_waits_for_its_answer_is_busy),
		TEST(test_who_leaves_before_the_answer_is_written),
		TEST(test_large_answers_arrive_whole_or_are_cut_in_time),
		TEST(test_half_closing_clients_are_answered),
		TEST(test_a_larger_body_is_waited_for),
		TEST(test_listeners_that_stay_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* From names to sockets: both families, refusals, and where it can be stuck. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/help/stream_seen.h"

static void
test_name_is_asked_then_kept(void **state)
{
	static const struct peer_step script[] = { PEER_SEND("x"), PEER_CLOSE, PEER_END };
	struct world *w = *state;
	struct peer *peer = peer_open(w->loop, script);
	struct seen first = { .say = NULL }, second = { .say = NULL };
	char where[64];

	snprintf(where, sizeof(where), "four.test:%u", peer_port(peer));
	seen_open(w, &first, where, NULL);
	seen_run(w, &first, seen_is_over);
	assert_true(first.is_ended);
	assert_true(stream_phases(first.stream)->dns_us >= 0);
	seen_open(w, &second, where, NULL);
	seen_run(w, &second, seen_is_over);
	assert_true(second.is_ended);
	assert_int_equal(stream_phases(second.stream)->dns_us, -1);
	seen_end(w, &first);
	seen_end(w, &second);
	peer_free(peer);
}

static void
test_one_family_refused(void **state)
{
	static const struct peer_step script[] = { PEER_SEND("x"), PEER_CLOSE, PEER_END };
	struct world *w = *state;
	struct peer *peer = peer_open(w->loop, script);
	struct seen seen = { .say = NULL };
	char where[64];

	snprintf(where, sizeof(where), "both.test:%u", peer_port(peer));
	seen_open(w, &seen, where, NULL);
	seen_run(w, &seen, seen_is_over);
	assert_true(seen.is_ended);
	assert_int_equal(addr_family(stream_peer(seen.stream)), AF_INET);
	if (stream_family_note(seen.stream) != NULL) /* no IPv6 on this host: no word about it */
		assert_non_null(
			strstr(stream_family_note(seen.stream), "is refused, IPv4 answers"));
	seen_end(w, &seen);
	peer_free(peer);
}

static void
test_all_refused(void **state)
{
	struct world *w = *state;
	struct seen seen = { .say = NULL };
	char where[64];

	snprintf(where, sizeof(where), "both.test:%u", peer_dead_port());
	seen_open(w, &seen, where, NULL);
	seen_run(w, &seen, seen_is_over);
	assert_true(seen.is_failed);
	assert_int_equal(stream_fault(seen.stream), FAULT_REFUSED);
	seen_end(w, &seen);
}

static void
test_family_wanted(void **state)
{
	struct world *w = *state;
	struct stream_options o = { .family = AF_INET6 };
	struct seen seen = { .say = NULL };

	seen_open(w, &seen, "four.test:80", &o);
	seen_run(w, &seen, seen_is_over);
	assert_true(seen.is_failed);
	assert_int_equal(stream_fault(seen.stream), FAULT_DNS_NXDOMAIN);
	assert_non_null(strstr(stream_reason(seen.stream), "no IPv6 address"));
	seen_end(w, &seen);
}

static void
test_no_such_name(void **state)
{
	struct world *w = *state;
	struct seen seen = { .say = NULL };

	seen_open(w, &seen, "nobody.test.:80", NULL);
	seen_run(w, &seen, seen_is_over);
	assert_int_equal(stream_fault(seen.stream), FAULT_DNS_NXDOMAIN);
	seen_end(w, &seen);
}

static void
test_stuck_in_dns(void **state)
{
	struct world *w = *state;
	struct seen seen = { .say = NULL };
	char text[200];

	seen_open(w, &seen, "silent.test.:80", NULL);
	loop_turn(w->loop, false);
	assert_int_equal(stream_stuck(seen.stream, text, sizeof(text)), FAULT_DNS_FAIL);
	assert_non_null(strstr(text, "silent.test"));
	seen_run(w, &seen, seen_is_over);
	assert_int_equal(stream_fault(seen.stream), FAULT_DNS_FAIL);
	seen_end(w, &seen);
}

/* A backlog that is full: the kernel drops our SYN, as a black hole would. */
static void
test_stuck_in_connect(void **state)
{
	struct world *w = *state;
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct seen seen[3] = { { .say = NULL }, { .say = NULL }, { .say = NULL } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(in);
	char where[64], text[200];

	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(fd, 0), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	snprintf(where, sizeof(where), "127.0.0.1:%u", ntohs(in.sin_port));
	for (int i = 0; i < 3; i++)
		seen_open(w, &seen[i], where, NULL);
	for (int i = 0; i < 10; i++)
		loop_turn(w->loop, false);
	assert_int_equal(seen[2].opens, 0);
	assert_int_equal(stream_stuck(seen[2].stream, text, sizeof(text)), FAULT_TIMEOUT);
	assert_non_null(strstr(text, where));
	for (int i = 0; i < 3; i++)
		seen_end(w, &seen[i]);
	close(fd);
}

/* ::1 takes no more connections at `port`; -1: no IPv6 here, or the port is taken. */
static int
fill_v6(uint16_t port, int fds[4])
{
	struct sockaddr_in6 in = { .sin6_family = AF_INET6,
		.sin6_port = htons(port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };

	fds[0] = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fds[0] == -1 || bind(fds[0], (struct sockaddr *)&in, sizeof(in)) == -1) {
		if (fds[0] != -1)
			close(fds[0]);
		return -1;
	}
	assert_int_equal(listen(fds[0], 0), 0);
	for (int i = 1; i < 4; i++) {
		fds[i] = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		connect(fds[i], (struct sockaddr *)&in, sizeof(in));
	}
	return 0;
}

static void
test_other_family_after_a_while(void **state)
{
	static const struct peer_step script[] = { PEER_SEND("x"), PEER_CLOSE, PEER_END };
	struct world *w = *state;
	struct peer *peer = peer_open(w->loop, script);
	struct seen ask = { .say = NULL }, seen = { .say = NULL };
	char where[64], text[200];
	int fds[4];

	snprintf(where, sizeof(where), "both.test:%u", peer_port(peer));
	seen_open(w, &ask, where, NULL);
	seen_run(w, &ask, seen_is_over);
	seen_end(w, &ask);
	if (fill_v6(peer_port(peer), fds) == -1) {
		peer_free(peer);
		skip();
	}
	seen_open(w, &seen, where, NULL);
	loop_advance(w->loop, 299 * USEC_PER_MSEC);
	for (int i = 0; i < 20; i++)
		loop_turn(w->loop, false);
	assert_int_equal(seen.opens, 0);
	assert_int_equal(stream_stuck(seen.stream, text, sizeof(text)), FAULT_TIMEOUT);
	assert_non_null(strstr(text, "[::1]"));
	loop_advance(w->loop, 2 * USEC_PER_MSEC);
	seen_run(w, &seen, seen_is_over);
	assert_true(seen.is_ended);
	assert_non_null(strstr(stream_family_note(seen.stream), "does not answer, IPv4 answers"));
	assert_int_equal(stream_phases(seen.stream)->connect_us, 301 * USEC_PER_MSEC);
	seen_end(w, &seen);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	peer_free(peer);
}

static void
test_close_in_the_race(void **state)
{
	struct world *w = *state;
	struct seen ask = { .say = NULL }, seen = { .say = NULL };
	char where[64];

	snprintf(where, sizeof(where), "both.test:%u", peer_dead_port());
	seen_open(w, &ask, where, NULL);
	seen_run(w, &ask, seen_is_over);
	seen_end(w, &ask);
	seen_open(w, &seen, where, NULL); /* the name is known: the race begins at once */
	seen_end(w, &seen);
	loop_advance(w->loop, USEC_PER_SEC);
	assert_false(seen.is_failed);
}

/* By a name and by its number: no connection is made. */
static void
test_led_astray(void **state)
{
	static const struct peer_step script[] = { PEER_SEND("x"), PEER_CLOSE, PEER_END };
	static const char *const places[] = { "four.test", "127.0.0.1", "both.test" };
	struct world *w = *state;
	struct peer *peer = peer_open(w->loop, script);

	for (size_t i = 0; i < 2 * sizeof(places) / sizeof(places[0]); i++) {
		bool is_inside = i % 2 == 1;
		struct stream_options o = { .led_from = is_inside ? ADDR_HOST : ADDR_SITE };
		struct seen seen = { .say = NULL };
		char where[64];

		snprintf(where, sizeof(where), "%s:%u", places[i / 2], peer_port(peer));
		seen_open(w, &seen, where, &o);
		seen_run(w, &seen, seen_is_over);
		assert_int_equal(seen.is_ended, is_inside);
		assert_int_equal(stream_is_led_astray(seen.stream), !is_inside);
		if (!is_inside)
			assert_non_null(strstr(stream_reason(seen.stream), "not followed"));
		seen_end(w, &seen);
	}
	assert_int_equal(peer_accepted(peer), 3);
	peer_free(peer);
}

#define TEST(name)                                                                                 \
	cmocka_unit_test_setup_teardown(name, stream_world_set_up, stream_world_tear_down)
#define FAKE(name)                                                                                 \
	cmocka_unit_test_setup_teardown(name, stream_world_set_up_fake, stream_world_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_name_is_asked_then_kept),
		TEST(test_led_astray),
		TEST(test_one_family_refused),
		TEST(test_all_refused),
		TEST(test_family_wanted),
		TEST(test_no_such_name),
		TEST(test_stuck_in_dns),
		TEST(test_stuck_in_connect),
		FAKE(test_other_family_after_a_while),
		FAKE(test_close_in_the_race),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

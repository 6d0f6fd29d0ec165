/* A stream's bytes against scripted peers: every way to end, and the promises on calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/help/stream_seen.h"

static void
test_asks_and_gets(void **state)
{
	static const struct peer_step script[] = { PEER_EXPECT("hello"), PEER_SEND("world"),
		PEER_CLOSE, PEER_END };
	struct world *w = *state;
	struct peer *peer = peer_open(w->loop, script);
	struct seen seen = { .say = "hello" };
	char text[ADDR_TEXT];

	seen_open(w, &seen, peer_address(peer), NULL);
	assert_int_equal(stream_peer(seen.stream)->len > 0, 1);
	seen_run(w, &seen, seen_is_over);
	assert_true(seen.is_ended);
	assert_int_equal(seen.opens, 1);
	assert_int_equal(seen.sents, 1);
	assert_string_equal(buf_text(stream_in(seen.stream)), "world");
	addr_text(stream_peer(seen.stream), text);
	assert_string_equal(text, peer_address(peer));
	assert_true(stream_phases(seen.stream)->connect_us >= 0);
	assert_int_equal(stream_phases(seen.stream)->dns_us, -1);
	assert_int_equal(stream_phases(seen.stream)->tls_us, -1);
	seen_end(w, &seen);
	peer_free(peer);
}

static void
test_unix_path(void **state)
{
	static const struct peer_step script[] = { PEER_EXPECT("x"), PEER_SEND("y"), PEER_CLOSE,
		PEER_END };
	struct world *w = *state;
	char path[64];
	struct peer_options o = { .script = script, .unix_path = path };
	struct seen seen = { .say = "x" };
	struct peer *peer;

	snprintf(path, sizeof(path), "/tmp/stream-test-%d.sock", getpid());
	peer = peer_open_with(w->loop, &o);
	seen_open(w, &seen, path, NULL);
	seen_run(w, &seen, seen_is_over);
	assert_true(seen.is_ended);
	assert_string_equal(buf_text(stream_in(seen.stream)), "y");
	seen_end(w, &seen);
	peer_free(peer);
}

static void
test_no_socket_there(void **state)
{
	struct world *w = *state;
	struct seen seen = { .say = NULL };

	seen_open(w, &seen, "/tmp/there-is-no-such-socket", NULL);
	seen_run(w, &seen, seen_is_over);
	assert_true(seen.is_failed);
	assert_int_equal(stream_fault(seen.stream), FAULT_REFUSED);
	assert_non_null(strstr(stream_reason(seen.stream), "there is no socket"));
	seen_end(w, &seen);
}

static void
test_refused(void **state)
{
	struct world *w = *state;
	struct seen seen = { .say = NULL };
	char where[64];

	snprintf(where, sizeof(where), "127.0.0.1:%u", peer_dead_port());
	seen_open(w, &seen, where, NULL);
	seen_run(w, &seen, seen_is_over);
	assert_true(seen.is_failed);
	assert_int_equal(stream_fault(seen.stream), FAULT_REFUSED);
	assert_non_null(strstr(stream_reason(seen.stream), where));
	seen_end(w, &seen);
}

static void
test_reset_after_part(void **state)
{
	static const struct peer_step script[] = { PEER_EXPECT("go"), PEER_SEND("part"), PEER_RESET,
		PEER_END };
	struct world *w = *state;
	struct peer *peer = peer_open(w->loop, script);
	struct seen seen = { .say = "go" };

	seen_open(w, &seen, peer_address(peer), NULL);
	seen_run(w, &seen, seen_is_over);
	assert_true(seen.is_failed);
	assert_int_equal(stream_fault(seen.stream), FAULT_RESET);
	seen_end(w, &seen);
	peer_free(peer);
}

static void
test_trickle(void **state)
{
	static const struct peer_step script[] = { PEER_TRICKLE("one at a time"), PEER_CLOSE,
		PEER_END };
	struct world *w = *state;
	struct peer *peer = peer_open(w->loop, script);
	struct seen seen = { .say = NULL };

	seen_open(w, &seen, peer_address(peer), NULL);
	seen_run(w, &seen, seen_is_over);
	assert_true(seen.is_ended);
	assert_true(seen.datas > 1);
	assert_string_equal(buf_text(stream_in(seen.stream)), "one at a time");
	seen_end(w, &seen);
	peer_free(peer);
}

static void
test_too_much(void **state)
{
	static const struct peer_step script[] = { PEER_ENDLESS_LINE, PEER_END };
	struct world *w = *state;
	struct peer *peer = peer_open(w->loop, script);
	struct stream_options o = { .in_max = 10000 };
	struct seen seen = { .say = NULL };

	seen_open(w, &seen, peer_address(peer), &o);
	seen_run(w, &seen, seen_is_over);
	assert_true(seen.is_failed);
	assert_int_equal(stream_fault(seen.stream), FAULT_PROTOCOL);
	assert_true(buf_left(stream_in(seen.stream)) <= 10000);
	seen_end(w, &seen);
	peer_free(peer);
}

static void
test_exactly_enough(void **state)
{
	static const struct peer_step script[] = { PEER_REPEAT("0123456789", 10000), PEER_CLOSE,
		PEER_END };
	struct world *w = *state;
	struct peer *peer = peer_open(w->loop, script);
	struct stream_options o = { .in_max = 10000 };
	struct seen seen = { .say = NULL };

	seen_open(w, &seen, peer_address(peer), &o);
	seen_run(w, &seen, seen_is_over);
	assert_true(seen.is_ended);
	assert_int_equal(buf_left(stream_in(seen.stream)), 10000);
	seen_end(w, &seen);
	peer_free(peer);
}

static void
test_big_both_ways(void **state)
{
	enum { SIZE = 12 << 20 };
	static const struct peer_step script[] = { PEER_EXPECT_BYTES(SIZE),
		PEER_REPEAT("abc", SIZE), PEER_CLOSE, PEER_END };
	struct world *w = *state;
	struct peer *peer = peer_open(w->loop, script);
	struct seen seen = { .keeps_reading = true };
	char *much = xmalloc(SIZE);

	memset(much, 'm', SIZE);
	seen_open(w, &seen, peer_address(peer), NULL);
	seen_run(w, &seen, seen_is_open);
	seen.is_inside_call = true;
	stream_write(seen.stream, much, SIZE);
	seen.is_inside_call = false;
	assert_true(stream_unsent(seen.stream) > 0);
	assert_int_equal(seen.sents, 0);
	seen_run(w, &seen, seen_is_over);
	assert_true(seen.is_ended);
	assert_int_equal(seen.sents, 1);
	assert_int_equal(stream_unsent(seen.stream), 0);
	assert_int_equal(seen.got.len, SIZE);
	assert_int_equal(peer_heard_len(peer, 0), SIZE);
	free(much);
	seen_end(w, &seen);
	peer_free(peer);
}

static void
test_write_outside_says_sent(void **state)
{
	static const struct peer_step script[] = { PEER_END };
	struct world *w = *state;
	struct peer *peer = peer_open(w->loop, script);
	struct seen seen = { .say = NULL };

	seen_open(w, &seen, peer_address(peer), NULL);
	seen_run(w, &seen, seen_is_open);
	seen.is_inside_call = true;
	stream_write(seen.stream, "ab", 2);
	seen.is_inside_call = false;
	seen_run(w, &seen, seen_has_sent);
	assert_int_equal(seen.sents, 1);
	seen_end(w, &seen);
	peer_free(peer);
}

static void
test_pause(void **state)
{
	static const struct peer_step script[] = { PEER_EXPECT("a"), PEER_SEND("later"),
		PEER_EXPECT("b"), PEER_END };
	struct world *w = *state;
	struct peer *peer = peer_open(w->loop, script);
	struct seen seen = { .say = "a", .want = 5 };

	seen_open(w, &seen, peer_address(peer), NULL);
	stream_pause(seen.stream, true);
	seen_run(w, &seen, seen_has_sent);
	for (int i = 0; i < 20; i++)
		loop_turn(w->loop, false);
	assert_int_equal(seen.datas, 0);
	stream_pause(seen.stream, false);
	seen_run(w, &seen, seen_has_wanted);
	assert_string_equal(buf_text(stream_in(seen.stream)), "later");
	seen_end(w, &seen);
	peer_free(peer);
}

static void
test_close_inside(void **state)
{
	static const struct peer_step script[] = { PEER_SEND("banner"), PEER_END };
	struct world *w = *state;
	struct peer *peer = peer_open(w->loop, script);
	struct seen seen = { .closes_on_data = true };

	seen_open(w, &seen, peer_address(peer), NULL);
	seen_run(w, &seen, seen_is_over);
	assert_int_equal(seen.datas, 1);
	seen_end(w, &seen);
	peer_free(peer);
}

static void
test_closed_while_writing(void **state)
{
	static const struct peer_step script[] = { PEER_SEND("go away"), PEER_CLOSE, PEER_END };
	struct world *w = *state;
	struct peer *peer = peer_open(w->loop, script);
	struct seen seen = { .want = 7 };
	char *much = xcalloc(1, 1 << 20);

	seen_open(w, &seen, peer_address(peer), NULL);
	seen_run(w, &seen, seen_is_open);
	for (int i = 0; i < 8 && !seen_is_over(&seen); i++) {
		stream_write(seen.stream, much, 1 << 20);
		loop_turn(w->loop, false);
	}
	seen_run(w, &seen, seen_is_over);
	assert_true(seen.is_failed || seen.is_ended);
	free(much);
	seen_end(w, &seen);
	peer_free(peer);
}

/* Nobody reads while an answer is being sent: a peer that is gone is noticed all the same. */
static void
test_reset_while_paused(void **state)
{
	enum { MUCH = 8 << 20 };
	struct world *w = *state;
	struct seen seen = { .say = NULL };
	char *much = xcalloc(1, MUCH);
	int pair[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(write(pair[1], "unread", 6), 6);
	seen.stream = stream_adopt(w->loop, pair[0], 0, seen_on_event, &seen);
	stream_pause(seen.stream, true);
	stream_write(seen.stream, much, MUCH);
	assert_true(stream_unsent(seen.stream) > 0);
	loop_turn(w->loop, false);
	assert_false(seen_is_over(&seen));
	close(pair[1]);
	seen_run(w, &seen, seen_is_over);
	assert_true(seen.is_failed);
	assert_int_equal(stream_fault(seen.stream), FAULT_RESET);
	assert_int_equal(stream_unsent(seen.stream), 0);
	free(much);
	seen_end(w, &seen);
}

/* The peer stopped reading but is still there: no end will ever be read. */
static void
test_write_error_alone_is_the_end(void **state)
{
	struct world *w = *state;
	struct seen seen = { .say = NULL };
	int pair[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	seen.stream = stream_adopt(w->loop, pair[0], 0, seen_on_event, &seen);
	shutdown(pair[1], SHUT_RD);
	stream_write(seen.stream, "hello", 5);
	seen_run(w, &seen, seen_is_over);
	assert_true(seen.is_failed);
	close(pair[1]);
	seen_end(w, &seen);
}

static void
test_adopt(void **state)
{
	struct world *w = *state;
	struct seen seen = { .want = 4 };
	int pair[2];
	char got[8] = "";

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	seen.stream = stream_adopt(w->loop, pair[0], 0, seen_on_event, &seen);
	assert_int_equal(write(pair[1], "ping", 4), 4);
	seen_run(w, &seen, seen_has_wanted);
	assert_int_equal(seen.opens, 0);
	assert_string_equal(buf_text(stream_in(seen.stream)), "ping");
	stream_write(seen.stream, "pong", 4);
	assert_int_equal(read(pair[1], got, 4), 4);
	close(pair[1]);
	seen_run(w, &seen, seen_is_over);
	assert_true(seen.is_ended);
	seen_end(w, &seen);
}

#define TEST(name)                                                                                 \
	cmocka_unit_test_setup_teardown(name, stream_world_set_up, stream_world_tear_down)

/* It reads to the end, and ends then. */
static const struct peer_step reads_all[] = { PEER_EXPECT("what never comes"), PEER_END };

static void
test_finish(void **state)
{
	static const struct peer_step late[] = { PEER_EXPECT("hello"), PEER_SEND("late"),
		PEER_CLOSE, PEER_END };
	static const struct peer_step *const scripts[] = { reads_all, late };
	struct world *w = *state;

	for (size_t i = 0; i < 2; i++) {
		struct peer *peer = peer_open(w->loop, scripts[i]);
		struct seen seen = { .say = "hello" };

		seen_open(w, &seen, peer_address(peer), NULL);
		seen_run(w, &seen, seen_has_sent);
		assert_false(stream_is_ended(seen.stream));
		stream_finish(seen.stream);
		seen_run(w, &seen, seen_is_over);
		assert_true(seen.is_ended);
		assert_true(stream_is_ended(seen.stream));
		assert_int_equal(stream_unacked(seen.stream), 0);
		assert_string_equal(peer_heard(peer, 0), "hello");
		assert_string_equal(buf_text(stream_in(seen.stream)), i == 0 ? "" : "late");
		seen_end(w, &seen);
		peer_free(peer);
	}
}

static void
test_finish_waits_for_what_is_unsent(void **state)
{
	struct world *w = *state;
	struct peer *peer = peer_open(w->loop, reads_all);
	struct seen seen = { .say = "hello" };
	size_t size = 8 << 20;
	char *much = xmalloc(size);

	memset(much, 'x', size);
	seen_open(w, &seen, peer_address(peer), NULL);
	seen_run(w, &seen, seen_is_open);
	stream_write(seen.stream, much, size);
	assert_true(stream_unsent(seen.stream) > 0);
	stream_finish(seen.stream);
	seen_run(w, &seen, seen_is_over);
	assert_true(seen.is_ended);
	assert_int_equal(stream_unacked(seen.stream), 0);
	seen_end(w, &seen);
	peer_free(peer);
	free(much);
}

static void
test_a_reset_is_not_acknowledged(void **state)
{
	static const struct peer_step script[] = { PEER_EXPECT("hello"), PEER_RESET, PEER_END };
	struct world *w = *state;
	struct peer *peer = peer_open(w->loop, script);
	struct seen seen = { .say = "hello" };

	seen_open(w, &seen, peer_address(peer), NULL);
	seen_run(w, &seen, seen_is_over);
	assert_true(seen.is_failed);
	assert_int_equal(stream_unacked(seen.stream), -1);
	assert_false(stream_is_ended(seen.stream));
	seen_end(w, &seen);
	peer_free(peer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_asks_and_gets),
		TEST(test_unix_path),
		TEST(test_no_socket_there),
		TEST(test_refused),
		TEST(test_reset_after_part),
		TEST(test_trickle),
		TEST(test_too_much),
		TEST(test_exactly_enough),
		TEST(test_big_both_ways),
		TEST(test_write_outside_says_sent),
		TEST(test_pause),
		TEST(test_close_inside),
		TEST(test_closed_while_writing),
		TEST(test_reset_while_paused),
		TEST(test_write_error_alone_is_the_end),
		TEST(test_adopt),
		TEST(test_finish),
		TEST(test_finish_waits_for_what_is_unsent),
		TEST(test_a_reset_is_not_acknowledged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* HTTP over a connection that is kept between runs, and what may happen to it meanwhile. */
#include "tests/probes/http_scene.h"

#define KEEPING "reconnect_interval: 5m\n"
#define STAYS(n)                                                                                   \
	PEER_EXPECT("\r\n\r\n"), PEER_SEND("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" n)

static void
start_keeping(struct bench *b, const struct peer *peer, const char *more)
{
	char yaml[128];

	snprintf(yaml, sizeof(yaml), KEEPING "%s", more);
	configure(b, peer, "http", more[0] != '\0' ? yaml : KEEPING);
}

static void
assert_good(struct bench *b)
{
	bench_run(b);
	if (b->sample.outcome != OUTCOME_OK)
		fail_msg("%s", b->sample.text);
}

static void
it_is_asked_again(void **state)
{
	static const struct peer_step script[] = { STAYS("ok"), STAYS("ok"), STAYS("ok"),
		PEER_END };
	struct bench *b = *state;
	struct peer *peer = peer_open(b->loop, script);

	start_keeping(b, peer, "");
	assert_good(b);
	assert_true(bench_value(b, "connect_time") >= 0);
	assert_not_heard(peer, 0, "Connection:");
	assert_good(b);
	assert_true(isnan(bench_value(b, "connect_time")));
	assert_true(bench_value(b, "first_byte_time") >= 0);
	assert_true(bench_value(b, "body_bytes") == 2);
	assert_good(b);
	assert_int_equal(peer_accepted(peer), 1);
	peer_free(peer);
}

static void
by_default_nothing_is_kept(void **state)
{
	static const struct peer_step script[] = { STAYS("ok"), STAYS("ok"), PEER_END };
	struct bench *b = *state;
	struct peer *peer = peer_open(b->loop, script);

	configure(b, peer, "http", "");
	assert_good(b);
	assert_heard(peer, 0, "Connection: close\r\n");
	assert_good(b);
	assert_int_equal(peer_accepted(peer), 2);
	assert_null(b->watch);
	peer_free(peer);
}

static bool
is_gone(void *arg)
{
	return peer_living(arg) == 0;
}

/* Each of these servers would not take a second request on the first connection. */
static void
what_the_server_ends_is_not_kept(void **state)
{
	static const struct peer_step says[] = { ANSWER("200 OK", "Content-Length: 2\r\n", "ok") };
	static const struct peer_step to_end[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND("HTTP/1.1 200 OK\r\n\r\nok"), PEER_CLOSE, PEER_END };
	static const struct peer_step old[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"), PEER_END };
	static const struct peer_step more[] = { STAYS("ok and more"), PEER_END };
	static const struct peer_step bad[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND("HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno"), PEER_END };
	static const struct peer_step *const scripts[] = { says, to_end, old, more, bad };
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		struct peer *peer = peer_open(b->loop, scripts[i]);

		start_keeping(b, peer, "");
		bench_run(b);
		bench_run(b);
		assert_int_equal(b->sample.outcome, scripts[i] == bad ? OUTCOME_FAIL : OUTCOME_OK);
		assert_int_equal(peer_accepted(peer), 2);
		assert_true(loop_turn_until(b->loop, is_gone, peer, 100));
		peer_free(peer);
	}
}

/* Ended or reset while idle, or by the second request: no failure, but another connection. */
static void
one_that_died_is_replaced(void **state)
{
	static const struct peer_step ends[] = { STAYS("ok"), PEER_CLOSE, PEER_END };
	static const struct peer_step resets[] = { STAYS("ok"), PEER_EXPECT("\r\n\r\n"), PEER_RESET,
		PEER_END };
	static const struct peer_step half[] = { STAYS("ok"), PEER_EXPECT("\r\n\r\n"),
		PEER_SEND("HTTP/1.1 200 O"), PEER_CLOSE, PEER_END };
	static const struct peer_step broken[] = { STAYS("ok"), PEER_EXPECT("\r\n\r\n"),
		PEER_SEND("what?\r\n\r\n"), PEER_END };
	static const struct peer_step *const firsts[] = { ends, resets, half, broken };
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		const struct peer_step *const scripts[] = { firsts[i], good };
		struct peer *peer = peer_open_with(
			b->loop, &(struct peer_options){ .scripts = scripts, .script_count = 2 });

		start_keeping(b, peer, "");
		assert_good(b);
		assert_good(b);
		assert_int_equal(peer_accepted(peer), 2);
		assert_true(bench_value(b, "connect_time") >= 0);
		peer_free(peer);
	}
}

static void
a_server_that_is_gone_is_down(void **state)
{
	static const struct peer_step script[] = { STAYS("ok"), PEER_END };
	struct bench *b = *state;
	struct peer *peer = peer_open(b->loop, script);

	start_keeping(b, peer, "");
	assert_good(b);
	peer_free(peer);
	bench_run(b);
	assert_string_equal(bench_cause(b), "net.refused");
}

static void
one_that_is_silent_is_replaced(void **state)
{
	static const struct peer_step silent[] = { STAYS("ok"), PEER_STALL, PEER_END };
	static const struct peer_step *const scripts[] = { silent, good };
	struct bench *b = *state;
	struct peer *peer = peer_open_with(
		b->loop, &(struct peer_options){ .scripts = scripts, .script_count = 2 });

	start_keeping(b, peer, "");
	assert_good(b);
	bench_start(b, NULL);
	for (int i = 0; i < 20; i++)
		loop_turn(b->loop, false);
	loop_advance(b->loop, 4 * USEC_PER_SEC); /* of ten */
	bench_await(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_int_equal(peer_accepted(peer), 2);
	peer_free(peer);
}

static void
it_is_made_anew_in_time(void **state)
{
	static const struct peer_step script[] = { STAYS("ok"), STAYS("ok"), PEER_END };
	struct bench *b = *state;
	struct peer *peer = peer_open(b->loop, script);

	start_keeping(b, peer, "");
	assert_good(b);
	loop_advance(b->loop, 5 * USEC_PER_MIN - USEC_PER_SEC);
	assert_good(b);
	assert_int_equal(peer_accepted(peer), 1);
	loop_advance(b->loop, USEC_PER_SEC);
	assert_good(b);
	assert_int_equal(peer_accepted(peer), 2);
	peer_free(peer);
}

/* What the silence of the kept one cost is nothing that the server took. */
static void
its_silence_is_not_slowness(void **state)
{
	static const struct peer_step silent[] = { STAYS("ok"), PEER_STALL, PEER_END };
	static const struct peer_step *const scripts[] = { silent, good };
	struct bench *b = *state;
	struct peer *peer = peer_open_with(
		b->loop, &(struct peer_options){ .scripts = scripts, .script_count = 2 });

	start_keeping(b, peer, "expect: { max_time: 1s }\n");
	assert_good(b);
	bench_start(b, NULL);
	for (int i = 0; i < 20; i++)
		loop_turn(b->loop, false);
	loop_advance(b->loop, 4 * USEC_PER_SEC); /* of ten */
	bench_await(b);
	if (b->sample.outcome != OUTCOME_OK)
		fail_msg("%s", b->sample.text);
	assert_int_equal(peer_accepted(peer), 2);
	peer_free(peer);
}

/* Connections are few here, and a resumed one hides a certificate that was changed. */
static void
each_shows_its_certificate(void **state)
{
	static const struct peer_step script[] = { STAYS("ok"), STAYS("ok"), PEER_END };
	struct bench *b = *state;
	struct peer *peer =
		peer_open_with(b->loop, &(struct peer_options){ .script = script, .is_tls = 1 });
	char yaml[1024];

	snprintf(yaml, sizeof(yaml), "url: https://%s/\n" KEEPING "verify: false\n",
		peer_address(peer));
	assert_int_equal(bench_configure(b, "http", yaml), 0);
	for (int i = 0; i < 4; i++) {
		assert_good(b);
		assert_int_equal(peer_accepted(peer), i + 1);
		loop_advance(b->loop, 5 * USEC_PER_MIN);
	}
	assert_int_equal(peer_resumed(peer), 0);
	peer_free(peer);
}

static void
only_what_may_be_asked_twice(void **state)
{
	static const char *const refused[] = { "method: POST\n", "body: x\n",
		"auth: { type: digest, user: a, password: b }\n" };
	struct bench *b = *state;
	char yaml[256];

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		snprintf(yaml, sizeof(yaml), "url: http://127.0.0.1:1/\n" KEEPING "%s", refused[i]);
		assert_int_equal(bench_configure(b, "http", yaml), -1);
		assert_non_null(strstr(b->complaint, "reconnect_interval: only for GET and HEAD"));
	}
}

/* What happens at the place that a redirect leads to is not the kept connection's, and that place
 * hears no credentials, least of all by being asked a second time. */
static void
a_redirect_off_it_leaves_it(void **state)
{
	static const struct peer_step closes[] = { PEER_EXPECT("\r\n\r\n"), PEER_CLOSE, PEER_END };
	struct bench *b = *state;
	struct peer *other = peer_open(b->loop, closes);
	struct peer_step script[] = { STAYS("ok"), PEER_EXPECT("\r\n\r\n"),
		{ PEER_DO_SEND, NULL, 0 }, PEER_END };
	struct peer *peer;
	char text[256];

	snprintf(text, sizeof(text),
		"HTTP/1.1 302 Found\r\nLocation: http://%s/in\r\nContent-Length: 0\r\n\r\n",
		peer_address(other));
	script[3].text = text;
	script[3].len = strlen(text);
	peer = peer_open(b->loop, script);
	start_keeping(b, peer, "auth: { token: t0k }\n");
	assert_good(b);
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_FAIL);
	assert_int_equal(peer_accepted(peer), 1);
	assert_int_equal(peer_accepted(other), 1);
	assert_heard(other, 0, "GET /in HTTP/1.1\r\n");
	assert_not_heard(other, 0, "t0k");
	peer_free(peer);
	peer_free(other);
}

#define T(f) cmocka_unit_test_setup_teardown(f, bench_set_up, bench_tear_down)
#define F(f) cmocka_unit_test_setup_teardown(f, bench_set_up_fake, bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(it_is_asked_again),
		T(by_default_nothing_is_kept),
		T(what_the_server_ends_is_not_kept),
		T(one_that_died_is_replaced),
		T(a_server_that_is_gone_is_down),
		T(a_redirect_off_it_leaves_it),
		F(one_that_is_silent_is_replaced),
		F(it_is_made_anew_in_time),
		F(its_silence_is_not_slowness),
		F(each_shows_its_certificate),
		T(only_what_may_be_asked_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

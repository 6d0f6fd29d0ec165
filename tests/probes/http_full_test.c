/* Hops through the full client: Digest, and what the same rules make of its answers. */
#include "tests/probes/http_scene.h"

#define CHALLENGE                                                                                  \
	"WWW-Authenticate: Digest realm=\"r\", nonce=\"abc\", qop=\"auth\", algorithm=MD5\r\n"     \
	"Content-Length: 0\r\n"

static const struct peer_step asks[] = { ANSWER("401 Unauthorized", CHALLENGE, "") };

static const char auth[] = "auth: { type: digest, user: u, password: pa55word }\n";

static struct peer *
open_with(struct bench *b, const struct peer_step *second)
{
	const struct peer_step *scripts[] = { asks, second };
	static const struct peer_step *kept[2];

	memcpy(kept, scripts, sizeof(kept)); /* peers only borrow */
	return peer_open_with(
		b->loop, &(struct peer_options){ .scripts = kept, .script_count = 2 });
}

static void
answers_a_challenge(void **state)
{
	struct bench *b = *state;
	struct peer *peer = open_with(b, good);

	run(b, peer, auth);
	if (b->sample.outcome != OUTCOME_OK)
		fail_msg("%s: %s", bench_cause(b), b->sample.text);
	assert_string_equal(b->sample.text, "status 200");
	assert_true(bench_value(b, "body_bytes") == 2);
	assert_true(bench_value(b, "connect_time") >= 0);
	assert_not_heard(peer, 0, "response=");
	assert_heard(peer, 1, "Authorization: Digest username=\"u\"");
	assert_heard(peer, 1, "User-Agent: triaged/" TRIAGED_VERSION "\r\n");
	assert_not_heard(peer, 1, "pa55word");
	peer_free(peer);
}

static void
wrong_credentials_are_401(void **state)
{
	struct bench *b = *state;
	struct peer *peer = open_with(b, asks);

	run(b, peer, auth);
	assert_string_equal(bench_cause(b), "http.401");
	assert_string_equal(b->sample.text, "status 401, wanted 200-299");
	peer_free(peer);
}

static void
judges_like_the_plain_way(void **state)
{
	static const struct peer_step broken[] = { ANSWER(
		"200 OK", "Content-Type: application/json\r\n", "{\"success\": false}") };
	static const struct peer_step cut[] = { PEER_EXPECT("\r\n\r\n"),
		PEER_SEND("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123"), PEER_CLOSE,
		PEER_END };
	static const struct peer_step away[] = { ANSWER("302 F", "Location: ftp://x/\r\n", "") };
	static const struct peer_step eof[] = { PEER_EXPECT("\r\n\r\n"), PEER_CLOSE, PEER_END };
	static const struct {
		const struct peer_step *script;
		const char *cause;
	} cases[] = {
		{ broken, "http.json-false" },
		{ cut, "http.truncated" },
		{ away, "http.redirect-refused" },
		{ eof, "net.eof" },
	};
	struct bench *b = *state;
	char more[160];

	snprintf(more, sizeof(more), "%sexpect: { json: success == true }\n", auth);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct peer *peer = open_with(b, cases[i].script);

		run(b, peer, more);
		if (strcmp(bench_cause(b), cases[i].cause) != 0)
			fail_msg("%s, not %s: %s", bench_cause(b), cases[i].cause, b->sample.text);
		peer_free(peer);
	}
}

static void
credentials_stay_at_home(void **state)
{
	struct bench *b = *state;
	struct peer *other = peer_open(b->loop, good);
	struct peer_step script[4];
	char text[256];
	struct peer *peer;

	snprintf(text, sizeof(text),
		"HTTP/1.1 302 X\r\nLocation: http://%s/in\r\nContent-Length: 0\r\n\r\n",
		peer_address(other));
	script[0] = (struct peer_step)PEER_EXPECT("\r\n\r\n");
	script[1] = (struct peer_step){ PEER_DO_SEND, text, strlen(text) };
	script[2] = (struct peer_step)PEER_CLOSE;
	script[3] = (struct peer_step)PEER_END;
	peer = peer_open(b->loop, script);
	run(b, peer, "auth: { type: digest, user: u, password: p }\nheaders: { X-Key: k1 }\n");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(bench_value(b, "redirects") == 1);
	assert_heard(peer, 0, "X-Key: k1");
	assert_heard(other, 0, "GET /in ");
	assert_not_heard(other, 0, "X-Key");
	assert_not_heard(other, 0, "Authorization");
	peer_free(peer);
	peer_free(other);
}

static void
redirects_do_not_lead_further_inside(void **state)
{
	static const struct peer_step link[] = { ANSWER(
		"302 F", "Location: http://169.254.169.254/latest/\r\n", "") };
	struct bench *b = *state;
	struct peer *peer = peer_open(b->loop, link);

	run(b, peer, auth);
	assert_int_equal(b->sample.outcome, OUTCOME_FAIL);
	assert_string_equal(bench_cause(b), "http.redirect-refused");
	assert_non_null(strstr(b->sample.text, "a redirect leads further inside"));
	peer_free(peer);
}

static void
nobody_there_and_nothing_said(void **state)
{
	static const struct peer_step silent[] = { PEER_STALL, PEER_END };
	struct bench *b = *state;
	struct peer *peer = peer_open(b->loop, silent);
	char yaml[160];

	b->timeout_us = 100 * USEC_PER_MSEC;
	run(b, peer, auth);
	assert_int_equal(b->sample.outcome, OUTCOME_FAIL);
	assert_string_equal(bench_cause(b), "net.noreply");
	peer_free(peer);
	snprintf(yaml, sizeof(yaml), "url: http://127.0.0.1:%u/\n%s", peer_dead_port(), auth);
	assert_int_equal(bench_configure(b, "http", yaml), 0);
	bench_run(b);
	assert_string_equal(bench_cause(b), "net.refused");
}

static void
can_be_aborted(void **state)
{
	static const struct peer_step silent[] = { PEER_STALL, PEER_END };
	struct bench *b = *state;
	struct peer *peer = peer_open(b->loop, silent);

	configure(b, peer, "http", auth);
	bench_start(b, NULL);
	for (int i = 0; i < 5; i++)
		loop_turn(b->loop, false);
	bench_abort(b);
	loop_turn(b->loop, false);
	assert_int_equal(b->verdicts, 0);
	peer_free(peer);
}

#define T(f) cmocka_unit_test_setup_teardown(f, bench_set_up, bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(answers_a_challenge),
		T(wrong_credentials_are_401),
		T(judges_like_the_plain_way),
		T(credentials_stay_at_home),
		T(redirects_do_not_lead_further_inside),
		T(nobody_there_and_nothing_said),
		T(can_be_aborted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

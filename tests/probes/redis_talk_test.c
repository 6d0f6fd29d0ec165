/* Redis from run to run: the kept connection, counters, and the sentinels that are asked first. */
#include "tests/probes/redis_scene.h"

static void
the_connection_is_kept(void **state)
{
	static const struct peer_step script[] = { PONG, NO_INFO, PONG, NO_INFO, PONG, NO_INFO,
		PEER_END };
	struct bench *b = *state;
	struct peer *peer = peer_open(b->loop, script);

	configure(b, peer, "", "", "");
	for (int i = 0; i < 3; i++) {
		bench_run(b);
		assert_int_equal(b->sample.outcome, OUTCOME_OK);
		assert_int_equal(isnan(bench_value(b, "connect_time")), i > 0);
	}
	assert_int_equal(peer_accepted(peer), 1);
	peer_free(peer);
	peer = peer_open(b->loop, script);
	configure(b, peer, "", "", "reconnect_interval: 0s\n");
	for (int i = 0; i < 3; i++) {
		bench_run(b);
		assert_int_equal(b->sample.outcome, OUTCOME_OK);
		assert_true(bench_value(b, "connect_time") >= 0);
	}
	assert_int_equal(peer_accepted(peer), 3);
	peer_free(peer);
}

static bool
are_gone(void *arg)
{
	return peer_living(arg) == 0;
}

/* Between the runs, in the middle of one, or with a word nobody asked for. */
static void
a_dead_kept_connection_is_replaced(void **state)
{
	static const struct peer_step between[] = { PONG, NO_INFO, PEER_CLOSE, PEER_END };
	static const struct peer_step within[] = { PONG, NO_INFO, PEER_EXPECT("PING"), PEER_RESET,
		PEER_END };
	static const struct peer_step unasked[] = { PONG, NO_INFO, PEER_SEND("+HELLO\r\n"),
		PEER_END };
	static const struct peer_step *const firsts[] = { between, within, unasked };
	static const struct peer_step good[] = { PONG, NO_INFO, PEER_END };
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		const struct peer_step *const scripts[] = { firsts[i], good };
		struct peer *peer = peer_open_with(
			b->loop, &(struct peer_options){ .scripts = scripts, .script_count = 2 });

		configure(b, peer, "", "", "");
		bench_run(b);
		assert_int_equal(b->sample.outcome, OUTCOME_OK);
		if (i == 0)
			assert_true(loop_turn_until(b->loop, are_gone, peer, 200));
		else
			for (int turn = 0; turn < 20; turn++)
				loop_turn(b->loop, false);
		bench_run(b);
		if (b->sample.outcome != OUTCOME_OK)
			fail_msg("%zu: %s", i, b->sample.text);
		assert_int_equal(peer_accepted(peer), 2);
		assert_true(bench_value(b, "connect_time") >= 0);
		peer_free(peer);
	}
}

static void
a_silent_kept_connection_is_replaced(void **state)
{
	static const struct peer_step mute[] = { PONG, NO_INFO, PEER_STALL, PEER_END };
	static const struct peer_step good[] = { PONG, NO_INFO, PEER_END };
	const struct peer_step *const scripts[] = { mute, good };
	struct peer *peer;
	struct bench b;

	(void)state;
	bench_open(&b, BENCH_FAKE);
	peer = peer_open_with(
		b.loop, &(struct peer_options){ .scripts = scripts, .script_count = 2 });
	configure(&b, peer, "", "", "");
	bench_run(&b);
	bench_start(&b, NULL);
	for (int turn = 0; turn < 20; turn++)
		loop_turn(b.loop, false);
	assert_non_null(b.run);
	loop_advance(b.loop, b.timeout_us / 3);
	bench_await(&b);
	assert_int_equal(b.sample.outcome, OUTCOME_OK);
	assert_int_equal(peer_accepted(peer), 2);
	peer_free(peer);
	bench_close(&b);
}

/* The name may mean another server since a failover: its word counts, not the old one's. */
static void
no_failure_on_the_word_of_a_kept_connection(void **state)
{
	static const struct peer_step stale[] = { PONG, NO_INFO, PEER_EXPECT("PING"),
		PEER_SEND("-MASTERDOWN Link with MASTER is down\r\n"), NO_INFO, PEER_END };
	static const struct peer_step readonly[] = { PONG, NO_INFO, PEER_EXPECT("SET"),
		PEER_SEND("+OK\r\n"), PEER_EXPECT("GET"), PEER_SEND("$9\r\ntriaged x\r\n"),
		PEER_EXPECT("DEL"), PEER_SEND(":1\r\n"), PONG, NO_INFO, PEER_EXPECT("SET"),
		PEER_SEND("-READONLY You can't write against a read only replica.\r\n"), PEER_END };
	static const struct peer_step good[] = { PONG, NO_INFO, PEER_EXPECT("SET"),
		PEER_SEND("+OK\r\n"), PEER_EXPECT("GET"), PEER_SEND("$9\r\ntriaged x\r\n"),
		PEER_EXPECT("DEL"), PEER_SEND(":1\r\n"), PEER_END };
	const struct peer_step was_primary[] = { PONG, INFO_ASKED,
		PEER_SEND("$25\r\nrole:master\r\nmaxclients:9\r\n"), PONG, INFO_ASKED,
		PEER_SEND("$24\r\nrole:slave\r\nmaxclients:9\r\n"), PEER_END };
	static const struct peer_step primary[] = { PONG, INFO_ASKED,
		PEER_SEND("$25\r\nrole:master\r\nmaxclients:9\r\n"), PEER_END };
	const struct {
		const struct peer_step *first, *second;
		const char *more;
	} rows[] = {
		{ stale, good, "" },
		{ readonly, good, "write_test: k" },
		{ was_primary, primary, "role: primary" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct peer_step *const scripts[] = { rows[i].first, rows[i].second };
		struct peer *peer = peer_open_with(
			b->loop, &(struct peer_options){ .scripts = scripts, .script_count = 2 });

		configure(b, peer, "", "", rows[i].more);
		for (unsigned run = 1; run <= 2; run++) {
			bench_run(b);
			if (b->sample.outcome != OUTCOME_OK || peer_accepted(peer) != run)
				fail_msg("%zu, run %u: %s", i, run, b->sample.text);
		}
		peer_free(peer);
	}
}

static void
others_turned_away_make_it_prove_the_door(void **state)
{
	const struct peer_step first[] = { PONG, NO_INFO, PONG, INFO_ASKED,
		bulk("rejected_connections:5\r\nmaxclients:9\r\n"), PEER_END };
	static const struct peer_step full[] = {
		PEER_SEND("-ERR max number of clients reached\r\n"), PEER_CLOSE, PEER_END
	};
	const struct peer_step *const scripts[] = { first, full };
	struct bench *b = *state;
	struct peer *peer = peer_open_with(
		b->loop, &(struct peer_options){ .scripts = scripts, .script_count = 2 });

	configure(b, peer, "", "", "");
	bench_run(b);
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	bench_run(b);
	assert_cause(b, "redis.maxclients", "");
	peer_free(peer);
}

static void
hits_are_counted_between_runs(void **state)
{
	static char first[] =
		"maxclients:9\r\nrun_id:a\r\nkeyspace_hits:1000\r\nkeyspace_misses:1000\r\n";
	static char third[] =
		"maxclients:9\r\nrun_id:a\r\nkeyspace_hits:1150\r\nkeyspace_misses:1050\r\n";
	static char fourth[] =
		"maxclients:9\r\nrun_id:b\r\nkeyspace_hits:9000\r\nkeyspace_misses:9000\r\n";
	static const char *const infos[] = { first, first, third, fourth };
	static const double wanted[] = { NAN, NAN, 75, NAN };
	struct bench *b = *state;
	char replies[4][256];
	struct peer_step script[4 * 4 + 1] = { 0 };
	struct peer *peer;

	for (size_t i = 0; i < 4; i++) {
		const struct peer_step steps[] = { PONG, INFO_ASKED, bulk(infos[i]) };

		memcpy(&script[4 * i], steps, sizeof(steps));
		memcpy(replies[i], steps[3].text, steps[3].len);
		script[4 * i + 3].text = replies[i];
	}
	peer = peer_open(b->loop, script);
	configure(b, peer, "", "", "");
	for (size_t i = 0; i < 4; i++) {
		double got;

		bench_run(b);
		got = bench_value(b, "hit_percent");
		if (isnan(got) != isnan(wanted[i]) || (!isnan(got) && got != wanted[i]))
			fail_msg("run %zu: %g", i, got);
	}
	peer_free(peer);
}

static void
sentinels_are_asked_in_turn(void **state)
{
	static const struct peer_step ignorant[] = { PEER_EXPECT("mymaster\r\n"),
		PEER_SEND("*-1\r\n"), PEER_END };
	const struct peer_step primary[] = { PONG, INFO_ASKED,
		bulk("role:master\r\nmaxclients:9\r\n"), PEER_END };
	char answer[128], yaml[512];
	const struct peer_step knows[] = { PEER_EXPECT("AUTH"), PEER_SEND("+OK\r\n"),
		PEER_EXPECT("mymaster\r\n"), { PEER_DO_SEND, answer, 0 }, PEER_END };
	struct peer_step script[5];
	struct bench *b = *state;
	struct peer *a, *c, *p = peer_open(b->loop, primary);

	snprintf(answer, sizeof(answer), "*2\r\n$9\r\n127.0.0.1\r\n$%d\r\n%u\r\n",
		snprintf(NULL, 0, "%u", peer_port(p)), peer_port(p));
	memcpy(script, knows, sizeof(knows));
	script[3].len = strlen(answer);
	a = peer_open(b->loop, ignorant);
	c = peer_open(b->loop, script);
	snprintf(yaml, sizeof(yaml),
		"url: \"127.0.0.1:%u,%s,%s\"\nmaster: mymaster\nsentinel_password: s\n",
		peer_dead_port(), peer_address(a), peer_address(c));
	if (bench_configure(b, "redis", yaml) != 0)
		fail_msg("%s", b->complaint);
	bench_run(b);
	if (b->sample.outcome != OUTCOME_OK)
		fail_msg("%s", b->sample.text);
	assert_non_null(strstr(bench_fact(b, "sentinel"), "says that the master is"));
	assert_int_equal(peer_accepted(a), 1);
	snprintf(yaml, sizeof(yaml), "url: \"127.0.0.1:%u,%s\"\nmaster: mymaster\n",
		peer_dead_port(), peer_address(a));
	assert_int_equal(bench_configure(b, "redis", yaml), 0);
	bench_run(b);
	assert_cause(b, "redis.no-master", "refused");
	assert_cause(b, "redis.no-master", "does not know it");
	peer_free(a);
	peer_free(c);
	peer_free(p);
}

/* One that says nothing costs its share of the time, and the next one is asked. */
static void
a_silent_sentinel_is_passed_over(void **state)
{
	static const struct peer_step mute[] = { PEER_STALL, PEER_END };
	static const struct peer_step ignorant[] = { PEER_EXPECT("mymaster\r\n"),
		PEER_SEND("-ERR not now\r\n"), PEER_END };
	struct peer *a, *c;
	struct bench b;
	char yaml[256];

	(void)state;
	bench_open(&b, BENCH_FAKE);
	a = peer_open(b.loop, mute);
	c = peer_open(b.loop, ignorant);
	snprintf(yaml, sizeof(yaml), "url: \"%s,%s\"\nmaster: mymaster\n", peer_address(a),
		peer_address(c));
	assert_int_equal(bench_configure(&b, "redis", yaml), 0);
	bench_start(&b, NULL);
	for (int turn = 0; turn < 20; turn++)
		loop_turn(b.loop, false);
	assert_non_null(b.run);
	loop_advance(b.loop, b.timeout_us / 3);
	bench_await(&b);
	assert_cause(&b, "redis.no-master", "silent");
	assert_cause(&b, "redis.no-master", "not now");
	peer_free(a);
	peer_free(c);
	bench_close(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_connection_is_kept),
		T(a_dead_kept_connection_is_replaced),
		cmocka_unit_test(a_silent_kept_connection_is_replaced),
		T(no_failure_on_the_word_of_a_kept_connection),
		T(others_turned_away_make_it_prove_the_door),
		T(hits_are_counted_between_runs),
		T(sentinels_are_asked_in_turn),
		cmocka_unit_test(a_silent_sentinel_is_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

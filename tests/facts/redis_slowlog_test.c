/* redis-slowlog: the recent ones, the worst of them; never a value, a script or a password. */
#include "tests/facts/redis_desk.h"

#define ASKED PEER_EXPECT("TIME\r\n"), PEER_EXPECT("SLOWLOG\r\n$3\r\nGET\r\n$2\r\n32\r\n")
#define NOW   PEER_SEND("*2\r\n$4\r\n5000\r\n$1\r\n0\r\n")
/* An entry of 840 ms (or other microseconds), `words` after its count. */
#define ENTRY(at, us, words)                                                                       \
	"*6\r\n:1\r\n:" at "\r\n:" us "\r\n" words "$15\r\n127.0.0.1:40123\r\n$0\r\n\r\n"

static void
the_worst_of_the_recent(void **state)
{
	static const struct peer_step script[] = { ASKED, NOW,
		PEER_SEND("*4\r\n" ENTRY(
			"4990", "840000", "*2\r\n$4\r\nkeys\r\n$5\r\nsess*\r\n") ENTRY("4980",
			"20000", "*3\r\n$3\r\nset\r\n$4\r\nname\r\n$7\r\nhunter2\r\n")
				ENTRY("4970", "12000", "*2\r\n$7\r\nhgetall\r\n$9\r\nmsg:cache\r\n")
					ENTRY("3000", "9000000", "*1\r\n$8\r\nFLUSHALL\r\n")),
		PEER_END };
	struct fact_bench *b = *state;

	desk_ask(b, "redis-slowlog", script);
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_number(b, "count", 3);
	assert_fact_number(b, "worst", 0.84);
	assert_fact_text(b, "command", "KEYS");
	assert_fact_text(b, "client", "127.0.0.1:40123");
	assert_string_equal(fact_bench_text(b, "key"), "");
	assert_fact_number(b, "age", 10);
	desk_has(b, "HGETALL msg:cache took 12 ms");
	desk_has(b, "SET name took 20 ms");
	desk_has_not(b, "hunter2");
	desk_has_not(b, "sess");
}

static void
what_may_be_secret_is_not_shown(void **state)
{
	static const struct peer_step script[] = { ASKED, NOW,
		PEER_SEND("*5\r\n" ENTRY("4999", "900000",
			"*3\r\n$4\r\nAUTH\r\n$3\r\nmon\r\n$7\r\nhunter2\r\n") ENTRY("4999", "1000",
			"*4\r\n$4\r\nEVAL\r\n$7\r\nhunter2\r\n$1\r\n1\r\n$1\r\nk\r\n") ENTRY("4999",
			"1000",
			"*4\r\n$6\r\nconfig\r\n$3\r\nset\r\n$11\r\nrequirepass\r\n$"
			"7\r\nhunter2\r\n")
				ENTRY("4999", "1000", "*2\r\n$9\r\nhunter2 '\r\n$7\r\nhunter2\r\n")
					ENTRY("4999", "1000", "*2\r\n:5\r\n:6\r\n")),
		PEER_END };
	struct fact_bench *b = *state;

	desk_ask(b, "redis-slowlog", script);
	assert_fact_number(b, "count", 5);
	assert_fact_text(b, "command", "AUTH");
	desk_has(b, "CONFIG SET took");
	desk_has(b, "EVAL took");
	desk_has(b, "? took");
	desk_has_not(b, "hunter2");
	desk_has_not(b, "requirepass");
}

static void
an_empty_one_is_known_to_be_empty(void **state)
{
	static const struct peer_step script[] = { ASKED, PEER_SEND("-NOPERM no\r\n*0\r\n"),
		PEER_END };
	struct fact_bench *b = *state;

	desk_ask(b, "redis-slowlog", script);
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_number(b, "count", 0);
	assert_fact_unknown(b, "worst");
	desk_has(b, "no slow command");
}

static void
entries_of_another_form_are_left_out(void **state)
{
	static const struct peer_step script[] = { ASKED, NOW,
		PEER_SEND("*4\r\n:5\r\n*2\r\n:1\r\n:2\r\n*4\r\n$1\r\na\r\n$1\r\nb\r\n:1\r\n*0\r\n"
			  "*4\r\n:1\r\n:4999\r\n:1000\r\n*0\r\n"),
		PEER_END };
	struct fact_bench *b = *state;

	desk_ask(b, "redis-slowlog", script);
	assert_fact_number(b, "count", 1);
	assert_fact_text(b, "command", "?");
}

static void
the_missing_right_is_named(void **state)
{
	static const struct peer_step script[] = { ASKED, NOW,
		PEER_SEND("-NOPERM this user has no permissions to run the 'slowlog|get' "
			  "command\r\n"),
		PEER_END };
	struct fact_bench *b = *state;

	desk_ask(b, "redis-slowlog", script);
	assert_int_equal(b->fact.end, FACT_MISSED);
	desk_has(b, "ACL SETUSER default +slowlog");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_worst_of_the_recent),
		T(what_may_be_secret_is_not_shown),
		T(an_empty_one_is_known_to_be_empty),
		T(entries_of_another_form_are_left_out),
		T(the_missing_right_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

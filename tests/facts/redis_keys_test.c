/* redis-keys: a bounded walk, the biggest keys, those that never expire. */
#include "tests/facts/redis_desk.h"

/* A page of one key, and its size, type and expiry. */
#define PAGE(cursor, name)                                                                         \
	PEER_SEND("*2\r\n$1\r\n" cursor "\r\n*1\r\n$1\r\n" name "\r\n"),                           \
		PEER_EXPECT("TTL\r\n$1\r\n" name "\r\n")

static void
the_biggest_is_named(void **state)
{
	static const struct peer_step script[] = { PEER_EXPECT("DBSIZE\r\n"),
		PEER_EXPECT("SCAN\r\n$1\r\n0\r\n$5\r\nCOUNT\r\n$3\r\n100\r\n"), PEER_SEND(":2\r\n"),
		PAGE("7", "a"), PEER_SEND(":500\r\n+string\r\n:30\r\n"),
		PEER_EXPECT("SCAN\r\n$1\r\n7\r\n"), PAGE("0", "b"),
		PEER_SEND(":900000\r\n+hash\r\n:-1\r\n"), PEER_EXPECT("HLEN\r\n$1\r\nb\r\n"),
		PEER_SEND(":1900\r\n"), PEER_END };
	struct fact_bench *b = *state;

	desk_ask(b, "redis-keys", script);
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_number(b, "scanned", 2);
	assert_fact_number(b, "total", 2);
	assert_fact_number(b, "whole", 1);
	assert_fact_text(b, "first", "b");
	assert_fact_text(b, "first_type", "hash");
	assert_fact_number(b, "first_bytes", 900000);
	assert_fact_number(b, "first_elements", 1900);
	assert_fact_number(b, "no_ttl_percent", 50);
	desk_has(b, "2 keys looked at, all there are");
	desk_has(b, "1900 elements, never expires");
	desk_has(b, "a: string");
}

static void
an_empty_database(void **state)
{
	static const struct peer_step script[] = { PEER_EXPECT("COUNT"),
		PEER_SEND(":0\r\n*2\r\n$1\r\n0\r\n*0\r\n"), PEER_END };
	struct fact_bench *b = *state;

	desk_ask(b, "redis-keys", script);
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_number(b, "scanned", 0);
	assert_fact_unknown(b, "no_ttl_percent");
	assert_string_equal(fact_bench_text(b, "first"), "");
}

/* A server whose walk never ends: so many pages, no more; the next look goes on from there. */
static void
the_walk_is_bounded(void **state)
{
	struct peer_step script[2 * 20 + 2];
	struct fact_bench *b = *state;
	size_t n = 0;

	for (unsigned page = 0; page < 20; page++) {
		script[n++] = (struct peer_step)PEER_EXPECT("COUNT\r\n");
		script[n++] = page == 0
				      ? (struct peer_step)PEER_SEND(":9\r\n*2\r\n$1\r\n9\r\n*0\r\n")
				      : (struct peer_step)PEER_SEND("*2\r\n$1\r\n9\r\n*0\r\n");
	}
	script[n++] = (struct peer_step)PEER_EXPECT("COUNT\r\n");
	script[n] = (struct peer_step)PEER_END;
	desk_ask(b, "redis-keys", script);
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_number(b, "whole", 0);
	desk_has(b, "a sample");
}

static void
hostile_pages(void **state)
{
	static const struct peer_step ended[] = { PEER_EXPECT("COUNT"),
		PEER_SEND(":1\r\n*2\r\n$1\r\n0\r\n*4\r\n:5\r\n$3\r\na\0b\r\n*0\r\n$-1\r\n"),
		PEER_END };
	static const struct peer_step number[] = { PEER_EXPECT("COUNT"), PEER_SEND("+x\r\n:5\r\n"),
		PEER_END };
	static const struct peer_step cursor[] = { PEER_EXPECT("COUNT"),
		PEER_SEND(":1\r\n*2\r\n$30\r\n111111111111111111111111111111\r\n*0\r\n"),
		PEER_END };
	static const struct peer_step *const scripts[] = { ended, number, cursor };
	struct fact_bench *b = *state;

	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		fact_bench_forget(b);
		desk_ask(b, "redis-keys", scripts[i]);
		assert_int_equal(b->fact.end, FACT_HAD);
		assert_fact_number(b, "scanned", 0);
	}
}

static void
rights_and_databases(void **state)
{
	static const struct peer_step denied[] = { PEER_EXPECT("COUNT"),
		PEER_SEND(
			":1\r\n-NOPERM this user has no permissions to run the 'scan' command\r\n"),
		PEER_END };
	static const struct peer_step range[] = { PEER_EXPECT("SELECT\r\n$2\r\n99\r\n"),
		PEER_SEND("-ERR DB index is out of range\r\n"), PEER_END };
	struct fact_bench *b = *state;
	struct peer *peer;

	desk_ask(b, "redis-keys", denied);
	assert_int_equal(b->fact.end, FACT_MISSED);
	desk_has(b, "ACL SETUSER default +scan");
	peer = peer_open(b->probe->loop, range);
	desk_check(b, peer, "", "/99", "");
	fact_bench_run(b, "redis-keys");
	assert_int_equal(b->fact.end, FACT_MISSED);
	desk_has(b, "out of range");
	peer_free(peer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_biggest_is_named),
		T(an_empty_database),
		T(the_walk_is_bounded),
		T(hostile_pages),
		T(rights_and_databases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

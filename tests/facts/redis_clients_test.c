/* redis-clients: CLIENT LIST counted by address, idle time and buffers. */
#include "tests/facts/redis_desk.h"

#define FEW                                                                                        \
	PEER_EXPECT("INFO\r\n$7\r\nclients\r\n"), PEER_SEND("$19\r\nconnected_clients:5\r\n"),     \
		PEER_EXPECT("CLIENT\r\n$4\r\nLIST\r\n")

static void
counted_by_address(void **state)
{
	const struct peer_step script[] = { FEW,
		desk_bulk("id=3 addr=10.0.0.4:40001 laddr=x fd=8 name=api age=900 idle=800 omem=0 "
			  "cmd=get user=default\n"
			  "id=4 addr=10.0.0.4:40002 laddr=x fd=8 name=api age=900 idle=301 omem=0 "
			  "cmd=auth user=default\n"
			  "id=5 addr=[::1]:40003 laddr=x fd=8 name= age=9 idle=0 omem=2097152 "
			  "cmd=subscribe\n"
			  "id=6 addr=10.0.0.5:40004 laddr=x fd=8 name=worker age=9 idle=1 omem=0 "
			  "cmd=brpop\n"
			  "id=7 addr=/run/redis.sock:0 laddr=x fd=8 name= age=9 idle=1 omem=0 "
			  "cmd=set\n"
			  "id=8 addr=127.0.0.1:40005 fd=8 name= age=0 idle=0 cmd=client|list\n"),
		PEER_END };
	struct fact_bench *b = *state;

	desk_ask(b, "redis-clients", script);
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_number(b, "count", 5);
	assert_fact_text(b, "top_address", "10.0.0.4");
	assert_fact_text(b, "top_name", "api");
	assert_fact_number(b, "top_count", 2);
	assert_fact_number(b, "top_idle", 2);
	assert_fact_number(b, "idle", 2);
	assert_fact_number(b, "oldest_idle", 800);
	assert_fact_number(b, "consumers", 1);
	assert_fact_number(b, "output_bytes", 2097152);
	assert_fact_text(b, "output_address", "[::1]");
	desk_has(b, "10.0.0.4 (api): 2, 2 idle");
	desk_has(b, "/run/redis.sock: 1");
	desk_has(b, "largest output buffer: 2 MiB, of [::1]");
	desk_has_not(b, "auth");
}

static void
a_list_that_would_be_too_long_is_not_asked_for(void **state)
{
	static const struct peer_step script[] = { PEER_EXPECT("clients\r\n"),
		PEER_SEND("$23\r\nconnected_clients:50000\r\n"), PEER_END };
	struct fact_bench *b = *state;

	desk_ask(b, "redis-clients", script);
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_number(b, "count", 50000);
	desk_has(b, "too many to list");
}

/* Longer than any other reply may be, and more addresses than are counted. */
static void
thousands_of_clients(void **state)
{
	char *list = malloc(4 << 20), *reply = malloc((4 << 20) + 64);
	struct peer_step script[] = { PEER_EXPECT("clients\r\n"), PEER_SEND("-ERR no\r\n"),
		PEER_EXPECT("LIST\r\n"), { PEER_DO_SEND, reply, 0 }, PEER_END };
	struct fact_bench *b = *state;
	size_t len = 0;

	for (unsigned i = 0; i < 10000; i++)
		len += (size_t)sprintf(list + len,
			"id=%u addr=10.%u.%u.1:%u laddr=127.0.0.1:6379 fd=8 name= age=1 idle=0 "
			"flags=N "
			"db=0 sub=0 psub=0 ssub=0 multi=-1 qbuf=0 qbuf-free=0 argv-mem=0 "
			"multi-mem=0 "
			"rbs=1024 rbp=0 obl=0 oll=0 omem=0 tot-mem=1928 events=r cmd=get "
			"user=default\n",
			i, i % 300 / 256, i % 300 % 256, 10000 + i);
	assert_true(len > 2 << 20);
	script[3].len = (size_t)sprintf(reply, "$%zu\r\n%s\r\n", len, list);
	desk_ask(b, "redis-clients", script);
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_number(b, "count", 10000);
	assert_fact_number(b, "top_count", 34);
	free(list);
	free(reply);
}

static void
hostile_lines(void **state)
{
	const struct peer_step script[] = { FEW,
		desk_bulk("\n\n   \naddr\naddr=\naddr= idle=\nidle=99999 addr=x\n"
			  "addr=1.2.3.4:5 idle=nan omem=-5 name=\x01\xff\x02 cmd=\n"),
		PEER_END };
	struct fact_bench *b = *state;

	desk_ask(b, "redis-clients", script);
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_number(b, "count", 2);
}

static void
the_missing_right_is_named(void **state)
{
	static const struct peer_step script[] = { FEW,
		PEER_SEND("-NOPERM this user has no permissions to run the 'client|list' "
			  "command\r\n"),
		PEER_END };
	struct fact_bench *b = *state;

	desk_ask(b, "redis-clients", script);
	assert_int_equal(b->fact.end, FACT_MISSED);
	desk_has(b, "ACL SETUSER default +client|list");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(counted_by_address),
		T(a_list_that_would_be_too_long_is_not_asked_for),
		T(thousands_of_clients),
		T(hostile_lines),
		T(the_missing_right_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* redis-info: INFO and CONFIG GET as keys and lines; what is missing, and which right. */
#include "tests/facts/redis_desk.h"

/* All four questions are asked at once. */
#define ASKED PEER_EXPECT("$4\r\nINFO\r\n"), PEER_EXPECT("maxclients\r\n")
#define CONFIG_STEPS                                                                               \
	PEER_SEND("*2\r\n$3\r\ndir\r\n$14\r\n/var/lib/redis\r\n"                                   \
		  "*2\r\n$9\r\ndatabases\r\n$2\r\n16\r\n"                                          \
		  "*2\r\n$10\r\nmaxclients\r\n$5\r\n10000\r\n")
#define CONFIG    CONFIG_STEPS, PEER_END
#define NO_CONFIG PEER_SEND("-NOPERM no\r\n-NOPERM no\r\n-NOPERM no\r\n"), PEER_END

static void
a_primary_tells_of_itself(void **state)
{
	const struct peer_step script[] = { ASKED,
		desk_bulk("# Server\r\nredis_version:7.0.15\r\nuptime_in_seconds:7200\r\n"
			  "# Clients\r\nconnected_clients:12\r\nblocked_clients:2\r\n"
			  "# Memory\r\nused_memory:1900\r\nmaxmemory:2000\r\n"
			  "maxmemory_policy:noeviction\r\nmem_fragmentation_ratio:1.10\r\n"
			  "# Persistence\r\nloading:0\r\nrdb_last_bgsave_status:err\r\n"
			  "rdb_changes_since_last_save:3\r\naof_enabled:0\r\n"
			  "# Stats\r\nkeyspace_hits:41\r\nkeyspace_misses:59\r\nevicted_keys:5\r\n"
			  "rejected_connections:7\r\n# Replication\r\nrole:master\r\n"
			  "# CPU\r\nused_cpu_sys:36\r\nused_cpu_user:36\r\n"
			  "# Errorstats\r\nerrorstat_OOM:count=22\r\n"
			  "# Keyspace\r\ndb0:keys=10,expires=1\r\ndb3:keys=50,expires=0\r\n"),
		CONFIG };
	struct fact_bench *b = *state;

	desk_ask(b, "redis-info", script);
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_text(b, "version", "7.0.15");
	assert_fact_text(b, "role", "master");
	assert_fact_text(b, "policy", "noeviction");
	assert_fact_text(b, "dir", "/var/lib/redis");
	assert_fact_number(b, "memory_percent", 95);
	assert_fact_number(b, "clients", 12);
	assert_fact_number(b, "maxclients", 10000);
	assert_fact_number(b, "databases", 16);
	assert_fact_number(b, "hit_percent", 41);
	assert_fact_number(b, "ttl_percent", 10);
	assert_fact_number(b, "other_keys", 50);
	assert_fact_number(b, "fullest_db", 3);
	assert_fact_number(b, "rdb_ok", 0);
	assert_fact_number(b, "aof", 0);
	assert_fact_unknown(b, "aof_ok");
	assert_fact_number(b, "oom_errors", 22);
	assert_fact_number(b, "used_cpu", 1);
	assert_fact_unknown(b, "link_down");
	desk_has(b, "22 commands refused (OOM)");
	desk_has(b, "database 3: 50 keys");
	desk_has(b, "last RDB save FAILED");
	desk_has(b, "clients 12 of 10000, 2 blocked, 7 turned away");
}

static void
a_replica_tells_of_its_link(void **state)
{
	const struct peer_step script[] = { ASKED,
		desk_bulk("redis_version:7.0.15\r\nrole:slave\r\nmaster_host:10.0.0.1\r\n"
			  "master_port:6379\r\nmaster_link_status:down\r\n"
			  "master_link_down_since_seconds:30\r\nmaster_sync_in_progress:0\r\n"
			  "loading:1\r\nloading_loaded_perc:9.1\r\nloading_eta_seconds:9\r\n"),
		NO_CONFIG };
	struct fact_bench *b = *state;

	desk_ask(b, "redis-info", script);
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_text(b, "link", "down");
	assert_fact_number(b, "link_down", 30);
	assert_fact_text(b, "master", "10.0.0.1:6379");
	assert_fact_number(b, "syncing", 0);
	assert_fact_number(b, "loading", 1);
	assert_fact_number(b, "eta", 9);
	assert_fact_unknown(b, "keys");
	assert_fact_unknown(b, "used_memory_bytes");
	assert_string_equal(fact_bench_text(b, "dir"), "");
	desk_has(b, "replica of 10.0.0.1:6379, link down for 30 s");
	desk_has(b, "ACL SETUSER default +config|get");
}

static void
logs_in_as_the_check_does(void **state)
{
	static const struct peer_step script[] = {
		PEER_EXPECT("*3\r\n$4\r\nAUTH\r\n$3\r\nmon\r\n$6\r\nsecret\r\n"),
		PEER_EXPECT("*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n"),
		PEER_SEND("+OK\r\n-ERR DB index is out of range\r\n"),
		PEER_EXPECT("maxclients\r\n"),
		PEER_SEND("-NOPERM this user has no permissions to run the 'info' command\r\n"),
		PEER_END,
	};
	struct fact_bench *b = *state;
	struct peer *peer = peer_open(b->probe->loop, script);

	desk_check(b, peer, "mon:secret@", "/3", "");
	fact_bench_run(b, "redis-info");
	assert_int_equal(b->fact.end, FACT_MISSED);
	desk_has(b, "ACL SETUSER mon +info");
	desk_has_not(b, "secret");
	peer_free(peer);
}

/* What it is for is lost as soon as the server does not let us in. */
static void
what_cannot_be_asked_is_said(void **state)
{
	static const struct peer_step noauth[] = { PEER_EXPECT("maxclients\r\n"),
		PEER_SEND("-NOAUTH Authentication required.\r\n"), PEER_END };
	static const struct peer_step closes[] = { PEER_EXPECT("INFO"), PEER_CLOSE, PEER_END };
	static const struct peer_step garbage[] = { PEER_EXPECT("INFO"),
		PEER_SEND("HTTP/1.1 400 Bad Request\r\n\r\n"), PEER_END };
	static const struct peer_step number[] = { PEER_EXPECT("maxclients\r\n"),
		PEER_SEND(":1\r\n:1\r\n:1\r\n:1\r\n"), PEER_END };
	static const struct peer_step full[] = {
		PEER_SEND("-ERR max number of clients reached\r\n"), PEER_CLOSE, PEER_END
	};
	static const struct {
		const struct peer_step *script;
		const char *words;
	} rows[] = {
		{ noauth, "NOAUTH" },
		{ closes, "closed the connection" },
		{ garbage, "cannot be asked" },
		{ number, "something else than a text" },
		{ full, "max number of clients" },
	};
	struct fact_bench *b = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		desk_ask(b, "redis-info", rows[i].script);
		assert_int_equal(b->fact.end, FACT_MISSED);
		desk_has(b, rows[i].words);
	}
	fact_bench_check(b, "redis", "url: redis://127.0.0.1:1/0");
	fact_bench_run(b, "redis-info");
	assert_int_equal(b->fact.end, FACT_MISSED);
	desk_has(b, "refused");
}

/* Where others are turned away, the check's own chair is lent, and given back. */
static void
a_full_server_is_asked_on_the_kept_connection(void **state)
{
	static const struct peer_step kept[] = { PEER_EXPECT("PING\r\n"), PEER_SEND("+PONG\r\n"),
		PEER_EXPECT("INFO\r\n"), PEER_SEND("-ERR no\r\n"), ASKED,
		PEER_SEND("$11\r\nmaxmemory:5\r\n"), CONFIG_STEPS, ASKED,
		PEER_SEND("$11\r\nmaxmemory:6\r\n"), CONFIG_STEPS, PEER_EXPECT("PING\r\n"),
		PEER_SEND("+PONG\r\n"), PEER_EXPECT("INFO\r\n"), PEER_SEND("-ERR no\r\n"),
		PEER_END };
	static const struct peer_step full[] = {
		PEER_SEND("-ERR max number of clients reached\r\n"), PEER_CLOSE, PEER_END
	};
	static const struct peer_step *const scripts[] = { kept, full };
	struct fact_bench *b = *state;
	struct peer *peer = peer_open_with(
		b->probe->loop, &(struct peer_options){ .scripts = scripts, .script_count = 2 });

	desk_check(b, peer, "", "", "");
	bench_run(b->probe);
	assert_int_equal(b->probe->sample.outcome, OUTCOME_OK);
	for (unsigned n = 5; n <= 6; n++) {
		fact_bench_forget(b);
		fact_bench_run(b, "redis-info");
		assert_int_equal(b->fact.end, FACT_HAD);
		assert_fact_number(b, "maxmemory_bytes", n);
	}
	bench_run(b->probe);
	assert_int_equal(b->probe->sample.outcome, OUTCOME_OK);
	assert_int_equal(peer_accepted(peer), 3);
	peer_free(peer);
}

/* None is kept, or it breaks while it is lent: said, and nothing is left behind. */
static void
no_chair_to_lend(void **state)
{
	static const struct peer_step kept[] = { PEER_EXPECT("PING\r\n"), PEER_SEND("+PONG\r\n"),
		PEER_EXPECT("INFO\r\n"), PEER_SEND("-ERR no\r\n"), ASKED, PEER_CLOSE, PEER_END };
	static const struct peer_step full[] = {
		PEER_SEND("-ERR max number of clients reached\r\n"), PEER_CLOSE, PEER_END
	};
	static const struct peer_step *const scripts[] = { kept, full };
	struct fact_bench *b = *state;
	struct peer *peer = peer_open_with(
		b->probe->loop, &(struct peer_options){ .scripts = scripts, .script_count = 2 });

	desk_check(b, peer, "", "", "");
	bench_run(b->probe);
	fact_bench_run(b, "redis-info");
	assert_int_equal(b->fact.end, FACT_MISSED);
	desk_has(b, "closed the connection");
	fact_bench_run(b, "redis-info");
	assert_int_equal(b->fact.end, FACT_MISSED);
	desk_has(b, "no connection is kept");
	peer_free(peer);
}

/* The deadline ends it, and a borrowed connection that owes an answer is of no use any more. */
static void
a_silent_server_ends_at_the_deadline(void **state)
{
	static const struct peer_step kept[] = { PEER_EXPECT("PING\r\n"), PEER_SEND("+PONG\r\n"),
		PEER_EXPECT("INFO\r\n"), PEER_SEND("-ERR no\r\n"), ASKED, PEER_STALL, PEER_END };
	static const struct peer_step full[] = {
		PEER_SEND("-ERR max number of clients reached\r\n"), PEER_CLOSE, PEER_END
	};
	static const struct peer_step *const scripts[] = { kept, full };
	struct fact_bench *b = *state;
	struct peer *peer = peer_open_with(
		b->probe->loop, &(struct peer_options){ .scripts = scripts, .script_count = 2 });

	desk_check(b, peer, "", "", "");
	bench_run(b->probe);
	fact_bench_start(b, "redis-info");
	for (int turn = 0; turn < 50; turn++)
		loop_turn(b->probe->loop, false);
	loop_advance(b->probe->loop, 3 * (usec_t)USEC_PER_SEC);
	fact_bench_await(b);
	assert_int_equal(b->fact.end, FACT_MISSED);
	desk_has(b, "no answer within");
	fact_bench_run(b, "redis-info");
	desk_has(b, "no connection is kept");
	peer_free(peer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_primary_tells_of_itself),
		T(a_replica_tells_of_its_link),
		T(logs_in_as_the_check_does),
		T(what_cannot_be_asked_is_said),
		T(a_full_server_is_asked_on_the_kept_connection),
		T(no_chair_to_lend),
		cmocka_unit_test_setup_teardown(a_silent_server_ends_at_the_deadline,
			fact_bench_set_up_host, fact_bench_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

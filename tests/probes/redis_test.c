/* Redis: the dialogue with a scripted server, what refusals mean, hostile replies. */
#include "tests/probes/redis_scene.h"

static void
a_pong_is_healthy(void **state)
{
	static const struct peer_step script[] = { PONG, NO_INFO, PEER_END };
	struct bench *b = *state;

	run_script(b, script, "", "", "");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(bench_value(b, "ping_time") > 0);
	assert_true(bench_value(b, "connect_time") >= 0);
	assert_true(isnan(bench_value(b, "clients")));
	assert_true(isnan(bench_value(b, "keys")));
}

static void
logs_in_and_selects_before(void **state)
{
	static const struct peer_step script[] = {
		PEER_EXPECT("*3\r\n$4\r\nAUTH\r\n$3\r\nmon\r\n$4\r\np/@s\r\n*2\r\n$6\r\nSELECT\r\n$"
			    "1\r\n3\r\n"),
		PEER_SEND("+OK\r\n+OK\r\n"), PONG, NO_INFO, PEER_END
	};
	static const struct peer_step one[] = { PEER_EXPECT("*2\r\n$4\r\nAUTH\r\n$1\r\nx\r\n"),
		PEER_SEND("-ERR Client sent AUTH, but no password is set\r\n"), PONG, NO_INFO,
		PEER_END };
	struct bench *b = *state;

	run_script(b, script, "mon:p%2F%40s@", "/3", "");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_string_equal(note_of(b, "redis.auth-unneeded"), "");
	run_script(b, one, ":x@", "/0", "");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_string_not_equal(note_of(b, "redis.auth-unneeded"), "");
}

/* Whatever comes before +PONG and is not it. */
static void
refusals_are_causes(void **state)
{
	static const struct {
		const char *login, *ping, *cause;
	} cases[] = {
		{ "-WRONGPASS invalid username-password pair\r\n", NULL, "redis.wrongpass" },
		{ "-ERR invalid password\r\n", NULL, "redis.wrongpass" },
		{ "+OK\r\n", "-NOAUTH Authentication required.\r\n", "redis.noauth" },
		{ "+OK\r\n", "-LOADING Redis is loading the dataset in memory\r\n",
			"redis.loading" },
		{ "+OK\r\n", "-MISCONF Redis is configured to save RDB snapshots\r\n",
			"redis.misconf" },
		{ "+OK\r\n", "-MASTERDOWN Link with MASTER is down\r\n", "redis.masterdown" },
		{ "+OK\r\n", "-BUSY Redis is busy running a script.\r\n", "redis.busy" },
		{ "+OK\r\n", "-NOPERM this user has no permissions\r\n", "redis.noperm" },
		{ "+OK\r\n", "-ERR unknown command 'PING'\r\n", "redis.error" },
		{ "-ERR max number of clients reached\r\n", NULL, "redis.maxclients" },
		{ "-DENIED Redis is running in protected mode\r\n", NULL, "redis.protected" },
		{ "+OK\r\n", "+OK\r\n", "net.protocol" },
		{ "+OK\r\n", ":1\r\n", "net.protocol" },
		{ "+OK\r\n", "$4\r\nPONG\r\n", "net.protocol" },
		{ "HTTP/1.1 400 Bad Request\r\n", NULL, "net.protocol" },
		{ "\x15\x03\x01", NULL, "net.tls-required" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *ping = cases[i].ping;
		const struct peer_step script[] = {
			PEER_EXPECT("AUTH"),
			{ PEER_DO_SEND, cases[i].login, strlen(cases[i].login) },
			PEER_EXPECT("PING"),
			{ PEER_DO_SEND, ping, ping != NULL ? strlen(ping) : 0 },
			NO_INFO,
			PEER_END,
		};

		run_script(b, script, ":x@", "", "");
		assert_int_equal(b->sample.outcome, OUTCOME_FAIL);
		assert_cause(b, cases[i].cause, "");
	}
}

static void
a_greeting_may_be_a_refusal(void **state)
{
	static const struct peer_step full[] = {
		PEER_SEND("-ERR max number of clients reached\r\n"), PEER_CLOSE, PEER_END
	};
	static const struct peer_step denied[] = {
		PEER_SEND("-DENIED Redis is running in protected mode because...\r\n"), PEER_CLOSE,
		PEER_END
	};
	static const struct peer_step ssh[] = { PEER_SEND("SSH-2.0-OpenSSH_9.2\r\n"), PEER_END };
	static const struct peer_step silent[] = { PEER_CLOSE, PEER_END };
	struct bench *b = *state;

	run_script(b, full, "", "", "");
	assert_cause(b, "redis.maxclients", "max number");
	run_script(b, denied, "", "", "");
	assert_cause(b, "redis.protected", "protected mode");
	run_script(b, ssh, "", "", "");
	assert_cause(b, "net.protocol", "an SSH server");
	run_script(b, silent, "", "", "");
	assert_cause(b, "net.eof", "without a word");
}

static void
info_becomes_metrics(void **state)
{
	const struct peer_step script[] = {
		PONG,
		INFO_ASKED,
		bulk("# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\nrun_id:abc\r\n"
		     "uptime_in_seconds:77\r\n# Clients\r\nconnected_clients:5\r\n"
		     "maxclients:100\r\nblocked_clients:2\r\n# Memory\r\nused_memory:500\r\n"
		     "maxmemory:1000\r\nmaxmemory_policy:noeviction\r\n# Persistence\r\n"
		     "loading:0\r\nrdb_last_bgsave_status:err\r\naof_enabled:1\r\n"
		     "aof_last_bgrewrite_status:ok\r\naof_last_write_status:ok\r\n# Stats\r\n"
		     "rejected_connections:3\r\nevicted_keys:4\r\nkeyspace_hits:9\r\n"
		     "keyspace_misses:1\r\ninstantaneous_ops_per_sec:12\r\n# Replication\r\n"
		     "role:master\r\nconnected_slaves:2\r\n"
		     "slave0:ip=1.1.1.1,port=1,state=online,offset=900,lag=0\r\n"
		     "slave1:ip=1.1.1.2,port=1,state=wait_bgsave,offset=0,lag=0\r\n"
		     "master_repl_offset:1000\r\n# Errorstats\r\nerrorstat_OOM:count=7\r\n"
		     "# Keyspace\r\ndb0:keys=11,expires=0,avg_ttl=0\r\n"
		     "db3:keys=4,expires=0\r\ndb7:keys=1,expires=0\r\n"),
		PEER_EXPECT("dir"),
		PEER_SEND("-NOPERM this user has no permissions to run the 'config|get' "
			  "command\r\n"),
		PEER_END,
	};
	static const struct {
		const char *metric;
		double value;
	} wanted[] = {
		{ "memory_used_bytes", 500 },
		{ "memory_percent", 50 },
		{ "clients", 5 },
		{ "clients_percent", 5 },
		{ "blocked_clients", 2 },
		{ "rejected_total", 3 },
		{ "evicted_total", 4 },
		{ "oom_errors_total", 7 },
		{ "ops_per_second", 12 },
		{ "evicts", 0 },
		{ "keys", 11 },
		{ "other_keys", 5 },
		{ "replicas", 2 },
		{ "replica_lag_bytes", 100 },
		{ "last_save_ok", 0 },
		{ "last_aof_ok", 1 },
		{ "aof_on", 1 },
		{ "loading", 0 },
		{ "up_time", 77 },
	};
	struct bench *b = *state;

	run_script(b, script, "", "", "");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (bench_value(b, wanted[i].metric) != wanted[i].value)
			fail_msg("%s is %g", wanted[i].metric, bench_value(b, wanted[i].metric));
	assert_true(isnan(bench_value(b, "replica_link_up")));
	assert_true(isnan(bench_value(b, "hit_percent")));
	assert_non_null(strstr(bench_fact(b, "server"), "7.0.15"));
	assert_non_null(strstr(bench_fact(b, "replicas"), "1 of 2"));
}

static void
facts_come_with_a_refusal(void **state)
{
	const struct peer_step script[] = {
		PEER_EXPECT("PING"),
		PEER_SEND("-LOADING Redis is loading the dataset in memory\r\n"),
		INFO_ASKED,
		bulk("loading:1\r\nloading_loaded_perc:9.11\r\nloading_eta_seconds:8\r\n"),
		PEER_END,
	};
	struct bench *b = *state;

	run_script(b, script, "", "", "write_test: x\nlengths: { a: a }\n");
	assert_cause(b, "redis.loading", "9 %, 8 s to go");
	assert_true(bench_value(b, "loading") == 1);
}

static void
rights_that_are_missing_are_named(void **state)
{
	static const struct peer_step script[] = { PEER_EXPECT("AUTH"), PEER_SEND("+OK\r\n"), PONG,
		INFO_ASKED,
		PEER_SEND("-NOPERM this user has no permissions to run the 'info' command\r\n"),
		PEER_EXPECT("TYPE"), PEER_SEND("-NOPERM no 'type' command\r\n"), PEER_END };
	struct bench *b = *state;

	run_script(b, script, "mon:x@", "", "lengths: { a: a }");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_non_null(strstr(note_of(b, "redis.no-grant"), "ACL SETUSER mon +info +type"));
}

static void
lengths_are_measured_by_their_type(void **state)
{
	static const struct peer_step script[] = { PONG, INFO_ASKED,
		PEER_EXPECT("TYPE\r\n$2\r\nk5"),
		PEER_SEND("-ERR no\r\n+list\r\n+stream\r\n+zset\r\n+none\r\n+string\r\n"),
		PEER_EXPECT("LLEN\r\n$2\r\nk1"), PEER_EXPECT("XLEN\r\n$2\r\nk2"),
		PEER_EXPECT("ZCARD\r\n$2\r\nk3"), PEER_SEND(":7\r\n:8\r\n-NOPERM no\r\n"),
		PEER_END };
	struct bench *b = *state;

	run_script(b, script, "", "", "lengths: { a: k1, b: k2, c: k3, d: k4, e: k5 }\n");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(bench_value(b, "length_a") == 7);
	assert_true(bench_value(b, "length_b") == 8);
	assert_true(isnan(bench_value(b, "length_c")));
	assert_true(bench_value(b, "length_d") == 0);
	assert_true(isnan(bench_value(b, "length_e")));
	assert_true(bench_value(b, "longest_queue") == 8);
	assert_string_equal(bench_fact(b, "longest queue"), "b: 8");
	assert_non_null(strstr(note_of(b, "redis.wrongtype"), "k5 is a string"));
	assert_non_null(strstr(note_of(b, "redis.no-grant"), "ACL SETUSER default"));
}

static void
an_empty_database_is_the_wrong_one_where_keys_are_expected(void **state)
{
	const struct {
		const char *info, *cause, *words;
	} rows[] = {
		{ "maxclients:9\r\n# Keyspace\r\ndb0:keys=12,expires=0\r\n", "redis.wrong-db",
			"database 0 has 12" },
		{ "maxclients:9\r\n# Keyspace\r\n", "redis.wrong-db", "nor has any other" },
		{ "maxclients:9\r\n# Keyspace\r\ndb4:keys=1,expires=0\r\n", "", "PONG" },
		{ "maxclients:9\r\n", "", "PONG" }, /* not told: not known */
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct peer_step script[] = { PEER_EXPECT("SELECT"), PEER_SEND("+OK\r\n"),
			PONG, INFO_ASKED, bulk(rows[i].info), PEER_END };

		run_script(b, script, "", "/4", "expect_keys: true\n");
		assert_cause(b, rows[i].cause, rows[i].words);
	}
}

static void
big_keys_are_counted(void **state)
{
	static const struct peer_step script[] = { PONG, NO_INFO,
		PEER_EXPECT("SCAN\r\n$1\r\n0\r\n"),
		PEER_SEND("*2\r\n$1\r\n0\r\n*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n"),
		PEER_EXPECT("USAGE\r\n$1\r\nc\r\n"), PEER_SEND(":2000000\r\n:5\r\n:3000000\r\n"),
		PEER_END };
	struct bench *b = *state;

	run_script(b, script, "", "", "big_keys: 1MB\n");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(bench_value(b, "big_keys") == 2);
	assert_true(bench_value(b, "biggest_key_bytes") == 3000000);
	assert_non_null(strstr(bench_fact(b, "big key"), "c: "));
}

static void
a_write_is_tried_when_asked(void **state)
{
	static const struct peer_step good[] = { PONG, NO_INFO, PEER_EXPECT("SET"),
		PEER_EXPECT("$2\r\nNX\r\n$2\r\nEX\r\n"), PEER_SEND("+OK\r\n"), PEER_EXPECT("GET"),
		PEER_SEND("$24\r\ntriaged 0123456789abcdef\r\n"), PEER_EXPECT("DEL"),
		PEER_SEND(":1\r\n"), PEER_END };
	static const struct peer_step full[] = { PONG, NO_INFO, PEER_EXPECT("SET"),
		PEER_SEND("-OOM command not allowed when used memory > 'maxmemory'.\r\n"),
		PEER_END };
	static const struct peer_step replica[] = { PONG, NO_INFO, PEER_EXPECT("SET"),
		PEER_SEND("-READONLY You can't write against a read only replica.\r\n"), PEER_END };
	static const struct peer_step taken[] = { PONG, NO_INFO, PEER_EXPECT("SET"),
		PEER_SEND("$-1\r\n"), PEER_EXPECT("GET"), PEER_SEND("$3\r\nfoo\r\n"), PEER_END };
	static const struct peer_step a_list[] = { PONG, NO_INFO, PEER_EXPECT("SET"),
		PEER_SEND("$-1\r\n"), PEER_EXPECT("GET"), PEER_SEND("-WRONGTYPE it is\r\n"),
		PEER_END };
	static const struct peer_step left_over[] = { PONG, NO_INFO, PEER_EXPECT("SET"),
		PEER_SEND("$-1\r\n"), PEER_EXPECT("GET"), PEER_SEND("$9\r\ntriaged x\r\n"),
		PEER_EXPECT("SET"), PEER_SEND("+OK\r\n"), PEER_EXPECT("GET"),
		PEER_SEND("$9\r\ntriaged y\r\n"), PEER_EXPECT("DEL"), PEER_SEND(":1\r\n"),
		PEER_END };
	struct bench *b = *state;

	run_script(b, good, "", "", "write_test: k\n");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(bench_value(b, "write_time") > 0);
	run_script(b, left_over, "", "", "write_test: k\n");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	run_script(b, full, "", "", "write_test: k\n");
	assert_cause(b, "redis.oom", "SET: OOM");
	run_script(b, replica, "", "", "write_test: k\n");
	assert_cause(b, "redis.readonly", "SET: READONLY");
	run_script(b, taken, "", "", "write_test: k\n");
	assert_cause(b, "redis.key-taken", "k");
	assert_int_equal(b->sample.outcome, OUTCOME_ERROR);
	run_script(b, a_list, "", "", "write_test: k\n");
	assert_cause(b, "redis.key-taken", "k");
}

static void
the_role_must_be_the_one_wanted(void **state)
{
	const struct peer_step script[] = { PONG, INFO_ASKED,
		bulk("role:slave\r\nmaster_host:10.0.0.1\r\nmaster_link_status:up\r\nmaxclients:1"
		     "\r\n"),
		PEER_END };
	static const struct peer_step no_info[] = { PONG, INFO_ASKED, PEER_SEND("-NOPERM no\r\n"),
		PEER_EXPECT("ROLE"), PEER_SEND("*3\r\n$6\r\nmaster\r\n:3129659\r\n*0\r\n"),
		PEER_END };
	struct bench *b = *state;

	run_script(b, script, "", "", "");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(bench_value(b, "replica_link_up") == 1);
	run_script(b, script, "", "", "role: replica\n");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	run_script(b, script, "", "", "role: primary\n");
	assert_cause(b, "redis.readonly", "a replica of 10.0.0.1");
	run_script(b, no_info, "", "", "role: primary\n");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	run_script(b, no_info, "", "", "role: replica\n");
	assert_cause(b, "redis.role", "a primary");
}

/* Keys of other nodes are nothing that is wrong with this one. */
static void
a_key_may_be_elsewhere(void **state)
{
	static const struct peer_step script[] = { PONG, INFO_ASKED, PEER_EXPECT("TYPE"),
		PEER_SEND("-ERR unknown command\r\n-MOVED 7 10.0.0.2:6379\r\n"), PEER_EXPECT("SET"),
		PEER_SEND("-MOVED 9 10.0.0.2:6379\r\n"), PEER_END };
	struct bench *b = *state;

	run_script(b, script, "", "", "write_test: k\nlengths: { a: a }\n");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_non_null(strstr(note_of(b, "redis.moved"), "10.0.0.2:6379"));
	assert_true(isnan(bench_value(b, "length_a")));
}

/* Two daemons with one key delete each other's value now and then. */
static void
what_was_written_may_be_gone_once(void **state)
{
#define GONE PEER_EXPECT("SET"), PEER_SEND("+OK\r\n"), PEER_EXPECT("GET"), PEER_SEND("$-1\r\n")
	static const struct peer_step once[] = { PONG, NO_INFO, GONE, PEER_EXPECT("SET"),
		PEER_SEND("+OK\r\n"), PEER_EXPECT("GET"), PEER_SEND("$9\r\ntriaged x\r\n"),
		PEER_EXPECT("DEL"), PEER_SEND(":1\r\n"), PEER_END };
	static const struct peer_step twice[] = { PONG, NO_INFO, GONE, GONE, PEER_END };
	struct bench *b = *state;

	run_script(b, once, "", "", "write_test: k");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	run_script(b, twice, "", "", "write_test: k");
	assert_cause(b, "redis.error", "is gone");
}

static void
what_info_leaves_out_is_absent(void **state)
{
	const struct peer_step script[] = { PONG, INFO_ASKED,
		bulk("role:master\r\nmaxclients:9\r\naof_enabled:1\r\n"
		     "slave0:ip=1.1.1.1,port=1,state=online\r\n"),
		PEER_EXPECT("dir"), PEER_SEND("*0\r\n"), PEER_END };
	static const char *const absent[] = { "keys", "replica_lag_bytes", "last_aof_ok",
		"last_save_ok", "oom_errors_total", "memory_percent" };
	struct bench *b = *state;

	run_script(b, script, "", "", "");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		if (!isnan(bench_value(b, absent[i])))
			fail_msg("%s is %g", absent[i], bench_value(b, absent[i]));
}

static void
a_cluster_must_be_whole(void **state)
{
	const struct peer_step script[] = { PONG, INFO_ASKED,
		bulk("role:master\r\ncluster_enabled:1\r\nmaxclients:9\r\n"),
		PEER_EXPECT("CLUSTER"),
		PEER_SEND("$37\r\ncluster_state:fail\r\ncluster_slots:1\r\n\r\n"), PEER_END };
	struct bench *b = *state;

	run_script(b, script, "", "", "");
	assert_cause(b, "redis.clusterdown", "fail");
}

static void
says_where_it_is_stuck(void **state)
{
	static const struct peer_step silent[] = { PEER_STALL, PEER_END };
	static const struct peer_step half[] = { PONG, PEER_STALL, PEER_END };
	static const struct peer_step loading[] = { PEER_EXPECT("PING"),
		PEER_SEND("-LOADING it is\r\n"), PEER_STALL, PEER_END };
	static const struct {
		const struct peer_step *script;
		const char *cause, *words;
	} cases[] = {
		{ silent, "net.noreply", "silence" },
		{ half, "net.noreply", "PONG came" },
		{ loading, "redis.loading", "LOADING it is" },
	};
	struct bench b;

	(void)state;
	bench_open(&b, BENCH_FAKE);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct peer *peer = peer_open(b.loop, cases[i].script);

		configure(&b, peer, "", "", "");
		bench_run_stuck(&b);
		assert_cause(&b, cases[i].cause, cases[i].words);
		peer_free(peer);
	}
	bench_close(&b);
}

static void
hostile_replies_are_bounded(void **state)
{
	static const struct {
		const char *reply;
		size_t repeat;
	} cases[] = {
		{ "*2000000000\r\n", 0 },
		{ "*4097\r\n", 0 },
		{ "*-2\r\n", 0 },
		{ "$-2\r\n", 0 },
		{ "$99999999999999999999\r\n", 0 },
		{ "*1\r\n", 400 },
		{ "*10\r\n*1000\r\n", 400 },
		{ "*4000\r\n", 400 },
		{ "$2000000\r\n", 0 },
		{ "%1\r\n+a\r\n+b\r\n", 0 },
		{ ":x\r\n", 0 },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = strlen(cases[i].reply);
		const struct peer_step script[] = {
			PEER_EXPECT("PING"),
			{ PEER_DO_REPEAT, cases[i].reply,
				cases[i].repeat > 0 ? len * cases[i].repeat : len },
			PEER_REPEAT("xxxxxxxx", (size_t)3 << 20),
			PEER_END,
		};

		run_script(b, script, "", "", "");
		if (!str_eq(bench_cause(b), "net.protocol"))
			fail_msg("%s: %s %s", cases[i].reply, bench_cause(b), b->sample.text);
	}
}

static void
speaks_tls(void **state)
{
	static const struct peer_step script[] = { PONG, NO_INFO, PEER_END };
	struct bench *b = *state;
	struct peer *peer =
		peer_open_with(b->loop, &(struct peer_options){ .script = script, .is_tls = true });
	char yaml[512];

	snprintf(yaml, sizeof(yaml), "url: \"rediss://%s\"\nca: %s\n", peer_address(peer),
		peer_ca_path());
	assert_int_equal(bench_configure(b, "redis", yaml), 0);
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(bench_value(b, "tls_time") > 0);
	snprintf(yaml, sizeof(yaml), "url: \"rediss://%s\"\n", peer_address(peer));
	assert_int_equal(bench_configure(b, "redis", yaml), 0);
	bench_run(b);
	assert_cause(b, "net.tls-verify", "");
	snprintf(yaml, sizeof(yaml), "url: \"rediss://%s?skip_verify=true\"\n", peer_address(peer));
	assert_int_equal(bench_configure(b, "redis", yaml), 0);
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_string_not_equal(bench_fact(b, "tls"), "");
	peer_free(peer);
}

static void
complains_about_settings(void **state)
{
	static const struct {
		const char *yaml, *words;
	} bad[] = {
		{ "{}", "url" },
		{ "url: redis://h:x", "port" },
		{ "url: \"redis://a,b\"", "master: mymaster" },
		{ "{ url: redis://h, lengths: { \"a b\": k } }", "a name is made of" },
		{ "{ url: redis://h, lengths: { A: k } }", "a name is made of" },
		{ "{ url: redis://h, master: m, role: replica }", "role" },
		{ "{ url: redis://h, role: leader }", "leader" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (bench_configure(b, "redis", bad[i].yaml) == 0)
			fail_msg("accepted: %s", bad[i].yaml);
		if (strstr(b->complaint, bad[i].words) == NULL)
			fail_msg("%s: %s", bad[i].yaml, b->complaint);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_pong_is_healthy),
		T(logs_in_and_selects_before),
		T(refusals_are_causes),
		T(a_greeting_may_be_a_refusal),
		T(info_becomes_metrics),
		T(facts_come_with_a_refusal),
		T(rights_that_are_missing_are_named),
		T(lengths_are_measured_by_their_type),
		T(an_empty_database_is_the_wrong_one_where_keys_are_expected),
		T(big_keys_are_counted),
		T(a_write_is_tried_when_asked),
		T(the_role_must_be_the_one_wanted),
		T(a_key_may_be_elsewhere),
		T(what_was_written_may_be_gone_once),
		T(what_info_leaves_out_is_absent),
		T(a_cluster_must_be_whole),
		cmocka_unit_test(says_where_it_is_stuck),
		T(hostile_replies_are_bounded),
		T(speaks_tls),
		T(complains_about_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The postgres probe against a scripted server: logins, refusals, what is kept, what is hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "io/resolve.h"
#include "probes/postgres_conf.h"
#include "probes/postgres_trouble.h"
#include "tests/help/peer.h"
#include "tests/help/probe_bench.h"

/* clang-format off */
#define AUTH_OK "R\0\0\0\x8\0\0\0\0"
#define KEY     "K\0\0\0\xc\0\0\0\x7\0\0\0\x1"
#define READY   "Z\0\0\0\x5I"
#define VERSION "S\0\0\0\x18server_version\0" "15.3\0"
#define LOGIN   AUTH_OK VERSION KEY READY
#define COLUMN  "\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0"
#define ONE_ROW "T\0\0\0\x1a\0\1x\0" COLUMN "D\0\0\0\xb\0\1\0\0\0\1" "1" "C\0\0\0\xdSELECT 1\0" READY
#define ROW_OF(text, len) "T\0\0\0\x1a\0\1x\0" COLUMN "D\0\0\0" len text "C\0\0\0\xdSELECT 1\0"
/* knows, pid, read_only, in_recovery, connections, connections_percent, waiting: named as we do */
#define ACTIVITY \
	"T\0\0\0\xcc\0\7" "knows\0" COLUMN "pid\0" COLUMN "read_only\0" COLUMN \
	"in_recovery\0" COLUMN "connections\0" COLUMN "connections_percent\0" COLUMN "waiting\0" COLUMN \
	"D\0\0\0\x2e\0\7\0\0\0\1t\0\0\0\1" "7\0\0\0\3off\0\0\0\1" "0\0\0\0\2" "12\0\0\0\4" "12.5\xff\xff\xff\xff" \
	"C\0\0\0\xdSELECT 1\0" READY
#define UPKEEP \
	"T\0\0\0\x27\0\1database_bytes\0" COLUMN "D\0\0\0\xe\0\1\0\0\0\4" "4096" \
	"C\0\0\0\xdSELECT 1\0" READY
#define ERROR(state, text, len) "E\0\0\0" len "SERROR\0VERROR\0C" state "\0M" text "\0\0"
/* clang-format on */

struct scene {
	struct bench b;
	struct peer *peer;
};

static void
open_scene(struct scene *s, enum bench_time time, const struct peer_step *script, const char *query,
	const char *more)
{
	char yaml[512];

	bench_open(&s->b, time);
	s->peer = peer_open(s->b.loop, script);
	snprintf(yaml, sizeof(yaml), "dsn: \"postgresql://app:s3cret@%s/shop%s\"\n%s",
		peer_address(s->peer), query, more);
	if (bench_configure(&s->b, "postgres", yaml) != 0)
		fail_msg("%s", s->b.complaint);
}

static void
close_scene(struct scene *s)
{
	peer_free(s->peer);
	bench_close(&s->b);
}

static void
assert_text(const struct bench *b, const char *part)
{
	if (strstr(b->sample.text, part) == NULL)
		fail_msg("\"%s\" is not in: %s", part, b->sample.text);
}

static const struct peer_step good[] = {
	PEER_EXPECT("application_name"),
	PEER_SEND(LOGIN),
	PEER_EXPECT("SELECT k.knows"),
	PEER_SEND(ACTIVITY),
	PEER_EXPECT("database_bytes"),
	PEER_SEND(UPKEEP),
	PEER_EXPECT("SELECT 1"),
	PEER_SEND(ONE_ROW),
	PEER_EXPECT("PREPARE triaged_activity AS"),
	PEER_EXPECT("EXECUTE triaged_activity"),
	PEER_SEND(ACTIVITY),
	PEER_EXPECT("SELECT 1"),
	PEER_SEND(ONE_ROW),
	PEER_EXPECT("EXECUTE triaged_activity"),
	PEER_SEND(ACTIVITY),
	PEER_END,
};

static void
keeps_one_connection(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s, BENCH_FAKE, good, "?sslmode=disable&charset=utf8", "");
	for (int i = 0; i < 5; i++) {
		bench_run(&s.b);
		assert_int_equal(s.b.sample.outcome, OUTCOME_OK);
		assert_text(&s.b, "PostgreSQL 15.3, primary, 12 connections (12 %)");
		assert_int_equal(bench_value(&s.b, "connections"), 12);
		assert_int_equal(bench_value(&s.b, "in_recovery"), 0);
		assert_int_equal(bench_value(&s.b, "usable"), 1);
		assert_int_equal(bench_value(&s.b, "database_bytes"), 4096);
		assert_true(isnan(bench_value(&s.b, "waiting")));
		assert_int_equal(isnan(bench_value(&s.b, "connect_time")), i > 0);
		assert_int_equal(peer_accepted(s.peer), 1);
		assert_int_equal(peer_living(s.peer), 1);
		loop_advance(s.b.loop, 6 * USEC_PER_SEC); /* statistics at every other run */
	}
	close_scene(&s);
}

static const struct peer_step plain[] = {
	PEER_EXPECT("application_name"),
	PEER_SEND(LOGIN),
	PEER_EXPECT("SELECT"),
	PEER_SEND(ONE_ROW),
	PEER_END,
};

static void
proves_the_way_anew(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s, BENCH_REAL, plain, "?sslmode=disable", "reconnect_interval: 0s\n");
	for (unsigned i = 1; i <= 3; i++) {
		bench_run(&s.b);
		assert_int_equal(s.b.sample.outcome, OUTCOME_OK);
		assert_int_equal(peer_accepted(s.peer), i);
	}
	close_scene(&s);
}

static const struct peer_step killed[] = {
	PEER_EXPECT("application_name"),
	PEER_SEND(LOGIN),
	PEER_EXPECT("SELECT"),
	PEER_SEND(ONE_ROW),
	PEER_SEND("E\0\0\0\x22SFATAL\0VFATAL\0C57P01\0Mkilled\0\0"),
	PEER_CLOSE,
	PEER_END,
};

static bool
is_poked(void *arg)
{
	return ((struct bench *)arg)->pokes > 0;
}

static void
a_dead_connection_is_made_anew_in_the_same_run(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s, BENCH_REAL, killed, "?sslmode=disable", "");
	bench_run(&s.b);
	assert_int_equal(s.b.sample.outcome, OUTCOME_OK);
	assert_true(loop_turn_until(s.b.loop, is_poked, &s.b, 500));
	bench_run(&s.b);
	assert_int_equal(s.b.sample.outcome, OUTCOME_OK);
	assert_int_equal(peer_accepted(s.peer), 2);
	assert_int_equal(s.b.sample.note_count, 1);
	assert_string_equal(s.b.sample.notes[0].cause->code, "pg.admin-kill");
	close_scene(&s);
}

static const struct refusal {
	const char *state, *text, *cause;
	int accepting;
} refusals[] = {
	{ "28P01", "password authentication failed for user \"x\"", "pg.auth", 1 },
	{ "28000", "no pg_hba.conf entry for host", "pg.hba", 1 },
	{ "28000", "role \"x\" is not permitted to log in", "pg.nologin", 1 },
	{ "3D000", "database \"x\" does not exist", "pg.no-db", 1 },
	{ "53300", "sorry, too many clients already", "pg.too-many", 1 },
	{ "57P03", "the database system is starting up", "pg.starting", 0 },
	{ "57P03", "das Datenbanksystem startet", "pg.starting", 0 },
	{ "57P03", "the database system is shutting down", "pg.shutting-down", 0 },
	{ "57P03", "the database system is not accepting connections", "pg.not-accepting", 0 },
	{ "57P02", "terminating connection because of crash", "pg.crashed", 1 },
	{ "08P01", "no such database: x", "pg.no-db", 1 },
	{ "XX000", "something", "pg.error", 1 },
};

static void
refused_logins_have_a_cause(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct refusal *r = &refusals[i];
		char bytes[256] = "E\0\0\0";
		size_t len = 5;
		struct scene s;

		len += (size_t)snprintf(bytes + len, sizeof(bytes) - len,
			       "SFATAL%cVFATAL%cC%s%cM%s", 0, 0, r->state, 0, r->text) +
		       2;
		bytes[4] = (char)(len - 1);
		{
			const struct peer_step script[] = {
				PEER_EXPECT("application_name"),
				{ PEER_DO_SEND, bytes, len },
				PEER_CLOSE,
				PEER_END,
			};

			open_scene(&s, BENCH_REAL, script, "?sslmode=disable", "");
			bench_run(&s.b);
		}
		if (!str_eq(bench_cause(&s.b), r->cause))
			fail_msg("%s %s: %s", r->state, r->text, s.b.sample.text);
		assert_text(&s.b, r->text);
		assert_string_equal(bench_fact(&s.b, "SQLSTATE"), r->state);
		assert_int_equal(bench_value(&s.b, "accepting"), r->accepting);
		assert_int_equal(bench_value(&s.b, "usable"), 0);
		assert_null(strstr(s.b.sample.text, "s3cret"));
		close_scene(&s);
	}
}

/* IPv6 is refused: nobody listens there.  What the server on IPv4 says is what counts. */
static void
tells_what_the_address_said_that_came_furthest(void **state)
{
	static const struct resolve_options nowhere = { .hosts_path = "/dev/null" };
	static const struct peer_step refuses[] = {
		PEER_EXPECT("application_name"),
		PEER_SEND(ERROR("28P01", "no", "\x1e")),
		PEER_CLOSE,
		PEER_END,
	};
	const struct peer_step *const scripts[] = { refuses, plain };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		char yaml[128], where[64];
		struct scene s;

		open_scene(&s, BENCH_REAL, scripts[i], "", "");
		resolver_free(s.b.env.resolver);
		s.b.env.resolver = resolver_new(s.b.loop, &nowhere);
		snprintf(yaml, sizeof(yaml), "dsn: postgresql://app@localhost:%u/x?sslmode=disable",
			peer_port(s.peer));
		snprintf(where, sizeof(where), "127.0.0.1:%u: no (28P01)", peer_port(s.peer));
		assert_int_equal(bench_configure(&s.b, "postgres", yaml), 0);
		bench_run(&s.b);
		assert_string_equal(bench_cause(&s.b), i == 0 ? "pg.auth" : "");
		if (i == 0) {
			assert_text(&s.b, where);
		} else {
			assert_int_equal(s.b.sample.note_count, 1);
			assert_string_equal(s.b.sample.notes[0].cause->code, "net.family");
		}
		close_scene(&s);
	}
}

static const struct stranger {
	const char *name, *query;
	struct peer_step script[5];
	const char *cause;
} strangers[] = {
	{ "http", "", { PEER_SEND("HTTP/1.1 400 Bad Request\r\n\r\n"), PEER_CLOSE, PEER_END },
		"net.protocol" },
	{ "ssh, asked for TLS", "", { PEER_SEND("SSH-2.0-x\r\n"), PEER_END }, "net.protocol" },
	{ "ssh", "?sslmode=disable", { PEER_SEND("SSH-2.0-x\r\n"), PEER_END }, "net.protocol" },
	{ "error without end", "?sslmode=disable",
		{ PEER_SEND("Error: "), PEER_ENDLESS_LINE, PEER_END }, "net.protocol" },
	{ "no tls", "?sslmode=require", { PEER_EXPECT_BYTES(8), PEER_SEND("N"), PEER_END },
		"pg.tls" },
	{ "gssapi", "?sslmode=disable",
		{ PEER_EXPECT("application_name"), PEER_SEND("R\0\0\0\x8\0\0\0\7"), PEER_END },
		"pg.auth-method" },
	{ "a login that never ends", "?sslmode=disable",
		{ PEER_EXPECT("application_name"),
			PEER_SEND("R\0\0\0\x2e\0\0\0\xbr=abcdefghijklmnop,s=AAAA,i=2000000000"),
			PEER_END },
		"pg.auth-method" },
	{ "no tls at all", "?sslmode=require",
		{ PEER_EXPECT_BYTES(8), PEER_SEND("S"), PEER_EXPECT_BYTES(64),
			PEER_SEND("nonsense in plain"), PEER_END },
		"net.tls-handshake" },
	{ "eof", "?sslmode=disable", { PEER_EXPECT("application_name"), PEER_CLOSE, PEER_END },
		"net.eof" },
	{ "reset", "?sslmode=disable", { PEER_EXPECT("application_name"), PEER_RESET, PEER_END },
		"net.reset" },
	{ "notices without end", "?sslmode=disable",
		{ PEER_EXPECT("application_name"), PEER_SEND(AUTH_OK),
			PEER_REPEAT("N\0\0\0\x12SX\0VX\0C00000\0\0", 0), PEER_END },
		"net.protocol" },
};

static void
strangers_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
		const struct stranger *f = &strangers[i];
		struct scene s;

		open_scene(&s, BENCH_REAL, f->script, f->query, "");
		bench_run(&s.b);
		if (!str_eq(bench_cause(&s.b), f->cause))
			fail_msg("%s: %s, %s", f->name, bench_cause(&s.b), s.b.sample.text);
		close_scene(&s);
	}
}

static const struct peer_step silent[] = { PEER_STALL, PEER_END };
static const struct peer_step silent_later[] = { PEER_EXPECT("application_name"),
	PEER_SEND(AUTH_OK), PEER_STALL, PEER_END };
static const struct peer_step silent_asked[] = { PEER_EXPECT("application_name"), PEER_SEND(LOGIN),
	PEER_STALL, PEER_END };

static void
says_where_it_was_stuck(void **state)
{
	static const struct {
		const struct peer_step *script;
		const char *cause, *text;
	} cases[] = {
		{ silent, "pg.frozen", "says nothing" },
		{ silent_later, "pg.frozen", "not finished" },
		{ silent_asked, "pg.timeout", "first statement" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scene s;

		open_scene(&s, BENCH_FAKE, cases[i].script, "?sslmode=disable", "");
		bench_run_stuck(&s.b);
		assert_string_equal(bench_cause(&s.b), cases[i].cause);
		assert_text(&s.b, cases[i].text);
		close_scene(&s);
	}
}

static const struct peer_step pooler[] = {
	PEER_EXPECT("application_name"),
	PEER_SEND("E\0\0\0\x42SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: options\0\0"),
	PEER_CLOSE,
	PEER_END,
};

static void
a_pooler_gets_limits_by_transaction(void **state)
{
	struct scene s;
	const char *heard;

	(void)state;
	open_scene(&s, BENCH_REAL, pooler, "?sslmode=disable", "");
	bench_run(&s.b);
	assert_int_equal(peer_accepted(s.peer), 2);
	assert_string_equal(bench_cause(&s.b), "pg.error");
	heard = peer_heard(s.peer, 0);
	assert_non_null(memmem(heard, peer_heard_len(s.peer, 0), "statement_timeout", 17));
	heard = peer_heard(s.peer, 1);
	assert_null(memmem(heard, peer_heard_len(s.peer, 1), "statement_timeout", 17));
	close_scene(&s);
}

static const struct peer_step queries[] = {
	PEER_EXPECT("application_name"),
	PEER_SEND(LOGIN),
	PEER_EXPECT("SELECT k."),
	PEER_SEND(ONE_ROW),
	PEER_EXPECT("BEGIN READ ONLY;"),
	PEER_EXPECT("SELECT 1.5"),
	PEER_SEND(ROW_OF("1.5", "\xd\0\1\0\0\0\3") READY),
	PEER_EXPECT("SELECT word"),
	PEER_SEND(ROW_OF("word", "\xe\0\1\0\0\0\4") READY),
	PEER_EXPECT("SELECT bad"),
	PEER_SEND(ERROR("42703", "no such column", "\x2a") READY),
	PEER_EXPECT("SELECT secret"),
	PEER_SEND(ERROR("42501", "permission denied", "\x2d") READY),
	PEER_EXPECT("SELECT flag"),
	PEER_SEND(ROW_OF("t", "\xb\0\1\0\0\0\1") READY),
	PEER_END,
};

static void
queries_are_metrics(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s, BENCH_REAL, queries, "?sslmode=disable",
		"queries: { a_time: SELECT 1.5, b: SELECT word, c: SELECT bad, d: SELECT secret, "
		"e: SELECT flag }\n");
	bench_run(&s.b);
	assert_int_equal(s.b.sample.outcome, OUTCOME_OK);
	assert_true(bench_value(&s.b, "a_time") == 1.5);
	assert_true(isnan(bench_value(&s.b, "b")));
	assert_true(isnan(bench_value(&s.b, "c")));
	assert_true(isnan(bench_value(&s.b, "d")));
	assert_true(bench_value(&s.b, "e") == 1);
	assert_int_equal(s.b.sample.note_count, 2); /* one a cause: pg.query, pg.no-grant */
	assert_int_equal(
		s.b.sample.metrics[metric_index(s.b.sample.metrics, "a_time")].unit, UNIT_SECONDS);
	close_scene(&s);
}

static const struct peer_step flood[] = {
	PEER_EXPECT("application_name"),
	PEER_SEND(LOGIN),
	PEER_EXPECT("SELECT k."),
	PEER_SEND(ONE_ROW),
	PEER_EXPECT("SELECT much"),
	PEER_SEND("T\0\0\0\x1a\0\1x\0" COLUMN),
	PEER_REPEAT("D\0\0\0\xb\0\1\0\0\0\1"
		    "1",
		0),
	PEER_END,
};

static void
an_answer_without_end_is_cut(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s, BENCH_REAL, flood, "?sslmode=disable", "queries: { a: SELECT much }\n");
	s.b.timeout_us = 100 * USEC_PER_SEC; /* valgrind takes its time over a megabyte of rows */
	bench_run(&s.b);
	assert_int_equal(s.b.sample.outcome, OUTCOME_OK);
	assert_string_equal(s.b.sample.notes[0].cause->code, "pg.query");
	close_scene(&s);
}

static const struct peer_step trickling[] = {
	PEER_EXPECT_BYTES(8),
	PEER_SEND("N"),
	PEER_EXPECT("application_name"),
	PEER_TRICKLE(LOGIN),
	PEER_EXPECT("SELECT"),
	PEER_TRICKLE(ONE_ROW),
	PEER_END,
};

static void
takes_a_good_answer_byte_by_byte(void **state)
{
	struct scene s;

	(void)state;
	open_scene(&s, BENCH_REAL, trickling, "", "");
	bench_run(&s.b);
	assert_int_equal(s.b.sample.outcome, OUTCOME_OK);
	close_scene(&s);
}

static void
an_answer_may_end_anywhere(void **state)
{
	static const char whole[] = LOGIN;

	(void)state;
	for (size_t len = 1; len < sizeof(whole) - 1; len++) {
		const struct peer_step script[] = {
			PEER_EXPECT("application_name"),
			{ PEER_DO_SEND, whole, len },
			{ len % 2 ? PEER_DO_CLOSE : PEER_DO_RESET, NULL, 0 },
			PEER_END,
		};
		struct scene s;

		open_scene(&s, BENCH_REAL, script, "?sslmode=disable", "");
		bench_run(&s.b);
		assert_int_equal(s.b.sample.outcome, OUTCOME_FAIL);
		close_scene(&s);
	}
}

static void
bad_settings_are_refused(void **state)
{
	static const struct {
		const char *yaml, *says;
	} cases[] = {
		{ "{}", "dsn" },
		{ "dsn: \"postgresql://u:hunter2@h:x/d\"", "port" },
		{ "{dsn: \"postgres://h\", queries: {Bad: SELECT 1}}", "is no name" },
		{ "{dsn: \"postgres://h\", queries: {waiting: SELECT 1}}", "already" },
		{ "{dsn: \"postgres://h\", queries: {a: \" ; \"}}", "empty" },
		{ "{dsn: \"postgres://h\", role: leader}", "role" },
	};
	struct bench b;

	(void)state;
	bench_open(&b, BENCH_FAKE);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(bench_configure(&b, "postgres", cases[i].yaml), -1);
		if (strstr(b.complaint, cases[i].says) == NULL ||
			strstr(b.complaint, "hunter2") != NULL)
			fail_msg("%s: %s", cases[i].yaml, b.complaint);
	}
	bench_close(&b);
}

static void
rows_stand_where_code_thinks(void **state)
{
	(void)state;
	assert_string_equal(pg_metrics[PG_LOGIN_TIME].name, "login_time");
	assert_string_equal(pg_metrics[PG_QUERY_TIME].name, "query_time");
	assert_string_equal(pg_metrics[PG_ACCEPTING].name, "accepting");
	assert_string_equal(pg_metrics[PG_USABLE].name, "usable");
	assert_string_equal(pg_metrics[PG_POOL].name, "pool_connections");
	assert_string_equal(pg_metrics[PG_REPLICAS_WANTED].name, "replicas_wanted");
}

static void
reads_what_libpq_says(void **state)
{
	static const struct {
		const char *message, *cause, *state;
	} cases[] = {
		{ "connection to server at \"127.0.0.1\", port 1 failed: FATAL:  28P01: password "
		  "authentication failed\nLOCATION:  auth_failed, auth.c:335\n",
			"pg.auth", "28P01" },
		{ "致命错误:  53300: 已有太多客户\n", "pg.too-many", "53300" },
		{ "connection failed: FATAL:  57P03: the database system is not accepting "
		  "connections\nDETAIL:  Hot standby mode is disabled.\n",
			"pg.not-accepting", "57P03" },
		{ "x failed: server does not support SSL, but SSL was required\n", "pg.tls", "" },
		{ "x failed: SSL error: certificate verify failed\n", "net.tls-verify", "" },
		{ "x failed: server certificate for \"a\" does not match host name \"b\"\n",
			"net.tls-verify", "" },
		{ "x failed: root certificate file \"/x\" does not exist\n", "self.local", "" },
		{ "x failed: Connection refused\n", "net.refused", "" },
		{ "could not create socket: Address family not supported by protocol\n",
			"net.unreachable", "" },
		{ "x failed: server closed the connection unexpectedly\n", "net.eof", "" },
		{ "FATAL:  57P03:", "pg.starting", "57P03" },
		{ "", "pg.error", "" },
		{ ":  :  12345", "pg.error", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pg_trouble trouble = { .fault = FAULT_NONE };

		pg_trouble_read(&trouble, cases[i].message);
		assert_string_equal(pg_trouble_cause(&trouble), cases[i].cause);
		assert_string_equal(trouble.state, cases[i].state);
		assert_string_not_equal(trouble.text, "");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_one_connection),
		cmocka_unit_test(proves_the_way_anew),
		cmocka_unit_test(a_dead_connection_is_made_anew_in_the_same_run),
		cmocka_unit_test(refused_logins_have_a_cause),
		cmocka_unit_test(tells_what_the_address_said_that_came_furthest),
		cmocka_unit_test(strangers_are_named),
		cmocka_unit_test(says_where_it_was_stuck),
		cmocka_unit_test(a_pooler_gets_limits_by_transaction),
		cmocka_unit_test(queries_are_metrics),
		cmocka_unit_test(an_answer_without_end_is_cut),
		cmocka_unit_test(takes_a_good_answer_byte_by_byte),
		cmocka_unit_test(an_answer_may_end_anywhere),
		cmocka_unit_test(bad_settings_are_refused),
		cmocka_unit_test(rows_stand_where_code_thinks),
		cmocka_unit_test(reads_what_libpq_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * The same misbehaviour for every row of the probe table that speaks to a network: whatever the
 * peer does, a run gives one sample with a cause of the list and words that can be shown, or none
 * when it is aborted, and leaves no descriptor behind.  A new probe is in here by being a row.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "io/resolve.h"
#include "tests/help/peer.h"
#include "tests/help/probe_bench.h"

#define TURNS_MAX   4000
#define QUIET_TURNS 6 /* in a row: more than a thread needs that works for a probe */

static const struct peer_step refuse[] = { PEER_END }; /* nobody listens, see below */
static const struct peer_step stall[] = { PEER_STALL, PEER_END };
static const struct peer_step stall_later[] = { PEER_EXPECT_BYTES(1), PEER_STALL, PEER_END };
static const struct peer_step end_at_once[] = { PEER_CLOSE, PEER_END };
static const struct peer_step end_later[] = { PEER_EXPECT_BYTES(1), PEER_CLOSE, PEER_END };
static const struct peer_step half_close[] = { PEER_HALF_CLOSE, PEER_END };
static const struct peer_step reset_at_once[] = { PEER_RESET, PEER_END };
static const struct peer_step reset_later[] = { PEER_EXPECT_BYTES(1), PEER_RESET, PEER_END };
static const struct peer_step endless_line[] = { PEER_ENDLESS_LINE, PEER_END };
static const struct peer_step huge[] = { PEER_HUGE, PEER_CLOSE, PEER_END };
static const struct peer_step garbage[] = { PEER_GARBAGE, PEER_CLOSE, PEER_END };
static const struct peer_step garbage_stall[] = { PEER_GARBAGE, PEER_STALL, PEER_END };
static const char nothing[4096];
static const struct peer_step zeros[] = { PEER_SEND_BYTES(nothing, sizeof(nothing)), PEER_CLOSE,
	PEER_END };
static const struct peer_step lines[] = { PEER_REPEAT("\r\n", 8192), PEER_CLOSE, PEER_END };
static const struct peer_step one_byte[] = { PEER_SEND("H"), PEER_CLOSE, PEER_END };

/* Scripts of nothing but nonsense: no probe of a protocol may be content with them. */
enum { CAN_PLEASE, NEVER_OK };

static const struct misbehaviour {
	const char *name;
	const struct peer_step *script;
	int verdict;
} misbehaviours[] = {
	{ "refuse", refuse, NEVER_OK },
	{ "stall", stall, CAN_PLEASE },
	{ "stall later", stall_later, CAN_PLEASE },
	{ "end at once", end_at_once, CAN_PLEASE },
	{ "end later", end_later, CAN_PLEASE },
	{ "half close", half_close, CAN_PLEASE },
	{ "reset at once", reset_at_once, CAN_PLEASE },
	{ "reset later", reset_later, CAN_PLEASE },
	{ "endless line", endless_line, NEVER_OK },
	{ "huge", huge, NEVER_OK },
	{ "garbage", garbage, NEVER_OK },
	{ "garbage, then silence", garbage_stall, NEVER_OK },
	{ "zeros", zeros, NEVER_OK },
	{ "empty lines", lines, NEVER_OK },
	{ "one byte", one_byte, NEVER_OK },
};

/* Greeting of protocol 10, two OKs (the login, a SET), then one row: 1. */
static const char mysql_answer[] = "\x49\0\0\0\x0a"
				   "8.4.3\0"
				   "\7\0\0\0abcdefgh\0"
				   "\x0d\xa2\x2d\2\0\x18\0\x15\0\0\0\0\0\0\0\0\0\0"
				   "ijklmnopqrst\0"
				   "caching_sha2_password\0"
				   "\7\0\0\2\0\0\0\2\0\0\0"
				   "\7\0\0\1\0\0\0\2\0\0\0"
				   "\1\0\0\1\1"
				   "\x17\0\0\2\3def\0\0\0\1"
				   "1\0\x0c\x2d\0\1\0\0\0\3\0\0\0\0\0"
				   "\5\0\0\3\xfe\0\0\2\0"
				   "\2\0\0\4\1"
				   "1"
				   "\5\0\0\5\xfe\0\0\2";

/* Rows that know a protocol: what a good answer is, and keys that make the probe look at it. */
static const struct dialect {
	const char *type, *answer, *more;
	size_t len; /* of an answer that has NULs in it; 0: it is a text */
} dialects[] = {
	{ "http", "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"ok\":true}",
		"expect: { json: ok == true }\n", 0 },
	{ "mysql", mysql_answer, "metrics: false\n", sizeof(mysql_answer) },
	{ "smtp", "220 mail ready\r\n250-mail\r\n250 SIZE 1000\r\n221 bye\r\n", "", 0 },
	{ "redis", "+PONG\r\n-ERR unknown command\r\n", "", 0 },
	{ "tcp", "220 mail ready\r\n", "expect: \"^220 [a-z ]+\\r\"\n", 0 },
};

/* These speak in datagrams: what their peers do wrong is in their own tests. */
static bool
is_streamed(const struct probe_type *type)
{
	static const char *const others[] = { "dns", "ping", "udp" };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strcmp(type->name, others[i]) == 0)
			return false;
	return type->is_network;
}

static const struct dialect *
dialect_of(const struct probe_type *type)
{
	for (size_t i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++)
		if (strcmp(dialects[i].type, type->name) == 0)
			return &dialects[i];
	return NULL;
}

static size_t
answer_len(const struct dialect *d)
{
	return d->len > 0 ? d->len : strlen(d->answer);
}

static void
configure(struct bench *b, const struct probe_type *type, const char *address)
{
	const struct dialect *d = dialect_of(type);
	char yaml[512];

	snprintf(yaml, sizeof(yaml), "%s: \"%s%s%s\"\n%s",
		type->url_key != NULL ? type->url_key : "address",
		type->schemes != NULL ? type->schemes[0] : "", type->schemes != NULL ? "://" : "",
		address, d != NULL ? d->more : "");
	if (bench_configure(b, type->name, yaml) != 0)
		fail_msg("%s: %s", type->name, b->complaint);
}

static bool
has_verdict(void *arg)
{
	return ((struct bench *)arg)->run == NULL;
}

/* A turn waits for at most 10 ms of real time: one that did has nothing left to do. */
static bool
turn_is_quiet(struct bench *b)
{
	struct timespec before, after;

	clock_gettime(CLOCK_MONOTONIC, &before);
	loop_turn_until(b->loop, has_verdict, b, 1);
	clock_gettime(CLOCK_MONOTONIC, &after);
	return (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 >=
	       9;
}

/* Lets it happen; what does not end by itself ends at the deadline. */
static void
play(struct bench *b)
{
	unsigned quiet = 0;

	bench_start(b, NULL);
	for (unsigned i = 0; i < TURNS_MAX && quiet < QUIET_TURNS && !has_verdict(b); i++)
		quiet = turn_is_quiet(b) ? quiet + 1 : 0;
	if (!has_verdict(b))
		loop_advance(b->loop, b->timeout_us);
	bench_await(b);
}

static void
assert_sane(const struct bench *b, const char *type, const char *what)
{
	const struct sample *s = &b->sample;

	if (b->verdicts != 1)
		fail_msg("%s, %s: %u verdicts", type, what, b->verdicts);
	if (s->outcome == OUTCOME_NONE || s->outcome == OUTCOME_ERROR)
		fail_msg("%s, %s: %s %s", type, what, outcome_name(s->outcome), s->text);
	if ((s->outcome == OUTCOME_OK) != (s->cause == NULL))
		fail_msg("%s, %s: %s, but the cause is %s", type, what, outcome_name(s->outcome),
			bench_cause(b));
	if (s->cause != NULL && cause_find(s->cause->code) != s->cause)
		fail_msg("%s, %s: %s is not in the list", type, what, s->cause->code);
	if (s->text[0] == '\0' || !str_is_utf8(s->text, strlen(s->text)))
		fail_msg("%s, %s: the text cannot be shown", type, what);
	for (const char *p = s->text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ')
			fail_msg("%s, %s: a control byte in: %s", type, what, s->text);
	assert_true(s->took_us <= b->timeout_us + USEC_PER_SEC);
}

/* One run against `script`, from an empty world to an empty world. */
static void
run_one(const struct probe_type *type, const char *what, const struct peer_step *script,
	struct sample *out)
{
	struct peer *peer = NULL;
	struct bench b;
	char address[64];
	unsigned fds;

	if (script == refuse) /* holds a socket until the program ends */
		snprintf(address, sizeof(address), "127.0.0.1:%u", peer_dead_port());
	fds = bench_open_fds();
	bench_open(&b, BENCH_FAKE);
	if (script != refuse) {
		peer = peer_open(b.loop, script);
		snprintf(address, sizeof(address), "%s", peer_address(peer));
	}
	configure(&b, type, address);
	play(&b);
	assert_sane(&b, type->name, what);
	sample_copy(out, &b.sample);
	peer_free(peer);
	bench_close(&b);
	if (bench_open_fds() != fds)
		fail_msg("%s, %s: %u descriptors before, %u after", type->name, what, fds,
			bench_open_fds());
}

static void
survives_every_misbehaviour(void **state)
{
	(void)state;
	for (size_t t = 0; probe_table[t] != NULL; t++) {
		const struct probe_type *type = probe_table[t];

		if (!is_streamed(type))
			continue;
		for (size_t i = 0; i < sizeof(misbehaviours) / sizeof(misbehaviours[0]); i++) {
			const struct misbehaviour *m = &misbehaviours[i];
			struct sample s;

			run_one(type, m->name, m->script, &s);
			if (s.outcome == OUTCOME_OK &&
				(m->verdict == NEVER_OK || dialect_of(type) != NULL))
				fail_msg("%s is content with: %s", type->name, m->name);
			sample_fini(&s);
		}
	}
}

/* `len` bytes of the answer, then `last`. */
static void
run_cut(const struct probe_type *type, const struct dialect *d, size_t len, enum peer_verb last,
	struct sample *out)
{
	const struct peer_step script[] = {
		{ PEER_DO_SEND, d->answer, len },
		{ last, NULL, 0 },
		PEER_END,
	};
	char what[64];

	snprintf(what, sizeof(what), "cut after %zu bytes", len);
	run_one(type, what, len > 0 ? script : script + 1, out);
}

static void
survives_an_answer_cut_anywhere(void **state)
{
	static const enum peer_verb ends[] = { PEER_DO_CLOSE, PEER_DO_RESET };

	(void)state;
	for (size_t i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++) {
		const struct dialect *d = &dialects[i];
		size_t whole = answer_len(d);

		for (size_t len = 0; len < whole; len++) {
			struct sample s;

			run_cut(probe_find(d->type), d, len, ends[len % 2], &s);
			if (s.outcome == OUTCOME_OK && strcmp(d->type, "http") == 0)
				fail_msg("%s is content with %zu bytes", d->type, len);
			sample_fini(&s);
		}
	}
}

static void
takes_a_good_answer_byte_by_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++) {
		const struct peer_step script[] = {
			{ PEER_DO_TRICKLE, dialects[i].answer, answer_len(&dialects[i]) },
			PEER_END,
		};
		struct sample s;

		run_one(probe_find(dialects[i].type), "byte by byte", script, &s);
		if (s.outcome != OUTCOME_OK)
			fail_msg("%s: %s", dialects[i].type, s.text);
		sample_fini(&s);
	}
}

/* `localhost` is two addresses also where no hosts file says so, and many a server has one of them.
 */
static void
goes_to_the_address_that_answers(void **state)
{
	static const struct resolve_options nowhere = { .hosts_path = "/dev/null" };

	(void)state;
	for (size_t t = 0; probe_table[t] != NULL; t++) {
		const struct probe_type *type = probe_table[t];
		struct peer *peer;
		struct bench b;
		char address[64];

		if (!is_streamed(type))
			continue;
		bench_open(&b, BENCH_FAKE);
		resolver_free(b.env.resolver);
		b.env.resolver = resolver_new(b.loop, &nowhere);
		peer = peer_open(b.loop, end_later);
		snprintf(address, sizeof(address), "localhost:%u", peer_port(peer));
		configure(&b, type, address);
		play(&b);
		assert_sane(&b, type->name, "one address of two");
		if (peer_accepted(peer) == 0 || strstr(bench_cause(&b), "refused") != NULL)
			fail_msg("%s stays at the first address: %s", type->name, b.sample.text);
		peer_free(peer);
		bench_close(&b);
	}
}

static void
can_be_aborted_at_any_moment(void **state)
{
	static const struct peer_step *const scripts[] = { stall, garbage_stall, endless_line };

	(void)state;
	for (size_t t = 0; probe_table[t] != NULL; t++) {
		if (!is_streamed(probe_table[t]))
			continue;
		for (unsigned turns = 0; turns < 12; turns++) {
			unsigned fds = bench_open_fds();
			struct peer *peer;
			struct bench b;

			bench_open(&b, BENCH_FAKE);
			peer = peer_open(b.loop, scripts[turns % 3]);
			configure(&b, probe_table[t], peer_address(peer));
			bench_start(&b, NULL);
			for (unsigned i = 0; i < turns && b.run != NULL; i++)
				loop_turn(b.loop, false);
			if (b.run != NULL) {
				bench_abort(&b);
				loop_turn(b.loop, false);
				loop_advance(b.loop, 2 * b.timeout_us);
				assert_int_equal(b.verdicts, 0);
			}
			peer_free(peer);
			bench_close(&b);
			assert_int_equal(bench_open_fds(), fds);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(survives_every_misbehaviour),
		cmocka_unit_test(survives_an_answer_cut_anywhere),
		cmocka_unit_test(takes_a_good_answer_byte_by_byte),
		cmocka_unit_test(goes_to_the_address_that_answers),
		cmocka_unit_test(can_be_aborted_at_any_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

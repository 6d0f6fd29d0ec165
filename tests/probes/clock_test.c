/* The clock: SNTP packets good and bad, the vote, and the probe against servers of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/watch.h"
#include "probes/clock_vote.h"
#include "probes/sntp.h"
#include "tests/help/probe_bench.h"

#define EPOCH_1900 INT64_C(2208988800)
#define NOW        (INT64_C(1700000000) * USEC_PER_SEC)

/* --- packets --- */

static void
put(unsigned char *at, uint64_t value, unsigned bytes)
{
	while (bytes-- > 0) {
		at[bytes] = (unsigned char)value;
		value >>= 8;
	}
}

static void
put_time(unsigned char *at, usec_t us)
{
	put(at, (uint64_t)(us / USEC_PER_SEC + EPOCH_1900), 4);
	put(at + 4, ((uint64_t)(us % USEC_PER_SEC) << 32) / (uint64_t)USEC_PER_SEC, 4);
}

/* What a good server says at `at_us` of its own clock. */
static void
answer_to(unsigned char out[SNTP_SIZE], const unsigned char question[SNTP_SIZE], usec_t at_us)
{
	memset(out, 0, SNTP_SIZE);
	out[0] = 0x24; /* no leap second, version 4, server */
	out[1] = 2;
	memcpy(out + 24, question + 40, 8);
	put_time(out + 32, at_us);
	put_time(out + 40, at_us);
}

static void
asks_without_telling_our_time(void **state)
{
	unsigned char q[SNTP_SIZE];

	(void)state;
	sntp_question(q, UINT64_C(0x0102030405060708));
	assert_int_equal(q[0], 0x23);
	for (int i = 1; i < 40; i++)
		assert_int_equal(q[i], 0);
	for (int i = 0; i < 8; i++)
		assert_int_equal(q[40 + i], i + 1);
}

static void
reckons_the_offset(void **state)
{
	unsigned char q[SNTP_SIZE], a[SNTP_SIZE];
	struct sntp_answer answer;

	(void)state;
	sntp_question(q, 77);
	/* 100 ms on the way, the server 5 s ahead of us */
	answer_to(a, q, NOW + 5 * USEC_PER_SEC + 50 * USEC_PER_MSEC);
	assert_int_equal(
		sntp_parse(&answer, a, sizeof(a), 77, NOW, 100 * USEC_PER_MSEC), SNTP_GOOD);
	assert_true(llabs(answer.offset_us - 5 * USEC_PER_SEC) <= 1);
	assert_true(llabs(answer.delay_us - 100 * USEC_PER_MSEC) <= 1);
	assert_int_equal(answer.stratum, 2);
	/* after 2036 the seconds begin anew */
	put(a + 32, 5, 4);
	put(a + 40, 5, 4);
	assert_int_equal(sntp_parse(&answer, a, sizeof(a), 77,
				 (INT64_C(4294967296) - EPOCH_1900) * USEC_PER_SEC, 0),
		SNTP_GOOD);
	assert_true(llabs(answer.offset_us - 5 * USEC_PER_SEC) < USEC_PER_SEC);
}

static void
believes_no_bad_answer(void **state)
{
	static const struct {
		unsigned at, len;
		uint64_t value;
		enum sntp_verdict verdict;
	} cases[] = {
		{ 0, 1, 0x23, SNTP_NOT_OURS },             /* a client */
		{ 0, 1, 0x25, SNTP_NOT_OURS },             /* a broadcast */
		{ 0, 1, 0x3c, SNTP_NOT_OURS },             /* version 7 */
		{ 0, 1, 0xe4, SNTP_UNSYNCHRONISED },       /* leap: alarm */
		{ 1, 1, 0, SNTP_KISS },                    /* kiss of death */
		{ 1, 1, 16, SNTP_UNSYNCHRONISED },         /* not synchronised */
		{ 1, 1, 255, SNTP_UNSYNCHRONISED },        /* reserved */
		{ 8, 4, 0x00200000, SNTP_UNSYNCHRONISED }, /* dispersion of 32 s */
		{ 31, 1, 9, SNTP_NOT_OURS },               /* not our question */
		{ 40, 8, 0, SNTP_UNSYNCHRONISED },         /* no time at all */
		{ 32, 8, 0, SNTP_NONSENSE },               /* never received it */
		{ 40, 4, 0xffffffff, SNTP_NONSENSE },      /* took years to answer */
	};
	unsigned char q[SNTP_SIZE], a[SNTP_SIZE];
	struct sntp_answer answer;

	(void)state;
	sntp_question(q, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum sntp_verdict verdict;

		answer_to(a, q, NOW);
		memcpy(a + 12, "RATE", 4);
		put(a + cases[i].at, cases[i].value, cases[i].len);
		verdict = sntp_parse(&answer, a, sizeof(a), 1, NOW, USEC_PER_MSEC);
		if (verdict != cases[i].verdict)
			fail_msg("case %zu: %d", i, verdict);
		if (verdict == SNTP_KISS)
			assert_string_equal(answer.kiss, "RATE");
	}
	assert_int_equal(sntp_parse(&answer, a, SNTP_SIZE - 1, 1, NOW, 0), SNTP_NOT_OURS);
}

/* --- the vote --- */

static void
those_that_agree_decide(void **state)
{
	static const struct {
		usec_t offsets[5];
		unsigned count;
		usec_t offset;
		unsigned agree;
		bool is_split;
	} cases[] = {
		{ { 7 }, 1, 7, 1, false },
		{ { -9000 }, 1, -9000, 1, false },
		{ { 1, 3 }, 2, 2, 2, false },
		{ { 9000, 1 }, 2, 1, 1, true },
		{ { 0, 9000, 1 }, 3, 0, 2, false },
		{ { 9001, 0, 9000 }, 3, 9000, 2, false },
		{ { 9000, 0, -9000 }, 3, 0, 1, true },
		{ { 1, 2, 9000, 9001 }, 4, 1, 2, true },
		{ { 5, 1, 9, 3, 7 }, 5, 5, 5, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct clock_vote v = clock_vote(cases[i].offsets, cases[i].count, 100);

		if (v.offset_us != cases[i].offset || v.agree != cases[i].agree ||
			v.is_split != cases[i].is_split)
			fail_msg("case %zu: %lld, %u, %d", i, (long long)v.offset_us, v.agree,
				v.is_split);
	}
}

static void
time_zones_are_recognised(void **state)
{
	char out[32];

	(void)state;
	clock_zone_hint(8 * USEC_PER_HOUR + USEC_PER_SEC, out, sizeof(out));
	assert_string_equal(out, "8h");
	clock_zone_hint(-(5 * USEC_PER_HOUR + 30 * USEC_PER_MIN), out, sizeof(out));
	assert_string_equal(out, "5h 30m");
	clock_zone_hint(312 * USEC_PER_SEC, out, sizeof(out));
	assert_string_equal(out, "");
	clock_zone_hint(40 * USEC_PER_HOUR, out, sizeof(out));
	assert_string_equal(out, "");
	clock_zone_hint(0, out, sizeof(out));
	assert_string_equal(out, "");
}

/* --- the probe --- */

enum habit { GOOD, MUTE, KISS, UNSYNCHRONISED, NOISE };

struct server {
	struct bench *bench;
	int fd;
	unsigned port;
	struct watch *watch;
	usec_t ahead_us;
	enum habit habit;
};

struct scene {
	struct bench bench;
	struct server servers[3];
};

static void
on_question(void *arg, unsigned ready)
{
	struct server *s = arg;
	unsigned char q[SNTP_SIZE], a[SNTP_SIZE];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);

	(void)ready;
	if (recvfrom(s->fd, q, sizeof(q), 0, (struct sockaddr *)&from, &len) != SNTP_SIZE)
		return;
	answer_to(a, q, loop_wall(s->bench->loop) + s->ahead_us);
	if (s->habit == MUTE)
		return;
	if (s->habit == KISS) {
		a[1] = 0;
		memcpy(a + 12, "DENY", 4);
	} else if (s->habit == UNSYNCHRONISED) {
		a[1] = 16;
	} else if (s->habit == NOISE) {
		memset(a, 'x', sizeof(a));
	}
	sendto(s->fd, a, sizeof(a), 0, (struct sockaddr *)&from, len);
}

static int
set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	bench_open(&scene->bench, BENCH_FAKE);
	for (int i = 0; i < 3; i++) {
		struct server *s = &scene->servers[i];
		struct sockaddr_in at = { .sin_family = AF_INET };
		socklen_t len = sizeof(at);

		at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		s->bench = &scene->bench;
		s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		assert_int_equal(bind(s->fd, (struct sockaddr *)&at, sizeof(at)), 0);
		assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &len), 0);
		s->port = ntohs(at.sin_port);
		s->watch = watch_new(scene->bench.loop, s->fd, WATCH_READ, on_question, s);
	}
	*state = scene;
	return 0;
}

static int
tear_down(void **state)
{
	struct scene *scene = *state;

	for (int i = 0; i < 3; i++) {
		watch_free(scene->servers[i].watch);
		close(scene->servers[i].fd);
	}
	bench_close(&scene->bench);
	free(scene);
	return 0;
}

/* Asks the first `count` servers; the silent ones cost their time. */
static struct bench *
ask(struct scene *scene, unsigned count)
{
	struct bench *b = &scene->bench;
	char yaml[256] = "servers: [", one[32];

	for (unsigned i = 0; i < count; i++) {
		snprintf(one, sizeof(one), "%s'127.0.0.1:%u'", i > 0 ? ", " : "",
			scene->servers[i].port);
		strcat(yaml, one);
	}
	strcat(yaml, "]");
	if (bench_configure(b, "clock", yaml) != 0)
		fail_msg("%s", b->complaint);
	bench_start(b, NULL);
	for (int i = 0; i < 50 && b->run != NULL; i++)
		loop_turn(b->loop, false);
	if (b->run != NULL)
		loop_advance(b->loop, 3 * USEC_PER_SEC);
	bench_await(b);
	return b;
}

static void
a_good_clock_is_well(void **state)
{
	struct bench *b = ask(*state, 1);

	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(fabs(bench_value(b, "offset_time")) < 0.001);
	assert_true(bench_value(b, "servers_good") == 1);
}

static void
a_skewed_clock_is_named(void **state)
{
	struct scene *scene = *state;
	struct bench *b;

	scene->servers[0].ahead_us = 312 * USEC_PER_SEC;
	b = ask(scene, 1);
	assert_int_equal(b->sample.outcome, OUTCOME_FAIL);
	assert_string_equal(bench_cause(b), "clock.skewed");
	assert_true(fabs(bench_value(b, "offset_time") + 312) < 0.001);
	assert_non_null(strstr(b->sample.text, "5m 12s behind"));
	assert_non_null(strstr(bench_fact(b, "servers"), "stratum 2"));
	scene->servers[0].ahead_us = -8 * USEC_PER_HOUR;
	b = ask(scene, 1);
	assert_non_null(strstr(b->sample.text, "8h ahead"));
	assert_non_null(strstr(b->sample.text, "time zone"));
}

static void
one_liar_is_outvoted(void **state)
{
	struct scene *scene = *state;
	struct bench *b;

	scene->servers[1].ahead_us = 600 * USEC_PER_SEC;
	b = ask(scene, 3);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(bench_value(b, "servers_good") == 3);
	b = ask(scene, 2); /* one against one: our own clock has the benefit of the doubt */
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(b->sample.note_count > 0);
	assert_string_equal(
		b->sample.notes[b->sample.note_count - 1].cause->code, "clock.servers-disagree");
}

static void
a_silent_one_does_not_spoil_the_others(void **state)
{
	struct scene *scene = *state;
	struct bench *b;

	scene->servers[2].habit = MUTE;
	b = ask(scene, 3);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(bench_value(b, "servers_good") == 2);
	assert_non_null(strstr(bench_fact(b, "servers"), "no answer"));
}

static void
nobody_to_be_believed_is_no_skew(void **state)
{
	static const struct {
		enum habit habit;
		const char *words;
	} cases[] = {
		{ MUTE, "no answer" },
		{ KISS, "DENY" },
		{ UNSYNCHRONISED, "not synchronised" },
		{ NOISE, "no answer of an NTP server" },
	};
	struct scene *scene = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bench *b;

		scene->servers[0].habit = cases[i].habit;
		scene->servers[0].ahead_us = USEC_PER_HOUR;
		b = ask(scene, 1);
		assert_int_equal(b->sample.outcome, OUTCOME_ERROR);
		assert_string_equal(bench_cause(b), "clock.no-server");
		assert_true(isnan(bench_value(b, "offset_time")));
		if (strstr(b->sample.text, cases[i].words) == NULL)
			fail_msg("%s", b->sample.text);
	}
}

static void
without_servers_the_kernel_is_asked(void **state)
{
	struct scene *scene = *state;
	struct bench *b = &scene->bench;
	double flag;

	assert_int_equal(bench_configure(b, "clock", "{}"), 0);
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	flag = bench_value(b, "synchronised");
	assert_true(flag == 0 || flag == 1);
	assert_int_equal(b->sample.note_count, flag == 0);
	assert_true(isnan(bench_value(b, "offset_time")));
}

static void
complains_about_settings(void **state)
{
	static const char *const cases[] = { "servers: [/run/x]", "servers: ['a b']",
		"servers: [a, a, a, a, a, a, a, a, a]", "max_offset: 0s", "max_offset: 3" };
	struct scene *scene = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (bench_configure(&scene->bench, "clock", cases[i]) == 0)
			fail_msg("accepted: %s", cases[i]);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_without_telling_our_time),
		cmocka_unit_test(reckons_the_offset),
		cmocka_unit_test(believes_no_bad_answer),
		cmocka_unit_test(those_that_agree_decide),
		cmocka_unit_test(time_zones_are_recognised),
		T(a_good_clock_is_well),
		T(a_skewed_clock_is_named),
		T(one_liar_is_outvoted),
		T(a_silent_one_does_not_spoil_the_others),
		T(nobody_to_be_believed_is_no_skew),
		T(without_servers_the_kernel_is_asked),
		T(complains_about_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

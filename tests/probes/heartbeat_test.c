/* Jobs that call, call late, fail, hang, or fall silent: on a clock turned by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/inbox.h"
#include "tests/help/probe_bench.h"

#define TOKEN "token: secret-token-1"

static int
tear_down(void **state)
{
	bench_close(*state);
	free(*state);
	return 0;
}

static void
configure(struct bench *b, const char *rest)
{
	char yaml[256];

	snprintf(yaml, sizeof(yaml), "{" TOKEN ", %s}", rest);
	if (bench_configure(b, "heartbeat", yaml) < 0)
		fail_msg("%s", b->complaint);
	bench_run(b);
}

static void
ping_with(struct bench *b, const char *verb, const char *body)
{
	const struct inbox_ping ping = { .verb = verb,
		.method = "GET",
		.from = "127.0.0.1:1",
		.body = body,
		.body_len = strlen(body) };

	assert_true(inbox_deliver(b->env.inbox, "secret-token-1", &ping));
}

static void
ping(struct bench *b, const char *verb)
{
	ping_with(b, verb, "");
}

static void
expect(struct bench *b, const char *cause, const char *words)
{
	bench_run(b);
	assert_string_equal(bench_cause(b), cause);
	if (strstr(b->sample.text, words) == NULL)
		fail_msg("\"%s\" lacks \"%s\"", b->sample.text, words);
}

static void
never_down_before_the_first_could_come(void **state)
{
	struct bench *b = *state;

	configure(b, "period: 1h, grace: 10m");
	expect(b, "", "waiting for the first ping");
	loop_advance(b->loop, 69 * USEC_PER_MIN);
	expect(b, "", "waiting for the first ping");
	loop_advance(b->loop, 2 * USEC_PER_MIN);
	expect(b, "heartbeat.missed", "no success since it was added 1h 11m ago");
	ping(b, "");
	expect(b, "", "the last success was");
}

static void
in_time_late_missed(void **state)
{
	struct bench *b = *state;

	configure(b, "period: 1h, grace: 10m");
	ping(b, "");
	assert_int_equal(b->pokes, 1);
	loop_advance(b->loop, 59 * USEC_PER_MIN);
	expect(b, "", "the last success was 59m ago");
	assert_true(bench_value(b, "overdue_time") == 0);
	loop_advance(b->loop, 2 * USEC_PER_MIN);
	expect(b, "", "due 1m ago");
	assert_int_equal(b->sample.note_count, 1);
	assert_string_equal(b->sample.notes[0].cause->code, "heartbeat.late");
	assert_true(bench_value(b, "overdue_time") == 60);
	assert_true(bench_value(b, "last_success_age") == 3660);
	loop_advance(b->loop, 10 * USEC_PER_MIN);
	expect(b, "heartbeat.missed", "the last success was 1h 11m ago, due 11m ago");
	ping(b, "");
	expect(b, "", "the last success was");
	assert_true(bench_value(b, "pings_total") == 2);
}

static void
a_timer_asks_when_it_is_due(void **state)
{
	struct bench *b = *state;

	configure(b, "period: 10m, grace: 5m");
	ping(b, "");
	expect(b, "", "success");
	b->pokes = 0;
	loop_advance(b->loop, 10 * USEC_PER_MIN);
	assert_int_equal(b->pokes, 1);
	expect(b, "", "due");
	loop_advance(b->loop, 5 * USEC_PER_MIN);
	assert_int_equal(b->pokes, 2);
	expect(b, "heartbeat.missed", "");
}

static void
failures_and_exit_codes(void **state)
{
	struct bench *b = *state;

	configure(b, "period: 1h");
	ping(b, "0");
	expect(b, "", "success");
	assert_true(bench_value(b, "exit_code") == 0);
	ping_with(b, "3", "pg_dump: no\nspace");
	expect(b, "heartbeat.failed", "with exit code 3: pg_dump: no.space");
	assert_string_equal(bench_fact(b, "body"), "pg_dump: no.space");
	assert_string_equal(bench_fact(b, "from"), "127.0.0.1:1");
	assert_true(bench_value(b, "failures_total") == 1);
	ping(b, "fail");
	expect(b, "heartbeat.failed", "the job failed");
	assert_true(isnan(bench_value(b, "exit_code")));
	ping(b, "start"); /* tries again: that is no success yet */
	expect(b, "heartbeat.failed", "and runs again since");
	assert_true(bench_value(b, "running") == 1);
	ping(b, "");
	expect(b, "", "success");
	ping(b, "nonsense");
	assert_true(bench_value(b, "pings_total") == 5);
}

static void
how_long_it_runs(void **state)
{
	struct bench *b = *state;

	configure(b, "period: 1h, grace: 1m, max_runtime: 20m");
	ping(b, "start");
	loop_advance(b->loop, 5 * USEC_PER_MIN);
	expect(b, "", "running for 5m");
	assert_true(bench_value(b, "running") == 1);
	assert_true(bench_value(b, "run_time") == 300);
	ping(b, "");
	expect(b, "", "success");
	assert_true(bench_value(b, "running") == 0);
	assert_true(bench_value(b, "run_time") == 300);
	loop_advance(b->loop, 59 * USEC_PER_MIN);
	ping(b, "start");
	loop_advance(b->loop, 15 * USEC_PER_MIN);
	expect(b, "", "running for 15m"); /* due long ago, but under way */
	loop_advance(b->loop, 6 * USEC_PER_MIN);
	expect(b, "heartbeat.too-long", "started 21m ago");
	ping(b, "");
	expect(b, "", "success");
	assert_true(bench_value(b, "run_time") == 21 * 60);
}

static void
a_start_without_end_is_missed(void **state)
{
	struct bench *b = *state;

	configure(b, "period: 1h, grace: 10m");
	ping(b, "");
	loop_advance(b->loop, 65 * USEC_PER_MIN);
	ping(b, "start");
	loop_advance(b->loop, 8 * USEC_PER_MIN);
	expect(b, "", "running");
	loop_advance(b->loop, 3 * USEC_PER_MIN);
	expect(b, "heartbeat.missed", "");
}

static void
pings_that_overtake_each_other(void **state)
{
	struct bench *b = *state;

	configure(b, "period: 1h, grace: 10m");
	ping(b, "");
	ping(b, "start"); /* its own success came first */
	expect(b, "", "running");
	assert_true(isnan(bench_value(b, "run_time")) || bench_value(b, "run_time") < 1);
	loop_advance(b->loop, 30 * USEC_PER_MIN);
	ping(b, "");
	expect(b, "", "success");
}

static void
by_cron(void **state)
{
	struct bench *b = *state;

	/* The clock stands at 2023-11-14T22:13:20Z. */
	configure(b, "cron: \"0 23 * * *\", timezone: UTC, grace: 10m");
	loop_advance(b->loop, 50 * USEC_PER_MIN); /* 23:03 */
	expect(b, "", "waiting");
	ping(b, "");
	loop_advance(b->loop, 23 * USEC_PER_HOUR + 50 * USEC_PER_MIN); /* 22:53 */
	expect(b, "", "success");
	loop_advance(b->loop, 10 * USEC_PER_MIN); /* 23:03 */
	expect(b, "", "due 3m");
	loop_advance(b->loop, 10 * USEC_PER_MIN);
	expect(b, "heartbeat.missed", "");
}

static void
over_restarts(void **state)
{
	struct bench *b = *state;

	configure(b, "period: 1h, grace: 10m");
	ping(b, "");
	loop_advance(b->loop, 30 * USEC_PER_MIN);
	bench_restart(b);
	expect(b, "", "the last success was 30m ago");
	/* It was due while nobody listened: another chance. */
	bench_restart(b);
	loop_advance(b->loop, 50 * USEC_PER_MIN);
	expect(b, "", "");
	loop_advance(b->loop, 71 * USEC_PER_MIN);
	expect(b, "heartbeat.missed", "");
	/* Missed stays missed. */
	bench_restart(b);
	expect(b, "heartbeat.missed", "");
}

/* A host that slept, or whose clock was set: the job could not run, or did not sleep as long. */
static void
clocks_that_jump(void **state)
{
	struct bench *b = *state;

	configure(b, "period: 1h, grace: 10m");
	ping(b, "");
	expect(b, "", "success");
	clock_suspend(&b->clock, 8 * USEC_PER_HOUR);
	expect(b, "", "success");
	loop_advance(b->loop, 71 * USEC_PER_MIN);
	expect(b, "heartbeat.missed", "");
	clock_suspend(&b->clock, 8 * USEC_PER_HOUR); /* was missed before */
	expect(b, "heartbeat.missed", "");
	clock_step_wall(&b->clock, -365 * 24 * USEC_PER_HOUR);
	ping(b, "");
	expect(b, "", "the last success was 0");
	loop_advance(b->loop, 61 * USEC_PER_MIN);
	expect(b, "", "due 1m ago");
	loop_advance(b->loop, 11 * USEC_PER_MIN);
	expect(b, "heartbeat.missed", "the last success was 1h 12m ago");
	ping(b, "");
	clock_step_wall(&b->clock, -3 * 24 * USEC_PER_HOUR);
	bench_restart(b);
	loop_advance(b->loop, 75 * USEC_PER_MIN);
	expect(b, "", "");
	loop_advance(b->loop, 75 * USEC_PER_MIN);
	expect(b, "heartbeat.missed", "");
}

/* However seldom the check runs, a quick restart is no absence of ours. */
static void
a_quick_restart_forgives_nothing(void **state)
{
	struct bench *b = *state;

	configure(b, "period: 1h, grace: 10m");
	ping(b, "");
	for (int i = 0; i < 69; i++)
		loop_advance(b->loop, USEC_PER_MIN);
	bench_restart(b);
	expect(b, "", "due 9m ago");
	loop_advance(b->loop, 2 * USEC_PER_MIN);
	expect(b, "heartbeat.missed", "");
}

static void
one_token_one_check(void **state)
{
	struct bench *b = *state;
	struct inbox_slot *other = inbox_add(b->env.inbox, "secret-token-1", NULL, NULL);

	configure(b, "period: 1h");
	expect(b, "self.local", "same token");
	inbox_remove(other);
	expect(b, "", "waiting");
}

static void
settings_that_cannot_be(void **state)
{
	static const char *const bad[] = { "{period: 1h}", "{token: short, period: 1h}",
		"{token: \"with space1\", period: 1h}", "{" TOKEN "}",
		"{" TOKEN ", period: 1h, cron: \"* * * * *\"}", "{" TOKEN ", cron: \"* * * *\"}",
		"{" TOKEN ", cron: \"0 0 30 2 *\"}",
		"{" TOKEN ", cron: \"@daily\", timezone: Mars/Base}" };
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (bench_configure(b, "heartbeat", bad[i]) == 0)
			fail_msg("%s was taken", bad[i]);
	assert_int_equal(bench_configure(b, "heartbeat", "{" TOKEN ", cron: \"@daily\"}"), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, bench_set_up_fake, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(never_down_before_the_first_could_come),
		T(in_time_late_missed),
		T(a_timer_asks_when_it_is_due),
		T(failures_and_exit_codes),
		T(how_long_it_runs),
		T(a_start_without_end_is_missed),
		T(pings_that_overtake_each_other),
		T(by_cron),
		T(over_restarts),
		T(clocks_that_jump),
		T(a_quick_restart_forgives_nothing),
		T(one_token_one_check),
		T(settings_that_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

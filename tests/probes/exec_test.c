/* Commands as checks: this program becomes them.  Shell scripts stand in for plugins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "io/child.h"
#include "model/metric.h"
#include "tests/help/probe_bench.h"

static int
tear_down(void **state)
{
	bench_close(*state);
	while (waitpid(-1, NULL, 0) > 0)
		;
	free(*state);
	return 0;
}

static void
run_script(struct bench *b, const char *script, const char *more)
{
	char yaml[1024];

	snprintf(yaml, sizeof(yaml), "command: [/bin/sh, -c, '%s']\n%s", script, more);
	if (bench_configure(b, "exec", yaml) != 0)
		fail_msg("%s", b->complaint);
	bench_run(b);
}

static void
exit_codes_are_verdicts(void **state)
{
	static const struct {
		const char *script, *cause, *text;
		enum outcome outcome;
	} rows[] = {
		{ "echo FINE", "", "FINE", OUTCOME_OK },
		{ "exit 0", "", "exit 0", OUTCOME_OK },
		{ "echo so so; exit 1", "exec.warning", "so so", OUTCOME_FAIL },
		{ "echo bad; exit 2", "exec.critical", "bad", OUTCOME_FAIL },
		{ "echo usage >&2; exit 3", "exec.unknown", "usage", OUTCOME_ERROR },
		{ "echo odd; exit 7", "exec.crashed", "exit 7: odd", OUTCOME_FAIL },
		{ "kill -SEGV $$", "exec.crashed", "killed by SIGSEGV", OUTCOME_FAIL },
		/* what a filter of system calls does: ours, not the command's target's */
		{ "kill -SYS $$", "self.local",
			"killed by SIGSYS: a system call that our own sandbox forbids "
			"(SystemCallFilter= of the unit, or a container's seccomp profile)",
			OUTCOME_ERROR },
		{ "exec no-such-thing-at-all 2>/dev/null", "exec.no-command", "exit 127",
			OUTCOME_ERROR },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		run_script(b, rows[i].script, "");
		assert_int_equal(b->sample.outcome, rows[i].outcome);
		assert_string_equal(bench_cause(b), rows[i].cause);
		assert_string_equal(b->sample.text, rows[i].text);
	}
	assert_true(isnan(bench_value(b, "nothing")));
}

static void
a_missing_program_is_no_verdict(void **state)
{
	struct bench *b = *state;

	assert_int_equal(bench_configure(b, "exec", "command: /no/such/plugin"), 0);
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_ERROR);
	assert_string_equal(bench_cause(b), "exec.no-command");
	assert_string_equal(b->sample.text, "/no/such/plugin: No such file or directory");
	assert_true(isnan(bench_value(b, "exit_code")));
}

static void
numbers_become_metrics(void **state)
{
	struct bench *b = *state;

	run_script(b,
		"echo \"OK | time=250ms;100;200;0 /=2MB;;5 hits=7c rate=U\"; "
		"echo more; echo \"last | load1=0,5;@1:2\"; echo words >&2",
		"");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_string_equal(b->sample.text, "OK");
	assert_float_equal(bench_value(b, "time"), 0.25, 1e-9);
	assert_float_equal(bench_value(b, "root"), 2097152, 1e-9);
	assert_float_equal(bench_value(b, "hits"), 7, 1e-9);
	assert_float_equal(bench_value(b, "load1"), 0.5, 1e-9);
	assert_true(isnan(bench_value(b, "rate")));
	assert_float_equal(bench_value(b, "exit_code"), 0, 1e-9);
	assert_true(bench_value(b, "max_rss_bytes") > 0);
	assert_string_equal(bench_fact(b, "output"), "more / last");
	assert_string_equal(bench_fact(b, "stderr"), "words");
	assert_string_equal(bench_fact(b, "limits"),
		"time 250ms: warning outside 0..100 critical outside 0..200; "
		"/ 2MB: critical outside 0..5; load1 0.5: warning within 1..2");
	assert_int_equal(
		b->sample.metrics[metric_index(b->sample.metrics, "hits")].kind, METRIC_COUNTER);
}

/* A label that comes and goes leaves a hole, not another table. */
static void
the_table_stays(void **state)
{
	struct bench *b = *state;
	const struct metric_desc *before;

	run_script(b, "echo \"x | a=1 b=2\"", "");
	before = b->sample.metrics;
	bench_run(b);
	assert_ptr_equal(b->sample.metrics, before);
	assert_int_equal(metric_index(before, "a"), metric_index(before, "b") - 1);
}

static void
declared_numbers_are_there_from_the_start(void **state)
{
	struct bench *b = *state;
	const struct metric_desc *rows;

	run_script(b, "echo \"x | time=2s used=5% /var/log=1KB other=3\"",
		"perfdata: { time: seconds, used: bytes, /var/log: B }");
	rows = probe_metrics(b->type, b->conf);
	assert_int_equal(rows[metric_index(rows, "time")].unit, UNIT_SECONDS);
	assert_int_equal(metric_index(rows, "other"), -1);
	assert_float_equal(bench_value(b, "time"), 2, 1e-9);
	assert_float_equal(bench_value(b, "var_log"), 1024, 1e-9);
	assert_float_equal(bench_value(b, "other"), 3, 1e-9);
	assert_true(isnan(bench_value(b, "used"))); /* percents are no bytes */
}

static void
a_plugin_cannot_bring_names_without_end(void **state)
{
	struct bench *b = *state;

	run_script(b,
		"echo x; echo \"|\"; i=0; while [ $i -lt 500 ]; do echo p$i=$i; "
		"i=$((i+1)); done",
		"");
	assert_true(b->sample.metric_count < 64);
	assert_float_equal(bench_value(b, "p3"), 3, 1e-9);
}

static void
the_environment_is_ours_to_say(void **state)
{
	struct bench *b = *state;

	setenv("LEAK", "leaked", 1);
	run_script(b, "echo $A-$LEAK-$HOME; pwd", "env: { A: b c, HOME: /root/x }\nfolder: /tmp\n");
	assert_string_equal(b->sample.text, "b c--/root/x");
	assert_string_equal(bench_fact(b, "output"), "/tmp");
}

/* What is known of missing rights is known in English. */
static void
messages_are_english_unless_a_language_is_named(void **state)
{
	struct bench *b = *state;

	setenv("LANG", "de_DE.UTF-8", 1);
	run_script(b, "echo $LANG $LC_MESSAGES", "env: { A: b }\n");
	assert_string_equal(b->sample.text, "de_DE.UTF-8 C");
	run_script(b, "echo $LANG $LC_MESSAGES", "");
	assert_string_equal(b->sample.text, "de_DE.UTF-8 C");
	run_script(b, "echo $LANG $LC_MESSAGES", "env: { LANG: fr_FR.UTF-8 }\n");
	assert_string_equal(b->sample.text, "fr_FR.UTF-8");
	run_script(b, "echo $LANG $LC_MESSAGES", "env: { LC_MESSAGES: fr_FR.UTF-8 }\n");
	assert_string_equal(b->sample.text, "de_DE.UTF-8 fr_FR.UTF-8");
	unsetenv("LANG");
}

static void
settings_are_looked_at(void **state)
{
	static const struct {
		const char *yaml, *complaint;
	} rows[] = {
		{ "command: check_load -w 5", "[\"check_load\", \"-w\", \"5\"]" },
		{ "command: []", "the program is missing" },
		{ "{}", "command" },
		{ "command: a\nperfdata: { x: apples }", "is no unit" },
		{ "command: a\nperfdata: { \"%\": number }", "makes no name" },
		{ "command: a\nperfdata: { exit_code: number }", "is measured anyway" },
		{ "command: a\nenv: { \"A=B\": c }", "cannot be a variable" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(bench_configure(b, "exec", rows[i].yaml), -1);
		if (strstr(b->complaint, rows[i].complaint) == NULL)
			fail_msg("%s: %s", rows[i].yaml, b->complaint);
	}
}

static bool
is_idle(void *arg)
{
	(void)arg;
	return waitpid(-1, NULL, WNOHANG) < 0;
}

static void
one_that_does_not_end_is_ended(void **state)
{
	struct bench *b = *state;

	b->timeout_us = 2 * USEC_PER_SEC; /* a busy host starts it within that */
	run_script(b, "echo begun; echo lost >&2; sleep 1000", "");
	assert_int_equal(b->sample.outcome, OUTCOME_FAIL);
	assert_string_equal(bench_cause(b), "exec.timeout");
	assert_non_null(strstr(b->sample.text, "has not ended, it said: begun"));
	assert_string_equal(bench_fact(b, "stderr"), "lost");
	assert_true(loop_turn_until(b->loop, is_idle, NULL, 500));
}

static void
an_abort_ends_it(void **state)
{
	struct bench *b = *state;

	assert_int_equal(bench_configure(b, "exec", "command: [sleep, 1000]"), 0);
	bench_start(b, NULL);
	bench_abort(b);
	assert_true(loop_turn_until(b->loop, is_idle, NULL, 500));
}

#define T(f) cmocka_unit_test_setup_teardown(f, bench_set_up, tear_down)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		T(exit_codes_are_verdicts),
		T(a_missing_program_is_no_verdict),
		T(numbers_become_metrics),
		T(the_table_stays),
		T(declared_numbers_are_there_from_the_start),
		T(a_plugin_cannot_bring_names_without_end),
		T(the_environment_is_ours_to_say),
		T(messages_are_english_unless_a_language_is_named),
		T(settings_are_looked_at),
		T(one_that_does_not_end_is_ended),
		T(an_abort_ends_it),
	};

	if (argc > 1 && strcmp(argv[1], CHILD_ARG) == 0)
		return child_main(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

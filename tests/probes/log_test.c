/* A log through all that happens to logs: no line is lost, none counted twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/fs.h"
#include "io/inotify.h"
#include "probes/log_conf.h"
#include "tests/help/probe_bench.h"

struct scene {
	struct bench b;
	char folder[64], path[128], moved[128];
};

static void
write_to(const char *path, const char *mode, const char *text)
{
	FILE *file = fopen(path, mode);

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void
append(struct scene *s, const char *text)
{
	write_to(s->path, "a", text);
}

static int
set_up(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	bench_open(&s->b, BENCH_REAL);
	snprintf(s->folder, sizeof(s->folder), "/tmp/log-test-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	snprintf(s->path, sizeof(s->path), "%s/app.log", s->folder);
	snprintf(s->moved, sizeof(s->moved), "%s/app.log.1", s->folder);
	*state = s;
	return 0;
}

static int
tear_down(void **state)
{
	struct scene *s = *state;
	char command[128];

	bench_close(&s->b);
	snprintf(command, sizeof(command), "rm -rf %s", s->folder);
	assert_int_equal(system(command), 0);
	free(s);
	return 0;
}

static void
configure(struct scene *s, const char *rest)
{
	char yaml[1024];

	snprintf(yaml, sizeof(yaml), "{path: %s, %s}", s->path, rest);
	if (bench_configure(&s->b, "log", yaml) < 0)
		fail_msg("%s", s->b.complaint);
}

/* Runs and compares the counters since the beginning. */
static void
expect(struct scene *s, double lines, double matches)
{
	bench_run(&s->b);
	if (s->b.sample.outcome != OUTCOME_OK)
		fail_msg("%s: %s", bench_cause(&s->b), s->b.sample.text);
	if (bench_value(&s->b, "lines_total") != lines ||
		bench_value(&s->b, "matches_x_total") != matches)
		fail_msg("%.0f lines, %.0f matches; wanted %.0f and %.0f: %s",
			bench_value(&s->b, "lines_total"), bench_value(&s->b, "matches_x_total"),
			lines, matches, s->b.sample.text);
}

#define SIMPLE "patterns: {x: X}"

static void
what_is_there_is_the_past(void **state)
{
	struct scene *s = *state;

	append(s, "X old\nX half");
	configure(s, SIMPLE);
	expect(s, 0, 0);
	assert_true(bench_value(&s->b, "last_line_age") < 60);
	assert_true(isnan(bench_value(&s->b, "rate_x")));
	append(s, " a line\nX new\nother\n");
	expect(s, 3, 2); /* the half line counts when it is whole */
	assert_true(bench_value(&s->b, "rate_x") > 0);
	assert_non_null(strstr(bench_fact(&s->b, "x"), "X new"));
	assert_non_null(strstr(bench_fact(&s->b, "last matches"), "X half a line | X new"));
	append(s, "X with no end");
	expect(s, 3, 2);
	append(s, "\n");
	expect(s, 4, 3);
	expect(s, 4, 3);
	assert_true(bench_value(&s->b, "rate_x") == 0);
}

static void
rotation_by_renaming(void **state)
{
	struct scene *s = *state;

	append(s, "start\n");
	configure(s, SIMPLE);
	expect(s, 0, 0);
	append(s, "X 1\n");
	expect(s, 1, 1);
	append(s, "X 2\n");
	assert_int_equal(rename(s->path, s->moved), 0);
	append(s, "X 3\n");
	expect(s, 3, 3);
	assert_true(bench_value(&s->b, "rotations_total") == 1);
	write_to(s->moved, "a", "X 4 by a writer that has not noticed\n");
	append(s, "X 5\n");
	expect(s, 5, 5);
	expect(s, 5, 5);
}

/* Not at once: most come again. */
static void
expect_gone(struct scene *s)
{
	bench_run(&s->b);
	assert_int_equal(s->b.sample.outcome, OUTCOME_OK);
	struct log_watch *watch = probe_watch_state(s->b.watch);
	watch->gone_us -= 6 * USEC_PER_SEC;
	bench_run(&s->b);
	assert_string_equal(bench_cause(&s->b), "fs.noent");
}

static void
rotation_without_a_new_file(void **state)
{
	struct scene *s = *state;

	append(s, "start\n");
	configure(s, SIMPLE);
	expect(s, 0, 0);
	append(s, "X 1\n");
	assert_int_equal(rename(s->path, s->moved), 0);
	expect_gone(s);
	write_to(s->moved, "a", "X 2\n");
	append(s, "X 3\n");
	expect(s, 3, 3);
}

static void
truncation_and_its_copy(void **state)
{
	struct scene *s = *state;
	char command[320];

	append(s, "a beginning that is known again\n");
	configure(s, SIMPLE);
	expect(s, 0, 0);
	append(s, "X 1\n");
	expect(s, 1, 1);
	append(s, "X 2\n");
	snprintf(command, sizeof(command), "cp %s %s", s->path, s->moved);
	assert_int_equal(system(command), 0);
	assert_int_equal(truncate(s->path, 0), 0);
	append(s, "X 3\n");
	expect(s, 3, 3);
	assert_int_equal(truncate(s->path, 0), 0); /* without a copy */
	append(s, "X 4\n");
	expect(s, 4, 4);
	assert_int_equal(truncate(s->path, 0), 0);
	append(s, "X this is longer than all that was there before, so size tells nothing\n");
	expect(s, 5, 5);
}

static void
removed_and_made_again(void **state)
{
	struct scene *s = *state;

	append(s, "start\n");
	configure(s, SIMPLE);
	expect(s, 0, 0);
	unlink(s->path);
	expect_gone(s);
	append(s, "X 1\n"); /* often with the same inode */
	expect(s, 1, 1);
	unlink(s->path);
	append(s, "X 2\nX 3\n");
	expect(s, 3, 3);
}

static void
appears_later(void **state)
{
	struct scene *s = *state;

	configure(s, SIMPLE ", optional: true");
	expect(s, 0, 0);
	append(s, "X 1\n");
	expect(s, 1, 1);
}

/* While the old file is read to its end the new one's size is not known: not nought. */
static void
the_size_is_known_or_absent(void **state)
{
	struct scene *s = *state;

	append(s, "start\n");
	configure(s, SIMPLE ", max_read: 128kB");
	expect(s, 0, 0);
	for (int i = 0; i < 4000; i++)
		append(s,
			"a line of no interest, but of some length: one of a hundred bytes or so, "
			"as they come\n");
	assert_int_equal(rename(s->path, s->moved), 0);
	append(s, "new\n");
	for (int i = 0; i < 6; i++) {
		bench_run(&s->b);
		assert_true(isnan(bench_value(&s->b, "size_bytes")) ||
			    bench_value(&s->b, "size_bytes") == 4);
	}
	assert_true(bench_value(&s->b, "size_bytes") == 4);
	assert_true(bench_value(&s->b, "lines_total") == 4001);
}

/* What is kept over restarts is written to the disk. */
static void
secrets_are_not_kept(void **state)
{
	struct scene *s = *state;
	struct secret_set *secrets = secret_set_new();
	char *kept;

	secret_set_add(secrets, "hunter22");
	s->b.env.secrets = secrets;
	append(s, "start\n");
	configure(s, SIMPLE);
	expect(s, 0, 0);
	append(s, "X login with hunter22\n");
	expect(s, 1, 1);
	kept = json_dumps(s->b.kept, 0);
	assert_non_null(strstr(kept, "X login"));
	assert_null(strstr(kept, "hunter22"));
	free(kept);
	s->b.env.secrets = NULL;
	secret_set_free(secrets);
}

static void
over_restarts(void **state)
{
	struct scene *s = *state;

	append(s, "start\n");
	configure(s, SIMPLE);
	expect(s, 0, 0);
	append(s, "X 1\n");
	expect(s, 1, 1);
	append(s, "X 2\n");
	bench_restart(&s->b);
	expect(s, 2, 2);
	append(s, "X 3\n");
	bench_restart(&s->b);
	assert_int_equal(rename(s->path, s->moved), 0);
	append(s, "X 4\n");
	expect(s, 4, 4);
	bench_restart(&s->b);
	write_to(s->moved, "a", "X 5\n");
	expect(s, 5, 5);
}

static void
stack_traces_are_one_record(void **state)
{
	struct scene *s = *state;

	append(s, "start\n");
	configure(s, SIMPLE ", continuation: \"^ \"");
	expect(s, 0, 0);
	append(s, "X 1\n at X\n at X\nfine\nX 2\n at y\n");
	expect(s, 4, 1); /* the last record may go on */
	expect(s, 6, 2); /* it did not */
	append(s, " at X late\nX 3\nend\n");
	expect(s, 8, 3);
}

static void
a_flood_is_cut(void **state)
{
	struct scene *s = *state;
	FILE *file;

	append(s, "start\n");
	configure(s, SIMPLE ", max_read: 128kB");
	expect(s, 0, 0);
	file = fopen(s->path, "a");
	for (int i = 0; i < 20000; i++)
		fprintf(file, "X line %05d\n", i); /* 13 bytes each */
	fclose(file);
	bench_run(&s->b);
	assert_true(bench_value(&s->b, "skipped_bytes_total") > 100000);
	assert_true(bench_value(&s->b, "lines_total") > 9000);
	assert_true(bench_value(&s->b, "lines_total") < 10240);
	assert_non_null(strstr(bench_fact(&s->b, "file"), "skipped"));
	assert_non_null(strstr(bench_fact(&s->b, "x"), "19999"));
}

static void
large_but_within_bounds(void **state)
{
	struct scene *s = *state;
	FILE *file;

	append(s, "start\n");
	configure(s, SIMPLE);
	expect(s, 0, 0);
	file = fopen(s->path, "a");
	for (int i = 0; i < 50000; i++)
		fprintf(file, "%c line %05d\n", i % 10 == 0 ? 'X' : 'o', i);
	fclose(file);
	expect(s, 50000, 5000);
}

static void
failing_patterns(void **state)
{
	struct scene *s = *state;

	append(s, "start\n");
	configure(s, "patterns: {x: X, panic: panic}, fail_on: [panic]");
	expect(s, 0, 0);
	append(s, "X\npanic: no way out\n");
	bench_run(&s->b);
	assert_string_equal(bench_cause(&s->b), "log.matched");
	assert_non_null(strstr(s->b.sample.text, "1 x panic: panic: no way out"));
	expect(s, 2, 1);
}

static void
fields_have_numbers(void **state)
{
	struct scene *s = *state;

	append(s, "start\n");
	configure(s, SIMPLE ", fields: {latency: \"took=([0-9.]+)\"}");
	expect(s, 0, 0);
	assert_true(isnan(bench_value(&s->b, "value_latency")));
	append(s, "took=1\ntook=4 slow\n");
	expect(s, 2, 0);
	assert_true(bench_value(&s->b, "value_latency") == 2.5);
	assert_true(bench_value(&s->b, "value_latency_max") == 4);
	assert_non_null(strstr(bench_fact(&s->b, "latency"), "slow"));
}

static bool
is_poked(void *arg)
{
	return ((struct bench *)arg)->pokes > 0;
}

static void
a_change_asks_for_a_run(void **state)
{
	struct scene *s = *state;

	append(s, "start\n");
	configure(s, SIMPLE);
	expect(s, 0, 0);
	s->b.pokes = 0;
	append(s, "X\n");
	assert_true(loop_turn_until(s->b.loop, is_poked, &s->b, 500));
	append(s, "X\n");
	assert_int_equal(s->b.pokes, 1); /* the first was enough */
	expect(s, 2, 2);
	s->b.pokes = 0;
	assert_int_equal(rename(s->path, s->moved), 0);
	assert_true(loop_turn_until(s->b.loop, is_poked, &s->b, 500));
	bench_run(&s->b);
	s->b.pokes = 0;
	append(s, "X\n");
	assert_true(loop_turn_until(s->b.loop, is_poked, &s->b, 500));
	expect(s, 3, 3);
}

static void
defaults_count_errors(void **state)
{
	struct scene *s = *state;

	append(s, "start\n");
	configure(s, "optional: false");
	bench_run(&s->b);
	append(s, "INFO no error in sight\n2024 ERROR x\n[error] y\n{\"level\":\"fatal\"}\n"
		  "TERRORS\n");
	bench_run(&s->b);
	assert_true(bench_value(&s->b, "matches_error_total") == 3);
}

static void
fields_by_key_and_unit(void **state)
{
	struct scene *s = *state;

	append(s, "start\n");
	configure(s, "fields: {took: response_time, size: \"bytes=([0-9]+)\"}, "
		     "field_units: {took: ms, size: bytes}, silent_after: 10m");
	bench_run(&s->b);
	assert_true(isnan(bench_value(&s->b, "slow_time")));
	assert_true(bench_value(&s->b, "silent_after_time") == 600);
	append(s, "a response_time=500 bytes=100\n{\"response_time\": 250.5}\n"
		  "my_response_time=9000\nresponse_time=2s x\nresponse_time=3000us\n");
	bench_run(&s->b);
	assert_true(fabs(bench_value(&s->b, "value_took_max") - 2) < 1e-9);
	assert_true(fabs(bench_value(&s->b, "value_took") - (0.5 + 0.2505 + 2 + 0.003) / 4) < 1e-9);
	assert_true(fabs(bench_value(&s->b, "value_took_p95") - 2) < 1e-9);
	assert_true(fabs(bench_value(&s->b, "slow_time") - 2) < 1e-9);
	assert_true(bench_value(&s->b, "value_size_p95") == 100);
	bench_run(&s->b); /* nothing new: the window still knows */
	assert_true(isnan(bench_value(&s->b, "value_took")));
	assert_true(fabs(bench_value(&s->b, "value_took_p95") - 2) < 1e-9);
}

static void
levels_and_top_errors(void **state)
{
	struct scene *s = *state;

	append(s, "start\n");
	configure(s, "patterns: {x: X}, ignore: [healthz]");
	bench_run(&s->b);
	append(s, "2026 ERROR user 12 not found\n2027 ERROR user 1345 not found\nINFO fine\n"
		  "x FATAL: it ends\nERROR healthz\n");
	bench_run(&s->b);
	assert_true(bench_value(&s->b, "errors_total") == 3);
	assert_true(bench_value(&s->b, "panics_total") == 1);
	assert_non_null(strstr(bench_fact(&s->b, "top errors"), "2 x ERROR user # not found"));
}

static void
settings_that_cannot_be(void **state)
{
	struct scene *s = *state;

	assert_int_equal(bench_configure(&s->b, "log", "{}"), -1);
	assert_int_equal(bench_configure(&s->b, "log", "{path: /x, journal: y}"), -1);
	assert_int_equal(bench_configure(&s->b, "log", "{journal: \"a b\"}"), -1);
	assert_int_equal(bench_configure(&s->b, "log", "{path: /x, patterns: {a-b: x}}"), -1);
	assert_int_equal(bench_configure(&s->b, "log", "{path: /x, patterns: {a: \"(\"}}"), -1);
	assert_int_equal(bench_configure(&s->b, "log", "{path: /x, fields: {a: \"b.*\"}}"), -1);
	assert_int_equal(bench_configure(&s->b, "log", "{path: /x, field_units: {a: ms}}"), -1);
	assert_int_equal(
		bench_configure(&s->b, "log", "{path: /x, fields: {a: b}, field_units: {a: h}}"),
		-1);
	assert_int_equal(bench_configure(&s->b, "log", "{path: /x, fail_on: [nobody]}"), -1);
}

static void
stopped_in_the_middle(void **state)
{
	struct scene *s = *state;

	append(s, "start\n");
	configure(s, SIMPLE);
	expect(s, 0, 0);
	for (int turns = 0; turns < 30; turns++) {
		append(s, "X\n");
		bench_start(&s->b, NULL);
		for (int i = 0; i < turns && s->b.run != NULL; i++)
			loop_turn(s->b.loop, false);
		bench_abort(&s->b);
		loop_turn(s->b.loop, false);
	}
	expect(s, 30, 30);
}

static void
a_journal_that_is_empty(void **state)
{
	struct scene *s = *state;
	char yaml[256];

	snprintf(yaml, sizeof(yaml), "{journal: nginx, journal_folder: %s}", s->folder);
	assert_int_equal(bench_configure(&s->b, "log", yaml), 0);
	bench_run(&s->b);
	assert_int_equal(s->b.sample.outcome, OUTCOME_OK);
	bench_run(&s->b);
	assert_int_equal(s->b.sample.outcome, OUTCOME_OK);
	assert_true(bench_value(&s->b, "lines_total") == 0);
	snprintf(yaml, sizeof(yaml), "{journal: nginx, journal_folder: %s/none}", s->folder);
	assert_int_equal(bench_configure(&s->b, "log", yaml), 0);
	bench_run(&s->b);
	assert_string_equal(bench_cause(&s->b), "self.local");
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		T(what_is_there_is_the_past),
		T(rotation_by_renaming),
		T(rotation_without_a_new_file),
		T(truncation_and_its_copy),
		T(removed_and_made_again),
		T(appears_later),
		T(the_size_is_known_or_absent),
		T(secrets_are_not_kept),
		T(over_restarts),
		T(stack_traces_are_one_record),
		T(a_flood_is_cut),
		T(large_but_within_bounds),
		T(failing_patterns),
		T(fields_have_numbers),
		T(fields_by_key_and_unit),
		T(levels_and_top_errors),
		T(a_change_asks_for_a_run),
		T(defaults_count_errors),
		T(settings_that_cannot_be),
		T(stopped_in_the_middle),
		T(a_journal_that_is_empty),
	};

	if (argc > 1 && strcmp(argv[1], FS_HELPER_ARG) == 0)
		return fs_helper_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Rows that appear while a probe runs, tables made of settings, and the watch of a one-shot run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/loop.h"
#include "probes/run.h"

static const struct metric_desc metrics[] = {
	METRIC_TOTAL_ROW,
	{ "extra", METRIC_GAUGE, UNIT_NONE, "Something." },
	{ .name = NULL },
};

static struct {
	unsigned opened, closed, rows;
	bool is_late;
	int first, refused;
} toy;

static void
start(struct probe_run *run)
{
	char name[32];

	assert_non_null(probe_watch(run));
	probe_value(run, 1, 5);
	for (unsigned i = 0; i < toy.rows; i++) {
		snprintf(name, sizeof(name), "row_%u", i);
		probe_value(run, probe_metric(run, name, METRIC_GAUGE, UNIT_BYTES, "A row."), i);
	}
	toy.first = probe_metric(run, "row_0", METRIC_GAUGE, UNIT_BYTES, "A row.");
	toy.refused = probe_metric(run, "no good name", METRIC_GAUGE, UNIT_NONE, "");
	probe_ok(run, "fine");
	if (toy.is_late)
		probe_value(run, probe_metric(run, "late", METRIC_GAUGE, UNIT_BYTES, "A row."), 8);
}

static void
open_watch(struct probe_watch *watch)
{
	assert_non_null(probe_watch_env(watch)->loop);
	toy.opened++;
	probe_watch_poke(watch); /* nobody listens */
}

static void
close_watch(struct probe_watch *watch)
{
	(void)watch;
	toy.closed++;
}

static const struct probe_type type = {
	.name = "toy",
	.metrics = metrics,
	.start = start,
	.watch_size = 1,
	.open = open_watch,
	.close = close_watch,
};

static void
on_done(void *arg, const struct sample *sample)
{
	sample_copy(arg, sample);
}

static void
run_toy(struct sample *out)
{
	struct clock clock;
	struct io_env env = { .host_root = "/" };
	const struct probe_job job = {
		.type = &type, .conf = "", .timeout_us = USEC_PER_SEC, .env = &env
	};

	clock_init_fake(&clock, USEC_PER_HOUR, INT64_C(1700000000) * USEC_PER_SEC);
	env.loop = loop_new(&clock, NULL);
	probe_run_start(&job, on_done, out);
	loop_turn(env.loop, false);
	loop_free(env.loop);
	assert_int_equal(out->outcome, OUTCOME_OK);
}

static void
rows_appear_and_outlive_the_run(void **state)
{
	struct sample one, two;

	(void)state;
	memset(&toy, 0, sizeof(toy));
	toy.rows = 3;
	run_toy(&one);
	assert_int_equal(one.metric_count, 5);
	assert_int_equal(toy.first, 2);
	assert_int_equal(toy.refused, -1);
	assert_true(sample_value(&one, "extra") == 5);
	assert_true(sample_value(&one, "row_2") == 2);
	assert_true(isnan(sample_value(&one, "row_3")));
	run_toy(&two);
	assert_ptr_equal(one.metrics, two.metrics); /* the same names are the same table */
	sample_fini(&one);
	sample_fini(&two);
}

/* As from a command that ends in the turn in which its deadline has given the verdict. */
static void
a_row_behind_the_verdict_outlives_the_run(void **state)
{
	struct sample s;

	(void)state;
	memset(&toy, 0, sizeof(toy));
	toy.rows = 1;
	toy.is_late = true;
	run_toy(&s);
	assert_true(metric_is_interned(s.metrics));
	assert_int_equal(s.metric_count, 4);
	assert_true(sample_value(&s, "row_0") == 0);
	assert_true(sample_value(&s, "late") == 8);
	sample_fini(&s);
}

static void
a_flood_of_names_is_cut(void **state)
{
	struct sample s;

	(void)state;
	memset(&toy, 0, sizeof(toy));
	toy.rows = 5000;
	run_toy(&s);
	assert_int_equal(s.metric_count, 256);
	assert_true(sample_value(&s, "row_7") == 7);
	sample_fini(&s);
}

static void
a_single_run_has_a_watch_of_its_own(void **state)
{
	struct sample s;

	(void)state;
	memset(&toy, 0, sizeof(toy));
	run_toy(&s);
	assert_int_equal(toy.opened, 1);
	assert_int_equal(toy.closed, 1);
	sample_fini(&s);
}

static void
equal_tables_are_one(void **state)
{
	char name[] = "queries", help[] = "How many.";
	const struct metric_desc rows[] = { { name, METRIC_COUNTER, UNIT_NONE, help }, { 0 } };
	const struct metric_desc other[] = { { name, METRIC_GAUGE, UNIT_NONE, help }, { 0 } };
	const struct metric_desc longer[] = { rows[0], other[0], { 0 } };
	const struct metric_desc *kept = metric_intern(rows);

	(void)state;
	assert_ptr_equal(metric_intern(rows), kept);
	assert_ptr_not_equal(metric_intern(other), kept);
	assert_ptr_not_equal(metric_intern(longer), kept);
	memset(name, 'x', 3);
	memset(help, 'x', 3);
	assert_string_equal(kept[0].name, "queries");
	assert_string_equal(kept[0].help, "How many.");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_appear_and_outlive_the_run),
		cmocka_unit_test(a_row_behind_the_verdict_outlives_the_run),
		cmocka_unit_test(a_flood_of_names_is_cut),
		cmocka_unit_test(a_single_run_has_a_watch_of_its_own),
		cmocka_unit_test(equal_tables_are_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Watches under the scheduler: opened once with the check, closed with it or when its settings
 * change, moved to the new settings when they are the same; pokes gather and keep their distance;
 * what a watch keeps reaches the next process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "io/timer.h"
#include "probes/run.h"
#include "sched/sched.h"

#define SECOND USEC_PER_SEC

struct toy_conf {
	int64_t id;
};

static struct {
	unsigned opened, closed, runs;
	struct probe_watch *watch;
	int64_t kept_before; /* what the last watch found when it opened; -1: nothing */
	bool is_silent;      /* runs give no verdict */
	struct probe_run *run;
} toy;

static const struct metric_desc toy_metrics[] = {
	METRIC_TOTAL_ROW,
	{ 0 },
};

static void
toy_open(struct probe_watch *watch)
{
	const json_t *kept = probe_watch_kept(watch);

	toy.opened++;
	toy.watch = watch;
	toy.kept_before = kept == NULL ? -1 : json_integer_value(json_object_get(kept, "at"));
	*(int *)probe_watch_state(watch) += 7;
}

static void
toy_close(struct probe_watch *watch)
{
	assert_int_equal(*(int *)probe_watch_state(watch), 7);
	toy.closed++;
	toy.watch = NULL;
}

static void
toy_start(struct probe_run *run)
{
	toy.runs++;
	toy.run = run;
	assert_ptr_equal(probe_watch(run), toy.watch);
	assert_ptr_equal(probe_watch_conf(toy.watch), probe_conf(run));
	if (!toy.is_silent)
		probe_ok(run, "fine");
}

static void
toy_target(const void *conf, const char *instance, char *out, size_t size)
{
	(void)conf;
	(void)instance;
	snprintf(out, size, "toy");
}

static const struct conf_field toy_fields[] = {
	{ .name = "id", INT_AT(struct toy_conf, id), .doc = "Which toy." },
	{ 0 },
};

static const struct probe_type toy_type = {
	.name = "toy",
	.summary = "A toy.",
	.fields = toy_fields,
	.metrics = toy_metrics,
	.conf_size = sizeof(struct toy_conf),
	.target = toy_target,
	.start = toy_start,
	.watch_size = sizeof(int),
	.open = toy_open,
	.close = toy_close,
};

struct world {
	struct clock clock;
	struct stats stats;
	struct io_env env;
	struct sched *sched;
	json_t *kept; /* of the check, as the store would have it */
	struct check_spec spec;
	struct toy_conf conf;
};

static void
on_sample(void *arg, const struct check_spec *check, const struct sample *sample,
	struct check_ties *ties)
{
	(void)ties;
	(void)arg;
	(void)check;
	(void)sample;
}

static void
on_keep(void *arg, const char *check, const json_t *state)
{
	struct world *w = arg;

	assert_string_equal(check, "a");
	json_decref(w->kept);
	w->kept = state == NULL ? NULL : json_deep_copy(state);
}

static void
begin(struct world *w)
{
	w->sched = sched_new(&(struct sched_options){
		.env = &w->env,
		.on_sample = on_sample,
		.on_keep = on_keep,
		.arg = w,
	});
}

static void
apply(struct world *w, const struct check_spec *spec)
{
	sched_apply(w->sched, &spec, spec == NULL ? 0 : 1, NULL);
}

static int
set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	memset(&toy, 0, sizeof(toy));
	clock_init_fake(&w->clock, 1000 * SECOND, 1700000000 * SECOND);
	w->env.stats = &w->stats;
	w->env.host_root = "/";
	w->env.loop = loop_new(&w->clock, NULL);
	w->spec = (struct check_spec){
		.name = xstrdup("a"),
		.type = "toy",
		.probe_type = &toy_type,
		.conf = &w->conf,
		.common = {
			.interval_us = 60 * SECOND,
			.timeout_us = 10 * SECOND,
			.retry_interval_us = 2 * SECOND,
			.retries = 3,
			.successes = 1,
			.enabled = true,
		},
	};
	begin(w);
	apply(w, &w->spec);
	loop_advance(w->env.loop, SECOND);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	sched_free(w->sched);
	loop_free(w->env.loop);
	assert_int_equal(toy.opened, toy.closed);
	json_decref(w->kept);
	free(w->spec.name);
	free(w);
	return 0;
}

static void
opened_once_for_all_runs(void **state)
{
	struct world *w = *state;

	loop_advance(w->env.loop, 600 * SECOND);
	assert_true(toy.runs > 5);
	assert_int_equal(toy.opened, 1);
	apply(w, NULL);
	assert_int_equal(toy.closed, 1);
}

static void
a_poke_runs_soon_and_many_are_one(void **state)
{
	struct world *w = *state;

	assert_int_equal(toy.runs, 1);
	loop_advance(w->env.loop, 5 * SECOND);
	for (int i = 0; i < 100; i++)
		probe_watch_poke(toy.watch);
	loop_advance(w->env.loop, SECOND / 10);
	assert_int_equal(toy.runs, 2);
	for (int i = 0; i < 100; i++) {
		probe_watch_poke(toy.watch);
		loop_advance(w->env.loop, SECOND / 20);
	}
	assert_in_range(toy.runs, 6, 7); /* five seconds of pokes: one run a second */
}

static void
a_poke_during_a_run_is_another_run(void **state)
{
	struct world *w = *state;

	toy.is_silent = true;
	probe_watch_poke(toy.watch);
	loop_advance(w->env.loop, 2 * SECOND);
	assert_int_equal(toy.runs, 2);
	probe_watch_poke(toy.watch);
	loop_advance(w->env.loop, 2 * SECOND);
	assert_int_equal(toy.runs, 2);
	toy.is_silent = false;
	probe_ok(toy.run, "at last");
	loop_advance(w->env.loop, 0); /* the turn in which it is said ends */
	loop_advance(w->env.loop, SECOND / 10);
	assert_int_equal(toy.runs, 3);
}

static void
moves_or_opens_anew_at_a_reload(void **state)
{
	struct world *w = *state;
	struct toy_conf same = w->conf, other = { .id = 5 };
	struct check_spec moved = w->spec, next = w->spec;

	moved.conf = &same;
	apply(w, &moved);
	assert_int_equal(toy.opened, 1);
	assert_ptr_equal(probe_watch_conf(toy.watch), &same);
	next.conf = &other;
	apply(w, &next);
	assert_int_equal(toy.opened, 2);
	assert_int_equal(toy.closed, 1);
	assert_ptr_equal(probe_watch_conf(toy.watch), &other);
	loop_advance(w->env.loop, SECOND);
	apply(w, &w->spec);
}

static void
what_it_keeps_outlives_the_process(void **state)
{
	struct world *w = *state;
	json_t *seen = json_pack("{s:i}", "at", 42);

	assert_int_equal(toy.kept_before, -1);
	probe_watch_keep(toy.watch, seen);
	json_decref(seen);
	assert_non_null(w->kept);
	sched_free(w->sched);
	begin(w);
	sched_restore(w->sched, "a", w->kept);
	apply(w, &w->spec);
	assert_int_equal(toy.kept_before, 42);
	apply(w, NULL); /* a check that is gone leaves nothing behind */
	assert_null(w->kept);
}

static void
another_type_starts_with_nothing(void **state)
{
	struct world *w = *state;
	struct probe_type other_type = toy_type;
	struct check_spec other = w->spec;
	json_t *seen = json_pack("{s:i}", "at", 42);

	probe_watch_keep(toy.watch, seen);
	json_decref(seen);
	other_type.name = "other";
	other.probe_type = &other_type;
	apply(w, &other);
	assert_int_equal(toy.opened, 2);
	assert_int_equal(toy.kept_before, -1);
	apply(w, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(opened_once_for_all_runs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_poke_runs_soon_and_many_are_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_poke_during_a_run_is_another_run, set_up, tear_down),
		cmocka_unit_test_setup_teardown(moves_or_opens_anew_at_a_reload, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_it_keeps_outlives_the_process, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			another_type_starts_with_nothing, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

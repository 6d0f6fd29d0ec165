/*
 * The scheduler on a clock that the test turns: spread, grid, ticks, retries, start_period, reload
 * as a diff, overruns, suspend, children.
 */
#include <math.h>
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

/* A probe that does what the test says: answers after a while, or never. */
struct toy_conf {
	int64_t id;
};

enum toy_mood { OK, FAIL, ERROR, SILENT, PARENT };

struct toy {
	enum toy_mood mood;
	usec_t answer_us;
	unsigned starts, stops, live, most_live;
	usec_t last_start_us;
};

static struct toy toys[8];
static const char *instances[4];

struct toy_run {
	struct timer timer;
	struct probe_run *run;
	struct toy *toy;
};

static const struct metric_desc toy_metrics[] = {
	METRIC_TOTAL_ROW,
	{ "count", METRIC_GAUGE, UNIT_NONE, "Children." },
	{ 0 },
};

static void
toy_answer(void *arg)
{
	struct toy_run *me = arg;

	switch (me->toy->mood) {
	case OK:
		probe_ok(me->run, "fine");
		break;
	case PARENT:
		for (size_t i = 0; i < 4; i++)
			if (instances[i] != NULL && probe_instance(me->run) == NULL)
				probe_child(me->run, instances[i]);
		probe_ok(me->run, "fine");
		break;
	case FAIL:
		probe_fail(me->run, "net.refused", "no");
		break;
	case ERROR:
		probe_error(me->run, "self.local", "cannot tell");
		break;
	case SILENT:
		break;
	}
}

static void
toy_start(struct probe_run *run)
{
	struct toy_run *me = probe_state(run);
	const struct toy_conf *conf = probe_conf(run);

	me->run = run;
	me->toy = &toys[conf->id];
	me->toy->starts++;
	me->toy->last_start_us = loop_now(probe_env(run)->loop);
	if (++me->toy->live > me->toy->most_live)
		me->toy->most_live = me->toy->live;
	timer_init(&me->timer, probe_env(run)->loop, toy_answer, me);
	timer_after(&me->timer, me->toy->answer_us);
}

static void
toy_stop(struct probe_run *run)
{
	struct toy_run *me = probe_state(run);

	timer_stop(&me->timer);
	me->toy->stops++;
	me->toy->live--;
}

static bool
toy_is_parent(const void *conf)
{
	return ((const struct toy_conf *)conf)->id == 7;
}

static void
toy_target(const void *conf, const char *instance, char *out, size_t size)
{
	(void)conf;
	snprintf(out, size, "toy %s", instance == NULL ? "" : instance);
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
	.run_size = sizeof(struct toy_run),
	.target = toy_target,
	.is_parent = toy_is_parent,
	.start = toy_start,
	.stop = toy_stop,
};

struct world {
	struct clock clock;
	struct stats stats;
	struct io_env env;
	struct sched *sched;
	unsigned samples;
	struct sample last;
	char last_name[80];
	unsigned children_added, children_removed, released;
	json_t *kept;
	usec_t slept_us;
};

static void
on_sample(void *arg, const struct check_spec *check, const struct sample *sample)
{
	struct world *w = arg;

	w->samples++;
	w->last = *sample;
	snprintf(w->last_name, sizeof(w->last_name), "%s", check->name);
}

static void
on_child(void *arg, const struct check_spec *child, bool is_added)
{
	struct world *w = arg;

	assert_non_null(child->instance);
	if (is_added)
		w->children_added++;
	else
		w->children_removed++;
}

static void
on_keep(void *arg, const char *check, const json_t *state)
{
	struct world *w = arg;

	(void)check;
	json_decref(w->kept);
	w->kept = json_deep_copy(state);
}

static void
on_slept(void *arg, usec_t for_us)
{
	((struct world *)arg)->slept_us = for_us;
}

static void
on_release(void *owner)
{
	((struct world *)owner)->released++;
}

static void
open_world(struct world *w)
{
	struct sched_options options = {
		.env = &w->env,
		.on_sample = on_sample,
		.on_child = on_child,
		.on_keep = on_keep,
		.on_slept = on_slept,
		.arg = w,
	};

	clock_init_fake(&w->clock, 1000 * SECOND, 1700000000 * SECOND);
	w->env.stats = &w->stats;
	w->env.host_root = "/";
	w->env.loop = loop_new(&w->clock, NULL);
	w->sched = sched_new(&options);
}

static int
set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	memset(toys, 0, sizeof(toys));
	memset(instances, 0, sizeof(instances));
	for (size_t i = 0; i < 8; i++)
		toys[i].answer_us = 1000;
	open_world(w);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	sched_free(w->sched);
	loop_free(w->env.loop);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(toys[i].starts, toys[i].stops);
	json_decref(w->kept);
	free(w);
	return 0;
}

static struct check_spec *
make_spec(const char *name, int64_t id, usec_t interval_us)
{
	struct check_spec *spec = xcalloc(1, sizeof(*spec));
	struct toy_conf *conf = xcalloc(1, sizeof(*conf));

	conf->id = id;
	spec->name = xstrdup(name);
	spec->type = "toy";
	spec->probe_type = &toy_type;
	spec->conf = conf;
	spec->common = (struct check_common){
		.interval_us = interval_us,
		.timeout_us = 10 * SECOND,
		.retry_interval_us = 2 * SECOND,
		.retries = 3,
		.successes = 1,
		.enabled = true,
	};
	return spec;
}

static void
free_spec(struct check_spec *spec)
{
	free(spec->name);
	free(spec->conf);
	free(spec);
}

static struct check_view
view(const struct world *w, const char *name)
{
	struct check_view v;

	assert_true(sched_view_name(w->sched, name, &v));
	return v;
}

/* `const struct check_spec *const *` of one. */
static void
apply_one(struct world *w, const struct check_spec *spec)
{
	const struct check_spec *list[] = { spec };
	const struct sched_owner owner = { w, on_release };

	sched_apply(w->sched, list, 1, &owner);
}

static void
test_runs_once_per_interval(void **state)
{
	struct world *w = *state;
	struct check_spec *spec = make_spec("a", 0, 30 * SECOND);

	apply_one(w, spec);
	loop_advance(w->env.loop, SECOND);
	assert_int_equal(toys[0].starts, 1);
	loop_advance(w->env.loop, 3000 * SECOND);
	assert_in_range(toys[0].starts, 100, 101);
	assert_int_equal(view(w, "a").state, CHECK_UP);
	assert_int_equal(view(w, "a").overdue, 0);
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(spec);
}

static void
test_starts_stay_on_their_grid(void **state)
{
	struct world *w = *state;
	struct check_spec *spec = make_spec("a", 0, 10 * SECOND);
	usec_t first;

	apply_one(w, spec);
	loop_advance(w->env.loop, 25 * SECOND);
	first = toys[0].last_start_us;
	loop_advance(w->env.loop, 1000 * SECOND);
	assert_int_equal((toys[0].last_start_us - first) % (10 * SECOND), 0);
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(spec);
}

static void
test_many_checks_spread_and_share_ticks(void **state)
{
	struct world *w = *state;
	enum { N = 1000 };
	struct check_spec *specs[N];
	char name[16];

	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		specs[i] = make_spec(name, 0, 10 * SECOND);
	}
	sched_apply(w->sched, (const struct check_spec *const *)specs, N, NULL);
	loop_advance(w->env.loop, 10 * SECOND);
	assert_true(sched_round_done(w->sched)); /* a full round within the interval */
	loop_advance(w->env.loop, 10 * SECOND);
	toys[0].most_live = 0;
	toys[0].starts = toys[0].stops = 0;
	loop_advance(w->env.loop, 100 * SECOND);
	assert_in_range(toys[0].starts, 9990, 10010);
	assert_true(toys[0].most_live < N / 10); /* spread: never all at once */
	sched_free(w->sched);
	w->sched = NULL;
	toys[0].starts = toys[0].stops; /* counted from the middle on */
	for (int i = 0; i < N; i++)
		free_spec(specs[i]);
}

static void
test_retries_make_it_down(void **state)
{
	struct world *w = *state;
	struct check_spec *spec = make_spec("a", 0, 30 * SECOND);

	toys[0].mood = FAIL;
	apply_one(w, spec);
	loop_advance(w->env.loop, SECOND);
	assert_int_equal(w->last.state, CHECK_SUSPECT);
	assert_int_equal(w->last.failures, 1);
	loop_advance(w->env.loop, 2 * SECOND);
	assert_int_equal(w->last.state, CHECK_SUSPECT);
	loop_advance(w->env.loop, 2 * SECOND); /* the third, quick re-checks apart */
	assert_int_equal(w->last.state, CHECK_DOWN);
	assert_int_equal(toys[0].starts, 3);
	loop_advance(w->env.loop, 300 * SECOND); /* down: back to the regular interval */
	assert_in_range(toys[0].starts, 12, 14);
	toys[0].mood = OK;
	loop_advance(w->env.loop, 31 * SECOND);
	assert_int_equal(w->last.state, CHECK_UP);
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(spec);
}

static void
test_error_neither_counts_nor_resets(void **state)
{
	struct world *w = *state;
	struct check_spec *spec = make_spec("a", 0, 2 * SECOND);

	toys[0].mood = FAIL;
	apply_one(w, spec);
	loop_advance(w->env.loop, SECOND / 2);
	assert_int_equal(w->last.failures, 1);
	toys[0].mood = ERROR;
	loop_advance(w->env.loop, 60 * SECOND);
	assert_int_equal(w->last.outcome, OUTCOME_ERROR);
	assert_int_equal(view(w, "a").state, CHECK_SUSPECT);
	assert_int_equal(view(w, "a").failures, 1);
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(spec);
}

static void
test_successes_are_counted(void **state)
{
	struct world *w = *state;
	struct check_spec *spec = make_spec("a", 0, 10 * SECOND);

	spec->common.retries = 1;
	spec->common.successes = 3;
	toys[0].mood = FAIL;
	apply_one(w, spec);
	loop_advance(w->env.loop, SECOND);
	assert_int_equal(w->last.state, CHECK_DOWN);
	toys[0].mood = OK;
	assert_int_equal(sched_run_now(w->sched, "a"), 0);
	loop_advance(w->env.loop, SECOND);
	assert_int_equal(w->last.outcome, OUTCOME_OK);
	assert_int_equal(w->last.state, CHECK_DOWN);
	loop_advance(w->env.loop, 5 * SECOND); /* two quick re-checks */
	assert_int_equal(w->last.state, CHECK_UP);
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(spec);
}

static void
test_start_period_survives_a_restart(void **state)
{
	struct world *w = *state;
	struct check_spec *spec = make_spec("a", 0, 10 * SECOND);

	spec->common.retries = 1;
	spec->common.start_period_us = 60 * SECOND;
	toys[0].mood = FAIL;
	apply_one(w, spec);
	loop_advance(w->env.loop, 30 * SECOND);
	assert_int_equal(w->last.state, CHECK_STARTING);
	sched_free(w->sched);
	loop_free(w->env.loop);
	{
		json_t *kept = w->kept;
		usec_t mono = w->clock.fake_mono_us, wall = w->clock.fake_wall_us;

		w->kept = NULL;
		open_world(w);
		clock_init_fake(&w->clock, mono, wall);
		sched_restore(w->sched, "a", kept);
		json_decref(kept);
	}
	apply_one(w, spec);
	loop_advance(w->env.loop, 20 * SECOND);
	assert_int_equal(w->last.state, CHECK_STARTING);
	loop_advance(w->env.loop, 20 * SECOND); /* 70 s after it was first added */
	assert_int_equal(w->last.state, CHECK_DOWN);
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(spec);
}

static void
test_success_ends_the_start_period(void **state)
{
	struct world *w = *state;
	struct check_spec *spec = make_spec("a", 0, 10 * SECOND);

	spec->common.retries = 1;
	spec->common.start_period_us = 600 * SECOND;
	apply_one(w, spec);
	loop_advance(w->env.loop, SECOND);
	assert_int_equal(w->last.state, CHECK_UP);
	toys[0].mood = FAIL;
	loop_advance(w->env.loop, 20 * SECOND);
	assert_int_equal(w->last.state, CHECK_DOWN);
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(spec);
}

static void
test_never_two_runs_at_once(void **state)
{
	struct world *w = *state;
	struct check_spec *spec = make_spec("a", 0, SECOND);

	toys[0].mood = SILENT;
	spec->common.timeout_us = 5 * SECOND;
	apply_one(w, spec);
	loop_advance(w->env.loop, 4 * SECOND);
	assert_int_equal(toys[0].starts, 1);
	assert_in_range(view(w, "a").overdue, 2, 4);
	loop_advance(w->env.loop, 60 * SECOND);
	assert_int_equal(toys[0].most_live, 1);
	assert_string_equal(w->last.cause->code, "net.noreply");
	assert_true(stats_get(&w->stats, STAT_RUNS_OVERDUE) > 10);
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(spec);
}

static void
test_slow_check_does_not_delay_others(void **state)
{
	struct world *w = *state;
	struct check_spec *slow = make_spec("slow", 0, SECOND);
	struct check_spec *quick = make_spec("quick", 1, SECOND);
	const struct check_spec *specs[] = { slow, quick };

	toys[0].mood = SILENT;
	sched_apply(w->sched, specs, 2, NULL);
	loop_advance(w->env.loop, 100 * SECOND);
	assert_in_range(toys[1].starts, 99, 101);
	assert_int_equal(view(w, "quick").overdue, 0);
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(slow);
	free_spec(quick);
}

static void
test_setting_the_wall_clock_moves_nothing(void **state)
{
	struct world *w = *state;
	struct check_spec *spec = make_spec("a", 0, 10 * SECOND);

	apply_one(w, spec);
	loop_advance(w->env.loop, 100 * SECOND);
	clock_step_wall(&w->clock, -86400 * SECOND);
	loop_advance(w->env.loop, 100 * SECOND);
	clock_step_wall(&w->clock, 2 * 86400 * SECOND);
	loop_advance(w->env.loop, 100 * SECOND);
	assert_in_range(toys[0].starts, 29, 32);
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(spec);
}

static void
test_suspend_forgives_suspects(void **state)
{
	struct world *w = *state;
	struct check_spec *spec = make_spec("a", 0, 10 * SECOND);

	toys[0].mood = FAIL;
	apply_one(w, spec);
	loop_advance(w->env.loop, 3 * SECOND);
	assert_int_equal(view(w, "a").failures, 2);
	clock_suspend(&w->clock, 3600 * SECOND);
	toys[0].mood = SILENT;
	loop_advance(w->env.loop, 3 * SECOND);
	assert_int_equal(w->slept_us, 3600 * SECOND);
	assert_int_equal(view(w, "a").failures, 0);
	assert_int_not_equal(view(w, "a").state, CHECK_DOWN);
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(spec);
}

/* The verdict comes before the next tick, and is about a connection that slept. */
static void
test_suspend_forgives_what_was_running(void **state)
{
	struct world *w = *state;
	struct check_spec *a = make_spec("a", 0, 60 * SECOND), *b = make_spec("b", 1, 60 * SECOND);
	const struct check_spec *both[] = { a, b };

	toys[0].mood = toys[1].mood = FAIL;
	toys[0].answer_us = toys[1].answer_us = 2 * SECOND;
	sched_apply(w->sched, both, 2, NULL);
	loop_advance(w->env.loop, SECOND);
	assert_int_equal(toys[0].live + toys[1].live, 2);
	clock_suspend(&w->clock, 3600 * SECOND);
	loop_advance(w->env.loop, 2 * SECOND);
	assert_int_equal(w->slept_us, 3600 * SECOND);
	assert_int_equal(toys[0].live + toys[1].live, 0);
	assert_int_equal(w->samples, 0);
	assert_int_equal(view(w, "a").failures + view(w, "b").failures, 0);
	loop_advance(w->env.loop, 95 * SECOND);
	assert_true(w->samples >= 2);
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(a);
	free_spec(b);
}

static void
test_reload_keeps_what_is_the_same(void **state)
{
	struct world *w = *state;
	struct check_spec *a = make_spec("a", 0, 30 * SECOND), *b = make_spec("b", 1, 30 * SECOND);
	struct check_spec *a2 = make_spec("a", 0, 30 * SECOND),
			  *b2 = make_spec("b", 2, 30 * SECOND);
	const struct check_spec *old[] = { a, b }, *fresh[] = { a2, b2 };
	const struct sched_owner owner = { w, on_release };
	usec_t next;

	toys[0].answer_us = 5 * SECOND;
	toys[1].mood = FAIL;
	sched_apply(w->sched, old, 2, &owner);
	loop_advance(w->env.loop, SECOND);
	next = view(w, "a").next_us;
	assert_true(view(w, "a").is_running);
	sched_apply(w->sched, fresh, 2, &owner);
	assert_int_equal(w->released, 0); /* a's run still uses the old settings */
	assert_true(view(w, "a").is_running);
	assert_int_equal(view(w, "a").next_us, next);
	assert_int_equal(view(w, "b").failures, 1); /* changed, but its counters stay */
	loop_advance(w->env.loop, 10 * SECOND);
	assert_int_equal(w->released, 1);
	assert_int_equal(toys[0].starts, 1);
	assert_true(toys[2].starts >= 1);
	sched_free(w->sched);
	w->sched = NULL;
	assert_int_equal(w->released, 2);
	free_spec(a);
	free_spec(b);
	free_spec(a2);
	free_spec(b2);
}

static void
test_reload_removes_and_adds(void **state)
{
	struct world *w = *state;
	struct check_spec *a = make_spec("a", 0, SECOND), *b = make_spec("b", 1, SECOND);
	struct check_view v;

	toys[0].mood = SILENT;
	apply_one(w, a);
	loop_advance(w->env.loop, SECOND / 2);
	apply_one(w, b);
	assert_int_equal(w->released, 1);
	assert_false(sched_view_name(w->sched, "a", &v));
	assert_int_equal(toys[0].stops, 1);
	assert_int_equal(sched_count(w->sched), 1);
	loop_advance(w->env.loop, 3 * SECOND);
	assert_true(toys[1].starts >= 2);
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(a);
	free_spec(b);
}

static void
test_children_come_and_go(void **state)
{
	struct world *w = *state;
	struct check_spec *spec = make_spec("disks", 7, SECOND);
	struct check_spec *same = make_spec("disks", 7, SECOND);

	toys[7].mood = PARENT;
	instances[0] = "/";
	instances[1] = "/var";
	apply_one(w, spec);
	loop_advance(w->env.loop, 5 * SECOND);
	assert_int_equal(w->children_added, 2);
	assert_int_equal(sched_count(w->sched), 3);
	assert_string_equal(view(w, "disks[/var]").spec->instance, "/var");
	assert_string_equal(view(w, "disks[/var]").spec->target, "toy /var");
	assert_int_equal(view(w, "disks[/var]").state, CHECK_UP);
	apply_one(w, same); /* a reload with the same settings keeps them */
	assert_int_equal(w->children_removed, 0);
	assert_int_equal(sched_count(w->sched), 3);
	instances[1] = NULL;
	loop_advance(w->env.loop, 3 * SECOND);
	assert_int_equal(w->children_removed, 1);
	assert_int_equal(sched_count(w->sched), 2);
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(spec);
	free_spec(same);
}

static void
test_run_now(void **state)
{
	struct world *w = *state;
	struct check_spec *spec = make_spec("a", 0, 3600 * SECOND);

	apply_one(w, spec);
	loop_advance(w->env.loop, SECOND);
	assert_int_equal(sched_run_now(w->sched, "nobody"), -1);
	assert_int_equal(sched_run_now(w->sched, "a"), 0);
	assert_int_equal(sched_run_now(w->sched, "a"), -1); /* it runs already */
	loop_advance(w->env.loop, SECOND);
	assert_int_equal(toys[0].starts, 2);
	sched_stop(w->sched);
	assert_int_equal(sched_run_now(w->sched, "a"), -1);
	loop_advance(w->env.loop, 7200 * SECOND);
	assert_int_equal(toys[0].starts, 2);
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(spec);
}

static void
test_totals_for_the_sparkline(void **state)
{
	struct world *w = *state;
	struct check_spec *spec = make_spec("a", 0, SECOND);
	struct check_view v;

	toys[0].answer_us = SECOND / 4;
	apply_one(w, spec);
	loop_advance(w->env.loop, 100 * SECOND);
	toys[0].mood = FAIL;
	loop_advance(w->env.loop, SECOND);
	v = view(w, "a");
	assert_int_equal(v.total_count, SCHED_TOTALS);
	assert_true(fabsf(v.totals[0] - 0.25f) < 0.001f);
	assert_true(isnan(v.totals[SCHED_TOTALS - 1]));
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(spec);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_runs_once_per_interval),
		T(test_starts_stay_on_their_grid),
		T(test_many_checks_spread_and_share_ticks),
		T(test_retries_make_it_down),
		T(test_error_neither_counts_nor_resets),
		T(test_successes_are_counted),
		T(test_start_period_survives_a_restart),
		T(test_success_ends_the_start_period),
		T(test_never_two_runs_at_once),
		T(test_slow_check_does_not_delay_others),
		T(test_setting_the_wall_clock_moves_nothing),
		T(test_suspend_forgives_suspects),
		T(test_suspend_forgives_what_was_running),
		T(test_reload_keeps_what_is_the_same),
		T(test_reload_removes_and_adds),
		T(test_children_come_and_go),
		T(test_run_now),
		T(test_totals_for_the_sparkline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

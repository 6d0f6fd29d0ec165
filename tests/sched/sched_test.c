/* The scheduler: spread, grid, ticks, retries, start_period, overruns, suspend. */
#include "tests/sched/toy.h"

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

/* More than a thousand a second: what the start took is not to make the round too late. */
static void
test_a_large_first_round_takes_less_than_the_interval(void **state)
{
	struct world *w = *state;
	enum { N = 2000 };
	struct check_spec *specs[N];
	char name[16];

	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		specs[i] = make_spec(name, 0, 2 * SECOND);
	}
	sched_apply(w->sched, (const struct check_spec *const *)specs, N, NULL);
	loop_advance(w->env.loop, 15 * SECOND / 10);
	assert_false(sched_round_done(w->sched));
	loop_advance(w->env.loop, 4 * SECOND / 10);
	assert_true(sched_round_done(w->sched));
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

/* What the watchdog stands on. */
static void
test_says_how_long_a_start_waits(void **state)
{
	struct world *w = *state;
	struct check_spec *spec = make_spec("a", 0, 10 * SECOND);

	assert_true(sched_behind_us(w->sched) == 0);
	apply_one(w, spec);
	loop_advance(w->env.loop, 15 * SECOND);
	assert_true(sched_behind_us(w->sched) == 0);
	clock_advance(&w->clock, 30 * SECOND); /* the loop does not turn */
	assert_in_range(sched_behind_us(w->sched), 20 * SECOND, 30 * SECOND);
	loop_advance(w->env.loop, SECOND);
	assert_true(sched_behind_us(w->sched) == 0);
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(spec);
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
	assert_true(fabs(sched_total(&v, 0) - 0.25) < 0.001);
	assert_true(isnan(sched_total(&v, SCHED_TOTALS - 1)));
	sched_free(w->sched);
	w->sched = NULL;
	free_spec(spec);
}

static void
test_totals_are_right_to_a_part_in_a_thousand(void **state)
{
	static const usec_t times[] = { 0, 1, 999, 2047, 2048, 4095, 4096, 123456, 9999999,
		59 * SECOND, 3599 * SECOND };
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct check_spec *spec = make_spec("a", 0, 7200 * SECOND);
		struct check_view v;
		double wanted = (double)times[i] / SECOND, seen;

		spec->common.timeout_us = 7200 * SECOND;
		toys[0].answer_us = times[i];
		apply_one(w, spec);
		loop_advance(w->env.loop, 3600 * SECOND);
		v = view(w, "a");
		assert_int_equal(v.total_count, 1);
		seen = sched_total(&v, 0);
		assert_true(fabs(seen - wanted) <= wanted / 1000);
		sched_apply(w->sched, NULL, 0, NULL);
		loop_advance(w->env.loop, SECOND);
		free_spec(spec);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_runs_once_per_interval),
		T(test_starts_stay_on_their_grid),
		T(test_many_checks_spread_and_share_ticks),
		T(test_a_large_first_round_takes_less_than_the_interval),
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
		T(test_says_how_long_a_start_waits),
		T(test_run_now),
		T(test_totals_for_the_sparkline),
		T(test_totals_are_right_to_a_part_in_a_thousand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What a restart, a suspend and a clock that is set do to what is told: nothing. */
#include "tests/triage/scene_play.h"

static void
fail_twice(struct scene *s, const char *name)
{
	scene_fails(s, name);
	scene_goes_by(s, SECONDS(1));
	scene_fails(s, name);
}

static void
build_stack(struct scene *s)
{
	scene_add(s, "db", "postgres", NULL);
	scene_add(s, "api", "http", "db");
	scene_add(s, "web", "http", "api");
	scene_begins(s);
}

static void
everything_is_down(struct scene *s)
{
	build_stack(s);
	fail_twice(s, "db");
	fail_twice(s, "api");
	fail_twice(s, "web");
	scene_waits(s, 10);
	assert_int_equal(triage_open_count(s->triage), 1);
	s->told[0] = '\0';
}

static void
first_round(struct scene *s)
{
	for (size_t n = 0; n < s->count; n++)
		scene_sample(
			s, &s->checks[n], s->checks[n].is_down ? OUTCOME_FAIL : OUTCOME_OK, 1000);
	scene_settles(s);
}

static void
test_outage_goes_on_over_a_restart(void **state)
{
	struct scene *s = *state;
	everything_is_down(s);
	scene_restarts(s);
	scene_goes_by(s, SECONDS(1));
	first_round(s);
	scene_waits(s, 120);
	scene_says(s, "");
	scene_is_well(s, "db");
	scene_is_well(s, "api");
	scene_is_well(s, "web");
	scene_says(s, "resolved/recovered db:check-down critical; ");
}

static void
test_root_that_recovered_meanwhile_is_released(void **state)
{
	struct scene *s = *state;
	everything_is_down(s);
	scene_restarts(s);
	scene_is_well(s, "db");
	scene_fails(s, "api");
	scene_fails(s, "web");
	scene_settles(s);
	scene_says(s, "");
	scene_is_well(s, "api");
	scene_is_well(s, "web");
	scene_says(s, "resolved/recovered db:check-down critical; ");
}

static void
test_what_was_held_is_decided_anew(void **state)
{
	struct scene *s = *state;
	build_stack(s);
	fail_twice(s, "api");
	scene_says(s, "");
	scene_restarts(s);
	scene_says(s, "");
	scene_find(s, "db")->is_down = true;
	scene_goes_by(s, SECONDS(1));
	scene_fails(s, "api");
	scene_says(s, "");
	fail_twice(s, "db");
	scene_says(s, "opened/first db:check-down critical (api); ");
}

static void
test_suspect_root_over_a_restart(void **state)
{
	struct scene *s = *state;
	build_stack(s);
	fail_twice(s, "api");
	scene_fails(s, "db");
	scene_waits(s, 6);
	scene_says(s, "opened/first db:check-down critical (api); ");
	scene_restarts(s);
	scene_goes_by(s, SECONDS(1));
	scene_says(s, "");
	scene_is_well(s, "db");
	scene_waits(s, 5);
	scene_says(s, "updated/root-changed api:check-down critical; ");
}

static void
test_nothing_is_told_as_root_before_its_needs_were_seen(void **state)
{
	struct scene *s = *state;
	const struct triage_moment at = scene_at(s);
	scene_add(s, "db", "postgres", NULL);
	scene_add(s, "api", "http", "db");
	scene_apply(s);
	triage_settle(s->triage, &at);
	fail_twice(s, "api");
	scene_waits(s, 20);
	scene_says(s, "");
	fail_twice(s, "db");
	scene_says(s, "opened/first db:check-down critical (api); ");
}

static void
test_after_a_suspend_holds_begin_anew(void **state)
{
	struct scene *s = *state;
	build_stack(s);
	fail_twice(s, "api");
	scene_waits(s, 3);
	s->wall += USEC_PER_HOUR;
	const struct triage_moment at = scene_at(s);
	triage_slept(s->triage, &at);
	scene_waits(s, 4);
	scene_says(s, "");
	scene_waits(s, 2);
	scene_says(s, "opened/first api:check-down critical; ");
}

static void
test_setting_the_clock_moves_no_wait(void **state)
{
	static const usec_t steps[] = { USEC_PER_DAY, -USEC_PER_DAY };
	struct scene *s = *state;
	build_stack(s);
	for (size_t n = 0; n < 2; n++) {
		fail_twice(s, "api");
		scene_waits(s, 3);
		s->wall += steps[n];
		scene_goes_by(s, SECONDS(1));
		scene_says(s, "");
		scene_goes_by(s, SECONDS(1));
		assert_non_null(strstr(s->told, "api:check-down critical; "));
		scene_is_well(s, "api");
		s->told[0] = '\0';
	}
	assert_int_equal(scene_newest(s)->reopened, 1);
}

static void
test_flapping_says_that_it_is_quiet(void **state)
{
	struct scene *s = *state;
	scene_add(s, "api", "http", NULL);
	scene_begins(s);
	for (int n = 0; n < 4; n++) {
		fail_twice(s, "api");
		scene_goes_by(s, SECONDS(30));
		scene_is_well(s, "api");
		scene_goes_by(s, SECONDS(30));
	}
	const struct incident *i = scene_newest(s);
	assert_true(i->is_flapping);
	assert_int_not_equal(i->quiet_us, 0);
	assert_true(str_starts(i->summary, "well again since"));
	s->told[0] = '\0';
	scene_restarts(s);
	scene_is_well(s, "api");
	scene_settles(s);
	s->wall += USEC_PER_DAY;
	scene_waits(s, 595);
	scene_says(s, "");
	scene_waits(s, 10);
	scene_says(s, "resolved/recovered api:check-down critical; ");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_outage_goes_on_over_a_restart),
		TEST(test_root_that_recovered_meanwhile_is_released),
		TEST(test_what_was_held_is_decided_anew),
		TEST(test_suspect_root_over_a_restart),
		TEST(test_nothing_is_told_as_root_before_its_needs_were_seen),
		TEST(test_after_a_suspend_holds_begin_anew),
		TEST(test_setting_the_clock_moves_no_wait),
		TEST(test_flapping_says_that_it_is_quiet),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Root, impact, hold and release over `needs`: stories of one outage each. */
#include "tests/triage/scene_play.h"

/* web -> api -> db, cache */
static void
build_stack(struct scene *s)
{
	scene_add(s, "db", "postgres", NULL);
	scene_add(s, "cache", "redis", NULL);
	scene_add(s, "api", "http", "db cache");
	scene_add(s, "web", "http", "api");
	scene_begins(s);
}

/* These checks fail, twice. */
static void
fail_twice(struct scene *s, const char *a, const char *b)
{
	scene_fails(s, a);
	if (b)
		scene_fails(s, b);
	scene_goes_by(s, SECONDS(1));
	scene_fails(s, a);
	if (b)
		scene_fails(s, b);
}

static void
test_first_failure_runs_what_is_needed(void **state)
{
	struct scene *s = *state;
	build_stack(s);
	scene_fails(s, "web");
	assert_true(scene_find(s, "api")->is_run_wanted);
	assert_false(scene_find(s, "db")->is_run_wanted);
	scene_find(s, "api")->is_down = true;
	scene_runs_wanted(s);
	assert_true(scene_find(s, "db")->is_run_wanted);
	assert_true(scene_find(s, "cache")->is_run_wanted);
	scene_runs_wanted(s);
	assert_false(scene_runs_wanted(s));
	scene_says(s, "");
}

static void
test_root_speaks_with_its_impact(void **state)
{
	struct scene *s = *state;
	build_stack(s);
	scene_find(s, "db")->is_down = scene_find(s, "api")->is_down = true;
	scene_fails(s, "web");
	while (scene_runs_wanted(s))
		;
	scene_goes_by(s, SECONDS(1));
	scene_fails(s, "web"); /* confirmed; it waits for the suspect below */
	scene_says(s, "");
	scene_fails(s, "api");
	scene_says(s, "");
	scene_fails(s, "db");
	scene_says(s, "opened/first db:check-down critical (web api); ");
	assert_int_equal(triage_open_count(s->triage), 1);
}

static void
test_suspect_root_is_waited_for_no_longer_than_the_wait(void **state)
{
	struct scene *s = *state;
	build_stack(s);
	fail_twice(s, "api", NULL);
	scene_find(s, "db")->is_down = true;
	scene_runs_wanted(s);
	scene_waits(s, 3);
	scene_says(s, "");
	scene_waits(s, 3);
	scene_says(s, "opened/first db:check-down critical (api); ");
	assert_string_equal(scene_newest(s)->cause_code, "net.refused");
	/* its own alert confirms what was told already */
	scene_fails(s, "db");
	scene_says(s, "");
	assert_int_equal(scene_newest(s)->alert_count, 2);
	assert_string_equal(scene_newest(s)->alerts[0].check, "db");
}

static void
test_suspicion_that_was_wrong_gives_back(void **state)
{
	struct scene *s = *state;
	char id[INCIDENT_ID_LEN + 1];
	build_stack(s);
	fail_twice(s, "api", NULL);
	scene_fails(s, "db");
	scene_waits(s, 6);
	scene_says(s, "opened/first db:check-down critical (api); ");
	memcpy(id, s->last_id, sizeof(id));
	scene_is_well(s, "db");
	scene_says(s, "updated/root-changed api:check-down critical; ");
	assert_string_equal(s->last_id, id);
	assert_string_equal(scene_newest(s)->target, "api");
	scene_is_well(s, "api");
	scene_says(s, "resolved/recovered api:check-down critical; ");
}

static void
test_needs_that_are_well_hold_nothing(void **state)
{
	struct scene *s = *state;
	build_stack(s);
	scene_fails(s, "api");
	while (scene_runs_wanted(s))
		;
	scene_fails(s, "api");
	scene_says(s, "opened/first api:check-down critical; ");
}

static void
test_needs_that_do_not_answer_hold_for_a_while(void **state)
{
	struct scene *s = *state;
	build_stack(s);
	fail_twice(s, "api", NULL);
	json_t *why = triage_why(s->triage, "api", s->now);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(why, 0), "what")), "held");
	json_decref(why);
	scene_waits(s, 3);
	scene_says(s, "");
	scene_waits(s, 2);
	scene_says(s, "opened/first api:check-down critical; ");
}

static void
test_what_recovers_while_held_was_nothing(void **state)
{
	struct scene *s = *state;
	build_stack(s);
	fail_twice(s, "api", NULL);
	scene_is_well(s, "api");
	scene_waits(s, 10);
	scene_says(s, "");
	assert_int_equal(triage_count(s->triage), 0);
}

static void
test_who_cannot_tell_is_no_root(void **state)
{
	struct scene *s = *state;
	build_stack(s);
	scene_fails(s, "api");
	scene_fails(s, "db");
	scene_goes_by(s, SECONDS(1));
	scene_sample(s, scene_find(s, "db"), OUTCOME_ERROR, 1000);
	scene_sample(s, scene_find(s, "cache"), OUTCOME_OK, 1000);
	scene_fails(s, "api");
	scene_says(s, "opened/first api:check-down critical; ");
}

static void
test_small_trouble_drags_nobody_down(void **state)
{
	struct scene *s = *state;
	build_stack(s);
	scene_find(s, "db")->cause = "pg.starting";
	fail_twice(s, "db", "api");
	scene_runs_wanted(s);
	scene_waits(s, 6);
	assert_non_null(strstr(s->told, "opened/first api:check-down critical; "));
}

static void
test_first_of_two_roots_has_the_impact(void **state)
{
	struct scene *s = *state;
	build_stack(s);
	fail_twice(s, "cache", NULL);
	scene_says(s, "opened/first cache:check-down critical; ");
	fail_twice(s, "db", NULL);
	scene_says(s, "opened/first db:check-down critical; ");
	scene_waits(s, 30);
	fail_twice(s, "api", NULL);
	scene_says(s, "updated/new-impact cache:check-down critical (api); ");
	const struct incident *cache = triage_at(s->triage, 1), *db = triage_at(s->triage, 0);
	assert_string_equal(cache->check, "cache");
	assert_int_equal(cache->related.count, 1);
	assert_string_equal(db->related.all[0].name, cache->id);
}

static void
test_later_impact_is_told_together(void **state)
{
	struct scene *s = *state;
	build_stack(s);
	fail_twice(s, "db", NULL);
	scene_says(s, "opened/first db:check-down critical; ");
	fail_twice(s, "api", "web");
	scene_says(s, "");
	scene_waits(s, 2);
	scene_says(s, "");
	scene_waits(s, 2);
	scene_says(s, "updated/new-impact db:check-down critical (api web); ");
	scene_waits(s, 20);
	scene_says(s, "");
}

/* A slow answer and none at all are one victim: it is named already. */
static void
test_second_rule_of_a_victim_is_no_news(void **state)
{
	struct scene *s = *state;
	build_stack(s);
	fail_twice(s, "db", NULL);
	scene_says(s, "opened/first db:check-down critical; ");
	fail_twice(s, "api", NULL);
	scene_waits(s, 6);
	scene_says(s, "updated/new-impact db:check-down critical (api); ");
	scene_alert(s, scene_find(s, "api"), "slow", ALERT_FIRES, SEVERITY_WARNING);
	scene_waits(s, 20);
	scene_says(s, "");
	assert_int_equal(triage_at(s->triage, 0)->alert_count, 3);
}

static void
everything_is_down(struct scene *s)
{
	build_stack(s);
	fail_twice(s, "db", "api");
	fail_twice(s, "web", NULL);
	scene_waits(s, 10);
	assert_non_null(strstr(s->told, "(api web)"));
	s->told[0] = '\0';
	assert_int_equal(triage_open_count(s->triage), 1);
}

static void
test_recovery_is_one_message(void **state)
{
	struct scene *s = *state;
	everything_is_down(s);
	scene_is_well(s, "db");
	assert_true(scene_find(s, "api")->is_run_wanted);
	assert_true(scene_find(s, "web")->is_run_wanted);
	scene_goes_by(s, SECONDS(1));
	scene_is_well(s, "web");
	scene_says(s, "");
	scene_is_well(s, "api");
	scene_says(s, "resolved/recovered db:check-down critical; ");
	assert_string_equal(scene_newest(s)->first_recovered, "db");
}

static void
test_who_outlives_the_root_speaks_for_itself(void **state)
{
	struct scene *s = *state;
	everything_is_down(s);
	scene_is_well(s, "db");
	scene_is_well(s, "cache");
	scene_goes_by(s, SECONDS(1));
	scene_fails(s, "api");
	scene_is_well(s, "web");
	scene_says(s, "");
	scene_goes_by(s, SECONDS(1));
	scene_fails(s, "api");
	scene_says(s, "resolved/recovered db:check-down critical; "
		      "opened/first api:check-down critical; ");
}

static void
test_release_lasts_no_longer_than_its_window(void **state)
{
	struct scene *s = *state;
	everything_is_down(s);
	scene_is_well(s, "db");
	scene_is_well(s, "web");
	scene_waits(s, 58);
	scene_says(s, "");
	scene_waits(s, 10);
	assert_true(str_starts(s->told, "resolved/recovered db:check-down critical; "));
	assert_non_null(strstr(s->told, "opened/first api:check-down critical; "));
}

static void
test_who_fails_within_the_window_is_silent_in_it(void **state)
{
	struct scene *s = *state;
	build_stack(s);
	fail_twice(s, "db", "api");
	scene_waits(s, 10);
	s->told[0] = '\0';
	scene_is_well(s, "db");
	scene_goes_by(s, SECONDS(1));
	fail_twice(s, "web", NULL);
	scene_is_well(s, "api");
	scene_waits(s, 5);
	scene_says(s, "");
	scene_is_well(s, "web");
	scene_says(s, "resolved/recovered db:check-down critical; ");
}

static void
test_root_that_fails_again_goes_on(void **state)
{
	struct scene *s = *state;
	everything_is_down(s);
	scene_is_well(s, "db");
	scene_goes_by(s, SECONDS(2));
	fail_twice(s, "db", NULL);
	scene_waits(s, 100);
	scene_says(s, "");
	assert_int_equal(scene_newest(s)->reopened, 1);
	scene_is_well(s, "db");
	scene_is_well(s, "api");
	scene_is_well(s, "web");
	scene_says(s, "resolved/recovered db:check-down critical; ");
}

/* The list of an incident holds 64 alerts: all of the others belong to it as well. */
static void
test_more_impact_than_the_list_holds(void **state)
{
	struct scene *s = *state;
	char rule[16];
	build_stack(s);
	fail_twice(s, "db", "api");
	for (int n = 0; n < 100; n++) {
		snprintf(rule, sizeof(rule), "r%d", n);
		scene_alert(s, scene_find(s, "api"), rule, ALERT_FIRES, SEVERITY_WARNING);
	}
	scene_is_well(s, "db");
	scene_is_well(s, "api");
	scene_waits(s, 10);
	assert_null(strstr(s->told, "resolved"));
	for (int n = 0; n < 100; n++) {
		assert_null(strstr(s->told, "resolved"));
		snprintf(rule, sizeof(rule), "r%d", n);
		scene_alert(s, scene_find(s, "api"), rule, ALERT_ENDS, SEVERITY_OK);
	}
	assert_non_null(strstr(s->told, "resolved/recovered db:check-down critical; "));
	assert_int_equal(triage_count(s->triage), 1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_first_failure_runs_what_is_needed),
		TEST(test_root_speaks_with_its_impact),
		TEST(test_suspect_root_is_waited_for_no_longer_than_the_wait),
		TEST(test_suspicion_that_was_wrong_gives_back),
		TEST(test_needs_that_are_well_hold_nothing),
		TEST(test_needs_that_do_not_answer_hold_for_a_while),
		TEST(test_what_recovers_while_held_was_nothing),
		TEST(test_who_cannot_tell_is_no_root),
		TEST(test_small_trouble_drags_nobody_down),
		TEST(test_first_of_two_roots_has_the_impact),
		TEST(test_later_impact_is_told_together),
		TEST(test_second_rule_of_a_victim_is_no_news),
		TEST(test_recovery_is_one_message),
		TEST(test_who_outlives_the_root_speaks_for_itself),
		TEST(test_release_lasts_no_longer_than_its_window),
		TEST(test_who_fails_within_the_window_is_silent_in_it),
		TEST(test_root_that_fails_again_goes_on),
		TEST(test_more_impact_than_the_list_holds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

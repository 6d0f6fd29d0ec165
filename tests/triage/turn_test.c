/* Incidents that change their root: takeover, merge, back to the dependent. */
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
test_parent_seen_ten_seconds_later_takes_over(void **state)
{
	struct scene *s = *state;
	char id[INCIDENT_ID_LEN + 1];
	build_stack(s);
	scene_fails(s, "api");
	scene_runs_wanted(s); /* the database is well yet */
	scene_fails(s, "api");
	scene_says(s, "opened/first api:check-down critical; ");
	memcpy(id, s->last_id, sizeof(id));
	fail_twice(s, "web");
	scene_waits(s, 10);
	scene_says(s, "updated/new-impact api:check-down critical (web); ");
	fail_twice(s, "db");
	scene_says(s, "updated/root-changed db:check-down critical (api web); ");
	assert_string_equal(s->last_id, id);
	assert_string_equal(scene_newest(s)->type, "postgres");
	assert_string_equal(scene_newest(s)->target, "db");
	assert_string_equal(scene_newest(s)->alerts[0].check, "db");
	assert_non_null(strstr(scene_newest(s)->title, "db"));
	scene_is_well(s, "db");
	scene_is_well(s, "api");
	scene_is_well(s, "web");
	scene_says(s, "resolved/recovered db:check-down critical; ");
	assert_int_equal(triage_count(s->triage), 1);
}

static void
test_two_that_were_told_become_one(void **state)
{
	struct scene *s = *state;
	scene_add(s, "db", "postgres", NULL);
	scene_add(s, "api", "http", "db");
	scene_add(s, "web", "http", "db");
	scene_begins(s);
	scene_fails(s, "api");
	scene_fails(s, "web");
	scene_runs_wanted(s);
	scene_fails(s, "web");
	scene_goes_by(s, SECONDS(1));
	scene_fails(s, "api");
	scene_says(s, "opened/first web:check-down critical; "
		      "opened/first api:check-down critical; ");
	const char *oldest = triage_at(s->triage, 1)->id;
	fail_twice(s, "db");
	scene_says(s, "updated/root-changed db:check-down critical (web api); "
		      "resolved/merged api:check-down critical; ");
	assert_int_equal(triage_open_count(s->triage), 1);
	assert_string_equal(triage_at(s->triage, 0)->id, oldest);
	assert_string_equal(triage_at(s->triage, 1)->merged_into, oldest);
}

static void
test_needs_that_are_new_bring_two_together(void **state)
{
	struct scene *s = *state;
	scene_add(s, "db", "postgres", NULL);
	struct scene_check *api = scene_add(s, "api", "http", NULL);
	scene_begins(s);
	fail_twice(s, "db");
	scene_goes_by(s, SECONDS(1));
	fail_twice(s, "api");
	assert_int_equal(triage_open_count(s->triage), 2);
	const char *older = triage_at(s->triage, 1)->id;
	s->told[0] = '\0';
	api->needs[api->spec.common.needs.count++] = xstrdup("db");
	scene_apply(s);
	scene_waits(s, 10);
	scene_says(s, "resolved/merged api:check-down critical; "
		      "updated/new-impact db:check-down critical (api); ");
	assert_string_equal(triage_at(s->triage, 0)->id, older);
}

static void
test_what_failed_long_before_is_another_matter(void **state)
{
	struct scene *s = *state;
	build_stack(s);
	scene_fails(s, "api");
	scene_runs_wanted(s);
	scene_fails(s, "api");
	scene_waits(s, 300);
	fail_twice(s, "db");
	scene_says(s, "opened/first api:check-down critical; "
		      "opened/first db:check-down critical; ");
}

static void
test_root_that_is_removed_gives_back(void **state)
{
	struct scene *s = *state;
	build_stack(s);
	fail_twice(s, "db");
	fail_twice(s, "api");
	scene_waits(s, 10);
	char id[INCIDENT_ID_LEN + 1];
	memcpy(id, s->last_id, sizeof(id));
	s->told[0] = '\0';
	struct scene_check *db = scene_find(s, "db");
	db->is_in_force = false;
	scene_apply(s);
	scene_alert(s, db, "check-down", ALERT_REMOVED, SEVERITY_OK);
	scene_says(s, "updated/root-changed api:check-down critical; ");
	assert_string_equal(s->last_id, id);
	scene_is_well(s, "api");
	scene_says(s, "resolved/recovered api:check-down critical; ");
}

static void
test_impact_that_is_removed_leaves_the_root(void **state)
{
	struct scene *s = *state;
	build_stack(s);
	fail_twice(s, "db");
	fail_twice(s, "api");
	scene_waits(s, 10);
	s->told[0] = '\0';
	struct scene_check *api = scene_find(s, "api");
	api->is_in_force = false;
	scene_apply(s);
	scene_alert(s, api, "check-down", ALERT_REMOVED, SEVERITY_OK);
	scene_waits(s, 10);
	scene_says(s, "");
	scene_is_well(s, "db");
	scene_says(s, "resolved/recovered db:check-down critical; ");
}

static void
test_slow_and_then_down_is_one_story(void **state)
{
	struct scene *s = *state;
	build_stack(s);
	scene_alert(s, scene_find(s, "api"), "http-slow", ALERT_FIRES, SEVERITY_WARNING);
	scene_says(s, "opened/first api:http-slow warning; ");
	fail_twice(s, "db"); /* as yet nothing says that the one follows from the other */
	scene_says(s, "opened/first db:check-down critical; ");
	fail_twice(s, "api");
	assert_true(str_starts(s->told, "escalated/root-changed db:check-down critical (api); "
					"resolved/merged db:check-down critical; "));
	assert_int_equal(triage_open_count(s->triage), 1);
}

static void
test_numbers_out_of_bounds_for_long_stay_their_own(void **state)
{
	struct scene *s = *state;
	build_stack(s);
	scene_alert(s, scene_find(s, "api"), "http-slow", ALERT_FIRES, SEVERITY_WARNING);
	scene_waits(s, 300);
	fail_twice(s, "db");
	fail_twice(s, "api");
	scene_waits(s, 10);
	scene_says(s, "opened/first api:http-slow warning; "
		      "opened/first db:check-down critical; "
		      "updated/new-impact db:check-down critical (api); ");
	assert_int_equal(triage_open_count(s->triage), 2);
}

static void
test_later_numbers_are_impact_too(void **state)
{
	struct scene *s = *state;
	build_stack(s);
	fail_twice(s, "db");
	scene_alert(s, scene_find(s, "api"), "http-slow", ALERT_FIRES, SEVERITY_WARNING);
	scene_waits(s, 6);
	scene_says(s, "opened/first db:check-down critical; "
		      "updated/new-impact db:check-down critical (api); ");
	scene_is_well(s, "db");
	scene_waits(s, 100); /* it lingers for a while */
	scene_says(s, "");
	scene_alert(s, scene_find(s, "api"), "http-slow", ALERT_ENDS, SEVERITY_OK);
	scene_says(s, "resolved/recovered db:check-down critical; ");
}

static void
test_parents_of_children_wait_for_them(void **state)
{
	struct scene *s = *state;
	struct scene_check *disks = scene_add(s, "disks", "disk", NULL);
	struct scene_check *var = scene_add(s, "disks[/var]", "disk", NULL);
	disks->spec.common.interval_us = SECONDS(60);
	scene_begins(s);
	triage_remove_child(s->triage, "disks[/var]");
	triage_add_child(s->triage, &var->spec);
	fail_twice(s, "disks[/var]");
	fail_twice(s, "disks");
	scene_waits(s, 6);
	scene_says(s, "opened/first disks[/var]:check-down critical; "
		      "updated/new-impact disks[/var]:check-down critical (disks); ");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_parent_seen_ten_seconds_later_takes_over),
		TEST(test_two_that_were_told_become_one),
		TEST(test_needs_that_are_new_bring_two_together),
		TEST(test_what_failed_long_before_is_another_matter),
		TEST(test_root_that_is_removed_gives_back),
		TEST(test_impact_that_is_removed_leaves_the_root),
		TEST(test_slow_and_then_down_is_one_story),
		TEST(test_numbers_out_of_bounds_for_long_stay_their_own),
		TEST(test_later_numbers_are_impact_too),
		TEST(test_parents_of_children_wait_for_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

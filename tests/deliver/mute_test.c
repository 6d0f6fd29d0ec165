/* Silences and maintenance: who is not told, who is told afterwards, and what a restart changes. */
#include "tests/deliver/scene.h"

#include "deliver/maintenance.h"
#include "deliver/silence.h"

static struct route_spec route;
static char *to_hook[] = { (char[]){ "hook" } };

static int
setup(void **state)
{
	struct scene *scene = scene_new();

	route = (struct route_spec){
		.to = { to_hook, 1 },
		.repeat_interval_us = 4 * USEC_PER_HOUR,
		.send_resolved = true,
	};
	scene_add(scene, "hook");
	scene->routes[0] = &route;
	scene->route_count = 1;
	scene_boot(scene);
	*state = scene;
	return 0;
}

static void
event(struct scene *scene, struct incident *incident, enum incident_event_type type,
	const char *reason)
{
	if (type == INCIDENT_ENDED)
		incident->status = INCIDENT_RESOLVED;
	scene_event(scene, incident, type, reason);
	scene_wait(scene, 10 * USEC_PER_SEC);
}

static void
tick(struct scene *scene, const struct incident *incident)
{
	deliver_tick(scene->deliver, &incident, incident->status == INCIDENT_RESOLVED ? 0 : 1);
	scene_wait(scene, 10 * USEC_PER_SEC);
}

/* "opened/first resolved/recovered"; then forgets the tries. */
static const char *
told(struct scene *scene)
{
	static char text[512];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < scene->try_count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s/%s",
			i == 0 ? "" : " ", scene_try(scene, i)->type + strlen("incident."),
			scene_try(scene, i)->reason);
	scene->try_count = 0;
	return text;
}

/* Its id, "" and `wrong` when it is refused. */
static char made[32], wrong[512];

static const char *
silence(struct scene *scene, const char *text)
{
	json_t *ask = json_loads(text, 0, NULL);
	struct err e = { 0 };
	json_t *doc = deliver_silence(scene->deliver, ask, &e);

	assert_non_null(ask);
	str_copy(made, sizeof(made), json_string_value(json_object_get(doc, "id")));
	str_copy(wrong, sizeof(wrong), e.text);
	json_decref(ask);
	json_decref(doc);
	return made;
}

#define API_2H "{\"match\": {\"check\": \"ap*\"}, \"for\": \"2h\", \"by\": \"ann\"}"

static void
what_is_silenced_is_told_of_when_it_ends(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	silence(scene, API_2H);
	scene_incident(&incident, "00000000000a");
	event(scene, &incident, INCIDENT_OPENED, "first");
	event(scene, &incident, INCIDENT_UPDATED, "facts");
	tick(scene, &incident);
	assert_string_equal(told(scene), "");
	scene_wait(scene, 2 * USEC_PER_HOUR);
	tick(scene, &incident);
	assert_string_equal(told(scene), "opened/first");
	tick(scene, &incident);
	event(scene, &incident, INCIDENT_ENDED, "recovered");
	assert_string_equal(told(scene), "resolved/recovered");
	incident_fini(&incident);
}

static void
what_comes_and_goes_in_silence_is_never_told_of(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	silence(scene, API_2H);
	scene_incident(&incident, "00000000000a");
	event(scene, &incident, INCIDENT_OPENED, "first");
	event(scene, &incident, INCIDENT_ENDED, "recovered");
	scene_wait(scene, 3 * USEC_PER_HOUR);
	tick(scene, &incident);
	assert_string_equal(told(scene), "");
	assert_int_equal(scene_docs(scene, "muted"), 0);
	incident_fini(&incident);
}

static void
who_was_told_before_hears_the_end_in_silence(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	scene_incident(&incident, "00000000000a");
	event(scene, &incident, INCIDENT_OPENED, "first");
	silence(scene, API_2H);
	event(scene, &incident, INCIDENT_ESCALATED, "severity");
	assert_string_equal(told(scene), "opened/first");
	event(scene, &incident, INCIDENT_ENDED, "recovered");
	assert_string_equal(told(scene), "resolved/recovered");
	incident_fini(&incident);
}

static void
who_was_told_before_hears_of_what_changed_meanwhile(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	scene_incident(&incident, "00000000000a");
	event(scene, &incident, INCIDENT_OPENED, "first");
	silence(scene, API_2H);
	event(scene, &incident, INCIDENT_ESCALATED, "severity");
	tick(scene, &incident);
	told(scene);
	scene_wait(scene, 3 * USEC_PER_HOUR);
	tick(scene, &incident);
	assert_string_equal(told(scene), "reminder/repeat");
	incident_fini(&incident);
}

static void
others_are_told_as_ever(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	silence(scene, "{\"match\": {\"check\": \"db\"}, \"for\": \"2h\"}");
	silence(scene,
		"{\"match\": {\"check\": \"api\", \"severity\": \"warning\"}, \"for\": \"1h\"}");
	scene_incident(&incident, "00000000000a");
	event(scene, &incident, INCIDENT_OPENED, "first");
	assert_string_equal(told(scene), "opened/first");
	incident_fini(&incident);
}

static void
ended_by_hand_it_is_told_at_once(void **state)
{
	struct scene *scene = *state;
	struct incident incident;
	struct err e;

	silence(scene, API_2H);
	scene_incident(&incident, "00000000000a");
	event(scene, &incident, INCIDENT_OPENED, "first");
	assert_int_equal(deliver_silence_end(scene->deliver, made, &e), 0);
	tick(scene, &incident);
	assert_string_equal(told(scene), "opened/first");
	assert_int_equal(deliver_silence_end(scene->deliver, made, &e), -1);
	assert_non_null(strstr(e.text, "over already"));
	assert_int_equal(deliver_silence_end(scene->deliver, "nobody", &e), -1);
	incident_fini(&incident);
}

static void
a_restart_forgets_neither_silence_nor_the_silenced(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	silence(scene, API_2H);
	scene_incident(&incident, "00000000000a");
	event(scene, &incident, INCIDENT_OPENED, "first");
	scene_commit(scene);
	scene_kill(scene);
	scene_boot(scene);
	tick(scene, &incident);
	assert_string_equal(told(scene), "");
	scene_kill(scene);
	scene_wait(scene, 3 * USEC_PER_HOUR); /* it ends while nobody is here */
	scene_boot(scene);
	tick(scene, &incident);
	assert_string_equal(told(scene), "opened/first");
	incident_fini(&incident);
}

static void
a_silence_of_tomorrow_waits(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	silence(scene, "{\"match\": {\"check\": \"api\"}, \"starts_at\": \"2026-01-03T00:00:00Z\", "
		       "\"ends_at\": \"2026-01-03T01:00:00Z\"}");
	assert_string_not_equal(made, "");
	scene_incident(&incident, "00000000000a");
	event(scene, &incident, INCIDENT_OPENED, "first");
	assert_string_equal(told(scene), "opened/first");
	json_t *all = deliver_silences(scene->deliver);
	const json_t *one = json_array_get(json_object_get(all, "silences"), 0);
	assert_string_equal(json_string_value(json_object_get(one, "state")), "pending");
	json_decref(all);
	incident_fini(&incident);
}

static void
bad_ones_are_told_what_to_write(void **state)
{
	static const struct {
		const char *ask, *wrong;
	} bad[] = {
		{ "{}", "say what is silenced" },
		{ "{\"match\": {}, \"for\": \"2h\"}", "say what is silenced" },
		{ "{\"match\": {\"check\": \"a\"}}", "say how long" },
		{ "{\"match\": {\"check\": \"a\"}, \"for\": \"2\"}", "unit" },
		{ "{\"match\": {\"check\": \"a\"}, \"for\": \"2h\", \"ends_at\": "
		  "\"2026-02-02T00:00:00Z\"}",
			"say how long" },
		{ "{\"match\": {\"check\": \"a\"}, \"ends_at\": \"2020-02-02T00:00:00Z\"}",
			"over before" },
		{ "{\"match\": {\"check\": \"a\"}, \"ends_at\": \"tomorrow\"}", "no time" },
		{ "{\"match\": {\"chek\": \"a\"}, \"for\": \"2h\"}", "did you mean" },
		{ "{\"match\": {\"severity\": \"bad\"}, \"for\": \"2h\"}", "no level" },
		{ "{\"match\": {\"labels\": {\"a\": \"~(\"}}, \"for\": \"2h\"}", "labels" },
		{ "{\"match\": {\"check\": \"${HOME}\"}, \"for\": \"2h\"}", "${" },
		{ "[]", "an object" },
	};
	struct scene *scene = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (*silence(scene, bad[i].ask) != '\0')
			fail_msg("taken: %s", bad[i].ask);
		if (strstr(wrong, bad[i].wrong) == NULL)
			fail_msg("%s: %s", bad[i].ask, wrong);
	}
}

/* 2026-01-02 is a Friday; it is 03:04:05. */
static void
maintenance_is_a_silence_that_comes_again(void **state)
{
	struct scene *scene = *state;
	struct incident incident;
	char *checks[] = { (char[]){ "api" } }, schedule[] = "Fri 03:00-04:00", utc[] = "UTC";
	struct maintenance_spec work = {
		.match = { .check = { checks, 1 } }, .schedule = schedule, .timezone = utc
	};
	const struct maintenance_spec *works[] = { &work };
	char why[200];
	usec_t until_us;
	struct err e;

	assert_int_equal(window_parse(&work.span.window, schedule, 0, &e), 0);
	work.span.zone = zone_load("UTC", &e);
	deliver_maintain(scene->deliver, works, 1);
	scene_incident(&incident, "00000000000a");
	event(scene, &incident, INCIDENT_OPENED, "first");
	assert_string_equal(told(scene), "");
	assert_true(deliver_is_muted(scene->deliver, &incident, why, sizeof(why), &until_us));
	assert_non_null(strstr(why, "maintenance until 2026-01-02T04:00:00"));
	scene_wait(scene, USEC_PER_HOUR);
	tick(scene, &incident);
	assert_string_equal(told(scene), "opened/first");
	deliver_maintain(scene->deliver, NULL, 0);
	zone_free(work.span.zone);
	incident_fini(&incident);
}

/* Stored by another version: a new word beside is no harm, a new one in `match` may be. */
static void
words_of_another_version_are_passed_over_where_that_is_safe(void **state)
{
	struct err e = { 0 };
	struct silence *s;
	json_t *doc = json_pack("{s:s, s:{s:[s]}, s:s, s:s, s:{s:s}}", "id", "1fd19541", "match",
		"check", "db", "ends_at", "2026-01-03T00:00:00.000Z", "by", "ada", "approved",
		"who", "bob");

	(void)state;
	s = silence_restore(doc, &e);
	if (s == NULL)
		fail_msg("%s", e.text);
	assert_string_equal(s->id, "1fd19541");
	assert_string_equal(s->by, "ada");
	silence_free(s);
	json_object_set_new(json_object_get(doc, "match"), "zone", json_string("eu"));
	assert_null(silence_restore(doc, &e));
	assert_non_null(strstr(e.text, "zone"));
	json_decref(doc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, scene_teardown)
		TEST(what_is_silenced_is_told_of_when_it_ends),
		TEST(what_comes_and_goes_in_silence_is_never_told_of),
		TEST(who_was_told_before_hears_the_end_in_silence),
		TEST(who_was_told_before_hears_of_what_changed_meanwhile),
		TEST(others_are_told_as_ever),
		TEST(ended_by_hand_it_is_told_at_once),
		TEST(a_restart_forgets_neither_silence_nor_the_silenced),
		TEST(a_silence_of_tomorrow_waits),
		TEST(bad_ones_are_told_what_to_write),
		TEST(words_of_another_version_are_passed_over_where_that_is_safe),
		TEST(maintenance_is_a_silence_that_comes_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

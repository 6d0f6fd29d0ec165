/* Steps of escalation: who is told when nobody takes care, and what stops, outlives and ends them.
 */
#include "tests/deliver/scene.h"

#define MIN USEC_PER_MIN

static char *to_ops[] = { (char[]){ "ops" } }, *to_lead[] = { (char[]){ "lead" } };
static char *to_boss[] = { (char[]){ "boss" }, (char[]){ "lead" } };
static struct escalation steps[] = { { 15 * MIN, { to_lead, 1 } }, { 60 * MIN, { to_boss, 2 } } };
static struct route_spec route;
static const char id[] = "00000000000a";

static int
setup(void **state)
{
	struct scene *scene = scene_new();

	route = (struct route_spec){
		.to = { to_ops, 1 },
		.repeat_interval_us = 4 * USEC_PER_HOUR,
		.send_resolved = true,
		.steps = steps,
		.step_count = 2,
	};
	scene_add(scene, "ops");
	scene_add(scene, "lead");
	scene_add(scene, "boss");
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
pass(struct scene *scene, const struct incident *incident, int minutes)
{
	for (int i = 0; i < minutes; i++) {
		scene_wait(scene, MIN);
		deliver_tick(
			scene->deliver, &incident, incident->status == INCIDENT_RESOLVED ? 0 : 1);
		scene_wait(scene, 0);
	}
}

/* "ops opened/first, lead opened/first"; then forgets the tries. */
static const char *
told(struct scene *scene)
{
	static char text[512];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < scene->try_count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s %s/%s",
			i == 0 ? "" : ", ", scene_try(scene, i)->receiver,
			scene_try(scene, i)->type + strlen("incident."),
			scene_try(scene, i)->reason);
	scene->try_count = 0;
	return text;
}

static void
open_one(struct scene *scene, struct incident *incident)
{
	scene_incident(incident, id);
	incident->detected_us = loop_wall(scene->loop);
	event(scene, incident, INCIDENT_OPENED, "first");
	assert_string_equal(told(scene), "ops opened/first");
}

static void
each_step_has_its_time_and_tells_once(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	open_one(scene, &incident);
	pass(scene, &incident, 14);
	assert_string_equal(told(scene), "");
	pass(scene, &incident, 2);
	assert_string_equal(told(scene), "lead opened/first");
	pass(scene, &incident, 43);
	assert_string_equal(told(scene), "");
	pass(scene, &incident, 2);
	assert_string_equal(told(scene), "boss opened/first");
	pass(scene, &incident, 60);
	assert_string_equal(told(scene), "");
	/* All of them hear what becomes of it. */
	event(scene, &incident, INCIDENT_ACKED, "ack");
	assert_string_equal(
		told(scene), "ops acknowledged/ack, lead acknowledged/ack, boss acknowledged/ack");
	event(scene, &incident, INCIDENT_ENDED, "recovered");
	assert_string_equal(told(scene),
		"ops resolved/recovered, lead resolved/recovered, boss resolved/recovered");
	incident_fini(&incident);
}

static void
an_acknowledgement_stops_the_steps_to_come(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	open_one(scene, &incident);
	pass(scene, &incident, 16);
	assert_string_equal(told(scene), "lead opened/first");
	incident.status = INCIDENT_ACKNOWLEDGED;
	event(scene, &incident, INCIDENT_ACKED, "ack");
	assert_string_equal(told(scene), "ops acknowledged/ack, lead acknowledged/ack");
	pass(scene, &incident, 120);
	assert_string_equal(told(scene), "");
	/* Taken back it is as if nobody ever cared: the second step's time is long over. */
	incident.status = INCIDENT_OPEN;
	event(scene, &incident, INCIDENT_UPDATED, "ack");
	assert_string_equal(told(scene), "ops updated/ack, lead updated/ack, boss opened/ack");
	event(scene, &incident, INCIDENT_ENDED, "recovered");
	assert_non_null(strstr(told(scene), "boss resolved/recovered"));
	incident_fini(&incident);
}

static void
a_restart_does_not_begin_them_anew(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	open_one(scene, &incident);
	pass(scene, &incident, 10);
	scene_commit(scene);
	scene_kill(scene);
	scene_wait(scene, 4 * MIN);
	scene_boot(scene);
	pass(scene, &incident, 2);
	assert_string_equal(told(scene), "lead opened/first");
	scene_commit(scene);
	scene_kill(scene);
	scene_boot(scene);
	pass(scene, &incident, 5);
	assert_string_equal(told(scene), "");
	incident_fini(&incident);
}

static void
a_step_taken_out_of_the_settings_is_not_taken(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	open_one(scene, &incident);
	pass(scene, &incident, 16);
	assert_string_equal(told(scene), "lead opened/first");
	route.step_count = 0;
	scene_apply(scene);
	pass(scene, &incident, 60);
	assert_string_equal(told(scene), "");
	/* Who was told by it hears the end. */
	event(scene, &incident, INCIDENT_ENDED, "recovered");
	assert_string_equal(told(scene), "ops resolved/recovered, lead resolved/recovered");
	incident_fini(&incident);
}

static void
silenced_nobody_is_escalated_to(void **state)
{
	struct scene *scene = *state;
	struct incident incident;
	json_t *ask = json_loads("{\"match\": {\"check\": \"api\"}, \"for\": \"30m\"}", 0, NULL);
	struct err e;

	open_one(scene, &incident);
	json_decref(deliver_silence(scene->deliver, ask, &e));
	json_decref(ask);
	pass(scene, &incident, 29);
	assert_string_equal(told(scene), "");
	pass(scene, &incident, 2);
	assert_string_equal(told(scene), "lead opened/first");
	incident_fini(&incident);
}

static void
why_says_when_the_next_step_comes(void **state)
{
	struct scene *scene = *state;
	struct incident incident;
	json_t *why;
	char *text;

	open_one(scene, &incident);
	why = deliver_why(scene->deliver, &incident);
	text = json_dumps(why, 0);
	assert_non_null(strstr(text, "lead: told if nobody acknowledges it"));
	assert_non_null(strstr(text, "2026-01-02T03:19:05"));
	assert_non_null(strstr(text, "boss: told if nobody acknowledges it"));
	assert_non_null(strstr(text, "2026-01-02T04:04:05"));
	free(text);
	json_decref(why);
	incident_fini(&incident);
}

static void
of_what_is_over_only_what_waits_is_said(void **state)
{
	struct scene *scene = *state;
	struct incident incident;
	json_t *why;
	char *text;

	open_one(scene, &incident);
	event(scene, &incident, INCIDENT_ENDED, "recovered");
	why = deliver_why(scene->deliver, &incident);
	text = json_dumps(why, 0);
	assert_non_null(strstr(text, "ops: told \\\"incident.resolved\\\""));
	assert_null(strstr(text, "escalation"));
	assert_null(strstr(text, "not-routed"));
	free(text);
	json_decref(why);
	incident_fini(&incident);
}

/* As the dashboard and programs read them: who, when, and whether its hours hold. */
static void
routes_are_shown_in_their_order(void **state)
{
	struct scene *scene = *state;
	json_t *routes = deliver_routes(scene->deliver);
	const json_t *first = json_array_get(routes, 0);
	char *text = json_dumps(json_object_get(first, "escalate"), JSON_COMPACT);

	assert_int_equal(json_array_size(routes), 1);
	assert_string_equal(text, "[{\"after\":900.0,\"to\":[\"lead\"]},{\"after\":3600.0,\"to\":["
				  "\"boss\",\"lead\"]}]");
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(first, "to"), 0)), "ops");
	assert_true(json_real_value(json_object_get(first, "repeat_interval")) == 4 * 3600.0);
	assert_true(json_is_true(json_object_get(first, "send_resolved")));
	assert_true(json_is_false(json_object_get(first, "resting")));
	assert_null(json_object_get(first, "begins_at"));
	assert_int_equal(json_object_size(json_object_get(first, "match")), 0);
	free(text);
	json_decref(routes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, scene_teardown)
		TEST(each_step_has_its_time_and_tells_once),
		TEST(an_acknowledgement_stops_the_steps_to_come),
		TEST(a_restart_does_not_begin_them_anew),
		TEST(a_step_taken_out_of_the_settings_is_not_taken),
		TEST(silenced_nobody_is_escalated_to),
		TEST(why_says_when_the_next_step_comes),
		TEST(of_what_is_over_only_what_waits_is_said),
		TEST(routes_are_shown_in_their_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

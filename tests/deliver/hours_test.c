/* The active hours of a route: how they are written, who is told when, and what a kill changes. */
#include "tests/deliver/scene.h"

#include "deliver/hours.h"
#include "deliver/route.h"

/* ---- as written ---- */

struct written {
	struct complaints *complaints;
	struct conf_tree *tree;
	struct hours hours;
};

static void
read_hours(struct written *w, const char *yaml)
{
	char *text = xasprintf("active: %s\n", yaml);

	memset(w, 0, sizeof(*w));
	w->complaints = complaints_new();
	w->tree = conf_tree_parse("t.yaml", text, strlen(text), w->complaints);
	assert_non_null(w->tree->root);
	hours_compile(&w->hours, conf_get(w->tree->root, "active"), w->complaints);
	free(text);
}

static void
drop_hours(struct written *w)
{
	hours_fini(&w->hours);
	conf_tree_free(w->tree);
	complaints_free(w->complaints);
}

static usec_t
at(const char *text)
{
	usec_t wall_us;

	if (clock_parse_rfc3339(text, &wall_us) == -1)
		fail_msg("%s", text);
	return wall_us;
}

#define BERLIN "{ schedule: \"Mon-Fri 09:00-18:00\", timezone: Europe/Berlin }"
#define NIGHT  "{ schedule: \"Sun 01:00-04:00\", timezone: Europe/Berlin }"
#define EDGES  "{ schedule: [\"Mon 09:00-12:00\", \"Mon 12:00-18:00\"], timezone: UTC }"
#define CRON   "{ schedule: \"0 9 * * 1-5\", duration: 9h, timezone: UTC }"
#define TWO    "[ " BERLIN ", { schedule: Sat, timezone: Asia/Shanghai } ]"

static void
they_hold_on_the_clocks_of_their_zone(void **state)
{
	static const struct {
		const char *yaml, *moment, *since; /* NULL: it does not hold */
	} cases[] = {
		/* Winter and summer; 2026-03-29 and 2026-10-25 change the clocks. */
		{ BERLIN, "2026-01-02T08:00:00Z", "2026-01-02T08:00:00Z" },
		{ BERLIN, "2026-01-02T07:59:59Z", NULL },
		{ BERLIN, "2026-01-02T16:59:59Z", "2026-01-02T08:00:00Z" },
		{ BERLIN, "2026-01-02T17:00:00Z", NULL },
		{ BERLIN, "2026-07-01T07:00:00Z", "2026-07-01T07:00:00Z" },
		{ BERLIN, "2026-07-01T06:59:59Z", NULL },
		{ BERLIN, "2026-01-03T12:00:00Z", NULL },
		/* 02:00 to 03:00 is missing on one of these days, and comes twice on the other. */
		{ NIGHT, "2026-03-29T01:30:00Z", "2026-03-29T00:00:00Z" },
		{ NIGHT, "2026-03-29T02:00:00Z", NULL },
		{ NIGHT, "2026-10-25T02:59:59Z", "2026-10-24T23:00:00Z" },
		{ NIGHT, "2026-10-25T03:00:00Z", NULL },
		/* Without a gap it is one. */
		{ EDGES, "2026-01-05T17:00:00Z", "2026-01-05T09:00:00Z" },
		{ CRON, "2026-01-05T17:00:00Z", "2026-01-05T09:00:00Z" },
		{ CRON, "2026-01-05T18:00:00Z", NULL },
		{ TWO, "2026-01-03T12:00:00Z", "2026-01-02T08:00:00Z" }, /* one after the other */
		{ TWO, "2026-01-05T12:00:00Z", "2026-01-05T08:00:00Z" },
		{ TWO, "2026-01-04T12:00:00Z", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		usec_t since_us = -1;
		struct written w;
		bool holds;

		read_hours(&w, cases[i].yaml);
		assert_int_equal(complaints_errors(w.complaints), 0);
		holds = hours_hold(&w.hours, at(cases[i].moment), &since_us);
		if (holds != (cases[i].since != NULL) || (holds && since_us != at(cases[i].since)))
			fail_msg("%s at %s: %d, since %lld", cases[i].yaml, cases[i].moment, holds,
				(long long)since_us);
		drop_hours(&w);
	}
}

static void
the_next_beginning_is_the_nearest(void **state)
{
	struct written w;
	usec_t since_us;

	(void)state;
	read_hours(&w, TWO);
	assert_int_equal(
		hours_next(&w.hours, at("2026-01-02T18:00:00Z")), at("2026-01-05T08:00:00Z"));
	assert_int_equal(
		hours_next(&w.hours, at("2026-01-02T12:00:00Z")), at("2026-01-02T16:00:00Z"));
	drop_hours(&w);
	read_hours(&w, "\"Mon-Fri 09:00-18:00\"");
	assert_int_equal(w.hours.count, 1);
	drop_hours(&w);
	/* None are all. */
	read_hours(&w, "");
	assert_true(hours_hold(&w.hours, at("2026-01-02T18:00:00Z"), &since_us));
	assert_int_equal(since_us, 0);
	drop_hours(&w);
}

static void
mistakes_are_named(void **state)
{
	static const char *const cases[][2] = {
		{ "\"Blursday 09:00-10:00\"", "Blursday" },
		{ "\"09:00\"", "no span" },
		{ "[]", "no hours at all" },
		{ "[ [a] ]", "Mon-Fri 09:00-18:00" },
		{ "{ schedul: \"09:00-10:00\" }", "schedul" },
		{ "{ timezone: UTC }", "schedule" },
		{ "{ schedule: \"09:00-10:00\", timezone: Mars/Base }", "timezone" },
		{ "{ schedule: \"0 9 * * *\" }", "schedule" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct written w;
		struct buf text;

		read_hours(&w, cases[i][0]);
		buf_init(&text, 0);
		complaints_print(w.complaints, &text);
		if (complaints_errors(w.complaints) == 0 ||
			strstr(buf_text(&text), cases[i][1]) == NULL)
			fail_msg("%s: %s", cases[i][0], buf_text(&text));
		buf_fini(&text);
		drop_hours(&w);
	}
}

/* ---- who is told when: it is Friday, 2026-01-02, 03:04:05; the hours begin at 09:00 ---- */

#define HOUR USEC_PER_HOUR

static struct route_spec day, always;
static struct written office;
static char *to_hook[] = { (char[]){ "hook" } }, *to_boss[] = { (char[]){ "boss" } };
static struct escalation steps[] = { { 15 * USEC_PER_MIN, { to_boss, 1 } } };

static int
setup(void **state)
{
	struct scene *scene = scene_new();

	read_hours(&office, "{ schedule: \"Mon-Fri 09:00-18:00\", timezone: UTC }");
	day = (struct route_spec){
		.to = { to_hook, 1 },
		.repeat_interval_us = 24 * HOUR,
		.send_resolved = true,
		.active_hours = office.hours,
	};
	always = day;
	always.active_hours = (struct hours){ .count = 0 };
	scene_add(scene, "hook");
	scene_add(scene, "boss");
	scene->routes[0] = &day;
	scene->route_count = 1;
	scene_boot(scene);
	*state = scene;
	return 0;
}

static int
teardown(void **state)
{
	scene_free(*state);
	drop_hours(&office);
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

/* Time goes by, and the chores are done every minute of it. */
static void
pass(struct scene *scene, const struct incident *incident, usec_t us)
{
	for (usec_t end = loop_now(scene->loop) + us; loop_now(scene->loop) < end;) {
		scene_wait(scene, USEC_PER_MIN);
		deliver_tick(
			scene->deliver, &incident, incident->status == INCIDENT_RESOLVED ? 0 : 1);
		scene_wait(scene, 0);
	}
}

/* "hook opened/first, boss resolved/recovered"; then forgets the tries. */
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
what_opens_at_night_is_told_in_the_morning(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	scene_incident(&incident, "00000000000a");
	event(scene, &incident, INCIDENT_OPENED, "first");
	event(scene, &incident, INCIDENT_ESCALATED, "severity");
	pass(scene, &incident, 5 * HOUR);
	assert_string_equal(told(scene), "");
	pass(scene, &incident, HOUR);
	assert_string_equal(told(scene), "hook opened/first");
	assert_int_equal(scene_docs(scene, "ledger"), 1);
	event(scene, &incident, INCIDENT_ENDED, "recovered");
	assert_string_equal(told(scene), "hook resolved/recovered");
	incident_fini(&incident);
}

static void
what_ends_at_night_is_never_told(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	scene_incident(&incident, "00000000000a");
	event(scene, &incident, INCIDENT_OPENED, "first");
	event(scene, &incident, INCIDENT_ENDED, "recovered");
	pass(scene, &incident, 7 * HOUR);
	assert_string_equal(told(scene), "");
	assert_int_equal(scene_docs(scene, "ledger"), 0);
	incident_fini(&incident);
}

static void
at_night_who_knows_hears_the_end_and_nothing_else(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	day.repeat_interval_us = HOUR;
	scene_wait(scene, 14 * HOUR); /* 17:04 */
	scene_incident(&incident, "00000000000a");
	incident.detected_us = loop_wall(scene->loop);
	event(scene, &incident, INCIDENT_OPENED, "first");
	assert_string_equal(told(scene), "hook opened/first");
	pass(scene, &incident, HOUR);
	event(scene, &incident, INCIDENT_ESCALATED, "severity");
	event(scene, &incident, INCIDENT_ACKED, "ack");
	pass(scene, &incident, 3 * HOUR);
	assert_string_equal(told(scene), "");
	event(scene, &incident, INCIDENT_ENDED, "recovered");
	assert_string_equal(told(scene), "hook resolved/recovered");
	incident_fini(&incident);
}

static void
who_missed_a_change_is_reminded_in_the_morning(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	scene_wait(scene, 14 * HOUR);
	scene_incident(&incident, "00000000000a");
	event(scene, &incident, INCIDENT_OPENED, "first");
	pass(scene, &incident, HOUR);
	event(scene, &incident, INCIDENT_UPDATED, "facts");
	told(scene);
	pass(scene, &incident, 2 * 24 * HOUR); /* Sunday */
	assert_string_equal(told(scene), "");
	pass(scene, &incident, 24 * HOUR);
	assert_string_equal(told(scene), "hook reminder/repeat");
	incident_fini(&incident);
}

static void
a_kill_does_not_forget_what_is_owed(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	scene_incident(&incident, "00000000000a");
	event(scene, &incident, INCIDENT_OPENED, "first");
	scene_commit(scene);
	scene_kill(scene);
	scene_boot(scene);
	pass(scene, &incident, HOUR);
	assert_string_equal(told(scene), "");
	scene_kill(scene);
	scene_wait(scene, 6 * HOUR); /* the hours begin while nobody is here */
	scene_boot(scene);
	pass(scene, &incident, USEC_PER_MIN);
	assert_string_equal(told(scene), "hook opened/first");
	incident_fini(&incident);
}

static void
while_it_rests_it_still_ends_the_search(void **state)
{
	struct scene *scene = *state;
	struct route_spec rest = always;
	struct incident incident;

	rest.to = (struct conf_strings){ to_boss, 1 };
	scene->routes[1] = &rest;
	scene->route_count = 2;
	scene_apply(scene);
	scene_incident(&incident, "00000000000a");
	event(scene, &incident, INCIDENT_OPENED, "first");
	assert_string_equal(told(scene), "");
	event(scene, &incident, INCIDENT_ENDED, "recovered");
	/* Unless it says `continue`; then the other way to the same receiver is good, too. */
	day.does_continue = true;
	rest.to = (struct conf_strings){ to_hook, 1 };
	incident_fini(&incident);
	scene_incident(&incident, "00000000000b");
	event(scene, &incident, INCIDENT_OPENED, "first");
	assert_string_equal(told(scene), "hook opened/first");
	incident_fini(&incident);
}

static void
steps_count_from_the_beginning_of_the_hours(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	day.steps = steps;
	day.step_count = 1;
	scene_incident(&incident, "00000000000a");
	event(scene, &incident, INCIDENT_OPENED, "first");
	event(scene, &incident, INCIDENT_UPDATED, "facts");
	pass(scene, &incident, 6 * HOUR); /* 09:04 */
	assert_string_equal(told(scene), "hook opened/first");
	pass(scene, &incident, 9 * USEC_PER_MIN);
	assert_string_equal(told(scene), "");
	pass(scene, &incident, 3 * USEC_PER_MIN);
	assert_string_equal(told(scene), "boss opened/first");
	/* At night the one who was told by a step rests like the others. */
	pass(scene, &incident, 9 * HOUR);
	event(scene, &incident, INCIDENT_UPDATED, "facts");
	assert_string_equal(told(scene), "");
	event(scene, &incident, INCIDENT_ENDED, "recovered");
	assert_string_equal(told(scene), "hook resolved/recovered, boss resolved/recovered");
	incident_fini(&incident);
}

static enum send_result
not_now(struct scene *scene, const struct try_made *made)
{
	(void)scene;
	(void)made;
	return SEND_LATER;
}

/* What an event of the day has told is not owed any more, taken or not. */
static void
nothing_is_paid_back_twice(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	scene_wait(scene, 14 * HOUR); /* 17:04 */
	scene_incident(&incident, "00000000000a");
	event(scene, &incident, INCIDENT_OPENED, "first");
	pass(scene, &incident, HOUR);
	event(scene, &incident, INCIDENT_UPDATED, "facts");
	event(scene, &incident, INCIDENT_ENDED, "recovered");
	assert_string_equal(told(scene), "hook opened/first, hook resolved/recovered");
	scene_wait(scene, 63 * HOUR); /* Monday, 09:04 */
	scene->answer = not_now;
	incident.status = INCIDENT_OPEN;
	event(scene, &incident, INCIDENT_OPENED, "reopened");
	pass(scene, &incident, HOUR);
	assert_int_equal(scene_docs(scene, "outbox"), 1);
	/* Nor when the first event of the morning comes before the hours were looked at. */
	scene->answer = NULL;
	pass(scene, &incident, 9 * HOUR); /* 19:04 */
	event(scene, &incident, INCIDENT_UPDATED, "facts");
	scene_wait(scene, 14 * HOUR); /* Tuesday, 09:04 */
	scene->answer = not_now;
	told(scene);
	event(scene, &incident, INCIDENT_UPDATED, "new-impact");
	pass(scene, &incident, HOUR);
	assert_int_equal(scene_docs(scene, "outbox"), 1);
	assert_string_equal(scene_try(scene, 0)->reason, "new-impact");
	incident_fini(&incident);
}

static void
why_says_that_it_rests(void **state)
{
	struct scene *scene = *state;
	struct incident incident;
	char *text;
	json_t *why;

	scene_incident(&incident, "00000000000a");
	event(scene, &incident, INCIDENT_OPENED, "first");
	why = deliver_why(scene->deliver, &incident);
	text = json_dumps(why, 0);
	assert_non_null(strstr(text, "hook: outside the hours of its route; it is told when"));
	assert_non_null(strstr(text, "\"receiver\": \"hook\""));
	assert_non_null(strstr(text, "2026-01-02T09:00:00"));
	free(text);
	json_decref(why);
	why = deliver_routes(scene->deliver);
	assert_true(json_is_true(json_object_get(json_array_get(why, 0), "resting")));
	assert_non_null(
		strstr(json_string_value(json_object_get(json_array_get(why, 0), "begins_at")),
			"2026-01-02T09:00:00"));
	json_decref(why);
	incident_fini(&incident);
}

static void
the_end_of_the_hours_by_reload_tells_what_is_owed(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	scene_incident(&incident, "00000000000a");
	event(scene, &incident, INCIDENT_OPENED, "first");
	scene->routes[0] = &always;
	scene_apply(scene);
	pass(scene, &incident, USEC_PER_MIN);
	assert_string_equal(told(scene), "hook opened/first");
	incident_fini(&incident);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		cmocka_unit_test(they_hold_on_the_clocks_of_their_zone),
		cmocka_unit_test(the_next_beginning_is_the_nearest),
		cmocka_unit_test(mistakes_are_named),
		TEST(what_opens_at_night_is_told_in_the_morning),
		TEST(what_ends_at_night_is_never_told),
		TEST(at_night_who_knows_hears_the_end_and_nothing_else),
		TEST(who_missed_a_change_is_reminded_in_the_morning),
		TEST(a_kill_does_not_forget_what_is_owed),
		TEST(while_it_rests_it_still_ends_the_search),
		TEST(steps_count_from_the_beginning_of_the_hours),
		TEST(nothing_is_paid_back_twice),
		TEST(why_says_that_it_rests),
		TEST(the_end_of_the_hours_by_reload_tells_what_is_owed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

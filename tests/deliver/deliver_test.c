/* Who is told what: routes and the ledger, first words and last ones, reminders, reloads. */
#include "tests/deliver/scene.h"

static struct route_spec route;
static struct route_spec route_all;
static char *to_ops[] = { (char[]){ "ops" } };
static char *to_hook[] = { (char[]){ "hook" } };

static int
setup(void **state)
{
	struct scene *scene = scene_new();

	route = (struct route_spec){
		.to = { to_ops, 1 },
		.repeat_interval_us = USEC_PER_HOUR,
		.send_resolved = true,
		.match = { .min_severity = SEVERITY_CRITICAL },
		.does_continue = true,
	};
	route_all = (struct route_spec){
		.to = { to_hook, 1 },
		.repeat_interval_us = 4 * USEC_PER_HOUR,
		.send_resolved = true,
	};
	scene_add(scene, "hook");
	scene_add(scene, "ops");
	scene->routes[0] = &route;
	scene->routes[1] = &route_all;
	scene->route_count = 2;
	scene_boot(scene);
	*state = scene;
	return 0;
}

/* Refuses while scene->extra has the receiver's bit: 1 hook, 2 ops, 4 ops where something ended. */
static enum send_result
refuses_some(struct scene *scene, const struct try_made *made)
{
	int bit = str_eq(made->receiver, "hook") ? 1 : 2;

	if (bit == 2 && str_eq(made->type, "incident.resolved"))
		bit |= 4;
	return scene->extra & bit ? SEND_NEVER : SEND_OK;
}

/* "hook:opened/first ops:opened/first" in order of time; then forgets the tries. */
static const char *
told(struct scene *scene)
{
	static char text[1024];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < scene->try_count; i++) {
		const struct try_made *made = scene_try(scene, i);

		assert_true(len < sizeof(text) - 128);
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s:%s/%s",
			i == 0 ? "" : " ", made->receiver, made->type + strlen("incident."),
			made->reason);
	}
	scene->try_count = 0;
	return text;
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
the_first_word_is_always_opened(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	scene_incident(&incident, "00000000000a");
	incident.severity = SEVERITY_WARNING;
	event(scene, &incident, INCIDENT_OPENED, "first");
	assert_string_equal(told(scene), "hook:opened/first");
	event(scene, &incident, INCIDENT_UPDATED, "facts");
	assert_string_equal(told(scene), "hook:updated/facts");
	incident.severity = SEVERITY_CRITICAL;
	event(scene, &incident, INCIDENT_ESCALATED, "severity");
	assert_string_equal(told(scene), "hook:escalated/severity ops:opened/severity");
	incident.severity = SEVERITY_WARNING;
	event(scene, &incident, INCIDENT_DEESCALATED, "severity");
	assert_string_equal(told(scene), "hook:deescalated/severity ops:deescalated/severity");
	event(scene, &incident, INCIDENT_ENDED, "recovered");
	assert_string_equal(told(scene), "hook:resolved/recovered ops:resolved/recovered");
	assert_int_equal(scene_docs(scene, "outbox"), 0);
	incident_fini(&incident);
}

static void
who_was_never_told_hears_no_end(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	scene_incident(&incident, "00000000000a");
	incident.severity = SEVERITY_WARNING;
	event(scene, &incident, INCIDENT_OPENED, "first");
	told(scene);
	incident.severity = SEVERITY_CRITICAL;
	event(scene, &incident, INCIDENT_ENDED, "recovered");
	assert_string_equal(told(scene), "hook:resolved/recovered");
	event(scene, &incident, INCIDENT_ENDED, "recovered");
	assert_string_equal(told(scene), "");
	incident_fini(&incident);
}

static void
an_acknowledgement_begins_nothing(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	scene_incident(&incident, "00000000000a");
	event(scene, &incident, INCIDENT_ACKED, "ack");
	assert_string_equal(told(scene), "");
	incident_fini(&incident);
}

static void
a_reopened_incident_begins_anew(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	scene_incident(&incident, "00000000000a");
	scene->answer = scene_always_later;
	scene_event(scene, &incident, INCIDENT_OPENED, "first");
	scene_event(scene, &incident, INCIDENT_ENDED, "recovered");
	scene_event(scene, &incident, INCIDENT_OPENED, "reopened");
	scene->try_count = 0;
	scene->answer = NULL;
	scene->routes[0] = &route_all;
	scene->route_count = 1;
	scene_apply(scene);
	scene_wait(scene, USEC_PER_MIN);
	scene_event(scene, &incident, INCIDENT_ENDED, "recovered");
	incident_fini(&incident);
	for (size_t i = 0, at = 0; i < scene->try_count; i++) {
		static const char *const types[] = { "opened", "resolved", "opened", "resolved" };

		if (str_eq(scene_try(scene, i)->receiver, "hook"))
			assert_true(str_ends(scene_try(scene, i)->type, types[at++]));
	}
	assert_int_equal(scene->try_count, 8);
}

static void
the_end_follows_the_ledger_not_the_routes(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	scene_incident(&incident, "00000000000a");
	event(scene, &incident, INCIDENT_OPENED, "first");
	assert_string_equal(told(scene), "hook:opened/first ops:opened/first");
	scene->routes[0] = &route_all;
	scene->route_count = 1;
	scene_apply(scene);
	event(scene, &incident, INCIDENT_UPDATED, "facts");
	assert_string_equal(told(scene), "hook:updated/facts ops:updated/facts");
	event(scene, &incident, INCIDENT_ENDED, "recovered");
	assert_string_equal(told(scene), "hook:resolved/recovered ops:resolved/recovered");
	incident_fini(&incident);
}

static void
ends_are_left_out_where_nobody_wants_them(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	route.send_resolved = false;
	scene_incident(&incident, "00000000000a");
	event(scene, &incident, INCIDENT_OPENED, "first");
	told(scene);
	event(scene, &incident, INCIDENT_ENDED, "recovered");
	assert_string_equal(told(scene), "hook:resolved/recovered");
	assert_int_equal(scene_docs(scene, "outbox"), 0);
	incident_fini(&incident);
}

static void
reminders_have_their_own_clocks(void **state)
{
	struct scene *scene = *state;
	struct incident incident;
	const struct incident *open = &incident;
	int ops = 0, hook = 0;

	scene_incident(&incident, "00000000000a");
	event(scene, &incident, INCIDENT_OPENED, "first");
	told(scene);
	for (int minute = 0; minute < 481; minute++) {
		scene_wait(scene, USEC_PER_MIN);
		deliver_tick(scene->deliver, &open, 1);
		if (minute == 300) {
			scene_kill(scene);
			scene_boot(scene);
		}
	}
	scene_wait(scene, USEC_PER_MIN);
	for (size_t i = 0; i < scene->try_count; i++) {
		assert_string_equal(scene_try(scene, i)->type, "incident.reminder");
		assert_string_equal(scene_try(scene, i)->reason, "repeat");
		*(str_eq(scene_try(scene, i)->receiver, "ops") ? &ops : &hook) += 1;
	}
	assert_in_range(ops, 7, 8);
	assert_in_range(hook, 1, 2);
	scene->try_count = 0;
	incident.status = INCIDENT_ACKNOWLEDGED;
	scene_wait(scene, 9 * USEC_PER_HOUR);
	deliver_tick(scene->deliver, &open, 1);
	scene_wait(scene, USEC_PER_MIN);
	assert_int_equal(scene->try_count, 0);
	incident_fini(&incident);
}

static void
a_reload_tells_nobody(void **state)
{
	struct scene *scene = *state;
	struct incident incident;
	const struct incident *open = &incident;

	scene_incident(&incident, "00000000000a");
	event(scene, &incident, INCIDENT_OPENED, "first");
	told(scene);
	scene_add(scene, "new");
	scene->route_count = 0; /* everybody hears everything */
	scene_apply(scene);
	deliver_tick(scene->deliver, &open, 1);
	scene_wait(scene, USEC_PER_HOUR);
	deliver_tick(scene->deliver, &open, 1);
	scene_wait(scene, USEC_PER_MIN);
	assert_string_equal(told(scene), "");
	/* The clock of reminders brings the newcomer in. */
	scene_wait(scene, 4 * USEC_PER_HOUR);
	deliver_tick(scene->deliver, &open, 1);
	scene_wait(scene, USEC_PER_MIN);
	assert_string_equal(
		told(scene), "hook:reminder/repeat ops:reminder/repeat new:opened/repeat");
	incident_fini(&incident);
}

static void
an_end_outlives_its_details(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	scene_incident(&incident, "00000000000a");
	event(scene, &incident, INCIDENT_OPENED, "first");
	scene->answer = scene_always_later;
	event(scene, &incident, INCIDENT_UPDATED, "facts");
	event(scene, &incident, INCIDENT_ENDED, "recovered");
	for (int hour = 0; hour < 10 * 24; hour++) {
		scene_wait(scene, USEC_PER_HOUR);
		deliver_tick(scene->deliver, NULL, 0);
	}
	scene->try_count = 0;
	scene->answer = NULL;
	scene_wait(scene, USEC_PER_HOUR);
	assert_int_equal(scene->try_count, 2);
	assert_string_equal(scene_try(scene, 0)->type, "incident.resolved");
	assert_string_equal(scene_try(scene, 1)->type, "incident.resolved");
	assert_string_not_equal(scene_try(scene, 0)->receiver, scene_try(scene, 1)->receiver);
	assert_int_equal(scene_docs(scene, "outbox"), 0);
	incident_fini(&incident);
}

/* A token is revoked while something goes on, and mended by a reload after it was over. */
static void
a_refused_end_is_owed(void **state)
{
	struct scene *scene = *state;
	struct incident a, b;
	struct fake_conf mended = { (char[]){ "ops-mended" } };
	const char *said;

	scene_incident(&a, "00000000000a");
	scene_incident(&b, "00000000000b");
	event(scene, &a, INCIDENT_OPENED, "first");
	scene->answer = refuses_some;
	scene->extra = 2;
	event(scene, &a, INCIDENT_UPDATED, "facts");
	event(scene, &a, INCIDENT_ENDED, "recovered");
	assert_int_equal(scene->troubles, 1);
	told(scene);
	for (int hour = 0; hour < 20; hour++) {
		scene_wait(scene, USEC_PER_HOUR);
		deliver_tick(scene->deliver, NULL, 0);
	}
	assert_in_range(scene->try_count, 80, 160); /* every ten minutes */
	scene_forget_tries(scene);
	/* Nobody else waits for it, whether it is tried again at that moment or not. */
	scene->extra = 4;
	event(scene, &b, INCIDENT_OPENED, "first");
	said = told(scene);
	assert_true(str_starts(said, "hook:opened/first"));
	assert_non_null(strstr(said, "ops:opened/first"));
	scene->extra = 2;
	scene_wait(scene, USEC_PER_MIN);
	scene_commit(scene);
	scene_kill(scene);
	scene_boot(scene);
	scene_forget_tries(scene);
	scene->extra = 0;
	scene->specs[1].conf = &mended;
	scene_apply(scene);
	loop_advance(scene->loop, 0);
	assert_string_equal(told(scene), "ops-mended:resolved/recovered");
	scene->specs[1].conf = &scene->confs[1];
	scene_apply(scene);
	assert_int_equal(scene_docs(scene, "outbox"), 0);
	incident_fini(&a);
	incident_fini(&b);
}

static void
what_is_refused_for_a_day_is_given_up(void **state)
{
	struct scene *scene = *state;
	struct incident a;
	struct receiver_view view;

	scene_incident(&a, "00000000000a");
	event(scene, &a, INCIDENT_OPENED, "first");
	scene->answer = refuses_some;
	scene->extra = 2;
	event(scene, &a, INCIDENT_ENDED, "recovered");
	for (int hour = 0; hour < 25; hour++) {
		scene_wait(scene, USEC_PER_HOUR);
		deliver_tick(scene->deliver, NULL, 0);
	}
	assert_true(deliver_view(scene->deliver, 1, &view));
	assert_int_equal(view.queued, 0);
	assert_int_equal(view.given_up, 1);
	incident_fini(&a);
}

static void
what_waits_for_a_removed_receiver_is_kept(void **state)
{
	struct scene *scene = *state;
	struct incident a, b;

	scene_incident(&a, "00000000000a");
	scene_incident(&b, "00000000000b");
	event(scene, &a, INCIDENT_OPENED, "first");
	scene->answer = scene_always_later;
	event(scene, &b, INCIDENT_OPENED, "first");
	scene->receiver_count = 1; /* ops is gone */
	scene_apply(scene);
	scene->answer = NULL;
	scene_wait(scene, 15 * USEC_PER_SEC);
	told(scene);
	scene_commit(scene);
	scene_kill(scene);
	scene_boot(scene);
	event(scene, &a, INCIDENT_UPDATED, "facts");
	event(scene, &a, INCIDENT_ENDED, "recovered");
	assert_string_equal(told(scene), "hook:updated/facts hook:resolved/recovered");
	scene->receiver_count = 2;
	scene_apply(scene);
	scene_wait(scene, USEC_PER_MIN);
	assert_string_equal(told(scene), "ops:opened/first ops:resolved/recovered");
	event(scene, &b, INCIDENT_ENDED, "recovered");
	told(scene);
	assert_int_equal(scene_docs(scene, "outbox"), 0);
	incident_fini(&a);
	incident_fini(&b);
}

static void
trouble_is_told_to_the_others_only(void **state)
{
	struct scene *scene = *state;
	struct incident incident, self;

	scene->answer = refuses_some;
	scene->extra = 2;
	scene_incident(&incident, "00000000000a");
	scene_incident(&self, "00000000000b");
	xstrset(&self.cause_code, "self.delivery-failed");
	event(scene, &incident, INCIDENT_OPENED, "first");
	assert_int_equal(scene->troubles, 1);
	told(scene);
	/* Routed to both, but ops is the one that fails.  Syslog is not sent to from a test. */
	scene->route_count = 0;
	scene_apply(scene);
	scene_commit(scene);
	scene->commits_late = true;
	event(scene, &self, INCIDENT_OPENED, "first");
	assert_int_equal(scene->write_count, 2);
	assert_true(str_starts(scene->writes[0].key, "outbox\nhook\n"));
	assert_true(str_starts(scene->writes[1].key, "outbox\nsyslog\n"));
	incident_fini(&incident);
	incident_fini(&self);
}

/* Who is not in the settings any more fails nobody. */
static void
trouble_ends_when_its_receiver_goes(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	scene->answer = refuses_some;
	scene->extra = 2;
	scene_incident(&incident, "00000000000a");
	event(scene, &incident, INCIDENT_OPENED, "first");
	assert_int_equal(scene->troubles, 1);
	scene->recoveries = 0;
	scene->receiver_count = 1; /* ops goes */
	scene_apply(scene);
	assert_int_equal(scene->recoveries, 1);
	scene_apply(scene);
	assert_int_equal(scene->recoveries, 1);
	scene->receiver_count = 2;
	scene_apply(scene);
	assert_int_equal(scene->troubles, 1);
	incident_fini(&incident);
}

static void
trouble_ends_with_the_last_receiver_in_it(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	scene->answer = refuses_some;
	scene->extra = 3;
	scene_incident(&incident, "00000000000a");
	event(scene, &incident, INCIDENT_OPENED, "first");
	assert_int_equal(scene->troubles, 2);
	assert_non_null(strstr(scene->trouble, "answer 3; not reached either: "));
	scene->extra = 1;
	event(scene, &incident, INCIDENT_UPDATED, "facts");
	assert_int_equal(scene->recoveries, 0);
	assert_int_equal(scene->troubles, 3);
	assert_string_equal(scene->trouble, "hook: answer 3");
	scene->extra = 0;
	event(scene, &incident, INCIDENT_UPDATED, "facts");
	assert_int_equal(scene->recoveries, 1);
	incident_fini(&incident);
}

struct verdict {
	unsigned calls;
	bool is_ok;
	char text[128];
};

static void
on_verdict(void *arg, bool is_ok, const char *text, const char *transcript)
{
	(void)transcript;
	struct verdict *verdict = arg;

	verdict->calls++;
	verdict->is_ok = is_ok;
	str_copy(verdict->text, sizeof(verdict->text), text);
}

/* extra 3: both refuse; 1: hook does, ops takes; 0: both take. */
static void
a_restart_ends_no_trouble(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	scene->answer = refuses_some;
	scene->extra = 3;
	scene_incident(&incident, "00000000000a");
	event(scene, &incident, INCIDENT_OPENED, "first");
	scene_commit(scene);
	assert_int_equal(scene_docs(scene, "trouble"), 2);
	scene_kill(scene);
	scene_boot(scene);
	told(scene);
	/* One takes notices: the other is still in trouble, and that is said. */
	scene->extra = 1;
	event(scene, &incident, INCIDENT_UPDATED, "facts");
	assert_int_equal(scene->recoveries, 0);
	assert_string_equal(scene->trouble, "hook: answer 3");
	scene->extra = 0;
	event(scene, &incident, INCIDENT_UPDATED, "facts");
	assert_int_equal(scene->recoveries, 1);
	scene_commit(scene);
	assert_int_equal(scene_docs(scene, "trouble"), 0);
	incident_fini(&incident);
}

static void
a_test_that_is_taken_ends_the_trouble(void **state)
{
	struct scene *scene = *state;
	struct verdict verdict = { .calls = 0 };
	struct incident incident;

	scene->answer = refuses_some;
	scene->extra = 1;
	scene_incident(&incident, "00000000000a");
	event(scene, &incident, INCIDENT_OPENED, "first");
	assert_int_equal(scene->troubles, 1);
	scene->extra = 0;
	assert_int_equal(deliver_test(scene->deliver, "hook", on_verdict, &verdict), 0);
	loop_advance(scene->loop, 0);
	assert_true(verdict.is_ok);
	assert_int_equal(scene->recoveries, 1);
	incident_fini(&incident);
}

static void
what_no_route_takes_goes_to_syslog(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	scene->route_count = 1;
	scene_apply(scene);
	scene->commits_late = true;
	scene_incident(&incident, "00000000000a");
	incident.severity = SEVERITY_WARNING;
	assert_int_equal(deliver_receivers(scene->deliver), 2);
	event(scene, &incident, INCIDENT_OPENED, "first");
	assert_int_equal(scene->write_count, 1);
	assert_true(str_starts(scene->writes[0].key, "outbox\nsyslog\n"));
	assert_int_equal(deliver_receivers(scene->deliver), 3);
	incident_fini(&incident);
}

static void
without_receivers_syslog_hears_it(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	scene->receiver_count = scene->route_count = 0;
	scene_apply(scene);
	scene->commits_late = true;
	scene_incident(&incident, "00000000000a");
	event(scene, &incident, INCIDENT_OPENED, "first");
	event(scene, &incident, INCIDENT_ENDED, "recovered");
	assert_int_equal(scene->write_count, 2);
	assert_true(str_starts(scene->writes[1].key, "outbox\nsyslog\n"));
	incident_fini(&incident);
}

static void
a_test_goes_straight_to_its_receiver(void **state)
{
	struct scene *scene = *state;
	struct verdict verdict = { .calls = 0 };

	scene->answer = refuses_some;
	assert_int_equal(deliver_test(scene->deliver, "nobody", on_verdict, &verdict), -1);
	assert_int_equal(deliver_test(scene->deliver, "hook", on_verdict, &verdict), 0);
	assert_int_equal(verdict.calls, 0);
	assert_false(deliver_is_idle(scene->deliver));
	loop_advance(scene->loop, 0);
	assert_int_equal(verdict.calls, 1);
	assert_true(verdict.is_ok);
	assert_string_equal(scene_try(scene, 0)->type, "test");
	assert_string_equal(scene_try(scene, 0)->reason, "test");
	assert_true(deliver_is_idle(scene->deliver));
	scene->extra = 1;
	assert_int_equal(deliver_test(scene->deliver, "hook", on_verdict, &verdict), 0);
	loop_advance(scene->loop, 0);
	assert_int_equal(verdict.calls, 2);
	assert_false(verdict.is_ok);
	assert_string_equal(verdict.text, "answer 3 (an alert would be given up)");
	assert_int_equal(scene->troubles, 0);
	assert_int_equal(scene_docs(scene, ""), 0);
	/* A reload ends it with a word. */
	assert_int_equal(deliver_test(scene->deliver, "hook", on_verdict, &verdict), 0);
	scene_apply(scene);
	assert_int_equal(verdict.calls, 3);
	assert_false(verdict.is_ok);
	loop_advance(scene->loop, 0);
	assert_int_equal(verdict.calls, 3);
}

/* ops is told at once only of critical ones; of others when nobody cares for half an hour. */
static void
left_alone_it_goes_to_the_next(void **state)
{
	struct scene *scene = *state;
	struct incident incident;
	const struct incident *open[] = { &incident };
	struct escalation step = { 30 * USEC_PER_MIN, { to_ops, 1 } };

	route_all.steps = &step;
	route_all.step_count = 1;
	scene_incident(&incident, "00000000000a");
	incident.severity = SEVERITY_WARNING;
	incident.detected_us = loop_wall(scene->loop);
	event(scene, &incident, INCIDENT_OPENED, "first");
	scene_wait(scene, 29 * USEC_PER_MIN);
	deliver_tick(scene->deliver, open, 1);
	scene_wait(scene, 10 * USEC_PER_SEC);
	assert_string_equal(told(scene), "hook:opened/first");
	scene_wait(scene, USEC_PER_MIN);
	deliver_tick(scene->deliver, open, 1);
	deliver_tick(scene->deliver, open, 1);
	scene_wait(scene, 10 * USEC_PER_SEC);
	assert_string_equal(told(scene), "ops:opened/first");
	event(scene, &incident, INCIDENT_ENDED, "recovered");
	assert_string_equal(told(scene), "hook:resolved/recovered ops:resolved/recovered");
	incident_fini(&incident);
}

static void
who_is_at_it_keeps_it(void **state)
{
	struct scene *scene = *state;
	struct incident incident;
	const struct incident *open[] = { &incident };
	struct escalation step = { 30 * USEC_PER_MIN, { to_ops, 1 } };

	route_all.steps = &step;
	route_all.step_count = 1;
	scene_incident(&incident, "00000000000a");
	incident.severity = SEVERITY_WARNING;
	incident.detected_us = loop_wall(scene->loop);
	event(scene, &incident, INCIDENT_OPENED, "first");
	incident.status = INCIDENT_ACKNOWLEDGED;
	scene_wait(scene, USEC_PER_HOUR);
	deliver_tick(scene->deliver, open, 1);
	scene_wait(scene, 10 * USEC_PER_SEC);
	assert_string_equal(told(scene), "hook:opened/first");
	incident_fini(&incident);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, scene_teardown)
	const struct CMUnitTest tests[] = {
		T(the_first_word_is_always_opened),
		T(who_was_never_told_hears_no_end),
		T(an_acknowledgement_begins_nothing),
		T(a_reopened_incident_begins_anew),
		T(the_end_follows_the_ledger_not_the_routes),
		T(ends_are_left_out_where_nobody_wants_them),
		T(reminders_have_their_own_clocks),
		T(a_reload_tells_nobody),
		T(an_end_outlives_its_details),
		T(a_refused_end_is_owed),
		T(what_is_refused_for_a_day_is_given_up),
		T(what_waits_for_a_removed_receiver_is_kept),
		T(trouble_is_told_to_the_others_only),
		T(trouble_ends_when_its_receiver_goes),
		T(trouble_ends_with_the_last_receiver_in_it),
		T(a_restart_ends_no_trouble),
		T(a_test_that_is_taken_ends_the_trouble),
		T(what_no_route_takes_goes_to_syslog),
		T(without_receivers_syslog_hears_it),
		T(a_test_goes_straight_to_its_receiver),
		T(left_alone_it_goes_to_the_next),
		T(who_is_at_it_keeps_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* One receiver at work: when it tries, in which order, how many at once, and when it gives up. */
#include "tests/deliver/scene.h"

#include "deliver/outbox.h"

/* The first of what is in flight together is asked to wait, and the others fare as `extra` says. */
static enum send_result
asks_the_first_to_wait(struct scene *scene, const struct try_made *made)
{
	if (str_eq(made->incident, "000000000001"))
		return SEND_LATER;
	return (enum send_result)scene->extra;
}

static enum send_result
ends_the_first(struct scene *scene, const struct try_made *made)
{
	(void)scene;
	return str_eq(made->incident, "000000000001") ? SEND_DISABLE : SEND_OK;
}

/* Incident 00...a is refused for now, all others are taken. */
static enum send_result
later_for_a(struct scene *scene, const struct try_made *made)
{
	(void)scene;
	return str_eq(made->incident, "00000000000a") ? SEND_LATER : SEND_OK;
}

static void
open_one(struct scene *scene, const char *id, enum severity severity)
{
	struct incident incident;

	scene_incident(&incident, id);
	incident.severity = severity;
	scene_event(scene, &incident, INCIDENT_OPENED, "first");
	incident_fini(&incident);
}

static struct receiver_view
view(const struct scene *scene)
{
	struct receiver_view out;

	assert_true(deliver_view(scene->deliver, 0, &out));
	return out;
}

static void
a_quiet_receiver_is_told_at_once(void **state)
{
	struct scene *scene = *state;

	assert_string_equal(view(scene).state, "idle");
	open_one(scene, "00000000000a", SEVERITY_CRITICAL);
	assert_int_equal(scene->try_count, 1);
	assert_string_equal(scene_try(scene, 0)->type, "incident.opened");
	assert_string_equal(scene_try(scene, 0)->reason, "first");
	assert_string_equal(view(scene).state, "ok");
	assert_int_equal(view(scene).sent, 1);
	assert_int_equal(view(scene).queued, 0);
	assert_int_equal(scene_docs(scene, "outbox"), 0);
	assert_int_equal(scene_docs(scene, "ledger"), 1);
}

static void
what_follows_within_a_minute_is_gathered(void **state)
{
	struct scene *scene = *state;
	usec_t began = loop_now(scene->loop);

	open_one(scene, "00000000000a", SEVERITY_CRITICAL);
	open_one(scene, "00000000000b", SEVERITY_CRITICAL);
	scene_wait(scene, 4 * USEC_PER_SEC);
	assert_int_equal(scene->try_count, 1);
	scene_wait(scene, 2 * USEC_PER_SEC);
	assert_int_equal(scene->try_count, 2);
	assert_int_equal(scene_try(scene, 1)->at_us - began, 5 * USEC_PER_SEC);
	scene_wait(scene, 61 * USEC_PER_SEC);
	open_one(scene, "00000000000c", SEVERITY_CRITICAL);
	assert_int_equal(scene->try_count, 3);
}

static void
waits_grow_and_the_id_stays(void **state)
{
	static const int seconds[] = { 2, 10, 30, 60, 120, 300, 600, 600 };
	struct scene *scene = *state;
	usec_t waited;

	scene->answer = scene_always_later;
	open_one(scene, "00000000000a", SEVERITY_CRITICAL);
	scene_wait(scene, USEC_PER_HOUR);
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		waited = scene_try(scene, i + 1)->at_us - scene_try(scene, i)->at_us;
		assert_in_range(waited, seconds[i] * 4 * USEC_PER_SEC / 5,
			seconds[i] * 6 * USEC_PER_SEC / 5);
		assert_string_equal(scene_try(scene, i + 1)->id, scene_try(scene, 0)->id);
	}
	assert_string_equal(view(scene).state, "retrying");
	assert_int_equal(view(scene).queued, 1);
	assert_true(view(scene).next_try_us > loop_wall(scene->loop));
	assert_string_equal(view(scene).last_error, "answer 2");
	assert_int_equal(scene->troubles, 0);
}

static void
after_a_day_it_is_given_up(void **state)
{
	struct scene *scene = *state;

	scene->answer = scene_always_later;
	open_one(scene, "00000000000a", SEVERITY_CRITICAL);
	scene_wait(scene, 23 * USEC_PER_HOUR);
	deliver_tick(scene->deliver, NULL, 0);
	assert_int_equal(view(scene).queued, 1);
	assert_true(scene->try_count < 200);
	scene_wait(scene, USEC_PER_HOUR);
	deliver_tick(scene->deliver, NULL, 0);
	assert_int_equal(view(scene).queued, 0);
	assert_int_equal(scene_docs(scene, "outbox"), 0);
	assert_int_equal(scene->troubles, 1);
	assert_string_equal(scene->trouble, "hook: not taken for 24 hours");
	assert_string_equal(view(scene).state, "failing");
	scene->answer = NULL;
	open_one(scene, "00000000000b", SEVERITY_CRITICAL);
	scene_wait(scene, 20 * USEC_PER_MIN);
	assert_int_equal(scene->recoveries, 1);
	assert_string_equal(view(scene).state, "ok");
}

/* Setting the clock is not ageing. */
static void
a_stepped_wall_clock_expires_nothing(void **state)
{
	struct scene *scene = *state;

	scene->answer = scene_always_later;
	open_one(scene, "00000000000a", SEVERITY_CRITICAL);
	clock_step_wall(&scene->clock, 3 * USEC_PER_DAY);
	deliver_tick(scene->deliver, NULL, 0);
	assert_int_equal(view(scene).queued, 1);
	clock_step_wall(&scene->clock, -30 * USEC_PER_DAY);
	scene->answer = NULL;
	scene_wait(scene, 3 * USEC_PER_SEC);
	assert_int_equal(view(scene).queued, 0);
	assert_int_equal(view(scene).sent, 1);
}

static void
a_clock_that_goes_back_keeps_the_order(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	scene->answer = scene_always_later;
	scene_incident(&incident, "00000000000a");
	scene_event(scene, &incident, INCIDENT_OPENED, "first");
	clock_step_wall(&scene->clock, -USEC_PER_HOUR);
	incident.sequence--; /* a reminder has the sequence of the event before it */
	scene_event(scene, &incident, INCIDENT_REMINDER, "repeat");
	scene_commit(scene);
	scene_kill(scene);
	scene->try_count = 0;
	scene->answer = NULL;
	scene_boot(scene);
	scene_wait(scene, USEC_PER_HOUR);
	assert_int_equal(scene->try_count, 2);
	assert_string_equal(scene_try(scene, 0)->type, "incident.opened");
	assert_string_equal(scene_try(scene, 1)->type, "incident.reminder");
	incident_fini(&incident);
}

static void
retry_after_is_obeyed(void **state)
{
	struct scene *scene = *state;

	scene->answer = scene_always_later;
	scene->asked_us = 100 * USEC_PER_SEC;
	open_one(scene, "00000000000a", SEVERITY_CRITICAL);
	open_one(scene, "00000000000b", SEVERITY_CRITICAL);
	scene_wait(scene, 99 * USEC_PER_SEC);
	assert_int_equal(scene->try_count, 1);
	scene_wait(scene, 21 * USEC_PER_SEC);
	assert_int_equal(scene->try_count, 2);
	scene->asked_us = 300 * USEC_PER_DAY;
	scene_wait(scene, 120 * USEC_PER_SEC);
	assert_int_equal(scene->try_count, 3);
	scene_wait(scene, 59 * USEC_PER_MIN);
	assert_int_equal(scene->try_count, 3);
	scene_wait(scene, 2 * USEC_PER_MIN);
	assert_int_equal(scene->try_count, 4);
}

/* The cap holds for the notice, too: it would grow too old meanwhile. */
static void
a_long_wait_loses_nothing(void **state)
{
	struct scene *scene = *state;

	scene->answer = scene_always_later;
	scene->asked_us = 300 * USEC_PER_DAY;
	open_one(scene, "00000000000a", SEVERITY_CRITICAL);
	scene_wait(scene, 6 * USEC_PER_SEC);
	assert_int_equal(scene->try_count, 1);
	scene->answer = NULL;
	scene_wait(scene, USEC_PER_HOUR + USEC_PER_MIN);
	assert_int_equal(scene->try_count, 2);
	assert_int_equal(view(scene).sent, 1);
	assert_int_equal(view(scene).queued, 0);
}

static void
others_pass_the_one_that_is_refused(void **state)
{
	struct scene *scene = *state;

	/* However urgent the one, and however often it fails. */
	scene->answer = later_for_a;
	open_one(scene, "00000000000a", SEVERITY_CRITICAL);
	open_one(scene, "00000000000b", SEVERITY_INFO);
	scene_wait(scene, 15 * USEC_PER_SEC);
	assert_int_equal(view(scene).sent, 1);
	assert_int_equal(view(scene).queued, 1);
	open_one(scene, "00000000000c", SEVERITY_INFO);
	scene_wait(scene, 2 * USEC_PER_MIN);
	assert_int_equal(view(scene).sent, 2);
	scene->answer = NULL;
	scene_wait(scene, 10 * USEC_PER_MIN);
	assert_int_equal(view(scene).queued, 0);
}

static void
one_incident_keeps_its_order(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	scene->answer = scene_always_later;
	scene_incident(&incident, "00000000000a");
	scene_event(scene, &incident, INCIDENT_OPENED, "first");
	scene_event(scene, &incident, INCIDENT_ESCALATED, "severity");
	scene_event(scene, &incident, INCIDENT_ENDED, "recovered");
	incident_fini(&incident);
	scene_wait(scene, USEC_PER_MIN);
	for (size_t i = 0; i < scene->try_count; i++)
		assert_int_equal(scene_try(scene, i)->sequence, 1);
	scene->try_count = 0;
	scene->answer = NULL;
	scene_wait(scene, 2 * USEC_PER_MIN);
	assert_int_equal(scene->try_count, 3);
	assert_string_equal(scene_try(scene, 0)->type, "incident.opened");
	assert_string_equal(scene_try(scene, 1)->type, "incident.escalated");
	assert_string_equal(scene_try(scene, 2)->type, "incident.resolved");
	assert_string_equal(scene_try(scene, 2)->reason, "recovered");
	assert_int_equal(scene_docs(scene, "outbox"), 0);
}

/* Of the first try of an incident. */
static size_t
place_of(const struct scene *scene, const char *incident)
{
	for (size_t i = 0; i < scene->try_count; i++) {
		if (str_eq(scene_try(scene, i)->incident, incident))
			return i;
	}
	fail_msg("%s was not tried", incident);
	return 0;
}

static void
the_worst_goes_first(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	scene->answer = scene_always_later;
	open_one(scene, "00000000000a", SEVERITY_INFO);
	open_one(scene, "00000000000b", SEVERITY_WARNING);
	open_one(scene, "00000000000c", SEVERITY_CRITICAL);
	open_one(scene, "00000000000d", SEVERITY_CRITICAL);
	scene_incident(&incident, "00000000000e");
	incident.severity = SEVERITY_INFO;
	scene_event(scene, &incident, INCIDENT_OPENED, "first");
	incident.severity = SEVERITY_CRITICAL;
	scene_event(scene, &incident, INCIDENT_ESCALATED, "severity");
	incident_fini(&incident);
	scene_wait(scene, USEC_PER_MIN);
	scene->try_count = 0;
	scene->answer = NULL;
	scene_wait(scene, 11 * USEC_PER_MIN);
	assert_int_equal(scene->try_count, 6);
	/* Any of the critical ones finds out that the receiver is back; then all follow. */
	for (size_t i = 0; i < 3; i++)
		assert_true(scene_try(scene, i)->incident[11] >= 'c');
	assert_true(place_of(scene, "00000000000c") < place_of(scene, "00000000000b"));
	assert_true(place_of(scene, "00000000000d") < place_of(scene, "00000000000b"));
	assert_true(place_of(scene, "00000000000e") < place_of(scene, "00000000000b"));
	assert_true(place_of(scene, "00000000000b") < place_of(scene, "00000000000a"));
}

static void
four_at_once_one_of_each_incident(void **state)
{
	struct scene *scene = *state;
	char id[INCIDENT_ID_LEN + 1];

	scene->answer = scene_never_answers;
	for (int i = 0; i < 9; i++) {
		struct incident incident;

		snprintf(id, sizeof(id), "%012d", i);
		scene_incident(&incident, id);
		scene_event(scene, &incident, INCIDENT_OPENED, "first");
		scene_event(scene, &incident, INCIDENT_UPDATED, "facts");
		incident_fini(&incident);
	}
	assert_int_equal(scene->flights, 1);
	scene_wait(scene, 6 * USEC_PER_SEC);
	assert_int_equal(scene->flights, 4);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(scene_try(scene, i)->type, "incident.opened");
	/* All four meet the deadline; then one letter at a time tries the ground. */
	scene_wait(scene, 10 * USEC_PER_SEC);
	scene->flights_most = 0;
	scene_wait(scene, USEC_PER_HOUR);
	assert_int_equal(scene->flights_most, 1);
	scene->answer = NULL;
	scene_wait(scene, 20 * USEC_PER_MIN);
	assert_int_equal(view(scene).queued, 0);
}

static void
a_dead_receiver_costs_one_try_at_a_time(void **state)
{
	struct scene *scene = *state;
	char id[INCIDENT_ID_LEN + 1];

	scene->answer = scene_always_later;
	for (int i = 0; i < 300; i++) {
		snprintf(id, sizeof(id), "%012d", i);
		open_one(scene, id, SEVERITY_WARNING);
	}
	scene_wait(scene, 10 * USEC_PER_HOUR);
	assert_true(scene->try_count < 100);
	assert_int_equal(view(scene).queued, 300);
	assert_int_equal(stats_get(&scene->stats, STAT_OUTBOX_DEPTH), 300);
	scene->answer = NULL;
	scene_wait(scene, 13 * USEC_PER_MIN);
	assert_int_equal(view(scene).queued, 0);
	assert_int_equal(stats_get(&scene->stats, STAT_OUTBOX_DEPTH), 0);
	assert_int_equal(stats_get(&scene->stats, STAT_SENT), 300);
}

/* While nothing can be written, the queue has an end: details go first, beginnings and ends stay.
 */
static void
a_full_queue_gives_up_details(void **state)
{
	struct scene *scene = *state;
	char id[INCIDENT_ID_LEN + 1];
	struct incident incident;

	scene->answer = scene_always_later;
	scene->store_fails = true;
	scene_incident(&incident, "aaaaaaaaaaaa");
	scene_event(scene, &incident, INCIDENT_OPENED, "first");
	scene_event(scene, &incident, INCIDENT_UPDATED, "facts");
	scene_event(scene, &incident, INCIDENT_ENDED, "recovered");
	for (int i = 0; i < OUTBOX_UNSAVED - 2; i++) {
		snprintf(id, sizeof(id), "%012d", i);
		open_one(scene, id, SEVERITY_INFO);
	}
	assert_in_range(view(scene).queued, OUTBOX_UNSAVED - 40, OUTBOX_UNSAVED);
	assert_int_equal(view(scene).on_disk, 0);
	assert_int_equal(scene->troubles, 1);
	assert_non_null(strstr(scene->trouble, "too many"));
	scene->try_count = 0;
	scene->answer = NULL;
	scene_wait(scene, 20 * USEC_PER_MIN);
	assert_int_equal(view(scene).queued, 0);
	for (size_t i = 0; i < scene->try_count; i++)
		assert_string_not_equal(scene_try(scene, i)->type, "incident.updated");
	incident_fini(&incident);
}

static void
a_refused_notice_is_given_up_and_said(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	scene->answer = scene_refuses;
	scene_incident(&incident, "00000000000a");
	scene_event(scene, &incident, INCIDENT_OPENED, "first");
	assert_int_equal(scene->try_count, 1);
	assert_int_equal(scene->troubles, 1);
	assert_string_equal(scene->trouble, "hook: answer 3");
	assert_int_equal(scene_docs(scene, "outbox"), 0);
	/* It was never told: the next word is the first one. */
	scene->answer = NULL;
	scene_event(scene, &incident, INCIDENT_ESCALATED, "severity");
	scene_wait(scene, 6 * USEC_PER_SEC);
	assert_int_equal(scene->try_count, 2);
	assert_string_equal(scene_try(scene, 1)->type, "incident.opened");
	assert_string_equal(scene_try(scene, 1)->reason, "severity");
	assert_int_equal(scene->recoveries, 1);
	incident_fini(&incident);
}

static void
what_waits_behind_a_refused_beginning_still_makes_sense(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	scene->answer = scene_always_later;
	scene_incident(&incident, "00000000000a");
	scene_event(scene, &incident, INCIDENT_OPENED, "first");
	scene_event(scene, &incident, INCIDENT_UPDATED, "facts");
	scene->answer = scene_refuses;
	scene_wait(scene, 3 * USEC_PER_SEC);
	assert_int_equal(scene->try_count, 3);
	assert_string_equal(scene_try(scene, 2)->type, "incident.opened");
	assert_string_equal(scene_try(scene, 2)->reason, "facts");
	assert_int_equal(scene_try(scene, 2)->sequence, 2);
	/* Neither was taken: its end means nothing there. */
	scene_event(scene, &incident, INCIDENT_ENDED, "recovered");
	scene_wait(scene, USEC_PER_MIN);
	assert_int_equal(scene->try_count, 3);
	assert_int_equal(scene_docs(scene, "outbox"), 0);
	assert_int_equal(scene_docs(scene, "ledger"), 0);
	assert_int_equal(scene_docs(scene, "trouble"), 1);
	incident_fini(&incident);
}

static void
gone_stops_until_the_settings_change(void **state)
{
	struct scene *scene = *state;

	scene->answer = scene_is_gone;
	open_one(scene, "00000000000a", SEVERITY_CRITICAL);
	assert_string_equal(view(scene).state, "disabled");
	assert_int_equal(scene->troubles, 1);
	scene->answer = NULL;
	open_one(scene, "00000000000b", SEVERITY_CRITICAL);
	scene_wait(scene, USEC_PER_HOUR);
	scene_apply(scene);
	scene_wait(scene, USEC_PER_HOUR);
	assert_int_equal(scene->try_count, 1);
	/* Another place under the same name. */
	struct fake_conf old = scene->confs[0];
	scene->confs[1].tag = xstrdup("hook-2");
	scene->specs[0].conf = &scene->confs[1];
	scene_apply(scene);
	loop_advance(scene->loop, 0);
	scene->specs[0].name = old.tag;
	assert_int_equal(scene->try_count, 3);
	assert_string_equal(scene_try(scene, 1)->id, scene_try(scene, 0)->id);
	assert_int_equal(scene->recoveries, 1);
}

static void
one_dead_receiver_delays_nobody(void **state)
{
	struct scene *scene = *state;

	scene_add(scene, "ops");
	scene_apply(scene);
	scene->answer = scene_never_answers;
	open_one(scene, "00000000000a", SEVERITY_CRITICAL);
	assert_int_equal(scene->try_count, 2);
	scene_wait(scene, 10 * USEC_PER_SEC);
	scene->answer = later_for_a;
	open_one(scene, "00000000000b", SEVERITY_CRITICAL);
	scene_wait(scene, USEC_PER_MIN);
	assert_int_equal(view(scene).sent, 1);
}

static void
a_reload_sends_again_what_was_on_its_way(void **state)
{
	struct scene *scene = *state;

	scene->answer = scene_never_answers;
	open_one(scene, "00000000000a", SEVERITY_CRITICAL);
	assert_false(deliver_is_idle(scene->deliver));
	scene->answer = NULL;
	scene_apply(scene);
	loop_advance(scene->loop, 0);
	assert_int_equal(scene->try_count, 2);
	assert_string_equal(scene_try(scene, 1)->id, scene_try(scene, 0)->id);
	assert_true(deliver_is_idle(scene->deliver));
	assert_int_equal(view(scene).queued, 0);
}

static void
draining_starts_nothing(void **state)
{
	struct scene *scene = *state;

	scene->answer = scene_never_answers;
	open_one(scene, "00000000000a", SEVERITY_CRITICAL);
	deliver_drain(scene->deliver);
	assert_false(deliver_is_idle(scene->deliver));
	scene_wait(scene, 10 * USEC_PER_SEC);
	assert_true(deliver_is_idle(scene->deliver));
	scene_wait(scene, USEC_PER_HOUR);
	assert_int_equal(scene->try_count, 1);
	assert_int_equal(scene_docs(scene, "outbox"), 1);
}

/* Four incidents are told at once, after one that was told before. */
static void
open_five(struct scene *scene)
{
	char id[INCIDENT_ID_LEN + 1];

	for (int i = 0; i < 5; i++) {
		snprintf(id, sizeof(id), "%012d", i);
		open_one(scene, id, SEVERITY_WARNING);
	}
	scene_wait(scene, 6 * USEC_PER_SEC);
}

static void
retry_after_holds_whatever_the_others_are_told(struct scene *scene, enum send_result others)
{
	scene->asked_us = 10 * USEC_PER_MIN;
	scene->extra = SEND_OK;
	open_one(scene, "00000000000a", SEVERITY_WARNING);
	scene->extra = (int)others;
	scene->answer = asks_the_first_to_wait;
	open_five(scene);
	scene->answer = NULL;
	scene->try_count = 0;
	open_one(scene, "00000000000b", SEVERITY_WARNING);
	scene_wait(scene, 9 * USEC_PER_MIN);
	assert_int_equal(scene->try_count, 0);
	assert_string_equal(view(scene).waits_for, "asked to wait");
	scene_wait(scene, 5 * USEC_PER_MIN);
	assert_int_equal(view(scene).queued, 0);
}

static void
retry_after_holds_though_others_are_taken(void **state)
{
	retry_after_holds_whatever_the_others_are_told(*state, SEND_OK);
}

static void
retry_after_holds_though_others_are_refused(void **state)
{
	retry_after_holds_whatever_the_others_are_told(*state, SEND_NEVER);
}

/* A week is more than anybody may ask for: also the letter itself is tried within the hour. */
static void
an_endless_retry_after_ends(void **state)
{
	struct scene *scene = *state;

	scene->asked_us = 7 * USEC_PER_DAY;
	scene->answer = scene_always_later;
	open_one(scene, "00000000000a", SEVERITY_WARNING);
	scene->answer = NULL;
	scene_wait(scene, 70 * USEC_PER_MIN);
	assert_int_equal(view(scene).sent, 1);
}

static void
gone_stays_in_trouble_whatever_was_on_its_way(void **state)
{
	struct scene *scene = *state;

	open_one(scene, "00000000000a", SEVERITY_WARNING);
	scene->recoveries = 0;
	scene->answer = ends_the_first;
	open_five(scene);
	assert_string_equal(view(scene).state, "disabled");
	assert_int_equal(scene->troubles, 1);
	assert_int_equal(scene->recoveries, 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)
	const struct CMUnitTest tests[] = {
		T(a_quiet_receiver_is_told_at_once),
		T(what_follows_within_a_minute_is_gathered),
		T(waits_grow_and_the_id_stays),
		T(after_a_day_it_is_given_up),
		T(a_stepped_wall_clock_expires_nothing),
		T(a_clock_that_goes_back_keeps_the_order),
		T(retry_after_is_obeyed),
		T(a_long_wait_loses_nothing),
		T(others_pass_the_one_that_is_refused),
		T(one_incident_keeps_its_order),
		T(the_worst_goes_first),
		T(four_at_once_one_of_each_incident),
		T(a_dead_receiver_costs_one_try_at_a_time),
		T(a_full_queue_gives_up_details),
		T(a_refused_notice_is_given_up_and_said),
		T(what_waits_behind_a_refused_beginning_still_makes_sense),
		T(gone_stops_until_the_settings_change),
		T(one_dead_receiver_delays_nobody),
		T(a_reload_sends_again_what_was_on_its_way),
		T(draining_starts_nothing),
		T(retry_after_holds_though_others_are_taken),
		T(retry_after_holds_though_others_are_refused),
		T(an_endless_retry_after_ends),
		T(gone_stays_in_trouble_whatever_was_on_its_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

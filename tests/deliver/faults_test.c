/*
 * The world's own faults, in virtual time: the network is gone for an hour, the wall clock is set,
 * one receiver never answers.  Everybody is told all of it, in order, each event under one id.
 */
#include "tests/deliver/scene.h"

#define INCIDENTS 20

static int
setup(void **state)
{
	struct scene *scene = scene_new();

	scene_add(scene, "one");
	scene_add(scene, "two");
	scene_boot(scene);
	*state = scene;
	return 0;
}

/* ---- what happens ---- */

static void
tell(struct scene *scene, unsigned n, enum incident_event_type type, unsigned sequence)
{
	struct incident incident;
	char id[INCIDENT_ID_LEN + 1];

	snprintf(id, sizeof(id), "%012u", n);
	scene_incident(&incident, id);
	incident.sequence = sequence - 1; /* scene_event counts */
	if (type == INCIDENT_ENDED)
		incident.status = INCIDENT_RESOLVED;
	scene_event(scene, &incident, type, type == INCIDENT_ENDED ? "recovered" : "first");
	incident_fini(&incident);
}

/* One opens each minute, and each is over half a minute later. */
static void
live_through(struct scene *scene)
{
	for (unsigned n = 0; n < INCIDENTS; n++) {
		tell(scene, n, INCIDENT_OPENED, 1);
		loop_advance(scene->loop, 30 * USEC_PER_SEC);
		tell(scene, n, INCIDENT_ENDED, 2);
		loop_advance(scene->loop, 30 * USEC_PER_SEC);
	}
}

static enum send_result
no_network(struct scene *scene, const struct try_made *made)
{
	(void)made;
	return scene->extra ? SEND_LATER : SEND_OK;
}

static enum send_result
one_hangs(struct scene *scene, const struct try_made *made)
{
	(void)scene;
	return str_eq(made->receiver, "one") ? SEND_NONE : SEND_OK;
}

/* ---- what is true afterwards ---- */

static unsigned
count_tries(const struct scene *scene, const char *receiver)
{
	unsigned count = 0;

	for (size_t i = 0; i < scene->try_count; i++)
		count += str_eq(scene->tries[i].receiver, receiver);
	return count;
}

/* Each incident is told as opened, then as over, once; all its tries had one id an event. */
static void
assert_told_all(const struct scene *scene, const char *receiver)
{
	unsigned told[INCIDENTS] = { 0 };
	char ids[INCIDENTS][2][NOTICE_ID_LEN + 1] = { 0 };

	for (size_t i = 0; i < scene->try_count; i++) {
		const struct try_made *made = &scene->tries[i];
		unsigned n = (unsigned)strtoul(made->incident, NULL, 10);
		char *id = n < INCIDENTS ? ids[n][made->is_resolved] : NULL;

		if (!str_eq(made->receiver, receiver))
			continue;
		assert_non_null(id);
		if (id[0] == '\0')
			str_copy(id, NOTICE_ID_LEN + 1, made->id);
		assert_string_equal(id, made->id);
		if (!made->is_taken)
			continue;
		assert_int_equal(told[n], made->is_resolved);
		told[n]++;
	}
	for (unsigned n = 0; n < INCIDENTS; n++)
		assert_int_equal(told[n], 2);
}

static void
the_network_is_gone_for_an_hour(void **state)
{
	struct scene *scene = *state;

	scene->answer = no_network;
	scene->extra = 1;
	live_through(scene);
	loop_advance(scene->loop, 40 * USEC_PER_MIN);
	assert_in_range(count_tries(scene, "one"), 5, 40); /* it is not hammered */
	scene->extra = 0;
	loop_advance(scene->loop, 15 * USEC_PER_MIN);
	assert_told_all(scene, "one");
	assert_told_all(scene, "two");
	assert_int_equal(scene->troubles, 0);
}

static void
killed_while_the_network_is_gone(void **state)
{
	struct scene *scene = *state;

	scene->answer = no_network;
	scene->extra = 1;
	live_through(scene);
	scene_kill(scene);
	scene_boot(scene);
	loop_advance(scene->loop, 20 * USEC_PER_MIN);
	scene_kill(scene);
	scene->extra = 0;
	scene_boot(scene);
	loop_advance(scene->loop, 15 * USEC_PER_MIN);
	assert_told_all(scene, "one");
	assert_told_all(scene, "two");
}

/* Two days ahead nothing is too old, two days back nothing waits for two days. */
static void
the_wall_clock_is_set(void **state)
{
	static const usec_t steps[] = { 2 * USEC_PER_DAY, -4 * USEC_PER_DAY };
	struct scene *scene = *state;

	scene->answer = no_network;
	scene->extra = 1;
	live_through(scene);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		clock_step_wall(&scene->clock, steps[i]);
		deliver_tick(scene->deliver, NULL, 0);
		loop_advance(scene->loop, 10 * USEC_PER_MIN);
	}
	scene->extra = 0;
	loop_advance(scene->loop, 15 * USEC_PER_MIN);
	assert_told_all(scene, "one");
	assert_int_equal(scene->troubles, 0);
}

static void
who_never_answers_delays_nobody(void **state)
{
	struct scene *scene = *state;
	usec_t now;

	scene->answer = one_hangs;
	tell(scene, 0, INCIDENT_OPENED, 1);
	loop_advance(scene->loop, USEC_PER_SEC);
	for (unsigned n = 1; n < INCIDENTS; n++) {
		loop_advance(scene->loop, 2 * USEC_PER_MIN); /* a quiet one is told at once */
		now = loop_now(scene->loop);
		tell(scene, n, INCIDENT_OPENED, 1);
		loop_advance(scene->loop, 1);
		for (size_t i = 0; i < scene->try_count; i++) {
			if (strtoul(scene->tries[i].incident, NULL, 10) == n &&
				str_eq(scene->tries[i].receiver, "two"))
				assert_in_range(scene->tries[i].at_us - now, 0, 1);
		}
	}
	assert_int_equal(count_tries(scene, "two"), INCIDENTS);
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, scene_teardown)
	const struct CMUnitTest tests[] = {
		T(the_network_is_gone_for_an_hour),
		T(killed_while_the_network_is_gone),
		T(the_wall_clock_is_set),
		T(who_never_answers_delays_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

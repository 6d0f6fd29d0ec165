/* Receivers that forget are told again; what a receiver remembers of an incident stays with it. */
#include "tests/deliver/scene.h"

#define MANY 1200

/* What the rounds were told of, by the look of each run. */
static struct {
	size_t runs, most, notices;
	char first[32], first_type[32];
	char memory[64]; /* of the last try; "": nothing */
} seen;

static void
look(struct scene *scene, struct send_run *run)
{
	size_t count;
	const struct notice *const *notices = send_notices(run, &count);
	const json_t *memory = send_memory(run);
	const char *text = json_string_value(json_object_get(memory, "message"));

	(void)scene;
	seen.runs++;
	seen.notices += count;
	if (count > seen.most)
		seen.most = count;
	str_copy(seen.first, sizeof(seen.first), notices[0]->incident.id);
	str_copy(seen.first_type, sizeof(seen.first_type), notices[0]->type);
	str_copy(seen.memory, sizeof(seen.memory), text == NULL ? "" : text);
}

static void
forget_seen(struct scene *scene)
{
	memset(&seen, 0, sizeof(seen));
	scene_forget_tries(scene);
}

static int
setup(void **state)
{
	struct scene *scene = scene_new();

	memset(&seen, 0, sizeof(seen));
	scene->look = look;
	scene_add_type(scene, "am", &fake_forgetful);
	scene_boot(scene);
	*state = scene;
	return 0;
}

static struct receiver_view
view(const struct scene *scene)
{
	struct receiver_view out;

	assert_true(deliver_view(scene->deliver, 0, &out));
	return out;
}

static void
what_goes_on_is_told_again(void **state)
{
	struct scene *scene = *state;
	struct incident a, b;

	scene_incident(&a, "00000000000a");
	scene_incident(&b, "00000000000b");
	scene_event(scene, &a, INCIDENT_OPENED, "first");
	scene_event(scene, &b, INCIDENT_OPENED, "first");
	scene_wait(scene, 10 * USEC_PER_SEC);
	forget_seen(scene);
	scene_wait(scene, 5 * USEC_PER_MIN);
	assert_in_range(seen.runs, 4, 5);
	assert_int_equal(seen.notices, 2 * seen.runs);
	assert_int_equal(view(scene).sent, 2); /* no letters */
	/* The newest words, at once; and for a while after the end. */
	forget_seen(scene);
	scene_event(scene, &a, INCIDENT_ENDED, "recovered");
	scene_event(scene, &b, INCIDENT_ENDED, "recovered");
	assert_int_equal(seen.runs, 2);
	scene_wait(scene, 3 * USEC_PER_MIN);
	assert_in_range(seen.runs, 4, 5);
	assert_string_equal(seen.first_type, "incident.resolved");
	scene_wait(scene, 5 * USEC_PER_MIN);
	forget_seen(scene);
	scene_wait(scene, USEC_PER_HOUR);
	assert_int_equal(seen.runs, 0);
	incident_fini(&a);
	incident_fini(&b);
}

static void
a_restart_tells_again_soon(void **state)
{
	struct scene *scene = *state;
	struct incident a;

	scene_incident(&a, "00000000000a");
	scene_event(scene, &a, INCIDENT_OPENED, "first");
	scene_commit(scene);
	scene_kill(scene);
	scene_boot(scene);
	forget_seen(scene);
	scene_wait(scene, 10 * USEC_PER_SEC);
	assert_int_equal(seen.runs, 1);
	assert_string_equal(seen.first, "00000000000a");
	assert_string_equal(seen.first_type, "incident.opened");
	incident_fini(&a);
}

static void
a_failed_round_gives_nothing_up(void **state)
{
	struct scene *scene = *state;
	struct incident a;

	scene_incident(&a, "00000000000a");
	scene_event(scene, &a, INCIDENT_OPENED, "first");
	scene_wait(scene, 10 * USEC_PER_SEC);
	scene->answer = scene_always_later;
	scene_wait(scene, 10 * USEC_PER_MIN);
	assert_in_range(view(scene).failed, 9, 11);
	assert_int_equal(view(scene).failed_by[SEND_CLASS_SERVER], view(scene).failed);
	assert_string_equal(view(scene).state, "ok");
	assert_int_equal(scene->troubles, 0);
	forget_seen(scene);
	scene->answer = NULL;
	scene_wait(scene, 2 * USEC_PER_MIN);
	assert_in_range(seen.runs, 1, 2);
	incident_fini(&a);
}

/* Old news must not arrive behind new ones; other incidents need not wait. */
static void
news_of_a_round_wait_for_it(void **state)
{
	struct scene *scene = *state;
	struct incident a, b;

	scene_incident(&a, "00000000000a");
	scene_incident(&b, "00000000000b");
	scene_event(scene, &a, INCIDENT_OPENED, "first");
	scene_wait(scene, 50 * USEC_PER_SEC);
	scene->answer = scene_never_answers;
	scene_wait(scene, 16 * USEC_PER_SEC);
	forget_seen(scene);
	scene->answer = NULL;
	scene_event(scene, &a, INCIDENT_ENDED, "recovered");
	assert_int_equal(seen.runs, 0);
	scene_event(scene, &b, INCIDENT_OPENED, "first");
	scene_wait(scene, 6 * USEC_PER_SEC);
	assert_true(seen.runs >= 1);
	scene_wait(scene, 10 * USEC_PER_SEC);
	assert_int_equal(view(scene).queued, 0);
	incident_fini(&a);
	incident_fini(&b);
}

static void
a_large_round_goes_in_parts(void **state)
{
	struct scene *scene = *state;

	for (int i = 0; i < MANY; i++) {
		struct incident a;
		char id[INCIDENT_ID_LEN + 1];

		snprintf(id, sizeof(id), "%012d", i);
		scene_incident(&a, id);
		scene_event(scene, &a, INCIDENT_OPENED, "first");
		incident_fini(&a);
	}
	scene_wait(scene, 10 * USEC_PER_SEC);
	forget_seen(scene);
	scene_wait(scene, USEC_PER_MIN);
	assert_int_equal(seen.runs, 3);
	assert_int_equal(seen.notices, MANY);
	assert_int_equal(seen.most, 500);
	/* In the middle of a round. */
	scene_apply(scene);
	scene_wait(scene, 5 * USEC_PER_SEC);
	scene_kill(scene);
	scene_boot(scene);
}

/* ---- memory ---- */

static enum send_result
remembers(struct scene *scene, const struct try_made *made)
{
	(void)made;
	return scene->extra == 2 ? SEND_LATER : SEND_OK;
}

static void
look_and_remember(struct scene *scene, struct send_run *run)
{
	char text[32];

	look(scene, run);
	if (scene->extra == 3) {
		send_remember(run, NULL);
	} else {
		snprintf(text, sizeof(text), "m%zu", scene->try_count);
		send_remember(run, json_pack("{s:s}", "message", text));
	}
}

static void
a_receiver_remembers(void **state)
{
	struct scene *scene = *state;
	struct incident a, b;

	scene->look = look_and_remember;
	scene->answer = remembers;
	scene_incident(&a, "00000000000a");
	scene_incident(&b, "00000000000b");
	scene_event(scene, &a, INCIDENT_OPENED, "first");
	assert_string_equal(seen.memory, "");
	scene_event(scene, &a, INCIDENT_UPDATED, "facts");
	assert_string_equal(seen.memory, "m1");
	scene_commit(scene);
	scene_kill(scene);
	scene_boot(scene);
	/* Whatever the result is. */
	scene->extra = 2;
	scene_event(scene, &a, INCIDENT_UPDATED, "facts");
	assert_string_equal(seen.memory, "m2");
	scene->extra = 0;
	scene_wait(scene, 3 * USEC_PER_SEC);
	assert_string_equal(seen.memory, "m3");
	scene_event(scene, &b, INCIDENT_OPENED, "first");
	scene_wait(scene, 6 * USEC_PER_SEC);
	scene->extra = 3;
	scene_event(scene, &a, INCIDENT_UPDATED, "facts");
	scene->extra = 0;
	scene_event(scene, &a, INCIDENT_ENDED, "recovered");
	assert_string_equal(seen.memory, "");
	incident_fini(&a);
	incident_fini(&b);
}

static void
look_and_remember_much(struct scene *scene, struct send_run *run)
{
	char *text = xcalloc(1, 10001);

	memset(text, 'x', 10000);
	look(scene, run);
	send_remember(run, json_pack("{s:s}", "message", text));
	free(text);
}

static void
memory_has_an_end(void **state)
{
	struct scene *scene = *state;
	struct incident a;

	scene->look = look_and_remember_much;
	scene_incident(&a, "00000000000a");
	scene_event(scene, &a, INCIDENT_OPENED, "first");
	scene_event(scene, &a, INCIDENT_UPDATED, "facts");
	assert_string_equal(seen.memory, "");
	incident_fini(&a);
}

/* While it was of another type, nobody kept its words. */
static void
old_words_are_not_told_again(void **state)
{
	struct scene *scene = *state;
	struct incident a;

	scene_incident(&a, "00000000000a");
	scene_event(scene, &a, INCIDENT_OPENED, "first");
	scene_wait(scene, USEC_PER_SEC);
	scene_event(scene, &a, INCIDENT_ENDED, "recovered");
	scene_wait(scene, USEC_PER_SEC);
	scene->specs[0].type = &fake_machine;
	scene_apply(scene);
	scene_event(scene, &a, INCIDENT_OPENED, "reopened");
	scene_wait(scene, 10 * USEC_PER_SEC);
	assert_int_equal(view(scene).sent, 3);
	scene->specs[0].type = &fake_forgetful;
	scene_apply(scene);
	forget_seen(scene);
	scene_wait(scene, 10 * USEC_PER_SEC);
	assert_string_not_equal(seen.first_type, "incident.resolved");
	incident_fini(&a);
}

/* Nobody wanted to hear of the end; a kill does not make it go on for ever. */
static void
an_end_that_was_not_wanted_outlives_a_kill(void **state)
{
	static char name[] = "am", *names[] = { name };
	struct route_spec route = { .to = { names, 1 }, .repeat_interval_us = USEC_PER_HOUR };
	struct scene *scene = *state;
	struct incident a;

	scene->routes[0] = &route;
	scene->route_count = 1;
	scene_apply(scene);
	scene_incident(&a, "00000000000a");
	scene_event(scene, &a, INCIDENT_OPENED, "first");
	scene->answer = scene_always_later;
	scene_event(scene, &a, INCIDENT_UPDATED, "facts");
	scene_event(scene, &a, INCIDENT_ENDED, "recovered");
	scene_commit(scene);
	scene_kill(scene);
	scene->answer = NULL;
	scene_boot(scene);
	scene_wait(scene, USEC_PER_MIN);
	assert_int_equal(view(scene).sent, 1);
	assert_int_equal(view(scene).queued, 0);
	forget_seen(scene);
	scene_wait(scene, USEC_PER_HOUR);
	assert_int_equal(seen.runs, 0);
	incident_fini(&a);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, scene_teardown)
	const struct CMUnitTest tests[] = {
		T(what_goes_on_is_told_again),
		T(a_restart_tells_again_soon),
		T(a_failed_round_gives_nothing_up),
		T(news_of_a_round_wait_for_it),
		T(a_large_round_goes_in_parts),
		T(a_receiver_remembers),
		T(memory_has_an_end),
		T(old_words_are_not_told_again),
		T(an_end_that_was_not_wanted_outlives_a_kill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

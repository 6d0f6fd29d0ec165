/* Who was told that something goes on is told that it is over, also in unlucky moments. */
#include "tests/deliver/scene.h"

static int
setup(void **state)
{
	struct scene *scene = scene_new();

	scene_add_type(scene, "chat", &fake_people);
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

/* The same event of so many incidents. */
static void
happen(struct scene *scene, enum incident_event_type type, int count)
{
	for (int i = 0; i < count; i++) {
		struct incident incident;
		char id[INCIDENT_ID_LEN + 1];

		snprintf(id, sizeof(id), "%012d", i);
		scene_incident(&incident, id);
		incident.started_us = incident.detected_us = loop_wall(scene->loop);
		if (type == INCIDENT_ENDED) {
			incident.sequence = 1;
			incident.status = INCIDENT_RESOLVED;
			incident.resolved_us = loop_wall(scene->loop);
		}
		scene_event(scene, &incident, type, "first");
		incident_fini(&incident);
	}
}

static struct send_run *last_run;

static void
note_run(struct scene *scene, struct send_run *run)
{
	(void)scene;
	last_run = run;
}

/* A digest is on its way when it grows a day old, and is taken after all: the ends that waited
 * behind it are owed. */
static void
ends_outlive_the_digest_that_is_taken_late(void **state)
{
	struct scene *scene = *state;

	assert_true(deliver_test_queued(scene->deliver, "chat", SCENE_WALL));
	loop_advance(scene->loop, 0);
	scene->answer = scene_never_answers;
	scene->look = note_run;
	happen(scene, INCIDENT_OPENED, 8);
	scene_wait(scene, 6 * USEC_PER_SEC);
	assert_non_null(scene_try(scene, 1)->digest);
	happen(scene, INCIDENT_ENDED, 8);
	scene_wait(scene, USEC_PER_DAY - 4 * USEC_PER_SEC);
	/* Another place is tried at once. */
	scene->confs[1].tag = xstrdup("chat-2");
	scene->specs[0].conf = &scene->confs[1];
	scene_apply(scene);
	scene_wait(scene, 5 * USEC_PER_SEC);
	assert_int_equal(view(scene).in_flight, 1);
	deliver_tick(scene->deliver, NULL, 0);
	assert_int_equal(view(scene).given_up, 0);
	scene->answer = NULL;
	scene_forget_tries(scene);
	send_done(last_run, SEND_OK, 0, "at last");
	scene_wait(scene, USEC_PER_MIN);
	assert_int_equal(scene->try_count, 1);
	for (size_t i = 0; i < 8; i++)
		assert_true(scene_try(scene, 0)->digest->items[i].is_resolved);
	scene->specs[0].conf = &scene->confs[0];
}

/* So many begin, the kill comes before the answers, they end days later: how many ends are told? */
static size_t
ends_after_a_kill(struct scene *scene, int count)
{
	size_t ends = 0;

	scene->answer = scene_never_answers;
	happen(scene, INCIDENT_OPENED, count);
	scene_wait(scene, 6 * USEC_PER_SEC);
	assert_true(scene->try_count > 0);
	assert_true((scene_try(scene, scene->try_count - 1)->digest != NULL) == (count > 1));
	scene_commit(scene);
	scene_kill(scene);
	scene_wait(scene, 2 * USEC_PER_DAY);
	scene->answer = NULL;
	scene_forget_tries(scene);
	scene_boot(scene);
	scene_wait(scene, USEC_PER_MIN);
	assert_int_equal(scene->try_count, 0); /* it is too old to be news */
	happen(scene, INCIDENT_ENDED, count);
	scene_wait(scene, USEC_PER_MIN);
	for (size_t i = 0; i < scene->try_count; i++) {
		const struct try_made *made = scene_try(scene, i);

		assert_true(made->digest != NULL || str_eq(made->type, "incident.resolved"));
		ends += made->digest == NULL ? 1 : made->digest->count;
		for (size_t n = 0; made->digest != NULL && n < made->digest->count; n++)
			assert_true(made->digest->items[n].is_resolved);
	}
	return ends;
}

static void
the_end_of_what_may_have_been_heard_is_told(void **state)
{
	assert_int_equal(ends_after_a_kill(*state, 1), 1);
}

static void
ends_of_a_digest_that_may_have_been_heard_are_told(void **state)
{
	assert_int_equal(ends_after_a_kill(*state, 8), 8);
}

/* A whole story is told in a digest only, whatever else its document says. */
static void
a_strange_document_of_a_whole_story_is_told(void **state)
{
	struct scene *scene = *state;
	const char *key;
	size_t at = 0;
	void *doc;

	assert_true(deliver_test_queued(scene->deliver, "chat", SCENE_WALL));
	scene_wait(scene, USEC_PER_SEC);
	happen(scene, INCIDENT_OPENED, 1);
	happen(scene, INCIDENT_ENDED, 1);
	assert_int_equal(scene_docs(scene, "outbox"), 1);
	while (map_next(scene->disk, &at, &key, &doc))
		if (str_starts(key, "outbox"))
			assert_int_equal(json_object_del(doc, "fresh"), 0);
	scene_kill(scene);
	scene_forget_tries(scene);
	scene_boot(scene);
	scene_wait(scene, USEC_PER_MIN);
	assert_int_equal(scene->try_count, 1);
	assert_int_equal(scene_try(scene, 0)->digest->count, 1);
	assert_int_equal(scene_docs(scene, "outbox"), 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, scene_teardown)
	const struct CMUnitTest tests[] = {
		T(ends_outlive_the_digest_that_is_taken_late),
		T(the_end_of_what_may_have_been_heard_is_told),
		T(ends_of_a_digest_that_may_have_been_heard_are_told),
		T(a_strange_document_of_a_whole_story_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

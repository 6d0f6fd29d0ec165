/* Words that wait on disk: thousands of letters in little memory, and none is lost. */
#include "tests/deliver/scene.h"

#include "deliver/outbox.h"

static struct receiver_view
view(const struct scene *scene)
{
	struct receiver_view out;

	assert_true(deliver_view(scene->deliver, 0, &out));
	return out;
}

/* Opens, changes and ends so many incidents, of rising severity. */
static void
happen(struct scene *scene, int incidents)
{
	for (int i = 0; i < incidents; i++) {
		struct incident incident;
		char id[INCIDENT_ID_LEN + 1];

		snprintf(id, sizeof(id), "%012d", i);
		scene_incident(&incident, id);
		incident.severity = SEVERITY_INFO + (enum severity)(3 * i / incidents);
		scene_event(scene, &incident, INCIDENT_OPENED, "first");
		scene_event(scene, &incident, INCIDENT_UPDATED, "facts");
		scene_event(scene, &incident, INCIDENT_ENDED, "recovered");
		incident_fini(&incident);
	}
}

/* Every event once, in order. */
static void
check_all_taken(const struct scene *scene, int incidents)
{
	unsigned *taken = xcalloc((size_t)incidents, sizeof(*taken));
	size_t count = 0;

	for (size_t i = 0; i < scene->try_count; i++) {
		const struct try_made *made = scene_try(scene, i);
		int n = atoi(made->incident);

		if (!made->is_taken)
			continue;
		assert_int_equal(made->sequence, taken[n] + 1);
		taken[n]++;
		count++;
	}
	assert_int_equal(count, 3 * incidents);
	free(taken);
}

static void
most_words_wait_on_disk(void **state)
{
	struct scene *scene = *state;

	scene->answer = scene_always_later;
	happen(scene, 500);
	assert_int_equal(view(scene).queued, 1500);
	assert_in_range(view(scene).on_disk, 1500 - OUTBOX_RESIDENT - 1, 1500 - 1);
	assert_int_equal(scene->troubles, 0);
	scene->answer = NULL;
	scene_wait(scene, 20 * USEC_PER_MIN);
	assert_int_equal(view(scene).queued, 0);
	assert_int_equal(scene_docs(scene, "outbox"), 0);
	assert_true(scene->reads_made >= 1100);
	check_all_taken(scene, 500);
}

static void
the_worst_is_read_back_first(void **state)
{
	struct scene *scene = *state;
	size_t critical = 0;

	scene->answer = scene_always_later;
	happen(scene, 900);
	scene_wait(scene, USEC_PER_HOUR);
	scene->try_count = 0;
	scene->answer = NULL;
	scene_wait(scene, 20 * USEC_PER_MIN);
	/* But for the one that tried the ground, and what left while words were being read. */
	for (size_t i = 0; i < 900; i++)
		critical += atoi(scene_try(scene, i)->incident) >= 600;
	assert_in_range(critical, 800, 900);
}

static void
a_restart_reads_no_more_than_it_needs(void **state)
{
	struct scene *scene = *state;

	scene->answer = scene_always_later;
	happen(scene, 500);
	scene_commit(scene);
	scene_kill(scene);
	scene->try_count = 0;
	scene_boot(scene);
	assert_int_equal(view(scene).queued, 1500);
	assert_int_equal(view(scene).on_disk, 1500 - OUTBOX_RESIDENT);
	scene->answer = NULL;
	scene_wait(scene, 20 * USEC_PER_MIN);
	assert_int_equal(view(scene).queued, 0);
	check_all_taken(scene, 500);
}

/* Only what is surely on disk leaves memory. */
static void
nothing_leaves_memory_before_it_is_on_disk(void **state)
{
	struct scene *scene = *state;

	scene->answer = scene_always_later;
	scene->commits_late = true;
	happen(scene, 200);
	assert_int_equal(view(scene).on_disk, 0);
	for (int i = 0; i < 4; i++) {
		scene_commit(scene);
		deliver_tick(scene->deliver, NULL, 0);
	}
	assert_int_equal(view(scene).on_disk, 600 - OUTBOX_RESIDENT);
	scene->commits_late = false;
	scene->store_fails = true;
	happen(scene, 100);
	assert_in_range(view(scene).on_disk, 600 - OUTBOX_RESIDENT, 600);
}

static void
words_that_are_gone_are_given_up(void **state)
{
	struct scene *scene = *state;

	scene->answer = scene_always_later;
	happen(scene, 200);
	scene->reads_nothing = true;
	scene->answer = NULL;
	scene_wait(scene, 30 * USEC_PER_MIN);
	assert_int_equal(view(scene).queued, 0);
	assert_true(view(scene).given_up > 0);
	assert_true(scene->troubles > 0);
}

/* A disk that cannot be read for a while costs time, no words. */
static void
words_that_cannot_be_read_now_are_read_later(void **state)
{
	struct scene *scene = *state;

	scene->answer = scene_always_later;
	happen(scene, 200);
	scene->reads_fail = true;
	scene->answer = NULL;
	scene_wait(scene, 20 * USEC_PER_MIN);
	assert_int_equal(view(scene).queued, 600 - OUTBOX_RESIDENT);
	scene->reads_fail = false;
	scene_wait(scene, USEC_PER_MIN);
	assert_int_equal(view(scene).queued, 0);
	assert_int_equal(view(scene).given_up, 0);
	assert_int_equal(scene->troubles, 0);
	check_all_taken(scene, 200);
}

/* What follows a refused beginning becomes one, also when its words were on disk. */
static void
a_beginning_is_made_of_what_was_on_disk(void **state)
{
	struct scene *scene = *state;

	scene->answer = scene_always_later;
	happen(scene, 200);
	scene->try_count = 0;
	scene->answer = scene_refuses;
	scene_wait(scene, 30 * USEC_PER_MIN);
	assert_int_equal(view(scene).queued, 0);
	assert_int_equal(scene->try_count, 400); /* no endings of what was never told */
	for (size_t i = 0; i < scene->try_count; i++)
		assert_string_equal(scene_try(scene, i)->type, "incident.opened");
}

static void
a_receiver_that_goes_while_words_are_read_keeps_them(void **state)
{
	struct scene *scene = *state;

	scene->answer = scene_always_later;
	happen(scene, 300);
	scene->answer = NULL;
	for (int i = 0; i < 50; i++) {
		scene_wait(scene, 100);
		scene_apply(scene);
		scene->receiver_count = 0;
		scene_apply(scene);
		scene->receiver_count = 1;
		scene_apply(scene);
	}
	scene_wait(scene, 30 * USEC_PER_MIN);
	assert_int_equal(view(scene).queued, 0);
}

static void
the_very_end_drops_details_only(void **state)
{
	struct scene *scene = *state;
	struct incident incident;

	scene->answer = scene_always_later;
	scene_incident(&incident, "00000000000a");
	scene_event(scene, &incident, INCIDENT_OPENED, "first");
	for (int i = 0; i < OUTBOX_MAX; i++) {
		const struct delivery_event event = {
			.type = INCIDENT_UPDATED,
			.reason = "facts",
			.incident = &incident,
			.at_us = loop_wall(scene->loop),
		};

		incident.sequence++;
		deliver_incident(scene->deliver, &event);
	}
	scene_event(scene, &incident, INCIDENT_ENDED, "recovered");
	assert_in_range(view(scene).queued, OUTBOX_MAX - OUTBOX_MAX / 32, OUTBOX_MAX);
	assert_true(view(scene).given_up > 0);
	json_t *queue = deliver_queue(scene->deliver, NULL, 10);
	assert_int_equal(json_array_size(json_object_get(queue, "queue")), 10);
	json_decref(queue);
	incident_fini(&incident);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)
	const struct CMUnitTest tests[] = {
		T(most_words_wait_on_disk),
		T(the_worst_is_read_back_first),
		T(a_restart_reads_no_more_than_it_needs),
		T(nothing_leaves_memory_before_it_is_on_disk),
		T(words_that_are_gone_are_given_up),
		T(words_that_cannot_be_read_now_are_read_later),
		T(a_beginning_is_made_of_what_was_on_disk),
		T(a_receiver_that_goes_while_words_are_read_keeps_them),
		T(the_very_end_drops_details_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

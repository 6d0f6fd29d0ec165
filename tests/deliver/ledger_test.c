/*
 * kill -9 at random instants: what was written is delivered, under its first id, in order; what was
 * not written was never sent.  And documents that cannot be read.
 */
#include "tests/deliver/scene.h"

#define INCIDENTS 6

/* A small generator of our own, so that a failure can be repeated from its seed. */
static uint64_t dice_state;

static unsigned
dice(unsigned sides)
{
	dice_state = dice_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(dice_state >> 33) % sides;
}

static enum send_result
answers_as_it_likes(struct scene *scene, const struct try_made *made)
{
	static const enum send_result answers[] = { SEND_OK, SEND_OK, SEND_LATER, SEND_NONE };

	(void)made;
	return scene->extra ? SEND_OK : answers[dice(4)];
}

struct story {
	struct incident incident;
	unsigned kept; /* the last sequence whose documents were committed */
	bool is_open;
};

static enum incident_event_type
next_event(const struct story *story)
{
	if (!story->is_open)
		return INCIDENT_OPENED;
	return dice(3) == 0 ? INCIDENT_ENDED : INCIDENT_UPDATED;
}

/* The same transaction keeps the incident: what a kill undoes, triage finds out anew. */
static void
happen(struct scene *scene, struct story *story)
{
	enum incident_event_type type = next_event(story);

	story->incident.sequence = story->kept;
	scene_event(scene, &story->incident, type, type == INCIDENT_OPENED ? "first" : "facts");
	if (scene->waiter == NULL || dice(3) != 0) {
		scene_commit(scene);
		story->kept++;
		story->is_open = type != INCIDENT_ENDED;
		return;
	}
	scene_kill(scene);
	scene_boot(scene);
}

static void
check_ids(const struct scene *scene, uint64_t seed)
{
	for (size_t i = 0; i < scene->try_count; i++) {
		const struct try_made *a = scene_try(scene, i);

		for (size_t j = 0; j < i; j++) {
			const struct try_made *b = scene_try(scene, j);
			bool is_same = str_eq(a->incident, b->incident) &&
				       a->sequence == b->sequence &&
				       str_eq(a->receiver, b->receiver);

			if (is_same != str_eq(a->id, b->id) ||
				(is_same && !str_eq(a->type, b->type)))
				fail_msg("seed %llu: %s %s %u as %s and %s %u as %s",
					(unsigned long long)seed, a->receiver, a->incident,
					a->sequence, a->id, b->incident, b->sequence, b->id);
		}
	}
}

/* By when each was first taken: every kept sequence once, rising. */
static void
check_order(
	const struct scene *scene, const struct story *story, const char *receiver, uint64_t seed)
{
	unsigned taken = 0;

	for (size_t i = 0; i < scene->try_count; i++) {
		const struct try_made *made = scene_try(scene, i);

		if (!made->is_taken || !str_eq(made->incident, story->incident.id) ||
			!str_eq(made->receiver, receiver) || made->sequence <= taken)
			continue;
		if (made->sequence != taken + 1)
			fail_msg("seed %llu: %s %s: %u came after %u", (unsigned long long)seed,
				receiver, made->incident, made->sequence, taken);
		taken = made->sequence;
	}
	if (taken != story->kept)
		fail_msg("seed %llu: %s %s: %u of %u arrived", (unsigned long long)seed, receiver,
			story->incident.id, taken, story->kept);
}

static void
live_and_die(uint64_t seed)
{
	struct scene *scene = scene_new();
	struct story stories[INCIDENTS];

	memset(stories, 0, sizeof(stories));
	dice_state = seed;
	scene->commits_late = true;
	scene->answer = answers_as_it_likes;
	scene_add(scene, "hook");
	scene_add(scene, "ops");
	scene_boot(scene);
	for (size_t i = 0; i < INCIDENTS; i++) {
		char id[INCIDENT_ID_LEN + 1];

		snprintf(id, sizeof(id), "%012zu", i);
		scene_incident(&stories[i].incident, id);
	}
	for (int step = 0; step < 60; step++) {
		switch (dice(4)) {
		case 0:
			scene_commit(scene);
			break;
		case 1:
			scene_kill(scene);
			scene_boot(scene);
			break;
		default:
			happen(scene, &stories[dice(INCIDENTS)]);
		}
		scene_wait(scene, dice(20) * USEC_PER_SEC);
	}
	scene->extra = 1;
	for (int i = 0; i < 20; i++) {
		scene_wait(scene, 10 * USEC_PER_MIN);
		scene_commit(scene);
	}
	check_ids(scene, seed);
	for (size_t i = 0; i < INCIDENTS; i++) {
		check_order(scene, &stories[i], "hook", seed);
		check_order(scene, &stories[i], "ops", seed);
		incident_fini(&stories[i].incident);
	}
	assert_int_equal(scene_docs(scene, "outbox"), 0);
	scene_free(scene);
}

static void
a_kill_loses_nothing_and_renames_nothing(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 120; seed++)
		live_and_die(seed);
}

static void
nothing_is_tried_before_it_is_on_disk(void **state)
{
	struct scene *scene = scene_new();
	struct incident incident;

	(void)state;
	scene->commits_late = true;
	scene_add(scene, "hook");
	scene_boot(scene);
	scene_incident(&incident, "00000000000a");
	scene_event(scene, &incident, INCIDENT_OPENED, "first");
	scene_wait(scene, USEC_PER_HOUR);
	assert_int_equal(scene->try_count, 0);
	/* What comes while the first is being written needs a write of its own. */
	scene_event(scene, &incident, INCIDENT_UPDATED, "facts");
	scene_commit(scene);
	loop_advance(scene->loop, 0);
	assert_int_equal(scene->try_count, 1);
	assert_non_null(scene->waiter);
	scene_commit(scene);
	loop_advance(scene->loop, 0);
	assert_int_equal(scene->try_count, 2);
	incident_fini(&incident);
	scene_free(scene);
}

static void
from_memory_when_the_store_cannot_write(void **state)
{
	struct scene *scene = scene_new();
	struct incident incident;

	(void)state;
	scene->store_fails = true;
	scene_add(scene, "hook");
	scene_boot(scene);
	scene_incident(&incident, "00000000000a");
	scene_event(scene, &incident, INCIDENT_OPENED, "first");
	assert_int_equal(scene->try_count, 1);
	incident_fini(&incident);
	scene_free(scene);
}

static void
age_and_waits_survive_a_restart(void **state)
{
	struct scene *scene = scene_new();
	struct incident incident;
	struct receiver_view view;

	(void)state;
	scene_add(scene, "hook");
	scene_boot(scene);
	scene->answer = scene_always_later;
	scene->asked_us = 30 * USEC_PER_MIN;
	scene_incident(&incident, "00000000000a");
	scene_event(scene, &incident, INCIDENT_OPENED, "first");
	scene_commit(scene);
	scene_kill(scene);
	scene_boot(scene);
	scene_wait(scene, 29 * USEC_PER_MIN);
	assert_int_equal(scene->try_count, 1);
	scene_wait(scene, 8 * USEC_PER_MIN);
	assert_int_equal(scene->try_count, 2);
	assert_string_equal(scene_try(scene, 0)->id, scene_try(scene, 1)->id);
	scene_commit(scene);
	scene_kill(scene);
	/* The host was off for a day. */
	scene->clock.fake_wall_us += USEC_PER_DAY;
	scene_boot(scene);
	deliver_tick(scene->deliver, NULL, 0);
	assert_true(deliver_view(scene->deliver, 0, &view));
	assert_int_equal(view.queued, 0);
	assert_int_equal(scene_docs(scene, "outbox"), 0);
	incident_fini(&incident);
	scene_free(scene);
}

static void
documents_that_cannot_be_read_are_left_as_they_are(void **state)
{
	static const char *const docs[] = {
		"{}",
		"[]",
		"7",
		"{\"receiver\":\"\"}",
		"{\"receiver\":\"hook\"}",
		"{\"receiver\":\"hook\",\"notice\":{}}",
		"{\"receiver\":\"hook\",\"notice\":[1]}",
		"{\"receiver\":\"hook\",\"incident\":\"short\"}",
		"{\"receiver\":\"hook\",\"incident\":7,\"notice\":7}",
	};
	struct scene *scene = scene_new();

	(void)state;
	scene_add(scene, "hook");
	scene_boot(scene);
	for (size_t i = 0; i < sizeof(docs) / sizeof(docs[0]); i++) {
		json_t *bad = json_loads(docs[i], JSON_DECODE_ANY, NULL);

		assert_non_null(bad);
		deliver_restore(scene->deliver, "outbox", "k", bad);
		deliver_restore(scene->deliver, "ledger", "k", bad);
		json_decref(bad);
	}
	assert_int_equal(scene->write_count, 0);
	scene_wait(scene, USEC_PER_HOUR);
	assert_int_equal(scene->try_count, 0);
	scene_free(scene);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kill_loses_nothing_and_renames_nothing),
		cmocka_unit_test(nothing_is_tried_before_it_is_on_disk),
		cmocka_unit_test(from_memory_when_the_store_cannot_write),
		cmocka_unit_test(age_and_waits_survive_a_restart),
		cmocka_unit_test(documents_that_cannot_be_read_are_left_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

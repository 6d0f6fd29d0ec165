/* A test message a day: when it is sent, and what restarts, reloads and failures make of it. */
#include "tests/deliver/scene.h"

#include "deliver/daily.h"

struct desk {
	struct scene *scene;
	struct daily *daily;
	struct map *kept; /* what the store has of kind "daily" */
};

static void
keep(void *arg, const char *kind, const char *key, const json_t *doc)
{
	struct desk *desk = arg;

	assert_string_equal(kind, "daily");
	json_decref(doc == NULL ? map_remove(desk->kept, key)
				: map_put(desk->kept, key, json_deep_copy(doc)));
}

static void
apply(struct desk *desk)
{
	daily_apply(desk->daily, desk->scene->receivers, desk->scene->receiver_count);
}

static void
boot(struct desk *desk)
{
	const struct daily_options options = {
		.loop = desk->scene->loop,
		.deliver = desk->scene->deliver,
		.on_keep = keep,
		.arg = desk,
	};
	const char *key;
	size_t at = 0;
	void *doc;

	desk->daily = daily_new(&options);
	while (map_next(desk->kept, &at, &key, &doc))
		daily_restore(desk->daily, key, doc);
	apply(desk);
}

/* kill -9, and a new life after that. */
static void
restart(struct desk *desk, usec_t pause_us)
{
	scene_commit(desk->scene);
	daily_free(desk->daily);
	scene_kill(desk->scene);
	scene_wait(desk->scene, pause_us);
	scene_boot(desk->scene);
	boot(desk);
}

/* It is 2026-01-02 03:04:05 UTC. */
static int
setup(void **state)
{
	struct desk *desk = xcalloc(1, sizeof(*desk));
	struct err e;

	desk->scene = scene_new();
	desk->kept = map_new();
	scene_add(desk->scene, "hook");
	scene_add(desk->scene, "other");
	scene_boot(desk->scene);
	assert_int_equal(daily_parse(&desk->scene->specs[0].common.daily_time, "09:00 UTC", &e), 0);
	boot(desk);
	*state = desk;
	return 0;
}

static int
teardown(void **state)
{
	struct desk *desk = *state;

	daily_free(desk->daily);
	daily_release(&desk->scene->specs[0].common.daily_time);
	scene_free(desk->scene);
	map_free(desk->kept, scene_drop_doc);
	free(desk);
	return 0;
}

static void
pass(struct desk *desk, usec_t us)
{
	for (usec_t end = loop_now(desk->scene->loop) + us; loop_now(desk->scene->loop) < end;) {
		scene_wait(desk->scene, USEC_PER_MIN);
		deliver_tick(desk->scene->deliver, NULL, 0);
		daily_tick(desk->daily);
		scene_wait(desk->scene, 0);
	}
}

/* How many different messages were sent since the last time. */
static size_t
sent(struct desk *desk)
{
	struct scene *scene = desk->scene;
	size_t count = 0;

	for (size_t i = 0; i < scene->try_count; i++) {
		const struct try_made *made = scene_try(scene, i);

		assert_string_equal(made->type, "test");
		assert_string_equal(made->reason, "test");
		assert_string_equal(made->receiver, "hook");
		count += i == 0 || !str_eq(made->id, scene_try(scene, i - 1)->id);
	}
	scene->try_count = 0;
	return count;
}

static void
once_a_day_at_its_time(void **state)
{
	struct desk *desk = *state;

	pass(desk, 5 * USEC_PER_HOUR + 55 * USEC_PER_MIN); /* 08:59 */
	assert_int_equal(sent(desk), 0);
	pass(desk, 2 * USEC_PER_MIN);
	assert_int_equal(sent(desk), 1);
	pass(desk, 23 * USEC_PER_HOUR);
	assert_int_equal(sent(desk), 0);
	pass(desk, USEC_PER_HOUR);
	assert_int_equal(sent(desk), 1);
	/* Nothing of it is left to be told. */
	assert_int_equal(scene_docs(desk->scene, "outbox"), 0);
}

static void
neither_restart_nor_reload_repeats_it(void **state)
{
	struct desk *desk = *state;

	pass(desk, 6 * USEC_PER_HOUR);
	assert_int_equal(sent(desk), 1);
	restart(desk, 0);
	pass(desk, USEC_PER_HOUR);
	apply(desk);
	pass(desk, USEC_PER_HOUR);
	assert_int_equal(sent(desk), 0);
}

static void
missed_by_less_than_an_hour_it_comes_later(void **state)
{
	struct desk *desk = *state;

	pass(desk, 5 * USEC_PER_HOUR); /* 08:04 */
	restart(desk, 110 * USEC_PER_MIN);
	pass(desk, USEC_PER_MIN);
	assert_int_equal(sent(desk), 1);
	/* By more than an hour it is left out. */
	pass(desk, 22 * USEC_PER_HOUR);
	restart(desk, 3 * USEC_PER_HOUR);
	pass(desk, 2 * USEC_PER_HOUR);
	assert_int_equal(sent(desk), 0);
}

static void
new_in_the_settings_it_begins_with_the_next_time(void **state)
{
	struct desk *desk = *state;
	struct daily_time *time = &desk->scene->specs[0].common.daily_time;
	struct daily_time kept = *time;

	time->zone = NULL;
	apply(desk);
	assert_int_equal(map_count(desk->kept), 0);
	pass(desk, 6 * USEC_PER_HOUR + 10 * USEC_PER_MIN); /* 09:14 */
	*time = kept;
	apply(desk);
	pass(desk, USEC_PER_HOUR);
	assert_int_equal(sent(desk), 0);
	pass(desk, 23 * USEC_PER_HOUR);
	assert_int_equal(sent(desk), 1);
}

static enum send_result
never_now(struct scene *scene, const struct try_made *made)
{
	(void)scene;
	(void)made;
	return SEND_LATER;
}

static void
it_is_retried_and_given_up_as_any_notice(void **state)
{
	struct desk *desk = *state;
	struct scene *scene = desk->scene;

	scene->answer = never_now;
	pass(desk, 7 * USEC_PER_HOUR);
	assert_true(scene->try_count > 3);
	assert_int_equal(sent(desk), 1);
	assert_int_equal(scene->troubles, 0);
	/* A restart sends the same one. */
	restart(desk, 0);
	pass(desk, USEC_PER_HOUR);
	assert_int_equal(scene_docs(scene, "outbox"), 1);
	pass(desk, 24 * USEC_PER_HOUR);
	assert_int_equal(scene->troubles, 1);
	assert_non_null(strstr(scene->trouble, "24 hours"));
	for (size_t i = 0; i < scene->try_count; i++)
		assert_string_equal(scene_try(scene, i)->type, "test");
}

/* People are told of many incidents in one message; a test stays a message of its own. */
static void
it_is_no_part_of_a_digest(void **state)
{
	struct desk *desk = *state;
	struct scene *scene = desk->scene;
	static struct receiver_type people;
	struct incident incident;
	size_t tests = 0, taken = 0;

	people = fake_machine;
	people.is_for_people = true;
	scene->specs[0].type = &people;
	scene_apply(scene);
	scene->answer = never_now;
	pass(desk, 6 * USEC_PER_HOUR);
	scene_incident(&incident, "00000000000a");
	for (int i = 0; i < 9; i++) {
		incident.id[0] = (char)('1' + i);
		scene_event(scene, &incident, INCIDENT_OPENED, "first");
	}
	incident_fini(&incident);
	scene->answer = NULL;
	scene->try_count = 0;
	pass(desk, USEC_PER_HOUR);
	for (size_t i = 0; i < scene->try_count; i++) {
		const struct try_made *made = scene_try(scene, i);

		if (!str_eq(made->receiver, "hook"))
			continue;
		tests += str_eq(made->type, "test");
		taken++;
	}
	assert_int_equal(tests, 1);
	assert_in_range(taken, 2, 5);
	assert_int_equal(scene_docs(scene, "outbox"), 0);
}

static void
times_are_read(void **state)
{
	static const struct {
		const char *text, *wrong; /* NULL: it is right */
	} cases[] = {
		{ "09:00", NULL },
		{ "23:59 Europe/Berlin", NULL },
		{ "00:00 UTC", NULL },
		{ "9:00", "time of the day" },
		{ "24:00", "time of the day" },
		{ "09:60", "time of the day" },
		{ "09:00:00", "time of the day" },
		{ "", "time of the day" },
		{ "noon", "time of the day" },
		{ "09:00 Mars/Base", "Mars/Base" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct daily_time time = { .zone = NULL };
		struct err e = { .text = "" };
		int result = daily_parse(&time, cases[i].text, &e);

		if ((result == 0) != (cases[i].wrong == NULL))
			fail_msg("%s: %s", cases[i].text, e.text);
		if (result == -1 && strstr(e.text, cases[i].wrong) == NULL)
			fail_msg("%s: %s", cases[i].text, e.text);
		daily_release(&time);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(once_a_day_at_its_time),
		TEST(neither_restart_nor_reload_repeats_it),
		TEST(missed_by_less_than_an_hour_it_comes_later),
		TEST(new_in_the_settings_it_begins_with_the_next_time),
		TEST(it_is_retried_and_given_up_as_any_notice),
		TEST(it_is_no_part_of_a_digest),
		cmocka_unit_test(times_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

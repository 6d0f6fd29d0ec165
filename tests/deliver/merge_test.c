/* What people are told in one message, and that nothing is lost on the way. */
#include "tests/deliver/scene.h"

#include "deliver/outbox.h"

static int
setup(void **state)
{
	struct scene *scene = scene_new();

	scene_add_type(scene, "chat", &fake_people);
	scene_boot(scene);
	*state = scene;
	return 0;
}

static enum send_result
refuses_digests(struct scene *scene, const struct try_made *made)
{
	(void)scene;
	return made->digest != NULL ? SEND_NEVER : SEND_OK;
}

static struct {
	unsigned digests;
	char memory[32]; /* of the last try of one */
} seen;

static void
look_at_digests(struct scene *scene, struct send_run *run)
{
	const char *text = json_string_value(json_object_get(send_memory(run), "has"));

	(void)scene;
	if (send_notice(run)->digest == NULL)
		return;
	seen.digests++;
	str_copy(seen.memory, sizeof(seen.memory), text == NULL ? "" : text);
	send_remember(run, json_pack("{s:s}", "has", "ann"));
}

static enum send_result
digests_later(struct scene *scene, const struct try_made *made)
{
	(void)scene;
	return made->digest != NULL && seen.digests < 2 ? SEND_LATER : SEND_OK;
}

static struct receiver_view
view(const struct scene *scene)
{
	struct receiver_view out;

	assert_true(deliver_view(scene->deliver, 0, &out));
	return out;
}

/* A story that the tests tell in steps; its sequence goes on. */
struct story {
	struct incident incident;
};

static void
begin(struct story *story, int n, enum severity severity)
{
	char id[INCIDENT_ID_LEN + 1];

	snprintf(id, sizeof(id), "%012d", n);
	scene_incident(&story->incident, id);
	story->incident.severity = severity;
}

static void
tell(struct scene *scene, struct story *story, enum incident_event_type type)
{
	static const char *const reasons[] = { "first", "facts", "severity", "severity", "repeat",
		"ack", "recovered" };

	if (type == INCIDENT_ENDED) {
		story->incident.status = INCIDENT_RESOLVED;
		story->incident.resolved_us = loop_wall(scene->loop);
	}
	if (type == INCIDENT_OPENED)
		story->incident.started_us = loop_wall(scene->loop);
	scene_event(scene, &story->incident, type, reasons[type]);
}

static void
open_many(struct scene *scene, int first, int count, enum severity severity)
{
	for (int i = first; i < first + count; i++) {
		struct story story;

		begin(&story, i, severity);
		tell(scene, &story, INCIDENT_OPENED);
		incident_fini(&story.incident);
	}
}

static void
end_many(struct scene *scene, int first, int count)
{
	for (int i = first; i < first + count; i++) {
		struct story story;

		begin(&story, i, SEVERITY_CRITICAL);
		story.incident.sequence = 1;
		tell(scene, &story, INCIDENT_ENDED);
		incident_fini(&story.incident);
	}
}

/* "opened updated digest(3)" in order of time. */
static const char *
told(struct scene *scene)
{
	static char text[1024];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < scene->try_count; i++) {
		const struct try_made *made = scene_try(scene, i);

		assert_true(len < sizeof(text) - 128);
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i == 0 ? "" : " ",
			made->type + strlen("incident."));
		if (made->digest != NULL)
			len += (size_t)snprintf(
				text + len, sizeof(text) - len, "(%zu)", made->digest->count);
	}
	return text;
}

static void
one_goes_as_it_is_and_at_once(void **state)
{
	struct scene *scene = *state;

	open_many(scene, 1, 1, SEVERITY_CRITICAL);
	assert_string_equal(told(scene), "opened");
	scene_wait(scene, 2 * USEC_PER_MIN);
	end_many(scene, 1, 1);
	assert_string_equal(told(scene), "opened resolved");
}

static void
few_go_apart_many_together(void **state)
{
	struct scene *scene = *state;

	open_many(scene, 1, 4, SEVERITY_WARNING);
	scene_wait(scene, USEC_PER_MIN);
	assert_string_equal(told(scene), "opened opened opened opened");
	scene_forget_tries(scene);
	scene_wait(scene, 2 * USEC_PER_MIN);
	open_many(scene, 11, 9, SEVERITY_WARNING);
	open_many(scene, 20, 1, SEVERITY_CRITICAL);
	scene_wait(scene, USEC_PER_MIN);
	assert_string_equal(told(scene), "opened digest(9)");
	const struct try_made *made = scene_try(scene, 1);
	assert_string_equal(made->reason, "merged");
	assert_string_equal(made->incident, "000000000020");
	assert_int_equal(made->severity, SEVERITY_CRITICAL);
	assert_string_equal(made->digest->items[0].incident, "000000000020");
	assert_string_equal(made->digest->items[1].incident, "000000000012");
	assert_false(made->digest->items[0].was_told);
	assert_int_equal(scene_docs(scene, "outbox"), 0);
	assert_int_equal(scene_docs(scene, "ledger"), 14);
	assert_int_equal(view(scene).queued, 0);
}

/* Endings come without a wait: the burst goes, what is beyond it is one message. */
static void
what_the_rate_holds_back_is_one_message(void **state)
{
	struct scene *scene = *state;

	open_many(scene, 1, 30, SEVERITY_WARNING);
	scene_wait(scene, 10 * USEC_PER_MIN);
	assert_string_equal(told(scene), "opened digest(29)");
	scene_forget_tries(scene);
	end_many(scene, 1, 30);
	scene_wait(scene, USEC_PER_MIN);
	size_t items = 0;
	for (size_t i = 0; i < scene->try_count; i++) {
		const struct try_made *made = scene_try(scene, i);

		items += made->digest == NULL ? 1 : made->digest->count;
		for (size_t k = 0; made->digest != NULL && k < made->digest->count; k++) {
			assert_true(made->digest->items[k].is_resolved);
			assert_true(made->digest->items[k].was_told);
		}
	}
	assert_int_equal(items, 30);
	assert_true(scene->try_count <= 8);
}

static void
what_waits_in_a_lane_is_one_letter(void **state)
{
	struct scene *scene = *state;
	struct story story;

	open_many(scene, 1, 1, SEVERITY_WARNING); /* it is not quiet */
	begin(&story, 2, SEVERITY_WARNING);
	tell(scene, &story, INCIDENT_OPENED);
	tell(scene, &story, INCIDENT_UPDATED);
	story.incident.severity = SEVERITY_CRITICAL;
	tell(scene, &story, INCIDENT_ESCALATED);
	assert_int_equal(view(scene).queued, 1);
	assert_int_equal(scene_docs(scene, "outbox"), 1);
	scene_wait(scene, 6 * USEC_PER_SEC);
	assert_string_equal(told(scene), "opened opened");
	assert_string_equal(scene_try(scene, 1)->reason, "first");
	assert_int_equal(scene_try(scene, 1)->sequence, 3);
	assert_int_equal(scene_try(scene, 1)->severity, SEVERITY_CRITICAL);
	/* And of one that was told of. */
	scene->answer = scene_always_later;
	scene->asked_us = 30 * USEC_PER_SEC;
	open_many(scene, 3, 1, SEVERITY_CRITICAL);
	scene_wait(scene, 6 * USEC_PER_SEC);
	scene_forget_tries(scene);
	tell(scene, &story, INCIDENT_ESCALATED);
	tell(scene, &story, INCIDENT_UPDATED);
	assert_int_equal(view(scene).queued, 2);
	scene->answer = NULL;
	scene_wait(scene, USEC_PER_MIN);
	assert_string_equal(told(scene), "escalated opened");
	assert_int_equal(scene_try(scene, 0)->sequence, 5);
	incident_fini(&story.incident);
}

static void
what_was_over_before_anybody_heard_of_it(void **state)
{
	struct scene *scene = *state;
	struct story mild, bad, slow;

	open_many(scene, 1, 1, SEVERITY_WARNING);
	begin(&mild, 2, SEVERITY_WARNING);
	begin(&bad, 3, SEVERITY_CRITICAL);
	begin(&slow, 4, SEVERITY_WARNING);
	tell(scene, &mild, INCIDENT_OPENED);
	tell(scene, &bad, INCIDENT_OPENED);
	tell(scene, &slow, INCIDENT_OPENED);
	slow.incident.started_us -= 10 * USEC_PER_MIN;
	scene_wait(scene, 2 * USEC_PER_SEC);
	tell(scene, &mild, INCIDENT_ENDED);
	tell(scene, &bad, INCIDENT_ENDED);
	tell(scene, &slow, INCIDENT_ENDED);
	scene_wait(scene, 10 * USEC_PER_SEC);
	assert_string_equal(told(scene), "opened digest(2)");
	const struct digest_item *item = &scene_try(scene, 1)->digest->items[0];
	assert_string_equal(item->incident, bad.incident.id);
	assert_true(item->is_resolved);
	assert_false(item->was_told);
	assert_int_equal(item->resolved_us - item->started_us, 2 * USEC_PER_SEC);
	assert_string_equal(scene_try(scene, 1)->digest->items[1].incident, slow.incident.id);
	assert_int_equal(scene_docs(scene, "outbox"), 0);
	incident_fini(&mild.incident);
	incident_fini(&bad.incident);
	incident_fini(&slow.incident);
}

/* A line in a log is good again at the next look, and is no less a line in a log. */
static void
an_event_is_told_however_soon_it_was_over(void **state)
{
	struct scene *scene = *state;
	struct story line;

	open_many(scene, 1, 1, SEVERITY_WARNING);
	begin(&line, 2, SEVERITY_WARNING);
	xstrset(&line.incident.cause_code, "log.matched");
	tell(scene, &line, INCIDENT_OPENED);
	scene_wait(scene, 2 * USEC_PER_SEC);
	tell(scene, &line, INCIDENT_ENDED);
	scene_wait(scene, 10 * USEC_PER_SEC);
	assert_string_equal(told(scene), "opened digest(1)");
	assert_string_equal(scene_try(scene, 1)->digest->items[0].incident, line.incident.id);
	assert_int_equal(scene_docs(scene, "outbox"), 0);
	incident_fini(&line.incident);
}

/* After an hour without an answer: what was tried goes again, the rest is one message. */
static void
who_was_away_is_told_in_a_few_words(void **state)
{
	struct scene *scene = *state;

	scene->answer = scene_always_later;
	for (int i = 0; i < 60; i++) {
		open_many(scene, i, 1, i == 40 ? SEVERITY_CRITICAL : SEVERITY_WARNING);
		scene_wait(scene, USEC_PER_MIN);
		if (i % 2 == 0)
			end_many(scene, i, 1);
	}
	assert_true(scene->try_count < 40);
	scene_forget_tries(scene);
	scene->answer = NULL;
	/* The longest wait between two tries is twelve minutes. */
	scene_wait(scene, 14 * USEC_PER_MIN);
	assert_int_equal(view(scene).queued, 0);
	assert_true(scene->try_count <= 10);
	json_t *ledger = deliver_ledger(scene->deliver, NULL, "chat", 1000);
	const json_t *list = json_object_get(ledger, "ledger"), *entry;
	size_t i;
	assert_int_equal(json_array_size(list), 60);
	json_array_foreach(list, i, entry)
	{
		int n = atoi(json_string_value(json_object_get(entry, "incident")));

		assert_string_equal(json_string_value(json_object_get(entry, "state")),
			n % 2 == 0 ? "ended" : "open");
	}
	json_decref(ledger);
}

static void
five_thousand_are_a_handful(void **state)
{
	struct scene *scene = *state;

	open_many(scene, 0, 5000, SEVERITY_WARNING);
	assert_true(view(scene).queued < 3000);
	scene_wait(scene, USEC_PER_MIN);
	assert_true(scene->try_count <= 6);
	assert_int_equal(view(scene).queued, 0);
	assert_int_equal(scene_docs(scene, "ledger"), 5000);
	scene_forget_tries(scene);
	scene_wait(scene, 2 * USEC_PER_MIN);
	end_many(scene, 0, 5000);
	scene_wait(scene, USEC_PER_MIN);
	assert_true(scene->try_count <= 10);
	assert_int_equal(view(scene).queued, 0);
	assert_int_equal(scene_docs(scene, "outbox"), 0);
	assert_int_equal(scene_docs(scene, "ledger"), LEDGER_MAX);
}

static void
a_kill_between_loses_all_of_a_digest_or_nothing(void **state)
{
	struct scene *scene = *state;

	open_many(scene, 1, 1, SEVERITY_WARNING);
	scene_commit(scene);
	open_many(scene, 2, 9, SEVERITY_WARNING);
	scene_commit(scene);
	scene->commits_late = true;
	scene_wait(scene, 5 * USEC_PER_SEC); /* the digest is written, and nothing more */
	assert_string_equal(told(scene), "opened");
	assert_int_equal(view(scene).queued, 1);
	scene_kill(scene);
	assert_int_equal(scene_docs(scene, "outbox"), 9);
	scene_boot(scene);
	assert_int_equal(view(scene).queued, 1);
	scene->answer = scene_never_answers;
	scene_commit(scene);
	loop_advance(scene->loop, 0);
	assert_string_equal(told(scene), "opened digest(9)");
	scene_kill(scene);
	scene->answer = NULL;
	scene_boot(scene);
	scene_wait(scene, 5 * USEC_PER_SEC);
	assert_string_equal(told(scene), "opened digest(9) digest(9)");
	assert_string_equal(scene_try(scene, 1)->id, scene_try(scene, 2)->id);
	scene_commit(scene);
	assert_int_equal(view(scene).queued, 0);
}

/* It was on its way when the power went: nobody knows, so it is not merged. */
static void
what_may_have_been_tried_is_not_merged(void **state)
{
	struct scene *scene = *state;
	char id[NOTICE_ID_LEN + 1];

	scene->answer = scene_never_answers;
	open_many(scene, 1, 1, SEVERITY_WARNING);
	open_many(scene, 2, 9, SEVERITY_WARNING);
	assert_string_equal(told(scene), "opened");
	str_copy(id, sizeof(id), scene_try(scene, 0)->id);
	scene_commit(scene);
	scene_kill(scene);
	scene->answer = NULL;
	scene_boot(scene);
	scene_wait(scene, USEC_PER_MIN);
	assert_int_equal(scene->try_count, 3);
	size_t again = scene_try(scene, 1)->digest == NULL ? 1 : 2;
	assert_string_equal(scene_try(scene, again)->id, id);
	assert_int_equal(scene_try(scene, 3 - again)->digest->count, 9);
}

static void
news_wait_behind_a_digest_that_was_tried(void **state)
{
	struct scene *scene = *state;
	struct story story;

	begin(&story, 5, SEVERITY_WARNING);
	story.incident.sequence = 1;
	open_many(scene, 1, 1, SEVERITY_WARNING);
	scene->answer = scene_always_later;
	open_many(scene, 2, 9, SEVERITY_WARNING);
	scene_wait(scene, 6 * USEC_PER_SEC);
	assert_string_equal(told(scene), "opened digest(9)");
	tell(scene, &story, INCIDENT_UPDATED);
	tell(scene, &story, INCIDENT_ENDED);
	assert_int_equal(view(scene).queued, 2);
	scene_commit(scene);
	scene_kill(scene);
	scene_boot(scene);
	assert_int_equal(view(scene).queued, 2);
	scene_forget_tries(scene);
	scene->answer = NULL;
	scene_wait(scene, USEC_PER_MIN);
	assert_string_equal(told(scene), "digest(9) resolved");
	assert_int_equal(scene_try(scene, 1)->sequence, 3);
	incident_fini(&story.incident);
}

static void
an_old_digest_keeps_its_endings(void **state)
{
	struct scene *scene = *state;

	open_many(scene, 1, 1, SEVERITY_WARNING);
	scene_wait(scene, USEC_PER_HOUR);
	scene->answer = scene_always_later;
	open_many(scene, 100, 1, SEVERITY_WARNING); /* tries the ground */
	end_many(scene, 1, 1);
	open_many(scene, 2, 9, SEVERITY_WARNING);
	for (int hour = 0; hour < 25; hour++) {
		scene_wait(scene, USEC_PER_HOUR);
		deliver_tick(scene->deliver, NULL, 0);
	}
	assert_true(scene->troubles > 0);
	assert_non_null(strstr(scene->trouble, "chat: not taken for 24 hours"));
	scene_commit(scene);
	scene_kill(scene);
	scene_boot(scene);
	for (int day = 0; day < 9; day++) {
		scene_wait(scene, USEC_PER_DAY);
		deliver_tick(scene->deliver, NULL, 0);
	}
	scene_forget_tries(scene);
	scene->answer = NULL;
	scene_wait(scene, USEC_PER_HOUR);
	assert_int_equal(scene->try_count, 1);
	const struct try_made *made = scene_try(scene, 0);
	assert_true(made->is_resolved);
	assert_string_equal(made->incident, "000000000001");
	assert_int_equal(scene_docs(scene, "outbox"), 0);
}

static void
a_refused_digest_is_tried_with_its_endings_alone(void **state)
{
	struct scene *scene = *state;
	struct story story;

	open_many(scene, 1, 8, SEVERITY_WARNING);
	scene_wait(scene, USEC_PER_HOUR);
	scene_forget_tries(scene);
	scene->answer = refuses_digests;
	open_many(scene, 11, 1, SEVERITY_WARNING);
	open_many(scene, 12, 8, SEVERITY_WARNING);
	scene_wait(scene, 2 * USEC_PER_SEC);
	end_many(scene, 1, 8);
	scene_wait(scene, USEC_PER_MIN);
	assert_true(scene->troubles > 0);
	/* Whoever was given up begins anew with the next event. */
	scene->answer = NULL;
	scene_forget_tries(scene);
	begin(&story, 12, SEVERITY_WARNING);
	story.incident.sequence = 1;
	scene_wait(scene, 2 * USEC_PER_MIN);
	tell(scene, &story, INCIDENT_UPDATED);
	assert_string_equal(told(scene), "opened");
	incident_fini(&story.incident);
	/* The endings are owed, and tried now and then. */
	scene_wait(scene, 20 * USEC_PER_MIN);
	assert_int_equal(view(scene).queued, 0);
}

static void
a_receiver_that_goes_and_comes_back_hears_it(void **state)
{
	struct scene *scene = *state;

	scene->answer = scene_always_later;
	open_many(scene, 1, 1, SEVERITY_WARNING);
	open_many(scene, 2, 200, SEVERITY_WARNING);
	scene->receiver_count = 0;
	scene_apply(scene);
	end_many(scene, 2, 100);
	scene_commit(scene);
	scene_kill(scene);
	scene_boot(scene);
	scene_wait(scene, USEC_PER_HOUR);
	scene_forget_tries(scene);
	scene->answer = NULL;
	scene->receiver_count = 1;
	scene_apply(scene);
	scene_wait(scene, USEC_PER_HOUR);
	assert_int_equal(view(scene).queued, 0);
	assert_true(scene->try_count <= 8);
	json_t *ledger = deliver_ledger(scene->deliver, NULL, NULL, 1000);
	size_t i, open = 0;
	json_t *entry;
	json_array_foreach(json_object_get(ledger, "ledger"), i, entry) open +=
		str_eq(json_string_value(json_object_get(entry, "state")), "open");
	assert_int_equal(open, 101);
	json_decref(ledger);
}

static void
look_and_remember(struct scene *scene, struct send_run *run)
{
	(void)scene;
	if (send_notice(run)->digest == NULL)
		send_remember(run, json_pack("{s:s}", "message", "1"));
}

/* A message that is edited must not stay red for ever. */
static void
what_has_a_message_of_its_own_ends_there(void **state)
{
	struct scene *scene = *state;

	scene->look = look_and_remember;
	open_many(scene, 1, 1, SEVERITY_WARNING);
	open_many(scene, 2, 9, SEVERITY_WARNING);
	scene_wait(scene, 2 * USEC_PER_MIN);
	assert_string_equal(told(scene), "opened digest(9)");
	scene_forget_tries(scene);
	open_many(scene, 20, 1, SEVERITY_WARNING);
	scene_wait(scene, USEC_PER_SEC);
	end_many(scene, 1, 10);
	scene_wait(scene, USEC_PER_MIN);
	size_t own = 0;
	for (size_t i = 0; i < scene->try_count; i++) {
		const struct try_made *made = scene_try(scene, i);

		own += made->digest == NULL && made->is_resolved &&
		       str_eq(made->incident, "000000000001");
		for (size_t k = 0; made->digest != NULL && k < made->digest->count; k++)
			assert_string_not_equal(made->digest->items[k].incident, "000000000001");
	}
	assert_int_equal(own, 1);
	assert_int_equal(view(scene).queued, 0);
}

/* Thousands of updates behind a digest that was tried are one digest again. */
static void
news_behind_a_digest_are_few_messages(void **state)
{
	struct scene *scene = *state;

	open_many(scene, 0, 1, SEVERITY_WARNING);
	scene->answer = scene_always_later;
	open_many(scene, 1, 2000, SEVERITY_WARNING);
	scene_wait(scene, 10 * USEC_PER_SEC);
	for (int i = 0; i <= 2000; i++) {
		struct story story;

		begin(&story, i, SEVERITY_WARNING);
		story.incident.sequence = 1;
		tell(scene, &story, INCIDENT_UPDATED);
		incident_fini(&story.incident);
	}
	scene_forget_tries(scene);
	scene->answer = NULL;
	scene_wait(scene, USEC_PER_MIN);
	assert_int_equal(view(scene).queued, 0);
	assert_true(scene->try_count <= 6);
}

static void
a_stepped_clock_changes_nothing(void **state)
{
	struct scene *scene = *state;

	scene->answer = scene_always_later;
	open_many(scene, 1, 1, SEVERITY_WARNING);
	open_many(scene, 2, 9, SEVERITY_WARNING);
	clock_step_wall(&scene->clock, 40 * USEC_PER_DAY);
	deliver_tick(scene->deliver, NULL, 0);
	scene_wait(scene, 10 * USEC_PER_SEC);
	clock_step_wall(&scene->clock, -80 * USEC_PER_DAY);
	deliver_tick(scene->deliver, NULL, 0);
	scene->answer = NULL;
	scene_forget_tries(scene);
	scene_wait(scene, 10 * USEC_PER_MIN);
	assert_int_equal(view(scene).queued, 0);
	size_t items = 0;
	for (size_t i = 0; i < scene->try_count; i++)
		items += scene_try(scene, i)->digest == NULL ? 1
							     : scene_try(scene, i)->digest->count;
	assert_int_equal(items, 10);
}

static void
machines_hear_every_event(void **state)
{
	struct scene *scene = *state;
	struct story story;
	size_t at_hook = 0;

	scene_add(scene, "hook");
	scene_apply(scene);
	begin(&story, 1, SEVERITY_WARNING);
	scene->answer = scene_always_later;
	tell(scene, &story, INCIDENT_OPENED);
	for (int i = 0; i < 20; i++)
		tell(scene, &story, INCIDENT_UPDATED);
	tell(scene, &story, INCIDENT_ENDED);
	scene_forget_tries(scene);
	scene->answer = NULL;
	scene_wait(scene, USEC_PER_MIN);
	for (size_t i = 0; i < scene->try_count; i++) {
		if (str_eq(scene_try(scene, i)->receiver, "hook"))
			assert_int_equal(scene_try(scene, i)->sequence, ++at_hook);
	}
	assert_int_equal(at_hook, 22);
	assert_int_equal(scene->try_count, 24); /* chat: what was tried, and the newest */
	incident_fini(&story.incident);
}

/* One of two people took it: the next try knows. */
static void
a_digest_remembers_its_tries(void **state)
{
	struct scene *scene = *state;

	memset(&seen, 0, sizeof(seen));
	scene->look = look_at_digests;
	scene->answer = digests_later;
	open_many(scene, 1, 30, SEVERITY_CRITICAL);
	scene_wait(scene, USEC_PER_MIN);
	assert_int_equal(seen.digests, 2);
	assert_string_equal(seen.memory, "ann");
	/* Another one is another mail. */
	open_many(scene, 101, 30, SEVERITY_CRITICAL);
	scene_wait(scene, USEC_PER_MIN);
	assert_true(seen.digests > 2);
	assert_string_equal(seen.memory, "");
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, scene_teardown)
	const struct CMUnitTest tests[] = {
		T(one_goes_as_it_is_and_at_once),
		T(few_go_apart_many_together),
		T(what_the_rate_holds_back_is_one_message),
		T(what_waits_in_a_lane_is_one_letter),
		T(what_was_over_before_anybody_heard_of_it),
		T(an_event_is_told_however_soon_it_was_over),
		T(who_was_away_is_told_in_a_few_words),
		T(five_thousand_are_a_handful),
		T(a_kill_between_loses_all_of_a_digest_or_nothing),
		T(what_may_have_been_tried_is_not_merged),
		T(news_wait_behind_a_digest_that_was_tried),
		T(an_old_digest_keeps_its_endings),
		T(a_refused_digest_is_tried_with_its_endings_alone),
		T(a_receiver_that_goes_and_comes_back_hears_it),
		T(what_has_a_message_of_its_own_ends_there),
		T(news_behind_a_digest_are_few_messages),
		T(a_stepped_clock_changes_nothing),
		T(machines_hear_every_event),
		T(a_digest_remembers_its_tries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

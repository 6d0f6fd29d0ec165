/*
 * The promise of delivery, against a naive model: random events, receivers that fail in turns,
 * kill -9 at any instant, reloads, silences, receivers that go and come back.  After each step
 * every receiver's record must make sense, and in the end it must be the truth: nothing lost,
 * nothing resolved that was not told, one id for one event, order kept per incident; for people
 * through digests, too.  A failure names its seed and step.
 */
#include "tests/deliver/scene.h"

#define STORIES   14
#define RECEIVERS 3
#define BRIEF_US  USEC_PER_MIN

static uint64_t dice_state, the_seed;
static int the_step;

static unsigned
dice(unsigned sides)
{
	dice_state = dice_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(dice_state >> 33) % sides;
}

#define CHECK(what, ...)                                                                           \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			printf("seed %llu step %d: ", (unsigned long long)the_seed, the_step);     \
			printf(__VA_ARGS__);                                                       \
			printf("\n");                                                              \
			fail();                                                                    \
		}                                                                                  \
	} while (0)

/* The truth about one incident, and how much of it is on disk. */
struct truth {
	unsigned sequence;
	bool is_open;
	enum severity severity, worst; /* of this time that it is open */
	usec_t started_us, resolved_us;
};

struct story {
	struct incident incident;
	struct truth now, kept;
};

/* What one receiver took of one incident. */
struct heard {
	unsigned sequence;
	bool is_open;
};

enum health { WELL, DEAD, MOODY, SILENT };

struct reader {
	const char *name;
	bool is_people;
	enum health health;
	struct map *ids;    /* notice id -> what it says (owned) */
	struct map *events; /* what it says -> notice id (owned) */
	struct map *merged; /* ids of events that were told in a digest */
	struct map *taken;  /* ids that were taken */
};

struct world {
	struct scene *scene;
	bool is_exact; /* nobody is silenced or removed: the record equals the truth */
	struct story stories[STORIES];
	unsigned born;
	struct reader readers[RECEIVERS];
	struct map *heard[RECEIVERS]; /* incident id -> struct heard */
	struct map *ended;            /* incident id -> struct truth of stories that are over */
};

static struct world *the_world;

/* ---- receivers ---- */

static size_t
reader_at(const char *name)
{
	for (size_t i = 0; i < RECEIVERS; i++) {
		if (str_eq(the_world->readers[i].name, name))
			return i;
	}
	CHECK(false, "no receiver %s", name);
	return 0;
}

static enum send_result
answer(struct scene *scene, const struct try_made *made)
{
	static const enum send_result moods[] = { SEND_OK, SEND_OK, SEND_LATER, SEND_NONE };

	(void)scene;
	switch (the_world->readers[reader_at(made->receiver)].health) {
	case DEAD:
		return SEND_LATER;
	case MOODY:
		return moods[dice(4)];
	case SILENT:
		return SEND_NONE;
	case WELL:
		break;
	}
	return SEND_OK;
}

static struct heard *
heard_of(size_t reader, const char *incident)
{
	struct heard *heard = map_get(the_world->heard[reader], incident);

	if (heard == NULL) {
		heard = xcalloc(1, sizeof(*heard));
		map_put(the_world->heard[reader], incident, heard);
	}
	return heard;
}

/* ---- what every try must obey ---- */

static char *
words_of(const struct try_made *made)
{
	char *text, *longer;

	if (made->digest == NULL)
		return xasprintf("%s %s %u", made->incident, made->type, made->sequence);
	text = xstrdup("digest");
	for (size_t i = 0; i < made->digest->count; i++) {
		const struct digest_item *item = &made->digest->items[i];

		longer = xasprintf("%s %s:%u:%d", text, item->incident, item->sequence,
			(int)item->is_resolved);
		free(text);
		text = longer;
	}
	return text;
}

/* One id, one event; one event, one id. */
static void
check_identity(struct reader *reader, const struct try_made *made)
{
	char *words = words_of(made);
	const char *before = map_get(reader->ids, made->id), *id;

	CHECK(map_get(reader->merged, made->id) == NULL, "%s: %s was merged and is tried as %s",
		reader->name, words, made->id);
	if (before == NULL)
		map_put(reader->ids, made->id, xstrdup(words));
	else
		CHECK(str_eq(before, words), "%s: %s said %s, and now %s", reader->name, made->id,
			before, words);
	if (made->digest == NULL && !str_ends(made->type, "reminder")) {
		id = map_get(reader->events, words);
		CHECK(id == NULL || str_eq(id, made->id), "%s: %s has ids %s and %s", reader->name,
			words, id, made->id);
		if (id == NULL)
			map_put(reader->events, words, xstrdup(made->id));
	}
	for (size_t i = 0; made->digest != NULL && before == NULL && i < made->digest->count; i++) {
		const char *event = made->digest->items[i].event;

		CHECK(map_get(reader->ids, event) == NULL,
			"%s: %s was tried, and is merged into %s", reader->name, event, made->id);
		map_put(reader->merged, event, reader);
	}
	free(words);
}

static void
take_letter(size_t n, const struct try_made *made)
{
	const struct reader *reader = &the_world->readers[n];
	struct heard *heard = heard_of(n, made->incident);
	bool is_opening = str_ends(made->type, "opened");

	CHECK(heard->is_open || is_opening, "%s: %s %s %u without a beginning", reader->name,
		made->incident, made->type, made->sequence);
	CHECK(made->sequence > heard->sequence || !the_world->is_exact, "%s: %s %u came after %u",
		reader->name, made->incident, made->sequence, heard->sequence);
	CHECK(made->sequence >= heard->sequence, "%s: %s %u came after %u", reader->name,
		made->incident, made->sequence, heard->sequence);
	if (the_world->is_exact && !reader->is_people)
		CHECK(made->sequence == heard->sequence + 1, "%s: %s %u came after %u",
			reader->name, made->incident, made->sequence, heard->sequence);
	heard->sequence = made->sequence;
	heard->is_open = !made->is_resolved;
}

static void
take_digest(size_t n, const struct try_made *made)
{
	const struct reader *reader = &the_world->readers[n];

	CHECK(reader->is_people, "%s got a digest", reader->name);
	for (size_t i = 0; i < made->digest->count; i++) {
		const struct digest_item *item = &made->digest->items[i];
		struct heard *heard = heard_of(n, item->incident);

		CHECK(item->sequence > heard->sequence || !the_world->is_exact,
			"%s: %s %u in a digest came after %u", reader->name, item->incident,
			item->sequence, heard->sequence);
		CHECK(item->was_told == heard->is_open, "%s: %s was told: %d, says %d",
			reader->name, item->incident, (int)heard->is_open, (int)item->was_told);
		CHECK(item->started_us > 0 && (item->resolved_us > 0) == item->is_resolved,
			"%s: %s has no times", reader->name, item->incident);
		heard->sequence = item->sequence;
		heard->is_open = !item->is_resolved;
	}
}

static void
look_at_tries(struct world *world)
{
	struct scene *scene = world->scene;

	for (size_t i = 0; i < scene->try_count; i++) {
		const struct try_made *made = scene_try(scene, i);
		size_t n = reader_at(made->receiver);
		struct reader *reader = &world->readers[n];

		check_identity(reader, made);
		if (!made->is_taken || map_get(reader->taken, made->id) != NULL)
			continue;
		map_put(reader->taken, made->id, reader);
		if (made->digest != NULL)
			take_digest(n, made);
		else
			take_letter(n, made);
	}
	scene_forget_tries(scene);
}

/* ---- what happens ---- */

static void
give_birth(struct world *world, struct story *story)
{
	char id[INCIDENT_ID_LEN + 1];

	snprintf(id, sizeof(id), "%012u", ++world->born);
	scene_incident(&story->incident, id);
	memset(&story->now, 0, sizeof(story->now));
	memset(&story->kept, 0, sizeof(story->kept));
}

static enum incident_event_type
next_event(struct story *story)
{
	static const enum severity levels[] = { SEVERITY_WARNING, SEVERITY_WARNING,
		SEVERITY_CRITICAL };
	enum severity before = story->now.severity;

	if (!story->now.is_open) {
		story->now.severity = story->now.worst = levels[dice(3)];
		return INCIDENT_OPENED;
	}
	if (dice(3) == 0)
		return INCIDENT_ENDED;
	if (dice(3) != 0)
		return INCIDENT_UPDATED;
	story->now.severity = levels[dice(3)];
	if (story->now.severity > story->now.worst)
		story->now.worst = story->now.severity;
	if (story->now.severity == before)
		return INCIDENT_UPDATED;
	return story->now.severity > before ? INCIDENT_ESCALATED : INCIDENT_DEESCALATED;
}

static void
happen(struct world *world, struct story *story)
{
	static const char *const reasons[] = { "first", "facts", "severity", "severity", "repeat",
		"ack", "recovered" };
	struct scene *scene = world->scene;
	struct incident *incident = &story->incident;
	enum incident_event_type type = next_event(story);

	if (type == INCIDENT_OPENED)
		story->now.started_us = loop_wall(scene->loop);
	story->now.resolved_us = type == INCIDENT_ENDED ? loop_wall(scene->loop) : 0;
	story->now.is_open = type != INCIDENT_ENDED;
	incident->status = story->now.is_open ? INCIDENT_OPEN : INCIDENT_RESOLVED;
	incident->severity = story->now.severity;
	incident->started_us = incident->detected_us = story->now.started_us;
	incident->resolved_us = story->now.resolved_us;
	incident->sequence = story->now.sequence;
	scene_event(scene, incident, type, reasons[type]);
	story->now.sequence = incident->sequence;
}

static void
commit(struct world *world)
{
	for (size_t i = 0; i < STORIES; i++)
		world->stories[i].kept = world->stories[i].now;
	scene_commit(world->scene);
	loop_advance(world->scene->loop, 0);
}

/* What was not on disk did not happen: triage finds it out anew. */
static void
power_off(struct world *world)
{
	scene_kill(world->scene);
	look_at_tries(world);
	for (size_t i = 0; i < STORIES; i++) {
		struct story *story = &world->stories[i];

		story->now = story->kept;
		story->incident.sequence = story->kept.sequence;
		story->incident.status = story->kept.is_open ? INCIDENT_OPEN : INCIDENT_RESOLVED;
	}
	scene_boot(world->scene);
}

static void
tick(struct world *world)
{
	const struct incident *open[STORIES];
	size_t count = 0;

	for (size_t i = 0; i < STORIES; i++) {
		if (world->stories[i].now.is_open)
			open[count++] = &world->stories[i].incident;
	}
	deliver_tick(world->scene->deliver, open, count);
}

/* A story that is over, and known to be on disk, makes room for another one. */
static void
renew(struct world *world, struct story *story)
{
	struct truth *truth;

	if (story->now.is_open || story->now.sequence != story->kept.sequence)
		return;
	truth = xmalloc(sizeof(*truth));
	*truth = story->kept;
	if (truth->sequence > 0)
		free(map_put(world->ended, story->incident.id, truth));
	else
		free(truth);
	incident_fini(&story->incident);
	give_birth(world, story);
}

static void
end_silences(struct world *world)
{
	json_t *all = deliver_silences(world->scene->deliver), *one;
	size_t i;
	struct err e;

	json_array_foreach(json_object_get(all, "silences"), i, one) deliver_silence_end(
		world->scene->deliver, json_string_value(json_object_get(one, "id")), &e);
	json_decref(all);
}

static void
silence(struct world *world)
{
	struct err e;
	json_t *ask, *made;

	if (dice(2) == 0) {
		end_silences(world);
		return;
	}
	ask = json_pack("{s:{s:s}, s:s}", "match", "check", "api", "for", "5m");
	made = deliver_silence(world->scene->deliver, ask, &e);
	CHECK(made != NULL, "no silence: %s", e.text);
	json_decref(made);
	json_decref(ask);
}

/* The last one goes, or comes back. */
static void
go_and_come(struct world *world)
{
	struct scene *scene = world->scene;

	scene->receiver_count = scene->receiver_count == RECEIVERS ? RECEIVERS - 1 : RECEIVERS;
	scene_apply(scene);
}

static void
step(struct world *world)
{
	unsigned what = dice(world->is_exact ? 100 : 108);

	if (what < 55)
		happen(world, &world->stories[dice(STORIES)]);
	else if (what < 75)
		commit(world);
	else if (what < 81)
		power_off(world);
	else if (what < 86)
		scene_apply(world->scene);
	else if (what < 91)
		world->readers[dice(RECEIVERS)].health = (enum health)dice(4);
	else if (what < 96)
		renew(world, &world->stories[dice(STORIES)]);
	else if (what < 99)
		tick(world);
	else if (what < 100)
		clock_step_wall(&world->scene->clock, (dice(2) == 0 ? 1 : -1) * 10 * USEC_PER_MIN);
	else if (what < 103)
		silence(world);
	else
		go_and_come(world);
	loop_advance(world->scene->loop, 0);
	look_at_tries(world);
	scene_wait(world->scene, dice(3) == 0 ? dice(20) * USEC_PER_SEC : dice(USEC_PER_SEC));
	look_at_tries(world);
}

/* ---- the end ---- */

/* People need not hear of what was over before its group_wait was. */
static bool
may_be_untold(const struct reader *reader, const struct truth *truth)
{
	return reader->is_people && !truth->is_open && truth->worst < SEVERITY_CRITICAL &&
	       truth->resolved_us - truth->started_us < BRIEF_US;
}

static void
check_record(struct world *world, size_t n, const char *incident, const struct truth *truth)
{
	const struct reader *reader = &world->readers[n];
	const struct heard *heard = heard_of(n, incident);

	CHECK(!heard->is_open || truth->is_open, "%s: %s is over, and it was not told (%u of %u)",
		reader->name, incident, heard->sequence, truth->sequence);
	if (!world->is_exact)
		return;
	if (heard->sequence != truth->sequence)
		CHECK(may_be_untold(reader, truth), "%s: %s: %u of %u arrived", reader->name,
			incident, heard->sequence, truth->sequence);
	else
		CHECK(heard->is_open == truth->is_open, "%s: %s: open %d, told %d", reader->name,
			incident, (int)truth->is_open, (int)heard->is_open);
}

static void
all_is_well(struct world *world)
{
	for (size_t i = 0; i < RECEIVERS; i++)
		world->readers[i].health = WELL;
	world->scene->receiver_count = RECEIVERS;
	scene_apply(world->scene);
	end_silences(world);
	for (int i = 0; i < 30; i++) {
		tick(world);
		commit(world);
		scene_wait(world->scene, 2 * USEC_PER_MIN);
		look_at_tries(world);
	}
	for (int i = 0; i < 3; i++) { /* what the last minutes wrote, and what came of that */
		commit(world);
		scene_wait(world->scene, USEC_PER_MIN);
		look_at_tries(world);
	}
	commit(world);
}

static void
check_truth(struct world *world)
{
	size_t at = 0;
	const char *id;
	void *value;

	for (size_t n = 0; n < RECEIVERS; n++) {
		struct receiver_view view;

		assert_true(deliver_view(world->scene->deliver, n, &view));
		CHECK(view.queued == 0, "%s: %zu wait for \"%s\"", view.name, view.queued,
			view.waits_for);
		CHECK(view.given_up == 0, "%s: gave up %llu", view.name,
			(unsigned long long)view.given_up);
		for (size_t i = 0; i < STORIES; i++) {
			if (world->stories[i].now.sequence > 0)
				check_record(world, n, world->stories[i].incident.id,
					&world->stories[i].now);
		}
	}
	while (map_next(world->ended, &at, &id, &value)) {
		for (size_t n = 0; n < RECEIVERS; n++)
			check_record(world, n, id, value);
	}
	CHECK(scene_docs(world->scene, "outbox") == 0, "letters are left on disk");
}

static void
begin(struct world *world, bool is_exact)
{
	static const char *const names[] = { "hook", "chat", "room" };

	the_world = world;
	world->is_exact = is_exact;
	world->ended = map_new();
	world->scene = scene_new();
	world->scene->commits_late = true;
	world->scene->answer = answer;
	for (size_t i = 0; i < RECEIVERS; i++) {
		struct reader *reader = &world->readers[i];

		reader->name = names[i];
		reader->is_people = i > 0;
		reader->ids = map_new();
		reader->events = map_new();
		reader->merged = map_new();
		reader->taken = map_new();
		world->heard[i] = map_new();
		scene_add_type(world->scene, names[i], i == 0 ? &fake_machine : &fake_people);
	}
	for (size_t i = 0; i < STORIES; i++)
		give_birth(world, &world->stories[i]);
	scene_boot(world->scene);
}

static void
finish(struct world *world)
{
	for (size_t i = 0; i < RECEIVERS; i++) {
		map_free(world->readers[i].ids, free);
		map_free(world->readers[i].events, free);
		map_free(world->readers[i].merged, NULL);
		map_free(world->readers[i].taken, NULL);
		map_free(world->heard[i], free);
	}
	for (size_t i = 0; i < STORIES; i++)
		incident_fini(&world->stories[i].incident);
	map_free(world->ended, free);
	scene_free(world->scene);
}

static void
live(uint64_t seed, int steps, bool is_exact)
{
	struct world world;

	memset(&world, 0, sizeof(world));
	dice_state = the_seed = seed;
	begin(&world, is_exact);
	for (the_step = 0; the_step < steps; the_step++)
		step(&world);
	all_is_well(&world);
	check_truth(&world);
	finish(&world);
}

static uint64_t
first_seed(void)
{
	const char *seed = getenv("PROMISE_SEED");

	return seed == NULL ? 1 : strtoull(seed, NULL, 10);
}

/* Fewer of them where each costs more, as under valgrind. */
static int
steps(void)
{
	const char *count = getenv("PROMISE_STEPS");

	return count == NULL ? 500 : atoi(count);
}

static void
the_record_equals_the_truth(void **state)
{
	(void)state;
	for (uint64_t seed = first_seed(); seed < first_seed() + 25; seed++)
		live(seed, steps(), true);
}

static void
what_was_told_is_ended_whatever_comes_between(void **state)
{
	(void)state;
	for (uint64_t seed = first_seed(); seed < first_seed() + 15; seed++)
		live(1000000 + seed, steps(), false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_record_equals_the_truth),
		cmocka_unit_test(what_was_told_is_ended_whatever_comes_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * What outlives the process: the state of each alert in which something is going on, as JSON under
 * "check\nrule".  After a restart an alert that fired goes on firing until a fresh sample says
 * otherwise; one that was pending keeps the time it has waited, but not the time we were away: its
 * clock stands until the first sample.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "rules/engine.h"

/* A pending alert's elapsed time is written again after this part of what it waits for. */
#define KEEP_PART   10
#define KEEP_MIN_US (5 * USEC_PER_SEC)
/* An age that comes from wall clocks of two processes is believed up to this. */
#define AGE_MAX_US       (30 * USEC_PER_DAY)
#define CHILDREN_WAIT_US (15 * USEC_PER_MIN)

static const char *const phase_names[LEVEL_PHASES] = {
	[LEVEL_QUIET] = "quiet",
	[LEVEL_PENDING] = "pending",
	[LEVEL_FIRING] = "firing",
	[LEVEL_CLEARING] = "clearing",
};

char *
engine_key(const struct alert *alert)
{
	return xasprintf("%s\n%s", alert->check->name, alert->name);
}

static json_t *
level_json(const struct level *level, usec_t now_us)
{
	return json_pack("{s:s, s:I, s:I}", "phase", phase_names[level->phase], "elapsed",
		(json_int_t)level_elapsed(level, now_us), "samples", (json_int_t)level->samples);
}

static json_t *
state_json(const struct live *live, const struct moment *at)
{
	json_t *levels = json_object();

	for (enum severity level = SEVERITY_INFO; level <= SEVERITY_CRITICAL; level++)
		if (live->levels[level].phase != LEVEL_QUIET)
			json_object_set_new(levels, severity_name(level),
				level_json(&live->levels[level], at->now_us));
	return json_pack("{s:s, s:I, s:s?, s:s?, s:o}", "level", severity_name(live->told), "since",
		(json_int_t)live->since_wall_us, "text", live->text, "cause",
		live->cause ? live->cause->code : NULL, "levels", levels);
}

static unsigned
shape_of(const struct live *live)
{
	unsigned shape = live->told;

	for (enum severity level = SEVERITY_INFO; level <= SEVERITY_CRITICAL; level++)
		shape = shape * LEVEL_PHASES + live->levels[level].phase;
	return shape;
}

/* Has anything but elapsed time changed since on_keep was last told? */
static bool
is_worth_keeping(const struct live *live, usec_t now_us)
{
	const struct level_times *times = live->alert->variant->rule->times;
	usec_t patience = INT64_MAX;

	if (live->kept_us == 0 || live->kept_shape != shape_of(live))
		return true;
	for (enum severity level = SEVERITY_INFO; level <= SEVERITY_CRITICAL; level++) {
		uint8_t phase = live->levels[level].phase;
		usec_t wait = phase == LEVEL_PENDING    ? times[level].for_us
			      : phase == LEVEL_CLEARING ? times[level].keep_us
							: INT64_MAX;
		patience = wait / KEEP_PART < patience ? wait / KEEP_PART : patience;
	}
	return now_us - live->kept_us >= (patience > KEEP_MIN_US ? patience : KEEP_MIN_US);
}

void
engine_keep(struct rules *rules, struct live *live, const struct moment *at)
{
	if (!is_worth_keeping(live, at->now_us))
		return;
	char *key = engine_key(live->alert);
	json_t *state = state_json(live, at);
	rules->options.on_keep(rules->options.arg, key, state);
	json_decref(state);
	free(key);
	live->kept_us = at->now_us > 0 ? at->now_us : 1;
	live->kept_shape = shape_of(live);
}

void
engine_forget(struct rules *rules, struct alert *alert)
{
	if (!alert->live || alert->live->kept_us == 0)
		return;
	alert->live->kept_us = 0;
	char *key = engine_key(alert);
	rules->options.on_keep(rules->options.arg, key, NULL);
	free(key);
}

/* --- coming back --- */

static void
restore_level(struct level *level, const json_t *state)
{
	const char *phase = json_string_value(json_object_get(state, "phase"));
	json_int_t elapsed = json_integer_value(json_object_get(state, "elapsed"));
	json_int_t samples = json_integer_value(json_object_get(state, "samples"));

	for (uint8_t i = 0; i < LEVEL_PHASES; i++)
		if (str_eq(phase, phase_names[i]))
			level->phase = i;
	level->samples = samples > 0 && samples < UINT32_MAX ? (uint32_t)samples : 0;
	if (level->phase != LEVEL_PENDING && level->phase != LEVEL_CLEARING)
		return;
	level->mark_us = elapsed > 0 && elapsed < AGE_MAX_US ? elapsed : 0;
	level->is_frozen = true;
}

static void
restore_live(struct live *live, const json_t *state, const struct moment *at)
{
	const char *cause = json_string_value(json_object_get(state, "cause"));
	const char *level = json_string_value(json_object_get(state, "level"));
	const json_t *levels = json_object_get(state, "levels");
	int told = level ? severity_parse(level) : -1;

	live->told = told > 0 ? (enum severity)told : SEVERITY_OK;
	live->cause = cause ? cause_find(cause) : NULL;
	xstrset(&live->text, json_string_value(json_object_get(state, "text")));
	live->since_wall_us = json_integer_value(json_object_get(state, "since"));
	usec_t age = at->wall_us - live->since_wall_us;
	live->since_us = at->now_us - (age < 0 ? 0 : age > AGE_MAX_US ? AGE_MAX_US : age);
	for (enum severity s = SEVERITY_INFO; s <= SEVERITY_CRITICAL; s++)
		restore_level(&live->levels[s], json_object_get(levels, severity_name(s)));
	live->kept_shape = shape_of(live);
	live->kept_us = at->now_us > 0 ? at->now_us : 1;
}

void
engine_restore(struct rules *rules, struct alert *alert, const struct moment *at)
{
	if (map_count(rules->restored) == 0)
		return;
	char *key = engine_key(alert);
	json_t *state = map_remove(rules->restored, key);
	free(key);
	if (!state)
		return;
	struct live *live = engine_live(rules, alert, at->now_us);
	restore_live(live, state, at);
	json_decref(state);
	if (live->told != SEVERITY_OK)
		engine_tell(rules, alert, ALERT_RESTORED, at);
	if (!engine_is_idle(live)) {
		engine_schedule(rules, live, at->now_us);
		return;
	}
	engine_forget(rules, alert);
	if (!engine_is_timed(alert))
		engine_free_live(rules, alert);
}

/* "disks[/var]\ndisk-space" of a parent that is still there. */
static bool
may_still_come(const struct rules *rules, const char *key)
{
	const char *bracket = strchr(key, '[');

	if (!bracket)
		return false;
	char *parent = xstrndup(key, (size_t)(bracket - key));
	bool is_there = engine_find(rules, parent) != NULL;
	free(parent);
	return is_there;
}

static void
drop_one(struct rules *rules, const char *key, json_t *state, const struct moment *at)
{
	const char *level = json_string_value(json_object_get(state, "level"));

	if (level && severity_parse(level) > SEVERITY_OK)
		engine_tell_gone(rules, key, at);
	rules->options.on_keep(rules->options.arg, key, NULL);
	json_decref(state);
}

/* What is left waits: no alert's end may find the map in the middle of a walk. */
static void
begin_waiting(struct rules *rules, struct map *waiting, const struct moment *at)
{
	map_free(rules->restored, NULL);
	rules->restored = waiting;
	rules->restored_until_us =
		map_count(waiting) > 0 ? at->now_us + CHILDREN_WAIT_US : INT64_MAX;
}

void
engine_drop_restored(struct rules *rules, const struct moment *at, bool is_late)
{
	struct map *waiting = map_new();
	const char *key;
	void *state;

	for (size_t i = 0; map_next(rules->restored, &i, &key, &state);) {
		if (!is_late && may_still_come(rules, key))
			map_put(waiting, key, state);
		else
			drop_one(rules, key, state, at);
	}
	begin_waiting(rules, waiting, at);
}

/* "disks[/var]\ndisk-space": is it about a child of this parent that the sample does not list? */
static bool
is_unlisted(const char *key, const struct watched *parent, const struct sample *sample)
{
	size_t len = strlen(parent->name);
	const char *instance = key + len + 1, *end = strstr(key, "]\n");

	if (strncmp(key, parent->name, len) != 0 || key[len] != '[' || !end)
		return false;
	for (size_t i = 0; i < sample->child_count; i++)
		if (strlen(sample->children[i]) == (size_t)(end - instance) &&
			strncmp(sample->children[i], instance, (size_t)(end - instance)) == 0)
			return false;
	return true;
}

void
engine_drop_unlisted(struct rules *rules, const struct watched *parent, const struct sample *sample,
	const struct moment *at)
{
	const char *key;
	void *state;
	bool has_dropped;

	do { /* a map must not change during a walk */
		has_dropped = false;
		for (size_t i = 0; !has_dropped && map_next(rules->restored, &i, &key, &state);) {
			if (!is_unlisted(key, parent, sample))
				continue;
			char *copy = xstrdup(key);
			map_remove(rules->restored, copy);
			drop_one(rules, copy, state, at);
			free(copy);
			has_dropped = true;
		}
	} while (has_dropped);
	if (map_count(rules->restored) == 0)
		rules->restored_until_us = INT64_MAX;
}

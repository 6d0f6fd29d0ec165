/*
 * The engine's outside: sets put in force, checks that come and go, samples fed, time passing.  It
 * owns the checks being watched and their alerts; the rule set is borrowed.
 */
#include "rules/rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "rules/engine.h"

struct rules *
rules_new(const struct rules_options *options)
{
	struct rules *rules = xcalloc(1, sizeof(*rules));

	rules->options = *options;
	rules->checks = map_new_borrowing();
	rules->words = map_new();
	rules->restored = map_new();
	rules->stamp = 1;
	rules->restored_until_us = INT64_MAX;
	heap_init(&rules->due);
	list_init(&rules->live);
	return rules;
}

static void
hear_time(struct rules *rules, const struct moment *at)
{
	rules->heard_us = at->now_us;
	rules->wall_ahead_us = at->wall_us - at->now_us;
}

static void
free_json(void *state)
{
	json_decref(state);
}

static void
free_watched(struct rules *rules, struct watched *check)
{
	for (size_t i = 0; i < check->own_count; i++)
		engine_free_live(rules, &check->own[i]);
	engine_drop_windows(check);
	json_decref(check->labels);
	free(check->own);
	free(check->foreign);
	free(check->kept);
	free(check);
}

void
rules_free(struct rules *rules)
{
	void *check;

	if (!rules)
		return;
	for (size_t at = 0; map_next(rules->checks, &at, NULL, &check);)
		free_watched(rules, check);
	map_free(rules->checks, NULL);
	map_free(rules->words, free);
	engine_drop_menus(rules);
	map_free(rules->restored, free_json);
	heap_fini(&rules->due);
	free(rules);
}

void
rules_restore(struct rules *rules, const char *key, const json_t *state)
{
	json_decref(map_put(rules->restored, key, json_deep_copy(state)));
}

const char *
engine_intern(struct rules *rules, const char *word)
{
	char *copy = map_get(rules->words, word);

	if (!copy) {
		copy = xstrdup(word);
		map_put(rules->words, word, copy);
	}
	return copy;
}

/* --- checks --- */

static json_t *
labels_of(const struct conf_pairs *pairs)
{
	json_t *labels = pairs->count ? json_object() : NULL;

	for (size_t i = 0; i < pairs->count; i++)
		json_object_set_new(labels, pairs->all[i].name, json_string(pairs->all[i].value));
	return labels;
}

/* Another type has another metric table: numbers of the old one mean nothing in it. */
static void
set_type(struct rules *rules, struct watched *check, const char *type)
{
	const char *word = engine_intern(rules, type);

	if (check->type && check->type != word) {
		engine_keep_sample(check, NULL);
		engine_drop_windows(check);
	}
	check->type = word;
}

static void
describe(struct rules *rules, struct watched *check, const struct check_spec *spec)
{
	set_type(rules, check, spec->type);
	check->spec = spec;
	json_decref(check->labels);
	check->labels = labels_of(&spec->common.labels);
	check->interval_us = spec->common.interval_us;
	check->severity = check_severity(&spec->common);
}

static struct watched *
watch(struct rules *rules, const struct check_spec *spec, usec_t now_us)
{
	struct watched *check = engine_find(rules, spec->name);

	if (!check) {
		size_t size = strlen(spec->name) + 1;
		check = xcalloc(1, sizeof(*check) + size);
		memcpy(check->name, spec->name, size);
		check->last_us = now_us;
		map_put(rules->checks, check->name, check);
		rules->stamp++;
	}
	describe(rules, check, spec);
	check->is_claimed = true;
	return check;
}

/* --- alerts of a check --- */

/* The same rule's under the set before, where it mostly has the same place. */
static struct alert *
find_before(const struct watched *old, const char *name, size_t place)
{
	if (place < old->own_count && old->own[place].name == name)
		return &old->own[place];
	for (size_t i = 0; i < old->own_count; i++)
		if (old->own[i].name == name)
			return &old->own[i];
	return NULL;
}

/* The alert of a rule that the check has under the new set: the one of before, or a new one. */
static void
add_alert(struct watched *check, struct alert *before, const struct offer *offer)
{
	struct alert *alert = &check->own[check->own_count++];

	*alert = (struct alert){ .name = offer->name, .check = check };
	if (before) {
		alert->live = before->live;
		before->check = NULL; /* it was taken over */
	}
	if (alert->live) {
		alert->live->alert = alert;
		engine_name_live(alert->live);
	}
	alert->variant = offer->variant;
}

static void
begin_alert(struct rules *rules, struct alert *alert, bool is_new, const struct moment *at)
{
	if (is_new)
		engine_restore(rules, alert, at);
	if (engine_is_timed(alert))
		engine_live(rules, alert, at->now_us);
	if (!alert->live)
		return;
	engine_fit_levels(alert->live);
	engine_reschedule(rules, alert->live, at->now_us);
}

/* Alerts whose rule is not in the set any more go. */
static void
attach(struct rules *rules, struct watched *check, const struct moment *at)
{
	struct watched old = { .own = check->own, .own_count = check->own_count };
	size_t count = engine_pick(rules, check);

	check->own = count > 0 ? xcalloc(count, sizeof(*check->own)) : NULL;
	check->own_count = 0;
	for (size_t i = 0; i < count; i++) {
		const struct offer *offer = &rules->picked[i];
		struct alert *before = find_before(&old, offer->name, i);
		add_alert(check, before, offer);
		begin_alert(rules, &check->own[i], before == NULL, at);
	}
	for (size_t i = 0; i < old.own_count; i++)
		if (old.own[i].check)
			engine_remove(rules, &old.own[i], at);
	free(old.own);
}

/* --- sets --- */

static void
remove_watched(struct rules *rules, struct watched *check, const struct moment *at)
{
	for (size_t i = 0; i < check->own_count; i++)
		engine_remove(rules, &check->own[i], at);
	map_remove(rules->checks, check->name);
	rules->stamp++;
	free_watched(rules, check);
}

/* The new specification of a child's parent; NULL: the parent is gone or is another thing now. */
static const struct check_spec *
parent_of(const struct watched *child, const struct map *specs)
{
	const char *bracket = strchr(child->name, '[');
	char *name = xstrndup(child->name, bracket ? (size_t)(bracket - child->name) : 0);
	const struct check_spec *spec = map_get(specs, name);

	free(name);
	return spec && strcmp(spec->type, child->type) == 0 ? spec : NULL;
}

static bool
has_unclaimed_child(const struct rules *rules)
{
	const char *name;
	void *value;

	for (size_t at = 0; map_next(rules->checks, &at, &name, &value);)
		if (((struct watched *)value)->is_child && !((struct watched *)value)->is_claimed)
			return true;
	return false;
}

/* Children are not in the configuration: they live on with their parent. */
static void
claim_children(struct rules *rules, const struct map *specs)
{
	const char *name;
	void *value;

	for (size_t at = 0; map_next(rules->checks, &at, &name, &value);) {
		struct watched *check = value;
		const struct check_spec *parent =
			check->is_child && !check->is_claimed ? parent_of(check, specs) : NULL;
		if (!parent)
			continue;
		check->is_claimed = true;
		check->interval_us = parent->common.interval_us;
		check->severity = check_severity(&parent->common);
		json_decref(check->labels);
		check->labels = labels_of(&parent->common.labels);
	}
}

/* All checks at this moment: callbacks and removals may then change the map. */
static struct watched **
list_checks(const struct rules *rules, size_t *count)
{
	struct watched **all = xcalloc(map_count(rules->checks) + 1, sizeof(struct watched *));
	const char *name;
	void *value;

	*count = 0;
	for (size_t at = 0; map_next(rules->checks, &at, &name, &value);)
		all[(*count)++] = value;
	return all;
}

static void
claim_checks(
	struct rules *rules, const struct check_spec *const *specs, size_t count, usec_t now_us)
{
	struct map *parents;

	for (size_t i = 0; i < count; i++)
		if (specs[i]->common.enabled)
			watch(rules, specs[i], now_us);
	if (!has_unclaimed_child(rules))
		return;
	parents = map_new_borrowing();
	for (size_t i = 0; i < count; i++)
		if (specs[i]->common.enabled)
			map_put(parents, specs[i]->name, (void *)(uintptr_t)(const void *)specs[i]);
	claim_children(rules, parents);
	map_free(parents, NULL);
}

void
rules_apply(struct rules *rules, const struct rule_set *set, const struct check_spec *const *specs,
	size_t count, usec_t now_us, usec_t wall_us)
{
	const struct moment at = { now_us, wall_us };
	size_t n;
	struct watched **all = list_checks(rules, &n);

	rules->set = set;
	engine_write_menus(rules);
	hear_time(rules, &at);
	for (size_t i = 0; i < n; i++)
		all[i]->is_claimed = false;
	free(all);
	claim_checks(rules, specs, count, now_us);
	all = list_checks(rules, &n);
	for (size_t i = 0; i < n; i++) {
		if (all[i]->is_claimed)
			attach(rules, all[i], &at);
		else
			remove_watched(rules, all[i], &at);
	}
	free(all);
	engine_rewire(rules, now_us);
	if (map_count(rules->restored) > 0)
		engine_drop_restored(rules, &at, false);
	log_debug("rules: windows take %zu kB at most", rules_window_bytes(rules) / 1000);
}

/* Alerts of rules that are about this one check: others may look at where they lie. */
static bool
is_looked_at(const struct watched *check)
{
	for (size_t i = 0; i < check->own_count; i++)
		if (!check->own[i].variant->rule->is_each)
			return true;
	return false;
}

void
rules_add_child(struct rules *rules, const struct check_spec *child, usec_t now_us)
{
	const struct moment at = { now_us, now_us + rules->wall_ahead_us };

	if (!rules->set)
		return;
	struct watched *check = watch(rules, child, now_us);
	bool has_moved = is_looked_at(check);
	check->is_child = true;
	attach(rules, check, &at);
	if (has_moved)
		engine_rewire(rules, now_us);
	else
		engine_wire_one(rules, check, now_us);
}

void
rules_remove_child(
	struct rules *rules, const struct check_spec *child, usec_t now_us, usec_t wall_us)
{
	const struct moment at = { now_us, wall_us };
	struct watched *check = engine_find(rules, child->name);
	bool is_seen = check && is_looked_at(check);

	if (!check)
		return;
	remove_watched(rules, check, &at);
	if (is_seen)
		engine_rewire(rules, now_us);
}

/* --- samples and time --- */

/* The streak of failures that a "down" alert begins with.  An error neither counts nor resets. */
static void
note_outcome(struct watched *check, const struct sample *sample, const struct moment *at)
{
	if (sample->outcome == OUTCOME_FAIL) {
		check->fail_cause = sample->cause;
		if (check->fail_us)
			return;
		check->fail_us = at->now_us > 0 ? at->now_us : 1;
		check->fail_wall_us = at->wall_us;
	} else if (sample->outcome == OUTCOME_OK) {
		check->fail_us = check->fail_wall_us = 0;
	}
}

static bool
is_busy(const struct watched *check)
{
	return check->live_count > 0 || check->is_mentioned;
}

/*
 * After a start the scheduler counts failures anew, so the first ones make a check suspect that may
 * have been down for hours: until it was up or down once, neither is known.  Nothing that fired
 * ends on such a sample.
 */
static const struct sample *
without_guess(struct watched *check, const struct sample *sample, struct sample *copy)
{
	if (sample->state == CHECK_UP || sample->state == CHECK_DOWN)
		check->is_settled = true;
	if (check->is_settled)
		return sample;
	*copy = *sample;
	copy->state = CHECK_UNKNOWN;
	return copy;
}

/* Nothing is going on: an alert whose gates are closed stays quiet. */
static void
judge_open(struct rules *rules, struct watched *check, const struct moment *at)
{
	const struct menu *menu = check->menu;
	const struct sample *sample = rules->fed_sample;
	size_t next = 0;

	for (size_t i = 0;; i++) {
		i = expr_gate_next(menu->gates, menu->gate_count, i, sample, check->seen);
		if (i == menu->gate_count)
			return;
		if (menu->gates[i].place < next)
			continue;
		engine_judge(rules, &check->own[menu->gates[i].place], at);
		next = menu->gates[i].place + (size_t)1;
	}
}

static void
judge_all(struct rules *rules, struct watched *check, const struct moment *at)
{
	if (check->menu && check->live_count == 0 && !rules->options.on_verdict)
		judge_open(rules, check, at);
	else
		for (size_t i = 0; i < check->own_count; i++)
			engine_judge(rules, &check->own[i], at);
	for (size_t i = 0; i < check->foreign_count; i++)
		engine_judge(rules, check->foreign[i], at);
}

static void
feed(struct rules *rules, struct watched *check, const struct sample *sample)
{
	const struct moment at = { sample->started_us + sample->took_us, sample->wall_us };
	struct sample copy;

	if (!check || sample->outcome == OUTCOME_NONE)
		return;
	hear_time(rules, &at);
	check->last_us = at.now_us;
	check->has_sample = true;
	note_outcome(check, sample, &at);
	engine_feed_windows(check, sample, &at);
	rules->fed = check;
	rules->fed_sample = without_guess(check, sample, &copy);
	judge_all(rules, check, &at);
	engine_keep_sample(check, is_busy(check) ? rules->fed_sample : NULL);
	rules->fed = NULL;
	rules->fed_sample = NULL;
	if (sample->outcome == OUTCOME_OK && map_count(rules->restored) > 0)
		engine_drop_unlisted(rules, check, sample, &at);
}

void
rules_feed(struct rules *rules, const char *name, const struct sample *sample)
{
	feed(rules, engine_find(rules, name), sample);
}

void
rules_feed_tied(
	struct rules *rules, struct check_ties *ties, const char *name, const struct sample *sample)
{
	if (ties->rules_stamp != rules->stamp) {
		ties->rules = engine_find(rules, name);
		ties->rules_stamp = rules->stamp;
	}
	feed(rules, ties->rules, sample);
}

bool
rules_awaits_children(const struct rules *rules)
{
	return map_count(rules->restored) > 0;
}

static struct live *
first_due(const struct rules *rules)
{
	struct heap_node *node = heap_first(&rules->due);

	return node ? (struct live *)(void *)((char *)node - offsetof(struct live, due)) : NULL;
}

usec_t
rules_due(const struct rules *rules)
{
	const struct live *live = first_due(rules);
	usec_t next = live ? live->due.due : INT64_MAX;

	return next < rules->restored_until_us ? next : rules->restored_until_us;
}

usec_t
rules_tick(struct rules *rules, usec_t now_us, usec_t wall_us)
{
	const struct moment at = { now_us, wall_us };
	struct live *live;

	hear_time(rules, &at);
	while ((live = first_due(rules)) && live->due.due <= now_us) {
		heap_remove(&rules->due, &live->due);
		engine_tick(rules, live, &at);
	}
	if (rules->restored_until_us <= now_us)
		engine_drop_restored(rules, &at, true);
	return rules_due(rules);
}

/* --- for the API --- */

static const char *
state_of(const struct live *live)
{
	bool is_frozen = false;

	for (enum severity level = SEVERITY_INFO; level <= SEVERITY_CRITICAL; level++) {
		if (live->levels[level].phase == LEVEL_FIRING)
			return "firing";
		is_frozen = is_frozen || live->levels[level].is_frozen;
	}
	if (live->told != SEVERITY_OK)
		return "clearing";
	return is_frozen ? "unknown" : "pending";
}

static enum severity
severity_of(const struct live *live)
{
	for (enum severity level = SEVERITY_CRITICAL; level > SEVERITY_OK; level--)
		if (live->told == SEVERITY_OK && live->levels[level].phase == LEVEL_PENDING)
			return level;
	return live->told;
}

size_t
rules_view(const struct rules *rules, struct alert_view *out, size_t max)
{
	size_t count = 0;

	LIST_EACH(it, &rules->live)
	{
		const struct live *live = LIST_ENTRY(it, struct live, node);
		if (count == max)
			break;
		if (engine_is_idle(live))
			continue;
		out[count++] = (struct alert_view){ .check = live->alert->check->name,
			.rule = live->alert->name,
			.text = live->text ? live->text : "",
			.state = state_of(live),
			.severity = severity_of(live),
			.since_us = live->since_wall_us };
	}
	return count;
}

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
	rules->checks = map_new();
	rules->words = map_new();
	rules->restored = map_new();
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
	for (size_t i = 0; i < check->own_count; i++) {
		engine_free_live(rules, check->own[i]);
		free(check->own[i]);
	}
	engine_drop_windows(check);
	json_decref(check->labels);
	free(check->own);
	free(check->foreign);
	free(check->kept);
	free(check->name);
	free(check->instance);
	free(check->target);
	free(check);
}

void
rules_free(struct rules *rules)
{
	const char *name;
	void *check;

	if (!rules)
		return;
	for (size_t at = 0; map_next(rules->checks, &at, &name, &check);)
		free_watched(rules, check);
	map_free(rules->checks, NULL);
	map_free(rules->words, free);
	map_free(rules->restored, free_json);
	heap_fini(&rules->due);
	free(rules);
}

void
rules_restore(struct rules *rules, const char *key, const json_t *state)
{
	json_decref(map_put(rules->restored, key, json_deep_copy(state)));
}

/* One copy of a word, for as long as the engine lives. */
static const char *
intern(struct rules *rules, const char *word)
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
	const char *word = intern(rules, type);

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
	xstrset(&check->instance, spec->instance);
	xstrset(&check->target, spec->target);
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
		check = xcalloc(1, sizeof(*check));
		check->name = xstrdup(spec->name);
		check->last_us = now_us;
		map_put(rules->checks, spec->name, check);
	}
	describe(rules, check, spec);
	check->is_claimed = true;
	return check;
}

/* --- alerts of a check --- */

static struct alert *
find_alert(const struct watched *check, const char *name)
{
	for (size_t i = 0; i < check->own_count; i++)
		if (strcmp(check->own[i]->name, name) == 0)
			return check->own[i];
	return NULL;
}

static void
add_alert(struct rules *rules, struct watched *check, const struct rule *rule,
	const struct rule_variant *variant, const struct moment *at)
{
	struct alert *alert = find_alert(check, rule->name);
	bool is_new = alert == NULL;

	if (is_new) {
		alert = xcalloc(1, sizeof(*alert));
		alert->name = intern(rules, rule->name);
		alert->check = check;
		check->own = xreallocarray(check->own, check->own_count + 1, sizeof(*check->own));
		check->own[check->own_count++] = alert;
	}
	alert->rule = rule;
	alert->variant = variant;
	alert->is_claimed = true;
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
drop_unclaimed(struct rules *rules, struct watched *check, const struct moment *at)
{
	size_t left = 0;

	for (size_t i = 0; i < check->own_count; i++) {
		struct alert *alert = check->own[i];
		if (alert->is_claimed) {
			check->own[left++] = alert;
			continue;
		}
		engine_remove(rules, alert, at);
		free(alert);
	}
	check->own_count = left;
}

static void
attach(struct rules *rules, struct watched *check, const struct moment *at)
{
	for (size_t i = 0; i < check->own_count; i++)
		check->own[i]->is_claimed = false;
	for (size_t i = 0; i < rules->set->count; i++) {
		const struct rule *rule = &rules->set->rules[i];
		const struct rule_variant *variant =
			rule_variant_for(rule, check->name, check->type);
		if (variant)
			add_alert(rules, check, rule, variant, at);
	}
	drop_unclaimed(rules, check, at);
}

/* --- who looks at whom --- */

static void
add_foreign(struct watched *check, struct alert *alert)
{
	for (size_t i = 0; i < check->foreign_count; i++)
		if (check->foreign[i] == alert)
			return;
	check->foreign =
		xreallocarray(check->foreign, check->foreign_count + 1, sizeof(*check->foreign));
	check->foreign[check->foreign_count++] = alert;
}

/* Windows of the check's own `each` rules. */
static void
need_own(struct watched *check)
{
	const struct expr *expr;

	for (size_t i = 0; i < check->own_count; i++)
		for (size_t n = 0; (expr = engine_expr_at(check->own[i]->variant, n)); n++)
			for (size_t w = 0; w < expr_window_count(expr); w++)
				if (strcmp(expr_window_at(expr, w)->check, "this") == 0)
					engine_need_window(check, expr_window_at(expr, w));
}

/* What one expression asks of checks that it names. */
static void
need_named(struct rules *rules, const struct expr *expr)
{
	const char *name;

	for (size_t n = 0; (name = expr_check_at(expr, n)); n++) {
		struct watched *check = engine_find(rules, name);
		if (check)
			check->is_mentioned = true;
	}
	for (size_t n = 0; n < expr_window_count(expr); n++) {
		const struct expr_window *window = expr_window_at(expr, n);
		struct watched *check = engine_find(rules, window->check);
		if (check)
			engine_need_window(check, window);
	}
}

/* A rule without `each` is judged when any check that it names has a sample. */
static void
wire(struct rules *rules, const struct rule *rule, const struct expr *expr)
{
	struct watched *owner = rule->is_each ? NULL : engine_find(rules, rule->owner);
	struct alert *alert = owner ? find_alert(owner, rule->name) : NULL;
	const char *name;

	need_named(rules, expr);
	for (size_t n = 0; alert && (name = expr_check_at(expr, n)); n++) {
		struct watched *check = engine_find(rules, name);
		if (check && check != owner)
			add_foreign(check, alert);
	}
}

static void
wire_all(struct rules *rules)
{
	const struct expr *expr;

	for (size_t i = 0; i < rules->set->count; i++) {
		const struct rule *rule = &rules->set->rules[i];
		for (size_t v = 0; v < rule->variant_count; v++)
			for (size_t n = 0; (expr = engine_expr_at(&rule->variants[v], n)); n++)
				wire(rules, rule, expr);
	}
}

static void
rewire(struct rules *rules, usec_t now_us)
{
	const char *name;
	void *value;

	for (size_t at = 0; map_next(rules->checks, &at, &name, &value);) {
		struct watched *check = value;
		check->foreign_count = 0;
		check->is_mentioned = false;
		for (size_t i = 0; i < check->window_count; i++)
			check->windows[i].is_needed = false;
		need_own(check);
	}
	wire_all(rules);
	for (size_t at = 0; map_next(rules->checks, &at, &name, &value);)
		engine_fit_windows(rules, value, now_us);
}

/* --- sets --- */

static void
remove_watched(struct rules *rules, struct watched *check, const struct moment *at)
{
	for (size_t i = 0; i < check->own_count; i++)
		engine_remove(rules, check->own[i], at);
	map_remove(rules->checks, check->name);
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
	struct map *by_name = map_new();

	for (size_t i = 0; i < count; i++) {
		if (!specs[i]->common.enabled)
			continue;
		watch(rules, specs[i], now_us);
		map_put(by_name, specs[i]->name, (void *)(uintptr_t)(const void *)specs[i]);
	}
	claim_children(rules, by_name);
	map_free(by_name, NULL);
}

void
rules_apply(struct rules *rules, const struct rule_set *set, const struct check_spec *const *specs,
	size_t count, usec_t now_us, usec_t wall_us)
{
	const struct moment at = { now_us, wall_us };
	size_t n;
	struct watched **all = list_checks(rules, &n);

	rules->set = set;
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
	rewire(rules, now_us);
	if (map_count(rules->restored) > 0)
		engine_drop_restored(rules, &at, false);
	log_debug("rules: windows take %zu kB at most", rules_window_bytes(rules) / 1000);
}

void
rules_add_child(struct rules *rules, const struct check_spec *child, usec_t now_us)
{
	const struct moment at = { now_us, now_us + rules->wall_ahead_us };

	if (!rules->set)
		return;
	struct watched *check = watch(rules, child, now_us);
	check->is_child = true;
	attach(rules, check, &at);
	need_own(check);
	wire_all(rules); /* other checks have been asked already for what they are asked again */
	engine_fit_windows(rules, check, now_us);
}

void
rules_remove_child(
	struct rules *rules, const struct check_spec *child, usec_t now_us, usec_t wall_us)
{
	const struct moment at = { now_us, wall_us };
	struct watched *check = engine_find(rules, child->name);

	if (!check)
		return;
	remove_watched(rules, check, &at);
	rewire(rules, now_us);
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
	for (size_t i = 0; i < check->own_count; i++)
		if (check->own[i]->live)
			return true;
	return check->is_mentioned;
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

static void
judge_all(struct rules *rules, struct watched *check, const struct moment *at)
{
	for (size_t i = 0; i < check->own_count; i++)
		engine_judge(rules, check->own[i], at);
	for (size_t i = 0; i < check->foreign_count; i++)
		engine_judge(rules, check->foreign[i], at);
}

void
rules_feed(struct rules *rules, const char *name, const struct sample *sample)
{
	struct watched *check = engine_find(rules, name);
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
	usec_t next = live ? live->due.due : INT64_MAX;
	return next < rules->restored_until_us ? next : rules->restored_until_us;
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

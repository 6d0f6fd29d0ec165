/*
 * Verdicts into levels, levels into events.  The alert stands at its highest level that is on; with
 * `clear` it stays at its lowest until that is true.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "rules/engine.h"

/* How often an expression that changes by time alone is looked at without a sample. */
#define TIMED_US (30 * USEC_PER_SEC)

struct verdicts {
	enum level_word word[LEVELS];
	bool has_level[LEVELS];
	bool is_known; /* all of them could be judged */
	bool is_true;  /* at least one is */
	enum verdict clear;
};

/* The highest level that the "down" alert of a check may have by now. */
static enum severity
down_cap(const struct alert *alert, const struct moment *at)
{
	const struct watched *check = alert->check;
	enum severity level = SEVERITY_CRITICAL;

	if (check->fail_cause) {
		usec_t since = alert->live && alert->live->since_us ? alert->live->since_us
			       : check->fail_us                     ? check->fail_us
								    : at->now_us;
		level = cause_level_at_age(check->fail_cause, at->now_us - since);
	}
	if (level < SEVERITY_INFO)
		level = SEVERITY_INFO;
	return level < check->severity ? level : check->severity;
}

/* A check that was told to be down is well again when it is up, and not because its count of
 * failures or its start_period began anew. */
static bool
is_premature(struct rules *rules, const struct alert *alert, enum verdict verdict)
{
	if (!alert->variant->rule->is_down || verdict != VERDICT_FALSE)
		return false;
	if (!alert->live || alert->live->told == SEVERITY_OK)
		return false;
	const struct sample *sample = engine_sample(rules, alert->check);
	return sample && sample->state != CHECK_UP;
}

static void
judge_levels(
	struct rules *rules, const struct alert *alert, const struct moment *at, struct verdicts *v)
{
	static const enum level_word words[] = { [VERDICT_FALSE] = HEARD_FALSE,
		[VERDICT_TRUE] = HEARD_TRUE,
		[VERDICT_UNKNOWN] = HEARD_UNKNOWN };
	struct expr_world world = engine_world(rules, alert, at->now_us);
	enum severity cap = alert->variant->rule->is_down ? down_cap(alert, at) : SEVERITY_CRITICAL;
	const struct expr *last = NULL;
	enum verdict verdict = VERDICT_UNKNOWN;

	*v = (struct verdicts){ .is_known = true, .clear = VERDICT_TRUE };
	for (enum severity level = SEVERITY_INFO; level <= SEVERITY_CRITICAL; level++) {
		const struct expr *when = rule_when(alert->variant->rule, alert->variant, level);
		if (!when)
			continue;
		if (when != last)
			verdict = expr_verdict(when, &world);
		if (is_premature(rules, alert, verdict))
			verdict = VERDICT_UNKNOWN;
		last = when;
		bool is_capped = verdict == VERDICT_TRUE && level > cap;
		v->has_level[level] = true;
		v->word[level] = is_capped ? HEARD_FALSE : words[verdict];
		v->is_known = v->is_known && verdict != VERDICT_UNKNOWN;
		v->is_true = v->is_true || v->word[level] == HEARD_TRUE;
	}
	if (alert->variant->clear)
		v->clear = expr_verdict(alert->variant->clear, &world);
}

/* It has not been known for long: on_no_data decides about what is unknown. */
static void
judge_no_data(const struct alert *alert, struct verdicts *v)
{
	enum severity lowest = rule_lowest(alert->variant->rule, alert->variant);

	if (alert->variant->rule->conf.on_no_data == NO_DATA_ALERT &&
		v->word[lowest] == HEARD_UNKNOWN) {
		v->word[lowest] = HEARD_TRUE;
		v->is_true = true;
	}
	if (alert->variant->rule->conf.on_no_data != NO_DATA_OK)
		return;
	for (enum severity level = SEVERITY_INFO; level <= SEVERITY_CRITICAL; level++)
		if (v->word[level] == HEARD_UNKNOWN)
			v->word[level] = HEARD_FALSE;
	if (v->clear == VERDICT_UNKNOWN)
		v->clear = VERDICT_TRUE;
}

bool
engine_is_timed(const struct alert *alert)
{
	return alert->variant->is_timed || alert->variant->rule->conf.on_no_data == NO_DATA_ALERT;
}

bool
engine_is_idle(const struct live *live)
{
	if (live->told != SEVERITY_OK)
		return false;
	for (enum severity level = SEVERITY_INFO; level <= SEVERITY_CRITICAL; level++)
		if (live->levels[level].phase != LEVEL_QUIET)
			return false;
	return true;
}

void
engine_name_live(struct live *live)
{
	const struct check_spec *spec = live->alert->check->spec;

	xstrset(&live->instance, spec->instance);
	xstrset(&live->target, spec->target);
}

struct live *
engine_live(struct rules *rules, struct alert *alert, usec_t now_us)
{
	struct live *live = alert->live;

	if (live)
		return live;
	live = alert->live = xcalloc(1, sizeof(*live));
	live->alert = alert;
	live->known_us = now_us;
	alert->check->live_count++;
	engine_name_live(live);
	list_append(&rules->live, &live->node);
	return live;
}

void
engine_free_live(struct rules *rules, struct alert *alert)
{
	struct live *live = alert->live;

	if (!live)
		return;
	heap_remove(&rules->due, &live->due);
	list_remove(&live->node);
	free(live->text);
	free(live->shown);
	free(live->instance);
	free(live->target);
	free(live);
	alert->live = NULL;
	alert->check->live_count--;
}

static usec_t
sooner(usec_t a, usec_t b)
{
	return a < b ? a : b;
}

/* When the level of a "down" alert rises by the age of its cause alone. */
static usec_t
rise_due(const struct live *live, usec_t now_us)
{
	const struct cause *cause = live->alert->check->fail_cause;
	usec_t due = INT64_MAX;

	if (!live->alert->variant->rule->is_down || !cause || live->told == SEVERITY_OK)
		return due;
	const usec_t ages[] = { cause->warning_after_us, cause->critical_after_us };
	for (size_t i = 0; i < sizeof(ages) / sizeof(*ages); i++)
		if (ages[i] > 0 && live->since_us + ages[i] > now_us)
			due = sooner(due, live->since_us + ages[i]);
	return due;
}

/* When the lack of data changes something. */
static usec_t
no_data_due(const struct live *live, usec_t now_us)
{
	const struct alert *alert = live->alert;
	usec_t stale_us = alert->check->last_us + engine_patience(alert->check);
	usec_t blind_us = live->known_us + engine_patience(alert->check);
	usec_t due = INT64_MAX;

	if (alert->variant->rule->conf.on_no_data != NO_DATA_KEEP && blind_us > now_us)
		due = blind_us;
	for (enum severity level = SEVERITY_INFO; level <= SEVERITY_CRITICAL; level++) {
		const struct level *l = &live->levels[level];
		bool is_waiting = l->phase == LEVEL_PENDING || l->phase == LEVEL_CLEARING;
		if (is_waiting && !l->is_frozen && stale_us > now_us)
			due = sooner(due, stale_us);
		/* Nobody but us will say a second time that there is no data. */
		if (live->has_no_data && l->phase == LEVEL_PENDING) {
			usec_t held_us = l->mark_us + alert->variant->rule->times[level].for_us;
			due = sooner(due, held_us > now_us ? held_us : now_us + USEC_PER_SEC);
		}
	}
	return due;
}

void
engine_schedule(struct rules *rules, struct live *live, usec_t now_us)
{
	usec_t due = sooner(rise_due(live, now_us), no_data_due(live, now_us));

	for (enum severity level = SEVERITY_INFO; level <= SEVERITY_CRITICAL; level++)
		due = sooner(due,
			level_due(&live->levels[level], &live->alert->variant->rule->times[level]));
	if (live->alert->variant->is_timed)
		due = sooner(due, now_us + TIMED_US);
	live->due.due = due;
	if (due == INT64_MAX)
		heap_remove(&rules->due, &live->due);
	else
		heap_insert(&rules->due, &live->due);
}

void
engine_reschedule(struct rules *rules, struct live *live, usec_t now_us)
{
	bool is_overdue = live->due.place > 0 && live->due.due <= now_us;

	engine_schedule(rules, live, now_us);
	if (!is_overdue)
		return;
	live->due.due = now_us;
	heap_insert(&rules->due, &live->due);
}

static enum severity
highest_on(const struct live *live)
{
	for (enum severity level = SEVERITY_CRITICAL; level > SEVERITY_OK; level--)
		if (level_is_on(&live->levels[level]))
			return level;
	return SEVERITY_OK;
}

static void
announce(struct rules *rules, struct live *live, enum severity next, const struct moment *at)
{
	struct alert *alert = live->alert;
	enum severity before = live->told;
	const struct cause *cause = alert->check->fail_cause;

	live->told = next;
	if (before == SEVERITY_OK && next != SEVERITY_OK)
		engine_tell(rules, alert, ALERT_FIRES, at);
	else if (next == SEVERITY_OK && before != SEVERITY_OK)
		engine_tell(rules, alert, ALERT_ENDS, at);
	else if (next != before)
		engine_tell(rules, alert, next > before ? ALERT_RISES : ALERT_FALLS, at);
	else if (next != SEVERITY_OK && alert->variant->rule->is_down && cause &&
		 cause != live->cause) {
		engine_tell(rules, alert, ALERT_CAUSE, at);
		live->kept_shape = UINT32_MAX; /* the new cause is worth keeping */
	}
}

/*
 * An alert ends when every level is false.  One that is true and still waits for its `for` keeps
 * it: at that level, which needs to wait no longer, if it is no higher than what was told; else the
 * alert stays as it is until that level is decided.
 */
static enum severity
hold_pending(struct live *live)
{
	enum severity held = SEVERITY_OK;

	for (enum severity level = SEVERITY_CRITICAL; level > SEVERITY_OK; level--) {
		if (live->levels[level].phase != LEVEL_PENDING)
			continue;
		if (level <= live->told) {
			live->levels[level] = (struct level){ .phase = LEVEL_FIRING };
			return level;
		}
		held = live->told;
	}
	return held;
}

/* Says what changed, persists it, and lets go of an alert in which nothing is going on. */
static void
settle(struct rules *rules, struct live *live, enum verdict clear, const struct moment *at)
{
	struct alert *alert = live->alert;
	enum severity next = highest_on(live);

	if (next == SEVERITY_OK && live->told != SEVERITY_OK)
		next = clear == VERDICT_TRUE ? hold_pending(live)
					     : rule_lowest(alert->variant->rule, alert->variant);
	announce(rules, live, next, at);
	if (!engine_is_idle(live)) {
		engine_keep(rules, live, at);
		engine_schedule(rules, live, at->now_us);
		return;
	}
	engine_forget(rules, alert);
	live->since_us = live->since_wall_us = 0;
	if (engine_is_timed(alert))
		engine_schedule(rules, live, at->now_us);
	else
		engine_free_live(rules, alert);
}

static void
begin(struct live *live, const struct moment *at)
{
	const struct watched *check = live->alert->check;
	bool is_streak = live->alert->variant->rule->is_down && check->fail_us;

	live->since_us = is_streak ? check->fail_us : at->now_us;
	live->since_wall_us = is_streak ? check->fail_wall_us : at->wall_us;
}

/* The nearest level below that the rule has, else the nearest above. */
static enum severity
neighbour(const struct alert *alert, enum severity level)
{
	for (enum severity below = level; below-- > SEVERITY_INFO;)
		if (rule_when(alert->variant->rule, alert->variant, below))
			return below;
	while (++level <= SEVERITY_CRITICAL)
		if (rule_when(alert->variant->rule, alert->variant, level))
			return level;
	return SEVERITY_OK;
}

void
engine_fit_levels(struct live *live)
{
	for (enum severity level = SEVERITY_INFO; level <= SEVERITY_CRITICAL; level++) {
		if (!level_is_on(&live->levels[level]) ||
			rule_when(live->alert->variant->rule, live->alert->variant, level))
			continue;
		enum severity next = neighbour(live->alert, level);
		if (next != SEVERITY_OK && !level_is_on(&live->levels[next]))
			live->levels[next] = live->levels[level];
	}
}

static void
hear(struct live *live, const struct verdicts *v, const struct moment *at)
{
	const struct level_times *times = live->alert->variant->rule->times;

	for (enum severity level = SEVERITY_INFO; level <= SEVERITY_CRITICAL; level++)
		level_hear(&live->levels[level], v->has_level[level] ? v->word[level] : HEARD_RESET,
			&times[level], at->now_us);
}

/* Nothing is going on and nothing begins: so it is with nearly every sample. */
static bool
stays_quiet(struct rules *rules, const struct alert *alert, const struct moment *at)
{
	struct expr *const *when = alert->variant->when;
	const struct expr *last = NULL;

	if (alert->live || rules->options.on_verdict)
		return false;
	struct expr_world world = engine_world(rules, alert, at->now_us);
	for (enum severity level = SEVERITY_INFO; level <= SEVERITY_CRITICAL; level++) {
		if (when[level] && when[level] != last &&
			expr_verdict(when[level], &world) == VERDICT_TRUE)
			return false;
		last = when[level];
	}
	return true;
}

void
engine_judge(struct rules *rules, struct alert *alert, const struct moment *at)
{
	struct verdicts v;

	if (stays_quiet(rules, alert, at))
		return;
	judge_levels(rules, alert, at, &v);
	if (rules->options.on_verdict)
		rules->options.on_verdict(
			rules->options.arg, alert->check->name, v.is_known, at->now_us);
	if (!alert->live && !v.is_true)
		return;
	struct live *live = engine_live(rules, alert, at->now_us);
	if (v.is_known)
		live->known_us = at->now_us;
	live->has_no_data =
		!v.is_known && at->now_us - live->known_us >= engine_patience(alert->check);
	if (live->has_no_data)
		judge_no_data(alert, &v);
	if (engine_is_idle(live) && v.is_true)
		begin(live, at);
	if (v.is_true && rules->fed == alert->check && rules->fed_sample->outcome != OUTCOME_OK)
		xstrset(&live->text, rules->fed_sample->text);
	hear(live, &v, at);
	settle(rules, live, v.clear, at);
	if (alert->live && v.is_known)
		engine_follow_text(rules, alert, at);
}

void
engine_tick(struct rules *rules, struct live *live, const struct moment *at)
{
	struct alert *alert = live->alert;
	const struct watched *check = alert->check;
	bool is_stale = at->now_us - check->last_us >= engine_patience(check);

	if (alert->variant->is_timed || alert->variant->rule->conf.on_no_data != NO_DATA_KEEP ||
		alert->variant->rule->is_down || is_stale) {
		engine_judge(rules, alert, at);
		return;
	}
	for (enum severity level = SEVERITY_INFO; level <= SEVERITY_CRITICAL; level++)
		level_tick(&live->levels[level], &alert->variant->rule->times[level], at->now_us);
	enum verdict clear = VERDICT_TRUE;
	if (alert->variant->clear) {
		struct expr_world world = engine_world(rules, alert, at->now_us);
		clear = expr_verdict(alert->variant->clear, &world);
	}
	settle(rules, live, clear, at);
}

void
engine_remove(struct rules *rules, struct alert *alert, const struct moment *at)
{
	struct live *live = alert->live;

	if (!live)
		return;
	if (live->told != SEVERITY_OK) {
		live->told = SEVERITY_OK;
		engine_tell(rules, alert, ALERT_REMOVED, at);
	}
	engine_forget(rules, alert);
	engine_free_live(rules, alert);
}

/* Where each rule of a check stands, with its limits: for people's eyes and for plots. */
#include <string.h>

#include "model/record.h"
#include "rules/engine.h"

struct limits {
	json_t *list;
	const char *check;
	enum severity severity;
};

static void
add_limit(void *arg, const struct expr_bound *bound)
{
	const struct limits *limits = arg;
	json_t *one;

	if (strcmp(bound->check, "this") != 0 && strcmp(bound->check, limits->check) != 0)
		return;
	one = json_object();
	json_object_set_new(one, "severity", json_string(severity_name(limits->severity)));
	json_object_set_new(one, "metric", record_text(bound->metric->name));
	json_object_set_new(one, "op", json_string(bound->op));
	json_object_set_new(one, "value", json_real(bound->value));
	json_object_set_new(one, "unit", json_string(unit_symbol(bound->metric->unit)));
	json_array_append_new(limits->list, one);
}

static json_t *
limits_of(const struct alert *alert)
{
	struct limits limits = { .list = json_array(), .check = alert->check->name };

	for (enum severity level = SEVERITY_INFO; level <= SEVERITY_CRITICAL; level++) {
		limits.severity = level;
		if (alert->variant->when[level])
			expr_bounds(alert->variant->when[level], add_limit, &limits);
	}
	return limits.list;
}

static json_t *
level_json(const struct alert *alert, enum severity level)
{
	const struct level_times *times = &alert->variant->rule->times[level];
	json_t *doc = json_object();

	json_object_set_new(doc, "severity", json_string(severity_name(level)));
	json_object_set_new(doc, "expr", record_text(expr_text(alert->variant->when[level])));
	json_object_set_new(doc, "for", json_real((double)times->for_us / 1e6));
	if (times->for_samples > 0)
		json_object_set_new(doc, "for_samples", json_integer(times->for_samples));
	if (alert->variant->clear)
		json_object_set_new(doc, "clear", record_text(expr_text(alert->variant->clear)));
	return doc;
}

static json_t *
levels_of(const struct alert *alert)
{
	json_t *list = json_array();

	for (enum severity level = SEVERITY_INFO; level <= SEVERITY_CRITICAL; level++)
		if (alert->variant->when[level])
			json_array_append_new(list, level_json(alert, level));
	return list;
}

/* Is nothing of it true or false? */
static bool
is_unknown(struct rules *rules, const struct alert *alert)
{
	struct expr_world world = engine_world(rules, alert, rules->heard_us);

	if (rules->heard_us - alert->check->last_us >= engine_patience(alert->check))
		return true;
	for (enum severity level = SEVERITY_INFO; level <= SEVERITY_CRITICAL; level++) {
		const struct expr *when = alert->variant->when[level];
		if (when && expr_eval(when, &world).is_known)
			return false;
	}
	return true;
}

static const char *
state_of(struct rules *rules, const struct alert *alert)
{
	const struct live *live = alert->live;

	if (live && live->told != SEVERITY_OK) {
		for (enum severity level = SEVERITY_INFO; level <= SEVERITY_CRITICAL; level++)
			if (live->levels[level].phase == LEVEL_FIRING)
				return "firing";
		return "clearing";
	}
	if (is_unknown(rules, alert))
		return "no_data";
	return live && !engine_is_idle(live) ? "pending" : "quiet";
}

/* What it fires at; else the highest that it may. */
static enum severity
severity_of(const struct alert *alert)
{
	if (alert->live && alert->live->told != SEVERITY_OK)
		return alert->live->told;
	for (enum severity level = SEVERITY_CRITICAL; level > SEVERITY_OK; level--)
		if (rule_when(alert->variant->rule, alert->variant, level))
			return level;
	return SEVERITY_OK;
}

static json_t *
alert_json(struct rules *rules, const struct alert *alert)
{
	const struct live *live = alert->live;
	json_t *doc = json_object();

	json_object_set_new(doc, "name", record_text(alert->name));
	json_object_set_new(doc, "state", json_string(state_of(rules, alert)));
	json_object_set_new(doc, "severity", json_string(severity_name(severity_of(alert))));
	if (live && !engine_is_idle(live) && live->since_wall_us > 0)
		json_object_set_new(doc, "since", record_time(live->since_wall_us));
	if (live && live->told != SEVERITY_OK && live->text)
		json_object_set_new(doc, "summary", record_text(live->text));
	json_object_set_new(doc, "levels", levels_of(alert));
	json_object_set_new(doc, "thresholds", limits_of(alert));
	return doc;
}

json_t *
rules_stand(const struct rules *rules, const char *name, const struct sample *latest)
{
	/* Evaluating writes into its scratch fields, and into nothing else. */
	struct rules *all = (struct rules *)(uintptr_t)rules;
	const struct watched *check = engine_find(rules, name);
	json_t *list = json_array();

	all->fed = latest ? check : NULL;
	all->fed_sample = latest;
	for (size_t i = 0; check && i < check->own_count; i++)
		json_array_append_new(list, alert_json(all, &check->own[i]));
	all->fed = NULL;
	all->fed_sample = NULL;
	return list;
}

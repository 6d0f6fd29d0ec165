/* The words of an alert's event: text, numbers, labels. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "rules/engine.h"

#define TEXT_MAX        1000
#define DESCRIPTION_MAX 4000
#define FOLLOW_EVERY_US USEC_PER_MIN

/* Lines, each closed by a newline, to one line. */
static void
join_lines(const char *lines, char *out, size_t size)
{
	struct buf joined;

	buf_init(&joined, TEXT_MAX * 2);
	for (; *lines; lines++) {
		if (*lines != '\n')
			buf_add(&joined, lines, 1);
		else if (lines[1])
			buf_add_text(&joined, "; ");
	}
	str_copy(out, size, buf_text(&joined));
	buf_fini(&joined);
}

/* "used_percent = 81 %; free_bytes = 19 GiB": a rule that has no summary shows what it saw. */
static void
explain(struct rules *rules, const struct alert *alert, usec_t now_us, char *out, size_t size)
{
	struct expr_world world = engine_world(rules, alert, now_us);
	const struct expr *last = NULL;
	struct buf lines;

	buf_init(&lines, TEXT_MAX * 2);
	for (enum severity level = SEVERITY_CRITICAL; level > SEVERITY_OK && !last; level--) {
		last = rule_when(alert->variant->rule, alert->variant, level);
		if (last)
			expr_explain(last, &world, &lines);
	}
	join_lines(buf_text(&lines), out, size);
	buf_fini(&lines);
}

static void
no_data_text(const struct alert *alert, usec_t now_us, char *out, size_t size)
{
	char since[40];

	clock_format_duration(now_us - alert->live->known_us, since, sizeof(since));
	snprintf(out, size, "no data for %s", since); /* whose, the incident says */
}

static void
render(struct rules *rules, struct alert *alert, const struct moment *at)
{
	struct live *live = alert->live;
	char text[TEXT_MAX];

	if (live->has_no_data && alert->variant->rule->conf.on_no_data == NO_DATA_ALERT) {
		no_data_text(alert, at->now_us, text, sizeof(text));
	} else if (alert->variant->summary) {
		struct expr_world world = engine_world(rules, alert, at->now_us);
		expr_template_render(alert->variant->summary, &world, text, sizeof(text));
	} else if (alert->variant->rule->is_down || alert->variant->rule->cause) {
		return; /* the words of the latest sample that was bad, set when it came */
	} else {
		explain(rules, alert, at->now_us, text, sizeof(text));
	}
	xstrset(&live->text, text);
}

static json_t *
values_of_sample(const struct sample *sample)
{
	json_t *values = json_object();

	for (size_t i = 0; sample && i < sample->metric_count; i++)
		if (isfinite(sample->values[i]))
			json_object_set_new(
				values, sample->metrics[i].name, json_real(sample->values[i]));
	return values;
}

static json_t *
values_of(struct rules *rules, const struct alert *alert, usec_t now_us)
{
	if (alert->variant->rule->is_down)
		return values_of_sample(engine_sample(rules, alert->check));
	struct expr_world world = engine_world(rules, alert, now_us);
	json_t *values = json_object();
	for (size_t level = 0; level < LEVELS; level++) {
		if (!alert->variant->when[level])
			continue;
		json_t *more = expr_values(alert->variant->when[level], &world);
		json_object_update(values, more);
		json_decref(more);
	}
	return values;
}

static json_t *
labels_of(const struct alert *alert)
{
	json_t *labels = json_object();

	if (alert->check->labels)
		json_object_update(labels, alert->check->labels);
	if (alert->variant->rule->labels)
		json_object_update(labels, alert->variant->rule->labels);
	return labels;
}

/* Rule and check may be gone from the settings: nothing of them is touched. */
static void
tell_removed(struct rules *rules, struct alert *alert, const struct moment *at)
{
	const struct watched *check = alert->check;
	const struct alert_event event = { .change = ALERT_REMOVED,
		.check = check->name,
		.instance = alert->live->instance,
		.type = check->type,
		.target = alert->live->target,
		.rule = alert->name,
		.severity = SEVERITY_OK,
		.cause = alert->live->cause,
		.text = alert->live->text ? alert->live->text : "",
		.since_us = alert->live->since_wall_us,
		.at_us = at->wall_us };

	rules->options.on_alert(rules->options.arg, &event);
}

static void
set_cause(struct alert *alert)
{
	if (alert->variant->rule->cause)
		alert->live->cause = alert->variant->rule->cause;
	else if (alert->variant->rule->is_down && alert->check->fail_cause)
		alert->live->cause = alert->check->fail_cause;
}

static const char *
end_text(const struct rules *rules, const struct alert *alert)
{
	bool is_own = rules->fed == alert->check && rules->fed_sample;

	if (is_own && !alert->variant->summary &&
		(alert->variant->rule->is_down || alert->variant->rule->cause))
		return rules->fed_sample->text;
	return alert->live->text;
}

void
engine_tell(
	struct rules *rules, struct alert *alert, enum alert_change change, const struct moment *at)
{
	const struct watched *check = alert->check;
	struct live *live = alert->live;
	char description[DESCRIPTION_MAX] = "";

	if (change == ALERT_REMOVED) {
		tell_removed(rules, alert, at);
		return;
	}
	if (change != ALERT_RESTORED) {
		set_cause(alert);
		render(rules, alert, at);
	}
	if (alert->variant->description) {
		struct expr_world world = engine_world(rules, alert, at->now_us);
		expr_template_render(
			alert->variant->description, &world, description, sizeof(description));
	}
	const char *text = change == ALERT_ENDS ? end_text(rules, alert) : live->text;
	xstrset(&live->shown, live->text);
	live->shown_us = at->now_us;
	json_t *values = values_of(rules, alert, at->now_us);
	json_t *labels = labels_of(alert);
	const struct alert_event event = { .change = change,
		.check = check->name,
		.instance = live->instance,
		.type = check->type,
		.target = live->target,
		.rule = alert->name,
		.severity = live->told,
		.cause = live->cause,
		.text = text ? text : "",
		.description = *description ? description : NULL,
		.runbook_url = alert->variant->rule->conf.runbook_url,
		.values = values,
		.labels = labels,
		.since_us = live->since_wall_us,
		.at_us = at->wall_us };
	rules->options.on_alert(rules->options.arg, &event);
	json_decref(values);
	json_decref(labels);
}

/* Only keep_firing_for holds it: what is measured now is well, and would read as if that were the
 * trouble ("the answer takes 3 ms"). */
static bool
is_lingering(const struct alert *alert)
{
	for (size_t i = 0; i < LEVELS; i++)
		if (alert->live->levels[i].phase == LEVEL_FIRING)
			return false;
	return alert->variant->clear == NULL;
}

void
engine_follow_text(struct rules *rules, struct alert *alert, const struct moment *at)
{
	struct live *live = alert->live;

	if (live->told == SEVERITY_OK || at->now_us - live->shown_us < FOLLOW_EVERY_US ||
		is_lingering(alert))
		return;
	live->shown_us = at->now_us;
	render(rules, alert, at);
	if (!str_eq(live->text, live->shown))
		engine_tell(rules, alert, ALERT_CAUSE, at);
}

void
engine_tell_gone(struct rules *rules, const char *key, const struct moment *at)
{
	const char *split = strchr(key, '\n');

	if (!split)
		return;
	char *check = xstrndup(key, (size_t)(split - key));
	const struct alert_event event = { .change = ALERT_REMOVED,
		.check = check,
		.type = "",
		.target = "",
		.rule = split + 1,
		.severity = SEVERITY_OK,
		.text = "",
		.since_us = at->wall_us,
		.at_us = at->wall_us };
	rules->options.on_alert(rules->options.arg, &event);
	free(check);
}

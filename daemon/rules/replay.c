/* See replay.h.  Owns an engine that knows one rule and the checks that it looks at. */
#include "rules/replay.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "rules/engine.h"
#include "rules/replay_rows.h"

#define CHECKS_MAX  16
#define COLUMNS_MAX 32
/* Virtual time begins here, so that nothing is before it. */
#define BEGIN_US USEC_PER_DAY

/* A check that the rule looks at; the first is the alert's own. */
struct side {
	struct replay_check check;
	struct replay_rows rows;
	struct sample sample; /* as it is fed */
	unsigned failures;
};

struct replay {
	struct rule_set only;
	const struct rule *rule;
	const struct rule_variant *variant;
	struct rules *engine;
	struct side sides[CHECKS_MAX];
	size_t side_count;
	struct replay_options options; /* its names are the sides' and the rule's */
	char *unkept[COLUMNS_MAX];
	size_t unkept_count;
	struct err error; /* while the expressions are looked at */
	bool has_error;
	usec_t begin_us; /* wall */
	usec_t ahead_us; /* wall minus virtual */
	usec_t due_us;   /* virtual: the engine wants to be called */
	usec_t judged_us;
	bool was_known, is_started;
	char no_text[1], down_text[16];
	struct replay_report report;
};

/* --- which rule --- */

static const struct rule *
find_rule(const struct rule_set *set, const char *name, const char *check, const char *type,
	const struct rule_variant **variant)
{
	for (size_t i = 0; i < set->count; i++) {
		if (!str_eq(set->rules[i].name, name))
			continue;
		*variant = rule_variant_for(&set->rules[i], check, type);
		if (*variant)
			return &set->rules[i];
	}
	return NULL;
}

bool
rule_set_concerns(const struct rule_set *set, size_t n, const char *check, const char *type)
{
	return rule_variant_for(&set->rules[n], check, type) != NULL;
}

const char *
rule_set_name(const struct rule_set *set, size_t n)
{
	return n < set->count ? set->rules[n].name : NULL;
}

/* --- what it looks at --- */

static void
fail(struct replay *r, const char *why, const char *what)
{
	if (!r->has_error)
		err_set(&r->error, 1, "it cannot be replayed: %s %s", why, what);
	r->has_error = true;
}

static void
add_column(struct replay *r, struct side *side, const char *metric, int index)
{
	struct replay_rows *rows = &side->rows;

	for (size_t i = 0; i < rows->count; i++)
		if (metric ? rows->columns[i].metric && rows->columns[i].index == index
			   : !rows->columns[i].metric)
			return;
	if (rows->count == COLUMNS_MAX) {
		fail(r, "it looks at too many metrics of", side->check.spec->name);
		return;
	}
	rows->columns = xreallocarray(rows->columns, rows->count + 1, sizeof(*rows->columns));
	rows->columns[rows->count++] = (struct replay_column){ .metric = metric, .index = index };
}

/* Whether it was up is always looked at: a run that failed has no numbers, and is a run. */
static struct side *
add_side(struct replay *r, const struct replay_check *check)
{
	struct side *side = &r->sides[r->side_count++];

	side->check = *check;
	add_column(r, side, NULL, -1);
	return side;
}

static struct side *
side_of(struct replay *r, const char *name)
{
	const struct replay_check *check;

	if (strcmp(name, "this") == 0)
		return &r->sides[0];
	for (size_t i = 0; i < r->side_count; i++)
		if (str_eq(r->sides[i].check.spec->name, name))
			return &r->sides[i];
	check = r->options.find(r->options.arg, name);
	if (!check || r->side_count == CHECKS_MAX)
		return NULL;
	return add_side(r, check);
}

static void
add_unkept(struct replay *r, char *what)
{
	for (size_t i = 0; i < r->unkept_count; i++) {
		if (!str_eq(r->unkept[i], what))
			continue;
		free(what);
		return;
	}
	if (r->unkept_count == COLUMNS_MAX)
		free(what);
	else
		r->unkept[r->unkept_count++] = what;
}

static void
use_metric(struct replay *r, struct side *side, const struct expr_use *use)
{
	if (use->metric->kind == METRIC_MOMENT || use->metric->unit == UNIT_TEXT)
		add_unkept(r, xasprintf("%s.%s", side->check.spec->name, use->metric->name));
	else
		add_column(r, side, use->metric->name, use->index);
}

static void
use_function(struct replay *r, struct side *side, const struct expr_use *use)
{
	if (str_eq(use->function, "cannot_tell"))
		fail(r, "the history does not keep whether anybody could tell of",
			side->check.spec->name);
	else if (str_eq(use->function, "cause"))
		add_unkept(r, xasprintf("cause(%s) while it is down", side->check.spec->name));
}

static void
on_use(void *arg, const struct expr_use *use)
{
	struct replay *r = arg;
	struct side *side = side_of(r, use->check);

	if (!side)
		fail(r, "it looks at too many checks, or this one does not run:", use->check);
	else if (use->metric)
		use_metric(r, side, use);
	else
		use_function(r, side, use);
}

static void
on_bound(void *arg, const struct expr_bound *bound)
{
	struct replay *r = arg;
	struct side *side = side_of(r, bound->check);

	for (size_t i = 0; side && i < side->rows.count; i++) {
		struct replay_column *column = &side->rows.columns[i];
		if (column->metric && str_eq(column->metric, bound->metric->name))
			column->trouble = *bound->op == '>' ? 1 : *bound->op == '<' ? -1 : 0;
	}
}

static usec_t
longest_window(const struct rule_variant *variant)
{
	const struct expr *expr;
	usec_t longest_us = 0;

	for (size_t n = 0; (expr = rule_expr_at(variant, n)); n++)
		for (size_t w = 0; w < expr_window_count(expr); w++)
			if (expr_window_at(expr, w)->span_us > longest_us)
				longest_us = expr_window_at(expr, w)->span_us;
	return longest_us;
}

/* So long before what is reported the past must be known: windows, `for`, and data at all. */
static usec_t
lead_of(const struct replay *r)
{
	usec_t lead_us = longest_window(r->variant), wait_us = 0;

	for (size_t level = 0; level < LEVELS; level++) {
		const struct level_times *times = &r->rule->times[level];
		usec_t sum_us = times->for_us + times->keep_us +
				times->for_samples * r->sides[0].check.spec->common.interval_us;
		wait_us = sum_us > wait_us ? sum_us : wait_us;
	}
	return lead_us + wait_us + 3 * r->sides[0].check.spec->common.interval_us + USEC_PER_MIN;
}

static int
look(struct replay *r, struct err *e)
{
	const struct expr *expr;

	for (size_t n = 0; (expr = rule_expr_at(r->variant, n)); n++)
		expr_uses(expr, on_use, r);
	for (size_t level = 0; level < LEVELS; level++)
		if (r->variant->when[level])
			expr_bounds(r->variant->when[level], on_bound, r);
	if (!r->has_error)
		return 0;
	return err_set(e, r->error.code, "%s", r->error.text);
}

/* --- what it says --- */

static void
close_firing(struct replay *r, usec_t at_us)
{
	struct replay_firing *last =
		r->report.count > 0 ? &r->report.all[r->report.count - 1] : NULL;

	if (!last || last->to_us != 0)
		return;
	last->to_us = at_us;
	if (at_us > r->options.since_us)
		return;
	free(last->text); /* it was over before */
	r->report.count--;
}

static void
open_firing(struct replay *r, const struct alert_event *event)
{
	struct replay_report *report = &r->report;

	if (report->count == REPLAY_FIRINGS_MAX) {
		report->left_out++;
		return;
	}
	report->all = xreallocarray(report->all, report->count + 1, sizeof(*report->all));
	report->all[report->count++] = (struct replay_firing){ .since_us = event->since_us,
		.from_us = event->at_us,
		.severity = event->severity,
		.text = xstrdup(event->text) };
}

static void
on_alert(void *arg, const struct alert_event *event)
{
	struct replay *r = arg;
	struct replay_firing *last;

	if (event->change == ALERT_FIRES)
		open_firing(r, event);
	else if (event->change == ALERT_ENDS || event->change == ALERT_REMOVED)
		close_firing(r, event->at_us);
	if (event->change != ALERT_RISES || r->report.count == 0)
		return;
	last = &r->report.all[r->report.count - 1];
	if (last->to_us != 0 || event->severity <= last->severity)
		return;
	last->severity = event->severity;
	xstrset(&last->text, event->text);
}

static usec_t
clipped(const struct replay *r, usec_t from_us, usec_t to_us)
{
	from_us = from_us > r->options.since_us ? from_us : r->options.since_us;
	to_us = to_us < r->options.until_us ? to_us : r->options.until_us;
	return to_us > from_us ? to_us - from_us : 0;
}

/* What was known holds until the next judgement, or as long as data does. */
static void
know_until(struct replay *r, usec_t now_us)
{
	usec_t patience_us = 3 * r->sides[0].check.spec->common.interval_us;
	usec_t until_us = now_us;

	patience_us = patience_us > USEC_PER_MIN ? patience_us : USEC_PER_MIN;
	if (r->judged_us > 0 && until_us > r->judged_us + patience_us)
		until_us = r->judged_us + patience_us;
	if (r->was_known)
		r->report.known_us +=
			clipped(r, r->judged_us + r->ahead_us, until_us + r->ahead_us);
}

static void
on_verdict(void *arg, const char *check, bool is_known, usec_t now_us)
{
	struct replay *r = arg;

	if (!str_eq(check, r->sides[0].check.spec->name))
		return;
	know_until(r, now_us);
	r->judged_us = now_us;
	r->was_known = is_known;
}

/* --- life --- */

static void
on_keep(void *arg, const char *key, const json_t *state)
{
	(void)arg;
	(void)key;
	(void)state;
}

/* Before the first sample nobody looked, so nothing was absent. */
static void
start_engine(struct replay *r, usec_t wall_us)
{
	const struct check_spec *specs[CHECKS_MAX];
	usec_t now_us = wall_us - r->ahead_us;

	for (size_t i = 0; i < r->side_count; i++)
		specs[i] = r->sides[i].check.spec;
	rules_apply(r->engine, &r->only, specs, r->side_count, now_us, wall_us);
	r->due_us = rules_tick(r->engine, now_us, wall_us);
	r->is_started = true;
}

static void
make_engine(struct replay *r)
{
	const struct rules_options options = {
		.on_alert = on_alert, .on_keep = on_keep, .on_verdict = on_verdict, .arg = r
	};

	r->begin_us = r->options.since_us - lead_of(r);
	r->ahead_us = r->begin_us - BEGIN_US;
	r->engine = rules_new(&options);
}

static void
prepare_side(struct replay *r, struct side *side)
{
	sample_init(&side->sample, side->check.metrics);
	free(side->sample.text);
	side->sample.text = r->no_text;
	side->rows.wants_peaks = r->options.wants_peaks;
}

struct replay *
replay_new(const struct replay_options *options, struct err *e)
{
	struct replay *r = xcalloc(1, sizeof(*r));
	const struct replay_check *own = options->find(options->arg, options->check);

	r->options = *options;
	memcpy(r->down_text, "down", sizeof("down"));
	if (own) {
		add_side(r, own);
		r->rule = find_rule(
			options->set, options->rule, options->check, own->spec->type, &r->variant);
	}
	if (!r->rule) {
		err_set(e, 1, "rule %s is not about %s", options->rule, options->check);
		replay_free(r);
		return NULL;
	}
	r->only = (struct rule_set){ (struct rule *)(uintptr_t)r->rule, 1 };
	if (look(r, e) == -1) {
		replay_free(r);
		return NULL;
	}
	for (size_t i = 0; i < r->side_count; i++)
		prepare_side(r, &r->sides[i]);
	for (size_t level = 0; level < LEVELS; level++) {
		usec_t for_us = r->variant->when[level] ? r->rule->times[level].for_us : 0;
		if (for_us > 0 &&
			(r->report.shortest_for_us == 0 || for_us < r->report.shortest_for_us))
			r->report.shortest_for_us = for_us;
	}
	make_engine(r);
	return r;
}

void
replay_free(struct replay *r)
{
	if (!r)
		return;
	rules_free(r->engine);
	for (size_t i = 0; i < r->side_count; i++) {
		replay_rows_fini(&r->sides[i].rows);
		r->sides[i].sample.text = NULL;
		sample_fini(&r->sides[i].sample);
	}
	for (size_t i = 0; i < r->unkept_count; i++)
		free(r->unkept[i]);
	for (size_t i = 0; i < r->report.count; i++)
		free(r->report.all[i].text);
	free(r->report.all);
	free(r);
}

usec_t
replay_begin(const struct replay *r)
{
	return r->begin_us;
}

static struct replay_column *
column_at(const struct replay *r, size_t n, const struct side **side)
{
	for (size_t i = 0; i < r->side_count; i++) {
		*side = &r->sides[i];
		if (n < (*side)->rows.count)
			return &(*side)->rows.columns[n];
		n -= (*side)->rows.count;
	}
	return NULL;
}

bool
replay_need(const struct replay *r, size_t n, const char **check, const char **metric)
{
	const struct side *side;
	const struct replay_column *column = column_at(r, n, &side);

	if (!column)
		return false;
	*check = side->check.spec->name;
	*metric = column->metric;
	return true;
}

const char *
replay_unkept(const struct replay *r, size_t n)
{
	return n < r->unkept_count ? r->unkept[n] : NULL;
}

void
replay_put(struct replay *r, size_t n, struct rules_past *past, size_t count)
{
	const struct side *side;
	struct replay_column *column = column_at(r, n, &side);

	free(column->past);
	column->past = past;
	column->count = count;
	column->at = 0;
}

/* --- running --- */

static void
note_grain(struct replay *r, const struct replay_row *row)
{
	size_t n = row->grain_us == 0 ? 0 : row->grain_us <= USEC_PER_MIN ? 1 : 2;
	struct replay_grain *grain = &r->report.grains[n];

	if (row->wall_us < r->options.since_us || row->wall_us > r->options.until_us)
		return;
	if (grain->samples++ == 0)
		grain->first_us = row->wall_us;
	grain->grain_us = row->grain_us;
	grain->last_us = row->wall_us;
}

static void
fill_state(struct replay *r, struct side *side, double up)
{
	struct sample *sample = &side->sample;
	unsigned retries = (unsigned)side->check.spec->common.retries;

	sample->state = isnan(up) ? CHECK_UNKNOWN : up > 0 ? CHECK_UP : CHECK_DOWN;
	sample->outcome = isnan(up) ? OUTCOME_ERROR : up > 0 ? OUTCOME_OK : OUTCOME_FAIL;
	sample->text = up == 0 ? r->down_text : r->no_text;
	if (up > 0)
		side->failures = 0;
	else if (up == 0)
		side->failures += side->failures == 0 && retries > 0 ? retries : 1;
	sample->failures = side->failures;
}

static void
feed(struct replay *r, struct side *side)
{
	struct replay_row row = replay_rows_take(&side->rows);
	struct sample *sample = &side->sample;

	for (size_t i = 0; i < side->rows.count; i++) {
		const struct replay_column *column = &side->rows.columns[i];
		if (column->metric && (size_t)column->index < sample->metric_count)
			sample->values[column->index] = column->value;
	}
	fill_state(r, side, row.up);
	sample->wall_us = row.wall_us;
	sample->started_us = row.wall_us - r->ahead_us;
	if (side == r->sides)
		note_grain(r, &row);
	rules_feed(r->engine, side->check.spec->name, sample);
}

/* What time alone brings, up to a moment. */
static void
pass(struct replay *r, usec_t wall_us)
{
	usec_t now_us = wall_us - r->ahead_us;

	while (r->due_us <= now_us) {
		usec_t due_us = r->due_us;
		r->due_us = rules_tick(r->engine, due_us, due_us + r->ahead_us);
		if (r->due_us <= due_us)
			r->due_us = due_us + 1;
	}
}

static struct side *
next_side(struct replay *r, usec_t *wall_us)
{
	struct side *next = NULL;

	*wall_us = r->options.until_us;
	for (size_t i = 0; i < r->side_count; i++) {
		usec_t at_us = replay_rows_next(&r->sides[i].rows);
		if (at_us >= *wall_us)
			continue;
		*wall_us = at_us;
		next = &r->sides[i];
	}
	return next;
}

bool
replay_run(struct replay *r, size_t samples)
{
	struct side *side;
	usec_t wall_us;

	for (; samples > 0; samples--) {
		side = next_side(r, &wall_us);
		if (!r->is_started)
			start_engine(r, wall_us);
		pass(r, wall_us);
		if (!side) {
			know_until(r, wall_us - r->ahead_us);
			r->was_known = false;
			return true;
		}
		feed(r, side);
		r->due_us = rules_tick(r->engine, wall_us - r->ahead_us, wall_us);
	}
	return false;
}

const struct replay_report *
replay_report(const struct replay *r)
{
	return &r->report;
}

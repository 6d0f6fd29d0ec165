/* Shapes of checks, their runs, and what is asked about them. */
#include <stddef.h>

#include "api/shapes.h"

const char *const shape_states[] = { "unknown", "up", "suspect", "down", "starting", NULL };
static const char *const outcomes[] = { "ok", "fail", "error", NULL };

/* ---- a run ---- */

static const struct shape_field note_fields[] = {
	{ "cause", SHAPE_TEXT, .doc = "A code: what we lack or should know." },
	{ "text", SHAPE_TEXT, .doc = "In words." },
	{ .name = NULL },
};
static const struct shape sample_note = {
	.name = "Note",
	.doc = "What a run could not look at, or found strange.",
	.fields = note_fields,
};

static const struct shape_field sample_fields[] = {
	{ "outcome", SHAPE_TEXT,
		.doc = "`error`: we could not tell, which is not the target's doing.",
		.words = outcomes },
	{ "cause", SHAPE_TEXT, SHAPE_NULL, .doc = "A code of the configuration reference." },
	{ "text", SHAPE_TEXT, .doc = "In words." },
	{ "at", SHAPE_TIME, SHAPE_NULL, .doc = "When it began." },
	{ "duration", SHAPE_NUMBER, .doc = "Seconds that it took." },
	{ "phases", SHAPE_MAP, .doc = "Seconds by phase; empty where nothing is spoken to." },
	{ "values", SHAPE_MAP, .doc = "Metrics in base units; absent: not known." },
	{ "units", SHAPE_LABELS, SHAPE_OPTIONAL,
		.doc = "Units of metrics that settings or a plugin brought." },
	{ "facts", SHAPE_OBJECT, SHAPE_LIST, .doc = "What was read.", .of = &shape_text },
	{ "notes", SHAPE_OBJECT, SHAPE_LIST, .doc = "What should be known.", .of = &sample_note },
	{ .name = NULL },
};
const struct shape shape_sample = {
	.name = "Sample",
	.doc = "One run of a check.",
	.fields = sample_fields,
};

/* ---- a check ---- */

static const struct shape_field value_fields[] = {
	{ "metric", SHAPE_TEXT, .doc = "Which metric." },
	{ "value", SHAPE_NUMBER, .doc = "In base units." },
	{ "unit", SHAPE_TEXT, .doc = "`s`, `B`, `%`…; empty: none." },
	{ "text", SHAPE_TEXT, .doc = "As a person would write it." },
	{ .name = NULL },
};
static const struct shape check_value = {
	.name = "TellingValue",
	.doc = "The number that says most about a check.",
	.fields = value_fields,
};

static const struct shape_field check_fields[] = {
	{ "name", SHAPE_TEXT, .doc = "Unique; of a child with its instance: `disks[/var]`." },
	{ "type", SHAPE_TEXT, .doc = "The kind of check." },
	{ "instance", SHAPE_TEXT, SHAPE_NULL, .doc = "Which one of several; null: there is one." },
	{ "target", SHAPE_TEXT, .doc = "What it looks at, nothing secret." },
	{ "group", SHAPE_TEXT, .doc = "As configured; empty: none." },
	{ "description", SHAPE_TEXT, .doc = "As configured." },
	{ "severity", SHAPE_TEXT, .doc = "Of its being down.", .words = shape_levels },
	{ "labels", SHAPE_LABELS, .doc = "As configured." },
	{ "needs", SHAPE_TEXT, SHAPE_LIST, .doc = "Checks that it depends on, as configured." },
	{ "interval", SHAPE_NUMBER, .doc = "Seconds from run to run." },
	{ "timeout", SHAPE_NUMBER, .doc = "Seconds that a run may take." },
	{ "state", SHAPE_TEXT, .doc = "How it is.", .words = shape_states },
	{ "since", SHAPE_TIME, SHAPE_NULL, .doc = "Since when." },
	{ "next", SHAPE_TIME, SHAPE_NULL, .doc = "The next run." },
	{ "running", SHAPE_FLAG, .doc = "A run is under way." },
	{ "failures", SHAPE_INTEGER, .doc = "In a row." },
	{ "blind", SHAPE_FLAG, SHAPE_OPTIONAL,
		.doc = "true: this host is cut off from it, so its failure says nothing of the "
		       "target." },
	{ "runs", SHAPE_INTEGER, .doc = "Since the daemon started." },
	{ "overdue", SHAPE_INTEGER, .doc = "Runs left out because the last one was not over." },
	{ "cause", SHAPE_TEXT, SHAPE_NULL, .doc = "Of the last run." },
	{ "value", SHAPE_OBJECT, SHAPE_NULL, .doc = "null: nothing is known.", .of = &check_value },
	{ "last", SHAPE_OBJECT, SHAPE_NULL, .doc = "The last run.", .of = &shape_sample },
	{ .name = NULL },
};
const struct shape shape_check = {
	.name = "Check",
	.doc = "A check and its last run.",
	.fields = check_fields,
};

static const struct shape_field checks_fields[] = {
	{ "checks", SHAPE_OBJECT, SHAPE_LIST,
		.doc = "In the order of the settings, children after their parents.",
		.of = &shape_check },
	{ "total", SHAPE_INTEGER, .doc = "How many fit, on all pages." },
	{ "next", SHAPE_TEXT, SHAPE_OPTIONAL,
		.doc = "The path of the next page, if there is one." },
	{ .name = NULL },
};
const struct shape shape_checks = {
	.name = "Checks",
	.doc = "Checks.",
	.fields = checks_fields,
};

static const struct shape_field whole_fields[] = {
	{ "totals", SHAPE_NUMBER, SHAPE_LIST | SHAPE_NULL,
		.doc = "Total seconds of the last 60 runs, oldest first; null: it failed." },
	{ .name = NULL },
};
const struct shape shape_check_whole = {
	.name = "CheckWhole",
	.doc = "A check with its last total times.",
	.extends = &shape_check,
	.fields = whole_fields,
};

static const struct shape_field run_fields[] = {
	{ "check", SHAPE_TEXT, .doc = "Its name." },
	{ "runs", SHAPE_INTEGER, .doc = "Runs before this one." },
	{ .name = NULL },
};
const struct shape shape_run = {
	.name = "RunStarted",
	.doc = "A run that began.",
	.fields = run_fields,
};

/* ---- why ---- */

static const struct shape_field decision_fields[] = {
	{ "what", SHAPE_TEXT, .doc = "The decision in a word." },
	{ "text", SHAPE_TEXT, .doc = "In words." },
	{ "until", SHAPE_TIME, SHAPE_OPTIONAL | SHAPE_NULL, .doc = "When it is looked at again." },
	{ "rule", SHAPE_TEXT, SHAPE_OPTIONAL, .doc = "The rule that it is about." },
	{ "receiver", SHAPE_TEXT, SHAPE_OPTIONAL, .doc = "The receiver that it is about." },
	{ "tries", SHAPE_INTEGER, SHAPE_OPTIONAL, .doc = "Tries to tell it, so far." },
	{ "error", SHAPE_TEXT, SHAPE_OPTIONAL, .doc = "What was wrong with the last one." },
	{ .name = NULL },
};
const struct shape shape_decision = {
	.name = "Decision",
	.doc = "Something that was decided, or is waited for.",
	.fields = decision_fields,
};

static const struct shape_field whose_fields[] = {
	{ "who", SHAPE_TEXT, .doc = "Who decided: check, rules, triage, incident, delivery." },
	{ .name = NULL },
};
static const struct shape whose_decision = {
	.name = "WhoseDecision",
	.doc = "A decision, and who made it.",
	.extends = &shape_decision,
	.fields = whose_fields,
};

static const struct shape_field why_fields[] = {
	{ "check", SHAPE_TEXT, .doc = "Its name." },
	{ "decisions", SHAPE_OBJECT, SHAPE_LIST, .doc = "In the order of the pipeline.",
		.of = &whose_decision },
	{ .name = NULL },
};
const struct shape shape_why = {
	.name = "Why",
	.doc = "What was decided about a check.",
	.fields = why_fields,
};

/* ---- an expression ---- */

static const struct shape_field worth_fields[] = {
	{ "known", SHAPE_FLAG, .doc = "false: something that it needs is not known." },
	{ "value", SHAPE_ANY, .doc = "Number, text, true or false; null: not known." },
	{ "unit", SHAPE_TEXT, .doc = "Of a number." },
	{ "text", SHAPE_TEXT, .doc = "As a person would write it." },
	{ .name = NULL },
};
static const struct shape worth = {
	.name = "Worth",
	.doc = "What an expression or a part of it is worth.",
	.fields = worth_fields,
};

static const struct shape_field looked_fields[] = {
	{ "name", SHAPE_TEXT, .doc = "As the expression has it." },
	{ .name = NULL },
};
static const struct shape looked_at = {
	.name = "LookedAt",
	.doc = "A value that an expression looked at.",
	.extends = &worth,
	.fields = looked_fields,
};

static const char *const window_sources[] = { "rule", "history", "none", NULL };
static const struct shape_field window_fields[] = {
	{ "check", SHAPE_TEXT, .doc = "Whose values." },
	{ "metric", SHAPE_TEXT, .doc = "Which ones." },
	{ "span", SHAPE_NUMBER, .doc = "Seconds." },
	{ "span_text", SHAPE_TEXT, .doc = "As a person would write it." },
	{ "source", SHAPE_TEXT, .doc = "Where they are from.", .words = window_sources },
	{ "filled", SHAPE_FLAG, SHAPE_OPTIONAL, .doc = "The values reach back so far." },
	{ .name = NULL },
};
static const struct shape window_looked_at = {
	.name = "Window",
	.doc = "A span of time that an expression looked at.",
	.fields = window_fields,
};

static const struct shape_field rule_fields[] = {
	{ "expression", SHAPE_TEXT, .doc = "As it was read." },
	{ "at", SHAPE_TIME, .doc = "When it was asked." },
	{ "condition", SHAPE_FLAG, .doc = "It is true or false, as a rule's must be." },
	{ "looked_at", SHAPE_OBJECT, SHAPE_LIST, .doc = "Every value.", .of = &looked_at },
	{ "windows", SHAPE_OBJECT, SHAPE_LIST, .doc = "Every span of time.",
		.of = &window_looked_at },
	{ .name = NULL },
};
const struct shape shape_rule_answer = {
	.name = "ExpressionWorth",
	.doc = "What an expression is worth now, and why.",
	.extends = &worth,
	.fields = rule_fields,
};

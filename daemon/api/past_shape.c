/* See past_shape.h. */
#include "api/past_shape.h"

#include <stddef.h>

const struct api_param series_params[] = {
	{ "metric", SHAPE_TEXT, false,
		"Names with commas between them, at most 16; `up` is 1 while the check is up and 0 "
		"while it is down. Without it: the check's telling number and `total_time`.",
		NULL },
	{ "since", SHAPE_TEXT, false, "A time or an age such as `2h` (the default).", NULL },
	{ "until", SHAPE_TEXT, false, "A time or an age; now, if left out.", NULL },
	{ "step", SHAPE_DURATION, false,
		"How long a step is at least; the answer says how long it is. Without it: at most "
		"400 steps. Never more than 2,000 (of all metrics 16,000), nor finer than what is "
		"kept of "
		"that time.",
		NULL },
	{ .name = NULL },
};

static const struct shape_field one_series_fields[] = {
	{ "metric", SHAPE_TEXT, 0, "Its name.", NULL, NULL },
	{ "unit", SHAPE_TEXT, 0, "The symbol of its unit, such as `s`.", NULL, NULL },
	{ "kept", SHAPE_FLAG, 0, "False: the history does not keep this metric.", NULL, NULL },
	{ "points", SHAPE_ANY, SHAPE_LIST,
		"`[seconds since 1970, average, minimum, maximum, number of values]` each; a step "
		"without a value is left out.",
		NULL, NULL },
	{ .name = NULL },
};

static const struct shape one_series = {
	.name = "MetricSeries",
	.doc = "One metric over time.",
	.fields = one_series_fields,
};

static const struct shape_field series_fields[] = {
	{ "check", SHAPE_TEXT, 0, "The check's name.", NULL, NULL },
	{ "since", SHAPE_TIME, 0, "Where it begins.", NULL, NULL },
	{ "until", SHAPE_TIME, 0, "Where it ends.", NULL, NULL },
	{ "step", SHAPE_NUMBER, 0, "Seconds of a step.", NULL, NULL },
	{ "series", SHAPE_OBJECT, SHAPE_LIST, "One for each metric.", &one_series, NULL },
	{ .name = NULL },
};

const struct shape shape_series = {
	.name = "Series",
	.doc = "What was measured of a check.",
	.fields = series_fields,
};

static const char *const span_words[] = { "24h", "7d", "30d", "90d", NULL };

static const struct shape_field span_fields[] = {
	{ "span", SHAPE_TEXT, 0, "How far it looks back.", NULL, span_words },
	{ "known_seconds", SHAPE_NUMBER, 0, "Of so much it is known.", NULL, NULL },
	{ "up_ratio", SHAPE_NUMBER, SHAPE_OPTIONAL, "The share of that, 0 to 1.", NULL, NULL },
	{ "down_seconds", SHAPE_NUMBER, 0, "So much of it was down.", NULL, NULL },
	{ "incidents", SHAPE_INTEGER, 0, "Incidents of this check in that time.", NULL, NULL },
	{ .name = NULL },
};

static const struct shape uptime_span = {
	.name = "UptimeSpan",
	.doc = "How a check fared in one span.",
	.fields = span_fields,
};

static const struct shape_field uptime_fields[] = {
	{ "check", SHAPE_TEXT, 0, "The check's name.", NULL, NULL },
	{ "windows", SHAPE_OBJECT, SHAPE_LIST, "One for each span.", &uptime_span, NULL },
	{ .name = NULL },
};

const struct shape shape_uptime = {
	.name = "Uptime",
	.doc = "How a check fared.",
	.fields = uptime_fields,
};

static const char *const state_words[] = { "quiet", "pending", "firing", "clearing", "no_data",
	NULL };
static const char *const severity_words[] = { "info", "warning", "critical", NULL };
static const char *const op_words[] = { "<", "<=", ">", ">=", "==", "!=", NULL };

static const struct shape_field level_fields[] = {
	{ "severity", SHAPE_TEXT, 0, "The level.", NULL, severity_words },
	{ "expr", SHAPE_TEXT, 0, "When it has this level.", NULL, NULL },
	{ "for", SHAPE_NUMBER, 0, "Seconds that it must be true.", NULL, NULL },
	{ "for_samples", SHAPE_INTEGER, SHAPE_OPTIONAL, "Samples in a row instead.", NULL, NULL },
	{ "clear", SHAPE_TEXT, SHAPE_OPTIONAL, "What ends the alert.", NULL, NULL },
	{ .name = NULL },
};

static const struct shape rule_level = {
	.name = "RuleLevel",
	.doc = "One level of a rule.",
	.fields = level_fields,
};

static const struct shape_field limit_fields[] = {
	{ "severity", SHAPE_TEXT, 0, "The level that it belongs to.", NULL, severity_words },
	{ "metric", SHAPE_TEXT, 0, "The check's metric.", NULL, NULL },
	{ "op", SHAPE_TEXT, 0, "How the metric stands to the value when it is bad.", NULL,
		op_words },
	{ "value", SHAPE_NUMBER, 0, "In the metric's base unit.", NULL, NULL },
	{ "unit", SHAPE_TEXT, 0, "The symbol of that unit.", NULL, NULL },
	{ .name = NULL },
};

static const struct shape rule_limit = {
	.name = "RuleThreshold",
	.doc = "A metric compared with a fixed value.",
	.fields = limit_fields,
};

static const struct shape_field standing_fields[] = {
	{ "name", SHAPE_TEXT, 0, "The rule's name.", NULL, NULL },
	{ "state", SHAPE_TEXT, 0, "Where it stands.", NULL, state_words },
	{ "severity", SHAPE_TEXT, 0, "What it fires at; else the highest that it may.", NULL,
		severity_words },
	{ "since", SHAPE_TIME, SHAPE_OPTIONAL, "The first bad sample.", NULL, NULL },
	{ "summary", SHAPE_TEXT, SHAPE_OPTIONAL, "Its words, while it fires.", NULL, NULL },
	{ "levels", SHAPE_OBJECT, SHAPE_LIST, "Its levels.", &rule_level, NULL },
	{ "thresholds", SHAPE_OBJECT, SHAPE_LIST, "Limits for a plot.", &rule_limit, NULL },
	{ .name = NULL },
};

static const struct shape rule_standing = {
	.name = "RuleStanding",
	.doc = "A rule of a check.",
	.fields = standing_fields,
};

static const struct shape_field stand_fields[] = {
	{ "check", SHAPE_TEXT, 0, "The check's name.", NULL, NULL },
	{ "rules", SHAPE_OBJECT, SHAPE_LIST, "One for each rule.", &rule_standing, NULL },
	{ .name = NULL },
};

const struct shape shape_stand = {
	.name = "CheckRules",
	.doc = "The rules of a check and where they stand.",
	.fields = stand_fields,
};

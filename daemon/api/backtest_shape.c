/* What a backtest takes and answers. */
#include <stddef.h>

#include "api/past_shape.h"

static const char *const levels[] = { "info", "warning", "critical", NULL };

#define SPAN_PARAMS                                                                                \
	{ "check", SHAPE_TEXT, false, "Only this check; what `this` means in `expr`.", NULL },     \
		{ "since", SHAPE_TEXT, false, "A time or an age; `7d` if left out.", NULL },       \
		{ "until", SHAPE_TEXT, false, "A time or an age; now, if left out.", NULL },       \
		{ "peaks", SHAPE_FLAG, false,                                                      \
			"Where only minutes or quarters are left: their worse bound instead of "   \
			"their average.",                                                          \
			NULL },                                                                    \
	{                                                                                          \
		"next", SHAPE_INTEGER, false, "Goes on where the answer before ended.", NULL       \
	}

const struct api_param backtest_params[] = {
	{ "rule", SHAPE_TEXT, false, "The name of a rule in force.", NULL },
	{ "expr", SHAPE_TEXT, false, "Or an expression that might become one.", NULL },
	{ "for", SHAPE_TEXT, false, "How long `expr` must be true: `5m`, `3 samples`.", NULL },
	{ "keep_firing_for", SHAPE_TEXT, false, "How long it must be false again.", NULL },
	{ "clear", SHAPE_TEXT, false, "What ends it.", NULL },
	{ "severity", SHAPE_TEXT, false, "Its level; `warning` if left out.", levels },
	{ "each", SHAPE_TEXT, false, "A type of checks, or a pattern of names.", NULL },
	SPAN_PARAMS,
	{ .name = NULL },
};

const struct api_param backtest_file_params[] = {
	{ "rule", SHAPE_TEXT, false, "Only this one of the rules in the body.", NULL },
	SPAN_PARAMS,
	{ .name = NULL },
};

static const struct shape_field firing_fields[] = {
	{ "since", SHAPE_TIME, 0, "The first bad sample.", NULL, NULL },
	{ "from", SHAPE_TIME, 0, "When it would have fired.", NULL, NULL },
	{ "to", SHAPE_TIME, SHAPE_NULL, "When it would have ended; null: it did not.", NULL, NULL },
	{ "seconds", SHAPE_NUMBER, 0, "How long, within the span.", NULL, NULL },
	{ "severity", SHAPE_TEXT, 0, "The highest.", NULL, levels },
	{ "text", SHAPE_TEXT, 0, "What it would have said.", NULL, NULL },
	{ "incident", SHAPE_TEXT, SHAPE_OPTIONAL, "The incident that it falls together with.", NULL,
		NULL },
	{ "forgotten", SHAPE_FLAG, SHAPE_OPTIONAL,
		"Incidents of that time are forgotten: nobody knows whether there was one.", NULL,
		NULL },
	{ .name = NULL },
};

static const struct shape firing = {
	.name = "BacktestFiring",
	.doc = "One time that a rule would have fired.",
	.fields = firing_fields,
};

static const struct shape_field incident_fields[] = {
	{ "id", SHAPE_TEXT, 0, "Its id.", NULL, NULL },
	{ "title", SHAPE_TEXT, 0, "Its title.", NULL, NULL },
	{ "rule", SHAPE_TEXT, 0, "The rule that opened it.", NULL, NULL },
	{ "severity", SHAPE_TEXT, 0, "Its level.", NULL, levels },
	{ "started_at", SHAPE_TIME, 0, "The first bad sample.", NULL, NULL },
	{ "detected_at", SHAPE_TIME, SHAPE_NULL, "When it was sure.", NULL, NULL },
	{ "resolved_at", SHAPE_TIME, SHAPE_NULL, "When it ended.", NULL, NULL },
	{ "caught", SHAPE_FLAG, 0, "The rule would have fired with it.", NULL, NULL },
	{ "earlier_seconds", SHAPE_NUMBER, SHAPE_OPTIONAL,
		"So much before it was detected; negative: after.", NULL, NULL },
	{ .name = NULL },
};

static const struct shape incident = {
	.name = "BacktestIncident",
	.doc = "A real incident of the check in that time.",
	.fields = incident_fields,
};

static const struct shape_field grain_fields[] = {
	{ "grain_seconds", SHAPE_NUMBER, 0, "0: single values; 60, 900: averages.", NULL, NULL },
	{ "since", SHAPE_TIME, 0, "The first of them.", NULL, NULL },
	{ "until", SHAPE_TIME, 0, "The last of them.", NULL, NULL },
	{ "samples", SHAPE_INTEGER, 0, "How many values they stand for.", NULL, NULL },
	{ .name = NULL },
};

static const struct shape grain = {
	.name = "BacktestGrain",
	.doc = "How fine the past is in a part of the span.",
	.fields = grain_fields,
};

static const struct shape_field result_fields[] = {
	{ "rule", SHAPE_TEXT, 0, "The rule.", NULL, NULL },
	{ "check", SHAPE_TEXT, 0, "The check.", NULL, NULL },
	{ "type", SHAPE_TEXT, 0, "Its type.", NULL, NULL },
	{ "error", SHAPE_TEXT, SHAPE_OPTIONAL, "Why it cannot be replayed; then there is no more.",
		NULL, NULL },
	{ "firings", SHAPE_OBJECT, SHAPE_LIST | SHAPE_OPTIONAL, "In order of time.", &firing,
		NULL },
	{ "firings_left_out", SHAPE_INTEGER, SHAPE_OPTIONAL, "Beyond the first 500.", NULL, NULL },
	{ "incidents", SHAPE_OBJECT, SHAPE_LIST | SHAPE_OPTIONAL, "Of this check.", &incident,
		NULL },
	{ "known_seconds", SHAPE_NUMBER, SHAPE_OPTIONAL, "For so long the rule could be judged.",
		NULL, NULL },
	{ "resolution", SHAPE_OBJECT, SHAPE_LIST | SHAPE_OPTIONAL, "What it rests on.", &grain,
		NULL },
	{ "notes", SHAPE_TEXT, SHAPE_LIST | SHAPE_OPTIONAL, "What could not be seen.", NULL, NULL },
	{ .name = NULL },
};

static const struct shape result = {
	.name = "BacktestResult",
	.doc = "One rule replayed for one check.",
	.fields = result_fields,
};

static const struct shape_field total_fields[] = {
	{ "rule", SHAPE_TEXT, 0, "The rule.", NULL, NULL },
	{ "checks", SHAPE_INTEGER, 0, "How many checks it was replayed for.", NULL, NULL },
	{ "firings", SHAPE_INTEGER, 0, "How often it would have fired.", NULL, NULL },
	{ "seconds", SHAPE_NUMBER, 0, "For how long in all.", NULL, NULL },
	{ "longest_seconds", SHAPE_NUMBER, 0, "The longest time.", NULL, NULL },
	{ "noise", SHAPE_INTEGER, 0, "Firings without an incident.", NULL, NULL },
	{ "incidents", SHAPE_INTEGER, 0, "Incidents of these checks.", NULL, NULL },
	{ "caught", SHAPE_INTEGER, 0, "Of them, those that it would have caught.", NULL, NULL },
	{ "missed", SHAPE_INTEGER, 0, "And those that it would not.", NULL, NULL },
	{ "earlier_seconds", SHAPE_NUMBER, SHAPE_OPTIONAL,
		"So much earlier, in the middle; negative: later.", NULL, NULL },
	{ "known_ratio", SHAPE_NUMBER, SHAPE_OPTIONAL, "The share of the time that is known.", NULL,
		NULL },
	{ "summary", SHAPE_TEXT, 0, "All of it in a sentence.", NULL, NULL },
	{ .name = NULL },
};

static const struct shape total = {
	.name = "BacktestTotal",
	.doc = "What a rule comes to, over the results of this answer.",
	.fields = total_fields,
};

static const struct shape_field backtest_fields[] = {
	{ "since", SHAPE_TIME, 0, "Where it begins.", NULL, NULL },
	{ "until", SHAPE_TIME, 0, "Where it ends.", NULL, NULL },
	{ "peaks", SHAPE_FLAG, 0, "Bounds were used instead of averages.", NULL, NULL },
	{ "alerts", SHAPE_INTEGER, 0, "Rules and checks in all.", NULL, NULL },
	{ "results", SHAPE_OBJECT, SHAPE_LIST, "One for each rule and check.", &result, NULL },
	{ "totals", SHAPE_OBJECT, SHAPE_LIST, "One for each rule.", &total, NULL },
	{ "next", SHAPE_INTEGER, SHAPE_OPTIONAL,
		"There is more: ask again with this `next`, and the times as answered.", NULL,
		NULL },
	{ .name = NULL },
};

const struct shape shape_backtest = {
	.name = "Backtest",
	.doc = "When rules would have fired.",
	.fields = backtest_fields,
};

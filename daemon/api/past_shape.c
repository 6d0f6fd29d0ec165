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
		"400 steps. Never more than 2,000, nor finer than what is kept of that time.",
		NULL },
	{ NULL },
};

static const struct shape_field one_series_fields[] = {
	{ "metric", SHAPE_TEXT, 0, "Its name.", NULL, NULL },
	{ "unit", SHAPE_TEXT, 0, "The symbol of its unit, such as `s`.", NULL, NULL },
	{ "kept", SHAPE_FLAG, 0, "False: the history does not keep this metric.", NULL, NULL },
	{ "points", SHAPE_ANY, SHAPE_LIST,
		"`[seconds since 1970, average, minimum, maximum, number of values]` each; a step "
		"without a value is left out.",
		NULL, NULL },
	{ NULL },
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
	{ NULL },
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
	{ NULL },
};

static const struct shape uptime_span = {
	.name = "UptimeSpan",
	.doc = "How a check fared in one span.",
	.fields = span_fields,
};

static const struct shape_field uptime_fields[] = {
	{ "check", SHAPE_TEXT, 0, "The check's name.", NULL, NULL },
	{ "windows", SHAPE_OBJECT, SHAPE_LIST, "One for each span.", &uptime_span, NULL },
	{ NULL },
};

const struct shape shape_uptime = {
	.name = "Uptime",
	.doc = "How a check fared.",
	.fields = uptime_fields,
};

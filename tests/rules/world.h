/* A small world for tests of the language: three checks with values that a test sets. */
#ifndef TESTS_RULES_WORLD_H
#define TESTS_RULES_WORLD_H

#include <math.h>
#include <string.h>

#include "rules/expr.h"

static const struct metric_desc world_http[] = {
	{ "total_time", METRIC_GAUGE, UNIT_SECONDS, "" },
	{ "status", METRIC_GAUGE, UNIT_NONE, "" },
	{ "body_bytes", METRIC_GAUGE, UNIT_BYTES, "" },
	{ "requests_total", METRIC_COUNTER, UNIT_NONE, "" },
	{ "sent_bytes_total", METRIC_COUNTER, UNIT_BYTES, "" },
	{ .name = NULL },
};

static const struct metric_desc world_disk[] = {
	{ "used_percent", METRIC_GAUGE, UNIT_PERCENT, "" },
	{ "free_bytes", METRIC_GAUGE, UNIT_BYTES, "" },
	{ "total_bytes", METRIC_GAUGE, UNIT_BYTES, "" },
	{ "read_only", METRIC_FLAG, UNIT_BOOL, "" },
	{ .name = NULL },
};

/* As facts are: texts, numbers, yes or no. */
static const struct metric_desc world_fact[] = {
	{ "comm", METRIC_GAUGE, UNIT_TEXT, "" },
	{ "pid", METRIC_GAUGE, UNIT_NONE, "" },
	{ "listening", METRIC_FLAG, UNIT_BOOL, "" },
	{ "unit", METRIC_GAUGE, UNIT_TEXT, "" },
	{ .name = NULL },
};

#define WORLD_CHECKS 5

struct world_check {
	const char *name, *type;
	const struct metric_desc *metrics;
	bool has_sample;
	struct sample sample;
	double values[8];
	const char *texts[8];
	struct series *series[8];
};

struct world {
	struct world_check checks[WORLD_CHECKS];
	struct expr_world world;
};

static inline struct world_check *
world_find(const struct world *w, const char *name)
{
	for (size_t i = 0; i < WORLD_CHECKS; i++)
		if (w->checks[i].name && strcmp(w->checks[i].name, name) == 0)
			return (struct world_check *)(void *)((const char *)&w->checks[i] -
							      (const char *)w +
							      (char *)(void *)(uintptr_t)w);
	return NULL;
}

static inline const struct metric_desc *
world_metrics_of(const void *arg, const char *check)
{
	const struct world_check *c = world_find(arg, check);
	return c ? c->metrics : NULL;
}

static inline const char *
world_type_of(const void *arg, const char *check)
{
	const struct world_check *c = world_find(arg, check);
	return c ? c->type : NULL;
}

static inline const char *
world_check_at(const void *arg, size_t n)
{
	const struct world *w = arg;
	return n < WORLD_CHECKS ? w->checks[n].name : NULL;
}

static inline const struct sample *
world_sample_of(void *arg, const char *check)
{
	const struct world_check *c = world_find(arg, check);
	return c && c->has_sample ? &c->sample : NULL;
}

static inline const struct series *
world_series_of(void *arg, const char *check, const struct expr_window *window)
{
	const struct world_check *c = world_find(arg, check);
	return c ? c->series[window->metric] : NULL;
}

static inline const char *
world_text_of(void *arg, const char *check, int metric)
{
	const struct world_check *c = world_find(arg, check);
	return c && c->has_sample ? c->texts[metric] : NULL;
}

static inline void
world_init(struct world *w)
{
	static const struct {
		const char *name, *type;
		const struct metric_desc *metrics;
	} rows[] = {
		{ "api", "http", world_http },
		{ "web-1", "http", world_http },
		{ "disks", "disk", world_disk },
		{ "disks[/var]", "disk", world_disk },
		{ "port-owner", "fact", world_fact },
	};
	memset(w, 0, sizeof(*w));
	for (size_t i = 0; i < WORLD_CHECKS; i++) {
		struct world_check *c = &w->checks[i];
		c->name = rows[i].name;
		c->type = rows[i].type;
		c->metrics = rows[i].metrics;
		c->has_sample = true;
		c->sample.metrics = rows[i].metrics;
		c->sample.metric_count = metric_count(rows[i].metrics);
		c->sample.values = c->values;
		c->sample.state = CHECK_UP;
		c->sample.outcome = OUTCOME_OK;
		for (size_t v = 0; v < 8; v++)
			c->values[v] = NAN;
	}
	w->world = (struct expr_world){ .arg = w,
		.this_check = "disks[/var]",
		.sample_of = world_sample_of,
		.text_of = world_text_of,
		.series_of = world_series_of };
}

static inline struct expr_names
world_names(const struct world *w, bool has_this)
{
	return (struct expr_names){ .arg = w,
		.metrics_of = world_metrics_of,
		.check_at = world_check_at,
		.type_of = world_type_of,
		.this_metrics = has_this ? world_disk : NULL,
		.this_type = has_this ? "disk" : NULL };
}

#endif

/* An engine on a bench: configuration as text, samples by hand, events and kept states as lines. */
#ifndef TESTS_RULES_BENCH_H
#define TESTS_RULES_BENCH_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "rules/rule.h"

static const struct metric_desc bench_http[] = {
	{ "total_time", METRIC_GAUGE, UNIT_SECONDS, "" },
	{ "tls_days_left", METRIC_GAUGE, UNIT_SECONDS, "" },
	{ "requests_total", METRIC_COUNTER, UNIT_NONE, "" },
	{ .name = NULL },
};

static const struct metric_desc bench_disk[] = {
	{ "used_percent", METRIC_GAUGE, UNIT_PERCENT, "" },
	{ "free_bytes", METRIC_GAUGE, UNIT_BYTES, "" },
	{ "total_bytes", METRIC_GAUGE, UNIT_BYTES, "" },
	{ "inodes_percent", METRIC_GAUGE, UNIT_PERCENT, "" },
	{ "read_only", METRIC_FLAG, UNIT_NONE, "" },
	{ .name = NULL },
};

static inline const struct metric_desc *
bench_metrics_of_type(const char *type)
{
	if (strcmp(type, "http") == 0)
		return bench_http;
	return strcmp(type, "disk") == 0 ? bench_disk : NULL;
}

#define BENCH_CHECKS 32 /* one of each type, and a few */
#define BENCH_VALUES 72 /* metrics of one check */

struct bench {
	struct conf_tree *tree;
	struct rule_set *set;
	struct check_spec specs[BENCH_CHECKS];
	struct check_ties ties[BENCH_CHECKS]; /* as the scheduler keeps them for each check */
	const struct check_spec *spec_list[BENCH_CHECKS];
	size_t count;
	const struct metric_desc *(*metrics_of_type)(const char *type);
	struct complaints *complaints;
	struct rules *rules;
	struct map *kept; /* key -> json_t */
	struct buf log;   /* one line per event */
	usec_t now_us, wall_us;
	char text[1000]; /* of the last event */
	const struct cause *cause;
	usec_t since_us;
	json_t *values, *labels;
	enum severity told; /* as a listener would have it */
	int wrong;          /* events that do not follow from the one before */
	int reworded;       /* events that brought nothing but another text: not in the log */
};

static inline void
bench_follow(struct bench *b, const struct alert_event *event)
{
	enum severity before = b->told;

	switch (event->change) {
	case ALERT_FIRES:
		b->wrong += before != SEVERITY_OK || event->severity == SEVERITY_OK;
		break;
	case ALERT_RISES:
		b->wrong += before == SEVERITY_OK || event->severity <= before;
		break;
	case ALERT_FALLS:
		b->wrong += event->severity == SEVERITY_OK || event->severity >= before;
		break;
	case ALERT_CAUSE:
		b->wrong += before == SEVERITY_OK || event->severity != before;
		break;
	case ALERT_ENDS:
	case ALERT_REMOVED:
		b->wrong += before == SEVERITY_OK || event->severity != SEVERITY_OK;
		break;
	case ALERT_RESTORED:
		b->wrong += event->severity == SEVERITY_OK;
		break;
	}
	b->told = event->severity;
}

static inline void
bench_on_alert(void *arg, const struct alert_event *event)
{
	static const char *const names[] = { "fires", "rises", "falls", "cause", "ends", "removed",
		"restored" };
	struct bench *b = arg;

	bench_follow(b, event);
	if (event->change == ALERT_CAUSE && (!event->cause || event->cause == b->cause))
		b->reworded++;
	else
		buf_addf(&b->log, "%s %s.%s %s\n", names[event->change], event->check, event->rule,
			severity_name(event->severity));
	snprintf(b->text, sizeof(b->text), "%s", event->text);
	b->cause = event->cause;
	b->since_us = event->since_us;
	json_decref(b->values);
	json_decref(b->labels);
	b->values = json_deep_copy(event->values);
	b->labels = json_deep_copy(event->labels);
}

static inline void
bench_on_keep(void *arg, const char *key, const json_t *state)
{
	struct bench *b = arg;

	json_decref(
		state ? map_put(b->kept, key, json_deep_copy(state)) : map_remove(b->kept, key));
}

static inline struct check_spec *
bench_check(struct bench *b, const char *name, const char *type)
{
	struct check_spec *spec = &b->specs[b->count];

	spec->name = xstrdup(name);
	const char *bracket = strchr(name, '[');
	spec->instance = bracket ? xstrndup(bracket + 1, strlen(bracket) - 2) : NULL;
	spec->type = type;
	spec->target = xstrdup("http://127.0.0.1/");
	spec->common.interval_us = 30 * USEC_PER_SEC;
	spec->common.severity = 2;
	spec->common.enabled = true;
	b->spec_list[b->count++] = spec;
	return spec;
}

/* The rules of a whole configuration: `rules:` and `builtin_rules:`. */
static inline void
bench_compile(struct bench *b, const char *yaml)
{
	const struct rule_checks checks = { b->spec_list, b->count, b->metrics_of_type, NULL };

	b->tree = conf_tree_parse("test.yaml", yaml, strlen(yaml), b->complaints);
	b->set = rule_set_compile(conf_get(b->tree->root, "rules"),
		conf_get(b->tree->root, "builtin_rules"), &checks, b->complaints);
}

static inline void
bench_new_rules(struct bench *b)
{
	const struct rules_options options = {
		.on_alert = bench_on_alert, .on_keep = bench_on_keep, .arg = b
	};

	memset(b->ties, 0, sizeof(b->ties));
	b->rules = rules_new(&options);
}

static inline void
bench_init(struct bench *b)
{
	memset(b, 0, sizeof(*b));
	b->complaints = complaints_new();
	b->kept = map_new();
	b->metrics_of_type = bench_metrics_of_type;
	buf_init(&b->log, 0);
	b->now_us = 1000 * USEC_PER_SEC;
	b->wall_us = INT64_C(1700000000) * USEC_PER_SEC;
	bench_new_rules(b);
}

static inline void
bench_apply(struct bench *b)
{
	rules_apply(b->rules, b->set, b->spec_list, b->count, b->now_us, b->wall_us);
}

static inline void
bench_start(struct bench *b, const char *yaml)
{
	bench_compile(b, yaml);
	if (complaints_errors(b->complaints)) {
		struct buf text;
		buf_init(&text, 0);
		complaints_print(b->complaints, &text);
		print_message("%s", buf_text(&text));
		buf_fini(&text);
	}
	assert_int_equal(complaints_errors(b->complaints), 0);
	bench_apply(b);
}

static inline void
bench_drop_set(struct bench *b)
{
	rule_set_free(b->set);
	conf_tree_free(b->tree);
	b->set = NULL;
	b->tree = NULL;
}

static inline void
bench_free_json(void *value)
{
	json_decref(value);
}

static inline void
bench_fini(struct bench *b)
{
	rules_free(b->rules);
	bench_drop_set(b);
	for (size_t i = 0; i < b->count; i++) {
		free(b->specs[i].name);
		free(b->specs[i].instance);
		free(b->specs[i].target);
	}
	complaints_free(b->complaints);
	map_free(b->kept, bench_free_json);
	buf_fini(&b->log);
	json_decref(b->values);
	json_decref(b->labels);
}

static inline void
bench_wait(struct bench *b, double seconds)
{
	usec_t until = b->now_us + (usec_t)(seconds * 1e6);

	for (;;) {
		usec_t next = rules_tick(b->rules, b->now_us, b->wall_us);
		usec_t step = (next < until ? next : until) - b->now_us;
		if (step > 0) {
			b->now_us += step;
			b->wall_us += step;
		}
		if (next > until && b->now_us >= until)
			return;
	}
}

struct bench_sample {
	enum outcome outcome;
	enum check_state state;
	const char *cause, *text;
	const struct cause *row; /* instead of `cause` */
	double values[BENCH_VALUES];
};

static inline void
bench_feed(struct bench *b, const char *check, struct bench_sample s)
{
	struct sample sample = { .outcome = OUTCOME_OK,
		.state = CHECK_UP,
		.cause = s.cause ? cause_get(s.cause) : s.row,
		.started_us = b->now_us,
		.wall_us = b->wall_us,
		.values = s.values };

	struct check_ties none = { 0 }, *ties = &none;
	if (s.outcome)
		sample.outcome = s.outcome;
	if (s.state)
		sample.state = s.state;
	for (size_t i = 0; i < b->count; i++) {
		if (strcmp(b->specs[i].name, check) != 0)
			continue;
		sample.metrics = b->metrics_of_type(b->specs[i].type);
		ties = &b->ties[i];
	}
	sample.metric_count = metric_count(sample.metrics);
	sample.failures = sample.state == CHECK_DOWN ? 3 : sample.outcome == OUTCOME_FAIL;
	sample.text = xstrdup(s.text ? s.text : "said nothing");
	rules_feed_tied(b->rules, ties, check, &sample);
	free(sample.text);
}

/* 30 s later, a sample with these values. */
static inline void
bench_value(struct bench *b, const char *check, double value)
{
	bench_wait(b, 30);
	bench_feed(b, check, (struct bench_sample){ .values = { value, NAN, NAN, NAN, NAN } });
}

/* What happened since the last look. */
static inline const char *
bench_log(struct bench *b)
{
	static char text[4000];

	snprintf(text, sizeof(text), "%s", buf_text(&b->log));
	buf_reset(&b->log);
	return text;
}

#define FAIL(c, t)                                                                                 \
	(struct bench_sample)                                                                      \
	{                                                                                          \
		.outcome = OUTCOME_FAIL, .state = CHECK_DOWN, .cause = (c), .text = (t),           \
		.values = {                                                                        \
			NAN,                                                                       \
			NAN,                                                                       \
			NAN,                                                                       \
			NAN,                                                                       \
			NAN                                                                        \
		}                                                                                  \
	}
#define SUSPECT(c)                                                                                 \
	(struct bench_sample)                                                                      \
	{                                                                                          \
		.outcome = OUTCOME_FAIL, .state = CHECK_SUSPECT, .cause = (c), .values = {         \
			NAN,                                                                       \
			NAN,                                                                       \
			NAN,                                                                       \
			NAN,                                                                       \
			NAN                                                                        \
		}                                                                                  \
	}
#define ERROR_SAMPLE                                                                               \
	(struct bench_sample)                                                                      \
	{                                                                                          \
		.outcome = OUTCOME_ERROR, .cause = "self.local", .text = "no memory for a socket", \
		.values = {                                                                        \
			NAN,                                                                       \
			NAN,                                                                       \
			NAN,                                                                       \
			NAN,                                                                       \
			NAN                                                                        \
		}                                                                                  \
	}

/* A rule with two levels and a `clear`. */
static const char hysteresis[] = "builtin_rules: off\n"
				 "rules:\n"
				 "  full:\n"
				 "    each: disk\n"
				 "    warning: this.used_percent >= 80\n"
				 "    critical: this.used_percent >= 90\n"
				 "    clear: this.used_percent < 77\n"
				 "    labels: { team: core }\n"
				 "    runbook_url: https://example.com/full\n"
				 "    summary: \"{{this}} is {{this.used_percent}} full\"\n";

static inline void
setup_http(struct bench *b, const char *yaml)
{
	bench_init(b);
	bench_check(b, "api", "http");
	bench_start(b, yaml);
}

#endif

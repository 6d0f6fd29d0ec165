/*
 * The stage on which the documents are tried: a configuration as people write it, the engine in
 * virtual time, and steps such as "10m `api.total_time 300ms` `db fails net.refused`".
 *
 * What stands in backquotes:
 *	api.total_time 300ms          from now on it measures that
 *	api.total_time 300ms → 3s     along a straight line, until the end of the step
 *	log.errors_total +30/min      a counter that grows
 *	api.total_time ?              not known
 *	db fails net.refused          each run fails; also: db works, db cannot tell, db is silent
 */
#ifndef TESTS_RULES_LESSON_H
#define TESTS_RULES_LESSON_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/tls.h"
#include "probes/probe.h"
#include "rules/expr.h"
#include "setup/settings.h"

#define LESSON_CHECKS 16
#define LESSON_EVENTS 40

enum lesson_life { LESSON_WORKS, LESSON_FAILS, LESSON_CANNOT_TELL, LESSON_SILENT };

/* What one metric measures: a line from `from` to `to`, over the step. */
struct lesson_value {
	double from, to, per_second;
};

struct lesson_check {
	const struct check_spec *spec;
	struct check_spec *own; /* of a child */
	const struct metric_desc *metrics;
	size_t count;
	struct lesson_value *values;
	enum lesson_life life;
	const struct cause *cause;
	unsigned failures;
};

struct lesson_event {
	char check[80], text[500];
	enum severity severity;
	usec_t at_us; /* since the beginning of the step */
};

struct lesson {
	struct tls_pool *tls;
	struct settings *settings;
	struct conf_tree *written;
	struct rules *rules;
	struct lesson_check checks[LESSON_CHECKS];
	size_t count;
	usec_t now_us, step_us;
	struct lesson_event events[LESSON_EVENTS];
	size_t event_count;
};

/* Monday, midnight. */
#define LESSON_WALL (INT64_C(1767571200) * USEC_PER_SEC)

static inline usec_t
lesson_wall(const struct lesson *l)
{
	return LESSON_WALL + l->now_us;
}

static inline void
lesson_on_alert(void *arg, const struct alert_event *event)
{
	struct lesson *l = arg;
	const struct conf_node *rules = conf_get(l->written->root, "rules");

	if (event->change == ALERT_CAUSE || !conf_get(rules, event->rule))
		return; /* another word for the same, or a built-in rule */
	assert_true(l->event_count < LESSON_EVENTS);
	struct lesson_event *seen = &l->events[l->event_count++];
	snprintf(seen->check, sizeof(seen->check), "%s", event->check);
	snprintf(seen->text, sizeof(seen->text), "%s", event->text);
	seen->severity = event->severity;
	seen->at_us = l->now_us - l->step_us;
}

static inline void
lesson_on_keep(void *arg, const char *key, const json_t *state)
{
	(void)arg;
	(void)key;
	(void)state;
}

static inline struct lesson_check *
lesson_add(struct lesson *l, const struct check_spec *spec)
{
	assert_true(l->count < LESSON_CHECKS);
	struct lesson_check *check = &l->checks[l->count++];

	check->spec = spec;
	check->metrics = probe_metrics(spec->probe_type, spec->conf);
	check->count = metric_count(check->metrics);
	check->values = xcalloc(check->count, sizeof(*check->values));
	for (size_t i = 0; i < check->count; i++)
		check->values[i] = (struct lesson_value){ NAN, NAN, 0 };
	return check;
}

/* "disks[/var]" comes into being when it is first spoken of. */
static inline struct lesson_check *
lesson_child(struct lesson *l, const struct lesson_check *parent, const char *name)
{
	struct check_spec *spec = xcalloc(1, sizeof(*spec));
	const char *instance = strchr(name, '[') + 1;

	*spec = *parent->spec;
	spec->name = xstrdup(name);
	spec->instance = xstrndup(instance, strlen(instance) - 1);
	rules_add_child(l->rules, spec, l->now_us);
	struct lesson_check *child = lesson_add(l, spec);
	child->own = spec;
	return child;
}

static inline struct lesson_check *
lesson_find(struct lesson *l, const char *name)
{
	size_t stem = strcspn(name, "[");
	struct lesson_check *parent = NULL;

	for (size_t i = 0; i < l->count; i++) {
		const char *other = l->checks[i].spec->name;
		if (strcmp(other, name) == 0)
			return &l->checks[i];
		if (strlen(other) == stem && strncmp(other, name, stem) == 0)
			parent = &l->checks[i];
	}
	return parent && str_ends(name, "]") ? lesson_child(l, parent, name) : NULL;
}

static inline struct settings *
lesson_load(struct tls_pool *tls, const char *yaml)
{
	const struct settings_context context = { .tls = tls, .judge = &expr_judge };
	struct complaints *complaints = complaints_new();
	char path[] = "/tmp/lesson-XXXXXX";
	int fd = mkstemp(path);
	struct buf said;

	assert_true(fd >= 0 && write(fd, yaml, strlen(yaml)) == (ssize_t)strlen(yaml));
	close(fd);
	struct settings *settings = settings_load(path, &context, complaints);
	unlink(path);
	buf_init(&said, 0);
	complaints_print(complaints, &said);
	if (!settings)
		fail_msg("%s\n%s", yaml, buf_text(&said));
	buf_fini(&said);
	complaints_free(complaints);
	return settings;
}

static inline void
lesson_init(struct lesson *l, const char *yaml)
{
	const struct rules_options options = {
		.on_alert = lesson_on_alert, .on_keep = lesson_on_keep, .arg = l
	};

	memset(l, 0, sizeof(*l));
	l->tls = tls_pool_new();
	l->settings = lesson_load(l->tls, yaml);
	struct complaints *complaints = complaints_new();
	l->written = conf_tree_parse("lesson", yaml, strlen(yaml), complaints);
	complaints_free(complaints);
	l->rules = rules_new(&options);
	rules_apply(l->rules, l->settings->rules,
		(const struct check_spec *const *)l->settings->checks, l->settings->check_count,
		l->now_us, lesson_wall(l));
	for (size_t i = 0; i < l->settings->check_count; i++)
		lesson_add(l, l->settings->checks[i]);
}

static inline void
lesson_fini(struct lesson *l)
{
	rules_free(l->rules);
	for (size_t i = 0; i < l->count; i++) {
		free(l->checks[i].values);
		if (l->checks[i].own) {
			free(l->checks[i].own->name);
			free(l->checks[i].own->instance);
			free(l->checks[i].own);
		}
	}
	settings_unref(l->settings);
	conf_tree_free(l->written);
	tls_pool_free(l->tls);
}

/* "300ms", "5GB", "2/min" in base units, as the language reads them. */
static inline double
lesson_number(const char *text)
{
	static const struct expr_names nothing;
	const struct expr_world world = { .now_us = 0 };
	struct err e = { 0 };
	struct expr *expr = strcmp(text, "?") != 0 ? expr_compile(text, &nothing, &e) : NULL;
	double number = NAN;

	if (expr)
		number = expr_eval(expr, &world).number;
	else if (strcmp(text, "?") != 0)
		fail_msg("\"%s\" is no value: %s", text, e.text);
	expr_free(expr);
	return number;
}

/* --- what stands in backquotes --- */

static inline void
lesson_take_value(struct lesson_check *check, const char *metric, char *rest)
{
	static const char arrow[] = " → ";
	int at = metric_index(check->metrics, metric);
	char *to = strstr(rest, arrow);

	if (at < 0)
		fail_msg("%s has no metric \"%s\"", check->spec->name, metric);
	struct lesson_value *value = &check->values[at];
	if (*rest == '+') {
		value->from = value->to = isnan(value->to) ? 0 : value->to;
		value->per_second = lesson_number(rest + 1);
		return;
	}
	if (to)
		*to = '\0';
	value->from = lesson_number(rest);
	value->to = to ? lesson_number(to + strlen(arrow)) : value->from;
	value->per_second = 0;
}

static inline void
lesson_take_life(struct lesson_check *check, const char *words)
{
	if (strncmp(words, "fails ", 6) == 0) {
		check->life = LESSON_FAILS;
		check->cause = cause_get(words + 6);
		for (size_t i = 0; i < check->count; i++)
			check->values[i] = (struct lesson_value){ NAN, NAN, 0 };
	} else if (strcmp(words, "works") == 0) {
		check->life = LESSON_WORKS;
	} else if (strcmp(words, "cannot tell") == 0) {
		check->life = LESSON_CANNOT_TELL;
	} else if (strcmp(words, "is silent") == 0) {
		check->life = LESSON_SILENT;
	} else {
		fail_msg("\"%s\" is nothing that a check does", words);
	}
}

static inline void
lesson_take(struct lesson *l, const char *text)
{
	char name[200];
	snprintf(name, sizeof(name), "%s", text);
	char *rest = strchr(name, ' ');

	if (!rest)
		fail_msg("`%s` says nothing", text);
	*rest++ = '\0';
	struct lesson_check *check = lesson_find(l, name);
	if (check) {
		lesson_take_life(check, rest);
		return;
	}
	char *dot = strrchr(name, '.');
	if (dot)
		*dot = '\0';
	check = dot ? lesson_find(l, name) : NULL;
	if (!check)
		fail_msg("`%s`: there is no such check", text);
	lesson_take_value(check, dot + 1, rest);
}

/* --- time --- */

static inline double
lesson_at(const struct lesson_value *value, double seconds, double share)
{
	return value->from + (value->to - value->from) * share + value->per_second * seconds;
}

static inline void
lesson_run(struct lesson *l, struct lesson_check *check, usec_t length_us)
{
	double seconds = (double)(l->now_us - l->step_us) / 1e6;
	struct sample sample;

	if (check->life == LESSON_SILENT)
		return;
	sample_init(&sample, check->metrics);
	xstrset(&sample.text, "as the documents say");
	sample.started_us = l->now_us;
	sample.wall_us = lesson_wall(l);
	sample.outcome = OUTCOME_OK;
	sample.state = CHECK_UP;
	if (check->life == LESSON_FAILS) {
		sample.outcome = OUTCOME_FAIL;
		sample.cause = check->cause;
		sample.failures = ++check->failures;
		sample.state =
			sample.failures >= check->spec->common.retries ? CHECK_DOWN : CHECK_SUSPECT;
	} else if (check->life == LESSON_CANNOT_TELL) {
		sample.outcome = OUTCOME_ERROR;
		sample.cause = cause_get("self.local");
	} else {
		check->failures = 0;
	}
	for (size_t i = 0; i < check->count && check->life != LESSON_CANNOT_TELL; i++)
		sample.values[i] =
			lesson_at(&check->values[i], seconds, seconds * 1e6 / (double)length_us);
	rules_feed(l->rules, check->spec->name, &sample);
	sample_fini(&sample);
}

/* Afterwards events are those of this step. */
static inline void
lesson_pass(struct lesson *l, usec_t length_us)
{
	l->step_us = l->now_us;
	l->event_count = 0;
	for (usec_t until = l->now_us + length_us; l->now_us < until;) {
		l->now_us += USEC_PER_SEC;
		rules_tick(l->rules, l->now_us, lesson_wall(l));
		for (size_t i = 0; i < l->count; i++)
			if (l->now_us % l->checks[i].spec->common.interval_us == 0)
				lesson_run(l, &l->checks[i], length_us);
	}
	for (size_t i = 0; i < l->count; i++)
		for (size_t v = 0; v < l->checks[i].count; v++) {
			struct lesson_value *value = &l->checks[i].values[v];
			value->from = value->to = lesson_at(value, (double)length_us / 1e6, 1);
		}
}

/* "10m `api.total_time 300ms` `db works`": the words around are for people. */
static inline void
lesson_step(struct lesson *l, const char *text)
{
	char word[200];
	size_t len = strcspn(text, " ");

	snprintf(word, sizeof(word), "%.*s", (int)len, text);
	double seconds = lesson_number(word);
	for (const char *at = strchr(text, '`'); at; at = strchr(at + 1, '`')) {
		const char *end = strchr(++at, '`');
		assert_non_null(end);
		snprintf(word, sizeof(word), "%.*s", (int)(end - at), at);
		lesson_take(l, word);
		at = end;
	}
	lesson_pass(l, (usec_t)(seconds * 1e6));
}

#endif

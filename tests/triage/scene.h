/*
 * A world for triage: checks that need each other, samples taken by hand or on demand, the one rule
 * that matters most (check-down), facts that are asked for and given, and what was told of it all.
 * Time is turned by hand; the wall clock may be set apart from it.
 */
#ifndef TESTS_TRIAGE_SCENE_H
#define TESTS_TRIAGE_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "triage/playbook.h"
#include "triage/triage.h"

#define T0         (INT64_C(1767323045) * USEC_PER_SEC)
#define SCENE_MAX  40
#define NEEDS_MAX  6
#define SECONDS(n) ((n)*USEC_PER_SEC)

struct scene_check {
	char name[32];
	struct check_spec spec;
	char *needs[NEEDS_MAX];
	struct subject subject;
	bool is_in_force, is_down; /* is_down: what a run would find */
	const char *cause;
	enum check_state state;
	unsigned failures;
	bool has_sample, fires, is_run_wanted;
	struct sample last;
	char text[40];
	char facts_wanted[200]; /* "unit log-tail " */
	usec_t facts_since_us;  /* of the latest */
};

struct scene {
	struct triage *triage;
	struct triage_options options;
	struct playbooks *playbooks;
	struct scene_check checks[SCENE_MAX];
	size_t count;
	struct map *kept; /* id -> json_t */
	char told[8192];
	char last_id[INCIDENT_ID_LEN + 1];
	usec_t now, wall;
	void (*on_told)(struct scene *scene, const struct incident_event *event); /* or NULL */
};

static inline struct triage_moment
scene_at(const struct scene *s)
{
	return (struct triage_moment){ .now_us = s->now, .wall_us = s->wall };
}

static inline struct scene_check *
scene_find(struct scene *s, const char *name)
{
	for (size_t n = 0; n < s->count; n++)
		if (s->checks[n].is_in_force && str_eq(s->checks[n].name, name))
			return &s->checks[n];
	return NULL;
}

static inline void
scene_on_keep(void *arg, const char *id, const json_t *doc)
{
	struct scene *s = arg;
	json_decref(doc ? map_put(s->kept, id, json_deep_copy(doc)) : map_remove(s->kept, id));
}

/* "opened/first db:check-down critical (api web); " */
static inline void
scene_on_incident(void *arg, const struct incident_event *event)
{
	struct scene *s = arg;
	const struct incident *i = event->incident;
	size_t len = strlen(s->told);
	char impact[1000] = "";
	for (size_t n = 0; n < i->alert_count; n++)
		if (i->alerts[n].is_firing && !str_eq(i->alerts[n].check, i->check))
			snprintf(impact + strlen(impact), sizeof(impact) - strlen(impact), "%s%s",
				*impact ? " " : "", i->alerts[n].check);
	if (len + 200 < sizeof(s->told))
		snprintf(s->told + len, sizeof(s->told) - len, "%s/%s %s:%s %s%s%s%s; ",
			strchr(incident_event_name(event->type), '.') + 1, event->reason, i->check,
			i->rule, severity_name(i->severity), *impact ? " (" : "", impact,
			*impact ? ")" : "");
	memcpy(s->last_id, i->id, sizeof(s->last_id));
	const json_t *kept = map_get(s->kept, i->id);
	assert_int_equal(json_integer_value(json_object_get(kept, "sequence")), i->sequence);
	if (s->on_told)
		s->on_told(s, event);
}

static inline int
scene_on_run(void *arg, const char *check)
{
	struct scene_check *c = scene_find(arg, check);
	if (!c)
		return -1;
	c->is_run_wanted = true;
	return 0;
}

static inline int
scene_on_fact(void *arg, const char *check, const char *fact, usec_t since_us)
{
	struct scene_check *c = scene_find(arg, check);
	size_t len = c ? strlen(c->facts_wanted) : 0;
	if (!c)
		return -1;
	snprintf(c->facts_wanted + len, sizeof(c->facts_wanted) - len, "%s ", fact);
	c->facts_since_us = since_us;
	return 0;
}

static inline const struct subject *
scene_on_subject(void *arg, const char *check)
{
	struct scene_check *c = scene_find(arg, check);
	return c ? &c->subject : NULL;
}

static inline const struct sample *
scene_on_sample(void *arg, const char *check)
{
	struct scene_check *c = scene_find(arg, check);
	return c && c->has_sample ? &c->last : NULL;
}

static inline void
scene_start(struct scene *s)
{
	s->options = (struct triage_options){
		.on_incident = scene_on_incident,
		.on_keep = scene_on_keep,
		.asks = { scene_on_run, scene_on_fact, scene_on_subject, scene_on_sample },
		.arg = s,
		.host = "web-1",
		.language = LANG_EN,
		.reopen_within_us = 10 * USEC_PER_MIN,
		.triage_wait_us = SECONDS(5),
		.facts_wait_us = SECONDS(2),
	};
	s->triage = triage_new(&s->options);
}

/* `needs`: names with a blank between them, or NULL. */
static inline struct scene_check *
scene_add(struct scene *s, const char *name, const char *type, const char *needs)
{
	struct scene_check *c = &s->checks[s->count++];
	char words[200], *rest = words;
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->spec = (struct check_spec){ .name = c->name, .type = type, .target = c->name };
	c->spec.common.interval_us = SECONDS(10);
	c->spec.common.timeout_us = SECONDS(2);
	c->spec.common.retries = 2;
	c->spec.common.severity = 2;
	c->spec.common.enabled = true;
	c->spec.common.needs.all = c->needs;
	snprintf(words, sizeof(words), "%s", needs ? needs : "");
	for (char *word; (word = strtok_r(rest, " ", &rest));)
		c->needs[c->spec.common.needs.count++] = xstrdup(word);
	c->is_in_force = true;
	c->cause = "net.refused";
	return c;
}

static inline void
scene_apply(struct scene *s)
{
	const struct check_spec *specs[SCENE_MAX];
	const struct triage_moment at = scene_at(s);
	size_t count = 0;
	for (size_t n = 0; n < s->count; n++)
		if (s->checks[n].is_in_force)
			specs[count++] = &s->checks[n].spec;
	triage_apply(s->triage, specs, count, s->playbooks, &at);
}

static inline void
scene_tick(struct scene *s)
{
	const struct triage_moment at = scene_at(s);
	triage_tick(s->triage, &at);
}

#endif

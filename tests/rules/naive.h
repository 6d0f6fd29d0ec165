/*
 * The alert machine said slowly, for the property test: accumulated times instead of marks, every
 * alert looked at in every call, no schedule and no laziness.  Conditions are C functions over the
 * plain history of values.
 */
#ifndef TESTS_RULES_NAIVE_H
#define TESTS_RULES_NAIVE_H

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "rules/rule.h"

enum word { NO, YES, DUNNO };

#define NAIVE_CHECKS 3
#define NAIVE_PAST   4096

struct naive_check {
	const char *name;
	bool is_there, has_sample, is_settled;
	usec_t last_us, patience_us;
	enum check_state state;
	enum outcome outcome;
	double value;
	struct {
		usec_t at_us;
		double value;
	} past[NAIVE_PAST]; /* known values, a ring */
	size_t past_count;
};

struct naive_world {
	struct naive_check checks[NAIVE_CHECKS];
	const struct naive_check *fed;
	usec_t now_us;
};

struct naive_level {
	bool is_there, is_on;
	bool has_run;    /* it is pending, or clearing */
	bool is_running; /* its clock */
	usec_t had_us, last_us;
	unsigned samples;
	enum word last;
};

/* What a test says about one alert. */
struct naive_rule {
	const char *name;
	int owner;
	unsigned looks_at; /* checks, as bits */
	enum word (*when[LEVELS])(const struct naive_world *, int owner);
	enum word (*clear)(const struct naive_world *, int owner);
	struct level_times times[LEVELS];
	enum on_no_data on_no_data;
	bool is_down;
};

struct naive_alert {
	const struct naive_rule *rule;
	bool is_there;
	struct naive_level levels[LEVELS];
	enum severity told;
	usec_t known_us;
};

/* The check with data, or NULL. */
static inline const struct naive_check *
naive_look(const struct naive_world *w, int check)
{
	const struct naive_check *c = &w->checks[check];

	if (!c->is_there || !c->has_sample)
		return NULL;
	if (c != w->fed && w->now_us - c->last_us >= c->patience_us)
		return NULL;
	return c;
}

static inline enum word
naive_above(const struct naive_world *w, int check, double limit)
{
	const struct naive_check *c = naive_look(w, check);

	if (!c || isnan(c->value))
		return DUNNO;
	return c->value > limit ? YES : NO;
}

static inline enum word
naive_down(const struct naive_world *w, int check)
{
	const struct naive_check *c = naive_look(w, check);
	enum check_state state = c ? c->is_settled ? c->state : CHECK_UNKNOWN : CHECK_UNKNOWN;

	if (!c || (c->is_settled ? c->state == CHECK_UNKNOWN : state == CHECK_UNKNOWN))
		return DUNNO;
	return c->state == CHECK_DOWN ? YES : NO;
}

static inline enum word
naive_and(enum word a, enum word b)
{
	if (a == NO || b == NO)
		return NO;
	return a == YES && b == YES ? YES : DUNNO;
}

static inline enum word
naive_max_above(const struct naive_world *w, int check, usec_t span_us, double limit)
{
	const struct naive_check *c = naive_look(w, check);
	bool has_any = false;

	for (size_t i = c ? c->past_count : 0; i-- > 0 && i + NAIVE_PAST > c->past_count;) {
		if (c->past[i % NAIVE_PAST].at_us < w->now_us - span_us)
			break;
		has_any = true;
		if (c->past[i % NAIVE_PAST].value > limit)
			return YES;
	}
	return has_any ? NO : DUNNO;
}

/* --- levels --- */

static inline void
naive_pass(struct naive_level *l, usec_t now_us)
{
	if (l->has_run && l->is_running)
		l->had_us += now_us - l->last_us;
	l->last_us = now_us;
}

static inline void
naive_decide(struct naive_level *l, const struct level_times *times)
{
	unsigned need = times->for_samples ? times->for_samples : times->for_us > 0 ? 2 : 1;

	if (!l->has_run || !l->is_running)
		return;
	if (!l->is_on && (l->had_us < times->for_us || l->samples < need))
		return;
	if (l->is_on && l->had_us < times->keep_us)
		return;
	l->is_on = !l->is_on;
	l->has_run = false;
}

static inline void
naive_hear(struct naive_level *l, enum word word, const struct level_times *times, usec_t now_us)
{
	naive_pass(l, now_us);
	l->last = word;
	if (word == DUNNO) {
		l->is_running = false;
		return;
	}
	if ((word == YES) == l->is_on) {
		l->has_run = false;
		return;
	}
	if (!l->has_run) {
		l->had_us = 0;
		l->samples = 0;
	}
	l->has_run = l->is_running = true;
	l->samples++;
	naive_decide(l, times);
}

/* --- alerts --- */

static inline enum severity
naive_highest(const struct naive_alert *a)
{
	for (enum severity s = SEVERITY_CRITICAL; s > SEVERITY_OK; s--)
		if (a->levels[s].is_on)
			return s;
	return SEVERITY_OK;
}

static inline enum severity
naive_lowest(const struct naive_rule *rule)
{
	enum severity s = SEVERITY_INFO;

	while (!rule->when[s])
		s++;
	return s;
}

/* Not every level is false: one waits for its `for`.  It need not, where the alert falls to it. */
static inline enum severity
naive_waiting(struct naive_alert *a)
{
	bool is_waiting = false;

	for (enum severity s = a->told; s > SEVERITY_OK; s--)
		if (a->levels[s].has_run && !a->levels[s].is_on) {
			a->levels[s].is_on = true;
			a->levels[s].has_run = false;
			return s;
		}
	for (enum severity s = SEVERITY_INFO; s <= SEVERITY_CRITICAL; s++)
		is_waiting = is_waiting || (a->levels[s].has_run && !a->levels[s].is_on);
	return is_waiting ? a->told : SEVERITY_OK;
}

static inline void
naive_settle(struct naive_alert *a, enum word clear)
{
	enum severity next = naive_highest(a);

	if (next == SEVERITY_OK && a->told != SEVERITY_OK)
		next = clear == YES ? naive_waiting(a) : naive_lowest(a->rule);
	a->told = next;
}

static inline void
naive_judge(struct naive_alert *a, const struct naive_world *w)
{
	const struct naive_rule *rule = a->rule;
	const struct naive_check *own = &w->checks[rule->owner];
	enum word clear = rule->clear ? rule->clear(w, rule->owner) : YES, words[LEVELS];
	bool is_known = true;

	for (enum severity s = SEVERITY_INFO; s <= SEVERITY_CRITICAL; s++) {
		if (!rule->when[s])
			continue;
		words[s] = rule->when[s](w, rule->owner);
		/* Told to be down: well again when it is up, and by nothing less. */
		if (rule->is_down && a->told && words[s] == NO && own->state != CHECK_UP)
			words[s] = DUNNO;
		is_known = is_known && words[s] != DUNNO;
	}
	if (is_known)
		a->known_us = w->now_us;
	bool is_blind = !is_known && w->now_us - a->known_us >= own->patience_us;
	for (enum severity s = SEVERITY_INFO; s <= SEVERITY_CRITICAL; s++) {
		if (!rule->when[s])
			continue;
		if (is_blind && words[s] == DUNNO && rule->on_no_data == NO_DATA_OK)
			words[s] = NO;
		if (is_blind && words[s] == DUNNO && rule->on_no_data == NO_DATA_ALERT &&
			s == naive_lowest(rule))
			words[s] = YES;
		naive_hear(&a->levels[s], words[s], &rule->times[s], w->now_us);
	}
	if (is_blind && clear == DUNNO && rule->on_no_data == NO_DATA_OK)
		clear = YES;
	naive_settle(a, clear);
}

/* Time has passed. */
static inline void
naive_tick(struct naive_alert *a, const struct naive_world *w)
{
	const struct naive_rule *rule = a->rule;
	const struct naive_check *own = &w->checks[rule->owner];
	bool is_stale = w->now_us - own->last_us >= own->patience_us;
	bool is_blind =
		rule->on_no_data != NO_DATA_KEEP && w->now_us - a->known_us >= own->patience_us;

	if (is_stale || is_blind) {
		naive_judge(a, w);
		return;
	}
	for (enum severity s = SEVERITY_INFO; s <= SEVERITY_CRITICAL; s++) {
		naive_pass(&a->levels[s], w->now_us);
		if (rule->when[s])
			naive_decide(&a->levels[s], &rule->times[s]);
	}
	naive_settle(a, rule->clear ? rule->clear(w, rule->owner) : YES);
}

/* When time alone may change something, by this model's own reckoning. */
static inline usec_t
naive_next(const struct naive_alert *a, const struct naive_world *w)
{
	const struct naive_rule *rule = a->rule;
	const struct naive_check *own = &w->checks[rule->owner];
	usec_t times[2 + LEVELS] = { own->last_us + own->patience_us,
		a->known_us + own->patience_us };
	usec_t next = INT64_MAX;

	for (enum severity s = SEVERITY_INFO; s <= SEVERITY_CRITICAL; s++) {
		const struct naive_level *l = &a->levels[s];
		usec_t wait = l->is_on ? rule->times[s].keep_us : rule->times[s].for_us;
		if (l->has_run && l->is_running)
			times[2 + s] = l->last_us + wait - l->had_us;
	}
	for (size_t i = 0; i < 2 + LEVELS; i++)
		if (times[i] > w->now_us && times[i] < next)
			next = times[i];
	return next;
}

#endif

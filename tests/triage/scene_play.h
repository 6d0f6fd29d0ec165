/* What happens in a scene of tests/triage/scene.h: runs, alerts, time, restarts. */
#ifndef TESTS_TRIAGE_SCENE_PLAY_H
#define TESTS_TRIAGE_SCENE_PLAY_H

#include "tests/triage/scene.h"

static inline void
scene_alert(struct scene *s, const struct scene_check *c, const char *rule,
	enum alert_change change, enum severity severity)
{
	const struct alert_event event = {
		.change = change,
		.check = c->name,
		.type = c->spec.type,
		.target = c->spec.target,
		.rule = rule,
		.severity = severity,
		.cause = str_eq(rule, "check-down") ? cause_find(c->cause) : NULL,
		.text = "it is as it is",
		.since_us = s->wall,
		.at_us = s->wall,
	};
	triage_alert(s->triage, &event, s->now);
	scene_tick(s);
}

static inline void
scene_judge_down(struct scene *s, struct scene_check *c)
{
	/* What fired before a restart goes on until it is seen to be well. */
	bool should = c->state == CHECK_DOWN || (c->fires && c->state != CHECK_UP);
	if (should == c->fires)
		return;
	c->fires = should;
	scene_alert(s, c, "check-down", should ? ALERT_FIRES : ALERT_ENDS,
		should ? SEVERITY_CRITICAL : SEVERITY_OK);
}

/* One run of a check, begun `ago` before now; triage sees it before the rules do. */
static inline void
scene_sample(struct scene *s, struct scene_check *c, enum outcome outcome, usec_t ago)
{
	c->is_run_wanted = false;
	if (outcome == OUTCOME_FAIL)
		c->state =
			++c->failures >= (unsigned)c->spec.common.retries || c->state == CHECK_DOWN
				? CHECK_DOWN
				: CHECK_SUSPECT;
	else if (outcome == OUTCOME_OK)
		c->state = CHECK_UP;
	if (outcome == OUTCOME_OK)
		c->failures = 0;
	snprintf(c->text, sizeof(c->text), "%s",
		outcome == OUTCOME_OK ? "well" : "it does not answer");
	c->has_sample = true;
	c->last = (struct sample){
		.outcome = outcome,
		.cause = outcome == OUTCOME_OK ? NULL : cause_find(c->cause),
		.text = c->text,
		.started_us = s->now - ago,
		.took_us = ago,
		.wall_us = s->wall,
		.state = c->state,
		.failures = c->failures,
	};
	triage_sample(s->triage, &c->spec, &c->last, s->now);
	scene_judge_down(s, c);
	scene_tick(s);
}

static inline void
scene_fails(struct scene *s, const char *name)
{
	scene_find(s, name)->is_down = true;
	scene_sample(s, scene_find(s, name), OUTCOME_FAIL, 1000);
}

static inline void
scene_is_well(struct scene *s, const char *name)
{
	scene_find(s, name)->is_down = false;
	scene_sample(s, scene_find(s, name), OUTCOME_OK, 1000);
}

static inline void
scene_goes_by(struct scene *s, usec_t us)
{
	s->now += us;
	s->wall += us;
	scene_tick(s);
}

/* Second by second, as the app's timer would have it. */
static inline void
scene_waits(struct scene *s, unsigned seconds)
{
	while (seconds-- > 0)
		scene_goes_by(s, USEC_PER_SEC);
}

/* What triage asked to be run is run, and finds what is there; true: something was. */
static inline bool
scene_runs_wanted(struct scene *s)
{
	bool were_any = false;
	scene_goes_by(s, 10 * USEC_PER_MSEC);
	for (size_t n = 0; n < s->count; n++) {
		struct scene_check *c = &s->checks[n];
		if (!c->is_in_force || !c->is_run_wanted)
			continue;
		scene_sample(s, c, c->is_down ? OUTCOME_FAIL : OUTCOME_OK, 1000);
		were_any = true;
	}
	return were_any;
}

static inline void
scene_says(struct scene *s, const char *wanted)
{
	assert_string_equal(s->told, wanted);
	s->told[0] = '\0';
}

static inline const struct incident *
scene_newest(struct scene *s)
{
	return triage_at(s->triage, 0);
}

/* Everybody is well, and was seen to be. */
static inline void
scene_begins(struct scene *s)
{
	const struct triage_moment at = scene_at(s);
	scene_apply(s);
	for (size_t n = 0; n < s->count; n++)
		scene_sample(s, &s->checks[n], OUTCOME_OK, 1000);
	triage_settle(s->triage, &at);
	scene_goes_by(s, SECONDS(1));
}

/* The process dies and another one starts on what was kept; alerts that fired are restored. */
static inline void
scene_restarts(struct scene *s)
{
	size_t at = 0;
	const char *id;
	void *doc;
	triage_free(s->triage);
	scene_start(s);
	while (map_next(s->kept, &at, &id, &doc))
		triage_restore(s->triage, id, doc);
	for (size_t n = 0; n < s->count; n++) {
		s->checks[n].has_sample = s->checks[n].is_run_wanted = false;
		s->checks[n].facts_wanted[0] = '\0';
		s->checks[n].failures = 0;
		s->checks[n].state = CHECK_UNKNOWN;
	}
	scene_apply(s);
	for (size_t n = 0; n < s->count; n++)
		if (s->checks[n].is_in_force && s->checks[n].fires)
			scene_alert(
				s, &s->checks[n], "check-down", ALERT_RESTORED, SEVERITY_CRITICAL);
}

static inline void
scene_settles(struct scene *s)
{
	const struct triage_moment at = scene_at(s);
	triage_settle(s->triage, &at);
	scene_tick(s);
}

static inline void
scene_free_doc(void *doc)
{
	json_decref(doc);
}

static inline int
scene_setup(void **state)
{
	struct scene *s = xcalloc(1, sizeof(*s));
	s->kept = map_new();
	s->now = s->wall = T0;
	scene_start(s);
	*state = s;
	return 0;
}

static inline int
scene_teardown(void **state)
{
	struct scene *s = *state;
	triage_free(s->triage);
	playbooks_free(s->playbooks);
	map_free(s->kept, scene_free_doc);
	for (size_t n = 0; n < s->count; n++)
		for (size_t i = 0; i < s->checks[n].spec.common.needs.count; i++)
			free(s->checks[n].needs[i]);
	free(s);
	return 0;
}

#endif

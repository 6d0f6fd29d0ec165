/*
 * The chase: when a check begins to fail, what it needs is run at once and the facts of its
 * playbook are asked for, so that they are there when the failure is confirmed.  Transitive by
 * itself: a need that fails is chased in its turn.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "triage/family.h"
#include "triage/inside.h"

/* A need that has not been run since the start: the first round is under way. */
#define FIRST_ROUND_US (30 * USEC_PER_SEC)

void
chase_run(struct triage *t, struct node *node)
{
	const struct triage_asks *asks = &t->options.asks;
	if (!asks->run || !node->spec || node->is_awaited)
		return;
	node->is_awaited = true;
	node->run_us = t->at.now_us;
	asks->run(t->options.arg, node->name); /* one that runs already is asked again afterwards */
}

static const struct sample *
latest(const struct triage *t, const struct node *node)
{
	const struct triage_asks *asks = &t->options.asks;
	return asks->sample ? asks->sample(t->options.arg, node->name) : NULL;
}

bool
chase_is_unheard(const struct triage *t, const struct node *node)
{
	return node->spec && t->options.asks.sample && !latest(t, node);
}

usec_t
chase_first_round(const struct triage *t)
{
	usec_t wait_us = t->options.triage_wait_us;
	return wait_us > 0 && wait_us < FIRST_ROUND_US ? FIRST_ROUND_US : wait_us;
}

struct missing {
	usec_t since_us;
	bool is_any, is_first_round;
};

static void
look(struct triage *t, const struct node *node, struct missing *m)
{
	size_t at = 0;
	struct node *need;
	while ((need = graph_next_need(&t->graph, node, &at))) {
		if (need->visit == t->graph.visit || !need->spec)
			continue;
		need->visit = t->graph.visit;
		const struct sample *sample = latest(t, need);
		bool has_answered = sample && sample->started_us >= m->since_us;
		if (root_is_failing(need) || (has_answered && sample->outcome == OUTCOME_ERROR)) {
			look(t, need, m);
		} else if (!has_answered && need->parent != node) {
			m->is_any = true;
			m->is_first_round = m->is_first_round || !sample;
			chase_run(t, need);
		}
	}
}

usec_t
chase_needs(struct triage *t, struct node *node, usec_t from_us)
{
	struct missing m = { .since_us = node->fail_us };
	usec_t wait_us = t->options.triage_wait_us;
	if (!t->options.asks.run || !t->options.asks.sample)
		return 0;
	node->visit = ++t->graph.visit;
	look(t, node, &m);
	if (m.is_first_round)
		wait_us = chase_first_round(t);
	return m.is_any ? from_us + wait_us : 0;
}

static void
ask_facts(struct triage *t, struct node *node)
{
	const struct symptom symptom = {
		.type = node->spec->type,
		.cause = node->cause ? node->cause->code : NULL,
		.rule = RULE_DOWN,
	};
	/* What fails for a known reason needs no facts of its own; if it outlives the reason,
	 * they are asked for then. */
	if (!root_find(t, node, true))
		asked_want(t, node, &symptom);
}

static void
take_failure(struct triage *t, struct node *node, const struct sample *sample)
{
	bool is_first = node->fail_us == 0;
	if (sample->state == CHECK_STARTING)
		return;
	if (is_first) {
		if (list_is_empty(&node->firings))
			asked_drop(node);
		node->fail_us = sample->started_us > 0 ? sample->started_us : 1;
		node->fail_wall_us = sample->wall_us;
		node->tried_us = 0;
		node->tries = 0;
		t->graph.failing++;
	}
	bool is_other = is_first || node->cause != sample->cause;
	node->last_fail_us = sample->started_us;
	node->cause = sample->cause;
	xstrset(&node->text, sample->text);
	if (sample->started_us >= node->tried_us)
		node->tries++;
	host_hear(t, node, sample);
	if (is_other && !is_first)
		asked_renew(t, node);
	if (is_other)
		ask_facts(t, node);
	if (is_first)
		chase_needs(t, node, t->at.now_us);
}

static void
recover(struct triage *t, struct node *node, bool was_down)
{
	node->fail_us = node->fail_wall_us = 0;
	node->cause = NULL;
	node->lost = NULL;
	xstrset(&node->text, NULL);
	t->graph.failing--;
	if (was_down)
		node->well_us = t->at.now_us;
	if (list_is_empty(&node->firings))
		asked_drop(node);
}

/* A "down" alert may be kept for a while when its check is well again. */
static bool
has_trouble(const struct node *node)
{
	if (node->fail_us)
		return true;
	LIST_EACH(it, &node->firings)
	if (!firing_is_down(LIST_ENTRY(it, struct firing, sibling)))
		return true;
	return false;
}

bool
chase_hear(struct triage *t, struct node *node, const struct sample *sample)
{
	bool was_failing = root_is_failing(node), was_down = root_is_confirmed(node);
	bool is_early = node->is_awaited && sample->started_us < node->run_us;
	bool was_awaited = node->is_awaited;
	node->is_awaited = false;
	node->outcome = sample->outcome;
	node->state = sample->state;
	if (sample->outcome == OUTCOME_FAIL)
		take_failure(t, node, sample);
	else if (sample->outcome == OUTCOME_OK)
		host_hear(t, node, sample);
	if (sample->outcome == OUTCOME_OK && sample->state == CHECK_UP && node->fail_us)
		recover(t, node, was_down);
	if (is_early && sample->outcome == OUTCOME_OK)
		chase_run(t, node);
	if (has_trouble(node))
		asked_retry(t, node);
	return was_awaited || node->fail_us || was_failing != root_is_failing(node) ||
	       was_down != root_is_confirmed(node);
}

/*
 * How long a message waits: for needs without a verdict and for a suspect's confirmation until
 * triage_wait, then for facts until facts_wait, each only where there is something to wait for.
 * All waits are monotonic.
 */
#include "triage/inside.h"

static usec_t
later(usec_t a, usec_t b)
{
	return a > b ? a : b;
}

/* What it needed has just recovered: one run that began since must fail before it speaks. */
static usec_t
wait_for_check(struct triage *t, struct firing *f)
{
	struct node *node = f->node, *need;
	usec_t until_us = 0;
	size_t at = 0;
	while (node->fail_us && (need = graph_next_need(&t->graph, node, &at))) {
		if (!need->well_us || node->last_fail_us >= need->well_us)
			continue;
		until_us = later(until_us, release_until(f, need->well_us));
	}
	/* However often that comes and goes. */
	usec_t limit_us = release_until(f, f->fired_us);
	until_us = until_us < limit_us ? until_us : limit_us;
	if (until_us > t->at.now_us)
		chase_run(t, node);
	return until_us;
}

static bool
is_root_suspect(const struct node *node, const struct node *root)
{
	return root && root != node && root_is_failing(root) && !root_is_confirmed(root);
}

static struct holding
wait_for_needs(struct triage *t, struct firing *f, const struct place *place)
{
	struct holding h = { 0 };
	usec_t now_us = t->at.now_us, limit_us = f->fired_us + t->options.triage_wait_us;
	struct node *node = f->node;
	usec_t first_us = f->fired_us + chase_first_round(t);
	if (node && first_us > now_us && chase_is_unheard(t, node)) {
		/* It fired before the restart, and nobody was told. */
		chase_run(t, node);
		return (struct holding){ .until_us = first_us, .for_check = true };
	}
	if (!node || !node->fail_us)
		return h;
	usec_t needs_us = chase_needs(t, node, f->fired_us);
	usec_t check_us = wait_for_check(t, f);
	h.for_needs = needs_us > now_us;
	h.for_check = check_us > now_us;
	h.for_root = limit_us > now_us &&
		     (is_root_suspect(node, place->node) || host_is_waiting(t, node));
	if (h.for_needs)
		h.until_us = needs_us;
	if (h.for_check)
		h.until_us = later(h.until_us, check_us);
	if (h.for_root)
		h.until_us = later(h.until_us, limit_us);
	return h;
}

/* Facts of the check may be there from trouble that is over, or from other trouble that is not:
 * those that this one is told by must not be older than it. */
static void
want_facts(struct triage *t, const struct firing *f, const struct place *place, bool is_first)
{
	const struct symptom symptom = judge_symptom(place);
	usec_t lasted_us = f->event.at_us - f->event.since_us;
	if (!is_first || firing_is_down(f) || place->firing != f) {
		asked_want(t, place->node, &symptom);
		return;
	}
	if (lasted_us < 0)
		lasted_us = 0;
	asked_want_new(t, place->node, &symptom, f->fired_us - lasted_us);
}

/* A number out of bounds of a check that is down belongs to that: it speaks with it.  Of one sample
 * it may fire first; what else that says is known at the next look. */
static struct holding
wait_for_own_down(const struct triage *t, const struct firing *f)
{
	const struct node *node = f->node;
	const struct firing *down;

	if (node == NULL || !node->fail_us || firing_is_down(f))
		return (struct holding){ 0 };
	down = firing_down_of(node);
	if (down != NULL && down->entry == NULL)
		return down->holding;
	if (down == NULL && node->state == CHECK_DOWN && f->fired_us == t->at.now_us)
		return (struct holding){ .until_us = t->at.now_us + 1, .for_check = true };
	return (struct holding){ 0 };
}

/* The root's own alert waits for facts too: both speak together. */
struct holding
hold_look(struct triage *t, struct firing *f, const struct place *place)
{
	struct holding h = wait_for_own_down(t, f);
	usec_t now_us = t->at.now_us;
	bool is_first = !f->ready_us;
	if (h.until_us > now_us)
		return h;
	h = (struct holding){ 0 };
	if (is_first) {
		h = wait_for_needs(t, f, place);
		if (h.until_us)
			return h;
		f->ready_us = now_us > 0 ? now_us : 1;
	}
	if (place->node && place->node->spec)
		want_facts(t, f, place, is_first);
	usec_t limit_us = f->ready_us + t->options.facts_wait_us;
	bool is_pending = (place->node && asked_is_pending(place->node, now_us)) ||
			  (f->node && asked_is_pending(f->node, now_us));
	if (is_pending && limit_us > now_us) {
		h.for_facts = true;
		h.until_us = limit_us;
	}
	return h;
}

void
hold_begin_anew(struct triage *t, struct firing *f)
{
	f->fired_us = t->at.now_us;
	f->ready_us = 0;
	t->is_stale = true;
}

/*
 * The root of a failure: the deepest failing thing that the check needs.  The walk goes through
 * what fails and through what cannot tell; what is well ends it.  Of several roots the one that
 * failed first is taken.
 */
#include "base/str.h"
#include "triage/family.h"
#include "triage/inside.h"

#define DEPTH_MAX 200

bool
root_is_confirmed(const struct node *node)
{
	if (!node->spec)
		return node->fail_us != 0;
	return (node->fail_us && node->state == CHECK_DOWN) || firing_down_of(node);
}

bool
root_is_failing(const struct node *node)
{
	bool is_suspect =
		node->fail_us && node->state == CHECK_SUSPECT && node->outcome == OUTCOME_FAIL;
	return is_suspect || root_is_confirmed(node);
}

bool
root_drags(const struct node *node, usec_t now_us)
{
	const struct firing *down = firing_down_of(node);
	const struct cause *cause = node->fail_us ? node->cause : NULL;
	usec_t since_us = node->fail_us;
	if (!root_is_failing(node))
		return false;
	if (!cause && down) {
		cause = down->event.cause;
		since_us = down->fired_us;
	}
	return !cause || cause_level_at_age(cause, now_us - since_us) == SEVERITY_CRITICAL;
}

/* Neither well nor failing: what it needs may be what hides behind it. */
static bool
cannot_tell(const struct triage *t, const struct node *node)
{
	const struct triage_asks *asks = &t->options.asks;
	const struct sample *sample =
		asks->sample && node->spec ? asks->sample(t->options.arg, node->name) : NULL;
	return asks->sample && node->spec && (!sample || sample->outcome == OUTCOME_ERROR);
}

struct walk {
	struct triage *t;
	bool is_sure;
	unsigned depth;
	struct node *best;
};

static usec_t
failed_since(const struct node *node)
{
	const struct firing *down = node->fail_us ? NULL : firing_down_of(node);
	return down ? down->fired_us : node->fail_us;
}

static void
offer(struct walk *w, struct node *node)
{
	if (!w->best || failed_since(node) < failed_since(w->best))
		w->best = node;
}

static bool look(struct walk *w, struct node *node);

static bool
look_at_need(struct walk *w, struct node *need)
{
	bool drags = root_drags(need, w->t->at.now_us) && (!w->is_sure || root_is_confirmed(need));
	need->visit = w->t->graph.visit;
	need->visit_found = false;
	if (drags) {
		if (!look(w, need))
			offer(w, need);
		need->visit_found = true;
	} else if (cannot_tell(w->t, need)) {
		need->visit_found = look(w, need);
	}
	return need->visit_found;
}

/* True: something that `node` needs fails. */
static bool
look(struct walk *w, struct node *node)
{
	bool found = false;
	size_t at = 0;
	struct node *need;
	if (w->depth >= DEPTH_MAX)
		return false;
	w->depth++;
	while ((need = graph_next_need(&w->t->graph, node, &at))) {
		bool is_known = need->visit == w->t->graph.visit;
		bool fails = is_known ? need->visit_found : look_at_need(w, need);
		found = found || fails;
	}
	w->depth--;
	return found;
}

struct node *
root_find(struct triage *t, struct node *node, bool is_sure)
{
	struct walk w = { .t = t, .is_sure = is_sure };
	if (!node)
		return NULL;
	t->graph.visit++;
	node->visit = t->graph.visit;
	node->visit_found = false;
	look(&w, node);
	return w.best == node ? NULL : w.best;
}

static bool
reaches(struct triage *t, const struct node *from, const struct node *wanted, unsigned depth)
{
	size_t at = 0;
	struct node *need;
	while (depth < DEPTH_MAX && (need = graph_next_need(&t->graph, from, &at))) {
		if (need == wanted)
			return true;
		if (need->visit == t->graph.visit)
			continue;
		need->visit = t->graph.visit;
		if (reaches(t, need, wanted, depth + 1))
			return true;
	}
	return false;
}

bool
root_is_needed(struct triage *t, struct node *node, const struct node *by)
{
	if (!node || !by)
		return false;
	t->graph.visit++;
	return reaches(t, by, node, 0);
}

/*
 * After the root recovered.  Those who failed because of it are run at once and get time to
 * recover too; the incident stays open for them, and ends once.  Who fails `retries` times in runs
 * that began since outlives the root: it gets an incident of its own.
 *
 *	root fails ──well──► releasing ──all ended, or all that are left outlive it──► resolved
 *	     ▲                   │
 *	     └────fails again────┘
 */
#include "base/str.h"
#include "triage/family.h"
#include "triage/inside.h"

#define WINDOW_US USEC_PER_MIN
/* Rules over numbers linger (keep_firing_for) after what they measure is well. */
#define LINGER_US     (150 * USEC_PER_SEC)
#define LOOK_EVERY_US USEC_PER_SEC

usec_t
release_until(const struct firing *f, usec_t released_us)
{
	usec_t interval_us = f->node && f->node->spec ? f->node->spec->common.interval_us : 0;
	usec_t window_us = firing_is_down(f) ? WINDOW_US : LINGER_US;
	return released_us + (2 * interval_us > window_us ? 2 * interval_us : window_us);
}

static bool
outlives(const struct triage *t, const struct firing *f, usec_t released_us)
{
	const struct node *node = f->node;
	if (t->at.now_us >= release_until(f, released_us))
		return true;
	return !f->is_late && firing_is_down(f) && node && node->spec && node->fail_us &&
	       (int64_t)node->tries >= node->spec->common.retries;
}

static void
start(struct triage *t, struct entry *entry)
{
	entry->released_us = t->at.now_us > 0 ? t->at.now_us : 1;
	entry->released_wall_us = t->at.wall_us;
	t->releasing++;
	LIST_EACH(it, &entry->firings)
	{
		struct firing *f = LIST_ENTRY(it, struct firing, link);
		if (!f->node)
			continue;
		f->node->tried_us = t->at.now_us;
		f->node->tries = 0;
		chase_run(t, f->node);
	}
	life_write(t, entry, "root-recovered", entry->incident.check);
}

void
release_stop(struct triage *t, struct entry *entry)
{
	if (!entry->released_us)
		return;
	entry->released_us = 0;
	t->releasing--;
}

/* What is left goes on by itself: the incident ends first, then they speak. */
static void
finish(struct triage *t, struct entry *entry)
{
	while (!list_is_empty(&entry->firings)) {
		struct firing *f = LIST_ENTRY(entry->firings.next, struct firing, link);
		firing_give(t, f, NULL);
		hold_begin_anew(t, f);
	}
	life_end(t, entry, "recovered");
}

static bool
root_fails(const struct triage *t, const struct entry *entry, const struct node *root)
{
	if (alerts_lead(&entry->incident))
		return true;
	if (!root)
		return false;
	if (chase_is_unheard(t, root))
		return true;
	if (!str_eq(entry->incident.rule, RULE_DOWN) && root->spec && !entry->is_confirmed)
		return true; /* facts made it the root; its own alert has not spoken yet */
	return root_is_failing(root);
}

void
release_review(struct triage *t, struct entry *entry)
{
	struct node *root = graph_find(&t->graph, entry->incident.check);
	usec_t next_us = INT64_MAX;
	if (root_fails(t, entry, root)) {
		release_stop(t, entry);
		entry->is_confirmed = entry->is_confirmed || (root && root_is_confirmed(root));
		return;
	}
	if (list_is_empty(&entry->firings))
		return; /* quiet, or of another process and not settled yet */
	if (!root || !entry->is_confirmed) {
		turn_give_back(t, entry);
		return;
	}
	if (!entry->released_us)
		start(t, entry);
	LIST_EACH(it, &entry->firings)
	{
		const struct firing *f = LIST_ENTRY(it, struct firing, link);
		if (outlives(t, f, entry->released_us))
			continue;
		usec_t until_us = release_until(f, entry->released_us);
		next_us = until_us < next_us ? until_us : next_us;
	}
	if (next_us == INT64_MAX)
		finish(t, entry);
	else
		life_want(t, next_us);
}

void
release_look_at_root(struct triage *t, const struct entry *entry)
{
	struct node *root = graph_find(&t->graph, entry->incident.check);
	if (root && root->fail_us && t->at.now_us - root->run_us >= LOOK_EVERY_US)
		chase_run(t, root);
}

struct entry *
release_takes(struct triage *t, const struct firing *f)
{
	for (size_t n = t->book.open.count; t->releasing && f->node && n-- > 0;) {
		struct entry *entry = t->book.open.all[n];
		struct node *root = graph_find(&t->graph, entry->incident.check);
		if (entry->released_us && root && root_is_needed(t, root, f->node) &&
			t->at.now_us < release_until(f, entry->released_us))
			return entry;
	}
	return NULL;
}

/*
 * Incidents whose root turns out to be another: a parent found failing takes over what was told of
 * its dependents, incidents of one root become one, and what a mere suspicion took goes back.  Of
 * two open incidents the older id survives.
 */
#include <stdlib.h>

#include "base/str.h"
#include "triage/family.h"
#include "triage/inside.h"

/* What failed longer ago than this before the root did is another matter. */
#define HORIZON_US (2 * USEC_PER_MIN)

static bool
is_in_time(const struct entry *entry, const struct node *root)
{
	usec_t horizon_us = HORIZON_US;
	if (root->spec) {
		const struct check_common *common = &root->spec->common;
		usec_t own_us = 2 * common->interval_us + common->timeout_us;
		horizon_us = own_us > horizon_us ? own_us : horizon_us;
	}
	return !root->fail_us || entry->opened_us + horizon_us >= root->fail_us;
}

/* Only failures follow from failures; a number out of bounds is a story of its own. */
static bool
may_turn(const struct triage *t, const struct entry *entry)
{
	const struct node *node = graph_find(&t->graph, entry->incident.check);
	return node && node->spec && !entry->released_us && alerts_any(entry) &&
	       (str_eq(entry->incident.rule, RULE_DOWN) || node->fail_us);
}

/* Cheap, for in a large outage thousands are asked whether they follow from each new root. */
static bool
may_follow(const struct triage *t, const struct entry *entry, const struct node *root)
{
	const struct node *node = graph_find(&t->graph, entry->incident.check);
	return node && node->spec && speak_may_belong(t, node, root);
}

/* The needers of the place are listed. */
static bool
follows_from(struct triage *t, struct entry *entry, const struct place *place)
{
	if (str_eq(entry->incident.check, place->check) || !may_follow(t, entry, place->node) ||
		!may_turn(t, entry) || !is_in_time(entry, place->node))
		return false;
	return speak_place_of(t, entry, false).node == place->node;
}

struct entry *
turn_take_over(struct triage *t, const struct place *place)
{
	struct entry *oldest = NULL;
	struct needers needers;
	if (!place->node || !graph_is_needed(&t->graph, place->node))
		return NULL;
	graph_list_needers(&t->graph, place->node, &needers);
	for (size_t n = 0; n < t->book.open.count; n++) {
		struct entry *entry = t->book.open.all[n];
		if (follows_from(t, entry, place) &&
			(!oldest || entry->opened_us < oldest->opened_us))
			oldest = entry;
	}
	graph_forget_needers(&needers);
	if (oldest)
		life_set_root(t, oldest, place);
	return oldest;
}

/* --- merging --- */

static void
move_alerts(struct triage *t, struct entry *to, struct entry *from)
{
	alerts_join(t, to, from);
	while (!list_is_empty(&from->firings)) {
		struct firing *f = LIST_ENTRY(from->firings.next, struct firing, link);
		firing_give(t, f, to);
		alerts_take(to, &f->event);
	}
}

static bool
take_in(struct triage *t, struct entry *entry, struct entry *other)
{
	if (other == entry || other->incident.merged_into)
		return false;
	move_alerts(t, entry, other);
	life_mark_merged(t, other, &entry->incident);
	return true;
}

/* What is down takes in whatever else is open for its check. */
static bool
take_in_own(struct triage *t, struct entry *entry)
{
	bool has_taken = false;
	size_t at = 0;
	struct entry *other;
	while (str_eq(entry->incident.rule, RULE_DOWN) &&
		(other = book_next_open(&t->book, entry->incident.check, &at)))
		has_taken = take_in(t, entry, other) || has_taken;
	return has_taken;
}

bool
turn_join_others(struct triage *t, struct entry *entry)
{
	const struct place place = judge_place_of(t, entry);
	bool has_taken = take_in_own(t, entry);
	struct needers needers;
	if (!place.node || !graph_is_needed(&t->graph, place.node))
		return has_taken;
	graph_list_needers(&t->graph, place.node, &needers);
	for (size_t n = 0; n < t->book.open.count; n++) {
		struct entry *other = t->book.open.all[n];
		if (other != entry && follows_from(t, other, &place))
			has_taken = take_in(t, entry, other) || has_taken;
	}
	graph_forget_needers(&needers);
	return has_taken;
}

void
turn_end_merged(struct triage *t, struct entry *entry)
{
	for (size_t n = 0; n < t->book.open.count;) {
		struct entry *other = t->book.open.all[n];
		if (str_eq(other->incident.merged_into, entry->incident.id))
			life_end(t, other, "merged");
		else
			n++;
	}
}

/* `root` has the root that both have by now. */
static void
merge(struct triage *t, struct entry *entry, struct entry *root)
{
	bool is_older = entry->opened_us < root->opened_us;
	struct entry *stays = is_older ? entry : root, *goes = is_older ? root : entry;
	enum severity was = stays->incident.severity;
	if (is_older) {
		const struct place place = judge_place_of(t, root);
		life_set_root(t, entry, &place);
	}
	move_alerts(t, stays, goes);
	life_mark_merged(t, goes, &stays->incident);
	if (is_older)
		life_tell_turn(t, stays, was);
	else
		life_tell_impact(t, stays, was);
	turn_end_merged(t, stays);
}

void
turn_review(struct triage *t, struct entry *entry)
{
	if (!entry->is_told || entry->incident.merged_into || !may_turn(t, entry))
		return;
	const struct place place = speak_place_of(t, entry, true);
	if (!place.node || str_eq(place.check, entry->incident.check) ||
		!is_in_time(entry, place.node))
		return;
	if (place.firing && !place.firing->entry)
		return; /* it is held: when it speaks it takes this over */
	struct entry *root = place.firing ? place.firing->entry
					  : book_find_open(&t->book, place.check, place.rule);
	if (root == entry)
		return;
	if (root) {
		merge(t, entry, root);
		return;
	}
	enum severity was = entry->incident.severity;
	life_set_root(t, entry, &place);
	bool has_taken = turn_join_others(t, entry);
	life_tell_turn(t, entry, was);
	if (has_taken)
		turn_end_merged(t, entry);
}

/* --- back to the dependent --- */

static struct firing *
oldest_alert(const struct entry *entry)
{
	struct firing *oldest = NULL;
	LIST_EACH(it, &entry->firings)
	{
		struct firing *f = LIST_ENTRY(it, struct firing, link);
		if (!oldest || f->event.since_us < oldest->event.since_us)
			oldest = f;
	}
	return oldest;
}

void
turn_give_back(struct triage *t, struct entry *entry)
{
	struct firing *first = oldest_alert(entry);
	enum severity was = entry->incident.severity;
	struct entry *own = book_find_open(&t->book, first->event.check, first->event.rule);
	const struct place place = {
		.node = first->node,
		.check = first->event.check,
		.type = first->event.type,
		.target = first->event.target,
		.rule = first->event.rule,
		.firing = first,
	};
	release_stop(t, entry);
	LIST_EACH_SAFE(it, &entry->firings)
	{
		struct firing *f = LIST_ENTRY(it, struct firing, link);
		if (f == first || str_eq(f->event.check, first->event.check))
			continue;
		firing_give(t, f, NULL);
		hold_begin_anew(t, f);
	}
	if (own && own != entry) {
		merge(t, entry, own);
		return;
	}
	life_set_root(t, entry, &place);
	life_tell_turn(t, entry, was);
}

/*
 * Once an alert may speak: whose trouble it is, the incident that takes it, and who speaks with it.
 * What an open incident can take is taken at once; only what would open or change one is held.
 */
#include "base/mem.h"
#include "base/str.h"
#include "triage/family.h"
#include "triage/inside.h"

static void
set_root(const struct triage *t, struct place *place, struct node *root)
{
	*place = (struct place){
		.node = root,
		.check = root->name,
		.type = root->spec ? root->spec->type : "host",
		.target = root->spec ? root->spec->target : t->host,
		.rule = root->spec ? RULE_DOWN : host_rule(root),
		.firing = firing_down_of(root),
	};
}

struct place
speak_place(struct triage *t, struct firing *f)
{
	struct place place = {
		.node = f->node,
		.check = f->event.check,
		.type = f->event.type,
		.target = f->event.target,
		.rule = f->event.rule,
		.firing = f,
	};
	if (!f->node)
		return place;
	/* A number out of bounds, or a mere note, is no reason to suspect others. */
	bool is_sure = !f->node->fail_us || f->event.severity < SEVERITY_WARNING;
	struct node *root = root_find(t, f->node, is_sure);
	if (root)
		set_root(t, &place, root);
	reveal_root(t, &place);
	return place;
}

struct place
speak_place_of(struct triage *t, const struct entry *entry, bool is_sure)
{
	struct place place = judge_place_of(t, entry);
	struct node *root = place.node ? root_find(t, place.node, is_sure) : NULL;
	if (root)
		set_root(t, &place, root);
	reveal_root(t, &place);
	return place;
}

static struct entry *
find_open(struct triage *t, const struct firing *f, const struct place *place)
{
	struct entry *entry = book_find_open(&t->book, f->event.check, f->event.rule);
	if (entry)
		return entry;
	if (place->firing && place->firing->entry)
		return place->firing->entry;
	return book_find_open(&t->book, place->check, place->rule);
}

/* Several needs fail: the incidents of the others are related to this one. */
static void
link_other_roots(struct triage *t, struct firing *f, struct entry *entry)
{
	size_t at = 0;
	struct node *need;
	while (f->node && (need = graph_next_need(&t->graph, f->node, &at))) {
		struct entry *other = book_find_open(&t->book, need->name, RULE_DOWN);
		if (other && other != entry)
			reveal_link(t, entry, other, "another thing that it needs fails too");
	}
}

static void
join(struct triage *t, struct firing *f, struct entry *entry)
{
	firing_give(t, f, entry);
	f->is_late = entry->released_us != 0;
	if (!str_eq(f->event.check, entry->incident.check))
		link_other_roots(t, f, entry);
	life_join(t, entry, f, ALERT_FIRES);
}

bool
speak_may_belong(const struct triage *t, const struct node *node, const struct node *root)
{
	return node->is_needer || !root->spec || root->is_tie || reveal_is_due(t, node);
}

/* All that would say the same speak with it.  In a large outage thousands are held. */
static void
gather(struct triage *t, struct entry *entry, const struct place *place)
{
	struct needers needers;
	if (!place->node)
		return;
	graph_list_needers(&t->graph, place->node, &needers);
	LIST_EACH_SAFE(it, &t->held)
	{
		struct firing *f = LIST_ENTRY(it, struct firing, link);
		if (!f->node || !speak_may_belong(t, f->node, place->node))
			continue;
		const struct place other = speak_place(t, f);
		bool is_kin = other.node && other.node == place->node &&
			      (book_is_kin(&t->book, other.rule, place->rule) ||
				      str_eq(place->rule, RULE_DOWN));
		if (!is_kin)
			continue;
		firing_give(t, f, entry);
		alerts_take(entry, &f->event);
	}
	graph_forget_needers(&needers);
}

static usec_t
began(const struct firing *f, const struct place *place)
{
	bool is_own = place->firing == f;
	usec_t since_us = place->firing ? place->firing->event.since_us
			  : place->node ? place->node->fail_wall_us
					: 0;
	if (is_own || !since_us)
		return f->event.since_us;
	return since_us < f->event.since_us ? since_us : f->event.since_us;
}

static void
open_incident(struct triage *t, struct firing *f, const struct place *place)
{
	struct entry *entry = book_find_resolved(
		&t->book, place->check, place->rule, t->at.now_us - t->options.reopen_within_us);
	const char *reason = entry ? "reopened" : "first";
	if (entry)
		life_reopen(t, entry);
	else
		entry = life_begin(t, place, began(f, place));
	firing_give(t, f, entry);
	alerts_take(entry, &f->event);
	gather(t, entry, place);
	link_other_roots(t, f, entry);
	bool has_taken = turn_join_others(t, entry);
	life_tell_opening(t, entry, reason);
	if (has_taken)
		turn_end_merged(t, entry);
}

static void
speak(struct triage *t, struct firing *f, const struct place *place)
{
	struct entry *entry = turn_take_over(t, place);
	if (!entry) {
		open_incident(t, f, place);
		return;
	}
	enum severity was = entry->incident.severity;
	firing_give(t, f, entry);
	alerts_take(entry, &f->event);
	gather(t, entry, place);
	bool has_taken = turn_join_others(t, entry);
	life_tell_turn(t, entry, was);
	if (has_taken)
		turn_end_merged(t, entry);
}

bool
speak_try(struct triage *t, struct firing *f)
{
	struct place place = speak_place(t, f);
	struct entry *entry = find_open(t, f, &place);
	if (!entry)
		entry = release_takes(t, f);
	if (entry) {
		join(t, f, entry);
		return true;
	}
	f->holding = hold_look(t, f, &place);
	xstrset(&f->waits_for, f->holding.for_root ? place.check : NULL);
	if (f->holding.until_us > t->at.now_us) {
		life_want(t, f->holding.until_us);
		return false;
	}
	/* Asking may have told us more. */
	place = speak_place(t, f);
	speak(t, f, &place);
	return true;
}

void
speak_begin_review(struct triage *t)
{
	t->review++;
}

/* Speaking takes others out of the list, so it begins anew each time; who was looked at goes to the
 * end. */
bool
speak_review(struct triage *t)
{
	while (!list_is_empty(&t->held)) {
		struct firing *f = LIST_ENTRY(t->held.next, struct firing, link);
		if (f->looked == t->review)
			return true;
		if (!review_has_time(t))
			return false;
		f->looked = t->review;
		t->looks--;
		list_remove(&f->link);
		list_append(&t->held, &f->link);
		speak_try(t, f);
	}
	return true;
}

/*
 * Words: what the root's alert or failed sample says, then what its playbook makes of the facts.
 * Judged again when facts come in; people hear of it only if what they read has changed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "triage/family.h"
#include "triage/inside.h"
#include "triage/words.h"

#define FACTS_MAX 64

struct place
judge_place_of(struct triage *t, const struct entry *entry)
{
	const struct incident *i = &entry->incident;
	const struct incident_alert *lead = alerts_lead(i);
	return (struct place){
		.node = graph_find(&t->graph, i->check),
		.check = i->check,
		.type = i->type,
		.target = i->target,
		.rule = i->rule,
		.firing = lead ? firing_find(t, lead->check, lead->rule) : NULL,
	};
}

static const struct cause *
cause_of(const struct place *place)
{
	if (place->firing && place->firing->event.cause)
		return place->firing->event.cause;
	bool is_down = !place->firing || firing_is_down(place->firing);
	return is_down && place->node && str_eq(place->rule, RULE_DOWN) ? place->node->cause
	       : place->node && !place->node->spec                      ? place->node->cause
									: NULL;
}

struct symptom
judge_symptom(const struct place *place)
{
	const struct cause *cause = cause_of(place);
	return (struct symptom){
		.type = place->type,
		.cause = cause ? cause->code : NULL,
		.rule = place->firing ? place->firing->event.rule : place->rule,
	};
}

/* --- the world of a playbook --- */

struct facts {
	const struct fact *all[FACTS_MAX];
	size_t count;
};

static bool
has_fact(const struct facts *facts, const char *name)
{
	for (size_t n = 0; n < facts->count; n++)
		if (str_eq(facts->all[n]->name, name))
			return true;
	return false;
}

static void
add_facts(struct facts *facts, const struct node *node)
{
	for (size_t n = 0; n < node->asked_count && facts->count < FACTS_MAX; n++)
		if (node->asked[n].is_had && !has_fact(facts, node->asked[n].fact.name))
			facts->all[facts->count++] = &node->asked[n].fact;
}

/* Its own, then those of what it took down: facts about the victim led to the root. */
static void
gather_facts(struct facts *facts, const struct place *place, const struct entry *entry)
{
	facts->count = 0;
	if (place->node)
		add_facts(facts, place->node);
	if (!entry)
		return;
	LIST_EACH(it, &entry->firings)
	{
		const struct firing *f = LIST_ENTRY(it, struct firing, link);
		bool is_tied = f->node && (f->node->tie == place->node || f->node->lost);
		if (is_tied && f->node != place->node)
			add_facts(facts, f->node);
	}
}

static void
look_at_needs(struct triage *t, struct node *node, struct playbook_needs *needs)
{
	struct node *failing = root_find(t, node, false), *need;
	size_t at = 0;
	if (failing) {
		needs->failing = failing->name;
		needs->failing_cause = failing->cause ? failing->cause->code : NULL;
	}
	while (!needs->slow && (need = graph_next_need(&t->graph, node, &at))) {
		size_t n = 0;
		struct entry *open =
			root_is_failing(need) ? NULL : book_next_open(&t->book, need->name, &n);
		if (!open)
			continue;
		needs->slow = need->name;
		needs->slow_text = open->incident.title;
	}
}

static struct playbook_world
world_of(struct triage *t, const struct place *place, const struct facts *facts)
{
	const struct triage_asks *asks = &t->options.asks;
	const struct symptom symptom = judge_symptom(place);
	struct node *node = place->node;
	bool is_check = node && node->spec;
	struct playbook_world world = {
		.check = node ? graph_check(&t->graph, node) : NULL,
		.target = place->target,
		.cause = symptom.cause,
		.rule = symptom.rule,
		.text = place->firing ? place->firing->event.text
			: node        ? node->text
				      : NULL,
		.facts = facts->all,
		.fact_count = facts->count,
	};
	if (is_check && asks->sample)
		world.sample = asks->sample(t->options.arg, node->name);
	if (is_check && asks->subject)
		world.subject = asks->subject(t->options.arg, node->name);
	if (is_check) {
		peers_count(t, node, &world.peers);
		look_at_needs(t, node, &world.needs);
	}
	return world;
}

static bool
judge(struct triage *t, const struct place *place, const struct facts *facts,
	struct playbook_world *world, struct diagnosis *out)
{
	const struct symptom symptom = judge_symptom(place);
	const struct playbook *playbook =
		t->playbooks ? playbooks_find(t->playbooks, &symptom) : NULL;
	*out = (struct diagnosis){ 0 };
	if (!playbook)
		return false;
	*world = world_of(t, place, facts);
	return playbook_judge(playbook, world, out);
}

bool
judge_place(struct triage *t, const struct place *place, struct diagnosis *out)
{
	struct facts facts;
	struct playbook_world world;
	gather_facts(&facts, place, NULL);
	return judge(t, place, &facts, &world, out);
}

/* --- words --- */

static enum severity
level_of(const struct triage *t, const struct node *node)
{
	enum severity level =
		node->cause ? cause_level_at_age(node->cause, t->at.now_us - node->fail_us)
			    : SEVERITY_CRITICAL;
	enum severity cap = node->spec ? check_severity(&node->spec->common) : SEVERITY_CRITICAL;
	return level < cap ? level : cap;
}

/* A root whose own alert does not fire (yet): it speaks by its failed sample. */
static struct alert_event
event_of_node(const struct triage *t, const struct place *place)
{
	const struct node *node = place->node;
	return (struct alert_event){
		.change = ALERT_FIRES,
		.check = place->check,
		.type = place->type,
		.target = place->target,
		.rule = place->rule,
		.severity = node ? level_of(t, node) : SEVERITY_CRITICAL,
		.cause = cause_of(place),
		.text = node && node->text ? node->text : "",
		.since_us = node ? node->fail_wall_us : 0,
		.at_us = t->at.wall_us,
	};
}

static void
clear_list(struct incident_texts *list)
{
	for (size_t n = 0; n < list->count; n++) {
		free(list->all[n].name);
		free(list->all[n].text);
	}
	free(list->all);
	*list = (struct incident_texts){ 0 };
}

static void
forget_playbook(struct incident *i)
{
	xstrset(&i->playbook, NULL);
	xstrset(&i->finding, NULL);
	clear_list(&i->pros);
	clear_list(&i->cons);
}

static void
show_facts(struct incident *i, const struct facts *facts)
{
	for (size_t n = 0; n < facts->count; n++)
		if (facts->all[n]->text && *facts->all[n]->text)
			evidence_set(&i->facts, facts->all[n]->name, facts->all[n]->text,
				facts->all[n]->at_us);
}

/* What the process before us found out is worth more than what we know without facts. */
static bool
knows_less(const struct triage *t, const struct entry *entry, const struct place *place)
{
	return entry->is_told && entry->incident.finding && place->node && place->node->spec &&
	       (place->node->asked_count == 0 || asked_is_pending(place->node, t->at.now_us));
}

void
judge_words(struct triage *t, struct entry *entry, const struct alert_event *event)
{
	struct incident *i = &entry->incident;
	struct place place = judge_place_of(t, entry);
	struct alert_event own = event_of_node(t, &place);
	struct facts facts;
	struct playbook_world world;
	struct diagnosis diagnosis;
	if (!event)
		event = place.firing ? &place.firing->event : &own;
	if (knows_less(t, entry, &place)) {
		xstrset(&i->summary, event->text);
		return;
	}
	words_take(i, t->options.language, event);
	place = judge_place_of(t, entry); /* it borrows from the words */
	forget_playbook(i);
	gather_facts(&facts, &place, entry);
	show_facts(i, &facts);
	if (judge(t, &place, &facts, &world, &diagnosis))
		playbook_write(&diagnosis, &world, t->options.language, i);
}

static char *
digest(const struct incident *i)
{
	struct buf text;
	buf_init(&text, 0);
	buf_addf(&text, "%s\n%s\n%s\n", i->cause_code ? i->cause_code : "",
		i->finding ? i->finding : "", i->title ? i->title : "");
	for (size_t n = 0; n < i->remedy.count; n++)
		buf_addf(&text, "%s\n%s\n", i->remedy.all[n].text,
			i->remedy.all[n].name ? i->remedy.all[n].name : "");
	char *out = xstrdup(buf_text(&text));
	buf_fini(&text);
	return out;
}

/* Another failure than before, or the same one better known? */
static const char *
reason_of(const char *was, const char *is)
{
	return cause_find(was) && cause_find(is) && !str_eq(was, is) ? "cause-changed" : "facts";
}

/* Facts that were not waited for are told once, when the last of them is in. */
void
judge_again(struct triage *t, struct entry *entry)
{
	char *was = xstrdup(entry->incident.cause_code);
	char *before = digest(&entry->incident);
	size_t had = entry->incident.facts.count;
	judge_words(t, entry, NULL);
	char *after = digest(&entry->incident);
	bool has_more = entry->lacks_facts && entry->incident.facts.count != had;
	entry->lacks_facts = false;
	if (!str_eq(before, after) || has_more)
		life_tell(t, entry, INCIDENT_UPDATED, reason_of(was, entry->incident.cause_code),
			t->at.wall_us);
	else
		entry->is_dirty = true;
	free(was);
	free(before);
	free(after);
}

void
judge_note_lack(const struct triage *t, struct entry *entry)
{
	const struct node *node = graph_find(&t->graph, entry->incident.check);
	entry->lacks_facts = node && asked_is_pending(node, t->at.now_us);
}

/* What does not come at all is not waited for for ever. */
void
judge_late(struct triage *t, struct entry *entry)
{
	if (!entry->lacks_facts)
		return;
	const struct node *node = graph_find(&t->graph, entry->incident.check);
	if (!node || !asked_is_pending(node, t->at.now_us))
		judge_again(t, entry);
}

/*
 * The life of an incident.
 *
 *	(nothing) --fires--> open --acknowledge--> acknowledged
 *	open, acknowledged --last alert ends--> resolved --fires again soon--> open (same id)
 *	resolved --30 days, or 500 newer ones--> forgotten
 *
 * Opened four times within ten minutes it is flapping: it stays open, and silent, through the
 * quiet moments, until ten minutes pass without a change.
 *
 * Promises: an incident is stored before it is told of, and each change tells one event at most.
 * Waits are monotonic: setting the clock moves none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"
#include "triage/family.h"
#include "triage/inside.h"
#include "triage/words.h"

#define FLAP_WINDOW_US  (10 * USEC_PER_MIN)
#define RESOLVED_MAX    500
#define RESOLVED_MAX_US (30 * USEC_PER_DAY)
#define FORGET_MAX      50
#define FORGET_SOON_US  (20 * USEC_PER_MSEC)
#define KEEP_EVERY_US   USEC_PER_MIN /* for changes that nobody is told of */
#define NEWS_EVERY_US   (5 * USEC_PER_SEC)

void
life_want(struct triage *t, usec_t due_us)
{
	if (due_us < t->due_us)
		t->due_us = due_us;
}

void
life_keep(struct triage *t, struct entry *entry, usec_t wall_us)
{
	json_t *doc = incident_store(&entry->incident);
	(void)wall_us;
	review_spend(t, 1);
	entry->is_dirty = false;
	entry->kept_us = t->at.now_us;
	t->options.on_keep(t->options.arg, entry->incident.id, doc);
	json_decref(doc);
}

void
life_tell(struct triage *t, struct entry *entry, enum incident_event_type type, const char *reason,
	usec_t wall_us)
{
	entry->incident.sequence++;
	entry->told_us = t->at.now_us;
	entry->news_us = 0;
	review_spend(t, COST_TELL);
	life_keep(t, entry, wall_us);
	const struct incident_event event = {
		.type = type,
		.reason = reason,
		.incident = &entry->incident,
		.at_us = wall_us,
	};
	t->options.on_incident(t->options.arg, &event);
}

void
life_write(struct triage *t, struct entry *entry, const char *kind, const char *text)
{
	incident_add_text(&entry->incident.timeline, kind, text, t->at.wall_us);
}

static void
write_change(
	struct triage *t, struct entry *entry, const char *kind, const char *from, const char *to)
{
	char text[400];
	snprintf(text, sizeof(text), "%s -> %s", from ? from : "", to ? to : "");
	life_write(t, entry, kind, text);
}

/* --- flapping --- */

static void
note_opening(struct triage *t, struct entry *entry)
{
	struct incident *i = &entry->incident;
	memmove(&entry->openings[1], &entry->openings[0],
		(FLAP_OPENINGS - 1) * sizeof(entry->openings[0]));
	entry->openings[0] = t->at.now_us > 0 ? t->at.now_us : 1;
	usec_t fourth_us = entry->openings[FLAP_OPENINGS - 1];
	if (i->is_flapping || !fourth_us || t->at.now_us - fourth_us >= FLAP_WINDOW_US)
		return;
	i->is_flapping = true;
	life_write(t, entry, "flapping", "stays open until it is quiet for 10 min");
}

/* It flaps and is well at present: who looks at it reads that, nobody is told. */
static void
fall_quiet(struct triage *t, struct entry *entry)
{
	struct incident *i = &entry->incident;
	bool is_chinese = t->options.language == LANG_ZH;
	char since[CLOCK_RFC3339_SIZE];
	i->quiet_us = t->at.wall_us;
	release_stop(t, entry);
	clock_format_rfc3339(i->quiet_us, since);
	free(entry->loud);
	entry->loud = i->summary;
	i->summary = xasprintf(
		is_chinese ? "自 %s 起恢复正常；因反复波动，安静满 10 分钟后才关闭。此前：%s"
			   : "well again since %s; it flaps, so it stays open until it was quiet "
			     "for 10 min. Before: %s",
		since, entry->loud ? entry->loud : "");
	life_write(t, entry, "quiet", "well again, waiting for 10 min of quiet");
	life_want(t, entry->changed_us + FLAP_WINDOW_US);
	life_keep(t, entry, t->at.wall_us);
}

static void
wake(struct entry *entry)
{
	entry->incident.quiet_us = 0;
	if (!entry->loud)
		return;
	free(entry->incident.summary);
	entry->incident.summary = entry->loud;
	entry->loud = NULL;
}

/* --- opening --- */

static void
make_id(const struct triage *t, char id[INCIDENT_ID_LEN + 1])
{
	do {
		rand_hex(id, INCIDENT_ID_LEN);
	} while (map_get(t->book.by_id, id));
}

static bool
is_confirmed(const struct place *place)
{
	if (place->firing && str_eq(place->firing->event.check, place->check))
		return true;
	return str_eq(place->rule, RULE_DOWN) && place->node && root_is_confirmed(place->node);
}

struct entry *
life_begin(struct triage *t, const struct place *place, usec_t started_us)
{
	struct entry *entry = book_new_entry();
	struct incident *i = &entry->incident;
	make_id(t, i->id);
	i->status = INCIDENT_OPEN;
	i->host = xstrdup(t->options.host);
	i->check = xstrdup(place->check);
	i->type = xstrdup(place->type);
	i->target = xstrdup(place->target);
	i->rule = xstrdup(place->rule);
	i->started_us = started_us;
	i->detected_us = t->at.wall_us;
	entry->opened_us = t->at.now_us;
	entry->is_confirmed = is_confirmed(place);
	words_link(i, t->options.link_prefix);
	book_add(&t->book, entry);
	return entry;
}

void
life_reopen(struct triage *t, struct entry *entry)
{
	struct incident *i = &entry->incident;
	i->status = INCIDENT_OPEN;
	i->resolved_us = 0;
	i->reopened++;
	i->first_recovered_us = 0;
	xstrset(&i->first_recovered, NULL);
	entry->opened_us = t->at.now_us;
	ack_forget(entry);
	words_link(i, t->options.link_prefix);
	book_reopen(&t->book, entry);
}

void
life_tell_opening(struct triage *t, struct entry *entry, const char *reason)
{
	struct incident *i = &entry->incident;
	i->severity = alerts_severity(entry);
	judge_words(t, entry, NULL);
	evidence_give(t, entry, i->started_us);
	reveal_related(t, entry);
	entry->changed_us = t->at.now_us;
	life_write(t, entry, str_eq(reason, "first") ? "opened" : reason, i->summary);
	note_opening(t, entry);
	judge_note_lack(t, entry);
	entry->is_told = true;
	life_tell(t, entry, INCIDENT_OPENED, reason, t->at.wall_us);
}

/* --- another root --- */

void
life_set_root(struct triage *t, struct entry *entry, const struct place *place)
{
	struct incident *i = &entry->incident;
	usec_t failed_us = place->node ? place->node->fail_wall_us : 0;
	write_change(t, entry, "root-changed", i->check, place->check);
	char *check = xstrdup(place->check); /* it may be borrowed from us */
	xstrset(&i->type, place->type);
	xstrset(&i->target, place->target);
	xstrset(&i->rule, place->rule);
	book_rename(&t->book, entry, check);
	free(check);
	if (failed_us && failed_us < i->started_us)
		i->started_us = failed_us;
	entry->is_confirmed = is_confirmed(place);
	release_stop(t, entry);
	alerts_sort(i);
}

void
life_tell_turn(struct triage *t, struct entry *entry, enum severity was)
{
	struct incident *i = &entry->incident;
	i->severity = alerts_severity(entry);
	judge_words(t, entry, NULL);
	reveal_related(t, entry);
	entry->changed_us = t->at.now_us;
	if (i->severity > was)
		ack_on_severity(t, entry, &t->at);
	judge_note_lack(t, entry);
	life_tell(t, entry, i->severity > was ? INCIDENT_ESCALATED : INCIDENT_UPDATED,
		"root-changed", t->at.wall_us);
}

/* --- changing --- */

enum news { NEWS_NONE, NEWS_OWN, NEWS_IMPACT };

static void
tell_severity(struct triage *t, struct entry *entry, enum severity was)
{
	struct incident *i = &entry->incident;
	bool has_risen = i->severity > was;
	write_change(t, entry, "severity", severity_name(was), severity_name(i->severity));
	if (has_risen)
		ack_on_severity(t, entry, &t->at);
	life_tell(t, entry, has_risen ? INCIDENT_ESCALATED : INCIDENT_DEESCALATED, "severity",
		t->at.wall_us);
}

/* Impact comes in drops: what comes within five seconds is told together. */
static void
tell_impact(struct triage *t, struct entry *entry)
{
	usec_t due_us = entry->told_us + NEWS_EVERY_US;
	if (due_us <= t->at.now_us) {
		life_tell(t, entry, INCIDENT_UPDATED, "new-impact", t->at.wall_us);
		return;
	}
	if (!entry->news_us)
		entry->news_us = due_us;
	entry->is_dirty = true;
	life_want(t, entry->news_us);
}

struct before {
	enum severity severity;
	char *cause_code; /* owned */
};

static struct before
look_before(const struct incident *i)
{
	return (struct before){ i->severity, xstrdup(i->cause_code) };
}

/* Tells of what changed, as one event; `before` is used up. */
static void
tell_change(struct triage *t, struct entry *entry, struct before *before, enum news news)
{
	const struct incident *i = &entry->incident;
	bool is_cause_new = !str_eq(before->cause_code, i->cause_code);
	if (is_cause_new)
		write_change(t, entry, "cause", before->cause_code, i->cause_code);
	free(before->cause_code);
	before->cause_code = NULL;
	if (i->severity != before->severity)
		tell_severity(t, entry, before->severity);
	else if (news == NEWS_OWN)
		life_tell(t, entry, INCIDENT_UPDATED, "new-impact", t->at.wall_us);
	else if (is_cause_new)
		life_tell(t, entry, INCIDENT_UPDATED, "cause-changed", t->at.wall_us);
	else if (news == NEWS_IMPACT)
		tell_impact(t, entry);
	else
		entry->is_dirty = true;
}

void
life_tell_impact(struct triage *t, struct entry *entry, enum severity was)
{
	struct before before = { was, xstrdup(entry->incident.cause_code) };
	entry->incident.severity = alerts_severity(entry);
	tell_change(t, entry, &before, NEWS_IMPACT);
}

static void
write_alert(struct triage *t, struct entry *entry, const struct firing *f)
{
	char text[600];
	if (str_eq(f->event.check, entry->incident.check)) {
		life_write(t, entry, f->event.rule, f->event.text);
		return;
	}
	snprintf(text, sizeof(text), "%s (%s): %s", f->event.check, f->event.rule, f->event.text);
	life_write(t, entry, "impact", text);
}

/* The root's own alert: where it leads, its words are the incident's. */
static enum news
take_own(struct triage *t, struct entry *entry, const struct firing *f)
{
	bool was_confirmed = entry->is_confirmed;
	const struct incident_alert *lead = alerts_lead(&entry->incident);
	if (lead && str_eq(lead->check, f->event.check) && str_eq(lead->rule, f->event.rule))
		judge_words(t, entry, &f->event);
	entry->is_confirmed = true;
	release_stop(t, entry);
	return was_confirmed ? NEWS_OWN : NEWS_NONE;
}

/* It was in this incident before, and others kept that open. */
static void
come_back(struct triage *t, struct entry *entry, bool is_root)
{
	if (!is_root)
		return;
	entry->incident.reopened++;
	note_opening(t, entry);
}

void
life_join(struct triage *t, struct entry *entry, struct firing *f, enum alert_change change)
{
	struct incident *i = &entry->incident;
	bool is_own = str_eq(f->event.check, i->check), was_quiet = i->quiet_us != 0;
	bool was_there = alerts_find(i, f->event.check, f->event.rule) != NULL;
	bool is_root = is_own && !alerts_lead(i), is_listed = alerts_names(i, f->event.check);
	bool is_new = alerts_take(entry, &f->event);
	if (change == ALERT_RESTORED) {
		entry->is_confirmed = entry->is_confirmed || is_own;
		entry->is_dirty = true;
		return;
	}
	if (was_quiet)
		wake(entry);
	struct before before = look_before(i);
	enum news news = is_own ? take_own(t, entry, f) : is_listed ? NEWS_NONE : NEWS_IMPACT;
	if (is_new) {
		entry->changed_us = t->at.now_us;
		write_alert(t, entry, f);
		if (was_there)
			come_back(t, entry, is_root);
	}
	if (!entry->released_us)
		i->severity = alerts_severity(entry);
	if ((was_quiet && before.severity >= i->severity) || entry->released_us) {
		free(before.cause_code);
		life_keep(t, entry, t->at.wall_us);
		return;
	}
	tell_change(t, entry, &before, is_new && !was_there ? news : NEWS_NONE);
}

static void
note_recovery(struct triage *t, struct entry *entry, const char *check)
{
	struct incident *i = &entry->incident;
	if (i->first_recovered)
		return;
	xstrset(&i->first_recovered, check);
	i->first_recovered_us = t->at.wall_us;
}

/* The words of the one that leads now; of one that was told before the start little is known. */
static void
follow_lead(struct triage *t, struct entry *entry)
{
	const struct incident_alert *lead = alerts_lead(&entry->incident);
	const struct firing *f = firing_find(t, lead->check, lead->rule);
	if (f)
		judge_words(t, entry, &f->event);
	else
		words_fall_back(&entry->incident, t->options.language, lead);
}

static void
write_end(
	struct triage *t, struct entry *entry, const struct alert_event *event, const char *reason)
{
	char text[400];
	snprintf(text, sizeof(text), "%s (%s)", event->check, event->rule);
	life_write(t, entry, reason, text);
}

/* One that found no place in the incident's list has ended all the same. */
void
life_alert_ends(
	struct triage *t, struct entry *entry, const struct alert_event *event, const char *reason)
{
	struct incident *i = &entry->incident;
	struct incident_alert *alert = alerts_find(i, event->check, event->rule);
	bool was_lead = alert && alert == alerts_lead(i);
	if (alert) {
		alert->is_firing = false;
		alert->ended_us = t->at.wall_us;
	}
	entry->changed_us = t->at.now_us;
	t->is_stale = true;
	if (str_eq(reason, "recovered"))
		note_recovery(t, entry, event->check);
	if (!str_eq(event->check, i->check))
		release_look_at_root(t, entry);
	if (!alerts_any(entry)) {
		if (i->is_flapping && str_eq(reason, "recovered"))
			fall_quiet(t, entry);
		else
			life_end(t, entry, reason);
		return;
	}
	struct before before = look_before(i);
	write_end(t, entry, event, reason);
	/* While others recover with their root, that is one story: only its end is told. */
	if (alerts_lead(i)) {
		if (was_lead)
			follow_lead(t, entry);
		i->severity = alerts_severity(entry);
	}
	tell_change(t, entry, &before, NEWS_NONE);
}

/* --- ending --- */

static void
forget(struct triage *t, struct entry *entry)
{
	t->options.on_keep(t->options.arg, entry->incident.id, NULL);
	book_forget(&t->book, entry);
}

void
life_mark_merged(struct triage *t, struct entry *entry, const struct incident *into)
{
	char text[64];
	xstrset(&entry->incident.merged_into, into->id);
	snprintf(text, sizeof(text), "into %s", into->id);
	life_write(t, entry, "merged", text);
}

static void
close_alerts(struct triage *t, struct incident *i)
{
	for (size_t n = 0; n < i->alert_count; n++) {
		if (!i->alerts[n].is_firing)
			continue;
		i->alerts[n].is_firing = false;
		i->alerts[n].ended_us = t->at.wall_us;
	}
}

void
life_end(struct triage *t, struct entry *entry, const char *reason)
{
	struct incident *i = &entry->incident;
	usec_t wall_us = t->at.wall_us;
	char age[64], text[100];
	wake(entry);
	close_alerts(t, i);
	release_stop(t, entry);
	host_forget(t, i->check);
	i->status = INCIDENT_RESOLVED;
	i->resolved_us = wall_us;
	i->is_flapping = false;
	entry->ended_us = t->at.now_us;
	if (!i->merged_into) {
		usec_t for_us = wall_us > i->started_us ? wall_us - i->started_us : 0;
		clock_format_duration(for_us, age, sizeof(age));
		snprintf(text, sizeof(text), "after %s", age);
		life_write(t, entry, reason, text);
	}
	book_resolve(&t->book, entry);
	life_tell(t, entry, INCIDENT_ENDED, reason, wall_us);
}

/* --- ageing --- */

/* What it was about is still in the settings; whether another rule is, only the rules know. */
static bool
is_there(const struct triage *t, const struct incident *i)
{
	return str_eq(i->check, SELF_CHECK) ||
	       (str_eq(i->rule, RULE_DOWN) && graph_find(&t->graph, i->check));
}

static void
settle(struct triage *t, struct entry *entry)
{
	const struct incident_alert *lead = alerts_lead(&entry->incident);
	struct before before = look_before(&entry->incident);
	bool were_any = alerts_drop_unconfirmed(t, entry);
	entry->changed_us = t->at.now_us; /* how quiet it was while we were away nobody knows */
	if (alerts_any(entry) && were_any) {
		if (alerts_lead(&entry->incident)) {
			if (alerts_lead(&entry->incident) != lead)
				follow_lead(t, entry);
			entry->incident.severity = alerts_severity(entry);
		}
		tell_change(t, entry, &before, NEWS_NONE);
		return;
	}
	free(before.cause_code);
	if (!alerts_any(entry) && (were_any || !entry->incident.is_flapping))
		life_end(t, entry, is_there(t, &entry->incident) ? "recovered" : "removed");
}

static void
calm_down(struct triage *t, struct entry *entry)
{
	usec_t due_us = entry->changed_us + FLAP_WINDOW_US;
	if (t->at.now_us < due_us) {
		life_want(t, due_us);
		return;
	}
	entry->incident.is_flapping = false;
	if (alerts_any(entry))
		life_keep(t, entry, t->at.wall_us);
	else
		life_end(t, entry, "recovered");
}

/* Telling may end others or open new ones: from the end, with an eye on the count. */
void
life_settle(struct triage *t)
{
	for (size_t n = t->book.open.count; n-- > 0;)
		if (n < t->book.open.count)
			settle(t, t->book.open.all[n]);
}

void
life_age(struct triage *t, struct entry *entry)
{
	ack_expire(t, entry, &t->at);
	if (entry->incident.is_flapping) {
		calm_down(t, entry);
		return;
	}
	judge_late(t, entry);
	if (entry->news_us && t->at.now_us >= entry->news_us)
		life_tell(t, entry, INCIDENT_UPDATED, "new-impact", t->at.wall_us);
	else if (entry->news_us)
		life_want(t, entry->news_us);
	else if (entry->is_dirty && t->at.now_us - entry->kept_us >= KEEP_EVERY_US)
		life_keep(t, entry, t->at.wall_us);
}

static struct entry *
find_old(const struct triage *t)
{
	struct entry *oldest = t->book.resolved.count > 0 ? t->book.resolved.all[0] : NULL;
	bool is_old =
		oldest && (t->book.resolved.count > RESOLVED_MAX ||
				  t->at.wall_us - oldest->incident.resolved_us >= RESOLVED_MAX_US);
	return is_old ? oldest : NULL;
}

/* Some at a time: after a large outage thousands are too many. */
void
life_forget_old(struct triage *t)
{
	for (unsigned n = 0; n < FORGET_MAX && find_old(t); n++)
		forget(t, find_old(t));
	if (find_old(t))
		life_want(t, t->at.now_us + FORGET_SOON_US);
}

usec_t
triage_remembers_us(const struct triage *triage, usec_t wall_us)
{
	const struct entry_list *resolved = &triage->book.resolved;
	usec_t since_us = wall_us - RESOLVED_MAX_US;

	if (resolved->count < RESOLVED_MAX)
		return since_us;
	const struct incident *oldest = &resolved->all[0]->incident;
	return oldest->resolved_us > since_us ? oldest->resolved_us : since_us;
}

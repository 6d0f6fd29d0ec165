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
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"
#include "triage/family.h"
#include "triage/inside.h"
#include "triage/words.h"

#define FLAP_WINDOW_US  (10 * USEC_PER_MIN)
#define FLAP_OPENINGS   4
#define RESOLVED_MAX    500
#define RESOLVED_MAX_US (30 * USEC_PER_DAY)
#define KEEP_EVERY_US   USEC_PER_MIN /* for changes that nobody is told of */

void
life_keep(struct triage *t, struct entry *entry, usec_t wall_us)
{
	json_t *doc = incident_store(&entry->incident);
	entry->is_dirty = false;
	entry->kept_us = wall_us;
	t->options.on_keep(t->options.arg, entry->incident.id, doc);
	json_decref(doc);
}

void
life_tell(struct triage *t, struct entry *entry, enum incident_event_type type, const char *reason,
	usec_t wall_us)
{
	entry->incident.sequence++;
	life_keep(t, entry, wall_us);
	const struct incident_event event = {
		.type = type,
		.reason = reason,
		.incident = &entry->incident,
		.at_us = wall_us,
	};
	t->options.on_incident(t->options.arg, &event);
}

static void
write_line(struct entry *entry, const char *kind, const char *text, usec_t wall_us)
{
	incident_add_text(&entry->incident.timeline, kind, text, wall_us);
}

static void
write_change(
	struct entry *entry, const char *kind, const char *from, const char *to, usec_t wall_us)
{
	char text[200];
	snprintf(text, sizeof(text), "%s -> %s", from ? from : "", to ? to : "");
	write_line(entry, kind, text, wall_us);
}

/* Which alert leads, as a place in the list; -1: none fires. */
static long
lead_place(const struct incident *i)
{
	const struct incident_alert *lead = alerts_lead(i);
	return lead ? lead - i->alerts : -1;
}

/*
 * Severity and words follow the alerts after a change: `event` is what changed, NULL if it was an
 * end; `led` is the place that led before.  With none firing it keeps what it said last.
 */
static void
follow_alerts(struct triage *t, struct entry *entry, const struct alert_event *event, long led)
{
	struct incident *i = &entry->incident;
	const struct incident_alert *lead = alerts_lead(i);
	if (!lead)
		return;
	i->severity = alerts_severity(i);
	if (event && str_eq(lead->rule, event->rule) && str_eq(lead->check, event->check))
		words_take(i, t->options.language, event);
	else if (lead_place(i) != led)
		words_fall_back(i, t->options.language, lead);
}

/* Opening. */

static void
end_as_merged(struct triage *t, struct entry *entry, const struct incident *into, usec_t wall_us)
{
	struct incident *i = &entry->incident;
	char text[64];
	for (size_t n = 0; n < i->alert_count; n++)
		i->alerts[n].is_firing = false;
	xstrset(&i->merged_into, into->id);
	snprintf(text, sizeof(text), "into %s", into->id);
	write_line(entry, "merged", text, wall_us);
	life_end(t, entry, "merged", wall_us);
}

/* The other open incident of the same check, if this one is about the check being down. */
static struct entry *
next_to_take_in(struct triage *t, const struct entry *entry)
{
	size_t at = 0;
	struct entry *other;
	if (!str_eq(entry->incident.rule, RULE_DOWN))
		return NULL;
	while ((other = book_next_open(&t->book, entry->incident.check, &at)))
		if (other != entry && !other->incident.merged_into)
			return other;
	return NULL;
}

static void
join_others(struct triage *t, struct entry *entry)
{
	size_t at = 0;
	struct entry *other;
	if (!str_eq(entry->incident.rule, RULE_DOWN))
		return;
	while ((other = book_next_open(&t->book, entry->incident.check, &at)))
		if (other != entry)
			alerts_join(entry, other);
}

/* Takes the others in, tells of the opening, then of their end. */
static void
tell_opening(
	struct triage *t, struct entry *entry, const struct alert_event *event, const char *reason)
{
	struct entry *other;
	join_others(t, entry);
	follow_alerts(t, entry, event, -1);
	evidence_give(t, entry, event->since_us);
	entry->changed_us = event->at_us;
	write_line(entry, str_eq(reason, "first") ? "opened" : reason, event->text, event->at_us);
	life_tell(t, entry, INCIDENT_OPENED, reason, event->at_us);
	while ((other = next_to_take_in(t, entry)))
		end_as_merged(t, other, &entry->incident, event->at_us);
}

static void
make_id(const struct triage *t, char id[INCIDENT_ID_LEN + 1])
{
	do {
		rand_hex(id, INCIDENT_ID_LEN);
	} while (map_get(t->book.by_id, id));
}

void
life_open(struct triage *t, const struct alert_event *event)
{
	struct entry *entry = book_new_entry();
	struct incident *i = &entry->incident;
	make_id(t, i->id);
	i->status = INCIDENT_OPEN;
	i->host = xstrdup(t->options.host);
	i->check = xstrdup(event->check);
	i->type = xstrdup(event->type);
	i->target = xstrdup(event->target);
	i->rule = xstrdup(event->rule);
	i->started_us = event->since_us ? event->since_us : event->at_us;
	i->detected_us = event->at_us;
	words_link(i, t->options.url_base);
	alerts_take(entry, event);
	book_add(&t->book, entry);
	tell_opening(t, entry, event, "first");
}

/* Openings are in the timeline, so that a restart does not forget them. */
static unsigned
count_openings(const struct incident *i, usec_t since_us)
{
	unsigned count = 0;
	for (size_t n = 0; n < i->timeline.count; n++) {
		const struct incident_text *line = &i->timeline.all[n];
		if (line->at_us > since_us &&
			(str_eq(line->name, "opened") || str_eq(line->name, "reopened")))
			count++;
	}
	return count;
}

void
life_reopen(struct triage *t, struct entry *entry, const struct alert_event *event)
{
	struct incident *i = &entry->incident;
	i->status = INCIDENT_OPEN;
	i->resolved_us = i->acked_us = 0;
	i->reopened++;
	if (count_openings(i, event->at_us - FLAP_WINDOW_US) + 1 >= FLAP_OPENINGS) {
		i->is_flapping = true;
		write_line(
			entry, "flapping", "stays open until it is quiet for 10 min", event->at_us);
	}
	words_link(i, t->options.url_base);
	alerts_take(entry, event);
	book_reopen(&t->book, entry);
	tell_opening(t, entry, event, "reopened");
}

/* Changing. */

struct before {
	enum severity severity;
	char *cause_code;
};

static struct before
look_before(const struct incident *i)
{
	return (struct before){ i->severity, xstrdup(i->cause_code) };
}

/* Tells what changed, if it is worth telling; `news` is the reason if nothing weightier is. */
static void
tell_change(struct triage *t, struct entry *entry, struct before *before, const char *news,
	usec_t wall_us)
{
	const struct incident *i = &entry->incident;
	bool is_cause_new = !str_eq(before->cause_code, i->cause_code);
	enum severity was = before->severity;
	if (is_cause_new)
		write_change(entry, "cause", before->cause_code, i->cause_code, wall_us);
	free(before->cause_code);
	if (i->severity != was) {
		write_change(
			entry, "severity", severity_name(was), severity_name(i->severity), wall_us);
		life_tell(t, entry, i->severity > was ? INCIDENT_ESCALATED : INCIDENT_DEESCALATED,
			"severity", wall_us);
	} else if (news) {
		life_tell(t, entry, INCIDENT_UPDATED, news, wall_us);
	} else if (is_cause_new) {
		life_tell(t, entry, INCIDENT_UPDATED, "cause-changed", wall_us);
	} else {
		entry->is_dirty = true;
	}
}

void
life_update(struct triage *t, struct entry *entry, const struct alert_event *event)
{
	struct incident *i = &entry->incident;
	struct before before = look_before(i);
	long led = lead_place(i);
	bool was_quiet = led < 0; /* it flaps and has fallen silent for a moment */
	bool is_new = alerts_take(entry, event);
	follow_alerts(t, entry, event, led);
	if (is_new)
		entry->changed_us = event->at_us;
	if (is_new && was_quiet)
		i->reopened++;
	if (event->change == ALERT_RESTORED) {
		free(before.cause_code);
		entry->is_dirty = true;
		return;
	}
	if (is_new && !was_quiet)
		write_line(entry, event->rule, event->text, event->at_us);
	if (was_quiet && before.severity >= i->severity) {
		free(before.cause_code);
		life_keep(t, entry, event->at_us);
		return;
	}
	tell_change(t, entry, &before, is_new && !was_quiet ? "new-impact" : NULL, event->at_us);
}

void
life_alert_ends(struct triage *t, struct entry *entry, struct incident_alert *alert,
	const char *reason, usec_t wall_us)
{
	struct incident *i = &entry->incident;
	long led = lead_place(i);
	alert->is_firing = false;
	entry->changed_us = wall_us;
	if (!alerts_lead(i)) {
		if (i->is_flapping && str_eq(reason, "recovered"))
			life_keep(t, entry, wall_us);
		else
			life_end(t, entry, reason, wall_us);
		return;
	}
	struct before before = look_before(i);
	write_line(entry, alert->rule, reason, wall_us);
	follow_alerts(t, entry, NULL, led);
	tell_change(t, entry, &before, NULL, wall_us);
}

/* Ending. */

static void
forget(struct triage *t, struct entry *entry)
{
	t->options.on_keep(t->options.arg, entry->incident.id, NULL);
	book_forget(&t->book, entry);
}

void
life_end(struct triage *t, struct entry *entry, const char *reason, usec_t wall_us)
{
	struct incident *i = &entry->incident;
	char age[64], text[100];
	i->status = INCIDENT_RESOLVED;
	i->resolved_us = wall_us;
	i->is_flapping = false;
	if (!i->merged_into) {
		usec_t for_us = wall_us > i->started_us ? wall_us - i->started_us : 0;
		clock_format_duration(for_us, age, sizeof(age));
		snprintf(text, sizeof(text), "after %s", age);
		write_line(entry, reason, text, wall_us);
	}
	book_resolve(&t->book, entry);
	life_tell(t, entry, INCIDENT_ENDED, reason, wall_us);
}

/* Ageing. */

static void
settle(struct triage *t, struct entry *entry, usec_t wall_us)
{
	struct incident *i = &entry->incident;
	struct before before = look_before(i);
	long led = lead_place(i);
	bool were_any = alerts_drop_unconfirmed(entry);
	entry->changed_us = wall_us; /* how quiet it was while we were away nobody knows */
	if (alerts_lead(i) && were_any) {
		follow_alerts(t, entry, NULL, led);
		tell_change(t, entry, &before, NULL, wall_us);
		return;
	}
	free(before.cause_code);
	if (!alerts_lead(i) && (were_any || !i->is_flapping))
		life_end(t, entry, str_eq(i->check, SELF_CHECK) ? "recovered" : "removed", wall_us);
}

static void
calm_down(struct triage *t, struct entry *entry, usec_t wall_us)
{
	if (entry->changed_us > wall_us)
		entry->changed_us = wall_us;
	if (wall_us - entry->changed_us < FLAP_WINDOW_US)
		return;
	entry->incident.is_flapping = false;
	if (alerts_lead(&entry->incident))
		life_keep(t, entry, wall_us);
	else
		life_end(t, entry, "recovered", wall_us);
}

/* Telling may end others or open new ones: from the end, with an eye on the count. */
static void
age_open(struct triage *t, usec_t wall_us)
{
	for (size_t n = t->book.open.count; n-- > 0;) {
		if (n >= t->book.open.count)
			continue;
		struct entry *entry = t->book.open.all[n];
		if (!t->is_settled)
			settle(t, entry, wall_us);
		else if (entry->incident.is_flapping)
			calm_down(t, entry, wall_us);
		else if (entry->is_dirty && wall_us - entry->kept_us >= KEEP_EVERY_US)
			life_keep(t, entry, wall_us);
	}
}

void
life_age(struct triage *t, usec_t wall_us)
{
	age_open(t, wall_us);
	t->is_settled = true;
	while (t->book.resolved.count > 0) {
		struct entry *oldest = t->book.resolved.all[0];
		if (t->book.resolved.count <= RESOLVED_MAX &&
			wall_us - oldest->incident.resolved_us < RESOLVED_MAX_US)
			break;
		forget(t, oldest);
	}
}

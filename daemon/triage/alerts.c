/* The alerts inside one incident: which fire, which leads, how bad they are together. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "triage/family.h"
#include "triage/inside.h"

struct incident_alert *
alerts_find(const struct incident *i, const char *check, const char *rule)
{
	for (size_t n = 0; n < i->alert_count; n++)
		if (str_eq(i->alerts[n].check, check) && str_eq(i->alerts[n].rule, rule))
			return &i->alerts[n];
	return NULL;
}

/* A place for a new alert: at the end, or that of one that is over; NULL: all of them fire. */
static struct incident_alert *
find_place(struct incident *i)
{
	if (i->alert_count < INCIDENT_LIST_MAX) {
		i->alerts = xreallocarray(i->alerts, i->alert_count + 1, sizeof(*i->alerts));
		i->alerts[i->alert_count] = (struct incident_alert){ 0 };
		return &i->alerts[i->alert_count++];
	}
	for (size_t n = 0; n < i->alert_count; n++)
		if (!i->alerts[n].is_firing)
			return &i->alerts[n];
	return NULL;
}

static struct incident_alert *
need_alert(struct incident *i, const char *check, const char *rule)
{
	struct incident_alert *alert = alerts_find(i, check, rule);
	if (alert)
		return alert;
	alert = find_place(i);
	if (!alert)
		return NULL;
	xstrset(&alert->check, check);
	xstrset(&alert->rule, rule);
	alert->is_firing = false;
	return alert;
}

/* The root's own come first. */
static struct incident_alert *
put_in_front(struct incident *i, struct incident_alert *alert)
{
	size_t place = (size_t)(alert - i->alerts), front = 0;
	struct incident_alert moved = *alert;
	while (front < place && str_eq(i->alerts[front].check, i->check))
		front++;
	memmove(&i->alerts[front + 1], &i->alerts[front], (place - front) * sizeof(*i->alerts));
	i->alerts[front] = moved;
	return &i->alerts[front];
}

bool
alerts_take(struct entry *entry, const struct alert_event *event)
{
	struct incident *i = &entry->incident;
	struct incident_alert *alert = need_alert(i, event->check, event->rule);
	if (!alert)
		return false;
	bool is_new = !alert->is_firing;
	alert->is_firing = true;
	alert->ended_us = 0;
	alert->severity = event->severity;
	if (is_new || event->since_us)
		alert->since_us = event->since_us ? event->since_us : event->at_us;
	xstrset(&alert->text, event->text);
	xstrset(&alert->cause, event->cause ? event->cause->code : NULL);
	if (is_new && str_eq(event->check, i->check))
		put_in_front(i, alert);
	return is_new;
}

void
alerts_sort(struct incident *i)
{
	for (size_t n = 0; n < i->alert_count; n++)
		if (str_eq(i->alerts[n].check, i->check))
			put_in_front(i, &i->alerts[n]);
}

void
alerts_join(struct triage *t, struct entry *to, const struct entry *from)
{
	for (size_t n = 0; n < from->incident.alert_count; n++) {
		const struct incident_alert *other = &from->incident.alerts[n];
		if (!other->is_firing)
			continue;
		restored_move(t, other, from, to);
		struct incident_alert *alert = need_alert(&to->incident, other->check, other->rule);
		if (!alert)
			return;
		alert->is_firing = true;
		alert->ended_us = 0;
		alert->severity = other->severity;
		alert->since_us = other->since_us;
		xstrset(&alert->text, other->text);
		xstrset(&alert->cause, other->cause);
	}
	alerts_sort(&to->incident);
}

void
alerts_leave(struct entry *entry, const struct firing *f)
{
	struct incident_alert *alert = alerts_find(&entry->incident, f->event.check, f->event.rule);
	if (alert)
		alert->is_firing = false;
	entry->is_dirty = true;
}

static bool
leads(const struct incident_alert *a, const struct incident_alert *b)
{
	bool a_is_down = str_eq(a->rule, RULE_DOWN), b_is_down = str_eq(b->rule, RULE_DOWN);
	if (a_is_down != b_is_down)
		return a_is_down;
	return a->severity > b->severity;
}

const struct incident_alert *
alerts_lead(const struct incident *i)
{
	const struct incident_alert *lead = NULL;
	for (size_t n = 0; n < i->alert_count; n++)
		if (i->alerts[n].is_firing && str_eq(i->alerts[n].check, i->check) &&
			(!lead || leads(&i->alerts[n], lead)))
			lead = &i->alerts[n];
	return lead;
}

bool
alerts_names(const struct incident *i, const char *check)
{
	for (size_t n = 0; n < i->alert_count; n++)
		if (i->alerts[n].is_firing && str_eq(i->alerts[n].check, check))
			return true;
	return false;
}

bool
alerts_any(const struct entry *entry)
{
	const struct incident *i = &entry->incident;
	for (size_t n = 0; n < i->alert_count; n++)
		if (i->alerts[n].is_firing)
			return true;
	return !list_is_empty(&entry->firings);
}

/* The list may be too short for all that fire. */
enum severity
alerts_severity(const struct entry *entry)
{
	const struct incident *i = &entry->incident;
	enum severity highest = SEVERITY_OK;
	for (size_t n = 0; n < i->alert_count; n++)
		if (i->alerts[n].is_firing && i->alerts[n].severity > highest)
			highest = i->alerts[n].severity;
	if (i->alert_count < INCIDENT_LIST_MAX)
		return highest;
	LIST_EACH(it, &entry->firings)
	{
		const struct firing *f = LIST_ENTRY(it, struct firing, link);
		if (f->event.severity > highest)
			highest = f->event.severity;
	}
	return highest;
}

bool
alerts_drop_unconfirmed(struct triage *t, struct entry *entry)
{
	struct incident *i = &entry->incident;
	bool were_any = false;
	for (size_t n = 0; n < i->alert_count; n++) {
		struct incident_alert *alert = &i->alerts[n];
		const struct firing *f = firing_find(t, alert->check, alert->rule);
		if (!alert->is_firing || (f && f->entry == entry))
			continue;
		alert->is_firing = false;
		alert->ended_us = t->at.wall_us;
		were_any = true;
	}
	return were_any;
}

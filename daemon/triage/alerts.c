/* The alerts inside one incident: which fire, which leads, how bad they are together. */
#include <stdlib.h>

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

static void
confirm(struct entry *entry, const struct incident_alert *alert)
{
	entry->unconfirmed &= ~(UINT64_C(1) << (alert - entry->incident.alerts));
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

bool
alerts_take(struct entry *entry, const struct alert_event *event)
{
	struct incident_alert *alert = need_alert(&entry->incident, event->check, event->rule);
	if (!alert)
		return false;
	bool is_new = !alert->is_firing;
	alert->is_firing = true;
	alert->severity = event->severity;
	if (is_new || event->since_us)
		alert->since_us = event->since_us ? event->since_us : event->at_us;
	xstrset(&alert->text, event->text);
	confirm(entry, alert);
	return is_new;
}

void
alerts_join(struct entry *entry, const struct entry *from)
{
	for (size_t n = 0; n < from->incident.alert_count; n++) {
		const struct incident_alert *other = &from->incident.alerts[n];
		if (!other->is_firing)
			continue;
		struct incident_alert *alert =
			need_alert(&entry->incident, other->check, other->rule);
		if (!alert)
			return;
		alert->is_firing = true;
		alert->severity = other->severity;
		alert->since_us = other->since_us;
		xstrset(&alert->text, other->text);
		if (from->unconfirmed & UINT64_C(1) << n)
			entry->unconfirmed |= UINT64_C(1) << (alert - entry->incident.alerts);
	}
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
		if (i->alerts[n].is_firing && (!lead || leads(&i->alerts[n], lead)))
			lead = &i->alerts[n];
	return lead;
}

enum severity
alerts_severity(const struct incident *i)
{
	enum severity highest = SEVERITY_OK;
	for (size_t n = 0; n < i->alert_count; n++)
		if (i->alerts[n].is_firing && i->alerts[n].severity > highest)
			highest = i->alerts[n].severity;
	return highest;
}

bool
alerts_drop_unconfirmed(struct entry *entry)
{
	bool were_any = entry->unconfirmed != 0;
	for (size_t n = 0; n < entry->incident.alert_count; n++)
		if (entry->unconfirmed & UINT64_C(1) << n)
			entry->incident.alerts[n].is_firing = false;
	entry->unconfirmed = 0;
	return were_any;
}

/*
 * What the process before us had told: which of its alerts are in which incident, until the rules
 * speak of them again.  Its times are wall times; they become monotonic ones at the first moment.
 */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "triage/inside.h"

#define KEY_MAX 600

static void
write_key(char key[KEY_MAX], const struct incident_alert *alert)
{
	snprintf(key, KEY_MAX, "%s\n%s", alert->check, alert->rule);
}

void
restored_add(struct triage *t, struct entry *entry)
{
	const struct incident *i = &entry->incident;
	char key[KEY_MAX];
	entry->is_restored = entry->is_told = true;
	t->has_restored = true;
	for (size_t n = 0; n < i->alert_count; n++) {
		if (str_eq(i->alerts[n].check, i->check))
			entry->is_confirmed = true;
		if (i->status == INCIDENT_RESOLVED || !i->alerts[n].is_firing)
			continue;
		write_key(key, &i->alerts[n]);
		map_put(t->restored, key, entry);
	}
}

struct entry *
restored_find(const struct triage *t, const char *check, const char *rule)
{
	char key[KEY_MAX];
	snprintf(key, sizeof(key), "%s\n%s", check, rule);
	struct entry *entry = map_get(t->restored, key);
	return entry && entry->incident.status != INCIDENT_RESOLVED ? entry : NULL;
}

void
restored_drop(struct triage *t, const char *check, const char *rule)
{
	char key[KEY_MAX];
	snprintf(key, sizeof(key), "%s\n%s", check, rule);
	map_remove(t->restored, key);
}

void
restored_move(struct triage *t, const struct incident_alert *alert, const struct entry *from,
	struct entry *to)
{
	char key[KEY_MAX];
	write_key(key, alert);
	if (map_get(t->restored, key) == from)
		map_put(t->restored, key, to);
}

/* A clock that was set meanwhile makes nothing younger than now. */
static usec_t
convert(const struct triage *t, usec_t wall_us)
{
	usec_t age_us = t->at.wall_us > wall_us ? t->at.wall_us - wall_us : 0;
	return t->at.now_us - age_us;
}

static void
convert_openings(const struct triage *t, struct entry *entry)
{
	const struct incident_texts *timeline = &entry->incident.timeline;
	size_t count = 0;
	for (size_t n = timeline->count; n-- > 0 && count < FLAP_OPENINGS;)
		if (str_eq(timeline->all[n].name, "opened") ||
			str_eq(timeline->all[n].name, "reopened"))
			entry->openings[count++] = convert(t, timeline->all[n].at_us);
}

static void
convert_all(const struct triage *t, const struct entry_list *list)
{
	for (size_t n = 0; n < list->count; n++) {
		struct entry *entry = list->all[n];
		if (!entry->is_restored)
			continue;
		entry->is_restored = false;
		entry->opened_us = convert(t, entry->incident.detected_us);
		entry->ended_us = convert(t, entry->incident.resolved_us);
		entry->changed_us = entry->kept_us = t->at.now_us;
		convert_openings(t, entry);
	}
}

void
restored_convert(struct triage *t)
{
	if (!t->has_restored)
		return;
	t->has_restored = false;
	convert_all(t, &t->book.open);
	convert_all(t, &t->book.resolved);
	for (size_t n = 0; n < t->book.open.count; n++)
		host_restore(t, t->book.open.all[n]->incident.check);
}

/*
 * Acknowledging: somebody is at it, so reminders stop.
 *
 *	open --ack--> acknowledged --its time is up, taken back, the severity rises--> open
 *
 * A sticky one stays when the severity rises.  It decides who is reminded, never what is true.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "triage/inside.h"

static struct entry *
find_open(struct triage *t, const char *id, struct err *e)
{
	struct entry *entry = book_find_id(&t->book, id);
	if (!entry) {
		err_set(e, ENOENT,
			"no incident has the id %s (at least 4 digits of it, and only one incident "
			"that begins so)",
			id);
		return NULL;
	}
	if (entry->incident.status == INCIDENT_RESOLVED) {
		err_set(e, EINVAL, "incident %s is resolved already", entry->incident.id);
		return NULL;
	}
	return entry;
}

void
ack_name_holder(const struct incident *i, char out[ACK_HOLDER_MAX])
{
	char until[CLOCK_RFC3339_SIZE] = "";
	if (i->ack_until_us)
		clock_format_rfc3339(i->ack_until_us, until);
	snprintf(out, ACK_HOLDER_MAX, "%s%s%s%s", i->acked_by ? i->acked_by : "",
		*until ? " until " : "", until, i->is_ack_sticky ? ", whatever becomes of it" : "");
}

/* `before`: whose place it takes, "" for nobody's; what that one said is in the timeline already.
 */
static void
write_holder(struct incident *i, const char *before, usec_t wall_us)
{
	char now[ACK_HOLDER_MAX];
	ack_name_holder(i, now);
	char *text = xasprintf("by %s%s%s%s%s%s", now, *before ? " (in place of " : "", before,
		*before ? ")" : "", i->ack_note ? ": " : "", i->ack_note ? i->ack_note : "");
	incident_add_text(&i->timeline, "acknowledged", text, wall_us);
	free(text);
}

int
triage_ack(struct triage *t, const char *id, const struct triage_ack *ack,
	const struct triage_moment *at, struct err *e)
{
	struct entry *entry = find_open(t, id, e);
	if (!entry)
		return -1;
	struct incident *i = &entry->incident;
	bool is_new = i->status != INCIDENT_ACKNOWLEDGED;
	char before[ACK_HOLDER_MAX] = "";
	if (!is_new)
		ack_name_holder(i, before);
	i->status = INCIDENT_ACKNOWLEDGED;
	if (is_new)
		i->acked_us = at->wall_us;
	xstrset(&i->acked_by, ack->by);
	xstrset(&i->ack_note, ack->note);
	i->ack_until_us = ack->until_us;
	i->is_ack_sticky = ack->is_sticky;
	write_holder(i, before, at->wall_us);
	if (is_new)
		life_tell(t, entry, INCIDENT_ACKED, "ack", at->wall_us);
	else
		life_keep(t, entry, at->wall_us);
	return 0;
}

/* Nobody has it any more; that is written down, and not told yet. */
static void
let_go(struct entry *entry, const char *why, usec_t wall_us)
{
	struct incident *i = &entry->incident;
	i->status = INCIDENT_OPEN;
	i->acked_us = i->ack_until_us = 0;
	i->is_ack_sticky = false;
	xstrset(&i->acked_by, NULL);
	xstrset(&i->ack_note, NULL);
	incident_add_text(&i->timeline, "unacknowledged", why, wall_us);
}

int
triage_unack(struct triage *t, const char *id, const char *by, const struct triage_moment *at,
	struct err *e)
{
	struct entry *entry = find_open(t, id, e);
	if (!entry)
		return -1;
	if (entry->incident.status != INCIDENT_ACKNOWLEDGED)
		return err_set(e, EINVAL, "incident %s is not acknowledged", entry->incident.id);
	let_go(entry, by, at->wall_us);
	life_tell(t, entry, INCIDENT_UPDATED, "ack", at->wall_us);
	return 0;
}

void
ack_on_severity(struct triage *t, struct entry *entry, const struct triage_moment *at)
{
	(void)t;
	if (entry->incident.status == INCIDENT_ACKNOWLEDGED && !entry->incident.is_ack_sticky)
		let_go(entry, "the severity rose", at->wall_us);
}

void
ack_expire(struct triage *t, struct entry *entry, const struct triage_moment *at)
{
	const struct incident *i = &entry->incident;
	if (i->status != INCIDENT_ACKNOWLEDGED || !i->ack_until_us || at->wall_us < i->ack_until_us)
		return;
	let_go(entry, "its time is up", at->wall_us);
	life_tell(t, entry, INCIDENT_REMINDER, "repeat", at->wall_us);
}

void
ack_forget(struct entry *entry)
{
	struct incident *i = &entry->incident;
	i->acked_us = i->ack_until_us = 0;
	i->is_ack_sticky = false;
	xstrset(&i->acked_by, NULL);
	xstrset(&i->ack_note, NULL);
}

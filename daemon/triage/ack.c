/*
 * Acknowledging: somebody is at it, so reminders stop.  It ends with the incident, at its own end,
 * or, unless it is sticky, when the severity rises.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "triage/inside.h"

int
triage_ack(struct triage *t, const char *id, const struct triage_ack *ack,
	const struct triage_moment *at, struct err *e)
{
	struct entry *entry = book_find_id(&t->book, id);
	if (!entry)
		return err_set(e, ENOENT, "no incident has the id %s", id);
	struct incident *i = &entry->incident;
	if (i->status == INCIDENT_RESOLVED)
		return err_set(e, EINVAL, "incident %s is resolved already", i->id);
	if (i->status == INCIDENT_ACKNOWLEDGED)
		return 0;
	i->status = INCIDENT_ACKNOWLEDGED;
	i->acked_us = at->wall_us;
	xstrset(&i->acked_by, ack->by);
	xstrset(&i->ack_note, ack->note);
	i->ack_until_us = ack->until_us;
	i->is_ack_sticky = ack->is_sticky;
	incident_add_text(&i->timeline, "acknowledged", ack->by, at->wall_us);
	life_tell(t, entry, INCIDENT_ACKED, "ack", at->wall_us);
	return 0;
}

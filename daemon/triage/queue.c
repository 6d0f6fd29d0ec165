/*
 * Alerts that wait for their turn.  When thousands begin or end at once, each turn of the loop
 * takes as many as it has time for, in the order in which they came; the others wait here, in
 * memory: the rules have them on disk, and say them again after a restart.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "triage/inside.h"

struct waiting {
	struct list link;
	struct alert_event event; /* its strings and objects are ours */
};

void
queue_put(struct triage *t, const struct alert_event *event)
{
	struct waiting *waiting = xcalloc(1, sizeof(*waiting));
	firing_copy_event(&waiting->event, event);
	list_append(&t->queue, &waiting->link);
}

bool
queue_take(struct triage *t, struct alert_event *event)
{
	if (list_is_empty(&t->queue))
		return false;
	struct waiting *waiting = LIST_ENTRY(t->queue.next, struct waiting, link);
	*event = waiting->event;
	list_remove(&waiting->link);
	free(waiting);
	return true;
}

void
queue_free(struct triage *t)
{
	struct alert_event event;
	while (queue_take(t, &event))
		firing_fini_event(&event);
}

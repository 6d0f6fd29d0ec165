/*
 * Reload as a diff: checks are matched by name.  The same in every key: its timer, its running
 * probe and its state go on.  Changed: it runs anew, its state and counters stay.  Gone: its run is
 * aborted and its children with it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sched/private.h"

static void
begin_generation(struct sched *sched, const struct sched_owner *owner)
{
	struct generation *next = xcalloc(1, sizeof(*next));

	if (owner != NULL)
		next->owner = *owner;
	next->is_current = true;
	sched->generation = next;
}

static void
count_starts(struct sched *sched, const struct check_spec *const *specs, size_t count)
{
	sched->starts_per_second = 0;
	for (size_t i = 0; i < count; i++)
		sched->starts_per_second +=
			(double)USEC_PER_SEC / (double)specs[i]->common.interval_us;
}

static void
renew(struct check *check, const struct check_spec *spec, size_t place)
{
	bool is_same = check_spec_same(check->spec, spec);

	if (check->spec->probe_type !=
		spec->probe_type) { /* another type's memory is nothing to it */
		json_decref(check->kept);
		check->kept = NULL;
	}
	check->spec = spec;
	check->tick_us = sched_tick_for(check->sched, spec->common.interval_us);
	if (!is_same) {
		sched_abort_run(check);
		sched_drop_facts(check);
		sched_renew_subject(check);
		probe_keep_fini(&check->keep);
		sched_schedule_soon(check, place);
		sched_renew_watch(check);
	} else {
		probe_watch_move(check->watch, spec->conf);
	}
	if (check_is_parent(spec))
		sched_renew_children(check, !is_same);
	else
		sched_drop_children(check);
}

/* The new list in the new order; what is left over in the old array is gone. */
static struct check **
match(struct sched *sched, const struct check_spec *const *specs, size_t count)
{
	struct check **list = xcalloc(count == 0 ? 1 : count, sizeof(struct check *));

	for (size_t i = 0; i < count; i++) {
		struct check *check = map_get(sched->by_name, specs[i]->name);

		if (check == NULL) {
			list[i] = sched_add(sched, specs[i], i);
			continue;
		}
		renew(check, specs[i], i);
		list[i] = check;
		check->is_matched = true;
	}
	return list;
}

void
sched_apply(struct sched *sched, const struct check_spec *const *specs, size_t count,
	const struct sched_owner *owner)
{
	struct generation *old = sched->generation;
	struct check **list;

	begin_generation(sched, owner);
	count_starts(sched, specs, count);
	list = match(sched, specs, count);
	for (size_t i = 0; i < sched->count; i++) {
		struct check *check = sched->checks[i];

		if (check->is_matched) {
			check->is_matched = false;
			continue;
		}
		sched_drop_children(check);
		sched_remove(check);
	}
	free(sched->checks);
	sched->checks = list;
	sched->count = count;
	sched_flatten(sched);
	sched_let_go(old);
}

/*
 * Reload as a diff: checks are matched by name.  The same in every key: its timer, its running
 * probe and its state go on.  Changed: it runs anew, its state and counters stay.  Gone: its run is
 * aborted and its children with it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sched/private.h"

/* How all runners begin under new settings, and let go of those before. */
static struct hold *
begin_generation(struct sched *sched, const struct sched_owner *owner)
{
	struct generation *next = xcalloc(1, sizeof(*next));

	if (owner != NULL)
		next->owner = *owner;
	next->users = 1 + sched->further_count;
	sched->generation = next;
	for (unsigned i = 0; i < sched->further_count; i++)
		further_begin(sched->further[i], next, share_rate(sched, (uint8_t)(i + 1)));
	return runner_begin(&sched->runner, next, share_rate(sched, 0));
}

static void
settle_generation(struct sched *sched, struct hold *before)
{
	for (unsigned i = 0; i < sched->further_count; i++)
		further_settle(sched->further[i]);
	runner_settle(&sched->runner, before);
}

/* Its loop goes on with it, under the new settings. */
static void
renew_in_place(struct check *check, bool is_same, size_t place)
{
	if (check->at != 0) {
		further_renew(check->sched->further[check->at - 1], check, is_same, place);
	} else if (is_same) {
		runner_move_spec(&check->sched->runner, &check->task, check->spec);
		probe_watch_move(check->task.watch, check->spec->conf);
	} else {
		check->task.version = check->version;
		runner_renew(&check->sched->runner, &check->task, check->spec, place);
		sched_renew_watch(check);
	}
}

/* False: it is the same, and goes on. */
static bool
renew(struct check *check, const struct check_spec *spec, size_t place)
{
	bool is_same = check_spec_same(check->spec, spec);
	bool is_other_type = check->spec->probe_type != spec->probe_type;

	check->spec = spec;
	map_put(check->sched->by_name, spec->name, check); /* the old name goes with its settings */
	check->home = share_pick(check->sched, check, spec);
	if (is_other_type) { /* another type's memory is nothing to it */
		json_decref(check->kept);
		check->kept = NULL;
	}
	if (!is_same) {
		check->version++;
		if (check->at == 0)
			runner_abort(&check->task);
		sched_drop_facts(check);
		sched_renew_subject(check);
	}
	/* One that is under way between two loops is given its settings when it arrives. */
	if (!check->is_moving && check->home == check->at)
		renew_in_place(check, is_same, place);
	else if (!check->is_moving && sched_take_back(check))
		sched_give(check, place);
	/* What another type found is other things, even under the same names. */
	if (check_is_parent(spec) && !is_other_type)
		sched_renew_children(check, !is_same);
	else
		sched_drop_children(check);
	return !is_same;
}

/* The new list in the new order; what is left over in the old array is gone. */
static struct check **
match(struct sched *sched, const struct check_spec *const *specs, size_t count)
{
	struct check **list = xcalloc(count == 0 ? 1 : count, sizeof(struct check *));
	size_t starts = 0; /* of those that begin anew: no others are spread over time */

	for (size_t i = 0; i < count; i++) {
		struct check *check = map_get(sched->by_name, specs[i]->name);

		if (check == NULL) {
			list[i] = sched_add(sched, specs[i], starts++);
			continue;
		}
		starts += renew(check, specs[i], starts);
		list[i] = check;
		check->is_matched = true;
	}
	return list;
}

void
sched_apply(struct sched *sched, const struct check_spec *const *specs, size_t count,
	const struct sched_owner *owner)
{
	struct check **list;
	struct hold *before;

	share_begin(sched, specs, count);
	before = begin_generation(sched, owner);
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
	settle_generation(sched, before);
}

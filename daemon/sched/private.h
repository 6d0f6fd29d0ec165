/* The scheduler's own state, shared by its files and nobody else. */
#ifndef SCHED_PRIVATE_H
#define SCHED_PRIVATE_H

#include "base/map.h"
#include "io/timer.h"
#include "sched/check.h"

struct sched {
	struct sched_options options;
	const struct io_env *env;
	struct heap heap;
	struct timer timer;
	struct check **checks; /* as configured; children hang below their parent */
	size_t count;
	struct check **flat; /* parents and children in order, for the views */
	size_t flat_count;
	struct map *by_name;  /* -> struct check *, children too */
	struct map *restored; /* -> json_t *: what the process before us knew */
	struct generation *generation;
	usec_t epoch_us; /* the grid's origin */
	usec_t slept_us;
	double starts_per_second; /* of all checks: decides the tick */
	bool is_stopped;
	bool is_batching; /* the timer is armed once, at the end of the batch */
	struct hist lateness;
};

struct check *sched_add(struct sched *sched, const struct check_spec *spec, size_t place);
void sched_remove(struct check *check); /* frees it; it has no children any more */
void sched_abort_run(struct check *check);
/* Opens what the check's type keeps between runs; closes it first if it is open. */
void sched_renew_watch(struct check *check);
/* Its watch asks for a run. */
void sched_poke(struct check *check);
/* Remembers what must outlive a restart. */
void sched_keep(const struct check *check);
void sched_schedule_soon(struct check *check, size_t place);
usec_t sched_tick_for(const struct sched *sched, usec_t interval_us);
void sched_let_go(struct generation *generation);
void sched_flatten(struct sched *sched); /* after any check came or went */

/* children.c: what a parent found against what it has. */
void sched_take_children(struct check *parent, const struct sample *sample);
void sched_drop_children(struct check *parent);
/* The parent's settings changed: its children follow. */
void sched_renew_children(struct check *parent, bool is_changed);

#endif

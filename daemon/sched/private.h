/* The scheduler's own state, shared by its files and nobody else. */
#ifndef SCHED_PRIVATE_H
#define SCHED_PRIVATE_H

#include "base/map.h"
#include "io/timer.h"
#include "sched/check.h"

struct fact_slot;

/* Facts under way, waiting to run, and answered a short while ago. */
struct fact_desk {
	struct sched *sched;
	struct list host_slots;
	struct list queue, ready, aged;
	struct timer again, sweep, more;
	unsigned running;
	unsigned started; /* since the loop was let go on */
	unsigned owed;    /* of those queued, who somebody waits for */
};

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
	struct fact_desk *facts;
	struct map *places;    /* of this host, that checks look at */
	struct list unlearned; /* places to be learned of */
	struct timer pace;
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
void sched_release(struct generation *generation); /* one of its runs is over */
void sched_flatten(struct sched *sched);           /* after any check came or went */

/* children.c: what a parent found against what it has. */
void sched_take_children(struct check *parent, const struct sample *sample);
void sched_drop_children(struct check *parent);
/* The parent's settings changed: its children follow. */
void sched_renew_children(struct check *parent, bool is_changed);

/* facts.c */
void sched_open_facts(struct sched *sched);
void sched_close_facts(struct sched *sched); /* the checks are gone */
void sched_drop_facts(struct check *check);
/* A fact that nobody waits for; false: there is none of that name. */
bool sched_learn_by(struct check *check, const char *fact);
bool sched_facts_are_busy(const struct sched *sched);

/* learn.c */
void sched_open_places(struct sched *sched);
void sched_close_places(struct sched *sched);  /* the checks are gone */
void sched_renew_subject(struct check *check); /* its settings are new */
void sched_drop_subject(struct check *check);
void sched_learn(struct check *check, const struct fact *fact);
/* After each run; `came_up`: it was down, or never up before. */
void sched_look_at_place(struct check *check, bool came_up);

#endif

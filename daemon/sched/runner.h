/*
 * What runs probes: a heap of tasks under one timer of one loop.  It knows when and how a probe
 * runs; what a sample means, what a check is called and what is remembered of it is the book's
 * (sched.c), which is on the main loop.
 *
 * A runner is called directly on its own loop.  One that is on a further loop is reached by letters
 * (further.c), which say the same.
 */
#ifndef SCHED_RUNNER_H
#define SCHED_RUNNER_H

#include "base/heap.h"
#include "base/hist.h"
#include "io/env.h"
#include "io/timer.h"
#include "model/check.h"
#include "probes/run.h"

struct generation;
struct runner;

/* The runner's part of a check.  From runner_add until runner_drop it is touched on the runner's
 * loop only. */
struct task {
	struct heap_node due; /* first: the heap hands these back */
	struct runner *runner;
	const struct check_spec *spec; /* that runs begin under */
	struct probe_run *run;         /* NULL: idle */
	struct hold *run_hold;
	struct probe_keep keep;
	struct probe_watch *watch; /* NULL: its type has none */
	usec_t started_us;         /* the last start */
	usec_t phase_us;           /* its place in the interval's grid */
	uint64_t runs;
	uint32_t overdue;
	uint32_t tick_us; /* it is due on multiples of it only */
	uint32_t version; /* of its settings: a sample made under others is nobody's */
	bool is_poked;    /* run again as soon as this run is over */
};

/* The settings that runs were started under: held until the last such run is over. */
struct hold {
	struct generation *generation;
	unsigned runs;
	bool is_current;
};

struct runner_calls {
	/* A run is over; the sample is good until it returns. */
	void (*on_done)(void *arg, struct task *task, const struct sample *sample);
	void (*on_let_go)(void *arg, struct generation *generation);
	void (*on_slept)(void *arg, usec_t for_us); /* all runs were aborted; NULL */
	bool (*is_held_up)(void *arg);              /* start nothing now; NULL: never */
};

struct runner {
	const struct io_env *env;
	const struct judge *judge;
	const struct runner_calls *calls;
	void *arg;
	struct heap heap;
	struct timer timer;
	struct hold *hold; /* the current one; NULL: none yet */
	usec_t epoch_us;   /* the grid's origin */
	usec_t slept_us;
	uint64_t looked_turn;     /* of the loop: in which a run that ended looked for that last */
	double starts_per_second; /* of all its tasks: decides the tick */
	bool is_stopped;
	bool is_batching; /* the timer is armed once, at the end of the batch */
	struct hist lateness;
};

void runner_init(struct runner *runner, const struct io_env *env, const struct judge *judge,
	const struct runner_calls *calls, void *arg);
void runner_stop(struct runner *runner); /* aborts what runs, starts nothing more */
void runner_fini(struct runner *runner); /* its tasks are gone */

/* New settings: runs begin under them from now on; runner_settle lets go of those before. */
struct hold *runner_begin(
	struct runner *runner, struct generation *generation, double starts_per_second);
void runner_settle(struct runner *runner, struct hold *before);

/* A task that is new here: its first run comes soon, `place` spreads many. */
void runner_add(struct runner *runner, struct task *task, size_t place);
/* One that ran elsewhere: it goes on with its schedule. */
void runner_take_over(struct runner *runner, struct task *task);
/* The same settings, which live elsewhere now. */
void runner_move_spec(struct runner *runner, struct task *task, const struct check_spec *spec);
/* Others: what ran is aborted, it begins anew. */
void runner_renew(
	struct runner *runner, struct task *task, const struct check_spec *spec, size_t place);
/* Aborts its run; where it goes on, it is due at once then. */
void runner_drop(struct runner *runner, struct task *task);

bool runner_run(struct task *task);                    /* now; false: it is running, or stopped */
void runner_poke(struct task *task);                   /* soon, at most once a second */
void runner_run_at(struct task *task, usec_t wish_us); /* if that is before its next run */
void runner_abort(struct task *task);
/* Looks whether this host was suspended; true: whatever ran before is void. */
bool runner_look_for_sleep(struct runner *runner);
usec_t runner_behind_us(const struct runner *runner);

#endif

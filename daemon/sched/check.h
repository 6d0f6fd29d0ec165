/*
 * A check while it lives: its schedule, its running probe, its counters.  Private to the scheduler.
 */
#ifndef SCHED_CHECK_H
#define SCHED_CHECK_H

#include "base/heap.h"
#include "base/list.h"
#include "probes/run.h"
#include "sched/sched.h"

/* The settings that a run was started under; kept until the last such run is over. */
struct generation {
	struct sched_owner owner;
	unsigned runs;
	bool is_current;
};

struct spot;

struct check {
	struct heap_node due; /* first: the heap hands these back */
	struct sched *sched;
	const struct check_spec *spec; /* of the settings, or own_spec of a child */
	struct check_spec *own_spec;   /* NULL unless a child */
	struct check *parent;          /* NULL unless a child */
	struct check **children;
	size_t child_count;
	struct probe_run *run; /* NULL: idle */
	struct generation *run_generation;
	struct probe_keep keep;
	struct probe_watch *watch; /* NULL: its type has none */
	json_t *kept;              /* what the watch wants remembered; NULL */
	usec_t started_us;         /* the last start */
	bool is_poked;             /* run again as soon as this run is over */
	usec_t phase_us;           /* its place in the interval's grid */
	usec_t tick_us;
	enum check_state state;
	usec_t since_wall_us;
	usec_t first_added_wall_us;
	bool has_started;             /* was up once: start_period is over */
	bool is_matched;              /* during a reload: the new settings have it too */
	unsigned failures, successes; /* in a row */
	usec_t fail_us; /* monotonic: of the first run that failed for this cause; 0: none */
	bool has_sample;
	struct sample last;
	uint64_t runs, overdue;
	float totals[SCHED_TOTALS];
	unsigned total_at, total_count;
	struct subject subject;
	json_t *learned;    /* of it, as it is kept; NULL */
	struct spot *place; /* of this host, that it looks at; NULL: none, or not known yet */
	struct list at_place;
	usec_t looked_us; /* monotonic: when its place was looked for */
	struct list fact_slots, fact_waits;
};

struct check *check_new(struct sched *sched, const struct check_spec *spec);
void check_free(struct check *check); /* aborts its run; its children must be gone */

/* Takes a sample in: counts, decides the state, completes the sample.  Pure but for the check. */
void check_take(struct check *check, struct sample *sample, usec_t now_wall_us);
/* Keeps the sample as the last one, and its total for the sparkline. */
void check_remember(struct check *check, const struct sample *sample);
/* True while quick re-checks are due (suspect, or up again but not often enough). */
bool check_wants_retry(const struct check *check);
/* True: its runs find children (disk with all: true). */
bool check_is_parent(const struct check_spec *spec);
/* The same in every key that the user wrote. */
bool check_spec_same(const struct check_spec *a, const struct check_spec *b);

#endif

/*
 * Runs every check on time: spread at the start, gathered on a tick, never two runs of one check at
 * once, none waiting for another.  Counts failures and says the state; measures nothing, judges
 * nothing.
 */
#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include <stdbool.h>

#include "base/hist.h"
#include "io/env.h"
#include "model/check.h"
#include "model/fact.h"
#include "model/judge.h"
#include "model/sample.h"
#include "model/subject.h"

struct sched;
struct fact_type;

#define SCHED_TOTALS    60 /* last total times kept for the sparkline */
#define SCHED_LOOPS_MAX 64 /* the main one among them */

typedef void (*sched_sample_fn)(void *arg, const struct check_spec *check,
	const struct sample *sample, struct check_ties *ties);
typedef void (*sched_child_fn)(void *arg, const struct check_spec *child, bool is_added);
/* What must outlive a restart ("first_added" for start_period): persist under the check's name. */
typedef void (*sched_keep_fn)(void *arg, const char *check, const json_t *state);

struct sched_options {
	const struct io_env *env;
	const struct judge *judge;
	sched_sample_fn on_sample;
	sched_child_fn on_child;
	sched_keep_fn on_keep;
	void (*on_slept)(void *arg, usec_t for_us); /* this host was suspended */
	/* A fact that sched_want_fact asked for; good until it returns. */
	void (*on_fact)(void *arg, const struct check_spec *check, const struct fact *fact);
	const struct fact_type *const *facts; /* that there are; NULL: fact_table */
	void *arg;
};

struct sched *sched_new(const struct sched_options *options);
void sched_free(struct sched *sched); /* aborts what runs */
void sched_stop(struct sched *sched); /* aborts what runs, starts nothing more; views still work */

void sched_restore(struct sched *sched, const char *check, const json_t *state);
/* Who owns the specs handed to sched_apply: release(owner) is called once no run uses them. */
struct sched_owner {
	void *owner;
	void (*release)(void *owner);
	const struct secret_set *secrets; /* of the same; for the environments of further loops */
};
/* A diff: checks that are the same in every key keep their timer, state and running probe; changed
 * ones run anew but keep their state and counters. */
void sched_apply(struct sched *sched, const struct check_spec *const *specs, size_t count,
	const struct sched_owner *owner);

/*
 * Further loops, each turned by a thread of its own, which run checks whose type needs nothing of
 * the main loop; all else, and every callback, stays on the main one.  A check that moves keeps its
 * state and its schedule.  The environment is borrowed until sched_free; nothing but the loop, the
 * resolver, the TLS pool and the HTTP client is used of it.
 */
int sched_add_loop(struct sched *sched, const struct io_env *env, struct err *e);
/* Takes back the one that was added last, before any sched_apply: nothing will turn it. */
void sched_drop_loop(struct sched *sched);
/* How many to use from the next sched_apply on, the main one among them. */
void sched_use_loops(struct sched *sched, size_t count);
/* How many these checks need, at most `most`. */
size_t sched_loops_wanted(const struct check_spec *const *specs, size_t count, size_t most);
/* Stops the further loops; sched_free must wait until their threads have ended. */
void sched_leave_loops(struct sched *sched);
/* How long nothing was heard from a further loop that has work; 0: all are well. */
usec_t sched_silent_us(const struct sched *sched);

/* Runs now, besides the schedule; -1: no such check, or it is running. */
int sched_run_now(struct sched *sched, const char *check);

/*
 * Facts.  The answer comes through on_fact, later, within the fact's deadline; one that is asked
 * for twice at a time runs once, a young answer is given again.  -1: no such check or fact, or
 * so many wait already that it would come when nobody needs it any more.
 */
int sched_want_fact(struct sched *sched, const char *check, const char *fact);
/* The same, where an answer measured before `since_us` (monotonic) says nothing. */
int sched_want_new_fact(struct sched *sched, const char *check, const char *fact, usec_t since_us);
/* What is known of the place that a check looks at; NULL: no such check. */
const struct subject *sched_subject(const struct sched *sched, const char *check);

struct check_view {
	const struct check_spec *spec;
	enum check_state state;
	const struct sample *last; /* NULL: none yet */
	usec_t since_us;           /* wall: since when in this state */
	usec_t next_us;            /* wall: next start */
	bool is_running;
	unsigned failures;
	uint64_t runs, overdue;
	const uint16_t *totals; /* see sched_total */
	size_t total_from, total_count;
};
/* The nth total time, the oldest first, in seconds; NAN: it failed. */
double sched_total(const struct check_view *view, size_t n);
size_t sched_count(const struct sched *sched);
bool sched_view(const struct sched *sched, size_t n, struct check_view *out); /* config order */
/* How many checks are in each state; a view of each would cost ten times as much. */
void sched_count_states(const struct sched *sched, size_t counts[CHECK_STARTING + 1]);
bool sched_view_name(const struct sched *sched, const char *name, struct check_view *out);
const struct sample *sched_last(const struct sched *sched, const char *name); /* NULL: none yet */
/* How long the first check that is due has waited for its start, on any loop; a loop that says
 * nothing counts as one that does not get to it.  0: none is due. */
usec_t sched_behind_us(const struct sched *sched);
bool sched_round_done(const struct sched *sched); /* every check has run once since the start */
const struct hist *sched_lateness(const struct sched *sched);

#endif

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

#define SCHED_TOTALS 60 /* last total times kept for the sparkline */

typedef void (*sched_sample_fn)(
	void *arg, const struct check_spec *check, const struct sample *sample);
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
};
/* A diff: checks that are the same in every key keep their timer, state and running probe; changed
 * ones run anew but keep their state and counters. */
void sched_apply(struct sched *sched, const struct check_spec *const *specs, size_t count,
	const struct sched_owner *owner);
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
	const float *totals; /* seconds, NAN: failed; oldest first */
	size_t total_count;
};
size_t sched_count(const struct sched *sched);
bool sched_view(const struct sched *sched, size_t n, struct check_view *out); /* config order */
/* How many checks are in each state; a view of each would cost ten times as much. */
void sched_count_states(const struct sched *sched, size_t counts[CHECK_STARTING + 1]);
bool sched_view_name(const struct sched *sched, const char *name, struct check_view *out);
const struct sample *sched_last(const struct sched *sched, const char *name); /* NULL: none yet */
/* How long the first check that is due has waited for its start; 0: none is due. */
usec_t sched_behind_us(const struct sched *sched);
bool sched_round_done(const struct sched *sched); /* every check has run once since the start */
const struct hist *sched_lateness(const struct sched *sched);

#endif

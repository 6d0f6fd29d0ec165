/*
 * A runner on another loop than the main one, as the main loop sees it: orders go out, news comes
 * back, both as letters (io/mailbox.h).  A task is the main loop's until further_add, and again
 * when it was given back (sched_on_back).
 *
 * Shared by the two loops: the letters, one owner at a time; the settings, which nobody writes,
 * held by a generation that only the main loop counts; what the environment shares by its own means
 * (the TLS pool, the log).
 */
#ifndef SCHED_FURTHER_H
#define SCHED_FURTHER_H

#include "sched/check.h"

struct further;

struct further *further_open(struct sched *sched, const struct io_env *env, struct err *e);
void further_leave(struct further *further); /* asks its loop to stop; nothing is sent after that */
/* When that loop turns no more: */
void further_end(struct further *further); /* its tasks are the main loop's */
void further_free(struct further *further);

/* New settings: a user of that generation.  What is said until further_settle goes together. */
void further_begin(
	struct further *further, struct generation *generation, double starts_per_second);
void further_settle(struct further *further);
void further_add(struct further *further, struct check *check, bool is_new, size_t place);
void further_renew(struct further *further, struct check *check, bool is_same, size_t place);
void further_take_back(struct further *further, struct check *check);
void further_run_at(struct further *further, struct check *check, usec_t at_us);
bool further_run(struct further *further, struct check *check); /* false: it runs already */
/* This host was suspended: what ran there, or was asked for, does not any more. */
void further_void(struct further *further, struct check *check);
void further_stop(struct further *further);

/* How long a start there waits, or nothing was heard from that loop though it has work. */
usec_t further_behind_us(const struct further *further);
usec_t further_silent_us(const struct further *further);

#endif

/*
 * The loop: one thread, one turn at a time.  It owns the clock, one libevent timer under our own
 * timer heap, and the list of objects that die when the turn ends.  Nothing that a callback stands
 * on is freed before that turn is over.
 *
 * With a fake clock no real time passes: loop_advance() walks the timers in order.
 */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include <stdbool.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/hist.h"
#include "base/stat.h"

struct loop;
struct event_base;

struct loop *loop_new(struct clock *clock, struct err *e); /* the clock outlives the loop */
void loop_free(struct loop *loop);                         /* runs what is still retired */

void loop_run(struct loop *loop); /* until loop_stop */
void loop_stop(struct loop *loop);
void loop_turn(struct loop *loop, bool may_wait);   /* one turn; tests with real sockets */
void loop_advance(struct loop *loop, usec_t by_us); /* fake clock only: fires due timers in order */
/* Turns (waiting at most 10 ms real time each) until `done` says so; false after `max_turns`. */
bool loop_turn_until(struct loop *loop, bool (*done)(void *), void *arg, int max_turns);

/* That came to their end: what is retired in one of them ends under one number. */
uint64_t loop_turns(const struct loop *loop);
usec_t loop_now(const struct loop *loop); /* monotonic, read anew at each call */
usec_t loop_wall(const struct loop *loop);
const struct clock *loop_clock(const struct loop *loop);

/* end(obj) is called when this turn is over, once, in order; behind many that take long, a few
 * turns later. */
void loop_retire(struct loop *loop, void *obj, void (*end)(void *obj));

/* Progress and lag: how long turns took.  The histogram counts every turn. */
const struct hist *loop_lag(const struct loop *loop);
/* The same for all loops of the process, in the main one's: what another counted is taken there
 * and added here. */
struct hist loop_take_lag(struct loop *loop);
void loop_add_lag(struct loop *loop, const struct hist *lag);
void loop_set_stats(struct loop *loop, struct stats *stats);

/* Calls fn(arg, signo) on the loop, not in the signal handler. */
int loop_on_signal(
	struct loop *loop, int signo, void (*fn)(void *arg, int signo), void *arg, struct err *e);

struct event_base *loop_base(struct loop *loop); /* for daemon/io only */

#endif

/* A timer on the loop's heap.  Embed it; init once; start and stop as often as you like. */
#ifndef IO_TIMER_H
#define IO_TIMER_H

#include <stdbool.h>

#include "base/heap.h"
#include "base/list.h"
#include "io/loop.h"

struct timer {
	struct heap_node node;
	struct list due; /* in the batch that runs now, after it left the heap */
	struct loop *loop;
	void (*fn)(void *arg);
	void *arg;
};

void timer_init(struct timer *timer, struct loop *loop, void (*fn)(void *arg), void *arg);
void timer_at(struct timer *timer, usec_t due_us); /* monotonic; moves it if it runs */
void timer_after(struct timer *timer, usec_t delay_us);
void timer_stop(struct timer *timer); /* fine when it does not run or was never started */
bool timer_runs(const struct timer *timer);

#endif

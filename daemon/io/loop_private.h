/* What the loop shares with timers and watches, and with nobody outside of daemon/io. */
#ifndef IO_LOOP_PRIVATE_H
#define IO_LOOP_PRIVATE_H

#include "base/heap.h"
#include "base/list.h"
#include "io/loop.h"

struct loop_timers {
	struct heap waiting;
	struct list due; /* taken off the heap by the batch that runs now, in order */
};

struct loop_timers *loop_timers(struct loop *loop);
/* Runs what is due at `now_us`, but nothing that these timers start: that is the next batch's. */
void loop_timers_run(struct loop_timers *timers, usec_t now_us);

/* Spare memory by size; see spare.h. */
#define SPARE_SIZES 80 /* up to 5 kB */

struct spare;
struct spare_list {
	struct spare *first;
	size_t count;
};
struct spare_list *loop_spares(struct loop *loop); /* SPARE_SIZES of them */
void spares_end(struct spare_list *lists);

/* Something that has no owner left (a process that is being ended): loop_free ends it. */
struct loop_guest {
	struct list node;
	void (*end)(struct loop_guest *guest); /* takes it off the list */
};
struct list *loop_guests(struct loop *loop);
struct stats *loop_stats(struct loop *loop); /* NULL: nobody counts */

/* Every callback from libevent calls it first: the turn's work is timed from the first one on, and
 * the last one that it has time for is told. */
void loop_woke(struct loop *loop);

#endif

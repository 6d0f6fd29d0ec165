/*
 * A loop on a thread of its own.  Whoever starts it makes everything that lives on the loop before,
 * and takes it apart after the thread has ended: in between, the loop and what hangs on it belong
 * to the thread alone.  It hears no signals; those are the main thread's.
 */
#ifndef IO_LOOP_THREAD_H
#define IO_LOOP_THREAD_H

#include <stdbool.h>

#include "io/loop.h"

struct loop_thread;

/* Runs the loop until loop_stop is called on it, from within.  `name`: at most 15 bytes. */
struct loop_thread *loop_thread_start(struct loop *loop, const char *name, struct err *e);
/* Waits for its end until that time (monotonic, of the system's clock), so that several share one
 * deadline; false: it does not end, and all it owns is left to it. */
bool loop_thread_join(struct loop_thread *thread, usec_t until_us);

#endif

/*
 * Watches one descriptor for readiness.  One-shot libraries that swap the socket under the same
 * number (libpq) must watch_free and watch_new after every step: see nonblocking notes in docs.
 */
#ifndef IO_WATCH_H
#define IO_WATCH_H

#include "io/loop.h"

enum watch_want { WATCH_NOTHING = 0, WATCH_READ = 1, WATCH_WRITE = 2 };

struct watch;

/* fn(arg, ready) with the bits that are ready.  Persistent until changed. */
struct watch *watch_new(
	struct loop *loop, int fd, unsigned want, void (*fn)(void *arg, unsigned ready), void *arg);
void watch_set(struct watch *watch, unsigned want);
void watch_free(struct watch *watch); /* before the fd is closed; NULL is fine; at once */

#endif

/*
 * File events from the kernel, one descriptor for all.  Adding a watch walks the path: only for
 * paths that cannot hang (/sys, /proc) or that a helper process (io/fs) has just reached.
 */
#ifndef IO_INOTIFY_H
#define IO_INOTIFY_H

#include <stdint.h>

#include "io/loop.h"

struct inotify;
struct inotify_watch;

/* `mask` is the kernel's IN_* bits; `name` is the file inside a watched folder, "" else.  After
 * IN_IGNORED the watch is dead (still to be freed).  IN_Q_OVERFLOW comes to everybody. */
typedef void (*inotify_fn)(void *arg, uint32_t mask, const char *name);

struct inotify *inotify_new(struct loop *loop); /* the descriptor is opened with the first watch */
void inotify_free(struct inotify *inotify);
/* NULL: errno says why.  The same path may be watched by many; each hears its own mask. */
struct inotify_watch *inotify_add(
	struct inotify *inotify, const char *path, uint32_t mask, inotify_fn fn, void *arg);
void inotify_remove(struct inotify_watch *watch); /* NULL is fine; safe inside any callback */

#endif

/*
 * Listening sockets that survive running out of descriptors: on EMFILE the listener rests 200 ms
 * instead of spinning.  Accepted descriptors are non-blocking and close-on-exec.
 */
#ifndef IO_LISTEN_H
#define IO_LISTEN_H

#include "io/addr.h"
#include "io/loop.h"

struct listener;

typedef void (*listen_fn)(void *arg, int fd, const struct addr *peer);

/* Unix paths: a stale socket file is replaced, a living one is an error; mode as given. */
struct listener *listener_open(struct loop *loop, const struct addr *addr, unsigned unix_mode,
	listen_fn fn, void *arg, struct err *e);
struct listener *listener_adopt(struct loop *loop, int fd, listen_fn fn, void *arg);
void listener_close(struct listener *listener); /* removes the unix path it made */
const struct addr *listener_addr(const struct listener *listener); /* with the real port */

#endif

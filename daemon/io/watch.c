/*
 * One persistent libevent event per watched descriptor.  The kernel is only told of a change of
 * mind, never of the same wish again.
 */
#include "io/watch.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "io/loop_private.h"

struct watch {
	struct event event;
	struct loop *loop;
	void (*fn)(void *arg, unsigned ready);
	void *arg;
	int fd;
	unsigned want;
};

static void
on_ready(int fd, short what, void *arg)
{
	struct watch *watch = arg;
	unsigned ready = (what & EV_READ ? WATCH_READ : 0U) | (what & EV_WRITE ? WATCH_WRITE : 0U);

	(void)fd;
	loop_woke(watch->loop);
	watch->fn(watch->arg, ready); /* may free the watch */
}

static void
begin(struct watch *watch)
{
	short what = (short)(EV_PERSIST | (watch->want & WATCH_READ ? EV_READ : 0) |
			     (watch->want & WATCH_WRITE ? EV_WRITE : 0));

	event_assign(&watch->event, loop_base(watch->loop), watch->fd, what, on_ready, watch);
	if (!watch->want || event_add(&watch->event, NULL) == 0)
		return;
	/* Not pollable: say "ready" once, so that the owner's next call meets the true error. */
	log_error("descriptor %d cannot be watched: %s", watch->fd, strerror(errno));
	event_active(&watch->event, (short)(what & ~EV_PERSIST), 0);
}

struct watch *
watch_new(
	struct loop *loop, int fd, unsigned want, void (*fn)(void *arg, unsigned ready), void *arg)
{
	struct watch *watch = xcalloc(1, sizeof *watch);

	watch->loop = loop;
	watch->fn = fn;
	watch->arg = arg;
	watch->fd = fd;
	watch->want = want;
	begin(watch);
	return watch;
}

void
watch_set(struct watch *watch, unsigned want)
{
	if (want == watch->want)
		return;
	event_del(&watch->event);
	watch->want = want;
	begin(watch);
}

void
watch_free(struct watch *watch)
{
	if (!watch)
		return;
	event_del(&watch->event);
	free(watch);
}

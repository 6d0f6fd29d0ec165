/*
 * One inotify descriptor for everybody.  The kernel gives one number per inode whoever asks, so
 * those who watch the same one share a spot: the kernel hears the union of their masks and each
 * watcher hears what it asked for.  Owns the descriptor and the spots; what is removed while events
 * are being told is freed when the telling is over.
 */
#include "io/inotify.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/list.h"
#include "base/mem.h"
#include "io/watch.h"

#define READ_MAX 32768 /* bytes of events told at one go; the rest waits for the next turn */
#define FOR_ALL  ((uint32_t)(IN_IGNORED | IN_UNMOUNT | IN_Q_OVERFLOW))

struct inotify {
	struct loop *loop;
	struct watch *watch;
	struct list spots;
	int fd; /* -1: nothing was watched yet */
	bool is_telling;
};

struct spot {
	struct list node;
	struct list watches;
	int wd; /* -1: the kernel let go of it */
};

struct inotify_watch {
	struct list node;
	struct inotify *inotify;
	struct spot *spot;
	uint32_t mask;
	inotify_fn fn; /* NULL: removed */
	void *arg;
};

struct inotify *
inotify_new(struct loop *loop)
{
	struct inotify *inotify = xcalloc(1, sizeof(*inotify));

	inotify->loop = loop;
	inotify->fd = -1;
	list_init(&inotify->spots);
	return inotify;
}

static struct spot *
find_spot(const struct inotify *inotify, int wd)
{
	LIST_EACH(it, &inotify->spots)
	{
		struct spot *spot = LIST_ENTRY(it, struct spot, node);

		if (spot->wd == wd)
			return spot;
	}
	return NULL;
}

static void
drop_spot(struct inotify *inotify, struct spot *spot)
{
	/* What the kernel has let go of by itself cannot be removed again: not our worry. */
	if (spot->wd != -1 && inotify_rm_watch(inotify->fd, spot->wd) == -1)
		errno = 0;
	list_remove(&spot->node);
	free(spot);
}

static void
drop_watch(struct inotify_watch *watch)
{
	struct spot *spot = watch->spot;

	list_remove(&watch->node);
	if (list_is_empty(&spot->watches))
		drop_spot(watch->inotify, spot);
	free(watch);
}

static void
tell(struct spot *spot, uint32_t mask, const char *name)
{
	LIST_EACH(it, &spot->watches)
	{
		struct inotify_watch *watch = LIST_ENTRY(it, struct inotify_watch, node);

		if (watch->fn != NULL &&
			(mask & (watch->mask | FOR_ALL) & ~(uint32_t)IN_ISDIR) != 0)
			watch->fn(watch->arg, mask, name);
	}
}

static void
tell_event(struct inotify *inotify, const struct inotify_event *event)
{
	const char *name = event->len > 0 ? event->name : "";
	struct spot *spot;

	if (event->mask & IN_Q_OVERFLOW) {
		LIST_EACH(it, &inotify->spots)
		tell(LIST_ENTRY(it, struct spot, node), event->mask, "");
		return;
	}
	spot = find_spot(inotify, event->wd);
	if (spot == NULL)
		return; /* what was on its way when its last watcher left */
	if (event->mask & IN_IGNORED)
		spot->wd = -1;
	tell(spot, event->mask, name);
}

static void
sweep(struct inotify *inotify)
{
	LIST_EACH_SAFE(it, &inotify->spots)
	{
		struct spot *spot = LIST_ENTRY(it, struct spot, node);

		LIST_EACH_SAFE(at, &spot->watches)
		{
			struct inotify_watch *watch = LIST_ENTRY(at, struct inotify_watch, node);
			bool is_last = at->next == at->prev;

			if (watch->fn == NULL)
				drop_watch(watch);
			if (is_last)
				break; /* the spot may be gone */
		}
	}
}

static void
on_ready(void *arg, unsigned ready)
{
	_Alignas(struct inotify_event) char events[READ_MAX];
	struct inotify *inotify = arg;
	ssize_t got = read(inotify->fd, events, sizeof(events));

	(void)ready;
	inotify->is_telling = true;
	for (ssize_t at = 0; at < got;) {
		const struct inotify_event *event = (const void *)(events + at);

		tell_event(inotify, event);
		at += (ssize_t)(sizeof(*event) + event->len);
	}
	inotify->is_telling = false;
	sweep(inotify);
}

static int
open_descriptor(struct inotify *inotify)
{
	if (inotify->fd != -1)
		return 0;
	inotify->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (inotify->fd == -1)
		return -1;
	inotify->watch = watch_new(inotify->loop, inotify->fd, WATCH_READ, on_ready, inotify);
	return 0;
}

static struct spot *
spot_of(struct inotify *inotify, int wd)
{
	struct spot *spot = find_spot(inotify, wd);

	if (spot != NULL)
		return spot;
	spot = xcalloc(1, sizeof(*spot));
	spot->wd = wd;
	list_init(&spot->watches);
	list_append(&inotify->spots, &spot->node);
	return spot;
}

struct inotify_watch *
inotify_add(struct inotify *inotify, const char *path, uint32_t mask, inotify_fn fn, void *arg)
{
	struct inotify_watch *watch;
	int wd;

	if (open_descriptor(inotify) == -1)
		return NULL;
	wd = inotify_add_watch(inotify->fd, path, mask | IN_MASK_ADD);
	if (wd == -1)
		return NULL;
	watch = xcalloc(1, sizeof(*watch));
	watch->inotify = inotify;
	watch->spot = spot_of(inotify, wd);
	watch->mask = mask & IN_ALL_EVENTS;
	watch->fn = fn;
	watch->arg = arg;
	list_append(&watch->spot->watches, &watch->node);
	return watch;
}

void
inotify_remove(struct inotify_watch *watch)
{
	if (watch == NULL)
		return;
	watch->fn = NULL;
	if (!watch->inotify->is_telling)
		drop_watch(watch);
}

void
inotify_free(struct inotify *inotify)
{
	if (inotify == NULL)
		return;
	watch_free(inotify->watch);
	LIST_EACH_SAFE(it, &inotify->spots)
	{
		struct spot *spot = LIST_ENTRY(it, struct spot, node);

		LIST_EACH_SAFE(at, &spot->watches)
		free(LIST_ENTRY(at, struct inotify_watch, node));
		free(spot);
	}
	fd_close(&inotify->fd);
	free(inotify);
}

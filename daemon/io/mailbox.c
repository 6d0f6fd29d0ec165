/*
 * Two lists: `written` is the sender's alone, `sent` is under the lock.  Handing over appends the
 * one to the other; reading takes all of `sent` into `opened`, which is the reader's alone.
 *
 * Shared between the two threads, and nothing else: `sent` under `lock`, the counter `unread`, the
 * eventfd.
 */
#include "io/mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/timer.h"
#include "io/watch.h"

#define LETTERS_PER_TURN 32

struct letters {
	struct letter *first, *last;
};

struct mailbox {
	struct mailbox_options options;
	/* the sender's */
	struct letters written;
	struct timer later;
	bool is_leaving; /* at the end of this turn */
	bool is_freed;   /* but the end of that turn still has to come by */
	/* both sides' */
	pthread_mutex_t lock;
	struct letters sent;
	_Atomic size_t unread; /* written, and not yet read */
	int fd;
	/* the reader's */
	struct letters opened;
	struct watch *watch;
	struct timer more;
};

static void
append(struct letters *to, const struct letters *from)
{
	if (from->first == NULL)
		return;
	if (to->first == NULL)
		to->first = from->first;
	else
		to->last->next = from->first;
	to->last = from->last;
}

/* --- the sender --- */

void
mailbox_flush(struct mailbox *box)
{
	const uint64_t one = 1;
	bool was_empty;

	timer_stop(&box->later);
	if (box->written.first == NULL)
		return;
	pthread_mutex_lock(&box->lock);
	was_empty = box->sent.first == NULL;
	append(&box->sent, &box->written);
	pthread_mutex_unlock(&box->lock);
	box->written = (struct letters){ NULL, NULL };
	/* It can only be refused where the counter is at its end: then the reader is awake. */
	if (was_empty && write(box->fd, &one, sizeof(one)) < 0)
		return;
}

static void
on_turn_end(void *arg)
{
	struct mailbox *box = arg;

	box->is_leaving = false;
	if (box->is_freed)
		free(box);
	else
		mailbox_flush(box);
}

static void
on_later(void *arg)
{
	mailbox_flush(arg);
}

void
mailbox_write(struct mailbox *box, struct letter *letter, bool can_wait)
{
	const struct letters one = { letter, letter };

	letter->next = NULL;
	append(&box->written, &one);
	atomic_fetch_add_explicit(&box->unread, 1, memory_order_relaxed);
	if (box->is_leaving)
		return;
	if (can_wait && box->options.wait_us > 0) {
		if (!timer_runs(&box->later))
			timer_after(&box->later, box->options.wait_us);
		return;
	}
	box->is_leaving = true;
	loop_retire(box->options.from, box, on_turn_end);
}

bool
mailbox_is_full(const struct mailbox *box)
{
	return box->options.most > 0 &&
	       atomic_load_explicit(&box->unread, memory_order_relaxed) >= box->options.most;
}

/* --- the reader --- */

/* A few: a thousand at a time would hold the loop up. */
static void
read_some(struct mailbox *box)
{
	for (unsigned i = 0; i < LETTERS_PER_TURN && box->opened.first != NULL; i++) {
		struct letter *letter = box->opened.first;

		box->opened.first = letter->next;
		atomic_fetch_sub_explicit(&box->unread, 1, memory_order_relaxed);
		box->options.on_letter(box->options.arg, letter);
	}
	if (box->opened.first != NULL)
		timer_after(&box->more, 0);
}

static void
on_more(void *arg)
{
	read_some(arg);
}

static void
on_woken(void *arg, unsigned ready)
{
	struct mailbox *box = arg;
	struct letters fresh;
	uint64_t count;

	(void)ready;
	if (read(box->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	pthread_mutex_lock(&box->lock);
	fresh = box->sent;
	box->sent = (struct letters){ NULL, NULL };
	pthread_mutex_unlock(&box->lock);
	append(&box->opened, &fresh);
	if (!timer_runs(&box->more))
		read_some(box);
}

/* --- life --- */

struct mailbox *
mailbox_new(const struct mailbox_options *o, struct err *e)
{
	struct mailbox *box;
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	if (fd < 0) {
		err_sys(e, "cannot make a way from one loop to another");
		return NULL;
	}
	box = xcalloc(1, sizeof(*box));
	box->options = *o;
	box->fd = fd;
	pthread_mutex_init(&box->lock, NULL);
	timer_init(&box->later, o->from, on_later, box);
	timer_init(&box->more, o->to, on_more, box);
	box->watch = watch_new(o->to, fd, WATCH_READ, on_woken, box);
	return box;
}

static void
drop_all(const struct mailbox *box, const struct letters *letters)
{
	struct letter *next;

	for (struct letter *letter = letters->first; letter != NULL; letter = next) {
		next = letter->next;
		box->options.drop(letter);
	}
}

void
mailbox_free(struct mailbox *box)
{
	if (box == NULL)
		return;
	timer_stop(&box->later);
	timer_stop(&box->more);
	watch_free(box->watch);
	close(box->fd);
	drop_all(box, &box->opened);
	drop_all(box, &box->sent);
	drop_all(box, &box->written);
	pthread_mutex_destroy(&box->lock);
	box->is_freed = true;
	if (!box->is_leaving)
		free(box);
}

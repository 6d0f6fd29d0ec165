/*
 * Letters from one loop to another, one way.  The sender writes on its loop, the reader is called
 * on its own; what a letter holds belongs to one of them at a time, so that nothing else is shared.
 *
 * Letters are gathered and handed over at the end of the sender's turn, or a moment later when they
 * can wait: one lock and at most one wake-up for all of them.  They are read in the order in which
 * they were written, a few in each turn of the reader's loop.
 */
#ifndef IO_MAILBOX_H
#define IO_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "io/loop.h"

struct mailbox;

struct letter {
	struct letter *next;
};

struct mailbox_options {
	struct loop *from, *to;
	usec_t wait_us; /* how long a letter that can wait does so */
	size_t most;    /* full from here on; 0: never.  Writing is never refused, see below */
	void (*on_letter)(void *arg, struct letter *letter); /* on `to`; takes the letter */
	void (*drop)(struct letter *letter);                 /* one that nobody reads any more */
	void *arg;
};

/* Made and freed while no other thread is at it: before the reader's or the sender's thread starts,
 * and after it ended. */
struct mailbox *mailbox_new(const struct mailbox_options *o, struct err *e);
void mailbox_free(struct mailbox *box); /* NULL is fine */

/* For the sender.  The letter is the mailbox's from here on. */
void mailbox_write(struct mailbox *box, struct letter *letter, bool can_wait);
void mailbox_flush(struct mailbox *box); /* hands over at once: where no turn will end any more */
/* The reader is so far behind that the sender should do less of what makes letters. */
bool mailbox_is_full(const struct mailbox *box);

#endif

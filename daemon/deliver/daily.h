/*
 * A test message a day: proof that the way to a receiver works while there is nothing to tell.  It
 * goes through the receiver's queue as any notice does, and giving it up is told as any other.
 *
 * Once at each of its times, whatever restarts and reloads come between; one that is missed by more
 * than an hour, because nobody was here, is left out.  A receiver that is new, or gets the key,
 * begins with its next time.
 */
#ifndef DELIVER_DAILY_H
#define DELIVER_DAILY_H

#include <jansson.h>

#include "base/clock.h"
#include "base/cron.h"

/* "09:00", "09:00 Europe/Berlin". */
struct daily_time {
	struct cron cron;
	struct zone *zone; /* NULL: none */
};

int daily_parse(struct daily_time *time, const char *text, struct err *e); /* reads a file */
void daily_release(struct daily_time *time);
usec_t daily_next(const struct daily_time *time, usec_t wall_us); /* wall */

struct daily;
struct deliver;
struct loop;
struct receiver_spec;

struct daily_options {
	struct loop *loop;
	struct deliver *deliver;
	/* Documents of kind "daily", by the receiver's name; NULL: forget. */
	void (*on_keep)(void *arg, const char *kind, const char *key, const json_t *doc);
	void *arg;
};

struct daily *daily_new(const struct daily_options *options);
void daily_free(struct daily *daily);
void daily_restore(struct daily *daily, const char *receiver, const json_t *doc);
/* Borrowed until the next apply has returned. */
void daily_apply(struct daily *daily, const struct receiver_spec *const *receivers, size_t count);
void daily_tick(struct daily *daily); /* every few seconds */

#endif

/*
 * The life of an incident, for the files of this room: what happens to it, when it is looked at
 * again, and how much of that fits into one turn of the loop.
 */
#ifndef TRIAGE_LIFE_H
#define TRIAGE_LIFE_H

#include "triage/book.h"
#include "triage/triage.h"

struct firing;
struct place;

/* --- life.c: each stores the incident, then tells of it, as the last thing it does --- */

struct entry *life_begin(struct triage *t, const struct place *place, usec_t started_us);
void life_reopen(struct triage *t, struct entry *entry);
void life_set_root(struct triage *t, struct entry *entry, const struct place *place);
void life_tell_opening(struct triage *t, struct entry *entry, const char *reason);
/* It is another root's now; told as one change, whatever else changed. */
void life_tell_turn(struct triage *t, struct entry *entry, enum severity was);
void life_tell_impact(struct triage *t, struct entry *entry, enum severity was);
void life_join(struct triage *t, struct entry *entry, struct firing *f, enum alert_change change);
void life_alert_ends(
	struct triage *t, struct entry *entry, const struct alert_event *event, const char *reason);
void life_end(struct triage *t, struct entry *entry, const char *reason);
void life_mark_merged(struct triage *t, struct entry *entry, const struct incident *into);
void life_settle(struct triage *t);
void life_age(struct triage *t, struct entry *entry);
void life_forget_old(struct triage *t);
void life_keep(struct triage *t, struct entry *entry, usec_t wall_us);
void life_tell(struct triage *t, struct entry *entry, enum incident_event_type type,
	const char *reason, usec_t wall_us);
void life_write(struct triage *t, struct entry *entry, const char *kind, const char *text);
void life_want(struct triage *t, usec_t due_us); /* to be called by then */

/* --- review.c --- */
void review_begin_turn(struct triage *t);
void review(struct triage *t);
usec_t review_due(const struct triage *t); /* monotonic: when it wants to be called next */
/* Writing an incident costs 1, telling of it COST_TELL. */
void review_spend(struct triage *t, unsigned cost);
bool review_may_go_on(const struct triage *t);
bool review_has_time(const struct triage *t); /* the same, and by the clock */
#define COST_TELL 3

/* --- queue.c --- */
void queue_put(struct triage *t, const struct alert_event *event);
/* The oldest; true: it is the caller's, to be freed with firing_fini_event. */
bool queue_take(struct triage *t, struct alert_event *event);
void queue_free(struct triage *t);

/* --- ack.c --- */
void ack_on_severity(struct triage *t, struct entry *entry, const struct triage_moment *at);
void ack_expire(struct triage *t, struct entry *entry, const struct triage_moment *at);
void ack_forget(struct entry *entry); /* it came back: whoever had it may be asleep by now */
#define ACK_HOLDER_MAX 200            /* a name has up to 100 bytes */
/* "ann until 2026-01-02T18:00:00Z, whatever becomes of it" */
void ack_name_holder(const struct incident *i, char out[ACK_HOLDER_MAX]);

#endif

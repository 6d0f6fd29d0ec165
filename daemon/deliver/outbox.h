/*
 * What waits for one receiver, and what it was told: a lane for each incident (its ledger entry and
 * its waiting letters, in order), and the choice of the letter that goes next.  No sending here.
 */
#ifndef DELIVER_OUTBOX_H
#define DELIVER_OUTBOX_H

#include "base/list.h"
#include "base/map.h"
#include "io/loop.h"
#include "model/notice.h"

#define OUTBOX_MAX       2000                /* letters waiting for one receiver: some 20 MB */
#define OUTBOX_DETAIL_US USEC_PER_DAY        /* how old a notice may get */
#define OUTBOX_ENDING_US (30 * USEC_PER_DAY) /* an ending, for who was told of the beginning */

struct send_run;

/* One notice for one receiver. */
struct letter {
	struct list in_lane;
	struct lane *lane;
	struct notice notice;
	usec_t created_us;      /* wall, for showing and for the next life */
	usec_t born_us, due_us; /* monotonic; may be before the boot */
	unsigned tries;
	uint64_t kept;        /* number of the write that holds it; 0: on disk for long */
	struct send_run *run; /* NULL: not in flight */
	usec_t started_us;    /* of that run */
};

struct lane {
	struct outbox *box;
	struct list in_outbox; /* among those with letters */
	char incident[INCIDENT_ID_LEN + 1];
	struct list letters; /* oldest first; only the first is ever tried */
	/* The ledger. */
	bool is_told;        /* the last word taken says that it goes on */
	bool is_ended;       /* the last letter written says that it is over */
	bool sends_resolved; /* as the route said when it was last routed */
	bool is_owed;        /* something was kept from it outside the hours of its route */
	char *last_type;
	char last_id[NOTICE_ID_LEN + 1];
	unsigned last_sequence;
	usec_t told_us;        /* wall; 0: never */
	usec_t repeat_from_us; /* monotonic: where the clock of reminders starts */
};

struct outbox {
	struct loop *loop;
	struct map *lanes; /* incident id -> struct lane */
	struct list busy;  /* lanes with letters */
	size_t count;      /* letters */
};

void outbox_init(struct outbox *box, struct loop *loop);
void outbox_fini(struct outbox *box); /* nothing may be in flight */

struct lane *outbox_find(const struct outbox *box, const char *incident); /* NULL: none */
struct lane *outbox_lane(struct outbox *box, const char *incident);       /* or a new one */
void outbox_forget(struct outbox *box, struct lane *lane);                /* it has no letters */

/* Takes the notice's insides.  The caller keeps the document. */
struct letter *outbox_add(struct outbox *box, struct lane *lane, struct notice *notice);
struct letter *outbox_new_letter(struct notice *notice);
void outbox_enter(struct outbox *box, struct lane *lane, struct letter *letter);
void outbox_drop(struct outbox *box, struct letter *letter);

struct letter *lane_first(const struct lane *lane); /* NULL: nothing waits */
/* The receiver was told of it, or is going to be, and not yet of its end. */
bool lane_hears(const struct lane *lane);

/*
 * The first letter of the lane with the worst news among those that may go now (on disk up to write
 * `durable`, due, none of its incident in flight); NULL and, in *due_us, when to look again (0: no
 * letter waits for time).
 */
struct letter *outbox_next(const struct outbox *box, uint64_t durable, usec_t *due_us);
/* Lets letters that failed before go at once. */
void outbox_hurry(struct outbox *box);
usec_t letter_expires(const struct letter *letter); /* monotonic */
usec_t outbox_oldest(const struct outbox *box);     /* wall; 0: empty */
/* The letter to give up when there is no room; NULL: all are in flight. */
struct letter *outbox_victim(const struct outbox *box);

/* Documents, and their keys (owned): "<receiver>\n<notice id>", "<receiver>\n<incident id>". */
char *outbox_key(const char *receiver, const char *id);
json_t *letter_store(const struct letter *letter, const char *receiver, const struct loop *loop);
json_t *lane_store(const struct lane *lane, const char *receiver, const struct loop *loop);
int outbox_restore_letter(struct outbox *box, const json_t *doc, struct err *e);
int outbox_restore_lane(struct outbox *box, const json_t *doc, struct err *e);

#endif

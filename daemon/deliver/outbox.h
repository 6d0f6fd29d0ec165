/*
 * What waits for one receiver, and what it was told: a lane for each incident (its ledger entry and
 * its waiting letters, in order), and the choice of the letter that goes next.  No sending here.
 */
#ifndef DELIVER_OUTBOX_H
#define DELIVER_OUTBOX_H

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "io/loop.h"
#include "model/digest.h"
#include "model/notice.h"

#define OUTBOX_MAX       100000 /* letters waiting for one receiver: some 40 MB without words */
#define OUTBOX_UNSAVED   2000   /* with words, while the disk does not take them: some 20 MB */
#define OUTBOX_RESIDENT  300    /* with words, when all is well */
#define OUTBOX_DETAIL_US USEC_PER_DAY        /* how old a notice may get */
#define OUTBOX_ENDING_US (30 * USEC_PER_DAY) /* an ending, for who was told of the beginning */
#define LEDGER_MAX       1000                /* entries kept of what is over */
#define LEVELS           (SEVERITY_CRITICAL + 1)

/* Who fails to deliver is told of that through the others. */
#define DELIVER_FAILED_CAUSE "self.delivery-failed"

struct send_run;

/* One notice for one receiver. */
struct letter {
	struct list in_lane;
	struct list in_memory; /* while it has its words */
	struct lane *lane;
	/* What is known of it without its words. */
	char id[NOTICE_ID_LEN + 1];
	const char *type; /* as in the notice; static */
	enum severity severity, worst;
	unsigned sequence;
	unsigned events; /* merged into it, itself among them */
	bool is_resolved;
	bool is_whole;    /* beginning and end of what nobody was told of: for a digest only */
	bool is_owed;     /* a digest of nothing but endings of what was told */
	bool is_shut_out; /* ... because the receiver wants other credentials: that may be mended */
	bool is_fresh;    /* never tried, also in an earlier life: its document says so */
	bool is_about_delivery;
	usec_t refused_us; /* monotonic: an ending that is owed was refused first; 0: it was not */
	struct notice *notice;  /* NULL: its words are on disk only */
	bool is_loading;        /* and on their way back */
	usec_t created_us;      /* wall, for showing and for the next life */
	usec_t born_us, due_us; /* monotonic; may be before the boot */
	usec_t first_us;        /* monotonic: the first event merged into it */
	unsigned tries;
	uint64_t kept;        /* number of the write that holds it; 0: on disk for long */
	struct send_run *run; /* NULL: not in flight */
	usec_t started_us;    /* of that run */
};

struct lane {
	struct outbox *box;
	struct list in_outbox; /* among those with letters, or among those that are over */
	struct list in_fresh;  /* among those whose first letter may still be merged */
	char incident[NOTICE_ID_LEN + 1]; /* of a digest's own lane: its id */
	bool is_digest;
	struct list letters;     /* oldest first; only the first is ever tried */
	struct letter *digest;   /* one that speaks for this lane and was not taken yet */
	bool does_digest_end;    /* and says that it is over */
	bool is_refreshing;      /* its last word is on its way once more */
	unsigned levels[LEVELS]; /* letters of each severity */
	struct heap *turn_in;    /* where `turn` is; NULL: it cannot go */
	struct heap_node turn, expiry, birth;
	/* The ledger. */
	bool is_told;        /* the last word taken says that it goes on */
	bool is_ended;       /* the last letter written says that it is over */
	bool ends_untold;    /* it is over, and nobody wanted to hear of that */
	bool is_over;        /* and nothing waits any more: kept to be shown */
	bool sends_resolved; /* as the route said when it was last routed */
	bool is_owed;        /* something was kept from it outside the hours of its route */
	char *last_type, *last_reason;
	char last_id[NOTICE_ID_LEN + 1];
	unsigned last_sequence;
	usec_t first_told_us, told_us; /* wall; 0: never */
	usec_t repeat_from_us;         /* monotonic: where the clock of reminders starts */
	json_t *memory;                /* what the receiver asked to remember; NULL: nothing */
	struct notice *last;           /* its last word, for receivers that forget; NULL */
};

struct outbox {
	struct loop *loop;
	struct map *lanes;         /* incident id -> struct lane */
	struct list busy;          /* lanes with letters */
	struct list fresh;         /* of these, whose first letter may be merged */
	struct list over;          /* ledger entries of what is over, the oldest first */
	struct list resident;      /* letters with words, the newest last */
	struct heap unwritten;     /* lanes whose first letter is not on disk, by write */
	struct heap waiting;       /* ... is not due, by time */
	struct heap ready[LEVELS]; /* ... may go, by age; by the worst that waits in the lane */
	struct heap expiry, birth;
	size_t count, fresh_count, over_count, resident_count;
	uint64_t durable; /* writes up to this one are on disk, or never will be */
};

void outbox_init(struct outbox *box, struct loop *loop);
void outbox_fini(struct outbox *box); /* nothing may be in flight */

struct lane *outbox_find(const struct outbox *box, const char *incident); /* NULL: none */
struct lane *outbox_lane(struct outbox *box, const char *incident);       /* or a new one */
void outbox_forget(struct outbox *box, struct lane *lane);                /* it has no letters */
void outbox_archive(struct outbox *box, struct lane *lane); /* it is over: kept to be shown */
/* A digest speaks for it from now on, and says that it goes on or is over; NULL: no longer. */
void outbox_bind(struct outbox *box, struct lane *lane, struct letter *digest, bool is_over);

/* Takes the notice's insides.  The caller keeps the document. */
struct letter *outbox_add(struct outbox *box, struct lane *lane, struct notice *notice);
struct letter *outbox_new_letter(void);
void outbox_enter(struct outbox *box, struct lane *lane, struct letter *letter);
void outbox_drop(struct outbox *box, struct letter *letter);
/* After every change of what its first letter waits for. */
void outbox_place(struct outbox *box, struct lane *lane);

void letter_give_words(struct letter *letter, struct notice *notice); /* takes its insides */
void letter_take_words(struct letter *letter);
void letter_retire_words(struct letter *letter, struct loop *loop); /* ... when there is time */
void letter_set_type(struct letter *letter, const char *type);      /* of the notice as well */
const char *letter_type(const char *name);        /* static, or NULL: no such type */
bool letter_is_test(const struct letter *letter); /* never merged; its lane ends with it */
bool letter_is_opening(const struct letter *letter);

struct letter *lane_first(const struct lane *lane); /* NULL: nothing waits */
/* The receiver was told of it, or is going to be, and not yet of its end. */
bool lane_hears(const struct lane *lane);
bool lane_waits(const struct lane *lane); /* something is still to be told, also by a digest */

/*
 * The first letter of the lane with the worst news among those that may go now (on disk up to write
 * `durable`, due, none of its incident in flight); NULL and, in *due_us, when to look again (0: no
 * letter waits for time).
 */
struct letter *outbox_next(struct outbox *box, uint64_t durable, usec_t *due_us);
/* Lets letters that failed before go at once. */
void outbox_hurry(struct outbox *box);
bool letter_is_owed(const struct letter *letter); /* an ending, for who was told of the beginning */
usec_t letter_expires(const struct letter *letter); /* monotonic */
usec_t outbox_oldest(const struct outbox *box);     /* wall; 0: empty */
/* At most `max` letters to give up when there is no room, what hurts least first; owned. */
struct letter **outbox_victims(const struct outbox *box, size_t max, size_t *count);

/* Documents, and their keys (owned): "<receiver>\n<notice id>", "<receiver>\n<incident id>". */
char *outbox_key(const char *receiver, const char *id);
json_t *letter_store(const struct letter *letter, const char *receiver, const struct loop *loop);
json_t *lane_store(const struct lane *lane, const char *receiver, const struct loop *loop);
int outbox_restore_letter(struct outbox *box, const json_t *doc, struct err *e);
int outbox_restore_lane(struct outbox *box, const json_t *doc, struct err *e);

#endif

/*
 * One receiver at work: sends what its outbox gives out, waits longer after each failure, writes
 * down what became of every letter.  And the state that all outlets share.
 *
 *	outlet.c	its life, what is written to it, what became of its tries
 *	pump.c		its pace, the choice of what goes next
 *	expiry.c	what leaves a lane without having been taken
 *	merge.c		what people are told in one message: lanes collapse, digests
 *	spill.c		words that wait on disk
 *	refresh.c	receivers that forget
 */
#ifndef DELIVER_OUTLET_H
#define DELIVER_OUTLET_H

#include "alerts/receiver.h"
#include "base/hist.h"
#include "deliver/deliver.h"
#include "deliver/mute.h"
#include "deliver/outbox.h"
#include "io/timer.h"

#define DELIVER_FALLBACK "syslog" /* the receiver type and name for what no route takes */
#define OUTLET_FLIGHTS   4        /* letters on their way at once, one of each incident */

/* The last words of what is open, told once more to a receiver that forgets. */
struct refresh {
	struct timer timer;
	struct send_run *run;
	struct lane **lanes;           /* of this round */
	const struct notice **notices; /* theirs */
	size_t count, at, sent;        /* of the round; where this run begins; how many it has */
	bool is_failing;
};

struct outlet {
	struct list in_deliver;
	struct deliver *deliver;
	char *name;
	const struct receiver_type *type; /* NULL: not in the settings now, nothing is sent */
	const void *conf;
	bool is_fallback; /* the syslog nobody configured */
	struct outbox box;
	struct timer timer;
	size_t flights, loading;
	struct list loads; /* letters whose words are on their way from the disk */
	struct refresh refresh;
	/* How it fares: failures in a row, when the first and the last one were counted, and the
	 * rest it is given. */
	unsigned fails;
	usec_t failing_us, failed_us, hold_us;
	bool is_asked;       /* the rest is what the receiver asked for */
	bool is_catching_up; /* it was away, and what waited meanwhile is not told yet */
	usec_t probed_us;    /* a letter that was never tried tried the ground */
	usec_t slot_us;      /* rate: when the next letter would be due at an even pace */
	usec_t busy_us;      /* last written to or taken */
	bool was_busy;
	bool is_disabled;       /* 410: until its settings change */
	char *trouble;          /* what it gave up; NULL: nothing since the last success */
	bool has_news;          /* on_trouble has still to be called */
	usec_t last_success_us; /* wall */
	char last_error[256];
	uint64_t sent, failed, given_up;
	uint64_t failed_by[SEND_CLASSES];
	struct hist latency; /* from the event to its being taken */
};

struct deliver {
	struct deliver_options options;
	char *daemon_name;
	enum language language;
	struct loop *loop;
	struct list outlets; /* in the order of the settings; those not in them at the end */
	const struct route_spec *const *routes;
	size_t route_count, receiver_count;
	struct route_now *now; /* of each route, at that second of the clock; 0: look again */
	int64_t now_s;
	void *fallback_conf;
	struct mute mute;
	/* Writes of letters: made, asked for, no longer waited for, and surely on disk. */
	uint64_t kept, asked, durable, written;
	bool is_asking;
	bool is_unsaved; /* the store cannot write */
	bool is_running; /* settings are in force */
	bool is_draining;
	struct list trials; /* test notices on their way */
	size_t trial_count;
	usec_t swept_us;
};

struct outlet *outlet_new(struct deliver *deliver, const char *name);
void outlet_free(struct outlet *outlet); /* stops what is on its way; documents stay */

void outlet_attach(struct outlet *outlet, const struct receiver_type *type, const void *conf);
void outlet_detach(struct outlet *outlet); /* what is on its way goes back to the queue */
void outlet_reset(struct outlet *outlet);  /* its settings changed: old failures mean nothing */
void outlet_absolve(
	struct outlet *outlet);            /* it went away, or takes notices: its trouble is over */
void outlet_proven(struct outlet *outlet); /* a test was taken: what waits goes at once */
int outlet_restore_trouble(struct outlet *outlet, const json_t *doc, struct err *e);

/* Queues and keeps a notice (its insides are taken), to be tried after `wait_us`.  The lane may be
 * gone afterwards. */
void outlet_write(struct outlet *outlet, struct lane *lane, struct notice *notice, usec_t wait_us);
/* What may still be merged begins the story: its end is told with it. */
bool outlet_holds_beginning(const struct outlet *outlet, const struct lane *lane);
bool outlet_is_quiet(const struct outlet *outlet); /* nothing to say for a minute */
void outlet_pump(struct outlet *outlet);           /* sends what may go */
void outlet_owe(struct outlet *outlet, struct lane *lane, bool is_owed); /* kept in the ledger */

/* Between the files of an outlet. */
void outlet_keep_letter(struct outlet *outlet, struct letter *letter); /* as a new write */
void outlet_keep_lane(struct outlet *outlet, const struct lane *lane);
void outlet_drop(struct outlet *outlet, struct letter *letter); /* and its document */
bool outlet_may_send(const struct outlet *outlet);    /* settings and mood allow it at all */
size_t outlet_allowance(const struct outlet *outlet); /* letters that may leave right now */
void outlet_on_sent(void *arg, const struct send_outcome *outcome); /* arg: the letter */
void outlet_set_trouble(struct outlet *outlet, const char *text);
/* Writes what the receiver heard into the lane. */
void outlet_told(struct outlet *outlet, struct lane *lane, const struct letter *letter);

void outlet_forget(struct outlet *outlet, struct lane *lane); /* lane and ledger document */
/* It is over, and nothing waits: kept to be shown if the receiver heard of it, else forgotten. */
void outlet_close(struct outlet *outlet, struct lane *lane);

/* expiry.c */
void outlet_tidy(struct outlet *outlet, struct lane *lane); /* which may be gone then */
void outlet_give_up(struct outlet *outlet, struct letter *letter, const char *why);
void outlet_expire(struct outlet *outlet, bool is_quiet);
void outlet_make_room(struct outlet *outlet);
/* Forgets what has no business in the ledger any more; `is_open` says what goes on. */
void outlet_sweep(struct outlet *outlet, const struct map *open);

/* merge.c */
bool outlet_merges(const struct outlet *outlet);
/* Within the lane; false: the letter is gone, and perhaps the lane. */
bool merge_collapse(struct outlet *outlet, struct letter *letter);
void merge_gather(struct outlet *outlet);
void merge_whole(struct outlet *outlet); /* what only a digest can tell */
void merge_taken(struct outlet *outlet, struct letter *letter);
/* Of a digest that is too old or refused only the endings stay; false: there is none. */
bool merge_shrink(struct outlet *outlet, struct letter *letter);
void merge_release(struct outlet *outlet, struct letter *letter); /* its lanes go on without it */
/* It may have been taken: who goes on, as it says, may be known there. */
void merge_presume_heard(struct outlet *outlet, const struct letter *letter);

/* spill.c */
void spill_park(struct outlet *outlet);
void spill_load(struct outlet *outlet, struct letter *letter);
void spill_forget(struct outlet *outlet, struct letter *letter);  /* it goes while it is read */
void spill_loaded(void *arg, const char *key, const json_t *doc); /* arg: the deliver */

/* refresh.c */
void refresh_init(struct outlet *outlet);
void refresh_start(struct outlet *outlet); /* a round soon, and then as often as is due */
void refresh_stop(struct outlet *outlet);
void refresh_learn(struct outlet *outlet, struct lane *lane, const struct letter *letter);

struct outlet *deliver_outlet(const struct deliver *deliver, const char *name); /* NULL: none */
/* After every change, asks for durability and passes news of trouble on. */
void deliver_settle(struct deliver *deliver);

#endif

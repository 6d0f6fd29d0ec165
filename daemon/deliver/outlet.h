/*
 * One receiver at work: sends what its outbox gives out, waits longer after each failure, writes
 * down what became of every letter.  And the state that all outlets share.
 */
#ifndef DELIVER_OUTLET_H
#define DELIVER_OUTLET_H

#include "alerts/receiver.h"
#include "deliver/deliver.h"
#include "deliver/mute.h"
#include "deliver/outbox.h"
#include "io/timer.h"

/* Who fails to deliver is told of that through the others. */
#define DELIVER_FAILED_CAUSE "self.delivery-failed"
#define DELIVER_FALLBACK     "syslog" /* the receiver type and name for what no route takes */
#define OUTLET_FLIGHTS       4        /* letters on their way at once, one of each incident */

struct outlet {
	struct list in_deliver;
	struct deliver *deliver;
	char *name;
	const struct receiver_type *type; /* NULL: not in the settings now, nothing is sent */
	const void *conf;
	bool is_fallback; /* the syslog nobody configured */
	struct outbox box;
	struct timer timer;
	size_t flights;
	/* How it fares: failures in a row, when the last one was counted, and the rest it is given.
	 */
	unsigned fails;
	usec_t failed_us, hold_us;
	usec_t slot_us; /* rate: when the next letter would be due at an even pace */
	usec_t busy_us; /* last written to or taken */
	bool was_busy;
	bool is_disabled;       /* 410: until its settings change */
	char *trouble;          /* what it gave up; NULL: nothing since the last success */
	bool has_news;          /* on_trouble has still to be called */
	usec_t last_success_us; /* wall */
	char last_error[256];
	uint64_t sent, failed;
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
	uint64_t kept, asked, durable; /* writes of new letters: made, asked for, on disk */
	bool is_asking;
	bool is_running; /* settings are in force */
	bool is_draining;
	struct list trials; /* test notices on their way */
	size_t trial_count;
	usec_t swept_us;
};

struct outlet *outlet_new(struct deliver *deliver, const char *name);
void outlet_free(struct outlet *outlet); /* stops what is on its way; documents stay */

void outlet_attach(struct outlet *outlet, const struct receiver_type *type, const void *conf);
void outlet_detach(struct outlet *outlet);  /* what is on its way goes back to the queue */
void outlet_reset(struct outlet *outlet);   /* its settings changed: old failures mean nothing */
void outlet_absolve(struct outlet *outlet); /* it went away: its trouble is over */

/* Queues and keeps a notice (its insides are taken), to be tried after `wait_us`. */
void outlet_write(struct outlet *outlet, struct lane *lane, struct notice *notice, usec_t wait_us);
bool outlet_is_quiet(const struct outlet *outlet); /* nothing to say for a minute */
void outlet_pump(struct outlet *outlet);           /* sends what may go */
void outlet_owe(struct outlet *outlet, struct lane *lane, bool is_owed); /* kept in the ledger */
void outlet_expire(struct outlet *outlet, bool is_quiet);
void outlet_forget(struct outlet *outlet, struct lane *lane); /* lane and ledger document */
void outlet_view(const struct outlet *outlet, struct receiver_view *out);

/* After every change, asks for durability and passes news of trouble on. */
void deliver_settle(struct deliver *deliver);

#endif

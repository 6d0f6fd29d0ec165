/*
 * A check while it lives: its task, which a runner has, and its page in the book, which is the main
 * loop's.  Private to the scheduler.
 */
#ifndef SCHED_CHECK_H
#define SCHED_CHECK_H

#include "base/list.h"
#include "sched/runner.h"
#include "sched/sched.h"

/* One snapshot of the settings; given back when no runner and no fact uses it any more.  Counted on
 * the main loop only. */
struct generation {
	struct sched_owner owner;
	unsigned users;
};

struct spot;
struct known;

/* Facts about a check: those it has, and who waits. */
struct check_facts {
	struct list slots, waits;
};

struct check {
	struct task task; /* the runner's; all else is the main loop's */
	struct sched *sched;
	const struct check_spec *spec; /* of the settings; of a child its own */
	struct check *parent;          /* NULL unless a child */
	struct check **children;
	json_t *kept; /* what the watch wants remembered; NULL */
	usec_t since_wall_us;
	usec_t first_added_wall_us;
	usec_t fail_us; /* monotonic: of the first run that failed for this cause; 0: none */
	struct {
		usec_t due_us;
		uint64_t runs, overdue;
	} told; /* what a further loop said of its task last */
	/* Which loop has its task, and which is to have it: 0 is the main loop. */
	uint8_t at, home;
	bool is_moving;   /* asked back from its loop: nobody's until that answers */
	bool is_leaving;  /* removed; freed when its loop has answered */
	bool is_asked;    /* a further loop was asked to run it */
	bool has_started; /* was up once: start_period is over */
	bool is_matched;  /* while lists are compared: the new one has it too */
	bool is_kept;     /* on_keep was told of it, by us or by the process before us */
	bool is_placed;   /* of `known`: its address is there, or there is none to ask for */
	bool has_sample;
	uint8_t total_at, total_count;
	uint32_t version; /* of its settings */
	enum check_state state;
	unsigned failures, successes; /* in a row */
	uint32_t child_count;
	struct check_ties ties; /* of those who hear of its samples */
	struct sample last;
	uint16_t totals[SCHED_TOTALS]; /* a ring; see sched_total */
	struct known *known;           /* of what it looks at; NULL: what the settings say */
	struct spot *place; /* of this host, that it looks at; NULL: none, or not known yet */
	struct list at_place;
	usec_t looked_us;          /* monotonic: when its place was looked for */
	struct check_facts *facts; /* NULL: nobody ever asked for one */
};

struct check *check_new(struct sched *sched, const struct check_spec *spec);
struct check_spec *check_own_spec(const struct check *child); /* made by its parent, owned by it */
void check_free(struct check *check); /* aborts its run; its children must be gone */

/* Takes a sample in: counts, decides the state, completes the sample.  Pure but for the check. */
void check_take(struct check *check, struct sample *sample, usec_t now_wall_us);
/* Keeps the sample as the last one, and its total for the sparkline. */
void check_remember(struct check *check, const struct sample *sample);
/* True while quick re-checks are due (suspect, or up again but not often enough). */
bool check_wants_retry(const struct check *check);
/* True: its runs find children (disk with all: true). */
bool check_is_parent(const struct check_spec *spec);
/* The same in every key that the user wrote. */
bool check_spec_same(const struct check_spec *a, const struct check_spec *b);

#endif

/* What the main loop and a further one write to each other.  Private to further.c and abroad.c. */
#ifndef SCHED_LETTERS_H
#define SCHED_LETTERS_H

#include "base/stat.h"
#include "io/mailbox.h"
#include "sched/further.h"

enum order_kind {
	ORDER_ADD,       /* a task that begins anew */
	ORDER_TAKE_OVER, /* one that goes on with its schedule */
	ORDER_MOVE_SPEC,
	ORDER_RENEW,
	ORDER_GIVE_BACK,
	ORDER_RUN,
	ORDER_RUN_AT,
	ORDER_STOP,
	ORDER_LEAVE,
};

struct order {
	enum order_kind kind;
	uint32_t version;
	struct task *task;
	const struct check_spec *spec;
	usec_t at_us; /* of ORDER_RUN_AT */
	size_t place;
};

/* To a further loop. */
struct orders {
	struct letter letter;
	struct generation *generation; /* to be held from now on; NULL: as before */
	double starts_per_second;
	size_t count, room;
	struct order *list;
};

enum news_kind { NEWS_SAMPLE, NEWS_BACK, NEWS_LET_GO, NEWS_REPORT };

/* What a further loop counted since it last reported. */
struct loop_report {
	struct stats stats;
	struct hist lag, lateness;
	usec_t behind_us;
};

/* From a further loop. */
struct news {
	struct letter letter;
	enum news_kind kind;
	uint32_t version;
	struct task *task;
	usec_t due_us; /* the next start */
	uint64_t runs, overdue;
	union {
		struct sample sample;
		struct generation *generation;
		struct loop_report *report;
	};
};

/* The other loop's side of it: touched there only, but by whoever makes and ends it. */
struct abroad {
	struct runner runner;
	struct io_env env; /* as it was given; secrets as the settings in force there say */
	struct stats stats;
	struct mailbox *out; /* news, to the main loop */
	struct timer report;
	bool is_ended; /* its loop turns no more: the main loop is asked directly */
};

void abroad_init(struct abroad *abroad, const struct io_env *env, const struct judge *judge);
void abroad_fini(struct abroad *abroad);
void abroad_read(void *arg, struct letter *letter); /* mailbox_options.on_letter; arg: the abroad */
void abroad_end(struct abroad *abroad);

#endif

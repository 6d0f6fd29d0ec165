/* The scheduler's own state, shared by its files and nobody else. */
#ifndef SCHED_PRIVATE_H
#define SCHED_PRIVATE_H

#include "base/map.h"
#include "io/timer.h"
#include "sched/check.h"
#include "sched/further.h"

struct fact_slot;

/* Facts under way, waiting to run, and answered a short while ago. */
struct fact_desk {
	struct sched *sched;
	struct list host_slots;
	struct list queue, ready, aged;
	struct timer again, sweep, more;
	unsigned running;
	unsigned started; /* since the loop was let go on */
	unsigned owed;    /* of those queued, who somebody waits for */
};

/* While settings are applied: starts a second of each loop, as they are given out. */
struct share {
	double load[SCHED_LOOPS_MAX];
	double each; /* what a further loop is to have */
};

struct sched {
	struct sched_options options;
	const struct io_env *env;
	struct runner runner;     /* on the main loop */
	struct further **further; /* on the others */
	unsigned further_count, further_used;
	struct share share;
	struct list leaving;   /* removed checks whose loop has not given them back yet */
	struct check **checks; /* as configured; children hang below their parent */
	size_t count;
	struct check **flat; /* parents and children in order, for the views */
	size_t flat_count;
	struct map *by_name;  /* -> struct check *, children too */
	struct map *restored; /* -> json_t *: what the process before us knew */
	struct generation *generation;
	bool is_stopped;
	struct fact_desk *facts;
	struct map *places;    /* of this host, that checks look at */
	struct map *known;     /* what several checks know of the same place */
	struct list unlearned; /* places to be learned of */
	struct list looks;     /* names of places, asked for */
	unsigned look_count;
	struct timer pace;
};

struct check *sched_add(struct sched *sched, const struct check_spec *spec, size_t place);
void sched_remove(struct check *check); /* it has no children any more */
/* Takes a sample in: the state, what is remembered, who hears of it. */
void sched_take(struct check *check, const struct sample *sample);
void sched_ask_retry(struct check *check); /* a quick re-check, if one is due before its next run */
/* Opens what the check's type keeps between runs; closes it first if it is open. */
void sched_renew_watch(struct check *check);
void sched_close_watch(struct check *check);
/* Remembers what must outlive a restart. */
void sched_keep(struct check *check);
void sched_release(struct generation *generation); /* one user less */
void sched_flatten(struct sched *sched);           /* after any check came or went */

/* share.c: which loop has a check's task. */
void share_begin(struct sched *sched, const struct check_spec *const *specs, size_t count);
double share_rate(const struct sched *sched, uint8_t at); /* starts a second, of all its checks */
uint8_t share_pick(struct sched *sched, const struct check *check, const struct check_spec *spec);
/* The task is nobody's: its home gets it. */
void sched_give(struct check *check, size_t place);
/* True: it is nobody's now.  False: a further loop has it, which will give it back. */
bool sched_take_back(struct check *check);
void sched_on_back(struct check *check); /* it has given it back */

/* children.c: what a parent found against what it has. */
void sched_take_children(struct check *parent, const struct sample *sample);
void sched_drop_children(struct check *parent);
/* The parent's settings changed: its children follow. */
void sched_renew_children(struct check *parent, bool is_changed);

/* facts.c */
void sched_open_facts(struct sched *sched);
void sched_close_facts(struct sched *sched); /* the checks are gone */
void sched_drop_facts(struct check *check);
/* A fact that nobody waits for; false: there is none of that name. */
bool sched_learn_by(struct check *check, const char *fact);
bool sched_facts_are_busy(const struct sched *sched);

/* learn.c */
void sched_open_places(struct sched *sched);
void sched_close_places(struct sched *sched);  /* the checks are gone */
void sched_renew_subject(struct check *check); /* its settings are new */
void sched_drop_subject(struct check *check);
const struct subject *sched_subject_of(struct check *check);
/* What was learned, as it is kept: owned by the caller, NULL: nothing; and taken up again. */
json_t *sched_learned(const struct check *check);
void sched_recall_subject(struct check *check, const json_t *doc);
void sched_learn(struct check *check, const struct fact *fact);
/* After each run; `came_up`: it was down, or never up before. */
void sched_look_at_place(struct check *check, bool came_up);

#endif

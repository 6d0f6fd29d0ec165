/*
 * What the files of the engine share: checks being watched and their alerts.  A quiet alert is a
 * few pointers; all that an alert needs while something is going on hangs off it in `live`.
 *
 *	rules.c          the sets, the checks, samples and time
 *	engine_menu.c    which rules a check has
 *	engine_wire.c    who looks at whom
 *	engine_world.c   what expressions see: samples and windows
 *	engine_window.c  which windows there are
 *	engine_judge.c   verdicts into levels, levels into events
 *	engine_tell.c    the words of an event
 *	engine_why.c     what is waited for
 *	engine_stand.c   where each rule stands, and its limits
 *	engine_keep.c    what outlives the process
 *	replay.c         the past of one alert through an engine of its own
 */
#ifndef RULES_ENGINE_H
#define RULES_ENGINE_H

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "rules/menu.h"

/* The numbers of a check's latest sample; only where somebody will ask for them. */
struct kept {
	enum outcome outcome;
	enum check_state state;
	unsigned failures;
	const struct cause *cause;
	const struct metric_desc *metrics;
	size_t count;
	double values[];
};

struct window {
	struct expr_window what; /* its check left out */
	bool is_needed;
	bool is_waiting; /* for what the history knows */
	struct series *series;
};

struct moment {
	usec_t now_us, wall_us;
};

struct watched {
	const struct check_spec
		*spec;    /* until the next apply, as the set is; a child's: until it goes */
	const char *type; /* interned */
	json_t *labels;   /* NULL: none */
	usec_t interval_us;
	usec_t last_us; /* monotonic: latest sample; when it was added, until there is one */
	bool has_sample : 1;
	bool is_child : 1;
	bool is_settled : 1;        /* it has been up or down since we look */
	bool is_mentioned : 1;      /* rules of other checks look at it */
	bool is_claimed : 1;        /* during apply */
	enum severity severity : 8; /* of its own "down" alert */
	unsigned live_count : 19;   /* of its own alerts: in which something is going on */
	uint32_t own_count, foreign_count, window_count;
	/* expr_gate_bit()s: metrics that have windows, and of which one may hold something. */
	uint64_t asked, seen;
	usec_t fail_us, fail_wall_us;   /* first failure of the current streak; 0: none */
	const struct cause *fail_cause; /* of the latest failure */
	struct kept *kept;
	const struct menu *menu; /* its own alerts are all of it, in order; NULL: they are not */
	struct alert *own;      /* one block: engine_remove and what looks at it know their place */
	struct alert **foreign; /* alerts of other checks that look at this one */
	struct window *windows;
	char name[]; /* the map's key, too */
};

struct alert {
	const char *name; /* of the rule; interned: it outlives the rule */
	const struct rule_variant *variant;
	struct watched *check;
	struct live *live; /* NULL: quiet */
};

struct live {
	struct heap_node due;
	struct list node; /* in rules->live */
	struct alert *alert;
	char *instance, *target; /* of its check, for when that has gone */
	struct level levels[LEVELS];
	enum severity told;             /* what the last event said */
	usec_t since_us, since_wall_us; /* first bad sample */
	usec_t known_us;                /* monotonic: when it last could be judged */
	usec_t kept_us;      /* when on_keep was told; 0: it knows nothing of this alert */
	unsigned kept_shape; /* phases and level as it was told */
	bool has_no_data;    /* on_no_data decides at present */
	char *text;
	char *shown;     /* the text of the last event */
	usec_t shown_us; /* monotonic: when the text was last compared with it */
	const struct cause *cause;
};

struct rules {
	struct rules_options options;
	const struct rule_set *set;
	struct map *by_type, *by_owner; /* -> struct menu *: of that set */
	struct offer *picked;           /* what engine_pick found last */
	struct map *checks;             /* name -> struct watched */
	unsigned stamp;                 /* another one since any of them came or went; never 0 */
	struct map *words;              /* interned names: word -> char * */
	usec_t wall_ahead_us;           /* wall clock minus monotonic clock, as last heard */
	struct map *restored;           /* key -> json_t: not yet claimed */
	usec_t restored_until_us;
	struct heap due;
	struct list live;
	/* The sample being fed, and where another check's kept numbers are shown as a sample. */
	const struct watched *fed;
	const struct sample *fed_sample;
	struct sample shown;
	char no_text[1]; /* of that sample */
	usec_t heard_us; /* monotonic: the latest moment that we were told */
	/* The evaluation going on: whose, and when. */
	const struct watched *self;
	usec_t now_us;
};

/* One copy of a word, for as long as the engine lives. */
const char *engine_intern(struct rules *rules, const char *word);

/* --- engine_menu.c --- */

void engine_write_menus(struct rules *rules); /* the set is another one */
void engine_drop_menus(struct rules *rules);
/* Into rules->picked, in the set's order: how many.  Tells the check its menu, if that is all. */
size_t engine_pick(struct rules *rules, struct watched *check);

/* --- engine_wire.c --- */

void engine_rewire(struct rules *rules, usec_t now_us); /* all anew */
/* One that is new: what others are asked for, they have been asked for already. */
void engine_wire_one(struct rules *rules, struct watched *check, usec_t now_us);

/* --- engine_world.c, engine_window.c --- */

struct watched *engine_find(const struct rules *rules, const char *check);
usec_t engine_patience(const struct watched *check); /* without a sample for so long: no data */
struct expr_world engine_world(struct rules *rules, const struct alert *alert, usec_t now_us);
void engine_keep_sample(struct watched *check, const struct sample *sample);
void engine_feed_windows(
	struct watched *check, const struct sample *sample, const struct moment *at);
void engine_need_window(struct watched *check, const struct expr_window *what);
/* Makes what is needed, from what was there before as far as it fits, and frees the rest. */
void engine_fit_windows(struct rules *rules, struct watched *check, usec_t now_us);
const struct series *engine_series(
	const struct watched *check, const struct expr_window *what); /* NULL: not kept */
void engine_drop_windows(struct watched *check);
/* The sample fed, or the kept one; NULL: none. */
const struct sample *engine_sample(struct rules *rules, const struct watched *check);

/* --- engine_judge.c --- */

/* A sample came in (of its own check or of one it looks at). */
void engine_judge(struct rules *rules, struct alert *alert, const struct moment *at);
void engine_tick(struct rules *rules, struct live *live, const struct moment *at);
struct live *engine_live(struct rules *rules, struct alert *alert, usec_t now_us); /* or makes it */
void engine_name_live(struct live *live); /* its check may be described anew */
void engine_schedule(struct rules *rules, struct live *live, usec_t now_us);
/* Its rule may have changed.  What was due and not yet looked at stays due. */
void engine_reschedule(struct rules *rules, struct live *live, usec_t now_us);
/* The alert goes away with its check or rule: says so if it was told, and is forgotten. */
void engine_remove(struct rules *rules, struct alert *alert, const struct moment *at);
bool engine_is_idle(const struct live *live); /* nothing is going on */
/* The rule may have changed: a level it has no more hands on to its neighbour that it fires. */
void engine_fit_levels(struct live *live);
void engine_free_live(struct rules *rules, struct alert *alert);
/* It may begin without a sample, so it is never without `live`. */
bool engine_is_timed(const struct alert *alert);

/* --- engine_tell.c --- */

void engine_tell(struct rules *rules, struct alert *alert, enum alert_change change,
	const struct moment *at);
/* Numbers in the text of an alert that goes on grow old: says so if they changed, now and then. */
void engine_follow_text(struct rules *rules, struct alert *alert, const struct moment *at);
/* It was told by the process before us, and nobody is left who knows more. */
void engine_tell_gone(struct rules *rules, const char *key, const struct moment *at);

/* --- engine_keep.c --- */

char *engine_key(const struct alert *alert); /* owned by the caller */
void engine_keep(struct rules *rules, struct live *live, const struct moment *at);
void engine_forget(struct rules *rules, struct alert *alert);
/* Takes up what the process before us knew of this alert. */
void engine_restore(struct rules *rules, struct alert *alert, const struct moment *at);
/* Ends what nobody claimed; children may still come, until `restored_until_us`. */
void engine_drop_restored(struct rules *rules, const struct moment *at, bool is_late);
/* Ends what children of this parent had that its sample does not list: they are gone. */
void engine_drop_unlisted(struct rules *rules, const struct watched *parent,
	const struct sample *sample, const struct moment *at);

#endif

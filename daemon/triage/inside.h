/*
 * What the files of this room share: the context, and who does what.
 *
 *	triage.c    the door: alerts, samples, facts and time come in
 *	graph.c     the checks, what they need, how they fare
 *	chase.c     the first failed sample: needs are run, facts are asked for
 *	asked.c     facts asked about a check, and those had
 *	root.c      the deepest failing dependency; host.c: this host's network and resolver as such
 *	reveal.c    what facts tie a symptom to; what shares a place
 *	peers.c     how many share it, and how they fare
 *	firing.c    the alerts that fire; restored.c: those of the process before
 *	hold.c      how long a message waits, and for what
 *	speak.c     to which incident an alert goes, once it may speak
 *	turn.c      incidents that change their root: takeover, merge, back to the child
 *	release.c   after the root recovered
 *	review.c    all of it looked at again, so much a turn of the loop; queue.c: alerts that wait
 *	judge.c     playbooks over facts into words
 *	life.c      opening, changing, ending, flapping, forgetting; what is told
 *	alerts.c    the alerts inside one; book.c: all of them
 */
#ifndef TRIAGE_INSIDE_H
#define TRIAGE_INSIDE_H

#include "base/list.h"
#include "triage/book.h"
#include "triage/chase.h"
#include "triage/graph.h"
#include "triage/life.h"
#include "triage/peers.h"
#include "triage/playbook.h"
#include "triage/triage.h"

#define SELF_CHECK "triaged" /* the check of the daemon's own incidents */
#define SELF_TYPE  "self"

struct triage {
	struct triage_options options; /* its strings are the two below */
	char *host, *link_prefix;
	struct triage_moment at; /* of what is going on now */
	struct book book;
	struct map *evidence; /* check -> facts of a failing check that has no incident yet */
	const struct playbooks *playbooks;
	struct graph graph;
	struct map *firings;  /* "check\nrule" -> struct firing: every alert that fires */
	struct map *restored; /* "check\nrule" -> struct entry that has it from before the start */
	struct list held;     /* of firings: those that no incident has yet */
	struct list queue;    /* of alerts, until there is time for them */
	struct peers peers;
	size_t releasing; /* incidents whose root is well while others still fail */
	usec_t looked_us; /* monotonic: when the latest turn began */
	usec_t due_us;    /* monotonic: when time alone changes something */
	unsigned review;  /* of those held, the latest */
	unsigned credit;  /* for writing and telling, in this turn of the loop */
	unsigned looks;   /* at single things, in this turn */
	unsigned phase;   /* of the pass that is going on */
	size_t left;      /* open incidents that its phase has not seen yet */
	bool is_passing, is_sweeping;
	bool has_restored; /* times of incidents are still to be converted */
	bool is_stale;     /* something happened: holds and roots are looked at again */
	bool is_settled;   /* since the restore, every rule had its say */
};

/* What a message waits for. */
struct holding {
	usec_t until_us; /* monotonic; 0: not held */
	bool for_needs, for_root, for_facts, for_check;
};

/* An alert that fires, with its words as last heard. */
struct firing {
	struct list link;         /* in t->held, or in its entry's firings */
	struct list sibling;      /* in its node's firings */
	struct node *node;        /* NULL: a check that we do not know */
	struct entry *entry;      /* whose it is; NULL: held */
	struct alert_event event; /* its strings and objects are ours */
	usec_t fired_us;          /* monotonic: when its wait began */
	usec_t ready_us;          /* monotonic: since when only facts are missing; 0: not yet */
	struct holding holding;   /* as last looked at */
	char *waits_for;          /* the check that it suspects to be the root; or NULL */
	unsigned looked;          /* the review that was here last */
	bool is_late;             /* fired while its root was being released */
};

/* A thing that an incident may be about. */
struct place {
	struct node *node; /* NULL: not a check that we know */
	const char *check, *type, *target, *rule;
	const struct firing *firing; /* its own alert; NULL: none fires, yet */
};

/* --- evidence.c: facts that samples bring along --- */
void evidence_take(struct triage *t, const char *check, const struct sample *sample);
bool evidence_set(struct incident_texts *facts, const char *name, const char *text, usec_t wall_us);
void evidence_give(struct triage *t, struct entry *entry, usec_t since_us);
void evidence_drop_old(struct triage *t, usec_t wall_us);
void evidence_free(struct triage *t);

/* --- restored.c --- */
void restored_add(struct triage *t, struct entry *entry);
struct entry *restored_find(const struct triage *t, const char *check, const char *rule);
void restored_drop(struct triage *t, const char *check, const char *rule);
void restored_move(struct triage *t, const struct incident_alert *alert, const struct entry *from,
	struct entry *to);
void restored_convert(struct triage *t); /* at the first moment that is known */

/* --- firing.c --- */
struct firing *firing_find(const struct triage *t, const char *check, const char *rule);
/* Makes it or renews its words; a new one is held. */
struct firing *firing_take(struct triage *t, const struct alert_event *event);
void firing_give(struct triage *t, struct firing *f, struct entry *entry); /* NULL: held anew */
void firing_drop(struct triage *t, struct firing *f);
void firing_free_all(struct triage *t);
void firing_copy_event(struct alert_event *to, const struct alert_event *from);
void firing_fini_event(struct alert_event *event); /* of a copy */
bool firing_is_down(const struct firing *f);       /* its check fails: no rule over numbers */
const struct firing *firing_down_of(const struct node *node); /* NULL: none */

/* --- reveal.c --- */
/* What the facts tie the trouble of `place` to, where that is watched; fills `place` with it. */
bool reveal_root(struct triage *t, struct place *place);
/* Only a look (reveal_root) tells whether its facts tie it to anything. */
bool reveal_is_due(const struct triage *t, const struct node *node);
/* All facts about it are in: what they tie it to is looked at before anybody speaks. */
void reveal_prepare(struct triage *t, struct node *node);
void reveal_related(struct triage *t, struct entry *entry);
void reveal_link(struct triage *t, struct entry *a, struct entry *b, const char *why);

/* --- graph.c --- */
/* What is known of the place that it looks at; NULL: nothing. */
const struct subject *graph_subject(const struct triage *t, const struct node *node);

/* --- hold.c --- */
struct holding hold_look(struct triage *t, struct firing *f, const struct place *place);
void hold_begin_anew(struct triage *t, struct firing *f);

/* --- speak.c --- */
/* Where this alert belongs at present. */
struct place speak_place(struct triage *t, struct firing *f);
struct place speak_place_of(struct triage *t, const struct entry *entry, bool is_sure);
/* Cheap, and true of more than belongs there: can trouble of `node` be that of `root`, whose
 * needers are listed? */
bool speak_may_belong(const struct triage *t, const struct node *node, const struct node *root);
/* Joins, waits or speaks; true: it is not held any more. */
bool speak_try(struct triage *t, struct firing *f);
void speak_begin_review(struct triage *t);
bool speak_review(struct triage *t); /* true: all that are held were looked at */

/* --- turn.c --- */
/* The open incident of a dependent that `place` takes over, its new root; NULL: there is none. */
struct entry *turn_take_over(struct triage *t, const struct place *place);
/* Takes in what else has the same root, before it is told; ends them, after that. */
bool turn_join_others(struct triage *t, struct entry *entry);
void turn_end_merged(struct triage *t, struct entry *entry);
/* Has it another root by now? */
void turn_review(struct triage *t, struct entry *entry);
/* The root is well, or gone, and was never confirmed: it is the dependent's again. */
void turn_give_back(struct triage *t, struct entry *entry);

/* --- release.c --- */
/* Somebody who fails because of it is well again: the root may be, too. */
void release_look_at_root(struct triage *t, const struct entry *entry);
void release_review(struct triage *t, struct entry *entry);
/* The incident in whose release window this alert falls, or NULL. */
struct entry *release_takes(struct triage *t, const struct firing *f);
usec_t release_until(const struct firing *f, usec_t released_us);
void release_stop(struct triage *t, struct entry *entry);

/* --- judge.c --- */
struct place judge_place_of(struct triage *t, const struct entry *entry);
struct symptom judge_symptom(const struct place *place);
bool judge_place(struct triage *t, const struct place *place, struct diagnosis *out);
/* Words of the incident from its root's alert or sample, and from its playbook. */
void judge_words(struct triage *t, struct entry *entry, const struct alert_event *event);
/* Facts came in: told only if what people read has changed. */
void judge_again(struct triage *t, struct entry *entry);
void judge_note_lack(const struct triage *t, struct entry *entry); /* as it is told */
void judge_late(struct triage *t, struct entry *entry);

/* --- alerts.c --- */
struct incident_alert *alerts_find(const struct incident *i, const char *check, const char *rule);
/* Takes the event's alert in as firing; true if it was not firing before. */
bool alerts_take(struct entry *entry, const struct alert_event *event);
void alerts_leave(struct entry *entry, const struct firing *f);     /* it goes elsewhere */
const struct incident_alert *alerts_lead(const struct incident *i); /* of the root's; or NULL */
void alerts_sort(struct incident *i); /* after another check became the root */
/* Copies the firing alerts of `from`. */
void alerts_join(struct triage *t, struct entry *to, const struct entry *from);
bool alerts_names(const struct incident *i, const char *check); /* one of this check fires */
bool alerts_any(const struct entry *entry);                     /* one fires */
enum severity alerts_severity(const struct entry *entry);       /* SEVERITY_OK: none fires */
/* Those that nobody spoke of since the restart are over; true if there were any. */
bool alerts_drop_unconfirmed(struct triage *t, struct entry *entry);

#endif

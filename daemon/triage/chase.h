/*
 * How checks fare and what is asked about them: the chase after a first failure, the facts, the
 * roots of failures, this host's own network and resolver.
 */
#ifndef TRIAGE_CHASE_H
#define TRIAGE_CHASE_H

#include "triage/graph.h"
#include "triage/playbook.h"

struct triage;

/* --- chase.c --- */

bool chase_hear(struct triage *t, struct node *node, const struct sample *sample);
void chase_run(struct triage *t, struct node *node);
/* Asks the needs without a verdict since `node` began to fail.  The latest moment until which it
 * makes sense to wait for them counts from `from_us`; 0: none is missing. */
usec_t chase_needs(struct triage *t, struct node *node, usec_t from_us);

bool chase_is_unheard(const struct triage *t, const struct node *node); /* since the start */
usec_t chase_first_round(const struct triage *t); /* how long to wait for a first verdict */

/* --- asked.c --- */

void asked_want(struct triage *t, struct node *node, const struct symptom *symptom);
/* The same; what was measured before `since_us` (monotonic) is asked for anew. */
void asked_want_new(
	struct triage *t, struct node *node, const struct symptom *symptom, usec_t since_us);
void asked_add(struct triage *t, struct node *node, const char *name);
bool asked_is_pending(const struct node *node, usec_t now_us);
bool asked_take(struct node *node, const struct fact *fact); /* false: nobody asked */
void asked_drop(struct node *node);
/* Its failure has another cause now: what was asked is asked again. */
void asked_renew(struct triage *t, struct node *node);
/* While the trouble lasts: what could not be had is asked for again, a few times. */
void asked_retry(struct triage *t, struct node *node);
void asked_list_pending(const struct node *node, usec_t now_us, char *out, size_t size);

/* --- root.c --- */

bool root_is_failing(const struct node *node);
/* It fails and so badly that it drags others down. */
bool root_drags(const struct node *node, usec_t now_us);
bool root_is_confirmed(const struct node *node); /* no mere suspicion */
/* The deepest failing thing that `node` needs; NULL: none.  `is_sure`: suspects do not count. */
struct node *root_find(struct triage *t, struct node *node, bool is_sure);
bool root_is_needed(struct triage *t, struct node *node, const struct node *by);

/* --- host.c --- */

void host_hear(struct triage *t, struct node *node, const struct sample *sample);
void host_review(struct triage *t);
bool host_is_waiting(const struct triage *t, const struct node *node);
void host_take_ladder(struct triage *t, const struct fact *fact);
void host_forget(struct triage *t, const char *check); /* its incident is over */
void host_restore(struct triage *t, const char *check);
const char *host_rule(const struct node *node);

#endif

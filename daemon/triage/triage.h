/*
 * Alerts in, incidents out: who the incident belongs to, one story per root, its words, its life.
 * An incident is keyed by (root check, rule); check-down takes in the other open incidents of its
 * check; what fires again within reopen_within is the same incident again.
 */
#ifndef TRIAGE_TRIAGE_H
#define TRIAGE_TRIAGE_H

#include "model/alert.h"
#include "model/check.h"
#include "model/fact.h"
#include "model/incident.h"
#include "model/sample.h"
#include "model/subject.h"

struct triage;
struct playbooks;

struct incident_event {
	enum incident_event_type type;
	const char *reason; /* product.md §7: "first", "reopened", "severity", "recovered"... */
	const struct incident *incident; /* as it is now */
	usec_t at_us;                    /* wall */
};

typedef void (*incident_fn)(void *arg, const struct incident_event *event);
/* Persist (doc) or forget (NULL) an incident. */
typedef void (*incident_keep_fn)(void *arg, const char *id, const json_t *doc);

/* What triage asks of the floors around it; the app hands these over.  None calls back at once. */
struct triage_asks {
	/* Run a check now, besides its schedule; -1: no such check, or it runs already. */
	int (*run)(void *arg, const char *check);
	/* Make a fact about a check; the answer is triage_fact.  What was measured before
	 * `since_us` (monotonic) is no answer.  -1: no such check or fact, or so many wait already
	 * that it would come too late. */
	int (*fact)(void *arg, const char *check, const char *fact, usec_t since_us);
	/* What is known of the place that a check looks at; NULL: no such check. */
	const struct subject *(*subject)(void *arg, const char *check);
	/* The latest sample since the start; NULL: none yet, or no such check. */
	const struct sample *(*sample)(void *arg, const char *check);
	/* Has this tick still time?  What it leaves is the next one's.  NULL: always. */
	bool (*has_time)(void *arg);
};

struct triage_options {
	incident_fn on_incident;
	incident_keep_fn on_keep;
	struct triage_asks asks; /* members may be NULL: nothing is asked then */
	void *arg;
	const char *host; /* copied */
	enum language language;
	/* What an incident's id goes behind: "http://127.0.0.1:8421/#/incidents/"; copied;
	 * NULL: no links. */
	const char *link_prefix;
	usec_t reopen_within_us;
	usec_t triage_wait_us, facts_wait_us;
};

/* Times: `now_us` is monotonic, `wall_us` the wall clock of the same moment. */
struct triage_moment {
	usec_t now_us, wall_us;
};

struct triage *triage_new(const struct triage_options *options);
void triage_free(struct triage *triage);
void triage_restore(struct triage *triage, const char *id, const json_t *doc);
/* Words and links change with the settings; incidents stay. */
void triage_configure(struct triage *triage, const struct triage_options *options);
/* The checks in force, their `needs`, and the playbooks (borrowed until the next apply, as are the
 * specs).  Children come and go at run time. */
void triage_apply(struct triage *triage, const struct check_spec *const *specs, size_t count,
	const struct playbooks *playbooks, const struct triage_moment *at);
void triage_add_child(struct triage *triage, const struct check_spec *child);
void triage_remove_child(struct triage *triage, const char *child);

void triage_alert(struct triage *triage, const struct alert_event *event, usec_t now_us);
/* False: triage_sample would do nothing with it. */
bool triage_minds(const struct triage *triage, const struct sample *sample);
/* Every sample of every check, before the rules see it.  Costs next to nothing while the check is
 * well and nothing is going on.  True: something happened. */
bool triage_sample(struct triage *triage, const struct check_spec *check,
	const struct sample *sample, usec_t now_us);
/* A fact that was asked for. */
void triage_fact(struct triage *triage, const char *check, const struct fact *fact,
	const struct triage_moment *at);
/* After a restore, once every rule had its say: what nobody spoke of is over. */
void triage_settle(struct triage *triage, const struct triage_moment *at);
/* This host was suspended: what waits begins to wait anew. */
void triage_slept(struct triage *triage, const struct triage_moment *at);
/* An incident of the daemon's own (cause self.*): open, or end with text NULL. */
void triage_self(
	struct triage *triage, const char *cause, const char *text, const struct triage_moment *at);
/* Looks at what happened and at what time alone brings: messages held until now, flapping,
 * forgetting.  Once a turn of the loop: what a turn has no time for is left to the next.  Returns
 * triage_due(). */
usec_t triage_tick(struct triage *triage, const struct triage_moment *at);
/* When it wants to be called next (monotonic); in the past: at once. */
usec_t triage_due(const struct triage *triage);

/* How an incident is acknowledged. */
struct triage_ack {
	const char *by, *note; /* `note` may be NULL */
	usec_t until_us;       /* wall; 0: no end */
	bool is_sticky;        /* false: dropped when the severity rises */
};
int triage_ack(struct triage *triage, const char *id, const struct triage_ack *ack,
	const struct triage_moment *at, struct err *e);

int triage_unack(struct triage *triage, const char *id, const char *by,
	const struct triage_moment *at, struct err *e);

/* Newest first; the open ones come before the resolved ones. */
size_t triage_count(const struct triage *triage);
const struct incident *triage_at(const struct triage *triage, size_t n);
const struct incident *triage_find(const struct triage *triage, const char *id); /* prefix >= 4 */
size_t triage_open_count(const struct triage *triage);
/* Resolved incidents are remembered for a while, and so many: those that ended before this are
 * forgotten. */
usec_t triage_remembers_us(const struct triage *triage, usec_t wall_us);

/*
 * For `triage why`: what triage has decided about a check and waits for, one object each:
 * {"what": "held", "text": "its message waits for facts (unit, log-tail) until ...", "until": time}
 */
json_t *triage_why(const struct triage *triage, const char *check, usec_t now_us);
/* This host is cut off from what the check looks at: its failure says nothing of the target. */
bool triage_is_blind(const struct triage *triage, const char *check);

#endif

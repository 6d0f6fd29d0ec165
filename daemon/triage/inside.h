/* What the files of this room share: the context, and the steps of an incident's life. */
#ifndef TRIAGE_INSIDE_H
#define TRIAGE_INSIDE_H

#include "triage/book.h"
#include "triage/triage.h"

#define SELF_CHECK "triaged" /* the check of the daemon's own incidents */
#define SELF_TYPE  "self"

struct triage {
	struct triage_options options; /* its strings are the two below */
	char *host, *url_base;
	struct book book;
	struct map *evidence; /* check -> facts of a failing check that has no incident yet */
	const struct playbooks *playbooks;
	bool is_settled; /* since the restore, every rule had its say */
};

/* Facts of a check's samples. */
void evidence_take(struct triage *t, const char *check, const struct sample *sample);
void evidence_give(struct triage *t, struct entry *entry, usec_t since_us);
void evidence_drop_old(struct triage *t, usec_t wall_us);
void evidence_free(struct triage *t);

/* Life: each stores the incident, then tells of it, as the last thing it does. */
void life_open(struct triage *t, const struct alert_event *event);
void life_reopen(struct triage *t, struct entry *entry, const struct alert_event *event);
void life_update(struct triage *t, struct entry *entry, const struct alert_event *event);
void life_alert_ends(struct triage *t, struct entry *entry, struct incident_alert *alert,
	const char *reason, usec_t wall_us);
void life_end(struct triage *t, struct entry *entry, const char *reason, usec_t wall_us);
void life_age(struct triage *t, usec_t wall_us);

void life_keep(struct triage *t, struct entry *entry, usec_t wall_us);
void life_tell(struct triage *t, struct entry *entry, enum incident_event_type type,
	const char *reason, usec_t wall_us);

/* Acknowledgements: one that is not sticky goes when the severity rises (before that is told); one
 * whose time is up goes, and is told of; a reopened incident begins without one. */
void ack_on_severity(struct triage *t, struct entry *entry, const struct triage_moment *at);
void ack_expire(struct triage *t, struct entry *entry, const struct triage_moment *at);
void ack_forget(struct entry *entry);

/* Alerts of one incident. */
struct incident_alert *alerts_find(const struct incident *i, const char *check, const char *rule);
/* Takes the event's alert in as firing; true if it was not firing before. */
bool alerts_take(struct entry *entry, const struct alert_event *event);
/* Copies the firing alerts of `from`. */
void alerts_join(struct entry *entry, const struct entry *from);
const struct incident_alert *alerts_lead(const struct incident *i); /* NULL: none fires */
enum severity alerts_severity(const struct incident *i);            /* SEVERITY_OK: none fires */
/* Those that nobody spoke of since the restart are over; true if there were any. */
bool alerts_drop_unconfirmed(struct entry *entry);

#endif

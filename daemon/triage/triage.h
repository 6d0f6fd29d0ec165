/*
 * Alerts in, incidents out: who the incident belongs to, one story per root, its words, its life.
 * An incident is keyed by (root check, rule); check-down takes in the other open incidents of its
 * check; what fires again within reopen_within is the same incident again.
 */
#ifndef TRIAGE_TRIAGE_H
#define TRIAGE_TRIAGE_H

#include "model/alert.h"
#include "model/incident.h"
#include "model/sample.h"

struct triage;

struct incident_event {
	enum incident_event_type type;
	const char *reason; /* product.md §7: "first", "reopened", "severity", "recovered"... */
	const struct incident *incident; /* as it is now */
	usec_t at_us;                    /* wall */
};

typedef void (*incident_fn)(void *arg, const struct incident_event *event);
/* Persist (doc) or forget (NULL) an incident. */
typedef void (*incident_keep_fn)(void *arg, const char *id, const json_t *doc);

struct triage_options {
	incident_fn on_incident;
	incident_keep_fn on_keep;
	void *arg;
	const char *host; /* copied */
	enum language language;
	const char *url_base; /* "http://127.0.0.1:8421"; copied; NULL: no links */
	usec_t reopen_within_us;
};

struct triage *triage_new(const struct triage_options *options);
void triage_free(struct triage *triage);
void triage_restore(struct triage *triage, const char *id, const json_t *doc);
/* Words and links change with the settings; incidents stay. */
void triage_configure(struct triage *triage, const struct triage_options *options);

void triage_alert(struct triage *triage, const struct alert_event *event);
/* The latest sample of a failing check: its facts become evidence. */
void triage_evidence(struct triage *triage, const char *check, const struct sample *sample);
/* An incident of the daemon's own (cause self.*): open, or end with text NULL. */
void triage_self(struct triage *triage, const char *cause, const char *text, usec_t wall_us);
void triage_tick(struct triage *triage, usec_t wall_us); /* forgets old resolved ones, flapping */

int triage_ack(
	struct triage *triage, const char *id, const char *by, usec_t wall_us, struct err *e);

/* Newest first; the open ones come before the resolved ones. */
size_t triage_count(const struct triage *triage);
const struct incident *triage_at(const struct triage *triage, size_t n);
const struct incident *triage_find(const struct triage *triage, const char *id); /* prefix >= 4 */
size_t triage_open_count(const struct triage *triage);

#endif

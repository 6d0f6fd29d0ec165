/*
 * What people are told about: one root cause with all the alerts that follow from it.  A plain
 * value that owns its strings; its JSON is both the webhook's `data.incident` and the stored form.
 */
#ifndef MODEL_INCIDENT_H
#define MODEL_INCIDENT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/err.h"
#include "model/cause.h"

#define INCIDENT_ID_LEN   12
#define INCIDENT_LIST_MAX 64 /* alerts, facts, remedy steps, timeline entries kept */

enum incident_status { INCIDENT_OPEN, INCIDENT_ACKNOWLEDGED, INCIDENT_RESOLVED };

enum incident_event_type {
	INCIDENT_OPENED,
	INCIDENT_UPDATED,
	INCIDENT_ESCALATED,
	INCIDENT_DEESCALATED,
	INCIDENT_REMINDER,
	INCIDENT_ACKED,
	INCIDENT_ENDED,
	INCIDENT_EVENT_TYPES
};

/* One alert of the incident: the root's own, or an impact. */
struct incident_alert {
	char *check, *rule;
	enum severity severity;
	usec_t since_us; /* wall */
	usec_t ended_us; /* wall: when it last ended; 0: it has not */
	bool is_firing;
	char *text;
	char *cause; /* code of what its check found; NULL: a rule over numbers */
};

struct incident_text {
	char *name; /* fact: its name; remedy: the command (may be NULL); timeline: the kind */
	char *text;
	usec_t at_us;        /* fact: when it was seen; timeline: when it happened; wall */
	bool is_destructive; /* remedy: it loses data or work; never shown without its warning */
};

struct incident_texts {
	struct incident_text *all;
	size_t count;
};

struct incident {
	char id[INCIDENT_ID_LEN + 1];
	enum incident_status status;
	enum severity severity;
	char *host;
	char *title, *summary;
	char *check, *type, *target, *rule;
	char *cause_code, *playbook, *cause_title, *explanation, *confidence;
	char *finding; /* "redis-stopped.oom-killed": the playbook's cause; NULL: none was found */
	struct incident_alert *alerts; /* the root's first; impact: those of other checks */
	size_t alert_count;
	struct incident_texts facts, remedy, timeline;
	struct incident_texts pros, cons; /* what speaks for the cause, and against it */
	struct incident_texts related;    /* name: the id of another incident; text: why */
	json_t *values;                   /* object, base units */
	json_t *labels;                   /* object */
	char *runbook_url, *url;
	usec_t started_us, detected_us, acked_us, resolved_us; /* wall; 0: not yet */
	unsigned sequence;                                     /* rises with every event */
	unsigned reopened;                                     /* how often it came back */
	bool is_flapping;
	usec_t quiet_us;   /* wall: it flaps, and is well since then; 0: it is not */
	char *merged_into; /* id or NULL */
	char *acked_by, *ack_note;
	usec_t ack_until_us;   /* wall; 0: no end */
	bool is_ack_sticky;    /* until the end, whatever becomes of the severity */
	char *first_recovered; /* the check that was well first; NULL: not yet */
	usec_t first_recovered_us;
};

void incident_init(struct incident *i);
void incident_fini(struct incident *i);
void incident_copy(struct incident *to, const struct incident *from);
void incident_add_text(struct incident_texts *list, const char *name, const char *text, usec_t at);

/* product.md §7 `data.incident`; `now_us` (wall) for the duration while it is open. */
json_t *incident_json(const struct incident *i, usec_t now_us);
/* The stored form: all of the above and what only we need (alerts, timeline, sequence). */
json_t *incident_store(const struct incident *i);
int incident_restore(struct incident *i, const json_t *stored, struct err *e);

const char *incident_status_name(enum incident_status status);  /* "open" "acknowledged" ... */
const char *incident_event_name(enum incident_event_type type); /* "incident.opened" ... */

#endif

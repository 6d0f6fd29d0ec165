/*
 * What a receiver is handed: one event of one incident, all words ready.  Deliver renders it once,
 * before it is stored, so a restart sends the same bytes under the same id.
 */
#ifndef MODEL_NOTICE_H
#define MODEL_NOTICE_H

#include "model/incident.h"

#define NOTICE_ID_LEN 30 /* "msg_" + 26 */

/* One incident of a digest: what became of it while nothing could be said. */
struct digest_item {
	char incident[INCIDENT_ID_LEN + 1];
	char event[NOTICE_ID_LEN + 1];  /* the last one merged */
	char *check, *title, *cause;    /* cause: its title, or its code; may be NULL */
	enum severity severity;         /* the worst it had */
	bool is_resolved;               /* as it is now */
	bool was_told;                  /* the receiver heard of it before this digest */
	usec_t started_us, resolved_us; /* wall; resolved 0: it goes on */
	unsigned sequence;              /* of the last event merged */
	unsigned events;                /* how many were merged */
};

struct digest {
	struct digest_item *items; /* worst first: open before resolved, critical before warning */
	size_t count;
};

struct notice {
	char id[NOTICE_ID_LEN + 1];
	char *type;   /* "incident.opened", "test" */
	char *reason; /* "first", "recovered"... */
	usec_t at_us; /* wall: when the event happened */
	unsigned sequence;
	enum severity severity;
	bool is_resolved;
	struct incident incident; /* as it was then; of a digest: the first of it, shortened */
	struct digest *digest;    /* of "incident.digest"; NULL: of one incident */
};

#define NOTICE_DIGEST "incident.digest"
#define NOTICE_TEST   "test"

void notice_fini(struct notice *n);
void notice_copy(struct notice *to, const struct notice *from); /* `to` holds nothing yet */
void notice_make_id(char id[NOTICE_ID_LEN + 1]);
/* The generic webhook's whole body, cut to `max` bytes by dropping facts first, of a digest the
 * least bad. */
char *notice_body(const struct notice *n, size_t max);
json_t *notice_store(const struct notice *n);
int notice_restore(struct notice *n, const json_t *stored, struct err *e);

#endif

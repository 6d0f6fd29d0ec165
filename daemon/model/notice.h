/*
 * What a receiver is handed: one event of one incident, all words ready.  Deliver renders it once,
 * before it is stored, so a restart sends the same bytes under the same id.
 */
#ifndef MODEL_NOTICE_H
#define MODEL_NOTICE_H

#include "model/incident.h"

#define NOTICE_ID_LEN 30 /* "msg_" + 26 */

struct notice {
	char id[NOTICE_ID_LEN + 1];
	char *type;   /* "incident.opened", "test" */
	char *reason; /* "first", "recovered"... */
	usec_t at_us; /* wall: when the event happened */
	unsigned sequence;
	enum severity severity;
	bool is_resolved;
	struct incident incident; /* as it was then */
};

void notice_fini(struct notice *n);
void notice_make_id(char id[NOTICE_ID_LEN + 1]);
/* The generic webhook's whole body, cut to `max` bytes by dropping facts first. */
char *notice_body(const struct notice *n, size_t max);
json_t *notice_store(const struct notice *n);
int notice_restore(struct notice *n, const json_t *stored, struct err *e);

#endif

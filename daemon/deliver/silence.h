/*
 * A silence: for a while nobody is told of incidents that fit.  Incidents go on as they would; who
 * was told of one before hears its end.  A value that owns its parts.
 */
#ifndef DELIVER_SILENCE_H
#define DELIVER_SILENCE_H

#include "deliver/deliver.h"

#define SILENCE_ID_LEN 8
#define SILENCE_MAX_US (366 * USEC_PER_DAY) /* for ever is forgotten */

struct silence {
	char id[SILENCE_ID_LEN + 1];
	struct route_match match;
	usec_t from_us, until_us, made_us; /* wall */
	char *by, *comment;
};

/*
 * From what somebody asked for: {"match": {…}, "for": "2h" | "ends_at": time, "starts_at"?, "by"?,
 * "comment"?}.  A match that is empty, an end that is missing or past are errors.  NULL and e.
 */
struct silence *silence_new(const json_t *ask, usec_t wall_us, struct err *e);
void silence_free(struct silence *silence);

/* The stored form, which is also the shown one: with "state" where `wall_us` is not 0. */
json_t *silence_json(const struct silence *silence, usec_t wall_us);
struct silence *silence_restore(const json_t *doc, struct err *e);

#endif

/*
 * Fields of a stored document, written and read with the same caution: what a peer said may be
 * broken UTF-8, and what is read back may come from an older version or a damaged file.
 *
 * Readers: a missing or null field leaves the output as it is; one of another type or out of
 * bounds is an error that names the field.
 */
#ifndef MODEL_RECORD_H
#define MODEL_RECORD_H

#include <jansson.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/err.h"
#include "model/cause.h"

json_t *record_text(const char *text); /* a JSON text of anything; NULL: "" */
json_t *record_time(usec_t wall_us);   /* RFC 3339; 0: null */

void record_put_text(json_t *doc, const char *key, const char *text); /* NULL: left out */
int record_get_text(const json_t *doc, const char *key, char **text, struct err *e);
int record_get_time(const json_t *doc, const char *key, usec_t *wall_us, struct err *e);
int record_get_count(const json_t *doc, const char *key, unsigned *count, struct err *e);
int record_get_flag(const json_t *doc, const char *key, bool *flag, struct err *e);
int record_get_severity(const json_t *doc, const char *key, enum severity *severity, struct err *e);
/* A copy of the object, or NULL. */
int record_get_object(const json_t *doc, const char *key, json_t **object, struct err *e);
/* A borrowed array, or NULL. */
int record_get_list(const json_t *doc, const char *key, const json_t **list, struct err *e);

#endif

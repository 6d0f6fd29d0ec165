/* Reading the daemon's JSON answers, and saying what went wrong. */
#ifndef CLI_ANSWER_H
#define CLI_ANSWER_H

#include <jansson.h>

#include "base/err.h"
#include "cli/verb.h"

const char *answer_text(const json_t *doc, const char *key); /* "" when absent or null */
double answer_number(const json_t *doc, const char *key);    /* NAN when absent */
size_t answer_count(const json_t *doc, const char *key);     /* 0 when absent */

/* An incident's summary; "" when its title says the same. */
const char *answer_summary(const json_t *incident);

#define AGE_SIZE 32
/* How long ago the time under `key` was: "3m 5s"; "" when absent. */
void answer_age(const json_t *doc, const char *key, char out[AGE_SIZE]);
/* The words people read for a check's state: "ok", "down", "failing", "starting", "waiting". */
const char *answer_state(const json_t *check);

void answer_print_json(const json_t *doc);
/* "triage: ..." on stderr; EXIT_TROUBLE. */
int answer_fail(const struct err *e);
/* A number with the unit that the catalogue has for the metric of this probe type. */
void answer_metric(const char *type, const char *metric, double value, char *out, size_t size);

#endif

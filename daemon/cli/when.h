/* Times for people: by the clock on their wall, and how far away. */
#ifndef CLI_WHEN_H
#define CLI_WHEN_H

#include <jansson.h>

#include "base/clock.h"

#define WHEN_SIZE 48

usec_t when_now(void); /* wall clock */

/* "15:04:05" today, "Nov 20 15:04" this year, "2025-11-20 15:04" else; local time. */
void when_local(usec_t at_us, usec_t now_us, char out[WHEN_SIZE]);
/* The same of the time under `key`; "" when absent. */
void when_of(const json_t *doc, const char *key, char out[WHEN_SIZE]);
/* "in 3s", "2m ago", "now"; "" when absent. */
void when_span(const json_t *doc, const char *key, char out[WHEN_SIZE]);
/* What people type: RFC 3339, "18:30" (the next one), "2026-01-02 18:30", in local time.  -1: none
 * of these. */
int when_parse(const char *text, usec_t now_us, usec_t *at_us);
/* Puts what was typed under `option`, if it was, into a request; -1: it is no time, which has been
 * said.  A time of the day is the next one after `after_us`. */
struct when_typed {
	const char *option, *text; /* text NULL: nothing was typed */
	usec_t after_us;
};
int when_put(json_t *ask, const char *key, const struct when_typed *typed);
/* A sentence of the daemon's with every RFC 3339 time in it turned into local time; owned. */
char *when_localise(const char *text, usec_t now_us);

#endif

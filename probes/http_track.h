/* A value of the answer that changes when the application restarts.  Private to http*.c and tests.
 */
#ifndef PROBES_HTTP_TRACK_H
#define PROBES_HTTP_TRACK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"

#define HTTP_TRACK_MAX   64 /* bytes of the value that are compared */
#define HTTP_TRACK_TIMES 16

/* From run to run; zeroed at first. */
struct http_track {
	bool is_known;
	char value[HTTP_TRACK_MAX], before[HTTP_TRACK_MAX];
	double total;                   /* restarts since the first look */
	usec_t at_us[HTTP_TRACK_TIMES]; /* of the last ones, the newest first; 0: none */
};

/* The scalar at "data.start_time" as text; false: there is none. */
bool http_track_find(const json_t *doc, const char *path, char *out, size_t size);
/* True: the value is another one than before. */
bool http_track_see(struct http_track *track, const char *value, usec_t now_us);
unsigned http_track_hour(const struct http_track *track, usec_t now_us); /* restarts in an hour */

#endif

/*
 * Time zones without the process's TZ: rules are read from a TZif file (RFC 8536) once, and asked
 * as often as you like.  Behind the last transition of the file its footer's rule goes on for ever.
 */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define ZONE_FOLDER "/usr/share/zoneinfo"

struct zone;

/* "Europe/Berlin", "UTC"; "local" is this host's.  Reads a file: not on the loop.  NULL and e. */
struct zone *zone_load(const char *name, struct err *e);
/* The bytes of a TZif file; NULL and e when they are none. */
struct zone *zone_parse(const void *data, size_t len, struct err *e);
void zone_free(struct zone *zone); /* NULL is fine */

/* The offset from UTC in force at a moment, and between which moments it is. */
struct zone_span {
	int32_t offset;      /* seconds east */
	int32_t before;      /* the offset until `from` */
	int64_t from, until; /* seconds since 1970, [from, until); INT64_MIN, INT64_MAX: open */
};
void zone_span_at(const struct zone *zone, int64_t utc_s, struct zone_span *span);

/* A moment as clocks show it. */
struct civil {
	int64_t year;
	int month, day;           /* from 1 */
	int hour, minute, second; /* from 0 */
	int weekday;              /* 0: Sunday */
};
void civil_from_seconds(int64_t seconds, struct civil *out); /* of local or UTC seconds */
int64_t civil_to_seconds(const struct civil *civil);         /* weekday is not looked at */

#endif

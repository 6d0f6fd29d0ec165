/*
 * A stretch of time that comes again: "Sun 02:00-04:00", "Mon-Fri 22:00-06:00", "02:00-02:30"
 * (every day), "Sat,Sun" (whole days), or a cron expression with a length.
 *
 * Both ends are what clocks show in the zone: where clocks change, a window from 02:00 to 04:00
 * lasts three hours or one.  A start that falls into the gap comes right behind it; a start in the
 * hour that comes twice is the first one, an end in it the second.  A cron expression's length
 * counts from when it really began.
 */
#ifndef BASE_WINDOW_H
#define BASE_WINDOW_H

#include "base/cron.h"

#define WINDOW_MINUTES_MAX (7 * 24 * 60)

struct window {
	struct cron start;
	int32_t minutes; /* as clocks show it */
	int32_t end;     /* minute of the day at which it ends; -1: as long after its start */
};

/* `minutes` 0: the text says when it ends; else it is a cron expression and lasts so long. */
int window_parse(struct window *window, const char *text, int32_t minutes, struct err *e);

/* Is the moment inside?  Then when it ends (seconds since 1970). */
bool window_holds(
	const struct window *window, const struct zone *zone, int64_t at_s, int64_t *until_s);
/* When what holds at the moment began; INT64_MAX: it does not hold. */
int64_t window_since(const struct window *window, const struct zone *zone, int64_t at_s);
/* The next beginning after the moment; INT64_MAX: never. */
int64_t window_next(const struct window *window, const struct zone *zone, int64_t after_s);

#endif

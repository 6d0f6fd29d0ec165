/*
 * Hours in which something holds, on the clocks of a zone: the one grammar of schedules, for
 * planned maintenance and for the `active` hours of routes.
 */
#ifndef DELIVER_HOURS_H
#define DELIVER_HOURS_H

#include "base/clock.h"
#include "base/window.h"
#include "conf/schema.h"

/* One stretch that comes again, and whose clocks it means. */
struct hours_span {
	struct window window;
	struct zone *zone; /* NULL: not compiled */
};

struct hours_words {
	const char *schedule, *timezone;
	usec_t duration_us; /* of a cron expression; 0: the schedule says when it ends */
};

/* Complains at the keys `schedule`, `duration` and `timezone` of `node`. */
void hours_span_compile(struct hours_span *span, const struct hours_words *words,
	const struct conf_node *node, struct complaints *complaints);
void hours_span_fini(struct hours_span *span);

/* Several stretches; any of them will do. */
struct hours {
	struct hours_span *all;
	size_t count; /* 0: always */
};

/* "Mon-Fri 09:00-18:00", { schedule, timezone, duration }, or a list of such. */
void hours_compile(
	struct hours *hours, const struct conf_node *node, struct complaints *complaints);
void hours_fini(struct hours *hours);

/* Do they hold at that moment (wall)?  Then since when, over stretches that follow each other
 * without a gap; 0: since always. */
bool hours_hold(const struct hours *hours, usec_t wall_us, usec_t *since_us);
usec_t hours_next(const struct hours *hours, usec_t wall_us); /* their next beginning; 0: never */

#endif

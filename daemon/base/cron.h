/*
 * Cron expressions: minute hour day-of-month month day-of-week, with lists, ranges, steps and
 * English names, and @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually.  When both
 * days are given (neither begins with *) either is enough.
 *
 * Where the clocks change, as cron does it: a job of fixed hours that falls into the gap runs right
 * behind it, one in the hour that comes twice runs once; one with * in minute or hour runs by what
 * the clock shows.
 */
#ifndef BASE_CRON_H
#define BASE_CRON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/zone.h"

struct cron {
	uint64_t minutes;
	uint32_t hours, days, months, weekdays; /* bits */
	bool has_any_day, has_any_weekday;      /* began with * */
	bool is_wild;                           /* minute or hour began with * */
};

int cron_parse(struct cron *cron, const char *text, struct err *e);
/* The first time after `after_s` (seconds since 1970); INT64_MAX: never (30 February). */
int64_t cron_next(const struct cron *cron, const struct zone *zone, int64_t after_s);

#endif

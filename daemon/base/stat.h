/*
 * Named numbers of the process itself: rooms set them, probes/self and /metrics read them.  The
 * rows are in stat.def.  Plain words only: nothing here knows what is being counted.
 */
#ifndef BASE_STAT_H
#define BASE_STAT_H

#include <stddef.h>
#include <stdint.h>

enum stat_id {
#define STAT(id, name, kind, unit, help) STAT_##id,
#include "base/stat.def"
#undef STAT
	STAT_COUNT
};

enum stat_kind { STAT_GAUGE, STAT_COUNTER };

struct stat_desc {
	const char *name; /* "loop_lag_max_time" */
	enum stat_kind kind;
	const char *unit; /* "s", "bytes", "" */
	const char *help;
};

struct stats {
	double value[STAT_COUNT];
};

const struct stat_desc *stat_desc(enum stat_id id);
void stats_set(struct stats *stats, enum stat_id id, double value); /* NULL stats: nothing */
void stats_add(struct stats *stats, enum stat_id id, double by);
void stats_merge(
	struct stats *stats, const struct stats *more); /* adds each; NULL stats: nothing */
double stats_get(const struct stats *stats, enum stat_id id);

#endif

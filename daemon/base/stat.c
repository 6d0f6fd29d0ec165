/* The table of the process's own numbers, and the accessors that tolerate having none. */
#include "base/stat.h"

static const struct stat_desc table[STAT_COUNT] = {
#define STAT(id, name_, kind_, unit_, help_)                                                       \
	[STAT_##id] = { .name = name_, .kind = kind_, .unit = unit_, .help = help_ },
#include "base/stat.def"
#undef STAT
};

const struct stat_desc *
stat_desc(enum stat_id id)
{
	return &table[id];
}

void
stats_set(struct stats *stats, enum stat_id id, double value)
{
	if (stats)
		stats->value[id] = value;
}

void
stats_add(struct stats *stats, enum stat_id id, double by)
{
	if (stats)
		stats->value[id] += by;
}

void
stats_merge(struct stats *stats, const struct stats *more)
{
	for (int i = 0; stats != NULL && i < STAT_COUNT; i++)
		stats->value[i] += more->value[i];
}

double
stats_get(const struct stats *stats, enum stat_id id)
{
	return stats ? stats->value[id] : 0;
}

/*
 * The daemon's own numbers: the rows of base/stat.def, and what the kernel says about this process.
 * Measures and never fails.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/process.h"
#include "base/stat.h"
#include "base/str.h"
#include "probes/probe.h"

#define METRIC_OF_STAT_GAUGE   METRIC_GAUGE
#define METRIC_OF_STAT_COUNTER METRIC_COUNTER
/* The unit's text is a literal: "" counts nothing, "s" are seconds, anything longer is "bytes". */
#define UNIT_OF(text)                                                                              \
	(sizeof(text) == 1 ? UNIT_NONE : sizeof(text) == 2 ? UNIT_SECONDS : UNIT_BYTES)

enum row {
	ROW_TOTAL_TIME,
	ROW_STATS,
	ROW_RSS = ROW_STATS + STAT_COUNT,
	ROW_FDS,
	ROW_FDS_PERCENT,
	ROW_RIGHTS_MISSING,
};

static const struct metric_desc metrics[] = {
	METRIC_TOTAL_ROW,
#define STAT(id, name, kind, unit, help) { name, METRIC_OF_##kind, UNIT_OF(unit), help },
#include "base/stat.def"
#undef STAT
	{ "rss_bytes", METRIC_GAUGE, UNIT_BYTES, "Resident memory of the daemon." },
	{ "fds", METRIC_GAUGE, UNIT_NONE, "Open file descriptors of the daemon." },
	{ "fds_percent", METRIC_GAUGE, UNIT_PERCENT, "Open file descriptors against their limit." },
	{ "rights_missing", METRIC_GAUGE, UNIT_NONE,
		"Capabilities that the daemon lacks, so that some evidence cannot be had. One that "
		"its unit or container takes away from whatever runs in it is not counted: that "
		"was meant so." },
	{ .name = NULL },
};

/* What cannot be seen without them. */
static const struct {
	unsigned bit; /* as in linux/capability.h */
	const char *name, *loss;
} rights[] = {
	{ 19, "CAP_SYS_PTRACE", "whose a port or an open file is: the uid only" },
	{ 2, "CAP_DAC_READ_SEARCH", "environments and folders of others" },
	{ 34, "CAP_SYSLOG", "the kernel's messages of killed processes and failing disks" },
};

static const struct conf_field fields[] = {
	{ .type = CONF_END },
};

static bool
find_set(const char *status, const char *label, unsigned long long *set)
{
	const char *line = strstr(status, label);
	char *end;

	if (line == NULL)
		return false;
	line += strlen(label);
	*set = strtoull(line, &end, 16);
	return end != line;
}

/* Missing rights, told once and for all by the kernel.  What is outside of the bounding set was
 * taken away on purpose, as our unit does it: worth showing, nothing to tell anybody of. */
static void
look_at_rights(struct probe_run *run)
{
	char status[4096], text[400] = "";
	unsigned long long has, may_have;
	size_t len = 0;
	unsigned unexpected = 0;

	if (fd_read_proc("/proc/self/status", status, sizeof(status), NULL) < 0)
		return;
	if (!find_set(status, "\nCapEff:", &has) || !find_set(status, "\nCapBnd:", &may_have))
		return;
	for (size_t i = 0; i < sizeof(rights) / sizeof(rights[0]); i++)
		if ((has >> rights[i].bit & 1) == 0) {
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s (%s)",
				len > 0 ? "; " : "", rights[i].name, rights[i].loss);
			unexpected += (unsigned)(may_have >> rights[i].bit & 1);
		}
	probe_value(run, ROW_RIGHTS_MISSING, unexpected);
	if (len > 0)
		probe_fact(run, "rights", "missing: %s", text);
}

static void
start(struct probe_run *run)
{
	const struct stats *stats = probe_env(run)->stats;
	double rss = process_rss_bytes(), fds = process_open_fds(), limit = process_max_fds();
	char lag[32], size[32];

	for (int i = 0; stats != NULL && i < STAT_COUNT; i++)
		probe_value(run, ROW_STATS + i, stats_get(stats, (enum stat_id)i));
	probe_value(run, ROW_RSS, rss);
	probe_value(run, ROW_FDS, fds);
	if (isfinite(limit) && limit > 0)
		probe_value(run, ROW_FDS_PERCENT, fds * 100 / limit);
	look_at_rights(run);
	metric_format(stats != NULL ? stats_get(stats, STAT_LOOP_LAG_MAX) : (double)NAN,
		UNIT_SECONDS, lag, sizeof(lag));
	metric_format(rss, UNIT_BYTES, size, sizeof(size));
	probe_ok(run, "loop lag %s, resident memory %s", lag, size);
}

static void
target(const void *conf, const char *instance, char *out, size_t size)
{
	(void)conf;
	(void)instance;
	str_copy(out, size, "this daemon");
}

const struct probe_type probe_type_self = {
	.name = "self",
	.summary = "Measures this daemon itself.",
	.manual = "Loop lag, overdue runs, outbox, store and helpers, memory and file descriptors. "
		  "It measures and never fails; rules such as `self-stalled` judge.",
	.fields = fields,
	.metrics = metrics,
	.start = start,
	.target = target,
};

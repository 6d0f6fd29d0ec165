/*
 * Memory of this host, and of the cgroup we live in where it has a limit.  Reads kernel files only;
 * measures and never fails: thresholds are the rules' business.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "io/loop.h"
#include "probes/memory_files.h"
#include "probes/probe.h"

#define TEXT_MAX 16384

enum row {
	ROW_TOTAL_TIME,
	ROW_USED,
	ROW_AVAILABLE,
	ROW_SWAP,
	ROW_OOM_KILLS,
	ROW_SOME,
	ROW_FULL,
	ROW_CGROUP_USED,
	ROW_CGROUP_OOM_KILLS,
};

static const struct metric_desc metrics[] = {
	METRIC_TOTAL_ROW,
	{ "used_percent", METRIC_GAUGE, UNIT_PERCENT,
		"Memory in use: total less MemAvailable, so caches that can be dropped are not "
		"used." },
	{ "available_bytes", METRIC_GAUGE, UNIT_BYTES,
		"MemAvailable: what programs can still get." },
	{ "swap_percent", METRIC_GAUGE, UNIT_PERCENT, "Swap in use; absent without swap." },
	{ "oom_kills_total", METRIC_COUNTER, UNIT_NONE, "Processes the kernel killed for memory." },
	{ "pressure_some_percent", METRIC_GAUGE, UNIT_PERCENT,
		"Share of time since the last run in which some task waited for memory." },
	{ "pressure_full_percent", METRIC_GAUGE, UNIT_PERCENT,
		"Share of time since the last run in which all tasks waited for memory." },
	{ "cgroup_used_percent", METRIC_GAUGE, UNIT_PERCENT,
		"Memory of the cgroup we run in against its limit; absent without a limit." },
	{ "cgroup_oom_kills_total", METRIC_COUNTER, UNIT_NONE,
		"Processes killed for memory in the cgroup we run in." },
	{ .name = NULL },
};

/* From run to run. */
struct memory_last {
	usec_t at_us; /* 0: never */
	double some_us, full_us;
};

static const struct conf_field fields[] = {
	{ .type = CONF_END },
};

/* In a sidecar that does not mount the host's /proc, our own says the same of memory. */
static int
read_proc(struct probe_run *run, const char *name, char *out, struct err *e)
{
	const char *root = probe_env(run)->host_root;
	char path[512];

	if (root != NULL && !str_eq(root, "/")) {
		snprintf(path, sizeof(path), "%s/proc/%s", root, name);
		if (fd_read_proc(path, out, TEXT_MAX, NULL) >= 0)
			return 0;
	}
	snprintf(path, sizeof(path), "/proc/%s", name);
	return fd_read_proc(path, out, TEXT_MAX, e) < 0 ? -1 : 0;
}

/* Percent of the time between two runs; the kernel's ten-second average at the first. */
static double
stalled_percent(const struct pressure *now, double last_us, usec_t passed_us)
{
	double percent;

	if (passed_us <= 0 || now->total_us < last_us)
		return now->avg10_percent;
	percent = (now->total_us - last_us) * 100 / (double)passed_us;
	return percent < 100 ? percent : 100;
}

static void
measure_pressure(struct probe_run *run, char *text)
{
	struct memory_last *last = probe_memory(run, sizeof(*last));
	usec_t now = loop_now(probe_env(run)->loop);
	usec_t passed = last->at_us > 0 ? now - last->at_us : 0;
	struct pressure p;

	if (read_proc(run, "pressure/memory", text, NULL) < 0)
		return; /* a kernel without PSI: absent */
	if (pressure_parse(&p, text, "some")) {
		probe_value(run, ROW_SOME, stalled_percent(&p, last->some_us, passed));
		last->some_us = p.total_us;
	}
	if (pressure_parse(&p, text, "full")) {
		probe_value(run, ROW_FULL, stalled_percent(&p, last->full_us, passed));
		last->full_us = p.total_us;
	}
	last->at_us = now;
}

static void
measure_cgroup(struct probe_run *run, char *text)
{
	struct cgroup_memory cg;
	char limit[32];

	if (fd_read_proc("/proc/self/cgroup", text, TEXT_MAX, NULL) < 0)
		return;
	cgroup_memory_read(&cg, "/sys/fs/cgroup", text);
	if (!isnan(cg.oom_kills))
		probe_value(run, ROW_CGROUP_OOM_KILLS, cg.oom_kills);
	if (isnan(cg.limit))
		return;
	probe_value(run, ROW_CGROUP_USED, cg.used * 100 / cg.limit);
	metric_format(cg.limit, UNIT_BYTES, limit, sizeof(limit));
	probe_fact(run, "cgroup limit", "%s", limit);
}

static void
start(struct probe_run *run)
{
	struct meminfo info;
	struct err e;
	char text[TEXT_MAX], used[32], available[32];
	double percent;

	if (read_proc(run, "meminfo", text, &e) < 0 || meminfo_parse(&info, text, &e) < 0) {
		probe_error(run, "self.local", "%s", e.text);
		return;
	}
	percent = (info.total - info.available) * 100 / info.total;
	probe_value(run, ROW_USED, percent);
	probe_value(run, ROW_AVAILABLE, info.available);
	if (info.swap_total > 0)
		probe_value(
			run, ROW_SWAP, (info.swap_total - info.swap_free) * 100 / info.swap_total);
	if (read_proc(run, "vmstat", text, NULL) == 0)
		probe_value(run, ROW_OOM_KILLS, memory_field(text, "oom_kill"));
	measure_pressure(run, text);
	measure_cgroup(run, text);
	metric_format(percent, UNIT_PERCENT, used, sizeof(used));
	metric_format(info.available, UNIT_BYTES, available, sizeof(available));
	probe_ok(run, "%s used, %s available", used, available);
}

static void
target(const void *conf, const char *instance, char *out, size_t size)
{
	(void)conf;
	(void)instance;
	str_copy(out, size, "memory of this host");
}

const struct probe_type probe_type_memory = {
	.name = "memory",
	.summary = "Measures the memory of this host.",
	.manual =
		"`used_percent` is what MemAvailable says, as current versions of `free` show it. "
		"Where the cgroup that the daemon runs in has a limit (a sidecar, a unit with "
		"`MemoryMax`), that is measured too; page cache that can be dropped does not count "
		"as used. No rights are needed.",
	.fields = fields,
	.metrics = metrics,
	.conf_size = 0,
	.start = start,
	.target = target,
};

/*
 * Memory of this host, and of the cgroup we live in where it has a limit.  Reads kernel files only;
 * measures and never fails: thresholds are the rules' business.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "io/loop.h"
#include "probes/host_file.h"
#include "probes/memory_files.h"
#include "probes/memory_watch.h"
#include "probes/pressure.h"
#include "probes/probe.h"
#include "probes/reveal.h"

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
	struct pressure_last some, full;
	usec_t killed_us; /* wall: when a kill was last seen; 0: never */
};

static const struct conf_field fields[] = {
	{ .type = CONF_END },
};

static void
measure_pressure(struct probe_run *run, char *text)
{
	const struct io_env *env = probe_env(run);
	struct memory_last *last = probe_memory(run, sizeof(*last));
	usec_t now = loop_now(env->loop);

	if (host_read_shared(env, "proc/pressure/memory", text, TEXT_MAX, NULL) < 0)
		return; /* a kernel without PSI: absent */
	probe_value(run, ROW_SOME, pressure_percent(&last->some, text, "some", now));
	probe_value(run, ROW_FULL, pressure_percent(&last->full, text, "full", now));
}

static double
measure_cgroup(struct probe_run *run)
{
	struct cgroup_memory cg;
	struct cgroup own;
	char limit[32];

	if (!cgroup_find_own(&own, "memory"))
		return NAN;
	cgroup_memory_read(&cg, &own);
	probe_value(run, ROW_CGROUP_OOM_KILLS, cg.oom_kills);
	if (isnan(cg.limit))
		return cg.oom_kills;
	probe_value(run, ROW_CGROUP_USED, cg.used * 100 / cg.limit);
	metric_format(cg.limit, UNIT_BYTES, limit, sizeof(limit));
	probe_fact(run, "cgroup limit", "%s", limit);
	return cg.oom_kills;
}

/* Counters of an earlier life of the daemon hold until the host is booted anew. */
static double
kept_number(const json_t *kept, const char *name, const char *boot)
{
	const json_t *number = json_object_get(kept, name);

	if (!str_eq(json_string_value(json_object_get(kept, "boot")), boot) ||
		!json_is_number(number))
		return NAN;
	return json_number_value(number);
}

static void
keep_kills(struct probe_watch *watch, double host, double own, const char *boot)
{
	json_t *state = json_object();

	json_object_set_new(state, "boot", json_string(boot));
	if (!isnan(host))
		json_object_set_new(state, "host", json_real(host));
	if (!isnan(own))
		json_object_set_new(state, "own", json_real(own));
	probe_watch_keep(watch, state);
	json_decref(state);
}

/* Kills since the last run, or since the daemon last ran. */
static void
tell_kills(struct probe_run *run, double host, double own)
{
	const struct io_env *env = probe_env(run);
	struct memory_last *last = probe_memory(run, sizeof(*last));
	struct probe_watch *watch = probe_watch(run);
	const json_t *kept = probe_watch_kept(watch);
	char boot[64] = "", when[CLOCK_RFC3339_SIZE];
	double host_before, own_before;

	host_read_shared(env, "proc/sys/kernel/random/boot_id", boot, sizeof(boot), NULL);
	boot[strcspn(boot, "\n")] = '\0';
	host_before = kept_number(kept, "host", boot);
	own_before = kept_number(kept, "own", boot);
	/* a comparison with NAN is false */
	if (host > host_before || own > own_before) {
		bool is_ours = own > own_before;
		double count = is_ours ? own - own_before : host - host_before;

		last->killed_us = loop_wall(env->loop);
		probe_note(run, "proc.oom", "the kernel killed %.0f process%s%s for want of memory",
			count, count == 1 ? "" : "es", is_ours ? " of our own cgroup" : "");
	}
	if (last->killed_us > 0) {
		clock_format_rfc3339(last->killed_us, when);
		probe_fact(run, "last OOM kill", "seen at %s", when);
	}
	/* NAN differs from itself: it is kept anew only where there is something to keep */
	if ((host != host_before && !isnan(host)) || (own != own_before && !isnan(own)))
		keep_kills(watch, host, own, boot);
}

static void
start(struct probe_run *run)
{
	const struct io_env *env = probe_env(run);
	struct meminfo info;
	struct err e;
	char text[TEXT_MAX], used[32], available[32];
	double percent, kills = NAN;

	if (host_read_shared(env, "proc/meminfo", text, sizeof(text), &e) < 0 ||
		meminfo_parse(&info, text, &e) < 0) {
		probe_error(run, "self.local", "%s", e.text);
		return;
	}
	percent = (info.total - info.available) * 100 / info.total;
	probe_value(run, ROW_USED, percent);
	probe_value(run, ROW_AVAILABLE, info.available);
	if (info.swap_total > 0)
		probe_value(
			run, ROW_SWAP, (info.swap_total - info.swap_free) * 100 / info.swap_total);
	if (host_read_shared(env, "proc/vmstat", text, sizeof(text), NULL) == 0)
		kills = host_field(text, "oom_kill");
	probe_value(run, ROW_OOM_KILLS, kills);
	measure_pressure(run, text);
	tell_kills(run, kills, measure_cgroup(run));
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
		"`used_percent` is what MemAvailable says, as current versions of `free` show it "
		"(older ones count otherwise). Where the cgroup that the daemon runs in has a "
		"limit (a sidecar, a unit with `MemoryMax`), that is measured too; page cache that "
		"can be dropped does not count as used. An OOM kill, and memory pressure where the "
		"kernel reports it, makes the check run at once instead of at its next interval; "
		"the kill is said as `proc.oom`. No rights are needed.",
	.fields = fields,
	.metrics = metrics,
	.conf_size = 0,
	.start = start,
	.watch_size = sizeof(struct memory_watch),
	.open = memory_watch_open,
	.close = memory_watch_close,
	.target = target,
	.reveal = reveal_this_host,
};

/*
 * CPU of this host, and of the cgroup we live in where it has a quota.  Reads kernel files only;
 * measures and never fails: thresholds are the rules' business.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "io/loop.h"
#include "probes/cpu_files.h"
#include "probes/host_file.h"
#include "probes/pressure.h"
#include "probes/probe.h"
#include "probes/reveal.h"

#define STAT_MAX 65536 /* the CPUs' lines come first: the rest may be cut */

enum row {
	ROW_TOTAL_TIME,
	ROW_USED,
	ROW_IOWAIT,
	ROW_STEAL,
	ROW_LOAD1,
	ROW_LOAD5,
	ROW_LOAD15,
	ROW_LOAD_PER_CORE,
	ROW_SOME,
	ROW_THROTTLED,
	ROW_CORES,
	ROW_CGROUP_CORES,
	ROW_CGROUP_USED,
};

static const struct metric_desc metrics[] = {
	METRIC_TOTAL_ROW,
	{ "used_percent", METRIC_GAUGE, UNIT_PERCENT,
		"Share of all CPUs' time since the last run that was not idle and not waiting for "
		"disks; time stolen by the hypervisor counts as used." },
	{ "iowait_percent", METRIC_GAUGE, UNIT_PERCENT,
		"Share of time in which a CPU was idle while a task waited for a disk." },
	{ "steal_percent", METRIC_GAUGE, UNIT_PERCENT,
		"Share of time that the hypervisor gave to other machines." },
	{ "load1", METRIC_GAUGE, UNIT_NONE, "Load average of one minute." },
	{ "load5", METRIC_GAUGE, UNIT_NONE, "Load average of five minutes." },
	{ "load15", METRIC_GAUGE, UNIT_NONE, "Load average of fifteen minutes." },
	{ "load_per_core", METRIC_GAUGE, UNIT_NONE, "`load1` divided by the host's CPUs." },
	{ "pressure_some_percent", METRIC_GAUGE, UNIT_PERCENT,
		"Share of time since the last run in which some task waited for a CPU." },
	{ "throttled_percent", METRIC_GAUGE, UNIT_PERCENT,
		"Share of the quota's periods since the last run in which our cgroup was stopped; "
		"absent without a quota." },
	{ "cores", METRIC_GAUGE, UNIT_NONE, "CPUs online." },
	{ "cgroup_cores", METRIC_GAUGE, UNIT_NONE,
		"CPUs that our cgroup's quota amounts to; absent without a quota." },
	{ "cgroup_used_percent", METRIC_GAUGE, UNIT_PERCENT,
		"CPU time of our cgroup since the last run against its quota." },
	{ .name = NULL },
};

static const struct conf_field fields[] = {
	{ .type = CONF_END },
};

/* From run to run. */
struct cpu_last {
	usec_t at_us; /* 0: never */
	struct cpu_ticks ticks;
	struct cgroup_cpu group;
	struct pressure_last some;
};

static void
measure_load(struct probe_run *run, unsigned cores)
{
	struct loadavg avg;
	char text[128];

	if (host_read_shared(probe_env(run), "proc/loadavg", text, sizeof(text), NULL) < 0 ||
		!loadavg_parse(&avg, text))
		return;
	for (int i = 0; i < 3; i++)
		probe_value(run, ROW_LOAD1 + i, avg.load[i]);
	if (cores > 0)
		probe_value(run, ROW_LOAD_PER_CORE, avg.load[0] / cores);
}

static void
measure_pressure(struct probe_run *run, struct cpu_last *last)
{
	const struct io_env *env = probe_env(run);
	char text[512];

	if (host_read_shared(env, "proc/pressure/cpu", text, sizeof(text), NULL) == 0)
		probe_value(run, ROW_SOME,
			pressure_percent(&last->some, text, "some", loop_now(env->loop)));
}

/* What happened to the quota between two runs; a group that was made anew counts from nought. */
static void
compare_groups(struct probe_run *run, const struct cgroup_cpu *before, const struct cgroup_cpu *now,
	usec_t passed_us)
{
	double periods = now->periods - before->periods;
	double throttled = now->throttled - before->throttled;
	double used_us = now->used_us - before->used_us;

	/* a comparison with NAN is false */
	if (periods >= 0 && throttled >= 0)
		probe_value(
			run, ROW_THROTTLED, periods > 0 ? fmin(throttled * 100 / periods, 100) : 0);
	if (used_us >= 0 && passed_us > 0)
		probe_value(run, ROW_CGROUP_USED, used_us * 100 / ((double)passed_us * now->cores));
}

static void
measure_group(struct probe_run *run, struct cpu_last *last, usec_t passed_us)
{
	struct cgroup_cpu now;
	struct cgroup own;

	if (!cgroup_find_own(&own, "cpu"))
		return;
	cgroup_cpu_read(&now, &own);
	probe_value(run, ROW_CGROUP_CORES, now.cores);
	if (passed_us > 0 && !isnan(now.cores))
		compare_groups(run, &last->group, &now, passed_us);
	last->group = now;
}

static void
start(struct probe_run *run)
{
	const struct io_env *env = probe_env(run);
	struct cpu_last *last = probe_memory(run, sizeof(*last));
	usec_t now = loop_now(env->loop), passed_us = last->at_us > 0 ? now - last->at_us : 0;
	struct cpu_share share = { NAN, NAN, NAN };
	struct cpu_ticks ticks;
	char text[STAT_MAX];
	unsigned cores;
	struct err e;

	if (host_read_shared(env, "proc/stat", text, sizeof(text), &e) < 0) {
		probe_error(run, "self.local", "%s", e.text);
		return;
	}
	if (!cpu_ticks_parse(&ticks, text)) {
		probe_error(run, "self.local", "no line \"cpu\" with its counters in proc/stat");
		return;
	}
	if (passed_us > 0)
		share = cpu_share_between(&last->ticks, &ticks);
	probe_value(run, ROW_USED, share.used_percent);
	probe_value(run, ROW_IOWAIT, share.iowait_percent);
	probe_value(run, ROW_STEAL, share.steal_percent);
	cores = cpu_cores_parse(text);
	if (cores > 0)
		probe_value(run, ROW_CORES, cores);
	measure_load(run, cores);
	measure_pressure(run, last);
	measure_group(run, last, passed_us);
	last->ticks = ticks;
	last->at_us = now;
	if (isnan(share.used_percent))
		probe_ok(run, "%u CPU%s; shares are known from the second run on", cores,
			cores == 1 ? "" : "s");
	else
		probe_ok(run, "%.1f %% used, %.1f %% waiting for disks", share.used_percent,
			share.iowait_percent);
}

static void
target(const void *conf, const char *instance, char *out, size_t size)
{
	(void)conf;
	(void)instance;
	str_copy(out, size, "CPU of this host");
}

const struct probe_type probe_type_cpu = {
	.name = "cpu",
	.summary = "Measures the CPUs of this host: use, waiting, load, pressure, throttling.",
	.manual = "Shares are of the time between two runs, so they begin with the second (an "
		  "average since boot, as the first screen of `top` shows, says nothing). "
		  "Where the cgroup that the daemon runs in has a quota (a sidecar with `cpus:`, a "
		  "unit with `CPUQuota`), that is measured, too. The load average is the whole "
		  "host's, even in a container, and is divided by the host's CPUs. No rights are "
		  "needed.",
	.fields = fields,
	.metrics = metrics,
	.conf_size = 0,
	.has_rates = true,
	.start = start,
	.target = target,
	.reveal = reveal_this_host,
};

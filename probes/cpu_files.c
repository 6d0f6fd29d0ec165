/*
 * Parsers for /proc/stat and /proc/loadavg, and the cpu controllers of cgroup v1 and v2.  Kernel
 * files only: none of these reads can hang.
 */
#include "probes/cpu_files.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "probes/host_file.h"

#define CGROUP_DEPTH_MAX 32

bool
cpu_ticks_parse(struct cpu_ticks *ticks, const char *text)
{
	struct cpu_ticks t = { 0 };

	/* Old kernels have fewer columns: those are nought. */
	if (!str_starts(text, "cpu ") || sscanf(text,
						 "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
						 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
						 &t.user, &t.nice, &t.system, &t.idle, &t.iowait,
						 &t.irq, &t.softirq, &t.steal) < 4)
		return false;
	*ticks = t;
	return true;
}

unsigned
cpu_cores_parse(const char *text)
{
	unsigned cores = 0;

	for (const char *line = text; line != NULL && str_starts(line, "cpu");) {
		cores += isdigit((unsigned char)line[3]) != 0;
		line = strchr(line, '\n');
		if (line != NULL)
			line++;
	}
	return cores;
}

/* The kernel lets idle and iowait go back a little: that is nothing, not an age. */
static double
passed(uint64_t before, uint64_t after)
{
	return after > before ? (double)(after - before) : 0;
}

static double
sum(const struct cpu_ticks *t)
{
	return (double)t->user + (double)t->nice + (double)t->system + (double)t->idle +
	       (double)t->iowait + (double)t->irq + (double)t->softirq + (double)t->steal;
}

struct cpu_share
cpu_share_between(const struct cpu_ticks *before, const struct cpu_ticks *after)
{
	double steal = passed(before->steal, after->steal);
	double iowait = passed(before->iowait, after->iowait);
	double idle = passed(before->idle, after->idle);
	double busy = passed(before->user, after->user) + passed(before->nice, after->nice) +
		      passed(before->system, after->system) + passed(before->irq, after->irq) +
		      passed(before->softirq, after->softirq) + steal;
	double all = busy + idle + iowait;

	if (all <= 0 || sum(after) < sum(before))
		return (struct cpu_share){ NAN, NAN, NAN };
	return (struct cpu_share){
		.used_percent = busy * 100 / all,
		.iowait_percent = iowait * 100 / all,
		.steal_percent = steal * 100 / all,
	};
}

bool
loadavg_parse(struct loadavg *out, const char *text)
{
	double a, b, c;

	if (sscanf(text, "%lf %lf %lf", &a, &b, &c) != 3 || !isfinite(a) || !isfinite(b) ||
		!isfinite(c) || a < 0 || b < 0 || c < 0)
		return false;
	*out = (struct loadavg){ { a, b, c } };
	return true;
}

double
cpu_max_parse(const char *text)
{
	double quota, period;

	if (sscanf(text, "%lf %lf", &quota, &period) != 2 || !isfinite(quota) ||
		!isfinite(period) || quota <= 0 || period <= 0)
		return NAN;
	return quota / period;
}

static double
quota_of(const struct cgroup *at)
{
	char text[64];
	double quota, period;

	if (!at->is_v1)
		return cgroup_read(at, "cpu.max", text, sizeof(text)) == 0 ? cpu_max_parse(text)
									   : (double)NAN;
	quota = cgroup_number(at, "cpu.cfs_quota_us"); /* -1: none */
	period = cgroup_number(at, "cpu.cfs_period_us");
	return quota > 0 && period > 0 ? quota / period : (double)NAN;
}

/* CPU time of the group; version 1 counts it in a hierarchy of its own. */
static double
used_us_of(const struct cgroup *at, const char *stat)
{
	struct cgroup account;

	if (!at->is_v1)
		return host_field(stat, "usage_usec");
	if (!cgroup_find_own(&account, "cpuacct"))
		return NAN;
	str_copy(account.path, sizeof(account.path), at->path);
	return cgroup_number(&account, "cpuacct.usage") / 1000;
}

void
cgroup_cpu_read(struct cgroup_cpu *cpu, const struct cgroup *own)
{
	struct cgroup at = *own, tightest = *own;
	char text[2048];

	*cpu = (struct cgroup_cpu){ NAN, NAN, NAN, NAN };
	for (unsigned depth = 0; depth < CGROUP_DEPTH_MAX; depth++) {
		double cores = quota_of(&at);

		if (!isnan(cores) && (isnan(cpu->cores) || cores < cpu->cores)) {
			cpu->cores = cores;
			tightest = at;
		}
		if (!cgroup_up(&at))
			break;
	}
	if (isnan(cpu->cores) || cgroup_read(&tightest, "cpu.stat", text, sizeof(text)) < 0)
		return;
	cpu->periods = host_field(text, "nr_periods");
	cpu->throttled = host_field(text, "nr_throttled");
	cpu->used_us = used_us_of(&tightest, text);
}

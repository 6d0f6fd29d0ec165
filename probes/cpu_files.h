/* What the kernel's CPU files say.  The parsers take text, so that tests bring their own. */
#ifndef PROBES_CPU_FILES_H
#define PROBES_CPU_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "probes/cgroup.h"

/* First line of /proc/stat, in ticks since boot; guests are part of user and nice already. */
struct cpu_ticks {
	uint64_t user, nice, system, idle, iowait, irq, softirq, steal;
};
bool cpu_ticks_parse(struct cpu_ticks *ticks, const char *text);
unsigned cpu_cores_parse(const char *text); /* CPUs online, from /proc/stat; 0: none are named */

struct cpu_share {
	double used_percent, iowait_percent, steal_percent; /* NAN: no sense in the numbers */
};
struct cpu_share cpu_share_between(const struct cpu_ticks *before, const struct cpu_ticks *after);

struct loadavg {
	double load[3]; /* of 1, 5 and 15 minutes */
};
bool loadavg_parse(struct loadavg *out, const char *text);

/* The tightest quota among our own cgroup and those above it, and what became of it. */
struct cgroup_cpu {
	double cores;              /* CPUs that may be used at once; NAN: no quota */
	double periods, throttled; /* since the group was made; NAN: not known */
	double used_us;
};
void cgroup_cpu_read(struct cgroup_cpu *cpu, const struct cgroup *own);
/* "200000 100000" of cpu.max; NAN: "max", or nonsense. */
double cpu_max_parse(const char *text);

#endif

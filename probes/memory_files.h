/* What the kernel's memory files say.  The parsers take text, so that tests bring their own. */
#ifndef PROBES_MEMORY_FILES_H
#define PROBES_MEMORY_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* The number behind `key` at the start of a line ("oom_kill 3", "MemTotal:  12 kB"); NAN: none. */
double memory_field(const char *text, const char *key);

struct meminfo {
	double total, available, swap_total, swap_free; /* bytes */
};
int meminfo_parse(struct meminfo *info, const char *text, struct err *e);

/* One line of /proc/pressure/memory: `kind` is "some" or "full". */
struct pressure {
	double avg10_percent;
	double total_us; /* stalled since boot */
};
bool pressure_parse(struct pressure *p, const char *text, const char *kind);

/* The tightest memory limit among our own cgroup and those above it. */
struct cgroup_memory {
	double limit, used; /* bytes; used: without the cache that can be dropped; NAN: no limit */
	double oom_kills;   /* of our own cgroup; NAN: not known */
};
/* `self` is the text of /proc/self/cgroup, `root` where the hierarchies are mounted. */
void cgroup_memory_read(struct cgroup_memory *cg, const char *root, const char *self);

#endif

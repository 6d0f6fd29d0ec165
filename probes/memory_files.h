/* What the kernel's memory files say.  The parsers take text, so that tests bring their own. */
#ifndef PROBES_MEMORY_FILES_H
#define PROBES_MEMORY_FILES_H

#include "base/err.h"
#include "probes/cgroup.h"

struct meminfo {
	double total, available, swap_total, swap_free; /* bytes */
};
int meminfo_parse(struct meminfo *info, const char *text, struct err *e);

/* The tightest memory limit among our own cgroup and those above it. */
struct cgroup_memory {
	double limit, used; /* bytes; used: without the cache that can be dropped; NAN: no limit */
	double oom_kills;   /* of our own cgroup; NAN: not known */
};
void cgroup_memory_read(struct cgroup_memory *memory, const struct cgroup *own);
/* The file of `own` that counts OOM kills: "memory.events", "memory.oom_control". */
const char *cgroup_memory_events(const struct cgroup *own);

#endif

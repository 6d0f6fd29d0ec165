/*
 * Parser for /proc/meminfo, and the memory controllers of cgroup v1 and v2.  Kernel files only:
 * none of these reads can hang.
 */
#include "probes/memory_files.h"

#include <math.h>

#include "probes/host_file.h"

#define CGROUP_DEPTH_MAX 32
/* v1 says "no limit" with the largest multiple of a page: anything near 2^63. */
#define V1_NO_LIMIT 9.0e18

int
meminfo_parse(struct meminfo *info, const char *text, struct err *e)
{
	const struct {
		const char *key;
		double *to;
	} rows[] = {
		{ "MemTotal", &info->total },
		{ "MemAvailable", &info->available },
		{ "SwapTotal", &info->swap_total },
		{ "SwapFree", &info->swap_free },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		*rows[i].to = host_field(text, rows[i].key) * 1024;
	if (isnan(info->total) || isnan(info->available) || info->total <= 0)
		return err_set(e, 0, "no MemTotal and MemAvailable in meminfo");
	return 0;
}

/* File names of the two versions of the controller. */
struct controller {
	const char *limit, *used, *events, *inactive;
};

static const struct controller v1 = {
	.limit = "memory.limit_in_bytes",
	.used = "memory.usage_in_bytes",
	.events = "memory.oom_control",
	.inactive = "total_inactive_file",
};

static const struct controller v2 = {
	.limit = "memory.max",
	.used = "memory.current",
	.events = "memory.events",
	.inactive = "inactive_file",
};

const char *
cgroup_memory_events(const struct cgroup *own)
{
	return own->is_v1 ? v1.events : v2.events;
}

/* Takes this folder's limit if it is tighter than what was seen below. */
static void
look_at(struct cgroup_memory *memory, const struct controller *c, const struct cgroup *at)
{
	double limit = cgroup_number(at, c->limit);
	double used, inactive = NAN;
	char text[8192];

	if (isnan(limit) || limit <= 0 || limit >= V1_NO_LIMIT)
		return;
	if (!isnan(memory->limit) && limit >= memory->limit)
		return;
	used = cgroup_number(at, c->used);
	if (isnan(used))
		return;
	if (cgroup_read(at, "memory.stat", text, sizeof(text)) == 0)
		inactive = host_field(text, c->inactive);
	if (!isnan(inactive) && inactive <= used)
		used -= inactive;
	memory->limit = limit;
	memory->used = used;
}

void
cgroup_memory_read(struct cgroup_memory *memory, const struct cgroup *own)
{
	const struct controller *c = own->is_v1 ? &v1 : &v2;
	struct cgroup at = *own;
	char text[4096];

	*memory = (struct cgroup_memory){ .limit = NAN, .used = NAN, .oom_kills = NAN };
	if (cgroup_read(own, c->events, text, sizeof(text)) == 0)
		memory->oom_kills = host_field(text, "oom_kill");
	for (unsigned depth = 0; depth < CGROUP_DEPTH_MAX; depth++) {
		look_at(memory, c, &at);
		if (!cgroup_up(&at))
			return;
	}
}

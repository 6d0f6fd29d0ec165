/* The memory of this host, and of the group that this daemon lives in.  Kernel files only. */
#include <math.h>
#include <stdio.h>

#include "base/str.h"
#include "probes/facts/fact.h"
#include "probes/host_file.h"
#include "probes/memory_files.h"

#define TEXT_MAX 16384

enum key {
	KEY_TOTAL,
	KEY_AVAILABLE,
	KEY_USED,
	KEY_SWAP,
	KEY_CGROUP,
	KEY_CGROUP_LIMIT,
	KEY_CGROUP_USED,
	KEY_TMPFS,
	KEY_CACHE,
};

static const struct metric_desc keys[] = {
	{ "total_bytes", METRIC_GAUGE, UNIT_BYTES, "Memory of the host." },
	{ "available_bytes", METRIC_GAUGE, UNIT_BYTES, "What programs can still get." },
	{ "used_percent", METRIC_GAUGE, UNIT_PERCENT, "Total less available." },
	{ "swap_percent", METRIC_GAUGE, UNIT_PERCENT, "Swap in use; not known without swap." },
	{ "cgroup", METRIC_FLAG, UNIT_BOOL, "The group that this daemon lives in has a limit." },
	{ "cgroup_limit_bytes", METRIC_GAUGE, UNIT_BYTES, "That limit." },
	{ "cgroup_used_bytes", METRIC_GAUGE, UNIT_BYTES, "What the group uses of it." },
	{ "tmpfs_bytes", METRIC_GAUGE, UNIT_BYTES,
		"Held by files in memory (tmpfs) and by memory that processes share." },
	{ "cache_bytes", METRIC_GAUGE, UNIT_BYTES, "Copies of files, which can be dropped." },
	{ .name = NULL },
};

static void
say_group(struct fact_run *run)
{
	struct cgroup_memory group;
	struct cgroup own;
	char used[32], limit[32];

	fact_number(run, KEY_CGROUP, 0);
	if (!cgroup_find_own(&own, "memory"))
		return;
	cgroup_memory_read(&group, &own);
	if (isnan(group.limit))
		return;
	fact_number(run, KEY_CGROUP, 1);
	fact_number(run, KEY_CGROUP_LIMIT, group.limit);
	fact_number(run, KEY_CGROUP_USED, group.used);
	metric_format(group.used, UNIT_BYTES, used, sizeof(used));
	metric_format(group.limit, UNIT_BYTES, limit, sizeof(limit));
	fact_line(run, "our own group uses %s of its %s", used, limit);
}

static void
start(struct fact_run *run)
{
	struct meminfo info;
	struct err e;
	char text[TEXT_MAX], total[32], left[32], shared[32], used[32];
	double percent, tmpfs;

	if (host_read_shared(fact_env(run), "proc/meminfo", text, sizeof(text), &e) < 0 ||
		meminfo_parse(&info, text, &e) < 0) {
		fact_missed(run, "%s", e.text);
		return;
	}
	percent = (info.total - info.available) * 100 / info.total;
	tmpfs = host_field(text, "Shmem") * 1024;
	fact_number(run, KEY_TOTAL, info.total);
	fact_number(run, KEY_AVAILABLE, info.available);
	fact_number(run, KEY_USED, percent);
	fact_number(run, KEY_TMPFS, tmpfs);
	fact_number(run, KEY_CACHE, host_field(text, "Cached") * 1024 - tmpfs);
	metric_format(info.total, UNIT_BYTES, total, sizeof(total));
	metric_format(info.available, UNIT_BYTES, left, sizeof(left));
	metric_format(percent, UNIT_PERCENT, used, sizeof(used));
	fact_line(run, "%s of %s used, %s available", used, total, left);
	if (info.swap_total > 0) {
		double swap = (info.swap_total - info.swap_free) * 100 / info.swap_total;

		fact_number(run, KEY_SWAP, swap);
		metric_format(info.swap_total, UNIT_BYTES, total, sizeof(total));
		metric_format(swap, UNIT_PERCENT, used, sizeof(used));
		fact_line(run, "%s of %s swap used", used, total);
	} else {
		fact_line(run, "there is no swap");
	}
	if (tmpfs > info.total / 20) {
		metric_format(tmpfs, UNIT_BYTES, shared, sizeof(shared));
		fact_line(run, "%s are files in memory (tmpfs) or shared", shared);
	}
	say_group(run);
	fact_had(run);
}

const struct fact_type fact_type_memory = {
	.name = "memory",
	.summary = "The memory of this host, its swap, and the limit of the group that this daemon "
		   "lives in.",
	.keys = keys,
	.is_host = true,
	.is_near = true,
	.start = start,
};

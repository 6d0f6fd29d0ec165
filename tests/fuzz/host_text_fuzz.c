/* The kernel's text files, as they are or not: whatever the bytes, the parsers end and stay inside.
 */
#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "probes/cgroup.h"
#include "probes/cpu_files.h"
#include "probes/diskstats.h"
#include "probes/host_file.h"
#include "probes/memory_files.h"
#include "probes/network_files.h"
#include "probes/pressure.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_cgroup(const char *text)
{
	static const char *const controllers[] = { "memory", "cpu", "" };
	struct cgroup cg;

	for (size_t i = 0; i < sizeof(controllers) / sizeof(controllers[0]); i++) {
		if (!cgroup_find(&cg, controllers[i], "/nonexistent", text))
			continue;
		assert(strlen(cg.path) < CGROUP_PATH_MAX);
		while (cgroup_up(&cg))
			;
		assert(cg.path[0] == '\0');
	}
}

static void
read_network(const char *text)
{
	const char *at = text;
	struct netdev dev;
	unsigned low, high;
	double value;

	while (netdev_next(&dev, &at))
		assert(strlen(dev.name) < NETWORK_NAME_MAX && strchr(dev.name, '/') == NULL);
	assert(*at == '\0');
	value = snmp_value(text, "Tcp", "OutSegs");
	assert(isnan(value) || isfinite(value));
	value = sockstat_value(text, "TCP", "inuse");
	assert(isnan(value) || isfinite(value));
	conntrack_entries(text);
	if (port_range_parse(text, &low, &high) == 0)
		assert(low > 0 && low <= high && high <= 65535);
}

static void
read_cpu(const char *text)
{
	static const struct cpu_ticks before = { .user = 100, .idle = 100, .iowait = 5 };
	struct cpu_ticks ticks;
	struct cpu_share share;
	struct loadavg avg;

	cpu_cores_parse(text);
	cpu_max_parse(text);
	loadavg_parse(&avg, text);
	if (!cpu_ticks_parse(&ticks, text))
		return;
	share = cpu_share_between(&before, &ticks);
	assert(isnan(share.used_percent) ||
		(share.used_percent >= 0 && share.used_percent <= 100.001));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pressure_last last = { .at_us = 1, .total_us = 5 };
	struct diskstats disk;
	struct meminfo memory;
	char *text = malloc(size + 1);
	double percent;

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	percent = pressure_percent(&last, text, "some", 1000);
	assert(isnan(percent) || percent <= 100 || last.total_us < 5);
	meminfo_parse(&memory, text, NULL);
	diskstats_parse(&disk, text, 254, 1);
	read_cpu(text);
	read_network(text);
	read_cgroup(text);
	free(text);
	return 0;
}

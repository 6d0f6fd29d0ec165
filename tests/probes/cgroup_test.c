/* Control groups: where our own is, in every layout that is met, and what memory and cpu say there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/cgroup.h"
#include "probes/cpu_files.h"
#include "probes/memory_files.h"
#include "tests/help/host_root.h"

static bool
find(const struct host *h, struct cgroup *cg, const char *controller, const char *self)
{
	char root[128];

	snprintf(root, sizeof(root), "%s/cg", h->root);
	return cgroup_find(cg, controller, root, self);
}

static struct cgroup_memory
memory_of(const struct host *h, const char *self)
{
	struct cgroup_memory memory = { NAN, NAN, NAN };
	struct cgroup own;

	if (find(h, &own, "memory", self))
		cgroup_memory_read(&memory, &own);
	return memory;
}

static struct cgroup_cpu
cpu_of(const struct host *h, const char *self)
{
	struct cgroup_cpu cpu = { NAN, NAN, NAN, NAN };
	struct cgroup own;

	if (find(h, &own, "cpu", self))
		cgroup_cpu_read(&cpu, &own);
	return cpu;
}

static void
reads_memory_of_v2(void **state)
{
	struct host *h = *state;
	struct cgroup_memory m;

	host_put(h, "cg/system.slice/memory.max", "1000000\n");
	host_put(h, "cg/system.slice/memory.current", "700000\n");
	host_put(h, "cg/system.slice/memory.stat", "anon 1\ninactive_file 200000\n");
	host_put(h, "cg/system.slice/x.service/memory.max", "max\n");
	host_put(h, "cg/system.slice/x.service/memory.current", "5\n");
	host_put(h, "cg/system.slice/x.service/memory.events", "low 0\noom 4\noom_kill 2\n");
	m = memory_of(h, "0::/system.slice/x.service\n");
	assert_true(m.limit == 1000000); /* the slice's, as the service has none */
	assert_true(m.used == 500000);   /* droppable cache is not used */
	assert_true(m.oom_kills == 2);
}

static void
takes_the_tightest_limit(void **state)
{
	struct host *h = *state;
	struct cgroup_memory m;

	host_put(h, "cg/a/memory.max", "1000\n");
	host_put(h, "cg/a/memory.current", "900\n");
	host_put(h, "cg/a/b/memory.max", "2000\n");
	host_put(h, "cg/a/b/memory.current", "100\n");
	m = memory_of(h, "0::/a/b\n");
	assert_true(m.limit == 1000);
	assert_true(m.used == 900);
}

static void
reads_memory_of_v1_in_a_container(void **state)
{
	struct host *h = *state;
	struct cgroup_memory m;

	/* without a cgroup namespace the path is the host's, and is not there */
	host_put(h, "cg/memory/memory.limit_in_bytes", "4096\n");
	host_put(h, "cg/memory/memory.usage_in_bytes", "2048\n");
	host_put(
		h, "cg/memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 7\n");
	m = memory_of(h, "9:name=systemd:/docker/abc\n4:cpu,memory:/docker/abc\n0::/docker/abc\n");
	assert_true(m.limit == 4096);
	assert_true(m.used == 2048);
	assert_true(m.oom_kills == 7);
}

static void
a_path_outside_our_namespace_is_its_top(void **state)
{
	struct host *h = *state;

	host_put(h, "cg/memory.max", "4096\n");
	host_put(h, "cg/memory.current", "1024\n");
	assert_true(memory_of(h, "0::/../../x\n").limit == 4096);
	assert_true(memory_of(h, "0::/\n").limit == 4096);
}

static void
hybrid_has_each_controller_in_one_place(void **state)
{
	struct host *h = *state;
	struct cgroup own;
	char path[1400];

	host_put(h, "cg/unified/a/cgroup.procs", "");
	host_put(h, "cg/memory/a/memory.limit_in_bytes", "4096\n");
	assert_true(find(h, &own, "memory", "3:memory:/a\n0::/a\n"));
	assert_true(own.is_v1);
	assert_true(find(h, &own, "cpu", "3:memory:/a\n0::/a\n"));
	assert_false(own.is_v1);
	cgroup_file(&own, "cpu.max", path, sizeof(path));
	assert_non_null(strstr(path, "/cg/unified/a/cpu.max"));
}

static void
no_limit_is_no_number(void **state)
{
	static const char *const selves[] = { "4:memory:/\n", "0::/\n", "nonsense\n", "", ":",
		"::", ":::\n", "4:memory", "\n\n\n" };
	struct host *h = *state;

	host_put(h, "cg/memory/memory.limit_in_bytes", "9223372036854771712\n");
	host_put(h, "cg/memory/memory.usage_in_bytes", "2048\n");
	for (size_t i = 0; i < sizeof(selves) / sizeof(selves[0]); i++) {
		assert_true(isnan(memory_of(h, selves[i]).limit));
		assert_true(isnan(cpu_of(h, selves[i]).cores));
	}
}

static void
reads_cpu_of_v2(void **state)
{
	struct host *h = *state;
	struct cgroup_cpu c;

	host_put(h, "cg/a/cpu.max", "50000 100000\n");
	host_put(h, "cg/a/cpu.stat", "usage_usec 900\nnr_periods 100\nnr_throttled 25\n");
	host_put(h, "cg/a/b/cpu.max", "max 100000\n");
	host_put(h, "cg/a/b/cpu.stat", "usage_usec 1\nnr_periods 0\nnr_throttled 0\n");
	c = cpu_of(h, "0::/a/b\n");
	assert_true(c.cores == 0.5);
	assert_true(c.periods == 100 && c.throttled == 25 && c.used_us == 900);
}

static void
reads_cpu_of_v1(void **state)
{
	struct host *h = *state;
	struct cgroup_cpu c;

	/* paired with cpuacct, and without a link of its own name */
	host_put(h, "cg/cpu,cpuacct/a/cpu.cfs_quota_us", "150000\n");
	host_put(h, "cg/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
	host_put(h, "cg/cpu,cpuacct/a/cpu.stat", "nr_periods 8\nnr_throttled 2\n");
	c = cpu_of(h, "2:cpu,cpuacct:/a\n");
	assert_true(c.cores == 1.5);
	assert_true(c.periods == 8 && c.throttled == 2);
	host_put(h, "cg/cpu,cpuacct/a/cpu.cfs_quota_us", "-1\n");
	assert_true(isnan(cpu_of(h, "2:cpu,cpuacct:/a\n").cores));
}

static void
reads_quotas(void **state)
{
	(void)state;
	assert_true(cpu_max_parse("200000 100000\n") == 2);
	assert_true(isnan(cpu_max_parse("max 100000\n")));
	assert_true(isnan(cpu_max_parse("100000 0\n")));
	assert_true(isnan(cpu_max_parse("-1 100000\n")));
	assert_true(isnan(cpu_max_parse("nan inf\n")));
	assert_true(isnan(cpu_max_parse("")));
}

#define T(f) cmocka_unit_test_setup_teardown(f, host_set_up, host_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(reads_memory_of_v2),
		T(takes_the_tightest_limit),
		T(reads_memory_of_v1_in_a_container),
		T(a_path_outside_our_namespace_is_its_top),
		T(hybrid_has_each_controller_in_one_place),
		T(no_limit_is_no_number),
		T(reads_cpu_of_v2),
		T(reads_cpu_of_v1),
		cmocka_unit_test(reads_quotas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

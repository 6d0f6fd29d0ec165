/* Memory: kernel files as they are written by several kernels, and the probe on a made-up host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/memory_files.h"
#include "tests/help/probe_bench.h"

static const char meminfo[] = "MemTotal:        8000000 kB\n"
			      "MemFree:          100000 kB\n"
			      "MemAvailable:    2000000 kB\n"
			      "SwapCached:            0 kB\n"
			      "SwapTotal:       1000000 kB\n"
			      "SwapFree:         750000 kB\n";

static const char vmstat[] = "nr_free_pages 25000\noom_kill_other 9\noom_kill 3\n";

static const char pressure[] = "some avg10=1.50 avg60=0.20 avg300=0.00 total=5000000\n"
			       "full avg10=0.50 avg60=0.10 avg300=0.00 total=1000000\n";

/* A tree of files that looks like a host. */
struct host {
	char root[64];
	struct bench bench;
};

static void
put(const struct host *h, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", h->root, name);
	for (char *at = strchr(path + strlen(h->root) + 1, '/'); at != NULL;
		at = strchr(at + 1, '/')) {
		*at = '\0';
		mkdir(path, 0755);
		*at = '/';
	}
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int
set_up(void **state)
{
	struct host *h = calloc(1, sizeof(*h));

	strcpy(h->root, "/tmp/triaged-host-XXXXXX");
	assert_non_null(mkdtemp(h->root));
	bench_open(&h->bench, BENCH_FAKE);
	h->bench.env.host_root = h->root;
	put(h, "proc/meminfo", meminfo);
	put(h, "proc/vmstat", vmstat);
	put(h, "proc/pressure/memory", pressure);
	assert_int_equal(bench_configure(&h->bench, "memory", "{}"), 0);
	*state = h;
	return 0;
}

static int
tear_down(void **state)
{
	struct host *h = *state;
	char command[128];

	bench_close(&h->bench);
	snprintf(command, sizeof(command), "rm -r %s", h->root);
	assert_int_equal(system(command), 0);
	free(h);
	return 0;
}

static void
finds_fields_at_line_starts_only(void **state)
{
	(void)state;
	assert_true(memory_field(vmstat, "oom_kill") == 3);
	assert_true(memory_field(meminfo, "MemTotal") == 8000000);
	assert_true(isnan(memory_field(meminfo, "Mem")));
	assert_true(isnan(memory_field(meminfo, "Total")));
	assert_true(isnan(memory_field("oom_kill x\n", "oom_kill")));
	assert_true(isnan(memory_field("oom_kill", "oom_kill")));
	assert_true(isnan(memory_field("", "oom_kill")));
}

static void
reads_pressure(void **state)
{
	struct pressure p;

	(void)state;
	assert_true(pressure_parse(&p, pressure, "full"));
	assert_true(p.avg10_percent == 0.5);
	assert_true(p.total_us == 1000000);
	assert_false(pressure_parse(&p, "some avg10=x\n", "some"));
	assert_false(pressure_parse(&p, "", "some"));
}

static void
measures_the_host(void **state)
{
	struct host *h = *state;
	struct bench *b = &h->bench;

	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(bench_value(b, "used_percent") == 75);
	assert_true(bench_value(b, "available_bytes") == 2000000.0 * 1024);
	assert_true(bench_value(b, "swap_percent") == 25);
	assert_true(bench_value(b, "oom_kills_total") == 3);
	/* the first time: the kernel's own average */
	assert_true(bench_value(b, "pressure_some_percent") == 1.5);
	assert_true(bench_value(b, "pressure_full_percent") == 0.5);
	assert_true(strstr(b->sample.text, "75 % used") != NULL);
}

static void
pressure_is_the_share_between_runs(void **state)
{
	struct host *h = *state;
	struct bench *b = &h->bench;

	bench_run(b);
	loop_advance(b->loop, 10 * USEC_PER_SEC);
	put(h, "proc/pressure/memory",
		"some avg10=0.00 avg60=0.20 avg300=0.00 total=7000000\n"
		"full avg10=0.00 avg60=0.10 avg300=0.00 total=900000\n");
	bench_run(b);
	assert_true(fabs(bench_value(b, "pressure_some_percent") - 20) < 1e-6);
	assert_true(
		bench_value(b, "pressure_full_percent") == 0); /* went backwards: its own word */
}

static void
what_is_not_there_is_absent(void **state)
{
	struct host *h = *state;
	struct bench *b = &h->bench;

	put(h, "proc/meminfo",
		"MemTotal: 100 kB\nMemAvailable: 50 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n");
	put(h, "proc/vmstat", "nr_free_pages 1\n");
	bench_run(b);
	assert_true(bench_value(b, "used_percent") == 50);
	assert_true(isnan(bench_value(b, "swap_percent")));
	assert_true(isnan(bench_value(b, "oom_kills_total")));
}

static void
cannot_tell_without_numbers(void **state)
{
	struct host *h = *state;
	struct bench *b = &h->bench;

	put(h, "proc/meminfo", "MemTotal: 100 kB\n");
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_ERROR);
	assert_string_equal(bench_cause(b), "self.local");
	assert_true(isnan(bench_value(b, "used_percent")));
}

static void
reads_cgroup_v2(void **state)
{
	struct host *h = *state;
	struct cgroup_memory cg;

	put(h, "cg/system.slice/memory.max", "1000000\n");
	put(h, "cg/system.slice/memory.current", "700000\n");
	put(h, "cg/system.slice/memory.stat", "anon 1\ninactive_file 200000\n");
	put(h, "cg/system.slice/x.service/memory.max", "max\n");
	put(h, "cg/system.slice/x.service/memory.current", "5\n");
	put(h, "cg/system.slice/x.service/memory.events", "low 0\noom 4\noom_kill 2\n");
	strcat(h->root, "/cg");
	cgroup_memory_read(&cg, h->root, "0::/system.slice/x.service\n");
	h->root[strlen(h->root) - 3] = '\0';
	assert_true(cg.limit == 1000000); /* the slice's, as the service has none */
	assert_true(cg.used == 500000);   /* droppable cache is not used */
	assert_true(cg.oom_kills == 2);
}

static void
takes_the_tightest_limit(void **state)
{
	struct host *h = *state;
	struct cgroup_memory cg;

	put(h, "cg/a/memory.max", "1000\n");
	put(h, "cg/a/memory.current", "900\n");
	put(h, "cg/a/b/memory.max", "2000\n");
	put(h, "cg/a/b/memory.current", "100\n");
	strcat(h->root, "/cg");
	cgroup_memory_read(&cg, h->root, "0::/a/b\n");
	h->root[strlen(h->root) - 3] = '\0';
	assert_true(cg.limit == 1000);
	assert_true(cg.used == 900);
}

static void
reads_cgroup_v1_of_a_container(void **state)
{
	struct host *h = *state;
	struct cgroup_memory cg;

	/* without a cgroup namespace the path is the host's, and is not there */
	put(h, "cg/memory/memory.limit_in_bytes", "4096\n");
	put(h, "cg/memory/memory.usage_in_bytes", "2048\n");
	put(h, "cg/memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 7\n");
	strcat(h->root, "/cg");
	cgroup_memory_read(&cg, h->root,
		"9:name=systemd:/docker/abc\n4:cpu,memory:/docker/abc\n0::/docker/abc\n");
	h->root[strlen(h->root) - 3] = '\0';
	assert_true(cg.limit == 4096);
	assert_true(cg.used == 2048);
	assert_true(cg.oom_kills == 7);
}

static void
no_limit_is_no_number(void **state)
{
	struct host *h = *state;
	struct cgroup_memory cg;

	put(h, "cg/memory/memory.limit_in_bytes", "9223372036854771712\n");
	put(h, "cg/memory/memory.usage_in_bytes", "2048\n");
	strcat(h->root, "/cg");
	cgroup_memory_read(&cg, h->root, "4:memory:/\n");
	assert_true(isnan(cg.limit));
	cgroup_memory_read(&cg, h->root, "0::/\n");
	assert_true(isnan(cg.limit));
	cgroup_memory_read(&cg, h->root, "nonsense\n");
	assert_true(isnan(cg.limit));
	cgroup_memory_read(&cg, h->root, "");
	assert_true(isnan(cg.oom_kills));
	h->root[strlen(h->root) - 3] = '\0';
}

static void
works_on_this_host(void **state)
{
	struct host *h = *state;
	struct bench *b = &h->bench;

	b->env.host_root = "/";
	bench_run(b);
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_true(bench_value(b, "used_percent") > 0 && bench_value(b, "used_percent") < 100);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_fields_at_line_starts_only),
		cmocka_unit_test(reads_pressure),
		T(measures_the_host),
		T(pressure_is_the_share_between_runs),
		T(what_is_not_there_is_absent),
		T(cannot_tell_without_numbers),
		T(reads_cgroup_v2),
		T(takes_the_tightest_limit),
		T(reads_cgroup_v1_of_a_container),
		T(no_limit_is_no_number),
		T(works_on_this_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

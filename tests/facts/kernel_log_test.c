/* The kernel's words, from a fixture's /dev/kmsg: who was killed, what broke, and how long ago. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "io/fs.h"
#include "probes/facts/kernel_lines.h"
#include "tests/help/fact_bench.h"

static const char killed[] =
	"4,100,5000000,-;python invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0\n"
	" SUBSYSTEM=memory\n"
	"6,101,5000001,-;[    123]     0   123   524288   519045  4243456        0             0 "
	"python\n"
	"6,102,5000002,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/"
	",mems_allowed=0,"
	"oom_memcg=/docker/abc,task_memcg=/docker/abc/x,task=python,pid=123,uid=0\n"
	"3,103,5000003,-;Memory cgroup out of memory: Killed process 123 (python) "
	"total-vm:4194304kB, "
	"anon-rss:2076180kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:100kB oom_score_adj:0\n";

static void
a_kill_in_a_group(void **state)
{
	struct fact_bench *b = *state;

	host_put(b->host, "dev/kmsg", killed);
	host_put(b->host, "proc/uptime", "65.0 1.0\n");
	fact_bench_run(b, "kernel-log");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_number(b, "oom", 1);
	assert_fact_text(b, "oom_victim", "python");
	assert_fact_number(b, "oom_pid", 123);
	assert_fact_number(b, "oom_rss_bytes", 2076180.0 * 1024);
	assert_fact_text(b, "oom_scope", "cgroup");
	assert_fact_text(b, "oom_cgroup", "/docker/abc");
	assert_true(fabs(fact_bench_number(b, "oom_age") - 60) < 0.1);
	assert_fact_number(b, "io_error", 0);
	assert_non_null(strstr(b->fact.text, " ago: Memory cgroup out of memory"));
}

static void
what_is_old_is_over(void **state)
{
	struct fact_bench *b = *state;

	host_put(b->host, "dev/kmsg", killed);
	host_put(b->host, "proc/uptime", "1000.0 1.0\n");
	fact_bench_run(b, "kernel-log");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_number(b, "oom", 0);
	assert_fact_unknown(b, "oom_age");
	assert_non_null(strstr(b->fact.text, "nothing out of the ordinary"));
}

static struct kernel_news
read(const char *text)
{
	struct kernel_news news;

	kernel_lines_read(&news, text, strlen(text), 0);
	return news;
}

static void
kills_of_the_whole_host(void **state)
{
	struct kernel_news news =
		read("3,1,9,-;Out of memory: Killed process 77 (a (b) c) total-vm:9kB, "
		     "anon-rss:8kB, file-rss:1kB\n");

	(void)state;
	assert_true(news.oom && news.oom_pid == 77 && news.oom_scope == KERNEL_OOM_HOST);
	assert_string_equal(news.oom_victim, "a (b) c");
	assert_float_equal(news.oom_rss_bytes, 8192, 0.1);
	news = read(
		"6,1,9,-;oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,"
		"global_oom,task_memcg=/system.slice/redis.service,task=redis-server,pid=5,uid=1\n"
		"3,1,10,-;Out of memory: Killed process 5 (redis-server), UID 1, total-vm:9kB, "
		"anon-rss:8kB\n");
	assert_int_equal(news.oom_scope, KERNEL_OOM_HOST);
	assert_string_equal(news.oom_victim, "redis-server");
	assert_string_equal(news.oom_cgroup, "/system.slice/redis.service");
}

static void
disks(void **state)
{
	static const struct {
		const char *line, *device;
		bool is_read_only;
	} rows[] = {
		{ "blk_update_request: I/O error, dev sda, sector 123 op 0x0:(READ)", "sda",
			false },
		{ "Buffer I/O error on dev nvme0n1p2, logical block 7, async page read",
			"nvme0n1p2", false },
		{ "EXT4-fs error (device dm-0): ext4_find_entry:1455: inode #2: comm ls", "dm-0",
			false },
		{ "EXT4-fs (sdb1): Remounting filesystem read-only", "sdb1", true },
		{ "XFS (vdb): log I/O error -5", "vdb", false },
		{ "XFS (vdb): User initiated shutdown (0x2). Shutting down filesystem.", "vdb",
			true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[256];
		struct kernel_news news;

		snprintf(text, sizeof(text), "3,1,9,-;%s\n", rows[i].line);
		news = read(text);
		assert_true(news.io_error);
		assert_string_equal(news.io_device, rows[i].device);
		assert_int_equal(news.remounted_read_only, rows[i].is_read_only);
	}
}

static void
links_clocks_and_crashes(void **state)
{
	(void)state;
	assert_string_equal(
		read("6,1,1,-;igb 0000:01:00.0 eth0: igb: eth0 NIC Link is Down\n").link_down,
		"eth0");
	assert_string_equal(
		read("6,1,1,-;bond0: (slave eth1): link status definitely down, disabling slave\n"
		     "6,1,1,-;bond0: link status definitely down for interface eth1, disabling "
		     "it\n")
			.link_down,
		"eth1");
	assert_string_equal(read("6,1,1,-;e1000e 0000:00:1f.6 eno1: NIC Link is Down\n"
				 "6,2,2,-;e1000e 0000:00:1f.6 eno1: NIC Link is Up 1000 Mbps\n")
				    .link_down,
		"");
	assert_string_equal(
		read("6,1,1,-;nginx[812]: segfault at 0 ip 00 sp 00 error 4 in nginx\n").segfault,
		"nginx");
	assert_string_equal(
		read("6,1,1,-;traps: app[9] general protection fault ip:7f sp:7f error:0\n")
			.segfault,
		"app");
	assert_true(read("4,1,1,-;clocksource: timekeeping watchdog on CPU0: Marking clocksource "
			 "'tsc' as unstable because the skew is too large:\n")
			    .time_jump);
	assert_false(read("no record at all\n6,1;x\n;\n").oom);
}

static void
this_kernel(void **state)
{
	struct fact_bench *b = *state;

	fact_bench_run(b, "kernel-log");
	assert_true(b->fact.end == FACT_HAD || b->fact.end == FACT_MISSED);
	assert_true(strlen(b->fact.text) > 0);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_kill_in_a_group, fact_bench_set_up_host, fact_bench_tear_down),
		cmocka_unit_test_setup_teardown(
			what_is_old_is_over, fact_bench_set_up_host, fact_bench_tear_down),
		cmocka_unit_test(kills_of_the_whole_host),
		cmocka_unit_test(disks),
		cmocka_unit_test(links_clocks_and_crashes),
		cmocka_unit_test_setup_teardown(
			this_kernel, fact_bench_set_up, fact_bench_tear_down),
	};

	if (argc == 2 && strcmp(argv[1], FS_HELPER_ARG) == 0)
		return fs_helper_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

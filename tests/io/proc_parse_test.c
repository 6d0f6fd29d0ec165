/* The files of a process, whatever it calls itself; packing, and values that stay where they are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "io/proc_wire.h"
#include "io/procs.h"

#define STAT(comm) "7 (" comm ") S 1 7 7 0 -1 0 9 0 0 0 50 60 0 0 20 0 3 0 1210 3133440 390 184"

static void
assert_comm(const char *text, const char *comm)
{
	struct proc proc = { .pid = 0 };

	assert_true(proc_parse_stat(&proc, text, strlen(text)));
	assert_string_equal(proc.comm, comm);
	assert_int_equal(proc.pid, 7);
	assert_int_equal(proc.ppid, 1);
	assert_int_equal(proc.state, 'S');
	assert_int_equal(proc.cpu_ticks, 110);
	assert_int_equal(proc.threads, 3);
	assert_int_equal(proc.start_ticks, 1210);
	assert_int_equal(proc.rss_pages, 390);
}

static void
a_name_may_hold_anything(void **state)
{
	(void)state;
	assert_comm(STAT("nginx"), "nginx");
	assert_comm(STAT("a b"), "a b");
	assert_comm(STAT(") Z 0 0"), ") Z 0 0");
	assert_comm(STAT("((x)"), "((x)");
	assert_comm(STAT("x\ny"), "x\ny");
	assert_comm(STAT(""), "");
}

static void
what_is_broken_is_refused(void **state)
{
	static const char *const broken[] = { "", "7", "7 (x", "7 x) S", "7 (x)", "7 (x) ",
		"7 (x) S 1 7 7", "(x) S 1", ")x(7" };
	struct proc proc;

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		assert_false(proc_parse_stat(&proc, broken[i], strlen(broken[i])));
}

static void
reads_the_rest(void **state)
{
	static const char env[] = "AB=0\0A=1\0=x\0EMPTY=\0A=2\0LAST=end";
	struct proc proc = { .pid = 0 };
	uint64_t number;
	uint32_t id;
	size_t len;

	(void)state;
	assert_true(proc_parse_uid(&id, "Name:\tx\nUid:\t1\t2\t3\t4\n"));
	assert_int_equal(id, 2);
	assert_false(proc_parse_uid(&id, "Name:\tUid:\t1\t2\n"));
	proc_parse_cmdline(&proc, "a\0b c\0\0", 7);
	assert_string_equal(proc.cmdline, "a\nb c");
	proc_parse_cgroup(&proc, "9:cpu:/\n4:memory:/a:b/c\n0::/\n");
	assert_string_equal(proc.cgroup, "/a:b/c");
	proc_parse_cgroup(&proc, "0::/\n");
	assert_string_equal(proc.cgroup, "/");
	assert_true(proc_parse_nofile(&number, "Max open files   1024    4096   files\n"));
	assert_int_equal(number, 1024);
	assert_true(proc_parse_nofile(&number, "Max open files   unlimited   unlimited\n"));
	assert_true(number == UINT64_MAX);
	assert_true(proc_parse_socket(&number, "socket:[42]"));
	assert_false(proc_parse_socket(&number, "pipe:[42]"));
	assert_false(proc_parse_pid(&id, "0"));
	assert_false(proc_parse_pid(&id, "12a"));
	assert_memory_equal(proc_find_env(env, sizeof(env), "A", &len), "1", 1);
	assert_int_equal(len, 1);
	assert_non_null(proc_find_env(env, sizeof(env), "EMPTY", &len));
	assert_int_equal(len, 0);
	assert_null(proc_find_env(env, sizeof(env), "B", &len));
	assert_non_null(proc_find_env(env, sizeof(env) - 1, "LAST", &len));
	assert_int_equal(len, 3);
}

static void
packs_and_unpacks(void **state)
{
	struct proc in = { .pid = 7, .state = 'D', .rss_pages = 3, .has_cmdline = true }, out;
	char data[4096];
	size_t len = 0, at = 0;
	unsigned packed = 0;

	(void)state;
	strcpy(in.comm, "x");
	memset(in.cmdline, 'c', sizeof(in.cmdline) - 1);
	strcpy(in.cgroup, "/g");
	while (proc_pack(data, sizeof(data), &len, &in))
		packed++;
	assert_int_equal(packed, 3);
	while (proc_unpack(data, len, &at, &out))
		packed--;
	assert_int_equal(packed, 0);
	assert_int_equal(at, len);
	assert_string_equal(out.cmdline, in.cmdline);
	assert_string_equal(out.cgroup, "/g");
	assert_int_equal(out.state, 'D');
	at = 0;
	assert_false(proc_unpack(data, 40, &at, &out));
	at = len + 1;
	assert_false(proc_unpack(data, len, &at, &out));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_may_hold_anything),
		cmocka_unit_test(what_is_broken_is_refused),
		cmocka_unit_test(reads_the_rest),
		cmocka_unit_test(packs_and_unpacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What changed a moment ago near a check, in a fixture's tree; old things are not told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/fs.h"
#include "tests/facts/put_process.h"
#include "tests/help/fact_bench.h"

/* The bench's clock stands in 2023 and the files' real times lie after it: turn it to now. */
static void
come_to_now(struct fact_bench *b)
{
	struct clock real;

	clock_init_real(&real);
	b->probe->clock.fake_wall_us = clock_wall(&real);
}

static void
age_file(const struct fact_bench *b, const char *name, unsigned minutes)
{
	char path[256];
	struct timespec times[2];

	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[0].tv_sec -= minutes * 60;
	times[1] = times[0];
	snprintf(path, sizeof(path), "%s/%s", b->host->root, name);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void
files_of_this_server(void **state)
{
	struct fact_bench *b = *state;

	host_put(b->host, "etc/redis/redis.conf", "maxmemory 1gb\n");
	host_put(b->host, "etc/unrelated/thing.conf", "x\n");
	host_put(b->host, "proc/uptime", "90000 1\n");
	b->check.type = "redis";
	come_to_now(b);
	fact_bench_run(b, "changes");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_number(b, "any", 1);
	assert_fact_text(b, "config", "/etc/redis/redis.conf");
	assert_true(fact_bench_number(b, "config_age") < 100);
	assert_fact_number(b, "boot_age", 90000);
	assert_null(strstr(b->fact.text, "unrelated"));
	assert_fact_text(b, "package", "");
}

static void
packages(void **state)
{
	struct fact_bench *b = *state;

	host_put(b->host, "proc/uptime", "90000 1\n");
	host_put(b->host, "var/log/dpkg.log",
		"2026-01-02 03:04:05 upgrade libssl3:amd64 3.0.1 3.0.2\n"
		"2026-01-02 03:04:06 upgrade nginx:amd64 1.18.0-1 1.20.2-1\n"
		"2026-01-02 03:04:07 status installed nginx:amd64 1.20.2-1\n");
	come_to_now(b);
	fact_bench_run(b, "changes");
	assert_fact_text(b, "package", "nginx 1.20.2-1 (upgrade)");
	assert_true(fact_bench_number(b, "package_age") < 100);
	age_file(b, "var/log/dpkg.log", 20);
	fact_bench_run(b, "changes");
	assert_fact_text(b, "package", "");
	assert_fact_number(b, "any", 0);
	assert_non_null(strstr(b->fact.text, "nothing that is looked at changed"));
}

static void
services_and_a_boot(void **state)
{
	struct fact_bench *b = *state;

	host_put(b->host, "proc/uptime", "600 1\n");
	put_process(b->host, &(struct made_process){ 1, "init", 1, 1, 1 });
	put_process(b->host, &(struct made_process){ 20, "nginx", 1, 100, 1 });
	host_put(b->host, "proc/20/cgroup", "0::/system.slice/nginx.service\n");
	put_process(b->host, &(struct made_process){ 30, "app", 1, 54000, 1 });
	host_put(b->host, "proc/30/cgroup", "0::/system.slice/app.service\n");
	come_to_now(b);
	fact_bench_run(b, "changes");
	assert_fact_text(b, "unit", "app.service");
	assert_fact_number(b, "unit_age", 60);
	assert_fact_number(b, "boot_age", 600);
	assert_non_null(strstr(b->fact.text, "this host was booted"));
}

static void
beside_the_data(void **state)
{
	struct fact_bench *b = *state;

	host_put(b->host, "proc/uptime", "90000 1\n");
	host_put(b->host, "srv/pg/pg_hba.conf", "x\n");
	host_put(b->host, "srv/pg/base/1/data", "x\n");
	xstrset(&b->subject.data_dir, "/srv/pg");
	come_to_now(b);
	fact_bench_run(b, "changes");
	assert_fact_text(b, "config", "/srv/pg/pg_hba.conf");
}

/* The working directory is the data's folder: each file once, by the path that means something. */
static void
beside_the_data_and_where_it_works(void **state)
{
	struct fact_bench *b = *state;
	char cwd[256], link_path[256];

	host_put(b->host, "proc/uptime", "90000 1\n");
	host_put(b->host, "srv/pg/pg_hba.conf", "x\n");
	put_process(b->host, &(struct made_process){ 40, "postgres", 1, 100, 1 });
	snprintf(cwd, sizeof(cwd), "%s/srv/pg", b->host->root);
	snprintf(link_path, sizeof(link_path), "%s/proc/40/cwd", b->host->root);
	assert_int_equal(symlink(cwd, link_path), 0);
	b->subject.pid = 40;
	b->subject.is_local = true;
	come_to_now(b);
	fact_bench_run(b, "changes"); /* where the data lie is not known */
	assert_fact_text(b, "config", "pg_hba.conf in the working directory of pid 40");
	xstrset(&b->subject.data_dir, "/srv/pg");
	fact_bench_run(b, "changes");
	assert_fact_text(b, "config", "/srv/pg/pg_hba.conf");
	assert_null(strstr(b->fact.text, "working directory"));
}

#define HOST(test)                                                                                 \
	cmocka_unit_test_setup_teardown(test, fact_bench_set_up_host, fact_bench_tear_down)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		HOST(files_of_this_server),
		HOST(packages),
		HOST(services_and_a_boot),
		HOST(beside_the_data),
		HOST(beside_the_data_and_where_it_works),
	};

	if (argc == 2 && strcmp(argv[1], FS_HELPER_ARG) == 0)
		return fs_helper_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

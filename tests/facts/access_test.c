/* May it be written?  Real files in a folder, and a mounted host's users. */
#include "tests/facts/process_scene.h"

#include <sys/stat.h>

static void
tells_whose_a_file_is(void **state)
{
	struct fact_bench *b = *state;
	char path[128], yaml[256];

	host_put(b->host, "etc/passwd", "app:x:4242:4242::/:/bin/sh\n");
	host_put(b->host, "data/db.sqlite", "x");
	snprintf(path, sizeof(path), "%s/data/db.sqlite", b->host->root);
	chmod(path, 0640);
	chmod(b->host->root, 0755);
	fact_bench_check(b, "file", "path: /data/db.sqlite\nwritable_by: app");
	fact_bench_run(b, "access");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_text(b, "path", "/data/db.sqlite");
	assert_fact_number(b, "exists", 1);
	assert_fact_number(b, "is_folder", 0);
	assert_fact_text(b, "mode", "0640");
	assert_fact_text(b, "user", "app");
	assert_fact_number(b, "writable", 0);
	assert_fact_number(b, "read_only", 0);
	assert_fact_number(b, "immutable", 0);
	assert_non_null(strstr(b->fact.text, "app may not write it"));
	chmod(path, 0666);
	fact_bench_run(b, "access");
	assert_fact_number(b, "writable", 1);
	/* A folder on the way that lets nobody pass. */
	snprintf(yaml, sizeof(yaml), "%s/data", b->host->root);
	chmod(yaml, 0700);
	fact_bench_run(b, "access");
	assert_fact_number(b, "writable", 0);
	assert_fact_text(b, "blocked_at", "/data");
	chmod(yaml, 0755);
}

static void
tells_what_is_not_there(void **state)
{
	struct fact_bench *b = *state;

	host_put(b->host, "data/here", "x");
	fact_bench_check(b, "file", "path: /data/not-here");
	fact_bench_run(b, "access");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_number(b, "exists", 0);
	assert_fact_number(b, "parent_exists", 1);
	fact_bench_check(b, "file", "path: /nowhere/not-here");
	fact_bench_run(b, "access");
	assert_fact_number(b, "parent_exists", 0);
	fact_bench_check(b, "tcp", "address: 127.0.0.1:9");
	fact_bench_run(b, "access");
	assert_int_equal(b->fact.end, FACT_NONE);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fact_bench_set_up_host, scene_tear_down)

SCENE_MAIN(T(tells_whose_a_file_is), T(tells_what_is_not_there))

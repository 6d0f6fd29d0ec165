/* The last lines and what they are about; a writer that holds another file than the one there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/fs.h"
#include "probes/facts/log_class.h"
#include "tests/help/fact_bench.h"

static const char *
class_of(const char *line)
{
	const char *lines[] = { "starting", line, "bye" };
	size_t which = 9;
	const char *class = log_class_find(lines, 3, &which);

	assert_true(class[0] == '\0' || which == 1);
	return class;
}

static void
classes(void **state)
{
	static const struct {
		const char *line, *class;
	} rows[] = {
		{ "listen tcp :3000: bind: Address already in use", "port-in-use" },
		{ "[FATAL] failed to initialize database: dial tcp 10.0.0.4:5432: connect: "
		  "connection refused",
			"db-connect" },
		{ "FATAL: password authentication failed for user \"app\"", "db-auth" },
		{ "[FATAL] Redis ping test failed: dial tcp [::1]:6379: connect: connection "
		  "refused",
			"redis-ping" },
		{ "failed to parse Redis connection string", "redis-url" },
		{ "Please set SESSION_SECRET to some random string", "session-secret" },
		{ "open /data/app.db: permission denied", "permission" },
		{ "Error: Cannot find module 'express'", "package-missing" },
		{ "ModuleNotFoundError: No module named 'fastapi'", "package-missing" },
		{ "OOM command not allowed when used memory > 'maxmemory'.", "oom" },
		{ "nginx: [emerg] unknown directive \"lisen\" in /etc/nginx/nginx.conf:3",
			"config" },
		{ "write /data/x: No space left on device", "disk-full" },
		{ "(1040) Too many connections", "too-many-connections" },
		{ "ERROR: relation \"pets\" does not exist", "migration" },
		{ "panic: runtime error: index out of range", "panic" },
		{ "GET / 200", "" },
	};
	/* the special row wins over the general one, wherever their lines stand */
	const char *lines[] = { "bind: address already in use", "panic: cannot listen" };
	size_t which = 9;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(class_of(rows[i].line), rows[i].class);
	assert_string_equal(log_class_find(lines, 2, &which), "port-in-use");
	assert_int_equal(which, 0);
	assert_string_equal(log_class_find(NULL, 0, &which), "");
	/* of an earlier start */
	lines[0] = "bind: Address already in use";
	lines[1] = "LOG:  database system is ready to accept connections";
	assert_string_equal(log_class_find(lines, 2, &which), "");
}

static void
a_servers_log(void **state)
{
	struct fact_bench *b = *state;
	char text[4096] = "";

	for (int i = 0; i < 30; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "line %d\n", i);
	strcat(text, "FATAL: bind: address already in use\nexit\n");
	host_put(b->host, "var/log/app.log", text);
	xstrset(&b->subject.log_path, "/var/log/app.log");
	fact_bench_run(b, "log-tail");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_number(b, "lines", 20);
	assert_fact_text(b, "last", "exit");
	assert_fact_text(b, "class", "port-in-use");
	assert_fact_text(b, "match", "FATAL: bind: address already in use");
	assert_fact_text(b, "source", "/var/log/app.log");
	assert_fact_number(b, "last_age", 0); /* the bench's clock stands before the file's */
	assert_fact_unknown(b, "deleted_inode");
}

static void
a_long_log(void **state)
{
	struct fact_bench *b = *state;
	char *text = calloc(1, 70000);

	memset(text, 'x', 60000);
	strcat(text, "\nthe end\n");
	host_put(b->host, "var/log/app.log", text);
	free(text);
	xstrset(&b->subject.log_path, "/var/log/app.log");
	fact_bench_run(b, "log-tail");
	assert_fact_number(b, "lines", 1);
	assert_fact_text(b, "last", "the end");
}

static void
nothing_is_known(void **state)
{
	struct fact_bench *b = *state;

	fact_bench_run(b, "log-tail");
	assert_int_equal(b->fact.end, FACT_NONE);
	xstrset(&b->subject.log_path, "/var/log/gone.log");
	fact_bench_run(b, "log-tail");
	assert_int_equal(b->fact.end, FACT_MISSED);
	assert_non_null(strstr(b->fact.text, "gone.log"));
}

static void
a_writer_of_the_old_file(void **state)
{
	struct fact_bench *b = *state;
	char path[] = "/tmp/triaged-tail-XXXXXX", renamed[64];
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "one\n", 4), 4);
	xstrset(&b->subject.log_path, path);
	fact_bench_run(b, "log-tail");
	assert_fact_number(b, "deleted_inode", 0);
	/* rotated, and nobody told the writer */
	snprintf(renamed, sizeof(renamed), "%s.1", path);
	assert_int_equal(rename(path, renamed), 0);
	close(open(path, O_WRONLY | O_CREAT, 0600));
	fact_bench_run(b, "log-tail");
	assert_fact_number(b, "deleted_inode", 1);
	assert_fact_number(b, "holder_pid", getpid());
	assert_non_null(strstr(b->fact.text, ".1, not to this file"));
	unlink(renamed);
	fact_bench_run(b, "log-tail");
	assert_fact_number(b, "deleted_inode", 1);
	assert_non_null(strstr(b->fact.text, "which was deleted"));
	close(fd);
	unlink(path);
}

#define HOST(test)                                                                                 \
	cmocka_unit_test_setup_teardown(test, fact_bench_set_up_host, fact_bench_tear_down)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes),
		HOST(a_servers_log),
		HOST(a_long_log),
		HOST(nothing_is_known),
		cmocka_unit_test_setup_teardown(
			a_writer_of_the_old_file, fact_bench_set_up, fact_bench_tear_down),
	};

	if (argc == 2 && strcmp(argv[1], FS_HELPER_ARG) == 0)
		return fs_helper_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

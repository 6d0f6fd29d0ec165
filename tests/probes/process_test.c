/*
 * Processes: a host's /proc in a folder, whose processes the tests make and end, read by real
 * helpers (this program is its own), with a clock that is turned by hand; and this very process.
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
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/fs.h"
#include "probes/proc_words.h"
#include "tests/help/probe_bench.h"

struct world {
	struct bench b;
	char root[64];
};

static void shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void
shell(const char *fmt, ...)
{
	char command[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	assert_int_equal(system(command), 0);
}

static void
write_bytes(const struct world *w, const char *name, const void *bytes, size_t len)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", w->root, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	fclose(file);
}

static void
write_text(const struct world *w, const char *name, const char *text)
{
	write_bytes(w, name, text, strlen(text));
}

struct made {
	unsigned pid, ppid;
	const char *comm;
	char state;
	unsigned long cpu, start, pages;
};

/* Makes it, or changes what it is. */
static void
make(const struct world *w, const struct made *p)
{
	char name[128], text[512];

	shell("mkdir -p %s/proc/%u/fd", w->root, p->pid);
	snprintf(name, sizeof(name), "proc/%u/stat", p->pid);
	snprintf(text, sizeof(text),
		"%u (%s) %c %u 1 1 0 -1 0 0 0 0 0 %lu 0 0 0 20 0 2 0 %lu 4096 %lu 0\n", p->pid,
		p->comm, p->state, p->ppid, p->cpu, p->start, p->pages);
	write_text(w, name, text);
	snprintf(name, sizeof(name), "proc/%u/status", p->pid);
	write_text(w, name, "Name:\tx\nUid:\t33\t33\t33\t33\n");
	snprintf(name, sizeof(name), "proc/%u/limits", p->pid);
	write_text(w, name, "Max open files            4                    4096     files\n");
	snprintf(name, sizeof(name), "proc/%u/environ", p->pid);
	write_text(w, name, "");
}

static void
end(const struct world *w, unsigned pid)
{
	shell("rm -rf %s/proc/%u", w->root, pid);
}

static void
set_cmdline(const struct world *w, unsigned pid, const char *bytes, size_t len)
{
	char name[64];

	snprintf(name, sizeof(name), "proc/%u/cmdline", pid);
	write_bytes(w, name, bytes, len);
}

static void
set_env(const struct world *w, unsigned pid, const char *bytes, size_t len)
{
	char name[64];

	snprintf(name, sizeof(name), "proc/%u/environ", pid);
	write_bytes(w, name, bytes, len);
}

#define CMDLINE(w, pid, text) set_cmdline(w, pid, text, sizeof(text))
#define ENVIRON(w, pid, text) set_env(w, pid, text, sizeof(text))

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	bench_open(&w->b, BENCH_FAKE);
	strcpy(w->root, "/tmp/triaged-process-XXXXXX");
	assert_non_null(mkdtemp(w->root));
	shell("mkdir -p %s/proc", w->root);
	write_text(w, "proc/uptime", "1000.00 1000.00\n");
	write_text(w, "proc/vmstat", "nr_free_pages 1\noom_kill 5\n");
	make(w, &(struct made){ 1, 0, "init", 'S', 1, 1, 10 });
	w->b.env.host_root = w->root;
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	bench_close(&w->b);
	while (waitpid(-1, NULL, 0) > 0)
		; /* helpers, all of them killed */
	shell("rm -rf %s", w->root);
	free(w);
	return 0;
}

static void
configure(struct world *w, const char *yaml)
{
	if (bench_configure(&w->b, "process", yaml) != 0)
		fail_msg("%s", w->b.complaint);
}

static void
pass(struct world *w, usec_t by)
{
	loop_advance(w->b.loop, by);
}

static void
run(struct world *w, const char *cause)
{
	bench_run(&w->b);
	if (strcmp(bench_cause(&w->b), cause) != 0)
		fail_msg("%s: %s, wanted %s", bench_cause(&w->b), w->b.sample.text, cause);
}

static bool
is_near(double a, double b)
{
	return fabs(a - b) < 1e-6 * (fabs(b) + 1);
}

/* --- numbers --- */

static void
measures_and_compares(void **state)
{
	struct world *w = *state;
	struct bench *b = &w->b;
	double ticks = (double)sysconf(_SC_CLK_TCK), page = (double)sysconf(_SC_PAGESIZE);

	make(w, &(struct made){ 20, 1, "web", 'S', 100, 50000, 1000 });
	make(w, &(struct made){ 21, 20, "web", 'S', 100, 60000, 500 });
	make(w, &(struct made){ 22, 1, "other", 'S', 100, 60000, 500 });
	make(w, &(struct made){ 23, 20, "sh", 'Z', 0, 60000, 0 });
	shell("touch %s/proc/20/fd/0 %s/proc/20/fd/1 %s/proc/20/fd/2", w->root, w->root, w->root);
	configure(w, "name: web");
	run(w, "");
	assert_int_equal(bench_value(b, "count"), 2);
	assert_true(is_near(bench_value(b, "rss_bytes"), 1500 * page));
	assert_int_equal(bench_value(b, "threads"), 4);
	assert_int_equal(bench_value(b, "zombies"), 1);
	assert_int_equal(bench_value(b, "fds"), 3);
	assert_int_equal(bench_value(b, "fds_percent"), 75);
	assert_true(is_near(bench_value(b, "age_time"), 1000 - 50000 / ticks));
	assert_true(isnan(bench_value(b, "cpu_percent")));
	pass(w, 10 * USEC_PER_SEC);
	make(w, &(struct made){ 20, 1, "web", 'S', 100 + (unsigned long)ticks * 5, 50000, 1000 });
	run(w, "");
	assert_true(is_near(bench_value(b, "cpu_percent"), 50));
	assert_int_equal(bench_value(b, "restarts_total"), 0);
}

static void
growth_is_a_slope(void **state)
{
	struct world *w = *state;
	double page = (double)sysconf(_SC_PAGESIZE);

	configure(w, "name: web");
	for (unsigned i = 0; i < 12; i++) {
		make(w, &(struct made){ 20, 1, "web", 'S', i, 50000, 1000 + 15 * i });
		run(w, "");
		pass(w, 15 * USEC_PER_SEC);
		if (i < 4)
			assert_true(isnan(bench_value(&w->b, "rss_growth")));
	}
	assert_true(is_near(bench_value(&w->b, "rss_growth"), page));
}

/* --- who is meant --- */

static void
matches_what_is_given(void **state)
{
	struct world *w = *state;
	struct bench *b = &w->b;

	make(w, &(struct made){ 20, 1, "python3", 'S', 1, 50000, 1 });
	CMDLINE(w, 20, "/usr/bin/python3\0-m\0app:api\0--password\0hunter22");
	make(w, &(struct made){ 21, 1, "a-very-long-nam", 'S', 1, 50000, 1 });
	CMDLINE(w, 21, "/opt/a-very-long-name-indeed\0--token=abcdef");
	make(w, &(struct made){ 22, 1, "x) S 1 (y\nz", 'S', 1, 50000, 1 });
	write_text(w, "proc/20/cgroup",
		"1:name=systemd:/system.slice/api.service\n0::/system.slice/api.service\n");
	write_text(w, "proc/21/cgroup",
		"0::/system.slice/docker-"
		"4f2c9a81b3d04f2c9a81b3d04f2c9a81b3d04f2c9a81b3d0aaaaaaaaaaaaaaaa.scope\n");
	write_text(w, "api.pid", "20\n");
	configure(w, "cmdline: 'python3 -m app:a'");
	run(w, "");
	assert_int_equal(bench_value(b, "count"), 1);
	assert_non_null(strstr(bench_fact(b, "process"), "--password ***"));
	assert_null(strstr(bench_fact(b, "process"), "hunter22"));
	configure(w, "name: a-very-long-name-indeed");
	run(w, "");
	assert_non_null(strstr(bench_fact(b, "process"), "--token=***"));
	configure(w, "name: a-very-long-name-not");
	run(w, "proc.absent");
	configure(w, "unit: api");
	run(w, "");
	configure(w, "unit: ap");
	run(w, "proc.absent");
	configure(w, "container: 4f2c9a81b3d0");
	run(w, "");
	assert_non_null(strstr(b->sample.text, "pid 21"));
	configure(w, "pidfile: /api.pid\nname: python*");
	run(w, "");
	configure(w, "pidfile: /none.pid");
	run(w, "proc.absent");
	assert_string_equal(bench_fact(b, "pid file"), "there is no /none.pid");
	configure(w, "user: 33\nname: 'x) S 1 (y*'");
	run(w, "");
	configure(w, "user: 34\nname: python3");
	run(w, "proc.absent");
}

static void
complains_about_settings(void **state)
{
	struct world *w = *state;
	struct bench *b = &w->b;

	assert_int_equal(bench_configure(b, "process", "min: 1"), -1);
	assert_int_equal(bench_configure(b, "process", "name: x\nmin: 3\nmax: 2"), -1);
	assert_int_equal(bench_configure(b, "process", "name: x\nenv: { A: { nott: [x] } }"), -1);
	assert_non_null(strstr(b->complaint, "not"));
	assert_int_equal(bench_configure(b, "process", "name: x\nenv: { A: { same_as: y } }"), -1);
	assert_int_equal(bench_configure(b, "process", "name: x\nenv: [A]"), -1);
	assert_int_equal(bench_configure(b, "process", "name: x\nenv: { A: 1 }"), -1);
	assert_int_equal(bench_configure(b, "process", "name: x\nenv: { A: }"), 0);
}

/* --- life and death --- */

static void
absence_has_its_reasons(void **state)
{
	struct world *w = *state;

	configure(w, "cmdline: '^web --port'");
	run(w, "proc.absent");
	make(w, &(struct made){ 20, 1, "web", 'S', 1, 50000, 1 });
	CMDLINE(w, 20,
		"web\0--port\0"
		"80");
	run(w, "");
	make(w, &(struct made){ 20, 1, "web", 'Z', 1, 50000, 0 });
	set_cmdline(w, 20, "", 0);
	run(w, "proc.zombie");
	run(w, "proc.zombie"); /* it is still known for what it was */
	assert_non_null(strstr(w->b.sample.text, "its parent, pid 1"));
	end(w, 20);
	run(w, "proc.absent");
	make(w, &(struct made){ 30, 1, "web", 'S', 1, 70000, 1 });
	CMDLINE(w, 30,
		"web\0--port\0"
		"80");
	run(w, "");
	assert_int_equal(bench_value(&w->b, "restarts_total"), 1);
	end(w, 30);
	write_text(w, "proc/vmstat", "oom_kill 6\n");
	run(w, "proc.oom");
	run(w, "proc.oom");
}

/* What the kernel kills elsewhere is not why this one does not run. */
static void
kills_of_others_are_no_cause(void **state)
{
	struct world *w = *state;

	configure(w, "name: web");
	run(w, "proc.absent");
	write_text(w, "proc/vmstat", "oom_kill 7\n");
	run(w, "proc.absent");
	make(w, &(struct made){ 30, 1, "web", 'S', 1, 70000, 1 });
	run(w, "");
	end(w, 30);
	run(w, "proc.absent");
	write_text(w, "proc/vmstat", "oom_kill 8\n");
	run(w, "proc.absent");
}

static void
restarts_are_told_from_workers(void **state)
{
	struct world *w = *state;

	configure(w, "name: web");
	make(w, &(struct made){ 20, 1, "web", 'S', 1, 50000, 1 });
	make(w, &(struct made){ 21, 20, "web", 'S', 1, 50001, 1 });
	run(w, "");
	end(w, 21);
	make(w, &(struct made){ 22, 20, "web", 'S', 1, 51000, 1 });
	run(w, "");
	assert_int_equal(bench_value(&w->b, "restarts_total"), 0);
	for (unsigned i = 0; i < 3; i++) {
		pass(w, 60 * USEC_PER_SEC);
		make(w, &(struct made){ 20, 1, "web", 'S', 1, 60000 + i, 1 });
		run(w, i < 2 ? "" : "proc.crashloop");
	}
	assert_int_equal(bench_value(&w->b, "restarts_total"), 3);
	pass(w, 11 * USEC_PER_MIN);
	run(w, "");
}

static void
states_are_causes(void **state)
{
	struct world *w = *state;

	configure(w, "name: web\nmax: 2\nhung_after: 5m");
	make(w, &(struct made){ 20, 1, "web", 'T', 1, 50000, 1 });
	run(w, "proc.stopped");
	make(w, &(struct made){ 20, 1, "web", 'D', 1, 50000, 1 });
	run(w, "");
	assert_int_equal(bench_value(&w->b, "dstate"), 1);
	pass(w, 31 * USEC_PER_SEC);
	run(w, "proc.dstate");
	make(w, &(struct made){ 20, 1, "web", 'D', 2, 50000, 1 }); /* waits, but gets on */
	run(w, "");
	make(w, &(struct made){ 20, 1, "web", 'S', 2, 50000, 1 });
	pass(w, 6 * USEC_PER_MIN);
	run(w, "proc.hung");
	make(w, &(struct made){ 20, 1, "web", 'S', 3, 50000, 1 });
	make(w, &(struct made){ 21, 1, "web", 'S', 3, 50000, 1 });
	make(w, &(struct made){ 22, 1, "web", 'S', 3, 50000, 1 });
	run(w, "proc.too-many");
}

static void
what_cannot_be_seen_is_no_absence(void **state)
{
	struct world *w = *state;

	configure(w, "cmdline: ^web");
	make(w, &(struct made){ 20, 1, "web", 'D', 1, 50000, 1 });
	run(w, "self.local"); /* its command line is not asked for */
	end(w, 20);
	end(w, 1);
	make(w, &(struct made){ 50, 1, "sh", 'S', 1, 50000, 1 });
	run(w, "self.local"); /* hidepid= */
	assert_int_equal(w->b.sample.outcome, OUTCOME_ERROR);
}

/* hidepid=1: the processes are listed and say EPERM to whoever looks. */
static void
what_is_listed_and_closed_is_no_absence(void **state)
{
	struct world *w = *state;

	if (geteuid() != 0)
		skip();
	configure(w, "name: web");
	make(w, &(struct made){ 20, 1, "web", 'S', 1, 50000, 1 });
	shell("chmod 755 %s && chmod 700 %s/proc/20", w->root, w->root);
	assert_int_equal(seteuid(65534), 0);
	run(w, "self.local");
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(w->b.sample.outcome, OUTCOME_ERROR);
	assert_non_null(strstr(w->b.sample.text, "hidepid="));
}

/* Thousands of others that nobody waited for do not push it out of the list. */
static void
zombies_of_others_hide_nobody(void **state)
{
	struct world *w = *state;

	shell("cd %s/proc && for i in $(seq 1000 5200); do mkdir $i && echo \"$i (z) Z 7 1 1 0 -1 "
	      "0 "
	      "0 0 0 0 0 0 0 0 20 0 1 0 9 0 0 0\" > $i/stat; done",
		w->root);
	make(w, &(struct made){ 9000, 1, "web", 'S', 1, 50000, 1 });
	make(w, &(struct made){ 9001, 9000, "sh", 'Z', 0, 60000, 0 });
	configure(w, "name: web");
	run(w, "");
	assert_int_equal(bench_value(&w->b, "count"), 1);
	assert_int_equal(bench_value(&w->b, "zombies"), 1);
}

/* An old process that only begins to match did not use its CPU time since the last run. */
static void
the_past_of_newcomers_is_not_theirs(void **state)
{
	struct world *w = *state;
	double ticks = (double)sysconf(_SC_CLK_TCK);

	configure(w, "name: web");
	make(w, &(struct made){ 20, 1, "web", 'S', 100, 50000, 1 });
	make(w, &(struct made){ 21, 1, "other", 'S', 360000, 50000, 1 });
	run(w, "");
	pass(w, 10 * USEC_PER_SEC);
	make(w, &(struct made){ 21, 1, "web", 'S', 360000, 50000, 1 });
	run(w, "");
	assert_int_equal(bench_value(&w->b, "count"), 2);
	assert_true(bench_value(&w->b, "cpu_percent") == 0);
	pass(w, 10 * USEC_PER_SEC);
	make(w, &(struct made){
			22, 1, "web", 'S', (unsigned long)ticks, (unsigned long)(995 * ticks), 1 });
	run(w, "");
	assert_true(is_near(bench_value(&w->b, "cpu_percent"), 10));
}

static void
credentials_are_not_shown(void **state)
{
	static const struct {
		const char *line, *shown;
	} rows[] = {
		{ "redis-server\n--requirepass\nhunter2\n--port\n1",
			"redis-server --requirepass *** "
			"--port 1" },
		{ "curl\n-H\nAuthorization: Bearer abc\nx", "curl -H Authorization: *** x" },
		{ "curl\n-H\nX-Api-Key:abc\nx", "curl -H X-Api-Key: *** x" },
		{ "/usr/bin/curl\n-u\nbob:abc\nhttp://x/", "/usr/bin/curl -u *** http://x/" },
		{ "mysqldump\n-uroot\n-pabc\ndb", "mysqldump -uroot -p*** db" },
		{ "redis-cli\n-a\nabc\nping", "redis-cli -a *** ping" },
		{ "sh\n-c\nexec redis-cli -a abc ping", "sh -c exec redis-cli -a *** ping" },
		{ "sh\n-c\nPGPASSWORD=abc psql", "sh -c PGPASSWORD=***" },
		{ "app\nredis://:a@h1,redis://:b@h2", "app redis://:***@h1,redis://:***@h2" },
		{ "app\nroot:abc@tcp(db:3306)/x", "app root:***@tcp(db:3306)/x" },
		{ "app\npg://u:abc@h/d?a=1&password=abc", "app pg://u:***@h/d?a=1&password=***" },
		{ "app\n--token\na b\n-v", "app --token *** -v" },
		{ "nginx: worker process", "nginx: worker process" },
		{ "app\n--listen=0.0.0.0:80\n-p\n3", "app --listen=0.0.0.0:80 -p 3" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct proc proc = { .pid = 1 };
		char shown[512];

		strcpy(proc.cmdline, rows[i].line);
		proc_words_cmdline(&proc, shown, sizeof(shown));
		assert_string_equal(shown, rows[i].shown);
	}
}

static void
each_can_be_a_child(void **state)
{
	struct world *w = *state;
	struct bench *b = &w->b;

	configure(w, "name: web\nper: pid");
	make(w, &(struct made){ 20, 1, "web", 'S', 1, 50000, 1 });
	make(w, &(struct made){ 21, 1, "web", 'T', 1, 50000, 1 });
	bench_run(b);
	assert_int_equal(b->sample.child_count, 2);
	assert_string_equal(b->sample.children[0], "20");
	bench_run_child(b, "20");
	assert_int_equal(b->sample.outcome, OUTCOME_OK);
	assert_int_equal(bench_value(b, "count"), 1);
	probe_keep_fini(&b->keep);
	bench_run_child(b, "21");
	assert_string_equal(bench_cause(b), "proc.stopped");
	probe_keep_fini(&b->keep);
	bench_run_child(b, "99");
	assert_string_equal(bench_cause(b), "proc.absent");
}

/* --- environment --- */

/* Which grammar, what is wrong and where; of the value nothing. */
static void
reads_addresses_in_the_environment(void **state)
{
	static const struct {
		const char *dsn, *value, *cause;
	} rows[] = {
		{ "sql", "postgresql://u:s3cret@h/d", "" },
		{ "sql", "u:s3cret@tcp(h:3306)/d?parseTime=true", "" },
		{ "sql", "local", "" },
		{ "sql", "postgres//u:s3cret@h/d", "proc.env-dsn" },
		{ "postgres", "u:s3cret@tcp(h:3306)/d", "proc.env-dsn" },
		{ "mysql", "postgres://u:s3cret@h/d", "proc.env-dsn" },
		{ "redis", "redis://:s3cret@h:6379/0", "" },
		{ "redis", "redis://:s3cret@h:6379/first", "proc.env-dsn" },
		{ "sqlite", "/data/a.db", "" },
	};
	struct world *w = *state;

	make(w, &(struct made){ 20, 1, "web", 'S', 1, 50000, 1 });
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char env[128], yaml[128];
		int len = snprintf(env, sizeof(env), "A=1%cDSN=%s", 0, rows[i].value);

		set_env(w, 20, env, (size_t)len + 1);
		snprintf(yaml, sizeof(yaml), "name: web\nenv: { DSN: { dsn: %s } }", rows[i].dsn);
		configure(w, yaml);
		run(w, rows[i].cause);
		assert_null(strstr(w->b.sample.text, "s3cret"));
	}
}

static void
audits_the_environment(void **state)
{
	struct world *w = *state;
	struct bench *b = &w->b;

	make(w, &(struct made){ 20, 1, "web", 'S', 1, 50000, 1 });
	ENVIRON(w, 20, "PATH=/bin\0DSN=postgres://u:p@h/d\0SECRET=very-secret-value");
	configure(w, "name: web\nenv: { DSN: , SECRET: { min_length: 8 } }");
	run(w, "");
	assert_non_null(strstr(bench_fact(b, "env"), "SECRET: 17 bytes, fingerprint "));
	assert_null(strstr(bench_fact(b, "env"), "very"));
	configure(w, "name: web\nenv: { REDIS: }");
	run(w, "proc.env-missing");
	assert_non_null(strstr(b->sample.text, "REDIS of web (pid 20) is not set"));
	configure(w, "name: web\nenv: { REDIS: { present: false } }");
	run(w, "");
	configure(w, "name: web\nenv: { SECRET: { min_length: 32 } }");
	run(w, "proc.env-default");
	configure(w, "name: web\nenv: { SECRET: { not: [other, very-secret-value] } }");
	run(w, "proc.env-default");
	ENVIRON(w, 20, "SECRET=ChangeMe\0Q=\"x y\"\0E=\0B=x ");
	configure(w, "name: web\nenv: { SECRET: }");
	run(w, "proc.env-default");
	configure(w, "name: web\nenv: { Q: }");
	run(w, "proc.env-quoted");
	configure(w, "name: web\nenv: { B: }");
	run(w, "proc.env-quoted");
	configure(w, "name: web\nenv: { E: }");
	run(w, "proc.env-missing");
	assert_non_null(strstr(b->sample.text, "is empty"));
	ENVIRON(w, 20, "web: master process");
	run(w, ""); /* its title stands there: nothing is known */
	assert_int_equal(b->sample.note_count, 1);
}

static void
compares_instances_and_files(void **state)
{
	struct world *w = *state;
	struct bench *b = &w->b;

	make(w, &(struct made){ 20, 1, "web", 'S', 1, 50000, 1 });
	make(w, &(struct made){ 21, 1, "web", 'S', 1, 50000, 1 });
	ENVIRON(w, 20, "S=one-secret");
	ENVIRON(w, 21, "S=one-secret");
	configure(w, "name: web\nenv: { S: { same_as: instances } }");
	run(w, "");
	ENVIRON(w, 21, "S=two-secret");
	run(w, "proc.env-differs");
	assert_null(strstr(b->sample.text, "secret"));
	ENVIRON(w, 21, "S=one-secret");
	write_text(w, ".env", "# x\nexport S='one-secret'\nT=there\n");
	configure(w, "name: web\nenv: { S: { same_as: /.env } }");
	run(w, "");
	ENVIRON(w, 21, "S=old-secret");
	run(w, "proc.env-differs");
	assert_non_null(strstr(b->sample.text, "pid 21) is not what /.env says"));
	configure(w, "name: web\nenv: { T: { same_as: /.env, present: false } }");
	run(w, "proc.env-missing");
	assert_non_null(strstr(b->sample.text, "/.env sets T, but web (pid 20)"));
	configure(w, "name: web\nenv: { T: { same_as: /none.env } }");
	run(w, "self.local");
}

/* --- the real thing --- */

static void
sees_itself_never_but_its_parent(void **state)
{
	struct world *w = *state;
	char name[16], yaml[64];
	int pipes[2];
	pid_t child;

	w->b.env.host_root = "/";
	/* Other runs of this test are going on, maybe. */
	snprintf(name, sizeof(name), "proc-%d", getpid());
	prctl(PR_SET_NAME, name);
	assert_int_equal(pipe(pipes), 0);
	child = fork();
	if (child == 0) {
		char byte;

		close(pipes[1]);
		_exit(read(pipes[0], &byte, 1) == 0 ? 0 : 1);
	}
	close(pipes[0]);
	snprintf(yaml, sizeof(yaml), "name: %s", name);
	configure(w, yaml);
	run(w, "");
	assert_int_equal(bench_value(&w->b, "count"), 1); /* the child, and not the one who asks */
	assert_true(bench_value(&w->b, "rss_bytes") > 10000);
	assert_true(bench_value(&w->b, "fds") >= 1);
	assert_true(bench_value(&w->b, "age_time") < 3600);
	close(pipes[1]);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

int
main(int argc, char **argv)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(measures_and_compares),
		T(growth_is_a_slope),
		T(matches_what_is_given),
		T(complains_about_settings),
		T(absence_has_its_reasons),
		T(kills_of_others_are_no_cause),
		T(restarts_are_told_from_workers),
		T(states_are_causes),
		T(what_cannot_be_seen_is_no_absence),
		T(what_is_listed_and_closed_is_no_absence),
		T(zombies_of_others_hide_nobody),
		T(the_past_of_newcomers_is_not_theirs),
		cmocka_unit_test(credentials_are_not_shown),
		T(each_can_be_a_child),
		T(reads_addresses_in_the_environment),
		T(audits_the_environment),
		T(compares_instances_and_files),
		T(sees_itself_never_but_its_parent),
	};

	if (argc > 1 && strcmp(argv[1], FS_HELPER_ARG) == 0)
		return fs_helper_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The process behind a check: real children, stopped, ended and gone. */
#include "tests/facts/process_scene.h"

static void
tells_of_one_that_runs(void **state)
{
	struct fact_bench *b = *state;
	pid_t pid = scene_child("tri-fact-runs");

	fact_bench_check(b, "process", "name: tri-fact-runs");
	fact_bench_run(b, "process");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_number(b, "present", 1);
	assert_fact_number(b, "count", 1);
	assert_fact_number(b, "pid", pid);
	assert_fact_text(b, "comm", "tri-fact-runs");
	assert_fact_text(b, "state", "S");
	assert_fact_number(b, "threads", 1);
	assert_true(fact_bench_number(b, "rss_bytes") > 4096);
	assert_true(fact_bench_number(b, "cpu_percent") >= 0);
	assert_true(fact_bench_number(b, "fds") > 2);
	assert_true(fact_bench_number(b, "fds_limit") > 2);
	assert_true(fact_bench_number(b, "fds_percent") > 0);
	assert_fact_number(b, "parent_pid", getpid());
	assert_fact_text(b, "parent", fact_bench_own_name());
	assert_fact_unknown(b, "growth_bytes"); /* one look is none */
	scene_end(pid);
}

static void
tells_that_it_is_stopped(void **state)
{
	struct fact_bench *b = *state;
	pid_t pid = scene_child("tri-fact-stops");

	kill(pid, SIGSTOP);
	waitpid(pid, NULL, WUNTRACED);
	fact_bench_check(b, "process", "name: tri-fact-stops");
	fact_bench_run(b, "process");
	assert_fact_text(b, "state", "T");
	assert_non_null(strstr(b->fact.text, "SIGCONT"));
	scene_end(pid);
}

static void
tells_of_a_zombie_and_its_parent(void **state)
{
	struct fact_bench *b = *state;
	pid_t pid = scene_child("tri-fact-ended");
	siginfo_t info;

	kill(pid, SIGKILL);
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	fact_bench_check(b, "process", "name: tri-fact-ended");
	fact_bench_run(b, "process");
	assert_fact_text(b, "state", "Z");
	assert_fact_number(b, "present", 0);
	assert_non_null(strstr(b->fact.text, fact_bench_own_name()));
	waitpid(pid, NULL, 0);
}

static void
tells_that_it_is_gone(void **state)
{
	struct fact_bench *b = *state;

	fact_bench_check(b, "process", "name: tri-fact-no-such");
	fact_bench_run(b, "process");
	assert_int_equal(b->fact.end, FACT_HAD);
	assert_fact_number(b, "present", 0);
	assert_fact_unknown(b, "pid");
	assert_string_equal(b->fact.text, "no process tri-fact-no-such runs");
}

/* What was learned of a server while it was well. */
static void
finds_the_one_that_was_learned(void **state)
{
	struct fact_bench *b = *state;
	pid_t pid = scene_child("tri-fact-server");

	fact_bench_check(b, "tcp", "address: 127.0.0.1:9");
	b->subject.is_local = true;
	b->subject.pid = pid;
	xstrset(&b->subject.comm, "tri-fact-server");
	fact_bench_run(b, "process");
	assert_fact_number(b, "pid", pid);
	xstrset(&b->subject.comm, "tri-fact-other"); /* the number is another's by now */
	fact_bench_run(b, "process");
	assert_fact_number(b, "present", 0);
	fact_bench_check(b, "tcp", "address: 192.0.2.1:9");
	fact_bench_run(b, "process");
	assert_int_equal(b->fact.end, FACT_NONE);
	scene_end(pid);
}

SCENE_MAIN(SCENE(tells_of_one_that_runs), SCENE(tells_that_it_is_stopped),
	SCENE(tells_of_a_zombie_and_its_parent), SCENE(tells_that_it_is_gone),
	SCENE(finds_the_one_that_was_learned))

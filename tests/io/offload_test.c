/* Offload: work elsewhere, results here; cancelling never loses or doubles the end of a job. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "io/offload.h"
#include "tests/help/shortage.h"

#define JOBS 50

struct job {
	int gate; /* the work waits until this pipe says so; -1: no gate */
	_Atomic int begun, worked;
	int done, dropped;
	pthread_t worker;
	struct world *world;
};

struct world {
	struct clock clock;
	struct loop *loop;
	struct offload *offload;
	struct job jobs[JOBS];
	int ended;
	int gate[2];
};

static struct world world;

static int
set_up(void **state)
{
	world = (struct world){ .ended = 0 };
	clock_init_real(&world.clock);
	world.loop = loop_new(&world.clock, NULL);
	world.offload = offload_new(world.loop);
	for (int i = 0; i < JOBS; i++) {
		world.jobs[i].gate = -1;
		world.jobs[i].world = &world;
	}
	*state = &world;
	return pipe(world.gate);
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	offload_free(w->offload);
	loop_free(w->loop);
	close(w->gate[0]);
	close(w->gate[1]);
	return 0;
}

static void
work(void *arg)
{
	struct job *job = arg;
	char c;

	job->worker = pthread_self();
	job->begun++;
	if (job->gate < 0 || read(job->gate, &c, 1) == 1)
		job->worked++;
}

static void
on_done(void *arg)
{
	struct job *job = arg;

	job->done++;
	job->world->ended++;
}

static void
on_drop(void *arg)
{
	struct job *job = arg;

	job->dropped++;
	job->world->ended++;
}

static bool
is_all_ended(void *arg)
{
	const struct world *w = arg;

	return w->ended == JOBS;
}

static bool
is_one_ended(void *arg)
{
	const struct world *w = arg;

	return w->ended > 0;
}

static void
open_gate(struct world *w, int times)
{
	for (int i = 0; i < times; i++)
		assert_int_equal(write(w->gate[1], "g", 1), 1);
}

static void
test_every_job_is_done_once(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < JOBS; i++)
		offload_start(w->offload, work, on_done, &w->jobs[i]);
	assert_true(loop_turn_until(w->loop, is_all_ended, w, 1000));
	for (int i = 0; i < JOBS; i++) {
		assert_int_equal(w->jobs[i].worked, 1);
		assert_int_equal(w->jobs[i].done, 1);
		assert_false(pthread_equal(w->jobs[i].worker, pthread_self()));
	}
}

static void
test_a_slow_job_leaves_the_other_thread_free(void **state)
{
	struct world *w = *state;

	w->jobs[0].gate = w->gate[0];
	offload_start(w->offload, work, on_done, &w->jobs[0]);
	offload_start(w->offload, work, on_done, &w->jobs[1]);
	assert_true(loop_turn_until(w->loop, is_one_ended, w, 1000));
	assert_int_equal(w->jobs[1].done, 1);
	assert_int_equal(w->jobs[0].done, 0);
	open_gate(w, 1);
}

static void
test_cancelled_jobs_are_dropped(void **state)
{
	struct world *w = *state;
	struct offload_job *jobs[JOBS];

	/* Two hold both threads, so that the others are still waiting when they are cancelled. */
	w->jobs[0].gate = w->jobs[1].gate = w->gate[0];
	for (int i = 0; i < JOBS; i++)
		jobs[i] = offload_start(w->offload, work, on_done, &w->jobs[i]);
	while (w->jobs[0].begun == 0 || w->jobs[1].begun == 0)
		sched_yield();
	for (int i = 0; i < JOBS; i++)
		if (i != 1)
			offload_cancel(jobs[i], on_drop);
	loop_turn(w->loop, false);
	assert_int_equal(w->jobs[0].dropped, 0); /* not while its work can still touch it */
	open_gate(w, 2);
	assert_true(loop_turn_until(w->loop, is_all_ended, w, 1000));
	for (int i = 0; i < JOBS; i++) {
		assert_int_equal(w->jobs[i].dropped, i != 1);
		assert_int_equal(w->jobs[i].done, i == 1);
		if (i > 1)
			assert_int_equal(w->jobs[i].worked, 0);
	}
}

static void
on_done_start_another(void *arg)
{
	struct job *job = arg;

	on_done(job);
	if (job < &job->world->jobs[JOBS - 1])
		offload_start(job->world->offload, work, on_done_start_another, job + 1);
}

static void
test_done_may_start_the_next(void **state)
{
	struct world *w = *state;

	offload_start(w->offload, work, on_done_start_another, &w->jobs[0]);
	assert_true(loop_turn_until(w->loop, is_all_ended, w, 1000));
}

static void
test_free_drops_what_was_cancelled(void **state)
{
	struct world *w = *state;
	struct offload *offload = offload_new(w->loop);

	w->jobs[0].gate = w->jobs[1].gate = w->gate[0];
	offload_cancel(offload_start(offload, work, on_done, &w->jobs[0]), on_drop);
	offload_start(offload, work, on_done, &w->jobs[1]);
	offload_cancel(offload_start(offload, work, on_done, &w->jobs[2]), on_drop);
	open_gate(w, 2);
	offload_free(offload);
	offload_free(NULL);
	assert_int_equal(w->jobs[0].dropped, 1);
	assert_int_equal(w->jobs[1].done, 0);
	assert_int_equal(w->jobs[2].dropped, 1);
}

static char said[256];

static void
on_line(void *arg, enum log_level level, const char *line)
{
	(void)arg;
	(void)level;
	snprintf(said, sizeof(said), "%s", line);
}

/* Nobody starts another job that would try again: the one that waits is done all the same. */
static void
test_a_job_waits_until_there_is_a_thread(void **state)
{
	struct world *w = *state;
	struct shortage none_left;

	said[0] = '\0';
	log_set_sink(on_line, NULL);
	shortage_begin(&none_left);
	offload_start(w->offload, work, on_done, &w->jobs[0]);
	for (int turns = 0; turns < 3; turns++)
		loop_turn(w->loop, false);
	shortage_end(&none_left);
	log_set_sink(NULL, NULL);
	assert_string_equal(said,
		"offload: cannot have a descriptor to hear of finished jobs: Too many "
		"open files; jobs wait until it can be had");
	assert_int_equal(w->ended, 0);
	assert_true(loop_turn_until(w->loop, is_one_ended, w, 1000));
	assert_int_equal(w->jobs[0].worked, 1);
}

/* Whoever stops must not wait for a file on a dead mount; the threads keep what they stand on. */
static void
test_a_job_that_hangs_does_not_hold_up_the_end(void **state)
{
	static struct offload *hung;
	struct world *w = *state;

	hung = offload_new(w->loop);
	w->jobs[0].gate = w->gate[0];
	offload_start(hung, work, on_done, &w->jobs[0]);
	offload_start(hung, work, on_done, &w->jobs[1]);
	while (w->jobs[1].worked == 0)
		sched_yield(); /* the first was taken before it */
	assert_false(offload_free(hung));
	open_gate(w, 1);
}

int
main(void)
{
#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_WORLD(test_every_job_is_done_once),
		WITH_WORLD(test_a_job_waits_until_there_is_a_thread),
		WITH_WORLD(test_a_slow_job_leaves_the_other_thread_free),
		WITH_WORLD(test_cancelled_jobs_are_dropped),
		WITH_WORLD(test_done_may_start_the_next),
		WITH_WORLD(test_free_drops_what_was_cancelled),
		WITH_WORLD(test_a_job_that_hangs_does_not_hold_up_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

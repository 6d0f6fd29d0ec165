/*
 * One timer under a heap of tasks.  Due times lie on each task's own grid (phase + n * interval)
 * rounded up to a tick, so that many share one wake-up; a long batch is cut so that no turn of the
 * loop takes long.  Everything is monotonic: setting the clock moves nothing.
 */
#include "sched/runner.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/rand.h"
#include "base/stat.h"

#define TICK_US               (50 * USEC_PER_MSEC)
#define TICK_MIN_US           (5 * USEC_PER_MSEC)
#define STARTS_PER_TICK       80 /* at most, on average: more checks make a finer tick */
#define STARTS_PER_TURN       32 /* cut a batch here and let the loop breathe */
#define FIRST_RUNS_PER_SECOND 1000
#define POKED_APART_US        USEC_PER_SEC
#define SLEPT_US              USEC_PER_SEC /* a suspend shorter than this is nothing */
#define HELD_UP_US            (10 * USEC_PER_MSEC)

/* --- when --- */

static void
arm(struct runner *runner)
{
	struct heap_node *first = heap_first(&runner->heap);

	if (first == NULL || runner->is_stopped)
		timer_stop(&runner->timer);
	else if (!timer_runs(&runner->timer) || runner->timer.node.due != first->due)
		timer_at(&runner->timer, first->due);
}

static void
schedule(struct task *task, usec_t due_us)
{
	struct runner *runner = task->runner;

	task->due.due = due_us;
	heap_insert(&runner->heap, &task->due);
	if (!runner->is_batching)
		arm(runner);
}

/* Not before `us`, on a tick that all tasks share. */
static usec_t
tick_at(const struct task *task, usec_t us)
{
	usec_t epoch = task->runner->epoch_us;

	return epoch + (us - epoch + task->tick_us - 1) / task->tick_us * task->tick_us;
}

/* The first place on the task's grid that is not before `from`, on a tick. */
static usec_t
grid_next(const struct task *task, usec_t from_us)
{
	usec_t interval = task->spec->common.interval_us;
	usec_t origin = task->runner->epoch_us + task->phase_us;
	usec_t steps = from_us <= origin ? 0 : (from_us - origin + interval - 1) / interval;

	return tick_at(task, origin + steps * interval);
}

static uint32_t
tick_for(const struct runner *runner, usec_t interval_us)
{
	usec_t tick = TICK_US;

	if (tick > interval_us / 20)
		tick = interval_us / 20;
	if (runner->starts_per_second > 0 &&
		tick > (usec_t)(STARTS_PER_TICK * USEC_PER_SEC / runner->starts_per_second))
		tick = (usec_t)(STARTS_PER_TICK * USEC_PER_SEC / runner->starts_per_second);
	return (uint32_t)(tick < TICK_MIN_US ? TICK_MIN_US : tick);
}

/* A run on the grid comes at least so long after one beside it: what would be nearer is left out.
 */
static usec_t
least_apart(const struct task *task)
{
	usec_t half = task->spec->common.interval_us / 2;
	usec_t retry = task->spec->common.retry_interval_us;

	return retry > half ? half : retry;
}

static void
schedule_soon(struct task *task, size_t place)
{
	usec_t interval = task->spec->common.interval_us;
	usec_t wait = (usec_t)place * USEC_PER_SEC / FIRST_RUNS_PER_SECOND;
	usec_t now = loop_now(task->runner->env->loop);
	bool was_there = task->tick_us > 0;

	task->tick_us = tick_for(task->runner, interval);
	if (!was_there || task->phase_us >= interval)
		task->phase_us = (usec_t)rand_below((uint64_t)interval);
	/* A very large configuration: spread over the interval, less a tenth for the start itself.
	 */
	if (wait > interval / 2)
		wait = task->phase_us - task->phase_us / 10;
	/* One that was there before keeps its place in the grid: where that is so near that a run
	 * before it would make it be left out, it begins anew there. */
	if (was_there && task->due.due <= now + wait + least_apart(task) + task->tick_us)
		wait = task->due.due > now ? task->due.due - now : 0;
	schedule(task, now + wait);
}

static void
schedule_next(struct task *task, usec_t now)
{
	/* The second run comes where the grid puts it, at least half an interval after the first.
	 */
	usec_t half = task->spec->common.interval_us / 2;
	usec_t gap = task->runs <= 1 ? half : least_apart(task);
	usec_t regular = grid_next(task, task->due.due + gap);

	if (regular <= now) /* we were held up: go on from now, do not catch up */
		regular = grid_next(task, now + 1);
	schedule(task, regular);
}

void
runner_run_at(struct task *task, usec_t wish_us)
{
	usec_t soon = tick_at(task, wish_us);

	if (soon < task->due.due)
		schedule(task, soon);
}

void
runner_poke(struct task *task)
{
	usec_t now = loop_now(task->runner->env->loop);
	usec_t soon = task->started_us + POKED_APART_US;

	if (task->runner->is_stopped)
		return;
	task->is_poked = task->run != NULL;
	if (task->is_poked)
		return;
	if (soon < now)
		soon = now;
	if (task->due.due > soon)
		schedule(task, soon);
}

/* --- settings --- */

static void
let_go(struct runner *runner, struct hold *hold)
{
	if (hold->is_current || hold->runs > 0)
		return;
	runner->calls->on_let_go(runner->arg, hold->generation);
	free(hold);
}

struct hold *
runner_begin(struct runner *runner, struct generation *generation, double starts_per_second)
{
	struct hold *before = runner->hold;

	runner->hold = xcalloc(1, sizeof(*runner->hold));
	runner->hold->generation = generation;
	runner->hold->is_current = true;
	runner->starts_per_second = starts_per_second;
	return before;
}

void
runner_settle(struct runner *runner, struct hold *before)
{
	if (before == NULL)
		return;
	before->is_current = false;
	let_go(runner, before);
}

/* --- runs --- */

static void
end_run(struct task *task)
{
	struct hold *hold = task->run_hold;

	task->run = NULL;
	task->run_hold = NULL;
	stats_add(task->runner->env->stats, STAT_RUNS_ACTIVE, -1);
	hold->runs--;
	let_go(task->runner, hold);
}

void
runner_abort(struct task *task)
{
	if (task->run == NULL)
		return;
	probe_run_abort(task->run);
	end_run(task);
}

/* This host was suspended: what failed while it woke up is not the targets' fault. */
bool
runner_look_for_sleep(struct runner *runner)
{
	usec_t slept = clock_slept(loop_clock(runner->env->loop));
	usec_t gap = slept - runner->slept_us;

	runner->slept_us = slept;
	if (gap < SLEPT_US)
		return false;
	for (size_t i = 0; i < runner->heap.count; i++)
		runner_abort((struct task *)(void *)runner->heap.slots[i].node);
	if (runner->calls->on_slept != NULL)
		runner->calls->on_slept(runner->arg, gap);
	return true;
}

/* Of several runs that end with a turn the first one looks: all had their verdicts before. */
static bool
has_overslept(struct runner *runner)
{
	uint64_t turn = loop_turns(runner->env->loop);

	if (runner->looked_turn == turn)
		return false;
	runner->looked_turn = turn;
	return runner_look_for_sleep(runner);
}

static void
on_probe_done(void *arg, const struct sample *sample)
{
	struct task *task = arg;
	struct runner *runner = task->runner;

	end_run(task);
	if (has_overslept(runner)) /* it began before: its deadline or its peer was overslept */
		return;
	if (task->is_poked)
		runner_poke(task);
	runner->calls->on_done(runner->arg, task, sample);
}

static void
start_run(struct task *task, usec_t now_us)
{
	struct runner *runner = task->runner;
	const struct check_spec *spec = task->spec;
	struct probe_job job = {
		.type = spec->probe_type,
		.conf = spec->conf,
		.instance = spec->instance,
		.timeout_us = spec->common.timeout_us,
		.env = runner->env,
		.judge = runner->judge,
		.keep = &task->keep,
		.watch = task->watch,
	};

	task->runs++;
	task->started_us = now_us;
	task->is_poked = false;
	task->run_hold = runner->hold;
	runner->hold->runs++;
	stats_add(runner->env->stats, STAT_RUNS_STARTED, 1);
	stats_add(runner->env->stats, STAT_RUNS_ACTIVE, 1);
	task->run = probe_run_start(&job, on_probe_done, task);
}

bool
runner_run(struct task *task)
{
	if (task->run != NULL || task->runner->is_stopped)
		return false;
	start_run(task, loop_now(task->runner->env->loop));
	return true;
}

static void
start_due(struct task *task, usec_t now_us)
{
	struct runner *runner = task->runner;
	usec_t late = now_us - task->due.due;

	hist_add(&runner->lateness, late);
	if (late > task->spec->common.interval_us / 10)
		stats_add(runner->env->stats, STAT_RUNS_LATE, 1);
	if (task->run != NULL) {
		task->overdue++;
		stats_add(runner->env->stats, STAT_RUNS_OVERDUE, 1);
	} else {
		start_run(task, now_us);
	}
	schedule_next(task, now_us);
}

static void
on_tick(void *arg)
{
	struct runner *runner = arg;
	usec_t now = loop_now(runner->env->loop);
	unsigned started = 0;
	struct heap_node *first;

	runner_look_for_sleep(runner);
	if (runner->calls->is_held_up != NULL && runner->calls->is_held_up(runner->arg)) {
		timer_at(&runner->timer, now + HELD_UP_US);
		return;
	}
	runner->is_batching = true;
	while ((first = heap_first(&runner->heap)) != NULL && first->due <= now) {
		if (started++ == STARTS_PER_TURN)
			break;
		start_due((struct task *)(void *)first, now);
	}
	runner->is_batching = false;
	arm(runner);
}

/* --- tasks --- */

void
runner_add(struct runner *runner, struct task *task, size_t place)
{
	task->runner = runner;
	schedule_soon(task, place);
}

void
runner_take_over(struct runner *runner, struct task *task)
{
	task->runner = runner;
	task->tick_us = tick_for(runner, task->spec->common.interval_us);
	schedule(task, task->due.due);
}

void
runner_move_spec(struct runner *runner, struct task *task, const struct check_spec *spec)
{
	task->spec = spec;
	task->tick_us = tick_for(runner, spec->common.interval_us);
}

void
runner_renew(struct runner *runner, struct task *task, const struct check_spec *spec, size_t place)
{
	(void)runner;
	runner_abort(task);
	task->spec = spec;
	probe_keep_fini(&task->keep);
	schedule_soon(task, place);
}

void
runner_drop(struct runner *runner, struct task *task)
{
	heap_remove(&runner->heap, &task->due);
	if (task->run != NULL)
		task->due.due = loop_now(runner->env->loop);
	runner_abort(task);
	arm(runner);
}

/* --- life --- */

void
runner_init(struct runner *runner, const struct io_env *env, const struct judge *judge,
	const struct runner_calls *calls, void *arg)
{
	*runner = (struct runner){ .env = env, .judge = judge, .calls = calls, .arg = arg };
	runner->epoch_us = loop_now(env->loop);
	runner->slept_us = clock_slept(loop_clock(env->loop));
	heap_init(&runner->heap);
	timer_init(&runner->timer, env->loop, on_tick, runner);
}

void
runner_stop(struct runner *runner)
{
	timer_stop(&runner->timer);
	runner->is_stopped = true;
	for (size_t i = 0; i < runner->heap.count; i++)
		runner_abort((struct task *)(void *)runner->heap.slots[i].node);
}

void
runner_fini(struct runner *runner)
{
	struct hold *hold = runner->hold;

	timer_stop(&runner->timer);
	runner->hold = NULL;
	runner_settle(runner, hold);
	heap_fini(&runner->heap);
}

usec_t
runner_behind_us(const struct runner *runner)
{
	const struct heap_node *first = heap_first(&runner->heap);
	usec_t now = loop_now(runner->env->loop);

	return first == NULL || first->due >= now ? 0 : now - first->due;
}

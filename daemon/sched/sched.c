/*
 * The scheduler's loop: one timer under a heap of checks.  Due times lie on each check's own grid
 * (phase + n * interval) rounded up to a tick, so that many checks share one wake-up; a long batch
 * is cut so that no turn of the loop takes long.  Everything is monotonic: setting the clock moves
 * nothing.
 */
#include "sched/sched.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/rand.h"
#include "sched/private.h"

#define TICK_US               (50 * USEC_PER_MSEC)
#define TICK_MIN_US           (5 * USEC_PER_MSEC)
#define STARTS_PER_TICK       50 /* at most, on average: more checks make a finer tick */
#define STARTS_PER_TURN       32 /* cut a batch here and let the loop breathe */
#define FIRST_RUNS_PER_SECOND 1000
#define POKED_APART_US        USEC_PER_SEC
#define SLEPT_US              USEC_PER_SEC /* a suspend shorter than this is nothing */

static void
arm(struct sched *sched)
{
	struct heap_node *first = heap_first(&sched->heap);

	if (first == NULL || sched->is_stopped)
		timer_stop(&sched->timer);
	else if (!timer_runs(&sched->timer) || sched->timer.node.due != first->due)
		timer_at(&sched->timer, first->due);
}

static void
schedule(struct check *check, usec_t due_us)
{
	check->due.due = due_us;
	heap_insert(&check->sched->heap, &check->due);
	if (!check->sched->is_batching)
		arm(check->sched);
}

/* Not before `us`, on a tick that all checks share. */
static usec_t
tick_at(const struct check *check, usec_t us)
{
	usec_t since = us - check->sched->epoch_us;

	return check->sched->epoch_us +
	       (since + check->tick_us - 1) / check->tick_us * check->tick_us;
}

/* The first place on the check's grid that is not before `from`, on a tick. */
static usec_t
grid_next(const struct check *check, usec_t from_us)
{
	usec_t interval = check->spec->common.interval_us;
	usec_t origin = check->sched->epoch_us + check->phase_us;
	usec_t steps = from_us <= origin ? 0 : (from_us - origin + interval - 1) / interval;

	return tick_at(check, origin + steps * interval);
}

static void
let_go(struct generation *generation)
{
	if (generation->is_current || generation->runs > 0)
		return;
	if (generation->owner.release != NULL)
		generation->owner.release(generation->owner.owner);
	free(generation);
}

void
sched_release(struct generation *generation)
{
	generation->runs--;
	let_go(generation);
}

static void
end_run(struct check *check)
{
	struct generation *generation = check->run_generation;

	check->run = NULL;
	check->run_generation = NULL;
	stats_add(check->sched->env->stats, STAT_RUNS_ACTIVE, -1);
	sched_release(generation);
}

void
sched_abort_run(struct check *check)
{
	if (check->run == NULL)
		return;
	probe_run_abort(check->run);
	end_run(check);
}

static void
schedule_next(struct check *check)
{
	usec_t now = loop_now(check->sched->env->loop);
	usec_t half = check->spec->common.interval_us / 2;
	usec_t retry = check->spec->common.retry_interval_us;
	/* The second run comes where the grid puts it, at least half an interval after the first;
	 * after a quick re-check the grid's next place may be too near to be a run of its own. */
	usec_t gap = check->runs <= 1 || retry > half ? half : retry;
	usec_t regular = grid_next(check, check->due.due + gap);

	if (regular <= now) /* we were held up: go on from now, do not catch up */
		regular = grid_next(check, now + 1);
	schedule(check, regular);
}

/* A quick re-check, if one is due before the regular run. */
static void
schedule_retry(struct check *check)
{
	usec_t soon;

	if (!check_wants_retry(check))
		return;
	soon = tick_at(
		check, loop_now(check->sched->env->loop) + check->spec->common.retry_interval_us);
	if (soon < check->due.due)
		schedule(check, soon);
}

/* Beyond a restart: how far the start_period has come, and what the probe wants remembered. */
void
sched_keep(const struct check *check)
{
	struct sched *sched = check->sched;
	json_t *doc;

	if (sched->options.on_keep == NULL ||
		(check->spec->common.start_period_us == 0 && check->kept == NULL &&
			check->learned == NULL))
		return;
	doc = json_pack("{s:I,s:b}", "first_added", (json_int_t)check->first_added_wall_us,
		"has_started", check->has_started);
	if (check->kept != NULL)
		json_object_set(doc, "probe", check->kept);
	if (check->learned != NULL)
		json_object_set(doc, "learned", check->learned);
	sched->options.on_keep(sched->options.arg, check->spec->name, doc);
	json_decref(doc);
}

/* This host was suspended: what failed while it woke up is not the targets' fault.  True: so it
 * was, and every run that had begun before is aborted. */
static bool
look_for_sleep(struct sched *sched)
{
	usec_t slept = clock_slept(loop_clock(sched->env->loop));
	usec_t gap = slept - sched->slept_us;

	sched->slept_us = slept;
	if (gap < SLEPT_US)
		return false;
	stats_add(sched->env->stats, STAT_SUSPENDS, 1);
	for (size_t i = 0; i < sched_count(sched); i++) {
		struct check *check = sched->flat[i];

		if (check->state == CHECK_SUSPECT)
			check->failures = 0;
		sched_abort_run(check);
	}
	if (sched->options.on_slept != NULL)
		sched->options.on_slept(sched->options.arg, gap);
	return true;
}

/* Something happened at the target: sooner than planned, but not more often than once a second. */
void
sched_poke(struct check *check)
{
	usec_t now = loop_now(check->sched->env->loop);
	usec_t soon = check->started_us + POKED_APART_US;

	if (check->sched->is_stopped)
		return;
	check->is_poked = check->run != NULL;
	if (check->is_poked)
		return;
	if (soon < now)
		soon = now;
	if (check->due.due > soon)
		schedule(check, soon);
}

static void
on_probe_done(void *arg, const struct sample *seen)
{
	struct check *check = arg;
	struct sched *sched = check->sched;
	struct sample sample = *seen; /* shares its parts; only flat members are completed here */
	bool had_started = check->has_started;
	bool was_up = check->state == CHECK_UP || check->state == CHECK_SUSPECT;

	end_run(check);
	if (look_for_sleep(sched)) /* it began before: its deadline or its peer was overslept */
		return;
	check_take(check, &sample, loop_wall(sched->env->loop));
	check_remember(check, &sample);
	if (check->has_started && !had_started)
		sched_keep(check);
	schedule_retry(check);
	if (check->is_poked)
		sched_poke(check);
	sched_look_at_place(check, !was_up);
	sched->options.on_sample(sched->options.arg, check->spec, &check->last);
	if (check->last.outcome == OUTCOME_OK && check_is_parent(check->spec))
		sched_take_children(check, &check->last);
}

static void
start_run(struct check *check)
{
	struct sched *sched = check->sched;
	const struct check_spec *spec = check->spec;
	struct probe_job job = {
		.type = spec->probe_type,
		.conf = spec->conf,
		.instance = spec->instance,
		.timeout_us = spec->common.timeout_us,
		.env = sched->env,
		.judge = sched->options.judge,
		.keep = &check->keep,
		.watch = check->watch,
	};

	check->runs++;
	check->started_us = loop_now(sched->env->loop);
	check->is_poked = false;
	check->run_generation = sched->generation;
	sched->generation->runs++;
	stats_add(sched->env->stats, STAT_RUNS_STARTED, 1);
	stats_add(sched->env->stats, STAT_RUNS_ACTIVE, 1);
	check->run = probe_run_start(&job, on_probe_done, check);
}

static void
start_due(struct check *check, usec_t now_us)
{
	struct sched *sched = check->sched;
	usec_t late = now_us - check->due.due;

	hist_add(&sched->lateness, late);
	if (late > check->spec->common.interval_us / 10)
		stats_add(sched->env->stats, STAT_RUNS_LATE, 1);
	if (check->run != NULL) {
		check->overdue++;
		stats_add(sched->env->stats, STAT_RUNS_OVERDUE, 1);
	} else {
		start_run(check);
	}
	schedule_next(check);
}

static void
on_tick(void *arg)
{
	struct sched *sched = arg;
	usec_t now = loop_now(sched->env->loop);
	unsigned started = 0;
	struct heap_node *first;

	look_for_sleep(sched);
	sched->is_batching = true;
	while ((first = heap_first(&sched->heap)) != NULL && first->due <= now) {
		if (started++ == STARTS_PER_TURN)
			break;
		start_due((struct check *)(void *)first, now);
	}
	sched->is_batching = false;
	arm(sched);
}

struct sched *
sched_new(const struct sched_options *options)
{
	struct sched *sched = xcalloc(1, sizeof(*sched));

	sched->options = *options;
	sched->env = options->env;
	sched->by_name = map_new();
	sched->restored = map_new();
	sched->epoch_us = loop_now(sched->env->loop);
	sched->slept_us = clock_slept(loop_clock(sched->env->loop));
	heap_init(&sched->heap);
	timer_init(&sched->timer, sched->env->loop, on_tick, sched);
	sched_open_facts(sched);
	sched_open_places(sched);
	return sched;
}

static void
free_json(void *doc)
{
	json_decref(doc);
}

void
sched_stop(struct sched *sched)
{
	timer_stop(&sched->timer);
	timer_stop(&sched->pace);
	sched->is_stopped = true;
	for (size_t i = 0; i < sched->flat_count; i++) {
		sched_abort_run(sched->flat[i]);
		sched_drop_facts(sched->flat[i]);
	}
}

static void
free_whole(struct check *check)
{
	for (size_t i = 0; i < check->child_count; i++)
		free_whole(check->children[i]);
	sched_abort_run(check);
	sched_drop_facts(check);
	sched_drop_subject(check);
	check_free(check);
}

void
sched_free(struct sched *sched)
{
	if (sched == NULL)
		return;
	timer_stop(&sched->timer);
	for (size_t i = 0; i < sched->count; i++)
		free_whole(sched->checks[i]);
	sched_close_facts(sched);
	sched_close_places(sched);
	sched_let_go(sched->generation);
	heap_fini(&sched->heap);
	map_free(sched->by_name, NULL);
	map_free(sched->restored, free_json);
	free(sched->checks);
	free(sched->flat);
	free(sched);
}

void
sched_restore(struct sched *sched, const char *check, const json_t *state)
{
	json_decref(map_put(sched->restored, check, json_deep_copy(state)));
}

/* start_period is counted from the first time this check was ever seen, over restarts. */
static void
recall(struct check *check)
{
	struct sched *sched = check->sched;
	const json_t *state = map_get(sched->restored, check->spec->name);
	json_int_t first = json_integer_value(json_object_get(state, "first_added"));

	check->first_added_wall_us = loop_wall(sched->env->loop);
	check->kept = json_incref(json_object_get(state, "probe"));
	check->learned = json_incref(json_object_get(state, "learned"));
	if (first <= 0 || first > check->first_added_wall_us) {
		sched_keep(check);
		return;
	}
	check->first_added_wall_us = first;
	check->has_started = json_is_true(json_object_get(state, "has_started"));
}

usec_t
sched_tick_for(const struct sched *sched, usec_t interval_us)
{
	usec_t tick = TICK_US;

	if (tick > interval_us / 20)
		tick = interval_us / 20;
	if (sched->starts_per_second > 0 &&
		tick > (usec_t)(STARTS_PER_TICK * USEC_PER_SEC / sched->starts_per_second))
		tick = (usec_t)(STARTS_PER_TICK * USEC_PER_SEC / sched->starts_per_second);
	return tick < TICK_MIN_US ? TICK_MIN_US : tick;
}

void
sched_schedule_soon(struct check *check, size_t place)
{
	struct sched *sched = check->sched;
	usec_t interval = check->spec->common.interval_us;
	usec_t wait = (usec_t)place * USEC_PER_SEC / FIRST_RUNS_PER_SECOND;
	usec_t now = loop_now(sched->env->loop);

	check->tick_us = sched_tick_for(sched, interval);
	check->phase_us = (usec_t)rand_below((uint64_t)interval);
	if (wait > interval / 2) /* a very large configuration: spread it over the interval */
		wait = check->phase_us;
	schedule(check, now + wait);
}

struct check *
sched_add(struct sched *sched, const struct check_spec *spec, size_t place)
{
	struct check *check = check_new(sched, spec);

	map_put(sched->by_name, spec->name, check);
	recall(check);
	sched_renew_subject(check);
	sched_schedule_soon(check, place);
	sched_renew_watch(check);
	return check;
}

void
sched_remove(struct check *check)
{
	struct sched *sched = check->sched;

	heap_remove(&sched->heap, &check->due);
	sched_abort_run(check);
	sched_drop_facts(check);
	map_remove(sched->by_name, check->spec->name);
	if (sched->options.on_keep != NULL &&
		(check->spec->common.start_period_us > 0 || check->kept != NULL ||
			check->learned != NULL))
		sched->options.on_keep(sched->options.arg, check->spec->name, NULL);
	sched_drop_subject(check);
	check_free(check);
	arm(sched);
}

void
sched_let_go(struct generation *generation)
{
	if (generation == NULL)
		return;
	generation->is_current = false;
	let_go(generation);
}

int
sched_run_now(struct sched *sched, const char *name)
{
	struct check *check = map_get(sched->by_name, name);

	if (check == NULL || check->run != NULL || sched->is_stopped)
		return -1;
	start_run(check);
	return 0;
}

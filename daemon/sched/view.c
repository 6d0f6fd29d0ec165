/* What others may see of the scheduler: one check at a time, parents before their children. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sched/private.h"

static size_t
count_all(const struct sched *sched)
{
	size_t count = sched->count;

	for (size_t i = 0; i < sched->count; i++)
		count += sched->checks[i]->child_count;
	return count;
}

void
sched_flatten(struct sched *sched)
{
	size_t at = 0;

	sched->flat_count = count_all(sched);
	sched->flat = xreallocarray(sched->flat, sched->flat_count == 0 ? 1 : sched->flat_count,
		sizeof(struct check *));
	for (size_t i = 0; i < sched->count; i++) {
		struct check *check = sched->checks[i];

		sched->flat[at++] = check;
		for (size_t c = 0; c < check->child_count; c++)
			sched->flat[at++] = check->children[c];
	}
	stats_set(sched->env->stats, STAT_CHECKS, (double)sched->flat_count);
}

size_t
sched_count(const struct sched *sched)
{
	return sched->flat_count;
}

usec_t
sched_behind_us(const struct sched *sched)
{
	usec_t most = runner_behind_us(&sched->runner);

	for (unsigned i = 0; i < sched->further_count; i++) {
		usec_t behind = further_behind_us(sched->further[i]);

		if (behind > most)
			most = behind;
	}
	return most;
}

/* A parent is down when a child is. */
static enum check_state
shown_state(const struct check *check)
{
	for (size_t i = 0; i < check->child_count; i++)
		if (check->children[i]->state == CHECK_DOWN)
			return CHECK_DOWN;
	return check->state;
}

void
sched_count_states(const struct sched *sched, size_t counts[CHECK_STARTING + 1])
{
	memset(counts, 0, (CHECK_STARTING + 1) * sizeof(counts[0]));
	for (size_t i = 0; i < sched->flat_count; i++)
		counts[shown_state(sched->flat[i])]++;
}

static void
fill(const struct check *check, struct check_view *out)
{
	const struct loop *loop = check->sched->env->loop;

	const struct task *task = &check->task;
	bool is_here = check->at == 0 && !check->is_moving;
	usec_t now = loop_now(loop), due = is_here ? task->due.due : check->told.due_us;

	*out = (struct check_view){
		.spec = check->spec,
		.state = shown_state(check),
		.last = check->has_sample ? &check->last : NULL,
		.since_us = check->since_wall_us,
		.next_us = loop_wall(loop) + (due - now),
		.is_running = is_here ? task->run != NULL : check->is_asked || due <= now,
		.failures = check->failures,
		.runs = is_here ? task->runs : check->told.runs,
		.overdue = is_here ? task->overdue : check->told.overdue,
		.totals = check->totals,
		.total_from = check->total_count < SCHED_TOTALS ? 0 : check->total_at,
		.total_count = check->total_count,
	};
}

bool
sched_view(const struct sched *sched, size_t n, struct check_view *out)
{
	if (n >= sched_count(sched))
		return false;
	fill(sched->flat[n], out);
	return true;
}

bool
sched_view_name(const struct sched *sched, const char *name, struct check_view *out)
{
	struct check *check = map_get(sched->by_name, name);

	if (check == NULL)
		return false;
	fill(check, out);
	return true;
}

const struct sample *
sched_last(const struct sched *sched, const char *name)
{
	const struct check *check = map_get(sched->by_name, name);

	return check != NULL && check->has_sample ? &check->last : NULL;
}

bool
sched_round_done(const struct sched *sched)
{
	for (size_t i = 0; i < sched->count; i++)
		if (!sched->checks[i]->has_sample)
			return false;
	return true;
}

const struct hist *
sched_lateness(const struct sched *sched)
{
	return &sched->runner.lateness;
}

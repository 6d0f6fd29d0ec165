/* See past.h.  Owns what was read until the answer is made. */
#include "api/past.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/value.h"
#include "io/loop.h"
#include "probes/probe.h"
#include "store/record.h"

#define NAMES_MAX 2000

static const char *
nearest_check(const struct sched *sched, const char *name)
{
	const char **names = xcalloc(NAMES_MAX, sizeof(*names)), *near;
	struct check_view view;
	size_t count = 0;

	for (size_t n = 0; count < NAMES_MAX && sched_view(sched, n, &view); n++)
		names[count++] = view.spec->name;
	near = str_nearest(name, names, count);
	free(names);
	return near;
}

bool
past_find_check(struct api_call *call, const char *name, struct check_view *view)
{
	const char *near;

	if (sched_view_name(call->world->sched, name, view))
		return true;
	near = nearest_check(call->world->sched, name);
	reply_problem(call, 404, "no check is called \"%s\"%s%s%s", name,
		near == NULL ? "" : ", did you mean \"", near == NULL ? "" : near,
		near == NULL ? "" : "\"?");
	return false;
}

int
past_when(struct api_call *call, const char *name, usec_t *wall_us)
{
	char text[64];
	usec_t age, at;

	if (!call_query(call, name, text, sizeof(text)))
		return 0;
	if (clock_parse_rfc3339(text, &at) == 0) {
		*wall_us = at;
		return 0;
	}
	if (value_duration(text, &age, NULL) == 0) {
		*wall_us = loop_wall(call->world->env->loop) - age;
		return 0;
	}
	reply_problem(call, 400,
		"%s: a time such as 2026-01-02T03:04:05Z (with %%2B for a +) or an age such as 2h",
		name);
	return -1;
}

const struct metric_desc *
past_metrics(const struct check_view *view)
{
	if (view->last != NULL && view->last->metrics != NULL)
		return view->last->metrics;
	return probe_metrics(view->spec->probe_type, view->spec->conf);
}

struct past *
past_new(struct api_call *call, const struct check_view *view)
{
	struct past *past = xcalloc(1, sizeof(*past));

	past->call = call;
	past->world = call->world;
	past->check = xstrdup(view->spec->name);
	past->row_us = recorder_row_us(view->spec->common.interval_us);
	return past;
}

void
past_free(struct past *past)
{
	if (past == NULL)
		return;
	for (size_t i = 0; i < past->count; i++) {
		free(past->series[i].metric);
		free(past->series[i].points);
	}
	free(past->series);
	free(past->check);
	free(past);
}

struct past_series *
past_add(struct past *past, const char *metric, enum metric_unit unit)
{
	struct past_series *series;

	past->series = xreallocarray(past->series, past->count + 1, sizeof(*past->series));
	series = &past->series[past->count++];
	*series = (struct past_series){ .metric = xstrdup(metric), .unit = unit, .is_kept = true };
	return series;
}

/* Nobody waits for the answer any more. */
static void
forget(struct api_call *call)
{
	struct past *past = call->waiting;

	call->forget = NULL;
	call->waiting = NULL;
	store_drop_waiter(past->world->store, past);
	past_free(past);
}

static void
finish(struct past *past)
{
	struct api_call *call = past->call;
	bool is_late = past->is_late;

	call->forget = NULL;
	call->waiting = NULL;
	past->answer(past);
	if (past->call != NULL)
		past_free(past);
	if (is_late)
		call->on_answer(call->on_answer_arg);
}

static void ask_next(struct past *past);

static void
on_points(void *arg, const struct store_point *points, size_t count)
{
	struct past *past = arg;
	struct past_series *series = &past->series[past->at++];

	series->points = xcalloc(count + 1, sizeof(*points));
	if (count > 0)
		memcpy(series->points, points, count * sizeof(*points));
	series->count = count;
	ask_next(past);
}

static void
ask_next(struct past *past)
{
	struct store_query query = {
		.check = past->check,
		.since_us = past->since_us,
		.until_us = past->until_us,
		.step_us = past->step_us,
	};

	while (past->at < past->count && !past->series[past->at].is_kept)
		past->at++;
	if (past->at == past->count) {
		finish(past);
		return;
	}
	past->is_late = true;
	past->call->waiting = past;
	past->call->forget = forget;
	query.metric = past->series[past->at].stored != NULL ? past->series[past->at].stored
							     : past->series[past->at].metric;
	store_query_start(past->world->store, &query, on_points, past);
}

void
past_start(struct past *past)
{
	if (!store_is_busy(past->world->store)) {
		ask_next(past);
		return;
	}
	reply_problem(past->call, 503, "too many ask for history already: try again in a moment");
	past->call->reply.retry_after_s = 1;
	past_free(past);
}

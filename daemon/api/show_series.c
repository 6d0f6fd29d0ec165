/*
 * What was measured, for plots: several metrics of one check over the same steps.  Steps are never
 * finer than what the history has of that time, so that only true gaps look like gaps.  The answer
 * is written in slices.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/past.h"
#include "api/show.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/value.h"
#include "io/loop.h"
#include "model/record.h"
#include "store/points.h"
#include "store/record.h"

#define METRICS_MAX    16
#define METRICS_TEXT   2000
#define POINTS_WANTED  400
#define POINTS_MAX     2000
#define TOTAL_MAX      16000 /* of all metrics together */
#define SLICE_POINTS   400
#define DEFAULT_AGE_US (2 * USEC_PER_HOUR)
#define OLDEST_US      (90 * USEC_PER_DAY)
#define TABLE_NAMES    200

/* How fine the history is of what is that old. */
static const struct {
	usec_t age_us, grain_us;
} grains[] = {
	{ 2 * USEC_PER_HOUR + USEC_PER_MIN, 0 },
	{ 48 * USEC_PER_HOUR, USEC_PER_MIN },
	{ INT64_MAX, 15 * USEC_PER_MIN },
};

/* Steps that people can count in. */
static const usec_t steps[] = {
	10 * USEC_PER_SEC,
	15 * USEC_PER_SEC,
	20 * USEC_PER_SEC,
	30 * USEC_PER_SEC,
	USEC_PER_MIN,
	2 * USEC_PER_MIN,
	5 * USEC_PER_MIN,
	10 * USEC_PER_MIN,
	15 * USEC_PER_MIN,
	30 * USEC_PER_MIN,
	USEC_PER_HOUR,
	2 * USEC_PER_HOUR,
	3 * USEC_PER_HOUR,
	6 * USEC_PER_HOUR,
	12 * USEC_PER_HOUR,
	USEC_PER_DAY,
};

/* --- steps --- */

static usec_t
rounded_up(usec_t us, usec_t to_us)
{
	return to_us == 0 ? us : (us + to_us - 1) / to_us * to_us;
}

static usec_t
grain_at(usec_t age_us)
{
	size_t n = 0;

	while (age_us > grains[n].age_us)
		n++;
	return grains[n].grain_us;
}

/* At least so long, and a whole number of what the history has. */
static usec_t
nice_step(usec_t least_us, usec_t grain_us)
{
	for (size_t n = 0; n < sizeof(steps) / sizeof(steps[0]); n++)
		if (steps[n] >= least_us && (grain_us == 0 || steps[n] % grain_us == 0))
			return steps[n];
	return rounded_up(least_us, USEC_PER_DAY);
}

static void
fit_step(struct past *past, usec_t now_us)
{
	usec_t grain_us = grain_at(now_us - past->since_us);
	usec_t span_us = past->until_us - past->since_us;
	usec_t most =
		past->count * POINTS_MAX > TOTAL_MAX ? TOTAL_MAX / (usec_t)past->count : POINTS_MAX;
	usec_t least_us = span_us / (past->step_us > 0 ? most : POINTS_WANTED);

	least_us = least_us > past->row_us ? least_us : past->row_us;
	if (past->step_us >= least_us)
		past->step_us = rounded_up(past->step_us, grain_us);
	else
		past->step_us = nice_step(least_us, grain_us);
}

/* --- the answer, in slices --- */

struct writing {
	struct past *past;
	size_t series, point;
};

/* The members of an object, behind others that were written by hand. */
static void
write_members(struct buf *body, json_t *doc)
{
	char *text = json_dumps(doc, JSON_COMPACT | JSON_REAL_PRECISION(15));

	buf_add_text(body, text + 1);
	free(text);
	json_decref(doc);
}

static json_t *
point_json(const struct store_point *point)
{
	json_t *doc = json_array();

	json_array_append_new(doc, json_integer(point->wall_us / USEC_PER_SEC));
	json_array_append_new(doc, json_real(point->avg));
	json_array_append_new(doc, json_real(point->min));
	json_array_append_new(doc, json_real(point->max));
	json_array_append_new(doc, json_integer((json_int_t)point->count));
	return doc;
}

static json_t *
series_json(const struct past_series *series)
{
	json_t *doc = json_object();

	json_object_set_new(doc, "metric", record_text(series->metric));
	json_object_set_new(doc, "unit", json_string(unit_symbol(series->unit)));
	json_object_set_new(doc, "kept", json_boolean(series->is_kept));
	return doc;
}

static json_t *
span_json(const struct past *past)
{
	json_t *doc = json_object();

	json_object_set_new(doc, "check", record_text(past->check));
	json_object_set_new(doc, "since", record_time(past->since_us));
	json_object_set_new(doc, "until", record_time(past->until_us));
	json_object_set_new(doc, "step", json_real((double)past->step_us / 1e6));
	return doc;
}

static bool
step_series(struct api_call *call)
{
	struct writing *w = call->walk.state;
	const struct past *past = w->past;
	struct buf *body = &call->reply.body;

	for (size_t n = 0; n < SLICE_POINTS; n++) {
		const struct past_series *series = &past->series[w->series];

		if (w->series == past->count) {
			buf_add_text(body, "],");
			write_members(body, span_json(past));
			buf_add_text(body, "\n");
			return true;
		}
		if (w->point == 0)
			buf_add_text(body, w->series > 0 ? ",\n{\"points\":[" : "{\"points\":[");
		if (w->point < series->count) {
			if (w->point > 0)
				buf_add_text(body, ",");
			json_write(body, point_json(&series->points[w->point++]));
			continue;
		}
		buf_add_text(body, "],");
		write_members(body, series_json(series));
		w->series++;
		w->point = 0;
	}
	return false;
}

static void
end_writing(void *state)
{
	struct writing *w = state;

	past_free(w->past);
	free(w);
}

/* Where the fine values went before their time, what is left has longer stretches. */
static void
even_out(struct past *past)
{
	usec_t grain_us = 0;

	for (size_t n = 0; n < past->count; n++) {
		usec_t own_us = points_grain(past->series[n].points, past->series[n].count);
		grain_us = own_us > grain_us ? own_us : grain_us;
	}
	if (grain_us <= past->step_us)
		return;
	past->step_us = grain_us;
	for (size_t n = 0; n < past->count; n++)
		past->series[n].count =
			points_thin(past->series[n].points, past->series[n].count, past->step_us);
}

static void
answer(struct past *past)
{
	struct writing *w = xcalloc(1, sizeof(*w));
	struct api_call *call = past->call;

	even_out(past);
	w->past = past;
	past->call = NULL;
	reply_text(call, 200, "application/json", "{\"series\":[");
	call->walk = (struct walk){ .step = step_series, .end = end_writing, .state = w };
}

/* --- the question --- */

static void
refuse_metric(
	struct api_call *call, const char *check, const struct metric_desc *table, const char *name)
{
	const char *names[TABLE_NAMES], *near;
	size_t count = 0;

	names[count++] = "up";
	for (; count < TABLE_NAMES && table[count - 1].name != NULL; count++)
		names[count] = table[count - 1].name;
	near = str_nearest(name, names, count);
	reply_problem(call, 404, "%s has no metric \"%s\"%s%s%s", check, name,
		near == NULL ? "" : ", did you mean \"", near == NULL ? "" : near,
		near == NULL ? "" : "\"?");
}

/* `up` is no metric of the check's own; it is stored under a name that none can have. */
static int
add_metric(struct past *past, const struct metric_desc *table, const char *name)
{
	int index = metric_index(table, name);

	if (past->count == METRICS_MAX) {
		reply_problem(past->call, 400, "metric: at most %d at once", METRICS_MAX);
		return -1;
	}
	if (index >= 0)
		past_add(past, name, table[index].unit)->is_kept =
			table[index].kind != METRIC_MOMENT;
	else if (str_eq(name, "up"))
		past_add(past, name, UNIT_NONE)->stored = RECORD_UP;
	else
		refuse_metric(past->call, past->check, table, name);
	return index >= 0 || str_eq(name, "up") ? 0 : -1;
}

static int
add_wanted(struct past *past, const struct metric_desc *table, char *text)
{
	char *save = NULL;

	for (char *name = strtok_r(text, ",", &save); name != NULL;
		name = strtok_r(NULL, ",", &save))
		if (add_metric(past, table, name) == -1)
			return -1;
	if (past->count > 0)
		return 0;
	reply_problem(past->call, 400, "metric: names with commas between them, or leave it out");
	return -1;
}

static int
add_metrics(struct past *past, const struct check_view *view)
{
	const struct metric_desc *table = past_metrics(view);
	char text[METRICS_TEXT];
	const char *telling;

	if (call_query(past->call, "metric", text, sizeof(text)))
		return add_wanted(past, table, text);
	telling = show_telling_metric(view->last);
	if (telling != NULL && !str_eq(telling, "total_time") &&
		add_metric(past, table, telling) == -1)
		return -1;
	return metric_index(table, "total_time") >= 0 ? add_metric(past, table, "total_time") : 0;
}

static int
read_span(struct past *past)
{
	usec_t now_us = loop_wall(past->world->env->loop);
	char text[64];
	struct err e;

	past->until_us = now_us;
	past->since_us = now_us - DEFAULT_AGE_US;
	if (past_when(past->call, "since", &past->since_us) == -1 ||
		past_when(past->call, "until", &past->until_us) == -1)
		return -1;
	if (past->until_us > now_us)
		past->until_us = now_us;
	if (past->since_us < now_us - OLDEST_US)
		past->since_us = now_us - OLDEST_US;
	if (past->since_us >= past->until_us) {
		reply_problem(past->call, 400, "since: must be before `until`, and not to come");
		return -1;
	}
	if (call_query(past->call, "step", text, sizeof(text)) &&
		(value_duration(text, &past->step_us, &e) == -1 || past->step_us < 0)) {
		reply_problem(past->call, 400, "step: %s", e.text);
		return -1;
	}
	fit_step(past, now_us);
	return 0;
}

void
handle_series(struct api_call *call)
{
	struct check_view view;
	struct past *past;

	if (!past_find_check(call, call->name, &view))
		return;
	past = past_new(call, &view);
	past->answer = answer;
	if (add_metrics(past, &view) == -1 || read_span(past) == -1)
		past_free(past);
	else
		past_start(past);
}

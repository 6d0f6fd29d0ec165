/*
 * One expression of the rule language, asked of the running daemon: compiled against the checks in
 * force, evaluated now.  Windows that no rule keeps are filled from the history first, one after
 * the other, so the answer may come later.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "base/mem.h"
#include "io/loop.h"
#include "model/record.h"
#include "probes/probe.h"
#include "rules/expr.h"
#include "rules/rules.h"
#include "sched/sched.h"
#include "store/store.h"

#define EXPR_MAX    4001
#define WINDOWS_MAX 16 /* of one question, that the history fills */
#define STEP_US     USEC_PER_MIN
#define LONG_US     (48 * USEC_PER_HOUR)
#define LONG_STEP   (15 * USEC_PER_MIN)

enum source { FROM_RULE, FROM_HISTORY, FROM_NOWHERE };

struct look_back {
	const struct expr_window *what;
	enum source source;
	const struct series *series; /* of the rules; or `own` */
	struct series *own;
};

struct question {
	struct api_call *call;
	const struct api_world *world;
	struct expr *expr;
	char *this_check; /* NULL: none */
	struct look_back *windows;
	size_t count, at; /* at: the one being filled */
	bool is_started;  /* the handler returned, so the answer is late */
};

/* --- names --- */

static const struct metric_desc *
metrics_of(const void *arg, const char *check)
{
	const struct question *q = arg;
	struct check_view view;

	if (!sched_view_name(q->world->sched, check, &view))
		return NULL;
	if (view.last != NULL && view.last->metrics != NULL)
		return view.last->metrics;
	return probe_metrics(view.spec->probe_type, view.spec->conf);
}

static const char *
type_of(const void *arg, const char *check)
{
	const struct question *q = arg;
	struct check_view view;

	return sched_view_name(q->world->sched, check, &view) ? view.spec->type : NULL;
}

static const char *
check_at(const void *arg, size_t n)
{
	const struct question *q = arg;
	struct check_view view;

	return sched_view(q->world->sched, n, &view) ? view.spec->name : NULL;
}

static int
compile(struct question *q, const char *text, struct err *e)
{
	struct expr_names names = {
		.arg = q,
		.metrics_of = metrics_of,
		.check_at = check_at,
		.type_of = type_of,
	};

	if (q->this_check != NULL) {
		names.this_metrics = metrics_of(q, q->this_check);
		names.this_type = type_of(q, q->this_check);
	}
	q->expr = expr_compile(text, &names, e);
	if (q->expr == NULL)
		return -1;
	q->count = expr_window_count(q->expr);
	if (q->count > WINDOWS_MAX)
		return err_set(e, 1, "at most %d windows can be asked for at once", WINDOWS_MAX);
	q->windows = xcalloc(q->count + 1, sizeof(*q->windows));
	for (size_t i = 0; i < q->count; i++)
		q->windows[i].what = expr_window_at(q->expr, i);
	return 0;
}

static void
question_free(struct question *q)
{
	for (size_t i = 0; q->windows != NULL && i < q->count; i++)
		series_free(q->windows[i].own);
	free(q->windows);
	free(q->this_check);
	expr_free(q->expr);
	free(q);
}

static const char *
real_name(const struct question *q, const char *check)
{
	return strcmp(check, "this") == 0 && q->this_check != NULL ? q->this_check : check;
}

/* --- the world --- */

static const struct sample *
sample_of(void *arg, const char *check)
{
	const struct question *q = arg;
	usec_t patience, now = loop_now(q->world->env->loop);
	struct check_view view;

	if (!sched_view_name(q->world->sched, check, &view) || view.last == NULL)
		return NULL;
	patience = 3 * view.spec->common.interval_us;
	if (patience < USEC_PER_MIN)
		patience = USEC_PER_MIN;
	return now - view.last->started_us - view.last->took_us < patience ? view.last : NULL;
}

static const struct series *
series_of(void *arg, const char *check, const struct expr_window *window)
{
	const struct question *q = arg;

	(void)check;
	for (size_t i = 0; i < q->count; i++)
		if (q->windows[i].what == window)
			return q->windows[i].series;
	return NULL;
}

static struct expr_world
world_of(struct question *q)
{
	return (struct expr_world){
		.arg = q,
		.now_us = loop_now(q->world->env->loop),
		.wall_us = loop_wall(q->world->env->loop),
		.this_check = q->this_check,
		.sample_of = sample_of,
		.series_of = series_of,
	};
}

/* --- the answer --- */

static json_t *
value_json(const struct expr_value *value)
{
	if (!value->is_known)
		return json_null();
	if (value->unit == UNIT_TEXT)
		return record_text(value->text);
	if (value->unit == UNIT_BOOL)
		return json_boolean(value->number != 0);
	return isfinite(value->number) ? json_real(value->number) : json_null();
}

static void
put_value(json_t *doc, const struct expr_value *value)
{
	char text[300];

	expr_print_value(value, text, sizeof(text));
	json_object_set_new(doc, "known", json_boolean(value->is_known));
	json_object_set_new(doc, "value", value_json(value));
	json_object_set_new(doc, "unit", json_string(unit_symbol(value->unit)));
	json_object_set_new(doc, "text", record_text(text));
}

static void
add_looked(void *arg, const char *label, const struct expr_value *value)
{
	json_t *one = json_object();

	json_object_set_new(one, "name", record_text(label));
	put_value(one, value);
	json_array_append_new(arg, one);
}

static json_t *
window_json(const struct question *q, const struct look_back *w)
{
	static const char *const sources[] = { "rule", "history", "none" };
	usec_t now = loop_now(q->world->env->loop);
	bool is_filled = w->series != NULL && series_reaches(w->series, now - w->what->span_us);
	json_t *doc = json_object();
	char span[40];

	clock_format_duration(w->what->span_us, span, sizeof(span));
	json_object_set_new(doc, "check", record_text(real_name(q, w->what->check)));
	json_object_set_new(doc, "metric", record_text(w->what->row->name));
	json_object_set_new(doc, "span", json_real((double)w->what->span_us / 1e6));
	json_object_set_new(doc, "span_text", json_string(span));
	json_object_set_new(doc, "source", json_string(sources[w->source]));
	if (w->what->keep != KEEP_DAYS)
		json_object_set_new(doc, "filled", json_boolean(is_filled));
	return doc;
}

static void
answer(struct question *q)
{
	const struct expr_world world = world_of(q);
	struct expr_value value = expr_eval(q->expr, &world);
	json_t *doc = json_object(), *looked = json_array(), *windows = json_array();

	json_object_set_new(doc, "expression", record_text(expr_text(q->expr)));
	json_object_set_new(doc, "at", record_time(world.wall_us));
	json_object_set_new(doc, "condition", json_boolean(expr_is_condition(q->expr)));
	put_value(doc, &value);
	expr_look(q->expr, &world, add_looked, looked);
	json_object_set_new(doc, "looked_at", looked);
	for (size_t i = 0; i < q->count; i++)
		json_array_append_new(windows, window_json(q, &q->windows[i]));
	json_object_set_new(doc, "windows", windows);
	reply_json(q->call, 200, doc);
}

/* --- windows from the history --- */

static void fill_next(struct question *q);

static usec_t
step_of(const struct expr_window *what)
{
	if (what->span_us <= EXPR_SHORT_MAX)
		return 0; /* value by value, as far as the raw ones reach */
	return what->span_us <= LONG_US ? STEP_US : LONG_STEP;
}

static struct series *
series_of_points(const struct question *q, const struct expr_window *what,
	const struct store_point *points, size_t count)
{
	struct loop *loop = q->world->env->loop;
	bool has_days = what->keep == KEEP_DAYS;
	usec_t ahead_us = has_days ? 0 : loop_wall(loop) - loop_now(loop);
	const struct series_shape shape = { .span_us = what->span_us,
		.has_sketch = what->keep == KEEP_SKETCH,
		.has_days = has_days };
	struct series_part *parts = xcalloc(count + 1, sizeof(*parts));
	struct series *s = series_new(&shape, loop_wall(loop) - ahead_us);

	for (size_t i = 0; i < count; i++) {
		usec_t at = points[i].wall_us - ahead_us;
		double avg = points[i].avg;

		if (step_of(what) == 0)
			series_add(s, at, expr_window_take(what, avg));
		parts[i] = (struct series_part){ .first_us = at,
			.last_us = at + step_of(what),
			.count = (uint32_t)points[i].count,
			.first = avg,
			.last = avg,
			.min = points[i].min,
			.max = points[i].max,
			.sum = avg * (double)points[i].count,
			.grown_from_us = at };
	}
	if (step_of(what) > 0)
		series_prepend(s, parts, count);
	free(parts);
	return s;
}

static void
on_points(void *arg, const struct store_point *points, size_t count)
{
	struct question *q = arg;
	struct look_back *w = &q->windows[q->at];

	w->source = count > 0 ? FROM_HISTORY : FROM_NOWHERE;
	if (count > 0)
		w->series = w->own = series_of_points(q, w->what, points, count);
	q->at++;
	fill_next(q);
}

/* Nobody waits for the answer any more. */
static void
forget(struct api_call *call)
{
	struct question *q = call->waiting;

	call->forget = NULL;
	call->waiting = NULL;
	store_drop_waiter(q->world->store, q);
	question_free(q);
}

static void
finish(struct question *q)
{
	struct api_call *call = q->call;
	bool is_late = q->is_started;

	answer(q);
	question_free(q);
	call->forget = NULL;
	call->waiting = NULL;
	if (is_late)
		call->on_answer(call->on_answer_arg);
}

static void
ask_history(struct question *q, const struct expr_window *what)
{
	usec_t now = loop_wall(q->world->env->loop);
	const struct store_query query = {
		.check = real_name(q, what->check),
		.metric = what->row->name,
		.since_us = now - what->span_us,
		.until_us = now,
		.step_us = step_of(what),
	};

	if (!q->is_started) {
		q->is_started = true;
		q->call->waiting = q;
		q->call->forget = forget;
	}
	store_query_start(q->world->store, &query, on_points, q);
}

/* The next window that nobody keeps; when there is none left, the answer. */
static void
fill_next(struct question *q)
{
	for (; q->at < q->count; q->at++) {
		struct look_back *w = &q->windows[q->at];

		w->series = rules_series(q->world->rules, real_name(q, w->what->check), w->what);
		if (w->series != NULL)
			continue;
		w->source = FROM_NOWHERE;
		if (w->what->row->kind != METRIC_MOMENT) {
			ask_history(q, w->what);
			return;
		}
	}
	finish(q);
}

void
handle_rule(struct api_call *call)
{
	struct question *q = xcalloc(1, sizeof(*q));
	char text[EXPR_MAX], check[200];
	struct err e = { 0 };

	q->call = call;
	q->world = call->world;
	if (!call_query(call, "expr", text, sizeof(text))) {
		reply_problem(call, 400, "`expr` is missing: an expression of the rule language");
	} else if (*text == '\0') {
		reply_problem(call, 400,
			"`expr` is empty, has a broken %%-escape, or is longer than %d bytes",
			EXPR_MAX - 1);
	} else if (call_query(call, "check", check, sizeof(check)) && type_of(q, check) == NULL) {
		reply_problem(call, 404, "no check is called \"%s\"", check);
	} else {
		if (call_query(call, "check", check, sizeof(check)))
			q->this_check = xstrdup(check);
		if (compile(q, text, &e) == 0) {
			fill_next(q);
			return;
		}
		reply_problem(call, 422, "column %d: %s", e.code, e.text);
	}
	question_free(q);
}

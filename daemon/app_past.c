/*
 * What the history knows, for windows of rules that are longer than we have lived: one question to
 * the store at a time, so that ten thousand of them do not keep it from writing.
 */
#include <stdlib.h>
#include <string.h>

#include "app_private.h"
#include "base/list.h"
#include "base/mem.h"

/* Steps of the answer: the history's own. */
#define FINE_US      USEC_PER_MIN
#define COARSE_US    (15 * USEC_PER_MIN)
#define FINE_SPAN_US (48 * USEC_PER_HOUR)

struct question {
	struct list node;
	char *check, *metric;
	usec_t span_us;
};

struct app_past {
	struct app *app;
	struct list questions;
	struct question *asked; /* under way; NULL: none */
};

struct app_past *
app_past_new(struct app *app)
{
	struct app_past *past = xcalloc(1, sizeof(*past));

	past->app = app;
	list_init(&past->questions);
	return past;
}

static void
drop_question(struct question *question)
{
	if (question == NULL)
		return;
	free(question->check);
	free(question->metric);
	free(question);
}

void
app_past_free(struct app_past *past)
{
	if (past == NULL)
		return;
	if (past->app->store != NULL)
		store_drop_waiter(past->app->store, past);
	LIST_EACH_SAFE(it, &past->questions)
	{
		list_remove(it);
		drop_question(LIST_ENTRY(it, struct question, node));
	}
	drop_question(past->asked);
	free(past);
}

static usec_t
step_of(const struct question *question)
{
	return question->span_us <= FINE_SPAN_US ? FINE_US : COARSE_US;
}

static void ask_next(struct app_past *past);

static void
on_points(void *arg, const struct store_point *points, size_t count)
{
	struct app_past *past = arg;
	struct question *question = past->asked;
	struct rules_past *stretches = xcalloc(count + 1, sizeof(*stretches));

	for (size_t i = 0; i < count; i++)
		stretches[i] = (struct rules_past){
			.since_us = points[i].wall_us,
			.until_us = points[i].wall_us + step_of(question),
			.count = points[i].count < UINT32_MAX ? (uint32_t)points[i].count
							      : UINT32_MAX,
			.avg = points[i].avg,
			.min = points[i].min,
			.max = points[i].max,
		};
	rules_take_past(past->app->rules, question->check, question->metric, question->span_us,
		stretches, count);
	free(stretches);
	drop_question(question);
	past->asked = NULL;
	ask_next(past);
}

static void
ask_next(struct app_past *past)
{
	usec_t now_us = loop_wall(past->app->env.loop);
	struct store_query query;

	if (past->asked != NULL || list_is_empty(&past->questions))
		return;
	past->asked = LIST_ENTRY(past->questions.next, struct question, node);
	list_remove(&past->asked->node);
	query = (struct store_query){
		.check = past->asked->check,
		.metric = past->asked->metric,
		.since_us = now_us - past->asked->span_us,
		.until_us = now_us,
		.step_us = step_of(past->asked),
	};
	store_query_start(past->app->store, &query, on_points, past);
}

void
app_ask_past(void *arg, const char *check, const char *metric, usec_t span_us)
{
	struct app_past *past = ((struct app *)arg)->past;
	struct question *question = xcalloc(1, sizeof(*question));

	question->check = xstrdup(check);
	question->metric = xstrdup(metric);
	question->span_us = span_us;
	list_append(&past->questions, &question->node);
	ask_next(past);
}

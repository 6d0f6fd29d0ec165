/*
 * The far end of a further loop: reads orders, has the runner carry them out, writes what came of
 * it.  Everything here happens on that loop, but making and ending it.
 *
 * A sample that says nothing bad waits a moment for others, so that the main loop is woken once for
 * many; what may be somebody's alarm leaves at once.  Where the main loop does not read, nothing
 * more is started: starts are late then, and are seen to be.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "sched/letters.h"
#include "sched/private.h"

#define REPORT_US USEC_PER_SEC

static struct news *
write_news(struct abroad *abroad, enum news_kind kind, bool can_wait)
{
	struct news *news = xmalloc(sizeof(*news));

	news->kind = kind;
	mailbox_write(abroad->out, &news->letter, can_wait);
	return news;
}

/* --- what the runner says --- */

static void
on_done(void *arg, struct task *task, const struct sample *sample)
{
	struct news *news = write_news(arg, NEWS_SAMPLE, sample->outcome == OUTCOME_OK);

	news->task = task;
	news->version = task->version;
	news->due_us = task->due.due;
	news->runs = task->runs;
	news->overdue = task->overdue;
	sample_copy(&news->sample, sample);
}

static void
on_let_go(void *arg, struct generation *generation)
{
	struct abroad *abroad = arg;

	if (abroad->is_ended)
		sched_release(generation);
	else
		write_news(abroad, NEWS_LET_GO, true)->generation = generation;
}

static bool
is_held_up(void *arg)
{
	return mailbox_is_full(((struct abroad *)arg)->out);
}

static const struct runner_calls calls = {
	.on_done = on_done,
	.on_let_go = on_let_go,
	.is_held_up = is_held_up,
};

/* --- signs of life, and numbers --- */

static void
on_report_due(void *arg)
{
	struct abroad *abroad = arg;
	struct loop_report *report = xmalloc(sizeof(*report));

	report->stats = abroad->stats;
	abroad->stats = (struct stats){ 0 };
	report->lag = loop_take_lag(abroad->env.loop);
	report->lateness = abroad->runner.lateness;
	abroad->runner.lateness = (struct hist){ 0 };
	report->behind_us = runner_behind_us(&abroad->runner);
	write_news(abroad, NEWS_REPORT, true)->report = report;
	if (abroad->runner.heap.count > 0 && !abroad->runner.is_stopped)
		timer_after(&abroad->report, REPORT_US);
}

/* A loop that has nothing to do says nothing, and sleeps. */
static void
begin_reports(struct abroad *abroad)
{
	if (!timer_runs(&abroad->report))
		timer_after(&abroad->report, REPORT_US);
}

/* --- orders --- */

static void
give_back(struct abroad *abroad, struct task *task)
{
	runner_drop(&abroad->runner, task);
	write_news(abroad, NEWS_BACK, true)->task = task;
}

static void
leave(struct abroad *abroad)
{
	runner_stop(&abroad->runner);
	timer_stop(&abroad->report);
	loop_stop(abroad->env.loop);
}

static void
carry_out(struct abroad *abroad, const struct order *order)
{
	struct runner *runner = &abroad->runner;
	struct task *task = order->task;

	switch (order->kind) {
	case ORDER_ADD:
		runner_add(runner, task, order->place);
		begin_reports(abroad);
		break;
	case ORDER_TAKE_OVER:
		runner_take_over(runner, task);
		begin_reports(abroad);
		break;
	case ORDER_MOVE_SPEC:
		runner_move_spec(runner, task, order->spec);
		break;
	case ORDER_RENEW:
		task->version = order->version;
		runner_renew(runner, task, order->spec, order->place);
		break;
	case ORDER_GIVE_BACK:
		give_back(abroad, task);
		break;
	case ORDER_RUN:
		runner_run(task);
		break;
	case ORDER_RUN_AT:
		runner_run_at(task, order->at_us);
		break;
	case ORDER_STOP:
		runner_stop(runner);
		break;
	case ORDER_LEAVE:
		leave(abroad);
		break;
	}
}

void
abroad_read(void *arg, struct letter *letter)
{
	struct orders *orders = (struct orders *)(void *)letter;
	struct abroad *abroad = arg;
	struct hold *before = NULL;

	if (orders->generation != NULL) {
		abroad->env.secrets = orders->generation->owner.secrets;
		before = runner_begin(
			&abroad->runner, orders->generation, orders->starts_per_second);
	}
	for (size_t i = 0; i < orders->count; i++)
		carry_out(abroad, &orders->list[i]);
	runner_settle(&abroad->runner, before);
	free(orders->list);
	free(orders);
}

/* --- life --- */

void
abroad_init(struct abroad *abroad, const struct io_env *env, const struct judge *judge)
{
	abroad->env = *env;
	abroad->env.stats = &abroad->stats;
	runner_init(&abroad->runner, &abroad->env, judge, &calls, abroad);
	timer_init(&abroad->report, env->loop, on_report_due, abroad);
}

void
abroad_end(struct abroad *abroad)
{
	abroad->is_ended = true;
	timer_stop(&abroad->report);
	runner_stop(&abroad->runner);
}

void
abroad_fini(struct abroad *abroad)
{
	runner_fini(&abroad->runner);
}

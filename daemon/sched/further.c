/* The main loop's end of a further loop: writes orders, reads news into the book. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sched/letters.h"
#include "sched/private.h"

#define WAIT_US     (5 * USEC_PER_MSEC) /* that a good sample may wait for company */
#define UNREAD_MOST 8192                /* news; more, and the runner starts nothing */
#define SILENT_US   (3 * USEC_PER_SEC)  /* it reports every second; longer than this is odd */
#define ORDERS_ROOM 64

struct further {
	struct abroad abroad; /* the other loop's */
	struct sched *sched;
	struct mailbox *in;   /* orders, to that loop */
	struct orders *batch; /* being written; NULL */
	size_t task_count;    /* that it was given, and has not given back */
	usec_t heard_us;      /* monotonic */
	usec_t behind_us;     /* as it said then */
};

/* --- orders --- */

static void
add_order(struct orders *orders, const struct order *order)
{
	if (orders->count == orders->room) {
		orders->room = orders->room == 0 ? 1 : orders->room * 2;
		if (orders->generation != NULL && orders->room < ORDERS_ROOM)
			orders->room = ORDERS_ROOM;
		orders->list = xreallocarray(orders->list, orders->room, sizeof(*orders->list));
	}
	orders->list[orders->count++] = *order;
}

static void
send(struct further *further, const struct order *order)
{
	struct orders *orders;

	if (further->batch != NULL) {
		add_order(further->batch, order);
		return;
	}
	orders = xcalloc(1, sizeof(*orders));
	add_order(orders, order);
	mailbox_write(further->in, &orders->letter, false);
}

void
further_begin(struct further *further, struct generation *generation, double starts_per_second)
{
	further->batch = xcalloc(1, sizeof(*further->batch));
	further->batch->generation = generation;
	further->batch->starts_per_second = starts_per_second;
}

void
further_settle(struct further *further)
{
	mailbox_write(further->in, &further->batch->letter, false);
	further->batch = NULL;
}

void
further_add(struct further *further, struct check *check, bool is_new, size_t place)
{
	usec_t now = loop_now(further->sched->env->loop);

	if (further->task_count++ == 0)
		further->heard_us = now;
	if (is_new)
		check->told.due_us = now + (usec_t)place * USEC_PER_MSEC; /* about then */
	else
		check->told.due_us = check->task.due.due;
	check->told.runs = check->task.runs;
	check->told.overdue = check->task.overdue;
	check->is_asked = false;
	send(further, &(struct order){ .kind = is_new ? ORDER_ADD : ORDER_TAKE_OVER,
			      .task = &check->task,
			      .place = place });
}

void
further_renew(struct further *further, struct check *check, bool is_same, size_t place)
{
	send(further, &(struct order){ .kind = is_same ? ORDER_MOVE_SPEC : ORDER_RENEW,
			      .task = &check->task,
			      .version = check->version,
			      .spec = check->spec,
			      .place = place });
	if (!is_same)
		check->is_asked = false;
}

void
further_take_back(struct further *further, struct check *check)
{
	send(further, &(struct order){ .kind = ORDER_GIVE_BACK, .task = &check->task });
}

void
further_run_at(struct further *further, struct check *check, usec_t at_us)
{
	if (at_us < check->told.due_us)
		check->told.due_us = at_us;
	send(further,
		&(struct order){ .kind = ORDER_RUN_AT, .task = &check->task, .at_us = at_us });
}

bool
further_run(struct further *further, struct check *check)
{
	if (check->is_asked || check->told.due_us <= loop_now(further->sched->env->loop))
		return false;
	check->is_asked = true;
	send(further, &(struct order){ .kind = ORDER_RUN, .task = &check->task });
	return true;
}

void
further_void(struct further *further, struct check *check)
{
	usec_t now = loop_now(further->sched->env->loop);

	check->is_asked = false;
	if (check->told.due_us <= now) /* it had begun; the loop knows better when it is next */
		check->told.due_us = now + check->spec->common.interval_us;
}

void
further_stop(struct further *further)
{
	send(further, &(struct order){ .kind = ORDER_STOP });
}

void
further_leave(struct further *further)
{
	send(further, &(struct order){ .kind = ORDER_LEAVE });
	mailbox_flush(further->in);
}

/* An order that nobody reads any more. */
static void
drop_orders(struct letter *letter)
{
	struct orders *orders = (struct orders *)(void *)letter;

	if (orders->generation != NULL)
		sched_release(orders->generation);
	free(orders->list);
	free(orders);
}

/* --- news --- */

static void
take_sample(struct further *further, const struct news *news)
{
	struct check *check = (struct check *)(void *)news->task;
	struct sched *sched = further->sched;

	if (check->is_leaving || sched->is_stopped || news->version != check->version)
		return;
	check->told.due_us = news->due_us;
	check->told.runs = news->runs;
	check->told.overdue = news->overdue;
	check->is_asked = false;
	runner_look_for_sleep(&sched->runner);
	sched_take(check, &news->sample);
}

static void
take_report(struct further *further, const struct loop_report *report)
{
	struct sched *sched = further->sched;

	further->heard_us = loop_now(sched->env->loop);
	further->behind_us = report->behind_us;
	loop_add_lag(sched->env->loop, &report->lag);
	hist_merge(&sched->runner.lateness, &report->lateness);
	stats_merge(sched->env->stats, &report->stats);
	runner_look_for_sleep(&sched->runner); /* the main loop may have no run that would */
}

static void
drop_news(struct letter *letter)
{
	struct news *news = (struct news *)(void *)letter;

	if (news->kind == NEWS_SAMPLE)
		sample_fini(&news->sample);
	else if (news->kind == NEWS_LET_GO)
		sched_release(news->generation);
	else if (news->kind == NEWS_REPORT)
		free(news->report);
	free(news);
}

static void
on_news(void *arg, struct letter *letter)
{
	struct news *news = (struct news *)(void *)letter;
	struct further *further = arg;

	if (news->kind == NEWS_SAMPLE)
		take_sample(further, news);
	else if (news->kind == NEWS_REPORT)
		take_report(further, news->report);
	if (news->kind == NEWS_BACK) {
		further->task_count--;
		sched_on_back((struct check *)(void *)news->task);
	}
	drop_news(letter);
}

usec_t
further_silent_us(const struct further *further)
{
	usec_t silent = loop_now(further->sched->env->loop) - further->heard_us;

	return further->task_count > 0 && !further->sched->is_stopped && silent > SILENT_US ? silent
											    : 0;
}

usec_t
further_behind_us(const struct further *further)
{
	usec_t silent = further_silent_us(further);

	if (further->task_count == 0)
		return 0;
	return silent > further->behind_us ? silent : further->behind_us;
}

/* --- life --- */

struct further *
further_open(struct sched *sched, const struct io_env *env, struct err *e)
{
	struct further *further = xcalloc(1, sizeof(*further));
	const struct mailbox_options in = {
		.from = sched->env->loop,
		.to = env->loop,
		.on_letter = abroad_read,
		.drop = drop_orders,
		.arg = &further->abroad,
	};
	const struct mailbox_options out = {
		.from = env->loop,
		.to = sched->env->loop,
		.wait_us = WAIT_US,
		.most = UNREAD_MOST,
		.on_letter = on_news,
		.drop = drop_news,
		.arg = further,
	};

	further->sched = sched;
	abroad_init(&further->abroad, env, sched->options.judge);
	further->abroad.runner.epoch_us = sched->runner.epoch_us; /* one grid for all */
	further->in = mailbox_new(&in, e);
	further->abroad.out = further->in != NULL ? mailbox_new(&out, e) : NULL;
	if (further->abroad.out != NULL)
		return further;
	further_free(further);
	return NULL;
}

void
further_end(struct further *further)
{
	abroad_end(&further->abroad);
}

void
further_free(struct further *further)
{
	abroad_fini(&further->abroad);
	mailbox_free(further->in);
	mailbox_free(further->abroad.out);
	free(further);
}

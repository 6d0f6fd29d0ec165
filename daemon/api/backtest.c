/*
 * Running a backtest: for each alert its series are read, one after the other, then it is replayed
 * in pieces on another thread.  The loop only hands over.
 *
 *	compile (of proposed rules) -> next_job
 *	next_job -> ask_series (once for each series) -> run_piece (until done) -> next_job
 */
#include "api/backtest.h"

#include <stdlib.h>

#include "api/handlers.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/loop.h"
#include "io/offload.h"
#include "model/backtest.h"
#include "model/record.h"
#include "setup/settings.h"
#include "store/record.h"
#include "store/store.h"

#define PIECE_SAMPLES 20000                /* between which other jobs get their turn */
#define BUDGET_US     (6 * USEC_PER_SEC)   /* of one answer; then it says where to go on */
#define RESULTS_MAX   200                  /* of one answer */
#define FIRINGS_MAX   1000                 /* of them, about: they are written in one turn */
#define STRETCHES_MAX ((size_t)400 * 1000) /* in memory, of one alert */

struct backtest {
	struct backtest_ask ask;
	struct api_call *call; /* NULL: gone */
	unsigned *running;     /* the server's count */
	struct replay *replay; /* under way; NULL: none */
	size_t at;             /* job */
	size_t series, stretches;
	struct offload_job *piece;
	bool is_done, is_late;
	json_t *results;
	size_t firings; /* in them */
	usec_t begun_us;
};

/* It may end on its thread after the server has gone. */
static void
backtest_free(struct backtest *b)
{
	replay_free(b->replay);
	json_decref(b->results);
	backtest_ask_fini(&b->ask);
	free(b);
}

/* --- the answer --- */

static json_t *
totals(const struct backtest *b)
{
	const struct backtest_ask *ask = &b->ask;
	double span = (double)(ask->until_us - ask->since_us) / 1e6;
	json_t *list = json_array();

	for (size_t n = ask->first; n < b->at; n++)
		if (n == ask->first || !str_eq(ask->jobs[n].rule, ask->jobs[n - 1].rule))
			json_array_append_new(
				list, backtest_sum(b->results, ask->jobs[n].rule, span));
	return list;
}

static void
answer(struct backtest *b)
{
	json_t *doc = json_object();

	json_object_set_new(doc, "since", record_time(b->ask.since_us));
	json_object_set_new(doc, "until", record_time(b->ask.until_us));
	json_object_set_new(doc, "peaks", json_boolean(b->ask.wants_peaks));
	json_object_set_new(doc, "alerts", json_integer((json_int_t)b->ask.job_count));
	json_object_set_new(doc, "results", json_incref(b->results));
	json_object_set_new(doc, "totals", totals(b));
	if (b->at < b->ask.job_count)
		json_object_set_new(doc, "next", json_integer((json_int_t)b->at));
	reply_json(b->call, 200, doc);
}

/* The reply is filled. */
static void
leave(struct backtest *b)
{
	struct api_call *call = b->call;
	bool is_late = b->is_late;

	call->forget = NULL;
	call->waiting = NULL;
	(*b->running)--;
	backtest_free(b);
	if (is_late)
		call->on_answer(call->on_answer_arg);
}

/* --- replaying --- */

static void next_job(struct backtest *b);
static void run_piece(struct backtest *b);

static void
work(void *arg)
{
	struct backtest *b = arg;

	b->is_done = replay_run(b->replay, PIECE_SAMPLES);
}

static void
on_piece(void *arg)
{
	struct backtest *b = arg;

	b->piece = NULL;
	if (!b->is_done) {
		run_piece(b);
		return;
	}
	json_array_append_new(b->results, backtest_result(&b->ask, &b->ask.jobs[b->at], b->replay));
	b->firings += replay_report(b->replay)->count;
	replay_free(b->replay);
	b->replay = NULL;
	b->at++;
	next_job(b);
}

static void
run_piece(struct backtest *b)
{
	b->piece = offload_start(b->ask.world->env->offload, work, on_piece, b);
}

/* --- its past --- */

static void ask_series(struct backtest *b);

static void
add_error(struct backtest *b, const char *text)
{
	json_array_append_new(b->results, backtest_error(&b->ask, &b->ask.jobs[b->at], text));
	b->at++;
}

static void
on_points(void *arg, const struct store_point *points, size_t count)
{
	struct backtest *b = arg;
	struct rules_past *past = xcalloc(count + 1, sizeof(*past));

	for (size_t i = 0; i < count; i++)
		past[i] = (struct rules_past){
			.since_us = points[i].wall_us,
			.until_us = points[i].wall_us + points[i].grain_us,
			.count = (uint32_t)points[i].count,
			.avg = points[i].avg,
			.min = points[i].min,
			.max = points[i].max,
		};
	replay_put(b->replay, b->series++, past, count);
	b->stretches += count;
	if (b->stretches <= STRETCHES_MAX) {
		ask_series(b);
		return;
	}
	replay_free(b->replay);
	b->replay = NULL;
	add_error(b, "this is too much of the past: ask for a shorter time");
	next_job(b);
}

static void
ask_series(struct backtest *b)
{
	const char *check, *metric;
	struct store_query query = {
		.since_us = replay_begin(b->replay),
		.until_us = b->ask.until_us,
	};

	if (!replay_need(b->replay, b->series, &check, &metric)) {
		run_piece(b);
		return;
	}
	query.check = check;
	query.metric = metric == NULL ? RECORD_UP : metric;
	store_query_start(b->ask.world->store, &query, on_points, b);
}

/* --- one alert after the other --- */

static const struct replay_check *
find_check(void *arg, const char *name)
{
	const struct backtest *b = arg;
	const struct backtest_check *check = map_get(b->ask.by_name, name);

	return check == NULL ? NULL : &check->is;
}

static bool
begin_job(struct backtest *b, struct err *e)
{
	const struct backtest_job *job = &b->ask.jobs[b->at];
	const struct replay_options options = {
		.set = backtest_set(&b->ask),
		.rule = job->rule,
		.check = b->ask.checks[job->check].spec.name,
		.find = find_check,
		.arg = b,
		.since_us = b->ask.since_us,
		.until_us = b->ask.until_us,
		.wants_peaks = b->ask.wants_peaks,
	};

	b->replay = replay_new(&options, e);
	b->series = b->stretches = 0;
	return b->replay != NULL;
}

/* Nobody waits for the answer any more. */
static void
drop(void *arg)
{
	backtest_free(arg);
}

static void
forget(struct api_call *call)
{
	struct backtest *b = call->waiting;

	call->forget = NULL;
	call->waiting = NULL;
	(*b->running)--;
	b->call = NULL;
	store_drop_waiter(b->ask.world->store, b);
	if (b->piece != NULL)
		offload_cancel(b->piece, drop);
	else
		backtest_free(b);
}

/* The answer comes later. */
static void
be_late(struct backtest *b)
{
	b->is_late = true;
	b->call->waiting = b;
	b->call->forget = forget;
}

static void
next_job(struct backtest *b)
{
	struct err e = { 0 };

	while (b->at < b->ask.job_count && json_array_size(b->results) < RESULTS_MAX &&
		b->firings < FIRINGS_MAX &&
		loop_now(b->ask.world->env->loop) - b->begun_us < BUDGET_US) {
		if (!begin_job(b, &e)) {
			add_error(b, e.text);
			continue;
		}
		be_late(b);
		ask_series(b);
		return;
	}
	answer(b);
	leave(b);
}

static void
begin(struct backtest *b)
{
	b->at = b->ask.first < b->ask.job_count ? b->ask.first : b->ask.job_count;
	b->ask.first = b->at;
	next_job(b);
}

static void
compile(void *arg)
{
	struct backtest *b = arg;

	backtest_rules_compile(&b->ask);
}

static void
on_compiled(void *arg)
{
	struct backtest *b = arg;

	b->piece = NULL;
	if (backtest_rules_check(&b->ask, b->call) == -1 ||
		backtest_ask_choose(&b->ask, b->call) == -1)
		leave(b);
	else
		begin(b);
}

void
handle_backtest(struct api_call *call)
{
	struct backtest *b;

	if (*call->backtests > 0 || store_is_busy(call->world->store)) {
		reply_problem(call, 503, "another backtest is under way: try again in a moment");
		call->reply.retry_after_s = 2;
		return;
	}
	b = xcalloc(1, sizeof(*b));
	b->running = call->backtests;
	(*b->running)++;
	b->call = call;
	b->results = json_array();
	b->begun_us = loop_now(call->world->env->loop);
	if (backtest_ask_read(&b->ask, call) == -1 ||
		(b->ask.text == NULL && backtest_ask_choose(&b->ask, call) == -1)) {
		(*b->running)--;
		backtest_free(b);
	} else if (b->ask.text == NULL) {
		begin(b);
	} else {
		be_late(b);
		b->piece = offload_start(call->world->env->offload, compile, on_compiled, b);
	}
}

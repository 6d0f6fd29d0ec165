/*
 * A connection that is kept between runs, where `reconnect_interval` asks for it.
 *
 * It may have died meanwhile, and a request may be lost in that: only what can be asked twice goes
 * this way, and a kept connection that ends before the answer does, or says nothing for a third of
 * the time, is replaced by a fresh one within the run: never two at once.
 */
#include "io/loop.h"
#include "probes/http_run.h"

#define PATIENCE_PART 3 /* of the time there is */

static struct http_watch *
watch_of(struct probe_run *run)
{
	struct probe_watch *watch = probe_watch(run);

	return watch == NULL ? NULL : probe_watch_state(watch);
}

static usec_t
now_us(const struct probe_run *run)
{
	return loop_now(probe_env(run)->loop);
}

static void
drop(struct http_watch *w)
{
	stream_close(w->stream);
	w->stream = NULL;
}

/* Nobody asked for anything: it ends, or speaks out of turn. */
static void
on_idle(void *arg, enum stream_event event)
{
	if (event != STREAM_SENT)
		drop(arg);
}

static void
on_impatience(void *arg)
{
	struct http_watch *w = arg;
	const struct http_run *state = w->run != NULL ? probe_state(w->run) : NULL;

	if (state != NULL && state->first_us == 0)
		http_kept_replace(w->run);
}

void
http_kept_open(struct probe_watch *watch)
{
	struct http_watch *w = probe_watch_state(watch);

	timer_init(&w->patience, probe_watch_env(watch)->loop, on_impatience, w);
}

void
http_kept_close(struct probe_watch *watch)
{
	struct http_watch *w = probe_watch_state(watch);

	timer_stop(&w->patience);
	drop(w);
}

struct stream *
http_kept_take(struct probe_run *run)
{
	const struct http_conf *conf = probe_conf(run);
	struct http_run *state = probe_state(run);
	struct http_watch *w = watch_of(run);
	struct stream *stream;

	if (w == NULL)
		return NULL;
	if (state->started_us - w->opened_us >= conf->reconnect_us)
		drop(w);
	stream = w->stream;
	w->stream = NULL;
	state->is_kept = stream != NULL;
	if (state->is_kept) {
		w->run = run;
		timer_after(&w->patience, probe_time_left(run) / PATIENCE_PART);
	}
	return stream;
}

void
http_kept_leave(struct probe_run *run)
{
	struct http_run *state = probe_state(run);
	struct http_watch *w = watch_of(run);

	state->is_kept = false;
	if (w == NULL)
		return;
	timer_stop(&w->patience);
	w->run = NULL;
}

bool
http_kept_replace(struct probe_run *run)
{
	struct http_run *state = probe_state(run);
	struct http_watch *w = watch_of(run);

	if (!state->is_kept || state->is_answered || state->url != NULL)
		return false;
	timer_stop(&w->patience);
	state->is_kept = false;
	state->started_us = now_us(run); /* the wait was for our own connection */
	http_plain_stop(state);
	http_hop_start(run);
	return true;
}

/* The whole answer is here, nothing behind it, and the server goes on listening. */
static bool
may_keep(const struct http_run *state)
{
	return state->is_good && !state->is_ended && state->url == NULL && state->stream != NULL &&
	       state->reply.state == HTTP1_DONE && state->reply.keeps_alive &&
	       buf_left(stream_in(state->stream)) == 0;
}

void
http_kept_give(struct probe_run *run)
{
	struct http_run *state = probe_state(run);
	struct http_watch *w = watch_of(run);

	if (w == NULL)
		return;
	timer_stop(&w->patience);
	w->run = NULL;
	if (!may_keep(state))
		return;
	if (!state->is_kept)
		w->opened_us = now_us(run);
	stream_hand(state->stream, on_idle, w);
	w->stream = state->stream;
	state->stream = NULL;
}

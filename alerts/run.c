/*
 * One try of one receiver: start -> result (or deadline) -> end of the turn: stop, publish, free.
 *
 * The run and the receiver's state are one allocation.  The first result wins; nothing is released
 * before the turn is over, because the receiver still stands on it, unless deliver aborts: then its
 * settings may be gone before the turn ends, so stop() is called at once.
 */
#include "alerts/receiver.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "io/loop.h"
#include "io/timer.h"

#define TEXT_MAX 256

struct send_run {
	struct send_job job;
	send_fn done; /* NULL once aborted */
	void *arg;
	struct timer deadline;
	usec_t started_us;
	bool is_over;    /* retired: the end of this turn frees it */
	bool is_stopped; /* type->stop was called */
	enum send_result result;
	usec_t retry_after_us;
	usec_t took_us;
	char text[TEXT_MAX];
	max_align_t state[];
};

static void
release(struct send_run *run)
{
	if (run->is_stopped)
		return;
	run->is_stopped = true;
	timer_stop(&run->deadline);
	if (run->job.type->stop != NULL)
		run->job.type->stop(run);
}

static void
on_turn_end(void *obj)
{
	struct send_run *run = obj;

	release(run);
	if (run->done != NULL)
		run->done(run->arg, run->result, run->retry_after_us, run->text, run->took_us);
	free(run);
}

static void
retire(struct send_run *run)
{
	if (run->is_over)
		return;
	run->is_over = true;
	loop_retire(run->job.env->loop, run, on_turn_end);
}

static void
on_deadline(void *arg)
{
	struct send_run *run = arg;
	char after[32];

	clock_format_duration(run->job.type->timeout_us, after, sizeof(after));
	send_done(run, SEND_LATER, 0, "no answer, given up after %s", after);
}

struct send_run *
send_run_start(const struct send_job *job, send_fn done, void *arg)
{
	struct send_run *run = xcalloc(1, sizeof(*run) + job->type->run_size);
	struct loop *loop = job->env->loop;

	run->job = *job;
	run->done = done;
	run->arg = arg;
	run->started_us = loop_now(loop);
	timer_init(&run->deadline, loop, on_deadline, run);
	timer_after(&run->deadline, job->type->timeout_us);
	job->type->start(run);
	return run;
}

void
send_run_abort(struct send_run *run)
{
	if (run == NULL)
		return;
	run->done = NULL;
	release(run);
	retire(run);
}

const void *
send_conf(const struct send_run *run)
{
	return run->job.conf;
}

void *
send_state(struct send_run *run)
{
	return run->state;
}

const struct io_env *
send_env(const struct send_run *run)
{
	return run->job.env;
}

const struct notice *
send_notice(const struct send_run *run)
{
	return run->job.notice;
}

const char *
send_daemon_name(const struct send_run *run)
{
	return run->job.daemon_name;
}

/* The text may carry bytes of a peer: one line, valid UTF-8, no secret. */
void
send_done(
	struct send_run *run, enum send_result result, usec_t retry_after_us, const char *fmt, ...)
{
	const struct io_env *env = run->job.env;
	char raw[2 * TEXT_MAX];
	va_list ap;

	if (run->is_over || result == SEND_NONE)
		return;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	if (env->secrets != NULL)
		secret_mask(env->secrets, raw);
	str_printable(run->text, sizeof(run->text), raw, strlen(raw));
	run->result = result;
	run->retry_after_us = retry_after_us > 0 ? retry_after_us : 0;
	run->took_us = loop_now(env->loop) - run->started_us;
	retire(run);
}

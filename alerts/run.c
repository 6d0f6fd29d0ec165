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

#define TEXT_MAX  256
#define SHOWN_MAX (64 * 1024)

struct send_run {
	struct send_job job;
	send_fn done; /* NULL once aborted */
	void *arg;
	struct timer deadline;
	usec_t started_us;
	bool is_over;    /* retired: the end of this turn frees it */
	bool is_stopped; /* type->stop was called */
	enum send_result result;
	enum send_class why;
	usec_t retry_after_us;
	usec_t took_us;
	char text[TEXT_MAX];
	bool has_memory;
	json_t *memory;
	struct buf shown;
	struct secret_set *hidden; /* besides those of the settings; NULL: none */
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

/* What a result means where the receiver did not say more. */
static enum send_class
class_of(const struct send_run *run)
{
	if (run->result == SEND_OK)
		return SEND_CLASS_NONE;
	if (run->why != SEND_CLASS_NONE)
		return run->why;
	return run->result == SEND_LATER ? SEND_CLASS_SERVER : SEND_CLASS_CLIENT;
}

static void
publish(struct send_run *run)
{
	const struct send_outcome outcome = {
		.result = run->result,
		.class = class_of(run),
		.retry_after_us = run->retry_after_us,
		.took_us = run->took_us,
		.text = run->text,
		.has_memory = run->has_memory,
		.memory = run->memory,
		.transcript = buf_text(&run->shown),
	};

	run->done(run->arg, &outcome);
}

static void
on_turn_end(void *obj)
{
	struct send_run *run = obj;

	release(run);
	if (run->done != NULL)
		publish(run);
	json_decref(run->memory);
	buf_fini(&run->shown);
	secret_set_free(run->hidden);
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
	send_blame(run, SEND_CLASS_TIMEOUT);
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
	buf_init(&run->shown, 0);
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

const char *
send_receiver(const struct send_run *run)
{
	return run->job.receiver;
}

enum language
send_language(const struct send_run *run)
{
	return run->job.language;
}

const struct notice *const *
send_notices(const struct send_run *run, size_t *count)
{
	*count = run->job.refresh != NULL ? run->job.refresh_count : 1;
	return run->job.refresh != NULL ? run->job.refresh : &run->job.notice;
}

const json_t *
send_memory(const struct send_run *run)
{
	return run->has_memory ? run->memory : run->job.memory;
}

void
send_remember(struct send_run *run, json_t *memory)
{
	json_decref(run->memory);
	run->memory = memory;
	run->has_memory = true;
}

void
send_blame(struct send_run *run, enum send_class why)
{
	if (!run->is_over)
		run->why = why;
}

void
send_hide(struct send_run *run, const char *secret)
{
	if (run->hidden == NULL)
		run->hidden = secret_set_new();
	secret_set_add(run->hidden, secret);
}

void
send_mask(const struct send_run *run, char *text, size_t size)
{
	secret_mask_cut(run->job.env->secrets, text, size);
	secret_mask_cut(run->hidden, text, size);
}

/* One line of what was said.  A secret may be spread over nothing but one line. */
static void
show_line(struct send_run *run, char direction, const char *line, size_t len)
{
	char *raw = xstrndup(line, len), *clean = xmalloc(len * 4 + 1);

	send_mask(run, raw, SIZE_MAX);
	str_printable(clean, len * 4 + 1, raw, strlen(raw));
	buf_addf(&run->shown, "%c %s\n", direction, clean);
	free(clean);
	free(raw);
}

void
send_show(struct send_run *run, char direction, const char *text, size_t len)
{
	if (!run->job.is_shown)
		return;
	while (len > 0 && buf_left(&run->shown) < SHOWN_MAX) {
		const char *end = memchr(text, '\n', len);
		size_t line = end == NULL ? len : (size_t)(end - text);
		size_t step = end == NULL ? len : line + 1;

		show_line(
			run, direction, text, line > 0 && text[line - 1] == '\r' ? line - 1 : line);
		text += step;
		len -= step;
	}
}

const char *
send_class_name(enum send_class why)
{
	static const char *const names[SEND_CLASSES] = { "other", "timeout", "network", "dns",
		"tls", "auth", "rate", "client", "server", "local" };

	return names[why];
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
	send_mask(run, raw, sizeof(raw));
	str_printable(run->text, sizeof(run->text), raw, strlen(raw));
	run->result = result;
	run->retry_after_us = retry_after_us > 0 ? retry_after_us : 0;
	run->took_us = loop_now(env->loop) - run->started_us;
	retire(run);
}

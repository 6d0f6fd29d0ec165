/*
 * One run of a fact: start -> end (or deadline) -> end of the turn: stop, publish, free.
 *
 * A run is one allocation: the run itself and the fact's state behind it.  It keeps copies of the
 * subject and of the sample, which others change while it runs.  The first end wins; what was
 * filled in before the deadline is evidence all the same.
 */
#include "probes/facts/fact_run.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/loop.h"
#include "io/timer.h"
#include "probes/clean.h"

#define LINE_MAX_BYTES 600

struct fact_run {
	struct fact_job job;
	fact_done_fn done; /* NULL once aborted */
	void *arg;
	struct timer deadline;
	usec_t deadline_us, started_us;
	bool is_ended; /* the first end was given; the end of this turn frees it */
	bool is_stopped;
	bool is_filled; /* something is known already */
	unsigned lines;
	struct subject subject;
	struct sample sample;
	struct probe_keep own_keep; /* when the job keeps none */
	struct fact fact;
	max_align_t state[];
};

static void
release(struct fact_run *run)
{
	if (run->is_stopped)
		return;
	run->is_stopped = true;
	if (run->job.type->stop != NULL)
		run->job.type->stop(run);
}

static void
on_turn_end(void *obj)
{
	struct fact_run *run = obj;

	release(run);
	if (run->done != NULL)
		run->done(run->arg, &run->fact);
	subject_fini(&run->subject);
	if (run->job.sample != NULL)
		sample_fini(&run->sample);
	fact_fini(&run->fact);
	probe_keep_fini(&run->own_keep);
	free(run);
}

static void
end_with(struct fact_run *run, enum fact_end end)
{
	struct loop *loop = run->job.env->loop;

	if (run->is_ended)
		return;
	run->is_ended = true;
	run->fact.end = end;
	run->fact.at_us = loop_wall(loop);
	run->fact.took_us = loop_now(loop) - run->started_us;
	timer_stop(&run->deadline);
	loop_retire(loop, run, on_turn_end);
}

static void
add_line(struct fact_run *run, const char *raw)
{
	char line[LINE_MAX_BYTES];
	size_t have = strlen(run->fact.text), more;
	char *whole;

	if (run->is_ended || run->lines == FACT_LINES_MAX)
		return;
	clean_text(run->job.env->secrets, line, sizeof(line), raw);
	more = strlen(line);
	if (more == 0 || have + 1 + more >= FACT_TEXT_MAX)
		return;
	whole = xasprintf("%s%s%s", run->fact.text, have > 0 ? "\n" : "", line);
	free(run->fact.text);
	run->fact.text = whole;
	run->lines++;
}

static void
on_deadline(void *arg)
{
	struct fact_run *run = arg;
	usec_t timeout = run->deadline_us - run->started_us;
	char after[64], text[96];

	clock_format_duration(timeout, after, sizeof(after));
	snprintf(text, sizeof(text), "no answer within %s", after);
	if (!run->is_filled)
		add_line(run, text);
	end_with(run, run->is_filled ? FACT_HAD : FACT_MISSED);
}

struct fact_run *
fact_run_start(const struct fact_job *job, fact_done_fn done, void *arg)
{
	const struct fact_type *type = job->type;
	struct fact_run *run = xcalloc(1, sizeof(*run) + type->run_size);
	usec_t timeout = type->timeout_us > 0 ? type->timeout_us : FACT_TIMEOUT_US;

	run->job = *job;
	run->done = done;
	run->arg = arg;
	run->started_us = loop_now(job->env->loop);
	run->deadline_us = run->started_us + timeout;
	subject_copy(&run->subject, job->subject);
	if (job->sample != NULL)
		sample_copy(&run->sample, job->sample);
	fact_init(&run->fact, type->name, type->keys);
	timer_init(&run->deadline, job->env->loop, on_deadline, run);
	timer_at(&run->deadline, run->deadline_us);
	type->start(run);
	return run;
}

void
fact_run_abort(struct fact_run *run)
{
	if (run == NULL)
		return;
	run->done = NULL;
	release(run); /* at once: the check may be gone before this turn ends */
	end_with(run, FACT_MISSED);
}

void *
fact_state(struct fact_run *run)
{
	return run->state;
}

const struct io_env *
fact_env(const struct fact_run *run)
{
	return run->job.env;
}

const struct check_spec *
fact_check(const struct fact_run *run)
{
	return run->job.check;
}

const struct subject *
fact_subject(const struct fact_run *run)
{
	return &run->subject;
}

const struct sample *
fact_sample(const struct fact_run *run)
{
	return run->job.sample != NULL ? &run->sample : NULL;
}

struct probe_watch *
fact_watch(const struct fact_run *run)
{
	return run->job.watch;
}

usec_t
fact_time_left(const struct fact_run *run)
{
	usec_t left = run->deadline_us - loop_now(run->job.env->loop);

	return left > 0 ? left : 0;
}

void *
fact_memory(struct fact_run *run, size_t size)
{
	return probe_keep_memory(run->job.keep != NULL ? run->job.keep : &run->own_keep, size);
}

void
fact_number(struct fact_run *run, int key, double value)
{
	const struct fact *fact = &run->fact;

	if (run->is_ended || key < 0 || (size_t)key >= metric_count(fact->keys))
		return;
	assert(fact->keys[key].unit != UNIT_TEXT);
	fact->numbers[key] = value;
	run->is_filled |= value == value; /* NAN is not */
}

#define FORMAT(raw, fmt)                                                                           \
	do {                                                                                       \
		va_list ap_;                                                                       \
                                                                                                   \
		va_start(ap_, fmt);                                                                \
		vsnprintf(raw, sizeof(raw), fmt, ap_);                                             \
		va_end(ap_);                                                                       \
	} while (0)

void
fact_text(struct fact_run *run, int key, const char *fmt, ...)
{
	const struct fact *fact = &run->fact;
	char raw[CLEAN_RAW_MAX], text[LINE_MAX_BYTES];

	if (run->is_ended || key < 0 || (size_t)key >= metric_count(fact->keys))
		return;
	assert(fact->keys[key].unit == UNIT_TEXT);
	FORMAT(raw, fmt);
	clean_text(run->job.env->secrets, text, sizeof(text), raw);
	xstrset(&fact->texts[key], text);
	run->is_filled = true;
}

void
fact_line(struct fact_run *run, const char *fmt, ...)
{
	char raw[CLEAN_RAW_MAX];

	FORMAT(raw, fmt);
	add_line(run, raw);
	run->is_filled |= run->lines > 0;
}

void
fact_had(struct fact_run *run)
{
	end_with(run, FACT_HAD);
}

void
fact_none(struct fact_run *run, const char *fmt, ...)
{
	char raw[CLEAN_RAW_MAX];

	FORMAT(raw, fmt);
	add_line(run, raw);
	end_with(run, FACT_NONE);
}

void
fact_missed(struct fact_run *run, const char *fmt, ...)
{
	char raw[CLEAN_RAW_MAX];

	FORMAT(raw, fmt);
	add_line(run, raw);
	end_with(run, FACT_MISSED);
}

/*
 * One run: start -> verdict (or deadline) -> end of the turn: stop, publish, free.
 *
 * A run is one allocation: the run itself, the sample's numbers, the probe's state and the
 * instance's name lie behind each other.  The first verdict wins and stops the deadline; nothing
 * is released before the turn is over, because the probe still stands on it.
 */
#include "probes/run.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/print.h"
#include "base/str.h"
#include "io/loop.h"
#include "io/spare.h"
#include "io/timer.h"
#include "probes/clean.h"
#include "probes/net.h"

#define FACT_MAX     2048
#define NOTE_MAX     400
#define RAW_MAX      CLEAN_RAW_MAX
#define CHILDREN_MAX 1024
#define METRICS_MAX  256 /* of one check, those that appear while it runs included */
#define NO_REASON    "failed without a reason"

struct probe_run {
	struct probe_job job;
	probe_done_fn done; /* NULL once aborted */
	void *arg;
	struct timer deadline;
	usec_t deadline_us;
	bool is_over;                  /* retired: the end of this turn frees it */
	bool is_stopped;               /* type->stop was called */
	char *instance;                /* behind us */
	void *state;                   /* behind us */
	struct probe_keep own_keep;    /* when the job keeps none */
	struct probe_watch *own_watch; /* the same */
	struct metric_desc *grown;     /* rows nobody could know before; NULL: none */
	double *grown_values;
	struct sample sample;
	size_t fixed_count; /* rows of the check's own table */
	size_t size;        /* of this allocation */
	/* what the sample points at until the run is over; from here on memory begins unset */
	char text[SAMPLE_TEXT_MAX];
	struct sample_fact facts[SAMPLE_FACTS_MAX];
	struct sample_note notes[SAMPLE_NOTES_MAX];
	double values[];
};

/* The state may hold anything: give it malloc's alignment. */
static size_t
align_up(size_t size)
{
	const size_t unit = _Alignof(max_align_t);

	return (size + unit - 1) / unit * unit;
}

static void
release(struct probe_run *run)
{
	if (run->is_stopped)
		return;
	run->is_stopped = true;
	if (run->job.type->stop != NULL)
		run->job.type->stop(run);
}

/* The sample's arrays are the run's own. */
static void
forget_sample(struct probe_run *run)
{
	struct sample *s = &run->sample;

	for (unsigned i = 0; i < s->fact_count; i++)
		free(s->facts[i].text);
	for (unsigned i = 0; i < s->note_count; i++)
		free(s->notes[i].text);
	s->fact_count = s->note_count = 0;
	s->facts = NULL;
	s->notes = NULL;
	s->text = NULL;
	s->values = NULL;
	sample_fini(s);
}

static void
free_grown(struct probe_run *run)
{
	for (size_t i = run->fixed_count; run->grown != NULL && run->grown[i].name != NULL; i++) {
		free((char *)(uintptr_t)run->grown[i].name);
		free((char *)(uintptr_t)run->grown[i].help);
	}
	free(run->grown);
	free(run->grown_values);
}

static void
count_unknown(struct sample *s)
{
	size_t known = s->metric_count;

	while (known > 0 && isnan(s->values[known - 1]))
		known--;
	known = s->metric_count - known;
	s->unknown_tail = known < UINT16_MAX ? (uint16_t)known : UINT16_MAX;
}

static void
on_turn_end(void *obj)
{
	struct probe_run *run = obj;

	release(run);
	/* Not with the verdict: a command may end, and print numbers, in its deadline's turn. */
	if (run->grown != NULL)
		run->sample.metrics = metric_intern(run->grown);
	count_unknown(&run->sample);
	if (run->done != NULL)
		run->done(run->arg, &run->sample);
	forget_sample(run);
	probe_keep_fini(&run->own_keep);
	probe_watch_close(run->own_watch);
	free_grown(run);
	/* The job's env may be gone by now: ends outlive who asked for the run. */
	spare_give(run->deadline.loop, run, run->size);
}

static void
retire(struct probe_run *run)
{
	if (run->is_over)
		return;
	run->is_over = true;
	timer_stop(&run->deadline);
	loop_retire(run->job.env->loop, run, on_turn_end);
}

/* Bytes from a peer may be in it. */
static void
clean(const struct probe_run *run, char *out, size_t size, const char *raw)
{
	clean_text(run->job.env->secrets, out, size, raw);
}

/* A parent that found nobody is still a parent: its list is empty, not absent. */
static void
mark_parent(struct probe_run *run)
{
	const struct probe_type *type = run->job.type;

	if (run->sample.children != NULL || run->instance != NULL || type->is_parent == NULL)
		return;
	if (type->is_parent(run->job.conf))
		run->sample.children = xcalloc(1, sizeof(*run->sample.children));
}

static void
give_verdict(struct probe_run *run, enum outcome outcome, const char *cause, const char *raw)
{
	struct sample *s = &run->sample;
	const struct io_env *env = run->job.env;
	int total = run->job.type->is_network ? PHASE_TOTAL : 0;

	if (run->is_over || s->outcome != OUTCOME_NONE)
		return;
	s->outcome = outcome;
	s->cause = cause != NULL ? cause_get(cause) : NULL;
	clean(run, run->text, sizeof(run->text), raw);
	if (run->text[0] == '\0' && outcome != OUTCOME_OK)
		str_copy(run->text, sizeof(run->text), NO_REASON);
	s->took_us = loop_now(env->loop) - s->started_us;
	s->wall_us = loop_wall(env->loop);
	if (outcome != OUTCOME_ERROR && s->metric_count > 0)
		s->values[total] = (double)s->took_us / USEC_PER_SEC;
	if (outcome == OUTCOME_OK)
		mark_parent(run);
	retire(run);
}

static void
on_deadline(void *arg)
{
	struct probe_run *run = arg;
	char where[SAMPLE_TEXT_MAX] = "", after[64];
	char text[SAMPLE_TEXT_MAX + sizeof(after) + 32];
	const char *cause = "net.noreply";

	if (run->job.type->stuck != NULL)
		cause = run->job.type->stuck(run, where, sizeof(where));
	clock_format_duration(run->job.timeout_us, after, sizeof(after));
	snprintf(text, sizeof(text), "%s, given up after %s",
		where[0] != '\0' ? where : "no answer", after);
	give_verdict(run, str_starts(cause, "self.") ? OUTCOME_ERROR : OUTCOME_FAIL, cause, text);
}

/* Zeroes no more than is read before it is written: this happens for every check. */
static struct probe_run *
make_run(const struct probe_job *job)
{
	const struct probe_type *type = job->type;
	const struct metric_desc *metrics = probe_metrics(type, job->conf);
	size_t count = metric_count(metrics);
	size_t state_at = align_up(sizeof(struct probe_run) + count * sizeof(double));
	size_t name_len = job->instance != NULL ? strlen(job->instance) + 1 : 0;
	size_t size = state_at + type->run_size + name_len;
	struct probe_run *run = spare_take(job->env->loop, size);

	memset(run, 0, offsetof(struct probe_run, text));
	run->job = *job;
	run->size = size;
	run->state = (char *)run + state_at;
	memset(run->state, 0, type->run_zeroed > 0 ? type->run_zeroed : type->run_size);
	if (name_len > 0) {
		run->instance = (char *)run->state + type->run_size;
		memcpy(run->instance, job->instance, name_len);
	}
	run->sample.metrics = metrics;
	run->sample.metric_count = (uint32_t)count;
	run->fixed_count = count;
	run->sample.values = run->values;
	run->sample.text = run->text;
	run->sample.facts = run->facts;
	run->sample.notes = run->notes;
	run->text[0] = '\0';
	for (size_t i = 0; i < count; i++)
		run->values[i] = NAN;
	return run;
}

struct probe_run *
probe_run_start(const struct probe_job *job, probe_done_fn done, void *arg)
{
	const struct probe_type *type = job->type;
	struct probe_run *run = make_run(job);

	run->done = done;
	run->arg = arg;
	run->sample.started_us = loop_now(job->env->loop);
	run->deadline_us = run->sample.started_us + job->timeout_us;
	timer_init(&run->deadline, job->env->loop, on_deadline, run);
	timer_at(&run->deadline, run->deadline_us);
	if (job->watch == NULL && probe_has_watch(type, job->conf)) {
		run->own_watch = probe_watch_open(&(struct probe_watch_options){
			.type = type,
			.conf = job->conf,
			.instance = run->instance,
			.env = job->env,
		});
		run->job.watch = run->own_watch;
	}
	type->start(run);
	return run;
}

void
probe_run_abort(struct probe_run *run)
{
	if (run == NULL)
		return;
	run->done = NULL;
	release(run); /* at once: the settings may be gone before this turn ends */
	retire(run);
}

void
probe_keep_fini(struct probe_keep *keep)
{
	free(keep->data);
	keep->data = NULL;
	keep->size = 0;
}

void *
probe_keep_memory(struct probe_keep *keep, size_t size)
{
	if (keep->data == NULL || keep->size != size) {
		probe_keep_fini(keep);
		keep->data = xcalloc(1, size);
		keep->size = size;
	}
	return keep->data;
}

const void *
probe_conf(const struct probe_run *run)
{
	return run->job.conf;
}

void *
probe_state(struct probe_run *run)
{
	return run->state;
}

const struct io_env *
probe_env(const struct probe_run *run)
{
	return run->job.env;
}

const struct judge *
probe_judge(const struct probe_run *run)
{
	return run->job.judge;
}

const char *
probe_instance(const struct probe_run *run)
{
	return run->instance;
}

usec_t
probe_started(const struct probe_run *run)
{
	return run->sample.started_us;
}

usec_t
probe_time_left(const struct probe_run *run)
{
	usec_t left = run->deadline_us - loop_now(run->job.env->loop);

	return left > 0 ? left : 0;
}

void *
probe_memory(struct probe_run *run, size_t size)
{
	return probe_keep_memory(run->job.keep != NULL ? run->job.keep : &run->own_keep, size);
}

void
probe_value(struct probe_run *run, int metric, double value)
{
	if (metric >= 0 && (size_t)metric < run->sample.metric_count)
		run->sample.values[metric] = value;
}

struct probe_watch *
probe_watch(struct probe_run *run)
{
	return run->job.watch;
}

static bool
is_metric_name(const char *name)
{
	return name[0] != '\0' && strlen(name) <= 64 &&
	       name[strspn(name,
		       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] == '\0';
}

/* One more row at the end of table and numbers, which are the run's own from now on. */
static void
grow(struct probe_run *run, const struct metric_desc *row)
{
	struct sample *s = &run->sample;
	size_t count = s->metric_count;
	const struct metric_desc *old = s->metrics;
	const double *values = s->values;
	bool is_first = run->grown == NULL;

	run->grown = xreallocarray(run->grown, count + 2, sizeof(*run->grown));
	run->grown_values = xreallocarray(run->grown_values, count + 1, sizeof(double));
	if (is_first) {
		memcpy(run->grown, old, count * sizeof(*run->grown));
		memcpy(run->grown_values, values, count * sizeof(double));
	}
	run->grown[count] = *row;
	run->grown[count + 1] = (struct metric_desc){ .name = NULL };
	run->grown_values[count] = NAN;
	s->metrics = run->grown;
	s->values = run->grown_values;
	s->metric_count = (uint32_t)count + 1;
}

int
probe_metric(struct probe_run *run, const char *name, enum metric_kind kind, enum metric_unit unit,
	const char *help)
{
	int known = metric_index(run->sample.metrics, name);

	if (known >= 0)
		return known;
	if (run->sample.metric_count >= METRICS_MAX || !is_metric_name(name))
		return -1;
	grow(run, &(struct metric_desc){ xstrdup(name), kind, unit, xstrdup(help) });
	return (int)run->sample.metric_count - 1;
}

void
probe_phase(struct probe_run *run, enum metric_phase phase, usec_t us)
{
	if (us >= 0 && run->job.type->is_network)
		run->sample.values[phase] = (double)us / USEC_PER_SEC;
}

void
probe_fact(struct probe_run *run, const char *name, const char *fmt, ...)
{
	struct sample *s = &run->sample;
	char raw[RAW_MAX], text[FACT_MAX];
	va_list ap;
	unsigned at = 0;

	while (at < s->fact_count && strcmp(s->facts[at].name, name) != 0)
		at++;
	if (at == SAMPLE_FACTS_MAX)
		return;
	va_start(ap, fmt);
	print_args(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	clean(run, text, sizeof(text), raw);
	if (at == s->fact_count)
		s->facts[s->fact_count++].text = NULL;
	str_copy(s->facts[at].name, sizeof(s->facts[at].name), name);
	xstrset(&s->facts[at].text, text);
}

void
probe_note(struct probe_run *run, const char *cause, const char *fmt, ...)
{
	struct sample *s = &run->sample;
	const struct cause *found = cause_get(cause);
	char raw[RAW_MAX], text[NOTE_MAX];
	va_list ap;

	for (unsigned i = 0; i < s->note_count; i++)
		if (s->notes[i].cause == found)
			return;
	if (s->note_count == SAMPLE_NOTES_MAX)
		return;
	va_start(ap, fmt);
	print_args(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	clean(run, text, sizeof(text), raw);
	s->notes[s->note_count].cause = found;
	s->notes[s->note_count++].text = xstrdup(text);
}

void
probe_child(struct probe_run *run, const char *instance)
{
	struct sample *s = &run->sample;

	if (s->child_count == CHILDREN_MAX)
		return;
	s->children = xreallocarray(s->children, s->child_count + 1, sizeof(*s->children));
	s->children[s->child_count++] = xstrdup(instance);
}

#define GIVE(run, outcome, cause, fmt)                                                             \
	do {                                                                                       \
		char raw_[RAW_MAX];                                                                \
		va_list ap_;                                                                       \
                                                                                                   \
		va_start(ap_, fmt);                                                                \
		print_args(raw_, sizeof(raw_), fmt, ap_);                                          \
		va_end(ap_);                                                                       \
		give_verdict(run, outcome, cause, raw_);                                           \
	} while (0)

void
probe_ok(struct probe_run *run, const char *fmt, ...)
{
	GIVE(run, OUTCOME_OK, NULL, fmt);
}

void
probe_fail(struct probe_run *run, const char *cause, const char *fmt, ...)
{
	GIVE(run, OUTCOME_FAIL, cause, fmt);
}

void
probe_error(struct probe_run *run, const char *cause, const char *fmt, ...)
{
	GIVE(run, OUTCOME_ERROR, cause, fmt);
}

void
probe_fault(struct probe_run *run, enum fault fault, const char *reason)
{
	enum outcome outcome = fault_is_ours(fault) ? OUTCOME_ERROR : OUTCOME_FAIL;

	if (fault == FAULT_NONE)
		outcome = OUTCOME_ERROR;
	if (reason == NULL || reason[0] == '\0')
		reason = fault != FAULT_NONE ? fault_name(fault) : NO_REASON;
	give_verdict(run, outcome, net_cause(fault), reason);
}

/*
 * The process behind a check: its state, what it waits for, what it uses and how that grows.
 *
 *	find -> details -> (what it waits for) -> its parent -> a second look, for its CPU
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "io/loop.h"
#include "io/timer.h"
#include "probes/facts/find_process.h"
#include "probes/proc_words.h"
#include "probes/process.h"

#define AGAIN_US     (400 * USEC_PER_MSEC)
#define WCHAN_MAX    128
#define GROWTH_MIN_S 20.0 /* two looks must be apart so far before a slope means anything */

enum key {
	KEY_PRESENT,
	KEY_COUNT,
	KEY_PID,
	KEY_COMM,
	KEY_STATE,
	KEY_WCHAN,
	KEY_AGE,
	KEY_RSS,
	KEY_GROWTH,
	KEY_CPU,
	KEY_THREADS,
	KEY_PARENT,
	KEY_PARENT_PID,
	KEY_FDS,
	KEY_FDS_LIMIT,
	KEY_FDS_PERCENT,
	KEY_UNIT,
	KEY_CONTAINER,
};

static const struct metric_desc keys[] = {
	{ "present", METRIC_FLAG, UNIT_BOOL, "It runs." },
	{ "count", METRIC_GAUGE, UNIT_NONE, "Processes that match." },
	{ "pid", METRIC_GAUGE, UNIT_NONE, "Its number." },
	{ "comm", METRIC_GAUGE, UNIT_TEXT, "Its name." },
	{ "state", METRIC_GAUGE, UNIT_TEXT,
		"R runs, S sleeps, D waits in the kernel, T is stopped, "
		"Z has ended." },
	{ "wchan", METRIC_GAUGE, UNIT_TEXT, "The kernel function that it waits in." },
	{ "age", METRIC_GAUGE, UNIT_SECONDS, "Since it was started." },
	{ "rss_bytes", METRIC_GAUGE, UNIT_BYTES, "Memory that it has in RAM." },
	{ "growth_bytes", METRIC_GAUGE, UNIT_BYTES, "How much that grows in an hour." },
	{ "cpu_percent", METRIC_GAUGE, UNIT_PERCENT, "CPU that it uses; 100 is one core." },
	{ "threads", METRIC_GAUGE, UNIT_NONE, "Its threads." },
	{ "parent", METRIC_GAUGE, UNIT_TEXT, "The name of its parent." },
	{ "parent_pid", METRIC_GAUGE, UNIT_NONE, "Its parent's number." },
	{ "fds", METRIC_GAUGE, UNIT_NONE, "Open file descriptors." },
	{ "fds_limit", METRIC_GAUGE, UNIT_NONE, "Its soft limit of them." },
	{ "fds_percent", METRIC_GAUGE, UNIT_PERCENT, "How near it is to the limit." },
	{ "unit", METRIC_GAUGE, UNIT_TEXT, "Its systemd unit." },
	{ "container", METRIC_GAUGE, UNIT_TEXT, "Its container." },
	{ .name = NULL },
};

struct process_memory_point {
	uint32_t pid;
	uint64_t start_ticks;
	usec_t at_us; /* 0: none yet */
	double rss_bytes;
};

struct look_run {
	struct find_process find;
	struct procs_call *call;
	struct fs_call *wchan;
	struct timer again;
	struct proc proc;
	double ticks_per_s;
	usec_t seen_us;
};

/* --- a second look --- */

static void
on_second(void *arg, const struct procs_trouble *trouble, const struct procs *procs)
{
	struct fact_run *run = arg;
	struct look_run *state = fact_state(run);
	double seconds = (double)(loop_now(fact_env(run)->loop) - state->seen_us) / USEC_PER_SEC;
	const struct proc *p = trouble->status == FS_OK && procs->count > 0 ? &procs->all[0] : NULL;

	state->call = NULL;
	if (p != NULL && p->start_ticks == state->proc.start_ticks && seconds > 0 &&
		p->cpu_ticks >= state->proc.cpu_ticks)
		fact_number(run, KEY_CPU,
			(double)(p->cpu_ticks - state->proc.cpu_ticks) / state->ticks_per_s /
				seconds * 100);
	fact_had(run);
}

static void
on_again(void *arg)
{
	struct fact_run *run = arg;
	struct look_run *state = fact_state(run);
	const struct procs_request r = fact_procs(run);

	state->call = procs_some_start(&r, &state->proc.pid, 1, on_second);
}

static void
on_parent(void *arg, const struct procs_trouble *trouble, const struct procs *procs)
{
	struct fact_run *run = arg;
	struct look_run *state = fact_state(run);

	state->call = NULL;
	if (trouble->status == FS_OK && procs->count > 0) {
		fact_text(run, KEY_PARENT, "%s", procs->all[0].comm);
		if (state->proc.state == 'Z')
			fact_line(run, "its parent %s (pid %u) has not waited for it",
				procs->all[0].comm, procs->all[0].pid);
	}
	timer_after(&state->again, AGAIN_US);
}

static void
ask_parent(struct fact_run *run)
{
	struct look_run *state = fact_state(run);
	const struct procs_request r = fact_procs(run);

	if (state->proc.ppid == 0) {
		timer_after(&state->again, AGAIN_US);
		return;
	}
	fact_number(run, KEY_PARENT_PID, state->proc.ppid);
	state->call = procs_some_start(&r, &state->proc.ppid, 1, on_parent);
}

/* --- details --- */

static void
on_wchan(void *arg, const struct fs_result *r)
{
	struct fact_run *run = arg;
	struct look_run *state = fact_state(run);

	state->wchan = NULL;
	if (r->status == FS_OK && r->data_len > 0 && r->data[0] != '0') {
		fact_text(run, KEY_WCHAN, "%.*s", (int)r->data_len, r->data);
		if (state->proc.state == 'D')
			fact_line(run, "it waits in the kernel: %.*s", (int)r->data_len, r->data);
	}
	ask_parent(run);
}

static void
ask_wchan(struct fact_run *run)
{
	struct look_run *state = fact_state(run);
	char path[FS_PATH_MAX], name[64];

	snprintf(name, sizeof(name), "/proc/%u/wchan", state->proc.pid);
	fact_host_path(run, name, path);
	state->wchan = fs_call_start(fact_env(run)->fs,
		&(struct fs_request){ .op = FS_READ, .path = path, .length = WCHAN_MAX },
		fact_time_left(run) / 4, on_wchan, run);
}

static void
on_look(void *arg, const struct procs_trouble *trouble, const struct procs_look *look)
{
	struct fact_run *run = arg;
	struct look_run *state = fact_state(run);

	state->call = NULL;
	if (trouble->status == FS_OK && look->start_ticks == state->proc.start_ticks) {
		if (look->fds >= 0)
			fact_number(run, KEY_FDS, (double)look->fds);
		if (look->has_nofile && look->nofile != UINT64_MAX)
			fact_number(run, KEY_FDS_LIMIT, (double)look->nofile);
		if (look->fds >= 0 && look->has_nofile && look->nofile > 0 &&
			look->nofile != UINT64_MAX)
			fact_number(run, KEY_FDS_PERCENT,
				(double)look->fds * 100 / (double)look->nofile);
	}
	ask_wchan(run);
}

/* --- growth --- */

static void
tell_growth(struct fact_run *run, const struct proc *proc, double rss)
{
	struct process_memory_point *old = fact_memory(run, sizeof(*old));
	const struct sample *sample = fact_sample(run);
	usec_t now = loop_now(fact_env(run)->loop);
	double slope = sample != NULL ? sample_value(sample, "rss_growth") : (double)NAN;
	bool is_same =
		old->at_us > 0 && old->pid == proc->pid && old->start_ticks == proc->start_ticks;
	double seconds = (double)(now - old->at_us) / USEC_PER_SEC;
	char text[32];

	if (isnan(slope) && is_same && seconds >= GROWTH_MIN_S)
		slope = (rss - old->rss_bytes) / seconds;
	if (!isnan(slope)) {
		fact_number(run, KEY_GROWTH, slope * 3600);
		metric_format(slope * 3600, UNIT_BYTES, text, sizeof(text));
		if (slope > 0)
			fact_line(run, "its memory grows by %s an hour", text);
	}
	if (!is_same)
		*old = (struct process_memory_point){ .pid = proc->pid,
			.start_ticks = proc->start_ticks,
			.at_us = now,
			.rss_bytes = rss };
}

static const char *
state_words(char state)
{
	switch (state) {
	case 'D':
		return "it waits in the kernel and cannot be ended meanwhile (state D)";
	case 'T':
	case 't':
		return "it is stopped by a signal or a debugger (state T); SIGCONT lets it go on";
	case 'Z':
		return "it has ended and is only waited for (state Z)";
	default:
		return NULL;
	}
}

static void
tell(struct fact_run *run, const struct procs *procs, const struct proc *proc)
{
	double rss = (double)proc->rss_pages * procs->page_bytes;
	char text[1024], unit[FACT_UNIT_MAX], container[FACT_CONTAINER_MAX];

	fact_number(run, KEY_PID, proc->pid);
	fact_text(run, KEY_COMM, "%s", proc->comm);
	fact_text(run, KEY_STATE, "%c", proc->state);
	fact_number(run, KEY_AGE, proc_words_age_s(procs, proc));
	fact_number(run, KEY_RSS, rss);
	fact_number(run, KEY_THREADS, proc->threads);
	fact_proc_unit(proc->cgroup, unit);
	fact_proc_container(proc->cgroup, container);
	if (unit[0] != '\0')
		fact_text(run, KEY_UNIT, "%s", unit);
	if (container[0] != '\0')
		fact_text(run, KEY_CONTAINER, "%s", container);
	proc_words_long(procs, proc, text, sizeof(text));
	fact_line(run, "%s", text);
	if (state_words(proc->state) != NULL)
		fact_line(run, "%s", state_words(proc->state));
	tell_growth(run, proc, rss);
}

static void
on_found(struct fact_run *run, const struct procs *procs, const struct proc *proc)
{
	struct look_run *state = fact_state(run);
	const struct procs_request r = fact_procs(run);
	const struct subject *s = fact_subject(run);
	const char *name = s->comm != NULL ? s->comm : s->process;

	fact_number(run, KEY_PRESENT, proc != NULL && proc->state != 'Z');
	fact_number(run, KEY_COUNT, (double)procs->count);
	if (proc == NULL) {
		if (procs->count > 0)
			fact_line(run, "pid %ld is gone; other processes %s run, started before",
				s->pid, name != NULL ? name : "of that kind");
		else
			fact_line(run, "no process %s runs", name != NULL ? name : "of that kind");
		fact_had(run);
		return;
	}
	state->proc = *proc;
	state->ticks_per_s = procs->ticks_per_s;
	state->seen_us = loop_now(fact_env(run)->loop);
	tell(run, procs, proc);
	state->call = procs_look_start(&r, proc->pid, NULL, on_look);
}

static void
start(struct fact_run *run)
{
	struct look_run *state = fact_state(run);

	timer_init(&state->again, fact_env(run)->loop, on_again, run);
	find_process_start(&state->find, run, on_found);
}

static void
stop(struct fact_run *run)
{
	struct look_run *state = fact_state(run);

	find_process_stop(&state->find);
	procs_cancel(state->call);
	fs_call_cancel(state->wchan);
	timer_stop(&state->again);
}

const struct fact_type fact_type_process = {
	.name = "process",
	.summary = "The process behind the check: its state, memory, CPU and descriptors.",
	.rights = "CAP_SYS_PTRACE, to see what other users' processes wait for and have open.",
	.keys = keys,
	.run_size = sizeof(struct look_run),
	.start = start,
	.stop = stop,
};

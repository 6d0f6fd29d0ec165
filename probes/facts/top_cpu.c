/*
 * Who uses the processors at this moment, and what they wait for: two looks, a moment apart.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "io/loop.h"
#include "io/timer.h"
#include "probes/cpu_files.h"
#include "probes/facts/fact.h"
#include "probes/facts/top_look.h"
#include "probes/host_file.h"

#define APART_US (400 * USEC_PER_MSEC)
#define SHOWN    5
#define STAT_MAX 65536

enum key {
	KEY_FIRST,
	KEY_FIRST_PID,
	KEY_FIRST_PERCENT,
	KEY_SECOND,
	KEY_IOWAIT,
	KEY_STEAL,
	KEY_RUNNABLE,
	KEY_CPUS,
	KEY_THROTTLED,
	KEY_USED,
};

static const struct metric_desc keys[] = {
	{ "first", METRIC_GAUGE, UNIT_TEXT, "The program of the busiest process." },
	{ "first_pid", METRIC_GAUGE, UNIT_NONE, "Its number." },
	{ "first_percent", METRIC_GAUGE, UNIT_PERCENT, "How busy it is; 100 % is one processor." },
	{ "second", METRIC_GAUGE, UNIT_TEXT, "The program of the next." },
	{ "iowait_percent", METRIC_GAUGE, UNIT_PERCENT, "Time spent idle, waiting for disks." },
	{ "steal_percent", METRIC_GAUGE, UNIT_PERCENT,
		"Time that the hypervisor gave to other machines." },
	{ "runnable", METRIC_GAUGE, UNIT_NONE, "Tasks that run or could run." },
	{ "cpus", METRIC_GAUGE, UNIT_NONE, "Processors online." },
	{ "throttled", METRIC_FLAG, UNIT_BOOL,
		"The quota of the group that this daemon lives in stops it." },
	{ "used_percent", METRIC_GAUGE, UNIT_PERCENT, "How busy all processors are together." },
	{ .name = NULL },
};

/* One process between the two looks. */
struct busy {
	const struct top_row *row;
	double percent;
};

struct state {
	struct timer pause;
	struct top_asking asking;
	struct top_look before, now;
	struct cpu_ticks ticks;
	struct cgroup_cpu group;
	bool has_ticks, has_group;
};

static bool
read_ticks(struct fact_run *run, struct cpu_ticks *ticks, char *text)
{
	return host_read_shared(fact_env(run), "proc/stat", text, STAT_MAX, NULL) == 0 &&
	       cpu_ticks_parse(ticks, text);
}

static bool
read_group(struct cgroup_cpu *group)
{
	struct cgroup own;

	if (!cgroup_find_own(&own, "cpu"))
		return false;
	cgroup_cpu_read(group, &own);
	return !isnan(group->throttled);
}

static void
say_host(struct fact_run *run)
{
	struct state *state = fact_state(run);
	struct cpu_share share = { NAN, NAN, NAN };
	struct cgroup_cpu group;
	struct cpu_ticks ticks;
	char text[STAT_MAX];

	if (!read_ticks(run, &ticks, text))
		return;
	if (state->has_ticks)
		share = cpu_share_between(&state->ticks, &ticks);
	fact_number(run, KEY_USED, share.used_percent);
	fact_number(run, KEY_IOWAIT, share.iowait_percent);
	fact_number(run, KEY_STEAL, share.steal_percent);
	fact_number(run, KEY_CPUS, cpu_cores_parse(text));
	fact_number(run, KEY_RUNNABLE, host_field(text, "procs_running"));
	if (!isnan(share.used_percent))
		fact_line(run,
			"%u CPUs: %.0f %% used, %.0f %% waiting for disks, %.0f %% stolen; %.0f "
			"tasks runnable",
			cpu_cores_parse(text), share.used_percent, share.iowait_percent,
			share.steal_percent, host_field(text, "procs_running"));
	if (!state->has_group || !read_group(&group))
		return;
	fact_number(run, KEY_THROTTLED, group.throttled > state->group.throttled);
	if (group.throttled > state->group.throttled)
		fact_line(run, "the quota of our own group stops it (cpu.max, CPUQuota=, cpus:)");
}

static int
compare(const void *a, const void *b)
{
	const struct busy *x = a, *y = b;

	if (x->percent != y->percent)
		return x->percent > y->percent ? -1 : 1;
	return x->row->pid < y->row->pid ? -1 : x->row->pid > y->row->pid;
}

/* The busiest, at the front; how many. */
static size_t
find_busy(const struct state *state, struct busy top[SHOWN + 1])
{
	double passed_s = (double)(state->now.at_us - state->before.at_us) / (double)USEC_PER_SEC;
	size_t count = 0;

	for (size_t i = 0; i < state->now.count && passed_s > 0; i++) {
		const struct top_row *row = &state->now.all[i];
		const struct top_row *was = top_look_find(&state->before, row);
		uint64_t ticks = was == NULL ? row->cpu_ticks : row->cpu_ticks - was->cpu_ticks;

		if (ticks == 0 || (was != NULL && row->cpu_ticks < was->cpu_ticks))
			continue;
		top[count < SHOWN ? count++ : SHOWN] = (struct busy){ row,
			(double)ticks * 100 / state->now.ticks_per_s / passed_s };
		qsort(top, count < SHOWN ? count : SHOWN + 1, sizeof(top[0]), compare);
	}
	return count;
}

static void
on_second(struct fact_run *run, const struct top_look *found, const char *why)
{
	struct busy top[SHOWN + 1] = { { NULL, 0 } };
	size_t count;

	say_host(run);
	if (found == NULL) {
		fact_missed(run, "the processes could not be read: %s", why);
		return;
	}
	if (found->is_hidden) {
		fact_line(run, "other users' processes are hidden from this daemon (hidepid=, or "
			       "ProtectProc= of its unit): which is the busiest is not known");
		fact_had(run);
		return;
	}
	count = find_busy(fact_state(run), top);
	for (size_t i = 0; i < count; i++)
		fact_line(run, "%s (pid %u) %.0f %%", top[i].row->comm, top[i].row->pid,
			top[i].percent);
	if (count > 0) {
		fact_text(run, KEY_FIRST, "%s", top[0].row->comm);
		fact_number(run, KEY_FIRST_PID, top[0].row->pid);
		fact_number(run, KEY_FIRST_PERCENT, top[0].percent);
	}
	if (count > 1)
		fact_text(run, KEY_SECOND, "%s", top[1].row->comm);
	fact_had(run);
}

static void
on_pause(void *arg)
{
	struct fact_run *run = arg;
	struct state *state = fact_state(run);

	top_look_start(&state->asking, run, &state->now, on_second);
}

static void
on_first(struct fact_run *run, const struct top_look *found, const char *why)
{
	struct state *state = fact_state(run);
	char text[STAT_MAX];

	if (found == NULL) {
		fact_missed(run, "the processes could not be read: %s", why);
		return;
	}
	state->has_ticks = read_ticks(run, &state->ticks, text);
	state->has_group = read_group(&state->group);
	timer_after(&state->pause, APART_US);
}

static void
start(struct fact_run *run)
{
	struct state *state = fact_state(run);

	timer_init(&state->pause, fact_env(run)->loop, on_pause, run);
	top_look_start(&state->asking, run, &state->before, on_first);
}

static void
stop(struct fact_run *run)
{
	struct state *state = fact_state(run);

	timer_stop(&state->pause);
	top_look_cancel(&state->asking);
	top_look_fini(&state->before);
	top_look_fini(&state->now);
}

const struct fact_type fact_type_top_cpu = {
	.name = "top-cpu",
	.summary = "The processes that use the processors now, and what the processors wait for.",
	.keys = keys,
	.run_size = sizeof(struct state),
	.fresh_us = 10 * USEC_PER_SEC,
	.is_host = true,
	.is_near = true,
	.start = start,
	.stop = stop,
};

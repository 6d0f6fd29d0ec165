/* From what was seen, and what is remembered, to numbers and the verdict.  The first row that knows
 * something speaks. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/loop.h"
#include "probes/host_file.h"
#include "probes/proc_words.h"
#include "probes/process.h"

/* What all rows look at. */
struct scene {
	struct probe_run *run;
	const struct process_conf *conf;
	const struct process_run *state;
	const struct process_seen *seen;
	const struct process_memory *memory;
	usec_t now;
	int64_t min;
	char wanted[256]; /* who, in words */
};

static void
measure(const struct scene *s)
{
	const struct process_seen *seen = s->seen;
	struct probe_run *run = s->run;

	probe_value(run, ROW_COUNT, (double)seen->living);
	probe_value(run, ROW_ZOMBIES, (double)seen->zombies);
	probe_value(run, ROW_STOPPED, (double)seen->stopped);
	probe_value(run, ROW_DSTATE, (double)seen->dstate);
	probe_value(run, ROW_RESTARTS, s->memory->restarts);
	if (seen->living == 0)
		return;
	probe_value(run, ROW_RSS, seen->rss_bytes);
	probe_value(run, ROW_RSS_GROWTH, process_growth(s->memory, s->now));
	probe_value(run, ROW_CPU, seen->cpu_percent);
	probe_value(run, ROW_THREADS, seen->threads);
	if (seen->main != NULL)
		probe_value(run, ROW_AGE, proc_words_age_s(seen->procs, seen->main));
	if (s->state->fds_known > 0) {
		probe_value(run, ROW_FDS, s->state->fds);
		probe_value(run, ROW_FDS_PERCENT, s->state->fds_percent);
	}
}

static void
show(const struct scene *s, const struct proc *proc)
{
	char text[1024];

	if (proc == NULL)
		return;
	proc_words_long(s->seen->procs, proc, text, sizeof(text));
	probe_fact(s->run, "process", "%s", text);
}

/* --- the rows: true when the verdict was given --- */

static bool
fail_hidden(const struct scene *s)
{
	char why[HOST_PATH_MAX];

	if ((int64_t)s->seen->living >= s->min)
		return false;
	if (s->state->unknown > 0) {
		probe_error(s->run, "self.local",
			"the command line of %u process%s cannot be read (stuck in the kernel), "
			"and "
			"may be %s",
			s->state->unknown, s->state->unknown == 1 ? "" : "es", s->wanted);
		return true;
	}
	if (s->state->unmapped > 0) {
		probe_error(s->run, "self.local",
			"%u processes belong to users that have no number in the daemon's user "
			"namespace: whether one of them is %s cannot be told; match by `name` or "
			"`cmdline` instead of `user`",
			s->state->unmapped, s->wanted);
		return true;
	}
	if (!s->state->procs.is_hidden)
		return false;
	if (host_is_absent(probe_env(s->run), "proc/1", why, sizeof(why))) {
		probe_error(s->run, "self.local", "%s", why);
		return true;
	}
	probe_error(s->run, "self.local",
		"/proc hides other users' processes from the daemon (hidepid=, or ProtectProc= of "
		"its unit): no process %s can be seen",
		s->wanted);
	return true;
}

static bool
fail_zombie(const struct scene *s)
{
	const struct proc *zombie = s->seen->zombie;

	if ((int64_t)s->seen->living >= s->min || zombie == NULL)
		return false;
	show(s, zombie);
	probe_fail(s->run, "proc.zombie",
		"%s (pid %u) has ended; its parent, pid %u, has not waited for it", zombie->comm,
		zombie->pid, zombie->ppid);
	return true;
}

static bool
fail_crashloop(const struct scene *s)
{
	unsigned starts = process_recent_starts(s->memory, s->conf, s->now);
	char window[64];

	if (starts < (unsigned)s->conf->crash_restarts)
		return false;
	clock_format_duration(s->conf->crash_window_us, window, sizeof(window));
	show(s, s->seen->main);
	probe_fail(s->run, "proc.crashloop", "%s was restarted %u times within %s, and %s now",
		s->wanted, starts, window, s->seen->living > 0 ? "runs" : "does not run");
	return true;
}

static bool
fail_absent(const struct scene *s)
{
	char found[64] = "no process";

	if ((int64_t)s->seen->living >= s->min)
		return false;
	if (s->seen->living > 0)
		snprintf(found, sizeof(found), "only %zu of %lld processes", s->seen->living,
			(long long)s->min);
	if (s->memory->oom_since > 0)
		probe_fail(s->run, "proc.oom",
			"%s matches %s any more; meanwhile the kernel killed %.0f process%s "
			"of this host for lack of memory",
			found, s->wanted, s->memory->oom_since,
			s->memory->oom_since > 1 ? "es" : "");
	else
		probe_fail(s->run, "proc.absent", "%s matches %s", found, s->wanted);
	return true;
}

static bool
fail_stopped(const struct scene *s)
{
	char who[128];

	if (s->seen->halted == NULL)
		return false;
	show(s, s->seen->halted);
	proc_words_short(s->seen->halted, who, sizeof(who));
	probe_fail(s->run, "proc.stopped", "%s is stopped (state T)", who);
	return true;
}

static bool
fail_dstate(const struct scene *s)
{
	char who[128], since[64];

	if (s->seen->stuck == NULL || s->seen->stuck_us < s->conf->dstate_us)
		return false;
	show(s, s->seen->stuck);
	proc_words_short(s->seen->stuck, who, sizeof(who));
	clock_format_duration(s->seen->stuck_us, since, sizeof(since));
	probe_fail(
		s->run, "proc.dstate", "%s has waited in the kernel (state D) for %s", who, since);
	return true;
}

static bool
fail_too_many(const struct scene *s)
{
	if (s->conf->max < 0 || probe_instance(s->run) != NULL ||
		(int64_t)s->seen->living <= s->conf->max)
		return false;
	show(s, s->seen->main);
	probe_fail(s->run, "proc.too-many", "%zu processes match %s, at most %lld are wanted",
		s->seen->living, s->wanted, (long long)s->conf->max);
	return true;
}

static bool
fail_hung(const struct scene *s)
{
	usec_t idle = s->now - s->memory->progress_us;
	char since[64];

	if (s->conf->hung_us == 0 || idle < s->conf->hung_us || s->seen->living == 0)
		return false;
	show(s, s->seen->main);
	clock_format_duration(idle, since, sizeof(since));
	probe_fail(s->run, "proc.hung", "%s has used no CPU time for %s", s->wanted, since);
	return true;
}

static bool
fail_env(const struct scene *s)
{
	return process_env_judge(s->run, s->conf, s->state->env);
}

static bool (*const rows[])(const struct scene *s) = { fail_hidden, fail_zombie, fail_crashloop,
	fail_absent, fail_stopped, fail_dstate, fail_too_many, fail_hung, fail_env };

static void
note_rights(const struct scene *s)
{
	if (s->state->denied > 0)
		proc_words_no_right(s->run,
			s->conf->rule_count > 0 ? "descriptors and environment" : "descriptors");
	else if (s->state->overwritten > 0)
		probe_note(s->run, "proc.no-right",
			"%u processes have written their title over the environment they were "
			"started with: their variables are not known",
			s->state->overwritten);
}

static void
say_ok(const struct scene *s)
{
	const struct process_seen *seen = s->seen;
	char rss[32], who[128], cpu[32];

	show(s, seen->main);
	if (seen->living == 0) {
		probe_ok(s->run, "no process matches %s, and none is wanted", s->wanted);
		return;
	}
	metric_format(seen->rss_bytes, UNIT_BYTES, rss, sizeof(rss));
	metric_format(
		isnan(seen->cpu_percent) ? 0 : seen->cpu_percent, UNIT_PERCENT, cpu, sizeof(cpu));
	proc_words_short(seen->main, who, sizeof(who));
	if (seen->living == 1)
		probe_ok(s->run, "%s, %s%s%s", who, rss, isnan(seen->cpu_percent) ? "" : ", CPU ",
			isnan(seen->cpu_percent) ? "" : cpu);
	else
		probe_ok(s->run, "%zu processes, the oldest %s, %s%s%s", seen->living, who, rss,
			isnan(seen->cpu_percent) ? "" : ", CPU ",
			isnan(seen->cpu_percent) ? "" : cpu);
}

void
process_judge(struct probe_run *run)
{
	const struct process_run *state = probe_state(run);
	struct scene s = {
		.run = run,
		.conf = probe_conf(run),
		.state = state,
		.seen = &state->seen,
		.memory = probe_memory(run, sizeof(struct process_memory)),
		.now = loop_now(probe_env(run)->loop),
	};

	s.min = probe_instance(run) != NULL ? 1 : s.conf->min;
	proc_match_text(&s.conf->match, s.wanted, sizeof(s.wanted));
	measure(&s);
	note_rights(&s);
	if (state->seen.restarts > 0)
		probe_fact(run, "restart", "restarted since the last run%s",
			s.memory->oom_since > 0 ? "; meanwhile the kernel killed for lack of memory"
						: "");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i](&s))
			return;
	say_ok(&s);
}

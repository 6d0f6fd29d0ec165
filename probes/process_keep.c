/*
 * From run to run: a process is its pid and its start.  Roots are those whose parent is none of
 * them, so that a server's workers may come and go; a root that came where one had gone is a
 * restart.  Growth is the slope through the last hour's points.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "probes/process.h"

#define GROWTH_WINDOW_US USEC_PER_HOUR
#define GROWTH_STEP_US   (60 * USEC_PER_SEC)
#define GROWTH_MIN_US    (60 * USEC_PER_SEC)
#define GROWTH_DENSE     8 /* the first points need not be a step apart */

static const struct process_kept *
find(const struct process_memory *m, uint32_t pid, uint64_t start_ticks)
{
	for (unsigned i = 0; i < m->count; i++)
		if (m->all[i].pid == pid && m->all[i].start_ticks == start_ticks)
			return &m->all[i];
	return NULL;
}

bool
process_is_kept(const struct process_memory *m, const struct proc *proc)
{
	return find(m, proc->pid, proc->start_ticks) != NULL;
}

static bool
is_living(const struct proc *proc)
{
	return proc->state != 'Z' && proc->state != 'X';
}

static int
compare_pid(const void *pid_, const void *proc_)
{
	uint32_t pid = *(const uint32_t *)pid_;
	const struct proc *proc = proc_;

	return pid < proc->pid ? -1 : pid > proc->pid;
}

const struct proc *
process_find(const struct procs *procs, uint32_t pid)
{
	if (procs->count == 0)
		return NULL;
	return bsearch(&pid, procs->all, procs->count, sizeof(*procs->all), compare_pid);
}

static bool
has_parent(const struct procs *procs, const struct proc *proc)
{
	const struct proc *parent = process_find(procs, proc->ppid);

	return parent != NULL && is_living(parent);
}

/* --- restarts --- */

static void
note_restart(struct process_memory *m, usec_t now)
{
	m->restarts++;
	m->starts[m->start_count++ % PROCESS_STARTS] = now;
	m->point_count = 0; /* its memory begins anew */
}

unsigned
process_recent_starts(const struct process_memory *m, const struct process_conf *conf, usec_t now)
{
	unsigned known = m->start_count < PROCESS_STARTS ? m->start_count : PROCESS_STARTS;
	unsigned recent = 0;

	for (unsigned i = 0; i < known; i++)
		recent += now - m->starts[i] <= conf->crash_window_us;
	return recent;
}

/* Roots of the last run that are no more. */
static unsigned
count_gone(const struct process_memory *m, const struct procs *procs)
{
	unsigned gone = 0;

	for (unsigned i = 0; i < m->count; i++) {
		const struct proc *proc = process_find(procs, m->all[i].pid);
		bool is_there = proc != NULL && proc->start_ticks == m->all[i].start_ticks &&
				is_living(proc);

		gone += m->all[i].is_root && !is_there;
	}
	return gone;
}

static void
compare_roots(struct process_memory *m, const struct process_conf *conf, struct process_seen *seen,
	usec_t now)
{
	unsigned gone = count_gone(m, seen->procs);

	if (m->gone > 0 && now - m->gone_us > conf->crash_window_us)
		m->gone = 0; /* fewer of them by somebody's will */
	if (gone > 0) {
		m->gone += gone;
		m->gone_us = now;
	}
	for (size_t i = 0; i < seen->procs->count && m->gone > 0; i++) {
		const struct proc *proc = &seen->procs->all[i];

		if (!is_living(proc) || process_is_kept(m, proc) || has_parent(seen->procs, proc))
			continue;
		m->gone--;
		seen->restarts++;
		note_restart(m, now);
	}
}

/* --- growth --- */

static void
add_point(struct process_memory *m, double rss, usec_t now)
{
	unsigned n = m->point_count;

	if (n >= GROWTH_DENSE && now - m->points[n - 1].at_us < GROWTH_STEP_US)
		return;
	if (n == PROCESS_POINTS) {
		n--;
		memmove(&m->points[0], &m->points[1], n * sizeof(m->points[0]));
	}
	m->points[n].at_us = now;
	m->points[n].rss = rss;
	m->point_count = n + 1;
}

double
process_growth(const struct process_memory *m, usec_t now)
{
	double n = 0, sum_t = 0, sum_y = 0, sum_tt = 0, sum_ty = 0;
	usec_t first = now;

	for (unsigned i = 0; i < m->point_count; i++) {
		usec_t at = m->points[i].at_us;
		double t = (double)(at - now) / USEC_PER_SEC, y = m->points[i].rss;

		if (now - at > GROWTH_WINDOW_US)
			continue;
		if (at < first)
			first = at;
		n++;
		sum_t += t;
		sum_y += y;
		sum_tt += t * t;
		sum_ty += t * y;
	}
	if (n < 3 || now - first < GROWTH_MIN_US)
		return NAN;
	return (n * sum_ty - sum_t * sum_y) / (n * sum_tt - sum_t * sum_t);
}

/* --- CPU and waiting --- */

/* What it used since the last run.  One that is new to us and older than that run only began to
 * match, or was one too many to be remembered: its past is not ours. */
static double
ticks_since(const struct process_memory *m, const struct process_seen *seen,
	const struct process_kept *before, const struct proc *proc, usec_t now)
{
	const struct procs *procs = seen->procs;
	double passed_s = (double)(now - m->at_us) / USEC_PER_SEC;
	double age_s = procs->uptime_s - (double)proc->start_ticks / procs->ticks_per_s;

	if (before != NULL && proc->cpu_ticks >= before->cpu_ticks)
		return (double)(proc->cpu_ticks - before->cpu_ticks);
	return age_s <= passed_s + 1 ? (double)proc->cpu_ticks : 0;
}

/* True: it used CPU time since the last run, or was not there then. */
static bool
compare_one(const struct process_memory *m, struct process_seen *seen, struct process_kept *now_,
	const struct proc *proc, usec_t now)
{
	const struct process_kept *before = find(m, proc->pid, proc->start_ticks);
	bool is_moving = before == NULL || proc->cpu_ticks != before->cpu_ticks;

	*now_ = (struct process_kept){
		.pid = proc->pid,
		.is_root = !has_parent(seen->procs, proc),
		.start_ticks = proc->start_ticks,
		.cpu_ticks = proc->cpu_ticks,
	};
	seen->cpu_percent += ticks_since(m, seen, before, proc, now);
	if (proc->state != 'D')
		return is_moving;
	now_->stuck_us = !is_moving && before->stuck_us > 0 ? before->stuck_us : now;
	if (seen->stuck == NULL || now - now_->stuck_us > seen->stuck_us) {
		seen->stuck = proc;
		seen->stuck_us = now - now_->stuck_us;
	}
	return is_moving;
}

/* Only what was killed while one of these went: who has been missing for an hour is not missing for
 * what the kernel kills now. */
static void
keep_oom(struct process_memory *m, const struct process_conf *conf, const struct process_seen *seen,
	double oom_kills)
{
	bool is_first = m->at_us == 0;

	if (!is_first && (seen->living < m->living || seen->restarts > 0))
		m->oom_since += oom_kills > m->oom_kills ? oom_kills - m->oom_kills : 0;
	else if ((int64_t)seen->living >= conf->min)
		m->oom_since = 0;
	m->oom_kills = oom_kills;
	m->living = seen->living;
}

void
process_keep(struct process_memory *m, const struct process_conf *conf, struct process_seen *seen,
	usec_t now, double oom_kills)
{
	static const size_t row = sizeof(struct process_kept);
	double passed_s = (double)(now - m->at_us) / USEC_PER_SEC;
	struct process_kept all[PROCESS_KEPT_MAX] = { { .pid = 0 } };
	unsigned count = 0;
	bool is_first = m->at_us == 0, is_moving = false;

	if (!is_first)
		compare_roots(m, conf, seen, now);
	seen->cpu_percent = 0;
	for (size_t i = 0; i < seen->procs->count && count < PROCESS_KEPT_MAX; i++) {
		const struct proc *proc = &seen->procs->all[i];

		if (is_living(proc))
			is_moving |= compare_one(m, seen, &all[count++], proc, now);
		else if (process_is_kept(m, proc)) /* one of them, and dead: not to be mistaken */
			all[count++] = (struct process_kept){
				.pid = proc->pid,
				.start_ticks = proc->start_ticks,
			};
	}
	if (is_first || passed_s <= 0)
		seen->cpu_percent = NAN;
	else
		seen->cpu_percent *= 100 / seen->procs->ticks_per_s / passed_s;
	keep_oom(m, conf, seen, oom_kills);
	if (is_moving || is_first)
		m->progress_us = now;
	if (seen->living > 0)
		add_point(m, seen->rss_bytes, now);
	memcpy(m->all, all, count * row);
	m->count = count;
	m->at_us = now;
}

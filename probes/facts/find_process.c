/* Chooses among all processes of the host.  One walk over /proc, by the helper. */
#include "probes/facts/find_process.h"

#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "io/loop.h"
#include "probes/proc_words.h"
#include "probes/process.h"

#define SLACK_US USEC_PER_SEC /* clocks of the kernel tick */

static bool
is_process_check(const struct fact_run *run)
{
	return str_eq(fact_check(run)->type, "process");
}

/* By the check's own settings. */
static bool
is_meant(const struct fact_run *run, const struct proc *proc)
{
	const struct check_spec *check = fact_check(run);
	const struct process_conf *conf = check->conf;
	uint32_t pid;

	if (check->instance != NULL)
		return proc_parse_pid(&pid, check->instance) && pid == proc->pid;
	/* The pid file is not read here: all the rest must fit. */
	if (conf->match.pidfile != NULL) {
		struct proc_match rest = conf->match;

		rest.pidfile = NULL;
		return !proc_match_is_empty(&rest) && proc_match_is(&rest, proc, 0);
	}
	return proc_match_is(&conf->match, proc, 0);
}

static bool
is_of_subject(const struct subject *s, const struct proc *proc)
{
	const char *name = s->comm != NULL ? s->comm : s->process;
	char unit[FACT_UNIT_MAX];

	if (s->pid > 0 && proc->pid == (uint32_t)s->pid)
		return name == NULL || str_matches_glob(proc->comm, name);
	if (s->unit != NULL) {
		fact_proc_unit(proc->cgroup, unit);
		if (unit[0] != '\0' && str_starts(unit, s->unit) &&
			(str_eq(unit, s->unit) || str_eq(unit + strlen(s->unit), ".service")))
			return true;
	}
	return name != NULL && str_matches_glob(proc->comm, name);
}

static bool
keep(void *arg, const struct proc *proc)
{
	const struct find_process *find = arg;

	if (proc->pid == (uint32_t)getpid() && fact_is_own_host(find->run))
		return false;
	if (is_process_check(find->run))
		return is_meant(find->run, proc);
	return is_of_subject(fact_subject(find->run), proc);
}

/* Where the listener was known and is gone, one of its name that is older than it was last seen is
 * a server beside it, and no successor. */
static bool
is_another(const struct fact_run *run, const struct procs *procs, const struct proc *proc)
{
	const struct subject *s = fact_subject(run);
	usec_t age_us = (usec_t)(proc_words_age_s(procs, proc) * USEC_PER_SEC);
	usec_t seen_us = loop_wall(fact_env(run)->loop) - s->learned_us;

	return s->pid > 0 && s->learned_us > 0 &&
	       (proc->state == 'Z' || age_us > seen_us + SLACK_US);
}

static const struct proc *
choose(const struct find_process *find, const struct procs *procs)
{
	const struct subject *s = fact_subject(find->run);
	const struct proc *found = NULL;

	for (size_t i = 0; i < procs->count; i++) {
		const struct proc *p = &procs->all[i];

		if (s->pid > 0 && p->pid == (uint32_t)s->pid)
			return p;
		if (!is_process_check(find->run) && is_another(find->run, procs, p))
			continue;
		if (found == NULL || p->start_ticks < found->start_ticks)
			found = p;
	}
	return found;
}

static void
on_list(void *arg, const struct procs_trouble *trouble, const struct procs *procs)
{
	struct find_process *find = arg;
	const struct proc *found;

	find->call = NULL;
	if (fact_proc_failed(find->run, trouble, "the list of processes"))
		return;
	found = choose(find, procs);
	if (found == NULL && procs->is_hidden)
		fact_missed(find->run,
			"/proc hides other users' processes from this daemon (hidepid=, or "
			"ProtectProc= of its unit)");
	else
		find->fn(find->run, procs, found);
}

bool
find_process_start(struct find_process *find, struct fact_run *run, find_process_fn fn)
{
	const struct subject *s = fact_subject(run);
	struct procs_request r = fact_procs(run);
	const struct process_conf *conf = fact_check(run)->conf;
	bool with_cmdlines = is_process_check(run) && proc_match_wants_cmdline(&conf->match);

	find->run = run;
	find->fn = fn;
	r.arg = find;
	if (!is_process_check(run) &&
		((s->pid == 0 && s->comm == NULL && s->process == NULL && s->unit == NULL) ||
			!s->is_local)) {
		fact_none(run, "no process of this host is known to serve this");
		return false;
	}
	find->call = procs_list_start(&r, with_cmdlines, keep, on_list);
	return true;
}

void
find_process_stop(struct find_process *find)
{
	procs_cancel(find->call);
	find->call = NULL;
}

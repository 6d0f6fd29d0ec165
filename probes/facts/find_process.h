/*
 * Which process is a check about?  That of a process check by its own match; else the one that was
 * learned while all was well, if it is still the same program; else one of that name or unit.
 */
#ifndef FACTS_FIND_PROCESS_H
#define FACTS_FIND_PROCESS_H

#include "probes/facts/fact_proc.h"

struct find_process;

/* `procs` lends its measures (uptime, ticks) and all that matched, by pid; `proc` is the oldest of
 * them; NULL: there is none. */
typedef void (*find_process_fn)(
	struct fact_run *run, const struct procs *procs, const struct proc *proc);

struct find_process {
	struct fact_run *run;
	find_process_fn fn;
	struct procs_call *call;
};

/* False: the check is about no process of this host, and that was said (fact_none).  Trouble is
 * said, too (fact_missed); fn is not called then. */
bool find_process_start(struct find_process *find, struct fact_run *run, find_process_fn fn);
void find_process_stop(struct find_process *find);

#endif

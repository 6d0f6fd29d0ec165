/* Processes in words fit to be shown: command lines may hold passwords. */
#ifndef PROBES_PROC_WORDS_H
#define PROBES_PROC_WORDS_H

#include "io/procs.h"
#include "probes/probe.h"

/* Arguments a blank apart; what looks like a credential is masked. */
void proc_words_cmdline(const struct proc *proc, char *out, size_t size);
/* "nginx (pid 812)". */
void proc_words_short(const struct proc *proc, char *out, size_t size);
/* "nginx (pid 812, uid 33, started 3d ago, in /system.slice/nginx.service): nginx -g ..." */
void proc_words_long(const struct procs *procs, const struct proc *proc, char *out, size_t size);
/* Seconds since it was started. */
double proc_words_age_s(const struct procs *procs, const struct proc *proc);
/* The verdict when /proc could not be read: our own trouble. */
void proc_words_trouble(
	struct probe_run *run, const struct procs_trouble *trouble, const char *what);
/* The note that names the capability that is missing. */
void proc_words_no_right(struct probe_run *run, const char *what);

#endif

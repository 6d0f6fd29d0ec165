/*
 * Two threads for work that burns CPU or blocks for a bounded time (SCRAM logins, loading settings
 * on reload).  Never for calls that can hang for good: those go to helper processes (io/fs).
 */
#ifndef IO_OFFLOAD_H
#define IO_OFFLOAD_H

#include "io/loop.h"

struct offload;
struct offload_job;

struct offload *offload_new(struct loop *loop); /* threads start with the first job */
/*
 * Waits a second for jobs that run; drops the cancelled ones.  Others are forgotten: cancel them
 * before.  False: a job hangs.  What it stands on must not be freed: the process is to end at once.
 */
bool offload_free(struct offload *offload);

/* work(arg) on a thread, then done(arg) on the loop; while no thread can be started, it waits. */
struct offload_job *offload_start(
	struct offload *offload, void (*work)(void *arg), void (*done)(void *arg), void *arg);
/* done will not be called; drop(arg) is, on the loop, when the work is over. */
void offload_cancel(struct offload_job *job, void (*drop)(void *arg));

#endif

/* The rows are made small on the way in: a host has thousands of processes, and texts are long. */
#include "probes/facts/top_look.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/loop.h"

static bool
on_process(void *arg, const struct proc *proc)
{
	struct top_asking *asking = arg;
	struct top_look *look = asking->to;
	struct top_row *row;

	if (look->count == PROCS_MAX)
		return false;
	if (look->count == look->room) {
		look->room = look->room > 0 ? look->room * 2 : 128;
		look->all = xreallocarray(look->all, look->room, sizeof(*look->all));
	}
	row = &look->all[look->count++];
	*row = (struct top_row){
		.pid = proc->pid,
		.start_ticks = proc->start_ticks,
		.cpu_ticks = proc->cpu_ticks,
		.rss_bytes = (double)proc->rss_pages,
	};
	str_copy(row->comm, sizeof(row->comm), proc->comm);
	return false; /* the list itself stays empty */
}

static void
on_list(void *arg, const struct procs_trouble *trouble, const struct procs *procs)
{
	struct top_asking *asking = arg;
	struct top_look *look = asking->to;

	asking->call = NULL;
	if (trouble->status != FS_OK) {
		asking->fn(asking->run, NULL,
			trouble->error != 0 ? strerror(trouble->error) : "no answer");
		return;
	}
	for (size_t i = 0; i < look->count; i++)
		look->all[i].rss_bytes *= procs->page_bytes;
	look->ticks_per_s = procs->ticks_per_s;
	look->is_hidden = procs->is_hidden;
	look->at_us = loop_now(fact_env(asking->run)->loop);
	asking->fn(asking->run, look, NULL);
}

void
top_look_start(struct top_asking *asking, struct fact_run *run, struct top_look *to, top_fn fn)
{
	const struct io_env *env = fact_env(run);
	const struct procs_request request = {
		.fs = env->fs,
		.host_root = env->host_root,
		.timeout_us = fact_time_left(run),
		.arg = asking,
	};

	asking->run = run;
	asking->to = to;
	asking->fn = fn;
	to->count = 0;
	asking->call = procs_list_start(&request, false, on_process, on_list);
}

void
top_look_cancel(struct top_asking *asking)
{
	procs_cancel(asking->call);
	asking->call = NULL;
}

void
top_look_fini(struct top_look *look)
{
	free(look->all);
	look->all = NULL;
	look->count = look->room = 0;
}

static int
compare_pids(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

const struct top_row *
top_look_find(const struct top_look *before, const struct top_row *row)
{
	const struct top_row *was;

	if (before->count == 0)
		return NULL;
	was = bsearch(row, before->all, before->count, sizeof(*row), compare_pids);
	return was != NULL && was->start_ticks == row->start_ticks ? was : NULL;
}

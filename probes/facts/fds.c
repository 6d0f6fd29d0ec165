/* What the process behind a check has open, near its limit or not, and whom it talks to most. */
#include <stdio.h>

#include "io/proc_fds.h"
#include "probes/facts/find_process.h"

enum key {
	KEY_PID,
	KEY_COMM,
	KEY_COUNT,
	KEY_LIMIT,
	KEY_PERCENT,
	KEY_SOCKETS,
	KEY_FILES,
	KEY_PIPES,
	KEY_ESTABLISHED,
	KEY_CLOSE_WAIT,
	KEY_TOP_PEER,
	KEY_TOP_PEER_COUNT,
};

static const struct metric_desc keys[] = {
	{ "pid", METRIC_GAUGE, UNIT_NONE, "The process." },
	{ "comm", METRIC_GAUGE, UNIT_TEXT, "Its name." },
	{ "count", METRIC_GAUGE, UNIT_NONE, "Open file descriptors." },
	{ "limit", METRIC_GAUGE, UNIT_NONE, "The soft limit of them." },
	{ "percent", METRIC_GAUGE, UNIT_PERCENT, "How near it is to the limit." },
	{ "sockets", METRIC_GAUGE, UNIT_NONE, "Of them, sockets." },
	{ "files", METRIC_GAUGE, UNIT_NONE, "Of them, files." },
	{ "pipes", METRIC_GAUGE, UNIT_NONE, "Of them, pipes." },
	{ "established", METRIC_GAUGE, UNIT_NONE, "TCP connections that are open." },
	{ "close_wait", METRIC_GAUGE, UNIT_NONE,
		"TCP connections that the other side has closed and the process has not." },
	{ "top_peer", METRIC_GAUGE, UNIT_TEXT, "The address that most of them lead to." },
	{ "top_peer_count", METRIC_GAUGE, UNIT_NONE, "How many do." },
	{ .name = NULL },
};

struct fds_run {
	struct find_process find;
	struct procs_call *call;
	struct proc_fds_call *fds;
	struct proc proc;
	double limit; /* 0: none, or not known */
};

static void
on_fds(void *arg, const struct procs_trouble *trouble, const struct proc_fds *fds)
{
	struct fact_run *run = arg;
	struct fds_run *state = fact_state(run);
	char limit[32] = "";

	state->fds = NULL;
	if (fact_proc_failed(run, trouble, "the descriptors of that process"))
		return;
	fact_number(run, KEY_COUNT, fds->count);
	fact_number(run, KEY_SOCKETS, fds->sockets);
	fact_number(run, KEY_FILES, fds->files);
	fact_number(run, KEY_PIPES, fds->pipes);
	fact_number(run, KEY_ESTABLISHED, fds->peers.established);
	fact_number(run, KEY_CLOSE_WAIT, fds->peers.close_wait);
	if (state->limit > 0)
		fact_number(run, KEY_PERCENT, fds->count * 100 / state->limit);
	if (state->limit > 0)
		snprintf(limit, sizeof(limit), " of %.0f", state->limit);
	fact_line(run, "%s (pid %u) has %u open%s: %u sockets, %u files, %u pipes, %u others",
		state->proc.comm, state->proc.pid, fds->count, limit, fds->sockets, fds->files,
		fds->pipes, fds->others);
	if (fds->peers.close_wait > 0)
		fact_line(run,
			"%u connections were closed by the other side and never by it "
			"(CLOSE_WAIT)",
			fds->peers.close_wait);
	if (fds->peers.top_count > 0) {
		fact_text(run, KEY_TOP_PEER, "%s", fds->peers.top);
		fact_number(run, KEY_TOP_PEER_COUNT, fds->peers.top_count);
		fact_line(run, "%u of its connections lead to %s", fds->peers.top_count,
			fds->peers.top);
	}
	fact_had(run);
}

static void
on_look(void *arg, const struct procs_trouble *trouble, const struct procs_look *look)
{
	struct fact_run *run = arg;
	struct fds_run *state = fact_state(run);
	const struct procs_request r = fact_procs(run);

	state->call = NULL;
	if (trouble->status == FS_OK && look->has_nofile && look->nofile != UINT64_MAX) {
		state->limit = (double)look->nofile;
		fact_number(run, KEY_LIMIT, state->limit);
	}
	state->fds = proc_fds_start(&r, state->proc.pid, on_fds);
}

static void
on_found(struct fact_run *run, const struct procs *procs, const struct proc *proc)
{
	struct fds_run *state = fact_state(run);
	const struct procs_request r = fact_procs(run);

	(void)procs;
	if (proc == NULL) {
		fact_none(run, "the process does not run");
		return;
	}
	state->proc = *proc;
	fact_number(run, KEY_PID, proc->pid);
	fact_text(run, KEY_COMM, "%s", proc->comm);
	state->call = procs_look_start(&r, proc->pid, NULL, on_look);
}

static void
start(struct fact_run *run)
{
	struct fds_run *state = fact_state(run);

	find_process_start(&state->find, run, on_found);
}

static void
stop(struct fact_run *run)
{
	struct fds_run *state = fact_state(run);

	find_process_stop(&state->find);
	procs_cancel(state->call);
	proc_fds_cancel(state->fds);
}

const struct fact_type fact_type_fds = {
	.name = "fds",
	.summary =
		"What the process behind the check has open: sockets, files, and whom it talks to.",
	.rights = "CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, for other users' processes.",
	.keys = keys,
	.run_size = sizeof(struct fds_run),
	.start = start,
	.stop = stop,
};

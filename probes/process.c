/*
 * Processes of this host, read by a helper:
 *
 *	pid file -> env files -> list -> details of each -> verdict
 *
 * Only those that match are kept of the list, and of every zombie its parent: a child that nobody
 * waited for belongs to it.
 */
#include "probes/process.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/loop.h"
#include "probes/fs_cause.h"
#include "probes/host_file.h"
#include "probes/proc_words.h"

#define PIDFILE_MAX 64
#define VMSTAT_MAX  16384
#define BLIND_RUNS  10

static const struct metric_desc metrics[] = {
	METRIC_TOTAL_ROW,
	{ "count", METRIC_GAUGE, UNIT_NONE, "Processes that match; zombies do not count." },
	{ "rss_bytes", METRIC_GAUGE, UNIT_BYTES, "Memory that they have in RAM, all together." },
	{ "rss_growth", METRIC_GAUGE, UNIT_BYTES_PER_SECOND,
		"Slope of that over the last hour at most; absent in the first minute and after a "
		"restart." },
	{ "cpu_percent", METRIC_GAUGE, UNIT_PERCENT,
		"CPU time since the last run; 100 is one core. Absent at the first run." },
	{ "fds", METRIC_GAUGE, UNIT_NONE, "Open file descriptors, all together." },
	{ "fds_percent", METRIC_GAUGE, UNIT_PERCENT,
		"Of the soft limit, at the process that is nearest to its own." },
	{ "threads", METRIC_GAUGE, UNIT_NONE, "Threads, all together." },
	{ "zombies", METRIC_GAUGE, UNIT_NONE,
		"Processes that have ended and were not waited for: those that match, and children "
		"of those that match." },
	{ "stopped", METRIC_GAUGE, UNIT_NONE, "Processes stopped by a signal or a debugger." },
	{ "dstate", METRIC_GAUGE, UNIT_NONE, "Processes that wait in the kernel (state D)." },
	{ "restarts_total", METRIC_COUNTER, UNIT_NONE,
		"Processes that came where one had gone, since the daemon started. Workers whose "
		"parent matches too do not count." },
	{ "age_time", METRIC_GAUGE, UNIT_SECONDS, "Since the oldest of them was started." },
	{ .name = NULL },
};

static struct procs_request
request(struct probe_run *run)
{
	return (struct procs_request){
		.fs = probe_env(run)->fs,
		.host_root = probe_env(run)->host_root,
		.timeout_us = probe_time_left(run),
		.arg = run,
	};
}

static struct process_memory *
memory_of(struct probe_run *run)
{
	return probe_memory(run, sizeof(struct process_memory));
}

/* --- the list --- */

static bool
is_meant(struct probe_run *run, const struct proc *proc)
{
	const struct process_conf *conf = probe_conf(run);
	const struct process_run *state = probe_state(run);
	const char *instance = probe_instance(run);
	uint32_t pid;

	if (proc->pid == (uint32_t)getpid() && str_eq(probe_env(run)->host_root, "/"))
		return false; /* `triage probe` has the words of the match in its arguments */
	if (instance != NULL && (!proc_parse_pid(&pid, instance) || pid != proc->pid))
		return false;
	return proc_match_is(&conf->match, proc, state->pid) ||
	       (proc->cmdline[0] == '\0' && process_is_kept(memory_of(run), proc));
}

/* Stuck in the kernel, or of a user that has no number here: for all we can see it may be the one.
 */
static void
note_unknown(struct probe_run *run, const struct proc *proc)
{
	const struct process_conf *conf = probe_conf(run);
	struct process_run *state = probe_state(run);
	bool is_unread = conf->match.cmdline != NULL && !proc->has_cmdline &&
			 (proc->state == 'D' || state->is_blind);
	bool is_unmapped = proc->has_uid && proc_match_is_unmapped(&conf->match, proc->uid);
	struct proc_match rest = conf->match;

	if (probe_instance(run) != NULL || (!is_unread && !is_unmapped))
		return;
	if (is_unread)
		rest.cmdline = NULL;
	if (is_unmapped)
		rest.user = NULL;
	if (!proc_match_is(&rest, proc, state->pid))
		return;
	state->unknown += is_unread;
	state->unmapped += is_unmapped;
}

static void
note_zombie(struct process_run *state, const struct proc *zombie)
{
	if (state->zombie_count == PROCESS_ZOMBIES_MAX)
		return;
	if (state->zombie_count == state->zombie_room) {
		state->zombie_room = state->zombie_room > 0 ? state->zombie_room * 2 : 64;
		state->zombie_parents = xreallocarray(
			state->zombie_parents, state->zombie_room, sizeof(*state->zombie_parents));
	}
	state->zombie_parents[state->zombie_count++] = zombie->ppid;
}

static bool
keep(void *arg, const struct proc *proc)
{
	struct probe_run *run = arg;
	struct process_run *state = probe_state(run);

	if (is_meant(run, proc))
		return true;
	if (proc->state == 'Z')
		note_zombie(state, proc);
	else
		note_unknown(run, proc);
	return false;
}

static void
count_one(struct process_run *state, const struct proc *proc)
{
	struct process_seen *seen = &state->seen;

	seen->living++;
	seen->rss_bytes += (double)proc->rss_pages * state->procs.page_bytes;
	seen->threads += proc->threads;
	seen->stopped += proc->state == 'T' || proc->state == 't';
	seen->dstate += proc->state == 'D';
	if (proc->state == 'T' && seen->halted == NULL)
		seen->halted = proc;
	if (seen->main == NULL || proc->start_ticks < seen->main->start_ticks)
		seen->main = proc;
}

static void
count_all(struct probe_run *run)
{
	struct process_run *state = probe_state(run);
	const struct procs *procs = &state->procs;

	state->seen.procs = procs;
	for (size_t i = 0; i < procs->count; i++) {
		const struct proc *proc = &procs->all[i];

		if (proc->state != 'Z' && proc->state != 'X') {
			count_one(state, proc);
			continue;
		}
		state->seen.zombies++;
		state->seen.zombie = proc;
	}
	for (size_t i = 0; i < state->zombie_count; i++) {
		const struct proc *parent = process_find(procs, state->zombie_parents[i]);

		state->seen.zombies += parent != NULL && strchr("ZX", parent->state) == NULL;
	}
}

static double
oom_kills(struct probe_run *run)
{
	char text[VMSTAT_MAX];

	if (host_read_shared(probe_env(run), "proc/vmstat", text, sizeof(text), NULL) < 0)
		return NAN;
	return host_field(text, "oom_kill");
}

/* --- details --- */

static void look_at_next(struct probe_run *run);

static void
take_look(struct probe_run *run, const struct proc *proc, const struct procs_look *look)
{
	const struct process_conf *conf = probe_conf(run);
	struct process_run *state = probe_state(run);

	if (look->start_ticks != proc->start_ticks)
		return; /* the number belongs to another by now */
	state->denied += look->fd_error == EACCES || look->fd_error == EPERM ||
			 look->env_error == EACCES || look->env_error == EPERM;
	if (proc == state->seen.main && look->exe[0] != '\0')
		probe_fact(run, "program", "%s", look->exe); /* "(deleted)": replaced since */
	if (look->fds >= 0) {
		double percent = 0;

		state->fds_known++;
		state->fds += (double)look->fds;
		if (look->has_nofile && look->nofile > 0 && look->nofile != UINT64_MAX)
			percent = (double)look->fds * 100 / (double)look->nofile;
		if (percent > state->fds_percent)
			state->fds_percent = percent;
	}
	if (look->env_error == EBADMSG)
		state->overwritten++;
	else if (look->env_error == 0)
		process_env_look(conf, state->env, proc, look);
}

static void
on_look(void *arg, const struct procs_trouble *trouble, const struct procs_look *look)
{
	struct probe_run *run = arg;
	struct process_run *state = probe_state(run);

	state->call = NULL;
	if (trouble->status == FS_OK) {
		take_look(run, &state->procs.all[state->at], look);
	} else if (trouble->status != FS_FAILED) { /* FAILED: it is gone */
		proc_words_trouble(run, trouble, "the details of a process");
		return;
	}
	state->at++;
	look_at_next(run);
}

static void
look_at_next(struct probe_run *run)
{
	const struct process_conf *conf = probe_conf(run);
	struct process_run *state = probe_state(run);
	const struct procs_request r = request(run);
	const struct proc *proc;

	while (state->at < state->procs.count && strchr("ZX", state->procs.all[state->at].state))
		state->at++;
	if (state->at == state->procs.count || state->looked == PROCESS_LOOKS_MAX) {
		process_judge(run);
		return;
	}
	proc = &state->procs.all[state->at];
	state->looked++;
	state->step = "the details of a process";
	/* An environment is read under the lock of the process's memory. */
	state->call = procs_look_start(
		&r, proc->pid, proc->state == 'D' ? NULL : conf->env_names, on_look);
}

/* --- the list, taken --- */

static void
list_children(struct probe_run *run)
{
	const struct process_run *state = probe_state(run);
	char pid[16];

	for (size_t i = 0; i < state->procs.count; i++) {
		if (strchr("ZX", state->procs.all[i].state) != NULL)
			continue;
		snprintf(pid, sizeof(pid), "%u", state->procs.all[i].pid);
		probe_child(run, pid);
	}
}

static void
on_list(void *arg, const struct procs_trouble *trouble, const struct procs *procs)
{
	struct probe_run *run = arg;
	const struct process_conf *conf = probe_conf(run);
	struct process_run *state = probe_state(run);
	struct process_memory *memory = memory_of(run);

	state->call = NULL;
	if (trouble->status == FS_STUCK && proc_match_wants_cmdline(&conf->match))
		memory->blind_runs = BLIND_RUNS;
	if (trouble->status != FS_OK) {
		proc_words_trouble(run, trouble, "the list of processes");
		return;
	}
	if (procs->is_cut)
		probe_fact(run, "processes", "more than %d match: the rest is not looked at",
			PROCS_MAX);
	state->procs = *procs;
	state->procs.all = xreallocarray(NULL, procs->count + 1, sizeof(*procs->all));
	if (procs->count > 0)
		memcpy(state->procs.all, procs->all, procs->count * sizeof(*procs->all));
	count_all(run);
	process_keep(memory, conf, &state->seen, loop_now(probe_env(run)->loop), oom_kills(run));
	if (conf->per == PER_PID && probe_instance(run) == NULL) {
		list_children(run);
		process_judge(run);
		return;
	}
	look_at_next(run);
}

static void
list(struct probe_run *run)
{
	const struct process_conf *conf = probe_conf(run);
	struct process_run *state = probe_state(run);
	struct process_memory *memory = memory_of(run);
	const struct procs_request r = request(run);

	state->is_blind = memory->blind_runs > 0;
	if (state->is_blind)
		memory->blind_runs--;
	state->step = "the list of processes";
	state->call = procs_list_start(
		&r, proc_match_wants_cmdline(&conf->match) && !state->is_blind, keep, on_list);
}

/* --- files first --- */

static void read_env_files(struct probe_run *run);

static struct fs_call *
read_file(struct probe_run *run, const char *name, uint32_t length, fs_fn fn)
{
	char path[HOST_PATH_MAX];

	host_path(probe_env(run), name, path);
	return fs_call_start(probe_env(run)->fs,
		&(struct fs_request){ .op = FS_READ,
			.path = path,
			.length = length,
			.root = probe_env(run)->host_root },
		probe_time_left(run), fn, run);
}

static void
on_env_file(void *arg, const struct fs_result *r)
{
	struct probe_run *run = arg;
	const struct process_conf *conf = probe_conf(run);
	struct process_run *state = probe_state(run);

	state->file = NULL;
	if (fs_veiled(run, r, conf->rules[state->rule_at].same_as))
		return;
	if (r->status == FS_OK) {
		process_env_file(probe_conf(run), state->env, state->rule_at, r->data, r->data_len);
	} else {
		const struct procs_trouble trouble = { r->status, r->error };

		proc_words_trouble(run, &trouble, "the env file");
		return;
	}
	state->rule_at++;
	read_env_files(run);
}

static void
read_env_files(struct probe_run *run)
{
	const struct process_conf *conf = probe_conf(run);
	struct process_run *state = probe_state(run);

	while (state->rule_at < conf->rule_count && conf->rules[state->rule_at].same != ENV_FILE)
		state->rule_at++;
	if (state->rule_at == conf->rule_count) {
		list(run);
		return;
	}
	state->step = "the env file";
	state->file = read_file(run, conf->rules[state->rule_at].same_as, FS_DATA_MAX, on_env_file);
}

static void
on_pidfile(void *arg, const struct fs_result *r)
{
	struct probe_run *run = arg;
	const struct process_conf *conf = probe_conf(run);
	struct process_run *state = probe_state(run);
	const struct procs_trouble trouble = { r->status, r->error };

	state->file = NULL;
	if (fs_veiled(run, r, conf->match.pidfile))
		return;
	if (r->status == FS_OK) {
		state->pid = proc_parse_pidfile(r->data, r->data_len);
		if (state->pid == 0)
			probe_fact(run, "pid file", "%s holds no number", conf->match.pidfile);
	} else if (r->status == FS_FAILED && (r->error == ENOENT || r->error == ENOTDIR)) {
		probe_fact(run, "pid file", "there is no %s", conf->match.pidfile);
	} else {
		proc_words_trouble(run, &trouble, "the pid file");
		return;
	}
	read_env_files(run);
}

static void
start(struct probe_run *run)
{
	const struct process_conf *conf = probe_conf(run);
	struct process_run *state = probe_state(run);

	if (conf->match.pidfile == NULL) {
		read_env_files(run);
		return;
	}
	state->step = "the pid file";
	state->file = read_file(run, conf->match.pidfile, PIDFILE_MAX, on_pidfile);
}

static void
stop(struct probe_run *run)
{
	struct process_run *state = probe_state(run);

	procs_cancel(state->call);
	fs_call_cancel(state->file);
	state->call = NULL;
	state->file = NULL;
	free(state->procs.all);
	free(state->zombie_parents);
	state->procs.all = NULL;
	state->zombie_parents = NULL;
}

static const char *
stuck(struct probe_run *run, char *text, size_t size)
{
	const struct process_run *state = probe_state(run);

	snprintf(text, size, "%s could not be read", state->step != NULL ? state->step : "/proc");
	return "self.local";
}

static void
reveal(const void *conf_, const char *instance, struct revealed *out)
{
	const struct process_conf *conf = conf_;

	(void)instance;
	out->process = conf->match.name;
	out->unit = conf->match.unit;
	out->container = conf->match.container;
	out->user = conf->match.user;
}

static void
target(const void *conf_, const char *instance, char *out, size_t size)
{
	const struct process_conf *conf = conf_;
	char match[256];

	proc_match_text(&conf->match, match, sizeof(match));
	snprintf(out, size, "process %s%s%s", match, instance != NULL ? ", pid " : "",
		instance != NULL ? instance : "");
}

static bool
is_parent(const void *conf_)
{
	const struct process_conf *conf = conf_;

	return conf->per == PER_PID;
}

const struct probe_type probe_type_process = {
	.name = "process",
	.summary = "Looks at processes of this host: how many, what they use, what state they are "
		   "in, and what environment they run with.",
	.manual =
		"All keys of the match that are given must be true of a process. Processes are "
		"read "
		"below `daemon.host_root`; a container sees its own, unless it shares the host's "
		"(`pid: host`).\n\nCommand lines, cgroups and memory need no rights. Descriptors "
		"and "
		"the environment of other users' processes need the capabilities `CAP_SYS_PTRACE` "
		"and `CAP_DAC_READ_SEARCH`; without them they are absent and the check notes "
		"`proc.no-right`.\n\n`env` looks at what the processes were started with. A value "
		"never leaves the helper that reads it but to be compared: shown are its length "
		"and "
		"a fingerprint, a keyed hash cut to eight digits. Well-known placeholders "
		"(`changeme`, `your_password`, `random_string`...) are refused without being named "
		"in `not`. `same_as: instances` wants the same value in all processes that match; "
		"with "
		"the path of an env file, what the file says: a process that was not started anew "
		"since the file changed is found. The first 32 processes are looked at.",
	.fields = process_fields,
	.url_key = "name",
	.metrics = metrics,
	.conf_size = sizeof(struct process_conf),
	.run_size = sizeof(struct process_run),
	.check = process_check,
	.release = process_release,
	.target = target,
	.reveal = reveal,
	.is_parent = is_parent,
	.has_rates = true,
	.start = start,
	.stop = stop,
	.stuck = stuck,
};

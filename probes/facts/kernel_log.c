/*
 * What the kernel said in the last 15 minutes: who was killed for want of memory, which disk fails,
 * which link went down.
 *
 *	/dev/kmsg, by a helper -> (no right, or none here) the journal, on a thread -> news
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/fs.h"
#include "io/fs_walk.h"
#include "io/journal.h"
#include "io/loop.h"
#include "io/offload.h"
#include "probes/facts/fact.h"
#include "probes/facts/kernel_lines.h"
#include "probes/host_file.h"

enum key {
	KEY_OOM,
	KEY_OOM_VICTIM,
	KEY_OOM_PID,
	KEY_OOM_RSS,
	KEY_OOM_SCOPE,
	KEY_OOM_CGROUP,
	KEY_OOM_AGE,
	KEY_IO_ERROR,
	KEY_IO_DEVICE,
	KEY_READ_ONLY,
	KEY_LINK_DOWN,
	KEY_TIME_JUMP,
	KEY_SEGFAULT,
};

static const struct metric_desc keys[] = {
	{ "oom", METRIC_FLAG, UNIT_BOOL, "The kernel killed a process because memory ran out." },
	{ "oom_victim", METRIC_GAUGE, UNIT_TEXT, "The program that it killed last." },
	{ "oom_pid", METRIC_GAUGE, UNIT_NONE, "The number of that process." },
	{ "oom_rss_bytes", METRIC_GAUGE, UNIT_BYTES, "What it held in memory." },
	{ "oom_scope", METRIC_GAUGE, UNIT_TEXT,
		"\"cgroup\": a limit was reached; \"host\": all memory was gone." },
	{ "oom_cgroup", METRIC_GAUGE, UNIT_TEXT, "The group whose limit it was." },
	{ "oom_age", METRIC_GAUGE, UNIT_SECONDS, "How long ago." },
	{ "io_error", METRIC_FLAG, UNIT_BOOL, "A disk, or the file system on it, reports errors." },
	{ "io_device", METRIC_GAUGE, UNIT_TEXT, "Which one." },
	{ "remounted_read_only", METRIC_FLAG, UNIT_BOOL,
		"A file system was made read-only, or shut down, after an error." },
	{ "link_down", METRIC_GAUGE, UNIT_TEXT, "The interface that lost its link." },
	{ "time_jump", METRIC_FLAG, UNIT_BOOL, "The kernel stopped trusting its clock." },
	{ "segfault", METRIC_GAUGE, UNIT_TEXT, "The program that crashed last." },
	{ .name = NULL },
};

struct state {
	struct fs_call *call;
	struct offload_job *job;
	int kmsg_error; /* why not from there */
	bool is_hidden; /* by our own unit */
	bool is_own;    /* the mounted host has none: our own kernel is the same */
};

static void
say(struct fact_run *run, const struct kernel_news *news)
{
	static const char *const scopes[] = { NULL, "cgroup", "host" };
	size_t have = news->shown_count < KERNEL_SHOWN_MAX ? news->shown_count : KERNEL_SHOWN_MAX;

	fact_number(run, KEY_OOM, news->oom);
	fact_number(run, KEY_IO_ERROR, news->io_error);
	fact_number(run, KEY_READ_ONLY, news->remounted_read_only);
	fact_number(run, KEY_TIME_JUMP, news->time_jump);
	if (news->oom) {
		fact_text(run, KEY_OOM_VICTIM, "%s", news->oom_victim);
		fact_number(run, KEY_OOM_PID, (double)news->oom_pid);
		fact_number(run, KEY_OOM_RSS, news->oom_rss_bytes);
		fact_number(run, KEY_OOM_AGE, (double)news->oom_age_us / USEC_PER_SEC);
		if (scopes[news->oom_scope] != NULL)
			fact_text(run, KEY_OOM_SCOPE, "%s", scopes[news->oom_scope]);
		if (news->oom_cgroup[0] != '\0')
			fact_text(run, KEY_OOM_CGROUP, "%s", news->oom_cgroup);
	}
	if (news->io_device[0] != '\0')
		fact_text(run, KEY_IO_DEVICE, "%s", news->io_device);
	if (news->link_down[0] != '\0')
		fact_text(run, KEY_LINK_DOWN, "%s", news->link_down);
	if (news->segfault[0] != '\0')
		fact_text(run, KEY_SEGFAULT, "%s", news->segfault);
	for (size_t i = news->shown_count - have; i < news->shown_count; i++) {
		const struct kernel_shown *line = &news->shown[i % KERNEL_SHOWN_MAX];
		char age[32];

		clock_format_duration(line->age_us, age, sizeof(age));
		fact_line(run, "%s ago: %s", age, line->text);
	}
	if (have == 0)
		fact_line(run, "the kernel reports nothing out of the ordinary");
	fact_had(run);
}

/* --- the journal --- */

struct job {
	struct fact_run *run;
	char *folder;
	usec_t since_us;
	struct journal_piece piece;
	struct err err;
	bool is_failed;
};

static void
drop(void *arg)
{
	struct job *job = arg;

	journal_piece_fini(&job->piece);
	free(job->folder);
	free(job);
}

static void
read_journal(void *arg)
{
	struct job *job = arg;
	const struct journal_ask ask = {
		.folder = job->folder, .entries_max = 2000, .bytes_max = FS_DATA_MAX
	};

	job->is_failed = journal_read_last(&ask, job->since_us, &job->piece, &job->err) < 0;
}

static void
on_journal(void *arg)
{
	struct job *job = arg;
	struct fact_run *run = job->run;
	struct state *state = fact_state(run);
	struct kernel_news news;

	state->job = NULL;
	/* No such entry at all is no answer: a container's journal knows nothing of the kernel. */
	if (job->is_failed || buf_left(&job->piece.lines) == 0) {
		if (state->kmsg_error == EPERM || state->kmsg_error == EACCES)
			fact_missed(run, "not allowed to read /dev/kmsg (CAP_SYSLOG is missing, or "
					 "ProtectKernelLogs= of the unit forbids it), and the "
					 "journal "
					 "has nothing of the kernel that this user may read (group "
					 "systemd-journal)");
		else
			fact_missed(run,
				"/dev/kmsg: %s%s; the journal has nothing of the kernel that this "
				"user may read (group systemd-journal)",
				strerror(state->kmsg_error),
				state->is_hidden ? " (PrivateDevices= of the unit)" : "");
	} else {
		kernel_lines_read(&news, buf_head(&job->piece.lines), buf_left(&job->piece.lines),
			loop_wall(fact_env(run)->loop));
		say(run, &news);
	}
	drop(job);
}

static void
ask_journal(struct fact_run *run)
{
	struct state *state = fact_state(run);
	const struct io_env *env = fact_env(run);
	struct job *job = xcalloc(1, sizeof(*job));

	job->run = run;
	job->since_us = loop_wall(env->loop) - KERNEL_FRESH_US;
	if (env->host_root != NULL && !str_eq(env->host_root, "/"))
		job->folder = xasprintf("%s/var/log/journal", env->host_root);
	state->job = offload_start(env->offload, read_journal, on_journal, job);
}

/* --- /dev/kmsg --- */

/* On the clock of a fixture's records: that of its uptime. */
static usec_t
uptime_us(struct fact_run *run)
{
	char text[64];

	if (host_read(fact_env(run), "proc/uptime", text, sizeof(text), NULL) < 0)
		return 0;
	return (usec_t)(host_number(text) * USEC_PER_SEC);
}

static void ask_kmsg(struct fact_run *run, bool is_own);

static void
on_kmsg(void *arg, const struct fs_result *r)
{
	struct fact_run *run = arg;
	struct state *state = fact_state(run);
	struct fs_walk_head head;
	struct kernel_news news;

	state->call = NULL;
	if (r->status == FS_OK && r->data_len >= sizeof(head)) {
		memcpy(&head, r->data, sizeof(head));
		kernel_lines_read(&news, r->data + sizeof(head), r->data_len - sizeof(head),
			head.bytes > 0 ? (usec_t)head.bytes : uptime_us(run));
		say(run, &news);
		return;
	}
	state->is_hidden = r->veil.kind != VEIL_NONE;
	state->kmsg_error = r->error != 0 ? r->error : ETIMEDOUT;
	if (r->error == ENOENT && !state->is_own)
		ask_kmsg(run, true);
	else
		ask_journal(run);
}

static void
ask_kmsg(struct fact_run *run, bool is_own)
{
	struct state *state = fact_state(run);
	const struct io_env *env = fact_env(run);
	char path[HOST_PATH_MAX] = "/dev/kmsg";
	const struct fs_request request = {
		.op = FS_KMSG, .path = path, .root = is_own ? NULL : env->host_root
	};

	state->is_own = is_own;
	if (!is_own)
		host_path(env, "dev/kmsg", path);
	state->call = fs_call_start(env->fs, &request, fact_time_left(run) * 3 / 4, on_kmsg, run);
}

static void
start(struct fact_run *run)
{
	const char *root = fact_env(run)->host_root;

	ask_kmsg(run, root == NULL || str_eq(root, "/"));
}

static void
stop(struct fact_run *run)
{
	struct state *state = fact_state(run);

	fs_call_cancel(state->call);
	state->call = NULL;
	if (state->job != NULL)
		offload_cancel(state->job, drop);
	state->job = NULL;
}

const struct fact_type fact_type_kernel_log = {
	.name = "kernel-log",
	.summary = "What the kernel said in the last 15 minutes: kills for want of memory, I/O "
		   "errors, links down, crashes.",
	.rights = "CAP_SYSLOG (or kernel.dmesg_restrict=0) for /dev/kmsg, else the group "
		  "systemd-journal",
	.keys = keys,
	.run_size = sizeof(struct state),
	.is_host = true,
	.is_near = true,
	.start = start,
	.stop = stop,
};

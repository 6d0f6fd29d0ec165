/*
 * Files that were deleted but are still held open: they take their room until the process that
 * holds them closes them, and no listing shows them.  Of the file system that the check stands on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/fs_walk.h"
#include "probes/facts/fact.h"
#include "probes/facts/ground.h"
#include "probes/host_file.h"

#define WALK_MS 1200
#define SHOWN   5

enum key { KEY_COUNT, KEY_BYTES, KEY_FIRST, KEY_FIRST_BYTES, KEY_FIRST_COMM, KEY_FIRST_PID };

static const struct metric_desc keys[] = {
	{ "count", METRIC_GAUGE, UNIT_NONE, "Deleted files that are still open." },
	{ "bytes", METRIC_GAUGE, UNIT_BYTES, "The room they take." },
	{ "first", METRIC_GAUGE, UNIT_TEXT, "The largest one's path, as it was." },
	{ "first_bytes", METRIC_GAUGE, UNIT_BYTES, "The room it takes." },
	{ "first_comm", METRIC_GAUGE, UNIT_TEXT, "The program that holds it." },
	{ "first_pid", METRIC_GAUGE, UNIT_NONE, "The number of that process." },
	{ .name = NULL },
};

struct state {
	struct ground_asking ground;
	struct fs_call *call;
	uint64_t dev;
	bool is_any; /* files of an overlay have other devices than it has */
	char mount[256];
};

static int
compare(const void *a, const void *b)
{
	const struct fs_open_row *x = a, *y = b;

	return x->bytes > y->bytes ? -1 : x->bytes < y->bytes;
}

static void
say(struct fact_run *run, const struct fs_open_row *rows, size_t count, unsigned denied)
{
	const struct state *state = fact_state(run);
	double sum = 0;
	char bytes[32];

	for (size_t i = 0; i < count; i++)
		sum += (double)rows[i].bytes;
	if (count == 0 && denied > 0) {
		fact_line(run,
			"no deleted file of %s is held open by a process that is shown to us",
			state->mount);
		return;
	}
	fact_number(run, KEY_COUNT, (double)count);
	fact_number(run, KEY_BYTES, sum);
	if (count == 0) {
		fact_line(run, "no deleted file of %s is held open", state->mount);
		return;
	}
	fact_text(run, KEY_FIRST, "%s", rows[0].path);
	fact_number(run, KEY_FIRST_BYTES, (double)rows[0].bytes);
	fact_text(run, KEY_FIRST_COMM, "%s", rows[0].comm);
	fact_number(run, KEY_FIRST_PID, rows[0].pid);
	metric_format(sum, UNIT_BYTES, bytes, sizeof(bytes));
	fact_line(run, "%zu deleted file%s on %s still hold%s %s", count, count == 1 ? "" : "s",
		state->mount, count == 1 ? "s" : "", bytes);
	for (size_t i = 0; i < count && i < SHOWN; i++) {
		metric_format((double)rows[i].bytes, UNIT_BYTES, bytes, sizeof(bytes));
		fact_line(run, "%s %s, held by %s (pid %u)", bytes, rows[i].path, rows[i].comm,
			rows[i].pid);
	}
}

static void
on_files(void *arg, const struct fs_result *r)
{
	struct fact_run *run = arg;
	struct state *state = fact_state(run);
	struct fs_walk_head head;
	struct fs_open_row *rows;
	size_t have, count = 0;

	state->call = NULL;
	if (r->status != FS_OK || r->data_len < sizeof(head)) {
		fact_missed(run, "the processes' files could not be read: %s",
			r->error != 0 ? strerror(r->error) : "no answer");
		return;
	}
	memcpy(&head, r->data, sizeof(head));
	have = (r->data_len - sizeof(head)) / sizeof(*rows);
	rows = xcalloc(have + 1, sizeof(*rows));
	for (size_t i = 0; i < have; i++) {
		struct fs_open_row *row = &rows[count];

		memcpy(row, r->data + sizeof(head) + i * sizeof(*row), sizeof(*row));
		row->path[sizeof(row->path) - 1] = row->comm[sizeof(row->comm) - 1] = '\0';
		count += row->dev == state->dev || state->is_any;
	}
	if (count > 0)
		qsort(rows, count, sizeof(rows[0]), compare);
	say(run, rows, count, head.denied);
	free(rows);
	if (head.denied > 0)
		fact_line(run,
			"the files of %u processes are not shown to this daemon (CAP_SYS_PTRACE is "
			"missing)",
			head.denied);
	if (head.is_cut)
		fact_line(run, "not every process was looked at");
	fact_had(run);
}

static void
on_ground(struct fact_run *run, const struct ground *ground, const char *why)
{
	struct state *state = fact_state(run);
	const struct io_env *env = fact_env(run);
	char proc[HOST_PATH_MAX];
	const struct fs_request request = { .op = FS_OPEN_FILES, .path = proc, .length = WALK_MS };

	if (ground == NULL) {
		fact_missed(run, "%s", why);
		return;
	}
	state->dev = ground->room.dev;
	state->is_any = str_eq(ground->type, "overlay");
	str_copy(state->mount, sizeof(state->mount), ground->mount);
	host_path(env, "proc", proc);
	state->call = fs_call_start(env->fs, &request, fact_time_left(run), on_files, run);
}

static void
start(struct fact_run *run)
{
	struct state *state = fact_state(run);

	ground_start(&state->ground, run, on_ground);
}

static void
stop(struct fact_run *run)
{
	struct state *state = fact_state(run);

	ground_cancel(&state->ground);
	fs_call_cancel(state->call);
	state->call = NULL;
}

const struct fact_type fact_type_deleted_files = {
	.name = "deleted-files",
	.summary =
		"Deleted files that processes still hold open, on the file system that the check "
		"stands on.",
	.rights = "CAP_SYS_PTRACE to see the files of other users' processes",
	.keys = keys,
	.run_size = sizeof(struct state),
	.is_near = true,
	.start = start,
	.stop = stop,
};

/* All file systems of this host at once: which are full, which comes next. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/fs.h"
#include "io/mounts.h"
#include "io/veil.h"
#include "probes/disk_select.h"
#include "probes/facts/fact.h"
#include "probes/facts/ground.h"

#define MOUNTS_MAX 48
#define SHOWN      12

enum key { KEY_FULL, KEY_FULL_COUNT, KEY_WORST, KEY_WORST_PERCENT };

static const struct metric_desc keys[] = {
	{ "full_mount", METRIC_GAUGE, UNIT_TEXT,
		"A file system that is full: where it is mounted." },
	{ "full_count", METRIC_GAUGE, UNIT_NONE, "How many are full." },
	{ "worst_mount", METRIC_GAUGE, UNIT_TEXT, "The fullest of those with a disk behind them." },
	{ "worst_percent", METRIC_GAUGE, UNIT_PERCENT, "How full that is." },
	{ .name = NULL },
};

struct one {
	struct fact_run *run;
	struct fs_call *call;
	char mount[256];
	bool is_memory; /* tmpfs: full counts, fullest does not */
	bool is_known;
	struct fs_result room;
};

struct state {
	struct one all[MOUNTS_MAX];
	size_t count, waiting;
};

static int
compare(const void *a, const void *b)
{
	const struct one *const *x = a, *const *y = b;
	double used_x = ground_used_percent(&(*x)->room), used_y = ground_used_percent(&(*y)->room);

	return used_x > used_y ? -1 : used_x < used_y;
}

static void
say(struct fact_run *run, const struct one *one)
{
	char used[32], left[32], total[32];

	metric_format(ground_used_percent(&one->room), UNIT_PERCENT, used, sizeof(used));
	metric_format(ground_free_bytes(&one->room), UNIT_BYTES, left, sizeof(left));
	metric_format(ground_total_bytes(&one->room), UNIT_BYTES, total, sizeof(total));
	fact_line(run, "%s: %s of %s used, %s free%s%s", one->mount, used, total, left,
		ground_is_full(&one->room) ? ": full" : "",
		ground_is_out_of_inodes(&one->room) ? ", no inode left" : "");
}

static void
finish(struct fact_run *run)
{
	const struct state *state = fact_state(run);
	const struct one *known[MOUNTS_MAX], *worst = NULL;
	size_t count = 0, full = 0;

	for (size_t i = 0; i < state->count; i++)
		if (state->all[i].is_known && !isnan(ground_used_percent(&state->all[i].room)))
			known[count++] = &state->all[i];
	if (count > 0)
		qsort(known, count, sizeof(known[0]), compare);
	for (size_t i = 0; i < count; i++) {
		bool is_full =
			ground_is_full(&known[i]->room) || ground_is_out_of_inodes(&known[i]->room);

		if (is_full && full++ == 0)
			fact_text(run, KEY_FULL, "%s", known[i]->mount);
		if (!known[i]->is_memory && worst == NULL)
			worst = known[i];
		if (i < SHOWN && (is_full || !known[i]->is_memory))
			say(run, known[i]);
	}
	fact_number(run, KEY_FULL_COUNT, (double)full);
	if (worst != NULL) {
		fact_text(run, KEY_WORST, "%s", worst->mount);
		fact_number(run, KEY_WORST_PERCENT, ground_used_percent(&worst->room));
	}
	fact_had(run);
}

static void
on_room(void *arg, const struct fs_result *r)
{
	struct one *one = arg;
	struct state *state = fact_state(one->run);

	one->call = NULL;
	one->is_known = r->status == FS_OK;
	one->room = *r;
	one->room.data = NULL;
	if (r->status == FS_STUCK)
		fact_line(one->run, "%s does not answer", one->mount);
	if (--state->waiting == 0)
		finish(one->run);
}

static void
add(struct fact_run *run, const struct mount *mount, bool is_memory)
{
	struct state *state = fact_state(run);
	struct one *one;

	if (state->count == MOUNTS_MAX)
		return;
	one = &state->all[state->count++];
	one->run = run;
	one->is_memory = is_memory;
	str_copy(one->mount, sizeof(one->mount), mount->path);
}

static void
on_disk(void *arg, const struct mount *mount)
{
	add(arg, mount, false);
}

/* A full /tmp or /run stops programs as well; not so what our own unit has put somewhere. */
static bool
is_memory(const struct mounts *mounts, const char *host_root, const struct mount *mount)
{
	return str_eq(mount->type, "tmpfs") && !str_starts(mount->path, "/sys") &&
	       !str_starts(mount->path, "/proc") && !str_eq(mount->path, "/dev") &&
	       !str_starts(mount->path, "/run/credentials/") &&
	       mounts_of(mounts, mount->path) == mount && !mount->is_read_only_super &&
	       veil_of(mounts, host_root, mount->path).kind == VEIL_NONE;
}

static void
start(struct fact_run *run)
{
	static const struct conf_strings all = { .count = 0 };
	const struct io_env *env = fact_env(run);
	struct state *state = fact_state(run);
	struct mounts mounts;
	struct err e;

	if (mounts_read(&mounts, env->host_root, &e) < 0) {
		fact_missed(run, "%s", e.text);
		return;
	}
	disk_select(&mounts, &all, &all, on_disk, run);
	for (size_t i = 0; i < mounts.count; i++)
		if (is_memory(&mounts, env->host_root, &mounts.all[i]))
			add(run, &mounts.all[i], true);
	mounts_fini(&mounts);
	state->waiting = state->count;
	if (state->count == 0)
		fact_none(run, "there is no file system with a disk behind it");
	for (size_t i = 0; i < state->count; i++) {
		struct one *one = &state->all[i];
		char full[FS_PATH_MAX];
		const struct fs_request request = {
			.op = FS_STATVFS, .path = full, .root = env->host_root
		};

		ground_path(env, one->mount, full, sizeof(full));
		one->call =
			fs_call_start(env->fs, &request, fact_time_left(run) * 3 / 4, on_room, one);
	}
}

static void
stop(struct fact_run *run)
{
	struct state *state = fact_state(run);

	for (size_t i = 0; i < state->count; i++) {
		fs_call_cancel(state->all[i].call);
		state->all[i].call = NULL;
	}
}

const struct fact_type fact_type_disks = {
	.name = "disks",
	.summary = "All file systems of this host: which are full, which is the fullest.",
	.keys = keys,
	.run_size = sizeof(struct state),
	.is_host = true,
	.is_near = true,
	.start = start,
	.stop = stop,
};

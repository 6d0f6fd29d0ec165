/*
 * File systems: room, inodes, read-only state, I/O, and a write test.
 *
 *	parent (all: true): mount table -> children
 *	path or child: statvfs -> (write test) -> verdict
 *
 * The path is touched by a helper process only: a mount that hangs is a finding, never a hang.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/str.h"
#include "io/fs.h"
#include "io/loop.h"
#include "io/mounts.h"
#include "probes/disk_select.h"
#include "probes/diskstats.h"
#include "probes/fs_cause.h"
#include "probes/host_file.h"
#include "probes/probe.h"

#define DISKSTATS_MAX 65536

struct disk_conf {
	char *path;
	bool is_all;
	struct conf_strings include, exclude;
	bool has_write_test;
};

#define ROW struct disk_conf

static const struct conf_field fields[] = {
	{ .name = "path",
		PATH_AT(ROW, path),
		.doc = "Any path on the file system; usually its mount point.",
		.example = "/" },
	{ .name = "all",
		BOOL_AT(ROW, is_all),
		.dflt = "false",
		.doc = "Every file system with a disk or a server behind it, each as a check of "
		       "its "
		       "own (`disks[/var]`). Memory, pseudo, image, overlay and FUSE file systems "
		       "are "
		       "left out; a `path:` check can watch those." },
	{ .name = "include",
		STRINGS_AT(ROW, include),
		.doc = "With `all`: only mount points that match one of these globs.",
		.example = "[\"/data*\"]" },
	{ .name = "exclude",
		STRINGS_AT(ROW, exclude),
		.doc = "With `all`: not those that match one of these globs.",
		.example = "[\"/boot*\"]" },
	{ .name = "write_test",
		BOOL_AT(ROW, has_write_test),
		.dflt = "false",
		.doc = "Creates, writes (4 KiB), syncs and removes a file `.triaged-write-test` in "
		       "the "
		       "folder `path`: proves that it is writable for the daemon's user." },
	{ .type = CONF_END },
};

enum row {
	ROW_TOTAL_TIME,
	ROW_USED,
	ROW_FREE,
	ROW_TOTAL,
	ROW_INODES,
	ROW_READ_ONLY,
	ROW_IO_UTIL,
	ROW_IO_READ,
	ROW_IO_WRITE,
	ROW_IO_AWAIT,
	ROW_IO_QUEUE,
	ROW_COUNT,
};

static const struct metric_desc metrics[] = {
	METRIC_TOTAL_ROW,
	{ "used_percent", METRIC_GAUGE, UNIT_PERCENT,
		"Used against used and available to users, as df reckons, but not rounded up." },
	{ "free_bytes", METRIC_GAUGE, UNIT_BYTES,
		"Room that users other than root can still fill." },
	{ "total_bytes", METRIC_GAUGE, UNIT_BYTES, "Size of the file system." },
	{ "inodes_percent", METRIC_GAUGE, UNIT_PERCENT,
		"Inodes in use; absent where the file system has no fixed number." },
	{ "read_only", METRIC_FLAG, UNIT_NONE,
		"1 when the file system itself is read-only, whatever the flags of this mount." },
	{ "io_util_percent", METRIC_GAUGE, UNIT_PERCENT,
		"Share of time since the last run in which the device was busy." },
	{ "io_read_time", METRIC_GAUGE, UNIT_SECONDS, "Mean time of a read since the last run." },
	{ "io_write_time", METRIC_GAUGE, UNIT_SECONDS, "Mean time of a write since the last run." },
	{ "io_await_time", METRIC_GAUGE, UNIT_SECONDS,
		"Mean time of a request, read or write, since the last run." },
	{ "io_queue", METRIC_GAUGE, UNIT_NONE,
		"Requests under way, on average since the last run." },
	{ "count", METRIC_GAUGE, UNIT_NONE, "File systems found; with `all` only." },
	{ .name = NULL },
};

struct disk_run {
	struct fs_call *call;
	struct fs_result room; /* of statvfs */
	char text[160];        /* what will be said if nothing else goes wrong */
	const char *asked;     /* "statvfs" or "write test": what is being waited for */
	bool is_read_only;
};

struct disk_memory {
	usec_t at_us; /* 0: never */
	uint64_t dev;
	struct diskstats io;
};

static const char *
path_of(const struct probe_run *run)
{
	const struct disk_conf *conf = probe_conf(run);
	const char *instance = probe_instance(run);

	return instance != NULL ? instance : conf->path;
}

static void
ask(struct probe_run *run, enum fs_op op, fs_fn fn)
{
	struct disk_run *state = probe_state(run);
	const struct io_env *env = probe_env(run);
	const char *root = env->host_root != NULL ? env->host_root : "/";
	const char *path = path_of(run);
	char full[FS_PATH_MAX];
	struct fs_request request = { .op = op, .path = full, .root = root };

	if (str_eq(root, "/"))
		root = "";
	if (root[0] != '\0' && str_eq(path, "/"))
		path = "";
	snprintf(full, sizeof(full), "%s%s", root, path);
	state->asked = op == FS_WRITE_TEST ? "a write test" : "statvfs";
	state->call = fs_call_start(env->fs, &request, probe_time_left(run), fn, run);
}

/* False: there was an answer; true: the verdict is given. */
static bool
failed(struct probe_run *run, const struct fs_result *r)
{
	const struct disk_run *state = probe_state(run);
	const char *path = path_of(run);

	/* A private /tmp lies on the file system that the host's own does. */
	if (r->veil.kind != VEIL_TMP && fs_veiled(run, r, path))
		return true;
	if (r->status == FS_OK)
		return false;
	if (fs_unanswered(run, r, path))
		return true;
	/* That we may not look, or write, is no trouble of the disk. */
	if (r->error == EACCES && state->room.block_size > 0)
		probe_error(run, "self.local",
			"this daemon may not write in %s (%s): the write test cannot tell; give it "
			"a folder of its own there, and ReadWritePaths= in a drop-in",
			path, strerror(r->error));
	else if ((r->error == EACCES || r->error == EPERM) && state->room.block_size == 0)
		probe_error(run, "self.local",
			"this daemon may not reach %s: %s; it needs search rights (x) on each "
			"folder above: `namei -l %s`",
			path, strerror(r->error), path);
	else
		probe_fail(run, fs_cause(r->error), "%s on %s: %s", state->asked, path,
			strerror(r->error));
	return true;
}

static void
finish(struct probe_run *run)
{
	const struct disk_run *state = probe_state(run);

	probe_ok(run, "%s", state->text);
}

static void
on_written(void *arg, const struct fs_result *r)
{
	struct probe_run *run = arg;
	struct disk_run *state = probe_state(run);

	state->call = NULL;
	if (r->status == FS_FAILED && r->error == ENOSPC && state->room.inodes > 0 &&
		state->room.inodes_free == 0) {
		probe_fail(run, "fs.enospc-inodes", "%s has no free inode of %llu", path_of(run),
			(unsigned long long)state->room.inodes);
		return;
	}
	/* The sandbox of our own unit, or a :ro bind into our container, is not the host's state.
	 */
	if (r->status == FS_FAILED && r->error == EROFS && !state->is_read_only) {
		probe_error(run, "self.local",
			"%s is read-only for this daemon only (ReadWritePaths=, or a :ro volume): "
			"the "
			"write test cannot tell",
			path_of(run));
		return;
	}
	if (!failed(run, r))
		finish(run);
}

static void
measure_room(struct probe_run *run, const struct fs_result *r)
{
	struct disk_run *state = probe_state(run);
	double block = (double)r->block_size;
	double used = (double)(r->blocks - r->blocks_free) * block;
	double avail = (double)r->blocks_avail * block, percent = NAN;
	char shown[32], total[32], left[32];

	/* Reserved blocks are neither: full for users is 100 %. */
	if (used + avail > 0)
		percent = used * 100 / (used + avail);
	probe_value(run, ROW_USED, percent);
	probe_value(run, ROW_FREE, avail);
	probe_value(run, ROW_TOTAL, (double)r->blocks * block);
	if (r->inodes > 0)
		probe_value(run, ROW_INODES,
			(double)(r->inodes - r->inodes_free) * 100 / (double)r->inodes);
	metric_format(percent, UNIT_PERCENT, shown, sizeof(shown));
	metric_format((double)r->blocks * block, UNIT_BYTES, total, sizeof(total));
	metric_format(avail, UNIT_BYTES, left, sizeof(left));
	snprintf(state->text, sizeof(state->text), "%s of %s used, %s free", shown, total, left);
}

static void
measure_io(struct probe_run *run, unsigned major_id, unsigned minor_id)
{
	struct disk_memory *last = probe_memory(run, sizeof(*last));
	uint64_t dev = makedev(major_id, minor_id);
	usec_t now = loop_now(probe_env(run)->loop);
	char text[DISKSTATS_MAX];
	struct diskstats row;
	struct disk_io io;

	if (host_read_shared(probe_env(run), "proc/diskstats", text, sizeof(text), NULL) < 0 ||
		!diskstats_parse(&row, text, major_id, minor_id))
		return; /* network file systems, ZFS, btrfs: no device of their own */
	if (last->at_us > 0 && last->dev == dev) {
		io = diskstats_between(&last->io, &row, now - last->at_us);
		probe_value(run, ROW_IO_UTIL, io.util_percent);
		probe_value(run, ROW_IO_READ, io.read_time_s);
		probe_value(run, ROW_IO_WRITE, io.write_time_s);
		probe_value(run, ROW_IO_AWAIT, io.await_s);
		probe_value(run, ROW_IO_QUEUE, io.queue);
	}
	last->io = row;
	last->dev = dev;
	last->at_us = now;
}

static void
measure_mount(struct probe_run *run, const struct fs_result *r)
{
	struct disk_run *state = probe_state(run);
	const struct mount *mount;
	struct mounts mounts;

	if (mounts_read(&mounts, probe_env(run)->host_root, NULL) < 0)
		return;
	mount = mounts_of_device(&mounts, r->dev, path_of(run));
	if (mount != NULL) {
		state->is_read_only = mount->is_read_only_super;
		probe_value(run, ROW_READ_ONLY, state->is_read_only ? 1 : 0);
		probe_fact(run, "mount", "%s on %s, %s", mount->source, mount->path, mount->type);
		measure_io(run, mount->major, mount->minor);
	}
	mounts_fini(&mounts);
}

static void
on_room(void *arg, const struct fs_result *r)
{
	struct probe_run *run = arg;
	const struct disk_conf *conf = probe_conf(run);
	struct disk_run *state = probe_state(run);

	state->call = NULL;
	if (failed(run, r))
		return;
	state->room = *r;
	measure_room(run, r);
	measure_mount(run, r);
	if (conf->has_write_test)
		ask(run, FS_WRITE_TEST, on_written);
	else
		finish(run);
}

static void
on_found(void *arg, const struct mount *mount)
{
	probe_child(arg, mount->path);
}

/* A disk that is not watched because we cannot see it is said, or nobody would know. */
static void
on_hidden(void *arg, const struct mount *mount, const struct veil *veil)
{
	char words[VEIL_WORDS_MAX];

	veil_words(veil, words, sizeof(words));
	probe_fact(arg, "not watched", "%s is %s", mount->path, words);
}

static void
list_all(struct probe_run *run)
{
	const struct disk_conf *conf = probe_conf(run);
	struct mounts mounts;
	struct err e;
	size_t count;

	if (mounts_read(&mounts, probe_env(run)->host_root, &e) < 0) {
		probe_error(run, "self.local", "%s", e.text);
		return;
	}
	count = disk_select(&mounts, &conf->include, &conf->exclude, on_found, run);
	disk_select_hidden(&mounts, probe_env(run)->host_root, on_hidden, run);
	mounts_fini(&mounts);
	probe_value(run, ROW_COUNT, (double)count);
	if (count == 0) {
		/* An ok without children would end all that is known about them. */
		probe_error(run, "self.local", "no file system to watch was found: %s",
			conf->include.count > 0 || conf->exclude.count > 0
				? "none with a disk behind it passes `include` and `exclude`"
				: "no mount here has a disk or a server behind it");
		return;
	}
	probe_ok(run, "%zu file system%s", count, count == 1 ? "" : "s");
}

static void
start(struct probe_run *run)
{
	const struct disk_conf *conf = probe_conf(run);

	if (conf->is_all && probe_instance(run) == NULL)
		list_all(run);
	else
		ask(run, FS_STATVFS, on_room);
}

static void
stop(struct probe_run *run)
{
	struct disk_run *state = probe_state(run);

	fs_call_cancel(state->call);
	state->call = NULL;
}

static const char *
stuck(struct probe_run *run, char *text, size_t size)
{
	const struct disk_run *state = probe_state(run);

	snprintf(text, size, "%s did not answer %s", path_of(run),
		state->asked != NULL ? state->asked : "");
	return "fs.hung";
}

static void
check(void *conf_, const struct conf_node *map, const struct probe_setup *setup,
	struct complaints *complaints)
{
	const struct disk_conf *conf = conf_;
	struct conf_pos here = map != NULL ? map->pos : (struct conf_pos){ 0 };

	(void)setup;
	if (conf->path == NULL && !conf->is_all)
		complain(complaints, &here, "disk needs `path: /some/folder` or `all: true`");
	else if (conf->path != NULL && conf->is_all) {
		struct conf_pos pos = conf_pos_of(map, "path");

		complain(complaints, &pos, "`path` and `all: true` exclude each other");
	}
	if (!conf->is_all && (conf->include.count > 0 || conf->exclude.count > 0)) {
		struct conf_pos pos =
			conf_pos_of(map, conf->include.count > 0 ? "include" : "exclude");

		complain(complaints, &pos, "`include` and `exclude` go with `all: true`");
	}
}

static void
reveal(const void *conf_, const char *instance, struct revealed *out)
{
	const struct disk_conf *conf = conf_;

	out->path = instance != NULL ? instance : conf->path;
}

static void
target(const void *conf_, const char *instance, char *out, size_t size)
{
	const struct disk_conf *conf = conf_;

	if (instance == NULL)
		instance = conf->is_all ? "all file systems" : conf->path;
	str_copy(out, size, instance != NULL ? instance : "");
}

static bool
is_parent(const void *conf_)
{
	const struct disk_conf *conf = conf_;

	return conf->is_all;
}

const struct probe_type probe_type_disk = {
	.name = "disk",
	.summary = "Measures a file system, or all of them: room, inodes, I/O, read-only state.",
	.manual =
		"`used_percent` is used / (used + available to users), which is what `df` shows "
		"(df rounds it up): blocks reserved for root count as neither. `read_only` is the "
		"state of the file system itself, not the flags of a mount. A mount that does not "
		"answer is the finding `fs.hung`; while it hangs it is not asked again. The path "
		"is "
		"looked up below `daemon.host_root`. No rights are needed, but `write_test` needs "
		"to "
		"be allowed to write there.",
	.fields = fields,
	.metrics = metrics,
	.conf_size = sizeof(struct disk_conf),
	.run_size = sizeof(struct disk_run),
	.check = check,
	.target = target,
	.reveal = reveal,
	.is_parent = is_parent,
	.url_key = "path",
	.has_rates = true,
	.start = start,
	.stop = stop,
	.stuck = stuck,
};

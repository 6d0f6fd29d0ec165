/* statvfs by a helper, then the mount table for the names; upwards from what does not exist. */
#include "probes/facts/ground.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "io/loop.h"
#include "io/mounts.h"

#define FULL_BYTES   ((double)(64 << 20))
#define FULL_PERCENT 2

void
ground_path(const struct io_env *env, const char *path, char *out, size_t size)
{
	const char *root = env->host_root;

	if (root == NULL || str_eq(root, "/"))
		root = "";
	snprintf(out, size, "%s%s", root, root[0] != '\0' && str_eq(path, "/") ? "" : path);
}

double
ground_free_bytes(const struct fs_result *room)
{
	return (double)room->blocks_avail * (double)room->block_size;
}

double
ground_total_bytes(const struct fs_result *room)
{
	return (double)room->blocks * (double)room->block_size;
}

double
ground_used_percent(const struct fs_result *room)
{
	double used = (double)(room->blocks - room->blocks_free);
	double all = used + (double)room->blocks_avail;

	return all > 0 ? used * 100 / all : (double)NAN;
}

double
ground_inodes_percent(const struct fs_result *room)
{
	return room->inodes > 0
		       ? (double)(room->inodes - room->inodes_free) * 100 / (double)room->inodes
		       : (double)NAN;
}

bool
ground_is_full(const struct fs_result *room)
{
	double left = ground_free_bytes(room), total = ground_total_bytes(room);

	return total > 0 && left < FULL_BYTES && left < total * FULL_PERCENT / 100;
}

bool
ground_is_out_of_inodes(const struct fs_result *room)
{
	return room->inodes > 0 && room->inodes_free <= room->inodes / 1000;
}

static void
name_mount(struct ground *ground, const char *host_root)
{
	const struct mount *mount;
	struct mounts mounts;

	if (mounts_read(&mounts, host_root, NULL) < 0)
		return;
	mount = mounts_of_device(&mounts, ground->room.dev, ground->path);
	if (mount != NULL) {
		str_copy(ground->mount, sizeof(ground->mount), mount->path);
		str_copy(ground->device, sizeof(ground->device), mount->source);
		str_copy(ground->type, sizeof(ground->type), mount->type);
		ground->is_read_only = mount->is_read_only_super;
	}
	mounts_fini(&mounts);
}

static void ask(struct ground_asking *asking);

/* False: it was the root. */
static bool
step_up(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash == NULL || str_eq(path, "/"))
		return false;
	slash[slash == path ? 1 : 0] = '\0';
	return true;
}

static void
on_room(void *arg, const struct fs_result *r)
{
	struct ground_asking *asking = arg;
	struct ground *ground = &asking->ground;
	char words[VEIL_WORDS_MAX];

	asking->call = NULL;
	/* A private /tmp lies on the file system that the host's own does. */
	if (r->veil.kind != VEIL_NONE && r->veil.kind != VEIL_TMP) {
		veil_words(&r->veil, words, sizeof(words));
		snprintf(asking->why, sizeof(asking->why), "%.100s is %s", ground->path, words);
		asking->fn(asking->run, NULL, asking->why);
		return;
	}
	if (r->status == FS_FAILED && (r->error == ENOENT || r->error == ENOTDIR) &&
		step_up(ground->path)) {
		ask(asking);
		return;
	}
	if (r->status != FS_OK) {
		snprintf(asking->why, sizeof(asking->why), "%.100s: %s", ground->path,
			r->status == FS_FAILED  ? strerror(r->error)
			: r->status == FS_STUCK ? "the file system does not answer"
						: "no helper could be started");
		asking->fn(asking->run, NULL, asking->why);
		return;
	}
	ground->room = *r;
	ground->room.data = NULL;
	name_mount(ground, fact_env(asking->run)->host_root);
	if (ground->mount[0] == '\0')
		str_copy(ground->mount, sizeof(ground->mount), ground->path);
	asking->fn(asking->run, ground, NULL);
}

static void
ask(struct ground_asking *asking)
{
	const struct io_env *env = fact_env(asking->run);
	char full[FS_PATH_MAX];
	const struct fs_request request = {
		.op = FS_STATVFS, .path = full, .root = env->host_root
	};

	ground_path(env, asking->ground.path, full, sizeof(full));
	asking->call =
		fs_call_start(env->fs, &request, fact_time_left(asking->run), on_room, asking);
}

void
ground_start(struct ground_asking *asking, struct fact_run *run, ground_fn fn)
{
	const struct subject *s = fact_subject(run);
	const char *path = s->data_dir != NULL ? s->data_dir : s->path;

	asking->run = run;
	asking->fn = fn;
	/* Of a server it is one disk that matters: where it is not known, the root tells nothing.
	 */
	if (path == NULL && (s->port > 0 || s->socket != NULL)) {
		fn(run, NULL, "where the server keeps its data is not known");
		return;
	}
	if (path == NULL || path[0] != '/')
		path = "/";
	str_copy(asking->ground.path, sizeof(asking->ground.path), path);
	ask(asking);
}

void
ground_cancel(struct ground_asking *asking)
{
	fs_call_cancel(asking->call);
	asking->call = NULL;
}

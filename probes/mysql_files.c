/* A look at a server's files: the room of the file system, then the oldest binary log. */
#include "probes/mysql_files.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define LOOK_EVERY_US (5 * USEC_PER_SEC)
#define LOOK_FOR_US   (3 * USEC_PER_SEC)

void
mysql_files_init(struct mysql_files *files, const struct io_env *env)
{
	memset(files, 0, sizeof(*files));
	files->env = env;
	mysql_files_forget(files);
}

void
mysql_files_forget(struct mysql_files *files)
{
	fs_call_cancel(files->call);
	files->call = NULL;
	files->looked_us = 0;
	files->folder[0] = files->oldest[0] = '\0';
	files->free_bytes = files->total_bytes = files->used_percent = files->oldest_at = NAN;
}

void
mysql_files_fini(struct mysql_files *files)
{
	fs_call_cancel(files->call);
	files->call = NULL;
}

static void
ask(struct mysql_files *files, enum fs_op op, const char *path, fs_fn fn)
{
	const char *root = files->env->host_root;
	bool is_ours = root == NULL || str_eq(root, "/");
	char full[MYSQL_FILES_PATH + 256];
	const struct fs_request request = { .op = op, .path = full, .root = root };

	snprintf(full, sizeof(full), "%s%s", is_ours ? "" : root, path);

	files->call = fs_call_start(files->env->fs, &request, LOOK_FOR_US, fn, files);
}

static void
on_oldest(void *arg, const struct fs_result *result)
{
	struct mysql_files *files = arg;

	files->call = NULL;
	files->oldest_at = result->status == FS_OK ? (double)result->mtime_us / USEC_PER_SEC : NAN;
}

/* As df has it: what ordinary users cannot have is not free. */
static void
on_room(void *arg, const struct fs_result *result)
{
	struct mysql_files *files = arg;
	double used = (double)result->blocks - (double)result->blocks_free;
	double whole = used + (double)result->blocks_avail;
	bool is_known = result->status == FS_OK && whole > 0;

	files->call = NULL;
	files->free_bytes =
		is_known ? (double)result->blocks_avail * (double)result->block_size : NAN;
	files->total_bytes = is_known ? (double)result->blocks * (double)result->block_size : NAN;
	files->used_percent = is_known ? used * 100 / whole : NAN;
	if (files->oldest[0] != '\0')
		ask(files, FS_STAT, files->oldest, on_oldest);
	else
		files->oldest_at = NAN;
}

void
mysql_files_look(struct mysql_files *files)
{
	usec_t now = loop_now(files->env->loop);

	if (files->call != NULL || files->folder[0] == '\0' || files->env->fs == NULL ||
		(files->looked_us > 0 && now < files->looked_us + LOOK_EVERY_US))
		return;
	files->looked_us = now;
	ask(files, FS_STATVFS, files->folder, on_room);
}

/*
 * May the process behind a check use its path?  Owner, mode, the folders on the way, and whether
 * the file system takes any writing at all.
 *
 *	whose rights -> the file -> its folder, where there is no file -> the file system
 *
 * The path: that of the check, else where its server keeps its data.  The user: the one that the
 * check names, else the one that the server's process runs as.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"
#include "io/fs_file.h"
#include "io/mounts.h"
#include "probes/facts/find_process.h"

enum key {
	KEY_PATH,
	KEY_EXISTS,
	KEY_IS_FOLDER,
	KEY_OWNER,
	KEY_GROUP,
	KEY_MODE,
	KEY_USER,
	KEY_UID,
	KEY_WRITABLE,
	KEY_BLOCKED_AT,
	KEY_READ_ONLY,
	KEY_IMMUTABLE,
	KEY_PARENT_EXISTS,
};

static const struct metric_desc keys[] = {
	{ "path", METRIC_GAUGE, UNIT_TEXT, "The path that is looked at." },
	{ "exists", METRIC_FLAG, UNIT_BOOL, "It is there." },
	{ "is_folder", METRIC_FLAG, UNIT_BOOL, "It is a folder." },
	{ "owner", METRIC_GAUGE, UNIT_TEXT, "Its owner." },
	{ "group", METRIC_GAUGE, UNIT_TEXT, "Its group." },
	{ "mode", METRIC_GAUGE, UNIT_TEXT, "Its mode: \"0640\"." },
	{ "user", METRIC_GAUGE, UNIT_TEXT, "The user that needs it." },
	{ "uid", METRIC_GAUGE, UNIT_NONE, "That user's number, of the process that runs." },
	{ "writable", METRIC_FLAG, UNIT_BOOL, "That user may write it." },
	{ "blocked_at", METRIC_GAUGE, UNIT_TEXT,
		"The first folder above that keeps the user out." },
	{ "read_only", METRIC_FLAG, UNIT_BOOL, "The file system is mounted read-only." },
	{ "immutable", METRIC_FLAG, UNIT_BOOL, "It may not be changed by anybody (chattr +i)." },
	{ "parent_exists", METRIC_FLAG, UNIT_BOOL, "The folder that it should be in is there." },
	{ .name = NULL },
};

struct access_run {
	struct find_process find;
	struct fs_call *call;
	char path[FS_PATH_MAX];
	char parent[FS_PATH_MAX];
	char user[64]; /* name or number; "": not known */
	bool exists;
};

static void
on_statvfs(void *arg, const struct fs_result *r)
{
	struct fact_run *run = arg;
	struct access_run *state = fact_state(run);

	state->call = NULL;
	if (r->status == FS_OK) {
		bool is_read_only =
			mounts_is_read_only(fact_env(run)->host_root, r->dev, state->path);

		fact_number(run, KEY_READ_ONLY, is_read_only);
		if (is_read_only)
			fact_line(run, "its file system is mounted read-only");
	} else if (r->status == FS_STUCK) {
		fact_line(run, "its file system does not answer");
	}
	fact_had(run);
}

static void
ask(struct fact_run *run, enum fs_op op, const char *path, fs_fn fn)
{
	struct access_run *state = fact_state(run);
	char whole[FS_PATH_MAX], arg[FS_ARG_MAX];
	const char *root = fact_is_own_host(run) ? "" : fact_env(run)->host_root;

	fact_host_path(run, path, whole);
	snprintf(arg, sizeof(arg), "%s\n\n%s", state->user, root);
	state->call = fs_call_start(fact_env(run)->fs,
		&(struct fs_request){ .op = op,
			.path = whole,
			.arg = op == FS_FILE ? arg : NULL,
			.root = fact_env(run)->host_root },
		fact_time_left(run) / 2, fn, run);
}

static void
on_parent(void *arg, const struct fs_result *r)
{
	struct fact_run *run = arg;
	struct access_run *state = fact_state(run);

	state->call = NULL;
	fact_number(run, KEY_PARENT_EXISTS, r->status == FS_OK);
	if (r->status == FS_OK)
		ask(run, FS_STATVFS, state->parent, on_statvfs);
	else
		fact_had(run);
}

static void
tell_rights(struct fact_run *run, const struct fs_file *file)
{
	const struct access_run *state = fact_state(run);
	bool is_known =
		file->is_asked && file->write_error != ESRCH && file->write_error != EOPNOTSUPP;

	if (file->blocked[0] != '\0') {
		const char *root = fact_is_own_host(run) ? "" : fact_env(run)->host_root;
		const char *blocked = file->blocked;

		blocked += str_starts(blocked, root) ? strlen(root) : 0;
		fact_text(run, KEY_BLOCKED_AT, "%s", blocked);
		fact_line(run, "%s may not pass the folder %s", state->user, blocked);
	}
	if (!is_known)
		return;
	fact_number(run, KEY_WRITABLE, file->write_error == 0);
	if (file->write_error != 0 && file->blocked[0] == '\0')
		fact_line(run, "%s may not write it: %s", state->user, strerror(file->write_error));
	else if (file->write_error == 0)
		fact_line(run, "%s may write it", state->user);
}

static void
on_file(void *arg, const struct fs_result *r)
{
	struct fact_run *run = arg;
	struct access_run *state = fact_state(run);
	struct fs_file file = { .owner = "" };

	state->call = NULL;
	if (r->data_len == sizeof(file))
		memcpy(&file, r->data, sizeof(file));
	if (r->veil.kind != VEIL_NONE) {
		char words[VEIL_WORDS_MAX];

		veil_words(&r->veil, words, sizeof(words));
		fact_missed(run, "%s is %s", state->path, words);
		return;
	}
	if (r->status == FS_STUCK || r->status == FS_BROKEN) {
		fact_missed(run, "%s does not answer: its mount hangs", state->path);
		return;
	}
	state->exists = r->status == FS_OK;
	if (!state->exists && r->error != ENOENT && r->error != ENOTDIR) {
		fact_missed(run, "%s: %s (search rights on each folder above it are needed)",
			state->path, strerror(r->error));
		return;
	}
	fact_number(run, KEY_EXISTS, state->exists);
	if (!state->exists) {
		fact_line(run, "there is no %s", state->path);
		ask(run, FS_STAT, state->parent, on_parent);
		return;
	}
	fact_number(run, KEY_IS_FOLDER, S_ISDIR(r->mode));
	fact_number(run, KEY_PARENT_EXISTS, 1);
	fact_number(run, KEY_IMMUTABLE, file.is_immutable != 0);
	fact_text(run, KEY_OWNER, "%s", file.owner);
	fact_text(run, KEY_GROUP, "%s", file.group);
	fact_text(run, KEY_MODE, "%04o", r->mode & 07777U);
	fact_line(run, "%s: owner %s, group %s, mode %04o%s", state->path, file.owner, file.group,
		r->mode & 07777U, file.is_immutable ? ", immutable" : "");
	tell_rights(run, &file);
	ask(run, FS_STATVFS, state->path, on_statvfs);
}

static void
look(struct fact_run *run)
{
	struct access_run *state = fact_state(run);

	fact_text(run, KEY_PATH, "%s", state->path);
	if (state->user[0] != '\0')
		fact_text(run, KEY_USER, "%s", state->user);
	ask(run, FS_FILE, state->path, on_file);
}

static void
on_found(struct fact_run *run, const struct procs *procs, const struct proc *proc)
{
	struct access_run *state = fact_state(run);

	(void)procs;
	if (proc != NULL && proc->has_uid) {
		fact_number(run, KEY_UID, proc->uid);
		snprintf(state->user, sizeof(state->user), "%u", proc->uid);
	}
	look(run);
}

static void
start(struct fact_run *run)
{
	const struct subject *s = fact_subject(run);
	struct access_run *state = fact_state(run);
	const char *path = s->path != NULL ? s->path : s->socket != NULL ? s->socket : s->data_dir;
	char *slash;

	if (path == NULL || path[0] != '/') {
		fact_none(run, "the check names no path, and none is known");
		return;
	}
	str_copy(state->path, sizeof(state->path), path);
	str_copy(state->parent, sizeof(state->parent), path);
	slash = strrchr(state->parent, '/');
	slash[slash == state->parent ? 1 : 0] = '\0';
	if (s->user != NULL && (s->path != NULL || s->data_dir == NULL)) {
		str_copy(state->user, sizeof(state->user), s->user);
		look(run);
	} else if (s->is_local && (s->pid > 0 || s->comm != NULL || s->unit != NULL)) {
		find_process_start(&state->find, run, on_found);
	} else {
		look(run);
	}
}

static void
stop(struct fact_run *run)
{
	struct access_run *state = fact_state(run);

	find_process_stop(&state->find);
	fs_call_cancel(state->call);
}

const struct fact_type fact_type_access = {
	.name = "access",
	.summary = "Whether the path that the check needs is there and may be written.",
	.rights = "CAP_DAC_READ_SEARCH, for folders that this user may not pass.",
	.keys = keys,
	.run_size = sizeof(struct access_run),
	.start = start,
	.stop = stop,
};

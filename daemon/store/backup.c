/*
 * Backups.  Reads through connections of its own, so the store's thread need not wait; promises
 * that a backup replaces the one before only when all of it is on disk, and that it never takes the
 * space that the daemon itself needs.
 */
#include "store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "store/history.h"
#include "store/state.h"

#define SPARE_BYTES (INT64_C(32) << 20) /* left for everybody else */
/* Instructions of SQLite's machine between two looks at is_cancelled: some rows. */
#define LOOK_EVERY 50

static const char *const names[BACKUP_FILES] = { STATE_FILE, HISTORY_FILE };

struct backup *
backup_new(const char *state_dir)
{
	struct backup *backup = xcalloc(1, sizeof(*backup));

	backup->state_dir = xstrdup(state_dir);
	backup->folder = xasprintf("%s/" BACKUP_FOLDER, state_dir);
	return backup;
}

void
backup_free(struct backup *backup)
{
	if (backup == NULL)
		return;
	free(backup->state_dir);
	free(backup->folder);
	free(backup);
}

/* With what waits in its write-ahead log; 0: there is no such file. */
static int64_t
size_of(const char *path)
{
	char *log = xasprintf("%s-wal", path);
	struct stat st;
	int64_t bytes = 0;

	if (stat(path, &st) == 0)
		bytes = st.st_size;
	if (bytes > 0 && stat(log, &st) == 0)
		bytes += st.st_size;
	free(log);
	return bytes;
}

static int
check_space(const struct backup *backup, struct err *e)
{
	struct statvfs fs;
	int64_t wanted = SPARE_BYTES;

	for (size_t n = 0; n < BACKUP_FILES; n++) {
		char *path = xasprintf("%s/%s", backup->state_dir, names[n]);

		wanted += size_of(path);
		free(path);
	}
	if (statvfs(backup->folder, &fs) == -1)
		return err_sys(e, "%s", backup->folder);
	if ((int64_t)((uint64_t)fs.f_bavail * fs.f_frsize) < wanted)
		return err_set(e, ENOSPC,
			"%s: a backup needs %lld MB of free space there: free some, or make "
			"history.max_size smaller",
			backup->folder, (long long)(wanted >> 20) + 1);
	return 0;
}

static int
is_cancelled(void *arg)
{
	return atomic_load((atomic_bool *)arg) ? 1 : 0;
}

static int
copy(struct backup *backup, const char *from, const char *to, struct err *e)
{
	sqlite3 *db = db_open_reader(from, e);
	int result;

	if (db == NULL)
		return -1;
	sqlite3_progress_handler(db, LOOK_EVERY, is_cancelled, &backup->is_cancelled);
	result = db_copy(db, to, e);
	db_close(db);
	return result;
}

/* Beside the one that there is. */
static int
copy_all(struct backup *backup, struct err *e)
{
	for (size_t n = 0; n < BACKUP_FILES; n++) {
		char *from = xasprintf("%s/%s", backup->state_dir, names[n]);
		char *to = xasprintf("%s/%s.next", backup->folder, names[n]);
		int result = 0;

		if (size_of(from) > 0) {
			result = copy(backup, from, to, e);
			backup->files[backup->count++] =
				(struct backup_file){ names[n], size_of(to) };
		}
		free(from);
		free(to);
		if (result == -1)
			return -1;
	}
	return 0;
}

static int
put_in_place(const struct backup *backup, struct err *e)
{
	int folder, result = 0;

	for (size_t n = 0; n < backup->count && result == 0; n++) {
		char *to = xasprintf("%s/%s", backup->folder, backup->files[n].name);
		char *from = xasprintf("%s.next", to);

		if (rename(from, to) == -1)
			result = err_sys(e, "%s", to);
		free(from);
		free(to);
	}
	folder = open(backup->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder >= 0 && fsync(folder) == -1 && result == 0)
		result = err_sys(e, "%s", backup->folder);
	fd_close(&folder);
	return result;
}

/* Also that of one that was killed, which would keep the space from each that is made after it. */
static void
drop_rest(const struct backup *backup)
{
	for (size_t n = 0; n < BACKUP_FILES; n++) {
		char *next = xasprintf("%s/%s.next", backup->folder, names[n]);

		unlink(next);
		db_copy_forget(next);
		free(next);
	}
}

static int
make_folder(const struct backup *backup, struct err *e)
{
	if (mkdir(backup->folder, 0700) == -1 && errno != EEXIST)
		return err_sys(e, "%s", backup->folder);
	return 0;
}

void
backup_make(struct backup *backup)
{
	struct err *e = &backup->why;

	drop_rest(backup);
	backup->is_made = make_folder(backup, e) == 0 && check_space(backup, e) == 0 &&
			  copy_all(backup, e) == 0 && put_in_place(backup, e) == 0;
	if (!backup->is_made)
		drop_rest(backup);
}

/*
 * The state folder.  Owns the lock; promises that what is wrong with it is said in words that tell
 * what to do.
 *
 * The lock is a classic record lock: it belongs to the process and not to the descriptor, so a
 * helper that hangs in the kernel after a kill cannot keep the next daemon out.
 */
#include "store/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

#define BALLAST_BYTES (1 << 20)
/* What must be free beyond the ballast: else it would be taken and given up all the time. */
#define BALLAST_MARGIN (1 << 20)
#define START_BYTES    (256 << 10) /* the databases cannot even be opened with less */

static const char advice[] = "make it writable for this user, or set daemon.state_dir to another";

char *
folder_file(const struct folder *folder, const char *name)
{
	return xasprintf("%s/%s", folder->path, name);
}

static int
make_path(const char *path, struct err *e)
{
	char part[PATH_MAX];
	if (strlen(path) >= sizeof(part))
		return err_set(e, ENAMETOOLONG, "state folder: its path is too long");
	strcpy(part, path);
	for (char *slash = part + 1; *slash; slash++) {
		if (*slash != '/')
			continue;
		*slash = '\0';
		if (mkdir(part, 0700) < 0 && errno != EEXIST && errno != EROFS && errno != EACCES)
			return err_sys(e, "cannot create state folder %s", path);
		*slash = '/';
	}
	if (mkdir(part, 0700) < 0 && errno != EEXIST)
		return err_set(e, errno,
			"cannot create state folder %s: %s: create it for this user, or set "
			"daemon.state_dir to another",
			path, strerror(errno));
	return 0;
}

/* Who holds the lock: the kernel knows, unless they live in another pid namespace. */
static int
holder(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	if (fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK && lock.l_pid > 0)
		return lock.l_pid;
	char text[32] = "";
	ssize_t got = pread(fd, text, sizeof(text) - 1, 0);
	return got > 0 ? atoi(text) : 0;
}

static int
lock_folder(struct folder *folder, struct err *e)
{
	char *path = folder_file(folder, "lock");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	free(path);
	if (fd < 0)
		return err_set(e, errno, "cannot write to state folder %s: %s: %s", folder->path,
			strerror(errno), errno == ENOSPC ? "free some space" : advice);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	if (fcntl(fd, F_SETLK, &lock) < 0) {
		int why = errno;
		int pid = holder(fd);
		fd_close(&fd);
		if (why == EAGAIN || why == EACCES)
			return err_set(e, EBUSY,
				"state folder %s is in use by triaged with pid %d: stop it, or "
				"give this one "
				"another daemon.state_dir",
				folder->path, pid);
		return err_set(e, why,
			"cannot lock state folder %s: %s: it must be on a local disk", folder->path,
			strerror(why));
	}
	char pid[32];
	int len = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	/* Only a hint for people: that it could not be written changes nothing. */
	if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)len, 0) < 0)
		errno = 0;
	folder->lock_fd = fd;
	return 0;
}

static void
sync_folder(const struct folder *folder)
{
	int fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

/* Removes the marker: until it is put back, this run did not end in order. */
static int
take_marker(struct folder *folder, struct err *e)
{
	char *path = folder_file(folder, "clean");
	int rc = unlink(path);
	free(path);
	folder->was_clean = rc == 0;
	if (rc < 0 && errno != ENOENT)
		return err_set(e, errno, "cannot write to state folder %s: %s: %s", folder->path,
			strerror(errno), advice);
	if (rc == 0)
		sync_folder(folder);
	return 0;
}

static int
reserve(int fd, struct err *e)
{
	struct stat st;
	struct statvfs fs;
	bool is_there = fstat(fd, &st) == 0 && st.st_size >= BALLAST_BYTES;
	uint64_t wanted = is_there ? START_BYTES : BALLAST_BYTES + BALLAST_MARGIN;
	if (fstatvfs(fd, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize < wanted)
		return err_set(e, ENOSPC, "%s", strerror(ENOSPC));
	if (is_there)
		return 0;
	int why = posix_fallocate(fd, 0, BALLAST_BYTES);
	return why ? err_set(e, why, "%s", strerror(why)) : 0;
}

int
folder_take_ballast(const struct folder *folder, struct err *e)
{
	char *path = folder_file(folder, "ballast");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc = fd < 0 ? err_sys(e, "cannot be created") : reserve(fd, e);
	struct stat st;
	if (rc < 0 && fd >= 0 && fstat(fd, &st) == 0 && st.st_size < BALLAST_BYTES)
		unlink(path);
	fd_close(&fd);
	free(path);
	if (rc < 0)
		return err_wrap(
			e, "state folder %s: reserving %d MB", folder->path, BALLAST_BYTES >> 20);
	return 0;
}

void
folder_give_ballast(const struct folder *folder)
{
	char *path = folder_file(folder, "ballast");
	unlink(path);
	free(path);
}

static int
say_if_full(const char *path, struct err *e)
{
	if (e && e->code == ENOSPC)
		err_set(e, ENOSPC,
			"state folder %s: the disk is full: free at least %d MB, or set "
			"daemon.state_dir to a folder on another disk",
			path, (BALLAST_BYTES + BALLAST_MARGIN) >> 20);
	return -1;
}

int
folder_open(struct folder *folder, const char *path, struct err *e)
{
	*folder = (struct folder){ .lock_fd = -1 };
	if (make_path(path, e) < 0)
		return -1;
	folder->path = xstrdup(path);
	if (lock_folder(folder, e) == 0)
		return 0;
	folder_close(folder, false);
	return say_if_full(path, e);
}

int
folder_begin(struct folder *folder, struct err *e)
{
	if (take_marker(folder, e) == 0 && folder_take_ballast(folder, e) == 0)
		return 0;
	return say_if_full(folder->path, e);
}

void
folder_close(struct folder *folder, bool is_clean)
{
	if (is_clean) {
		char *path = folder_file(folder, "clean");
		int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		fd_close(&fd);
		free(path);
		sync_folder(folder);
	}
	fd_close(&folder->lock_fd);
	free(folder->path);
	folder->path = NULL;
}

/* The write-ahead log keeps its suffix, so that the pair can still be looked into. */
int
folder_set_aside(
	const struct folder *folder, const char *name, usec_t wall_us, char **to, struct err *e)
{
	static const char *const parts[] = { "-wal", "-shm", "" };
	char stamp[32];
	time_t second = (time_t)(wall_us / USEC_PER_SEC);
	struct tm tm;
	gmtime_r(&second, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &tm);
	char *target = xasprintf("%s/%s.corrupt-%s", folder->path, name, stamp);
	int rc = 0;
	for (size_t n = 0; n < sizeof(parts) / sizeof(parts[0]) && rc == 0; n++) {
		char *from = xasprintf("%s/%s%s", folder->path, name, parts[n]);
		char *into = xasprintf("%s%s", target, parts[n]);
		if (rename(from, into) < 0 && errno != ENOENT)
			rc = err_sys(e, "cannot set %s aside", from);
		free(from);
		free(into);
	}
	if (rc < 0)
		free(target);
	else
		*to = target;
	return rc;
}

/*
 * The helper's whole life: ask, answer, until the daemon hangs up.  Everything in here may hang for
 * ever, which is why it is a process of its own.  It is started before any library is initialised
 * and holds no descriptor but its socket, and the mount table's.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/str.h"
#include "io/mounts.h"
#include "io/proc_wire.h"
#include "io/sandbox.h"

#define TEST_BYTES 4096
#define TEST_NAME  ".triaged-write-test"

int
fs_helper_stat(const char *path, struct fs_result *r)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return errno;
	r->size = (uint64_t)st.st_size;
	r->mtime_us = (uint64_t)st.st_mtim.tv_sec * 1000000 + (uint64_t)st.st_mtim.tv_nsec / 1000;
	r->dev = st.st_dev;
	r->ino = st.st_ino;
	r->mode = st.st_mode;
	r->uid = st.st_uid;
	r->gid = st.st_gid;
	return 0;
}

static int
do_stat(const struct fs_ask *ask, struct fs_answer *answer)
{
	char path[FS_PATH_MAX];
	int error = fs_helper_resolve(ask->path, ask->root_len, true, path);

	return error != 0 ? error : fs_helper_stat(path, &answer->result);
}

/* The device too: a symbolic link may lead to another mount than its name suggests. */
static int
do_statvfs(const struct fs_ask *ask, struct fs_answer *answer)
{
	struct fs_result *r = &answer->result;
	char path[FS_PATH_MAX];
	struct statvfs vfs;
	int error = fs_helper_resolve(ask->path, ask->root_len, true, path);

	if (error != 0)
		return error;
	if (statvfs(path, &vfs) != 0)
		return errno;
	r->block_size = vfs.f_frsize != 0 ? vfs.f_frsize : vfs.f_bsize;
	r->blocks = vfs.f_blocks;
	r->blocks_free = vfs.f_bfree;
	r->blocks_avail = vfs.f_bavail;
	r->inodes = vfs.f_files;
	r->inodes_free = vfs.f_ffree;
	r->fs_flags = vfs.f_flag;
	return fs_helper_stat(path, r);
}

static int
write_and_sync(int fd)
{
	static const char block[TEST_BYTES];
	size_t done = 0;

	while (done < sizeof(block)) {
		ssize_t n = write(fd, block + done, sizeof(block) - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? errno : ENOSPC;
		done += (size_t)n;
	}
	return fsync(fd) == 0 ? 0 : errno;
}

static int
do_write_test(const struct fs_ask *ask, struct fs_answer *answer)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	char folder[FS_PATH_MAX], name[FS_PATH_MAX + sizeof(TEST_NAME) + 1];
	int fd, error = fs_helper_resolve(ask->path, ask->root_len, true, folder);

	(void)answer;
	if (error != 0)
		return error;
	snprintf(name, sizeof(name), "%s/%s", folder, TEST_NAME);
	fd = open(name, flags, 0600);
	if (fd < 0 && errno == EEXIST && unlink(name) == 0) /* left by a helper that was killed */
		fd = open(name, flags, 0600);
	if (fd < 0)
		return errno;
	error = write_and_sync(fd);
	if (close(fd) != 0 && error == 0)
		error = errno;
	if (unlink(name) != 0 && error == 0)
		error = errno;
	return error;
}

static int (*const ops[])(const struct fs_ask *ask, struct fs_answer *answer) = {
	[FS_STATVFS] = do_statvfs,
	[FS_STAT] = do_stat,
	[FS_WRITE_TEST] = do_write_test,
	[FS_READ] = fs_helper_read,
	[FS_FILE] = fs_helper_file,
	[FS_DIGEST] = fs_helper_digest,
	[FS_TAIL] = fs_helper_tail,
	[FS_FIND] = fs_helper_find,
	[FS_DU] = fs_helper_du,
	[FS_RECENT] = fs_helper_recent,
	[FS_KMSG] = fs_helper_kmsg,
	[FS_OPEN_FILES] = proc_helper_files,
	[FS_PROC_IO] = proc_helper_io,
	[FS_PROC_FDS] = proc_helper_fds,
	[FS_SOCKET_PEERS] = proc_helper_peers,
	[FS_UNIX_SOCKETS] = proc_helper_unix,
	[FS_PROC_LIST] = proc_helper_list,
	[FS_PROC_LOOK] = proc_helper_look,
	[FS_SOCKET_OWNERS] = proc_helper_owners,
	[FS_SOCKET_TABLE] = proc_helper_sockets,
};

/* --- is that the host's? --- */

/* The table below `root`, read anew when the kernel says that it changed. */
static const struct mounts *
mounts_now(const char *root)
{
	static char last[FS_PATH_MAX] = "";
	static struct mounts mounts;
	static int fd = -1;
	struct pollfd wait = { .events = POLLPRI };

	if (fd < 0)
		fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	wait.fd = fd;
	if (fd < 0 || poll(&wait, 1, 0) != 0 || mounts.count == 0 || !str_eq(last, root)) {
		mounts_fini(&mounts);
		str_copy(last, sizeof(last), root);
		if (mounts_read(&mounts, root, NULL) < 0)
			return NULL;
	}
	return &mounts;
}

/* Links are followed as far as they can be: a path in the open may lead behind a veil. */
static void
look_for_veil(const struct fs_ask *ask, struct fs_result *r)
{
	char path[FS_PATH_MAX], root[FS_PATH_MAX];
	const struct mounts *mounts;
	size_t len;

	snprintf(root, sizeof(root), "%.*s", (int)ask->root_len, ask->path);
	mounts = mounts_now(root);
	if (mounts == NULL && ask->root_len > 0)
		r->veil.kind = VEIL_ABSENT;
	if (mounts != NULL) {
		fs_helper_where(ask->path, ask->root_len, path);
		len = str_starts(path, root) ? strlen(root) : 0;
		r->veil = veil_of(mounts, root, path[len] != '\0' ? path + len : "/");
	}
	if (r->veil.kind == VEIL_ABSENT && fs_helper_is_tree(mounts, root))
		r->veil.kind = VEIL_NONE;
}

static void
serve(const struct fs_ask *ask, struct fs_answer *answer)
{
	struct fs_result *r = &answer->result;

	memset(r, 0, sizeof(*r));
	r->error = ask->op < sizeof(ops) / sizeof(ops[0]) ? ops[ask->op](ask, answer) : EINVAL;
	r->status = r->error == 0 ? FS_OK : FS_FAILED;
	if (ask->op <= FS_KMSG)
		look_for_veil(ask, r);
}

int
fs_helper_main(void)
{
	static struct fs_ask ask;
	static struct fs_answer answer;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, FS_HELPER_NAME);
	close(FS_HELPER_EXE_FD);
	sandbox_narrow();
	for (;;) {
		ssize_t got = recv(FS_HELPER_SOCKET_FD, &ask, sizeof(ask), 0);
		size_t len;

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= (ssize_t)offsetof(struct fs_ask, path))
			return got == 0 ? 0 : 1; /* hung up, or not our parent */
		ask.path[sizeof(ask.path) - 1] = '\0';
		serve(&ask, &answer);
		len = offsetof(struct fs_answer, data) + answer.result.data_len;
		if (send(FS_HELPER_SOCKET_FD, &answer, len, MSG_NOSIGNAL) < 0)
			return 1;
		if (ask.op == FS_PROC_LOOK) /* values of an environment */
			secret_wipe(answer.data, answer.result.data_len);
	}
}

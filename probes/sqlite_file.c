/*
 * What of an SQLite database can be told without SQLite: the file and its folder, the first bytes,
 * who holds the write lock, the files beside it, room, and who may write.  Runs in the helper
 * process only.  Every descriptor is closed before SQLite opens the file: closing one later would
 * drop the locks that SQLite holds.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/str.h"
#include "io/fs_wire.h"
#include "io/mounts.h"
#include "probes/fs_cause.h"
#include "probes/sqlite_look.h"

#define HEAD_LEN      100
#define NO_ROOM_BYTES 65536 /* less, and not even a journal can be begun */
#define GROUPS_MAX    64

/* Where SQLite locks: the RESERVED byte of the file; the writer's byte of a WAL's index. */
#define RESERVED_BYTE  0x40000001
#define WAL_WRITE_BYTE 120

static const char magic[16] = "SQLite format 3";
/* A rollback journal that has not been rolled back begins with this. */
static const unsigned char journal_magic[8] = { 0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7 };

static void
find_errno(struct sqlite_look *look, int error, const char *what)
{
	if (error == EACCES || error == EPERM)
		sqlite_look_denied(look, what);
	else if (error == ENOENT || error == ENOTDIR)
		sqlite_look_found(look, "sqlite.cantopen", false, "%s: %s", what, strerror(error));
	else
		sqlite_look_found(look, fs_cause(error), false, "%s: %s", what, strerror(error));
}

/* What our own sandbox put there, or keeps from us, says nothing of the application's file. */
static bool
is_veiled(struct sqlite_look *look)
{
	size_t root_len = str_eq(look->root, "/") ? 0 : strlen(look->root);
	char where[FS_PATH_MAX], words[VEIL_WORDS_MAX];
	struct mounts mounts;
	struct veil veil;

	if (mounts_read(&mounts, look->root, NULL) < 0)
		return false;
	fs_helper_where(look->path, root_len, where);
	veil = veil_of(&mounts, look->root, where + root_len);
	if (veil.kind == VEIL_ABSENT && fs_helper_is_tree(&mounts, look->root))
		veil.kind = VEIL_NONE;
	mounts_fini(&mounts);
	if (veil.kind == VEIL_NONE)
		return false;
	veil_words(&veil, words, sizeof(words));
	sqlite_look_found(look, "sqlite.no-grant", true, "%s is %s", look->inner, words);
	return true;
}

bool
sqlite_file_find(struct sqlite_look *look)
{
	struct stat folder;
	int error;

	if (is_veiled(look))
		return false;
	if (stat(look->path, &look->st) == 0) {
		json_object_set_new(look->out, "size", json_integer(look->st.st_size));
		if (S_ISREG(look->st.st_mode))
			return true;
		sqlite_look_found(look, "sqlite.cantopen", false, "%s is not a file", look->inner);
		return false;
	}
	error = errno;
	if (error == ENOENT && stat(look->folder, &folder) == 0)
		sqlite_look_found(look, "sqlite.cantopen", false,
			"%s does not exist; its folder does", look->inner);
	else if (error == ENOENT)
		sqlite_look_found(look, "sqlite.cantopen", false, "the folder of %s does not exist",
			look->inner);
	else
		find_errno(look, error, look->inner);
	return false;
}

/* --- whose rights --- */

static void
take_rights(const struct passwd *pw)
{
	gid_t groups[GROUPS_MAX];
	int count = GROUPS_MAX;

	if (pw->pw_name == NULL || getgrouplist(pw->pw_name, pw->pw_gid, groups, &count) < 0) {
		groups[0] = pw->pw_gid;
		count = 1;
	}
	/* in this order: who is not root any more cannot do the others */
	if (setgroups((size_t)count, groups) == 0 && setegid(groups[0]) == 0 &&
		seteuid(pw->pw_uid) == 0)
		return;
}

static bool
find_user(struct sqlite_look *look, const struct passwd **pw)
{
	char *end;
	unsigned long number;
	bool is_number;

	if (look->user[0] == '\0') {
		look->uid = look->st.st_uid;
		*pw = getpwuid(look->uid);
		return true;
	}
	number = strtoul(look->user, &end, 10);
	is_number = *end == '\0' && number < UINT_MAX;
	*pw = is_number ? getpwuid((uid_t)number) : getpwnam(look->user);
	if (*pw == NULL && !is_number) {
		sqlite_look_found(look, "self.local", true, "there is no user %s here", look->user);
		return false;
	}
	look->uid = *pw != NULL ? (*pw)->pw_uid : (uid_t)number;
	return true;
}

/* Root could do anything; what counts is what the application can. */
bool
sqlite_file_become(struct sqlite_look *look)
{
	struct passwd nameless = { .pw_gid = look->st.st_gid };
	const struct passwd *pw;

	if (!find_user(look, &pw))
		return false;
	nameless.pw_uid = look->uid;
	if (geteuid() == 0 && look->uid != 0)
		take_rights(pw != NULL ? pw : &nameless);
	look->is_user = geteuid() == look->uid;
	json_object_set_new(look->out, "uid", json_integer(look->uid));
	return true;
}

/* --- the file itself --- */

/* At most `size` bytes of the start; -1: errno. */
static ssize_t
read_start(const char *path, void *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t got;
	int error;

	if (fd < 0)
		return -1;
	got = read(fd, out, size);
	error = errno;
	close(fd);
	errno = error;
	return got;
}

bool
sqlite_file_head(struct sqlite_look *look)
{
	unsigned char head[HEAD_LEN];
	char shown[24];
	ssize_t got = read_start(look->path, head, sizeof(head));

	if (got < 0) {
		find_errno(look, errno, look->inner);
		return false;
	}
	if (got == 0) /* a database in which nothing was made yet */
		return true;
	if (got == HEAD_LEN && memcmp(head, magic, sizeof(magic)) == 0) {
		look->is_wal = head[18] == 2 || head[19] == 2;
		return true;
	}
	str_printable(shown, sizeof(shown), head, got < 20 ? (size_t)got : 20);
	sqlite_look_found(look, "sqlite.notadb", false, "%s begins with \"%s\"%s", look->inner,
		shown, got < HEAD_LEN ? " and is too short" : "");
	return false;
}

static bool
path_beside(const struct sqlite_look *look, const char *suffix, char *out, size_t size)
{
	return snprintf(out, size, "%s%s", look->path, suffix) < (int)size;
}

/* Who holds a write lock on that byte: a pid, 0 for somebody whom we cannot see, -1 for nobody. */
static pid_t
holder_of(const char *path, off_t byte)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1
	};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int rc;

	if (fd < 0)
		return -1;
	rc = fcntl(fd, F_GETLK, &lock);
	close(fd);
	if (rc != 0 || lock.l_type == F_UNLCK)
		return -1;
	return lock.l_pid > 0 ? lock.l_pid : 0;
}

static void
tell_holder(struct sqlite_look *look, pid_t pid)
{
	char path[64], name[64] = "";
	ssize_t got;

	json_object_set_new(look->out, "busy", json_boolean(pid >= 0));
	if (pid <= 0)
		return;
	json_object_set_new(look->out, "holder", json_integer(pid));
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	got = read_start(path, name, sizeof(name) - 1);
	if (got > 0) {
		name[strcspn(name, "\n")] = '\0';
		json_object_set_new(look->out, "holder_name", json_string(name));
	}
}

pid_t
sqlite_file_holder(const struct sqlite_look *look)
{
	pid_t holder = holder_of(look->path, RESERVED_BYTE);
	char beside[4200];

	if (holder < 0 && look->is_wal && path_beside(look, "-shm", beside, sizeof(beside)))
		holder = holder_of(beside, WAL_WRITE_BYTE);
	return holder;
}

bool
sqlite_file_locks(struct sqlite_look *look)
{
	unsigned char start[sizeof(journal_magic)];
	char beside[4200];
	struct stat st;
	pid_t holder = sqlite_file_holder(look);

	if (look->is_wal && path_beside(look, "-wal", beside, sizeof(beside))) {
		look->has_wal = stat(beside, &st) == 0;
		json_object_set_new(look->out, "wal", json_integer(look->has_wal ? st.st_size : 0));
	}
	if (look->is_wal && path_beside(look, "-shm", beside, sizeof(beside)))
		look->has_shm = access(beside, F_OK) == 0;
	if (path_beside(look, "-journal", beside, sizeof(beside)))
		look->has_journal =
			holder < 0 &&
			read_start(beside, start, sizeof(start)) == (ssize_t)sizeof(start) &&
			memcmp(start, journal_magic, sizeof(start)) == 0;
	json_object_set_new(look->out, "journal_left", json_boolean(look->has_journal));
	tell_holder(look, holder);
	return true;
}

/* --- room and rights --- */

bool
sqlite_file_room(struct sqlite_look *look)
{
	struct statvfs vfs;

	if (mounts_is_read_only(look->root, look->st.st_dev, look->inner)) {
		sqlite_look_found(look, "sqlite.readonly", false,
			"the file system of %s is read-only", look->inner);
		return true;
	}
	if (statvfs(look->folder, &vfs) != 0)
		return true;
	if ((double)vfs.f_bavail * (double)vfs.f_frsize < NO_ROOM_BYTES)
		sqlite_look_found(look, "sqlite.full", false, "the disk of %s has %.0f bytes left",
			look->inner, (double)vfs.f_bavail * (double)vfs.f_frsize);
	else if (vfs.f_files > 0 && vfs.f_favail == 0)
		sqlite_look_found(look, "fs.enospc-inodes", false,
			"no file can be made beside %s: no inode is left", look->inner);
	return true;
}

/* By the mode alone, for a user who is not us. */
static bool
mode_allows(const struct stat *st, const struct sqlite_look *look)
{
	if (look->uid == 0)
		return true;
	if (st->st_uid == look->uid)
		return (st->st_mode & S_IWUSR) != 0;
	/* their groups are not known: only what nobody may is certain */
	return (st->st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

/* 1: yes; 0: no; -1: our own mounts forbid what others may be allowed. */
static int
may_write(const struct sqlite_look *look, const char *path)
{
	struct stat st;

	if (look->is_user) {
		if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0)
			return 1;
		return errno == EROFS ? -1 : 0;
	}
	return stat(path, &st) != 0 ? -1 : mode_allows(&st, look);
}

bool
sqlite_file_rights(struct sqlite_look *look)
{
	int file = may_write(look, look->path), folder = may_write(look, look->folder);

	if (file == 0)
		sqlite_look_found(look, "sqlite.readonly", false, "%s is not writable for uid %u",
			look->inner, look->uid);
	else if (folder == 0)
		sqlite_look_found(look, "sqlite.readonly", false,
			"the folder of %s is not writable for uid %u: its journal cannot be made",
			look->inner, look->uid);
	look->is_writable = file == 1 && folder == 1;
	if (file < 0 || folder < 0)
		json_object_set_new(look->out, "lock_denied", json_true());
	if (file == 0 || folder == 0)
		json_object_set_new(look->out, "writable", json_false());
	return true;
}

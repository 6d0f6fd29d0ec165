/*
 * A file system that never answers: statfs, and getattr of /hang, wait for ever.  What a dead NFS
 * server looks like to everybody who touches the mount.  With HANGFS_STATFS or HANGFS_CREATE=ERRNO
 * in the environment it answers, and that call fails: what a server says that forgot the export
 * (ESTALE), or a quota (EDQUOT).
 */
#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fuse3/fuse.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
hang(void)
{
	for (;;)
		pause();
}

static int
error_of(const char *variable)
{
	const char *text = getenv(variable);

	return text != NULL ? -atoi(text) : 0;
}

static int
on_getattr(const char *path, struct stat *st, struct fuse_file_info *info)
{
	(void)info;
	memset(st, 0, sizeof(*st));
	if (strcmp(path, "/hang") == 0)
		hang();
	if (strcmp(path, "/") != 0)
		return -ENOENT;
	st->st_mode = S_IFDIR | 0755;
	st->st_nlink = 2;
	return 0;
}

static int
on_statfs(const char *path, struct statvfs *st)
{
	(void)path;
	if (getenv("HANGFS_STATFS") == NULL && getenv("HANGFS_CREATE") == NULL)
		hang();
	st->f_bsize = st->f_frsize = 4096;
	st->f_blocks = 1000;
	st->f_bfree = st->f_bavail = 500;
	return error_of("HANGFS_STATFS");
}

static int
on_create(const char *path, mode_t mode, struct fuse_file_info *info)
{
	(void)path;
	(void)mode;
	(void)info;
	return getenv("HANGFS_CREATE") != NULL ? error_of("HANGFS_CREATE") : -EROFS;
}

static const struct fuse_operations operations = {
	.getattr = on_getattr,
	.statfs = on_statfs,
	.create = on_create,
};

int
main(int argc, char **argv)
{
	return fuse_main(argc, argv, &operations, NULL);
}

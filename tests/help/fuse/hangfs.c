/*
 * A file system that never answers: statfs, and getattr of /hang, wait for ever.  What a dead NFS
 * server looks like to everybody who touches the mount.
 */
#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fuse3/fuse.h>
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
	(void)st;
	hang();
	return -EIO;
}

static const struct fuse_operations operations = {
	.getattr = on_getattr,
	.statfs = on_statfs,
};

int
main(int argc, char **argv)
{
	return fuse_main(argc, argv, &operations, NULL);
}

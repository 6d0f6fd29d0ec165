/*
 * File-system calls that may hang for ever (a dead mount), made by helper processes: a thread stuck
 * in the kernel would make the daemon unkillable.  One helper per mount in use; when a call passes
 * its deadline the helper is killed and given up; while it is still stuck, further calls on that
 * mount are answered at once with FS_STUCK.  While FS_HELPERS_STUCK_MAX are stuck nobody else is
 * asked: with those that were asked just before, less than twice as many can be.
 */
#ifndef IO_FS_H
#define IO_FS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "io/loop.h"
#include "io/veil.h"

#define FS_HELPERS_STUCK_MAX 8
#define FS_PATH_MAX          4096
#define FS_ARG_MAX           4096
#define FS_DATA_MAX          65536
#define FS_HEAD_MAX          256

struct fs_pool;
struct fs_call;

enum fs_op {
	FS_STATVFS,
	FS_STAT,
	FS_WRITE_TEST, /* create, write 4 KiB, fsync, remove a file in the folder `path` */
	FS_READ,   /* at most `length` bytes from `offset`; says of which file (size, inode...) */
	FS_FILE,   /* everything about a file or folder: struct fs_file; see io/fs_file.h */
	FS_DIGEST, /* SHA-256 in hex of at most `offset` bytes; more: EFBIG */
	FS_TAIL,   /* as READ, behind the file's first FS_HEAD_MAX bytes (head_len of them) */
	FS_FIND, /* the name, in folder `path`, of the file that is `arg`: "DEVICE:INODE", or "HASH
		  * LENGTH SIZE PREFIX": named PREFIX..., of at least SIZE bytes, whose first LENGTH
		  * bytes have that fs_hash */
	/* Walks, bounded by entries and time: io/fs_walk.h. */
	FS_DU,
	FS_RECENT,
	FS_KMSG,       /* `path` is a /dev/kmsg, or a plain file of such records */
	FS_OPEN_FILES, /* `path` is a /proc, as for all that follow */
	FS_PROC_IO,
	FS_PROC_FDS, /* io/proc_fds.h asks these three */
	FS_SOCKET_PEERS,
	FS_UNIX_SOCKETS,
	/* io/procs.h asks these. */
	FS_PROC_LIST,
	FS_PROC_LOOK,
	FS_SOCKET_OWNERS,
	FS_SOCKET_TABLE,
};

struct fs_request {
	enum fs_op op;
	const char *path; /* copied */
	const char *arg;  /* copied; NULL: none */
	/* What `path` begins with where the host is mounted elsewhere ("/host"): symbolic links are
	 * followed as they are there.  NULL or "/": none. */
	const char *root;
	uint64_t offset;
	uint32_t length;
};

enum fs_status {
	FS_OK,
	FS_FAILED, /* see error (errno) */
	FS_STUCK,  /* passed its deadline, or the mount is known to hang */
	FS_BROKEN, /* our own trouble: no helper could be had */
};

struct fs_result {
	enum fs_status status;
	int error;
	usec_t stuck_us; /* FS_STUCK: for how long the mount has not answered */
	uint64_t block_size, blocks, blocks_free, blocks_avail, inodes, inodes_free; /* STATVFS */
	uint64_t fs_flags;
	uint64_t size, mtime_us, dev, ino; /* STAT, FILE, READ, TAIL, DIGEST */
	uint32_t mode, uid, gid;
	const char *data; /* borrowed until fn returns; FS_FILE has some when it failed, too */
	uint32_t data_len, head_len;
	struct veil veil; /* of the path: what was found, or missed, there is not the host's */
};

typedef void (*fs_fn)(void *arg, const struct fs_result *result);

/* `self_exe` runs as the helper when its first argument is FS_HELPER_ARG. */
#define FS_HELPER_ARG "--fs-helper"
struct fs_pool *fs_pool_new(struct loop *loop, struct stats *stats);
void fs_pool_free(struct fs_pool *pool); /* never waits for a stuck helper */
/* A helper of ours that was not yet waited for? */
bool fs_pool_owns(const struct fs_pool *pool, pid_t pid);
int fs_helper_main(void); /* the helper's whole life; returns its exit status */

struct fs_call *fs_call_start(struct fs_pool *pool, const struct fs_request *request,
	usec_t timeout_us, fs_fn fn, void *arg);
/* Of a file's first bytes, to know it again; not for secrets. */
uint64_t fs_hash(const void *data, size_t len);
void fs_call_cancel(struct fs_call *call); /* NULL is fine */

#endif

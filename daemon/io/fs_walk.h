/*
 * What the helper answers to questions that walk: folders, open files, the kernel's log.  Each is a
 * head and `count` rows behind it, whole structs, bounded by FS_DATA_MAX; texts are terminated and
 * whatever the file system or a process chose.
 */
#ifndef IO_FS_WALK_H
#define IO_FS_WALK_H

#include <stdint.h>

#define FS_WALK_PATH 224
#define FS_WALK_NAME 64

struct fs_walk_head {
	uint32_t count;
	uint32_t is_cut; /* not everything was looked at: too many entries, or the time was over */
	uint32_t denied; /* folders, or processes, that were not shown to us */
	uint32_t pad;
	uint64_t entries;
	uint64_t bytes; /* DU: of all; KMSG: the kernel's clock in microseconds, 0: not known */
};

/*
 * FS_DU: folders of one file system that account for most of it, largest first: the deepest ones
 * that no single folder below explains.  `offset`: milliseconds it may take.
 */
struct fs_du_row {
	uint64_t bytes, newest_us, biggest_bytes;
	char path[FS_WALK_PATH];    /* below the one that was asked: "lib/mysql"; "": itself */
	char biggest[FS_WALK_NAME]; /* the largest file's name */
};

/*
 * FS_RECENT: the files last changed below folder `path`, newest first, in what its names that match
 * one of the globs of `arg` (a line each) lead to.  `offset`: microseconds since 1970: older ones
 * do not count.  `length`: milliseconds it may take.
 */
struct fs_recent_row {
	uint64_t changed_us;
	char path[FS_WALK_PATH]; /* below `path` */
};

/*
 * FS_OPEN_FILES: `path` is a /proc.  `offset`: a process, or 0 for all of them.  `arg`: "" for
 * files that were deleted, else the files whose names begin with it.  `length`: milliseconds it may
 * take.
 */
struct fs_open_row {
	uint64_t bytes, dev, ino;
	uint32_t pid;
	uint16_t is_deleted, is_writer; /* opened for writing */
	char comm[16];
	char path[FS_WALK_PATH]; /* without " (deleted)" */
};

/* FS_PROC_IO: bytes that each process made the disks read and write, since it began. */
struct fs_io_row {
	uint64_t read_bytes, write_bytes;
	uint32_t pid, pad;
	char comm[16];
};

/* FS_KMSG: the head, then the newest records of the kernel's log as text, a line each. */

#endif

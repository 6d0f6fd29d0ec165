/*
 * What the helper answers about processes and sockets: packed, bounded by FS_DATA_MAX, unpacked
 * without trust in its lengths.
 */
#ifndef IO_PROC_WIRE_H
#define IO_PROC_WIRE_H

#include "io/fs_wire.h"
#include "io/proc_parse.h"

enum proc_want { PROC_WANT_CMDLINE = 1 };

/* FS_PROC_LIST: this, then packed processes. */
struct proc_page {
	uint32_t next_pid; /* go on from here; 0: that was all */
	uint32_t ticks_per_s, page_bytes;
	uint32_t is_hidden; /* other users' processes are not shown to us */
	uint64_t uptime_ms;
};

/* FS_PROC_LOOK: this, then for each name that was asked a proc_env and `kept` bytes. */
struct proc_look_head {
	int32_t fds;      /* -1: not known */
	int32_t fd_error; /* errno */
	int32_t env_error;
	uint32_t has_nofile;
	uint64_t nofile;
	uint64_t start_ticks; /* 0: not known */
	char exe[PROC_EXE_MAX];
};

struct proc_env {
	uint32_t is_present;
	uint32_t len;  /* of the whole value */
	uint32_t kept; /* of it, behind this */
};

/* FS_SOCKET_OWNERS: this, then `count` rows. */
struct proc_owners_head {
	uint32_t count;
	uint32_t denied; /* processes whose descriptors we may not see */
};

struct proc_owner {
	uint64_t inode;
	uint32_t pid, pad;
};

#define PROC_ENV_MAX    8192 /* bytes of one value */
#define PROC_OWNERS_MAX 64

/* Appends at *len; false: it does not fit any more. */
bool proc_pack(char *data, size_t size, size_t *len, const struct proc *proc);
/* Reads the next one at *at; false: the end, or not whole. */
bool proc_unpack(const char *data, size_t size, size_t *at, struct proc *proc);

/* --- proc_helper.c: inside the helper; 0 or an errno --- */

int proc_helper_list(const struct fs_ask *ask, struct fs_answer *answer);
int proc_helper_look(const struct fs_ask *ask, struct fs_answer *answer);
int proc_helper_owners(const struct fs_ask *ask, struct fs_answer *answer);
int proc_helper_sockets(const struct fs_ask *ask, struct fs_answer *answer);
/* proc_helper_fds.c */
int proc_helper_fds(const struct fs_ask *ask, struct fs_answer *answer);
int proc_helper_peers(const struct fs_ask *ask, struct fs_answer *answer);
int proc_helper_unix(const struct fs_ask *ask, struct fs_answer *answer);
/* proc_helper_files.c */
int proc_helper_files(const struct fs_ask *ask, struct fs_answer *answer);
int proc_helper_io(const struct fs_ask *ask, struct fs_answer *answer);

#endif

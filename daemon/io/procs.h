/*
 * Processes and the owners of sockets, read by a helper (io/fs): some files of a process are read
 * under a lock that it may hold for ever.  Everything is bounded; texts are the processes' own and
 * not fit to be shown as they are.
 */
#ifndef IO_PROCS_H
#define IO_PROCS_H

#include "io/fs.h"
#include "io/proc_parse.h"
#include "io/sock_diag.h"

#define PROCS_MAX 4096 /* that match; a host may have any number */

struct procs_call;

/* What is wrong, when it is: as in io/fs.h. */
struct procs_trouble {
	enum fs_status status; /* FS_OK: nothing */
	int error;
};

struct procs {
	struct proc *all; /* by pid */
	size_t count;
	bool is_hidden; /* other users' processes are not shown to us (hidepid=) */
	bool is_cut;
	double uptime_s, ticks_per_s, page_bytes;
};

struct procs_request {
	struct fs_pool *fs;
	const char *host_root; /* copied; NULL or "/": our own */
	usec_t timeout_us;
	void *arg; /* of the callback */
};

/* All processes; `keep` chooses on the way (NULL: every one), with `arg`. */
typedef void (*procs_list_fn)(
	void *arg, const struct procs_trouble *trouble, const struct procs *procs);
struct procs_call *procs_list_start(const struct procs_request *r, bool with_cmdlines,
	bool (*keep)(void *arg, const struct proc *proc), procs_list_fn fn);
/* Only these pids (at most PROCS_NAMED_MAX), with command lines. */
#define PROCS_NAMED_MAX 64
struct procs_call *procs_some_start(
	const struct procs_request *r, const uint32_t *pids, size_t count, procs_list_fn fn);

struct procs_env {
	bool is_present;
	const char *value; /* borrowed until fn returns; never to be kept or shown */
	size_t len, kept;  /* bytes of it, and how many are here */
};

#define PROCS_ENV_MAX 32

struct procs_look {
	long fds; /* -1: not known, see fd_error */
	int fd_error, env_error;
	bool has_nofile;
	uint64_t nofile; /* UINT64_MAX: unlimited */
	uint64_t start_ticks;
	char exe[PROC_EXE_MAX];
	struct procs_env env[PROCS_ENV_MAX]; /* in the order of the names */
	size_t env_count;
};

/* `names`: of environment variables, a line each; NULL: none.  Other values do not leave the
 * helper. */
typedef void (*procs_look_fn)(
	void *arg, const struct procs_trouble *trouble, const struct procs_look *look);
struct procs_call *procs_look_start(
	const struct procs_request *r, uint32_t pid, const char *names, procs_look_fn fn);

typedef void (*procs_sockets_fn)(
	void *arg, const struct procs_trouble *trouble, const struct sock_table *table);
struct procs_call *procs_sockets_start(
	const struct procs_request *r, enum sock_proto proto, uint16_t port, procs_sockets_fn fn);

#define PROCS_OWNERS_MAX 64

struct procs_owners {
	struct {
		uint64_t inode;
		uint32_t pid;
	} all[PROCS_OWNERS_MAX];
	size_t count;
	unsigned denied; /* processes whose descriptors we may not see */
};

typedef void (*procs_owners_fn)(
	void *arg, const struct procs_trouble *trouble, const struct procs_owners *owners);
struct procs_call *procs_owners_start(
	const struct procs_request *r, const uint64_t *inodes, size_t count, procs_owners_fn fn);

void procs_cancel(struct procs_call *call); /* NULL is fine */

/* --- the parsers, for tests and fuzzing: false: broken --- */

bool procs_parse_look(struct procs_look *look, const char *data, size_t len);
bool procs_parse_owners(struct procs_owners *owners, const char *data, size_t len);

#endif

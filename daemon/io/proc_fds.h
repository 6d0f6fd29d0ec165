/*
 * What a process has open, whom a port talks to, and who listens on a unix socket: counted by the
 * helper, which hands over numbers and a few names.  As everything of /proc, texts are the
 * processes' own.
 */
#ifndef IO_PROC_FDS_H
#define IO_PROC_FDS_H

#include "io/procs.h"

#define PROC_PEER_MAX 48

/* TCP sockets by state, and the address at the other end of most of them. */
struct proc_peers {
	uint32_t established, time_wait, close_wait, peers;
	uint32_t top_count;
	char top[PROC_PEER_MAX]; /* "10.0.0.4"; "" none */
};

struct proc_fds {
	uint32_t count, sockets, files, pipes, others;
	uint32_t is_denied;      /* there are more than we may look at */
	struct proc_peers peers; /* of its own sockets */
	char exe[PROC_EXE_MAX], cwd[PROC_EXE_MAX];
	char log[PROC_EXE_MAX]; /* a file it writes that looks like a log; "" */
};

struct proc_listeners {
	uint64_t inodes[SOCK_LISTENERS_MAX];
	uint32_t count;
};

typedef void (*proc_fds_fn)(
	void *arg, const struct procs_trouble *trouble, const struct proc_fds *fds);
typedef void (*proc_peers_fn)(
	void *arg, const struct procs_trouble *trouble, const struct proc_peers *peers);
typedef void (*proc_listeners_fn)(
	void *arg, const struct procs_trouble *trouble, const struct proc_listeners *listeners);

struct proc_fds_call;
/* fn is called once, later.  ESRCH: there is no such process; EACCES: not shown to us. */
struct proc_fds_call *proc_fds_start(const struct procs_request *r, uint32_t pid, proc_fds_fn fn);
/* Sockets whose local port is this one. */
struct proc_fds_call *proc_peers_start(
	const struct procs_request *r, uint16_t port, proc_peers_fn fn);
/* Sockets that listen on this path. */
struct proc_fds_call *proc_listeners_start(
	const struct procs_request *r, const char *path, proc_listeners_fn fn);
void proc_fds_cancel(struct proc_fds_call *call); /* NULL is fine */

#endif

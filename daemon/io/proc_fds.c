/* Asks the helper about open descriptors and sockets; one question, one answer of a fixed size. */
#include "io/proc_fds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

struct proc_fds_call {
	struct fs_call *call;
	void *arg;
	proc_fds_fn on_fds;
	proc_peers_fn on_peers;
	proc_listeners_fn on_listeners;
};

static const struct procs_trouble broken = { .status = FS_BROKEN, .error = EPROTO };

/* The trouble that there was, and the answer where there is none. */
static struct procs_trouble
take(const struct fs_result *r, void *out, size_t size)
{
	if (r->status == FS_OK && r->data_len != size)
		return broken;
	if (r->status == FS_OK)
		memcpy(out, r->data, size);
	return (struct procs_trouble){ .status = r->status, .error = r->error };
}

static struct proc_fds_call *
begin(const struct procs_request *r, struct fs_request *request, fs_fn fn)
{
	struct proc_fds_call *call = xcalloc(1, sizeof(*call));
	bool is_elsewhere = r->host_root != NULL && !str_eq(r->host_root, "/");
	char path[FS_PATH_MAX];

	snprintf(path, sizeof(path), "%s/proc", is_elsewhere ? r->host_root : "");
	request->path = path;
	call->arg = r->arg;
	call->call = fs_call_start(r->fs, request, r->timeout_us, fn, call);
	return call;
}

static void
on_fds(void *arg, const struct fs_result *r)
{
	struct proc_fds_call *call = arg;
	struct proc_fds fds = { .count = 0 };
	struct procs_trouble trouble = take(r, &fds, sizeof(fds));

	fds.exe[sizeof(fds.exe) - 1] = fds.cwd[sizeof(fds.cwd) - 1] = '\0';
	fds.log[sizeof(fds.log) - 1] = fds.peers.top[sizeof(fds.peers.top) - 1] = '\0';
	call->on_fds(call->arg, &trouble, &fds);
	free(call);
}

struct proc_fds_call *
proc_fds_start(const struct procs_request *r, uint32_t pid, proc_fds_fn fn)
{
	struct fs_request request = { .op = FS_PROC_FDS, .offset = pid };
	struct proc_fds_call *call = begin(r, &request, on_fds);

	call->on_fds = fn;
	return call;
}

static void
on_peers(void *arg, const struct fs_result *r)
{
	struct proc_fds_call *call = arg;
	struct proc_peers peers = { .peers = 0 };
	struct procs_trouble trouble = take(r, &peers, sizeof(peers));

	peers.top[sizeof(peers.top) - 1] = '\0';
	call->on_peers(call->arg, &trouble, &peers);
	free(call);
}

struct proc_fds_call *
proc_peers_start(const struct procs_request *r, uint16_t port, proc_peers_fn fn)
{
	struct fs_request request = { .op = FS_SOCKET_PEERS, .offset = port };
	struct proc_fds_call *call = begin(r, &request, on_peers);

	call->on_peers = fn;
	return call;
}

static void
on_listeners(void *arg, const struct fs_result *r)
{
	struct proc_fds_call *call = arg;
	struct proc_listeners listeners = { .count = 0 };
	struct procs_trouble trouble = take(r, &listeners, sizeof(listeners));

	if (listeners.count > SOCK_LISTENERS_MAX)
		listeners.count = SOCK_LISTENERS_MAX;
	call->on_listeners(call->arg, &trouble, &listeners);
	free(call);
}

struct proc_fds_call *
proc_listeners_start(const struct procs_request *r, const char *path, proc_listeners_fn fn)
{
	struct fs_request request = { .op = FS_UNIX_SOCKETS, .arg = path };
	struct proc_fds_call *call = begin(r, &request, on_listeners);

	call->on_listeners = fn;
	return call;
}

void
proc_fds_cancel(struct proc_fds_call *call)
{
	if (call == NULL)
		return;
	fs_call_cancel(call->call);
	free(call);
}

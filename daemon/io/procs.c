/*
 * Asks the helper, page by page where it is a list, and hands over what came.  One deadline for all
 * pages.  Owns the rows until the callback returns.
 */
#include "io/procs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/proc_wire.h"

#define PAGES_MAX 4096 /* of some hundred processes each */

struct procs_call {
	struct fs_pool *fs;
	struct fs_call *call;
	char path[FS_PATH_MAX];
	char *arg_text;
	usec_t left_us; /* a page's own deadline; pages are few */
	void *arg;
	uint32_t flags;
	bool is_named;
	bool (*keep)(void *arg, const struct proc *proc);
	procs_list_fn on_list;
	procs_look_fn on_look;
	procs_sockets_fn on_sockets;
	procs_owners_fn on_owners;
	struct procs procs;
	size_t room;
	unsigned pages;
};

static struct procs_call *
call_new(const struct procs_request *r)
{
	struct procs_call *call = xcalloc(1, sizeof(*call));
	const char *root = r->host_root != NULL && !str_eq(r->host_root, "/") ? r->host_root : "";

	call->fs = r->fs;
	call->arg = r->arg;
	call->left_us = r->timeout_us;
	snprintf(call->path, sizeof(call->path), "%s/proc", root);
	return call;
}

static void
call_free(struct procs_call *call)
{
	fs_call_cancel(call->call);
	free(call->procs.all);
	free(call->arg_text);
	free(call);
}

void
procs_cancel(struct procs_call *call)
{
	if (call != NULL)
		call_free(call);
}

static void
ask(struct procs_call *call, enum fs_op op, uint64_t offset, fs_fn fn)
{
	const struct fs_request request = {
		.op = op,
		.path = call->path,
		.arg = call->arg_text,
		.offset = offset,
		.length = call->flags,
	};

	call->call = fs_call_start(call->fs, &request, call->left_us, fn, call);
}

static struct procs_trouble
trouble_of(const struct fs_result *r)
{
	return (struct procs_trouble){ .status = r->status, .error = r->error };
}

static const struct procs_trouble broken = { .status = FS_BROKEN, .error = EPROTO };

/* --- lists --- */

static void
finish_list(struct procs_call *call, const struct procs_trouble *trouble)
{
	call->on_list(call->arg, trouble, &call->procs);
	call_free(call);
}

static void
add(struct procs_call *call, const struct proc *proc)
{
	struct procs *procs = &call->procs;

	if (call->keep != NULL && !call->keep(call->arg, proc))
		return;
	if (procs->count == PROCS_MAX) {
		procs->is_cut = true;
		return;
	}
	if (procs->count == call->room) {
		call->room = call->room > 0 ? call->room * 2 : 16;
		procs->all = xreallocarray(procs->all, call->room, sizeof(*procs->all));
	}
	procs->all[procs->count++] = *proc;
}

static void
on_page(void *arg, const struct fs_result *r)
{
	struct procs_call *call = arg;
	struct procs_trouble trouble = trouble_of(r);
	struct procs *procs = &call->procs;
	size_t at = sizeof(struct proc_page);
	struct proc_page page;
	struct proc proc;

	call->call = NULL;
	if (r->status != FS_OK || r->data_len < sizeof(page)) {
		finish_list(call, r->status != FS_OK ? &trouble : &broken);
		return;
	}
	memcpy(&page, r->data, sizeof(page));
	while (proc_unpack(r->data, r->data_len, &at, &proc))
		add(call, &proc);
	procs->uptime_s = (double)page.uptime_ms / 1000;
	procs->ticks_per_s = page.ticks_per_s > 0 ? page.ticks_per_s : 100;
	procs->page_bytes = page.page_bytes;
	procs->is_hidden |= page.is_hidden != 0;
	/* Named ones fit into a page, but for absurd texts: those are cut off. */
	if (page.next_pid == 0 || call->is_named || ++call->pages == PAGES_MAX)
		finish_list(call, &trouble);
	else
		ask(call, FS_PROC_LIST, page.next_pid, on_page);
}

struct procs_call *
procs_list_start(const struct procs_request *r, bool with_cmdlines,
	bool (*keep)(void *arg, const struct proc *proc), procs_list_fn fn)
{
	struct procs_call *call = call_new(r);

	call->flags = with_cmdlines ? PROC_WANT_CMDLINE : 0;
	call->keep = keep;
	call->on_list = fn;
	ask(call, FS_PROC_LIST, 0, on_page);
	return call;
}

struct procs_call *
procs_some_start(
	const struct procs_request *r, const uint32_t *pids, size_t count, procs_list_fn fn)
{
	struct procs_call *call = call_new(r);
	char text[PROCS_NAMED_MAX * 12];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < count && i < PROCS_NAMED_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%u\n", pids[i]);
	call->arg_text = xstrdup(text);
	call->is_named = true;
	call->flags = PROC_WANT_CMDLINE;
	call->on_list = fn;
	ask(call, FS_PROC_LIST, 0, on_page);
	return call;
}

/* --- details --- */

bool
procs_parse_look(struct procs_look *look, const char *data, size_t len)
{
	struct proc_look_head head;
	size_t at = sizeof(head);

	memset(look, 0, sizeof(*look));
	if (len < sizeof(head))
		return false;
	memcpy(&head, data, sizeof(head));
	look->fds = head.fds;
	look->fd_error = head.fd_error;
	look->env_error = head.env_error;
	look->has_nofile = head.has_nofile != 0;
	look->nofile = head.nofile;
	look->start_ticks = head.start_ticks;
	memcpy(look->exe, head.exe, sizeof(look->exe));
	look->exe[sizeof(look->exe) - 1] = '\0';
	while (look->env_count < PROCS_ENV_MAX && len - at >= sizeof(struct proc_env)) {
		struct procs_env *env = &look->env[look->env_count];
		struct proc_env row;

		memcpy(&row, data + at, sizeof(row));
		at += sizeof(row);
		if (row.kept > len - at || row.kept > row.len)
			return false;
		env->is_present = row.is_present != 0;
		env->value = data + at;
		env->len = row.len;
		env->kept = row.kept;
		at += row.kept;
		look->env_count++;
	}
	return true;
}

static void
on_look(void *arg, const struct fs_result *r)
{
	struct procs_call *call = arg;
	struct procs_trouble trouble = trouble_of(r);
	struct procs_look look;

	call->call = NULL;
	if (r->status == FS_OK && !procs_parse_look(&look, r->data, r->data_len))
		trouble = broken;
	call->on_look(call->arg, &trouble, &look);
	call_free(call);
}

struct procs_call *
procs_look_start(const struct procs_request *r, uint32_t pid, const char *names, procs_look_fn fn)
{
	struct procs_call *call = call_new(r);

	call->arg_text = xstrdup(names);
	call->on_look = fn;
	ask(call, FS_PROC_LOOK, pid, on_look);
	return call;
}

/* --- sockets --- */

static void
on_sockets(void *arg, const struct fs_result *r)
{
	struct procs_call *call = arg;
	struct procs_trouble trouble = trouble_of(r);
	struct sock_table table = { .count = 0 };

	call->call = NULL;
	if (r->status == FS_OK && r->data_len == sizeof(table))
		memcpy(&table, r->data, sizeof(table));
	else if (r->status == FS_OK)
		trouble = broken;
	if (table.count > SOCK_LISTENERS_MAX)
		table.count = SOCK_LISTENERS_MAX;
	call->on_sockets(call->arg, &trouble, &table);
	call_free(call);
}

struct procs_call *
procs_sockets_start(
	const struct procs_request *r, enum sock_proto proto, uint16_t port, procs_sockets_fn fn)
{
	struct procs_call *call = call_new(r);

	call->flags = (uint32_t)proto;
	call->on_sockets = fn;
	ask(call, FS_SOCKET_TABLE, port, on_sockets);
	return call;
}

bool
procs_parse_owners(struct procs_owners *owners, const char *data, size_t len)
{
	struct proc_owners_head head;

	memset(owners, 0, sizeof(*owners));
	if (len < sizeof(head))
		return false;
	memcpy(&head, data, sizeof(head));
	if (head.count > PROCS_OWNERS_MAX ||
		len - sizeof(head) != head.count * sizeof(struct proc_owner))
		return false;
	for (size_t i = 0; i < head.count; i++) {
		struct proc_owner row;

		memcpy(&row, data + sizeof(head) + i * sizeof(row), sizeof(row));
		owners->all[i].inode = row.inode;
		owners->all[i].pid = row.pid;
	}
	owners->count = head.count;
	owners->denied = head.denied;
	return true;
}

static void
on_owners(void *arg, const struct fs_result *r)
{
	struct procs_call *call = arg;
	struct procs_trouble trouble = trouble_of(r);
	struct procs_owners owners;

	call->call = NULL;
	if (r->status == FS_OK && !procs_parse_owners(&owners, r->data, r->data_len))
		trouble = broken;
	call->on_owners(call->arg, &trouble, &owners);
	call_free(call);
}

struct procs_call *
procs_owners_start(
	const struct procs_request *r, const uint64_t *inodes, size_t count, procs_owners_fn fn)
{
	struct procs_call *call = call_new(r);
	char text[SOCK_LISTENERS_MAX * 22];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < count && i < SOCK_LISTENERS_MAX; i++)
		len += (size_t)snprintf(
			text + len, sizeof(text) - len, "%llu\n", (unsigned long long)inodes[i]);
	call->arg_text = xstrdup(text);
	call->on_owners = fn;
	ask(call, FS_SOCKET_OWNERS, 0, on_owners);
	return call;
}

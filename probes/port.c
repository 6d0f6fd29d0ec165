/*
 * Who listens on a port of this host, and is it who should be?
 *
 *	sockets -> (owner unknown: search) -> (pid file) -> processes -> verdict
 *
 * The search through all processes' descriptors is made once for each set of sockets: who holds
 * them is remembered from run to run.  All of it happens in a helper.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/procs.h"
#include "probes/fs_cause.h"
#include "probes/net_local.h"
#include "probes/proc_match.h"
#include "probes/proc_words.h"

#define PIDFILE_MAX 64

enum row {
	ROW_TOTAL_TIME,
	ROW_LISTENERS,
	ROW_QUEUE,
	ROW_BACKLOG,
	ROW_ESTABLISHED,
	ROW_TIME_WAIT,
};

static const struct metric_desc metrics[] = {
	METRIC_TOTAL_ROW,
	{ "listeners", METRIC_GAUGE, UNIT_NONE, "Sockets that listen on this address and port." },
	{ "accept_queue", METRIC_GAUGE, UNIT_NONE,
		"Connections that wait to be accepted, at the fullest listener; TCP only." },
	{ "backlog", METRIC_GAUGE, UNIT_NONE,
		"Room of that queue; absent where the kernel does not tell." },
	{ "established", METRIC_GAUGE, UNIT_NONE,
		"Connections that clients have to this port. Those that this host itself has to "
		"the same port elsewhere do not count." },
	{ "time_wait", METRIC_GAUGE, UNIT_NONE, "Closed connections of this port in TIME_WAIT." },
	{ .name = NULL },
};

static const char *const proto_names[] = { [SOCK_TCP] = "tcp", [SOCK_UDP] = "udp", NULL };

struct port_conf {
	char *listen;
	int proto;
	struct proc_match owner;
	/* made by check */
	struct addr address;
	uint16_t port;
	bool is_anywhere; /* no address was given */
	char host[sizeof(((struct place *)0)->host)];
};

#define ROW struct port_conf

static const struct conf_field owner_fields[] = {
	PROC_MATCH_ROWS(struct proc_match, ),
	{ .type = CONF_END },
};

static const struct conf_field fields[] = {
	{ .name = "listen",
		STRING_AT(ROW, listen),
		.flags = CONF_REQUIRED,
		.doc = "The port, or a numeric address and a port: `8000`, `127.0.0.1:8000`, "
		       "`[::]:8000`. A listener of all interfaces is good for any address.",
		.example = "127.0.0.1:8000" },
	{ .name = "proto", ENUM_AT(ROW, proto, proto_names), .dflt = "tcp", .doc = "Protocol." },
	{ .name = "owner",
		GROUP_AT(ROW, owner, owner_fields),
		.doc = "Who should listen. All keys that are given must be true of one process "
		       "that "
		       "has the socket; without any, everybody will do.",
		.example = "{ name: nginx }" },
	{ .type = CONF_END },
};

/* From run to run: which processes have which sockets. */
struct port_memory {
	uint64_t inodes[SOCK_LISTENERS_MAX];
	unsigned inode_count;
	struct procs_owners owners;
};

struct port_run {
	struct procs_call *call;
	struct fs_call *pidfile;
	struct sock_table table;
	const struct sock_listener *wanted[SOCK_LISTENERS_MAX]; /* in the table */
	unsigned count;
	uint32_t pid; /* of the pid file */
	bool is_searched;
	const char *step;
};

static struct procs_request
request(struct probe_run *run)
{
	return (struct procs_request){
		.fs = probe_env(run)->fs,
		.host_root = probe_env(run)->host_root,
		.timeout_us = probe_time_left(run),
		.arg = run,
	};
}

static bool
failed(struct probe_run *run, const struct procs_trouble *trouble)
{
	const struct port_run *state = probe_state(run);

	if (trouble->status == FS_OK)
		return false;
	proc_words_trouble(run, trouble, state->step);
	return true;
}

/* --- which sockets count --- */

static void
choose(struct port_run *state, const struct port_conf *conf)
{
	bool is_particular = false;

	for (unsigned i = 0; i < state->table.count; i++) {
		const struct sock_listener *l = &state->table.listeners[i];

		if (!conf->is_anywhere && !sock_listener_covers(l, &conf->address))
			continue;
		state->wanted[state->count++] = l;
		is_particular |= !sock_listener_is_any(l);
	}
	if (conf->is_anywhere || !is_particular)
		return;
	/* Connections to the address come to the one that has just that. */
	for (unsigned i = state->count; i-- > 0;)
		if (sock_listener_is_any(state->wanted[i]))
			state->wanted[i] = state->wanted[--state->count];
}

static void
measure(struct probe_run *run)
{
	const struct port_run *state = probe_state(run);
	const struct sock_listener *fullest = NULL;
	char list[1024];

	for (unsigned i = 0; i < state->count; i++)
		if (fullest == NULL || state->wanted[i]->queued > fullest->queued)
			fullest = state->wanted[i];
	probe_value(run, ROW_LISTENERS, state->count);
	probe_value(run, ROW_ESTABLISHED, state->table.by_state[SOCK_ESTABLISHED]);
	probe_value(run, ROW_TIME_WAIT, state->table.by_state[SOCK_TIME_WAIT]);
	if (fullest != NULL && fullest->has_queue)
		probe_value(run, ROW_QUEUE, fullest->queued);
	if (fullest != NULL && fullest->has_backlog)
		probe_value(run, ROW_BACKLOG, fullest->backlog);
	if (state->table.count == 0)
		return;
	net_local_list(&state->table, list, sizeof(list));
	probe_fact(run, "port", "listening: %s", list);
}

static void
fail_nobody(struct probe_run *run)
{
	const struct port_conf *conf = probe_conf(run);
	const struct port_run *state = probe_state(run);
	unsigned waiting = state->table.by_state[SOCK_TIME_WAIT];
	char list[256];

	if (state->table.count > 0) {
		net_local_list(&state->table, list, sizeof(list));
		probe_fail(run, "port.nobody", "nobody listens on %s; on this port only %s does",
			conf->listen, list);
	} else if (waiting > 0) {
		probe_fail(run, "port.nobody",
			"nobody listens on %s; %u connections of the last one are in TIME_WAIT",
			conf->listen, waiting);
	} else {
		probe_fail(run, "port.nobody", "nobody listens on %s", conf->listen);
	}
}

/* --- verdict --- */

static const struct proc *
find(const struct procs *procs, uint32_t pid)
{
	for (size_t i = 0; i < procs->count; i++)
		if (procs->all[i].pid == pid)
			return &procs->all[i];
	return NULL;
}

/* What is known of a socket's owners. */
struct owned {
	const struct proc *right, *wrong; /* one of them; NULL: none seen */
};

/* Socket activation: the service is started by its first connection, until then init listens. */
static bool
is_init(const struct proc *proc)
{
	return proc->pid == 1 && str_eq(proc->comm, "systemd");
}

static struct owned
look_at(struct probe_run *run, const struct sock_listener *l, const struct procs *procs)
{
	const struct port_memory *memory = probe_memory(run, sizeof(*memory));
	const struct port_conf *conf = probe_conf(run);
	const struct port_run *state = probe_state(run);
	struct owned owned = { NULL, NULL };

	for (size_t i = 0; i < memory->owners.count; i++) {
		const struct proc *proc;

		if (memory->owners.all[i].inode != l->inode)
			continue;
		proc = find(procs, memory->owners.all[i].pid);
		if (proc == NULL)
			continue;
		if (proc_match_is(&conf->owner, proc, state->pid)) {
			if (owned.right == NULL)
				owned.right = proc;
		} else if (owned.wrong == NULL || is_init(owned.wrong)) {
			owned.wrong = proc;
		}
	}
	return owned;
}

static void
fail_conflict(struct probe_run *run, const struct procs *procs, const struct proc *wrong)
{
	const struct port_conf *conf = probe_conf(run);
	char who[128], wanted[256];

	proc_words_short(wrong, who, sizeof(who));
	proc_match_text(&conf->owner, wanted, sizeof(wanted));
	if (proc_match_is_program(&conf->owner, wrong)) {
		char age[64];

		clock_format_duration(
			(usec_t)proc_words_age_s(procs, wrong) * USEC_PER_SEC, age, sizeof(age));
		probe_fail(run, "port.conflict",
			"another instance holds %s: %s, started %s ago, is not the one wanted (%s)",
			conf->listen, who, age, wanted);
	} else {
		probe_fail(run, "port.conflict", "%s is taken by %s%s, wanted %s", conf->listen,
			who,
			str_eq(wrong->comm, "docker-proxy") ? ", for a container that publishes it"
							    : "",
			wanted);
	}
}

/* Without a process to look at, the socket itself still knows its user. */
static bool
is_foreign_user(const struct port_conf *conf, const struct sock_listener *l)
{
	return conf->owner.has_uid && l->uid != conf->owner.uid &&
	       !proc_match_is_unmapped(&conf->owner, l->uid);
}

static bool
is_denied(struct probe_run *run)
{
	const struct port_memory *memory = probe_memory(run, sizeof(*memory));

	return memory->owners.denied > 0;
}

static void
judge(struct probe_run *run, const struct procs *procs)
{
	const struct port_conf *conf = probe_conf(run);
	const struct port_run *state = probe_state(run);
	const struct proc *right = NULL, *init = NULL;
	unsigned unknown = 0;
	char who[128], detail[1024];

	for (unsigned i = 0; i < state->count; i++) {
		const struct sock_listener *l = state->wanted[i];
		struct owned owned = look_at(run, l, procs);

		if (owned.right == NULL && owned.wrong != NULL && is_init(owned.wrong)) {
			init = owned.wrong;
			continue;
		}
		if (owned.right == NULL && owned.wrong != NULL) {
			proc_words_long(procs, owned.wrong, detail, sizeof(detail));
			probe_fact(run, "owner", "%s", detail);
			fail_conflict(run, procs, owned.wrong);
			return;
		}
		if (owned.right == NULL && is_foreign_user(conf, l)) {
			probe_fail(run, "port.conflict",
				"%s is taken by a process of uid %u, "
				"wanted user %s",
				conf->listen, l->uid, conf->owner.user);
			return;
		}
		unknown += owned.right == NULL;
		if (owned.right != NULL && right == NULL)
			right = owned.right;
	}
	if (unknown > 0 && is_denied(run))
		proc_words_no_right(run, "sockets");
	if (right == NULL && init != NULL) {
		probe_ok(run, "systemd listens on %s for a service that it starts when needed",
			conf->listen);
		return;
	}
	if (right == NULL) {
		probe_ok(run, "uid %u listens on %s; which process it is %s", state->wanted[0]->uid,
			conf->listen,
			is_denied(run) ? "cannot be seen"
				       : "is not in our /proc (another container, the kernel)");
		return;
	}
	proc_words_short(right, who, sizeof(who));
	proc_words_long(procs, right, detail, sizeof(detail));
	probe_fact(run, "owner", "%s", detail);
	probe_ok(run, "%s listens on %s", who, conf->listen);
}

/* --- steps --- */

static void search(struct probe_run *run);

/* Somebody who held a socket is gone: it is passed on, or our memory is old. */
static bool
is_stale(struct probe_run *run, const struct procs *procs)
{
	const struct port_memory *memory = probe_memory(run, sizeof(*memory));

	for (size_t i = 0; i < memory->owners.count; i++)
		if (find(procs, memory->owners.all[i].pid) == NULL)
			return true;
	return false;
}

static void
on_procs(void *arg, const struct procs_trouble *trouble, const struct procs *procs)
{
	struct probe_run *run = arg;
	struct port_run *state = probe_state(run);

	state->call = NULL;
	if (failed(run, trouble))
		return;
	if (!state->is_searched && is_stale(run, procs))
		search(run);
	else
		judge(run, procs);
}

static void
look_at_processes(struct probe_run *run)
{
	const struct port_memory *memory = probe_memory(run, sizeof(*memory));
	struct port_run *state = probe_state(run);
	const struct procs_request r = request(run);
	uint32_t pids[PROCS_OWNERS_MAX];

	if (memory->owners.count == 0) {
		const struct procs none = { .count = 0 };

		judge(run, &none);
		return;
	}
	for (size_t i = 0; i < memory->owners.count; i++)
		pids[i] = memory->owners.all[i].pid;
	state->step = "the listening process";
	state->call = procs_some_start(&r, pids, memory->owners.count, on_procs);
}

static void
on_pidfile(void *arg, const struct fs_result *r)
{
	struct probe_run *run = arg;
	const struct port_conf *conf = probe_conf(run);
	struct port_run *state = probe_state(run);

	state->pidfile = NULL;
	if (fs_veiled(run, r, conf->owner.pidfile))
		return;
	/* No pid file, no such process: whoever listens is another. */
	if (r->status == FS_OK)
		state->pid = proc_parse_pidfile(r->data, r->data_len);
	else if (r->status != FS_FAILED || (r->error != ENOENT && r->error != ENOTDIR)) {
		const struct procs_trouble trouble = { r->status, r->error };

		state->step = "the pid file";
		failed(run, &trouble);
		return;
	}
	look_at_processes(run);
}

static void
read_pidfile(struct probe_run *run)
{
	const struct port_conf *conf = probe_conf(run);
	struct port_run *state = probe_state(run);
	const struct io_env *env = probe_env(run);
	bool is_sidecar = env->host_root != NULL && !str_eq(env->host_root, "/");
	char path[FS_PATH_MAX];

	if (conf->owner.pidfile == NULL || state->pid > 0) {
		look_at_processes(run);
		return;
	}
	snprintf(path, sizeof(path), "%s%s", is_sidecar ? env->host_root : "", conf->owner.pidfile);
	state->pidfile = fs_call_start(env->fs,
		&(struct fs_request){ .op = FS_READ,
			.path = path,
			.length = PIDFILE_MAX,
			.root = env->host_root },
		probe_time_left(run), on_pidfile, run);
}

static void
on_owners(void *arg, const struct procs_trouble *trouble, const struct procs_owners *owners)
{
	struct probe_run *run = arg;
	struct port_memory *memory = probe_memory(run, sizeof(*memory));
	struct port_run *state = probe_state(run);

	state->call = NULL;
	if (failed(run, trouble))
		return;
	memory->owners = *owners;
	memory->inode_count = state->count;
	for (unsigned i = 0; i < state->count; i++)
		memory->inodes[i] = state->wanted[i]->inode;
	read_pidfile(run);
}

static void
search(struct probe_run *run)
{
	struct port_run *state = probe_state(run);
	const struct procs_request r = request(run);
	uint64_t inodes[SOCK_LISTENERS_MAX];

	for (unsigned i = 0; i < state->count; i++)
		inodes[i] = state->wanted[i]->inode;
	state->is_searched = true;
	state->step = "the descriptors of all processes";
	state->call = procs_owners_start(&r, inodes, state->count, on_owners);
}

/* The same sockets as at the last run, and somebody was found for them. */
static bool
is_remembered(struct probe_run *run)
{
	const struct port_memory *memory = probe_memory(run, sizeof(*memory));
	const struct port_run *state = probe_state(run);

	if (memory->inode_count != state->count || memory->owners.count == 0)
		return false;
	for (unsigned i = 0; i < state->count; i++)
		if (memory->inodes[i] != state->wanted[i]->inode)
			return false;
	return true;
}

static void
on_sockets(void *arg, const struct procs_trouble *trouble, const struct sock_table *table)
{
	struct probe_run *run = arg;
	struct port_run *state = probe_state(run);

	state->call = NULL;
	if (failed(run, trouble))
		return;
	state->table = *table;
	choose(state, probe_conf(run));
	measure(run);
	if (state->count == 0)
		fail_nobody(run);
	else if (is_remembered(run))
		read_pidfile(run);
	else
		search(run);
}

static void
start(struct probe_run *run)
{
	const struct port_conf *conf = probe_conf(run);
	struct port_run *state = probe_state(run);
	const struct procs_request r = request(run);

	state->step = "the table of sockets";
	state->call = procs_sockets_start(&r, (enum sock_proto)conf->proto, conf->port, on_sockets);
}

static void
stop(struct probe_run *run)
{
	struct port_run *state = probe_state(run);

	procs_cancel(state->call);
	fs_call_cancel(state->pidfile);
	state->call = NULL;
	state->pidfile = NULL;
}

static const char *
stuck(struct probe_run *run, char *text, size_t size)
{
	const struct port_run *state = probe_state(run);

	snprintf(text, size, "%s could not be read",
		state->step != NULL ? state->step : "the table of sockets");
	return "self.local";
}

/* --- settings --- */

/* "8000" and "*:8000" are ":8000". */
static int
parse_listen(struct port_conf *conf, struct err *e)
{
	const char *text = conf->listen;
	struct place place;
	char port[16];

	if (text[0] == '*')
		text++;
	if (strspn(text, "0123456789") == strlen(text) && strlen(text) < 6) {
		snprintf(port, sizeof(port), ":%s", text);
		text = port;
	}
	if (place_parse(&place, text, e) < 0)
		return -1;
	if (place.path[0] != '\0' || place.port == 0)
		return err_set(e, 0, "a port is wanted, such as 8000 or 127.0.0.1:8000");
	conf->port = place.port;
	memcpy(conf->host, place.host, sizeof(conf->host));
	conf->is_anywhere = text[0] == ':' && text[1] != ':';
	if (addr_from_numeric(&conf->address, place.host, place.port) < 0)
		return err_set(
			e, 0, "\"%s\" is a name; a listener has a numeric address", place.host);
	return 0;
}

static void
check(void *conf_, const struct conf_node *map, const struct probe_setup *setup,
	struct complaints *complaints)
{
	const struct conf_node *owner = map != NULL ? conf_get(map, "owner") : NULL;
	struct port_conf *conf = conf_;
	struct err e;

	proc_match_prepare(&conf->owner, owner, setup->host_root, complaints);
	if (conf->listen != NULL && parse_listen(conf, &e) < 0) {
		struct conf_pos pos = conf_pos_of(map, "listen");

		complain(complaints, &pos, "listen: %s", e.text);
	}
}

static void
release(void *conf_)
{
	struct port_conf *conf = conf_;

	proc_match_release(&conf->owner);
}

static void
reveal(const void *conf_, const char *instance, struct revealed *out)
{
	const struct port_conf *conf = conf_;

	(void)instance;
	out->port = conf->port;
	out->host = conf->is_anywhere ? NULL : conf->host;
	out->is_udp = conf->proto == SOCK_UDP;
	out->unit = conf->owner.unit;
	out->process = conf->owner.name;
	out->user = conf->owner.user;
}

static void
target(const void *conf_, const char *instance, char *out, size_t size)
{
	const struct port_conf *conf = conf_;

	(void)instance;
	snprintf(out, size, "%s %s", proto_names[conf->proto >= 0 ? conf->proto : 0],
		conf->listen != NULL ? conf->listen : "");
}

/* ":8000": without a host there is nothing to connect to. */
static bool
takes(const char *text)
{
	return text[0] == ':' && text[1] != '\0' &&
	       strspn(text + 1, "0123456789") == strlen(text + 1);
}

const struct probe_type probe_type_port = {
	.name = "port",
	.summary = "Looks who listens on a port of this host, and whether it is who should.",
	.manual =
		"Nothing is connected to: the kernel's table of sockets is read "
		"(`NETLINK_SOCK_DIAG`). It shows the network namespace that the daemon runs in, in "
		"a "
		"container the container's own; with `daemon.host_root` the host's, from its "
		"`proc/1/net` (without `backlog`).\n\nThe owner is the process that has the "
		"listening socket; clients of the port are never named. A process of another user "
		"can be seen with the capabilities `CAP_SYS_PTRACE` and `CAP_DAC_READ_SEARCH` "
		"only: "
		"without them the check says that somebody listens, is ok, and notes "
		"`proc.no-right`; an `owner` with `user` alone can still be judged. With `proto: "
		"udp`, sockets that are bound and not connected count as listeners.",
	.fields = fields,
	.metrics = metrics,
	.conf_size = sizeof(struct port_conf),
	.run_size = sizeof(struct port_run),
	.check = check,
	.release = release,
	.target = target,
	.reveal = reveal,
	.start = start,
	.stop = stop,
	.stuck = stuck,
	.url_key = "listen",
	.takes = takes,
};

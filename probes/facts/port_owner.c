/*
 * Who listens where the check looks: the process, whose it is, since when, and what it has open.
 *
 *	sockets -> owners -> processes -> descriptors -> (container) -> (the same program, older) ->
 *		user
 *
 * What is learned of a place while it is well comes from here, too.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/loop.h"
#include "io/proc_fds.h"
#include "io/resolve.h"
#include "probes/docker_client.h"
#include "probes/facts/fact_proc.h"
#include "probes/net_local.h"
#include "probes/proc_words.h"

#define FREE_TRIES 50 /* ports looked at for a free one */
#define PASSWD_MAX FS_DATA_MAX

enum key {
	KEY_LISTENING,
	KEY_PID,
	KEY_COMM,
	KEY_CMDLINE,
	KEY_USER,
	KEY_ADDRESS,
	KEY_LOOPBACK_ONLY,
	KEY_COVERS,
	KEY_AGE,
	KEY_UNIT,
	KEY_CONTAINER,
	KEY_COUNT,
	KEY_QUEUE,
	KEY_BACKLOG,
	KEY_TIME_WAIT,
	KEY_FREE_PORT,
	KEY_OLDER_SAME,
	KEY_OLDER_PID,
	KEY_EXE,
	KEY_DATA_DIR,
	KEY_LOG_PATH,
};

static const struct metric_desc keys[] = {
	{ "listening", METRIC_FLAG, UNIT_BOOL, "Somebody listens on the port or socket." },
	{ "pid", METRIC_GAUGE, UNIT_NONE, "The process that does." },
	{ "comm", METRIC_GAUGE, UNIT_TEXT, "Its name." },
	{ "cmdline", METRIC_GAUGE, UNIT_TEXT, "Its command line; credentials are masked." },
	{ "user", METRIC_GAUGE, UNIT_TEXT, "The user that it runs as." },
	{ "address", METRIC_GAUGE, UNIT_TEXT, "Where it listens: \"127.0.0.1:6379\"." },
	{ "loopback_only", METRIC_FLAG, UNIT_BOOL, "All who listen do so on loopback only." },
	{ "covers", METRIC_FLAG, UNIT_BOOL,
		"Connections to the check's address come to a listener." },
	{ "age", METRIC_GAUGE, UNIT_SECONDS, "Since the process was started." },
	{ "unit", METRIC_GAUGE, UNIT_TEXT, "Its systemd unit." },
	{ "container", METRIC_GAUGE, UNIT_TEXT, "Its container." },
	{ "count", METRIC_GAUGE, UNIT_NONE, "Sockets that listen." },
	{ "queue", METRIC_GAUGE, UNIT_NONE, "Connections that wait to be accepted." },
	{ "backlog", METRIC_GAUGE, UNIT_NONE, "Room of that queue." },
	{ "time_wait", METRIC_GAUGE, UNIT_NONE, "Connections of the port in TIME_WAIT." },
	{ "free_port", METRIC_GAUGE, UNIT_NONE, "The next port that nobody listens on." },
	{ "older_same", METRIC_FLAG, UNIT_BOOL, "An older process of the same name runs, too." },
	{ "older_pid", METRIC_GAUGE, UNIT_NONE, "That process." },
	{ "exe", METRIC_GAUGE, UNIT_TEXT, "Its program." },
	{ "data_dir", METRIC_GAUGE, UNIT_TEXT, "Where it keeps its data, as far as it shows." },
	{ "log_path", METRIC_GAUGE, UNIT_TEXT, "A log file that it has open." },
	{ .name = NULL },
};

/* From run to run: whose sockets these were.  The search for them looks at every descriptor of
 * every process; as long as the sockets are the same, it need not be made again. */
struct owner_memory {
	uint64_t inodes[SOCK_LISTENERS_MAX];
	unsigned inode_count;
	uint32_t pids[PROCS_OWNERS_MAX];
	unsigned pid_count;
};

struct owner_run {
	struct procs_call *call;
	struct proc_fds_call *fds_call;
	struct fs_call *passwd;
	struct docker_call *docker;
	struct docker_places places;
	uint64_t inodes[SOCK_LISTENERS_MAX];
	unsigned count;
	bool is_searched;  /* in this run */
	struct proc owner; /* pid 0: not known */
	double age_s;
};

static void finish(struct fact_run *run);

/* --- who it is --- */

static void
on_passwd(void *arg, const struct fs_result *r)
{
	struct fact_run *run = arg;
	struct owner_run *state = fact_state(run);
	char user[FACT_USER_MAX];
	bool is_read = r->status == FS_OK;

	state->passwd = NULL;
	fact_proc_user(is_read ? r->data : "", is_read ? r->data_len : 0, state->owner.uid, user);
	fact_text(run, KEY_USER, "%s", user);
	finish(run);
}

static void
ask_user(struct fact_run *run)
{
	struct owner_run *state = fact_state(run);
	char path[FS_PATH_MAX];

	if (!state->owner.has_uid) {
		finish(run);
		return;
	}
	fact_host_path(run, "/etc/passwd", path);
	state->passwd = fs_call_start(fact_env(run)->fs,
		&(struct fs_request){ .op = FS_READ,
			.path = path,
			.length = PASSWD_MAX,
			.root = fact_env(run)->host_root },
		fact_time_left(run) / 2, on_passwd, run);
}

static bool
is_same_program(void *arg, const struct proc *proc)
{
	const struct owner_run *state = fact_state(arg);

	return strcmp(proc->comm, state->owner.comm) == 0;
}

static void
on_same(void *arg, const struct procs_trouble *trouble, const struct procs *procs)
{
	struct fact_run *run = arg;
	struct owner_run *state = fact_state(run);
	const struct proc *older = NULL;

	state->call = NULL;
	if (trouble->status == FS_OK) {
		for (size_t i = 0; i < procs->count; i++) {
			const struct proc *p = &procs->all[i];

			/* Its own parents and children are not another instance. */
			if (p->pid != state->owner.pid && p->ppid != state->owner.pid &&
				p->pid != state->owner.ppid &&
				p->start_ticks < state->owner.start_ticks)
				older = p;
		}
		fact_number(run, KEY_OLDER_SAME, older != NULL);
	}
	if (older != NULL) {
		fact_number(run, KEY_OLDER_PID, older->pid);
		fact_line(run, "an older %s runs, too: pid %u", older->comm, older->pid);
	}
	ask_user(run);
}

/* Only where something is wrong: it costs a look at every process. */
static void
ask_same(struct fact_run *run)
{
	const struct sample *sample = fact_sample(run);
	const struct procs_request r = fact_procs(run);
	struct owner_run *state = fact_state(run);

	if (sample == NULL || sample->outcome != OUTCOME_FAIL) {
		ask_user(run);
		return;
	}
	state->call = procs_list_start(&r, false, is_same_program, on_same);
}

/* --- the container behind Docker's proxy --- */

static void
on_containers(void *arg, const struct docker_reply *reply)
{
	struct fact_run *run = arg;
	struct owner_run *state = fact_state(run);
	const json_t *one = NULL;
	const char *name;

	state->docker = NULL;
	if (reply->fault == FAULT_NONE && reply->status == 200)
		one = docker_publisher(reply->json, fact_subject(run)->port);
	name = json_string_value(json_array_get(json_object_get(one, "Names"), 0));
	if (name != NULL) {
		name += name[0] == '/';
		fact_text(run, KEY_CONTAINER, "%s", name);
		fact_line(run, "it publishes the port of container %s", name);
	} else {
		fact_line(run, "which container it publishes is not known: %s",
			reply->text != NULL && reply->text[0] != '\0'
				? reply->text
				: "the container API names none");
	}
	ask_same(run);
}

static void
ask_docker(struct fact_run *run)
{
	struct owner_run *state = fact_state(run);

	if (!str_eq(state->owner.comm, "docker-proxy") ||
		docker_places_parse(&state->places, NULL, NULL) == -1) {
		ask_same(run);
		return;
	}
	state->docker = docker_get(fact_env(run), &state->places, "/containers/json",
		fact_time_left(run) / 2, on_containers, run);
}

/* --- what it has open --- */

/* The value of an option that names the folder: "-D", "--datadir=...", "--dir ...". */
static bool
option_folder(const struct proc *proc, char out[PROC_EXE_MAX])
{
	static const char *const options[] = { "-D", "--datadir", "--dir", "--data", "--data-dir" };
	const char *at = proc->cmdline;

	while (*at != '\0') {
		size_t len = strcspn(at, "\n");
		const char *next = at + len + (at[len] == '\n');

		for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
			size_t head = strlen(options[i]);
			const char *value = NULL;

			if (len < head || strncmp(at, options[i], head) != 0)
				continue;
			if (len == head)
				value = next;
			else if (at[head] == '=' || head == 2)
				value = at + head + (at[head] == '=');
			if (value == NULL || value[0] != '/')
				continue;
			snprintf(out, PROC_EXE_MAX, "%.*s", (int)strcspn(value, "\n"), value);
			return true;
		}
		at = next;
	}
	return false;
}

static void
on_fds(void *arg, const struct procs_trouble *trouble, const struct proc_fds *fds)
{
	struct fact_run *run = arg;
	struct owner_run *state = fact_state(run);
	char folder[PROC_EXE_MAX];

	state->fds_call = NULL;
	if (option_folder(&state->owner, folder))
		fact_text(run, KEY_DATA_DIR, "%s", folder);
	else if (trouble->status == FS_OK && fds->cwd[0] == '/' && fds->cwd[1] != '\0')
		fact_text(run, KEY_DATA_DIR, "%s", fds->cwd);
	if (trouble->status == FS_OK && fds->exe[0] == '/')
		fact_text(run, KEY_EXE, "%s", fds->exe);
	if (trouble->status == FS_OK && fds->log[0] != '\0')
		fact_text(run, KEY_LOG_PATH, "%s", fds->log);
	ask_docker(run);
}

/* --- the process --- */

static void
tell_owner(struct fact_run *run, const struct procs *procs, const struct proc *proc)
{
	char unit[FACT_UNIT_MAX], container[FACT_CONTAINER_MAX], text[1024];

	fact_number(run, KEY_PID, proc->pid);
	fact_text(run, KEY_COMM, "%s", proc->comm);
	fact_number(run, KEY_AGE, proc_words_age_s(procs, proc));
	proc_words_cmdline(proc, text, sizeof(text));
	if (text[0] != '\0')
		fact_text(run, KEY_CMDLINE, "%s", text);
	fact_proc_container(proc->cgroup, container);
	fact_proc_unit(proc->cgroup, unit);
	if (container[0] != '\0')
		fact_text(run, KEY_CONTAINER, "%s", container);
	if (unit[0] != '\0')
		fact_text(run, KEY_UNIT, "%s", unit);
	proc_words_long(procs, proc, text, sizeof(text));
	fact_line(run, "%s", text);
}

static bool
is_init(const struct proc *proc)
{
	return proc->pid == 1 && str_eq(proc->comm, "systemd");
}

/* The oldest: a server's first process, not one of its workers. */
static const struct proc *
choose(const struct procs *procs)
{
	const struct proc *found = NULL;

	for (size_t i = 0; i < procs->count; i++) {
		const struct proc *p = &procs->all[i];

		if (found == NULL || (is_init(found) && !is_init(p)) ||
			(p->start_ticks < found->start_ticks && !is_init(p)))
			found = p;
	}
	return found;
}

static void search(struct fact_run *run);

static void
on_procs(void *arg, const struct procs_trouble *trouble, const struct procs *procs)
{
	struct fact_run *run = arg;
	const struct owner_memory *memory = fact_memory(run, sizeof(*memory));
	struct owner_run *state = fact_state(run);
	const struct procs_request r = fact_procs(run);
	const struct proc *proc;

	state->call = NULL;
	if (fact_proc_failed(run, trouble, "the listening process"))
		return;
	if (!state->is_searched && procs->count < memory->pid_count) {
		search(run); /* one of them is gone, and may have passed its socket on */
		return;
	}
	proc = choose(procs);
	if (proc == NULL) {
		fact_line(run, "the process that listened is gone by now");
		finish(run);
		return;
	}
	state->owner = *proc;
	tell_owner(run, procs, proc);
	state->fds_call = proc_fds_start(&r, proc->pid, on_fds);
}

static void
look_at_owners(struct fact_run *run)
{
	const struct owner_memory *memory = fact_memory(run, sizeof(*memory));
	struct owner_run *state = fact_state(run);
	const struct procs_request r = fact_procs(run);

	state->call = procs_some_start(&r, memory->pids, memory->pid_count, on_procs);
}

static void
on_owners(void *arg, const struct procs_trouble *trouble, const struct procs_owners *owners)
{
	struct fact_run *run = arg;
	struct owner_memory *memory = fact_memory(run, sizeof(*memory));
	struct owner_run *state = fact_state(run);

	state->call = NULL;
	if (fact_proc_failed(run, trouble, "the descriptors of all processes"))
		return;
	memcpy(memory->inodes, state->inodes, sizeof(memory->inodes));
	memory->inode_count = state->count;
	memory->pid_count = (unsigned)owners->count;
	for (size_t i = 0; i < owners->count; i++)
		memory->pids[i] = owners->all[i].pid;
	if (owners->count > 0) {
		look_at_owners(run);
		return;
	}
	if (owners->denied > 0)
		fact_line(run,
			"which process it is cannot be seen: give the daemon CAP_SYS_PTRACE and "
			"CAP_DAC_READ_SEARCH (AmbientCapabilities= of its unit)");
	else
		fact_line(run, "which process it is is not in our /proc: another container's, or "
			       "the kernel's");
	finish(run);
}

static void
search(struct fact_run *run)
{
	struct owner_run *state = fact_state(run);
	const struct procs_request r = fact_procs(run);

	state->is_searched = true;
	state->call = procs_owners_start(&r, state->inodes, state->count, on_owners);
}

static void
ask_owners(struct fact_run *run)
{
	const struct owner_memory *memory = fact_memory(run, sizeof(*memory));
	const struct owner_run *state = fact_state(run);
	bool is_known =
		memory->pid_count > 0 && memory->inode_count == state->count &&
		memcmp(memory->inodes, state->inodes, state->count * sizeof(state->inodes[0])) == 0;

	if (is_known)
		look_at_owners(run);
	else
		search(run);
}

/* --- sockets --- */

static void
tell_nobody(struct fact_run *run)
{
	const struct subject *s = fact_subject(run);

	if (s->socket != NULL)
		fact_line(run, "nobody listens on %s", s->socket);
	else
		fact_line(run, "nobody listens on port %u of this host", s->port);
	finish(run);
}

static void
find_free_port(struct fact_run *run)
{
	const struct subject *s = fact_subject(run);
	struct sock_table table;

	if (!fact_is_own_host(run))
		return; /* what the kernel would tell is our own network's */
	for (unsigned port = s->port + 1; port <= UINT16_MAX && port < s->port + FREE_TRIES;
		port++) {
		if (sock_diag_read(&table, s->is_udp ? SOCK_UDP : SOCK_TCP, (uint16_t)port,
			    SOCK_LISTENERS, NULL) < 0)
			return;
		if (table.count == 0) {
			fact_number(run, KEY_FREE_PORT, port);
			return;
		}
	}
}

static void
take_table(struct fact_run *run, const struct sock_table *table)
{
	struct owner_run *state = fact_state(run);
	const struct sock_listener *fullest = &table->listeners[0];
	const struct subject *s = fact_subject(run);
	bool is_loopback = true, covers = false;
	char text[ADDR_TEXT];
	struct addr to;
	bool has_address = addr_from_numeric(&to, s->address != NULL ? s->address : "",
				   (uint16_t)s->port) == 0;

	for (unsigned i = 0; i < table->count; i++) {
		const struct sock_listener *l = &table->listeners[i];

		state->inodes[state->count++] = l->inode;
		is_loopback = is_loopback && addr_is_loopback(&l->local);
		covers = covers || !has_address || sock_listener_covers(l, &to);
		if (l->queued > fullest->queued)
			fullest = l;
	}
	addr_text(&fullest->local, text);
	fact_text(run, KEY_ADDRESS, "%s", text);
	fact_number(run, KEY_LOOPBACK_ONLY, is_loopback);
	fact_number(run, KEY_COVERS, covers);
	if (fullest->has_queue)
		fact_number(run, KEY_QUEUE, fullest->queued);
	if (fullest->has_backlog)
		fact_number(run, KEY_BACKLOG, fullest->backlog);
	if (fullest->has_backlog && fullest->queued > fullest->backlog / 2)
		fact_line(run, "%u connections wait to be accepted at %s, there is room for %u",
			fullest->queued, text, fullest->backlog);
}

static void
on_sockets(void *arg, const struct procs_trouble *trouble, const struct sock_table *table)
{
	struct fact_run *run = arg;
	struct owner_run *state = fact_state(run);
	unsigned waiting;
	char list[512];

	state->call = NULL;
	if (fact_proc_failed(run, trouble, "the table of sockets"))
		return;
	waiting = table->by_state[SOCK_TIME_WAIT];
	fact_number(run, KEY_LISTENING, table->count > 0);
	fact_number(run, KEY_COUNT, table->count);
	fact_number(run, KEY_TIME_WAIT, waiting);
	if (waiting > 0)
		fact_line(run, "%u connection%s of port %u in TIME_WAIT", waiting,
			waiting == 1 ? "" : "s", fact_subject(run)->port);
	if (table->count == 0) {
		tell_nobody(run);
		return;
	}
	net_local_list(table, list, sizeof(list));
	fact_line(run, "listening: %s", list);
	take_table(run, table);
	find_free_port(run);
	ask_owners(run);
}

static void
on_unix(void *arg, const struct procs_trouble *trouble, const struct proc_listeners *listeners)
{
	struct fact_run *run = arg;
	struct owner_run *state = fact_state(run);

	state->fds_call = NULL;
	if (fact_proc_failed(run, trouble, "the table of unix sockets"))
		return;
	fact_number(run, KEY_LISTENING, listeners->count > 0);
	fact_number(run, KEY_COUNT, listeners->count);
	if (listeners->count == 0) {
		tell_nobody(run);
		return;
	}
	fact_text(run, KEY_ADDRESS, "%s", fact_subject(run)->socket);
	fact_number(run, KEY_COVERS, 1);
	memcpy(state->inodes, listeners->inodes, sizeof(state->inodes));
	state->count = listeners->count;
	ask_owners(run);
}

/* --- the run --- */

static void
finish(struct fact_run *run)
{
	fact_had(run);
}

/* Is it a place of this host?  One that nobody has looked up yet is taken for none. */
static bool
is_here(struct fact_run *run)
{
	const struct subject *s = fact_subject(run);
	struct resolver *resolver = fact_env(run)->resolver;
	struct resolve_answer answer;
	struct addr addr;

	if (s->host == NULL || s->is_local)
		return true;
	if (addr_from_numeric(&addr, s->address != NULL ? s->address : s->host, 0) == 0)
		return net_local_is_ours(&addr);
	return resolver != NULL && resolve_now(resolver, s->host, &answer) && answer.count > 0 &&
	       net_local_is_ours(&answer.addrs[0]);
}

static void
start(struct fact_run *run)
{
	const struct subject *s = fact_subject(run);
	const struct procs_request r = fact_procs(run);
	struct owner_run *state = fact_state(run);

	if (s->socket != NULL)
		state->fds_call = proc_listeners_start(&r, s->socket, on_unix);
	else if (s->port == 0)
		fact_none(run, "the check names no port");
	else if (!is_here(run))
		fact_none(run, "%s is not this host", s->host);
	else
		state->call = procs_sockets_start(
			&r, s->is_udp ? SOCK_UDP : SOCK_TCP, (uint16_t)s->port, on_sockets);
}

static void
stop(struct fact_run *run)
{
	struct owner_run *state = fact_state(run);

	procs_cancel(state->call);
	proc_fds_cancel(state->fds_call);
	fs_call_cancel(state->passwd);
	docker_call_cancel(state->docker);
}

const struct fact_type fact_type_port_owner = {
	.name = "port-owner",
	.summary = "Who listens on the port or socket that the check looks at.",
	.rights = "CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, to see other users' processes.",
	.keys = keys,
	.run_size = sizeof(struct owner_run),
	.start = start,
	.stop = stop,
};

/*
 * The helper's walks over /proc: a process that is stuck in the kernel may hold the lock that its
 * command line, environment and descriptors are read under, which is why this is not done on the
 * loop.  Keeps nothing between two questions.  Processes come and go meanwhile: whatever is gone
 * when it is looked at was never there.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/str.h"
#include "io/proc_wire.h"
#include "io/sock_diag.h"

#define PIDS_MAX    (1 << 18)
#define NAME_SIZE   (sizeof(((struct fs_ask *)0)->path) + 64)
#define ENV_MAX     (1 << 20)
#define SOCKETS_MAX 256 /* inodes in one question */

/* --- small things --- */

/* A whole file, terminated; its length, or -1 and errno. */
static ssize_t
read_file(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	size_t len = 0;
	ssize_t got = 0;
	int error;

	if (fd == -1)
		return -1;
	while (len < size - 1) {
		got = read(fd, out + len, size - 1 - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	error = errno;
	close(fd);
	out[len] = '\0';
	errno = error;
	return got < 0 && len == 0 ? -1 : (ssize_t)len;
}

static ssize_t
read_of(const struct fs_ask *ask, uint32_t pid, const char *file, char *out, size_t size)
{
	char path[NAME_SIZE];

	snprintf(path, sizeof(path), "%s/%u/%s", ask->path, pid, file);
	return read_file(path, out, size);
}

static uint64_t
uptime_ms(const struct fs_ask *ask)
{
	char path[NAME_SIZE], text[64];
	struct timespec now;
	double seconds;

	snprintf(path, sizeof(path), "%s/uptime", ask->path);
	if (read_file(path, text, sizeof(text)) > 0 && sscanf(text, "%lf", &seconds) == 1 &&
		seconds >= 0 && seconds < 1e12)
		return (uint64_t)(seconds * 1000);
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- which processes there are --- */

struct pids {
	uint32_t *all;
	size_t count, room;
};

static bool
add_pid(struct pids *pids, uint32_t pid)
{
	if (pids->count == PIDS_MAX)
		return false;
	if (pids->count == pids->room) {
		size_t room = pids->room > 0 ? pids->room * 2 : 1024;
		uint32_t *all = reallocarray(pids->all, room, sizeof(*all));

		if (all == NULL)
			return false;
		pids->all = all;
		pids->room = room;
	}
	pids->all[pids->count++] = pid;
	return true;
}

static int
compare_pids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* All, in order: a listing of /proc is, another file system's need not be. */
static int
collect(struct pids *pids, const struct fs_ask *ask)
{
	DIR *dir = opendir(ask->path);
	const struct dirent *entry;
	uint32_t pid;

	if (dir == NULL)
		return errno;
	while ((entry = readdir(dir)) != NULL)
		if (proc_parse_pid(&pid, entry->d_name) && !add_pid(pids, pid))
			break;
	closedir(dir);
	if (pids->count > 1)
		qsort(pids->all, pids->count, sizeof(*pids->all), compare_pids);
	return 0;
}

/* Others' processes are not listed at all (hidepid=2): the first of a namespace always is there. */
static bool
is_hiding(const struct pids *pids)
{
	return pids->count == 0 || pids->all[0] != 1;
}

/* Those that the question names ("12\n13"), and no other. */
static void
collect_named(struct pids *pids, const char *names)
{
	while (*names != '\0') {
		uint32_t pid = (uint32_t)strtoul(names, NULL, 10);

		if (pid > 0 && !add_pid(pids, pid))
			return;
		names += strcspn(names, "\n");
		names += *names == '\n';
	}
}

/* Every mount of it has this name, whatever it shows; a fixture of the tests need not. */
static bool
is_mounted(const struct fs_ask *ask)
{
	char path[NAME_SIZE];
	struct stat st;

	snprintf(path, sizeof(path), "%s/self", ask->path);
	return lstat(path, &st) == 0;
}

/* --- one process --- */

/*
 * False: gone, or not shown to us (hidepid=1 lists a process and says EPERM to all of its files).
 * The command line is read under the lock of the process's memory: not where the process is likely
 * to sleep with it.
 */
static bool
read_one(struct proc *proc, const struct fs_ask *ask, uint32_t pid, uint32_t *is_hidden)
{
	char text[8192];
	ssize_t len = read_of(ask, pid, "stat", text, sizeof(text));

	memset(proc, 0, sizeof(*proc));
	if (len < 0 && (errno == EPERM || errno == EACCES))
		*is_hidden = 1;
	if (len <= 0 || !proc_parse_stat(proc, text, (size_t)len))
		return false;
	proc->pid = pid;
	if (read_of(ask, pid, "status", text, sizeof(text)) > 0)
		proc->has_uid = proc_parse_uid(&proc->uid, text);
	if (read_of(ask, pid, "cgroup", text, sizeof(text)) < 0)
		text[0] = '\0';
	proc_parse_cgroup(proc, text);
	if ((ask->length & PROC_WANT_CMDLINE) == 0 || proc->state == 'D')
		return true;
	len = read_of(ask, pid, "cmdline", text, sizeof(text));
	if (len >= 0)
		proc_parse_cmdline(proc, text, (size_t)len);
	return true;
}

int
proc_helper_list(const struct fs_ask *ask, struct fs_answer *answer)
{
	struct proc_page page = { .uptime_ms = uptime_ms(ask),
		.ticks_per_s = (uint32_t)sysconf(_SC_CLK_TCK),
		.page_bytes = (uint32_t)sysconf(_SC_PAGESIZE) };
	const char *named = fs_ask_arg(ask);
	bool was_mounted = str_eq(ask->path, "/proc") || is_mounted(ask);
	struct pids pids = { NULL, 0, 0 };
	size_t len = sizeof(page), gone = 0;
	int error = 0;

	if (*named != '\0')
		collect_named(&pids, named);
	else
		error = collect(&pids, ask);
	page.is_hidden = *named == '\0' && is_hiding(&pids);
	for (size_t i = 0; i < pids.count && page.next_pid == 0; i++) {
		struct proc proc;

		if (pids.all[i] < ask->offset && *named == '\0')
			continue;
		if (!read_one(&proc, ask, pids.all[i], &page.is_hidden))
			gone++;
		else if (!proc_pack(answer->data, FS_DATA_MAX, &len, &proc))
			page.next_pid = pids.all[i];
	}
	free(pids.all);
	if (gone > 0 && was_mounted && !is_mounted(ask))
		error = ENOENT; /* not the processes went, but /proc from under us */
	memcpy(answer->data, &page, sizeof(page));
	answer->result.data_len = (uint32_t)len;
	return error;
}

/* --- details of one --- */

static void
count_fds(struct proc_look_head *head, const struct fs_ask *ask)
{
	char path[NAME_SIZE];
	struct stat st;
	DIR *dir;

	head->fds = -1;
	snprintf(path, sizeof(path), "%s/%u/fd", ask->path, (unsigned)ask->offset);
	dir = opendir(path);
	if (dir == NULL) {
		head->fd_error = errno;
		return;
	}
	/* Since Linux 6.2 the folder's size says it. */
	if (fstat(dirfd(dir), &st) == 0 && st.st_size > 0 && str_starts(ask->path, "/proc")) {
		head->fds = (int32_t)st.st_size;
	} else {
		const struct dirent *entry;
		uint32_t fd;

		head->fds = 0;
		while ((entry = readdir(dir)) != NULL)
			head->fds +=
				proc_parse_pid(&fd, entry->d_name) || str_eq(entry->d_name, "0");
	}
	closedir(dir);
}

static void
add_env(struct fs_answer *answer, size_t *at, const char *value, size_t len)
{
	struct proc_env row = { .is_present = value != NULL, .len = (uint32_t)len };
	size_t kept = len < PROC_ENV_MAX ? len : PROC_ENV_MAX;

	if (*at + sizeof(row) > FS_DATA_MAX)
		return;
	if (*at + sizeof(row) + kept > FS_DATA_MAX)
		kept = FS_DATA_MAX - *at - sizeof(row);
	row.kept = (uint32_t)kept;
	memcpy(answer->data + *at, &row, sizeof(row));
	if (kept > 0)
		memcpy(answer->data + *at + sizeof(row), value, kept);
	*at += sizeof(row) + kept;
}

/* Only the values of `names` leave this function. */
static int
read_env(const struct fs_ask *ask, struct fs_answer *answer, size_t *at, const char *names)
{
	char *block = malloc(ENV_MAX);
	ssize_t len;

	if (block == NULL)
		return ENOMEM;
	len = read_of(ask, (uint32_t)ask->offset, "environ", block, ENV_MAX);
	if (len < 0) {
		int error = errno;

		free(block);
		return error;
	}
	/* A title written over it looks like an environment without what we look for. */
	if (len > 0 && memchr(block, '=', strnlen(block, (size_t)len)) == NULL) {
		secret_wipe(block, (size_t)len);
		free(block);
		return EBADMSG;
	}
	while (*names != '\0') {
		size_t name_len = strcspn(names, "\n"), value_len = 0;
		char name[256];
		const char *value = NULL;

		if (name_len < sizeof(name)) {
			memcpy(name, names, name_len);
			name[name_len] = '\0';
			value = proc_find_env(block, (size_t)len, name, &value_len);
		}
		add_env(answer, at, value, value != NULL ? value_len : 0);
		names += name_len;
		names += *names == '\n';
	}
	secret_wipe(block, (size_t)len);
	free(block);
	return 0;
}

int
proc_helper_look(const struct fs_ask *ask, struct fs_answer *answer)
{
	struct proc_look_head head = { .fds = -1 };
	uint32_t pid = (uint32_t)ask->offset;
	const char *names = fs_ask_arg(ask);
	char path[NAME_SIZE], text[8192];
	size_t len = sizeof(head);
	struct proc proc;
	ssize_t got = read_of(ask, pid, "stat", text, sizeof(text));

	if (got <= 0 || !proc_parse_stat(&proc, text, (size_t)got))
		return ESRCH;
	head.start_ticks = proc.start_ticks;
	count_fds(&head, ask);
	if (read_of(ask, pid, "limits", text, sizeof(text)) > 0)
		head.has_nofile = proc_parse_nofile(&head.nofile, text);
	snprintf(path, sizeof(path), "%s/%u/exe", ask->path, pid);
	got = readlink(path, head.exe, sizeof(head.exe) - 1);
	head.exe[got > 0 ? got : 0] = '\0';
	if (*names != '\0')
		head.env_error = read_env(ask, answer, &len, names);
	memcpy(answer->data, &head, sizeof(head));
	answer->result.data_len = (uint32_t)len;
	return 0;
}

/* --- who holds a socket --- */

struct search {
	uint64_t inodes[SOCKETS_MAX];
	size_t count;
	struct proc_owners_head head;
	struct proc_owner owners[PROC_OWNERS_MAX];
};

static void
note_owner(struct search *s, uint32_t pid, uint64_t inode)
{
	for (uint32_t i = 0; i < s->head.count; i++)
		if (s->owners[i].pid == pid && s->owners[i].inode == inode)
			return;
	for (size_t i = 0; i < s->count && s->head.count < PROC_OWNERS_MAX; i++)
		if (s->inodes[i] == inode)
			s->owners[s->head.count++] =
				(struct proc_owner){ .inode = inode, .pid = pid };
}

static void
search_one(struct search *s, const struct fs_ask *ask, uint32_t pid)
{
	char path[NAME_SIZE], link[64];
	const struct dirent *entry;
	bool is_denied = false;
	uint64_t inode;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%u/fd", ask->path, pid);
	dir = opendir(path);
	if (dir == NULL) {
		s->head.denied += errno == EACCES || errno == EPERM;
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		ssize_t len = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);

		is_denied |= len < 0 && (errno == EACCES || errno == EPERM);
		link[len > 0 ? len : 0] = '\0';
		if (proc_parse_socket(&inode, link))
			note_owner(s, pid, inode);
	}
	s->head.denied += is_denied;
	closedir(dir);
}

int
proc_helper_owners(const struct fs_ask *ask, struct fs_answer *answer)
{
	struct search s = { .count = 0 };
	struct pids pids = { NULL, 0, 0 };
	int error = collect(&pids, ask);
	size_t len;

	s.head.denied = is_hiding(&pids);
	for (const char *at = fs_ask_arg(ask); *at != '\0' && s.count < SOCKETS_MAX;) {
		s.inodes[s.count++] = strtoull(at, NULL, 10);
		at += strcspn(at, "\n");
		at += *at == '\n';
	}
	for (size_t i = 0; i < pids.count && s.head.count < PROC_OWNERS_MAX; i++)
		search_one(&s, ask, pids.all[i]);
	free(pids.all);
	len = s.head.count * sizeof(s.owners[0]);
	memcpy(answer->data, &s.head, sizeof(s.head));
	memcpy(answer->data + sizeof(s.head), s.owners, len);
	answer->result.data_len = (uint32_t)(sizeof(s.head) + len);
	return error;
}

/* --- which sockets a port has --- */

static int
read_net_file(struct sock_table *table, const struct fs_ask *ask, const char *name)
{
	char path[NAME_SIZE], line[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", ask->path, name);
	file = fopen(path, "re");
	if (file == NULL)
		return errno;
	while (fgets(line, sizeof(line), file) != NULL)
		sock_proc_parse(table, ask->length == SOCK_UDP ? SOCK_UDP : SOCK_TCP,
			(uint16_t)ask->offset, line);
	fclose(file);
	return 0;
}

/* Our own namespace by netlink, the mounted host's by the files of its first process. */
int
proc_helper_sockets(const struct fs_ask *ask, struct fs_answer *answer)
{
	enum sock_proto proto = ask->length == SOCK_UDP ? SOCK_UDP : SOCK_TCP;
	bool is_own = str_eq(ask->path, "/proc"), is_udp = proto == SOCK_UDP;
	struct sock_table table;
	struct err e;
	int error, error6;

	if (is_own &&
		sock_diag_read(&table, proto, (uint16_t)ask->offset, SOCK_ALL_STATES, &e) == 0) {
		error = 0;
	} else {
		const char *folder = is_own ? "self/net" : "1/net";
		char name[32];

		memset(&table, 0, sizeof(table));
		snprintf(name, sizeof(name), "%s/%s", folder, is_udp ? "udp" : "tcp");
		error = read_net_file(&table, ask, name);
		snprintf(name, sizeof(name), "%s/%s", folder, is_udp ? "udp6" : "tcp6");
		error6 = read_net_file(&table, ask, name);
		if (error6 == 0)
			error = 0; /* without IPv6 there is but one */
	}
	memcpy(answer->data, &table, sizeof(table));
	answer->result.data_len = sizeof(table);
	return error;
}

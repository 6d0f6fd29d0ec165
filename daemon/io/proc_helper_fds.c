/*
 * The helper's counts of descriptors and sockets.  A process's own tables of sockets are those of
 * its network namespace, which need not be ours.  Bounded: what is beyond is not counted.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "io/proc_fds.h"
#include "io/proc_wire.h"

#define FDS_MAX    65536
#define LINES_MAX  1000000
#define PEERS_MAX  4096 /* a power of two */
#define CLOSE_WAIT 8    /* the kernel's TCP_CLOSE_WAIT */
#define NAME_SIZE  (sizeof(((struct fs_ask *)0)->path) + 64)

struct peer {
	char text[33]; /* the address as /proc writes it */
	uint32_t count;
};

struct tally {
	struct proc_peers *out;
	struct peer *all; /* of PEERS_MAX; open addressing */
	unsigned used;
};

static void
count_peer(struct tally *t, const char *text)
{
	size_t at = (size_t)fs_hash(text, strlen(text));

	for (unsigned tries = 0; tries < PEERS_MAX; tries++, at++) {
		struct peer *peer = &t->all[at % PEERS_MAX];

		if (peer->count == 0) {
			if (t->used == PEERS_MAX / 2)
				return;
			t->used++;
			memcpy(peer->text, text, strlen(text) + 1);
		}
		if (strcmp(peer->text, text) == 0) {
			peer->count++;
			return;
		}
	}
}

/* "0100007F" or four such words, each printed as the number that it is on this machine. */
static void
address_text(const char *hex, char out[PROC_PEER_MAX])
{
	uint32_t words[4] = { 0 };
	size_t count = strlen(hex) / 8;
	char text[INET6_ADDRSTRLEN] = "";

	for (size_t i = 0; i < count && i < 4; i++) {
		char word[9];

		memcpy(word, hex + i * 8, 8);
		word[8] = '\0';
		words[i] = (uint32_t)strtoul(word, NULL, 16);
	}
	if (count == 4 && words[0] == 0 && words[1] == 0 && words[2] == htonl(0xffff))
		inet_ntop(AF_INET, &words[3], text, sizeof(text));
	else
		inet_ntop(count == 4 ? AF_INET6 : AF_INET, words, text, sizeof(text));
	snprintf(out, PROC_PEER_MAX, "%s", text);
}

static void
conclude(struct tally *t)
{
	const struct peer *top = NULL;

	for (unsigned i = 0; i < PEERS_MAX; i++)
		if (t->all[i].count > 0 && (top == NULL || t->all[i].count > top->count))
			top = &t->all[i];
	t->out->peers = t->used;
	if (top == NULL)
		return;
	t->out->top_count = top->count;
	address_text(top->text, t->out->top);
}

/* Which lines of a table count: by local port, or by the socket's inode. */
struct choice {
	unsigned port;          /* 0: not asked for */
	const uint64_t *inodes; /* sorted */
	size_t inode_count;
};

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void
count_line(struct tally *t, const struct choice *wanted, const char *line)
{
	char local[40], remote[40];
	unsigned state, local_port;
	unsigned long long number = 0;
	const char *colon;
	uint64_t inode;

	if (sscanf(line, " %*u: %39s %39s %2x %*s %*s %*s %*u %*u %llu", local, remote, &state,
		    &number) < 3 ||
		(colon = strchr(local, ':')) == NULL || strchr(remote, ':') == NULL)
		return;
	inode = number;
	local_port = (unsigned)strtoul(colon + 1, NULL, 16);
	if (wanted->port != 0 && local_port != wanted->port)
		return;
	if (wanted->port == 0 && bsearch(&inode, wanted->inodes, wanted->inode_count, sizeof(inode),
					 compare) == NULL)
		return;
	t->out->established += state == SOCK_ESTABLISHED;
	t->out->time_wait += state == SOCK_TIME_WAIT;
	t->out->close_wait += state == CLOSE_WAIT;
	if (state != SOCK_ESTABLISHED && state != CLOSE_WAIT)
		return;
	*strchr(remote, ':') = '\0';
	if (strlen(remote) == 8 || strlen(remote) == 32)
		count_peer(t, remote);
}

static int
count_table(struct tally *t, const struct choice *wanted, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[512];

	if (file == NULL)
		return errno;
	for (unsigned n = 0; n < LINES_MAX && fgets(line, sizeof(line), file) != NULL; n++)
		count_line(t, wanted, line);
	fclose(file);
	return 0;
}

/* `folder` is "/proc/12/net". */
static int
count_peers(struct proc_peers *out, const struct choice *wanted, const char *folder)
{
	struct tally t = { .out = out, .all = calloc(PEERS_MAX, sizeof(struct peer)) };
	char path[NAME_SIZE + 32];
	int error;

	if (t.all == NULL)
		return ENOMEM;
	snprintf(path, sizeof(path), "%s/tcp", folder);
	error = count_table(&t, wanted, path);
	snprintf(path, sizeof(path), "%s/tcp6", folder);
	count_table(&t, wanted, path); /* without IPv6 there is none */
	conclude(&t);
	free(t.all);
	return error;
}

/* The host's, where it is mounted: those of its first process. */
static void
net_folder(const struct fs_ask *ask, char out[NAME_SIZE])
{
	snprintf(out, NAME_SIZE, "%s/%s", ask->path,
		str_eq(ask->path, "/proc") ? "self/net" : "1/net");
}

int
proc_helper_peers(const struct fs_ask *ask, struct fs_answer *answer)
{
	struct choice wanted = { .port = (unsigned)ask->offset };
	struct proc_peers peers = { .peers = 0 };
	char folder[NAME_SIZE];
	int error;

	net_folder(ask, folder);
	error = count_peers(&peers, &wanted, folder);
	memcpy(answer->data, &peers, sizeof(peers));
	answer->result.data_len = sizeof(peers);
	return error;
}

/* --- what a process has open --- */

static void
read_link(const struct fs_ask *ask, const char *what, char out[PROC_EXE_MAX])
{
	char path[NAME_SIZE];
	ssize_t len;

	snprintf(path, sizeof(path), "%s/%u/%s", ask->path, (unsigned)ask->offset, what);
	len = readlink(path, out, PROC_EXE_MAX - 1);
	out[len > 0 ? len : 0] = '\0';
}

/* Where it writes what went wrong: its stderr, or a file of that kind of name. */
static void
note_log(struct proc_fds *fds, const char *name, const char *link)
{
	bool is_stderr = str_eq(name, "1") || str_eq(name, "2");

	if (link[0] != '/' || str_starts(link, "/dev/") || str_starts(link, "/proc/") ||
		str_ends(link, " (deleted)"))
		return;
	if (!is_stderr && !str_ends(link, ".log") && strstr(link, "error.log") == NULL)
		return;
	if (fds->log[0] == '\0' || strstr(link, "error") != NULL || str_eq(name, "2"))
		str_copy(fds->log, sizeof(fds->log), link);
}

static void
note_fd(struct proc_fds *fds, const char *name, const char *link, uint64_t *inodes, size_t *count)
{
	uint64_t inode;

	fds->count++;
	if (proc_parse_socket(&inode, link)) {
		fds->sockets++;
		if (*count < FDS_MAX)
			inodes[(*count)++] = inode;
	} else if (str_starts(link, "pipe:")) {
		fds->pipes++;
	} else if (link[0] == '/') {
		fds->files++;
		note_log(fds, name, link);
	} else {
		fds->others++;
	}
}

static int
walk_fds(struct proc_fds *fds, const struct fs_ask *ask, uint64_t *inodes, size_t *count)
{
	char path[NAME_SIZE], link[PROC_EXE_MAX];
	const struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%u/fd", ask->path, (unsigned)ask->offset);
	dir = opendir(path);
	if (dir == NULL)
		return errno == ENOENT ? ESRCH : errno;
	while ((entry = readdir(dir)) != NULL) {
		ssize_t len;

		if (entry->d_name[0] == '.')
			continue;
		len = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);
		if (len < 0) {
			fds->is_denied |= errno == EACCES || errno == EPERM;
			fds->count++;
			continue;
		}
		link[len] = '\0';
		note_fd(fds, entry->d_name, link, inodes, count);
	}
	closedir(dir);
	return 0;
}

int
proc_helper_fds(const struct fs_ask *ask, struct fs_answer *answer)
{
	struct proc_fds fds = { .count = 0 };
	uint64_t *inodes = malloc(FDS_MAX * sizeof(*inodes));
	char folder[NAME_SIZE];
	size_t count = 0;
	int error;

	if (inodes == NULL)
		return ENOMEM;
	error = walk_fds(&fds, ask, inodes, &count);
	if (count > 0) {
		struct choice wanted = { .inodes = inodes, .inode_count = count };

		qsort(inodes, count, sizeof(*inodes), compare);
		snprintf(folder, sizeof(folder), "%s/%u/net", ask->path, (unsigned)ask->offset);
		count_peers(&fds.peers, &wanted, folder);
	}
	read_link(ask, "exe", fds.exe);
	read_link(ask, "cwd", fds.cwd);
	free(inodes);
	memcpy(answer->data, &fds, sizeof(fds));
	answer->result.data_len = sizeof(fds);
	return error;
}

/* --- unix sockets --- */

#define ACCEPTS 0x10000 /* the kernel's __SO_ACCEPTCON: it listens */

/* "ffff0: 00000002 00000000 00010000 0001 01 12345 /run/redis.sock" */
static bool
parse_unix(const char *line, const char *path, uint64_t *inode)
{
	unsigned long flags;
	unsigned long long number;
	int at = 0;

	if (sscanf(line, "%*s %*x %*x %lx %*x %*x %llu %n", &flags, &number, &at) < 2 || at == 0)
		return false;
	*inode = number;
	return (flags & ACCEPTS) != 0 && strncmp(line + at, path, strcspn(line + at, "\n")) == 0 &&
	       strcspn(line + at, "\n") == strlen(path);
}

int
proc_helper_unix(const struct fs_ask *ask, struct fs_answer *answer)
{
	struct proc_listeners found = { .count = 0 };
	const char *path = fs_ask_arg(ask);
	char name[NAME_SIZE + 8], folder[NAME_SIZE], line[512];
	uint64_t inode;
	FILE *file;

	net_folder(ask, folder);
	snprintf(name, sizeof(name), "%s/unix", folder);
	file = fopen(name, "re");
	if (file == NULL)
		return errno;
	for (unsigned n = 0; n < LINES_MAX && fgets(line, sizeof(line), file) != NULL; n++)
		if (parse_unix(line, path, &inode) && found.count < SOCK_LISTENERS_MAX)
			found.inodes[found.count++] = inode;
	fclose(file);
	memcpy(answer->data, &found, sizeof(found));
	answer->result.data_len = sizeof(found);
	return 0;
}

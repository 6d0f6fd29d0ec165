/*
 * What is on this host: who listens, how many disks, whether there are containers and systemd.
 * Everything is read from /proc and the kernel's socket table, and all of it may be missing.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/mounts.h"
#include "setup/init.h"

#define TABLES_MAX      (1024 * 1024) /* bytes of one /proc/net table */
#define PROCESSES_MAX   32768
#define DESCRIPTORS_MAX 4096 /* of one process */

/* What names a listening socket until its owner is found. */
struct sockets {
	unsigned long inodes[INIT_LISTENERS_MAX];
};

/* --- listeners --- */

static char *
read_text(const char *path, size_t max)
{
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return xstrdup("");
	char *text = xmalloc(max + 1);
	size_t len = fread(text, 1, max, file);
	text[len] = '\0';
	fclose(file);
	return text;
}

/* The address that a listener is reached at from this host; false: one of another host's network
 * only, which is taken as it is. */
static void
reachable_address(const char *hex, char *out, size_t size)
{
	unsigned words[4] = { 0 };
	bool is_v6 = strlen(hex) == 32;
	for (size_t i = 0; i < (is_v6 ? 4 : 1); i++) {
		char part[9];
		memcpy(part, hex + i * 8, 8);
		part[8] = '\0';
		words[i] = (unsigned)strtoul(part, NULL, 16);
	}
	bool is_any = (words[0] | words[1] | words[2] | words[3]) == 0;
	if (is_any)
		str_copy(out, size, "127.0.0.1");
	else
		inet_ntop(is_v6 ? AF_INET6 : AF_INET, words, out, (socklen_t)size);
}

static void
add_listener(struct init_host *host, struct sockets *sockets, const char *hex, unsigned port,
	unsigned long inode)
{
	struct init_listener *it = &host->listeners[host->listener_count];
	if (host->listener_count >= INIT_LISTENERS_MAX || port == 0)
		return;
	reachable_address(hex, it->address, sizeof(it->address));
	for (size_t i = 0; i < host->listener_count; i++)
		if (host->listeners[i].port == port)
			return; /* one of both families, or of several addresses: one is enough */
	it->port = port;
	it->owner[0] = '\0';
	sockets->inodes[host->listener_count++] = inode;
}

static void
read_listeners(struct init_host *host, struct sockets *sockets, const char *path)
{
	char *text = read_text(path, TABLES_MAX), *rest = text;
	for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
		char hex[33];
		unsigned port, state;
		unsigned long inode;
		if (sscanf(line,
			    " %*u: %32[0-9A-F]:%x %*[0-9A-F]:%*x %x %*x:%*x %*x:%*x %*x %*u %*u "
			    "%lu",
			    hex, &port, &state, &inode) == 4 &&
			state == 0x0a && (strlen(hex) == 8 || strlen(hex) == 32) && port <= 65535)
			add_listener(host, sockets, hex, port, inode);
	}
	free(text);
}

/* --- their owners --- */

static void
note_owner(
	struct init_host *host, const struct sockets *sockets, unsigned long inode, const char *pid)
{
	for (size_t i = 0; i < host->listener_count; i++) {
		if (sockets->inodes[i] != inode || host->listeners[i].owner[0] != '\0')
			continue;
		char *path = xasprintf("/proc/%s/comm", pid);
		char *name = read_text(path, 64);
		name[strcspn(name, "\n")] = '\0';
		str_printable(host->listeners[i].owner, sizeof(host->listeners[i].owner), name,
			strlen(name));
		free(name);
		free(path);
	}
}

static void
look_at_process(struct init_host *host, const struct sockets *sockets, const char *pid)
{
	char *path = xasprintf("/proc/%s/fd", pid);
	DIR *dir = opendir(path);
	unsigned seen = 0;
	for (struct dirent *entry;
		dir != NULL && seen < DESCRIPTORS_MAX && (entry = readdir(dir)) != NULL; seen++) {
		char target[64];
		unsigned long inode;
		ssize_t len = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
		if (len <= 0)
			continue;
		target[len] = '\0';
		if (sscanf(target, "socket:[%lu]", &inode) == 1)
			note_owner(host, sockets, inode, pid);
	}
	if (dir != NULL)
		closedir(dir);
	free(path);
}

static void
find_owners(struct init_host *host, const struct sockets *sockets)
{
	DIR *dir = opendir("/proc");
	unsigned seen = 0;
	for (struct dirent *entry;
		dir != NULL && seen < PROCESSES_MAX && (entry = readdir(dir)) != NULL;)
		if (isdigit((unsigned char)entry->d_name[0])) {
			look_at_process(host, sockets, entry->d_name);
			seen++;
		}
	if (dir != NULL)
		closedir(dir);
}

static int
by_port(const void *a, const void *b)
{
	const struct init_listener *x = a, *y = b;
	return (x->port > y->port) - (x->port < y->port);
}

/* --- the rest --- */

static bool
is_socket(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

static void
find_docker(struct init_host *host)
{
	const char *said = getenv("DOCKER_HOST");
	const char *paths[] = {
		said != NULL && str_starts(said, "unix://") ? said + strlen("unix://") : "",
		"/var/run/docker.sock",
		"/run/podman/podman.sock",
	};
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		if (*paths[i] == '\0' || !is_socket(paths[i]))
			continue;
		str_copy(host->docker_socket, sizeof(host->docker_socket), paths[i]);
		host->is_docker_open = access(paths[i], R_OK | W_OK) == 0;
		return;
	}
}

static void
count_mounts(struct init_host *host)
{
	struct mounts mounts;
	struct err e;
	if (mounts_read(&mounts, "/", &e) != 0)
		return;
	for (size_t i = 0; i < mounts.count; i++)
		host->mounts += str_starts(mounts.all[i].source, "/") ||
				strstr(mounts.all[i].source, ":/") != NULL;
	mounts_fini(&mounts);
}

void
init_host_look(struct init_host *host)
{
	struct sockets sockets = { { 0 } };
	struct stat st;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned long kib;
	*host = (struct init_host){ .cpus = cpus > 0 ? (unsigned)cpus : 0 };
	read_listeners(host, &sockets, "/proc/net/tcp");
	read_listeners(host, &sockets, "/proc/net/tcp6");
	find_owners(host, &sockets);
	qsort(host->listeners, host->listener_count, sizeof(*host->listeners), by_port);
	find_docker(host);
	count_mounts(host);
	host->has_systemd = stat("/run/systemd/system", &st) == 0;
	char *text = read_text("/proc/meminfo", 4096);
	if (sscanf(text, "MemTotal: %lu kB", &kib) == 1)
		host->memory_bytes = (double)kib * 1024;
	free(text);
}

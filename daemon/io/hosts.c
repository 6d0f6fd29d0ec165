/*
 * The hosts file.  It lies in /etc and is small: it is read on the loop, at most HOSTS_SIZE_MAX
 * bytes and HOSTS_NAMES_MAX names of it.
 */
#include "io/hosts.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"

#define HOSTS_SIZE_MAX  ((size_t)4 << 20)
#define HOSTS_NAMES_MAX 20000
#define LOOK_AGAIN_US   USEC_PER_SEC

struct host {
	struct dns_reply v6, v4;
};

struct hosts {
	char *path;
	struct map *names;
	usec_t next_look_us;
	struct timespec mtime;
	off_t size;
	ino_t inode;
};

struct hosts *
hosts_new(const char *path)
{
	struct hosts *hosts = xcalloc(1, sizeof(*hosts));

	hosts->path = xstrdup(path);
	hosts->names = map_new();
	hosts->size = -1;
	return hosts;
}

void
hosts_free(struct hosts *hosts)
{
	if (hosts == NULL)
		return;
	map_free(hosts->names, free);
	free(hosts->path);
	free(hosts);
}

static void
add_raw(struct dns_reply *reply, const void *raw, size_t len)
{
	if (reply->count < DNS_ADDRS_MAX)
		memcpy(reply->raw[reply->count++], raw, len);
}

static void
add_name(struct hosts *hosts, char *name, int family, const void *raw)
{
	size_t len = strlen(name);
	struct host *host;

	for (char *p = name; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	if (len > 0 && name[len - 1] == '.')
		name[len - 1] = '\0';
	host = map_get(hosts->names, name);
	if (host == NULL) {
		if (map_count(hosts->names) >= HOSTS_NAMES_MAX)
			return;
		host = xcalloc(1, sizeof(*host));
		map_put(hosts->names, name, host);
	}
	if (family == AF_INET6)
		add_raw(&host->v6, raw, 16);
	else
		add_raw(&host->v4, raw, 4);
}

static void
parse_line(struct hosts *hosts, char *line)
{
	static const char space[] = " \t\r\v\f";
	unsigned char raw[16];
	char *rest = NULL, *word;
	int family;

	line[strcspn(line, "#")] = '\0';
	word = strtok_r(line, space, &rest);
	if (word == NULL)
		return;
	family = strchr(word, ':') != NULL ? AF_INET6 : AF_INET;
	if (inet_pton(family, word, raw) != 1)
		return;
	while ((word = strtok_r(NULL, space, &rest)) != NULL)
		add_name(hosts, word, family, raw);
}

static void
parse(struct hosts *hosts, char *text)
{
	char *rest = NULL;

	map_free(hosts->names, free);
	hosts->names = map_new();
	for (char *line = strtok_r(text, "\n", &rest); line != NULL;
		line = strtok_r(NULL, "\n", &rest))
		parse_line(hosts, line);
	if (map_count(hosts->names) >= HOSTS_NAMES_MAX)
		log_warn("%s: only the first %d names are used", hosts->path, HOSTS_NAMES_MAX);
}

static char *
read_all(int fd, size_t size)
{
	char *text = xmalloc(size + 1);
	size_t len = 0;
	ssize_t n;

	while (len < size && (n = read(fd, text + len, size - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	return text;
}

static void
load(struct hosts *hosts)
{
	int fd = open(hosts->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	char *text;

	if (fd == -1)
		return;
	if (fstat(fd, &st) == 0) {
		size_t size = st.st_size < 0 ? 0 : (size_t)st.st_size;

		text = read_all(fd, size < HOSTS_SIZE_MAX ? size : HOSTS_SIZE_MAX);
		parse(hosts, text);
		free(text);
		hosts->mtime = st.st_mtim;
		hosts->size = st.st_size;
		hosts->inode = st.st_ino;
	}
	close(fd);
}

/* A file that vanished leaves what it said last: it is being replaced. */
static void
look(struct hosts *hosts, usec_t now_us)
{
	struct stat st;

	if (now_us < hosts->next_look_us)
		return;
	hosts->next_look_us = now_us + LOOK_AGAIN_US;
	if (stat(hosts->path, &st) == -1)
		return;
	if (st.st_size != hosts->size || st.st_ino != hosts->inode ||
		st.st_mtim.tv_sec != hosts->mtime.tv_sec ||
		st.st_mtim.tv_nsec != hosts->mtime.tv_nsec)
		load(hosts);
}

bool
hosts_find(struct hosts *hosts, usec_t now_us, const char *name, struct dns_reply *v6,
	struct dns_reply *v4)
{
	static const unsigned char loop6[16] = { [15] = 1 }, loop4[4] = { 127, 0, 0, 1 };
	const struct host *host;

	look(hosts, now_us);
	if (str_ends(name, ".localhost"))
		name = "localhost";
	host = map_get(hosts->names, name);
	if (host != NULL) {
		*v6 = host->v6;
		*v4 = host->v4;
		return true;
	}
	if (strcmp(name, "localhost") != 0)
		return false;
	*v6 = *v4 = (struct dns_reply){ .count = 0 };
	add_raw(v6, loop6, sizeof(loop6));
	add_raw(v4, loop4, sizeof(loop4));
	return true;
}

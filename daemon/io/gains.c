/* Follows what execve would do with a file's rights, up to the kernel's own last word. */
#include "io/gains.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

#define STATUS_MAX 4096

/* The number behind a label, the second of them where `skips` says so; false: there is none. */
static bool
find_number(const char *status, const char *label, bool skips, int base, uint64_t *out)
{
	const char *line = strstr(status, label);
	char *end;

	if (line == NULL)
		return false;
	line += strlen(label);
	*out = strtoull(line, &end, base);
	if (end == line || !skips)
		return end != line;
	line = end;
	*out = strtoull(line, &end, base);
	return end != line;
}

bool
gains_holder_of(pid_t pid, struct gains_holder *holder)
{
	char path[48] = "/proc/self/status", status[STATUS_MAX];
	uint64_t uid, gid, is_bound;

	if (pid != 0)
		snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (fd_read_proc(path, status, sizeof(status), NULL) < 0)
		return false;
	if (!find_number(status, "\nUid:", true, 10, &uid) ||
		!find_number(status, "\nGid:", true, 10, &gid) ||
		!find_number(status, "\nCapPrm:", false, 16, &holder->capabilities) ||
		!find_number(status, "\nCapBnd:", false, 16, &holder->most) ||
		!find_number(status, "\nNoNewPrivs:", false, 10, &is_bound))
		return false;
	holder->uid = (uint32_t)uid;
	holder->gid = (uint32_t)gid;
	holder->is_bound = is_bound != 0;
	return true;
}

/* The set that is permitted to whoever runs it; its bytes are the least first. */
static uint64_t
capabilities_of(const char *file)
{
	unsigned char bytes[sizeof(struct vfs_ns_cap_data)];
	ssize_t len = getxattr(file, "security.capability", bytes, sizeof(bytes));
	uint64_t low = 0, high = 0;

	for (size_t i = 0; i < 4 && len >= (ssize_t)XATTR_CAPS_SZ_1; i++)
		low |= (uint64_t)bytes[4 + i] << (8 * i);
	for (size_t i = 0; i < 4 && len >= (ssize_t)XATTR_CAPS_SZ_2; i++)
		high |= (uint64_t)bytes[12 + i] << (8 * i);
	return high << 32 | low;
}

/* A script: the kernel looks at the rights of its interpreter alone. */
static bool
is_script(const char *file)
{
	char head[2] = "";
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool is = fd != -1 && read(fd, head, sizeof(head)) == sizeof(head) && head[0] == '#' &&
		  head[1] == '!';

	if (fd != -1)
		close(fd);
	return is;
}

/* Those that take an ICMP socket where the kernel gives one, and need the right only elsewhere. */
static const char *const pingers[] = { "ping", "ping4", "ping6", "fping" };

static bool
may_ping_without(const char *file, const struct gains_holder *holder)
{
	const char *slash = strrchr(file, '/'), *name = slash != NULL ? slash + 1 : file;
	char range[64], *end;
	uint64_t low, high;
	bool is_pinger = false;

	for (size_t i = 0; i < sizeof(pingers) / sizeof(pingers[0]); i++)
		is_pinger |= str_eq(name, pingers[i]);
	if (!is_pinger ||
		fd_read_proc("/proc/sys/net/ipv4/ping_group_range", range, sizeof(range), NULL) < 0)
		return false;
	low = strtoull(range, &end, 10);
	high = strtoull(end, NULL, 10);
	return low <= holder->gid && holder->gid <= high;
}

unsigned
gains_of(const char *file, const struct gains_holder *holder)
{
	struct stat st;
	struct statvfs fs;
	unsigned gains = 0;

	if (stat(file, &st) != 0 || !S_ISREG(st.st_mode) || (st.st_mode & 0111) == 0)
		return 0;
	if ((st.st_mode & S_ISUID) != 0 && st.st_uid != holder->uid && holder->uid != 0)
		gains |= GAIN_USER;
	if ((st.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && st.st_gid != holder->gid &&
		holder->uid != 0)
		gains |= GAIN_GROUP;
	if ((capabilities_of(file) & holder->most & ~holder->capabilities) != 0)
		gains |= GAIN_CAPABILITIES;
	/* There the mount withholds them from everybody. */
	if (gains != 0 && statvfs(file, &fs) == 0 && (fs.f_flag & ST_NOSUID) != 0)
		return 0;
	return gains != 0 && (is_script(file) || may_ping_without(file, holder)) ? 0 : gains;
}

bool
gains_find(const char *name, const char *path, char file[PATH_MAX])
{
	if (strchr(name, '/') != NULL)
		return snprintf(file, PATH_MAX, "%s", name) < PATH_MAX && access(file, X_OK) == 0;
	while (*path != '\0') {
		size_t len = strcspn(path, ":");

		if (len > 0 &&
			snprintf(file, PATH_MAX, "%.*s/%s", (int)len, path, name) < PATH_MAX &&
			access(file, X_OK) == 0)
			return true;
		path += len + (path[len] == ':');
	}
	return false;
}

const char *
gains_words(unsigned gains)
{
	if ((gains & GAIN_USER) != 0)
		return "set-uid";
	if ((gains & GAIN_GROUP) != 0)
		return "set-gid";
	return (gains & GAIN_CAPABILITIES) != 0 ? "capabilities of its file" : "";
}

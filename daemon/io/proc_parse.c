/* Parsers for /proc/PID/: see the header.  No state, no calls into the system. */
#include "io/proc_parse.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define STAT_FIELDS 22 /* from the state (3rd) to the resident pages (24th) */

static void
copy_bytes(char *out, size_t size, const char *bytes, size_t len)
{
	if (len >= size)
		len = size - 1;
	memcpy(out, bytes, len);
	out[len] = '\0';
}

/* The name may hold ")": it ends at the last one. */
bool
proc_parse_stat(struct proc *proc, const char *text, size_t len)
{
	const char *open = memchr(text, '(', len), *close = memrchr(text, ')', len);
	unsigned long long fields[STAT_FIELDS] = { 0 };
	char rest[512], *at = rest;
	unsigned pid;

	if (open == NULL || close == NULL || close < open || sscanf(text, "%u", &pid) != 1)
		return false;
	copy_bytes(rest, sizeof(rest), close + 1, len - (size_t)(close + 1 - text));
	while (*at == ' ')
		at++;
	if (*at == '\0')
		return false;
	proc->state = *at++;
	for (size_t i = 1; i < STAT_FIELDS; i++) {
		char *end;

		fields[i] = strtoull(at, &end, 10); /* negative ones are none of ours */
		if (end == at)
			return false;
		at = end;
	}
	copy_bytes(proc->comm, sizeof(proc->comm), open + 1, (size_t)(close - open - 1));
	proc->pid = pid;
	proc->ppid = (uint32_t)fields[1];
	proc->cpu_ticks = fields[11] + fields[12];
	proc->threads = (uint32_t)fields[17];
	proc->start_ticks = fields[19];
	proc->rss_pages = fields[21];
	return true;
}

bool
proc_parse_uid(uint32_t *uid, const char *status)
{
	const char *line = strstr(status, "\nUid:");

	return line != NULL && sscanf(line + 5, "%*u %" SCNu32, uid) == 1;
}

void
proc_parse_cmdline(struct proc *proc, const char *bytes, size_t len)
{
	while (len > 0 && bytes[len - 1] == '\0')
		len--;
	copy_bytes(proc->cmdline, sizeof(proc->cmdline), bytes, len);
	if (len >= sizeof(proc->cmdline))
		len = sizeof(proc->cmdline) - 1;
	for (size_t i = 0; i < len; i++)
		if (proc->cmdline[i] == '\0')
			proc->cmdline[i] = '\n';
	proc->has_cmdline = true;
}

/* With several hierarchies some stay at the root: the deepest path is the one that says most. */
void
proc_parse_cgroup(struct proc *proc, const char *text)
{
	size_t best = 0;

	str_copy(proc->cgroup, sizeof(proc->cgroup), "/");
	while (text != NULL && *text != '\0') {
		const char *end = text + strcspn(text, "\n");
		const char *list = memchr(text, ':', (size_t)(end - text));
		const char *path =
			list != NULL ? memchr(list + 1, ':', (size_t)(end - list - 1)) : NULL;
		size_t len = path != NULL ? (size_t)(end - path - 1) : 0;

		if (len > best && len > 1) {
			best = len;
			copy_bytes(proc->cgroup, sizeof(proc->cgroup), path + 1, len);
		}
		text = *end == '\n' ? end + 1 : NULL;
	}
}

bool
proc_parse_nofile(uint64_t *soft, const char *limits)
{
	static const char label[] = "Max open files";
	const char *line = strstr(limits, label);

	if (line == NULL)
		return false;
	line += sizeof(label) - 1;
	line += strspn(line, " ");
	if (str_starts(line, "unlimited")) {
		*soft = UINT64_MAX;
		return true;
	}
	return sscanf(line, "%" SCNu64, soft) == 1;
}

const char *
proc_find_env(const char *block, size_t len, const char *name, size_t *value_len)
{
	size_t name_len = strlen(name);

	for (size_t at = 0; at < len;) {
		size_t entry = strnlen(block + at, len - at);

		if (entry > name_len && block[at + name_len] == '=' &&
			memcmp(block + at, name, name_len) == 0) {
			*value_len = entry - name_len - 1;
			return block + at + name_len + 1;
		}
		at += entry + 1;
	}
	return NULL;
}

bool
proc_parse_socket(uint64_t *inode, const char *link)
{
	return sscanf(link, "socket:[%" SCNu64 "]", inode) == 1;
}

bool
proc_parse_pid(uint32_t *pid, const char *name)
{
	size_t len = strspn(name, "0123456789");

	if (len == 0 || len > 9 || name[len] != '\0')
		return false;
	*pid = (uint32_t)strtoul(name, NULL, 10);
	return *pid > 0;
}

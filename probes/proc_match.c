/* Matching is pure; preparing compiles the expression and looks the user up.  Owns what it made. */
#include "probes/proc_match.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define COMM_LEN     15    /* what the kernel keeps of a program's name */
#define OVERFLOW_UID 65534 /* stands for all users without a number here */

bool
proc_match_is_empty(const struct proc_match *match)
{
	return match->name == NULL && match->cmdline == NULL && match->pidfile == NULL &&
	       match->unit == NULL && match->container == NULL && match->user == NULL;
}

bool
proc_match_wants_cmdline(const struct proc_match *match)
{
	return match->cmdline != NULL || (match->name != NULL && strlen(match->name) > COMM_LEN);
}

/* --- settings --- */

static bool
find_user(uint32_t *uid, const char *name, const char *host_root)
{
	char path[4096], line[1024];
	size_t len = strlen(name);
	bool is_found = false;
	FILE *file;

	snprintf(path, sizeof(path), "%s/etc/passwd",
		host_root != NULL && !str_eq(host_root, "/") ? host_root : "");
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	while (!is_found && fgets(line, sizeof(line), file) != NULL)
		is_found = strncmp(line, name, len) == 0 && line[len] == ':' &&
			   sscanf(line + len, ":%*[^:]:%u", uid) == 1;
	fclose(file);
	return is_found;
}

/* "0 0 4294967295": all of them have one. */
static bool
is_part_mapped(void)
{
	unsigned inside, outside, count = UINT32_MAX;
	FILE *file = fopen("/proc/self/uid_map", "re");

	if (file == NULL)
		return false;
	if (fscanf(file, "%u %u %u", &inside, &outside, &count) != 3)
		count = UINT32_MAX;
	fclose(file);
	return count < UINT32_MAX;
}

void
proc_match_prepare(struct proc_match *match, const struct conf_node *map, const char *host_root,
	struct complaints *complaints)
{
	if (match->cmdline != NULL) {
		match->re = xcalloc(1, sizeof(*match->re));
		if (regcomp(match->re, match->cmdline, REG_EXTENDED | REG_NOSUB) != 0) {
			free(match->re); /* the row's own walk complained */
			match->re = NULL;
		}
	}
	if (match->user != NULL) {
		char *end;
		unsigned long number = strtoul(match->user, &end, 10);

		match->is_part_mapped = is_part_mapped();
		match->uid = (uint32_t)number;
		match->has_uid = isdigit((unsigned char)match->user[0]) && *end == '\0';
		if (!match->has_uid)
			match->has_uid = find_user(&match->uid, match->user, host_root);
		if (!match->has_uid) {
			struct conf_pos pos = conf_pos_of(map, "user");

			complain(complaints, &pos,
				"user: \"%s\" is not in /etc/passwd: write its number",
				match->user);
		}
	}
}

void
proc_match_release(struct proc_match *match)
{
	if (match->re != NULL)
		regfree(match->re);
	free(match->re);
	match->re = NULL;
}

/* --- matching --- */

static bool
is_name(const char *name, const struct proc *proc)
{
	const char *argv0 = proc->cmdline, *end = argv0 + strcspn(argv0, "\n");
	const char *slash;
	char base[PROC_CMDLINE_MAX], cut[COMM_LEN + 1];

	if (str_matches_glob(proc->comm, name))
		return true;
	if (strlen(name) <= COMM_LEN)
		return false;
	str_copy(cut, sizeof(cut), name);
	if (!str_matches_glob(proc->comm, cut))
		return false;
	if (!proc->has_cmdline || end == argv0)
		return true; /* as much as can be said */
	slash = memrchr(argv0, '/', (size_t)(end - argv0));
	if (slash != NULL)
		argv0 = slash + 1;
	snprintf(base, sizeof(base), "%.*s", (int)(end - argv0), argv0);
	return str_matches_glob(base, name);
}

static bool
is_cmdline(const struct proc_match *match, const struct proc *proc)
{
	char text[PROC_CMDLINE_MAX];

	if (match->re == NULL || !proc->has_cmdline || proc->cmdline[0] == '\0')
		return false;
	str_copy(text, sizeof(text), proc->cmdline);
	for (char *p = text; *p != '\0'; p++)
		if (*p == '\n')
			*p = ' ';
	return regexec(match->re, text, 0, NULL, 0) == 0;
}

/* "nginx" and "nginx.service" are the same unit; templates and scopes are written out. */
static bool
is_unit(const char *unit, const char *part, size_t len)
{
	size_t unit_len = strlen(unit);

	if (len < unit_len || strncmp(part, unit, unit_len) != 0)
		return false;
	if (len == unit_len)
		return true;
	return strchr(unit, '.') == NULL && len == unit_len + strlen(".service") &&
	       strncmp(part + unit_len, ".service", strlen(".service")) == 0;
}

/* "docker-4f2c....scope", "4f2c...", "cri-containerd:4f2c...", "lxc.payload.web", "web". */
static bool
is_container(const char *wanted, const char *part, size_t len)
{
	size_t wanted_len = strlen(wanted);

	for (size_t at = 0; at + wanted_len <= len; at++) {
		const char *next = part + at + wanted_len;
		size_t id_len;

		if ((at > 0 && strchr("-:.", part[at - 1]) == NULL) ||
			strncmp(part + at, wanted, wanted_len) != 0)
			continue;
		id_len = strspn(part + at, "0123456789abcdef");
		if (id_len >= 32 && id_len >= wanted_len)
			return true;
		if (next == part + len || (*next == '.' && len - at - wanted_len == 6))
			return true; /* a name, perhaps with .scope behind it */
	}
	return false;
}

static bool
has_part(const char *cgroup, const char *wanted,
	bool (*is)(const char *wanted, const char *part, size_t len))
{
	while (*cgroup != '\0') {
		size_t len = strcspn(cgroup, "/");

		if (len > 0 && is(wanted, cgroup, len))
			return true;
		cgroup += len;
		cgroup += *cgroup == '/';
	}
	return false;
}

bool
proc_match_is(const struct proc_match *match, const struct proc *proc, uint32_t pidfile_pid)
{
	return (match->name == NULL || is_name(match->name, proc)) &&
	       (match->cmdline == NULL || is_cmdline(match, proc)) &&
	       (match->pidfile == NULL || (pidfile_pid > 0 && proc->pid == pidfile_pid)) &&
	       (match->unit == NULL || has_part(proc->cgroup, match->unit, is_unit)) &&
	       (match->container == NULL ||
		       has_part(proc->cgroup, match->container, is_container)) &&
	       (match->user == NULL ||
		       (proc->has_uid && match->has_uid && proc->uid == match->uid));
}

bool
proc_match_is_unmapped(const struct proc_match *match, uint32_t uid)
{
	return match->is_part_mapped && match->has_uid && uid == OVERFLOW_UID &&
	       match->uid != OVERFLOW_UID;
}

bool
proc_match_is_program(const struct proc_match *match, const struct proc *proc)
{
	return (match->name != NULL || match->cmdline != NULL) &&
	       (match->name == NULL || is_name(match->name, proc)) &&
	       (match->cmdline == NULL || is_cmdline(match, proc));
}

void
proc_match_text(const struct proc_match *match, char *out, size_t size)
{
	const struct {
		const char *words, *value;
	} parts[] = {
		{ "", match->name },
		{ "command line /", match->cmdline },
		{ "pid file ", match->pidfile },
		{ "unit ", match->unit },
		{ "container ", match->container },
		{ "user ", match->user },
	};
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && len < size; i++)
		if (parts[i].value != NULL)
			len += (size_t)snprintf(out + len, size - len, "%s%s%s%s",
				len > 0 ? ", " : "", parts[i].words, parts[i].value,
				parts[i].value == match->cmdline ? "/" : "");
}

uint32_t
proc_parse_pidfile(const char *bytes, size_t len)
{
	char text[32];
	unsigned long number;

	while (len > 0 && isspace((unsigned char)*bytes)) {
		bytes++;
		len--;
	}
	if (len >= sizeof(text))
		len = sizeof(text) - 1;
	memcpy(text, bytes, len);
	text[len] = '\0';
	number = strtoul(text, NULL, 10);
	return isdigit((unsigned char)text[0]) && number < UINT32_MAX ? (uint32_t)number : 0;
}

/*
 * Parsers for /proc/meminfo, /proc/vmstat, /proc/pressure/memory and the memory controllers of
 * cgroup v1 and v2.  Kernel files only: none of these reads can hang.
 */
#include "probes/memory_files.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"

#define CGROUP_PATH_MAX  1024
#define CGROUP_DEPTH_MAX 32
/* v1 says "no limit" with the largest multiple of a page: anything near 2^63. */
#define V1_NO_LIMIT 9.0e18

double
memory_field(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (const char *line = text; line != NULL && *line != '\0';) {
		if (strncmp(line, key, len) == 0 && strchr(": \t", line[len]) != NULL &&
			line[len] != '\0') {
			char *end;
			double value;

			line += len + strspn(line + len, ": \t");
			value = strtod(line, &end);
			return end != line ? value : (double)NAN;
		}
		line = strchr(line, '\n');
		if (line != NULL)
			line++;
	}
	return NAN;
}

int
meminfo_parse(struct meminfo *info, const char *text, struct err *e)
{
	const struct {
		const char *key;
		double *to;
	} rows[] = {
		{ "MemTotal", &info->total },
		{ "MemAvailable", &info->available },
		{ "SwapTotal", &info->swap_total },
		{ "SwapFree", &info->swap_free },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		*rows[i].to = memory_field(text, rows[i].key) * 1024;
	if (isnan(info->total) || isnan(info->available) || info->total <= 0)
		return err_set(e, 0, "no MemTotal and MemAvailable in meminfo");
	return 0;
}

bool
pressure_parse(struct pressure *p, const char *text, const char *kind)
{
	const char *line = strstr(text, kind);

	return line != NULL &&
	       sscanf(line + strlen(kind), " avg10=%lf avg60=%*f avg300=%*f total=%lf",
		       &p->avg10_percent, &p->total_us) == 2;
}

/* File names of the two versions of the controller. */
struct controller {
	const char *mount; /* under the root */
	const char *limit, *used, *events, *inactive;
};

static const struct controller v1 = {
	.mount = "/memory",
	.limit = "memory.limit_in_bytes",
	.used = "memory.usage_in_bytes",
	.events = "memory.oom_control",
	.inactive = "total_inactive_file",
};

static const struct controller v2 = {
	.mount = "",
	.limit = "memory.max",
	.used = "memory.current",
	.events = "memory.events",
	.inactive = "inactive_file",
};

/* Is "memory" in the comma-separated controllers that `line` ("4:cpu,memory:/path") names? */
static bool
names_memory(const char *list, const char *end)
{
	while (list < end) {
		size_t len = strcspn(list, ",:");

		if (len == strlen("memory") && strncmp(list, "memory", len) == 0)
			return true;
		list += len + 1;
	}
	return false;
}

/* Our place in the hierarchy that has the memory controller; NULL: none. */
static const struct controller *
find_controller(const char *self, char path[CGROUP_PATH_MAX])
{
	const struct controller *found = NULL;

	for (const char *line = self; line != NULL && *line != '\0';) {
		const char *list = strchr(line, ':');
		const char *where = list != NULL ? strchr(list + 1, ':') : NULL;
		const char *end = line + strcspn(line, "\n");
		bool is_v1;

		if (where == NULL || where >= end)
			break;
		is_v1 = names_memory(list + 1, where);
		if ((is_v1 || (where == list + 1 && found == NULL)) &&
			end - where - 1 < CGROUP_PATH_MAX) {
			found = is_v1 ? &v1 : &v2;
			memcpy(path, where + 1, (size_t)(end - where - 1));
			path[end - where - 1] = '\0';
		}
		line = *end == '\n' ? end + 1 : NULL;
	}
	return found;
}

static int
read_file(char *out, size_t size, const char *folder, const char *name)
{
	char path[2 * CGROUP_PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return fd_read_proc(path, out, size, NULL);
}

static double
read_number(const char *folder, const char *name)
{
	char text[64], *end;
	double value;

	if (read_file(text, sizeof(text), folder, name) < 0)
		return NAN;
	value = strtod(text, &end);
	return end != text ? value : (double)NAN; /* "max" is no number */
}

/* Takes this folder's limit if it is tighter than what was seen below. */
static void
look_at(struct cgroup_memory *cg, const struct controller *c, const char *folder)
{
	double limit = read_number(folder, c->limit);
	double used, inactive = NAN;
	char text[8192];

	if (isnan(limit) || limit <= 0 || limit >= V1_NO_LIMIT)
		return;
	if (!isnan(cg->limit) && limit >= cg->limit)
		return;
	used = read_number(folder, c->used);
	if (isnan(used))
		return;
	if (read_file(text, sizeof(text), folder, "memory.stat") >= 0)
		inactive = memory_field(text, c->inactive);
	if (!isnan(inactive) && inactive <= used)
		used -= inactive;
	cg->limit = limit;
	cg->used = used;
}

void
cgroup_memory_read(struct cgroup_memory *cg, const char *root, const char *self)
{
	char path[CGROUP_PATH_MAX], folder[2 * CGROUP_PATH_MAX], text[4096];
	const struct controller *c = find_controller(self, path);

	*cg = (struct cgroup_memory){ .limit = NAN, .used = NAN, .oom_kills = NAN };
	if (c == NULL)
		return;
	for (unsigned depth = 0; depth < CGROUP_DEPTH_MAX; depth++) {
		char *slash = strrchr(path, '/');

		if (str_eq(path, "/"))
			path[0] = '\0';
		snprintf(folder, sizeof(folder), "%s%s%s", root, c->mount, path);
		/* Without a cgroup namespace a container sees the host's path: it is not there. */
		if (isnan(cg->oom_kills) && read_file(text, sizeof(text), folder, c->events) >= 0)
			cg->oom_kills = memory_field(text, "oom_kill");
		look_at(cg, c, folder);
		if (path[0] == '\0' || slash == NULL)
			return;
		*slash = '\0';
	}
}

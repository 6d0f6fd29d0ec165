/* Finds our control group and reads its files.  Kernel files only: no read here can hang. */
#include "probes/cgroup.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "probes/host_file.h"

#define SELF_MAX 8192
#define ROOT     "/sys/fs/cgroup"

/* Is `name` in the comma-separated list that ends at `end`? */
static bool
is_listed(const char *list, const char *end, const char *name)
{
	while (list < end) {
		size_t len = strcspn(list, ",:\n");

		if (len == strlen(name) && strncmp(list, name, len) == 0)
			return true;
		list += len + 1;
	}
	return false;
}

/* Where version 1 mounts a controller: distributions pair cpu with cpuacct, in either order. */
static void
mount_v1(struct cgroup *cg, const char *controller, const char *root)
{
	static const char *const before[] = { "", "", "cpuacct," };
	static const char *const after[] = { "", ",cpuacct", "" };

	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		snprintf(cg->mount, sizeof(cg->mount), "%s/%s%s%s", root, before[i], controller,
			after[i]);
		if (access(cg->mount, F_OK) == 0)
			return;
	}
}

/* The unified hierarchy beside version 1 is mounted in a folder of its own. */
static void
mount_v2(struct cgroup *cg, const char *root)
{
	snprintf(cg->mount, sizeof(cg->mount), "%s/unified", root);
	if (access(cg->mount, F_OK) != 0)
		str_copy(cg->mount, sizeof(cg->mount), root);
}

/* One line: "4:cpu,cpuacct:/path" of version 1, "0::/path" of version 2. */
static bool
takes_line(struct cgroup *cg, const char *line, const char *end, const char *controller)
{
	const char *list = memchr(line, ':', (size_t)(end - line));
	const char *path;
	bool is_v1;
	size_t len;

	if (list == NULL)
		return false;
	list++;
	path = memchr(list, ':', (size_t)(end - list));
	if (path == NULL)
		return false;
	is_v1 = is_listed(list, path, controller);
	len = (size_t)(end - path) - 1;
	if ((!is_v1 && path != list) || len >= sizeof(cg->path))
		return false;
	cg->is_v1 = is_v1;
	memcpy(cg->path, path + 1, len);
	cg->path[len] = '\0';
	return true;
}

bool
cgroup_find(struct cgroup *cg, const char *controller, const char *root, const char *self)
{
	bool is_found = false;

	memset(cg, 0, sizeof(*cg));
	for (const char *line = self; *line != '\0';) {
		const char *end = line + strcspn(line, "\n");

		is_found |= takes_line(cg, line, end, controller);
		if (is_found && cg->is_v1)
			break; /* a controller is in one hierarchy only, and this has it */
		line = *end == '\n' ? end + 1 : end;
	}
	if (!is_found)
		return false;
	if (cg->is_v1)
		mount_v1(cg, controller, root);
	else
		mount_v2(cg, root);
	if (strstr(cg->path, "/..") != NULL || cg->path[0] != '/' || str_eq(cg->path, "/"))
		cg->path[0] = '\0'; /* outside of our namespace: only its top can be seen */
	for (;;) {
		char folder[CGROUP_PATH_MAX + sizeof(cg->mount)];

		cgroup_file(cg, "", folder, sizeof(folder));
		if (access(folder, F_OK) == 0 || !cgroup_up(cg))
			return true;
	}
}

bool
cgroup_find_own(struct cgroup *cg, const char *controller)
{
	char self[SELF_MAX];

	return fd_read_proc("/proc/self/cgroup", self, sizeof(self), NULL) == 0 &&
	       cgroup_find(cg, controller, ROOT, self);
}

bool
cgroup_up(struct cgroup *cg)
{
	char *slash = strrchr(cg->path, '/');

	if (slash == NULL) {
		cg->path[0] = '\0';
		return false;
	}
	*slash = '\0';
	return true;
}

void
cgroup_file(const struct cgroup *cg, const char *name, char *out, size_t size)
{
	snprintf(out, size, "%s%s/%s", cg->mount, cg->path, name);
}

int
cgroup_read(const struct cgroup *cg, const char *name, char *out, size_t size)
{
	char path[CGROUP_PATH_MAX + sizeof(cg->mount) + 64];

	cgroup_file(cg, name, path, sizeof(path));
	return fd_read_proc(path, out, size, NULL) < 0 ? -1 : 0;
}

double
cgroup_number(const struct cgroup *cg, const char *name)
{
	char text[64];

	if (cgroup_read(cg, name, text, sizeof(text)) < 0)
		return NAN;
	return host_number(text);
}

/*
 * Reads the kernel's text files of the host that is watched, which in a sidecar is mounted below
 * host_root.  /proc and /sys only: none of these reads can hang.
 */
#include "probes/host_file.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "io/mounts.h"

void
host_path(const struct io_env *env, const char *name, char out[HOST_PATH_MAX])
{
	const char *root = env->host_root;

	if (root == NULL || str_eq(root, "/"))
		root = "";
	snprintf(out, HOST_PATH_MAX, "%s/%s", root, name);
}

int
host_read(const struct io_env *env, const char *name, char *out, size_t size, struct err *e)
{
	char path[HOST_PATH_MAX];

	host_path(env, name, path);
	return fd_read_proc(path, out, size, e) < 0 ? -1 : 0;
}

int
host_read_shared(const struct io_env *env, const char *name, char *out, size_t size, struct err *e)
{
	char path[HOST_PATH_MAX];

	if (host_read(env, name, out, size, NULL) == 0)
		return 0;
	snprintf(path, sizeof(path), "/%s", name);
	return fd_read_proc(path, out, size, e) < 0 ? -1 : 0;
}

bool
host_is_absent(const struct io_env *env, const char *name, char *why, size_t size)
{
	char path[HOST_PATH_MAX];
	struct mounts mounts;
	bool has_mounts;

	if (env->host_root == NULL || str_eq(env->host_root, "/"))
		return false;
	host_path(env, name, path);
	if (access(path, F_OK) == 0 || errno != ENOENT)
		return false;
	has_mounts = mounts_read(&mounts, env->host_root, NULL) == 0;
	if (has_mounts)
		mounts_fini(&mounts);
	snprintf(why, size,
		"%s is mounted at %s%s: give this container the volume `/:%s:ro,rslave`",
		has_mounts ? "not all of the host" : "nothing of the host", env->host_root,
		has_mounts ? ", its /proc is missing" : "", env->host_root);
	return true;
}

double
host_number(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	return end != text && isfinite(value) ? value : (double)NAN;
}

double
host_field(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (const char *line = text; line != NULL && *line != '\0';) {
		if (strncmp(line, key, len) == 0 && line[len] != '\0' &&
			strchr(": \t", line[len]) != NULL) {
			line += len + strspn(line + len, ": \t");
			return host_number(line);
		}
		line = strchr(line, '\n');
		if (line != NULL)
			line++;
	}
	return NAN;
}

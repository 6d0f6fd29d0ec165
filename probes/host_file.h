/* Kernel text files of the host that is watched: where they are, and numbers in them by name. */
#ifndef PROBES_HOST_FILE_H
#define PROBES_HOST_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "io/env.h"

#define HOST_PATH_MAX 512

/* "/proc/stat", or "/host/proc/stat" in a sidecar. */
void host_path(const struct io_env *env, const char *name, char out[HOST_PATH_MAX]);
/* `name` is "proc/1/net/dev": read below host_root and nowhere else; 0 or -1. */
int host_read(const struct io_env *env, const char *name, char *out, size_t size, struct err *e);
/* For what is the same in every container (meminfo, stat, vmstat, loadavg, pressure): where
 * host_root has no such file, our own says it too. */
int host_read_shared(
	const struct io_env *env, const char *name, char *out, size_t size, struct err *e);

/* Why there is nothing to read at "proc/1": whether the host is mounted at host_root at all, and
 * the line of a compose file that mounts it.  False: the host is here, that is not why. */
bool host_is_absent(const struct io_env *env, const char *name, char *why, size_t size);

/* The number behind `key` at the start of a line ("oom_kill 3", "MemTotal:  12 kB"); NAN: none. */
double host_field(const char *text, const char *key);
/* A file that is one number ("3\n"); NAN: it is not. */
double host_number(const char *text);

#endif

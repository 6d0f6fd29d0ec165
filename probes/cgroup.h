/*
 * The control group that we run in, version 1, 2 or both: where a controller's files are, and the
 * walk from our own group up to the top, because a limit further up binds as well.
 */
#ifndef PROBES_CGROUP_H
#define PROBES_CGROUP_H

#include <stdbool.h>
#include <stddef.h>

#define CGROUP_PATH_MAX 1024

struct cgroup {
	bool is_v1;
	char mount[256]; /* of the hierarchy: "/sys/fs/cgroup", "/sys/fs/cgroup/memory" */
	char path[CGROUP_PATH_MAX]; /* inside it: "/system.slice/x.service"; "" at the top */
};

/*
 * Our place in the hierarchy that has `controller` ("memory", "cpu").  `self` is the text of
 * /proc/self/cgroup, `root` where the hierarchies are mounted.  Without a cgroup namespace a
 * container sees the host's path, which is not there: the nearest folder that is, is taken.
 */
bool cgroup_find(struct cgroup *cg, const char *controller, const char *root, const char *self);
/* The same from this process's own files. */
bool cgroup_find_own(struct cgroup *cg, const char *controller);
bool cgroup_up(struct cgroup *cg); /* one folder up; false: it was the top */

void cgroup_file(const struct cgroup *cg, const char *name, char *out, size_t size);
int cgroup_read(const struct cgroup *cg, const char *name, char *out, size_t size); /* 0 or -1 */
/* A file of one number; NAN: not there, or "max". */
double cgroup_number(const struct cgroup *cg, const char *name);

#endif

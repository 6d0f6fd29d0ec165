/* The mount table (/proc/self/mountinfo): never touches a mount itself, so it cannot hang. */
#ifndef IO_MOUNTS_H
#define IO_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct mount {
	char *path; /* unescaped mount point */
	char *type; /* "ext4" */
	char *source;
	char *root; /* the folder of its file system that is mounted */
	unsigned id, parent, major, minor;
	bool is_read_only_super; /* the superblock's state, not this mount's flags */
	bool is_bind_root;       /* root field is "/" */
	bool is_top;             /* what it is mounted on is not in the table */
	bool is_followed;        /* it came from another namespace, which it goes on following */
};

struct mounts {
	struct mount *all;
	size_t count;
};

/* Paths are given as seen from host_root ("/" or "/host"): the prefix is taken off. */
int mounts_read(struct mounts *mounts, const char *host_root, struct err *e);
int mounts_parse(struct mounts *mounts, const char *text, const char *host_root, struct err *e);
void mounts_fini(struct mounts *mounts);
/* What is seen at `path`; NULL: it is on none of them. */
const struct mount *mounts_of(const struct mounts *mounts, const char *path);
/* The same of what was found at `path` on the device `dev`, as stat tells it (0: not known): the
 * path may have led through a symbolic link. */
const struct mount *mounts_of_device(const struct mounts *mounts, uint64_t dev, const char *path);
/* The file system there takes no writing from anybody, whatever our own mounts of it say. */
bool mounts_is_read_only(const char *host_root, uint64_t dev, const char *path);

#endif

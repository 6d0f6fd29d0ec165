/* The mount table (/proc/self/mountinfo): never touches a mount itself, so it cannot hang. */
#ifndef IO_MOUNTS_H
#define IO_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct mount {
	char *path; /* unescaped mount point */
	char *type; /* "ext4" */
	char *source;
	unsigned major, minor;
	bool is_read_only_super; /* the superblock's state, not this mount's flags */
	bool is_bind_root;       /* root field is "/" */
};

struct mounts {
	struct mount *all;
	size_t count;
};

/* Paths are given as seen from host_root ("/" or "/host"): the prefix is taken off. */
int mounts_read(struct mounts *mounts, const char *host_root, struct err *e);
int mounts_parse(struct mounts *mounts, const char *text, const char *host_root, struct err *e);
void mounts_fini(struct mounts *mounts);
const struct mount *mounts_of(const struct mounts *mounts, const char *path); /* longest prefix */

#endif

/* Which mounts `disk` with `all: true` looks at. */
#ifndef PROBES_DISK_SELECT_H
#define PROBES_DISK_SELECT_H

#include "conf/schema.h"
#include "io/mounts.h"
#include "io/veil.h"

/* Calls found() once for each file system that has a disk or a server behind it; returns their
 * number. `include` empty: all of them. */
size_t disk_select(const struct mounts *mounts, const struct conf_strings *include,
	const struct conf_strings *exclude, void (*found)(void *arg, const struct mount *mount),
	void *arg);

/* Those of them that our own unit hides from us. */
void disk_select_hidden(const struct mounts *mounts, const char *host_root,
	void (*found)(void *arg, const struct mount *mount, const struct veil *veil), void *arg);

#endif

/*
 * Chooses mounts: no memory, pseudo or image file systems; each file system once, where its root is
 * mounted rather than where a part of it was bound.
 */
#include "probes/disk_select.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* Globs.  Kernel interfaces, memory, read-only images, unions of other mounts, and FUSE. */
static const char *const skipped_types[] = { "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2",
	"configfs", "debugfs", "devpts", "devtmpfs", "efivarfs", "fuse", "fuse.*", "fusectl",
	"hugetlbfs", "iso9660", "mqueue", "nsfs", "overlay", "proc", "pstore", "ramfs", "rootfs",
	"rpc_pipefs", "securityfs", "selinuxfs", "squashfs", "sysfs", "tmpfs", "tracefs", "udf",
	"erofs" };

/* Files that container runtimes bind from the host's disk. */
static const char *const skipped_paths[] = { "/etc/hostname", "/etc/hosts", "/etc/resolv.conf",
	"/dev/termination-log" };

static bool
matches_any(const char *text, const char *const *globs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_matches_glob(text, globs[i]))
			return true;
	return false;
}

static bool
matches_list(const char *text, const struct conf_strings *globs)
{
	return matches_any(text, (const char *const *)globs->all, globs->count);
}

static bool
is_wanted(const struct mount *m, const struct conf_strings *include,
	const struct conf_strings *exclude)
{
	if (matches_any(m->type, skipped_types, sizeof(skipped_types) / sizeof(skipped_types[0])) ||
		matches_any(
			m->path, skipped_paths, sizeof(skipped_paths) / sizeof(skipped_paths[0])))
		return false;
	if (include->count > 0 && !matches_list(m->path, include))
		return false;
	return !matches_list(m->path, exclude);
}

/* Of two mounts of one file system: the one of its root, then the shorter path. */
static bool
is_better(const struct mount *a, const struct mount *b)
{
	if (a->is_bind_root != b->is_bind_root)
		return a->is_bind_root;
	return strlen(a->path) < strlen(b->path);
}

static bool
is_same_fs(const struct mount *a, const struct mount *b)
{
	return a->major == b->major && a->minor == b->minor;
}

/* Something was mounted over it, or over a folder above: it cannot be seen. */
static bool
is_covered(const struct mounts *mounts, const struct mount *m)
{
	return mounts_of(mounts, m->path) != m;
}

size_t
disk_select(const struct mounts *mounts, const struct conf_strings *include,
	const struct conf_strings *exclude, void (*found)(void *arg, const struct mount *mount),
	void *arg)
{
	const struct mount **chosen = xcalloc(mounts->count, sizeof(*chosen));
	size_t count = 0;

	for (size_t i = 0; i < mounts->count; i++) {
		const struct mount *m = &mounts->all[i];
		size_t k = 0;

		if (!is_wanted(m, include, exclude) || is_covered(mounts, m))
			continue;
		while (k < count && !is_same_fs(chosen[k], m))
			k++;
		if (k == count)
			chosen[count++] = m;
		else if (is_better(m, chosen[k]))
			chosen[k] = m;
	}
	for (size_t i = 0; i < count; i++)
		found(arg, chosen[i]);
	free(chosen);
	return count;
}

void
disk_select_hidden(const struct mounts *mounts, const char *host_root,
	void (*found)(void *arg, const struct mount *mount, const struct veil *veil), void *arg)
{
	static const struct conf_strings all = { .count = 0 };

	for (size_t i = 0; i < mounts->count; i++) {
		const struct mount *m = &mounts->all[i];
		struct veil veil;

		if (!is_wanted(m, &all, &all) || !is_covered(mounts, m))
			continue;
		veil = veil_of(mounts, host_root, m->path);
		if (veil.kind == VEIL_HIDDEN || veil.kind == VEIL_EMPTY)
			found(arg, m, &veil);
	}
}

/*
 * How the veils of systemd look in mountinfo:
 *
 *	inaccessible   a node of /run/systemd/inaccessible, bound over the path
 *	PrivateTmp=    .../systemd-private-ID-UNIT-X/tmp, bound over /tmp
 *	the others     a memory file system that follows no other namespace, while our root does
 *
 * The last was made for us.  Containers have such ones, too, which are theirs to watch.
 */
#include "io/veil.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

static bool
is_memory(const struct mount *m)
{
	return str_eq(m->type, "tmpfs") || str_eq(m->type, "ramfs");
}

/* Its root is a layer, or a folder of the disk that images lie on. */
static bool
is_of_container(const struct mount *root)
{
	return str_eq(root->type, "overlay") || str_starts(root->type, "fuse") ||
	       (!root->is_bind_root && !str_eq(root->type, "btrfs"));
}

/* A part of it is where the host has it: what was bound and made private there is the host's, too.
 */
static bool
is_of_host(const struct mounts *mounts, const struct mount *m)
{
	for (size_t i = 0; i < mounts->count; i++) {
		const struct mount *other = &mounts->all[i];

		if (other->is_followed && other->major == m->major && other->minor == m->minor)
			return true;
	}
	return false;
}

/* What one mount says of itself comes first: the table is long where many containers run. */
static enum veil_kind
kind_of(const struct mounts *mounts, const struct mount *m)
{
	const struct mount *root;

	if (strstr(m->root, "/systemd/inaccessible/") != NULL)
		return VEIL_HIDDEN;
	if (strstr(m->root, "/systemd-private-") != NULL)
		return VEIL_TMP;
	if (m->is_followed || !is_memory(m))
		return VEIL_NONE;
	root = mounts_of(mounts, "/");
	if (root == NULL || m == root || !root->is_followed || is_of_container(root) ||
		is_of_host(mounts, m))
		return VEIL_NONE;
	return str_eq(m->path, "/dev") ? VEIL_DEV : VEIL_EMPTY;
}

struct veil
veil_of(const struct mounts *mounts, const char *host_root, const char *path)
{
	const struct mount *m = mounts_of(mounts, path);
	bool is_own = host_root == NULL || host_root[0] == '\0' || str_eq(host_root, "/");
	struct veil veil = { .kind = VEIL_NONE };

	if (m != NULL)
		veil.kind = kind_of(mounts, m);
	else if (!is_own && mounts->count > 0)
		veil.kind = VEIL_ABSENT;
	if (veil.kind != VEIL_NONE)
		str_copy(veil.at, sizeof(veil.at), m != NULL ? m->path : path);
	return veil;
}

static bool
is_kernels(const char *path)
{
	return str_starts(path, "/proc/") || str_starts(path, "/sys/") ||
	       str_starts(path, "/dev/") || str_starts(path, "/run/credentials/");
}

size_t
veil_list(const struct mounts *mounts, const char *host_root, struct veil *out, size_t most)
{
	size_t count = 0;

	for (size_t i = 0; i < mounts->count && count < most; i++) {
		const struct mount *m = &mounts->all[i];

		if (is_kernels(m->path) || kind_of(mounts, m) == VEIL_NONE ||
			mounts_of(mounts, m->path) != m)
			continue;
		out[count++] = veil_of(mounts, host_root, m->path);
	}
	return count;
}

void
veil_words(const struct veil *veil, char *out, size_t size)
{
	static const char *const words[] = {
		[VEIL_HIDDEN] = "hidden from this daemon by its unit (ProtectHome=, "
				"InaccessiblePaths=)",
		[VEIL_EMPTY] = "behind an empty folder that its unit gives this daemon "
			       "(ProtectHome=tmpfs, TemporaryFileSystem=, PrivateTmp=)",
		[VEIL_TMP] = "behind a folder of this daemon's own (PrivateTmp= of its unit)",
		[VEIL_DEV] = "kept from this daemon by its unit (PrivateDevices=)",
	};

	if (veil->kind == VEIL_NONE)
		out[0] = '\0';
	else if (veil->kind == VEIL_ABSENT)
		snprintf(out, size,
			"not mounted into this container: a read-only volume at the same place "
			"below `host_root` shows it");
	else if (veil->kind == VEIL_DEV)
		snprintf(out, size, "%s", words[veil->kind]);
	else
		snprintf(out, size, "%s: BindReadOnlyPaths= with the folder, or with %s, shows it",
			words[veil->kind], veil->at);
}

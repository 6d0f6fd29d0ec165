/*
 * Whether what we see at a path is the host's own, or something that the sandbox of our unit, or a
 * container that mounts the host in parts, has put in its place.  Told from the mount table alone.
 */
#ifndef IO_VEIL_H
#define IO_VEIL_H

#include "io/mounts.h"

enum veil_kind {
	VEIL_NONE,   /* it is the host's */
	VEIL_HIDDEN, /* nobody may look there: InaccessiblePaths=, ProtectHome=yes */
	VEIL_EMPTY,  /* a memory file system of our own: TemporaryFileSystem=, ProtectHome=tmpfs */
	VEIL_TMP,    /* a folder of our own on the same file system: PrivateTmp= */
	VEIL_DEV,    /* PrivateDevices= */
	VEIL_ABSENT, /* not among what is mounted below host_root */
};

#define VEIL_PATH_MAX  128
#define VEIL_WORDS_MAX 384

struct veil {
	enum veil_kind kind;
	char at[VEIL_PATH_MAX]; /* where it begins, as the host names it */
};

/* `path` without host_root and without symbolic links; the table as mounts_read made it. */
struct veil veil_of(const struct mounts *mounts, const char *host_root, const char *path);

/* Places that are not the host's, as many as fit; kernel interfaces aside. */
size_t veil_list(const struct mounts *mounts, const char *host_root, struct veil *out, size_t most);

/* "hidden from this daemon (ProtectHome=...): BindReadOnlyPaths=/home in a drop-in shows it" */
void veil_words(const struct veil *veil, char *out, size_t size);

#endif

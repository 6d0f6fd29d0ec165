/* What travels between the pool and a helper: one message each way, on the helper's descriptor 0.
 */
#ifndef IO_FS_WIRE_H
#define IO_FS_WIRE_H

#include "io/fs.h"

#define FS_HELPER_NAME      "triaged-fs"
#define FS_HELPER_SOCKET_FD 0
#define FS_HELPER_EXE_FD    3 /* the program's file, to be run from; 1 and 2 are /dev/null */
#define FS_HELPER_EXE       "/proc/self/fd/3"

struct fs_ask {
	uint32_t op;
	uint32_t length;
	uint64_t offset;
	uint64_t root_len; /* so much of the path is the folder that the host is mounted at */
	char path[FS_PATH_MAX + FS_ARG_MAX]; /* path, NUL, arg, NUL; only what is used is sent */
};

/* The result as it is (its pointer means nothing), then data_len bytes. */
struct fs_answer {
	struct fs_result result;
	char data[FS_DATA_MAX];
};

/* fs_helper.c */
int fs_helper_stat(const char *path, struct fs_result *r); /* 0 or errno, as all of these */
/* fs_helper_file.c */
int fs_helper_file(const struct fs_ask *ask, struct fs_answer *answer);
int fs_helper_digest(const struct fs_ask *ask, struct fs_answer *answer);
int fs_helper_read(const struct fs_ask *ask, struct fs_answer *answer);
int fs_helper_tail(const struct fs_ask *ask, struct fs_answer *answer);
int fs_helper_find(const struct fs_ask *ask, struct fs_answer *answer);
/* fs_helper_walk.c */
int fs_helper_du(const struct fs_ask *ask, struct fs_answer *answer);
int fs_helper_recent(const struct fs_ask *ask, struct fs_answer *answer);
/* fs_helper_kmsg.c */
int fs_helper_kmsg(const struct fs_ask *ask, struct fs_answer *answer);
/* fs_helper_root.c: where `path` leads as seen from its root; 0 or errno. */
int fs_helper_resolve(const char *path, size_t root_len, bool follows_last, char out[FS_PATH_MAX]);
/* The same for every root, and as far as the names can be followed. */
void fs_helper_where(const char *path, size_t root_len, char out[FS_PATH_MAX]);
/* Has `root` something of its own, besides what is mounted below it (NULL: nothing is)?  Then it is
 * a whole system's folder, as a chroot's, and not what an image has to mount the host's parts at.
 */
bool fs_helper_is_tree(const struct mounts *mounts, const char *root);
const char *fs_ask_arg(const struct fs_ask *ask); /* "": none */

#endif

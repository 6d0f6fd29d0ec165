/*
 * A copy of both databases while the daemon goes on with them: each is whole and as of one moment,
 * and a daemon starts from it.  Kept in the state folder, the last one only: whoever saves hosts
 * takes it from there.
 */
#ifndef STORE_BACKUP_H
#define STORE_BACKUP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define BACKUP_FOLDER "backup" /* in the state folder */
#define BACKUP_FILES  2

struct backup_file {
	const char *name; /* static */
	int64_t bytes;
};

struct backup {
	char *state_dir;          /* owned by the maker, as is `folder` */
	atomic_bool is_cancelled; /* may be set while it is made */
	/* Made: */
	char *folder;
	struct backup_file files[BACKUP_FILES];
	size_t count;
	bool is_made;   /* false: what was saved before is still there, */
	struct err why; /* and this is what went wrong */
};

struct backup *backup_new(const char *state_dir);
void backup_free(struct backup *backup);
/* Blocks for as long as the disk takes; not for the loop. */
void backup_make(struct backup *backup);

#endif

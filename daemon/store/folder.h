/*
 * The state folder beside its databases: made if missing, locked against a second daemon, with a
 * ballast that is given up when the disk is full and a marker of a clean end.
 */
#ifndef STORE_FOLDER_H
#define STORE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/err.h"

struct folder {
	char *path;
	int lock_fd;
	bool was_clean; /* the daemon before us ended in order */
};

/* Makes and locks it: nothing that was there is changed. */
int folder_open(struct folder *folder, const char *path, struct err *e);
/* From here on it is ours: takes the marker away and the ballast in. */
int folder_begin(struct folder *folder, struct err *e);
void folder_close(struct folder *folder, bool is_clean);

char *folder_file(const struct folder *folder, const char *name); /* owned by the caller */

/* Takes the space if there is enough beyond it; -1 says what is missing. */
int folder_take_ballast(const struct folder *folder, struct err *e);
void folder_give_ballast(const struct folder *folder);

/*
 * Renames a database and what belongs to it to <name>.corrupt-YYYYMMDD-HHMMSS; `to` gets the new
 * name.
 */
int folder_set_aside(
	const struct folder *folder, const char *name, usec_t wall_us, char **to, struct err *e);

#endif

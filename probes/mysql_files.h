/*
 * What the files of a server on this very host say: the room under its data, the age of its oldest
 * binary log.  Looked at between runs, by a helper process; a look ago is soon enough.
 */
#ifndef PROBES_MYSQL_FILES_H
#define PROBES_MYSQL_FILES_H

#include "io/env.h"
#include "io/fs.h"

#define MYSQL_FILES_PATH 600

struct mysql_files {
	struct fs_call *call; /* under way; NULL */
	const struct io_env *env;
	usec_t looked_us;              /* 0: never */
	char folder[MYSQL_FILES_PATH]; /* of the data; "": not known, or not of this host */
	char oldest[MYSQL_FILES_PATH]; /* the oldest binary log; "": none */
	double free_bytes, total_bytes, used_percent; /* NAN: not known, as the next */
	double oldest_at;                             /* last change, seconds, wall */
};

void mysql_files_init(struct mysql_files *files, const struct io_env *env);
/* Begins a look if none was of late; what is known stays until it is done. */
void mysql_files_look(struct mysql_files *files);
void mysql_files_forget(struct mysql_files *files); /* the server is not of this host */
void mysql_files_fini(struct mysql_files *files);

#endif

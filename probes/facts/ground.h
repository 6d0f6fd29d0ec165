/*
 * The file system that a check stands on: where its server keeps its data, else the path it names,
 * else, of what is no server, the root.  A helper looks at it; a path that is not there stands for
 * the folder above it.
 */
#ifndef FACTS_GROUND_H
#define FACTS_GROUND_H

#include "io/fs.h"
#include "probes/facts/fact.h"

struct ground {
	struct fs_result room;  /* statvfs */
	char path[FS_PATH_MAX]; /* that was looked at, as the host sees it */
	char mount[256], device[128], type[32];
	bool is_read_only; /* the file system itself */
};

/* fn is called once; NULL: it could not be looked at, and why. */
typedef void (*ground_fn)(struct fact_run *run, const struct ground *ground, const char *why);

struct ground_asking {
	struct fact_run *run;
	struct fs_call *call;
	struct ground ground;
	ground_fn fn;
	char why[VEIL_WORDS_MAX + 128];
};

void ground_start(struct ground_asking *asking, struct fact_run *run, ground_fn fn);
void ground_cancel(struct ground_asking *asking);

/* Used of what is there for users, as df reckons; NAN: nothing to reckon with. */
double ground_used_percent(const struct fs_result *room);
double ground_inodes_percent(const struct fs_result *room);
double ground_free_bytes(const struct fs_result *room);
double ground_total_bytes(const struct fs_result *room);
bool ground_is_full(const struct fs_result *room); /* less than 64 MiB and 2 % are left */
bool ground_is_out_of_inodes(const struct fs_result *room);

/* "/host/var" of "/var". */
void ground_path(const struct io_env *env, const char *path, char *out, size_t size);

#endif

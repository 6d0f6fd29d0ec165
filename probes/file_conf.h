/* The settings of a `file` check, and how a found file is judged by them. */
#ifndef PROBES_FILE_CONF_H
#define PROBES_FILE_CONF_H

#include "io/fs.h"
#include "io/fs_file.h"
#include "probes/probe.h"

enum file_kind {
	FILE_ANY,
	FILE_PLAIN,
	FILE_FOLDER,
	FILE_SOCKET,
	FILE_SYMLINK,
	FILE_FIFO,
	FILE_DEVICE,
};

struct file_conf {
	char *path;
	int kind;
	bool is_wanted;
	char *owner, *group, *mode, *writable_by;
	usec_t max_age_us;
	int64_t min_size, max_size, min_files;
	char *files;
	bool has_checksum;
	char *sha256;
	int format; /* -1: none, else enum text_format */
	char *content, *not_content;
	int64_t max_read;
	/* made by check */
	unsigned mode_bits;
};

extern const struct conf_field file_fields[];
void file_conf_check(void *conf, const struct conf_node *map, const struct probe_setup *setup,
	struct complaints *complaints);

/* What was found.  wall_us: now. */
struct file_found {
	const struct fs_result *stat;
	const struct fs_file *file;
	usec_t wall_us;
};

/* As a write_error: only this daemon may not write there (ReadWritePaths=, a :ro volume). */
#define FILE_OUR_SANDBOX (-1)

/* Tells our own sandbox from a file system that is read-only for everybody; `dev`: the file's. */
void file_settle_writing(struct probe_run *run, struct fs_file *file, uint64_t dev);
bool file_can_tell_writing(const struct fs_file *file);

/* True: the verdict is given. */
bool file_judge(struct probe_run *run, const struct file_found *found);

#endif

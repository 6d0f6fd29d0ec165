/* errno -> `fs.*`, and a file system that does not answer: for all probes that look at files. */
#include "probes/fs_cause.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static const struct {
	int error;
	const char *cause;
} rows[] = {
	{ ENOENT, "fs.noent" },
	{ ENOTDIR, "fs.noent" },
	{ EACCES, "fs.eacces" },
	{ EROFS, "fs.erofs" },
	{ ENOSPC, "fs.enospc" },
	{ EDQUOT, "fs.edquot" },
	{ EPERM, "fs.eperm" },
	{ ESTALE, "fs.stale" },
};

const char *
fs_cause(int error)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].error == error)
			return rows[i].cause;
	return "fs.io";
}

bool
fs_unanswered(struct probe_run *run, const struct fs_result *result, const char *path)
{
	char since[32];

	if (result->status == FS_STUCK) {
		clock_format_duration(result->stuck_us, since, sizeof(since));
		probe_fail(run, "fs.hung", "%s has not answered for %s", path, since);
	} else if (result->status == FS_BROKEN) {
		probe_error(run, result->error == EBUSY ? "self.helpers-exhausted" : "self.local",
			"no helper process for %s: %s", path, strerror(result->error));
	}
	return result->status == FS_STUCK || result->status == FS_BROKEN;
}

bool
fs_veiled(struct probe_run *run, const struct fs_result *result, const char *path)
{
	char words[VEIL_WORDS_MAX];

	if (result->veil.kind == VEIL_NONE)
		return false;
	veil_words(&result->veil, words, sizeof(words));
	probe_error(run, "self.local", "%s is %s", path, words);
	return true;
}

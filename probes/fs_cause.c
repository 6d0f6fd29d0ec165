/* errno -> `fs.*`, shared by all probes of files and file systems. */
#include "probes/fs_cause.h"

#include <errno.h>
#include <stddef.h>

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

/* What a file-system call's end means for a probe: causes, and the ends that all of them share. */
#ifndef PROBES_FS_CAUSE_H
#define PROBES_FS_CAUSE_H

#include "io/fs.h"
#include "probes/probe.h"

const char *fs_cause(int error); /* "fs.noent"...; "fs.io" for whatever is not in the list */
/* The call did not come back, or there was no helper for it: gives that verdict and says true.
 * False: there is an answer, if only an errno. */
bool fs_unanswered(struct probe_run *run, const struct fs_result *result, const char *path);
/* What is there, or is not there, is our sandbox's doing and not the host's: says so, and true. */
bool fs_veiled(struct probe_run *run, const struct fs_result *result, const char *path);

#endif

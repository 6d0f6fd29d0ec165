/* What a file-system call's errno means, as a cause. */
#ifndef PROBES_FS_CAUSE_H
#define PROBES_FS_CAUSE_H

const char *fs_cause(int error); /* "fs.noent"...; "fs.io" for whatever is not in the list */

#endif

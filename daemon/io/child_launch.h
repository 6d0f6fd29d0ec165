/* The start of a command, apart from the life that follows it (child.c): descriptors and spawn. */
#ifndef IO_CHILD_LAUNCH_H
#define IO_CHILD_LAUNCH_H

#include <sys/types.h>

#include "io/child.h"

struct child_pipes {
	int out, err, note; /* our ends, non-blocking; -1: closed */
};

/* 0, or an errno with nothing left open.  `pid` leads a session and a group of its own. */
int child_launch(const struct child_options *o, struct child_pipes *ours, pid_t *pid);

#endif

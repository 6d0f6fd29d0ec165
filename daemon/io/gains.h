/*
 * Rights that a program's file gives to whoever starts it (set-uid, set-gid, capabilities), and
 * that a process with "no new privileges" does not get.  Both calls may hang on a dead mount: they
 * are for helper processes and for commands that people wait for.
 */
#ifndef IO_GAINS_H
#define IO_GAINS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum gain { GAIN_USER = 1, GAIN_GROUP = 2, GAIN_CAPABILITIES = 4 };

struct gains_holder {
	bool is_bound; /* no new privileges */
	uint32_t uid, gid;
	uint64_t capabilities; /* permitted */
	uint64_t most;         /* the bounding set: no file gives more */
};

/* What /proc/PID/status says of a process, 0: of this one; false: it cannot be read. */
bool gains_holder_of(pid_t pid, struct gains_holder *holder);
/* What the file would give besides what they have: bits; 0: nothing, nothing that they need (a
 * ping where their group may have ICMP sockets), or no such program. */
unsigned gains_of(const char *file, const struct gains_holder *holder);
/* Where the name stands in `path` (as of PATH), or the name itself where it has a "/". */
bool gains_find(const char *name, const char *path, char file[PATH_MAX]);
const char *gains_words(unsigned gains); /* "set-uid", "capabilities of its file"... */

#endif

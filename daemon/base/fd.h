/* File descriptors: flags, closing, and reading small kernel files that never block (/proc). */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <stddef.h>

#include "base/err.h"

void fd_close(int *fd); /* closes unless -1, then stores -1 */
int fd_set_nonblock(int fd, struct err *e);
/* Reads a whole small file under /proc or /sys, at most size-1 bytes, and terminates it; 0 or -1.
 */
int fd_read_proc(const char *path, char *out, size_t size, struct err *e);

#endif

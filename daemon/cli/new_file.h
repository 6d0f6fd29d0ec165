/* Files that a verb makes for people: never over one that is there. */
#ifndef CLI_NEW_FILE_H
#define CLI_NEW_FILE_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/* Half a file is taken away again. */
int new_file_write(const char *path, const struct buf *text, mode_t mode, struct err *e);

#endif

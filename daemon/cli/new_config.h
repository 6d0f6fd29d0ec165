/* Configurations that a verb makes for people. */
#ifndef CLI_NEW_CONFIG_H
#define CLI_NEW_CONFIG_H

#include "base/buf.h"
#include "base/err.h"

struct new_config {
	const char *path;
	const struct buf *text;
	const char *values_path;  /* the file of secret values, for its owner alone */
	const struct buf *values; /* NULL: none is written */
};

/* All of it or nothing, and never in place of a file that is there. */
int new_config_write(const struct new_config *config, struct err *e);
/* Looks it over as any other configuration; what is to be said of it, owned, "" nothing.  Returns
 * the number of errors. */
unsigned new_config_look_over(const char *path, char **said);

#endif

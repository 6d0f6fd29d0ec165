/* What most verbs are: an answer of the daemon, shown once or, with --watch, again and again. */
#ifndef CLI_VIEW_H
#define CLI_VIEW_H

#include <jansson.h>

#include "base/err.h"
#include "cli/client.h"

struct view {
	/* Owned; NULL and e (see client_get). */
	json_t *(*take)(const struct cli *cli, struct client *client, struct err *e);
	/* For people. */
	void (*print)(const struct cli *cli, const json_t *doc);
};

/* Prints the answer, with --json as it is.  Watches if the verb has --watch and it was given.
 * Returns the exit status. */
int view_run(struct cli *cli, const struct view *view);

#endif

/* What was meant: names that the daemon knows and that are like the one that it does not. */
#ifndef CLI_NEAR_H
#define CLI_NEAR_H

#include "base/err.h"
#include "cli/client.h"

/*
 * Adds to e, a 404 about `word`, the check's name that is nearest, or the incidents whose ids begin
 * so.  Any other error stays as it is; so does one that has its suggestion already.
 */
void near_suggest(struct client *client, enum cli_takes takes, const char *word, struct err *e);

#endif

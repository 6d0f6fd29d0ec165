/* One run of a check by the daemon: asked for, waited for. */
#ifndef CLI_REMOTE_H
#define CLI_REMOTE_H

#include <jansson.h>

#include "base/err.h"
#include "cli/client.h"

/* The check as /api/v1/checks/{name} shows it after the run; NULL and e (see client_get). */
json_t *remote_run(struct client *client, const char *name, struct err *e);

#endif

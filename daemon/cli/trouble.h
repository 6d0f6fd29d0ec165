/* Why nobody answers, in words that say what to do. */
#ifndef CLI_TROUBLE_H
#define CLI_TROUBLE_H

#include "base/err.h"
#include "cli/places.h"

/* Nobody is there.  `reason`: what the last place said.  Returns -1. */
int trouble_not_running(const struct places *places, const char *reason, struct err *e);
/* The socket is there, and not for us.  Returns -1. */
int trouble_denied(const char *path, struct err *e);

#endif

/* Can a place be connected to: its name, TCP and TLS, and not a byte of anything else. */
#ifndef CLI_REACH_H
#define CLI_REACH_H

#include "base/err.h"

/*
 * A receiver's target: "https://host", "smtp://host:587, to ann", several with commas.  0: they
 * take connections; 1: there is no address in it that does, so it cannot be tried; -1: one does
 * not, e.
 */
int reach_target(const char *target, struct err *e);

#endif

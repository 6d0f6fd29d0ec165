/* Can a place be connected to: its name, TCP and TLS, and not a byte of anything else. */
#ifndef CLI_REACH_H
#define CLI_REACH_H

#include "base/err.h"

/* 0: it takes connections; 1: not a http:// or https:// URL, so it cannot be tried; -1: e. */
int reach_url(const char *url, struct err *e);

#endif

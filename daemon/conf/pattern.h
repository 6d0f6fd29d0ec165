/* Regular expressions as users write them: is it one, and does compiling it stay cheap? */
#ifndef CONF_PATTERN_H
#define CONF_PATTERN_H

#include "base/err.h"

/* -1 and why, if it is none or would grow too large. */
int pattern_check(const char *text, struct err *e);

#endif

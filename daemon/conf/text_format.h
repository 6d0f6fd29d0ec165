/* Is somebody else's text well-formed YAML or JSON?  Positions are counted as editors do. */
#ifndef CONF_TEXT_FORMAT_H
#define CONF_TEXT_FORMAT_H

#include <stddef.h>

#include "base/err.h"

enum text_format { TEXT_YAML, TEXT_JSON };

/* 0, or -1 and "line 4, column 1: a tab is used for indentation...".  Any number of YAML documents,
 * tags and merge keys are fine; nothing is replaced in them. */
int text_format_check(enum text_format format, const char *text, size_t len, struct err *e);

#endif

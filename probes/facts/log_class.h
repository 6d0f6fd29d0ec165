/*
 * What the last lines of a log are about, by the words that programs use when they fail.  The table
 * is the knowledge; the first row that fits any of the lines is the class, as the rows go from
 * special to general.  Pure.
 */
#ifndef FACTS_LOG_CLASS_H
#define FACTS_LOG_CLASS_H

#include <stddef.h>

/* The class of these lines ("" for none) and the newest line that told it. */
const char *log_class_find(const char *const *lines, size_t count, size_t *which);

#endif

/*
 * Everything that is wrong with a configuration, collected and then shown together, the way a
 * compiler does:
 *
 *	/etc/triaged.yaml:12:11: error: timeout: "5" needs a unit, such as 5s (ms, s, m, h, d)
 *	   12 |   timeout: 5
 *	      |            ^
 */
#ifndef CONF_COMPLAIN_H
#define CONF_COMPLAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define COMPLAINTS_MAX 50 /* errors kept; the rest is counted */

struct complaints;

/* Where something was written.  `file` is borrowed from the tree's file table. */
struct conf_pos {
	const struct conf_file *file; /* NULL: no place (a missing file, a default) */
	unsigned line, column;        /* from 1 */
};

struct complaints *complaints_new(void);
void complaints_free(struct complaints *all);

void complain(struct complaints *all, const struct conf_pos *pos, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void complain_warn(struct complaints *all, const struct conf_pos *pos, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

unsigned complaints_errors(const struct complaints *all);
unsigned complaints_warnings(const struct complaints *all);
/* Sorted by file and position, with the source line and a caret. */
void complaints_print(const struct complaints *all, struct buf *out);
/* The first error as one line without the source, for /readyz and the log; "" if none. */
void complaints_first(const struct complaints *all, char *out, size_t size);

#endif

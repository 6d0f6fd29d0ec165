/*
 * Statements as people may see them: what is a value becomes "?", comments go, white space is one
 * blank.  Made for text that was cut anywhere: what is doubtful is hidden, not shown.
 */
#ifndef PROBES_SQL_MASK_H
#define PROBES_SQL_MASK_H

#include <stddef.h>

enum sql_dialect {
	SQL_MYSQL,    /* "..." is a text, `...` a name; a backslash escapes; # begins a comment */
	SQL_POSTGRES, /* "..." is a name; E'...' knows backslashes; $tag$...$tag$ is a text */
	SQL_SQLITE,   /* "..." and `...` are names */
};

/* `out` always ends; longer statements are cut. */
void sql_mask(enum sql_dialect dialect, const char *sql, char *out, size_t size);

#endif

/*
 * ${NAME}, ${NAME:-default}, ${file:/path}, ${credential:name} and $${ inside one scalar; and the
 * .env grammar.  Works on text that was parsed already, so nothing can inject YAML.
 */
#ifndef CONF_INTERPOLATE_H
#define CONF_INTERPOLATE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"

struct interpolate_env {
	const struct map *env_file; /* name -> char *; the process environment beats it */
};

/* Owned text, or NULL and e.  *is_secret becomes true when a file or credential was read. */
char *interpolate(
	const char *text, const struct interpolate_env *env, bool *is_secret, struct err *e);
/* Index of the } that closes the ${ whose inside begins at `at`; len when there is none. */
size_t interpolate_closing(const char *text, size_t at, size_t len);
/* KEY=VALUE lines, # comments, export, quotes, CRLF; the last of a duplicate key wins. */
int env_file_parse(struct map *into, const char *text, struct err *e);
/* The same from a file; the error names it. */
int env_file_load(struct map *into, const char *path, struct err *e);
/* A value as it must stand behind KEY= to be read again as it is. */
void env_file_quote(const char *value, struct buf *out);

#endif

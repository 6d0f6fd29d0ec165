/* Text helpers that libc lacks.  All are pure. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);
const char *str_skip_label(const char *text, const char *label); /* past each leading "label: " */
bool str_matches_glob(const char *text, const char *glob);       /* * ? [a-z]; no path meaning */

/* Copies at most size-1 bytes and never cuts a UTF-8 character; always terminates. */
void str_copy(char *out, size_t size, const char *text);
/* As snprintf, and what was cut ends with a whole UTF-8 character. */
void str_format(char *out, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The largest length <= max that does not cut a UTF-8 character of `text`. */
size_t str_utf8_cut(const char *text, size_t len, size_t max);
bool str_is_utf8(const char *text, size_t len);
/* Columns on a terminal (wide characters count two). */
size_t str_columns(const char *text);

/* Damerau-Levenshtein distance, for "did you mean". */
size_t str_distance(const char *a, const char *b);
/* The candidate nearest to `word` (distance <= 2 and less than half its length) or NULL. */
const char *str_nearest(const char *word, const char *const *candidates, size_t count);

/* Replaces control bytes, marks of direction and broken UTF-8 by '.', cuts at size-1: what a
 * hostile peer sent, made fit to be shown. */
void str_printable(char *out, size_t size, const void *data, size_t len);

#endif

/*
 * Memory that is never refused: out of memory ends the process with one line on stderr (systemd
 * restarts it, the store restores it).  Sizes that the outside decides are capped before they
 * come here.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

_Noreturn void mem_end(void); /* for a library that says that it had none */

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xreallocarray(void *p, size_t count, size_t size);
char *xstrdup(const char *s); /* NULL in, NULL out */
char *xstrndup(const char *s, size_t len);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Gives pages that nothing lies on any more back to the system: after much was freed at once. */
void mem_trim(void);

/* Replaces an owned string: frees *slot, stores a copy of `s` (NULL clears). */
void xstrset(char **slot, const char *s);

#endif

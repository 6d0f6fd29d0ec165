/*
 * Memory of one tree: handed out in small pieces, given back all at once.  A configuration of ten
 * thousand checks is a hundred thousand small objects that live and die together.
 */
#ifndef CONF_ARENA_H
#define CONF_ARENA_H

#include <stddef.h>

struct conf_arena;

struct conf_arena *arena_new(void);
void arena_free(struct conf_arena *arena);              /* wipes: there are passwords in it */
void *arena_get(struct conf_arena *arena, size_t size); /* zeroed, aligned for pointers */
char *arena_text(struct conf_arena *arena, const char *text, size_t len);

#endif

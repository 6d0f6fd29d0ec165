/* Chunks in a list; large pieces get a chunk of their own. */
#include "conf/arena.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"

#define CHUNK_SIZE 16384
#define ALIGNMENT  sizeof(void *)

struct chunk {
	struct chunk *next;
	size_t used, size;
	char data[];
};

struct conf_arena {
	struct chunk *first; /* the one that is being filled */
};

struct conf_arena *
arena_new(void)
{
	return xcalloc(1, sizeof(struct conf_arena));
}

void
arena_free(struct conf_arena *arena)
{
	if (arena == NULL)
		return;
	while (arena->first != NULL) {
		struct chunk *chunk = arena->first;
		arena->first = chunk->next;
		secret_wipe(chunk->data, chunk->used);
		free(chunk);
	}
	free(arena);
}

static char *
take(struct conf_arena *arena, size_t size, size_t alignment)
{
	struct chunk *chunk = arena->first;
	size_t start = chunk != NULL ? (chunk->used + alignment - 1) & ~(alignment - 1) : 0;
	if (chunk == NULL || start > chunk->size || chunk->size - start < size) {
		size_t room = size > CHUNK_SIZE / 4 ? size : CHUNK_SIZE - sizeof(struct chunk);
		struct chunk *fresh = xcalloc(1, sizeof(*fresh) + room);
		fresh->size = room;
		fresh->used = size;
		if (chunk != NULL && room == size) { /* keep filling the current one */
			fresh->next = chunk->next;
			chunk->next = fresh;
		} else {
			fresh->next = chunk;
			arena->first = fresh;
		}
		return fresh->data;
	}
	chunk->used = start + size;
	return chunk->data + start;
}

void *
arena_get(struct conf_arena *arena, size_t size)
{
	return take(arena, size, ALIGNMENT);
}

char *
arena_text(struct conf_arena *arena, const char *text, size_t len)
{
	char *copy = take(arena, len + 1, 1);
	memcpy(copy, text, len);
	return copy;
}

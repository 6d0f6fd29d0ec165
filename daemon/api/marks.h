/*
 * Which checks have news, in the order of their last one: what a reader has not seen yet is the end
 * of the list, however slow the reader.  One mark per check, never a queue.
 */
#ifndef API_MARKS_H
#define API_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct map;

struct mark {
	struct list node;
	uint64_t serial; /* of its last news */
	char *text;      /* as it is told, once for all readers; NULL: nobody made it yet */
	const char *name;
};

struct marks {
	struct map *by_name;
	struct list order;
	uint64_t serial; /* of the last news of all; never goes back */
};

void marks_init(struct marks *marks);
void marks_fini(struct marks *marks);
void marks_clear(struct marks *marks); /* the serial goes on */
void marks_note(struct marks *marks, const char *name);
/* The oldest one later than `serial`; NULL: there is none. */
struct mark *marks_after(const struct marks *marks, uint64_t serial);
struct mark *marks_next(const struct marks *marks, const struct mark *mark);
/* Forgets those that `is_there` does not know. */
void marks_sweep(struct marks *marks, bool (*is_there)(void *arg, const char *name), void *arg);

#endif

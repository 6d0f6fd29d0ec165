/* Lists of free pieces, one for each size, the last that was given back first. */
#include "io/spare.h"

#include <stdlib.h>

#include "base/mem.h"
#include "io/loop_private.h"

#define STEP     64 /* bytes from size to size */
#define KEPT_MAX 64 /* of a size: as many runs begin in a turn or two */

/* With a sanitizer each piece is the allocator's own, so that who uses it too late is seen. */
#ifdef __SANITIZE_ADDRESS__
#define IS_WATCHED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_WATCHED 1
#endif
#endif
#ifndef IS_WATCHED
#define IS_WATCHED 0
#endif

struct spare {
	struct spare *next;
};

static struct spare_list *
list_of(struct loop *loop, size_t size)
{
	size_t at = (size + STEP - 1) / STEP;

	return !IS_WATCHED && at < SPARE_SIZES ? &loop_spares(loop)[at] : NULL;
}

void *
spare_take(struct loop *loop, size_t size)
{
	struct spare_list *list = list_of(loop, size);
	struct spare *spare;

	if (list == NULL)
		return xmalloc(size);
	spare = list->first;
	if (spare == NULL)
		return xmalloc((size + STEP - 1) / STEP * STEP);
	list->first = spare->next;
	list->count--;
	return spare;
}

void
spare_give(struct loop *loop, void *memory, size_t size)
{
	struct spare_list *list = list_of(loop, size);
	struct spare *spare = memory;

	if (list == NULL || spare == NULL || list->count >= KEPT_MAX) {
		free(memory);
		return;
	}
	spare->next = list->first;
	list->first = spare;
	list->count++;
}

void
spares_end(struct spare_list *lists)
{
	for (size_t i = 0; i < SPARE_SIZES; i++) {
		for (struct spare *next; lists[i].first != NULL; lists[i].first = next) {
			next = lists[i].first->next;
			free(lists[i].first);
		}
		lists[i].count = 0;
	}
}

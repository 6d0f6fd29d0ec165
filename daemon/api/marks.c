/* The marks: a map for finding one, a list in the order of news.  Owns names and texts. */
#include "api/marks.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"

void
marks_init(struct marks *marks)
{
	marks->by_name = map_new();
	list_init(&marks->order);
	marks->serial = 0;
}

static void
free_mark(struct mark *mark)
{
	list_remove(&mark->node);
	free(mark->text);
	free(mark);
}

static void
free_all(struct marks *marks)
{
	map_free(marks->by_name, NULL);
	LIST_EACH_SAFE(it, &marks->order)
	free_mark(LIST_ENTRY(it, struct mark, node));
}

void
marks_fini(struct marks *marks)
{
	free_all(marks);
}

void
marks_clear(struct marks *marks)
{
	free_all(marks);
	marks->by_name = map_new();
}

/* The name lies behind the mark: one allocation. */
static struct mark *
make_mark(struct marks *marks, const char *name)
{
	size_t size = strlen(name) + 1;
	struct mark *mark = xcalloc(1, sizeof(*mark) + size);

	mark->name = memcpy(mark + 1, name, size);
	list_init(&mark->node);
	map_put(marks->by_name, name, mark);
	return mark;
}

void
marks_note(struct marks *marks, const char *name)
{
	struct mark *mark = map_get(marks->by_name, name);

	if (mark == NULL)
		mark = make_mark(marks, name);
	free(mark->text);
	mark->text = NULL;
	mark->serial = ++marks->serial;
	list_remove(&mark->node);
	list_append(&marks->order, &mark->node);
}

struct mark *
marks_after(const struct marks *marks, uint64_t serial)
{
	struct mark *first = NULL;

	for (struct list *it = marks->order.prev; it != &marks->order; it = it->prev) {
		struct mark *mark = LIST_ENTRY(it, struct mark, node);

		if (mark->serial <= serial)
			break;
		first = mark;
	}
	return first;
}

struct mark *
marks_next(const struct marks *marks, const struct mark *mark)
{
	struct list *next = mark->node.next;

	return next == &marks->order ? NULL : LIST_ENTRY(next, struct mark, node);
}

void
marks_sweep(struct marks *marks, bool (*is_there)(void *arg, const char *name), void *arg)
{
	LIST_EACH_SAFE(it, &marks->order)
	{
		struct mark *mark = LIST_ENTRY(it, struct mark, node);

		if (is_there(arg, mark->name))
			continue;
		map_remove(marks->by_name, mark->name);
		free_mark(mark);
	}
}

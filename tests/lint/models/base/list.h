/* Whoever looks at a list anew sees what stands there now: without that, what left it seems to be
 * in it still. */
#ifndef MODEL_LIST_H
#define MODEL_LIST_H

#include_next "base/list.h"

bool model_is_empty(struct list *head);
struct list *model_first(struct list *head);
#define list_is_empty(head) model_is_empty((struct list *)(head))
#undef LIST_EACH
#define LIST_EACH(it, head)                                                                        \
	for (struct list *it = model_first((struct list *)(head)); it != (head); it = it->next)

#endif

/* Linking and unlinking; a node that is in no list points at itself. */
#include "base/list.h"

void
list_init(struct list *head)
{
	head->prev = head->next = head;
}

static void
link_between(struct list *prev, struct list *node, struct list *next)
{
	node->prev = prev;
	node->next = next;
	prev->next = node;
	next->prev = node;
}

void
list_append(struct list *head, struct list *node)
{
	link_between(head->prev, node, head);
}

void
list_prepend(struct list *head, struct list *node)
{
	link_between(head, node, head->next);
}

void
list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

bool
list_is_empty(const struct list *head)
{
	return head->next == head;
}

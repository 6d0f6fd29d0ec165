/*
 * Who waits for pings under which token.  Every slot is compared in full at each delivery: how long
 * it takes says nothing about how much of a token was right.  Owns the slots and their tokens.
 */
#include "io/inbox.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/secret.h"

struct inbox {
	struct list slots;
};

struct inbox_slot {
	struct list node;
	char *token;
	inbox_fn fn;
	void *arg;
};

struct inbox *
inbox_new(void)
{
	struct inbox *inbox = xcalloc(1, sizeof(*inbox));

	list_init(&inbox->slots);
	return inbox;
}

void
inbox_free(struct inbox *inbox)
{
	if (inbox == NULL)
		return;
	LIST_EACH_SAFE(it, &inbox->slots)
	inbox_remove(LIST_ENTRY(it, struct inbox_slot, node));
	free(inbox);
}

static struct inbox_slot *
find(const struct inbox *inbox, const char *token)
{
	struct inbox_slot *found = NULL;
	size_t len = strlen(token);

	LIST_EACH(it, &inbox->slots)
	{
		struct inbox_slot *slot = LIST_ENTRY(it, struct inbox_slot, node);

		if (secret_equal(slot->token, strlen(slot->token), token, len))
			found = slot;
	}
	return found;
}

struct inbox_slot *
inbox_add(struct inbox *inbox, const char *token, inbox_fn fn, void *arg)
{
	struct inbox_slot *slot;

	if (find(inbox, token) != NULL)
		return NULL;
	slot = xcalloc(1, sizeof(*slot));
	slot->token = xstrdup(token);
	slot->fn = fn;
	slot->arg = arg;
	list_append(&inbox->slots, &slot->node);
	return slot;
}

void
inbox_remove(struct inbox_slot *slot)
{
	if (slot == NULL)
		return;
	list_remove(&slot->node);
	secret_wipe(slot->token, strlen(slot->token));
	free(slot->token);
	free(slot);
}

bool
inbox_deliver(struct inbox *inbox, const char *token, const struct inbox_ping *ping)
{
	struct inbox_slot *slot = find(inbox, token);

	if (slot == NULL)
		return false;
	slot->fn(slot->arg, ping); /* may remove the slot */
	return true;
}

/*
 * Words that wait on disk.  Beyond OUTBOX_RESIDENT letters of a receiver, the newest keep only what
 * is needed to choose among them; their words are read back when their turn comes.  Only what the
 * store said is on disk is let go, so while it cannot write, all stays in memory (up to
 * OUTBOX_UNSAVED).
 *
 * What may still be merged keeps its words, at most one letter of each incident: a crowd of that
 * becomes a digest, or waits behind one to become the next.
 */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "deliver/outlet.h"

#define AGAIN_US (30 * USEC_PER_SEC) /* what could not be read is read again */
#define AT_ONCE  512                 /* letters that let go of their words in one turn */

static bool
may_park(const struct outlet *outlet, const struct letter *letter)
{
	return letter->run == NULL && !letter->lane->is_digest &&
	       !(letter->is_fresh && outlet_merges(outlet)) &&
	       letter->kept <= outlet->deliver->written;
}

static void
park(struct outbox *box, struct letter *letter)
{
	list_remove(&letter->in_memory);
	box->resident_count--;
	letter_retire_words(letter, box->loop);
	outbox_place(box, letter->lane);
}

void
spill_park(struct outlet *outlet)
{
	struct outbox *box = &outlet->box;
	struct list *it = box->resident.prev;
	size_t count = 0;

	if (outlet->deliver->options.read == NULL)
		return;
	while (box->resident_count > OUTBOX_RESIDENT && it != &box->resident && count < AT_ONCE) {
		struct letter *letter = LIST_ENTRY(it, struct letter, in_memory);

		it = it->prev;
		if (!may_park(outlet, letter))
			continue;
		park(box, letter);
		count++;
	}
}

void
spill_load(struct outlet *outlet, struct letter *letter)
{
	const struct deliver_options *options = &outlet->deliver->options;
	char *key = outbox_key(outlet->name, letter->id);

	letter->is_loading = true;
	outlet->loading++;
	list_append(&outlet->loads, &letter->in_memory);
	outbox_place(&outlet->box, letter->lane);
	options->read(options->arg, "outbox", key, spill_loaded, outlet->deliver);
	free(key);
}

static struct letter *
find_loading(const struct outlet *outlet, const char *id)
{
	LIST_EACH(it, &outlet->loads)
	{
		struct letter *letter = LIST_ENTRY(it, struct letter, in_memory);

		if (str_eq(letter->id, id))
			return letter;
	}
	return NULL;
}

void
spill_forget(struct outlet *outlet, struct letter *letter)
{
	letter->is_loading = false;
	outlet->loading--;
	list_remove(&letter->in_memory);
}

/* The disk may come back: what it cannot show now is not lost, and what is in memory goes first. */
static void
postpone(struct outlet *outlet, struct letter *letter)
{
	letter->due_us = loop_now(outlet->deliver->loop) + AGAIN_US;
	outbox_place(&outlet->box, letter->lane);
	log_debug("receiver %s: the words of %s cannot be read now", outlet->name, letter->id);
}

/* The stub may have changed since its document was written. */
static bool
take_words(struct outlet *outlet, struct letter *letter, const json_t *doc, struct err *e)
{
	struct notice notice = { .sequence = 0 };

	if (doc == NULL) {
		err_set(e, 0, "the store does not have its words any more");
		return false;
	}
	if (notice_restore(&notice, json_object_get(doc, "notice"), e) < 0)
		return false;
	letter_give_words(letter, &notice);
	letter_set_type(letter, letter->type);
	list_append(&outlet->box.resident, &letter->in_memory);
	outlet->box.resident_count++;
	return true;
}

void
spill_loaded(void *arg, const char *key, const json_t *doc)
{
	struct deliver *deliver = arg;
	const char *end = strrchr(key, '\n');
	char *name = xstrndup(key, (size_t)(end - key));
	struct outlet *outlet = deliver_outlet(deliver, name);
	struct letter *letter = outlet == NULL ? NULL : find_loading(outlet, end + 1);
	struct err e;

	free(name);
	if (letter == NULL)
		return; /* it was given up meanwhile */
	spill_forget(outlet, letter);
	if (json_is_null(doc))
		postpone(outlet, letter);
	else if (take_words(outlet, letter, doc, &e))
		outbox_place(&outlet->box, letter->lane);
	else
		outlet_give_up(outlet, letter, e.text);
	outlet_pump(outlet);
	deliver_settle(deliver);
}

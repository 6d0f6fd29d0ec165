/*
 * The keeper of documents.  Owns state.db's handle and what could not be written; promises that a
 * document is dropped only when a later one of its key replaces it.
 */
#include "store/keeper.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct batch *
batch_new(void)
{
	struct batch *batch = xcalloc(1, sizeof(*batch));
	list_init(&batch->node);
	return batch;
}

static void
drop_change(struct change *change)
{
	free(change->kind);
	free(change->key);
	free(change->body);
}

static void
free_change(void *change)
{
	drop_change(change);
	free(change);
}

void
batch_free(struct batch *batch)
{
	for (size_t n = 0; n < batch->count; n++)
		drop_change(&batch->changes[n]);
	free(batch->changes);
	free(batch);
}

void
batch_add(struct batch *batch, const char *kind, const char *key, char *body)
{
	if (batch->count == batch->room) {
		batch->room = batch->room ? 2 * batch->room : 4;
		batch->changes =
			xreallocarray(batch->changes, batch->room, sizeof(*batch->changes));
	}
	batch->changes[batch->count++] = (struct change){
		.kind = xstrdup(kind),
		.key = xstrdup(key),
		.body = body,
	};
}

/* Sets a damaged file aside and starts a new one with what the old one still gives away. */
static int
start_afresh(struct keeper *k, usec_t wall_us, const char *why, struct err *e)
{
	char *to = NULL;
	state_close(k->state);
	k->state = NULL;
	if (folder_set_aside(k->folder, STATE_FILE, wall_us, &to, e) < 0)
		return -1;
	k->state = state_open(k->folder, e);
	size_t saved = k->state ? state_salvage(k->state, to) : 0;
	free(k->aside);
	k->aside =
		xasprintf(STATE_FILE " was damaged (%s): set aside as %s, started afresh with %zu "
				     "documents that could still be read",
			why, to, saved);
	free(to);
	return k->state ? 0 : -1;
}

static int
open_state(struct keeper *k, usec_t wall_us, struct err *e)
{
	struct err why = { 0 };
	k->state = state_open(k->folder, &why);
	if (k->state)
		return 0;
	if (db_is_damage(why.code))
		return start_afresh(k, wall_us, why.text, e);
	if (e)
		*e = why;
	return -1;
}

int
keeper_open(struct keeper *k, struct folder *folder, usec_t wall_us, struct err *e)
{
	*k = (struct keeper){ .folder = folder, .unsaved = map_new() };
	if (open_state(k, wall_us, e) == 0)
		return 0;
	keeper_close(k);
	return -1;
}

bool
keeper_close(struct keeper *k)
{
	bool is_saved = k->state && map_count(k->unsaved) == 0;
	state_close(k->state);
	map_free(k->unsaved, free_change);
	free(k->trouble);
	free(k->aside);
	*k = (struct keeper){ 0 };
	return is_saved;
}

static void
set_mood(struct keeper *k, enum keeper_mood mood, const char *why)
{
	if (mood == k->mood && k->trouble)
		return;
	k->mood = mood;
	free(k->trouble);
	k->trouble = NULL;
	if (mood == KEEPER_TIGHT)
		k->trouble = xasprintf(
			"the disk of state folder %s is full (%s): the last reserve is in "
			"use, history is not written: free some space",
			k->folder->path, why);
	else if (mood == KEEPER_FAILING)
		k->trouble = xasprintf(
			"state folder %s cannot be written (%s): free some space or repair it; "
			"until then a kill would lose what is new",
			k->folder->path, why);
}

static int
write_batches(struct keeper *k, const struct list *batches, struct err *e)
{
	if (state_begin(k->state, e) < 0)
		return -1;
	LIST_EACH(it, batches)
	{
		const struct batch *batch = LIST_ENTRY(it, struct batch, node);
		for (size_t n = 0; n < batch->count; n++) {
			const struct change *c = &batch->changes[n];
			if (state_put(k->state, c->kind, c->key, c->body, e) < 0)
				return -1;
		}
	}
	return state_commit(k->state, e);
}

static int
write_unsaved(struct keeper *k, struct err *e)
{
	size_t at = 0;
	const char *name;
	void *value;
	if (state_begin(k->state, e) < 0)
		return -1;
	while (map_next(k->unsaved, &at, &name, &value)) {
		const struct change *c = value;
		if (state_put(k->state, c->kind, c->key, c->body, e) < 0)
			return -1;
	}
	return state_commit(k->state, e);
}

static int
write_either(struct keeper *k, const struct list *batches, struct err *e)
{
	if (!k->state)
		return err_set(e, 0, "it is not open");
	return batches ? write_batches(k, batches, e) : write_unsaved(k, e);
}

/* Writes, and if that fails, once more after doing something about the reason. */
static int
write_hard(struct keeper *k, const struct list *batches, usec_t wall_us, struct err *e)
{
	if (write_either(k, batches, e) == 0)
		return 0;
	k->errors++;
	struct err why = *e;
	if (db_is_damage(why.code)) {
		if (start_afresh(k, wall_us, why.text, e) < 0)
			return -1;
		return write_either(k, batches, e);
	}
	if (k->mood != KEEPER_FINE)
		return -1;
	folder_give_ballast(k->folder);
	if (write_either(k, batches, e) < 0)
		return -1;
	set_mood(k, KEEPER_TIGHT, why.text);
	return 0;
}

static void
remember(struct keeper *k, const struct list *batches)
{
	LIST_EACH(it, batches)
	{
		struct batch *batch = LIST_ENTRY(it, struct batch, node);
		for (size_t n = 0; n < batch->count; n++) {
			struct change *kept = xmalloc(sizeof(*kept));
			*kept = batch->changes[n];
			char *name = xasprintf("%s\n%s", kept->kind, kept->key);
			struct change *older = map_put(k->unsaved, name, kept);
			free(name);
			if (older)
				free_change(older);
		}
		batch->count = 0; /* the changes are the map's now */
	}
}

static bool
is_empty(const struct list *batches)
{
	LIST_EACH(it, batches)
	if (LIST_ENTRY(it, struct batch, node)->count > 0)
		return false;
	return true;
}

bool
keeper_write(struct keeper *k, const struct list *batches, usec_t wall_us)
{
	struct err e = { 0 };
	if (map_count(k->unsaved) == 0 &&
		(is_empty(batches) || write_hard(k, batches, wall_us, &e) == 0))
		return true;
	bool was_failing = map_count(k->unsaved) > 0;
	remember(k, batches);
	if (!was_failing)
		set_mood(k, KEEPER_FAILING, e.text);
	return false;
}

int
keeper_read(struct keeper *k, const char *kind, const char *key, char **body)
{
	char *name = xasprintf("%s\n%s", kind, key);
	const struct change *unsaved = map_get(k->unsaved, name);
	free(name);
	*body = unsaved ? xstrdup(unsaved->body) : NULL;
	if (unsaved)
		return 0;
	return k->state ? state_get(k->state, kind, key, body) : -1;
}

void
keeper_retry(struct keeper *k, usec_t wall_us)
{
	struct err e = { 0 };
	if (k->mood == KEEPER_FAILING) {
		/* The handle may be what is broken: a file system that was remounted. */
		state_close(k->state);
		k->state = NULL;
		if (open_state(k, wall_us, &e) < 0 || write_hard(k, NULL, wall_us, &e) < 0)
			return;
		map_free(k->unsaved, free_change);
		k->unsaved = map_new();
		set_mood(k, KEEPER_TIGHT, "it could not be written until now");
	}
	if (k->mood == KEEPER_TIGHT && folder_take_ballast(k->folder, &e) == 0)
		set_mood(k, KEEPER_FINE, NULL);
}

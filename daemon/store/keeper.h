/*
 * Documents on their way to state.db, whatever happens to the disk.  What cannot be written is
 * kept, the latest of each key, and written when the disk can again.  Used by one thread at a time.
 *
 *	FINE -> TIGHT: a write failed, worked once the ballast was given up
 *	FINE, TIGHT -> FAILING: it did not work either; documents wait in memory
 *	FAILING -> TIGHT: everything is on disk again
 *	TIGHT -> FINE: there is room for a new ballast
 */
#ifndef STORE_KEEPER_H
#define STORE_KEEPER_H

#include "base/list.h"
#include "base/map.h"
#include "store/state.h"

struct change {
	char *kind, *key;
	char *body; /* NULL: delete */
};

/* What one turn of the loop posted. */
struct batch {
	struct list node;
	uint64_t seq;
	struct change *changes;
	size_t count, room;
};

struct batch *batch_new(void);
void batch_free(struct batch *batch);
void batch_add(struct batch *batch, const char *kind, const char *key, char *body); /* takes body */

enum keeper_mood { KEEPER_FINE, KEEPER_TIGHT, KEEPER_FAILING };

struct keeper {
	struct folder *folder;
	struct state *state; /* NULL: to be opened again */
	struct map *unsaved; /* "kind\nkey" -> struct change */
	enum keeper_mood mood;
	unsigned errors; /* writes that failed, since the reader last set it to 0 */
	char *trouble;   /* what to say about the mood; NULL when fine */
	char *aside;     /* a damaged file was set aside: to be said once; NULL */
};

int keeper_open(struct keeper *keeper, struct folder *folder, usec_t wall_us, struct err *e);
/* True when the last of it is on disk. */
bool keeper_close(struct keeper *keeper);

/* Batches in order, as one transaction.  True: all that was ever posted is on disk. */
bool keeper_write(struct keeper *keeper, const struct list *batches, usec_t wall_us);
/* The body as it was posted last, written or not (owned), NULL when there is none; -1: it cannot be
 * read now. */
int keeper_read(struct keeper *keeper, const char *kind, const char *key, char **body);
/* Once a second while it is not fine. */
void keeper_retry(struct keeper *keeper, usec_t wall_us);

#endif

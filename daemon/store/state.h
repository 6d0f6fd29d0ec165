/*
 * state.db: documents (kind, key) -> JSON text, synchronous FULL.  Used by one thread at a time.
 * Error codes are SQLite's.
 */
#ifndef STORE_STATE_H
#define STORE_STATE_H

#include <stddef.h>

#include "store/db.h"
#include "store/folder.h"

struct state;

#define STATE_FILE "state.db"

extern const struct db_ladder state_ladder;
/* Where the file as it was before an upgrade from this format is kept (owned). */
char *state_copy_path(const struct folder *folder, int format);

/* Checks the file as well when the daemon before us did not end in order. */
struct state *state_open(const struct folder *folder, struct err *e);
void state_close(struct state *state);

/* A transaction: begin, any number of puts (body NULL: delete), commit.  Any failure ends it. */
int state_begin(struct state *state, struct err *e);
int state_put(
	struct state *state, const char *kind, const char *key, const char *body, struct err *e);
int state_commit(struct state *state, struct err *e);
/* Moves a long write-ahead log into the file: two syncs more, for a moment when nobody waits. */
void state_tidy(struct state *state);

/* The body of one (owned), NULL when there is none; -1: it cannot be read. */
int state_get(struct state *state, const char *kind, const char *key, char **body);
/* Every document in order of kind and key; kind NULL: all. */
typedef void (*state_fn)(void *arg, const char *kind, const char *key, const char *body);
int state_each(struct state *state, const char *kind, state_fn fn, void *arg, struct err *e);

/* Copies what a damaged file still gives away into `state`; returns how many documents. */
size_t state_salvage(struct state *state, const char *damaged);

#endif

/*
 * What must survive: one thread owns SQLite, everybody else posts to it.  Two files in the state
 * folder: state.db (synchronous FULL: incidents, alert machines, outbox, ledger) and history.db
 * (NORMAL: samples and roll-ups).  A ballast file is given up when the disk is full.
 *
 * The durable side is a set of documents: (kind, key) -> JSON.  Puts and deletes of one loop turn
 * are one transaction.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/stat.h"
#include "io/loop.h"

struct store;

struct store_options {
	const char *dir; /* created 0700 if missing */
	struct loop *loop;
	struct stats *stats;
	int64_t history_max_bytes;
	/* On the loop: the store cannot write (text says why), or can again (NULL). */
	void (*on_trouble)(void *arg, const char *text);
	void *arg;
};

/*
 * Opens, locks the folder (a second daemon gets a clear error), checks the files; a corrupt one is
 * set aside under a dated name and `aside` (size ASIDE_MAX) says so, "" otherwise.  Files of an
 * older format are brought up to ours; those of a later program are refused (code STORE_ERR_LATER)
 * before anything is changed.
 */
#define STORE_ASIDE_MAX 600
#define STORE_ERR_LATER 100001
struct store *store_open(const struct store_options *options, char *aside, struct err *e);
/* Writes what is posted, waits for it at most `timeout_us`, closes. */
void store_close(struct store *store, usec_t timeout_us);

/* Before loop_run: every document of a kind, in key order. */
typedef void (*store_doc_fn)(void *arg, const char *key, const json_t *doc);
int store_load(struct store *store, const char *kind, store_doc_fn fn, void *arg, struct err *e);

void store_put(struct store *store, const char *kind, const char *key, const json_t *doc);
void store_delete(struct store *store, const char *kind, const char *key);
/* Reads one back as earlier turns posted it, off the loop: fn is called once, in a later turn; doc
 * NULL: there is none; JSON null: it cannot be read now.  store_drop_waiter and store_close forget
 * it. */
typedef void (*store_read_fn)(void *arg, const char *key, const json_t *doc);
void store_read(
	struct store *store, const char *kind, const char *key, store_read_fn fn, void *arg);
/* fn is called on the loop once all that was posted before is on disk (is_durable), or when the
 * store could not write it (false: it goes on from memory and keeps trying). */
void store_when_durable(struct store *store, void (*fn)(void *arg, bool is_durable), void *arg);
void store_drop_waiter(struct store *store, void *arg); /* forgets every waiter with this arg */

/* History: what all rows of one metric of one check share; lives as long as the store.  NULL: there
 * are too many, or the names are too long. */
struct store_series;
struct store_series *store_series(struct store *store, const char *check, const char *metric);
/* Nobody writes to it any more, and the handle is void; what was written stays. */
void store_drop_series(struct store *store, struct store_series *series);
/* One value, wall time.  Dropped and counted when behind, or without a series. */
void store_sample(struct store *store, struct store_series *series, usec_t wall_us, double value);

/*
 * A reading of history, off the loop: each stretch from the finest level that still has it, or from
 * the coarsest that is fine enough for the step, averaged over steps; no value counts twice.  fn is
 * called once on the loop with points in order of time; count 0: nothing is known.
 * store_drop_waiter and store_close forget it.
 */
struct store_point {
	usec_t wall_us;
	double avg, min, max;
	uint64_t count;
	usec_t grain_us; /* the longest stretch that it was made of; 0: of single values */
};
struct store_query {
	const char *check, *metric;         /* copied */
	usec_t since_us, until_us, step_us; /* step 0: as stored */
};
typedef void (*store_points_fn)(void *arg, const struct store_point *points, size_t count);
void store_query_start(
	struct store *store, const struct store_query *query, store_points_fn fn, void *arg);
/* So many questions wait already that one more had better be asked later. */
bool store_is_busy(const struct store *store);

#endif

/*
 * history.db: what was measured.  Raw values for 2 h, 1-minute roll-ups for 48 h, 15-minute
 * roll-ups for 90 d, within a size.  Used by one thread; error codes are SQLite's.
 *
 * Writing must cost little, so a row of the database is not one value: it is a block of what 256
 * series had to say in a few seconds, or their roll-ups of one slot of time.
 */
#ifndef STORE_HISTORY_H
#define STORE_HISTORY_H

#include "base/clock.h"
#include "store/db.h"
#include "store/folder.h"
#include "store/store.h"

struct history;

#define HISTORY_FILE "history.db"

extern const struct db_ladder history_ladder;

/* One metric of one check.  Whoever posts rows makes it and frees it; all but the names is
 * history's. */
struct store_series {
	unsigned generation; /* of the file that gave the id; 0: none has */
	uint32_t id;
	int32_t day; /* when it was last marked as living */
	uint16_t check_len;
	char names[]; /* "check\nmetric": there are a few of every check, so they are one block */
};

/* NULL: the names are too long. */
struct store_series *history_series_new(const char *check, const char *metric);

struct history_row {
	struct store_series *series;
	usec_t wall_us;
	double value;
};

/* `generation` differs from that of every history opened before by this process. */
struct history *history_open(
	const struct folder *folder, int64_t max_bytes, unsigned generation, struct err *e);
void history_close(struct history *history);

/* All rows in one transaction.  After a failure the history must be closed. */
int history_write(
	struct history *history, const struct history_row *rows, size_t count, struct err *e);

/* Owned points in order of time; their number, or -1. */
long history_read(struct history *history, const struct store_query *query,
	struct store_point **points, struct err *e);

#endif

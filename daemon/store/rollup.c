/*
 * The passing of time in history.db: minutes become roll-up blocks, fifteen of them another, old
 * blocks go, a bit at each minute.  All of it runs inside the transaction of the rows that showed
 * that a minute was over, so raw values and roll-ups never disagree.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/levels.h"

#define EXPIRE_BLOCKS 64 /* per part, level and minute */
/* Days without a value until a series' name goes: longer than any of its roll-ups lives. */
#define SERIES_DAYS 100
#define SPARE_PAGES 1024

/* Of numbers whose sum no double holds the bounds are still known. */
static double
average(const struct gather *g)
{
	double avg = g->sum / g->count;

	return isfinite(avg) ? avg : fmin(fmax(avg, (double)g->min), (double)g->max);
}

void
gather_emit(struct buf *block, const struct gather *g, uint16_t slot)
{
	struct rollup_entry entry = {
		.slot = slot,
		.count = g->count > UINT16_MAX ? UINT16_MAX : (uint16_t)g->count,
		.min = g->min,
		.max = g->max,
		.avg = average(g),
	};
	buf_add(block, &entry, sizeof(entry));
}

/* Writes one block of what was gathered for a part and starts over. */
static int
emit_part(
	struct history *h, sqlite3_stmt *insert, int64_t key, struct gather *gathers, struct err *e)
{
	struct buf block;
	buf_init(&block, 0);
	for (uint16_t slot = 0; slot < PART_SERIES; slot++)
		if (gathers[slot].count)
			gather_emit(&block, &gathers[slot], slot);
	int rc = buf_left(&block) ? level_insert(h, insert, key, &block, e) : 0;
	buf_fini(&block);
	memset(gathers, 0, PART_SERIES * sizeof(*gathers));
	return rc;
}

static int
emit_minute(struct history *h, struct err *e)
{
	sqlite3_stmt *insert = level_prepare(h, LEVEL_MINUTE, LEVEL_INSERT, e);
	int rc = insert ? 0 : -1;
	for (size_t n = 0; n < h->part_count && rc == 0; n++)
		rc = emit_part(h, insert, level_key(n, h->minute * MINUTE_MS),
			&h->gathers[n * PART_SERIES], e);
	sqlite3_finalize(insert);
	return rc;
}

static void
gather_block(struct gather *gathers, const void *block, int bytes)
{
	struct rollup_entry entry;
	for (size_t n = 0; (n + 1) * sizeof(entry) <= (size_t)bytes; n++) {
		memcpy(&entry, (const char *)block + n * sizeof(entry), sizeof(entry));
		if (entry.slot < PART_SERIES)
			gather_add(&gathers[entry.slot], entry.count, entry.avg, (double)entry.min,
				(double)entry.max);
	}
}

struct rolling {
	struct history *h;
	sqlite3_stmt *select, *insert;
	struct gather *gathers; /* PART_SERIES */
};

/* Minutes of one part since its last quarter, up to `until_ms`. */
static int
roll_part(struct rolling *r, size_t part, int64_t until_ms, struct err *e)
{
	const int64_t slot_ms = levels[LEVEL_QUARTER].slot_ms;
	int64_t quarter = -1;
	int rc;
	sqlite3_bind_int64(r->select, 1, level_key(part, r->h->parts[part].quarter_ms));
	sqlite3_bind_int64(r->select, 2, level_key(part, until_ms));
	while ((rc = sqlite3_step(r->select)) == SQLITE_ROW) {
		int64_t found = level_key_ms(sqlite3_column_int64(r->select, 0)) / slot_ms;
		if (quarter >= 0 && found != quarter &&
			emit_part(r->h, r->insert, level_key(part, quarter * slot_ms), r->gathers,
				e) < 0)
			break;
		quarter = found;
		gather_block(r->gathers, sqlite3_column_blob(r->select, 1),
			sqlite3_column_bytes(r->select, 1));
	}
	sqlite3_reset(r->select);
	if (rc == SQLITE_ROW)
		return -1;
	if (rc != SQLITE_DONE)
		return db_fail(r->h->db, rc, e, "reading " HISTORY_FILE);
	r->h->parts[part].quarter_ms = until_ms;
	return quarter < 0 ? 0
			   : emit_part(r->h, r->insert, level_key(part, quarter * slot_ms),
				     r->gathers, e);
}

static int
find_last_quarter(struct history *h, size_t part, struct err *e)
{
	if (h->parts[part].quarter_ms >= 0)
		return 0;
	const int64_t slot_ms = levels[LEVEL_QUARTER].slot_ms;
	int64_t last = level_edge(h, LEVEL_QUARTER, part, true, e);
	if (last < -1)
		return -1;
	h->parts[part].quarter_ms = last < 0 ? 0 : (last / slot_ms + 1) * slot_ms;
	return 0;
}

static int
roll_quarters(struct history *h, int64_t until_ms, struct err *e)
{
	struct rolling r = {
		.h = h,
		.select = level_prepare(h, LEVEL_MINUTE,
			"SELECT key, block FROM %s WHERE key >= ?1 AND key < ?2 ORDER BY key", e),
	};
	r.insert = r.select ? level_prepare(h, LEVEL_QUARTER, LEVEL_INSERT, e) : NULL;
	r.gathers = xcalloc(PART_SERIES, sizeof(*r.gathers));
	int rc = r.insert ? 0 : -1;
	for (size_t n = 0; n < h->part_count && rc == 0; n++) {
		rc = find_last_quarter(h, n, e);
		if (rc == 0 && h->parts[n].quarter_ms < until_ms)
			rc = roll_part(&r, n, until_ms, e);
	}
	sqlite3_finalize(r.select);
	sqlite3_finalize(r.insert);
	free(r.gathers);
	return rc;
}

/* Deletes at most EXPIRE_BLOCKS blocks of each part that are older than `before_ms`. */
static int
expire(struct history *h, enum level level, int64_t before_ms, struct err *e)
{
	sqlite3_stmt *stmt = level_prepare(h, level,
		"DELETE FROM %s WHERE key IN (SELECT key FROM %s WHERE key >= ?1 AND key < ?2"
		" ORDER BY key LIMIT ?3)",
		e);
	int rc = stmt ? 0 : -1;
	int gone = 0;
	for (size_t n = 0; n < h->part_count && rc == 0; n++) {
		sqlite3_bind_int64(stmt, 1, level_key(n, 0));
		sqlite3_bind_int64(stmt, 2, level_key(n, before_ms));
		sqlite3_bind_int(stmt, 3, EXPIRE_BLOCKS);
		rc = db_run(h->db, stmt, e, "deleting from " HISTORY_FILE);
		gone += sqlite3_changes(h->db);
	}
	sqlite3_finalize(stmt);
	return rc < 0 ? -1 : gone;
}

static int
expire_by_age(struct history *h, int64_t now_ms, struct err *e)
{
	for (enum level level = 0; level < LEVELS; level++)
		if (now_ms > levels[level].keep_ms &&
			expire(h, level, now_ms - levels[level].keep_ms, e) < 0)
			return -1;
	return 0;
}

/* Over the size: the oldest raw blocks go first, then the finer roll-ups. */
static int
expire_by_size(struct history *h, int64_t now_ms, struct err *e)
{
	int64_t pages = 0, spare = 0, page_bytes = 0;
	if (db_number(h->db, "PRAGMA page_count", 0, &pages, e) < 0 ||
		db_number(h->db, "PRAGMA freelist_count", 0, &spare, e) < 0 ||
		db_number(h->db, "PRAGMA page_size", 4096, &page_bytes, e) < 0)
		return -1;
	if (spare > SPARE_PAGES && spare > pages / 4 &&
		db_exec(h->db, "PRAGMA incremental_vacuum(256)", e) < 0)
		return -1;
	if (h->max_bytes <= 0 || (pages - spare) * page_bytes <= h->max_bytes)
		return 0;
	for (enum level level = 0; level < LEVELS; level++) {
		int gone = expire(h, level, now_ms, e);
		if (gone != 0)
			return gone < 0 ? -1 : 0;
	}
	return 0;
}

static int
forget_series(struct history *h, int64_t now_ms, struct err *e)
{
	sqlite3_stmt *stmt = db_prepare(h->db, "DELETE FROM series WHERE day < ?1", e);
	if (!stmt)
		return -1;
	sqlite3_bind_int64(stmt, 1, now_ms / (24 * 60 * MINUTE_MS) - SERIES_DAYS);
	int rc = db_run(h->db, stmt, e, "deleting from " HISTORY_FILE);
	sqlite3_finalize(stmt);
	return rc;
}

int
rollup_minute(struct history *h, int64_t next, struct err *e)
{
	int64_t now_ms = next * MINUTE_MS;
	const int64_t quarter_ms = levels[LEVEL_QUARTER].slot_ms;
	int64_t quarter = now_ms / quarter_ms;
	if (emit_minute(h, e) < 0)
		return -1;
	if (quarter > h->minute * MINUTE_MS / quarter_ms &&
		(roll_quarters(h, quarter * quarter_ms, e) < 0 || forget_series(h, now_ms, e) < 0))
		return -1;
	if (expire_by_age(h, now_ms, e) < 0 || expire_by_size(h, now_ms, e) < 0)
		return -1;
	sqlite3_db_release_memory(h->db);
	return 0;
}

static void
resume_block(struct history *h, size_t part, int64_t since_ms, sqlite3_stmt *row)
{
	int64_t base = level_key_ms(sqlite3_column_int64(row, 0));
	const char *block = sqlite3_column_blob(row, 1);
	size_t bytes = (size_t)sqlite3_column_bytes(row, 1);
	struct raw_entry entry;
	for (size_t n = 0; (n + 1) * sizeof(entry) <= bytes; n++) {
		memcpy(&entry, block + n * sizeof(entry), sizeof(entry));
		int64_t ms = base + entry.after_ms;
		if (ms < since_ms || entry.slot >= PART_SERIES)
			continue;
		if (h->minute < 0)
			h->minute = ms / MINUTE_MS;
		gather_add(&h->gathers[part * PART_SERIES + entry.slot], 1, entry.value,
			entry.value, entry.value);
	}
}

int
rollup_resume(struct history *h, struct err *e)
{
	int64_t since_ms = 0;
	for (size_t n = 0; n < h->part_count; n++) {
		int64_t last = level_edge(h, LEVEL_MINUTE, n, true, e);
		if (last < -1)
			return -1;
		int64_t end = last < 0 ? 0 : (last / MINUTE_MS + 1) * MINUTE_MS;
		since_ms = end > since_ms ? end : since_ms;
	}
	sqlite3_stmt *stmt = level_prepare(h, LEVEL_RAW,
		"SELECT key, block FROM %s WHERE key BETWEEN ?1 AND ?2 ORDER BY key", e);
	int rc = stmt ? SQLITE_DONE : SQLITE_ERROR;
	for (size_t n = 0; n < h->part_count && rc == SQLITE_DONE; n++) {
		int64_t from = since_ms > MINUTE_MS ? since_ms - MINUTE_MS : 0;
		sqlite3_bind_int64(stmt, 1, level_key(n, from));
		sqlite3_bind_int64(stmt, 2, level_key(n + 1, 0) - 1);
		while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
			resume_block(h, n, since_ms, stmt);
		sqlite3_reset(stmt);
	}
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? 0 : stmt ? db_fail(h->db, rc, e, "reading " HISTORY_FILE) : -1;
}

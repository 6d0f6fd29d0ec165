/* history.db: opening, series, and taking rows in.  Owns its connection and what it gathers. */
#include "store/history.h"

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/levels.h"

#define BLOCK_CAP        (1 << 20)
#define SERIES_NAMES_MAX 512
#define RAW_KEPT         1024 /* bytes that a part keeps for its next entries */
/* A row that comes this late still belongs to the minute being gathered. */
#define LATE_MS 5000
/* Checking a big file takes longer than a start may; its damage shows when it is read. */
#define CHECK_MAX_PAGES 8192

const struct level_desc levels[LEVELS] = {
	[LEVEL_RAW] = { "raw", 60 * 1000, 2 * 60 * MINUTE_MS },
	[LEVEL_MINUTE] = { "minute", MINUTE_MS, 48 * 60 * MINUTE_MS },
	[LEVEL_QUARTER] = { "quarter", 15 * MINUTE_MS, INT64_C(90) * 24 * 60 * MINUTE_MS },
};

static const char *const steps[] = {
	"CREATE TABLE series(id INTEGER PRIMARY KEY, check_name TEXT NOT NULL,"
	" metric TEXT NOT NULL, day INTEGER NOT NULL, UNIQUE(check_name, metric));"
	"CREATE TABLE raw(key INTEGER PRIMARY KEY, block BLOB NOT NULL);"
	"CREATE TABLE minute(key INTEGER PRIMARY KEY, block BLOB NOT NULL);"
	"CREATE TABLE quarter(key INTEGER PRIMARY KEY, block BLOB NOT NULL)",
	DB_ABOUT,
};

const struct db_ladder history_ladder = { steps, sizeof(steps) / sizeof(steps[0]) };

sqlite3_stmt *
level_prepare(struct history *h, enum level level, const char *sql, struct err *e)
{
	char *text = sqlite3_mprintf(sql, levels[level].table, levels[level].table);
	sqlite3_stmt *stmt = db_prepare(h->db, text, e);
	sqlite3_free(text);
	return stmt;
}

int
level_insert(
	struct history *h, sqlite3_stmt *stmt, int64_t key, const struct buf *block, struct err *e)
{
	for (int64_t last = key + 1000; key < last; key++) {
		sqlite3_bind_int64(stmt, 1, key);
		sqlite3_bind_blob64(stmt, 2, buf_head(block), buf_left(block), SQLITE_STATIC);
		if (db_run(h->db, stmt, e, "writing " HISTORY_FILE) < 0)
			return -1;
		if (sqlite3_changes(h->db) > 0)
			return 0;
	}
	return 0; /* a clock that jumps back a thousand times a minute has no history */
}

int64_t
level_edge(struct history *h, enum level level, size_t part, bool is_last, struct err *e)
{
	sqlite3_stmt *stmt = level_prepare(h, level,
		is_last ? "SELECT max(key) FROM %s WHERE key BETWEEN ?1 AND ?2"
			: "SELECT min(key) FROM %s WHERE key BETWEEN ?1 AND ?2",
		e);
	if (!stmt)
		return -2;
	sqlite3_bind_int64(stmt, 1, level_key(part, 0));
	sqlite3_bind_int64(stmt, 2, level_key(part + 1, 0) - 1);
	int64_t ms = -1;
	int rc = sqlite3_step(stmt);
	if (rc != SQLITE_ROW) {
		db_fail(h->db, rc, e, "reading " HISTORY_FILE);
		ms = -2;
	} else if (sqlite3_column_type(stmt, 0) == SQLITE_INTEGER) {
		ms = level_key_ms(sqlite3_column_int64(stmt, 0));
	}
	sqlite3_finalize(stmt);
	return ms;
}

void
history_need_part(struct history *h, size_t part)
{
	if (part < h->part_count)
		return;
	size_t count = part + 1;
	h->parts = xreallocarray(h->parts, count, sizeof(*h->parts));
	h->gathers = xreallocarray(h->gathers, count * PART_SERIES, sizeof(*h->gathers));
	memset(&h->gathers[h->part_count * PART_SERIES], 0,
		(count - h->part_count) * PART_SERIES * sizeof(*h->gathers));
	for (; h->part_count < count; h->part_count++) {
		h->parts[h->part_count] = (struct part){ .quarter_ms = -1 };
		buf_init(&h->parts[h->part_count].raw, BLOCK_CAP);
	}
}

static int
check_if_small(struct history *h, const struct folder *folder, struct err *e)
{
	int64_t pages = 0;
	if (folder->was_clean)
		return 0;
	if (db_number(h->db, "PRAGMA page_count", 0, &pages, e) < 0)
		return -1;
	return pages <= CHECK_MAX_PAGES ? db_quick_check(h->db, e) : 0;
}

static int
prepare(struct history *h, struct err *e)
{
	struct {
		sqlite3_stmt **stmt;
		const char *sql;
	} all[] = {
		{ &h->begin, "BEGIN IMMEDIATE" },
		{ &h->commit, "COMMIT" },
		{ &h->find, "SELECT id, day FROM series WHERE check_name=?1 AND metric=?2" },
		{ &h->add, "INSERT INTO series(check_name, metric, day) VALUES(?1, ?2, ?3)" },
		{ &h->touch, "UPDATE series SET day=?2 WHERE id=?1" },
	};
	for (size_t n = 0; n < sizeof(all) / sizeof(all[0]); n++)
		if (!(*all[n].stmt = db_prepare(h->db, all[n].sql, e)))
			return -1;
	h->add_raw = level_prepare(h, LEVEL_RAW, LEVEL_INSERT, e);
	return h->add_raw ? 0 : -1;
}

static int
count_parts(struct history *h, struct err *e)
{
	int64_t last = 0;
	if (db_number(h->db, "SELECT max(id) FROM series", 0, &last, e) < 0)
		return -1;
	if (last > 0)
		history_need_part(h, (size_t)(last - 1) / PART_SERIES);
	return 0;
}

struct history *
history_open(const struct folder *folder, int64_t max_bytes, unsigned generation, struct err *e)
{
	char *path = folder_file(folder, HISTORY_FILE);
	struct history *h = xcalloc(1, sizeof(*h));
	h->max_bytes = max_bytes;
	h->generation = generation;
	h->minute = -1;
	h->db = db_open(path, DB_SYNC_NORMAL, e);
	free(path);
	if (h->db && check_if_small(h, folder, e) == 0 &&
		db_migrate(h->db, &history_ladder, e) == 0 && prepare(h, e) == 0 &&
		count_parts(h, e) == 0 && rollup_resume(h, e) == 0)
		return h;
	history_close(h);
	return NULL;
}

void
history_close(struct history *h)
{
	if (!h)
		return;
	sqlite3_finalize(h->begin);
	sqlite3_finalize(h->commit);
	sqlite3_finalize(h->find);
	sqlite3_finalize(h->add);
	sqlite3_finalize(h->touch);
	sqlite3_finalize(h->add_raw);
	db_close(h->db);
	for (size_t n = 0; n < h->part_count; n++)
		buf_fini(&h->parts[n].raw);
	free(h->parts);
	free(h->gathers);
	free(h);
}

struct store_series *
history_series_new(const char *check, const char *metric)
{
	size_t check_len = strlen(check), metric_len = strlen(metric);
	size_t size = check_len + 1 + metric_len + 1;

	if (size > SERIES_NAMES_MAX)
		return NULL;
	struct store_series *series = xcalloc(1, offsetof(struct store_series, names) + size);
	series->check_len = (uint16_t)check_len;
	memcpy(series->names, check, check_len);
	series->names[check_len] = '\n';
	memcpy(series->names + check_len + 1, metric, metric_len);
	return series;
}

static void
bind_names(sqlite3_stmt *stmt, const struct store_series *s)
{
	sqlite3_bind_text(stmt, 1, s->names, s->check_len, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 2, s->names + s->check_len + 1, -1, SQLITE_STATIC);
}

static int
find_series(struct history *h, struct store_series *s, struct err *e)
{
	bind_names(h->find, s);
	int rc = sqlite3_step(h->find);
	if (rc == SQLITE_ROW) {
		s->id = (uint32_t)sqlite3_column_int64(h->find, 0);
		s->day = sqlite3_column_int(h->find, 1);
	}
	sqlite3_reset(h->find);
	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : db_fail(h->db, rc, e, "reading " HISTORY_FILE);
}

static int
add_series(struct history *h, struct store_series *s, int32_t day, struct err *e)
{
	bind_names(h->add, s);
	sqlite3_bind_int(h->add, 3, day);
	if (db_run(h->db, h->add, e, "writing " HISTORY_FILE) < 0)
		return -1;
	s->id = (uint32_t)sqlite3_last_insert_rowid(h->db);
	s->day = day;
	return 0;
}

/* Marks it as living today; a series that nobody marks is forgotten with its last roll-up. */
static int
touch_series(struct history *h, struct store_series *s, int32_t day, struct err *e)
{
	sqlite3_bind_int64(h->touch, 1, s->id);
	sqlite3_bind_int(h->touch, 2, day);
	if (db_run(h->db, h->touch, e, "writing " HISTORY_FILE) < 0)
		return -1;
	s->day = day;
	return sqlite3_changes(h->db) > 0 ? 0 : add_series(h, s, day, e);
}

static int
know_series(struct history *h, struct store_series *s, int32_t day, struct err *e)
{
	if (s->generation != h->generation) {
		int found = find_series(h, s, e);
		if (found < 0 || (found == 0 && add_series(h, s, day, e) < 0))
			return -1;
		s->generation = h->generation;
	}
	if (s->day != day && touch_series(h, s, day, e) < 0)
		return -1;
	history_need_part(h, (s->id - 1) / PART_SERIES);
	return 0;
}

static float
narrow(double value)
{
	return (float)fmin(fmax(value, -FLT_MAX), FLT_MAX);
}

void
gather_add(struct gather *g, uint32_t count, double avg, double min, double max)
{
	g->min = g->count == 0 ? narrow(min) : fminf(narrow(min), g->min);
	g->max = g->count == 0 ? narrow(max) : fmaxf(narrow(max), g->max);
	g->sum += avg * count;
	g->count += count;
}

static int
move_to_minute(struct history *h, int64_t ms, struct err *e)
{
	int64_t minute = ms / MINUTE_MS;
	bool is_late = minute < h->minute && h->minute * MINUTE_MS - ms < LATE_MS;
	if (h->minute >= 0 && minute != h->minute && !is_late && rollup_minute(h, minute, e) < 0)
		return -1;
	if (!is_late)
		h->minute = minute;
	return 0;
}

static int
take_row(struct history *h, const struct history_row *row, struct err *e)
{
	int64_t ms = row->wall_us / USEC_PER_MSEC;
	if (ms <= 0 || ms >= INT64_C(1) << KEY_TIME_BITS || !isfinite(row->value))
		return 0;
	if (know_series(h, row->series, (int32_t)(ms / (24 * 60 * MINUTE_MS)), e) < 0 ||
		move_to_minute(h, ms, e) < 0)
		return -1;
	size_t index = row->series->id - 1;
	struct part *part = &h->parts[index / PART_SERIES];
	if (buf_left(&part->raw) == 0)
		part->raw_ms = ms;
	struct raw_entry entry = { .slot = (uint16_t)(index % PART_SERIES), .value = row->value };
	gather_add(&h->gathers[index], 1, row->value, row->value, row->value);
	if (llabs(ms - part->raw_ms) > INT32_MAX)
		return 0; /* the clock was set by weeks within seconds */
	entry.after_ms = (int32_t)(ms - part->raw_ms);
	buf_add(&part->raw, &entry, sizeof(entry));
	return 0;
}

static int
flush_raw(struct history *h, struct err *e)
{
	for (size_t n = 0; n < h->part_count; n++) {
		struct part *part = &h->parts[n];
		if (buf_left(&part->raw) == 0)
			continue;
		if (level_insert(h, h->add_raw, level_key(n, part->raw_ms), &part->raw, e) < 0)
			return -1;
		/* One burst, as after a start, must not be paid for ever after. */
		if (part->raw.room > RAW_KEPT)
			buf_fini(&part->raw);
		else
			buf_reset(&part->raw);
	}
	return 0;
}

int
history_write(struct history *h, const struct history_row *rows, size_t count, struct err *e)
{
	if (db_run(h->db, h->begin, e, "starting a write to " HISTORY_FILE) < 0)
		return -1;
	int rc = 0;
	for (size_t n = 0; n < count && rc == 0; n++)
		rc = take_row(h, &rows[n], e);
	if (rc == 0)
		rc = flush_raw(h, e);
	if (rc == 0)
		rc = db_run(h->db, h->commit, e, "writing " HISTORY_FILE);
	if (rc < 0 && !sqlite3_get_autocommit(h->db))
		sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

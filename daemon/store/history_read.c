/*
 * Reading a series back: coarse levels first, each only as far as no finer one has what is asked
 * for, so that the seams between them neither lose a value nor count it twice.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/levels.h"
#include "store/points.h"

#define POINTS_MAX   20000  /* with a step */
#define POINTS_LIMIT 100000 /* as stored */

struct reader {
	struct history *h;
	size_t part;
	uint16_t slot;
	usec_t since_us, until_us, step_us;
	struct store_point *points;
	size_t count, room;
	bool is_unordered;
};

static void
take_point(struct reader *r, struct store_point point)
{
	if (point.wall_us < r->since_us || point.wall_us > r->until_us || point.count == 0)
		return;
	if (r->step_us)
		point.wall_us -= point.wall_us % r->step_us;
	struct store_point *last = r->count ? &r->points[r->count - 1] : NULL;
	if (last && last->wall_us == point.wall_us) {
		points_join(last, &point);
		return;
	}
	if (last && last->wall_us > point.wall_us)
		r->is_unordered = true;
	if (r->count == POINTS_LIMIT)
		return;
	if (r->count == r->room) {
		r->room = r->room ? 2 * r->room : 64;
		r->points = xreallocarray(r->points, r->room, sizeof(*r->points));
	}
	r->points[r->count++] = point;
}

static void
read_raw(struct reader *r, int64_t base_ms, const char *block, size_t bytes)
{
	struct raw_entry entry;
	for (size_t n = 0; (n + 1) * sizeof(entry) <= bytes; n++) {
		memcpy(&entry, block + n * sizeof(entry), sizeof(entry));
		if (entry.slot == r->slot)
			take_point(r, (struct store_point){
					      .wall_us = (base_ms + entry.after_ms) * USEC_PER_MSEC,
					      .avg = entry.value,
					      .min = entry.value,
					      .max = entry.value,
					      .count = 1,
				      });
	}
}

/* Single precision may have rounded the bounds past the average. */
static void
read_rollup(struct reader *r, enum level level, int64_t base_ms, const char *block, size_t bytes)
{
	struct rollup_entry entry;
	for (size_t n = 0; (n + 1) * sizeof(entry) <= bytes; n++) {
		memcpy(&entry, block + n * sizeof(entry), sizeof(entry));
		double min = (double)entry.min, max = (double)entry.max;
		if (entry.slot == r->slot)
			take_point(r, (struct store_point){
					      .wall_us = base_ms * USEC_PER_MSEC,
					      .avg = entry.avg,
					      .min = min < entry.avg ? min : entry.avg,
					      .max = max > entry.avg ? max : entry.avg,
					      .count = entry.count,
					      .grain_us = levels[level].slot_ms * USEC_PER_MSEC,
				      });
	}
}

static int
read_level(struct reader *r, enum level level, int64_t from_ms, struct err *e)
{
	sqlite3_stmt *stmt = level_prepare(r->h, level,
		"SELECT key, block FROM %s WHERE key BETWEEN ?1 AND ?2 ORDER BY key", e);
	if (!stmt)
		return -1;
	/* A raw block has the time of its first value; the one wanted may be later in it. */
	int64_t slack_ms = level == LEVEL_RAW ? levels[LEVEL_RAW].slot_ms : 0;
	int64_t until_ms = r->until_us / USEC_PER_MSEC + slack_ms;
	sqlite3_bind_int64(
		stmt, 1, level_key(r->part, from_ms > slack_ms ? from_ms - slack_ms : 0));
	sqlite3_bind_int64(stmt, 2, level_key(r->part, until_ms));
	int rc;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		int64_t base = level_key_ms(sqlite3_column_int64(stmt, 0));
		const char *block = sqlite3_column_blob(stmt, 1);
		size_t bytes = (size_t)sqlite3_column_bytes(stmt, 1);
		if (level == LEVEL_RAW)
			read_raw(r, base, block, bytes);
		else
			read_rollup(r, level, base - base % levels[level].slot_ms, block, bytes);
	}
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? 0 : db_fail(r->h->db, rc, e, "reading " HISTORY_FILE);
}

/* Of the first and the last block of a level, of this part; -1: it has none. */
struct reach {
	int64_t first_ms, last_ms;
};

static int
find_reach(struct reader *r, struct reach reach[LEVELS], struct err *e)
{
	for (enum level level = LEVEL_RAW; level < LEVELS; level++) {
		reach[level].first_ms = level_edge(r->h, level, r->part, false, e);
		reach[level].last_ms = level_edge(r->h, level, r->part, true, e);
		if (reach[level].first_ms < -1 || reach[level].last_ms < -1)
			return -1;
	}
	return 0;
}

/*
 * Where a finer level takes over from this one: at the end of the slot in which it begins, unless
 * nothing of that slot is older, or asked for.
 */
static int64_t
seam(const struct reader *r, const struct reach *coarse, const struct reach *fine, int64_t slot_ms)
{
	int64_t begin_ms = fine->first_ms / slot_ms * slot_ms;

	if (begin_ms == fine->first_ms || begin_ms < r->since_us / USEC_PER_MSEC ||
		begin_ms <= coarse->first_ms)
		return begin_ms;
	return begin_ms + slot_ms;
}

/* Steps of so many whole slots lose nothing by them; others would have one of them more or less. */
static bool
is_enough(const struct reader *r, usec_t slot_us)
{
	return r->step_us >= slot_us && r->step_us % slot_us == 0;
}

/* Where this level ends, or a finer one is better; a whole number of its slots. */
static int64_t
end_of(const struct reader *r, const struct reach reach[LEVELS], enum level level)
{
	int64_t slot_ms = levels[level].slot_ms;
	int64_t end_ms = (reach[level].last_ms / slot_ms + 1) * slot_ms;

	for (enum level finer = LEVEL_RAW; finer < level; finer++) {
		if (is_enough(r, slot_ms * USEC_PER_MSEC) || reach[finer].first_ms < 0)
			continue;
		int64_t begin_ms = seam(r, &reach[level], &reach[finer], slot_ms);
		if (begin_ms < end_ms)
			end_ms = begin_ms;
	}
	return end_ms;
}

static int
read_levels(struct reader *r, struct err *e)
{
	struct reach reach[LEVELS];
	usec_t until_us = r->until_us;

	if (find_reach(r, reach, e) < 0)
		return -1;
	for (int n = LEVEL_QUARTER; n >= LEVEL_RAW; n--) {
		enum level level = (enum level)n;
		if (reach[level].last_ms < 0)
			continue;
		usec_t end_us = end_of(r, reach, level) * USEC_PER_MSEC;
		if (level > LEVEL_RAW && end_us <= r->since_us)
			continue;
		if (level > LEVEL_RAW && end_us - 1 < until_us)
			r->until_us = end_us - 1;
		if (read_level(r, level, r->since_us / USEC_PER_MSEC, e) < 0)
			return -1;
		r->until_us = until_us;
		if (level > LEVEL_RAW)
			r->since_us = end_us;
	}
	return 0;
}

static int
by_time(const void *a, const void *b)
{
	const struct store_point *x = a, *y = b;
	return x->wall_us < y->wall_us ? -1 : x->wall_us > y->wall_us;
}

/* After a clock was set back: sort, and merge what fell into one slot twice. */
static void
put_in_order(struct reader *r)
{
	size_t kept = 0;
	if (!r->is_unordered)
		return;
	qsort(r->points, r->count, sizeof(*r->points), by_time);
	for (size_t n = 1; n < r->count; n++) {
		if (r->points[n].wall_us == r->points[kept].wall_us)
			points_join(&r->points[kept], &r->points[n]);
		else
			r->points[++kept] = r->points[n];
	}
	r->count = kept + 1;
}

static int64_t
find_id(struct history *h, const struct store_query *query, struct err *e)
{
	int64_t id = 0;
	sqlite3_bind_text(h->find, 1, query->check, -1, SQLITE_STATIC);
	sqlite3_bind_text(h->find, 2, query->metric, -1, SQLITE_STATIC);
	int rc = sqlite3_step(h->find);
	if (rc == SQLITE_ROW)
		id = sqlite3_column_int64(h->find, 0);
	else if (rc != SQLITE_DONE)
		id = db_fail(h->db, rc, e, "reading " HISTORY_FILE);
	sqlite3_reset(h->find);
	sqlite3_clear_bindings(h->find);
	return id;
}

long
history_read(struct history *h, const struct store_query *query, struct store_point **points,
	struct err *e)
{
	int64_t id = find_id(h, query, e);
	if (id <= 0 || query->until_us <= query->since_us || query->since_us < 0)
		return id < 0 ? -1 : 0;
	usec_t last = level_key_ms(-1) * USEC_PER_MSEC;
	struct reader r = {
		.h = h,
		.part = (size_t)(id - 1) / PART_SERIES,
		.slot = (uint16_t)((id - 1) % PART_SERIES),
		.since_us = query->since_us < last ? query->since_us : last,
		.until_us = query->until_us < last ? query->until_us : last,
		.step_us = query->step_us > 0 ? query->step_us : 0,
	};
	if (r.step_us < (r.until_us - r.since_us) / POINTS_MAX && r.step_us > 0)
		r.step_us = (r.until_us - r.since_us) / POINTS_MAX;
	if (read_levels(&r, e) < 0) {
		free(r.points);
		return -1;
	}
	put_in_order(&r);
	*points = r.points;
	return (long)r.count;
}

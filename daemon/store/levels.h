/* How history lies on disk: shared by its writing, rolling up and reading. */
#ifndef STORE_LEVELS_H
#define STORE_LEVELS_H

#include "base/buf.h"
#include "store/db.h"
#include "store/history.h"

enum level { LEVEL_RAW, LEVEL_MINUTE, LEVEL_QUARTER, LEVELS };

struct level_desc {
	const char *table;
	int64_t slot_ms; /* what one block covers; raw: at most about this */
	int64_t keep_ms;
};
extern const struct level_desc levels[LEVELS];

#define MINUTE_MS INT64_C(60000)

/*
 * A block's key is its part and its time: `part << 42 | milliseconds since 1970`, good until 2109.
 * A part is 256 series; numbers are in the byte order of this machine.
 */
#define KEY_TIME_BITS 42
#define PART_SERIES   256

static inline int64_t
level_key(size_t part, int64_t ms)
{
	return (int64_t)part << KEY_TIME_BITS | ms;
}

static inline int64_t
level_key_ms(int64_t key)
{
	return key & ((INT64_C(1) << KEY_TIME_BITS) - 1);
}

/* One value in a raw block. */
struct raw_entry {
	int32_t after_ms; /* the block's time; may be negative when clocks are set */
	uint16_t slot;    /* series within the part */
	uint16_t unused;
	double value;
};

/* One series in a roll-up block. */
struct rollup_entry {
	uint16_t slot;
	uint16_t count; /* 65535: that many or more */
	float min, max;
	double avg;
} __attribute__((packed));

/* They lie on disk: another size is another format. */
_Static_assert(sizeof(struct raw_entry) == 16, "raw blocks");
_Static_assert(sizeof(struct rollup_entry) == 20, "roll-up blocks");

/* What is being gathered for a series. */
struct gather {
	double sum;
	float min, max; /* as they come to lie on disk */
	uint32_t count;
};

void gather_add(struct gather *g, uint32_t count, double avg, double min, double max);
void gather_emit(struct buf *block, const struct gather *g, uint16_t slot);

struct part {
	struct buf raw; /* entries of this transaction */
	int64_t raw_ms;
	int64_t quarter_ms; /* rolled up until; -1: not looked up yet */
};

struct history {
	sqlite3 *db;
	sqlite3_stmt *begin, *commit, *find, *add, *touch, *add_raw;
	struct part *parts;
	struct gather *gathers; /* of the current minute; PART_SERIES per part */
	size_t part_count;
	int64_t minute; /* being gathered; -1: none */
	int64_t max_bytes;
	unsigned generation;
};

void history_need_part(struct history *h, size_t part);
/* A statement over one level's table: `sql` with %s for its name. */
sqlite3_stmt *level_prepare(struct history *h, enum level level, const char *sql, struct err *e);
/* Inserts a block; moves on by a millisecond while its key is taken. */
int level_insert(
	struct history *h, sqlite3_stmt *stmt, int64_t key, const struct buf *block, struct err *e);
#define LEVEL_INSERT "INSERT OR IGNORE INTO %s(key, block) VALUES(?1, ?2)"
/* The time of a part's first or last block; -1: it has none; -2: error. */
int64_t level_edge(struct history *h, enum level level, size_t part, bool is_last, struct err *e);

/* Ends the current minute: writes its blocks, rolls up quarters that are over, makes room. */
int rollup_minute(struct history *h, int64_t next, struct err *e);
/* Gathers again what the raw blocks say about the minute that was not ended. */
int rollup_resume(struct history *h, struct err *e);

#endif

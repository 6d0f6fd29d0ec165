/* state.db.  Owns its connection and statements; a failed transaction leaves nothing behind. */
#include "store/state.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

/* Freed pages that the file may keep before it is made smaller. */
#define SPARE_PAGES 1024
/* Pages of the write-ahead log: worth to be moved when there is time; at once. */
#define LOG_LONG 256
#define LOG_FULL 1024

struct state {
	sqlite3 *db;
	int log_pages;
	sqlite3_stmt *begin, *commit, *put, *remove, *get;
};

/* The documents belong to the format: one that an older program would misread is a step more. */
static const char *const steps[] = {
	"CREATE TABLE docs(kind TEXT NOT NULL, key TEXT NOT NULL,"
	" body TEXT NOT NULL, PRIMARY KEY(kind, key))",
	DB_ABOUT,
};

const struct db_ladder state_ladder = { steps, sizeof(steps) / sizeof(steps[0]) };

static int
prepare(struct state *s, struct err *e)
{
	s->begin = db_prepare(s->db, "BEGIN IMMEDIATE", e);
	s->commit = s->begin ? db_prepare(s->db, "COMMIT", e) : NULL;
	s->put = s->commit ? db_prepare(s->db, "INSERT OR REPLACE INTO docs VALUES(?1, ?2, ?3)", e)
			   : NULL;
	s->remove =
		s->put ? db_prepare(s->db, "DELETE FROM docs WHERE kind=?1 AND key=?2", e) : NULL;
	s->get = s->remove ? db_prepare(s->db, "SELECT body FROM docs WHERE kind=?1 AND key=?2", e)
			   : NULL;
	return s->get ? 0 : -1;
}

static int
shrink(struct state *s, struct err *e)
{
	int64_t spare = 0;
	if (db_number(s->db, "PRAGMA freelist_count", 0, &spare, e) < 0)
		return -1;
	return spare > SPARE_PAGES ? db_exec(s->db, "PRAGMA incremental_vacuum", e) : 0;
}

/*
 * Before the first step of an upgrade: who goes back to the older program finds its file, the first
 * that there was.  That a copy cannot be made does not keep the new program from starting.
 */
static int
upgrade(struct state *s, const struct folder *folder, struct err *e)
{
	int64_t format = 0;
	struct err why;

	if (db_number(s->db, "PRAGMA user_version", 0, &format, e) < 0)
		return -1;
	if (format > 0 && format < state_ladder.count) {
		char *to = state_copy_path(folder, (int)format);

		if (access(to, F_OK) == -1 && db_copy(s->db, to, &why) == -1)
			log_warn("store: no copy of " STATE_FILE " before its upgrade: %s",
				why.text);
		free(to);
	}
	return db_migrate(s->db, &state_ladder, e);
}

char *
state_copy_path(const struct folder *folder, int format)
{
	char name[64];

	snprintf(name, sizeof(name), STATE_FILE ".format-%d", format);
	return folder_file(folder, name);
}

/* One that fails is tried again: the log has everything. */
static void
empty_log(struct state *s)
{
	sqlite3_wal_checkpoint_v2(s->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	s->log_pages = 0;
}

/* After each commit, instead of SQLite's own: who waits for the commit does not wait for this. */
static int
on_log(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct state *s = arg;

	(void)db;
	(void)name;
	s->log_pages = pages;
	if (pages >= LOG_FULL)
		empty_log(s);
	return SQLITE_OK;
}

void
state_tidy(struct state *s)
{
	if (s->log_pages >= LOG_LONG)
		empty_log(s);
}

struct state *
state_open(const struct folder *folder, struct err *e)
{
	char *path = folder_file(folder, STATE_FILE);
	struct state *s = xcalloc(1, sizeof(*s));
	s->db = db_open(path, DB_SYNC_FULL, e);
	free(path);
	if (s->db)
		sqlite3_wal_hook(s->db, on_log, s);
	if (s->db && (folder->was_clean || db_quick_check(s->db, e) == 0) &&
		upgrade(s, folder, e) == 0 && prepare(s, e) == 0 && shrink(s, e) == 0)
		return s;
	state_close(s);
	return NULL;
}

void
state_close(struct state *s)
{
	if (!s)
		return;
	sqlite3_finalize(s->begin);
	sqlite3_finalize(s->commit);
	sqlite3_finalize(s->put);
	sqlite3_finalize(s->remove);
	sqlite3_finalize(s->get);
	db_close(s->db);
	free(s);
}

static int
give_up(struct state *s)
{
	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}

int
state_begin(struct state *s, struct err *e)
{
	return db_run(s->db, s->begin, e, "starting a write to " STATE_FILE);
}

int
state_put(struct state *s, const char *kind, const char *key, const char *body, struct err *e)
{
	sqlite3_stmt *stmt = body ? s->put : s->remove;
	sqlite3_bind_text(stmt, 1, kind, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 2, key, -1, SQLITE_STATIC);
	if (body)
		sqlite3_bind_text(stmt, 3, body, -1, SQLITE_STATIC);
	return db_run(s->db, stmt, e, "writing " STATE_FILE) < 0 ? give_up(s) : 0;
}

int
state_commit(struct state *s, struct err *e)
{
	return db_run(s->db, s->commit, e, "writing " STATE_FILE) < 0 ? give_up(s) : 0;
}

int
state_get(struct state *s, const char *kind, const char *key, char **body)
{
	*body = NULL;
	sqlite3_bind_text(s->get, 1, kind, -1, SQLITE_STATIC);
	sqlite3_bind_text(s->get, 2, key, -1, SQLITE_STATIC);
	int rc = sqlite3_step(s->get);
	if (rc == SQLITE_ROW)
		*body = xstrdup((const char *)sqlite3_column_text(s->get, 0));
	sqlite3_clear_bindings(s->get);
	sqlite3_reset(s->get);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : -1;
}

static void
give(sqlite3_stmt *stmt, state_fn fn, void *arg)
{
	const char *kind = (const char *)sqlite3_column_text(stmt, 0);
	const char *key = (const char *)sqlite3_column_text(stmt, 1);
	const char *body = (const char *)sqlite3_column_text(stmt, 2);
	if (kind && key && body)
		fn(arg, kind, key, body);
}

int
state_each(struct state *s, const char *kind, state_fn fn, void *arg, struct err *e)
{
	sqlite3_stmt *stmt = db_prepare(s->db,
		"SELECT kind, key, body FROM docs WHERE ?1 IS NULL OR kind=?1 ORDER BY kind, key",
		e);
	if (!stmt)
		return -1;
	if (kind)
		sqlite3_bind_text(stmt, 1, kind, -1, SQLITE_STATIC);
	int rc;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		give(stmt, fn, arg);
	int result = rc == SQLITE_DONE ? 0 : db_fail(s->db, rc, e, "reading " STATE_FILE);
	sqlite3_finalize(stmt);
	return result;
}

static void
save(void *arg, const char *kind, const char *key, const char *body)
{
	struct state *into = arg;
	json_t *doc = json_loads(body, 0, NULL);
	if (json_is_object(doc))
		state_put(into, kind, key, body, NULL);
	json_decref(doc);
}

/* Reads by row, past any broken index, from both ends up to what is broken. */
static void
read_damaged(sqlite3 *db, struct state *into)
{
	static const char *const walks[] = {
		"SELECT kind, key, body FROM docs NOT INDEXED ORDER BY rowid",
		"SELECT kind, key, body FROM docs NOT INDEXED ORDER BY rowid DESC",
	};
	int rc = SQLITE_ROW;
	for (size_t n = 0; n < sizeof(walks) / sizeof(walks[0]) && rc != SQLITE_DONE; n++) {
		sqlite3_stmt *stmt = NULL;
		rc = sqlite3_prepare_v2(db, walks[n], -1, &stmt, NULL);
		if (rc != SQLITE_OK)
			return;
		while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
			give(stmt, save, into);
		sqlite3_finalize(stmt);
	}
}

size_t
state_salvage(struct state *s, const char *damaged)
{
	sqlite3 *db = NULL;
	int64_t saved = 0;
	if (state_begin(s, NULL) < 0)
		return 0;
	if (sqlite3_open_v2(damaged, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ==
		SQLITE_OK)
		read_damaged(db, s);
	sqlite3_close(db);
	if (sqlite3_get_autocommit(s->db) || state_commit(s, NULL) < 0 ||
		db_number(s->db, "SELECT count(*) FROM docs", 0, &saved, NULL) < 0)
		return 0;
	return (size_t)saved;
}

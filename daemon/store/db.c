/* Opening and asking SQLite.  Owns nothing; promises small memory and errors that name the file. */
#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

#define HALF    ".new" /* behind the name of what is being copied */
#define BUSY_MS 2000   /* somebody looks into the file with another program */
/* Both connections together; SQLite then reuses pages instead of asking for more. */
#define HEAP_LIMIT (INT64_C(1) << 20)

bool
db_is_damage(int code)
{
	return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

int
db_fail(sqlite3 *db, int rc, struct err *e, const char *what)
{
	int code = rc & 0xff;
	int os = db ? sqlite3_system_errno(db) : 0;
	const char *text = db ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
	if (os && (code == SQLITE_IOERR || code == SQLITE_CANTOPEN))
		return err_set(e, code, "%s: %s (%s)", what, text, strerror(os));
	return err_set(e, code, "%s: %s", what, text);
}

int
db_exec(sqlite3 *db, const char *sql, struct err *e)
{
	int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : db_fail(db, rc, e, sql);
}

sqlite3_stmt *
db_prepare(sqlite3 *db, const char *sql, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
	if (rc != SQLITE_OK)
		db_fail(db, rc, e, sql);
	return stmt;
}

int
db_run(sqlite3 *db, sqlite3_stmt *stmt, struct err *e, const char *what)
{
	int rc = sqlite3_step(stmt);
	int result = rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : db_fail(db, rc, e, what);
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return result;
}

int
db_number(sqlite3 *db, const char *sql, int64_t otherwise, int64_t *number, struct err *e)
{
	sqlite3_stmt *stmt = db_prepare(db, sql, e);
	if (!stmt)
		return -1;
	int rc = sqlite3_step(stmt);
	int result = 0;
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		result = db_fail(db, rc, e, sql);
	else if (rc == SQLITE_DONE || sqlite3_column_type(stmt, 0) == SQLITE_NULL)
		*number = otherwise;
	else
		*number = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return result;
}

int
db_quick_check(sqlite3 *db, struct err *e)
{
	sqlite3_stmt *stmt = db_prepare(db, "PRAGMA quick_check(1)", e);
	if (!stmt)
		return -1;
	int rc = sqlite3_step(stmt);
	int result = 0;
	if (rc != SQLITE_ROW) {
		result = db_fail(db, rc, e, "quick_check");
	} else {
		const char *said = (const char *)sqlite3_column_text(stmt, 0);
		if (!str_eq(said, "ok"))
			result = err_set(
				e, SQLITE_CORRUPT, "quick_check: %s", said ? said : "no answer");
	}
	sqlite3_finalize(stmt);
	return result;
}

/* Pages as they are needed: otherwise each connection begins with a block of twenty.  Refused, and
 * of no harm, once somebody uses the library. */
static void
use_few_pages(void)
{
	sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
}

/* SQLite would create the file for everybody to read. */
static int
create_private(const char *path, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		err_sys(e, "%s", path);
		if (e)
			e->code = SQLITE_CANTOPEN;
		return -1;
	}
	close(fd);
	return 0;
}

static int
set_up(sqlite3 *db, enum db_sync sync, struct err *e)
{
	sqlite3_extended_result_codes(db, 1);
	sqlite3_busy_timeout(db, BUSY_MS);
	sqlite3_db_config(db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0);
	sqlite3_soft_heap_limit64(HEAP_LIMIT);
	if (db_exec(db, "PRAGMA auto_vacuum=INCREMENTAL", e) < 0 ||
		db_exec(db, "PRAGMA journal_mode=WAL", e) < 0)
		return -1;
	return db_exec(db,
		       sync == DB_SYNC_FULL ? "PRAGMA synchronous=FULL"
					    : "PRAGMA synchronous=NORMAL",
		       e) < 0
		       ? -1
		       : db_exec(db,
				 "PRAGMA cache_size=-200; PRAGMA mmap_size=0; PRAGMA "
				 "temp_store=MEMORY;"
				 "PRAGMA wal_autocheckpoint=256; PRAGMA journal_size_limit=1048576;"
				 "PRAGMA cell_size_check=ON; PRAGMA trusted_schema=OFF",
				 e);
}

sqlite3 *
db_open(const char *path, enum db_sync sync, struct err *e)
{
	sqlite3 *db = NULL;
	if (create_private(path, e) < 0)
		return NULL;
	use_few_pages();
	int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK) {
		db_fail(db, rc, e, path);
	} else if (set_up(db, sync, e) == 0) {
		return db;
	} else {
		err_wrap(e, "%s", path);
	}
	sqlite3_close(db);
	return NULL;
}

/* Whoever closes last would move the write-ahead log into the file: a reader changes nothing. */
sqlite3 *
db_open_reader(const char *path, struct err *e)
{
	sqlite3 *db = NULL;
	int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_busy_timeout(db, BUSY_MS);
		rc = sqlite3_exec(
			db, "PRAGMA cache_size=-200; PRAGMA mmap_size=0", NULL, NULL, NULL);
	}
	if (rc == SQLITE_OK)
		return db;
	db_fail(db, rc, e, path);
	sqlite3_close(db);
	return NULL;
}

void
db_close(sqlite3 *db)
{
	sqlite3_close(db);
}

/* The first row of `sql`, as a text; false: there is none. */
static bool
read_text(sqlite3 *db, const char *sql, char *text, size_t size)
{
	sqlite3_stmt *stmt = NULL;
	bool is_there = false;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
		sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_text(stmt, 0) != NULL) {
		str_copy(text, size, (const char *)sqlite3_column_text(stmt, 0));
		is_there = true;
	}
	sqlite3_finalize(stmt);
	return is_there;
}

/* What waits in the write-ahead log is read with the rest, and left there. */
void
db_look(const char *path, struct db_look *look)
{
	sqlite3 *db;
	struct stat st;
	int64_t format = 0;

	*look = (struct db_look){ .format = 0 };
	if (stat(path, &st) == -1 || st.st_size == 0)
		return;
	look->bytes = st.st_size;
	db = db_open_reader(path, NULL);
	if (db != NULL && db_number(db, "PRAGMA user_version", 0, &format, NULL) == 0) {
		look->format = (int)format;
		read_text(db, "SELECT value FROM about WHERE name='program'", look->program,
			sizeof(look->program));
	}
	sqlite3_close(db);
}

static int
take_step(sqlite3 *db, const struct db_ladder *ladder, int64_t from, struct err *e)
{
	char mark[64];

	snprintf(mark, sizeof(mark), "PRAGMA user_version=%d", (int)from + 1);
	if (db_exec(db, "BEGIN IMMEDIATE", e) < 0)
		return -1;
	if (db_exec(db, ladder->steps[from], e) == 0 && db_exec(db, mark, e) == 0 &&
		db_exec(db, "COMMIT", e) == 0)
		return 0;
	if (!sqlite3_get_autocommit(db))
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return err_wrap(e, "bringing it from format %d to %d", (int)from, (int)from + 1);
}

/* Only when it changes: a start that writes nothing else need not write this. */
static int
sign(sqlite3 *db, struct err *e)
{
	char program[DB_PROGRAM_MAX] = "";

	read_text(db, "SELECT value FROM about WHERE name='program'", program, sizeof(program));
	if (str_eq(program, TRIAGED_VERSION))
		return 0;
	return db_exec(
		db, "INSERT OR REPLACE INTO about VALUES('program', '" TRIAGED_VERSION "')", e);
}

int
db_migrate(sqlite3 *db, const struct db_ladder *ladder, struct err *e)
{
	int64_t format = 0;

	if (db_number(db, "PRAGMA user_version", 0, &format, e) < 0)
		return -1;
	if (format < 0 || format > ladder->count)
		return err_set(e, SQLITE_MISMATCH,
			"it is of format %d, this program knows formats up to %d", (int)format,
			ladder->count);
	for (; format < ladder->count; format++)
		if (take_step(db, ladder, format, e) < 0)
			return -1;
	return sign(db, e);
}

static int
sync_file(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int result = fd >= 0 && fsync(fd) == 0 ? 0 : err_sys(e, "%s", path);

	fd_close(&fd);
	return result;
}

/* A journal that is left would be taken for that of the next one. */
static void
drop_half(const char *half)
{
	char *journal = sqlite3_mprintf("%s-journal", half);

	unlink(half);
	unlink(journal);
	sqlite3_free(journal);
}

void
db_copy_forget(const char *to)
{
	char *half = sqlite3_mprintf("%s" HALF, to);

	drop_half(half);
	sqlite3_free(half);
}

int
db_copy(sqlite3 *db, const char *to, struct err *e)
{
	char *half = sqlite3_mprintf("%s" HALF, to);
	char *sql = sqlite3_mprintf("VACUUM INTO %Q", half);
	int result = -1;

	drop_half(half); /* of a copy that did not come to its end */
	if (create_private(half, e) == 0 && db_exec(db, sql, e) == 0 && sync_file(half, e) == 0)
		result = rename(half, to) == 0 ? 0 : err_sys(e, "%s", to);
	if (result == -1)
		drop_half(half);
	sqlite3_free(sql);
	sqlite3_free(half);
	return result;
}

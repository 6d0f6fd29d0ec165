/*
 * One SQLite connection as both files use it: small caches, WAL, errors as values.  In these
 * errors the code is SQLite's primary result code.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum db_sync {
	DB_SYNC_FULL,   /* what was committed survives the loss of power */
	DB_SYNC_NORMAL, /* what was committed survives the end of the process */
};

/*
 * How a file's format came to be: step n brings format n to n + 1, and a new file takes them all.
 * A step that has been released is never changed; what changes is a step more.
 */
struct db_ladder {
	const char *const *steps; /* SQL */
	int count;                /* the format that this program writes */
};

/* A step of each ladder: who wrote the file last.  Older programs read this of newer files, so the
 * table keeps its shape for ever. */
#define DB_ABOUT "CREATE TABLE about(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"

#define DB_PROGRAM_MAX 32

/* What a file says of itself. */
struct db_look {
	int format;                   /* 0: none, or it does not say */
	int64_t bytes;                /* of the file; 0: there is none */
	char program[DB_PROGRAM_MAX]; /* the version that wrote it last; "": not known */
};

/* Looks without changing anything. */
void db_look(const char *path, struct db_look *look);

/* Creates the file (0600) if it is missing. */
sqlite3 *db_open(const char *path, enum db_sync sync, struct err *e);
/* To read only, beside whoever writes. */
sqlite3 *db_open_reader(const char *path, struct err *e);
void db_close(sqlite3 *db); /* NULL is fine */

int db_fail(sqlite3 *db, int rc, struct err *e, const char *what); /* -1 */
bool db_is_damage(int code); /* the file is no database, or a broken one */

int db_exec(sqlite3 *db, const char *sql, struct err *e);
sqlite3_stmt *db_prepare(sqlite3 *db, const char *sql, struct err *e);
/* Runs a bound statement that yields no rows and resets it. */
int db_run(sqlite3 *db, sqlite3_stmt *stmt, struct err *e, const char *what);
/* The first column of the first row; `otherwise` when there is none or it is NULL. */
int db_number(sqlite3 *db, const char *sql, int64_t otherwise, int64_t *number, struct err *e);
int db_quick_check(sqlite3 *db, struct err *e);

/* Takes the steps that are missing, each in a transaction of its own, and writes down who we are;
 * refuses a file of a later format. */
int db_migrate(sqlite3 *db, const struct db_ladder *ladder, struct err *e);
/* A whole copy as of now, 0600, complete and on disk; what was there is replaced then only. */
int db_copy(sqlite3 *db, const char *to, struct err *e);
void db_copy_forget(const char *to); /* what is left of one that was killed */

#endif

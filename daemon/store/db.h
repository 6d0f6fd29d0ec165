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

/* Creates the file (0600) if it is missing. */
sqlite3 *db_open(const char *path, enum db_sync sync, struct err *e);
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

/* Creates what `schema` says in a new file; refuses a file of a later version. */
int db_migrate(sqlite3 *db, int version, const char *schema, struct err *e);

#endif

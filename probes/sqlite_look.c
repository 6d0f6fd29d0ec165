/*
 * The whole life of the helper that looks at one SQLite file: what the file system tells, then a
 * read-only look through SQLite, then the write lock for a moment.
 *
 * Opening a WAL database that nobody has open would create its -wal and -shm beside it; such a file
 * is read as immutable instead, and its lock is not tried.  A journal that waits to be rolled back
 * belongs to the application: then neither is done.
 */
#include "probes/sqlite_look.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/str.h"
#include "io/sandbox.h"

#define PROGRESS_STEPS 10000 /* of SQLite's machine, between looks at the clock */
#define ROWS_SHOWN     "3"

/* --- findings --- */

void
sqlite_look_found(struct sqlite_look *look, const char *cause, bool is_ours, const char *fmt, ...)
{
	char raw[512], text[512];
	va_list ap;

	if (look->has_cause)
		return;
	look->has_cause = true;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	str_printable(text, sizeof(text), raw, strlen(raw)); /* JSON takes valid UTF-8 only */
	json_object_set_new(look->out, "cause", json_string(cause));
	json_object_set_new(look->out, "text", json_string(text));
	json_object_set_new(look->out, "ours", json_boolean(is_ours));
}

void
sqlite_look_denied(struct sqlite_look *look, const char *what)
{
	if (look->is_user)
		sqlite_look_found(
			look, "fs.eacces", false, "%s: uid %u may not open it", what, look->uid);
	else
		sqlite_look_found(look, "sqlite.no-grant", true,
			"%s: we (uid %u) may not open it: setfacl -m u:%u:r %s, and x on its "
			"folders",
			what, geteuid(), geteuid(), look->inner);
}

/* What SQLite says, as a cause; extended codes hang above the primary one. */
static const struct {
	int rc;
	const char *cause;
} causes[] = {
	{ SQLITE_BUSY, "sqlite.locked" },
	{ SQLITE_LOCKED, "sqlite.locked" },
	{ SQLITE_NOTADB, "sqlite.notadb" },
	{ SQLITE_CORRUPT, "sqlite.corrupt" },
	{ SQLITE_CANTOPEN, "sqlite.cantopen" },
	{ SQLITE_READONLY, "sqlite.readonly" },
	{ SQLITE_FULL, "sqlite.full" },
	{ SQLITE_IOERR, "fs.io" },
	{ SQLITE_PERM, "fs.eacces" },
};

static const char *
holder_name(const struct sqlite_look *look)
{
	const char *name = json_string_value(json_object_get(look->out, "holder_name"));

	return name != NULL ? name : "?";
}

static void
found_rc(struct sqlite_look *look, sqlite3 *db, int rc, const char *doing)
{
	json_int_t pid = json_integer_value(json_object_get(look->out, "holder"));
	const char *cause = "sqlite.error", *words = db != NULL ? sqlite3_errmsg(db) : "";

	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		if (causes[i].rc == (rc & 0xff))
			cause = causes[i].cause;
	if (str_eq(cause, "sqlite.locked") && pid > 0)
		sqlite_look_found(look, cause, false, "%s: %s, by pid %lld (%s)", doing, words,
			(long long)pid, holder_name(look));
	else
		sqlite_look_found(look, cause, false, "%s: %s", doing, words);
}

/* --- reading --- */

static long long
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool
is_immutable(const struct sqlite_look *look)
{
	return look->is_wal && !look->has_wal;
}

/* Percent-encoded, for SQLite's URIs. */
static void
add_path(struct buf *out, const char *path)
{
	for (; *path != '\0'; path++) {
		if (*path == '%' || *path == '?' || *path == '#')
			buf_addf(out, "%%%02x", (unsigned)*path);
		else
			buf_add(out, path, 1);
	}
}

static sqlite3 *
open_db(struct sqlite_look *look, int flags)
{
	sqlite3 *db = NULL;
	struct buf uri;
	int rc;

	buf_init(&uri, 0);
	buf_add_text(&uri, "file:");
	add_path(&uri, look->path);
	if ((flags & SQLITE_OPEN_READONLY) != 0 && is_immutable(look))
		buf_add_text(&uri, "?immutable=1");
	rc = sqlite3_open_v2(
		buf_text(&uri), &db, flags | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
	buf_fini(&uri);
	if (rc == SQLITE_OK) {
		sqlite3_busy_timeout(db, look->busy_ms);
		sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
		sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
		return db;
	}
	found_rc(look, db, rc, "open");
	sqlite3_close(db);
	return NULL;
}

static int
keep_value(void *arg, int count, char **values, char **names)
{
	struct sqlite_look *look = arg;

	(void)names;
	if (count == 1 && values[0] != NULL)
		json_object_set_new(look->out, "answer", json_string(values[0]));
	return 0;
}

static int
ask(struct sqlite_look *look, sqlite3 *db, const char *sql, const char *name)
{
	json_t *answer;
	int rc = sqlite3_exec(db, sql, keep_value, look, NULL);

	answer = json_object_get(look->out, "answer");
	if (rc == SQLITE_OK && name != NULL && answer != NULL)
		json_object_set_new(
			look->out, name, json_integer(atoll(json_string_value(answer))));
	json_object_del(look->out, "answer");
	return rc;
}

struct checking {
	long long until_ms;
	char first[256]; /* the first row; "ok" when it is whole */
};

static int
on_progress(void *arg)
{
	return now_ms() > ((struct checking *)arg)->until_ms;
}

static int
on_row(void *arg, int count, char **values, char **names)
{
	struct checking *c = arg;

	(void)names;
	if (count > 0 && values[0] != NULL && c->first[0] == '\0')
		str_printable(c->first, sizeof(c->first), values[0], strlen(values[0]));
	return 0;
}

/* Somebody who begins to write makes what was read as immutable worthless. */
static bool
has_changed(const struct sqlite_look *look)
{
	char wal[4200];
	struct stat st;

	snprintf(wal, sizeof(wal), "%s-wal", look->path);
	return is_immutable(look) && (access(wal, F_OK) == 0 || stat(look->path, &st) != 0 ||
					     st.st_mtim.tv_sec != look->st.st_mtim.tv_sec ||
					     st.st_mtim.tv_nsec != look->st.st_mtim.tv_nsec);
}

static void
check_integrity(struct sqlite_look *look, sqlite3 *db)
{
	struct checking c = { .until_ms = now_ms() + look->integrity_ms };
	bool is_full = str_eq(look->integrity, "full");
	long long began = now_ms();
	int rc;

	if (str_eq(look->integrity, "off"))
		return;
	sqlite3_progress_handler(db, PROGRESS_STEPS, on_progress, &c);
	rc = sqlite3_exec(db,
		is_full ? "PRAGMA integrity_check(" ROWS_SHOWN ")"
			: "PRAGMA quick_check(" ROWS_SHOWN ")",
		on_row, &c, NULL);
	sqlite3_progress_handler(db, 0, NULL, NULL);
	json_object_set_new(look->out, "integrity_ms", json_integer(now_ms() - began));
	if (rc == SQLITE_INTERRUPT) {
		json_object_set_new(look->out, "integrity_cut", json_true());
		return;
	}
	if (has_changed(look))
		return;
	if (rc != SQLITE_OK) {
		if ((rc & 0xff) == SQLITE_CORRUPT)
			json_object_set_new(look->out, "integrity", json_false());
		found_rc(look, db, rc, "check");
		return;
	}
	json_object_set_new(look->out, "integrity", json_boolean(str_eq(c.first, "ok")));
	if (!str_eq(c.first, "ok"))
		sqlite_look_found(look, "sqlite.corrupt", false, "%s", c.first);
}

/* A log that somebody died with is gone through by whoever may write; we may not. */
static bool
is_for_writers(const struct sqlite_look *look, int rc)
{
	int primary = rc & 0xff;

	return (primary == SQLITE_READONLY || primary == SQLITE_CANTOPEN) &&
	       (faccessat(AT_FDCWD, look->path, W_OK, AT_EACCESS) != 0 ||
		       faccessat(AT_FDCWD, look->folder, W_OK, AT_EACCESS) != 0);
}

static bool
read_through(struct sqlite_look *look)
{
	sqlite3 *db;
	int rc;

	/* what only a writer may repair is not ours to open */
	if (look->has_journal || (look->has_wal && !look->has_shm)) {
		json_object_set_new(look->out, "crash_left", json_true());
		return true;
	}
	db = open_db(look, SQLITE_OPEN_READONLY);
	if (db == NULL)
		return true;
	rc = ask(look, db, "SELECT count(*) FROM sqlite_master", "tables");
	if (is_for_writers(look, rc)) {
		json_object_set_new(look->out, "unread", json_true());
	} else if (rc != SQLITE_OK && !has_changed(look)) {
		found_rc(look, db, rc, "read");
	} else if (rc == SQLITE_OK) {
		json_object_set_new(look->out, "opens", json_true());
		ask(look, db, "PRAGMA page_size", "page_size");
		ask(look, db, "PRAGMA page_count", "pages");
		ask(look, db, "PRAGMA freelist_count", "free_pages");
		check_integrity(look, db);
	}
	sqlite3_close(db);
	return true;
}

/* --- writing, or rather: being allowed to --- */

static bool
try_lock(struct sqlite_look *look)
{
	long long began = now_ms();
	sqlite3 *db;
	int rc;

	if (!look->tries_lock || !look->is_writable || look->has_cause || look->has_journal ||
		(look->is_wal && !(look->has_wal && look->has_shm)))
		return true;
	if (faccessat(AT_FDCWD, look->path, W_OK, AT_EACCESS) != 0) {
		json_object_set_new(look->out, "lock_denied", json_true());
		look->tries_lock = false; /* who holds it can be seen all the same */
		return true;
	}
	db = open_db(look, SQLITE_OPEN_READWRITE);
	if (db == NULL)
		return true;
	rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	json_object_set_new(look->out, "lock_ms", json_integer(now_ms() - began));
	if (rc == SQLITE_OK)
		json_object_set_new(look->out, "locked", json_false());
	else
		found_rc(look, db, rc, "write");
	sqlite3_close(db);
	return true;
}

/* Takes nothing: whoever has the lock is watched for as long as a writer would wait for it. */
static bool
watch_lock(struct sqlite_look *look)
{
	const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	long long began = now_ms();
	pid_t holder = -1;

	if (look->tries_lock || look->has_cause || look->has_journal)
		return true;
	while ((holder = sqlite_file_holder(look)) >= 0 && now_ms() - began < look->busy_ms)
		nanosleep(&pause, NULL);
	if (holder >= 0)
		sqlite_look_found(look, "sqlite.locked", false,
			"the write lock was not free for %lld ms, held by pid %d (%s)",
			now_ms() - began, (int)holder, holder_name(look));
	return true;
}

/* Rights alone say yes where the lock was not tried. */
static bool
tell_writable(struct sqlite_look *look)
{
	if (json_object_get(look->out, "writable") == NULL && look->is_writable)
		json_object_set_new(look->out, "writable", json_boolean(!look->has_cause));
	return true;
}

static bool (*const steps[])(struct sqlite_look *look) = {
	sqlite_file_find,
	sqlite_file_openers, /* while we have our own rights */
	sqlite_file_become,
	sqlite_file_head,
	sqlite_file_locks,
	sqlite_file_room,
	sqlite_file_rights,
	read_through,
	try_lock,
	watch_lock,
	tell_writable,
};

static void
set_paths(struct sqlite_look *look)
{
	const char *root = str_eq(look->root, "/") ? "" : look->root;
	char *slash;

	snprintf(look->path, sizeof(look->path), "%s%s", root, look->inner);
	str_copy(look->folder, sizeof(look->folder), look->path);
	slash = strrchr(look->folder, '/');
	if (slash == look->folder)
		slash++;
	if (slash != NULL)
		*slash = '\0';
}

int
sqlite_look_main(int argc, char **argv)
{
	struct sqlite_look look = { .out = json_object() };

	if (argc < LOOK_WORDS)
		return 2;
	look.root = argv[LOOK_ROOT];
	look.inner = argv[LOOK_PATH];
	look.user = argv[LOOK_USER];
	look.busy_ms = atoi(argv[LOOK_BUSY_MS]);
	look.integrity = argv[LOOK_INTEGRITY];
	look.integrity_ms = atoi(argv[LOOK_INTEGRITY_MS]);
	look.tries_lock = str_eq(argv[LOOK_LOCK], "yes");
	look.counts_openers = str_eq(argv[LOOK_OPENERS], "yes");
	set_paths(&look);
	sandbox_narrow(); /* whoever writes that file may know a weakness of the library's */
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (!steps[i](&look))
			break;
	if (geteuid() != getuid() && seteuid(getuid()) != 0)
		return 3; /* what a sanitizer has to say, it says with our own rights */
	json_dumpf(look.out, stdout, JSON_COMPACT);
	json_decref(look.out);
	return 0;
}

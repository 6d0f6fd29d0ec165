/*
 * Looking at an SQLite file, in a process of its own: whatever hangs there hangs that process.  It
 * never creates, changes or leaves a file: no journal is rolled back, no WAL is begun or
 * checkpointed.  What it found is one JSON object on its standard output.
 */
#ifndef PROBES_SQLITE_LOOK_H
#define PROBES_SQLITE_LOOK_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/stat.h>

/* `main` goes to sqlite_look_main when its first argument is SQLITE_LOOK_ARG. */
#define SQLITE_LOOK_ARG "--sqlite-look"
int sqlite_look_main(int argc, char **argv);

/* The words after it. */
enum sqlite_look_word {
	LOOK_ROOT = 2,     /* where the host is mounted */
	LOOK_PATH,         /* below it */
	LOOK_USER,         /* name or number of who must be able to write; "": the file's owner */
	LOOK_BUSY_MS,      /* how long a lock may take */
	LOOK_INTEGRITY,    /* "off", "quick", "full" */
	LOOK_INTEGRITY_MS, /* how long that may take */
	LOOK_LOCK,         /* "yes": tries to get the write lock */
	LOOK_OPENERS,      /* "yes": counts the processes that have it open */
	LOOK_WORDS
};

/* --- private to sqlite_look.c and sqlite_file.c --- */

struct sqlite_look {
	const char *root, *inner; /* inner: the path below root */
	char path[4096], folder[4096];
	const char *user, *integrity;
	int busy_ms, integrity_ms;
	bool tries_lock, counts_openers;
	json_t *out;
	bool has_cause; /* the first one counts */
	struct stat st;
	uid_t uid;                                  /* who must be able to write */
	bool is_user;                               /* we look with that user's rights */
	bool is_wal, has_wal, has_shm, has_journal; /* journal: one that waits to be rolled back */
	bool is_writable;                           /* as far as rights go */
};

/* The finding: a cause of the list; `is_ours`: we could not tell, nobody else suffers. */
void sqlite_look_found(struct sqlite_look *look, const char *cause, bool is_ours, const char *fmt,
	...) __attribute__((format(printf, 4, 5)));
void sqlite_look_denied(struct sqlite_look *look, const char *what);

/* Steps of sqlite_file.c; false: there is nothing more to look at. */
bool sqlite_file_find(struct sqlite_look *look);
bool sqlite_file_become(struct sqlite_look *look);
bool sqlite_file_head(struct sqlite_look *look);
bool sqlite_file_locks(struct sqlite_look *look);
bool sqlite_file_openers(struct sqlite_look *look);
bool sqlite_file_room(struct sqlite_look *look);
bool sqlite_file_rights(struct sqlite_look *look);

/* Who holds the write lock: a pid, 0 for somebody whom we cannot see, -1 for nobody. */
pid_t sqlite_file_holder(const struct sqlite_look *look);

#endif

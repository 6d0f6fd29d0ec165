/*
 * Another monitor's settings, made into ours: a Gatus file or an Uptime Kuma export in, a plan out,
 * and the plan as text.  What could not be carried over is a note with its place and what to do; it
 * is never dropped in silence.
 *
 * Texts of the plan are as our own configuration writes them: ${NAME} is a reference, $${ a literal
 * "${".  A secret never stands in one: it has a name (a "fill") and its value goes into a file of
 * its own.
 */
#ifndef SETUP_IMPORT_H
#define SETUP_IMPORT_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "conf/complain.h"

#define IMPORT_CHECKS_MAX 10000
#define IMPORT_NOTES_MAX  2000

struct import_words {
	char **all;
	size_t count;
};

/* A check or a receiver. */
struct import_item {
	char *name;
	const char *type;
	bool is_off;
	struct buf about;  /* lines of comment */
	struct buf keys;   /* lines of YAML, without indentation */
	struct buf expect; /* the same below `expect:` */
};

struct import_fill {
	char *name;
	char *value; /* NULL: it stands elsewhere, in an environment that we do not see */
	char *where;
};

struct import_note {
	char *where, *text;
};

/* Who is told of which checks, and how often again. */
struct import_route {
	const struct import_item *receiver;
	usec_t repeat_us; /* 0: never again */
	bool sends_resolved;
	struct import_words checks;
};

struct import {
	const char *from; /* "Gatus" */
	char *file;
	struct import_item **checks, **receivers;
	size_t check_count, receiver_count;
	struct import_route *routes;
	size_t route_count;
	struct buf rules, maintenance; /* lines of YAML below those keys */
	struct import_fill *fills;
	size_t fill_count;
	struct import_note *notes;
	size_t note_count, note_total;
};

/* NULL and complaints where it is none. */
struct import *import_gatus(const char *path, struct complaints *complaints);
/* The same of a text at hand. */
struct import *import_gatus_text(
	const char *name, const char *text, size_t len, struct complaints *complaints);
/* NULL and e where it is none. */
struct import *import_kuma(const char *name, const char *text, size_t len, struct err *e);
void import_free(struct import *import);

/* The configuration; `env_file`: how it names the file with the values, NULL: there is none. */
void import_write(const struct import *import, const char *env_file, struct buf *out);
void import_write_env(const struct import *import, bool is_filled, struct buf *out);

#endif

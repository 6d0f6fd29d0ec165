/* What the readers of both formats share: items with free names, fills, notes, routes, texts. */
#ifndef SETUP_IMPORT_INSIDE_H
#define SETUP_IMPORT_INSIDE_H

#include <jansson.h>

#include "conf/tree.h"
#include "setup/import.h"

struct import *import_new(const char *from, const char *file);

/* A name that is allowed and free, made from `name`, or from `group` and it. */
struct import_item *import_check(
	struct import *import, const char *group, const char *name, const char *type);
struct import_item *import_receiver(struct import *import, const char *name, const char *type);
void import_about(struct import_item *item, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void import_note(struct import *import, const char *where, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* "key: value", quoted where YAML wants it; text NULL or "": nothing. */
void import_key(struct buf *keys, const char *key, const char *text);
/* The same within a block of names that are anybody's: headers, labels. */
void import_pair(struct buf *keys, const char *key, const char *text);
void import_raw(struct buf *keys, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void import_duration(struct buf *keys, const char *key, usec_t us);
#define IMPORT_SPAN 32
void import_span(usec_t us, char out[IMPORT_SPAN]); /* "90s", exactly */
/* A duration as Go writes one ("1h30m", "1.5s"); a bare number is milliseconds.  NAN: it is none.
 */
double import_go_milliseconds(const char *text);
void import_scalar(struct buf *out, const char *text); /* quoted as people would */
/* "key: [a, b]", quoted. */
void import_list(struct buf *keys, const char *key, const struct import_words *words);

void import_words_add(struct import_words *words, const char *text);
bool import_words_have(const struct import_words *words, const char *text);
void import_words_fini(struct import_words *words);

/* --- texts; all owned --- */

/* A literal text in our words: "${" becomes "$${". */
char *import_literal(const char *text);
/* What they call something, fit for a comment and a terminal; owned. */
char *import_line(const char *text);
/* A secret: its name in ${}, whose value goes into the file of values.  A text that is a reference
 * already stays.  `hint` names it: "slack_url". */
char *import_secret(struct import *import, const char *where, const char *hint, const char *text);
/* A URL whose password and credentials in the query are secrets. */
char *import_url(struct import *import, const char *where, const char *hint, const char *text);
/* The same, where it must be a URL or an address already when nothing is filled in: `fallback`
 * stands in for a reference that is the whole. */
char *import_place(struct import *import, const char *text, const char *fallback);
/* A reference to a variable that the other program had: known if our environment has it. */
void import_refer(struct import *import, const char *where, const char *name);
/* A body to send; one that speaks of a password is a secret as a whole. */
void import_body(
	struct import *import, struct import_item *check, const char *where, const char *text);
bool import_is_secret_name(const char *name); /* of a header, a parameter */
/* A text as a regular expression that finds it, or with * and ? as a shell has them. */
char *import_regex(const char *text, bool is_glob, bool is_whole);

/* Told of this check by this receiver. */
void import_route(struct import *import, const struct import_item *receiver,
	const struct import_item *check, usec_t repeat_us, bool sends_resolved);

/* At the end: receivers that no route names are switched off, as they were there. */
void import_rest(struct import *import);

/* --- conditions of Gatus --- */

enum condition_kind {
	CONDITION_HTTP,
	CONDITION_DNS,
	CONDITION_TALK,
	CONDITION_TLS,
	CONDITION_PING
};

/* All conditions of one endpoint; texts as our configuration has them. */
struct conditions {
	struct import *import;
	struct import_item *check;
	enum condition_kind kind;
	bool is_https;
	usec_t hold_us;  /* how long a rule waits: as long as the check needs to be down */
	usec_t limit_us; /* of the time that an answer takes; 0: none */
	bool statuses[600];
	bool has_status, has_body, has_not_body;
	struct import_words json, answers;
};

void conditions_begin(struct conditions *all);
void conditions_add(struct conditions *all, const char *where, const char *text);
void conditions_end(struct conditions *all); /* writes what they came to, and lets go */

/* --- who is told --- */

/* A receiver's rows: their key, ours, and what it is. */
enum import_shape { SHAPE_TEXT, SHAPE_SECRET, SHAPE_URL_SECRET, SHAPE_NUMBER, SHAPE_LIST };
struct import_row {
	const char *theirs, *ours;
	enum import_shape shape;
	bool is_required;
};
struct import_kind {
	const char *theirs, *ours; /* ours NULL: there is none */
	const char *advice;        /* NULL; then a note */
	struct import_row rows[8];
};
/* Gets their value, owned, NULL: it is not there. */
typedef char *(*import_get_fn)(void *arg, const char *key);
/* NULL, after a note, where it cannot be carried over. */
struct import_item *import_receiver_by(struct import *import, const struct import_kind *kind,
	const char *name, const char *where, import_get_fn get, void *arg);

#endif

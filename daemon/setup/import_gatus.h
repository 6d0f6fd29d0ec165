/* The reader of Gatus's files: what its two parts share. */
#ifndef SETUP_IMPORT_GATUS_H
#define SETUP_IMPORT_GATUS_H

#include <stdarg.h>

#include "setup/import_inside.h"

struct gatus {
	struct import *import;
	const struct conf_node *root;
	char place[200]; /* "endpoints[3] api" */
	char where[240]; /* with its line */
};

/* A key that is known; with advice where nothing is made of it. */
struct gatus_key {
	const char *name, *advice;
};

/* In our words, owned, never NULL. */
char *gatus_text(struct gatus *gatus, const struct conf_node *node);
char *gatus_get(struct gatus *gatus, const struct conf_node *map, const char *key);
bool gatus_is_true(const struct conf_node *map, const char *key);
usec_t gatus_duration(const struct conf_node *map, const char *key, usec_t fallback_us);
int64_t gatus_number(const struct conf_node *map, const char *key, int64_t fallback);
/* Where we are, for notes and fills. */
void gatus_at(struct gatus *gatus, const struct conf_node *node, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A note for each key that has advice, or is not known. */
void gatus_note_keys(
	struct gatus *gatus, const struct conf_node *map, const struct gatus_key *rows);

/* What a URL's scheme becomes. */
struct gatus_scheme {
	const char *prefix, *type;
	enum condition_kind kind;
	void (*make)(struct gatus *gatus, struct import_item *check, const struct conf_node *map,
		const char *url);
};
const struct gatus_scheme *gatus_scheme(const struct conf_node *map, const char *url);
void gatus_take_client(struct gatus *gatus, struct import_item *check,
	const struct conf_node *client, enum condition_kind kind);

struct gatus_alerts {
	int64_t failures, successes; /* in a row */
};
void gatus_take_providers(struct gatus *gatus);
void gatus_take_alerts(struct gatus *gatus, const struct import_item *check,
	const struct conf_node *map, struct gatus_alerts *out);
/* Planned work: one, or a list; `check` NULL: of all checks. */
void gatus_take_windows(struct gatus *gatus, const struct conf_node *node, const char *check);

#endif

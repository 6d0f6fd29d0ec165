/*
 * Settings by table.  A row is one key: its type, place in a struct, default, bounds, unit and its
 * manual text.  One walk each: fill, free, compare, print (masked), manual, JSON Schema.  A setting
 * that is not a row does not exist.  Defaults and bounds are written as the user writes values and
 * go through the same parser.
 */
#ifndef CONF_SCHEMA_H
#define CONF_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/secret.h"
#include "conf/tree.h"

enum conf_type {
	CONF_END,      /* closes a table */
	CONF_STRING,   /* char * (NULL when absent without default) */
	CONF_SECRET,   /* char *, masked everywhere; an empty one is NULL */
	CONF_URL,      /* char *, checked; its password and credentials in its query are masked */
	CONF_INT,      /* int64_t */
	CONF_NUMBER,   /* double; a trailing % is allowed where unit is "%" */
	CONF_BOOL,     /* bool */
	CONF_DURATION, /* usec_t */
	CONF_SIZE,     /* int64_t bytes */
	CONF_ENUM,     /* int: index into choices; -1 when absent without default */
	CONF_DSN,      /* char *, checked by the grammar of `dsn`; its password is masked */
	CONF_PATH,     /* char *, absolute */
	CONF_REGEX,    /* char *, compiled once to check it (POSIX extended) */
	CONF_STRINGS,  /* struct conf_strings: one scalar or a list; default "a" or "[a, b]" */
	CONF_PAIRS,    /* struct conf_pairs: a map of name: scalar, in order */
	CONF_NODE,     /* const struct conf_node *: taken as it is, by the owner's own parser */
	CONF_GROUP,    /* a struct inside this one, with rows of its own */
};

/* Grammars of data source names: conf/dsn.h. */
enum dsn_kind { DSN_POSTGRES, DSN_MYSQL, DSN_REDIS, DSN_SQLITE };

enum conf_flag {
	CONF_REQUIRED = 1,
	CONF_RESTART = 2,  /* a change takes effect at the next start only: said at reload */
	CONF_ADVANCED = 4, /* goes to the end of the manual section */
	CONF_MASKED = 8,   /* secrets are: the values of STRINGS or PAIRS, the path of a URL */
};

struct conf_strings {
	char **all;
	size_t count;
};

struct conf_pair {
	char *name, *value;
	struct conf_pos pos;
};

struct conf_pairs {
	struct conf_pair *all;
	size_t count;
};

struct conf_field {
	const char *name;
	enum conf_type type;
	size_t offset;
	const char *dflt; /* as the user would write it; NULL: absent */
	const char *min, *max;
	const char *const *choices;      /* ENUM: NULL-terminated */
	const char *word;                /* INT: may stand for a number; it is 0 then */
	const struct conf_field *fields; /* GROUP */
	const char *unit;
	enum dsn_kind dsn; /* DSN */
	unsigned flags;
	const char *doc; /* whole sentences, for the manual */
	const char *example;
};

/* Refuses, at compile time, a member whose C type is not what the row writes. */
#define CONF_AT(T, member, ctype) (offsetof(T, member) + 0 * sizeof((ctype *){ &((T *)0)->member }))
#define STRING_AT(T, m)           .type = CONF_STRING, .offset = CONF_AT(T, m, char *)
#define SECRET_AT(T, m)           .type = CONF_SECRET, .offset = CONF_AT(T, m, char *)
#define URL_AT(T, m)              .type = CONF_URL, .offset = CONF_AT(T, m, char *)
#define DSN_AT(T, m, k)           .type = CONF_DSN, .dsn = (k), .offset = CONF_AT(T, m, char *)
#define PATH_AT(T, m)             .type = CONF_PATH, .offset = CONF_AT(T, m, char *)
#define REGEX_AT(T, m)            .type = CONF_REGEX, .offset = CONF_AT(T, m, char *)
#define INT_AT(T, m)              .type = CONF_INT, .offset = CONF_AT(T, m, int64_t)
#define NUMBER_AT(T, m)           .type = CONF_NUMBER, .offset = CONF_AT(T, m, double)
#define BOOL_AT(T, m)             .type = CONF_BOOL, .offset = CONF_AT(T, m, bool)
#define DURATION_AT(T, m)         .type = CONF_DURATION, .offset = CONF_AT(T, m, usec_t)
#define SIZE_AT(T, m)             .type = CONF_SIZE, .offset = CONF_AT(T, m, int64_t)
#define ENUM_AT(T, m, names)      .type = CONF_ENUM, .choices = (names), .offset = CONF_AT(T, m, int)
#define STRINGS_AT(T, m)          .type = CONF_STRINGS, .offset = CONF_AT(T, m, struct conf_strings)
#define PAIRS_AT(T, m)            .type = CONF_PAIRS, .offset = CONF_AT(T, m, struct conf_pairs)
#define NODE_AT(T, m)             .type = CONF_NODE, .offset = CONF_AT(T, m, const struct conf_node *)
#define GROUP_AT(T, m, rows)      .type = CONF_GROUP, .fields = (rows), .offset = offsetof(T, m)

/* A block is a struct filled from the rows of one or more tables (common keys + a type's own). */
struct conf_part {
	const struct conf_field *fields;
	void *at; /* the struct that these rows fill, zeroed */
};

/*
 * Fills every part from `map` (NULL: defaults only).  Unknown keys, wrong types, bounds and missing
 * required keys are complaints; "what" names the block in them ("check \"api\"").  Keys in `ignore`
 * (NULL-terminated, may be NULL) belong to somebody else.
 */
void conf_fill(const struct conf_part *parts, size_t count, const struct conf_node *map,
	const char *what, const char *const *ignore, struct complaints *complaints);
void conf_clear(const struct conf_field *fields, void *at); /* frees owned members, zeroes */
bool conf_same(const struct conf_field *fields, const void *a, const void *b);
/* Nodes that the rows took as they are: see conf_tree_hold. */
void conf_hold(const struct conf_field *fields, void *at, struct conf_tree *tree);
/* Registers every SECRET value (and the secret parts of URLs). */
void conf_secrets(const struct conf_field *fields, const void *at, struct secret_set *set);
/* As YAML, masked, `indent` spaces deep; keys at their default are left out unless all. */
void conf_print(
	const struct conf_field *fields, const void *at, bool all, int indent, struct buf *out);
/* Position of a key's value inside a filled block, for the owner's own complaints. */
struct conf_pos conf_pos_of(const struct conf_node *map, const char *key);

/* A node as it was written, as YAML, `indent` spaces deep; secrets from files masked. */
void conf_print_node(const struct conf_node *node, int indent, struct buf *out);

/* Markdown table of the rows; JSON Schema of a map with these keys (a new reference). */
void conf_manual(const struct conf_field *fields, struct buf *out);
json_t *conf_json_schema(const struct conf_field *fields);

#endif

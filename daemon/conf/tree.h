/*
 * YAML text to a tree of nodes that know where they were written.  libyaml's event API underneath;
 * bounds: file 4 MB, depth 64, one million nodes after aliases, one document.  Duplicate keys, tabs
 * used as indentation, binary files and unknown aliases are complaints with a position.
 *
 * Aliases and merges share nodes below the first level: what looks like a tree may be a graph
 * without cycles.  Nobody changes a node once it is loaded.
 */
#ifndef CONF_TREE_H
#define CONF_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/complain.h"

enum conf_kind { CONF_SCALAR, CONF_LIST, CONF_MAP };

struct conf_node {
	enum conf_kind kind;
	struct conf_pos pos;
	struct conf_pos key_pos; /* of the key, for a map's value */
	char *key;               /* in a map; NULL elsewhere */
	char *text;              /* scalar, after interpolation */
	bool is_plain;           /* scalar without quotes: may be a number, a boolean, null */
	bool is_null;            /* nothing was written: "key:", "~", "null" */
	bool is_flow;            /* list or map in [] or {}: perhaps a text that lacks its quotes */
	bool is_secret;   /* came from ${file:} or ${credential:}: masked wherever it is shown */
	bool is_broken;   /* was complained about already: not to be complained about again */
	bool is_expanded; /* ${...} is replaced, here and below */
	struct conf_node **items;
	size_t count;
};

struct conf_file {
	char *path;
	char *text; /* whole, for the caret lines */
	size_t len;
};

struct conf_arena;

struct conf_tree {
	struct conf_node *root; /* a map; NULL when it could not be read */
	struct conf_file **files;
	size_t file_count;
	size_t node_count;
	struct conf_arena *arena; /* owns the nodes, their keys and texts */
	struct conf_arena *held;  /* copies of a few of them; NULL: none */
};

/*
 * Reads `path`, its env_file and its includes (globs, relative to the file, in order; their
 * top-level maps are merged: a second definition of the same name is an error with both places),
 * and interpolates scalars.  Always returns a tree to free, complaints tell whether it is usable.
 */
struct conf_tree *conf_tree_load(const char *path, struct complaints *complaints);
/* The same for text at hand (tests, fuzzing, playbooks): no includes, no env_file. */
struct conf_tree *conf_tree_parse(
	const char *name, const char *text, size_t len, struct complaints *complaints);
/* The same for other programs' YAML: ${...} stays as it is written. */
struct conf_tree *conf_tree_parse_raw(
	const char *name, const char *text, size_t len, struct complaints *complaints);
struct conf_tree *conf_tree_load_raw(const char *path, struct complaints *complaints);
void conf_tree_free(struct conf_tree *tree);
/* Lets the files' texts go once nothing more will be complained about; positions stay good. */
void conf_tree_drop_texts(struct conf_tree *tree);
/* A copy of the node that outlives conf_tree_drop_nodes; NULL stays NULL. */
const struct conf_node *conf_tree_hold(struct conf_tree *tree, const struct conf_node *node);
/* Once all is read: lets every node go but the copies.  There is no root any more. */
void conf_tree_drop_nodes(struct conf_tree *tree);

struct conf_node *conf_get(const struct conf_node *map, const char *key); /* NULL: absent */
const char *conf_kind_name(const struct conf_node *node); /* "a list", "a map", "text" */
bool conf_is_absent(const struct conf_node *node);        /* NULL, or nothing was written */
/* Was it, or something in it, complained about already?  What is missing for that is no news. */
bool conf_has_broken(const struct conf_node *node);

#endif

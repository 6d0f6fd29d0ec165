/* One YAML text to nodes: what tree.c and load.c share inside the room. */
#ifndef CONF_PARSE_H
#define CONF_PARSE_H

#include "conf/tree.h"

#define CONF_FILE_MAX  (4 * 1024 * 1024)
#define CONF_DEPTH_MAX 64
#define CONF_NODES_MAX 1000000

struct conf_tree *tree_new(void);
/* Adds a file to the tree's table; `text` (owned afterwards) may be NULL. */
struct conf_file *tree_add_file(struct conf_tree *tree, const char *path, char *text, size_t len);
struct conf_node *tree_node(struct conf_tree *tree); /* zeroed, in the arena */
/* Replaces the items of a list or map. */
void tree_set_items(
	struct conf_tree *tree, struct conf_node *node, struct conf_node **items, size_t count);

/* Keeps the first of each key, in order, and returns how many those are; the others are complaints
 * that give both places (complaints NULL: they go silently). */
size_t nodes_drop_duplicates(struct conf_node **items, size_t count, struct complaints *complaints);
/* Replaces ${...} in every scalar below `node`, once. */
struct interpolate_env;
void expand_node(struct conf_tree *tree, struct conf_node *node, const struct interpolate_env *env,
	struct complaints *complaints);

/* The root map of a file, or NULL after a complaint; *is_empty: it holds nothing at all. */
struct conf_node *parse_file(struct conf_tree *tree, const struct conf_file *file, bool *is_empty,
	struct complaints *complaints);

/* Whether a text can be YAML at all; else one complaint that says what it looks like. */
bool text_is_sane(const struct conf_file *file, struct complaints *complaints);
/* Turns libyaml's words about `line` into ours: tabs, missing quotes.  False: none fit. */
struct yaml_trouble {
	const char *problem, *context;         /* libyaml's; may be NULL */
	unsigned line, column;                 /* from 1 */
	unsigned context_line, context_column; /* 0: none */
};
void explain_trouble(const struct conf_file *file, const struct yaml_trouble *trouble,
	struct complaints *complaints);
/* One line of the file without its end; NULL past the last. */
const char *file_line(const struct conf_file *file, unsigned line, size_t *len);

#endif

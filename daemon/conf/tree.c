/* The tree itself: its memory, look-up, duplicates, the expansion of ${...} in its scalars. */
#include "conf/tree.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "conf/arena.h"
#include "conf/interpolate.h"
#include "conf/parse.h"

#define SMALL_MAP 16 /* up to here duplicates are looked for by comparing all pairs */

struct conf_tree *
tree_new(void)
{
	struct conf_tree *tree = xcalloc(1, sizeof(*tree));
	tree->arena = arena_new();
	return tree;
}

void
conf_tree_drop_texts(struct conf_tree *tree)
{
	for (size_t i = 0; i < tree->file_count; i++) {
		struct conf_file *file = tree->files[i];
		if (file->text != NULL)
			secret_wipe(file->text, file->len);
		free(file->text);
		file->text = NULL;
		file->len = 0;
	}
}

static struct conf_node *
copy_node(struct conf_arena *to, const struct conf_node *node)
{
	struct conf_node *copy = arena_get(to, sizeof(*copy));

	*copy = *node;
	if (node->key != NULL)
		copy->key = arena_text(to, node->key, strlen(node->key));
	if (node->text != NULL)
		copy->text = arena_text(to, node->text, strlen(node->text));
	if (node->count > 0)
		copy->items = arena_get(to, node->count * sizeof(*copy->items));
	for (size_t i = 0; i < node->count; i++)
		copy->items[i] = copy_node(to, node->items[i]);
	return copy;
}

const struct conf_node *
conf_tree_hold(struct conf_tree *tree, const struct conf_node *node)
{
	if (node == NULL)
		return NULL;
	if (tree->held == NULL)
		tree->held = arena_new();
	return copy_node(tree->held, node);
}

void
conf_tree_drop_nodes(struct conf_tree *tree)
{
	arena_free(tree->arena);
	tree->arena = tree->held;
	tree->held = NULL;
	tree->root = NULL;
}

void
conf_tree_free(struct conf_tree *tree)
{
	if (tree == NULL)
		return;
	conf_tree_drop_texts(tree);
	for (size_t i = 0; i < tree->file_count; i++) {
		free(tree->files[i]->path);
		free(tree->files[i]);
	}
	free(tree->files);
	arena_free(tree->arena);
	arena_free(tree->held);
	free(tree);
}

struct conf_file *
tree_add_file(struct conf_tree *tree, const char *path, char *text, size_t len)
{
	struct conf_file *file = xcalloc(1, sizeof(*file));
	file->path = xstrdup(path);
	file->text = text;
	file->len = len;
	tree->files = xreallocarray(tree->files, tree->file_count + 1, sizeof(struct conf_file *));
	tree->files[tree->file_count++] = file;
	return file;
}

struct conf_node *
tree_node(struct conf_tree *tree)
{
	return arena_get(tree->arena, sizeof(struct conf_node));
}

void
tree_set_items(
	struct conf_tree *tree, struct conf_node *node, struct conf_node **items, size_t count)
{
	node->items = NULL;
	node->count = count;
	if (count == 0)
		return;
	node->items = arena_get(tree->arena, count * sizeof(struct conf_node *));
	memcpy(node->items, items, count * sizeof(struct conf_node *));
}

struct conf_node *
conf_get(const struct conf_node *map, const char *key)
{
	if (map == NULL || map->kind != CONF_MAP)
		return NULL;
	for (size_t i = 0; i < map->count; i++)
		if (strcmp(map->items[i]->key, key) == 0)
			return map->items[i];
	return NULL;
}

const char *
conf_kind_name(const struct conf_node *node)
{
	switch (node->kind) {
	case CONF_LIST:
		return "a list";
	case CONF_MAP:
		return "a map";
	case CONF_SCALAR:
	default:
		return node->is_null ? "nothing" : "text";
	}
}

bool
conf_is_absent(const struct conf_node *node)
{
	return node == NULL || node->is_null;
}

bool
conf_has_broken(const struct conf_node *node)
{
	bool is_broken = node->is_broken;
	for (size_t i = 0; i < node->count && !is_broken; i++)
		is_broken = conf_has_broken(node->items[i]);
	return is_broken;
}

/* --- duplicates --- */

static void
complain_duplicate(struct complaints *complaints, const struct conf_node *second,
	const struct conf_node *first)
{
	if (first->key_pos.file == second->key_pos.file)
		complain(complaints, &second->key_pos, "\"%.64s\" is already written in line %u",
			second->key, first->key_pos.line);
	else
		complain(complaints, &second->key_pos, "\"%.64s\" is already written at %s:%u:%u",
			second->key, first->key_pos.file->path, first->key_pos.line,
			first->key_pos.column);
}

static uint64_t
hash_key(const char *key)
{
	uint64_t hash = UINT64_C(14695981039346656037);
	for (; *key != '\0'; key++)
		hash = (hash ^ (unsigned char)*key) * UINT64_C(1099511628211);
	return hash ^ (hash >> 29);
}

static bool
is_free_of_duplicates(struct conf_node **items, size_t count)
{
	if (count > SMALL_MAP)
		return false; /* unknown: the table will tell */
	for (size_t i = 1; i < count; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(items[i]->key, items[k]->key) == 0)
				return false;
	return true;
}

size_t
nodes_drop_duplicates(struct conf_node **items, size_t count, struct complaints *complaints)
{
	if (is_free_of_duplicates(items, count))
		return count;
	size_t size = SMALL_MAP, kept = 0;
	while (size < count * 2)
		size *= 2;
	struct conf_node **table = xcalloc(size, sizeof(struct conf_node *));
	for (size_t i = 0; i < count; i++) {
		size_t at = hash_key(items[i]->key) & (size - 1);
		while (table[at] != NULL && strcmp(table[at]->key, items[i]->key) != 0)
			at = (at + 1) & (size - 1);
		if (table[at] == NULL)
			items[kept++] = table[at] = items[i];
		else if (complaints != NULL)
			complain_duplicate(complaints, items[i], table[at]);
	}
	free(table);
	return kept;
}

/* --- expansion --- */

static void
expand_scalar(struct conf_tree *tree, struct conf_node *node, const struct interpolate_env *env,
	struct complaints *complaints)
{
	if (strstr(node->text, "${") == NULL)
		return;
	struct err e = { 0 };
	bool is_secret = false;
	char *text = interpolate(node->text, env, &is_secret, &e);
	if (text == NULL) {
		node->is_broken = true;
		complain(complaints, &node->pos, "%s", e.text);
		return;
	}
	node->text = arena_text(tree->arena, text, strlen(text));
	node->is_secret = is_secret;
	if (is_secret)
		secret_wipe(text, strlen(text));
	free(text);
}

void
expand_node(struct conf_tree *tree, struct conf_node *node, const struct interpolate_env *env,
	struct complaints *complaints)
{
	if (node->is_expanded)
		return;
	node->is_expanded = true;
	if (node->kind == CONF_SCALAR)
		expand_scalar(tree, node, env, complaints);
	for (size_t i = 0; i < node->count; i++)
		expand_node(tree, node->items[i], env, complaints);
}

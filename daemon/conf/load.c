/*
 * Files to one tree: the main file, its env_file, its includes.  A file that cannot be read or
 * parsed leaves the tree without a root: what else would be said about the rest might only follow
 * from what is missing.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "conf/interpolate.h"
#include "conf/parse.h"

#define FILES_MAX 1000

struct load {
	struct conf_tree *tree;
	struct complaints *complaints;
	const char *path;
	struct map *env;
	struct conf_node **roots; /* the main file's, then the includes' */
	size_t root_count;
	bool is_broken; /* a file could not be had */
};

/* --- one file --- */

static int
read_open(int fd, const char *path, char **text, size_t *len, struct err *e)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return err_sys(e, "cannot read %s", path);
	if (S_ISDIR(st.st_mode))
		return err_set(e, EISDIR, "%s is a folder, not a file", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, 0, "%s is not a regular file", path);
	if (st.st_size > CONF_FILE_MAX)
		return err_set(e, EFBIG, "%s is too large: %lld MB, at most %d MB are read", path,
			(long long)st.st_size / (1024 * 1024), CONF_FILE_MAX / (1024 * 1024));
	size_t room = CONF_FILE_MAX + 1, at = 0;
	if (st.st_size < CONF_FILE_MAX)
		room = (size_t)st.st_size + 1; /* one more, to notice that it grew */
	char *data = xmalloc(room + 1);
	while (at < room) {
		ssize_t got = read(fd, data + at, room - at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			err_sys(e, "cannot read %s", path);
			free(data);
			return -1;
		}
		if (got == 0)
			break;
		at += (size_t)got;
	}
	if (at == room) {
		free(data);
		return err_set(e, 0, "%s changed while it was being read", path);
	}
	data[at] = '\0';
	*text = data;
	*len = at;
	return 0;
}

static int
read_whole(const char *path, char **text, size_t *len, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == EACCES)
		return err_set(e, EACCES,
			"cannot read %s: Permission denied: uid %u must be able to read it (chgrp, "
			"chmod 0640)",
			path, (unsigned)geteuid());
	if (fd < 0)
		return err_sys(e, "cannot read %s", path);
	int result = read_open(fd, path, text, len, e);
	fd_close(&fd);
	return result;
}

/* A byte order mark is not part of the first line. */
static size_t
drop_mark(char *text, size_t len)
{
	static const char mark[] = "\xef\xbb\xbf";
	size_t mark_len = sizeof(mark) - 1;
	if (!str_starts(text, mark))
		return len;
	memmove(text, text + mark_len, len - mark_len + 1);
	return len - mark_len;
}

/* Parses `path` and keeps its root; `from` is where it was asked for, NULL: the main file. */
static void
load_file(struct load *l, const char *path, const struct conf_pos *from)
{
	struct err e = { 0 };
	char *text;
	size_t len;
	if (read_whole(path, &text, &len, &e) != 0) {
		complain(l->complaints, from, "%s", e.text);
		l->is_broken = true;
		return;
	}
	struct conf_file *file = tree_add_file(l->tree, path, text, drop_mark(text, len));
	bool is_empty;
	struct conf_node *root = parse_file(l->tree, file, &is_empty, l->complaints);
	if (root != NULL) {
		l->roots = xreallocarray(l->roots, l->root_count + 1, sizeof(struct conf_node *));
		l->roots[l->root_count++] = root;
	} else if (!is_empty) {
		l->is_broken = true;
	} else if (from == NULL) { /* an included file may well hold comments only */
		complain(l->complaints, &(struct conf_pos){ .file = file },
			"the file is empty: a configuration needs at least `checks:`");
		l->is_broken = true;
	}
}

/* --- env_file and include --- */

/* "dir/of/main/" + relative; owned. */
static char *
beside(const struct load *l, const char *relative)
{
	const char *slash = strrchr(l->path, '/');
	if (relative[0] == '/' || slash == NULL)
		return xstrdup(relative);
	return xasprintf("%.*s/%s", (int)(slash - l->path), l->path, relative);
}

/* Calls fn for a scalar or each scalar of a list. */
static void
each_path(struct load *l, struct conf_node *node, const char *key,
	void (*fn)(struct load *l, struct conf_node *item))
{
	if (conf_is_absent(node))
		return;
	struct conf_node *one[] = { node };
	bool is_list = node->kind == CONF_LIST;
	struct conf_node **items = is_list ? node->items : one;
	size_t count = is_list ? node->count : 1;
	struct interpolate_env env = { .env_file = l->env };
	for (size_t i = 0; i < count; i++) {
		if (items[i]->kind != CONF_SCALAR || conf_is_absent(items[i])) {
			complain(l->complaints, &items[i]->pos, "%s: must be a path, not %s", key,
				conf_kind_name(items[i]));
			continue;
		}
		expand_node(l->tree, items[i], &env, l->complaints);
		if (items[i]->is_broken)
			l->is_broken = true;
		else
			fn(l, items[i]);
	}
}

int
env_file_load(struct map *into, const char *path, struct err *e)
{
	char *text;
	size_t len;
	if (read_whole(path, &text, &len, e) != 0)
		return -1;
	int result = 0;
	if (memchr(text, '\0', len) != NULL)
		result = err_set(e, 0, "%s is not a text file", path);
	else if (env_file_parse(into, text, e) != 0)
		result = err_wrap(e, "%s", path);
	secret_wipe(text, len);
	free(text);
	return result;
}

static void
load_env_file(struct load *l, struct conf_node *item)
{
	struct err e = { 0 };
	char *path = beside(l, item->text);
	if (env_file_load(l->env, path, &e) != 0) {
		complain(l->complaints, &item->pos, "env_file: %s", e.text);
		l->is_broken = true;
	}
	free(path);
}

static bool
is_loaded(const struct load *l, const char *path)
{
	for (size_t i = 0; i < l->tree->file_count; i++)
		if (str_eq(l->tree->files[i]->path, path))
			return true;
	return false;
}

static void
load_matches(struct load *l, const glob_t *found, const struct conf_pos *from)
{
	for (size_t i = 0; i < found->gl_pathc; i++) {
		if (is_loaded(l, found->gl_pathv[i]))
			continue;
		if (l->tree->file_count >= FILES_MAX) {
			complain(l->complaints, from, "include: more than %d files", FILES_MAX);
			l->is_broken = true;
			return;
		}
		load_file(l, found->gl_pathv[i], from);
	}
}

static void
load_include(struct load *l, struct conf_node *item)
{
	char *path = beside(l, item->text);
	glob_t found = { 0 };
	if (strpbrk(path, "*?[") == NULL) {
		if (!is_loaded(l, path))
			load_file(l, path, &item->pos);
		free(path);
		return;
	}
	errno = 0;
	int result = glob(path, GLOB_ERR, NULL, &found);
	if (result == 0) {
		load_matches(l, &found, &item->pos);
	} else if (result != GLOB_NOMATCH && errno != ENOENT && errno != ENOTDIR) {
		complain(l->complaints, &item->pos, "include: cannot look for %s: %s", path,
			strerror(errno != 0 ? errno : ENOMEM));
		l->is_broken = true;
	}
	globfree(&found);
	free(path);
}

/* Only the main file may include and set up the environment: no cycles, one place to look. */
static void
refuse_nested(struct load *l, const struct conf_node *root)
{
	static const char *const words[] = { "include", "env_file" };
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		const struct conf_node *node = conf_get(root, words[i]);
		if (node != NULL)
			complain(l->complaints, &node->key_pos, "%s is allowed in %s only",
				words[i], l->path);
	}
}

/* --- merging --- */

static bool
is_all(struct conf_node **values, size_t count, enum conf_kind kind)
{
	for (size_t i = 0; i < count; i++)
		if (values[i]->kind != kind)
			return false;
	return true;
}

/* The values that several files give for one top-level key become one. */
static struct conf_node *
merge_values(struct load *l, struct conf_node **values, size_t count)
{
	enum conf_kind kind = values[0]->kind;
	if (count == 1)
		return values[0];
	if (kind == CONF_SCALAR || !is_all(values, count, kind)) {
		for (size_t i = 1; i < count; i++)
			complain(l->complaints, &values[i]->key_pos,
				"%s is already written at %s:%u:%u", values[i]->key,
				values[0]->key_pos.file->path, values[0]->key_pos.line,
				values[0]->key_pos.column);
		return values[0];
	}
	size_t total = 0;
	for (size_t i = 0; i < count; i++)
		total += values[i]->count;
	struct conf_node **items = xcalloc(total + 1, sizeof(struct conf_node *));
	size_t at = 0;
	for (size_t i = 0; i < count; i++) {
		if (values[i]->count > 0)
			memcpy(items + at, values[i]->items,
				values[i]->count * sizeof(struct conf_node *));
		at += values[i]->count;
	}
	if (kind == CONF_MAP)
		total = nodes_drop_duplicates(items, total, l->complaints);
	struct conf_node *merged = tree_node(l->tree);
	*merged = *values[0];
	tree_set_items(l->tree, merged, items, total);
	free(items);
	return merged;
}

/* All non-null values of `key`, from the root at `from` on. */
static size_t
gather_values(const struct load *l, size_t from, const char *key, struct conf_node **values)
{
	size_t count = 0;
	for (size_t i = from; i < l->root_count; i++) {
		struct conf_node *value = conf_get(l->roots[i], key);
		if (!conf_is_absent(value))
			values[count++] = value;
	}
	return count;
}

static bool
is_seen_before(const struct load *l, size_t root, const char *key)
{
	for (size_t i = 0; i < root; i++)
		if (conf_get(l->roots[i], key) != NULL)
			return true;
	return false;
}

static struct conf_node *
merge_roots(struct load *l)
{
	size_t room = 0, count = 0;
	for (size_t i = 0; i < l->root_count; i++)
		room += l->roots[i]->count;
	struct conf_node **items = xcalloc(room + 1, sizeof(struct conf_node *));
	struct conf_node **values = xcalloc(l->root_count, sizeof(struct conf_node *));
	for (size_t i = 0; i < l->root_count; i++) {
		for (size_t k = 0; k < l->roots[i]->count; k++) {
			struct conf_node *entry = l->roots[i]->items[k];
			if (is_seen_before(l, i, entry->key))
				continue;
			size_t found = gather_values(l, i, entry->key, values);
			items[count++] = found > 0 ? merge_values(l, values, found) : entry;
		}
	}
	struct conf_node *root = l->roots[0];
	tree_set_items(l->tree, root, items, count);
	free(values);
	free(items);
	return root;
}

static void
load_all(struct load *l)
{
	load_file(l, l->path, NULL);
	if (l->root_count == 0)
		return;
	struct interpolate_env env = { .env_file = l->env };
	each_path(l, conf_get(l->roots[0], "env_file"), "env_file", load_env_file);
	each_path(l, conf_get(l->roots[0], "include"), "include", load_include);
	for (size_t i = 0; i < l->root_count; i++) {
		if (i > 0)
			refuse_nested(l, l->roots[i]);
		expand_node(l->tree, l->roots[i], &env, l->complaints);
	}
	if (!l->is_broken)
		l->tree->root = merge_roots(l);
}

static void
free_secret(void *text)
{
	secret_wipe(text, strlen(text));
	free(text);
}

struct conf_tree *
conf_tree_load(const char *path, struct complaints *complaints)
{
	struct load l = {
		.tree = tree_new(),
		.complaints = complaints,
		.path = path,
		.env = map_new(),
	};
	load_all(&l);
	map_free(l.env, free_secret);
	free(l.roots);
	return l.tree;
}

/* `text` is owned afterwards. */
static void
parse_whole(struct conf_tree *tree, const char *name, char *text, size_t len,
	struct complaints *complaints)
{
	struct conf_file *file = tree_add_file(tree, name, text, drop_mark(text, len));
	bool is_empty;
	tree->root = parse_file(tree, file, &is_empty, complaints);
	if (is_empty)
		complain(complaints, &(struct conf_pos){ .file = file }, "the file is empty");
}

struct conf_tree *
conf_tree_parse_raw(const char *name, const char *text, size_t len, struct complaints *complaints)
{
	struct conf_tree *tree = tree_new();
	if (len > CONF_FILE_MAX) {
		complain(complaints, NULL, "%s is too large: at most %d MB are read", name,
			CONF_FILE_MAX / (1024 * 1024));
		return tree;
	}
	char *copy = xmalloc(len + 1);
	memcpy(copy, text, len);
	copy[len] = '\0';
	parse_whole(tree, name, copy, len, complaints);
	return tree;
}

struct conf_tree *
conf_tree_load_raw(const char *path, struct complaints *complaints)
{
	struct conf_tree *tree = tree_new();
	struct err e = { 0 };
	char *text;
	size_t len;
	if (read_whole(path, &text, &len, &e) != 0)
		complain(complaints, NULL, "%s", e.text);
	else
		parse_whole(tree, path, text, len, complaints);
	return tree;
}

struct conf_tree *
conf_tree_parse(const char *name, const char *text, size_t len, struct complaints *complaints)
{
	struct conf_tree *tree = conf_tree_parse_raw(name, text, len, complaints);
	struct interpolate_env env = { .env_file = NULL };
	if (tree->root != NULL)
		expand_node(tree, tree->root, &env, complaints);
	return tree;
}

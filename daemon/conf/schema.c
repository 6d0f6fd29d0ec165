/* Fills blocks from maps by their tables, and says everything that does not fit. */
#include "conf/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/field.h"

#define NAMES_MAX 128 /* keys of one block, for suggestions */
#define PATH_SIZE 160

struct fill {
	struct complaints *complaints;
	const char *what;   /* "check \"api\"" */
	const char *prefix; /* "expect." inside a group, else "" */
};

static void fill_parts(const struct fill *f, const struct conf_part *parts, size_t count,
	const struct conf_node *map, const char *const *ignore);

/* --- one value --- */

static void
complain_kind(const struct fill *f, const struct conf_field *field, const struct conf_node *node)
{
	if (node->is_null)
		complain(f->complaints, &node->pos,
			"%s%s: has no value (a text that begins with # must be quoted)", f->prefix,
			field->name);
	else if (node->is_flow && field->type < CONF_STRINGS)
		complain(f->complaints, &node->pos,
			"%s%s: must be %s, not %s; a text that begins with %s must be quoted",
			f->prefix, field->name, field_kind(field), conf_kind_name(node),
			node->kind == CONF_MAP ? "{" : "[");
	else
		complain(f->complaints, &node->pos, "%s%s: must be %s, not %s", f->prefix,
			field->name, field_kind(field), conf_kind_name(node));
}

static void
fill_scalar(const struct fill *f, const struct conf_field *field, const struct conf_node *node,
	void *slot)
{
	struct err e = { 0 };
	if (node->kind != CONF_SCALAR || node->is_null) {
		complain_kind(f, field, node);
	} else if (field->type == CONF_SECRET && (field->flags & CONF_REQUIRED) != 0 &&
		   *node->text == '\0') {
		complain(f->complaints, &node->pos, "%s%s: is empty", f->prefix, field->name);
	} else if (field_parse(field, node->text, slot, &e) != 0) {
		bool is_shown = field->type != CONF_SECRET && !node->is_secret;
		complain(f->complaints, &node->pos, "%s%s: %s", f->prefix, field->name,
			is_shown ? e.text : "the value does not fit");
		field_clear(field, slot);
	}
}

static void
fill_strings(const struct fill *f, const struct conf_field *field, const struct conf_node *node,
	struct conf_strings *out)
{
	const struct conf_node *one[] = { node };
	const struct conf_node *const *items =
		node->kind == CONF_LIST ? (const struct conf_node *const *)node->items : one;
	size_t count = node->kind == CONF_LIST ? node->count : 1;
	out->all = xcalloc(count + 1, sizeof(char *));
	for (size_t i = 0; i < count; i++) {
		if (items[i]->kind != CONF_SCALAR || items[i]->is_null)
			complain_kind(f, field, items[i]);
		else if (!items[i]->is_broken)
			out->all[out->count++] = xstrdup(items[i]->text);
	}
}

static void
fill_pairs(const struct fill *f, const struct conf_field *field, const struct conf_node *node,
	struct conf_pairs *out)
{
	if (node->kind != CONF_MAP) {
		complain_kind(f, field, node);
		return;
	}
	out->all = xcalloc(node->count + 1, sizeof(struct conf_pair));
	for (size_t i = 0; i < node->count; i++) {
		const struct conf_node *item = node->items[i];
		if (item->is_broken)
			continue;
		if (item->kind != CONF_SCALAR || item->is_null) {
			complain(f->complaints, &item->pos, "%s%s.%.60s: must be a text, not %s",
				f->prefix, field->name, item->key, conf_kind_name(item));
			continue;
		}
		struct conf_pair *pair = &out->all[out->count++];
		pair->name = xstrdup(item->key);
		pair->value = xstrdup(item->text);
		pair->pos = item->pos;
	}
}

static void
fill_group(const struct fill *f, const struct conf_field *field, const struct conf_node *node,
	void *slot)
{
	char prefix[PATH_SIZE];
	snprintf(prefix, sizeof(prefix), "%s%s.", f->prefix, field->name);
	struct fill inner = { f->complaints, f->what, prefix };
	struct conf_part part = { field->fields, slot };
	if (node != NULL && node->kind != CONF_MAP) {
		complain_kind(f, field, node);
		node = NULL;
	}
	fill_parts(&inner, &part, 1, node, NULL);
}

static void
fill_present(const struct fill *f, const struct conf_field *field, const struct conf_node *node,
	void *slot)
{
	switch (field->type) {
	case CONF_STRINGS:
		fill_strings(f, field, node, slot);
		break;
	case CONF_PAIRS:
		fill_pairs(f, field, node, slot);
		break;
	case CONF_NODE:
		*(const struct conf_node **)slot = node;
		break;
	case CONF_GROUP:
		fill_group(f, field, node, slot);
		break;
	default:
		fill_scalar(f, field, node, slot);
		break;
	}
}

/* `key:` with nothing behind it is fine where a list or map may come: all of it commented out. */
static bool
is_missing(const struct conf_field *field, const struct conf_node *node)
{
	return node == NULL || (node->is_null && field->type >= CONF_STRINGS);
}

static void
fill_field(
	const struct fill *f, const struct conf_field *field, const struct conf_node *map, void *at)
{
	const struct conf_node *node = conf_get(map, field->name);
	void *slot = field_slot(field, at);
	/* It was complained about already; whoever looks at the rest finds the default. */
	bool is_broken = node != NULL && node->is_broken;
	if (!is_broken && !is_missing(field, node)) {
		fill_present(f, field, node, slot);
	} else if (!is_broken && (field->flags & CONF_REQUIRED) != 0 && map != NULL) {
		const struct conf_pos *pos = map->key != NULL ? &map->key_pos : &map->pos;
		complain(f->complaints, pos, "%s: %s%s is missing (%s)", f->what, f->prefix,
			field->name, field->example != NULL ? field->example : field_kind(field));
	} else if (field->type == CONF_GROUP) {
		fill_group(f, field, NULL, slot);
	} else {
		field_set_default(field, slot);
	}
}

/* --- keys --- */

struct names {
	const char *all[NAMES_MAX];
	size_t count;
};

static void
add_name(struct names *names, const char *name)
{
	if (names->count < NAMES_MAX)
		names->all[names->count++] = name;
}

static void
gather_names(
	struct names *names, const struct conf_part *parts, size_t count, const char *const *ignore)
{
	for (; ignore != NULL && *ignore != NULL; ignore++)
		add_name(names, *ignore);
	for (size_t p = 0; p < count; p++)
		for (const struct conf_field *row = parts[p].fields; row->type != CONF_END; row++)
			add_name(names, row->name);
}

static void
list_names(const struct names *names, struct buf *out)
{
	for (size_t i = 0; i < names->count; i++)
		buf_addf(out, "%s%s", i > 0 ? ", " : "", names->all[i]);
}

/* `{ warning: avg(a.b, 5m) > 5s }`: what stands behind the comma is taken for a key. */
static bool
is_rest_of_value(const struct conf_node *map, size_t n)
{
	const struct conf_node *entry = map->items[n], *before = n > 0 ? map->items[n - 1] : NULL;
	return map->is_flow && entry->is_null && before != NULL && before->kind == CONF_SCALAR &&
	       before->is_plain && !before->is_null;
}

static void
complain_comma(const struct fill *f, const struct conf_node *entry)
{
	complain(f->complaints, &entry->key_pos,
		"unknown key \"%.64s\": a comma ends a value inside { }: quote the whole value, "
		"\"…, …\"",
		entry->key);
}

/* What other programs, and other types of ours, call the place that a check looks at. */
static bool
is_place(const char *key)
{
	static const char *const words[] = { "url", "uri", "dsn", "address", "addr", "host",
		"hostname", "server", "endpoint", "target" };
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], key) == 0)
			return true;
	return false;
}

/* The row for that place, where it is still missing; NULL: nothing like it. */
static const char *
find_place(const struct conf_part *parts, size_t count, const struct conf_node *map)
{
	for (size_t p = 0; p < count; p++)
		for (const struct conf_field *row = parts[p].fields; row->type != CONF_END; row++)
			if ((row->flags & CONF_REQUIRED) != 0 && is_place(row->name) &&
				conf_get(map, row->name) == NULL)
				return row->name;
	return NULL;
}

static void
complain_unknown(const struct fill *f, const struct conf_part *parts, size_t count,
	const char *const *ignore, const struct conf_node *map, size_t n)
{
	const struct conf_node *entry = map->items[n];
	struct names names = { .count = 0 };
	size_t word = strcspn(entry->key, ":");
	if (word > 0 && entry->key[word] == ':') { /* what follows may be a password */
		complain(f->complaints, &entry->key_pos, "a space is missing after \"%.*s:\"",
			word < 64 ? (int)word : 64, entry->key);
		return;
	}
	if (is_rest_of_value(map, n) && strchr(entry->key, ')') != NULL) {
		complain_comma(f, entry);
		return;
	}
	gather_names(&names, parts, count, ignore);
	const char *near = str_nearest(entry->key, names.all, names.count);
	if (near == NULL && is_place(entry->key))
		near = find_place(parts, count, map);
	if (near != NULL) {
		complain(f->complaints, &entry->key_pos,
			"unknown key \"%.64s\", did you mean \"%s\"?", entry->key, near);
		return;
	}
	if (is_rest_of_value(map, n)) {
		complain_comma(f, entry);
		return;
	}
	struct buf list;
	buf_init(&list, 600);
	list_names(&names, &list);
	complain(f->complaints, &entry->key_pos,
		"unknown key \"%.64s\" in %s%s%.*s; its keys are %s", entry->key, f->what,
		*f->prefix != '\0' ? " " : "",
		(int)(*f->prefix != '\0' ? strlen(f->prefix) - 1 : 0), f->prefix, buf_text(&list));
	buf_fini(&list);
}

static bool
is_known(const struct conf_part *parts, size_t count, const char *const *ignore, const char *key)
{
	for (; ignore != NULL && *ignore != NULL; ignore++)
		if (strcmp(*ignore, key) == 0)
			return true;
	for (size_t p = 0; p < count; p++)
		for (const struct conf_field *row = parts[p].fields; row->type != CONF_END; row++)
			if (strcmp(row->name, key) == 0)
				return true;
	return false;
}

static void
fill_parts(const struct fill *f, const struct conf_part *parts, size_t count,
	const struct conf_node *map, const char *const *ignore)
{
	for (size_t i = 0; map != NULL && i < map->count; i++)
		if (!is_known(parts, count, ignore, map->items[i]->key))
			complain_unknown(f, parts, count, ignore, map, i);
	for (size_t p = 0; p < count; p++)
		for (const struct conf_field *row = parts[p].fields; row->type != CONF_END; row++)
			fill_field(f, row, map, parts[p].at);
}

void
conf_fill(const struct conf_part *parts, size_t count, const struct conf_node *map,
	const char *what, const char *const *ignore, struct complaints *complaints)
{
	struct fill f = { complaints, what, "" };
	if (map != NULL && map->kind != CONF_MAP) {
		if (!map->is_null && !map->is_broken)
			complain(complaints, &map->pos, "%s: must be a map, not %s", what,
				conf_kind_name(map));
		map = NULL;
	}
	fill_parts(&f, parts, count, map, ignore);
}

void
conf_clear(const struct conf_field *fields, void *at)
{
	for (const struct conf_field *row = fields; row->type != CONF_END; row++)
		field_clear(row, field_slot(row, at));
}

void
conf_hold(const struct conf_field *fields, void *at, struct conf_tree *tree)
{
	for (const struct conf_field *row = fields; row->type != CONF_END; row++) {
		void *slot = field_slot(row, at);

		if (row->type == CONF_GROUP)
			conf_hold(row->fields, slot, tree);
		else if (row->type == CONF_NODE)
			*(const struct conf_node **)slot =
				conf_tree_hold(tree, *(const struct conf_node **)slot);
	}
}

bool
conf_same(const struct conf_field *fields, const void *a, const void *b)
{
	for (const struct conf_field *row = fields; row->type != CONF_END; row++)
		if (!field_is_same(row, field_slot_const(row, a), field_slot_const(row, b)))
			return false;
	return true;
}

struct conf_pos
conf_pos_of(const struct conf_node *map, const char *key)
{
	const struct conf_node *node = conf_get(map, key);
	if (node != NULL)
		return node->pos;
	if (map == NULL)
		return (struct conf_pos){ 0 };
	return map->key != NULL ? map->key_pos : map->pos;
}

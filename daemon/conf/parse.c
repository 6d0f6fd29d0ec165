/*
 * libyaml's events to nodes.  Finished nodes wait on a stack until their container ends and takes
 * them.  An alias shares the items of what it names; the count of nodes is as if it were copied,
 * so that a bomb is refused long before anybody walks through it.
 */
#include "conf/parse.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/arena.h"

struct anchor {
	const struct conf_node *node; /* NULL: not finished, an alias to it would contain itself */
	size_t size;                  /* nodes in it */
};

struct parse {
	struct conf_tree *tree;
	const struct conf_file *file;
	struct complaints *complaints;
	yaml_parser_t parser;
	struct map *anchors;      /* name -> struct anchor * */
	struct conf_node **stack; /* finished nodes that wait for their container */
	size_t stack_count, stack_room;
	unsigned depth;
};

static struct conf_node *parse_node(struct parse *p, yaml_event_t *event);

static struct conf_pos
pos_of(const struct parse *p, const yaml_mark_t *mark)
{
	return (struct conf_pos){
		.file = p->file,
		.line = (unsigned)mark->line + 1,
		.column = (unsigned)mark->column + 1,
	};
}

static void
report_trouble(struct parse *p)
{
	const yaml_parser_t *parser = &p->parser;
	struct yaml_trouble trouble = {
		.problem = parser->problem,
		.context = parser->context,
		.line = (unsigned)parser->problem_mark.line + 1,
		.column = (unsigned)parser->problem_mark.column + 1,
	};
	if (parser->context != NULL) {
		trouble.context_line = (unsigned)parser->context_mark.line + 1;
		trouble.context_column = (unsigned)parser->context_mark.column + 1;
	}
	explain_trouble(p->file, &trouble, p->complaints);
}

static bool
next_event(struct parse *p, yaml_event_t *event)
{
	if (yaml_parser_parse(&p->parser, event))
		return true;
	if (p->parser.error == YAML_MEMORY_ERROR)
		mem_end();
	report_trouble(p);
	return false;
}

static void
push(struct parse *p, struct conf_node *node)
{
	if (p->stack_count == p->stack_room) {
		p->stack_room *= 2;
		p->stack = xreallocarray(p->stack, p->stack_room, sizeof(struct conf_node *));
	}
	p->stack[p->stack_count++] = node;
}

static bool
count_nodes(struct parse *p, size_t more, const struct conf_pos *pos)
{
	p->tree->node_count += more;
	if (p->tree->node_count <= CONF_NODES_MAX)
		return true;
	complain(p->complaints, pos, "the configuration is too large: more than %d values%s",
		CONF_NODES_MAX, more > 1 ? " once its aliases are followed" : "");
	return false;
}

static bool
is_tag_fine(struct parse *p, const yaml_char_t *tag, const yaml_mark_t *mark)
{
	if (tag == NULL || str_starts((const char *)tag, "tag:yaml.org,2002:"))
		return true;
	struct conf_pos pos = pos_of(p, mark);
	complain(p->complaints, &pos,
		"\"%.40s\" is a YAML tag, which has no meaning here: a text that begins with ! "
		"must be quoted",
		(const char *)tag);
	return false;
}

static struct anchor *
begin_anchor(struct parse *p, const yaml_char_t *name)
{
	if (name == NULL)
		return NULL;
	struct anchor *anchor = xcalloc(1, sizeof(*anchor));
	anchor->size = p->tree->node_count;
	free(map_put(p->anchors, (const char *)name, anchor));
	return anchor;
}

/* The anchor may have been defined anew inside of itself: it is looked up again by name. */
static void
end_anchor(struct parse *p, const char *name, const struct conf_node *node)
{
	struct anchor *anchor = name != NULL ? map_get(p->anchors, name) : NULL;
	if (anchor == NULL || anchor->node != NULL)
		return;
	anchor->node = node;
	anchor->size = p->tree->node_count - anchor->size;
}

static bool
is_null_text(const char *text)
{
	return *text == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0 ||
	       strcmp(text, "Null") == 0 || strcmp(text, "NULL") == 0;
}

static struct conf_node *
new_node(struct parse *p, enum conf_kind kind, const yaml_event_t *event)
{
	struct conf_pos pos = pos_of(p, &event->start_mark);
	if (!count_nodes(p, 1, &pos))
		return NULL;
	struct conf_node *node = tree_node(p->tree);
	node->kind = kind;
	node->pos = pos;
	return node;
}

static struct conf_node *
parse_scalar(struct parse *p, const yaml_event_t *event)
{
	if (!is_tag_fine(p, event->data.scalar.tag, &event->start_mark))
		return NULL;
	struct conf_node *node = new_node(p, CONF_SCALAR, event);
	if (node == NULL)
		return NULL;
	const char *text = (const char *)event->data.scalar.value;
	if (memchr(text, '\0', event->data.scalar.length) != NULL) {
		complain(p->complaints, &node->pos, "a text cannot contain \\0");
		return NULL;
	}
	begin_anchor(p, event->data.scalar.anchor);
	node->text = arena_text(p->tree->arena, text, event->data.scalar.length);
	node->is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
			 event->data.scalar.tag == NULL;
	node->is_null = node->is_plain && is_null_text(text);
	end_anchor(p, (const char *)event->data.scalar.anchor, node);
	return node;
}

static struct conf_node *
parse_alias(struct parse *p, const yaml_event_t *event)
{
	struct conf_pos pos = pos_of(p, &event->start_mark);
	const char *name = (const char *)event->data.alias.anchor;
	const struct anchor *anchor = map_get(p->anchors, name);
	if (anchor == NULL)
		complain(p->complaints, &pos,
			"unknown alias \"*%.60s\"; a text that begins with * must be quoted", name);
	else if (anchor->node == NULL)
		complain(p->complaints, &pos, "alias \"*%.60s\" contains itself", name);
	if (anchor == NULL || anchor->node == NULL || !count_nodes(p, anchor->size, &pos))
		return NULL;
	struct conf_node *node = tree_node(p->tree);
	*node = *anchor->node;
	node->key = NULL;
	return node;
}

static void
take_items(struct parse *p, struct conf_node *node, size_t base)
{
	tree_set_items(p->tree, node, p->stack + base, p->stack_count - base);
	p->stack_count = base;
}

static struct conf_node *
parse_list(struct parse *p, struct conf_node *list)
{
	size_t base = p->stack_count;
	for (;;) {
		yaml_event_t event;
		if (!next_event(p, &event))
			return NULL;
		if (event.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&event);
			take_items(p, list, base);
			return list;
		}
		struct conf_node *item = parse_node(p, &event);
		if (item == NULL)
			return NULL;
		push(p, item);
	}
}

/* `<<: *base` or `<<: [*a, *b]`: their entries come after ours; the first of a name counts. */
static bool
push_merged(struct parse *p, const struct conf_node *merge)
{
	if (merge->kind == CONF_LIST) {
		for (size_t i = 0; i < merge->count; i++)
			if (merge->items[i]->kind != CONF_MAP || !push_merged(p, merge->items[i]))
				return false;
		return true;
	}
	for (size_t i = 0; merge->kind == CONF_MAP && i < merge->count; i++)
		push(p, merge->items[i]);
	return merge->kind == CONF_MAP;
}

static bool
end_map(struct parse *p, struct conf_node *map, size_t base)
{
	size_t own = p->stack_count - base;
	own = nodes_drop_duplicates(p->stack + base, own, p->complaints);
	p->stack_count = base + own;
	const struct conf_node *merge = NULL;
	for (size_t i = base; i < p->stack_count && merge == NULL; i++) {
		if (strcmp(p->stack[i]->key, "<<") != 0 || !p->stack[i]->is_broken)
			continue;
		merge = p->stack[i];
		memmove(p->stack + i, p->stack + i + 1,
			(p->stack_count - i - 1) * sizeof(struct conf_node *));
		p->stack_count--;
	}
	if (merge != NULL) {
		if (!push_merged(p, merge)) {
			complain(p->complaints, &merge->pos, "<< takes a map or a list of maps");
			return false;
		}
		size_t count = p->stack_count - base;
		if (!count_nodes(p, count, &merge->pos))
			return false;
		p->stack_count = base + nodes_drop_duplicates(p->stack + base, count, NULL);
	}
	take_items(p, map, base);
	return true;
}

/* The key into `*key` (arena); false after a complaint. */
static bool
parse_key(struct parse *p, const yaml_event_t *event, char **key)
{
	struct conf_pos pos = pos_of(p, &event->start_mark);
	if (event->type != YAML_SCALAR_EVENT) {
		complain(p->complaints, &pos,
			"a key must be a word; a text that begins with { or [ must be quoted");
		return false;
	}
	size_t len = event->data.scalar.length;
	const char *text = (const char *)event->data.scalar.value;
	if (len == 0 || memchr(text, '\0', len) != NULL) {
		complain(p->complaints, &pos, "a key is missing before the \":\"");
		return false;
	}
	*key = arena_text(p->tree->arena, text, len);
	return true;
}

static struct conf_node *
parse_entry(struct parse *p, yaml_event_t *key_event)
{
	char *key = NULL;
	struct conf_pos key_pos = pos_of(p, &key_event->start_mark);
	bool is_plain = key_event->type == YAML_SCALAR_EVENT &&
			key_event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	bool is_fine = parse_key(p, key_event, &key);
	yaml_event_delete(key_event);
	yaml_event_t event;
	if (!is_fine || !next_event(p, &event))
		return NULL;
	struct conf_node *value = parse_node(p, &event);
	if (value == NULL)
		return NULL;
	value->key = key;
	value->key_pos = key_pos;
	if (is_plain && strcmp(key, "<<") == 0)
		value->is_broken = true; /* marks the merge until the map ends */
	return value;
}

static struct conf_node *
parse_map(struct parse *p, struct conf_node *map)
{
	size_t base = p->stack_count;
	for (;;) {
		yaml_event_t event;
		if (!next_event(p, &event))
			return NULL;
		if (event.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&event);
			return end_map(p, map, base) ? map : NULL;
		}
		struct conf_node *entry = parse_entry(p, &event);
		if (entry == NULL)
			return NULL;
		push(p, entry);
	}
}

static struct conf_node *
parse_container(struct parse *p, yaml_event_t *event)
{
	bool is_map = event->type == YAML_MAPPING_START_EVENT;
	const yaml_char_t *tag =
		is_map ? event->data.mapping_start.tag : event->data.sequence_start.tag;
	const yaml_char_t *name =
		is_map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
	if (!is_tag_fine(p, tag, &event->start_mark))
		return NULL;
	struct conf_node *node = new_node(p, is_map ? CONF_MAP : CONF_LIST, event);
	if (node == NULL)
		return NULL;
	node->is_flow = is_map ? event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
			       : event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
	if (p->depth >= CONF_DEPTH_MAX) {
		complain(p->complaints, &node->pos, "is nested too deeply: more than %d levels",
			CONF_DEPTH_MAX);
		return NULL;
	}
	begin_anchor(p, name);
	p->depth++;
	struct conf_node *done = is_map ? parse_map(p, node) : parse_list(p, node);
	p->depth--;
	if (done != NULL)
		end_anchor(p, (const char *)name, done);
	return done;
}

/* Consumes the event (and deletes it); NULL after a complaint. */
static struct conf_node *
parse_node(struct parse *p, yaml_event_t *event)
{
	struct conf_node *node = NULL;
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		node = parse_scalar(p, event);
		break;
	case YAML_ALIAS_EVENT:
		node = parse_alias(p, event);
		break;
	case YAML_MAPPING_START_EVENT:
	case YAML_SEQUENCE_START_EVENT:
		node = parse_container(p, event);
		break;
	default: /* libyaml's grammar has no other event here */
		break;
	}
	yaml_event_delete(event);
	return node;
}

/* After the first document nothing may come but the end. */
static bool
expect_end(struct parse *p)
{
	for (;;) {
		yaml_event_t event;
		if (!next_event(p, &event))
			return false;
		yaml_event_type_t type = event.type;
		struct conf_pos pos = pos_of(p, &event.start_mark);
		yaml_event_delete(&event);
		if (type == YAML_STREAM_END_EVENT)
			return true;
		if (type == YAML_DOCUMENT_START_EVENT) {
			complain(
				p->complaints, &pos, "a second document begins here: one per file");
			return false;
		}
	}
}

static struct conf_node *
parse_document(struct parse *p, bool *is_empty)
{
	for (;;) {
		yaml_event_t event;
		if (!next_event(p, &event))
			return NULL;
		switch (event.type) {
		case YAML_STREAM_END_EVENT:
			yaml_event_delete(&event);
			*is_empty = true;
			return NULL;
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_START_EVENT:
			yaml_event_delete(&event);
			break;
		default: {
			struct conf_node *root = parse_node(p, &event);
			return root != NULL && expect_end(p) ? root : NULL;
		}
		}
	}
}

struct conf_node *
parse_file(struct conf_tree *tree, const struct conf_file *file, bool *is_empty,
	struct complaints *complaints)
{
	*is_empty = false;
	if (!text_is_sane(file, complaints))
		return NULL;
	struct parse p = { .tree = tree, .file = file, .complaints = complaints };
	if (!yaml_parser_initialize(&p.parser))
		mem_end();
	yaml_parser_set_encoding(&p.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&p.parser, (const unsigned char *)file->text, file->len);
	p.anchors = map_new();
	p.stack_room = 64;
	p.stack = xcalloc(p.stack_room, sizeof(struct conf_node *));
	struct conf_node *root = parse_document(&p, is_empty);
	if (root != NULL && root->is_null) {
		*is_empty = true;
		root = NULL;
	} else if (root != NULL && root->kind != CONF_MAP) {
		complain(complaints, &root->pos, "a configuration is a map of keys, not %s",
			conf_kind_name(root));
		root = NULL;
	}
	yaml_parser_delete(&p.parser);
	map_free(p.anchors, free);
	free(p.stack);
	return root;
}

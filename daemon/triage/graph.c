/*
 * The graph of checks.  Edges are names until they are followed, so that children may come and go:
 * a check needs what `needs` says, a parent needs its children (it is down when one of them is),
 * and what looks at other hosts needs this host's network and resolver while those are lost.
 */
#include "triage/graph.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "triage/inside.h"

static void
init_node(struct node *node, const char *name)
{
	node->name = name;
	list_init(&node->firings);
}

static void
fini_node(struct node *node)
{
	asked_drop(node);
	free(node->asked);
	free(node->children);
	free(node->text);
}

static void
free_node(void *p)
{
	fini_node(p);
	free(p);
}

void
graph_init(struct graph *graph)
{
	memset(graph, 0, sizeof(*graph));
	graph->nodes = map_new_borrowing();
	graph->needed = map_new();
	init_node(&graph->network, "host.network");
	init_node(&graph->resolver, "host.resolver");
	graph->network_check = (struct check_spec){ .name = (char *)(uintptr_t)graph->network.name,
		.type = "host" };
	graph->resolver_check =
		(struct check_spec){ .name = (char *)(uintptr_t)graph->resolver.name,
			.type = "host" };
}

void
graph_fini(struct graph *graph)
{
	map_free(graph->nodes, free_node);
	map_free(graph->needed, NULL);
	free(graph->edges);
	fini_node(&graph->network);
	fini_node(&graph->resolver);
}

struct node *
graph_find(const struct graph *graph, const char *name)
{
	struct node *node = name ? map_get(graph->nodes, name) : NULL;
	if (node || !name)
		return node;
	if (str_eq(name, graph->network.name))
		return (struct node *)(uintptr_t)(const void *)&graph->network;
	if (str_eq(name, graph->resolver.name))
		return (struct node *)(uintptr_t)(const void *)&graph->resolver;
	return NULL;
}

const struct subject *
graph_subject(const struct triage *t, const struct node *node)
{
	const struct triage_asks *asks = &t->options.asks;
	return asks->subject && node && node->spec ? asks->subject(t->options.arg, node->name)
						   : NULL;
}

const struct check_spec *
graph_check(const struct graph *graph, const struct node *node)
{
	return node == &graph->network    ? &graph->network_check
	       : node == &graph->resolver ? &graph->resolver_check
					  : node->spec;
}

static struct node *
need_node(struct graph *graph, const struct check_spec *spec)
{
	struct node *node = map_get(graph->nodes, spec->name);
	if (!node) {
		size_t size = strlen(spec->name) + 1;
		node = xcalloc(1, sizeof(*node) + size);
		init_node(node, memcpy(node + 1, spec->name, size));
		map_put(graph->nodes, node->name, node);
		graph->edition++;
	}
	node->spec = spec;
	node->is_claimed = true;
	return node;
}

/* The parent's part of "disks[/var]"; NULL: it is none of its children. */
static struct node *
parent_of(const struct graph *graph, const struct check_spec *child)
{
	const char *bracket = strchr(child->name, '[');
	char *name = bracket ? xstrndup(child->name, (size_t)(bracket - child->name)) : NULL;
	struct node *parent = name ? map_get(graph->nodes, name) : NULL;
	free(name);
	return parent;
}

void
graph_add_child(struct graph *graph, const struct check_spec *child)
{
	struct node *node = need_node(graph, child);
	struct node *parent = parent_of(graph, child);
	node->is_child = true;
	if (!parent || node->parent)
		return;
	node->parent = parent;
	parent->children =
		xreallocarray(parent->children, parent->child_count + 1, sizeof(struct node *));
	parent->children[parent->child_count++] = node;
}

static void
leave_parent(struct node *node)
{
	struct node *parent = node->parent;
	for (size_t n = 0; parent && n < parent->child_count; n++)
		if (parent->children[n] == node)
			parent->children[n--] = parent->children[--parent->child_count];
	node->parent = NULL;
}

void
graph_remove(struct graph *graph, struct node *node)
{
	leave_parent(node);
	for (size_t n = 0; n < node->child_count; n++)
		node->children[n]->parent = NULL;
	if (node->fail_us)
		graph->failing--;
	graph->edition++;
	map_remove(graph->nodes, node->name);
	free_node(node);
}

/* Children live on with their parent: the scheduler says when they go. */
static struct node **
list_gone(const struct graph *graph, size_t *count)
{
	struct node **gone = xcalloc(map_count(graph->nodes) + 1, sizeof(struct node *));
	size_t at = 0;
	const char *name;
	void *value;
	*count = 0;
	while (map_next(graph->nodes, &at, &name, &value)) {
		struct node *node = value;
		if (!node->is_claimed && !node->is_child)
			gone[(*count)++] = node;
	}
	return gone;
}

static size_t
first_edge(const struct graph *graph, const char *name)
{
	return (size_t)(uintptr_t)map_get(graph->needed, name);
}

static void
note_needs(struct graph *graph, const struct check_spec *spec)
{
	const struct conf_strings *needs = &spec->common.needs;
	for (size_t n = 0; n < needs->count; n++) {
		const char *name = needs->all[n];
		graph->edges[graph->edge_count++] =
			(struct edge){ .by = spec->name, .next = first_edge(graph, name) };
		map_put(graph->needed, name, (void *)(uintptr_t)graph->edge_count);
	}
}

static void
forget_needs(struct graph *graph, const struct check_spec *const *specs, size_t count)
{
	size_t room = 0;
	map_free(graph->needed, NULL);
	graph->needed = map_new();
	for (size_t n = 0; n < count; n++)
		room += specs[n]->common.needs.count;
	free(graph->edges);
	graph->edges = room > 0 ? xcalloc(room, sizeof(struct edge)) : NULL;
	graph->edge_count = 0;
}

bool
graph_is_needed(const struct graph *graph, const struct node *node)
{
	return !node->spec || node->parent || node->is_tie ||
	       map_get(graph->needed, node->name) != NULL;
}

void
graph_apply(struct graph *graph, const struct check_spec *const *specs, size_t count,
	void (*on_gone)(void *arg, struct node *node), void *arg)
{
	size_t at = 0, gone_count;
	const char *name;
	void *value;
	while (map_next(graph->nodes, &at, &name, &value))
		((struct node *)value)->is_claimed = false;
	forget_needs(graph, specs, count);
	for (size_t n = 0; n < count; n++) {
		if (!specs[n]->common.enabled)
			continue;
		need_node(graph, specs[n]);
		note_needs(graph, specs[n]);
	}
	struct node **gone = list_gone(graph, &gone_count);
	for (size_t n = 0; n < gone_count; n++) {
		on_gone(arg, gone[n]);
		graph_remove(graph, gone[n]);
	}
	free(gone);
}

struct node *
graph_next_need(struct graph *graph, const struct node *node, size_t *at)
{
	const struct conf_strings *needs = node->spec ? &node->spec->common.needs : NULL;
	size_t named = needs ? needs->count : 0;
	while (*at < named) {
		struct node *need = map_get(graph->nodes, needs->all[(*at)++]);
		if (need && need != node)
			return need;
	}
	size_t child = *at - named;
	if (child < node->child_count) {
		(*at)++;
		return node->children[child];
	}
	if (child > node->child_count)
		return NULL;
	(*at)++;
	return node->lost;
}

static void
list_needer(struct needers *list, struct node *node)
{
	if (!node || node->is_needer)
		return;
	if (list->count == list->room) {
		list->room = list->room ? 2 * list->room : 8;
		list->all = xreallocarray(list->all, list->room, sizeof(struct node *));
	}
	node->is_needer = true;
	list->all[list->count++] = node;
}

/* Children need what their parent does. */
void
graph_list_needers(const struct graph *graph, struct node *node, struct needers *list)
{
	*list = (struct needers){ 0 };
	list_needer(list, node);
	for (size_t n = 0; n < list->count; n++) {
		size_t at = first_edge(graph, list->all[n]->name);
		list_needer(list, list->all[n]->parent);
		for (; at > 0; at = graph->edges[at - 1].next) {
			struct node *by = map_get(graph->nodes, graph->edges[at - 1].by);
			list_needer(list, by);
			for (size_t child = 0; by && child < by->child_count; child++)
				list_needer(list, by->children[child]);
		}
	}
}

void
graph_forget_needers(struct needers *list)
{
	for (size_t n = 0; n < list->count; n++)
		list->all[n]->is_needer = false;
	free(list->all);
	*list = (struct needers){ 0 };
}

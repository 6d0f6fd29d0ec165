/* `receivers:` and `routes:`; and what holds when there are none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "model/cause.h"
#include "setup/load.h"

#define WHAT_SIZE     100
#define IMPLICIT_NAME "syslog"

static const char *const receiver_ignore[] = { "type", NULL };

/* --- receivers --- */

static void
refuse_type(const struct load *l, const struct conf_node *entry, const struct conf_node *type)
{
	const char *names[64];
	size_t count = 0;
	struct buf types;
	buf_init(&types, 600);
	for (; count < sizeof(names) / sizeof(*names) && receiver_table[count] != NULL; count++) {
		names[count] = receiver_table[count]->name;
		buf_addf(&types, "%s%s", count > 0 ? ", " : "", names[count]);
	}
	const char *near =
		type != NULL && type->text != NULL ? str_nearest(type->text, names, count) : NULL;
	if (type == NULL)
		complain(l->complaints, &entry->key_pos,
			"receiver \"%s\": type is missing: the types are %s", entry->key,
			buf_text(&types));
	else if (type->kind != CONF_SCALAR || type->is_null)
		complain(l->complaints, &type->pos,
			"type: must be a word, not %s: the types are %s", conf_kind_name(type),
			buf_text(&types));
	else if (near != NULL)
		complain(l->complaints, &type->pos, "unknown type \"%.60s\", did you mean \"%s\"?",
			type->text, near);
	else if (!type->is_broken)
		complain(l->complaints, &type->pos, "unknown type \"%.60s\": the types are %s",
			type->text, buf_text(&types));
	buf_fini(&types);
}

static struct receiver_spec *
new_receiver(const char *name, const struct receiver_type *type)
{
	struct receiver_spec *spec = xcalloc(1, sizeof(*spec));
	spec->name = xstrdup(name);
	spec->type = type;
	spec->conf = xcalloc(1, type->conf_size);
	return spec;
}

static void
fill_receiver(const struct load *l, struct receiver_spec *spec, const struct conf_node *map)
{
	const struct receiver_type *type = spec->type;
	char what[WHAT_SIZE];
	snprintf(what, sizeof(what), "receiver \"%s\"", spec->name);
	const struct conf_part parts[] = {
		{ type->fields, spec->conf },
		{ receiver_fields, &spec->common },
	};
	unsigned before = complaints_errors(l->complaints);
	conf_fill(parts, 2, map, what, receiver_ignore, l->complaints);
	bool is_broken =
		complaints_errors(l->complaints) != before || (map != NULL && conf_has_broken(map));
	if (!is_broken && type->check != NULL)
		type->check(spec->conf, map, l->context->tls, l->complaints);
	receiver_common_check(&spec->common, map, l->complaints);
}

static struct receiver_spec *
load_receiver(const struct load *l, const struct conf_node *entry)
{
	bool is_named = name_is_fine(l, entry, "receiver");
	if (entry->kind != CONF_MAP) {
		complain(l->complaints, &entry->pos, "receiver \"%.64s\": must be a map, not %s",
			entry->key, conf_kind_name(entry));
		return NULL;
	}
	const struct conf_node *type = conf_get(entry, "type");
	const struct receiver_type *found = NULL;
	if (type != NULL && type->kind == CONF_SCALAR && !type->is_null && !type->is_broken)
		found = receiver_find(type->text);
	if (found == NULL)
		refuse_type(l, entry, type);
	if (found == NULL || !is_named)
		return NULL;
	struct receiver_spec *spec = new_receiver(entry->key, found);
	spec->pos = entry->key_pos;
	fill_receiver(l, spec, entry);
	return spec;
}

void
receivers_load(struct load *l)
{
	struct settings *s = l->settings;
	const struct conf_node *receivers = top_map(l, "receivers");
	size_t room = receivers != NULL ? receivers->count : 0;
	s->receivers = xcalloc(room + 1, sizeof(struct receiver_spec *));
	s->disabled_receivers = xcalloc(room + 1, sizeof(struct receiver_spec *));
	for (size_t i = 0; i < room; i++) {
		struct receiver_spec *spec = load_receiver(l, receivers->items[i]);
		if (spec != NULL && spec->common.enabled)
			s->receivers[s->receiver_count++] = spec;
		else if (spec != NULL)
			s->disabled_receivers[s->disabled_receiver_count++] = spec;
	}
	l->has_unknown_receivers =
		receivers == NULL && !conf_is_absent(conf_get(l->root, "receivers"));
	const struct receiver_type *implicit = receiver_find(IMPLICIT_NAME);
	if (room > 0 || implicit == NULL)
		return;
	s->receivers[0] = new_receiver(IMPLICIT_NAME, implicit);
	s->receiver_count = 1;
	s->is_syslog_implicit = true;
	fill_receiver(l, s->receivers[0], NULL);
}

void
receivers_free(struct receiver_spec **specs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct receiver_type *type = specs[i]->type;
		if (type->release != NULL)
			type->release(specs[i]->conf);
		conf_clear(type->fields, specs[i]->conf);
		receiver_common_release(&specs[i]->common);
		free(specs[i]->conf);
		free(specs[i]->name);
		free(specs[i]);
	}
	free(specs);
}

/* --- routes --- */

/* Words of the contract that come later are taken out, so that they are said once. */
static struct conf_node
without_later(const struct load *l, const struct conf_node *entry)
{
	struct conf_node map = *entry;
	map.count = 0;
	map.items = xcalloc(entry->count + 1, sizeof(struct conf_node *));
	for (size_t i = 0; i < entry->count; i++)
		if (!word_is_later(l, entry->items[i]->key, &entry->items[i]->key_pos))
			map.items[map.count++] = entry->items[i];
	return map;
}

/* "port-conflict.foreign-owner": what a playbook may find. */
static bool
is_finding(const struct load *l, const char *code)
{
	size_t len = strcspn(code, ".");
	char *name = xstrndup(code, len);
	bool is_known = code[len] == '.' && playbooks_named(l->settings->playbooks, name) != NULL;
	free(name);
	return is_known;
}

/* Those of rules are named after them, and a glob may take what comes later. */
static void
check_cause(const struct load *l, const char *code, const struct conf_pos *pos)
{
	if (strpbrk(code, "*?[") != NULL || str_starts(code, "rule.") || cause_find(code) != NULL ||
		is_finding(l, code))
		return;
	const char **codes = xcalloc(cause_count(), sizeof(char *));
	for (size_t i = 0; i < cause_count(); i++)
		codes[i] = cause_at(i)->code;
	const char *near = str_nearest(code, codes, cause_count());
	if (near != NULL)
		complain_warn(l->complaints, pos,
			"no cause is called \"%.64s\", did you mean \"%s\"?", code, near);
	else
		complain_warn(l->complaints, pos, "no cause is called \"%.64s\"", code);
	free(codes);
}

static void
check_causes(const struct load *l, const struct conf_node *entry, const struct route_spec *route)
{
	const struct conf_node *match = conf_get(entry, "match"), *cause = conf_get(match, "cause");
	const struct conf_strings *codes = &route->match.cause;
	for (size_t i = 0; i < codes->count; i++) {
		bool is_item = cause->kind == CONF_LIST && cause->count == codes->count;
		check_cause(l, codes->all[i], is_item ? &cause->items[i]->pos : &cause->pos);
	}
}

struct names {
	struct receiver_spec *all; /* borrows; of one that is broken only its name is known */
	size_t count;
};

static void
load_route(const struct load *l, const struct conf_node *entry, struct route_spec *route,
	const struct names *receivers)
{
	if (entry->kind != CONF_MAP) {
		complain(l->complaints, &entry->pos, "a route must be a map, not %s",
			conf_kind_name(entry));
		return;
	}
	struct conf_node map = without_later(l, entry);
	struct conf_part part = { route_fields, route };
	conf_fill(&part, 1, &map, "route", NULL, l->complaints);
	free(map.items);
	if (!l->has_unknown_receivers)
		route_check(route, entry, receivers->all, receivers->count, l->complaints);
	check_causes(l, entry, route);
}

static bool
is_loaded(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->receiver_count; i++)
		if (strcmp(s->receivers[i]->name, name) == 0)
			return true;
	return false;
}

/* Every receiver that is written: a route to one that is broken is not wrong itself. */
static struct names
written_receivers(const struct load *l)
{
	const struct settings *s = l->settings;
	const struct conf_node *node = conf_get(l->root, "receivers");
	size_t room = node != NULL && node->kind == CONF_MAP ? node->count : 0;
	struct names names = { .all = xcalloc(s->receiver_count + room + 1, sizeof(*names.all)) };
	for (size_t i = 0; i < s->receiver_count; i++)
		names.all[names.count++] = *s->receivers[i];
	for (size_t i = 0; i < room; i++)
		if (!is_loaded(s, node->items[i]->key))
			names.all[names.count++].name = node->items[i]->key;
	return names;
}

static struct route_spec *
add_route(struct settings *s)
{
	struct route_spec *route = xcalloc(1, sizeof(*route));
	s->routes[s->route_count++] = route;
	return route;
}

/* Every receiver hears everything. */
static void
add_implicit_route(const struct load *l)
{
	struct settings *s = l->settings;
	struct route_spec *route = add_route(s);
	struct conf_part part = { route_fields, route };
	conf_fill(&part, 1, NULL, "route", NULL, l->complaints);
	route->to.all = xcalloc(s->receiver_count + 1, sizeof(char *));
	for (size_t i = 0; i < s->receiver_count; i++)
		route->to.all[route->to.count++] = xstrdup(s->receivers[i]->name);
}

void
routes_load(struct load *l)
{
	struct settings *s = l->settings;
	const struct conf_node *routes = conf_get(l->root, "routes");
	if (!conf_is_absent(routes) && !routes->is_broken && routes->kind != CONF_LIST) {
		complain(l->complaints, &routes->pos, "routes: must be a list, not %s",
			conf_kind_name(routes));
		routes = NULL;
	}
	size_t count = routes != NULL && routes->kind == CONF_LIST ? routes->count : 0;
	s->routes = xcalloc(count + 1, sizeof(struct route_spec *));
	if (count == 0) {
		add_implicit_route(l);
		return;
	}
	struct names receivers = written_receivers(l);
	for (size_t i = 0; i < count; i++)
		load_route(l, routes->items[i], add_route(s), &receivers);
	free(receivers.all);
	routes_doubt(l, routes);
}

void
routes_free(struct route_spec **specs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		route_release(specs[i]);
		free(specs[i]);
	}
	free(specs);
}

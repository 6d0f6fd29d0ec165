/* What is allowed in `routes:` and hardly ever meant: warnings about the list as a whole. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "probes/probe.h"
#include "setup/load.h"

#define SELF_NAME "triaged"

/* --- names of checks, rules and types --- */

static struct conf_pos
item_pos(const struct conf_node *list, size_t at)
{
	return list->kind == CONF_LIST && at < list->count ? list->items[at]->pos : list->pos;
}

/* Children have names that only a run tells: "disks[/var]" fits "disks*var*", "*[/var]" whatever
 * has children.  So only the part before the pattern's first sign is held against a parent's name.
 */
static bool
may_fit_child(const char *pattern, const struct check_spec *spec)
{
	const struct probe_type *type = spec->probe_type;
	size_t plain = strcspn(pattern, "*?["), len = strlen(spec->name);

	return type->is_parent != NULL && type->is_parent(spec->conf) &&
	       strncmp(pattern, spec->name, plain < len ? plain : len) == 0;
}

/* Names with a full stop and the daemon's own are checks that nobody writes. */
bool
check_is_known(const struct load *l, const char *name)
{
	const char *key;
	void *value;
	size_t at = 0;

	if (strchr(name, '.') != NULL || str_matches_glob(SELF_NAME, name))
		return true;
	while (map_next(l->check_names, &at, &key, &value))
		if (str_matches_glob(key, name) || str_eq(key, name) || may_fit_child(name, value))
			return true;
	return false;
}

/* Ours alone have a full stop: "self.store-degraded". */
static bool
is_rule(const struct load *l, const char *name)
{
	const struct conf_node *rules = conf_get(l->root, "rules");

	if (strpbrk(name, "*?[.") != NULL ||
		(rules != NULL && rules->kind == CONF_MAP && conf_get(rules, name) != NULL))
		return true;
	for (size_t i = 0; i < rule_builtin_count(); i++)
		if (str_eq(rule_builtin_name(i), name))
			return true;
	return false;
}

static const char *
nearest_rule(const struct load *l, const char *name)
{
	const struct conf_node *rules = conf_get(l->root, "rules");
	size_t own = rules != NULL && rules->kind == CONF_MAP ? rules->count : 0, count = 0;
	const char **names = xcalloc(own + rule_builtin_count() + 1, sizeof(char *));

	for (size_t i = 0; i < own; i++)
		names[count++] = rules->items[i]->key;
	for (size_t i = 0; i < rule_builtin_count(); i++)
		names[count++] = rule_builtin_name(i);
	const char *near = str_nearest(name, names, count);
	free(names);
	return near;
}

static bool
is_type(const char *name)
{
	return strpbrk(name, "*?[") != NULL || probe_find(name) != NULL || str_eq(name, "host");
}

static const char *
nearest_check(const struct load *l, const char *name)
{
	const struct conf_node *checks = conf_get(l->root, "checks");
	size_t count = checks != NULL && checks->kind == CONF_MAP ? checks->count : 0;
	const char **names = xcalloc(count + 1, sizeof(char *));
	for (size_t i = 0; i < count; i++)
		names[i] = checks->items[i]->key;
	const char *near = str_nearest(name, names, count);
	free(names);
	return near;
}

static const char *
nearest_type(const char *name)
{
	const char *names[64];
	size_t count = 0;
	for (; count < sizeof(names) / sizeof(*names) && probe_table[count] != NULL; count++)
		names[count] = probe_table[count]->name;
	return str_nearest(name, names, count);
}

static void
doubt_name(const struct load *l, const struct conf_pos *pos, const char *what, const char *name,
	const char *near)
{
	complain_warn(l->complaints, pos, "match: there is no %s \"%.64s\" here%s%s%s", what, name,
		near == NULL ? "" : ", did you mean \"", near == NULL ? "" : near,
		near == NULL ? "" : "\"?");
}

static void
doubt_match(const struct load *l, const struct conf_node *entry, const struct route_spec *route)
{
	const struct conf_node *match = conf_get(entry, "match");
	const struct conf_node *check = conf_get(match, "check"), *type = conf_get(match, "type");
	const struct conf_node *rule = conf_get(match, "rule");
	const struct conf_strings *names = &route->match.check, *types = &route->match.type;
	const struct conf_strings *rules = &route->match.rule;
	for (size_t i = 0; !l->has_unknown_checks && i < names->count; i++) {
		struct conf_pos pos = item_pos(check, i);
		if (!check_is_known(l, names->all[i]))
			doubt_name(
				l, &pos, "check", names->all[i], nearest_check(l, names->all[i]));
	}
	for (size_t i = 0; i < rules->count; i++) {
		struct conf_pos pos = item_pos(rule, i);
		if (!is_rule(l, rules->all[i]))
			doubt_name(l, &pos, "rule", rules->all[i], nearest_rule(l, rules->all[i]));
	}
	for (size_t i = 0; i < types->count; i++) {
		struct conf_pos pos = item_pos(type, i);
		if (!is_type(types->all[i]))
			doubt_name(l, &pos, "type", types->all[i], nearest_type(types->all[i]));
	}
}

/* --- routes and receivers that nothing reaches --- */

static bool
takes_everything(const struct conf_node *entry)
{
	const struct conf_node *match = conf_get(entry, "match");
	return conf_is_absent(match) || (match->kind == CONF_MAP && match->count == 0);
}

static void
doubt_order(const struct load *l, const struct conf_node *routes)
{
	for (size_t i = 0; i + 1 < routes->count; i++) {
		if (!takes_everything(routes->items[i]) || l->settings->routes[i]->does_continue)
			continue;
		complain_warn(l->complaints, &routes->items[i + 1]->pos,
			"nothing gets as far as this route: the one in line %u takes everything; "
			"move that to the end, or give it `continue: true`",
			routes->items[i]->pos.line);
		return;
	}
}

static bool
is_named(const struct settings *s, const char *receiver)
{
	for (size_t i = 0; i < s->route_count; i++) {
		const struct route_spec *route = s->routes[i];
		for (size_t k = 0; k < route->to.count; k++)
			if (str_eq(route->to.all[k], receiver))
				return true;
		for (size_t n = 0; n < route->step_count; n++)
			for (size_t k = 0; k < route->steps[n].to.count; k++)
				if (str_eq(route->steps[n].to.all[k], receiver))
					return true;
	}
	return false;
}

static void
doubt_receivers(const struct load *l)
{
	const struct settings *s = l->settings;
	for (size_t i = 0; i < s->receiver_count; i++)
		if (s->receivers[i]->pos.file != NULL && !is_named(s, s->receivers[i]->name))
			complain_warn(l->complaints, &s->receivers[i]->pos,
				"receiver \"%s\" is in no route, so it is told of nothing: name it "
				"in the `to` of a route, or write `enabled: false`",
				s->receivers[i]->name);
}

void
routes_doubt(const struct load *l, const struct conf_node *routes)
{
	bool is_complete = false;
	for (size_t i = 0; i < routes->count; i++)
		is_complete = is_complete || takes_everything(routes->items[i]);
	if (!is_complete)
		complain_warn(l->complaints, &routes->key_pos,
			"no route takes everything: what matches none of them goes to syslog");
	if (complaints_errors(l->complaints) > 0)
		return;
	for (size_t i = 0; i < routes->count; i++)
		doubt_match(l, routes->items[i], l->settings->routes[i]);
	doubt_order(l, routes);
	doubt_receivers(l);
}

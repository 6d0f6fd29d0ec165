/*
 * Which rules a check has.  That is asked for each check whenever a set is put in force: what
 * depends on the type alone is found once for the type, and rules about one check by its name, so
 * that it costs what comes of it and not the number of checks times that of rules.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rules/engine.h"

static void
free_menu(void *value)
{
	struct menu *menu = value;

	free(menu->offers);
	free(menu->gates);
	free(menu);
}

static void
add_offer(struct rules *rules, struct menu *menu, const struct rule *rule,
	const struct rule_variant *variant)
{
	menu->offers = xreallocarray(menu->offers, menu->count + 1, sizeof(*menu->offers));
	menu->offers[menu->count++] =
		(struct offer){ rule, variant, engine_intern(rules, rule->name) };
}

static struct menu *
find_or_add(struct map *map, const char *key)
{
	struct menu *menu = map_get(map, key);

	if (menu)
		return menu;
	menu = xcalloc(1, sizeof(*menu));
	map_put(map, key, menu);
	return menu;
}

/* Those of an offer's levels that are not the same. */
static void
add_gates(struct menu *menu, size_t place)
{
	struct expr *const *when = menu->offers[place].variant->when;
	const struct expr *last = NULL;
	struct expr_gates more;

	for (enum severity level = SEVERITY_INFO; level <= SEVERITY_CRITICAL; level++) {
		if (!when[level] || when[level] == last)
			continue;
		last = when[level];
		expr_gates(last, &more);
		menu->gates = xreallocarray(
			menu->gates, menu->gate_count + more.count, sizeof(*menu->gates));
		for (unsigned i = 0; i < more.count; i++) {
			menu->gates[menu->gate_count] = more.all[i];
			menu->gates[menu->gate_count++].place = (uint16_t)place;
		}
	}
}

/* What checks of this type may have. */
static const struct menu *
menu_of_type(struct rules *rules, const char *type)
{
	struct menu *menu = map_get(rules->by_type, type);

	if (menu)
		return menu;
	menu = find_or_add(rules->by_type, type);
	for (size_t i = 0; i < rules->set->count; i++) {
		const struct rule *rule = &rules->set->rules[i];
		const struct rule_variant *variant = rule_variant_of(rule, type);
		if (variant)
			add_offer(rules, menu, rule, variant);
	}
	for (size_t i = 0; i < menu->count; i++)
		add_gates(menu, i);
	return menu;
}

void
engine_drop_menus(struct rules *rules)
{
	map_free(rules->by_type, free_menu);
	map_free(rules->by_owner, free_menu);
	free(rules->picked);
}

void
engine_write_menus(struct rules *rules)
{
	engine_drop_menus(rules);
	rules->by_type = map_new();
	rules->by_owner = map_new();
	rules->picked = xcalloc(rules->set->count + 1, sizeof(*rules->picked));
	for (size_t i = 0; i < rules->set->count; i++) {
		const struct rule *rule = &rules->set->rules[i];
		if (!rule->is_each)
			add_offer(rules, find_or_add(rules->by_owner, rule->owner), rule,
				&rule->variants[0]);
	}
}

size_t
engine_pick(struct rules *rules, struct watched *check)
{
	static const struct menu nothing;
	const struct menu *common = menu_of_type(rules, check->type), *own;
	size_t count = 0, o = 0;

	own = map_count(rules->by_owner) > 0 ? map_get(rules->by_owner, check->name) : NULL;
	own = own ? own : &nothing;
	for (size_t i = 0; i < common->count; i++) {
		const struct offer *offer = &common->offers[i];
		while (o < own->count && own->offers[o].rule < offer->rule)
			rules->picked[count++] = own->offers[o++];
		if (rule_is_for_name(offer->rule, check->name))
			rules->picked[count++] = *offer;
	}
	while (o < own->count)
		rules->picked[count++] = own->offers[o++];
	check->menu =
		own->count == 0 && count == common->count && count <= UINT16_MAX ? common : NULL;
	return count;
}

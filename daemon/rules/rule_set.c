/* The rules of one configuration: the user's, and the built-in ones that they leave in force. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/value.h"
#include "rules/rule.h"

#define BUILTINS_MAX 200

struct choice {
	bool is_off;
	const struct conf_node *list; /* NULL: all of them */
};

static struct rule *
add_rule(struct rule_set *set)
{
	set->rules = xreallocarray(set->rules, set->count + 1, sizeof(*set->rules));
	return &set->rules[set->count];
}

/* What is special about a built-in rule stays so when a user replaces its text. */
static void
note_builtin(struct rule *rule, const struct rule_builtin *builtin)
{
	if (!builtin)
		return;
	rule->is_down = builtin->is_down;
	rule->cause = builtin->cause ? cause_get(builtin->cause) : NULL;
}

static bool
is_good_name(const char *name, const struct conf_node *node, struct complaints *complaints)
{
	if (!value_is_name(name))
		complain(complaints, &node->key_pos,
			"rule \"%s\": a name is a letter and up to 63 letters, digits, _ or -",
			name);
	else if (expr_is_reserved(name))
		complain(complaints, &node->key_pos,
			"rule \"%s\": this name is a word of the rule language", name);
	else
		return true;
	return false;
}

static void
add_users(struct rule_set *set, const struct conf_node *rules, const struct rule_compiler *c)
{
	if (!rules || rules->is_null)
		return;
	if (rules->kind != CONF_MAP) {
		complain(c->complaints, &rules->pos, "rules: must be a map of rules, not %s",
			conf_kind_name(rules));
		return;
	}
	for (size_t i = 0; i < rules->count; i++) {
		const struct conf_node *node = rules->items[i];
		if (!is_good_name(node->key, node, c->complaints))
			continue;
		struct rule *rule = add_rule(set);
		if (!rule_compile(rule, node->key, node, c))
			continue;
		note_builtin(rule, rule_builtin_find(node->key));
		set->count++;
	}
}

/* --- built-in --- */

static void
check_builtin_name(const struct conf_node *node, struct complaints *complaints)
{
	const char *names[BUILTINS_MAX];
	size_t count = rule_builtin_count();

	if (node->kind == CONF_SCALAR && node->text && rule_builtin_find(node->text))
		return;
	for (size_t i = 0; i < count; i++)
		names[i] = rule_builtin_name(i);
	const char *near = node->kind == CONF_SCALAR && node->text
				   ? str_nearest(node->text, names, count)
				   : NULL;
	complain(complaints, &node->pos, "builtin_rules: no built-in rule is called \"%s\"%s%s%s",
		node->kind == CONF_SCALAR && node->text ? node->text : conf_kind_name(node),
		near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static struct choice
read_choice(const struct conf_node *node, struct complaints *complaints)
{
	bool is_on = true;

	if (!node || node->is_null)
		return (struct choice){ 0 };
	if (node->kind == CONF_SCALAR && value_bool(node->text, &is_on, NULL) == 0)
		return (struct choice){ .is_off = !is_on };
	if (node->kind == CONF_LIST) {
		for (size_t i = 0; i < node->count; i++)
			check_builtin_name(node->items[i], complaints);
		return (struct choice){ .list = node };
	}
	complain(complaints, &node->pos, "builtin_rules: must be off or a list of names");
	return (struct choice){ 0 };
}

static bool
is_chosen(const struct choice *choice, const struct rule_builtin *builtin)
{
	if (builtin->is_always)
		return true;
	if (choice->is_off)
		return false;
	if (!choice->list)
		return true;
	for (size_t i = 0; i < choice->list->count; i++) {
		const struct conf_node *item = choice->list->items[i];
		if (item->kind == CONF_SCALAR && str_eq(item->text, builtin->name))
			return true;
	}
	return false;
}

/* `each: http` where nobody knows the type http (a test's table) is not about any check. */
static bool
is_possible(const struct conf_node *root, const struct rule_checks *checks)
{
	const struct conf_node *each = conf_get(root, "each");

	return strpbrk(each->text, "*?[") || checks->metrics_of_type(each->text);
}

static void
add_builtin(struct rule_set *set, const struct rule_builtin *builtin, const struct rule_compiler *c)
{
	struct complaints *own = complaints_new();
	struct conf_tree *tree =
		conf_tree_parse(builtin->name, builtin->yaml, strlen(builtin->yaml), own);
	struct rule_compiler inner = *c;
	char first[400];

	inner.complaints = own;
	inner.is_builtin = true;
	if (tree->root && is_possible(tree->root, c->checks)) {
		struct rule *rule = add_rule(set);
		if (rule_compile(rule, builtin->name, tree->root, &inner)) {
			note_builtin(rule, builtin);
			set->count++;
		}
	}
	complaints_first(own, first, sizeof(first));
	if (complaints_errors(own))
		log_error("rules: the built-in rule %s is not usable: %s", builtin->name, first);
	conf_tree_free(tree);
	complaints_free(own);
}

static void
check_names_of_checks(const struct rule_checks *checks, struct complaints *complaints)
{
	for (size_t i = 0; i < checks->count; i++)
		if (expr_is_reserved(checks->specs[i]->name))
			complain(complaints, &checks->specs[i]->pos,
				"check \"%s\": this name is a word of the rule language",
				checks->specs[i]->name);
}

struct rule_set *
rule_set_compile(const struct conf_node *rules, const struct conf_node *builtin,
	const struct rule_checks *checks, struct complaints *complaints)
{
	struct rule_set *set = xcalloc(1, sizeof(*set));
	struct rule_compiler c = {
		.checks = checks, .by_name = map_new(), .types = map_new(), .complaints = complaints
	};
	struct choice choice = read_choice(builtin, complaints);
	const struct rule_builtin *row;

	for (size_t i = 0; i < checks->count; i++) {
		void *spec = (void *)(uintptr_t)(const void *)checks->specs[i];

		map_put(c.by_name, checks->specs[i]->name, spec);
		if (i == 0 || checks->specs[i]->type != checks->specs[i - 1]->type)
			map_put(c.types, checks->specs[i]->type, spec);
	}
	check_names_of_checks(checks, complaints);
	add_users(set, rules, &c);
	for (size_t i = 0; (row = rule_builtin_at(i)); i++) {
		bool is_replaced = rules && rules->kind == CONF_MAP && conf_get(rules, row->name);
		if (!is_replaced && is_chosen(&choice, row))
			add_builtin(set, row, &c);
	}
	map_free(c.by_name, NULL);
	map_free(c.types, NULL);
	for (size_t i = 0; i < set->count; i++)
		for (size_t n = 0; n < set->rules[i].variant_count; n++)
			set->rules[i].variants[n].rule = &set->rules[i];
	return set;
}

void
rule_set_free(struct rule_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->count; i++)
		rule_fini(&set->rules[i]);
	free(set->rules);
	free(set);
}

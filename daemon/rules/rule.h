/*
 * A rule as compiled: what is looked at, for whom, and the words.  Immutable.  Compiled once for
 * each type of check it applies to, never once per check.
 */
#ifndef RULES_RULE_H
#define RULES_RULE_H

#include "rules/expr.h"
#include "rules/machine.h"
#include "rules/rules.h"

#define LEVELS (SEVERITY_CRITICAL + 1) /* arrays by severity; SEVERITY_OK is not used */

/* One `rules:` entry as the tables fill it. */
struct rule_conf {
	const struct conf_node *level[LEVELS];
	char *clear, *for_text;
	usec_t keep_firing_for_us;
	int on_no_data; /* enum on_no_data */
	const struct conf_node *each;
	char *check;
	struct conf_pairs labels;
	char *summary, *description, *runbook_url;
	bool enabled;
};

/* The rule for checks of one type; the only one, with `type` NULL, of a rule without `each`. */
struct rule_variant {
	const struct rule *rule; /* whose it is, once the set is complete */
	char *type;
	struct expr *when[LEVELS]; /* NULL: no such level */
	struct expr *clear;
	struct expr_template *summary, *description; /* may be NULL */
	bool is_timed;
	bool looks_back; /* there are windows of the check itself */
};

struct rule {
	char *name;
	struct rule_conf conf;
	bool is_each;
	char *each_type, *each_name; /* NULL: any */
	char *owner;                 /* without each: the check it belongs to */
	struct level_times times[LEVELS];
	json_t *labels; /* NULL: none */
	/* check-down: the level is lowered to the check's severity and to the cause's level. */
	bool is_down;
	const struct cause *cause; /* NULL: triage shows rule.<name> */
	struct rule_variant *variants;
	size_t variant_count;
};

struct rule_set {
	struct rule *rules;
	size_t count;
};

/* A row of the built-in rules. */
struct rule_builtin {
	const char *name, *yaml;
	const char *cause; /* code of its alerts, or NULL */
	bool is_down;
	bool is_always; /* in force whatever builtin_rules says: it is about ourselves */
};

const struct rule_builtin *rule_builtin_at(size_t n); /* NULL past the end */
const struct rule_builtin *rule_builtin_find(const char *name);

/* The variant for a check, NULL: the rule is not about it. */
const struct rule_variant *rule_variant_for(
	const struct rule *rule, const char *check, const char *type);
/* The two halves of it, of rules with `each`: by the type alone, and by the name. */
const struct rule_variant *rule_variant_of(const struct rule *rule, const char *type);
bool rule_is_for_name(const struct rule *rule, const char *check);
/* All expressions of a variant, its texts' included: the nth, NULL past the end. */
const struct expr *rule_expr_at(const struct rule_variant *variant, size_t n);
/* What decides a level: of check-down, where only the highest is written, that one. */
const struct expr *rule_when(
	const struct rule *rule, const struct rule_variant *variant, enum severity level);
enum severity rule_lowest(const struct rule *rule, const struct rule_variant *variant);

/* --- compiling (rule.c), for rule_set.c --- */

struct rule_compiler {
	const struct rule_checks *checks;
	struct map *by_name; /* name -> const struct check_spec * */
	struct map *types;   /* of all checks: type -> not NULL */
	struct complaints *complaints;
	bool is_builtin;
};

/* Fills *rule from its node; false: it is not to be used (complaints say why, or disabled). */
bool rule_compile(struct rule *rule, const char *name, const struct conf_node *node,
	const struct rule_compiler *c);
void rule_fini(struct rule *rule);

#endif

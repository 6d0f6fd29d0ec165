/*
 * Which rules checks have, found once for all of a type, and what is known of them before a sample
 * comes: see engine_menu.c.
 */
#ifndef RULES_MENU_H
#define RULES_MENU_H

#include "rules/expr_gate.h"
#include "rules/rule.h"

/* A rule that a check has. */
struct offer {
	const struct rule *rule;
	const struct rule_variant *variant;
	const char *name; /* the rule's, interned */
};

/* What checks of one type, or rules about one check, come to; in the set's order. */
struct menu {
	struct offer *offers;
	struct expr_gate *gates; /* of all offers; `place` is the offer's.  NULL: nobody asks */
	size_t count, gate_count;
};

#endif

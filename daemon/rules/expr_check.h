/* What the files of the checker share. */
#ifndef RULES_EXPR_CHECK_H
#define RULES_EXPR_CHECK_H

#include "rules/expr_fn.h"

struct checker {
	struct expr *expr;
	const struct expr_names *names;
	struct err *e;
};

int expr_check_node(struct checker *c, struct node *node);
/* A kid whose value is used: a check alone has none. */
int expr_check_kid(struct checker *c, struct node *kid);
/* What it comes to is written out in the text. */
bool expr_is_constant(const struct node *node);
int expr_check_call(struct checker *c, struct node *call); /* expr_call.c */

#endif

/* What an expression asks the world: metrics, and what it wants to know of checks. */
#include "rules/expr_fn.h"

struct walk {
	expr_use_fn fn;
	void *arg;
};

static void
visit(const struct walk *walk, const struct node *node)
{
	const struct expr_use use = {
		.check = node->check, .metric = node->metric, .index = node->index
	};

	if (node->kind == NODE_METRIC)
		walk->fn(walk->arg, &use);
	for (unsigned i = 0; i < node->kid_count; i++) {
		const struct node *kid = node->kids[i];
		const struct expr_use asked = { .check = kid->check, .function = node->text };
		if (node->kind == NODE_CALL && kid->kind == NODE_CHECK)
			walk->fn(walk->arg, &asked);
		visit(walk, kid);
	}
}

void
expr_uses(const struct expr *expr, expr_use_fn fn, void *arg)
{
	const struct walk walk = { fn, arg };

	visit(&walk, expr->tree.root);
}

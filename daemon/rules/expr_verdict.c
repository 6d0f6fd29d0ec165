/*
 * A condition's verdict, as expr_eval gives it, without the values on its way: nearly every rule of
 * every check compares one metric with one number, and is asked for each sample.  What is not that
 * is left to expr_eval_node.
 */
#include "rules/expr_fn.h"

#include <math.h>

static enum verdict verdict_at(const struct node *node, const struct expr_world *world);

static bool
metric_at(const struct node *node, const struct expr_world *world, double *number)
{
	const struct sample *sample = expr_sample_of(node->check, world);

	if (sample == NULL || (size_t)node->index >= sample->metric_count)
		return false;
	*number = sample->values[node->index];
	if (isnan(*number))
		return false;
	if (node->unit == UNIT_BOOL)
		*number = *number != 0;
	return true;
}

/* False: unknown. */
static bool
number_at(const struct node *node, const struct expr_world *world, double *number)
{
	struct expr_value value;

	if (node->kind == NODE_METRIC)
		return metric_at(node, world, number);
	if (node->kind == NODE_NUMBER) {
		*number = node->number;
		return true;
	}
	value = expr_eval_node(node, world);
	*number = value.number;
	return value.is_known;
}

static enum verdict
verdict_of_value(const struct node *node, const struct expr_world *world)
{
	struct expr_value value = expr_eval_node(node, world);

	if (!value.is_known)
		return VERDICT_UNKNOWN;
	return value.number != 0 ? VERDICT_TRUE : VERDICT_FALSE;
}

static enum verdict
verdict_of_compare(const struct node *node, const struct expr_world *world)
{
	double a, b;

	if (!number_at(node->kids[0], world, &a) || !number_at(node->kids[1], world, &b))
		return VERDICT_UNKNOWN;
	return compare_numbers(node->op, a, b) ? VERDICT_TRUE : VERDICT_FALSE;
}

static enum verdict
verdict_of_logic(const struct node *node, const struct expr_world *world)
{
	enum verdict decides = node->op == TOK_OR ? VERDICT_TRUE : VERDICT_FALSE;
	enum verdict left = verdict_at(node->kids[0], world), right;

	if (left == decides)
		return decides;
	right = verdict_at(node->kids[1], world);
	return right == decides || left != VERDICT_UNKNOWN ? right : VERDICT_UNKNOWN;
}

static enum verdict
verdict_of_not(const struct node *node, const struct expr_world *world)
{
	enum verdict inner = verdict_at(node->kids[0], world);

	if (inner == VERDICT_UNKNOWN)
		return inner;
	return inner == VERDICT_TRUE ? VERDICT_FALSE : VERDICT_TRUE;
}

static enum verdict
verdict_at(const struct node *node, const struct expr_world *world)
{
	if (node->kind == NODE_UNARY && node->op == TOK_NOT)
		return verdict_of_not(node, world);
	if (node->kind != NODE_BINARY)
		return verdict_of_value(node, world);
	if (node->op == TOK_AND || node->op == TOK_OR)
		return verdict_of_logic(node, world);
	if (node->op < TOK_LESS || node->op > TOK_NOT_EQUAL || node->kids[0]->unit == UNIT_TEXT)
		return verdict_of_value(node, world);
	return verdict_of_compare(node, world);
}

enum verdict
expr_verdict(const struct expr *expr, const struct expr_world *world)
{
	return verdict_at(expr->tree.root, world);
}

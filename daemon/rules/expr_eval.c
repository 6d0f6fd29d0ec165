/*
 * A checked tree to a three-valued answer.  Unknown in, unknown out, with two exceptions:
 * `unknown and false` is false, `unknown or true` is true.  Nothing here can fail or allocate.
 */
#include <math.h>
#include <string.h>

#include "rules/expr_fn.h"

struct expr_value
value_unknown(enum metric_unit unit)
{
	return (struct expr_value){ .unit = unit };
}

struct expr_value
value_number_of(enum metric_unit unit, double number)
{
	if (isnan(number))
		return value_unknown(unit);
	return (struct expr_value){ .is_known = true, .unit = unit, .number = number };
}

struct expr_value
value_truth(bool is_true)
{
	return (struct expr_value){ .is_known = true, .unit = UNIT_BOOL, .number = is_true };
}

const char expr_this[] = "this";

const char *
expr_real_check(const char *check, const struct expr_world *world)
{
	return check == expr_this && world->this_check ? world->this_check : check;
}

bool
compare_numbers(enum token_kind op, double a, double b)
{
	switch (op) {
	case TOK_LESS:
		return a < b;
	case TOK_LESS_EQUAL:
		return a <= b;
	case TOK_GREATER:
		return a > b;
	case TOK_GREATER_EQUAL:
		return a >= b;
	case TOK_EQUAL:
		return a == b;
	default:
		return a != b;
	}
}

static struct expr_value
eval_literal(const struct node *node, const struct expr_world *world)
{
	(void)world;
	return (struct expr_value){
		.is_known = true, .unit = node->unit, .number = node->number, .text = node->text
	};
}

static struct expr_value
eval_text_metric(const struct node *node, const struct expr_world *world)
{
	const char *check = expr_real_check(node->check, world);
	const char *text = world->text_of ? world->text_of(world->arg, check, node->index) : NULL;

	return (struct expr_value){ .is_known = text != NULL, .unit = UNIT_TEXT, .text = text };
}

static struct expr_value
eval_metric(const struct node *node, const struct expr_world *world)
{
	if (node->unit == UNIT_TEXT)
		return eval_text_metric(node, world);
	const struct sample *sample = expr_sample_of(node->check, world);

	if (!sample || (size_t)node->index >= sample->metric_count)
		return value_unknown(node->unit);
	double number = sample->values[node->index];
	if (node->unit == UNIT_BOOL && !isnan(number))
		return value_truth(number != 0);
	return value_number_of(node->unit, number);
}

static struct expr_value
eval_check(const struct node *node, const struct expr_world *world)
{
	return (struct expr_value){
		.is_known = true, .unit = UNIT_TEXT, .text = expr_real_check(node->check, world)
	};
}

static struct expr_value
eval_unary(const struct node *node, const struct expr_world *world)
{
	struct expr_value value = expr_eval_node(node->kids[0], world);

	if (!value.is_known)
		return value;
	value.number = node->op == TOK_NOT ? value.number == 0 : -value.number;
	return value;
}

/* `decides`: the truth that settles the matter whatever the other side is. */
static struct expr_value
eval_logic(const struct node *node, const struct expr_world *world, bool decides)
{
	struct expr_value left = expr_eval_node(node->kids[0], world);

	if (left.is_known && (left.number != 0) == decides)
		return left;
	struct expr_value right = expr_eval_node(node->kids[1], world);
	if (right.is_known && (right.number != 0) == decides)
		return right;
	return left.is_known && right.is_known ? right : value_unknown(UNIT_BOOL);
}

static struct expr_value
compare(enum token_kind op, const struct expr_value *a, const struct expr_value *b)
{
	if (!a->is_known || !b->is_known)
		return value_unknown(UNIT_BOOL);
	if (a->unit == UNIT_TEXT)
		return value_truth((strcmp(a->text, b->text) == 0) == (op == TOK_EQUAL));
	return value_truth(compare_numbers(op, a->number, b->number));
}

static struct expr_value
calculate(const struct node *node, double a, double b)
{
	const struct node *left = node->kids[0], *right = node->kids[1];

	switch (node->op) {
	case TOK_PLUS:
		return value_number_of(node->unit, a + b);
	case TOK_MINUS:
		return value_number_of(node->unit, a - b);
	case TOK_TIMES:
		/* A share of something that is not a percentage itself. */
		if (node->unit != UNIT_PERCENT &&
			(left->unit == UNIT_PERCENT || right->unit == UNIT_PERCENT))
			return value_number_of(node->unit, a * b / 100);
		return value_number_of(node->unit, a * b);
	case TOK_DIVIDE:
		return b == 0 ? value_unknown(node->unit) : value_number_of(node->unit, a / b);
	default:
		return b == 0 ? value_unknown(node->unit) : value_number_of(node->unit, fmod(a, b));
	}
}

static struct expr_value
eval_binary(const struct node *node, const struct expr_world *world)
{
	if (node->op == TOK_AND || node->op == TOK_OR)
		return eval_logic(node, world, node->op == TOK_OR);
	struct expr_value a = expr_eval_node(node->kids[0], world);
	struct expr_value b = expr_eval_node(node->kids[1], world);
	if (node->op >= TOK_LESS && node->op <= TOK_NOT_EQUAL)
		return compare(node->op, &a, &b);
	if (!a.is_known || !b.is_known)
		return value_unknown(node->unit);
	return calculate(node, a.number, b.number);
}

static struct expr_value
eval_in(const struct node *node, const struct expr_world *world)
{
	struct expr_value value = expr_eval_node(node->kids[0], world);
	bool is_sure = true;

	for (unsigned i = 1; i < node->kid_count; i++) {
		struct expr_value one = expr_eval_node(node->kids[i], world);
		struct expr_value same = compare(TOK_EQUAL, &value, &one);
		if (same.is_known && same.number != 0)
			return same;
		is_sure = is_sure && same.is_known;
	}
	return is_sure && value.is_known ? value_truth(false) : value_unknown(UNIT_BOOL);
}

static struct expr_value
eval_if(const struct node *node, const struct expr_world *world)
{
	struct expr_value asked = expr_eval_node(node->kids[0], world);

	if (!asked.is_known)
		return value_unknown(node->unit);
	struct expr_value value = expr_eval_node(node->kids[asked.number != 0 ? 1 : 2], world);
	value.unit = node->unit;
	return value;
}

static struct expr_value
eval_call(const struct node *node, const struct expr_world *world)
{
	return node->function->eval(node, world);
}

static struct expr_value (*const evals[NODE_KINDS])(
	const struct node *, const struct expr_world *) = {
	[NODE_NUMBER] = eval_literal,
	[NODE_TEXT] = eval_literal,
	[NODE_TRUTH] = eval_literal,
	[NODE_METRIC] = eval_metric,
	[NODE_CHECK] = eval_check,
	[NODE_UNARY] = eval_unary,
	[NODE_BINARY] = eval_binary,
	[NODE_IN] = eval_in,
	[NODE_IF] = eval_if,
	[NODE_CALL] = eval_call,
};

struct expr_value
expr_eval_node(const struct node *node, const struct expr_world *world)
{
	return evals[node->kind](node, world);
}

struct expr_value
expr_eval(const struct expr *expr, const struct expr_world *world)
{
	return expr_eval_node(expr->tree.root, world);
}

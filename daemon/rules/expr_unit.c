/* The algebra of units: what fits what, and what comes out.  Pure, by table. */
#include <string.h>

#include "rules/expr_tree.h"

static const struct {
	const char *words;
	const char *one, *other; /* what a bare number could have meant; %g is the number */
} units[] = {
	[UNIT_NONE] = { "a plain number", "%g", NULL },
	[UNIT_SECONDS] = { "seconds", "%gs", "%gm" },
	[UNIT_BYTES] = { "bytes", "%gMB", "%gGiB" },
	[UNIT_PERCENT] = { "percent", "%g%%", NULL },
	[UNIT_BYTES_PER_SECOND] = { "bytes per second", "%gkB/s", "%gMB/s" },
	[UNIT_PER_SECOND] = { "a rate", "%g/s", "%g/min" },
	[UNIT_TEXT] = { "a text", NULL, NULL },
	[UNIT_BOOL] = { "a condition", NULL, NULL },
};

const char *
unit_words(enum metric_unit unit)
{
	return units[unit].words;
}

static bool
is_number(enum metric_unit unit)
{
	return unit != UNIT_TEXT && unit != UNIT_BOOL;
}

static bool
is_zero(const struct node *node)
{
	return node->kind == NODE_NUMBER && node->is_bare && node->number == 0;
}

/* "5 needs a unit: 5s, 5m"; -1 always. */
static int
needs_unit(const struct node *bare, enum metric_unit unit, struct err *e)
{
	char one[40], other[40];
	double shown = bare->kind == NODE_NUMBER ? bare->number : 5;

	/* The formats are rows of a table of ours, each with one %g. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(one, sizeof(one), units[unit].one, shown);
	snprintf(other, sizeof(other), units[unit].other, shown);
#pragma GCC diagnostic pop
	return err_set(e, (int)bare->column, "this is compared with %s and needs a unit: %s, %s",
		unit_words(unit), one, other);
}

int
unit_join(const struct node *a, const struct node *b, const char *verb, enum metric_unit *unit,
	struct err *e)
{
	const struct node *bare = a->is_bare ? a : b->is_bare ? b : NULL;
	enum metric_unit other = bare == a ? b->unit : a->unit;

	if (a->unit == b->unit) {
		*unit = a->unit;
		return 0;
	}
	if (bare && is_number(other)) {
		if (!is_zero(bare) && other != UNIT_PERCENT)
			return needs_unit(bare, other, e);
		*unit = other;
		return 0;
	}
	bool is_share = (a->unit == UNIT_NONE && b->unit == UNIT_PERCENT) ||
			(a->unit == UNIT_PERCENT && b->unit == UNIT_NONE);
	return err_set(e, (int)b->column, "cannot %s %s %s %s%s", verb, unit_words(a->unit),
		strcmp(verb, "compare") == 0 ? "with" : "and", unit_words(b->unit),
		is_share ? "; a share of a plain number is written 0.05, not 5%" : "");
}

static const struct product {
	enum metric_unit left;
	enum token_kind op;
	enum metric_unit right, result;
} products[] = {
	{ UNIT_BYTES, TOK_DIVIDE, UNIT_SECONDS, UNIT_BYTES_PER_SECOND },
	{ UNIT_NONE, TOK_DIVIDE, UNIT_SECONDS, UNIT_PER_SECOND },
	{ UNIT_BYTES_PER_SECOND, TOK_TIMES, UNIT_SECONDS, UNIT_BYTES },
	{ UNIT_SECONDS, TOK_TIMES, UNIT_BYTES_PER_SECOND, UNIT_BYTES },
	{ UNIT_PER_SECOND, TOK_TIMES, UNIT_SECONDS, UNIT_NONE },
	{ UNIT_SECONDS, TOK_TIMES, UNIT_PER_SECOND, UNIT_NONE },
	{ UNIT_BYTES, TOK_DIVIDE, UNIT_BYTES_PER_SECOND, UNIT_SECONDS },
	{ UNIT_NONE, TOK_DIVIDE, UNIT_PER_SECOND, UNIT_SECONDS },
	/* A share of something: 10% * this.total_bytes. */
	{ UNIT_PERCENT, TOK_TIMES, UNIT_BYTES, UNIT_BYTES },
	{ UNIT_BYTES, TOK_TIMES, UNIT_PERCENT, UNIT_BYTES },
	{ UNIT_PERCENT, TOK_TIMES, UNIT_SECONDS, UNIT_SECONDS },
	{ UNIT_SECONDS, TOK_TIMES, UNIT_PERCENT, UNIT_SECONDS },
};

static bool
general_product(const struct node *node, enum metric_unit *unit)
{
	enum metric_unit left = node->kids[0]->unit, right = node->kids[1]->unit;

	if (node->op == TOK_TIMES && left == UNIT_NONE)
		*unit = right;
	else if (right == UNIT_NONE)
		*unit = left;
	else if (left == right && node->op == TOK_DIVIDE)
		*unit = UNIT_NONE;
	else if (left == right && node->op == TOK_MODULO)
		*unit = left;
	else
		return false;
	return true;
}

int
unit_of_product(const struct node *node, enum metric_unit *unit, struct err *e)
{
	const struct node *left = node->kids[0], *right = node->kids[1];

	if (is_number(left->unit) && is_number(right->unit)) {
		for (size_t i = 0; i < sizeof(products) / sizeof(*products); i++) {
			const struct product *p = &products[i];
			if (p->left == left->unit && p->op == node->op && p->right == right->unit) {
				*unit = p->result;
				return 0;
			}
		}
		if (general_product(node, unit))
			return 0;
	}
	return err_set(e, (int)right->column, "cannot %s %s by %s",
		node->op == TOK_TIMES ? "multiply" : "divide", unit_words(left->unit),
		unit_words(right->unit));
}

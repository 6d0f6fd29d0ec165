/*
 * The limits in an expression: where a metric, or a window of it that has the metric's own scale,
 * is compared with what is written out.  For lines in plots, and for what a replay of averages may
 * have missed.
 */
#include <string.h>

#include "rules/expr_check.h"
#include "rules/expr_fn.h"

struct search {
	expr_bound_fn fn;
	void *arg;
	bool is_turned; /* inside of `not` */
};

/* Windows whose value is a value of the metric. */
static const char *const same_scale[] = { "avg", "min", "max", "first", "last", "median",
	"quantile" };

static const struct {
	enum token_kind op, flipped, negated;
	const char *text;
} comparisons[] = {
	{ TOK_LESS, TOK_GREATER, TOK_GREATER_EQUAL, "<" },
	{ TOK_LESS_EQUAL, TOK_GREATER_EQUAL, TOK_GREATER, "<=" },
	{ TOK_GREATER, TOK_LESS, TOK_LESS_EQUAL, ">" },
	{ TOK_GREATER_EQUAL, TOK_LESS_EQUAL, TOK_LESS, ">=" },
	{ TOK_EQUAL, TOK_EQUAL, TOK_NOT_EQUAL, "==" },
	{ TOK_NOT_EQUAL, TOK_NOT_EQUAL, TOK_EQUAL, "!=" },
};

#define COMPARISONS (sizeof(comparisons) / sizeof(comparisons[0]))

static size_t
row_of(enum token_kind op)
{
	size_t n = 0;

	while (n < COMPARISONS && comparisons[n].op != op)
		n++;
	return n;
}

/* The metric itself, or that of a window with its scale; NULL: something else. */
static const struct node *
metric_in(const struct node *node)
{
	if (node->kind == NODE_METRIC)
		return node;
	if (node->kind != NODE_CALL || node->kids[0]->kind != NODE_METRIC)
		return NULL;
	for (size_t n = 0; n < sizeof(same_scale) / sizeof(same_scale[0]); n++)
		if (strcmp(node->text, same_scale[n]) == 0)
			return node->kids[0];
	return NULL;
}

static void
take(const struct search *s, const struct node *node, size_t row)
{
	const struct expr_world nowhere = { 0 };
	bool is_flipped = expr_is_constant(node->kids[0]);
	const struct node *metric = metric_in(node->kids[is_flipped ? 1 : 0]);
	const struct node *limit = node->kids[is_flipped ? 0 : 1];

	if (!metric || metric->unit == UNIT_TEXT || metric->unit == UNIT_BOOL ||
		!expr_is_constant(limit))
		return;
	const struct expr_value value = expr_eval_node(limit, &nowhere);
	if (!value.is_known)
		return;
	if (is_flipped)
		row = row_of(comparisons[row].flipped);
	if (s->is_turned)
		row = row_of(comparisons[row].negated);
	const struct expr_bound bound = { .check = metric->check,
		.metric = metric->metric,
		.op = comparisons[row].text,
		.value = value.number };
	s->fn(s->arg, &bound);
}

static void
search(const struct search *s, const struct node *node)
{
	struct search inner = *s;
	size_t row = node->kind == NODE_BINARY ? row_of(node->op) : COMPARISONS;

	if (row < COMPARISONS)
		take(s, node, row);
	if (node->kind == NODE_UNARY && node->op == TOK_NOT)
		inner.is_turned = !s->is_turned;
	for (unsigned i = 0; i < node->kid_count; i++)
		search(&inner, node->kids[i]);
}

void
expr_bounds(const struct expr *expr, expr_bound_fn fn, void *arg)
{
	const struct search s = { .fn = fn, .arg = arg };

	search(&s, expr->tree.root);
}

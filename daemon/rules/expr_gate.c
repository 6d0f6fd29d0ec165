/*
 * What must hold of the latest sample before a condition can be true, in a form that is looked at
 * in a few instructions: nearly every rule of nearly every check is not true, and need not be
 * evaluated to know that.  A gate that is open says nothing; one that is closed says "not true".
 *
 *	a and b			the gates of one of them
 *	a or b			those of both
 *	not ...			the same, turned
 *	this.x > 5		that number
 *	avg(this.x, 5m) > 5	there was a value of x at some time
 */
#include "rules/expr_gate.h"

#include <math.h>

#include "rules/expr_fn.h"

struct wish {
	const struct node *node;
	bool is_true; /* else: false */
};

static bool gather(struct wish wish, struct expr_gates *out);

static bool
one(struct expr_gates *out, struct expr_gate gate)
{
	out->all[0] = gate;
	out->count = 1;
	return true;
}

static bool
is_metric(const struct node *node)
{
	return node->kind == NODE_METRIC && node->check == expr_this && node->unit != UNIT_TEXT;
}

/* A function that knows nothing while its window is empty. */
static bool
is_of_values(const struct node *node)
{
	static expr_fn *const all[] = { fn_min, fn_max, fn_sum, fn_first, fn_last, fn_avg, fn_delta,
		fn_increase, fn_rate, fn_time_until, fn_forecast, fn_slope, fn_median, fn_quantile,
		fn_stddev, fn_changes, fn_share, fn_for_at_least, fn_baseline };

	if (node->kind != NODE_CALL || !node->window || node->window->check != expr_this)
		return false;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (node->function->eval == all[i])
			return true;
	return false;
}

/* What a number is not known without. */
static bool
needs(const struct node *node, struct expr_gates *out)
{
	if (is_metric(node))
		return one(out, (struct expr_gate){ .kind = GATE_KNOWN, .index = node->index });
	if (is_of_values(node))
		return one(out,
			(struct expr_gate){ .kind = GATE_WINDOW, .index = node->window->metric });
	if (node->kind == NODE_UNARY || (node->kind == NODE_CALL && node->function->eval == fn_abs))
		return needs(node->kids[0], out);
	if (node->kind == NODE_BINARY && node->op >= TOK_PLUS && node->op <= TOK_MODULO)
		return needs(node->kids[0], out) || needs(node->kids[1], out);
	return false;
}

static enum token_kind
turned(enum token_kind op)
{
	static const unsigned char turns[TOKEN_KINDS] = {
		[TOK_LESS] = TOK_GREATER_EQUAL,
		[TOK_LESS_EQUAL] = TOK_GREATER,
		[TOK_GREATER] = TOK_LESS_EQUAL,
		[TOK_GREATER_EQUAL] = TOK_LESS,
		[TOK_EQUAL] = TOK_NOT_EQUAL,
		[TOK_NOT_EQUAL] = TOK_EQUAL,
	};

	return (enum token_kind)turns[op];
}

/* coalesce(x, 0) > 5: without an x it is 0. */
static const struct node *
look_through(const struct node *left, enum token_kind op, const struct node *right)
{
	bool is_coalesce = left->kind == NODE_CALL && left->function->eval == fn_coalesce &&
			   left->kid_count == 2 && left->kids[1]->kind == NODE_NUMBER;

	if (!is_coalesce || right->kind != NODE_NUMBER ||
		compare_numbers(op, left->kids[1]->number, right->number))
		return left;
	return left->kids[0];
}

static bool
gather_compare(struct wish wish, struct expr_gates *out)
{
	enum token_kind op = wish.is_true ? wish.node->op : turned(wish.node->op);
	const struct node *right = wish.node->kids[1];
	const struct node *left = look_through(wish.node->kids[0], op, right);

	if (is_metric(left) && left->unit != UNIT_BOOL && right->kind == NODE_NUMBER)
		return one(out, (struct expr_gate){ .kind = GATE_VALUE,
					.op = (unsigned char)op,
					.index = left->index,
					.number = right->number });
	return needs(left, out) || needs(right, out);
}

static bool
gather_either(const struct expr_gates *left, const struct expr_gates *right, struct expr_gates *out)
{
	if (left->count + right->count > EXPR_GATES_MAX)
		return false;
	*out = *left;
	for (unsigned i = 0; i < right->count; i++)
		out->all[out->count++] = right->all[i];
	return true;
}

/* Of two sets each of which would do: the shorter one, and the one that asks for a value. */
static bool
is_better(const struct expr_gates *a, const struct expr_gates *b)
{
	if (a->count != b->count)
		return a->count < b->count;
	return a->all[0].kind == GATE_VALUE && b->all[0].kind != GATE_VALUE;
}

static bool
gather_logic(struct wish wish, struct expr_gates *out)
{
	const struct wish a = { wish.node->kids[0], wish.is_true };
	const struct wish b = { wish.node->kids[1], wish.is_true };
	struct expr_gates left, right;
	bool has_left = gather(a, &left), has_right = gather(b, &right);

	if ((wish.node->op == TOK_OR) == wish.is_true)
		return has_left && has_right && gather_either(&left, &right, out);
	if (!has_left && !has_right)
		return false;
	*out = has_right && (!has_left || is_better(&right, &left)) ? right : left;
	return true;
}

static bool
gather_call(struct wish wish, struct expr_gates *out)
{
	const struct node *node = wish.node, *first = node->kid_count > 0 ? node->kids[0] : NULL;
	expr_fn *fn = node->function->eval;

	if (is_of_values(node))
		return needs(node, out);
	if (fn == fn_coalesce && node->kid_count == 2 && node->kids[1]->kind == NODE_TRUTH &&
		(node->kids[1]->number != 0) != wish.is_true)
		return gather((struct wish){ first, wish.is_true }, out);
	if (!wish.is_true || !first || first->check != expr_this)
		return false;
	if (fn == fn_down)
		return one(out, (struct expr_gate){ .kind = GATE_DOWN });
	if (fn == fn_cannot_tell)
		return one(out, (struct expr_gate){ .kind = GATE_ERROR });
	if (fn != fn_failing)
		return false;
	return one(out, (struct expr_gate){ .kind = GATE_FAILING,
				.number = node->kid_count > 1 ? node->kids[1]->number : 1 });
}

/* False: nothing is known that would have to hold. */
static bool
gather(struct wish wish, struct expr_gates *out)
{
	const struct node *node = wish.node;

	if (node->kind == NODE_UNARY && node->op == TOK_NOT)
		return gather((struct wish){ node->kids[0], !wish.is_true }, out);
	if (is_metric(node))
		return one(out, (struct expr_gate){ .kind = GATE_VALUE,
					.op = wish.is_true ? TOK_NOT_EQUAL : TOK_EQUAL,
					.index = node->index });
	if (node->kind == NODE_CALL)
		return gather_call(wish, out);
	if (node->kind != NODE_BINARY)
		return false;
	if (node->op == TOK_AND || node->op == TOK_OR)
		return gather_logic(wish, out);
	if (node->op < TOK_LESS || node->op > TOK_NOT_EQUAL || node->kids[0]->unit == UNIT_TEXT)
		return false;
	return gather_compare(wish, out);
}

void
expr_gates(const struct expr *expr, struct expr_gates *out)
{
	if (!gather((struct wish){ expr->tree.root, true }, out))
		one(out, (struct expr_gate){ .kind = GATE_OPEN });
}

static bool
has_value(const struct expr_gate *gate, const struct sample *sample, double *value)
{
	if ((size_t)gate->index >= sample->metric_count)
		return false;
	*value = sample->values[gate->index];
	return !isnan(*value);
}

static bool
is_open(const struct expr_gate *gate, const struct sample *sample, uint64_t seen)
{
	double value;

	switch (gate->kind) {
	case GATE_VALUE:
		return has_value(gate, sample, &value) &&
		       compare_numbers((enum token_kind)gate->op, value, gate->number);
	case GATE_KNOWN:
		return has_value(gate, sample, &value);
	case GATE_WINDOW:
		return (seen & expr_gate_bit(gate->index)) != 0;
	case GATE_DOWN:
		return sample->state == CHECK_DOWN;
	case GATE_ERROR:
		return sample->outcome == OUTCOME_ERROR;
	case GATE_FAILING:
		return (double)sample->failures >= gate->number;
	case GATE_OPEN:
		break;
	}
	return true;
}

size_t
expr_gate_next(const struct expr_gate *gates, size_t count, size_t from,
	const struct sample *sample, uint64_t seen)
{
	while (from < count && !is_open(&gates[from], sample, seen))
		from++;
	return from;
}

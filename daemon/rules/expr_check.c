/*
 * Names, types and units of a tree.  After it every name is resolved to a row of a metric table,
 * every node knows its unit, and the windows that must be kept are listed: nothing is left to be
 * found out, or to go wrong, while an expression is evaluated.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "rules/expr_check.h"

/* Other words for what probes call their metrics, for suggestions. */
static const struct {
	const char *word, *metric;
} other_words[] = {
	{ "latency", "total_time" },
	{ "response_time", "total_time" },
	{ "duration", "total_time" },
	{ "time", "total_time" },
	{ "ttfb", "first_byte_time" },
	{ "used", "used_percent" },
	{ "usage", "used_percent" },
	{ "percent", "used_percent" },
	{ "free", "free_bytes" },
	{ "available", "available_bytes" },
	{ "total", "total_bytes" },
	{ "size", "total_bytes" },
	{ "inodes", "inodes_percent" },
	{ "swap", "swap_percent" },
	{ "readonly", "read_only" },
	{ "status_code", "status" },
	{ "code", "status" },
	{ "days_left", "tls_days_left" },
};

#define OTHER_WORDS (sizeof(other_words) / sizeof(*other_words))

static const char *
nearest_metric(const struct metric_desc *metrics, const char *word)
{
	size_t count = metric_count(metrics);
	const char **names = xcalloc(count + OTHER_WORDS, sizeof(*names));
	const char **meant = xcalloc(count + OTHER_WORDS, sizeof(*meant));
	size_t n = 0;

	for (; n < count; n++)
		names[n] = meant[n] = metrics[n].name;
	for (size_t i = 0; i < OTHER_WORDS; i++) {
		if (metric_index(metrics, other_words[i].metric) < 0)
			continue;
		names[n] = other_words[i].word;
		meant[n++] = other_words[i].metric;
	}
	const char *near = str_nearest(word, names, n);
	const char *found = NULL;
	for (size_t i = 0; i < n && near; i++)
		if (names[i] == near)
			found = meant[i];
	free(names);
	free(meant);
	return found;
}

static const char *
nearest_check(const struct checker *c, const char *word)
{
	const char **names = NULL;
	size_t n = 0;

	if (!c->names->check_at)
		return NULL;
	for (const char *name; (name = c->names->check_at(c->names->arg, n)); n++) {
		if ((n & (n + 1)) == 0)
			names = xreallocarray(names, 2 * n + 2, sizeof(*names));
		names[n] = name;
	}
	const char *near = n ? str_nearest(word, names, n) : NULL;
	free(names);
	return near;
}

static void
add_check(struct expr *expr, const char *check)
{
	for (size_t i = 0; i < expr->check_count; i++)
		if (strcmp(expr->checks[i], check) == 0)
			return;
	expr->checks = xreallocarray(expr->checks, expr->check_count + 1, sizeof(*expr->checks));
	expr->checks[expr->check_count++] = check;
}

static const char *
check_word(const struct checker *c)
{
	return c->names->check_word ? c->names->check_word : "check";
}

static int
unknown_check(struct checker *c, const struct node *node, const char *check)
{
	const char *near = nearest_check(c, check), *word = check_word(c);
	int column = (int)node->steps[0].column;

	if (near)
		return err_set(
			c->e, column, "unknown %s \"%s\", did you mean \"%s\"?", word, check, near);
	if (c->names->this_metrics && metric_index(c->names->this_metrics, check) >= 0)
		return err_set(c->e, column, "unknown %s \"%s\", did you mean \"this.%s\"?", word,
			check, check);
	if (function_find(check))
		return err_set(
			c->e, column, "%s is a function: %s", check, function_find(check)->usage);
	if (strchr(check, '-'))
		return err_set(c->e, column,
			"unknown %s \"%s\" (a subtraction has a space on both sides: a - b)", word,
			check);
	return err_set(c->e, column, "unknown %s \"%s\"", word, check);
}

/* The metric table of the check that the first steps name. */
static const struct metric_desc *
find_check(struct checker *c, struct node *node)
{
	const struct step *s = node->steps;
	bool is_child = node->step_count > 1 && s[1].is_bracket;
	const struct metric_desc *metrics;

	node->check = s[0].text;
	if (is_child) {
		size_t size = strlen(s[0].text) + strlen(s[1].text) + 3;
		char *name = tree_alloc(&c->expr->tree, size);
		snprintf(name, size, "%s[%s]", s[0].text, s[1].text);
		node->check = name;
	}
	if (strcmp(s[0].text, expr_this) == 0) {
		node->check = expr_this;
		metrics = is_child ? NULL : c->names->this_metrics;
		if (!metrics)
			err_set(c->e, (int)s[0].column, "%s",
				is_child ? "`this` is one check and takes no [..]"
					 : "`this` has a meaning only in a rule with `each:`");
	} else {
		metrics = c->names->metrics_of(c->names->arg, node->check);
		if (!metrics)
			unknown_check(c, node, node->check);
	}
	if (metrics)
		add_check(c->expr, node->check);
	return metrics;
}

/* "; there are a, b, …": as many as have room. */
static void
list_metrics(char *out, size_t size, const struct metric_desc *metrics)
{
	size_t len = 0;

	for (const struct metric_desc *m = metrics; m->name; m++) {
		if (len + strlen(m->name) + sizeof("; there are , …") > size) {
			snprintf(out + len, size - len, ", …");
			return;
		}
		len += (size_t)snprintf(
			out + len, size - len, "%s%s", len == 0 ? "; there are " : ", ", m->name);
	}
}

static int
unknown_metric(struct checker *c, const struct node *node, const struct step *step,
	const struct metric_desc *metrics)
{
	const char *near = nearest_metric(metrics, step->text);
	bool is_this = strcmp(node->check, "this") == 0;
	const char *type = is_this             ? c->names->this_type
			   : c->names->type_of ? c->names->type_of(c->names->arg, node->check)
					       : NULL;
	char whose[200], hint[160] = "";

	snprintf(whose, sizeof(whose), is_this ? "`%s`%s%s%s" : "\"%s\"%s%s%s", node->check,
		type ? " (" : "", type ? type : "", type ? ")" : "");
	if (near)
		snprintf(hint, sizeof(hint), "; did you mean \"%s\"?", near);
	else if (strchr(step->text, '-'))
		snprintf(hint, sizeof(hint), "; a subtraction has a space on both sides: a - b");
	else
		list_metrics(hint, sizeof(hint), metrics);
	return err_set(c->e, (int)step->column, "unknown %s \"%s\" of %s%s%s%s",
		c->names->metric_word ? c->names->metric_word : "metric", step->text,
		is_this ? "" : check_word(c), is_this ? "" : " ", whose, hint);
}

static int
check_ref(struct checker *c, struct node *node)
{
	const struct metric_desc *metrics = find_check(c, node);
	unsigned next = node->step_count > 1 && node->steps[1].is_bracket ? 2 : 1;

	if (!metrics)
		return -1;
	if (next == node->step_count) {
		node->kind =
			NODE_CHECK; /* an argument of down() and its like, or a name in a text */
		node->unit = UNIT_TEXT;
		return 0;
	}
	const struct step *step = &node->steps[next];
	if (next + 1 < node->step_count || step->is_bracket)
		return err_set(c->e, (int)node->steps[node->step_count - 1].column,
			"a metric is named check.metric or check[instance].metric");
	node->index = metric_index(metrics, step->text);
	if (node->index < 0)
		return unknown_metric(c, node, step, metrics);
	node->kind = NODE_METRIC;
	node->metric = &metrics[node->index];
	node->unit = node->metric->kind == METRIC_FLAG ? UNIT_BOOL : node->metric->unit;
	return 0;
}

/* A kid whose value is used: a check alone has none. */
int
expr_check_kid(struct checker *c, struct node *kid)
{
	if (expr_check_node(c, kid) != 0)
		return -1;
	if (kid->kind == NODE_CHECK)
		return err_set(c->e, (int)kid->column,
			"\"%s\" is a check: name a metric of it (%s.total_time) or ask up(%s)",
			kid->check, kid->check, kid->check);
	return 0;
}

static int
want_condition(struct checker *c, const struct node *kid, enum token_kind op)
{
	if (kid->unit == UNIT_BOOL)
		return 0;
	return err_set(c->e, (int)kid->column, "`%s` joins conditions, and this is %s",
		token_name(op), unit_words(kid->unit));
}

static int
check_unary(struct checker *c, struct node *node)
{
	struct node *kid = node->kids[0];

	if (expr_check_kid(c, kid) != 0)
		return -1;
	node->unit = kid->unit;
	node->is_bare = kid->is_bare;
	if (node->op == TOK_NOT)
		return want_condition(c, kid, TOK_NOT);
	if (kid->unit == UNIT_BOOL || kid->unit == UNIT_TEXT)
		return err_set(c->e, (int)kid->column, "`-` stands before a number, and this is %s",
			unit_words(kid->unit));
	return 0;
}

/* share() is in percent: 0.5 would be half a percent, and never what was meant. */
static int
check_share(struct checker *c, const struct node *share, const struct node *with)
{
	bool is_part =
		with->kind == NODE_NUMBER && with->is_bare && with->number > 0 && with->number < 1;

	if (share->kind != NODE_CALL || share->function->result != RESULT_PERCENT || !is_part)
		return 0;
	return err_set(
		c->e, (int)with->column, "%s is in percent: %g%%", share->text, 100 * with->number);
}

/* A cause that does not exist would never be met. */
static int
check_code(struct checker *c, const struct node *value, const struct node *code)
{
	if (value->kind != NODE_CALL || value->function->result != RESULT_TEXT ||
		code->kind != NODE_TEXT || *code->text == '\0' || cause_find(code->text))
		return 0;
	const char **codes = xcalloc(cause_count(), sizeof(*codes));
	for (size_t i = 0; i < cause_count(); i++)
		codes[i] = cause_at(i)->code;
	const char *near = str_nearest(code->text, codes, cause_count());
	err_set(c->e, (int)code->column, "no cause is called \"%s\"%s%s%s", code->text,
		near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	free(codes);
	return -1;
}

static int
check_comparison(struct checker *c, struct node *node)
{
	enum metric_unit unit;
	bool is_equality = node->op == TOK_EQUAL || node->op == TOK_NOT_EQUAL;
	const struct node *left = node->kids[0], *right = node->kids[1];

	if (left->kind == NODE_METRIC && left->unit == UNIT_BOOL && right->is_bare)
		return err_set(c->e, (int)right->column,
			"%s is a yes or no: write it alone, or with `not` before it",
			left->metric->name);
	if (unit_join(left, right, "compare", &unit, c->e) != 0 || check_share(c, left, right) != 0)
		return -1;
	if (!is_equality && (unit == UNIT_TEXT || unit == UNIT_BOOL))
		return err_set(c->e, (int)node->kids[1]->column,
			"%s can only be compared by == and !=", unit_words(unit));
	node->unit = UNIT_BOOL;
	return check_code(c, left, right) != 0 || check_code(c, right, left) != 0 ? -1 : 0;
}

static int
check_sum(struct checker *c, struct node *node)
{
	enum metric_unit unit;
	const char *verb = node->op == TOK_PLUS ? "add" : "subtract";

	if (unit_join(node->kids[0], node->kids[1], verb, &unit, c->e) != 0)
		return -1;
	if (unit == UNIT_TEXT || unit == UNIT_BOOL)
		return err_set(
			c->e, (int)node->kids[0]->column, "cannot %s %s", verb, unit_words(unit));
	node->unit = unit;
	return 0;
}

bool
expr_is_constant(const struct node *node)
{
	bool is_sum = node->kind == NODE_UNARY || node->kind == NODE_BINARY;

	for (unsigned i = 0; is_sum && i < node->kid_count; i++)
		if (!expr_is_constant(node->kids[i]))
			return false;
	return is_sum || node->kind == NODE_NUMBER || node->kind == NODE_TRUTH;
}

static int
check_product(struct checker *c, struct node *node)
{
	const struct node *right = node->kids[1];

	if (unit_of_product(node, &node->unit, c->e) != 0)
		return -1;
	if (node->op != TOK_TIMES && expr_is_constant(right) &&
		expr_eval_node(right, NULL).number == 0)
		return err_set(c->e, (int)right->column, "this divides by zero");
	return 0;
}

static int
check_binary(struct checker *c, struct node *node)
{
	struct node *left = node->kids[0], *right = node->kids[1];

	if (expr_check_kid(c, left) != 0 || expr_check_kid(c, right) != 0)
		return -1;
	node->is_bare = left->is_bare && right->is_bare;
	switch (node->op) {
	case TOK_AND:
	case TOK_OR:
		node->unit = UNIT_BOOL;
		if (want_condition(c, left, node->op) != 0)
			return -1;
		return want_condition(c, right, node->op);
	case TOK_PLUS:
	case TOK_MINUS:
		return check_sum(c, node);
	case TOK_TIMES:
	case TOK_DIVIDE:
	case TOK_MODULO:
		return check_product(c, node);
	default:
		node->is_bare = false;
		return check_comparison(c, node);
	}
}

static int
check_in(struct checker *c, struct node *node)
{
	enum metric_unit unit;

	for (unsigned i = 0; i < node->kid_count; i++) {
		if (expr_check_kid(c, node->kids[i]) != 0)
			return -1;
		if (i > 0 &&
			(unit_join(node->kids[0], node->kids[i], "compare", &unit, c->e) != 0 ||
				check_code(c, node->kids[0], node->kids[i]) != 0))
			return -1;
	}
	node->unit = UNIT_BOOL;
	return 0;
}

static int
check_if(struct checker *c, struct node *node)
{
	for (unsigned i = 0; i < 3; i++)
		if (expr_check_kid(c, node->kids[i]) != 0)
			return -1;
	if (node->kids[0]->unit != UNIT_BOOL)
		return err_set(c->e, (int)node->kids[0]->column,
			"`if` asks a condition, and this is %s", unit_words(node->kids[0]->unit));
	node->is_bare = node->kids[1]->is_bare && node->kids[2]->is_bare;
	return unit_join(node->kids[1], node->kids[2], "choose between", &node->unit, c->e);
}

static int
check_literal(struct checker *c, struct node *node)
{
	(void)c;
	if (node->kind == NODE_TEXT)
		node->unit = UNIT_TEXT;
	else if (node->kind == NODE_TRUTH)
		node->unit = UNIT_BOOL;
	else
		node->is_bare = node->unit == UNIT_NONE;
	return 0;
}

static int (*const node_checks[NODE_KINDS])(struct checker *, struct node *) = {
	[NODE_NUMBER] = check_literal,
	[NODE_TEXT] = check_literal,
	[NODE_TRUTH] = check_literal,
	[NODE_REF] = check_ref,
	[NODE_UNARY] = check_unary,
	[NODE_BINARY] = check_binary,
	[NODE_IN] = check_in,
	[NODE_IF] = check_if,
	[NODE_CALL] = expr_check_call,
};

int
expr_check_node(struct checker *c, struct node *node)
{
	return node_checks[node->kind](c, node);
}

int
expr_check(struct expr *expr, const struct expr_names *names, enum expr_want want, struct err *e)
{
	struct checker c = { .expr = expr, .names = names, .e = e };

	if (want == WANT_WORDS)
		return expr_check_node(&c, expr->tree.root);
	return expr_check_kid(&c, expr->tree.root);
}

/*
 * Tokens to a tree, by recursive descent.  From loose to tight:
 *
 *	if c then a else b
 *	or
 *	and
 *	not
 *	< <= > >= == != in      (do not chain)
 *	+ -
 *	* / %
 *	- (sign)
 *	value, name, call, ( )
 *
 * Depth, nodes and text are bounded, so a hostile configuration costs a complaint.
 */
#include <string.h>

#include "rules/expr_tree.h"

struct parser {
	struct tree *tree;
	struct lexer lexer;
	struct token token; /* the next one */
	uint16_t taken_end; /* end of the one before it */
	struct err *e;
};

/* Nodes and steps being gathered before their number is known. */
#define LIST_MAX 64

static struct node *parse_value(struct parser *p);

static struct node *
fail(struct parser *p, const char *text)
{
	err_set(p->e, (int)p->token.column, "%s", text);
	return NULL;
}

static struct node *
fail_wanted(struct parser *p, const char *wanted)
{
	const struct token *t = &p->token;

	if (t->text)
		err_set(p->e, (int)t->column, "expected %s before \"%s\"", wanted, t->text);
	else if (t->kind == TOK_END)
		err_set(p->e, (int)t->column, "expected %s at the end", wanted);
	else
		err_set(p->e, (int)t->column, "expected %s before `%s`", wanted,
			token_name(t->kind));
	return NULL;
}

static bool
advance(struct parser *p)
{
	p->taken_end = p->token.end;
	return lex_next(&p->lexer, &p->token, p->e) == 0;
}

/* The next token must be this one; takes it. */
static bool
take(struct parser *p, enum token_kind kind, const char *wanted)
{
	if (p->token.kind != kind) {
		fail_wanted(p, wanted);
		return false;
	}
	return advance(p);
}

static struct node *
node_new(struct parser *p, enum node_kind kind, uint16_t column)
{
	if (++p->tree->nodes > EXPR_NODES_MAX)
		return fail(p, "this expression is too long");
	struct node *node = tree_alloc(p->tree, sizeof(*node));
	node->kind = kind;
	node->column = column;
	node->end = p->token.end;
	return node;
}

static struct node *
node_with(struct parser *p, enum node_kind kind, struct node *const *kids, uint8_t count)
{
	struct node *node = node_new(p, kind, kids[0]->column);

	if (!node)
		return NULL;
	node->kids = tree_alloc(p->tree, count * sizeof(struct node *));
	memcpy(node->kids, kids, count * sizeof(struct node *));
	node->kid_count = count;
	node->end = kids[count - 1]->end;
	return node;
}

static struct node *
node_binary(struct parser *p, enum token_kind op, struct node *left, struct node *right)
{
	struct node *node = node_with(p, NODE_BINARY, (struct node *[]){ left, right }, 2);

	if (node)
		node->op = op;
	return node;
}

static struct node *
parse_literal(struct parser *p, enum node_kind kind)
{
	struct node *node = node_new(p, kind, p->token.column);

	if (!node)
		return NULL;
	node->number = p->token.number;
	node->text = p->token.text;
	node->unit = p->token.unit;
	if (kind == NODE_TRUTH)
		node->number = p->token.kind == TOK_TRUE;
	return advance(p) ? node : NULL;
}

/* Values between commas, up to `close`, which is taken.  -1: failed. */
static int
parse_list(struct parser *p, enum token_kind close, struct node **out)
{
	unsigned count = 0;

	while (p->token.kind != close) {
		if (count > 0 && !take(p, TOK_COMMA, "`,`"))
			return -1;
		if (count == LIST_MAX) {
			fail(p, "this list is too long");
			return -1;
		}
		out[count] = parse_value(p);
		if (!out[count++])
			return -1;
	}
	return advance(p) ? (int)count : -1;
}

static struct node *
parse_call(struct parser *p, const struct token *name)
{
	struct node *kids[LIST_MAX];

	if (!advance(p))
		return NULL;
	int count = parse_list(p, TOK_CLOSE, kids);
	if (count < 0)
		return NULL;
	struct node *node = node_new(p, NODE_CALL, name->column);
	if (!node)
		return NULL;
	node->end = p->taken_end;
	node->text = name->text;
	node->kid_count = (uint8_t)count;
	node->kids = tree_alloc(p->tree, (size_t)count * sizeof(struct node *) + 1);
	memcpy(node->kids, kids, (size_t)count * sizeof(struct node *));
	return node;
}

static struct node *
parse_steps(struct parser *p, const struct token *name)
{
	struct step steps[LIST_MAX];
	uint16_t end = name->end;
	uint8_t count = 0;

	steps[count++] = (struct step){ name->text, name->column, false };
	while (p->token.kind == TOK_DOT || p->token.kind == TOK_BRACKET) {
		if (count == LIST_MAX)
			return fail(p, "this name is too long");
		bool is_dot = p->token.kind == TOK_DOT;
		if (is_dot && !advance(p))
			return NULL;
		if (is_dot && p->token.kind != TOK_NAME)
			return fail_wanted(p, "a name after the dot");
		steps[count++] = (struct step){ p->token.text, p->token.column, !is_dot };
		end = p->token.end;
		if (!advance(p))
			return NULL;
	}
	struct node *node = node_new(p, NODE_REF, name->column);
	if (!node)
		return NULL;
	struct step *copy = tree_alloc(p->tree, count * sizeof(*copy));
	memcpy(copy, steps, count * sizeof(*copy));
	node->steps = copy;
	node->step_count = count;
	node->end = end;
	return node;
}

static struct node *
parse_name(struct parser *p)
{
	struct token name = p->token;

	if (!advance(p))
		return NULL;
	if (p->token.kind == TOK_OPEN)
		return parse_call(p, &name);
	return parse_steps(p, &name);
}

static struct node *
parse_parentheses(struct parser *p)
{
	if (!advance(p))
		return NULL;
	struct node *node = parse_value(p);
	if (!node || !take(p, TOK_CLOSE, "`)`"))
		return NULL;
	return node;
}

static struct node *
parse_primary(struct parser *p)
{
	switch (p->token.kind) {
	case TOK_NUMBER:
		return parse_literal(p, NODE_NUMBER);
	case TOK_TEXT:
		return parse_literal(p, NODE_TEXT);
	case TOK_TRUE:
	case TOK_FALSE:
		return parse_literal(p, NODE_TRUTH);
	case TOK_NAME:
		return parse_name(p);
	case TOK_OPEN:
		return parse_parentheses(p);
	case TOK_LIST:
		return fail(p, "a list stands only behind `in`");
	default:
		return fail_wanted(p, "a value");
	}
}

/* Every way down passes here or through parse_not, which therefore count the depth. */
static bool
enter(struct parser *p)
{
	if (++p->tree->depth > EXPR_DEPTH_MAX) {
		fail(p, "this expression is nested too deeply");
		return false;
	}
	return true;
}

static struct node *
parse_sign(struct parser *p)
{
	uint16_t column = p->token.column;

	if (p->token.kind != TOK_MINUS)
		return parse_primary(p);
	if (!enter(p) || !advance(p))
		return NULL;
	struct node *kid = parse_sign(p);
	p->tree->depth--;
	struct node *node = kid ? node_with(p, NODE_UNARY, &kid, 1) : NULL;
	if (node) {
		node->op = TOK_MINUS;
		node->column = column;
	}
	return node;
}

static struct node *
parse_product(struct parser *p)
{
	struct node *left = parse_sign(p);

	while (left && (p->token.kind == TOK_TIMES || p->token.kind == TOK_DIVIDE ||
			       p->token.kind == TOK_MODULO)) {
		enum token_kind op = p->token.kind;
		struct node *right = advance(p) ? parse_sign(p) : NULL;
		left = right ? node_binary(p, op, left, right) : NULL;
	}
	return left;
}

static struct node *
parse_sum(struct parser *p)
{
	struct node *left = parse_product(p);

	while (left && (p->token.kind == TOK_PLUS || p->token.kind == TOK_MINUS)) {
		enum token_kind op = p->token.kind;
		struct node *right = advance(p) ? parse_product(p) : NULL;
		left = right ? node_binary(p, op, left, right) : NULL;
	}
	return left;
}

static struct node *
parse_in(struct parser *p, struct node *left)
{
	struct node *kids[LIST_MAX + 1] = { left };

	if (!advance(p) || !take(p, TOK_LIST, "`[` after `in`"))
		return NULL;
	int count = parse_list(p, TOK_LIST_END, kids + 1);
	if (count < 0)
		return NULL;
	uint16_t end = p->taken_end;
	struct node *node = node_with(p, NODE_IN, kids, (uint8_t)(count + 1));
	if (node)
		node->end = end;
	return node;
}

static bool
is_comparison(enum token_kind kind)
{
	return kind >= TOK_LESS && kind <= TOK_NOT_EQUAL;
}

static struct node *
parse_comparison(struct parser *p)
{
	struct node *left = parse_sum(p);

	if (left && p->token.kind == TOK_IN)
		return parse_in(p, left);
	if (!left || !is_comparison(p->token.kind))
		return left;
	enum token_kind op = p->token.kind;
	struct node *right = advance(p) ? parse_sum(p) : NULL;
	if (right && is_comparison(p->token.kind))
		return fail(p, "comparisons do not chain: write `a < b and b < c`");
	return right ? node_binary(p, op, left, right) : NULL;
}

static struct node *
parse_not(struct parser *p)
{
	uint16_t column = p->token.column;

	if (p->token.kind != TOK_NOT)
		return parse_comparison(p);
	if (!enter(p) || !advance(p))
		return NULL;
	struct node *kid = parse_not(p);
	p->tree->depth--;
	struct node *node = kid ? node_with(p, NODE_UNARY, &kid, 1) : NULL;
	if (node) {
		node->op = TOK_NOT;
		node->column = column;
	}
	return node;
}

static struct node *
parse_and(struct parser *p)
{
	struct node *left = parse_not(p);

	while (left && p->token.kind == TOK_AND) {
		struct node *right = advance(p) ? parse_not(p) : NULL;
		left = right ? node_binary(p, TOK_AND, left, right) : NULL;
	}
	return left;
}

static struct node *
parse_or(struct parser *p)
{
	struct node *left = parse_and(p);

	while (left && p->token.kind == TOK_OR) {
		struct node *right = advance(p) ? parse_and(p) : NULL;
		left = right ? node_binary(p, TOK_OR, left, right) : NULL;
	}
	return left;
}

static struct node *
parse_if(struct parser *p)
{
	struct node *kids[3];
	uint16_t column = p->token.column;

	if (!advance(p) || !(kids[0] = parse_value(p)))
		return NULL;
	if (!take(p, TOK_THEN, "`then`") || !(kids[1] = parse_value(p)))
		return NULL;
	if (!take(p, TOK_ELSE, "`else`") || !(kids[2] = parse_value(p)))
		return NULL;
	struct node *node = node_with(p, NODE_IF, kids, 3);
	if (node)
		node->column = column;
	return node;
}

static struct node *
parse_value(struct parser *p)
{
	if (!enter(p))
		return NULL;
	struct node *node = p->token.kind == TOK_IF ? parse_if(p) : parse_or(p);
	p->tree->depth--;
	return node;
}

int
tree_parse(struct tree *tree, struct err *e)
{
	struct parser p = { .tree = tree, .lexer = { .tree = tree }, .e = e };

	if (strlen(tree->text) > EXPR_TEXT_MAX)
		return err_set(e, 1, "this expression is longer than %d bytes", EXPR_TEXT_MAX);
	if (!advance(&p))
		return -1;
	if (p.token.kind == TOK_END)
		return err_set(e, 1, "this expression is empty");
	tree->root = parse_value(&p);
	if (!tree->root)
		return -1;
	if (p.token.kind == TOK_END)
		return 0;
	fail_wanted(&p, "an operator or the end");
	return -1;
}

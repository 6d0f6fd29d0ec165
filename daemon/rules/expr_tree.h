/*
 * What the files of the expression language share: tokens, the tree, and the rows of functions.
 * Nobody outside of expr_*.c includes this.
 *
 *	text -> expr_lex -> expr_parse -> tree -> expr_check (names, types, units) -> expr_eval
 *	                                      \-> expr_judge (paths of a JSON document)
 */
#ifndef RULES_EXPR_TREE_H
#define RULES_EXPR_TREE_H

#include "model/series.h"
#include "rules/expr.h"

#define EXPR_TEXT_MAX  4000 /* bytes of one expression: a place fits 16 bits */
#define EXPR_DEPTH_MAX 50   /* parentheses inside parentheses */
#define EXPR_NODES_MAX 1000

enum token_kind {
	TOK_END,
	TOK_NAME,
	TOK_BRACKET, /* [text] that touches the name before it */
	TOK_NUMBER,
	TOK_TEXT,
	TOK_DOT,
	TOK_COMMA,
	TOK_OPEN,
	TOK_CLOSE,
	TOK_LIST,
	TOK_LIST_END,
	TOK_PLUS,
	TOK_MINUS,
	TOK_TIMES,
	TOK_DIVIDE,
	TOK_MODULO,
	TOK_LESS,
	TOK_LESS_EQUAL,
	TOK_GREATER,
	TOK_GREATER_EQUAL,
	TOK_EQUAL,
	TOK_NOT_EQUAL,
	TOK_AND,
	TOK_OR,
	TOK_NOT,
	TOK_IN,
	TOK_IF,
	TOK_THEN,
	TOK_ELSE,
	TOK_TRUE,
	TOK_FALSE,
	TOKEN_KINDS
};

struct token {
	enum token_kind kind;
	uint16_t column, end; /* from 1; end: one past it */
	const char *text;     /* NAME, BRACKET, TEXT: in the tree's memory */
	double number;
	enum metric_unit unit;
};

enum node_kind {
	NODE_NUMBER,
	NODE_TEXT,
	NODE_TRUTH,
	NODE_REF, /* steps: a name that the checker resolves */
	NODE_METRIC,
	NODE_CHECK,
	NODE_UNARY,
	NODE_BINARY,
	NODE_IN, /* kids: the value, then the list */
	NODE_IF,
	NODE_CALL,
	NODE_KINDS
};

/* `disks[/var].used_percent`: a name, a bracket, a name. */
struct step {
	const char *text;
	uint16_t column;
	bool is_bracket;
};

/* There are thousands: small fields lie beside each other. */
struct node {
	enum node_kind kind : 7;
	bool is_bare : 1;       /* written without a unit: fits counts and percent */
	enum token_kind op : 8; /* UNARY, BINARY */
	uint8_t step_count, kid_count;
	enum metric_unit unit; /* of the result, after the check */
	uint16_t column, end;  /* place in the text, from 1; end: one past it */
	int index;             /* of the metric in its table */
	double number;         /* NUMBER, TRUTH */
	const char *text;      /* TEXT; CALL: the function's name */
	const struct step *steps;
	const char *check; /* METRIC, CHECK */
	const struct metric_desc *metric;
	const struct expr_function *function;
	const struct expr_window *window; /* CALL: what is kept for it; NULL: nothing */
	struct node **kids;
};

/* Memory of one tree: blocks that are freed together. */
struct tree {
	char *text;
	struct tree_block *blocks;
	struct node *root;
	unsigned nodes, depth;
};

void tree_init(struct tree *tree, const char *text);
void tree_fini(struct tree *tree);
void *tree_alloc(struct tree *tree, size_t size); /* zeroed */
const char *tree_text(struct tree *tree, const char *text, size_t len);

struct lexer {
	struct tree *tree;
	size_t at;
	enum token_kind last; /* a bracket after a name is another thing than a list */
	size_t last_end;
};

int lex_next(struct lexer *lexer, struct token *token, struct err *e);
const char *token_name(enum token_kind kind); /* for people: "`<=`", "a name" */
bool token_is_keyword(const char *word);

/* Fills tree->root; -1 and e->code = column. */
int tree_parse(struct tree *tree, struct err *e);

/* --- checking --- */

struct expr {
	struct tree tree;
	const char **checks;
	size_t check_count;
	const struct expr_window **windows; /* in the tree's memory */
	size_t window_count;
	bool is_timed;
};

enum expr_want { WANT_ANY, WANT_WORDS /* a check's name alone is its name as text */ };

int expr_check(
	struct expr *expr, const struct expr_names *names, enum expr_want want, struct err *e);
struct expr *expr_compile_as(
	const char *text, const struct expr_names *names, enum expr_want want, struct err *e);

const char *unit_words(enum metric_unit unit); /* "bytes", "a plain number" */
/* Do these fit each other in a comparison or a sum?  *unit: what they are then.  `e` says why not
 * ("cannot compare bytes with seconds"); `verb` is "compare" or "add". */
int unit_join(const struct node *a, const struct node *b, const char *verb, enum metric_unit *unit,
	struct err *e);
int unit_of_product(const struct node *node, enum metric_unit *unit, struct err *e);

/* --- evaluation --- */

struct expr_value expr_eval_node(const struct node *node, const struct expr_world *world);
struct expr_value value_unknown(enum metric_unit unit);
struct expr_value value_number_of(enum metric_unit unit, double number);
struct expr_value value_truth(bool is_true);
bool compare_numbers(enum token_kind op, double a, double b);
extern const char expr_this[]; /* every node about `this` names it by this pointer */
const char *expr_real_check(const char *check, const struct expr_world *world);

#endif

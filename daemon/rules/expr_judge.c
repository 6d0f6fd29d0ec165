/*
 * The same language over a JSON document, for expect.json: `success == true`,
 * `data.nodes[0].state == "up"`, `errCode in [0, 1602]`.  Names are paths, types are whatever the
 * document has, and units have no place.  A missing path is unknown and is said by name; a value
 * of another type than it is compared with differs from it.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "rules/expr_tree.h"

#define FOUND_MAX 80 /* bytes of one value that are shown */

enum doc_kind { DOC_UNKNOWN, DOC_NUMBER, DOC_TEXT, DOC_TRUTH, DOC_NULL, DOC_OTHER };

struct doc_value {
	enum doc_kind kind;
	double number;
	const char *text;
};

/* --- compiling --- */

static int check(const struct node *node, struct err *e);

static int
check_kids(const struct node *node, struct err *e)
{
	for (unsigned i = 0; i < node->kid_count; i++)
		if (check(node->kids[i], e) != 0)
			return -1;
	return 0;
}

static int
check(const struct node *node, struct err *e)
{
	if (node->kind == NODE_CALL)
		return err_set(e, (int)node->column,
			"there are no functions here: compare a path of the document, such as %s",
			"success == true");
	if (node->kind == NODE_NUMBER && node->unit != UNIT_NONE)
		return err_set(e, (int)node->column, "a document's numbers have no unit");
	return check_kids(node, e);
}

/* An answer of yes or no; a path alone may be one, too (`success`). */
static bool
is_condition(const struct node *node)
{
	switch (node->kind) {
	case NODE_REF:
	case NODE_TRUTH:
	case NODE_IN:
		return true;
	case NODE_UNARY:
		return node->op == TOK_NOT;
	case NODE_BINARY:
		return node->op >= TOK_LESS && node->op <= TOK_OR;
	case NODE_IF:
		return is_condition(node->kids[1]) && is_condition(node->kids[2]);
	default:
		return false;
	}
}

static void
release(void *compiled)
{
	struct tree *tree = compiled;

	if (!tree)
		return;
	tree_fini(tree);
	free(tree);
}

static void *
compile(const char *text, struct err *e)
{
	struct tree *tree = xcalloc(1, sizeof(*tree));

	tree_init(tree, text);
	if (tree_parse(tree, e) != 0 || check(tree->root, e) != 0)
		goto fail;
	if (!is_condition(tree->root)) {
		err_set(e, 1, "this is no condition: compare it, such as success == true");
		goto fail;
	}
	return tree;
fail:
	release(tree);
	return NULL;
}

/* --- looking --- */

static bool
is_index(const char *text)
{
	size_t len = strspn(text, "0123456789");

	return len > 0 && len < 10 && text[len] == '\0';
}

/* ["a key"] is a member's name, [3] a place in a list. */
static const json_t *
step_into(const json_t *at, const struct step *step)
{
	size_t len = strlen(step->text);
	char key[256];

	if (json_is_array(at) && step->is_bracket && is_index(step->text))
		return json_array_get(at, (size_t)strtoul(step->text, NULL, 10));
	if (!json_is_object(at))
		return NULL;
	if (step->is_bracket && len >= 2 && strchr("\"'", step->text[0]) &&
		step->text[len - 1] == step->text[0] && len - 2 < sizeof(key)) {
		memcpy(key, step->text + 1, len - 2);
		key[len - 2] = '\0';
		return json_object_get(at, key);
	}
	return json_object_get(at, step->text);
}

static const json_t *
find(const struct node *ref, const json_t *doc)
{
	for (unsigned i = 0; i < ref->step_count && doc; i++)
		doc = step_into(doc, &ref->steps[i]);
	return doc;
}

static bool
is_null_word(const struct node *node)
{
	return node->kind == NODE_REF && node->step_count == 1 &&
	       strcmp(node->steps[0].text, "null") == 0;
}

static struct doc_value
value_of_json(const json_t *found)
{
	if (!found)
		return (struct doc_value){ .kind = DOC_UNKNOWN };
	switch (json_typeof(found)) {
	case JSON_INTEGER:
	case JSON_REAL:
		return (struct doc_value){ .kind = DOC_NUMBER, .number = json_number_value(found) };
	case JSON_STRING:
		return (struct doc_value){ .kind = DOC_TEXT, .text = json_string_value(found) };
	case JSON_TRUE:
	case JSON_FALSE:
		return (struct doc_value){ .kind = DOC_TRUTH, .number = json_is_true(found) };
	case JSON_NULL:
		return (struct doc_value){ .kind = DOC_NULL };
	default:
		return (struct doc_value){ .kind = DOC_OTHER };
	}
}

static struct doc_value
truth(bool is_true)
{
	return (struct doc_value){ .kind = DOC_TRUTH, .number = is_true };
}

static const struct doc_value unknown = { .kind = DOC_UNKNOWN };

static bool
are_equal(const struct doc_value *a, const struct doc_value *b)
{
	if (a->kind != b->kind || a->kind == DOC_OTHER)
		return false;
	if (a->kind == DOC_TEXT)
		return strcmp(a->text, b->text) == 0;
	return a->kind == DOC_NULL || a->number == b->number;
}

static struct doc_value
compare(enum token_kind op, const struct doc_value *a, const struct doc_value *b)
{
	if (a->kind == DOC_UNKNOWN || b->kind == DOC_UNKNOWN)
		return unknown;
	if (op == TOK_EQUAL || op == TOK_NOT_EQUAL)
		return truth(are_equal(a, b) == (op == TOK_EQUAL));
	if (a->kind != DOC_NUMBER || b->kind != DOC_NUMBER)
		return truth(false);
	return truth(compare_numbers(op, a->number, b->number));
}

static struct doc_value look_at(const struct node *node, const json_t *doc);

static struct doc_value
look_logic(const struct node *node, const json_t *doc)
{
	bool decides = node->op == TOK_OR;
	struct doc_value left = look_at(node->kids[0], doc);
	struct doc_value right = look_at(node->kids[1], doc);

	/* What is not yes or no is not true. */
	bool left_is = left.kind == DOC_TRUTH && left.number != 0;
	bool right_is = right.kind == DOC_TRUTH && right.number != 0;
	if (left.kind != DOC_UNKNOWN && left_is == decides)
		return truth(decides);
	if (right.kind != DOC_UNKNOWN && right_is == decides)
		return truth(decides);
	if (left.kind == DOC_UNKNOWN || right.kind == DOC_UNKNOWN)
		return unknown;
	return truth(!decides);
}

static struct doc_value
calculate(enum token_kind op, const struct doc_value *a, const struct doc_value *b)
{
	struct doc_value value = { .kind = DOC_NUMBER };

	if (a->kind != DOC_NUMBER || b->kind != DOC_NUMBER)
		return unknown;
	if (op == TOK_PLUS)
		value.number = a->number + b->number;
	else if (op == TOK_MINUS)
		value.number = a->number - b->number;
	else if (op == TOK_TIMES)
		value.number = a->number * b->number;
	else if (b->number == 0)
		return unknown;
	else
		value.number =
			op == TOK_DIVIDE ? a->number / b->number : fmod(a->number, b->number);
	return value;
}

static struct doc_value
look_binary(const struct node *node, const json_t *doc)
{
	if (node->op == TOK_AND || node->op == TOK_OR)
		return look_logic(node, doc);
	struct doc_value a = look_at(node->kids[0], doc), b = look_at(node->kids[1], doc);
	if (node->op >= TOK_LESS && node->op <= TOK_NOT_EQUAL)
		return compare(node->op, &a, &b);
	return calculate(node->op, &a, &b);
}

static struct doc_value
look_unary(const struct node *node, const json_t *doc)
{
	struct doc_value value = look_at(node->kids[0], doc);

	if (node->op == TOK_NOT)
		return value.kind == DOC_UNKNOWN
			       ? unknown
			       : truth(value.kind != DOC_TRUTH || value.number == 0);
	if (value.kind != DOC_NUMBER)
		return unknown;
	value.number = -value.number;
	return value;
}

static struct doc_value
look_in(const struct node *node, const json_t *doc)
{
	struct doc_value value = look_at(node->kids[0], doc);

	if (value.kind == DOC_UNKNOWN)
		return unknown;
	for (unsigned i = 1; i < node->kid_count; i++) {
		struct doc_value one = look_at(node->kids[i], doc);
		if (are_equal(&value, &one))
			return truth(true);
	}
	return truth(false);
}

static struct doc_value
look_if(const struct node *node, const json_t *doc)
{
	struct doc_value asked = look_at(node->kids[0], doc);

	if (asked.kind == DOC_UNKNOWN)
		return unknown;
	bool is_true = asked.kind == DOC_TRUTH && asked.number != 0;
	return look_at(node->kids[is_true ? 1 : 2], doc);
}

static struct doc_value
look_at(const struct node *node, const json_t *doc)
{
	switch (node->kind) {
	case NODE_NUMBER:
		return (struct doc_value){ .kind = DOC_NUMBER, .number = node->number };
	case NODE_TEXT:
		return (struct doc_value){ .kind = DOC_TEXT, .text = node->text };
	case NODE_TRUTH:
		return truth(node->number != 0);
	case NODE_REF:
		if (is_null_word(node))
			return (struct doc_value){ .kind = DOC_NULL };
		return value_of_json(find(node, doc));
	case NODE_UNARY:
		return look_unary(node, doc);
	case NODE_BINARY:
		return look_binary(node, doc);
	case NODE_IN:
		return look_in(node, doc);
	case NODE_IF:
		return look_if(node, doc);
	default:
		return unknown;
	}
}

/* --- what was found --- */

static void
show_json(const json_t *found, struct buf *out)
{
	char shown[FOUND_MAX];

	if (!found) {
		buf_add_text(out, "missing");
		return;
	}
	if (json_is_object(found) || json_is_array(found)) {
		buf_add_text(out, json_is_object(found) ? "an object" : "a list");
		return;
	}
	char *text = json_dumps(found, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(10));
	if (!text) {
		buf_add_text(out, "not readable");
		return;
	}
	bool is_cut = strlen(text) >= sizeof(shown);
	str_printable(shown, sizeof(shown), text, strlen(text));
	buf_addf(out, "%s%s", shown, is_cut ? "…" : "");
	free(text);
}

static void
show_paths(const struct tree *tree, const struct node *node, const json_t *doc, struct buf *out)
{
	for (unsigned i = 0; i < node->kid_count; i++)
		show_paths(tree, node->kids[i], doc, out);
	if (node->kind != NODE_REF || is_null_word(node))
		return;
	if (out->len > 0)
		buf_add_text(out, ", ");
	buf_add(out, tree->text + node->column - 1, node->end - node->column);
	buf_add_text(out, " is ");
	show_json(find(node, doc), out);
}

static enum verdict
look(const void *compiled, const json_t *doc, char *found, size_t size)
{
	const struct tree *tree = compiled;
	struct doc_value value = look_at(tree->root, doc);
	struct buf text;

	buf_init(&text, 8192);
	show_paths(tree, tree->root, doc, &text);
	str_copy(found, size, buf_text(&text));
	buf_fini(&text);
	if (value.kind == DOC_UNKNOWN)
		return VERDICT_UNKNOWN;
	return value.kind == DOC_TRUTH && value.number != 0 ? VERDICT_TRUE : VERDICT_FALSE;
}

const struct judge expr_judge = { .compile = compile, .release = release, .look = look };

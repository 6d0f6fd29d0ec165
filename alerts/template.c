/*
 * The tree of a template: read from the settings once, walked for each event.  Keys are as they are
 * written; plain numbers, booleans and nulls of YAML are those of JSON; everything else is a text.
 */
#include "alerts/template.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

enum kind { KIND_VALUE, KIND_TEXT, KIND_LIST, KIND_MAP };

struct value {
	enum kind kind;
	json_t *json;               /* VALUE */
	struct template_text *text; /* TEXT */
	struct value *items;        /* LIST, MAP */
	char **keys;                /* MAP */
	size_t count;
};

struct template
{
	struct value root;
};

struct making {
	const struct template_names *names;
	struct complaints *complaints;
	size_t values;
	bool is_bad;
};

static void make(struct value *value, const struct conf_node *node, struct making *making);

static void
refuse(struct making *making, const struct conf_node *node, const char *why)
{
	making->is_bad = true;
	complain(making->complaints, &node->pos, "template: %s", why);
}

/* ---- plain scalars ---- */

static json_t *
read_number(const char *text)
{
	char *end;
	long long whole;
	double real;

	if (text[strspn(text, "+-.0123456789eE")] != '\0' || text[0] == '\0')
		return NULL;
	errno = 0;
	whole = strtoll(text, &end, 10);
	if (*end == '\0' && errno == 0)
		return json_integer(whole);
	errno = 0;
	real = strtod(text, &end);
	return *end == '\0' && errno == 0 && isfinite(real) ? json_real(real) : NULL;
}

/* NULL: it is a text. */
static json_t *
read_plain(const struct conf_node *node)
{
	if (node->is_null)
		return json_null();
	if (!node->is_plain)
		return NULL;
	if (str_eq(node->text, "true"))
		return json_true();
	if (str_eq(node->text, "false"))
		return json_false();
	return read_number(node->text);
}

static void
make_scalar(struct value *value, const struct conf_node *node, struct making *making)
{
	struct err e = { .code = 0 };

	value->json = read_plain(node);
	if (value->json != NULL)
		return;
	value->kind = KIND_TEXT;
	value->text = template_text_new(node->text, making->names, &e);
	if (value->text == NULL)
		refuse(making, node, e.text);
}

/* ---- lists and maps ---- */

static void
make_items(struct value *value, const struct conf_node *node, struct making *making)
{
	value->kind = node->kind == CONF_MAP ? KIND_MAP : KIND_LIST;
	value->items = xcalloc(node->count + 1, sizeof(*value->items));
	if (value->kind == KIND_MAP)
		value->keys = xcalloc(node->count + 1, sizeof(*value->keys));
	for (size_t i = 0; i < node->count && making->values <= TEMPLATE_VALUES_MAX; i++) {
		if (value->keys != NULL)
			value->keys[i] = xstrdup(node->items[i]->key);
		value->count = i + 1;
		make(&value->items[i], node->items[i], making);
	}
}

static void
make(struct value *value, const struct conf_node *node, struct making *making)
{
	if (++making->values == TEMPLATE_VALUES_MAX + 1)
		refuse(making, node, "it has more than 1000 values");
	if (node->is_broken || making->values > TEMPLATE_VALUES_MAX) {
		making->is_bad = true;
		value->json = json_null();
	} else if (node->kind == CONF_SCALAR) {
		make_scalar(value, node, making);
	} else {
		make_items(value, node, making);
	}
}

static void
fini(struct value *value)
{
	for (size_t i = 0; i < value->count; i++) {
		fini(&value->items[i]);
		if (value->keys != NULL)
			free(value->keys[i]);
	}
	free(value->items);
	free(value->keys);
	template_text_free(value->text);
	json_decref(value->json);
}

struct template *
template_new(const struct conf_node *node, const struct template_names *names,
	struct complaints *complaints)
{
	struct template *template = xcalloc(1, sizeof(*template));
	struct making making = { .names = names, .complaints = complaints };

	if (node->kind == CONF_SCALAR)
		refuse(&making, node, "it is the whole body: write a map or a list");
	else
		make(&template->root, node, &making);
	if (!making.is_bad)
		return template;
	template_free(template);
	return NULL;
}

void
template_free(struct template *template)
{
	if (template == NULL)
		return;
	fini(&template->root);
	free(template);
}

/* ---- rendering ---- */

static json_t *
render(const struct value *value, const json_t *data)
{
	json_t *out;

	switch (value->kind) {
	case KIND_TEXT:
		return template_text_render(value->text, data);
	case KIND_LIST:
		out = json_array();
		for (size_t i = 0; i < value->count; i++)
			json_array_append_new(out, render(&value->items[i], data));
		return out;
	case KIND_MAP:
		out = json_object();
		for (size_t i = 0; i < value->count; i++)
			json_object_set_new(out, value->keys[i], render(&value->items[i], data));
		return out;
	case KIND_VALUE:
	default:
		return json_incref(value->json);
	}
}

json_t *
template_render(const struct template *template, const json_t *data)
{
	return render(&template->root, data);
}

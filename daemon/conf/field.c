/* Parsing, clearing and comparing the value of one row. */
#include "conf/field.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "conf/pattern.h"
#include "conf/value.h"

void *
field_slot(const struct conf_field *field, void *at)
{
	return (char *)at + field->offset;
}

const void *
field_slot_const(const struct conf_field *field, const void *at)
{
	return (const char *)at + field->offset;
}

const char *
field_kind(const struct conf_field *field)
{
	static const char *const kinds[] = {
		[CONF_END] = "",
		[CONF_STRING] = "a text",
		[CONF_SECRET] = "a text",
		[CONF_URL] = "a URL",
		[CONF_DSN] = "a data source name",
		[CONF_INT] = "a whole number",
		[CONF_NUMBER] = "a number",
		[CONF_BOOL] = "true or false",
		[CONF_DURATION] = "a duration, such as 10s",
		[CONF_SIZE] = "a size, such as 10MB",
		[CONF_ENUM] = "a word",
		[CONF_PATH] = "a path",
		[CONF_REGEX] = "a regular expression",
		[CONF_STRINGS] = "a text or a list of texts",
		[CONF_PAIRS] = "a map of names and texts",
		[CONF_NODE] = "",
		[CONF_GROUP] = "a map",
	};
	return kinds[field->type];
}

/* --- scalars --- */

static int
parse_enum(const struct conf_field *field, const char *text, int *out, struct err *e)
{
	size_t count = 0;
	struct buf names;
	buf_init(&names, 300);
	for (; field->choices[count] != NULL; count++) {
		if (strcmp(field->choices[count], text) == 0) {
			*out = (int)count;
			buf_fini(&names);
			return 0;
		}
		buf_addf(&names, "%s%s", count > 0 ? ", " : "", field->choices[count]);
	}
	const char *near = str_nearest(text, field->choices, count);
	if (near != NULL)
		err_set(e, 0, "\"%.60s\" is not one of %s, did you mean \"%s\"?", text,
			buf_text(&names), near);
	else
		err_set(e, 0, "\"%.60s\" is not one of %s", text, buf_text(&names));
	buf_fini(&names);
	return -1;
}

static int
parse_number(const struct conf_field *field, const char *text, double *out, struct err *e)
{
	size_t len = strlen(text);
	if (len < 2 || text[len - 1] != '%' || !str_eq(field->unit, "%"))
		return value_number(text, out, e);
	char *bare = xstrndup(text, len - 1);
	int result = value_number(bare, out, e);
	free(bare);
	return result;
}

static int
parse_text(const struct conf_field *field, const char *text, char **out, struct err *e)
{
	if (field->type == CONF_URL && field_url_check(field, text, e) != 0)
		return -1;
	if (field->type == CONF_DSN && field_dsn_check(field, text, e) != 0)
		return -1;
	if (field->type == CONF_REGEX && pattern_check(text, e) != 0)
		return -1;
	if (field->type == CONF_PATH && text[0] != '/')
		return err_set(e, 0, "\"%.80s\" must be an absolute path: begin it with /", text);
	/* An empty secret is none: ${TOKEN:-} switches it off. */
	if (field->type == CONF_SECRET && *text == '\0')
		return 0;
	*out = xstrdup(text);
	return 0;
}

static bool
is_word(const struct conf_field *field, const char *text)
{
	return field->word != NULL && str_eq(text, field->word);
}

static int
parse_int(const struct conf_field *field, const char *text, int64_t *out, struct err *e)
{
	if (is_word(field, text)) {
		*out = 0;
		return 0;
	}
	if (value_int(text, out, e) == 0)
		return 0;
	return field->word != NULL ? err_set(e, 0, "\"%.80s\" is neither %s nor a whole number",
					     text, field->word)
				   : -1;
}

static int
parse_value(const struct conf_field *field, const char *text, void *slot, struct err *e)
{
	switch (field->type) {
	case CONF_INT:
		return parse_int(field, text, slot, e);
	case CONF_NUMBER:
		return parse_number(field, text, slot, e);
	case CONF_BOOL:
		return value_bool(text, slot, e);
	case CONF_DURATION:
		return value_duration(text, slot, e);
	case CONF_SIZE:
		return value_size(text, slot, e);
	case CONF_ENUM:
		return parse_enum(field, text, slot, e);
	default:
		return parse_text(field, text, slot, e);
	}
}

/* The value as a number that can be compared with a bound's. */
static double
magnitude(const struct conf_field *field, const void *slot)
{
	if (field->type == CONF_NUMBER)
		return *(const double *)slot;
	return (double)*(const int64_t *)slot; /* usec_t is one too */
}

static int
check_bounds(const struct conf_field *field, const void *slot, struct err *e)
{
	union {
		int64_t whole;
		double real;
	} bound;
	bool has_bounds = field->type == CONF_INT || field->type == CONF_NUMBER ||
			  field->type == CONF_DURATION || field->type == CONF_SIZE;
	if (!has_bounds)
		return 0;
	const char *min = field->min, *max = field->max;
	if (min != NULL && parse_value(field, min, &bound, NULL) == 0 &&
		magnitude(field, slot) < magnitude(field, &bound))
		return err_set(e, 0, "must be at least %s", min);
	if (max != NULL && parse_value(field, max, &bound, NULL) == 0 &&
		magnitude(field, slot) > magnitude(field, &bound))
		return err_set(e, 0, "must be at most %s", max);
	return 0;
}

int
field_parse(const struct conf_field *field, const char *text, void *slot, struct err *e)
{
	if (parse_value(field, text, slot, e) != 0)
		return -1;
	return is_word(field, text) ? 0 : check_bounds(field, slot, e);
}

/* --- defaults --- */

void
each_default(const char *dflt, void (*fn)(void *arg, const char *item), void *arg)
{
	if (dflt[0] != '[') {
		fn(arg, dflt);
		return;
	}
	for (const char *at = dflt + 1; *at != '\0' && *at != ']';) {
		size_t len = strcspn(at, ",]");
		char *item = xstrndup(at, len);
		fn(arg, item);
		free(item);
		at += len;
		at += strspn(at, ", ");
	}
}

static void
append_string(void *arg, const char *item)
{
	struct conf_strings *list = arg;
	list->all = xreallocarray(list->all, list->count + 1, sizeof(char *));
	list->all[list->count++] = xstrdup(item);
}

void
field_set_default(const struct conf_field *field, void *slot)
{
	if (field->dflt == NULL) {
		if (field->type == CONF_ENUM)
			*(int *)slot = -1;
		return;
	}
	int result = 0;
	if (field->type == CONF_STRINGS)
		each_default(field->dflt, append_string, slot);
	else if (field->type < CONF_STRINGS)
		result = parse_value(field, field->dflt, slot, NULL);
	assert(result == 0); /* a row must accept its own default */
	(void)result;
}

/* --- clearing and comparing --- */

static void
clear_strings(struct conf_strings *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->all[i]);
	free(list->all);
	*list = (struct conf_strings){ 0 };
}

static void
clear_pairs(struct conf_pairs *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->all[i].name);
		secret_wipe(list->all[i].value, strlen(list->all[i].value));
		free(list->all[i].value);
	}
	free(list->all);
	*list = (struct conf_pairs){ 0 };
}

static void
clear_text(char **slot)
{
	if (*slot != NULL)
		secret_wipe(*slot, strlen(*slot));
	free(*slot);
	*slot = NULL;
}

void
field_clear(const struct conf_field *field, void *slot)
{
	switch (field->type) {
	case CONF_STRING:
	case CONF_SECRET:
	case CONF_URL:
	case CONF_DSN:
	case CONF_PATH:
	case CONF_REGEX:
		clear_text(slot);
		break;
	case CONF_STRINGS:
		clear_strings(slot);
		break;
	case CONF_PAIRS:
		clear_pairs(slot);
		break;
	case CONF_GROUP:
		conf_clear(field->fields, slot);
		break;
	case CONF_NODE:
		*(const struct conf_node **)slot = NULL;
		break;
	case CONF_BOOL:
		*(bool *)slot = false;
		break;
	case CONF_ENUM:
		*(int *)slot = 0;
		break;
	case CONF_INT:
	case CONF_DURATION:
	case CONF_SIZE:
		*(int64_t *)slot = 0;
		break;
	case CONF_NUMBER:
		*(double *)slot = 0;
		break;
	case CONF_END:
	default:
		break;
	}
}

static bool
same_strings(const struct conf_strings *a, const struct conf_strings *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->all[i], b->all[i]) != 0)
			return false;
	return true;
}

static bool
same_pairs(const struct conf_pairs *a, const struct conf_pairs *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->all[i].name, b->all[i].name) != 0 ||
			strcmp(a->all[i].value, b->all[i].value) != 0)
			return false;
	return true;
}

static bool
same_nodes(const struct conf_node *a, const struct conf_node *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	if (a->kind != b->kind || a->count != b->count || a->is_null != b->is_null)
		return false;
	if (!a->is_null && !str_eq(a->text, b->text))
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!str_eq(a->items[i]->key, b->items[i]->key) ||
			!same_nodes(a->items[i], b->items[i]))
			return false;
	return true;
}

bool
field_is_same(const struct conf_field *field, const void *a, const void *b)
{
	switch (field->type) {
	case CONF_STRING:
	case CONF_SECRET:
	case CONF_URL:
	case CONF_DSN:
	case CONF_PATH:
	case CONF_REGEX:
		return str_eq(*(char *const *)a, *(char *const *)b);
	case CONF_INT:
	case CONF_DURATION:
	case CONF_SIZE:
		return *(const int64_t *)a == *(const int64_t *)b;
	case CONF_NUMBER:
		return memcmp(a, b, sizeof(double)) == 0;
	case CONF_BOOL:
		return *(const bool *)a == *(const bool *)b;
	case CONF_ENUM:
		return *(const int *)a == *(const int *)b;
	case CONF_STRINGS:
		return same_strings(a, b);
	case CONF_PAIRS:
		return same_pairs(a, b);
	case CONF_NODE:
		return same_nodes(
			*(const struct conf_node *const *)a, *(const struct conf_node *const *)b);
	case CONF_GROUP:
		return conf_same(field->fields, a, b);
	case CONF_END:
	default:
		return true;
	}
}

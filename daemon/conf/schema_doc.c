/* What a table says about itself: a Markdown table for the manual, a JSON Schema for editors. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "conf/field.h"
#include "conf/value.h"

#define NAME_SIZE 160

/* Patterns of values; each also lets a ${...} through, which is replaced later. */
#define PATTERN_VARIABLE "\\$\\{"
#define PATTERN_DURATION                                                                           \
	"^(0|([0-9]+(\\.[0-9]+)?d)?([0-9]+(\\.[0-9]+)?h)?([0-9]+(\\.[0-9]+)?m)?"                   \
	"([0-9]+(\\.[0-9]+)?s)?([0-9]+(\\.[0-9]+)?ms)?)$|" PATTERN_VARIABLE
#define PATTERN_SIZE "^(0|[0-9]+(\\.[0-9]+)? ?([kKMGTP]?B|[KMGTP]iB))$|" PATTERN_VARIABLE

/* --- manual --- */

static const char *
kind_words(const struct conf_field *field)
{
	switch (field->type) {
	case CONF_STRING:
		return "text";
	case CONF_SECRET:
		return "text, secret";
	case CONF_URL:
		return "URL";
	case CONF_DSN:
		return "data source name";
	case CONF_INT:
		return "whole number";
	case CONF_NUMBER:
		return "number";
	case CONF_BOOL:
		return "boolean";
	case CONF_DURATION:
		return "duration";
	case CONF_SIZE:
		return "size";
	case CONF_PATH:
		return "path";
	case CONF_REGEX:
		return "regular expression";
	case CONF_STRINGS:
		return "text or list";
	case CONF_PAIRS:
		return "map of texts";
	case CONF_NODE:
		return "see text";
	default:
		return "";
	}
}

/* `|` would end the cell. */
static void
add_cell_text(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '|')
			buf_add_text(out, "\\|");
		else
			buf_add_text(out, *text == '\n' ? " " : (char[]){ *text, '\0' });
	}
}

static void
add_kind_cell(const struct conf_field *field, struct buf *out)
{
	if (field->word != NULL)
		buf_addf(out, "`%s` or ", field->word);
	buf_add_text(out, kind_words(field));
	for (size_t i = 0; field->type == CONF_ENUM && field->choices[i] != NULL; i++)
		buf_addf(out, "%s`%s`", i > 0 ? ", " : "", field->choices[i]);
	if (field->unit != NULL)
		buf_addf(out, " (%s)", field->unit);
	if (field->min != NULL && field->max != NULL)
		buf_addf(out, ", %s to %s", field->min, field->max);
	else if (field->min != NULL)
		buf_addf(out, ", at least %s", field->min);
	else if (field->max != NULL)
		buf_addf(out, ", at most %s", field->max);
}

static void
add_row(const struct conf_field *field, const char *name, struct buf *out)
{
	buf_addf(out, "| `%s` | ", name);
	add_kind_cell(field, out);
	buf_add_text(out, " | ");
	if ((field->flags & CONF_REQUIRED) != 0) {
		buf_add_text(out, "required");
	} else if (field->dflt != NULL) {
		buf_add_text(out, "`");
		add_cell_text(out, *field->dflt != '\0' ? field->dflt : "\"\"");
		buf_add_text(out, "`");
	}
	buf_add_text(out, " | ");
	add_cell_text(out, field->doc != NULL ? field->doc : "");
	if (field->example != NULL) {
		buf_add_text(out, " Example: `");
		add_cell_text(out, field->example);
		buf_add_text(out, "`.");
	}
	if ((field->flags & CONF_RESTART) != 0)
		buf_add_text(out, " A change takes effect at the next start.");
	buf_add_text(out, " |\n");
}

/* Two passes: rows for everybody, then those for few. */
static void
add_rows(const struct conf_field *fields, const char *prefix, unsigned advanced, struct buf *out)
{
	for (const struct conf_field *row = fields; row->type != CONF_END; row++) {
		char name[NAME_SIZE];
		snprintf(name, sizeof(name), "%s%s", prefix, row->name);
		if (row->type == CONF_GROUP) {
			size_t len = strlen(name);
			snprintf(name + len, sizeof(name) - len, ".");
			add_rows(row->fields, name, advanced, out);
		} else if ((row->flags & CONF_ADVANCED) == advanced) {
			add_row(row, name, out);
		}
	}
}

void
conf_manual(const struct conf_field *fields, struct buf *out)
{
	buf_add_text(out, "| key | value | default | meaning |\n|---|---|---|---|\n");
	add_rows(fields, "", 0, out);
	add_rows(fields, "", CONF_ADVANCED, out);
}

/* --- JSON Schema --- */

static json_t *
variable_or(json_t *schema)
{
	return json_pack("{s:[o,{s:s,s:s}]}", "anyOf", schema, "type", "string", "pattern",
		PATTERN_VARIABLE);
}

static void
set_bound(json_t *schema, const char *key, const struct conf_field *field, const char *text)
{
	int64_t whole = 0;
	double real = 0;
	if (text == NULL)
		return;
	if (field->type == CONF_INT && value_int(text, &whole, NULL) == 0)
		json_object_set_new(schema, key, json_integer(whole));
	else if (field->type == CONF_NUMBER && value_number(text, &real, NULL) == 0)
		json_object_set_new(schema, key, json_real(real));
}

static json_t *
number_schema(const struct conf_field *field)
{
	json_t *number = json_pack("{s:s}", "type", field->type == CONF_INT ? "integer" : "number");
	set_bound(number, "minimum", field, field->min);
	set_bound(number, "maximum", field, field->max);
	if (field->word != NULL)
		number = json_pack("{s:[o,{s:s}]}", "anyOf", number, "const", field->word);
	if (!str_eq(field->unit, "%"))
		return variable_or(number);
	return json_pack("{s:[o,{s:s,s:s}]}", "anyOf", number, "type", "string", "pattern",
		"^[0-9.]+%$|" PATTERN_VARIABLE);
}

static json_t *
enum_schema(const struct conf_field *field)
{
	json_t *choices = json_array();
	for (size_t i = 0; field->choices[i] != NULL; i++)
		json_array_append_new(choices, json_string(field->choices[i]));
	return variable_or(json_pack("{s:o}", "enum", choices));
}

/* YAML reads 8080 and true as what they look like: a text may be any scalar. */
static json_t *
text_schema(void)
{
	return json_pack("{s:[s,s,s]}", "type", "string", "number", "boolean");
}

static json_t *
pattern_schema(const char *pattern)
{
	return json_pack(
		"{s:[{s:i},{s:s,s:s}]}", "anyOf", "const", 0, "type", "string", "pattern", pattern);
}

static json_t *
field_schema(const struct conf_field *field)
{
	switch (field->type) {
	case CONF_INT:
	case CONF_NUMBER:
		return number_schema(field);
	case CONF_BOOL:
		return json_pack("{s:[{s:s},{s:s,s:s}]}", "anyOf", "type", "boolean", "type",
			"string", "pattern", "^(on|off)$|" PATTERN_VARIABLE);
	case CONF_DURATION:
		return pattern_schema(PATTERN_DURATION);
	case CONF_SIZE:
		return pattern_schema(PATTERN_SIZE);
	case CONF_ENUM:
		return enum_schema(field);
	case CONF_STRINGS:
		return json_pack("{s:[o,{s:s,s:o}]}", "anyOf", text_schema(), "type", "array",
			"items", text_schema());
	case CONF_PAIRS:
		return json_pack("{s:[s,s],s:o}", "type", "object", "null", "additionalProperties",
			text_schema());
	case CONF_NODE:
		return json_object();
	case CONF_GROUP:
		return conf_json_schema(field->fields);
	case CONF_URL:
	case CONF_DSN:
	case CONF_PATH:
	case CONF_REGEX:
		return json_pack("{s:s}", "type", "string");
	default:
		return text_schema();
	}
}

static void
describe(json_t *schema, const struct conf_field *field)
{
	if (field->doc != NULL)
		json_object_set_new(schema, "description", json_string(field->doc));
	if (field->dflt != NULL)
		json_object_set_new(schema, "default", json_string(field->dflt));
	if (field->example != NULL)
		json_object_set_new(schema, "examples", json_pack("[s]", field->example));
}

json_t *
conf_json_schema(const struct conf_field *fields)
{
	json_t *properties = json_object(), *required = json_array();
	for (const struct conf_field *row = fields; row->type != CONF_END; row++) {
		json_t *schema = field_schema(row);
		describe(schema, row);
		json_object_set_new(properties, row->name, schema);
		if ((row->flags & CONF_REQUIRED) != 0)
			json_array_append_new(required, json_string(row->name));
	}
	json_t *all = json_pack("{s:[s,s],s:o,s:b}", "type", "object", "null", "properties",
		properties, "additionalProperties", 0);
	if (json_array_size(required) > 0)
		json_object_set(all, "required", required);
	json_decref(required);
	return all;
}

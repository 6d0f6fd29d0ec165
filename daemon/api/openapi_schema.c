/* Shapes as JSON Schema (2020-12, which OpenAPI 3.1 is built on). */
#include "api/openapi_schema.h"

#include <string.h>

static json_t *
any_text(void)
{
	return json_pack("{s:s}", "type", "string");
}

static json_t *
map_of(json_t *what)
{
	return json_pack("{s:s, s:o}", "type", "object", "additionalProperties", what);
}

static json_t *
duration(void)
{
	return json_pack("{s:s, s:s, s:[s]}", "type", "string", "pattern",
		"^([0-9]+(\\.[0-9]+)?(us|ms|s|m|h|d|w))+$", "examples", "2h");
}

static json_t *
globs(void)
{
	return json_pack(
		"{s:[o, {s:s, s:o}]}", "oneOf", any_text(), "type", "array", "items", any_text());
}

json_t *
openapi_kind(enum shape_kind kind)
{
	switch (kind) {
	case SHAPE_TEXT:
		return any_text();
	case SHAPE_NUMBER:
		return json_pack("{s:s}", "type", "number");
	case SHAPE_INTEGER:
		return json_pack("{s:s}", "type", "integer");
	case SHAPE_FLAG:
		return json_pack("{s:s}", "type", "boolean");
	case SHAPE_TIME:
		return json_pack("{s:s, s:s}", "type", "string", "format", "date-time");
	case SHAPE_DURATION:
		return duration();
	case SHAPE_MAP:
		return map_of(json_pack("{s:s}", "type", "number"));
	case SHAPE_LABELS:
		return map_of(any_text());
	case SHAPE_VALUES:
		return map_of(json_pack("{s:[s,s,s]}", "type", "number", "string", "boolean"));
	case SHAPE_GLOBS:
		return globs();
	case SHAPE_OBJECT:
	case SHAPE_ANY:
		break;
	}
	return json_object();
}

json_t *
openapi_words(json_t *schema, const char *const *words)
{
	json_t *list = json_array();

	for (; *words != NULL; words++)
		json_array_append_new(list, json_string(*words));
	json_object_set_new(schema, "enum", list);
	return schema;
}

/* A value of the field, one of several where it is a list. */
static json_t *
one(json_t *schemas, const struct shape_field *field)
{
	json_t *schema;

	if (field->of != NULL && field->kind == SHAPE_MAP)
		return map_of(openapi_ref(schemas, field->of));
	if (field->of != NULL)
		return openapi_ref(schemas, field->of);
	schema = openapi_kind(field->kind);
	return field->words == NULL ? schema : openapi_words(schema, field->words);
}

/* ...or null. */
static json_t *
or_null(json_t *schema)
{
	json_t *type = json_object_get(schema, "type"), *words = json_object_get(schema, "enum");

	if (!json_is_string(type))
		return json_pack("{s:[o, {s:s}]}", "oneOf", schema, "type", "null");
	json_object_set_new(schema, "type", json_pack("[O, s]", type, "null"));
	if (words != NULL)
		json_array_append_new(words, json_null());
	return schema;
}

static json_t *
field_schema(json_t *schemas, const struct shape_field *field)
{
	json_t *schema = one(schemas, field);

	if (field->is & SHAPE_NULL)
		schema = or_null(schema);
	if (field->is & SHAPE_LIST)
		schema = json_pack("{s:s, s:o}", "type", "array", "items", schema);
	if (field->doc != NULL)
		json_object_set_new(schema, "description", json_string(field->doc));
	return schema;
}

static void
add_fields(json_t *schemas, const struct shape *shape, json_t *properties, json_t *required)
{
	if (shape->extends != NULL)
		add_fields(schemas, shape->extends, properties, required);
	for (const struct shape_field *field = shape->fields; field->name != NULL; field++) {
		json_object_set_new(properties, field->name, field_schema(schemas, field));
		if (!(field->is & SHAPE_OPTIONAL))
			json_array_append_new(required, json_string(field->name));
	}
}

static void
add_shape(json_t *schemas, const struct shape *shape)
{
	json_t *properties = json_object(), *required = json_array();
	json_t *schema = json_pack("{s:s, s:s}", "type", "object", "description", shape->doc);

	/* Before its fields: a shape may have itself inside. */
	json_object_set_new(schemas, shape->name, schema);
	json_object_set_new(schema, "properties", properties);
	add_fields(schemas, shape, properties, required);
	if (json_array_size(required) > 0)
		json_object_set(schema, "required", required);
	json_decref(required);
}

json_t *
openapi_ref(json_t *schemas, const struct shape *shape)
{
	if (json_object_get(schemas, shape->name) == NULL)
		add_shape(schemas, shape);
	return json_pack("{s:o}", "$ref", json_sprintf("#/components/schemas/%s", shape->name));
}

bool
openapi_is_required(const struct shape *shape)
{
	for (; shape != NULL; shape = shape->extends)
		for (const struct shape_field *field = shape->fields; field->name != NULL; field++)
			if (!(field->is & SHAPE_OPTIONAL))
				return true;
	return false;
}

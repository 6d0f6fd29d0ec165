/*
 * The JSON Schema (2020-12) of a configuration file, put together from the tables: what editors
 * complete and check.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "deliver/maintenance.h"
#include "setup/load.h"

#define NAME_PATTERN "^[A-Za-z][A-Za-z0-9_-]{0,63}$"

/* Joins the properties of `more` (consumed) into `schema`. */
static void
join(json_t *schema, json_t *more)
{
	json_object_update_missing(
		json_object_get(schema, "properties"), json_object_get(more, "properties"));
	json_t *required = json_object_get(more, "required");
	if (required != NULL && json_object_get(schema, "required") == NULL)
		json_object_set_new(schema, "required", json_array());
	if (required != NULL)
		json_array_extend(json_object_get(schema, "required"), required);
	json_decref(more);
}

/* A block with `type: <name>` and these rows. */
static json_t *
typed_schema(const char *name, const char *summary, const struct conf_field *fields,
	const struct conf_field *common)
{
	json_t *schema = conf_json_schema(fields);
	join(schema, conf_json_schema(common));
	json_t *properties = json_object_get(schema, "properties");
	json_object_set_new(properties, "type", json_pack("{s:s}", "const", name));
	json_object_set_new(schema, "description", json_string(summary));
	return schema;
}

/* What holds when `type` is `name`. */
static json_t *
condition(const char *name, json_t *then)
{
	return json_pack("{s:{s:{s:{s:s}},s:[s]},s:o}", "if", "properties", "type", "const", name,
		"required", "type", "then", then);
}

/* A map of names to blocks, each judged by its type. */
static json_t *
named_blocks(json_t *types, json_t *conditions)
{
	return json_pack("{s:[s,s],s:{s:s},s:{s:s,s:[s],s:{s:{s:o}},s:o}}", "type", "object",
		"null", "propertyNames", "pattern", NAME_PATTERN, "additionalProperties", "type",
		"object", "required", "type", "properties", "type", "enum", types, "allOf",
		conditions);
}

static json_t *
checks_schema(void)
{
	json_t *types = json_array(), *conditions = json_array();
	for (size_t i = 0; probe_table[i] != NULL; i++) {
		const struct probe_type *type = probe_table[i];
		json_array_append_new(types, json_string(type->name));
		json_array_append_new(
			conditions, condition(type->name, typed_schema(type->name, type->summary,
								  type->fields, check_fields)));
	}
	return named_blocks(types, conditions);
}

static json_t *
receivers_schema(void)
{
	json_t *types = json_array(), *conditions = json_array();
	for (size_t i = 0; receiver_table[i] != NULL; i++) {
		const struct receiver_type *type = receiver_table[i];
		json_array_append_new(types, json_string(type->name));
		json_array_append_new(
			conditions, condition(type->name, typed_schema(type->name, type->summary,
								  type->fields, receiver_fields)));
	}
	return named_blocks(types, conditions);
}

static json_t *
rules_schema(void)
{
	return json_pack("{s:[s,s],s:{s:s},s:o}", "type", "object", "null", "propertyNames",
		"pattern", NAME_PATTERN, "additionalProperties", conf_json_schema(rule_fields));
}

static json_t *
defaults_schema(void)
{
	json_t *schema = conf_json_schema(check_fields);
	json_object_del(json_object_get(schema, "properties"), "needs");
	return schema;
}

static json_t *
key_schema(const struct top_key *key)
{
	static const struct {
		const char *name;
		json_t *(*make)(void);
	} makers[] = {
		{ "checks", checks_schema },
		{ "defaults", defaults_schema },
		{ "receivers", receivers_schema },
		{ "rules", rules_schema },
	};
	if (key->schema != NULL)
		return json_loads(key->schema, 0, NULL);
	for (size_t i = 0; i < sizeof(makers) / sizeof(*makers); i++)
		if (strcmp(makers[i].name, key->name) == 0)
			return makers[i].make();
	const struct conf_field *rows =
		strcmp(key->name, "routes") == 0 ? route_fields : maintenance_fields;
	return json_pack("{s:[s,s],s:o}", "type", "array", "null", "items", conf_json_schema(rows));
}

static json_t *
document(void)
{
	json_t *properties = json_object();
	for (const struct top_block *block = top_blocks; block->name != NULL; block++) {
		json_t *schema = conf_json_schema(block->fields);
		json_object_set_new(schema, "description", json_string(block->doc));
		json_object_set_new(properties, block->name, schema);
	}
	for (const struct top_key *key = top_keys; key->name != NULL; key++) {
		json_t *schema = key_schema(key);
		json_object_set_new(schema, "description", json_string(key->doc));
		json_object_set_new(properties, key->name, schema);
	}
	return json_pack("{s:s,s:s,s:s,s:o,s:b}", "$schema",
		"https://json-schema.org/draft/2020-12/schema", "title", "triaged configuration",
		"type", "object", "properties", properties, "additionalProperties", 0);
}

void
settings_json_schema(struct buf *out)
{
	json_t *schema = document();
	char *text = json_dumps(schema, JSON_INDENT(2));
	buf_add_text(out, text);
	buf_add_text(out, "\n");
	free(text);
	json_decref(schema);
}

/* Tests of daemon/setup/schema.c and manual.c: the documents name everything that exists. */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alerts/receiver.h"
#include "conf/tree.h"
#include "setup/settings.h"

static json_t *
schema(void)
{
	struct buf out;
	json_error_t error;
	buf_init(&out, 0);
	settings_json_schema(&out);
	json_t *doc = json_loads(buf_text(&out), JSON_REJECT_DUPLICATES, &error);
	if (doc == NULL)
		fail_msg("line %d: %s", error.line, error.text);
	buf_fini(&out);
	return doc;
}

static json_t *
property(json_t *object, const char *name)
{
	return json_object_get(json_object_get(object, "properties"), name);
}

/* What a check of this type may hold. */
static json_t *
block_of_type(json_t *doc, const char *section, const char *type)
{
	json_t *all = json_object_get(
		json_object_get(property(doc, section), "additionalProperties"), "allOf");
	json_t *rule;
	size_t i;
	json_array_foreach(all, i, rule)
	{
		json_t *word =
			json_object_get(property(json_object_get(rule, "if"), "type"), "const");
		if (strcmp(json_string_value(word), type) == 0)
			return json_object_get(rule, "then");
	}
	return NULL;
}

static void
test_it_is_a_schema(void **state)
{
	json_t *doc = schema();
	(void)state;
	assert_string_equal(json_string_value(json_object_get(doc, "$schema")),
		"https://json-schema.org/draft/2020-12/schema");
	assert_true(json_is_false(json_object_get(doc, "additionalProperties")));
	json_decref(doc);
}

static void
test_every_type_is_in_it(void **state)
{
	json_t *doc = schema();
	(void)state;
	for (size_t i = 0; probe_table[i] != NULL; i++) {
		json_t *block = block_of_type(doc, "checks", probe_table[i]->name);
		assert_non_null(block);
		assert_non_null(property(block, "interval"));
		for (const struct conf_field *row = probe_table[i]->fields; row->type != CONF_END;
			row++)
			assert_non_null(property(block, row->name));
	}
	for (size_t i = 0; receiver_table[i] != NULL; i++) {
		json_t *block = block_of_type(doc, "receivers", receiver_table[i]->name);
		assert_non_null(block);
		for (const struct conf_field *row = receiver_table[i]->fields;
			row->type != CONF_END; row++)
			assert_non_null(property(block, row->name));
	}
	json_decref(doc);
}

static void
test_the_shipped_file_is_in_it(void **state)
{
	json_t *doc = schema();
	struct complaints *complaints = complaints_new();
	struct conf_tree *tree = conf_tree_load("etc/triaged.yaml", complaints);
	(void)state;
	assert_non_null(tree->root);
	for (size_t i = 0; i < tree->root->count; i++)
		assert_non_null(property(doc, tree->root->items[i]->key));
	const struct conf_node *checks = conf_get(tree->root, "checks");
	for (size_t i = 0; i < checks->count; i++) {
		const struct conf_node *check = checks->items[i];
		json_t *block = block_of_type(doc, "checks", conf_get(check, "type")->text);
		assert_non_null(block);
		for (size_t k = 0; k < check->count; k++)
			assert_non_null(property(block, check->items[k]->key));
	}
	conf_tree_free(tree);
	complaints_free(complaints);
	json_decref(doc);
}

static void
assert_mentions(const char *text, const char *word)
{
	char quoted[200];
	snprintf(quoted, sizeof(quoted), "`%s`", word);
	if (strstr(text, quoted) == NULL)
		fail_msg("the manual does not mention %s", quoted);
}

static void
test_manual_names_everything(void **state)
{
	struct buf out;
	(void)state;
	buf_init(&out, 0);
	settings_manual(&out);
	const char *text = buf_text(&out);
	for (size_t i = 0; probe_table[i] != NULL; i++) {
		const struct probe_type *type = probe_table[i];
		char heading[100];
		snprintf(heading, sizeof(heading), "### type: %s\n", type->name);
		assert_non_null(strstr(text, heading));
		for (const struct conf_field *row = type->fields; row->type != CONF_END; row++)
			if (row->type != CONF_GROUP)
				assert_mentions(text, row->name);
		for (const struct metric_desc *metric = type->metrics; metric->name != NULL;
			metric++)
			assert_mentions(text, metric->name);
	}
	for (const struct conf_field *row = check_fields; row->type != CONF_END; row++)
		assert_mentions(text, row->name);
	for (size_t i = 0; i < rule_builtin_count(); i++)
		assert_non_null(strstr(text, rule_builtin_name(i)));
	for (size_t i = 0; i < cause_count(); i++)
		assert_mentions(text, cause_at(i)->code);
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_is_a_schema),
		cmocka_unit_test(test_every_type_is_in_it),
		cmocka_unit_test(test_the_shipped_file_is_in_it),
		cmocka_unit_test(test_manual_names_everything),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Tests of daemon/conf/schema_doc.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/conf/sample.h"

static void
test_manual(void **state)
{
	struct buf out;
	(void)state;
	buf_init(&out, 0);
	conf_manual(sample_fields, &out);
	const char *text = buf_text(&out);
	assert_non_null(
		strstr(text, "| `url` | URL | required | Where. Example: `http://127.0.0.1/`. |"));
	assert_non_null(strstr(text, "| `text` | text | `hello` | A text, or \\| two. |"));
	assert_non_null(strstr(text, "| `whole` | whole number, 1 to 10 | `5` | How many. |"));
	assert_non_null(strstr(text, "| `level` | `low`, `medium`, `high` | `medium` | Which. |"));
	assert_non_null(strstr(text, "| `inner.word` |"));
	/* what few need comes last */
	assert_true(strstr(text, "`node`") > strstr(text, "`inner.word`"));
	buf_fini(&out);
}

static void
test_json_schema(void **state)
{
	json_t *schema = conf_json_schema(sample_fields);
	json_t *properties = json_object_get(schema, "properties");
	(void)state;
	for (const struct conf_field *row = sample_fields; row->type != CONF_END; row++)
		assert_non_null(json_object_get(properties, row->name));
	assert_true(json_is_false(json_object_get(schema, "additionalProperties")));
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(schema, "required"), 0)), "url");
	json_t *inner = json_object_get(properties, "inner");
	assert_non_null(json_object_get(json_object_get(inner, "properties"), "depth"));
	const char *doc = json_string_value(
		json_object_get(json_object_get(properties, "wait"), "description"));
	assert_string_equal(doc, "How long.");
	json_t *whole = json_object_get(json_object_get(properties, "whole"), "anyOf");
	assert_int_equal(
		json_integer_value(json_object_get(json_array_get(whole, 0), "maximum")), 10);
	json_decref(schema);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_manual),
		cmocka_unit_test(test_json_schema),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

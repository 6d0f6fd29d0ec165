/* A template of any bytes is refused with a reason, or renders to JSON that can be written down and
 * read again as the same. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "alerts/notice_names.h"
#include "alerts/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static json_t *
make_data(void)
{
	return json_pack("{s:s, s:s, s:b, s:{s:s, s:{s:s}, s:{s:f}, s:[{s:s}]}}", "title",
		"a \"b\"\n{{x}}", "summary", "", "firing", 1, "incident", "title", "t", "labels",
		"team", "core", "values", "used", 0.5, "facts", "text", "\xe7\xa3\x81");
}

static void
use(const struct template *template)
{
	json_t *values = make_data(), *json = template_render(template, values), *again;
	char *text = json_dumps(json, JSON_REAL_PRECISION(17));

	assert(json != NULL && text != NULL);
	again = json_loads(text, 0, NULL);
	assert(again != NULL && json_equal(again, json));
	json_decref(again);
	json_decref(json);
	json_decref(values);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct complaints *complaints = complaints_new();
	struct conf_tree *tree;
	struct template *template = NULL;
	char *copy = calloc(1, size + 1);

	for (size_t i = 0; i < size; i++)
		copy[i] = (char)data[i];
	tree = conf_tree_parse("fuzz.yaml", copy, size, complaints);
	if (tree->root != NULL && complaints_errors(complaints) == 0) {
		template = template_new(tree->root, &notice_names, complaints);
		assert((template == NULL) == (complaints_errors(complaints) > 0));
	}
	if (template != NULL)
		use(template);
	template_free(template);
	conf_tree_free(tree);
	complaints_free(complaints);
	free(copy);
	return 0;
}

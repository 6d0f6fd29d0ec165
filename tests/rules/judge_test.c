/* The language over a JSON document: what expect.json promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rules/expr.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const char document[] =
	"{\"success\": true, \"errCode\": 1602, \"name\": \"x\\u0007y\", \"none\": null,"
	" \"data\": {\"nodes\": [{\"state\": \"up\"}, {\"state\": \"down\"}], \"in\": 3,"
	" \"a-b\": 1, \"odd key\": 2}, \"ratio\": 0.5}";

static const struct {
	const char *text;
	enum verdict wanted;
	const char *found;
} looks[] = {
	{ "success == true", VERDICT_TRUE, "success is true" },
	{ "success", VERDICT_TRUE, "success is true" },
	{ "not success", VERDICT_FALSE, "success is true" },
	{ "success == false", VERDICT_FALSE, "success is true" },
	{ "success == 1", VERDICT_FALSE, "success is true" },
	{ "success != 1", VERDICT_TRUE, "success is true" },
	{ "errCode in [0, 1602]", VERDICT_TRUE, "errCode is 1602" },
	{ "errCode in [0]", VERDICT_FALSE, "errCode is 1602" },
	{ "errCode - 2 == 1600", VERDICT_TRUE, "errCode is 1602" },
	{ "errCode > \"x\"", VERDICT_FALSE, "errCode is 1602" },
	{ "ratio <= 0.5", VERDICT_TRUE, "ratio is 0.5" },
	{ "data.nodes[0].state == \"up\"", VERDICT_TRUE, "data.nodes[0].state is \"up\"" },
	{ "data.nodes[1].state == 'up'", VERDICT_FALSE, "data.nodes[1].state is \"down\"" },
	{ "data.nodes[2].state == 'up'", VERDICT_UNKNOWN, "data.nodes[2].state is missing" },
	{ "data.nodes[x].state == 'up'", VERDICT_UNKNOWN, "data.nodes[x].state is missing" },
	{ "data.in == 3", VERDICT_TRUE, "data.in is 3" },
	{ "data.a-b == 1", VERDICT_TRUE, "data.a-b is 1" },
	{ "data[\"odd key\"] == 2", VERDICT_TRUE, "data[\"odd key\"] is 2" },
	{ "data.nodes == 1", VERDICT_FALSE, "data.nodes is a list" },
	{ "none == null", VERDICT_TRUE, "none is null" },
	{ "errCode == null", VERDICT_FALSE, "errCode is 1602" },
	{ "missing == null", VERDICT_UNKNOWN, "missing is missing" },
	{ "missing == 1", VERDICT_UNKNOWN, "missing is missing" },
	{ "success and missing", VERDICT_UNKNOWN, "success is true, missing is missing" },
	{ "missing or success", VERDICT_TRUE, "missing is missing, success is true" },
	{ "missing and not success", VERDICT_FALSE, "missing is missing, success is true" },
	{ "if success then errCode == 1602 else missing == 1", VERDICT_TRUE, NULL },
	{ "name == 'z'", VERDICT_FALSE, "name is \"x\\u0007y\"" },
	{ "errCode / 0 == 1", VERDICT_UNKNOWN, "errCode is 1602" },
	{ "success.deeper == 1", VERDICT_UNKNOWN, "success.deeper is missing" },
};

static void
test_looks(void **state)
{
	json_t *doc = json_loads(document, 0, NULL);
	(void)state;
	assert_non_null(doc);
	for (size_t i = 0; i < COUNT(looks); i++) {
		struct err e = { 0 };
		char found[200];
		void *compiled = expr_judge.compile(looks[i].text, &e);
		if (!compiled)
			fail_msg("%s: %d: %s", looks[i].text, e.code, e.text);
		enum verdict got = expr_judge.look(compiled, doc, found, sizeof(found));
		if (got != looks[i].wanted)
			fail_msg("%s: verdict %d (%s)", looks[i].text, got, found);
		if (looks[i].found && strcmp(found, looks[i].found) != 0)
			fail_msg("%s: found '%s'", looks[i].text, found);
		expr_judge.release(compiled);
	}
	json_decref(doc);
}

static const struct {
	const char *text;
	int column;
	const char *says;
} refusals[] = {
	{ "errCode", 0, NULL },
	{ "errCode + 1", 1, "no condition" },
	{ "time > 5s", 8, "no unit" },
	{ "avg(x, 5m) > 1", 1, "no functions here" },
	{ "success = true", 9, "did you mean `==`?" },
	{ "a.b. == 1", 6, "expected a name after the dot" },
	{ "\"x\"", 1, "no condition" },
};

static void
test_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refusals); i++) {
		struct err e = { 0 };
		void *compiled = expr_judge.compile(refusals[i].text, &e);
		if (!refusals[i].says) {
			assert_non_null(compiled);
			expr_judge.release(compiled);
			continue;
		}
		if (compiled)
			fail_msg("%s: was accepted", refusals[i].text);
		if (e.code != refusals[i].column || !strstr(e.text, refusals[i].says))
			fail_msg("%s: %d: %s", refusals[i].text, e.code, e.text);
	}
	expr_judge.release(NULL);
}

static void
test_other_documents(void **state)
{
	static const char *const texts[] = { "[1, 2]", "3", "\"x\"", "null", "{}" };
	void *compiled = expr_judge.compile("success == true", NULL);
	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		char found[10];
		json_t *doc = json_loads(texts[i], JSON_DECODE_ANY, NULL);
		assert_int_equal(
			expr_judge.look(compiled, doc, found, sizeof(found)), VERDICT_UNKNOWN);
		assert_string_equal(found, "success i");
		json_decref(doc);
	}
	expr_judge.release(compiled);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_looks),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_other_documents),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

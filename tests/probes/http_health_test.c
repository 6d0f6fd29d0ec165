/* The part that is to blame, in each of the formats, and in documents that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "probes/http_health.h"

static void
names_the_part(void **state)
{
	static const struct {
		const char *doc, *part; /* NULL: none */
	} cases[] = {
		{ "{\"status\":\"DOWN\",\"components\":{\"disk\":{\"status\":\"UP\"},"
		  "\"db\":{\"status\":\"DOWN\",\"details\":{\"error\":\"refused\"}}}}",
			"db is DOWN: refused" },
		{ "{\"status\":\"DOWN\",\"components\":{\"db\":{\"status\":\"DOWN\",\"components\":"
		  "{\"replica\":{\"status\":\"DOWN\"}}}}}",
			"replica is DOWN" },
		{ "{\"status\":\"DOWN\",\"checks\":[{\"name\":\"a\",\"status\":\"UP\"},"
		  "{\"name\":\"queue\",\"status\":\"DOWN\",\"data\":{\"reason\":\"full\"}}]}",
			"queue is DOWN: full" },
		{ "{\"status\":\"fail\",\"checks\":{\"cpu\":[{\"status\":\"pass\"}],"
		  "\"pg:time\":[{\"status\":\"pass\"},{\"status\":\"fail\",\"output\":\"slow\"}]}}",
			"pg:time is fail: slow" },
		{ "{\"status\":\"Unhealthy\",\"entries\":{\"sql\":{\"status\":\"Unhealthy\","
		  "\"description\":\"\",\"exception\":\"timeout\"},\"ok\":{\"status\":\"Healthy\"}}"
		  "}",
			"sql is Unhealthy: timeout" },
		/* all of them, and of the poor ones only where nothing is worse */
		{ "{\"components\":{\"a\":{\"status\":\"DOWN\"},\"b\":{\"status\":\"warn\"},"
		  "\"c\":{\"status\":\"DOWN\",\"details\":{\"message\":\"x\"}}}}",
			"a is DOWN; c is DOWN: x" },
		{ "{\"checks\":{\"m\":[{\"status\":\"warn\",\"output\":\"80 %\"}]}}",
			"m is warn: 80 %" },
		{ "{\"checks\":[{\"name\":\"a\",\"status\":\"fail\"},{\"status\":\"fail\"},"
		  "{\"name\":\"c\",\"status\":\"fail\"},{\"name\":\"d\",\"status\":\"fail\"}]}",
			"a is fail; a part is fail; c is fail; and 1 more" },
		/* Spring Boot of before 2.2 */
		{ "{\"status\":\"DOWN\",\"details\":{\"redis\":{\"status\":\"DOWN\"}}}",
			"redis is DOWN" },
		{ "{\"status\":\"DOWN\"}", NULL },
		{ "{\"status\":\"UP\",\"components\":{\"db\":{\"status\":\"UP\"}}}", NULL },
		{ "{\"checks\":7,\"components\":[1,null,\"x\"]}", NULL },
		{ "{\"details\":{\"status\":\"DOWN\"}}", NULL },
		{ "[]", NULL },
	};
	char out[160];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *doc = json_loads(cases[i].doc, 0, NULL);
		bool is_named;

		assert_non_null(doc);
		strcpy(out, "");
		is_named = http_health_part(doc, out, sizeof(out));
		json_decref(doc);
		if (is_named != (cases[i].part != NULL) ||
			(is_named && strcmp(out, cases[i].part) != 0))
			fail_msg("%s: \"%s\"", cases[i].doc, out);
	}
}

static void
bodies_that_are_none_are_left_alone(void **state)
{
	static const char good[] = "\n {\"status\":\"DOWN\",\"checks\":[{\"name\":\"q\","
				   "\"status\":\"DOWN\"}]}";
	static const char *const others[] = { "", "   ", "[]", "{", "<html>", "{\"status\":1}",
		"{\"status\":\"DOWN\",\"checks\":[", "{\"checks\":[]}" };
	char out[64], deep[8192];
	size_t len = 0;

	(void)state;
	assert_true(http_health_read(good, strlen(good), out, sizeof(out)));
	assert_string_equal(out, "q is DOWN");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(http_health_read(others[i], strlen(others[i]), out, sizeof(out)));
	while (len < 4000) /* parts in parts in parts: it ends, and names nobody */
		len += (size_t)sprintf(deep + len, "{\"status\":\"DOWN\",\"components\":{\"a\":");
	assert_false(http_health_read(deep, len, out, sizeof(out)));
}

static void
long_words_are_cut(void **state)
{
	char doc[4096], words[2001], out[100];

	(void)state;
	memset(words, 'w', sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	snprintf(doc, sizeof(doc),
		"{\"status\":\"DOWN\",\"components\":{\"%.1000s\":{\"status\":\"DOWN\","
		"\"details\":{\"error\":\"%s\"}}}}",
		words, words);
	assert_true(http_health_read(doc, strlen(doc), out, sizeof(out)));
	assert_true(strlen(out) < sizeof(out));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_the_part),
		cmocka_unit_test(bodies_that_are_none_are_left_alone),
		cmocka_unit_test(long_words_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

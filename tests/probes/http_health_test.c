/* The part that is to blame, in each of the formats, and in documents that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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
		{ "{\"status\":\"DOWN\"}", NULL },
		{ "{\"status\":\"UP\",\"components\":{\"db\":{\"status\":\"UP\"}}}", NULL },
		{ "{\"checks\":7,\"components\":[1,null,\"x\"]}", NULL },
		{ "{\"details\":{\"status\":\"DOWN\"}}", NULL },
		{ "[]", NULL },
	};
	char out[64];

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_the_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

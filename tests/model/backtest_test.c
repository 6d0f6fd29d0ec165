/* What a backtest comes to, as a sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/backtest.h"

#define KNOWN "\"known_seconds\": 604800"

static const struct {
	const char *results, *summary;
} rows[] = {
	{ "[]", "would not have fired in 7d; there were no incidents to compare with" },
	{ "[{\"rule\": \"it\", " KNOWN ", \"firings\": [{\"seconds\": 90}]}]",
		"would have fired once in 7d, 1m 30s in all; there were no incidents to compare "
		"with" },
	{ "[{\"rule\": \"it\", " KNOWN ", \"firings\": [{\"seconds\": 60, \"incident\": \"a\"},"
	  "{\"seconds\": 1200, \"incident\": \"b\"}, {\"seconds\": 1200}, "
	  "{\"seconds\": 0, \"forgotten\": true}], \"incidents\": ["
	  "{\"caught\": true, \"earlier_seconds\": 90}, {\"caught\": true, "
	  "\"earlier_seconds\": 20}, {\"caught\": false}]}]",
		"would have fired 4 times in 7d, 41m in all, 20m at longest; caught 2 of 3 "
		"incidents, 1m 30s earlier in the middle; 1 would have been noise" },
	{ "[{\"rule\": \"it\", " KNOWN ", \"firings\": [{\"seconds\": 60, \"incident\": \"a\"}],"
	  "\"incidents\": [{\"caught\": true, \"earlier_seconds\": -5}]},"
	  "{\"rule\": \"it\", \"known_seconds\": 0, \"firings\": [], \"firings_left_out\": 7},"
	  "{\"rule\": \"it\", \"error\": \"it cannot be replayed\"},"
	  "{\"rule\": \"other\", \"firings\": [{\"seconds\": 1}]}]",
		"would have fired 8 times in 7d, 1m in all, 1m at longest; caught 1 of 1 "
		"incident, 5s later; 50 % of the time is known" },
};

static void
test_sentences(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(rows) / sizeof(rows[0]); n++) {
		json_t *results = json_loads(rows[n].results, 0, NULL);
		assert_non_null(results);
		json_t *sum = backtest_sum(results, "it", 7 * 86400);
		assert_string_equal(
			json_string_value(json_object_get(sum, "summary")), rows[n].summary);
		assert_int_equal(json_integer_value(json_object_get(sum, "incidents")),
			json_integer_value(json_object_get(sum, "caught")) +
				json_integer_value(json_object_get(sum, "missed")));
		json_decref(sum);
		json_decref(results);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sentences),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

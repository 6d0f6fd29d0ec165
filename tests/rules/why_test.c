/* What `triage why` hears from the rules, and long windows that the history fills. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/rules/bench.h"

/* "what: text" lines. */
static const char *
why(struct bench *b, const char *check)
{
	static char out[4000];
	json_t *list = rules_why(b->rules, check, NULL), *one;
	size_t i;

	out[0] = '\0';
	json_array_foreach(list, i, one)
	{
		const char *until = json_string_value(json_object_get(one, "until"));
		snprintf(out + strlen(out), sizeof(out) - strlen(out), "%s: %s%s%s\n",
			json_string_value(json_object_get(one, "what")),
			json_string_value(json_object_get(one, "text")), until ? " | " : "",
			until ? until : "");
	}
	json_decref(list);
	return out;
}

static void
expect(struct bench *b, const char *wanted)
{
	const char *got = why(b, "api");

	if (!strstr(got, wanted))
		fail_msg("wanted \"%s\" in:\n%s", wanted, got);
}

static void
test_waits(void **state)
{
	struct bench b;
	(void)state;
	setup_http(&b, "builtin_rules: off\n"
		       "rules:\n"
		       "  slow:\n"
		       "    warning: api.total_time > 1s\n"
		       "    critical: { when: api.total_time > 5s, for: 3 samples }\n"
		       "    for: 2m\n"
		       "    keep_firing_for: 1m\n"
		       "    clear: api.total_time < 500ms\n");
	bench_value(&b, "api", 0.1);
	assert_string_equal(why(&b, "api"), "");
	bench_value(&b, "api", 2);
	expect(&b, "pending: slow: warning is true; it must be so for 2m");
	bench_value(&b, "api", 6);
	expect(&b, "pending: slow: warning is true since 2023-11-14T22:14:20.000Z; it fires if "
		   "that lasts 2m | 2023-11-14T22:16:20.000Z");
	expect(&b, "pending: slow: critical is true for 1 of 3 samples in a row");
	bench_feed(&b, "api", FAIL("net.refused", "x"));
	expect(&b, "unknown: slow: cannot be judged: not known: api.total_time\n");
	expect(&b, "the clock stands");
	for (int i = 0; i < 4; i++)
		bench_value(&b, "api", 2);
	expect(&b, "firing: slow: fires at warning since 2023-");
	bench_value(&b, "api", 0.9);
	expect(&b, "clearing: slow: warning is false since 2023-");
	bench_wait(&b, 61);
	bench_value(&b, "api", 0.9);
	expect(&b, "held: slow: stays until this is true: api.total_time < 500ms");
	assert_string_equal(why(&b, "nobody"), "");
	bench_fini(&b);
}

static void
test_no_data(void **state)
{
	struct bench b;
	(void)state;
	setup_http(&b, "builtin_rules: off\n"
		       "rules: { slow: { warning: api.total_time > 1s, on_no_data: alert } }\n");
	bench_value(&b, "api", 0.1);
	bench_wait(&b, 600);
	expect(&b, "no-data: slow: no data since 2023-11-14T22:13:50.000Z: it fires for that "
		   "(on_no_data: alert)");
	bench_fini(&b);
}

/* --- the history --- */

static char asked[1000];

static void
on_past(void *arg, const char *check, const char *metric, usec_t span_us)
{
	(void)arg;
	snprintf(asked + strlen(asked), sizeof(asked) - strlen(asked), "%s.%s %dh\n", check, metric,
		(int)(span_us / USEC_PER_HOUR));
}

static void
start(struct bench *b, const char *yaml)
{
	const struct rules_options options = {
		.on_alert = bench_on_alert, .on_keep = bench_on_keep, .past = on_past, .arg = b
	};

	asked[0] = '\0';
	bench_init(b);
	rules_free(b->rules);
	b->rules = rules_new(&options);
	bench_check(b, "root", "disk");
	bench_start(b, yaml);
}

static void
test_long_windows_ask(void **state)
{
	struct bench b;
	(void)state;
	start(&b,
		"builtin_rules: off\n"
		"rules:\n"
		"  high: { warning: \"avg(root.used_percent, 12h) > 70\" }\n"
		"  odd: { warning: \"root.used_percent > 2 * baseline(root.used_percent, 7d)\" }\n"
		"  short: { warning: \"avg(root.used_percent, 2h) > 70\" }\n");
	assert_string_equal(asked, "root.used_percent 12h\nroot.used_percent 168h\n");
	bench_value(&b, "root", 10);
	assert_string_equal(bench_log(&b), "");
	struct rules_past past[11 * 60];
	for (int i = 0; i < 11 * 60; i++)
		past[i] = (struct rules_past){ .since_us = b.wall_us - (11 * 60 - i) * USEC_PER_MIN,
			.until_us = b.wall_us - (11 * 60 - i - 1) * USEC_PER_MIN,
			.count = 2,
			.avg = 80,
			.min = 75,
			.max = 90 };
	rules_take_past(b.rules, "root", "used_percent", 5 * USEC_PER_HOUR, past, 660);
	bench_value(&b, "root", 10);
	assert_string_equal(bench_log(&b), ""); /* nobody had asked for that */
	rules_take_past(b.rules, "root", "used_percent", 12 * USEC_PER_HOUR, past, 660);
	rules_take_past(b.rules, "root", "used_percent", 12 * USEC_PER_HOUR, past, 660);
	rules_take_past(b.rules, "gone", "used_percent", 12 * USEC_PER_HOUR, past, 660);
	bench_value(&b, "root", 10);
	assert_string_equal(bench_log(&b), "fires root.high warning\n");
	bench_fini(&b);
}

static void
test_baseline_from_history(void **state)
{
	struct bench b;
	struct rules_past past[5 * 96];
	(void)state;
	start(&b, "builtin_rules: off\n"
		  "rules:\n"
		  "  odd:\n"
		  "    warning: \"root.used_percent > 2 * baseline(root.used_percent, 7d)\"\n"
		  "    summary: \"{{baseline(root.used_percent, 7d)}} is usual\"\n");
	bench_value(&b, "root", 50);
	assert_string_equal(bench_log(&b), "");
	for (int i = 0; i < 5 * 96; i++)
		past[i] = (struct rules_past){ .since_us =
						       b.wall_us - (5 * 96 - i) * 15 * USEC_PER_MIN,
			.until_us = b.wall_us - (5 * 96 - i - 1) * 15 * USEC_PER_MIN,
			.count = 30,
			.avg = 20,
			.min = 20,
			.max = 20 };
	rules_take_past(b.rules, "root", "used_percent", 7 * USEC_PER_DAY, past, 5 * 96);
	bench_value(&b, "root", 50);
	assert_string_equal(bench_log(&b), "fires root.odd warning\n");
	assert_string_equal(b.text, "20 % is usual");
	bench_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits),
		cmocka_unit_test(test_no_data),
		cmocka_unit_test(test_long_windows_ask),
		cmocka_unit_test(test_baseline_from_history),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Where rules stand, and which limits a plot can show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/rules/bench.h"

static void
add_bound(void *arg, const struct expr_bound *bound)
{
	char *out = arg;

	snprintf(out + strlen(out), 200 - strlen(out), "%s.%s%s%.10g;", bound->check,
		bound->metric->name, bound->op, bound->value);
}

static const struct metric_desc *
metrics_of(const void *arg, const char *check)
{
	(void)arg;
	return strcmp(check, "api") == 0 ? bench_http : NULL;
}

static const char *
check_at(const void *arg, size_t n)
{
	(void)arg;
	return n == 0 ? "api" : NULL;
}

static const struct {
	const char *expr, *bounds;
} rows[] = {
	{ "this.used_percent > 80", "this.used_percent>80;" },
	{ "this.used_percent >= 80% and this.free_bytes < 2GB",
		"this.used_percent>=80;this.free_bytes<2000000000;" },
	{ "2s < api.total_time", "api.total_time>2;" },
	{ "not (api.total_time <= 250ms)", "api.total_time>0.25;" },
	{ "not not 250ms == api.total_time", "api.total_time==0.25;" },
	{ "avg(api.total_time, 5m) > 2 * 1s", "api.total_time>2;" },
	{ "quantile(api.total_time, 95%, 5m) > 2s or max(api.total_time, 1m) != 5s",
		"api.total_time>2;api.total_time!=5;" },
	{ "share(api.total_time > 3s, 10m) > 50%", "api.total_time>3;" },
	{ "if up(api) then api.total_time > 1s else api.total_time > 2s",
		"api.total_time>1;api.total_time>2;" },
	{ "api.tls_days_left < 21d", "api.tls_days_left<1814400;" },
	{ "0 - 5% > this.used_percent - 90%", "" },
	{ "this.used_percent > -1", "this.used_percent>-1;" },
	/* Of another scale, or no limit that is written out. */
	{ "delta(api.total_time, 5m) > 2s", "" },
	{ "count(api.total_time, 5m) > 2", "" },
	{ "api.total_time > 3 * baseline(api.total_time, 7d)", "" },
	{ "this.free_bytes < 10% * this.total_bytes", "" },
	{ "this.read_only or down(api) or cause(api) == \"net.refused\"", "" },
};

static void
test_bounds(void **state)
{
	const struct expr_names names = {
		.metrics_of = metrics_of,
		.check_at = check_at,
		.this_metrics = bench_disk,
	};

	(void)state;
	for (size_t n = 0; n < sizeof(rows) / sizeof(rows[0]); n++) {
		char got[200] = "";
		struct err e = { 0 };
		struct expr *expr = expr_compile(rows[n].expr, &names, &e);
		if (!expr)
			fail_msg("%s: %s", rows[n].expr, e.text);
		expr_bounds(expr, add_bound, got);
		if (strcmp(got, rows[n].bounds) != 0)
			fail_msg("%s: %s, wanted %s", rows[n].expr, got, rows[n].bounds);
		expr_free(expr);
	}
}

/* The first rule of a check. */
static json_t *
stand(struct bench *b, const char *check)
{
	json_t *list = rules_stand(b->rules, check, NULL);
	json_t *one = json_incref(json_array_get(list, 0));

	json_decref(list);
	return one;
}

static void
expect(struct bench *b, const char *wanted, const char *severity, bool has_since)
{
	json_t *one = stand(b, "api");

	assert_string_equal(json_string_value(json_object_get(one, "state")), wanted);
	assert_string_equal(json_string_value(json_object_get(one, "severity")), severity);
	assert_int_equal(json_object_get(one, "since") != NULL, has_since);
	json_decref(one);
}

static void
test_states(void **state)
{
	struct bench b;

	(void)state;
	setup_http(&b, "builtin_rules: off\n"
		       "rules:\n"
		       "  slow:\n"
		       "    warning: api.total_time > 1s\n"
		       "    critical: { when: api.total_time > 5s, for: 3 samples }\n"
		       "    for: 1m\n"
		       "    clear: api.total_time < 500ms\n");
	expect(&b, "no_data", "critical", false);
	bench_value(&b, "api", 0.1);
	for (int n = 0; n < 2; n++)
		bench_value(&b, "api", 2);
	expect(&b, "pending", "critical", true);
	for (int n = 0; n < 2; n++)
		bench_value(&b, "api", 2);
	expect(&b, "firing", "warning", true);
	bench_value(&b, "api", 0.9);
	expect(&b, "clearing", "warning", true);

	json_t *one = stand(&b, "api"), *level = json_array_get(json_object_get(one, "levels"), 1);
	assert_string_equal(json_string_value(json_object_get(level, "severity")), "critical");
	assert_string_equal(
		json_string_value(json_object_get(level, "expr")), "api.total_time > 5s");
	assert_int_equal(json_integer_value(json_object_get(level, "for_samples")), 3);
	assert_string_equal(
		json_string_value(json_object_get(level, "clear")), "api.total_time < 500ms");
	json_t *limits = json_object_get(one, "thresholds");
	assert_int_equal(json_array_size(limits), 2);
	assert_true(json_real_value(json_object_get(json_array_get(limits, 1), "value")) == 5);
	json_decref(one);
	bench_wait(&b, 300);
	expect(&b, "clearing", "warning", true);
	bench_fini(&b);
}

/* Nobody else looks at the number, so it is not kept: the latest sample is shown. */
static void
test_quiet(void **state)
{
	struct bench b;
	double values[] = { 0.1, (double)NAN, (double)NAN };
	char no_text[] = "";
	const struct sample latest = { .outcome = OUTCOME_OK,
		.state = CHECK_UP,
		.text = no_text,
		.metrics = bench_http,
		.values = values,
		.metric_count = 3 };

	(void)state;
	setup_http(&b, "builtin_rules: off\n"
		       "rules: { slow: { warning: api.total_time > 1s } }\n");
	bench_value(&b, "api", 0.1);
	json_t *list = rules_stand(b.rules, "api", &latest);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(list, 0), "state")), "quiet");
	json_decref(list);
	list = rules_stand(b.rules, "nobody", NULL);
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
	bench_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_quiet),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

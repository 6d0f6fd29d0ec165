/* The common keys: defaults as documented, bounds, and severities in the model's order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "conf/complain.h"
#include "model/check.h"

static unsigned
fill(struct check_common *common, const char *text)
{
	struct complaints *complaints = complaints_new();
	struct conf_tree *tree = conf_tree_parse("test", text, strlen(text), complaints);
	const struct conf_part part = { check_fields, common };
	unsigned errors;

	memset(common, 0, sizeof(*common));
	conf_fill(&part, 1, tree->root, "check \"x\"", NULL, complaints);
	errors = complaints_errors(complaints);
	complaints_free(complaints);
	conf_tree_free(tree);
	return errors;
}

static void
has_the_documented_defaults(void **state)
{
	struct check_common common;

	(void)state;
	assert_int_equal(fill(&common, "description: nothing else\n"), 0);
	assert_int_equal(common.interval_us, 30 * USEC_PER_SEC);
	assert_int_equal(common.timeout_us, 10 * USEC_PER_SEC);
	assert_int_equal(common.retries, 3);
	assert_int_equal(common.retry_interval_us, 0);
	assert_int_equal(common.start_period_us, 0);
	assert_int_equal(common.successes, 1);
	assert_true(common.enabled);
	assert_int_equal(common.needs.count, 0);
	assert_int_equal(check_severity(&common), SEVERITY_CRITICAL);
	conf_clear(check_fields, &common);
}

static void
takes_what_is_written(void **state)
{
	struct check_common common;

	(void)state;
	assert_int_equal(
		fill(&common,
			"interval: 1s\nretries: 1\nneeds: db\nseverity: info\nenabled: false\n"
			"labels: { team: core }\n"),
		0);
	assert_int_equal(common.interval_us, USEC_PER_SEC);
	assert_int_equal(common.retries, 1);
	assert_int_equal(common.needs.count, 1);
	assert_string_equal(common.needs.all[0], "db");
	assert_int_equal(check_severity(&common), SEVERITY_INFO);
	assert_false(common.enabled);
	assert_string_equal(common.labels.all[0].value, "core");
	conf_clear(check_fields, &common);
}

static void
refuses_nonsense(void **state)
{
	static const char *const bad[] = { "interval: 30\n", "interval: 1ms\n", "retries: 0\n",
		"timeout: -1s\n", "severity: fatal\n", "intervall: 5s\n", "successes: 0\n" };
	struct check_common common;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (fill(&common, bad[i]) != 1)
			fail_msg("not one error: %s", bad[i]);
		conf_clear(check_fields, &common);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_the_documented_defaults),
		cmocka_unit_test(takes_what_is_written),
		cmocka_unit_test(refuses_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

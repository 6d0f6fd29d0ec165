/* The process's own numbers: every row can be shown, and no two have one name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/stat.h"

static void
test_every_row_is_told(void **state)
{
	(void)state;
	for (int i = 0; i < STAT_COUNT; i++) {
		const struct stat_desc *desc = stat_desc((enum stat_id)i);
		assert_true(desc->name && *desc->name);
		assert_true(desc->help && desc->help[strlen(desc->help) - 1] == '.');
		assert_non_null(desc->unit);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(desc->name, stat_desc((enum stat_id)j)->name);
	}
}

static void
test_setting_and_adding(void **state)
{
	struct stats stats = { .value = { 0 } };

	(void)state;
	stats_set(&stats, STAT_CHECKS, 5);
	stats_add(&stats, STAT_CHECKS, -2);
	assert_true(stats_get(&stats, STAT_CHECKS) == 3);
	assert_true(stats_get(&stats, STAT_SENT) == 0);
	stats_set(NULL, STAT_CHECKS, 1);
	stats_add(NULL, STAT_CHECKS, 1);
	assert_true(stats_get(NULL, STAT_CHECKS) == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_row_is_told),
		cmocka_unit_test(test_setting_and_adding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The log: one call, one line, whatever a peer put into it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/log.h"

struct seen {
	int count;
	enum log_level level;
	char line[8192];
};

static void
on_line(void *arg, enum log_level level, const char *line)
{
	struct seen *seen = arg;

	seen->count++;
	seen->level = level;
	strncpy(seen->line, line, sizeof seen->line - 1);
}

static int
set_up(void **state)
{
	static struct seen seen;

	seen = (struct seen){ .count = 0 };
	*state = &seen;
	log_set_level(LOG_INFO);
	log_set_sink(on_line, &seen);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	log_set_sink(NULL, NULL);
	return 0;
}

static void
test_levels(void **state)
{
	struct seen *seen = *state;

	log_debug("not this one");
	assert_int_equal(seen->count, 0);
	log_info("port %d", 80);
	assert_int_equal(seen->count, 1);
	assert_int_equal(seen->level, LOG_INFO);
	assert_string_equal(seen->line, "port 80");
	log_set_level(LOG_ERROR);
	log_warn("nor this");
	assert_int_equal(seen->count, 1);
	assert_true(log_is_on(LOG_ERROR));
	assert_string_equal(log_level_name(LOG_WARN), "warn");
	assert_string_equal(log_level_name(LOG_DEBUG), "debug");
}

static void
test_no_second_line_can_be_forged(void **state)
{
	struct seen *seen = *state;

	log_info("peer said %s", "a\nerror: fake\x1b[2J\xff");
	assert_string_equal(seen->line, "peer said a.error: fake.[2J.");
}

static void
test_a_huge_line_is_cut_visibly(void **state)
{
	struct seen *seen = *state;
	char huge[9001];

	memset(huge, 'h', sizeof huge - 1);
	huge[sizeof huge - 1] = '\0';
	log_info("%s", huge);
	size_t len = strlen(seen->line);
	assert_in_range(len, 4000, 4095);
	assert_string_equal(seen->line + len - 4, "h...");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_levels, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_no_second_line_can_be_forged, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_huge_line_is_cut_visibly, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

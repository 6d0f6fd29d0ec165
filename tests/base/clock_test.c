/* Clocks: the fake one does what a kernel can do to us; the text forms go there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void
test_fake_clock(void **state)
{
	struct clock clock;

	(void)state;
	clock_init_fake(&clock, 100, 5000);
	clock_advance(&clock, 10);
	assert_int_equal(clock_mono(&clock), 110);
	assert_int_equal(clock_wall(&clock), 5010);
	clock_step_wall(&clock, -4000);
	assert_int_equal(clock_mono(&clock), 110);
	assert_int_equal(clock_wall(&clock), 1010);
	clock_suspend(&clock, 50);
	assert_int_equal(clock_mono(&clock), 110);
	assert_int_equal(clock_wall(&clock), 1060);
	assert_int_equal(clock_slept(&clock), 50);
}

static void
test_real_clock_moves_forward(void **state)
{
	struct clock clock;

	(void)state;
	clock_init_real(&clock);
	usec_t before = clock_mono(&clock);
	assert_true(clock_mono(&clock) >= before);
	assert_true(clock_wall(&clock) > 1500000000 * USEC_PER_SEC);
	assert_true(clock_slept(&clock) >= 0);
}

static void
test_rfc3339_there_and_back(void **state)
{
	static const struct {
		usec_t wall_us;
		const char *text;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ -1000, "1969-12-31T23:59:59.999Z" },
		{ 1767323045678000, "2026-01-02T03:04:05.678Z" },
		{ 951782400 * USEC_PER_SEC, "2000-02-29T00:00:00.000Z" },
		{ 4107542399 * USEC_PER_SEC, "2100-02-28T23:59:59.000Z" },
		{ 4107542400 * USEC_PER_SEC, "2100-03-01T00:00:00.000Z" },
		{ 253402300799 * USEC_PER_SEC, "9999-12-31T23:59:59.000Z" },
		{ -62167219200 * USEC_PER_SEC, "0000-01-01T00:00:00.000Z" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[CLOCK_RFC3339_SIZE];
		usec_t wall_us = 1;
		clock_format_rfc3339(rows[i].wall_us, text);
		assert_string_equal(text, rows[i].text);
		assert_int_equal(clock_parse_rfc3339(text, &wall_us), 0);
		assert_int_equal(wall_us, rows[i].wall_us);
	}
}

static void
test_rfc3339_edges(void **state)
{
	char text[CLOCK_RFC3339_SIZE];

	(void)state;
	clock_format_rfc3339(INT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999Z");
	clock_format_rfc3339(INT64_MIN, text);
	assert_string_equal(text, "0000-01-01T00:00:00.000Z");
}

static void
test_parse_other_forms(void **state)
{
	static const struct {
		const char *text;
		usec_t wall_us;
	} rows[] = {
		{ "1970-01-01T02:00:00+02:00", 0 },
		{ "1969-12-31 18:30:00-05:30", 0 },
		{ "1970-01-01t00:00:00.5z", 500000 },
		{ "1970-01-01T00:00:00.1234567890123Z", 123456 },
		{ "1970-01-01T00:00:60Z", 60 * USEC_PER_SEC },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		usec_t wall_us = -1;
		assert_int_equal(clock_parse_rfc3339(rows[i].text, &wall_us), 0);
		assert_int_equal(wall_us, rows[i].wall_us);
	}
}

static void
test_parse_refuses(void **state)
{
	static const char *const bad[] = { "", "now", "2026", "2026-01-02", "2026-01-02T03:04:05",
		"2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2025-02-29T00:00:00Z",
		"2100-02-29T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
		"2026-01-01T00:00:61Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Zx",
		"2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+0200", "2026-1-1T00:00:00Z",
		"+026-01-01T00:00:00Z" };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		usec_t wall_us = 42;
		assert_int_equal(clock_parse_rfc3339(bad[i], &wall_us), -1);
		assert_int_equal(wall_us, 42);
	}
}

static void
test_durations_for_people(void **state)
{
	static const struct {
		usec_t us;
		const char *text;
	} rows[] = {
		{ 0, "0s" },
		{ 5, "5us" },
		{ 999, "999us" },
		{ 1500, "1.5ms" },
		{ 12340, "12.3ms" },
		{ 250 * USEC_PER_MSEC, "250ms" },
		{ 999600, "1s" },
		{ 1234 * USEC_PER_MSEC, "1.23s" },
		{ 2 * USEC_PER_SEC, "2s" },
		{ 10 * USEC_PER_SEC + 50 * USEC_PER_MSEC, "10.1s" },
		{ 59990 * USEC_PER_MSEC, "1m" },
		{ 90 * USEC_PER_SEC, "1m 30s" },
		{ USEC_PER_HOUR + 59 * USEC_PER_SEC, "1h" },
		{ 3 * USEC_PER_DAY + 4 * USEC_PER_HOUR + USEC_PER_MIN, "3d 4h" },
		{ -90 * USEC_PER_SEC, "-1m 30s" },
		{ INT64_MIN, "-106751991d 4h" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[32];
		clock_format_duration(rows[i].us, text, sizeof text);
		assert_string_equal(text, rows[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fake_clock),
		cmocka_unit_test(test_real_clock_moves_forward),
		cmocka_unit_test(test_rfc3339_there_and_back),
		cmocka_unit_test(test_rfc3339_edges),
		cmocka_unit_test(test_parse_other_forms),
		cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_durations_for_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

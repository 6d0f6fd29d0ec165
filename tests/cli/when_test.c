/* Times as people type and read them, in the zone of this computer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/when.h"

/* 2026-01-02 03:04:05 UTC, 11:04:05 in Shanghai */
#define NOW_US (INT64_C(1767323045) * USEC_PER_SEC)

static int
go_to_shanghai(void **state)
{
	(void)state;
	setenv("TZ", "CST-8", 1);
	tzset();
	return 0;
}

static void
test_local(void **state)
{
	static const struct {
		usec_t ahead_s;
		const char *text;
	} rows[] = {
		{ 0, "11:04:05" },
		{ 3600, "12:04:05" },
		{ -86400, "Jan  1 11:04" },
		{ 86400, "Jan  3 11:04" },
		{ -86400 * 30, "2025-12-03 11:04" },
	};
	char out[WHEN_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		when_local(NOW_US + rows[i].ahead_s * USEC_PER_SEC, NOW_US, out);
		assert_string_equal(out, rows[i].text);
	}
}

static void
test_parse(void **state)
{
	static const struct {
		const char *text;
		usec_t ahead_s; /* -1: no time */
	} rows[] = {
		{ "2026-01-02T03:05:05Z", 60 },
		{ "12:04:05", 3600 },
		{ "12:05", 3655 },
		{ "10:00", 86400 - 3845 }, /* tomorrow's */
		{ "2026-01-02 12:04:05", 3600 },
		{ "2026-01-02T12:04", 3595 },
		{ "2h", -1 },
		{ "25:00", -1 },
		{ "12:05 tomorrow", -1 },
		{ "", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		usec_t at_us = 0;
		int result = when_parse(rows[i].text, NOW_US, &at_us);

		assert_int_equal(result, rows[i].ahead_s == -1 ? -1 : 0);
		if (result == 0)
			assert_int_equal(at_us, NOW_US + rows[i].ahead_s * USEC_PER_SEC);
	}
}

static void
test_localise(void **state)
{
	static const struct {
		const char *text, *out;
	} rows[] = {
		{ "fires since 2026-01-02T03:04:00.123Z", "fires since 11:04:00" },
		{ "2026-01-01T03:04:00Z, 2026-01-02T03:04:00Z", "Jan  1 11:04, 11:04:00" },
		{ "no time: 2026-01-02", "no time: 2026-01-02" },
		{ "2026-01-02T03:04:05+01:00", "2026-01-02T03:04:05+01:00" },
		{ "2026-99-02T03:04:05Z", "2026-99-02T03:04:05Z" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *out = when_localise(rows[i].text, NOW_US);

		assert_string_equal(out, rows[i].out);
		free(out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_localise),
	};

	return cmocka_run_group_tests(tests, go_to_shanghai, NULL);
}

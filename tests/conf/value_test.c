/* Tests of daemon/conf/value.c: what users may write, and what they are told otherwise. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "conf/value.h"

static void
test_durations(void **state)
{
	static const struct {
		const char *text;
		usec_t us;
	} rows[] = {
		{ "0", 0 },
		{ "500ms", 500 * USEC_PER_MSEC },
		{ "10s", 10 * USEC_PER_SEC },
		{ "1.5s", 1500 * USEC_PER_MSEC },
		{ "1m30s", 90 * USEC_PER_SEC },
		{ "2h", 2 * USEC_PER_HOUR },
		{ "7d", 7 * USEC_PER_DAY },
		{ "1d2h3m4s5ms", USEC_PER_DAY + 2 * USEC_PER_HOUR + 3 * USEC_PER_MIN +
					 4 * USEC_PER_SEC + 5 * USEC_PER_MSEC },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		usec_t us = -1;
		assert_int_equal(value_duration(rows[i].text, &us, NULL), 0);
		assert_int_equal(us, rows[i].us);
	}
}

static void
test_bad_durations(void **state)
{
	static const char *const texts[] = { "", "s", "5 s", "10x", "30s1m", "5s5s", "-5s", "1e3s",
		"5", "99999999d", "10s ", "٣s", "1..5s", "5m!" };
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		usec_t us = 77;
		struct err e = { 0 };
		assert_int_equal(value_duration(texts[i], &us, &e), -1);
		assert_int_equal(us, 77); /* untouched on failure */
		assert_true(e.text[0] != '\0');
	}
	struct err e = { 0 };
	usec_t us;
	value_duration("5", &us, &e);
	assert_string_equal(e.text, "\"5\" needs a unit, such as 5s (ms, s, m, h, d)");
}

static void
test_sizes(void **state)
{
	int64_t bytes = 0;
	struct err e = { 0 };
	(void)state;
	assert_int_equal(value_size("10MB", &bytes, NULL), 0);
	assert_int_equal(bytes, 10000000);
	assert_int_equal(value_size("4GiB", &bytes, NULL), 0);
	assert_int_equal(bytes, INT64_C(4) << 30);
	assert_int_equal(value_size("1.5 KiB", &bytes, NULL), 0);
	assert_int_equal(bytes, 1536);
	assert_int_equal(value_size("0", &bytes, NULL), 0);
	assert_int_equal(bytes, 0);
	assert_int_equal(value_size("512", &bytes, &e), -1);
	assert_non_null(strstr(e.text, "needs a unit, such as 512MB"));
	assert_int_equal(value_size("512m", &bytes, &e), -1);
	assert_int_equal(value_size("99999999PiB", &bytes, &e), -1);
	assert_int_equal(value_size("-1MB", &bytes, &e), -1);
}

static void
test_numbers(void **state)
{
	int64_t whole = 0;
	double real = 0;
	(void)state;
	assert_int_equal(value_int("-12", &whole, NULL), 0);
	assert_int_equal(whole, -12);
	assert_int_equal(value_int("9223372036854775807", &whole, NULL), 0);
	assert_int_equal(value_int("9223372036854775808", &whole, NULL), -1);
	assert_int_equal(value_int("010", &whole, NULL), -1);
	assert_int_equal(value_int("0x10", &whole, NULL), -1);
	assert_int_equal(value_int("3.5", &whole, NULL), -1);
	assert_int_equal(value_int("", &whole, NULL), -1);
	assert_int_equal(value_number("-2.5", &real, NULL), 0);
	assert_true(real == -2.5);
	assert_int_equal(value_number("nan", &real, NULL), -1);
	assert_int_equal(value_number("inf", &real, NULL), -1);
	assert_int_equal(value_number("1e5", &real, NULL), -1);
}

static void
test_booleans(void **state)
{
	bool flag = false;
	struct err e = { 0 };
	(void)state;
	assert_int_equal(value_bool("on", &flag, NULL), 0);
	assert_true(flag);
	assert_int_equal(value_bool("false", &flag, NULL), 0);
	assert_false(flag);
	assert_int_equal(value_bool("yes", &flag, &e), -1);
	assert_string_equal(e.text, "\"yes\" is not a boolean here: write true");
	assert_int_equal(value_bool("No", &flag, &e), -1);
	assert_string_equal(e.text, "\"No\" is not a boolean here: write false");
	assert_int_equal(value_bool("True", &flag, &e), -1);
	assert_int_equal(value_bool("maybe", &flag, &e), -1);
}

static void
test_names(void **state)
{
	char longest[66];
	(void)state;
	memset(longest, 'a', sizeof(longest));
	longest[64] = '\0';
	assert_true(value_is_name("root-disk"));
	assert_true(value_is_name("A1_b"));
	assert_true(value_is_name(longest));
	longest[64] = 'a';
	longest[65] = '\0';
	assert_false(value_is_name(longest));
	assert_false(value_is_name(""));
	assert_false(value_is_name("1a"));
	assert_false(value_is_name("a.b"));
	assert_false(value_is_name("a b"));
	assert_false(value_is_name("ä"));
}

static void
test_format(void **state)
{
	static const struct {
		double value;
		const char *unit, *text;
	} rows[] = {
		{ 1.5 * 1024 * 1024 * 1024, "B", "1.5 GiB" },
		{ 512, "B", "512 B" },
		{ 0, "B", "0 B" },
		{ 10240, "B/s", "10 KiB/s" },
		{ 12, "%", "12 %" },
		{ 99.955, "%", "99.95 %" },
		{ 0.25, "s", "250 ms" },
		{ 0, "s", "0 s" },
		{ 2.3, "s", "2.3 s" },
		{ 0.0002, "s", "200 us" },
		{ 3, "/s", "3 /s" },
		{ 1234567, "", "1234567" },
		{ -0.0001, "", "0" },
		{ NAN, "%", "unknown" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[64];
		value_format(rows[i].value, rows[i].unit, text, sizeof(text));
		assert_string_equal(text, rows[i].text);
	}
	char text[64];
	value_format(INFINITY, "s", text, sizeof(text));
	value_format(-1e300, "B", text, sizeof(text));
	value_format(90, "s", text, sizeof(text));
	assert_string_equal(text, "1m 30s");
}

/* What printf makes of it, without zeros at the end. */
static void
print_trimmed(double value, char *out, size_t size)
{
	size_t len;

	snprintf(out, size, fabs(value) >= 100 ? "%.0f" : "%.2f", value);
	len = strlen(out);
	while (strchr(out, '.') != NULL && (out[len - 1] == '0' || out[len - 1] == '.'))
		out[--len] = '\0';
	if (strcmp(out, "-0") == 0)
		strcpy(out, "0");
}

static void
test_format_rounds_like_printf(void **state)
{
	static const double near[] = { 0.005, 0.125, 0.375, 1.005, 8.345, 99.994, 99.995, 99.999,
		100.5, 101.5, 999999998.5, 0.0049999999999, 1e9, 1e14, 4e-320 };
	uint64_t seed = 1;
	char mine[64], theirs[64];

	(void)state;
	for (size_t i = 0; i < 20000; i++) {
		double value = near[i % (sizeof(near) / sizeof(*near))];

		seed = seed * 6364136223846793005U + 1442695040888963407U;
		if (i >= 100)
			value = ldexp((double)(seed >> 33), -(int)(seed >> 3 & 63));
		value = seed >> 62 & 1 ? value : -value;
		value_format(value, "", mine, sizeof(mine));
		print_trimmed(value, theirs, sizeof(theirs));
		assert_string_equal(mine, theirs);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_bad_durations),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_booleans),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_format_rounds_like_printf),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Cron expressions: what they mean, when they come next, and what happens when the clocks change.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/cron.h"

static int64_t
utc(int64_t year, int month, int day, int hour, int minute)
{
	return civil_to_seconds(&(struct civil){ year, month, day, hour, minute, 0, 0 });
}

/* The next time as local clocks show it, with the offset: "2024-03-31 03:00 +2". */
static const char *
next(const char *text, const char *zone_name, int64_t after)
{
	static char out[64];
	struct zone *zone = zone_load(zone_name, NULL);
	struct zone_span span;
	struct cron cron;
	struct civil c;
	struct err e;
	int64_t at;

	assert_non_null(zone);
	if (cron_parse(&cron, text, &e) < 0)
		fail_msg("%s", e.text);
	at = cron_next(&cron, zone, after);
	if (at == INT64_MAX) {
		zone_free(zone);
		return "never";
	}
	assert_true(at > after);
	zone_span_at(zone, at, &span);
	civil_from_seconds(at + span.offset, &c);
	snprintf(out, sizeof(out), "%04d-%02d-%02d %02d:%02d %+g", (int)c.year, c.month, c.day,
		c.hour, c.minute, span.offset / 3600.0);
	zone_free(zone);
	return out;
}

static void
plain_times(void **state)
{
	int64_t now = utc(2024, 5, 15, 12, 34); /* a Wednesday */

	(void)state;
	assert_string_equal(next("* * * * *", "UTC", now), "2024-05-15 12:35 +0");
	assert_string_equal(next("* * * * *", "UTC", now + 59), "2024-05-15 12:35 +0");
	assert_string_equal(next("*/15 * * * *", "UTC", now), "2024-05-15 12:45 +0");
	assert_string_equal(next("34 12 * * *", "UTC", now), "2024-05-16 12:34 +0");
	assert_string_equal(next("0 2 * * *", "UTC", now), "2024-05-16 02:00 +0");
	assert_string_equal(next("0 9-17/4 * * 1-5", "UTC", now), "2024-05-15 13:00 +0");
	assert_string_equal(next("5,10 0 1 1 *", "UTC", now), "2025-01-01 00:05 +0");
	assert_string_equal(next("0 0 29 2 *", "UTC", now), "2028-02-29 00:00 +0");
	assert_string_equal(next("0 0 * * sun", "UTC", now), "2024-05-19 00:00 +0");
	assert_string_equal(next("0 0 * * 7", "UTC", now), "2024-05-19 00:00 +0");
	assert_string_equal(next("0 0 * Feb Mon-Fri", "UTC", now), "2025-02-03 00:00 +0");
	assert_string_equal(next("10/20 * * * *", "UTC", now), "2024-05-15 12:50 +0");
	assert_string_equal(next("0 0 31 * *", "UTC", now), "2024-05-31 00:00 +0");
	assert_string_equal(next("0 0 30 2 *", "UTC", now), "never");
	assert_string_equal(next("0 3 * * *", "Asia/Shanghai", now), "2024-05-16 03:00 +8");
}

static void
either_day_is_enough(void **state)
{
	int64_t now = utc(2024, 5, 15, 12, 0);

	(void)state;
	assert_string_equal(next("0 0 20 * fri", "UTC", now), "2024-05-17 00:00 +0");
	assert_string_equal(next("0 0 16 * fri", "UTC", now), "2024-05-16 00:00 +0");
	assert_string_equal(next("0 0 */2 * fri", "UTC", now), "2024-05-17 00:00 +0");
}

static void
macros(void **state)
{
	int64_t now = utc(2024, 5, 15, 12, 34);

	(void)state;
	assert_string_equal(next("@hourly", "UTC", now), "2024-05-15 13:00 +0");
	assert_string_equal(next("@daily", "UTC", now), "2024-05-16 00:00 +0");
	assert_string_equal(next("@midnight", "UTC", now), "2024-05-16 00:00 +0");
	assert_string_equal(next("@weekly", "UTC", now), "2024-05-19 00:00 +0");
	assert_string_equal(next("@monthly", "UTC", now), "2024-06-01 00:00 +0");
	assert_string_equal(next("@yearly", "UTC", now), "2025-01-01 00:00 +0");
	assert_string_equal(next("@annually", "UTC", now), "2025-01-01 00:00 +0");
}

/* Berlin: 2024-03-31 02:00 becomes 03:00. */
static void
the_gap(void **state)
{
	int64_t before = utc(2024, 3, 31, 0, 30); /* 01:30 local */

	(void)state;
	assert_string_equal(next("30 2 * * *", "Europe/Berlin", before), "2024-03-31 03:00 +2");
	assert_string_equal(
		next("30 2 * * *", "Europe/Berlin", utc(2024, 3, 31, 1, 0)), "2024-04-01 02:30 +2");
	assert_string_equal(next("0 3 * * *", "Europe/Berlin", before), "2024-03-31 03:00 +2");
	assert_string_equal(next("*/30 * * * *", "Europe/Berlin", before), "2024-03-31 03:00 +2");
	assert_string_equal(next("15 * * * *", "Europe/Berlin", before), "2024-03-31 03:15 +2");
	assert_string_equal(next("0 12 * * *", "Europe/Berlin", before), "2024-03-31 12:00 +2");
}

/* Berlin: 2024-10-27 03:00 becomes 02:00. */
static void
the_hour_that_comes_twice(void **state)
{
	int64_t before = utc(2024, 10, 26, 23, 59), first = utc(2024, 10, 27, 0, 30);

	(void)state;
	assert_string_equal(next("30 2 * * *", "Europe/Berlin", before), "2024-10-27 02:30 +2");
	assert_string_equal(next("30 2 * * *", "Europe/Berlin", first), "2024-10-28 02:30 +1");
	assert_string_equal(next("30 * * * *", "Europe/Berlin", first), "2024-10-27 02:30 +1");
	assert_string_equal(next("0 3 * * *", "Europe/Berlin", first), "2024-10-27 03:00 +1");
	assert_string_equal(
		next("0 2 * * *", "Europe/Berlin", utc(2024, 10, 27, 0, 0)), "2024-10-28 02:00 +1");
	assert_string_equal(next("30 1 * * *", "America/New_York", utc(2024, 11, 3, 5, 30)),
		"2024-11-04 01:30 -5");
}

static void
a_change_at_midnight(void **state)
{
	(void)state;
	/* Beirut: 2024-03-31 00:00 becomes 01:00. */
	assert_string_equal(
		next("0 0 * * *", "Asia/Beirut", utc(2024, 3, 30, 12, 0)), "2024-03-31 01:00 +3");
	assert_string_equal(
		next("0 0 31 * *", "Asia/Beirut", utc(2024, 3, 30, 12, 0)), "2024-03-31 01:00 +3");
}

static void
texts_that_are_none(void **state)
{
	static const char *const bad[] = { "", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *",
		"* * 0 * *", "* * 32 * *", "* * * 13 *", "* * * * 8", "5-1 * * * *", "*/0 * * * *",
		"*/-1 * * * *", "a * * * *", "* * * foo *", "1, * * * *", "1-- * * * *",
		"@fortnightly", "@", "1;2 * * * *", "99999999999 * * * *", "* * * janx *" };
	struct cron cron;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (cron_parse(&cron, bad[i], &e) == 0)
			fail_msg("\"%s\" was taken", bad[i]);
	cron_parse(&cron, "0 25 * * *", &e);
	assert_non_null(strstr(e.text, "hour"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_times),
		cmocka_unit_test(either_day_is_enough),
		cmocka_unit_test(macros),
		cmocka_unit_test(the_gap),
		cmocka_unit_test(the_hour_that_comes_twice),
		cmocka_unit_test(a_change_at_midnight),
		cmocka_unit_test(texts_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

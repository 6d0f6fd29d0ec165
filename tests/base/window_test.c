/* Windows of time: what their words mean, where they begin and end, and the clocks' changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/window.h"

static int64_t
utc(int month, int day, int hour, int minute)
{
	return civil_to_seconds(&(struct civil){ 2024, month, day, hour, minute, 0, 0 });
}

/* How many minutes it still goes on at that moment; 0: it does not hold. */
static int64_t
left(const char *text, int32_t minutes, const char *zone_name, int64_t at_s)
{
	struct zone *zone = zone_load(zone_name, NULL);
	struct window window;
	struct err e;
	int64_t until = 0;

	assert_non_null(zone);
	if (window_parse(&window, text, minutes, &e) < 0)
		fail_msg("%s", e.text);
	bool holds = window_holds(&window, zone, at_s, &until);
	assert_true(!holds || until > at_s);
	zone_free(zone);
	return holds ? (until - at_s) / 60 : 0;
}

static void
a_night_of_the_week(void **state)
{
	const char *text = "Sun 02:00-04:00"; /* 2024-05-12 is a Sunday */

	(void)state;
	assert_int_equal(left(text, 0, "UTC", utc(5, 12, 1, 59)), 0);
	assert_int_equal(left(text, 0, "UTC", utc(5, 12, 2, 0)), 120);
	assert_int_equal(left(text, 0, "UTC", utc(5, 12, 3, 59)), 1);
	assert_int_equal(left(text, 0, "UTC", utc(5, 12, 4, 0)), 0);
	assert_int_equal(left(text, 0, "UTC", utc(5, 13, 2, 30)), 0);
	assert_int_equal(left(text, 0, "Asia/Shanghai", utc(5, 11, 18, 0)), 120);
}

static void
over_midnight_it_belongs_to_the_day_it_began(void **state)
{
	const char *text = "Mon-Fri 22:00-06:00"; /* 2024-05-10 is a Friday */

	(void)state;
	assert_int_equal(left(text, 0, "UTC", utc(5, 10, 23, 0)), 420);
	assert_int_equal(left(text, 0, "UTC", utc(5, 11, 5, 0)), 60);
	assert_int_equal(left(text, 0, "UTC", utc(5, 11, 23, 0)), 0);
	assert_int_equal(left(text, 0, "UTC", utc(5, 13, 5, 0)), 0);
}

static void
every_day_whole_days_and_cron(void **state)
{
	(void)state;
	assert_int_equal(left("02:00-02:30", 0, "UTC", utc(5, 14, 2, 10)), 20);
	assert_int_equal(left("daily 02:00-02:30", 0, "UTC", utc(5, 14, 2, 10)), 20);
	assert_int_equal(left("Sat,Sun", 0, "UTC", utc(5, 11, 0, 0)), 1440);
	assert_int_equal(left("Sat,Sun", 0, "UTC", utc(5, 10, 23, 59)), 0);
	assert_int_equal(left("00:00-24:00", 0, "UTC", utc(5, 10, 12, 0)), 720);
	assert_int_equal(left("0 3 1 * *", 90, "UTC", utc(6, 1, 4, 0)), 30);
	assert_int_equal(left("0 3 1 * *", 90, "UTC", utc(6, 1, 4, 30)), 0);
	/* Two that overlap: the later end. */
	assert_int_equal(left("0 * * * *", 90, "UTC", utc(6, 1, 4, 10)), 80);
}

/* Berlin: 02:00 -> 03:00 on 31 March, 03:00 -> 02:00 on 27 October. */
static void
clocks_change_inside(void **state)
{
	const char *text = "Sun 01:00-04:00";

	(void)state;
	assert_int_equal(left(text, 0, "Europe/Berlin", utc(3, 31, 0, 0)), 120);
	assert_int_equal(left(text, 0, "Europe/Berlin", utc(10, 26, 23, 0)), 240);
}

static void
clocks_change_at_the_ends(void **state)
{
	(void)state;
	/* It would begin in the gap: right behind it, until what clocks show at its end. */
	assert_int_equal(left("Sun 02:30-04:00", 0, "Europe/Berlin", utc(3, 31, 1, 0)), 60);
	assert_int_equal(left("Sun 02:30-04:00", 0, "Europe/Berlin", utc(3, 31, 0, 59)), 0);
	/* It would end in the gap. */
	assert_int_equal(left("Sun 01:00-02:30", 0, "Europe/Berlin", utc(3, 31, 0, 0)), 60);
	/* It ends in the hour that comes twice: in the second one. */
	assert_int_equal(left("Sun 01:00-02:30", 0, "Europe/Berlin", utc(10, 26, 23, 0)), 150);
	/* It begins in it: in the first one. */
	assert_int_equal(left("Sun 02:30-04:00", 0, "Europe/Berlin", utc(10, 27, 0, 30)), 150);
	assert_int_equal(left("Sun 02:30-04:00", 0, "Europe/Berlin", utc(10, 27, 0, 29)), 0);
}

static void
what_is_none(void **state)
{
	static const struct {
		const char *text;
		int32_t minutes;
	} bad[] = { { "", 0 }, { "Sunday 2-4", 0 }, { "Sun 02:00", 0 }, { "Sun 02:00-", 0 },
		{ "Sun 25:00-26:00", 0 }, { "Sun 02:60-03:00", 0 }, { "02:00-02:00", 0 },
		{ "24:00-02:00", 0 }, { "Sun Mon 02:00-03:00", 0 }, { "Blursday 02:00-03:00", 0 },
		{ "0 3 * *", 60 }, { "0 3 * * *", -5 }, { "0 3 * * *", 10081 } };
	struct window window;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = { 0 };

		if (window_parse(&window, bad[i].text, bad[i].minutes, &e) == 0)
			fail_msg("\"%s\" was taken", bad[i].text);
		assert_true(strlen(e.text) > 10);
	}
}

static void
what_people_write_instead(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "Mon-Fri 9-18", "write days and a span, such as Mon-Fri 09:00-18:00" },
		{ "Mon to Fri 09:00-18:00", "write days and a span" },
		{ "Mon-Fri 09:00-18:00 Europe/Berlin",
			"\"Europe/Berlin\" is no part of the hours: a zone goes into `timezone`" },
		{ "0 9 * * 1-5", "is a cron expression: say in `duration` how long it lasts" },
		{ "Mo-Fr 09:00-18:00", "\"Mo-Fr\" are no days" },
		{ "Mon-Fri 09:00-25:00", "\"09:00-25:00\" is no span" },
	};
	struct window window;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = { 0 };

		assert_int_equal(window_parse(&window, bad[i].text, 0, &e), -1);
		if (strstr(e.text, bad[i].says) == NULL)
			fail_msg("%s: %s", bad[i].text, e.text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_night_of_the_week),
		cmocka_unit_test(over_midnight_it_belongs_to_the_day_it_began),
		cmocka_unit_test(every_day_whole_days_and_cron),
		cmocka_unit_test(clocks_change_inside),
		cmocka_unit_test(clocks_change_at_the_ends),
		cmocka_unit_test(what_is_none),
		cmocka_unit_test(what_people_write_instead),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Zones of this host's tzdata, and files that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/zone.h"

static int32_t
offset_at(const char *name, int64_t utc_s)
{
	struct zone *zone = zone_load(name, NULL);
	struct zone_span span;

	assert_non_null(zone);
	zone_span_at(zone, utc_s, &span);
	assert_true(span.from <= utc_s && utc_s < span.until);
	zone_free(zone);
	return span.offset;
}

static int64_t
utc(int64_t year, int month, int day, int hour, int minute)
{
	return civil_to_seconds(&(struct civil){ year, month, day, hour, minute, 0, 0 });
}

static void
civil_time_goes_there_and_back(void **state)
{
	struct civil c;

	(void)state;
	civil_from_seconds(1700000000, &c); /* 2023-11-14T22:13:20, a Tuesday */
	assert_int_equal(c.year, 2023);
	assert_int_equal(c.month, 11);
	assert_int_equal(c.day, 14);
	assert_int_equal(c.hour, 22);
	assert_int_equal(c.minute, 13);
	assert_int_equal(c.second, 20);
	assert_int_equal(c.weekday, 2);
	for (int64_t s = -4000000000; s < 5000000000; s += 123456789) {
		civil_from_seconds(s, &c);
		assert_true(civil_to_seconds(&c) == s);
		assert_in_range(c.weekday, 0, 6);
	}
	civil_from_seconds(-1, &c);
	assert_int_equal(c.year, 1969);
	assert_int_equal(c.weekday, 3);
}

static void
offsets_of_real_zones(void **state)
{
	(void)state;
	assert_int_equal(offset_at("UTC", 1700000000), 0);
	assert_int_equal(offset_at("Europe/Berlin", utc(2024, 1, 15, 0, 0)), 3600);
	assert_int_equal(offset_at("Europe/Berlin", utc(2024, 7, 15, 0, 0)), 7200);
	assert_int_equal(offset_at("Europe/Berlin", utc(2024, 3, 31, 0, 59)), 3600);
	assert_int_equal(offset_at("Europe/Berlin", utc(2024, 3, 31, 1, 0)), 7200);
	assert_int_equal(offset_at("America/New_York", utc(2024, 11, 3, 5, 59)), -14400);
	assert_int_equal(offset_at("America/New_York", utc(2024, 11, 3, 6, 0)), -18000);
	assert_int_equal(offset_at("Asia/Shanghai", utc(2024, 7, 1, 0, 0)), 28800);
	assert_int_equal(offset_at("Asia/Kolkata", utc(2024, 7, 1, 0, 0)), 19800);
	assert_int_equal(offset_at("Australia/Lord_Howe", utc(2024, 1, 1, 0, 0)), 39600);
	assert_int_equal(offset_at("Australia/Lord_Howe", utc(2024, 7, 1, 0, 0)), 37800);
	/* Behind the file's last transition. */
	assert_int_equal(offset_at("Europe/Berlin", utc(2070, 7, 15, 0, 0)), 7200);
	assert_int_equal(offset_at("Europe/Berlin", utc(2070, 12, 15, 0, 0)), 3600);
	assert_int_equal(offset_at("America/New_York", utc(2071, 7, 1, 0, 0)), -14400);
	assert_int_equal(offset_at("Australia/Sydney", utc(2071, 1, 1, 0, 0)), 39600);
	assert_int_equal(offset_at("Australia/Sydney", utc(2071, 7, 1, 0, 0)), 36000);
}

/* Spans follow each other without a hole, also across the end of the file's own list. */
static void
spans_are_seamless(void **state)
{
	static const char *const names[] = { "Europe/Berlin", "America/New_York",
		"Australia/Sydney", "Africa/Casablanca", "Asia/Tehran", "Europe/Dublin",
		"America/Godthab", "Asia/Gaza" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct zone *zone = zone_load(names[i], NULL);
		struct zone_span span, next;

		if (zone == NULL)
			continue;
		zone_span_at(zone, utc(2000, 1, 1, 0, 0), &span);
		while (span.until < utc(2060, 1, 1, 0, 0)) {
			zone_span_at(zone, span.until, &next);
			assert_true(next.from == span.until);
			assert_int_equal(next.before, span.offset);
			assert_true(next.until > next.from);
			span = next;
		}
		zone_free(zone);
	}
}

static void
names_that_are_none(void **state)
{
	struct err e;

	(void)state;
	assert_null(zone_load("Europe/Nowhere", &e));
	assert_non_null(strstr(e.text, "there is no time zone \"Europe/Nowhere\" here: write"));
	assert_null(zone_load("../../etc/passwd", &e));
	assert_null(zone_load("/etc/passwd", &e));
	assert_null(zone_load("", &e));
	zone_free(zone_load("local", NULL));
}

static void
files_that_are_none(void **state)
{
	static const char header[44] = "TZif2";
	char huge[44];

	(void)state;
	assert_null(zone_parse("", 0, NULL));
	assert_null(zone_parse("TZif", 4, NULL));
	assert_null(zone_parse(header, sizeof(header), NULL));
	memcpy(huge, header, sizeof(huge));
	memset(huge + 20, 0xff, 24);
	assert_null(zone_parse(huge, sizeof(huge), NULL));
	zone_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(civil_time_goes_there_and_back),
		cmocka_unit_test(offsets_of_real_zones),
		cmocka_unit_test(spans_are_seamless),
		cmocka_unit_test(names_that_are_none),
		cmocka_unit_test(files_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

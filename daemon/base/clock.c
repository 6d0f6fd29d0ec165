/*
 * Clocks, real and fake, and their text forms.  Everything is UTC and proleptic Gregorian; no
 * locale and no time zone file is ever looked at.
 */
#include "base/clock.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static usec_t
read_kernel(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (usec_t)ts.tv_sec * USEC_PER_SEC + ts.tv_nsec / 1000;
}

void
clock_init_real(struct clock *clock)
{
	*clock = (struct clock){ .is_fake = false };
}

void
clock_init_fake(struct clock *clock, usec_t mono_us, usec_t wall_us)
{
	*clock =
		(struct clock){ .is_fake = true, .fake_mono_us = mono_us, .fake_wall_us = wall_us };
}

void
clock_advance(struct clock *clock, usec_t by_us)
{
	assert(clock->is_fake && by_us >= 0);
	clock->fake_mono_us += by_us;
	clock->fake_wall_us += by_us;
}

void
clock_step_wall(struct clock *clock, usec_t by_us)
{
	assert(clock->is_fake);
	clock->fake_wall_us += by_us;
}

void
clock_suspend(struct clock *clock, usec_t for_us)
{
	assert(clock->is_fake && for_us >= 0);
	clock->fake_wall_us += for_us;
	clock->fake_slept_us += for_us;
}

usec_t
clock_mono(const struct clock *clock)
{
	return clock->is_fake ? clock->fake_mono_us : read_kernel(CLOCK_MONOTONIC);
}

usec_t
clock_wall(const struct clock *clock)
{
	return clock->is_fake ? clock->fake_wall_us : read_kernel(CLOCK_REALTIME);
}

usec_t
clock_slept(const struct clock *clock)
{
	if (clock->is_fake)
		return clock->fake_slept_us;
	/* Monotonic first: a pause between the two reads must not come out negative. */
	usec_t mono = read_kernel(CLOCK_MONOTONIC);
	return read_kernel(CLOCK_BOOTTIME) - mono;
}

/* Days since 1970-01-01, counting years from March so that the leap day is a year's last. */
static int64_t
days_from_date(int64_t year, int month, int day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t of_era = year - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void
date_from_days(int64_t days, unsigned *year, unsigned *month, unsigned *day)
{
	days += 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	int64_t of_era = days - era * 146097;
	int64_t years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * years + years / 4 - years / 100);
	int64_t from_march = (5 * of_year + 2) / 153;
	*day = (unsigned)(of_year - (153 * from_march + 2) / 5) + 1;
	*month = (unsigned)(from_march < 10 ? from_march + 3 : from_march - 9);
	*year = (unsigned)(years + era * 400 + (*month <= 2));
}

void
clock_format_rfc3339(usec_t wall_us, char out[CLOCK_RFC3339_SIZE])
{
	/* The notation has four digits for the year: what lies outside shows as its edge. */
	usec_t least = days_from_date(0, 1, 1) * USEC_PER_DAY;
	usec_t most = days_from_date(10000, 1, 1) * USEC_PER_DAY - 1;
	usec_t at = wall_us < least ? least : wall_us > most ? most : wall_us;
	int64_t days = at / USEC_PER_DAY - (at % USEC_PER_DAY < 0);
	unsigned ms = (unsigned)((at - days * USEC_PER_DAY) / USEC_PER_MSEC);
	unsigned year, month, day;

	date_from_days(days, &year, &month, &day);
	snprintf(out, CLOCK_RFC3339_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", year % 10000,
		month % 100, day % 100, ms / 3600000 % 24, ms / 60000 % 60, ms / 1000 % 60,
		ms % 1000);
}

/* Reads exactly `count` digits; -1 if they are not all there. */
static int
digits(const char **at, int count)
{
	int value = 0;

	for (; count > 0; count--, ++*at) {
		if (!isdigit((unsigned char)**at))
			return -1;
		value = value * 10 + (**at - '0');
	}
	return value;
}

static int
days_of_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && is_leap);
}

static int
parse_date(const char **at, int64_t *days)
{
	int year = digits(at, 4);

	if (year < 0 || *(*at)++ != '-')
		return -1;
	int month = digits(at, 2);
	if (month < 1 || month > 12 || *(*at)++ != '-')
		return -1;
	int day = digits(at, 2);
	if (day < 1 || day > days_of_month(year, month))
		return -1;
	*days = days_from_date(year, month, day);
	return 0;
}

static int
parse_time(const char **at, usec_t *us)
{
	int hour = digits(at, 2);

	if (hour < 0 || hour > 23 || *(*at)++ != ':')
		return -1;
	int minute = digits(at, 2);
	if (minute < 0 || minute > 59 || *(*at)++ != ':')
		return -1;
	int second = digits(at, 2);
	if (second < 0 || second > 60) /* 60: a leap second, shown as the next minute's first */
		return -1;
	*us = hour * USEC_PER_HOUR + minute * USEC_PER_MIN + second * USEC_PER_SEC;
	if (**at != '.')
		return 0;
	++*at;
	if (!isdigit((unsigned char)**at))
		return -1;
	for (usec_t unit = USEC_PER_SEC / 10; isdigit((unsigned char)**at); unit /= 10, ++*at)
		*us += unit * (**at - '0');
	return 0;
}

static int
parse_offset(const char **at, usec_t *us)
{
	char sign = *(*at)++;

	*us = 0;
	if (sign == 'Z' || sign == 'z')
		return 0;
	if (sign != '+' && sign != '-')
		return -1;
	int hour = digits(at, 2);
	if (hour < 0 || hour > 23 || *(*at)++ != ':')
		return -1;
	int minute = digits(at, 2);
	if (minute < 0 || minute > 59)
		return -1;
	*us = (hour * USEC_PER_HOUR + minute * USEC_PER_MIN) * (sign == '-' ? -1 : 1);
	return 0;
}

int
clock_parse_rfc3339(const char *text, usec_t *wall_us)
{
	const char *at = text;
	int64_t days;
	usec_t of_day, offset;

	if (parse_date(&at, &days) < 0)
		return -1;
	if (*at != 'T' && *at != 't' && *at != ' ')
		return -1;
	at++;
	if (parse_time(&at, &of_day) < 0 || parse_offset(&at, &offset) < 0 || *at)
		return -1;
	*wall_us = days * USEC_PER_DAY + of_day - offset;
	return 0;
}

/* Under a minute: three significant digits in one unit, "1.23s", "250ms". */
static void
format_short(const char *sign, usec_t us, char *out, size_t size)
{
	usec_t unit = us >= USEC_PER_SEC ? USEC_PER_SEC : us >= USEC_PER_MSEC ? USEC_PER_MSEC : 1;
	const char *name = us >= USEC_PER_SEC || !us ? "s" : us >= USEC_PER_MSEC ? "ms" : "us";
	char part[16] = "";

	if (us % unit) {
		snprintf(part, sizeof part, ".%03u", (unsigned)(us % unit * 1000 / unit));
		for (size_t len = strlen(part); part[len - 1] == '0'; len--)
			part[len - 1] = '\0';
	}
	snprintf(out, size, "%s%lld%s%s", sign, (long long)(us / unit), part, name);
}

void
clock_format_duration(usec_t us, char *out, size_t size)
{
	static const struct {
		usec_t unit, next;
		char name, next_name;
	} rows[] = {
		{ USEC_PER_DAY, USEC_PER_HOUR, 'd', 'h' },
		{ USEC_PER_HOUR, USEC_PER_MIN, 'h', 'm' },
		{ USEC_PER_MIN, USEC_PER_SEC, 'm', 's' },
	};
	const char *sign = us < 0 ? "-" : "";
	usec_t left = us == INT64_MIN ? INT64_MAX : us < 0 ? -us : us;
	usec_t step = 1;

	while (left < USEC_PER_MIN && left / step >= 1000)
		step *= 10;
	left = left < USEC_PER_MIN ? (left + step / 2) / step * step : left;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (left < rows[i].unit)
			continue;
		long long most = left / rows[i].unit, rest = left % rows[i].unit / rows[i].next;
		if (rest)
			snprintf(out, size, "%s%lld%c %lld%c", sign, most, rows[i].name, rest,
				rows[i].next_name);
		else
			snprintf(out, size, "%s%lld%c", sign, most, rows[i].name);
		return;
	}
	format_short(sign, left, out, size);
}

/*
 * TZif reader and the arithmetic of civil time.  The file is somebody's bytes: every count is
 * checked against the length before anything is read, and times must rise.
 */
#include "base/zone.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define FILE_MAX        (256 * 1024)
#define TRANSITIONS_MAX 4096
#define HEADER          44
#define DAY             INT64_C(86400)
#define OFFSET_MAX      (26 * 3600)

/* When in a year the clocks change: Mm.w.d, Jn or n of the POSIX notation. */
struct change {
	char kind; /* 'M', 'J', 'n' */
	int month, week, day;
	int32_t at; /* seconds of the local day; may be negative or beyond a day */
};

struct zone {
	int64_t *times;
	int32_t *offsets; /* offsets[i]: from times[i] on */
	size_t count;
	int32_t first; /* before times[0] */
	bool has_rule; /* the footer: behind the last transition */
	bool has_summer;
	int32_t standard, summer; /* offsets */
	struct change begin, end;
};

/* --- civil time --- */

static int64_t
days_from_civil(int64_t year, int month, int day)
{
	int64_t era, of_era, of_year;

	year -= month <= 2;
	era = (year >= 0 ? year : year - 399) / 400;
	of_era = year - era * 400;
	of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void
civil_from_seconds(int64_t seconds, struct civil *out)
{
	int64_t days = seconds / DAY - (seconds % DAY < 0);
	int64_t rest = seconds - days * DAY, shifted = days + 719468;
	int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int64_t of_era = shifted - era * 146097;
	int64_t years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * years + years / 4 - years / 100);
	int64_t month = (5 * of_year + 2) / 153;

	out->day = (int)(of_year - (153 * month + 2) / 5) + 1;
	out->month = (int)(month < 10 ? month + 3 : month - 9);
	out->year = years + era * 400 + (out->month <= 2);
	out->hour = (int)(rest / 3600);
	out->minute = (int)(rest / 60 % 60);
	out->second = (int)(rest % 60);
	out->weekday = (int)((days % 7 + 11) % 7);
}

int64_t
civil_to_seconds(const struct civil *c)
{
	return days_from_civil(c->year, c->month, c->day) * DAY + c->hour * 3600 + c->minute * 60 +
	       c->second;
}

/* --- the footer: "CET-1CEST,M3.5.0,M10.5.0/3" --- */

static int
read_number(const char **at, int most)
{
	int value = 0;

	if (!isdigit((unsigned char)**at))
		return -1;
	while (isdigit((unsigned char)**at)) {
		value = value * 10 + (*(*at)++ - '0');
		if (value > most)
			return -1;
	}
	return value;
}

/* "EST" or "<+03>". */
static bool
skip_name(const char **at)
{
	const char *begin = *at;

	if (**at == '<') {
		const char *end = strchr(*at, '>');

		*at = end != NULL ? end + 1 : *at;
		return end != NULL;
	}
	while (isalpha((unsigned char)**at))
		++*at;
	return *at - begin >= 3;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static bool
read_time(const char **at, int32_t *out, int hours_max)
{
	int sign = **at == '-' ? -1 : 1, hours, minutes = 0, seconds = 0;

	*at += **at == '-' || **at == '+';
	hours = read_number(at, hours_max);
	if (hours >= 0 && **at == ':') {
		++*at;
		minutes = read_number(at, 59);
	}
	if (minutes >= 0 && **at == ':') {
		++*at;
		seconds = read_number(at, 59);
	}
	*out = sign * (hours * 3600 + minutes * 60 + seconds);
	return hours >= 0 && minutes >= 0 && seconds >= 0;
}

static bool
read_month_rule(const char **at, struct change *change)
{
	change->month = read_number(at, 12);
	if (change->month < 1 || *(*at)++ != '.')
		return false;
	change->week = read_number(at, 5);
	if (change->week < 1 || *(*at)++ != '.')
		return false;
	change->day = read_number(at, 6);
	return change->day >= 0;
}

static bool
read_change(const char **at, struct change *change)
{
	if (*(*at)++ != ',')
		return false;
	change->kind = 'n';
	if (**at == 'M' || **at == 'J')
		change->kind = *(*at)++;
	if (change->kind == 'M') {
		if (!read_month_rule(at, change))
			return false;
	} else {
		change->day = read_number(at, 365);
		if (change->day < (change->kind == 'J' ? 1 : 0))
			return false;
	}
	change->at = 2 * 3600;
	if (**at != '/')
		return true;
	++*at;
	return read_time(at, &change->at, 167);
}

static bool
read_footer(struct zone *zone, const char *at)
{
	int32_t west;

	if (!skip_name(&at) || !read_time(&at, &west, 24))
		return false;
	zone->standard = -west;
	zone->summer = zone->standard + 3600;
	if (*at == '\0')
		return true;
	if (!skip_name(&at))
		return false;
	if (*at != ',' && *at != '\0') {
		if (!read_time(&at, &west, 24))
			return false;
		zone->summer = -west;
	}
	zone->has_summer = read_change(&at, &zone->begin) && read_change(&at, &zone->end);
	return zone->has_summer && *at == '\0';
}

/* --- the file --- */

static int32_t
read_be32(const unsigned char *p)
{
	return (int32_t)((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]);
}

static int64_t
read_be64(const unsigned char *p)
{
	return (int64_t)((uint64_t)(uint32_t)read_be32(p) << 32 | (uint32_t)read_be32(p + 4));
}

/* One block: header, then tables whose entries take `wide` bytes where they are times. */
struct block {
	const unsigned char *at;
	size_t times, types, chars, leaps, isstd, isut;
	size_t wide;
};

static size_t
block_size(const struct block *b)
{
	return HEADER + b->times * (b->wide + 1) + b->types * 6 + b->chars +
	       b->leaps * (b->wide + 4) + b->isstd + b->isut;
}

static bool
read_header(struct block *b, const unsigned char *at, size_t left, size_t wide)
{
	size_t counts[6];

	if (left < HEADER || memcmp(at, "TZif", 4) != 0)
		return false;
	for (size_t i = 0; i < 6; i++) {
		counts[i] = (uint32_t)read_be32(at + 20 + i * 4);
		if (counts[i] > TRANSITIONS_MAX)
			return false;
	}
	*b = (struct block){ .at = at,
		.isut = counts[0],
		.isstd = counts[1],
		.leaps = counts[2],
		.times = counts[3],
		.types = counts[4],
		.chars = counts[5],
		.wide = wide };
	return b->types > 0 && block_size(b) <= left;
}

static bool
take_block(struct zone *zone, const struct block *b)
{
	const unsigned char *times = b->at + HEADER, *index = times + b->times * b->wide;
	const unsigned char *types = index + b->times;

	zone->times = xcalloc(b->times + 1, sizeof(*zone->times));
	zone->offsets = xcalloc(b->times + 1, sizeof(*zone->offsets));
	zone->first = read_be32(types);
	for (size_t i = 0; i < b->types; i++) {
		int32_t offset = read_be32(types + i * 6);

		if (offset > OFFSET_MAX || offset < -OFFSET_MAX)
			return false;
	}
	for (size_t i = 0; i < b->times; i++) {
		int64_t at = b->wide == 8 ? read_be64(times + i * 8) : read_be32(times + i * 4);

		if (index[i] >= b->types || (i > 0 && at <= zone->times[i - 1]))
			return false;
		zone->times[i] = at;
		zone->offsets[i] = read_be32(types + (size_t)index[i] * 6);
		zone->count++;
	}
	return true;
}

static bool
take_footer(struct zone *zone, const unsigned char *at, size_t left)
{
	char text[128];
	const unsigned char *end;

	if (left < 2 || *at != '\n')
		return false;
	end = memchr(at + 1, '\n', left - 1);
	if (end == NULL || (size_t)(end - at) > sizeof(text))
		return false;
	memcpy(text, at + 1, (size_t)(end - at - 1));
	text[end - at - 1] = '\0';
	if (text[0] == '\0')
		return true;
	zone->has_rule = read_footer(zone, text);
	return zone->has_rule;
}

struct zone *
zone_parse(const void *data, size_t len, struct err *e)
{
	const unsigned char *at = data;
	struct zone *zone = xcalloc(1, sizeof(*zone));
	struct block first, second;
	bool is_good = read_header(&first, at, len, 4);

	if (is_good && at[4] >= '2') {
		size_t skip = block_size(&first);

		is_good = read_header(&second, at + skip, len - skip, 8);
		if (is_good) {
			size_t behind = skip + block_size(&second);

			is_good = take_block(zone, &second) &&
				  take_footer(zone, at + behind, len - behind);
		}
	} else if (is_good) {
		is_good = take_block(zone, &first);
	}
	if (is_good)
		return zone;
	zone_free(zone);
	err_set(e, 0, "this is no time zone file");
	return NULL;
}

void
zone_free(struct zone *zone)
{
	if (zone == NULL)
		return;
	free(zone->times);
	free(zone->offsets);
	free(zone);
}

static bool
is_zone_name(const char *name)
{
	return isalpha((unsigned char)name[0]) && strlen(name) < 100 &&
	       strstr(name, "..") == NULL &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				 "/_+-")] == '\0';
}

/* A zone that is not there is a slip of the pen, unless none is. */
static void
explain_missing(const char *name, const char *path, struct err *e)
{
	bool is_gone = errno == ENOENT;

	if (is_gone && !str_eq(name, "UTC") && access(ZONE_FOLDER "/UTC", F_OK) == 0)
		err_set(e, 0,
			"there is no time zone \"%s\" here: write continent and city, such as "
			"Europe/Berlin, or UTC (`ls " ZONE_FOLDER "` has all)",
			name);
	else
		err_sys(e, "time zone %s: %s%s", name, path,
			is_gone ? " (is tzdata installed?)" : "");
}

struct zone *
zone_load(const char *name, struct err *e)
{
	char path[256];
	struct zone *zone;
	char *data;
	FILE *file;
	size_t len;

	if (!is_zone_name(name)) {
		err_set(e, 0, "\"%.60s\" is not the name of a time zone, such as Europe/Berlin",
			name);
		return NULL;
	}
	snprintf(path, sizeof(path), "%s/%s", ZONE_FOLDER, name);
	file = fopen(str_eq(name, "local") ? "/etc/localtime" : path, "re");
	if (file == NULL) {
		if (str_eq(name, "local")) /* as libc does */
			return zone_load("UTC", e);
		explain_missing(name, path, e);
		return NULL;
	}
	data = xmalloc(FILE_MAX);
	len = fread(data, 1, FILE_MAX, file);
	fclose(file);
	zone = zone_parse(data, len, e);
	if (zone == NULL)
		err_wrap(e, "time zone %s", name);
	free(data);
	return zone;
}

/* --- asking --- */

static bool
is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* The day on which the clocks change in `year`, as days since 1970. */
static int64_t
change_day(const struct change *change, int64_t year)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int64_t first;
	int length, weekday, day;

	if (change->kind != 'M') {
		first = days_from_civil(year, 1, 1);
		if (change->kind == 'J') /* 29 February never counts */
			return first + change->day - 1 + (change->day >= 60 && is_leap(year));
		return first + change->day;
	}
	first = days_from_civil(year, change->month, 1);
	length = lengths[change->month - 1] + (change->month == 2 && is_leap(year));
	weekday = (int)((first % 7 + 11) % 7);
	day = (change->day - weekday + 7) % 7 + (change->week - 1) * 7;
	while (day >= length)
		day -= 7;
	return first + day;
}

/* The changes of the years around a moment, in order, by the footer's rule. */
static void
span_by_rule(const struct zone *zone, int64_t utc_s, struct zone_span *span)
{
	struct civil now;

	*span = (struct zone_span){ zone->standard, zone->standard, INT64_MIN, INT64_MAX };
	if (!zone->has_summer)
		return;
	civil_from_seconds(utc_s + zone->standard, &now);
	for (int64_t year = now.year - 1; year <= now.year + 1; year++) {
		int64_t at[2] = {
			change_day(&zone->begin, year) * DAY + zone->begin.at - zone->standard,
			change_day(&zone->end, year) * DAY + zone->end.at - zone->summer,
		};
		int early = at[1] < at[0];

		for (int i = 0; i < 2; i++) {
			int which = i == 0 ? early : !early;
			int32_t offset = which == 0 ? zone->summer : zone->standard;

			if (at[which] > utc_s) {
				if (span->until == INT64_MAX)
					span->until = at[which];
				continue;
			}
			span->before = which == 0 ? zone->standard : zone->summer;
			span->offset = offset;
			span->from = at[which];
		}
	}
}

void
zone_span_at(const struct zone *zone, int64_t utc_s, struct zone_span *span)
{
	size_t low = 0, high = zone->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (zone->times[middle] <= utc_s)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == zone->count && zone->has_rule) {
		span_by_rule(zone, utc_s, span);
		if (low > 0 && span->from <= zone->times[low - 1]) {
			span->from = zone->times[low - 1];
			span->before = low > 1 ? zone->offsets[low - 2] : zone->first;
		}
		return;
	}
	*span = (struct zone_span){ zone->first, zone->first, INT64_MIN, INT64_MAX };
	if (low > 0) {
		span->offset = zone->offsets[low - 1];
		span->before = low > 1 ? zone->offsets[low - 2] : zone->first;
		span->from = zone->times[low - 1];
	}
	if (low < zone->count)
		span->until = zone->times[low];
}

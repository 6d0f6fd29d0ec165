/*
 * Retry-After: a number of seconds, or a date in one of the three forms that RFC 9110 makes a
 * recipient accept.  Dates are English whatever the locale is, so strptime will not do.
 */
#include "alerts/retry_after.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define MOST_US (365 * USEC_PER_DAY)

static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep",
	"Oct", "Nov", "Dec" };

static int
month_from(const char *name)
{
	for (int i = 0; i < 12; i++) {
		if (strcasecmp(months[i], name) == 0)
			return i;
	}
	return -1;
}

static int
is_plausible(const struct tm *tm)
{
	return tm->tm_mon >= 0 && tm->tm_mday >= 1 && tm->tm_mday <= 31 && tm->tm_hour >= 0 &&
	       tm->tm_hour <= 23 && tm->tm_min >= 0 && tm->tm_min <= 59 && tm->tm_sec >= 0 &&
	       tm->tm_sec <= 60;
}

/* RFC 850 writes two digits: a year more than 50 ahead is one of the last century. */
static int
full_year(int year, usec_t wall_us)
{
	time_t now = (time_t)(wall_us / USEC_PER_SEC);
	struct tm tm;

	if (year >= 100)
		return year;
	gmtime_r(&now, &tm);
	year += (tm.tm_year + 1900) / 100 * 100;
	return year > tm.tm_year + 1900 + 50 ? year - 100 : year;
}

static int
parse_date(const char *text, usec_t wall_us, usec_t *out)
{
	struct tm tm = { .tm_isdst = 0 };
	char month[4] = "";
	int year = 0;
	time_t at;

	/* Sun, 06 Nov 1994 08:49:37 GMT; Sunday, 06-Nov-94 08:49:37 GMT; Sun Nov  6 08:49:37 1994
	 */
	if (sscanf(text, "%*[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT", &tm.tm_mday, month,
		    &year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6 &&
		sscanf(text, "%*[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT", &tm.tm_mday, month,
			&year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6 &&
		sscanf(text, "%*[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d", month, &tm.tm_mday,
			&tm.tm_hour, &tm.tm_min, &tm.tm_sec, &year) != 6)
		return -1;
	tm.tm_mon = month_from(month);
	tm.tm_year = full_year(year, wall_us) - 1900;
	if (!is_plausible(&tm))
		return -1;
	at = timegm(&tm);
	*out = (usec_t)at * USEC_PER_SEC;
	return 0;
}

static usec_t
parse_seconds(const char *text)
{
	usec_t seconds = 0;

	while (isdigit((unsigned char)*text) && seconds < MOST_US / USEC_PER_SEC)
		seconds = seconds * 10 + (*text++ - '0');
	while (isdigit((unsigned char)*text))
		text++;
	text += strspn(text, " \t");
	if (*text != '\0')
		return 0;
	return seconds * USEC_PER_SEC > MOST_US ? MOST_US : seconds * USEC_PER_SEC;
}

usec_t
retry_after_parse(const char *text, usec_t wall_us)
{
	usec_t at_us;

	text += strspn(text, " \t");
	if (isdigit((unsigned char)text[0]))
		return parse_seconds(text);
	if (parse_date(text, wall_us, &at_us) < 0 || at_us <= wall_us)
		return 0;
	return at_us - wall_us > MOST_US ? MOST_US : at_us - wall_us;
}

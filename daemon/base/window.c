/* Windows are a cron start and a length on the clock's face.  Owns nothing. */
#include "base/window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define DAY_MINUTES 1440
#define DAY_SECONDS 86400

/* "02:30" -> minutes; "24:00" is the end of a day.  The length read, 0: it is none. */
static size_t
parse_time(const char *text, int32_t *minutes)
{
	int hour = -1, minute = -1, len = 0;

	if (sscanf(text, "%2d:%2d%n", &hour, &minute, &len) != 2 || text[0] < '0' || text[0] > '9')
		return 0;
	if (hour < 0 || hour > 24 || minute < 0 || minute > 59 || (hour == 24 && minute > 0))
		return 0;
	*minutes = hour * 60 + minute;
	return (size_t)len;
}

/* "22:00-06:00", to the text's end. */
static int
parse_span(const char *text, int32_t *from, int32_t *length, struct err *e)
{
	int32_t until = 0;
	size_t len = parse_time(text, from);
	size_t rest = len > 0 && text[len] == '-' ? parse_time(text + len + 1, &until) : 0;

	if (rest == 0 || text[len + 1 + rest] != '\0' || *from == DAY_MINUTES)
		return err_set(e, 0, "\"%s\" is no span of a day such as 02:00-04:00", text);
	if (*from == until)
		return err_set(
			e, 0, "\"%s\" begins when it ends; a whole day is 00:00-24:00", text);
	*length = until > *from ? until - *from : until + DAY_MINUTES - *from;
	return 0;
}

/* Words too many: what people mean by them. */
static int
explain_words(const char *text, struct err *e)
{
	const char *last = strrchr(text, ' ') + 1;
	size_t fields = 1;

	for (const char *c = text; *c != '\0'; c++)
		fields += *c == ' ';
	if (fields == 5 && strpbrk(text, "*/") != NULL)
		return err_set(e, 0,
			"\"%.60s\" is a cron expression: say in `duration` how long it lasts",
			text);
	if (strchr(text, ':') != NULL && strchr(last, ':') == NULL)
		return err_set(e, 0,
			"\"%.60s\" is no part of the hours: a zone goes into `timezone`, as in "
			"{ schedule: \"Mon-Fri 09:00-18:00\", timezone: Europe/Berlin }",
			last);
	return err_set(e, 0,
		"\"%.60s\" are no hours: write days and a span, such as Mon-Fri 09:00-18:00", text);
}

/* "Sun 02:00-04:00" as the cron expression of its start. */
static int
parse_words(struct window *window, const char *text, struct err *e)
{
	const char *space = strrchr(text, ' ');
	const char *span = space == NULL ? text : space + 1;
	bool has_span = strchr(span, ':') != NULL;
	size_t days_len = !has_span ? strlen(text) : space == NULL ? 0 : (size_t)(space - text);
	int32_t from = 0, length = DAY_MINUTES;
	char days[64] = "*", cron[96];

	if (*text == '\0')
		return err_set(e, 0, "say when: Sun 02:00-04:00, Mon-Fri 22:00-06:00, Sat,Sun");
	if (has_span && parse_span(span, &from, &length, e) == -1)
		return -1;
	if (days_len >= sizeof(days))
		return err_set(e, 0, "the days of \"%s\" are too many words", text);
	if (days_len > 0)
		snprintf(days, sizeof(days), "%.*s", (int)days_len, text);
	if (str_eq(days, "daily"))
		str_copy(days, sizeof(days), "*");
	if (strchr(days, ' ') != NULL)
		return explain_words(text, e);
	snprintf(cron, sizeof(cron), "%d %d * * %s", (int)(from % 60), (int)(from / 60), days);
	window->minutes = length;
	window->end = (from + length) % DAY_MINUTES;
	if (cron_parse(&window->start, cron, e) == -1)
		return err_set(
			e, 0, "\"%s\" are no days: write Sun, Mon-Fri, Sat,Sun or daily", days);
	return 0;
}

int
window_parse(struct window *window, const char *text, int32_t minutes, struct err *e)
{
	memset(window, 0, sizeof(*window));
	if (minutes == 0)
		return parse_words(window, text, e);
	if (minutes < 0 || minutes > WINDOW_MINUTES_MAX)
		return err_set(e, 0, "a window lasts from one minute to seven days");
	window->minutes = minutes;
	window->end = -1;
	return cron_parse(&window->start, text, e);
}

/* The offset in force at `utc_s`. */
static int32_t
offset_at(const struct zone *zone, int64_t utc_s, int64_t *since_s)
{
	struct zone_span span;

	zone_span_at(zone, utc_s, &span);
	*since_s = span.from;
	return span.offset;
}

/* The moment at which clocks show `local_s`: the later one where they show it twice, right behind
 * the gap where they never do. */
static int64_t
moment_of(const struct zone *zone, int64_t local_s)
{
	int64_t since_s;
	int64_t early = local_s - offset_at(zone, local_s - DAY_SECONDS, &since_s);
	int64_t late = local_s - offset_at(zone, local_s + DAY_SECONDS, &since_s);
	bool is_early = early + offset_at(zone, early, &since_s) == local_s;
	bool is_late = late + offset_at(zone, late, &since_s) == local_s;

	if (is_early && is_late)
		return early > late ? early : late;
	if (is_early || is_late)
		return is_early ? early : late;
	offset_at(zone, early > late ? early : late, &since_s);
	return since_s;
}

static int64_t
end_of(const struct window *window, const struct zone *zone, int64_t start_s)
{
	int64_t since_s, until_s;
	int64_t local = start_s + offset_at(zone, start_s, &since_s);
	int32_t minutes = window->minutes;

	/* It began behind a gap: so much less is left of it. */
	if (window->end >= 0 && start_s == since_s)
		minutes = (int32_t)((window->end - local / 60 % DAY_MINUTES + DAY_MINUTES) %
				    DAY_MINUTES);
	until_s = moment_of(zone, local + (int64_t)minutes * 60);
	return until_s > start_s ? until_s : start_s;
}

struct stretch {
	int64_t from_s, until_s; /* the earliest start, the latest end */
};

static bool
find_stretch(
	const struct window *window, const struct zone *zone, int64_t at_s, struct stretch *stretch)
{
	/* A start may lie as far back as it lasts, and a change of the clocks makes it longer. */
	int64_t start = at_s - (int64_t)window->minutes * 60 - 2 * 3600;
	bool holds = false;

	while ((start = cron_next(&window->start, zone, start)) <= at_s) {
		int64_t until = end_of(window, zone, start);

		if (at_s >= until)
			continue;
		if (!holds)
			stretch->from_s = start;
		if (!holds || until > stretch->until_s)
			stretch->until_s = until;
		holds = true;
	}
	return holds;
}

bool
window_holds(const struct window *window, const struct zone *zone, int64_t at_s, int64_t *until_s)
{
	struct stretch stretch;

	if (!find_stretch(window, zone, at_s, &stretch))
		return false;
	*until_s = stretch.until_s;
	return true;
}

int64_t
window_since(const struct window *window, const struct zone *zone, int64_t at_s)
{
	struct stretch stretch;

	return find_stretch(window, zone, at_s, &stretch) ? stretch.from_s : INT64_MAX;
}

int64_t
window_next(const struct window *window, const struct zone *zone, int64_t after_s)
{
	return cron_next(&window->start, zone, after_s);
}

/* Parsing and walking cron expressions.  Pure. */
#include "base/cron.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

#define STEPS_MAX 5000 /* of the walk: nine years of days, and some hours and minutes */
#define GAP_MAX   (3 * 3600)

static const char *const month_names[] = { "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug",
	"sep", "oct", "nov", "dec", NULL };
static const char *const day_names[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL };

static const struct field {
	const char *name;
	int least, most;
	const char *const *names;
} fields[] = {
	{ "minute", 0, 59, NULL },
	{ "hour", 0, 23, NULL },
	{ "day of month", 1, 31, NULL },
	{ "month", 1, 12, month_names },
	{ "day of week", 0, 7, day_names },
};

static const struct {
	const char *name, *text;
} macros[] = {
	{ "@annually", "0 0 1 1 *" },
	{ "@daily", "0 0 * * *" },
	{ "@hourly", "0 * * * *" },
	{ "@midnight", "0 0 * * *" },
	{ "@monthly", "0 0 1 * *" },
	{ "@weekly", "0 0 * * 0" },
	{ "@yearly", "0 0 1 1 *" },
};

/* --- parsing --- */

/* A number or a name; -1: neither. */
static int
read_value(const char **at, const struct field *field)
{
	int value = 0, digits = 0;

	for (int i = 0; field->names != NULL && field->names[i] != NULL; i++)
		if (strncasecmp(*at, field->names[i], 3) == 0 &&
			!isalpha((unsigned char)(*at)[3])) {
			*at += 3;
			return i + field->least;
		}
	for (; isdigit((unsigned char)**at) && digits < 4; digits++)
		value = value * 10 + (*(*at)++ - '0');
	return digits > 0 && value >= field->least && value <= field->most ? value : -1;
}

/* "*", "5", "1-5", each with "/2" behind. */
static bool
read_range(const char **at, const struct field *field, uint64_t *bits)
{
	int from = field->least, to = field->most, step = 1;
	bool is_one = false;

	if (**at == '*') {
		++*at;
	} else {
		from = to = read_value(at, field);
		is_one = true;
		if (**at == '-') {
			++*at;
			to = read_value(at, field);
			is_one = false;
		}
	}
	if (**at == '/') {
		char *end;
		long value = strtol(*at + 1, &end, 10);

		if (end == *at + 1 || !isdigit((unsigned char)(*at)[1]) || value < 1 || value > 99)
			return false;
		step = (int)value;
		*at = end;
		if (is_one)
			to = field->most;
	}
	if (from < 0 || to < from)
		return false;
	for (int i = from; i <= to; i += step)
		*bits |= UINT64_C(1) << i;
	return true;
}

static bool
read_field(const char **at, const struct field *field, uint64_t *bits, bool *is_any)
{
	*bits = 0;
	*is_any = **at == '*';
	for (;;) {
		if (!read_range(at, field, bits))
			return false;
		if (**at != ',')
			return true;
		++*at;
	}
}

static int
refuse_field(const char *text, const struct field *field, const char *word, struct err *e)
{
	int len = (int)strcspn(word, " \t");

	return err_set(e, 0,
		"\"%.60s\": \"%.*s\" is no %s: from %d to %d%s, as in *, 5, 1-5, 1,15, */10", text,
		len < 20 ? len : 20, word, field->name, field->least, field->most,
		field->names != NULL ? ", or a name in English" : "");
}

static int
parse_fields(struct cron *cron, const char *text, struct err *e)
{
	uint64_t bits[5];
	bool is_any[5];
	const char *at = text, *word;

	for (size_t i = 0; i < 5; i++) {
		at += strspn(at, " \t");
		if (*at == '\0')
			return err_set(e, 0,
				"\"%.60s\": five fields are wanted (minute hour day month weekday)",
				text);
		word = at;
		if (!read_field(&at, &fields[i], &bits[i], &is_any[i]) ||
			(*at != '\0' && *at != ' ' && *at != '\t'))
			return refuse_field(text, &fields[i], word, e);
	}
	at += strspn(at, " \t");
	if (*at != '\0')
		return err_set(e, 0, "\"%.60s\": there is something behind the five fields", text);
	*cron = (struct cron){
		.minutes = bits[0],
		.hours = (uint32_t)bits[1],
		.days = (uint32_t)bits[2],
		.months = (uint32_t)bits[3],
		.weekdays = (uint32_t)(bits[4] | bits[4] >> 7) & 0x7f,
		.has_any_day = is_any[2],
		.has_any_weekday = is_any[4],
		.is_wild = is_any[0] || is_any[1],
	};
	return 0;
}

int
cron_parse(struct cron *cron, const char *text, struct err *e)
{
	text += strspn(text, " \t");
	if (*text != '@')
		return parse_fields(cron, text, e);
	for (size_t i = 0; i < sizeof(macros) / sizeof(macros[0]); i++)
		if (strcasecmp(text, macros[i].name) == 0)
			return parse_fields(cron, macros[i].text, e);
	return err_set(e, 0, "\"%.60s\" is none of @hourly @daily @weekly @monthly @yearly", text);
}

/* --- walking --- */

static bool
fits_day(const struct cron *cron, const struct civil *c)
{
	bool by_day = (cron->days >> c->day & 1) != 0;
	bool by_weekday = (cron->weekdays >> c->weekday & 1) != 0;

	if ((cron->months >> c->month & 1) == 0)
		return false;
	if (cron->has_any_day || cron->has_any_weekday)
		return by_day && by_weekday;
	return by_day || by_weekday;
}

static bool
fits(const struct cron *cron, const struct civil *c)
{
	return fits_day(cron, c) && (cron->hours >> c->hour & 1) != 0 &&
	       (cron->minutes >> c->minute & 1) != 0;
}

/* Was there a time for it among those that clocks jumped over at `span->from`? */
static bool
fell_into_gap(const struct cron *cron, const struct zone_span *span)
{
	int64_t first = span->from + span->before, last = span->from + span->offset;
	struct civil c;

	if (cron->is_wild || last <= first || last - first > GAP_MAX)
		return false;
	for (int64_t local = first; local < last; local += 60) {
		civil_from_seconds(local, &c);
		if (fits(cron, &c))
			return true;
	}
	return false;
}

/* Inside the time that clocks show for the second time. */
static bool
is_repeated(const struct zone_span *span, int64_t utc_s)
{
	int64_t back = (int64_t)span->before - span->offset;

	return span->from != INT64_MIN && back > 0 && back <= GAP_MAX && utc_s < span->from + back;
}

/* How far the walk may go at once: never over a change of the clocks. */
static int64_t
stride(const struct cron *cron, const struct civil *c)
{
	if (!fits_day(cron, c))
		return (INT64_C(24) - c->hour) * 3600 - c->minute * 60;
	if ((cron->hours >> c->hour & 1) == 0)
		return 3600 - c->minute * 60;
	return 60;
}

int64_t
cron_next(const struct cron *cron, const struct zone *zone, int64_t after_s)
{
	int64_t t = after_s - after_s % 60 - (after_s % 60 < 0 ? 60 : 0) + 60;

	for (int i = 0; i < STEPS_MAX; i++) {
		struct zone_span span;
		struct civil c;
		int64_t next;

		zone_span_at(zone, t, &span);
		/* The minute in which the clocks changed. */
		if (span.from != INT64_MIN && t - span.from < 60 && fell_into_gap(cron, &span))
			return t;
		civil_from_seconds(t + span.offset, &c);
		if (fits(cron, &c) && c.second < 60 && (cron->is_wild || !is_repeated(&span, t)))
			return t;
		next = t + stride(cron, &c) - c.second;
		if (next > span.until)
			next = span.until + (60 - span.until % 60) % 60;
		t = next > t ? next : t + 60;
	}
	return INT64_MAX;
}

/*
 * The output format of monitoring plugins.  Lenient where plugins are known to differ from it:
 * upper and lower case of units, exponents, a comma as the decimal point, missing semicolons.
 */
#include "probes/perfdata.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

#define NUMBER_MAX 40
#define PART_MAX   65536

/* --- the parts of the output --- */

void
perf_output_init(struct perf_output *out)
{
	buf_init(&out->text, PART_MAX);
	buf_init(&out->more, PART_MAX);
	buf_init(&out->perf, PART_MAX);
}

void
perf_output_fini(struct perf_output *out)
{
	buf_fini(&out->text);
	buf_fini(&out->more);
	buf_fini(&out->perf);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
add_trimmed(struct buf *to, const char *text, size_t len, const char *between)
{
	while (len > 0 && is_blank(text[len - 1]))
		len--;
	while (len > 0 && is_blank(*text)) {
		text++;
		len--;
	}
	if (len == 0)
		return;
	if (to->len > 0)
		buf_add_text(to, between);
	buf_add(to, text, len);
}

/* Line by line: text up to a bar, behind it numbers; in the long text a bar starts the numbers for
 * good, on the first line only for the rest of that line. */
void
perf_output_split(struct perf_output *out, const char *bytes, size_t len)
{
	const char *end = bytes + len;
	bool is_first = true, is_perf = false;

	while (bytes < end) {
		const char *stop = memchr(bytes, '\n', (size_t)(end - bytes));
		const char *bar;

		stop = stop != NULL ? stop : end;
		bar = is_perf ? bytes : memchr(bytes, '|', (size_t)(stop - bytes));
		if (bar == NULL)
			bar = stop;
		add_trimmed(is_first ? &out->text : &out->more, bytes, (size_t)(bar - bytes), "\n");
		if (bar < stop)
			add_trimmed(
				&out->perf, bar + !is_perf, (size_t)(stop - bar - !is_perf), " ");
		is_perf = is_perf || (!is_first && bar < stop);
		is_first = false;
		bytes = stop + (stop < end);
	}
}

/* --- numbers --- */

static bool
is_number_char(char c)
{
	return isdigit((unsigned char)c) || c == '-' || c == '+' || c == '.' || c == ',';
}

/* The number at the start of the text; *used: its length.  NAN: none, or too long to be one. */
static double
parse_number(const char *text, size_t len, size_t *used)
{
	char copy[NUMBER_MAX], *stop;
	size_t n = 0;
	double value;

	while (n < len && is_number_char(text[n]))
		n++;
	if (n > 0 && n + 1 < len && (text[n] == 'e' || text[n] == 'E') &&
		is_number_char(text[n + 1]))
		for (n += 2; n < len && isdigit((unsigned char)text[n]);)
			n++;
	*used = n;
	if (n == 0 || n >= sizeof(copy))
		return NAN;
	memcpy(copy, text, n);
	copy[n] = '\0';
	for (char *c = copy; *c != '\0'; c++)
		if (*c == ',')
			*c = '.';
	value = strtod(copy, &stop);
	return *stop == '\0' && isfinite(value) ? value : NAN;
}

static double
whole_number(const char *text, size_t len)
{
	size_t used;
	double value = parse_number(text, len, &used);

	return used == len ? value : NAN;
}

bool
perf_range_parse(struct perf_range *range, const char *text, size_t len)
{
	struct perf_range r = { .is_set = true, .low = 0, .high = INFINITY };
	const char *colon;

	*range = (struct perf_range){ .is_set = false };
	if (len > 0 && *text == '@') {
		r.is_inside = true;
		text++;
		len--;
	}
	if (len == 0)
		return false;
	colon = memchr(text, ':', len);
	if (colon != NULL) {
		size_t before = (size_t)(colon - text);

		if (before == 1 && *text == '~')
			r.low = -INFINITY;
		else if (before > 0)
			r.low = whole_number(text, before);
		text = colon + 1;
		len -= before + 1;
	}
	if (len > 0)
		r.high = whole_number(text, len);
	else if (colon == NULL)
		return false;
	if (isnan(r.low) || isnan(r.high) || r.low > r.high)
		return false;
	*range = r;
	return true;
}

void
perf_range_words(const struct perf_range *range, char *out, size_t size)
{
	if (!range->is_set)
		str_copy(out, size, "");
	else if (range->is_inside)
		snprintf(out, size, "within %g..%g", range->low, range->high);
	else if (isinf(range->low) && isinf(range->high))
		str_copy(out, size, "never");
	else if (isinf(range->low))
		snprintf(out, size, "above %g", range->high);
	else if (isinf(range->high))
		snprintf(out, size, "below %g", range->low);
	else
		snprintf(out, size, "outside %g..%g", range->low, range->high);
}

/* --- items --- */

/* 'it''s' or plain, up to the "="; false: no label, *at is behind the nonsense. */
static bool
take_label(const char **at, const char *end, char out[PERFDATA_LABEL_MAX + 1])
{
	const char *p = *at;
	bool is_quoted = p < end && *p == '\'';
	size_t len = 0;

	for (p += is_quoted; p < end; p++) {
		if (is_quoted && *p == '\'') {
			if (p + 1 >= end || p[1] != '\'')
				break;
			p++; /* doubled: one of it is meant */
		} else if (!is_quoted && (*p == '=' || is_blank(*p))) {
			break;
		}
		if (len < PERFDATA_LABEL_MAX)
			out[len++] = iscntrl((unsigned char)*p) ? '?' : *p;
	}
	out[len] = '\0';
	p += is_quoted && p < end;
	if (len > 0 && p < end && *p == '=') {
		*at = p + 1;
		return true;
	}
	while (p < end && !is_blank(*p))
		p++;
	*at = p;
	return false;
}

static void
take_value(struct perfdata *item, const char *text, size_t len)
{
	size_t used, rest;

	if (len > 0 && text[0] == 'U') {
		item->value = NAN;
		return;
	}
	item->value = parse_number(text, len, &used);
	rest = len - used;
	if (rest > PERFDATA_UOM_MAX)
		rest = PERFDATA_UOM_MAX;
	for (size_t i = 0; i < rest; i++)
		item->uom[i] = isgraph((unsigned char)text[used + i]) ? text[used + i] : '?';
	item->uom[rest] = '\0';
}

static void
take_field(struct perfdata *item, unsigned field, const char *text, size_t len)
{
	switch (field) {
	case 0:
		take_value(item, text, len);
		break;
	case 1:
		perf_range_parse(&item->warning, text, len);
		break;
	case 2:
		perf_range_parse(&item->critical, text, len);
		break;
	case 3:
		item->min = whole_number(text, len);
		break;
	case 4:
		item->max = whole_number(text, len);
		break;
	default:
		break;
	}
}

bool
perfdata_next(const char **at, const char *end, struct perfdata *item)
{
	for (;;) {
		while (*at < end && is_blank(**at))
			(*at)++;
		if (*at >= end)
			return false;
		memset(item, 0, sizeof(*item));
		item->value = item->min = item->max = NAN;
		if (take_label(at, end, item->label))
			break;
	}
	for (unsigned field = 0; *at < end && !is_blank(**at); field++) {
		const char *from = *at;

		while (*at < end && !is_blank(**at) && **at != ';')
			(*at)++;
		take_field(item, field, from, (size_t)(*at - from));
		if (*at < end && **at == ';')
			(*at)++;
	}
	return true;
}

/* --- meaning --- */

enum metric_unit
perfdata_unit(const char *uom, double *factor, enum metric_kind *kind)
{
	/* Plugins count in steps of 1024 under either name. */
	static const struct {
		const char *uom;
		enum metric_unit unit;
		double factor;
	} units[] = {
		{ "s", UNIT_SECONDS, 1 },
		{ "ms", UNIT_SECONDS, 1e-3 },
		{ "us", UNIT_SECONDS, 1e-6 },
		{ "ns", UNIT_SECONDS, 1e-9 },
		{ "%", UNIT_PERCENT, 1 },
		{ "B", UNIT_BYTES, 1 },
		{ "KB", UNIT_BYTES, 1024.0 },
		{ "MB", UNIT_BYTES, 1048576.0 },
		{ "GB", UNIT_BYTES, 1073741824.0 },
		{ "TB", UNIT_BYTES, 1099511627776.0 },
		{ "KiB", UNIT_BYTES, 1024.0 },
		{ "MiB", UNIT_BYTES, 1048576.0 },
		{ "GiB", UNIT_BYTES, 1073741824.0 },
		{ "TiB", UNIT_BYTES, 1099511627776.0 },
	};

	*kind = strcasecmp(uom, "c") == 0 ? METRIC_COUNTER : METRIC_GAUGE;
	*factor = 1;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcasecmp(uom, units[i].uom) == 0) {
			*factor = units[i].factor;
			return units[i].unit;
		}
	return UNIT_NONE;
}

void
perfdata_name(const char *label, char out[PERFDATA_LABEL_MAX + 1])
{
	size_t len = 0;

	if (str_eq(label, "/")) {
		strcpy(out, "root");
		return;
	}
	if (isdigit((unsigned char)*label))
		out[len++] = 'v'; /* names begin with a letter */
	for (; *label != '\0' && len < PERFDATA_LABEL_MAX; label++) {
		bool is_word = isalnum((unsigned char)*label) || *label == '_';

		if (is_word)
			out[len++] = *label;
		else if (len > 0 && label[1] != '\0' && out[len - 1] != '_')
			out[len++] = '_';
	}
	while (len > 1 && out[len - 1] == '_')
		len--;
	out[len] = '\0';
}

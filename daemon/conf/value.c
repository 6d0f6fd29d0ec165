/* Single values as users write them: durations, sizes, numbers, booleans, names.  Pure. */
#include "conf/value.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/print.h"
#include "base/str.h"

#define DURATION_MAX_US (USEC_PER_DAY * 36500)
#define NAME_MAX_LEN    64

struct unit {
	const char *name;
	int64_t factor;
};

/* From large to small: a duration of several parts goes downwards. */
static const struct unit duration_units[] = {
	{ "d", USEC_PER_DAY },
	{ "h", USEC_PER_HOUR },
	{ "m", USEC_PER_MIN },
	{ "s", USEC_PER_SEC },
	{ "ms", USEC_PER_MSEC },
	{ "us", 1 },
	{ NULL, 0 },
};

static const struct unit size_units[] = {
	{ "B", 1 },
	{ "kB", INT64_C(1000) },
	{ "KB", INT64_C(1000) },
	{ "MB", INT64_C(1000000) },
	{ "GB", INT64_C(1000000000) },
	{ "TB", INT64_C(1000000000000) },
	{ "PB", INT64_C(1000000000000000) },
	{ "KiB", INT64_C(1) << 10 },
	{ "MiB", INT64_C(1) << 20 },
	{ "GiB", INT64_C(1) << 30 },
	{ "TiB", INT64_C(1) << 40 },
	{ "PiB", INT64_C(1) << 50 },
	{ NULL, 0 },
};

/* Digits with at most one point; the end, or NULL where no number begins. */
static const char *
scan_number(const char *text, double *out)
{
	const char *at = text;
	while (isdigit((unsigned char)*at))
		at++;
	if (at == text)
		return NULL;
	if (*at == '.' && isdigit((unsigned char)at[1]))
		for (at++; isdigit((unsigned char)*at);)
			at++;
	char copy[64];
	size_t len = (size_t)(at - text);
	if (len >= sizeof(copy))
		return NULL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	*out = strtod(copy, NULL);
	return at;
}

static const struct unit *
scan_unit(const struct unit *units, const char **at)
{
	size_t len = 0;
	while (isalpha((unsigned char)(*at)[len]))
		len++;
	for (const struct unit *u = units; u->name != NULL; u++) {
		if (strlen(u->name) == len && strncmp(u->name, *at, len) == 0) {
			*at += len;
			return u;
		}
	}
	return NULL;
}

static bool
is_bare_number(const char *text)
{
	double ignored;
	const char *end = scan_number(text, &ignored);
	return end != NULL && *end == '\0';
}

static int
refuse_duration(const char *text, struct err *e)
{
	if (is_bare_number(text))
		return err_set(
			e, 0, "\"%s\" needs a unit, such as %ss (ms, s, m, h, d)", text, text);
	return err_set(
		e, 0, "\"%.60s\" is not a duration, such as 500ms, 10s, 1m30s, 2h or 7d", text);
}

int
value_duration(const char *text, usec_t *out, struct err *e)
{
	if (strcmp(text, "0") == 0) {
		*out = 0;
		return 0;
	}
	double total = 0;
	int64_t last = INT64_MAX;
	for (const char *at = text; *at != '\0' || at == text;) {
		double number;
		at = scan_number(at, &number);
		const struct unit *unit = at != NULL ? scan_unit(duration_units, &at) : NULL;
		if (unit == NULL || unit->factor >= last)
			return refuse_duration(text, e);
		last = unit->factor;
		total += number * (double)unit->factor;
	}
	if (total > (double)DURATION_MAX_US)
		return err_set(e, 0, "\"%.60s\" is longer than 100 years", text);
	*out = (usec_t)llround(total);
	return 0;
}

int
value_size(const char *text, int64_t *out, struct err *e)
{
	if (strcmp(text, "0") == 0) {
		*out = 0;
		return 0;
	}
	double number;
	const char *at = scan_number(text, &number);
	if (at != NULL && *at == '\0')
		return err_set(e, 0,
			"\"%s\" needs a unit, such as %sMB (B, kB, MB, GB, KiB, MiB, GiB)", text,
			text);
	while (at != NULL && *at == ' ')
		at++;
	const struct unit *unit = at != NULL ? scan_unit(size_units, &at) : NULL;
	if (unit == NULL || *at != '\0')
		return err_set(e, 0, "\"%.60s\" is not a size, such as 512B, 10MB or 4GiB", text);
	number *= (double)unit->factor;
	if (number > 9e18)
		return err_set(e, 0, "\"%.60s\" is too large", text);
	*out = (int64_t)llround(number);
	return 0;
}

int
value_int(const char *text, int64_t *out, struct err *e)
{
	const char *digits = text + (*text == '-' || *text == '+');
	size_t len = strspn(digits, "0123456789");
	if (len == 0 || digits[len] != '\0')
		return err_set(e, 0, "\"%.60s\" is not a whole number", text);
	if (len > 1 && digits[0] == '0')
		return err_set(e, 0, "\"%.60s\" begins with 0: write it without", text);
	errno = 0;
	long long value = strtoll(text, NULL, 10);
	if (errno != 0)
		return err_set(e, 0, "\"%.60s\" is too large", text);
	*out = value;
	return 0;
}

int
value_number(const char *text, double *out, struct err *e)
{
	double value;
	const char *digits = text + (*text == '-' || *text == '+');
	const char *end = scan_number(digits, &value);
	if (end == NULL || *end != '\0')
		return err_set(e, 0, "\"%.60s\" is not a number", text);
	*out = *text == '-' ? -value : value;
	return 0;
}

int
value_bool(const char *text, bool *out, struct err *e)
{
	static const struct {
		const char *word;
		bool value, is_right;
	} words[] = {
		{ "true", true, true },
		{ "on", true, true },
		{ "false", false, true },
		{ "off", false, true },
		{ "yes", true, false },
		{ "y", true, false },
		{ "1", true, false },
		{ "no", false, false },
		{ "n", false, false },
		{ "0", false, false },
	};
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcasecmp(text, words[i].word) != 0)
			continue;
		if (!words[i].is_right || strcmp(text, words[i].word) != 0)
			return err_set(e, 0, "\"%s\" is not a boolean here: write %s", text,
				words[i].value ? "true" : "false");
		*out = words[i].value;
		return 0;
	}
	return err_set(e, 0, "\"%.60s\" is not a boolean: write true or false", text);
}

bool
value_is_name(const char *text)
{
	if (!isalpha((unsigned char)*text))
		return false;
	size_t len = 1;
	for (; text[len] != '\0'; len++)
		if (!isalnum((unsigned char)text[len]) && text[len] != '_' && text[len] != '-')
			return false;
	return len <= NAME_MAX_LEN;
}

#define SHORT_MAX  1e9  /* above it all is left to printf */
#define TIE_NEARLY 1e-5 /* so near to the middle of two numbers, it takes all digits to round */

/* Most numbers: rounded to a whole number of hundredths, or of ones.  False: not this one. */
static bool
format_short(double value, char *out)
{
	unsigned scale = fabs(value) >= 100 ? 1 : 100;
	double scaled = fabs(value) * scale, whole = floor(scaled);
	unsigned long parts = (unsigned long)whole + (scaled - whole > 0.5);
	char *at = out;

	if (fabs(scaled - whole - 0.5) < TIE_NEARLY)
		return false;
	if (value < 0 && parts > 0)
		*at++ = '-';
	at = print_digits(at, parts / scale);
	if (parts % scale > 0) {
		*at++ = '.';
		*at++ = (char)('0' + parts % scale / 10);
		if (parts % 10 > 0)
			*at++ = (char)('0' + parts % 10);
	}
	*at = '\0';
	return true;
}

/* At most two decimals, none where they would be zero; `out` has room for 32 bytes. */
static void
format_number(double value, char *out, size_t size)
{
	if (fabs(value) < SHORT_MAX && format_short(value, out))
		return;
	snprintf(out, size, fabs(value) >= 100 ? "%.0f" : "%.2f", value);
	if (strchr(out, '.') == NULL)
		return;
	size_t len = strlen(out);
	while (out[len - 1] == '0')
		out[--len] = '\0';
	if (out[len - 1] == '.')
		out[--len] = '\0';
	if (strcmp(out, "-0") == 0)
		str_copy(out, size, "0");
}

static void
format_bytes(double value, const char *tail, char *out, size_t size)
{
	static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	size_t step = 0;
	while (fabs(value) >= 1024 && step + 1 < sizeof(names) / sizeof(*names)) {
		value /= 1024;
		step++;
	}
	char number[32];
	format_number(value, number, sizeof(number));
	print_text(out, size, "%s %s%s", number, names[step], tail);
}

static void
format_seconds(double value, char *out, size_t size)
{
	char number[32];
	if (fabs(value) >= 60) {
		char text[64];
		clock_format_duration(
			(usec_t)(fabs(value) * (double)USEC_PER_SEC), text, sizeof(text));
		print_text(out, size, "%s%s", value < 0 ? "-" : "", text);
		return;
	}
	bool is_small = fabs(value) < 1 && value != 0;
	bool is_tiny = fabs(value) < 0.001 && value != 0;
	format_number(is_tiny    ? value * 1e6
		      : is_small ? value * 1e3
				 : value,
		number, sizeof(number));
	print_text(out, size, "%s %s", number, is_tiny ? "us" : is_small ? "ms" : "s");
}

void
value_format(double value, const char *unit, char *out, size_t size)
{
	char number[32];
	if (isnan(value)) {
		str_copy(out, size, "unknown");
	} else if (strcmp(unit, "B") == 0) {
		format_bytes(value, "", out, size);
	} else if (strcmp(unit, "B/s") == 0) {
		format_bytes(value, "/s", out, size);
	} else if (strcmp(unit, "s") == 0 && fabs(value) < 1e12) {
		format_seconds(value, out, size);
	} else if (fabs(value) >= 1e15) {
		snprintf(out, size, "%.3g%s%s", value, *unit != '\0' ? " " : "", unit);
	} else {
		format_number(value, number, sizeof(number));
		print_text(out, size, "%s%s%s", number, *unit != '\0' ? " " : "", unit);
	}
}

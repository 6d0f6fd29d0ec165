/*
 * Single values as people write them, and times, waits and patterns as others do: refused with
 * words, or within their bounds; what is shown of a number is a text that ends.
 */
#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/retry_after.h"
#include "base/mem.h"
#include "base/str.h"
#include "conf/pattern.h"
#include "conf/value.h"

#define WALL     (INT64_C(1767323045) * USEC_PER_SEC)
#define WAIT_MAX (365 * USEC_PER_DAY)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
show(double value)
{
	static const char *const units[] = { "bytes", "s", "%", "1/s", "", "bytes/s" };
	char out[64];

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		value_format(value, units[i], out, sizeof(out));
		assert(strlen(out) < sizeof(out));
	}
}

static void
read_numbers(const char *text)
{
	struct err e = { 0 };
	int64_t whole;
	usec_t span;
	double real;
	bool flag;

	if (value_duration(text, &span, &e) == 0)
		assert(span >= 0);
	else
		assert(e.text[0] != '\0');
	if (value_size(text, &whole, &e) == 0) {
		assert(whole >= 0);
		show((double)whole);
	}
	if (value_int(text, &whole, &e) == 0)
		show((double)whole);
	if (value_number(text, &real, &e) == 0) {
		assert(isfinite(real));
		show(real);
	}
	value_bool(text, &flag, &e);
	value_is_name(text);
}

static void
read_times(const char *text)
{
	char out[64], back[64];
	usec_t wall, again, wait;

	wait = retry_after_parse(text, WALL);
	assert(wait >= 0 && wait <= WAIT_MAX);
	if (clock_parse_rfc3339(text, &wall) != 0)
		return;
	clock_format_rfc3339(wall, out);
	if (clock_parse_rfc3339(out, &again) == 0) {
		clock_format_rfc3339(again, back);
		assert(strcmp(out, back) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	char *text;

	if (size > 300)
		return 0;
	text = xstrndup((const char *)data, size);
	read_numbers(text);
	read_times(text);
	if (pattern_check(text, &e) != 0)
		assert(e.text[0] != '\0');
	free(text);
	return 0;
}

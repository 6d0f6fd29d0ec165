/* Look-ups in metric tables, and numbers made fit to be read.  Pure. */
#include "model/metric.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "conf/value.h"

static const char *const symbols[] = {
	[UNIT_NONE] = "",
	[UNIT_SECONDS] = "s",
	[UNIT_BYTES] = "B",
	[UNIT_PERCENT] = "%",
	[UNIT_BYTES_PER_SECOND] = "B/s",
	[UNIT_PER_SECOND] = "/s",
	[UNIT_TEXT] = "",
	[UNIT_BOOL] = "",
};

uint32_t
metric_count(const struct metric_desc *metrics)
{
	uint32_t n = 0;

	while (metrics != NULL && metrics[n].name != NULL)
		n++;
	return n;
}

int
metric_index(const struct metric_desc *metrics, const char *name)
{
	if (metrics == NULL || name == NULL)
		return -1;
	for (int i = 0; metrics[i].name != NULL; i++)
		if (strcmp(metrics[i].name, name) == 0)
			return i;
	return -1;
}

const char *
unit_symbol(enum metric_unit unit)
{
	return (size_t)unit < sizeof(symbols) / sizeof(symbols[0]) ? symbols[unit] : "";
}

void
metric_format(double value, enum metric_unit unit, char *out, size_t size)
{
	if (isnan(value))
		str_copy(out, size, "unknown");
	else if (unit == UNIT_BOOL)
		str_copy(out, size, value != 0 ? "true" : "false");
	else
		value_format(value, unit_symbol(unit), out, size);
}

/*
 * The mapping of names and units, as a table of suffixes: the first row whose unit and ending fit
 * decides.
 */
#include "api/metric_name.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

struct ending {
	enum metric_unit unit;
	const char *old;  /* "": any name */
	const char *new_; /* in place of `old` */
	const char *unit_name;
	double divisor;
	bool is_expiry;
};

static const struct ending endings[] = {
	{ UNIT_SECONDS, "days_left", "expiry_timestamp_seconds", "seconds", 1, true },
	{ UNIT_SECONDS, "_seconds", "_seconds", "seconds", 1, false },
	{ UNIT_SECONDS, "_time", "_seconds", "seconds", 1, false },
	{ UNIT_SECONDS, "", "_seconds", "seconds", 1, false },
	{ UNIT_PERCENT, "_percent", "_ratio", "ratio", 100, false },
	{ UNIT_PERCENT, "", "_ratio", "ratio", 100, false },
	{ UNIT_BYTES, "_bytes", "_bytes", "bytes", 1, false },
	{ UNIT_BYTES, "", "_bytes", "bytes", 1, false },
	{ UNIT_BYTES_PER_SECOND, "_bytes_per_second", "_bytes_per_second", "", 1, false },
	{ UNIT_BYTES_PER_SECOND, "", "_bytes_per_second", "", 1, false },
	{ UNIT_PER_SECOND, "_per_second", "_per_second", "", 1, false },
	{ UNIT_PER_SECOND, "", "_per_second", "", 1, false },
	/* These endings are taken: by histograms, summaries and counters. */
	{ UNIT_NONE, "_count", "_number", "", 1, false },
	{ UNIT_NONE, "_sum", "_added", "", 1, false },
	{ UNIT_NONE, "_bucket", "_buckets", "", 1, false },
	{ UNIT_NONE, "_total", "_all", "", 1, false },
};

/* A whole name is an ending too: "count" of a parent check fits "_count". */
static bool
fits(const struct ending *ending, const char *name, enum metric_unit unit, size_t *kept)
{
	size_t len = strlen(name);
	const char *old = ending->old;

	if (ending->unit != unit)
		return false;
	if (*old == '_' && strcmp(name, old + 1) == 0) {
		*kept = 0;
		return true;
	}
	if (!str_ends(name, old))
		return false;
	*kept = len - strlen(old);
	return true;
}

static const struct ending *
find_ending(const char *name, enum metric_unit unit, size_t *kept)
{
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		if (fits(&endings[i], name, unit, kept))
			return &endings[i];
	*kept = strlen(name);
	return NULL;
}

void
metric_name_make(struct metric_name *out, const char *group, const struct metric_desc *desc)
{
	const struct ending *ending;
	char name[64], raw[sizeof(out->family)];
	const char *tail;
	size_t kept;

	str_copy(name, sizeof(name), desc->name);
	if (desc->kind == METRIC_COUNTER && str_ends(name, "_total"))
		name[strlen(name) - strlen("_total")] = '\0';
	ending = find_ending(name, desc->unit, &kept);
	tail = ending == NULL ? "" : ending->new_;
	snprintf(raw, sizeof(raw), "triaged%s%s%s%.*s%s", group == NULL ? "" : "_",
		group == NULL ? "" : group, kept == 0 && *tail == '_' ? "" : "_", (int)kept, name,
		tail);
	labels_clean_name(out->family, sizeof(out->family), raw);
	out->unit = ending == NULL ? "" : ending->unit_name;
	out->type = desc->kind == METRIC_COUNTER ? FAMILY_COUNTER : FAMILY_GAUGE;
	out->divisor = ending == NULL ? 1 : ending->divisor;
	out->is_expiry = ending != NULL && ending->is_expiry;
}

double
metric_name_value(const struct metric_name *name, double value, usec_t wall_us)
{
	if (name->is_expiry)
		return value + (double)(wall_us / USEC_PER_SEC);
	return value / name->divisor;
}

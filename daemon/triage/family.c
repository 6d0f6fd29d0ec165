/* The families, one row per rule that has kin.  Owns nothing. */
#include "triage/family.h"

#include <stddef.h>

#include "base/str.h"

static const struct kin {
	const char *rule, *family;
} kins[] = {
	{ "disk-space", "disk" },
	{ "disk-filling", "disk" },
	{ "disk-inodes", "disk" },
};

const char *
family_of(const char *rule)
{
	for (size_t n = 0; n < sizeof(kins) / sizeof(kins[0]); n++)
		if (str_eq(kins[n].rule, rule))
			return kins[n].family;
	return rule;
}

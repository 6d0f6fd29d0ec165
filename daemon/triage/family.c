/*
 * The families of rules: what shares a playbook, and the few that are kin where no playbook says
 * so.  Owns nothing.
 */
#include "triage/family.h"

#include <stddef.h>

#include "base/str.h"
#include "triage/playbook.h"

static const struct kin {
	const char *rule, *family;
} kins[] = {
	{ "disk-space", "disk" },
	{ "disk-filling", "disk" },
	{ "disk-inodes", "disk" },
};

const char *
family_of(const struct playbooks *playbooks, const char *rule)
{
	if (str_eq(rule, RULE_DOWN))
		return rule;
	const char *family = playbooks ? playbooks_family(playbooks, rule) : rule;
	for (size_t n = 0; str_eq(family, rule) && n < sizeof(kins) / sizeof(kins[0]); n++)
		if (str_eq(kins[n].rule, rule))
			return kins[n].family;
	return family;
}

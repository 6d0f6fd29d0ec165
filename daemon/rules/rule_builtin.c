/*
 * The built-in rules, as users would write them.  Thresholds are those of the troubleshooting
 * guides; what a healthy, busy server trips is `info` or absent.
 *
 * A name may stand in several rows, each about another type: to people it is one rule.
 */
#include <string.h>

#include "rules/rule.h"

/* A line of YAML is a line here. */
/* clang-format off */
static const struct rule_builtin builtins[] = {
#include "rules/builtin/check.def"
#include "rules/builtin/net.def"
#include "rules/builtin/disk.def"
#include "rules/builtin/memory.def"
#include "rules/builtin/cpu.def"
#include "rules/builtin/clock.def"
#include "rules/builtin/process.def"
#include "rules/builtin/log.def"
#include "rules/builtin/postgres.def"
#include "rules/builtin/mysql.def"
#include "rules/builtin/redis.def"
#include "rules/builtin/sqlite.def"
#include "rules/builtin/self.def"
};
/* clang-format on */

#define BUILTINS (sizeof(builtins) / sizeof(*builtins))

const struct rule_builtin *
rule_builtin_at(size_t n)
{
	return n < BUILTINS ? &builtins[n] : NULL;
}

const struct rule_builtin *
rule_builtin_find(const char *name)
{
	for (size_t i = 0; i < BUILTINS; i++)
		if (strcmp(builtins[i].name, name) == 0)
			return &builtins[i];
	return NULL;
}

size_t
rule_builtin_count(void)
{
	return BUILTINS;
}

const char *
rule_builtin_name(size_t n)
{
	return builtins[n].name;
}

const char *
rule_builtin_yaml(size_t n)
{
	return builtins[n].yaml;
}

/* The list of facts: what table.def names, in its order. */
#include "base/str.h"
#include "probes/facts/fact.h"

#define FACT(name) extern const struct fact_type fact_type_##name;
#include "probes/facts/table.def"
#undef FACT

const struct fact_type *const fact_table[] = {
#define FACT(name) &fact_type_##name,
#include "probes/facts/table.def"
#undef FACT
	NULL,
};

const struct fact_type *
fact_find(const char *name)
{
	for (size_t i = 0; fact_table[i] != NULL; i++)
		if (str_eq(fact_table[i]->name, name))
			return fact_table[i];
	return NULL;
}

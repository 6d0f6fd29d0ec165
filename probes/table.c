/* The list of probes: what table.def names, in its order. */
#include "base/str.h"
#include "probes/probe.h"

#define PROBE(name) extern const struct probe_type probe_type_##name;
#include "probes/table.def"
#undef PROBE

const struct probe_type *const probe_table[] = {
#define PROBE(name) &probe_type_##name,
#include "probes/table.def"
#undef PROBE
	NULL,
};

const struct probe_type *
probe_find(const char *name)
{
	for (size_t i = 0; probe_table[i] != NULL; i++)
		if (str_eq(probe_table[i]->name, name))
			return probe_table[i];
	return NULL;
}

const struct metric_desc *
probe_metrics(const struct probe_type *type, const void *conf)
{
	const struct metric_desc *own = NULL;

	if (type->metrics_of != NULL && conf != NULL)
		own = type->metrics_of(conf);
	return own != NULL ? own : type->metrics;
}

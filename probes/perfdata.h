/*
 * What a monitoring plugin prints: a text, more text, and numbers with their limits.
 *
 *	TEXT | 'label'=value[UOM];[warn];[crit];[min];[max] ...
 *
 * The bytes are a stranger's: whatever they are, parsing ends and takes only what it understands.
 */
#ifndef PROBES_PERFDATA_H
#define PROBES_PERFDATA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "model/metric.h"

#define PERFDATA_LABEL_MAX 64
#define PERFDATA_UOM_MAX   8

/* [@]start:end.  "10" is 0..10; "~:" has no lower end; "10:" no upper one. */
struct perf_range {
	bool is_set;
	bool is_inside; /* "@": within is bad, both ends included; else outside is */
	double low, high;
};

struct perfdata {
	char label[PERFDATA_LABEL_MAX + 1];
	double value; /* NAN: the plugin could not tell ("U") */
	char uom[PERFDATA_UOM_MAX + 1];
	struct perf_range warning, critical;
	double min, max; /* NAN: absent */
};

/* Parts of the whole output; zero-initialise by perf_output_init. */
struct perf_output {
	struct buf text; /* the first line */
	struct buf more; /* long text */
	struct buf perf; /* all perfdata, the pieces parted by blanks */
};

void perf_output_init(struct perf_output *out);
void perf_output_fini(struct perf_output *out);
void perf_output_split(struct perf_output *out, const char *bytes, size_t len);

/* The next number from *at on, which moves behind it; false at the end.  Nonsense is skipped. */
bool perfdata_next(const char **at, const char *end, struct perfdata *item);

/* Base units: "ms" is seconds x 0.001.  An unknown one is a plain number as it is. */
enum metric_unit perfdata_unit(const char *uom, double *factor, enum metric_kind *kind);
/* A label as a metric's name: "/var/log" -> "var_log", "/" -> "root". */
void perfdata_name(const char *label, char out[PERFDATA_LABEL_MAX + 1]);
bool perf_range_parse(struct perf_range *range, const char *text, size_t len);
/* "above 10", "outside 10..20", "within 10..20". */
void perf_range_words(const struct perf_range *range, char *out, size_t size);

#endif

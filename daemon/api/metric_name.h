/*
 * From the catalogue's names, which people write in rules, to the names and base units that
 * Prometheus wants: x_time -> x_seconds, x_percent -> x_ratio (a hundredth), days_left ->
 * expiry_timestamp_seconds.
 */
#ifndef API_METRIC_NAME_H
#define API_METRIC_NAME_H

#include <stddef.h>

#include "api/exposition.h"
#include "base/clock.h"
#include "model/metric.h"

struct metric_name {
	char family[160]; /* without _total */
	const char *unit; /* "" or the suffix of family */
	enum family_type type;
	double divisor; /* of the value */
	bool is_expiry; /* then the wall time of the sample is added, in seconds */
};

/* `group`: the probe type's name, or NULL for numbers of the daemon itself. */
void metric_name_make(struct metric_name *out, const char *group, const struct metric_desc *desc);
double metric_name_value(const struct metric_name *name, double value, usec_t wall_us);

#endif

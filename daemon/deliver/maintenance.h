/* Planned work: `maintenance:` of the settings.  Who fits is not told of meanwhile. */
#ifndef DELIVER_MAINTENANCE_H
#define DELIVER_MAINTENANCE_H

#include "deliver/deliver.h"
#include "deliver/hours.h"

struct maintenance_spec {
	struct route_match match;
	char *schedule, *timezone, *from, *until, *reason;
	usec_t duration_us;
	/* Compiled. */
	struct hours_span span;   /* without a zone: once, from..until */
	usec_t from_us, until_us; /* wall; once */
};

extern const struct conf_field maintenance_fields[];
/* Compiles what `conf_fill` has filled; complains about what cannot be meant. */
void maintenance_check(
	struct maintenance_spec *m, const struct conf_node *node, struct complaints *complaints);
void maintenance_release(struct maintenance_spec *m); /* its insides */

/* Does it hold at that moment, and until when? */
bool maintenance_holds(const struct maintenance_spec *m, usec_t wall_us, usec_t *until_us);
json_t *maintenance_json(const struct maintenance_spec *m, usec_t wall_us);

#endif

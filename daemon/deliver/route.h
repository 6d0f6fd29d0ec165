/* Which receivers an incident concerns.  Pure: routes and an incident in, a route out. */
#ifndef DELIVER_ROUTE_H
#define DELIVER_ROUTE_H

#include "deliver/deliver.h"

/* One receiver's name, and whether it is read by people (info is left out by default). */
struct route_reader {
	const char *name;
	bool is_for_people;
};

struct route_list {
	const struct route_spec *const *all;
	size_t count; /* 0: every receiver hears everything */
};

/* What holds where no route says otherwise. */
extern const struct route_spec route_default;

bool route_matches(const struct route_spec *route, const struct incident *incident);
/* The first route in force that leads this incident to this reader; NULL: none does. */
const struct route_spec *route_find(const struct route_list *routes,
	const struct incident *incident, const struct route_reader *reader);

#endif

/* Which receivers an incident concerns.  Pure: routes and an incident in, a route out. */
#ifndef DELIVER_ROUTE_H
#define DELIVER_ROUTE_H

#include "deliver/deliver.h"

/* One receiver's name, and whether it is read by people (info is left out by default). */
struct route_reader {
	const char *name;
	bool is_for_people;
	usec_t age_us; /* how long nobody has taken care of the incident; 0: somebody does */
};

struct route_list {
	const struct route_spec *const *all;
	size_t count; /* 0: every receiver hears everything */
};

/* Has it been left alone for so long that this reader is told, though the route has others first?
 */
bool route_escalates(const struct route_spec *route, const struct route_reader *reader);

/* How long it must be left alone for that; 0: no step tells this receiver. */
usec_t route_escalates_after(const struct route_spec *route, const char *receiver);

/* What holds where no route says otherwise. */
extern const struct route_spec route_default;

/* A match on its own, as silences and maintenance have one. */
extern const struct conf_field route_match_fields[];
bool route_match_fits(const struct route_match *match, const struct incident *incident);
bool route_match_is_empty(const struct route_match *match);
json_t *route_match_json(const struct route_match *match); /* keys that are given */

bool route_matches(const struct route_spec *route, const struct incident *incident);
/* The first route in force that leads this incident to this reader; NULL: none does. */
const struct route_spec *route_find(const struct route_list *routes,
	const struct incident *incident, const struct route_reader *reader);

#endif

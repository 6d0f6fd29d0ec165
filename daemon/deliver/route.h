/* Which receivers an incident concerns.  Pure: routes and an incident in, a route out. */
#ifndef DELIVER_ROUTE_H
#define DELIVER_ROUTE_H

#include "deliver/deliver.h"

/* Who asks: one receiver, and how an incident stands with it. */
struct route_reader {
	const char *name;
	bool is_for_people; /* info is left out by default */
	bool was_told;      /* it heard of the incident, by a step of `escalate` perhaps */
	usec_t age_us;      /* how long nobody has taken care of the incident; 0: somebody does */
	usec_t wall_us;
};

/* A route at this moment. */
struct route_now {
	bool is_resting; /* outside its hours */
	usec_t since_us; /* wall: when its hours began; 0: it has none */
};

struct route_list {
	const struct route_spec *const *all;
	size_t count;                /* 0: every receiver hears everything */
	const struct route_now *now; /* of each; NULL: none of them has hours */
};

/*
 * Has it been left alone for so long that this reader is told, though the route has others first?
 * Outside a route's hours nobody can take care of it: the clock starts with them.
 */
bool route_escalates(const struct route_spec *route, const struct route_now *now,
	const struct route_reader *reader);

/* How long it must be left alone for that; 0: no step tells this receiver. */
usec_t route_escalates_after(const struct route_spec *route, const char *receiver);
bool route_names(const struct route_spec *route, const char *receiver); /* in `to` */

/* What holds where no route says otherwise. */
extern const struct route_spec route_default;

/* A match on its own, as silences and maintenance have one. */
extern const struct conf_field route_match_fields[];
bool route_match_fits(const struct route_match *match, const struct incident *incident);
/* Could anything that is wrong with this check fit?  Its rules, causes and labels are not asked
 * for. */
bool route_match_concerns(const struct route_match *match, const char *check, const char *type);
bool route_match_is_empty(const struct route_match *match);
json_t *route_match_json(const struct route_match *match); /* keys that are given */

bool route_matches(const struct route_spec *route, const struct incident *incident);
/*
 * The first route that leads this incident to this reader, one that is within its hours before one
 * that rests; NULL: none does.  `at`, where not NULL, gets its index.
 */
const struct route_spec *route_find(const struct route_list *routes,
	const struct incident *incident, const struct route_reader *reader, size_t *at);

#endif

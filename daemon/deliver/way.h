/*
 * Which way leads an incident to a receiver now: the routes, their hours, and for how long nobody
 * has taken care of it.
 */
#ifndef DELIVER_WAY_H
#define DELIVER_WAY_H

#include "deliver/outlet.h"
#include "deliver/route.h"

struct way {
	const struct route_spec *route; /* NULL: none leads there */
	bool is_resting;                /* it is outside its hours: only endings are told */
	bool is_escalated;              /* nobody has taken care of it for as long as a step says */
};

struct way deliver_way(
	struct deliver *deliver, const struct outlet *outlet, const struct incident *incident);

#endif

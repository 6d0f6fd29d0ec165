/*
 * Ways.  Whether a route is within its hours is looked up once a second of the clock, whatever the
 * number of incidents; the answers lie beside the routes and are made anew with them.
 */
#include "deliver/way.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"

/* The routes' states at this second. */
static void
look(struct deliver *deliver)
{
	usec_t wall_us = loop_wall(deliver->loop);

	if (deliver->now_s == wall_us / USEC_PER_SEC)
		return;
	deliver->now_s = wall_us / USEC_PER_SEC;
	deliver->now = xreallocarray(deliver->now, deliver->route_count + 1, sizeof(*deliver->now));
	for (size_t i = 0; i < deliver->route_count; i++) {
		struct route_now *now = &deliver->now[i];

		now->is_resting =
			!hours_hold(&deliver->routes[i]->active_hours, wall_us, &now->since_us);
	}
}

static struct route_reader
reader_of(
	const struct deliver *deliver, const struct outlet *outlet, const struct incident *incident)
{
	struct route_reader reader = {
		.name = outlet->name,
		.is_for_people = outlet->type->is_for_people,
		.was_told = lane_hears(outbox_find(&outlet->box, incident->id)),
		.wall_us = loop_wall(deliver->loop),
	};

	if (incident->status == INCIDENT_OPEN)
		reader.age_us = reader.wall_us - incident->detected_us;
	return reader;
}

struct way
deliver_way(struct deliver *deliver, const struct outlet *outlet, const struct incident *incident)
{
	struct route_list routes = { deliver->routes, deliver->route_count, NULL };
	struct way way = { .route = NULL };
	struct route_reader reader;
	size_t at = 0;

	if (outlet->type == NULL || (outlet->is_fallback && deliver->receiver_count > 0))
		return way;
	if (outlet->trouble != NULL && str_eq(incident->cause_code, DELIVER_FAILED_CAUSE))
		return way;
	look(deliver);
	routes.now = deliver->now;
	reader = reader_of(deliver, outlet, incident);
	way.route = route_find(&routes, incident, &reader, &at);
	if (way.route != NULL && routes.count > 0) {
		way.is_resting = deliver->now[at].is_resting;
		way.is_escalated = route_escalates(way.route, &deliver->now[at], &reader);
	}
	return way;
}

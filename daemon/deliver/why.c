/* What delivery has decided about an incident, for `triage why`; of one that is over, what waits.
 */
#include <stdio.h>

#include "base/str.h"
#include "deliver/outlet.h"
#include "deliver/way.h"
#include "model/record.h"

/* Who would be told, what has been decided, and until when. */
static json_t *
say(json_t *list, const struct outlet *outlet, const char *what, usec_t until_us, const char *text)
{
	json_t *one = json_object();

	json_object_set_new(one, "what", json_string(what));
	if (outlet != NULL)
		json_object_set_new(one, "receiver", record_text(outlet->name));
	json_object_set_new(one, "text", record_text(text));
	if (until_us > 0)
		json_object_set_new(one, "until", record_time(until_us));
	json_array_append_new(list, one);
	return one;
}

static void
say_waiting(json_t *list, const struct outlet *outlet, const struct letter *first, usec_t ahead_us)
{
	const char *error = outlet->last_error;
	char text[300];
	json_t *one;

	snprintf(text, sizeof(text), "%s: a message waits (tries so far: %u)%s%s", outlet->name,
		first->tries, error[0] == '\0' ? "" : ": ", error);
	one = say(list, outlet, "queued", first->due_us + ahead_us, text);
	json_object_set_new(one, "tries", json_integer(first->tries));
	if (error[0] != '\0')
		json_object_set_new(one, "error", record_text(error));
}

static void
say_outlet(json_t *list, const struct deliver *deliver, const struct outlet *outlet,
	const struct incident *incident)
{
	const struct lane *lane = outbox_find(&outlet->box, incident->id);
	const struct letter *first = lane == NULL ? NULL : lane_first(lane);
	usec_t ahead_us = loop_wall(deliver->loop) - loop_now(deliver->loop);
	char at[CLOCK_RFC3339_SIZE], text[300];

	if (first != NULL)
		say_waiting(list, outlet, first, ahead_us);
	if (lane != NULL && lane->told_us != 0) {
		clock_format_rfc3339(lane->told_us, at);
		snprintf(text, sizeof(text), "%s: told \"%s\" at %s", outlet->name,
			lane->last_type == NULL ? "" : lane->last_type, at);
		say(list, outlet, "told", 0, text);
	}
}

/* Nobody leads there yet: a step of `escalate` may, in a while. */
static bool
say_escalation(json_t *list, const struct deliver *deliver, const struct outlet *outlet,
	const struct incident *incident)
{
	char text[200];

	for (size_t i = 0; i < deliver->route_count; i++) {
		const struct route_spec *route = deliver->routes[i];
		usec_t after_us = route_escalates_after(route, outlet->name);

		if (after_us == 0 || !route_matches(route, incident))
			continue;
		snprintf(text, sizeof(text), "%s: told if nobody acknowledges it", outlet->name);
		say(list, outlet, "escalation",
			incident->status == INCIDENT_OPEN ? incident->detected_us + after_us : 0,
			text);
		return true;
	}
	return false;
}

static void
say_rest(json_t *list, const struct outlet *outlet, const struct lane *lane,
	const struct route_spec *route)
{
	const struct hours *hours = &route->active_hours;
	char text[200];

	snprintf(text, sizeof(text), "%s: outside the hours of its route%s", outlet->name,
		lane != NULL && lane->is_owed ? "; it is told when they begin" : "");
	say(list, outlet, "resting", hours_next(hours, loop_wall(outlet->deliver->loop)), text);
}

static void
say_reminder(json_t *list, const struct outlet *outlet, const struct lane *lane,
	const struct route_spec *route)
{
	const struct loop *loop = outlet->deliver->loop;
	usec_t ahead_us = loop_wall(loop) - loop_now(loop);
	char text[200];

	if (lane == NULL || lane->told_us == 0 || route->repeat_interval_us == 0)
		return;
	snprintf(text, sizeof(text), "%s: the next reminder", outlet->name);
	say(list, outlet, "reminder", lane->repeat_from_us + route->repeat_interval_us + ahead_us,
		text);
}

/* What comes next, and why nothing does. */
static void
say_way(json_t *list, struct deliver *deliver, const struct outlet *outlet,
	const struct incident *incident)
{
	const struct lane *lane = outbox_find(&outlet->box, incident->id);
	const struct way way = deliver_way(deliver, outlet, incident);
	char text[200];

	if (way.route != NULL) {
		if (way.is_resting)
			say_rest(list, outlet, lane, way.route);
		else if (incident->status != INCIDENT_ACKNOWLEDGED)
			say_reminder(list, outlet, lane, way.route);
		return;
	}
	if (outlet->type == NULL || outlet->is_fallback ||
		say_escalation(list, deliver, outlet, incident))
		return;
	snprintf(text, sizeof(text), "%s: no route leads there", outlet->name);
	say(list, outlet, "not-routed", 0, text);
}

json_t *
deliver_why(struct deliver *deliver, const struct incident *incident)
{
	json_t *list = json_array();
	char why[300];
	usec_t until_us;
	bool is_over = incident->status == INCIDENT_RESOLVED;

	if (!is_over && deliver_is_muted(deliver, incident, why, sizeof(why), &until_us))
		say(list, NULL, "muted", until_us, why);
	LIST_EACH(it, &deliver->outlets)
	{
		const struct outlet *outlet = LIST_ENTRY(it, struct outlet, in_deliver);

		say_outlet(list, deliver, outlet, incident);
		if (!is_over)
			say_way(list, deliver, outlet, incident);
	}
	return list;
}

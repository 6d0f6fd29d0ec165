/*
 * What delivery shows of itself: each receiver's state, what waits for it and why, and what it was
 * told of which incident.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "deliver/outlet.h"
#include "deliver/route.h"
#include "model/record.h"

#define LOOKED_AT 10000 /* letters looked at to find the worst ones; entries of the ledger */

/* ---- a receiver ---- */

static const char *
state_of(const struct outlet *outlet)
{
	if (outlet->is_disabled)
		return "disabled";
	if (outlet->trouble != NULL)
		return "failing";
	if (outlet->fails > 0)
		return "retrying";
	return outlet->sent > 0 ? "ok" : "idle";
}

static bool
has_ready(const struct outbox *box)
{
	for (size_t i = 0; i < LEVELS; i++) {
		if (box->ready[i].count > 0)
			return true;
	}
	return false;
}

static void
say_wait(const struct outlet *outlet, char *out, size_t size)
{
	const struct outbox *box = &outlet->box;
	usec_t now = loop_now(outlet->deliver->loop);

	out[0] = '\0';
	if (box->count == 0)
		return;
	if (outlet->is_disabled)
		str_copy(out, size, "disabled");
	else if (outlet->hold_us > now && outlet->is_asked)
		str_copy(out, size, "asked to wait");
	else if (outlet->hold_us > now)
		snprintf(out, size, "backing off after %u failure%s", outlet->fails,
			outlet->fails == 1 ? "" : "s");
	else if (outlet->flights > 0)
		str_copy(out, size, "in flight");
	else if (outlet->loading > 0 || (box->unwritten.count > 0 && !has_ready(box)))
		str_copy(out, size, "waiting for the disk");
	else if (has_ready(box))
		str_copy(out, size, "rate");
	else if (box->fresh_count > 0 || outlet->fails == 0)
		str_copy(out, size, "group_wait");
}

static void
view_outlet(const struct outlet *outlet, struct receiver_view *out)
{
	struct loop *loop = outlet->deliver->loop;

	*out = (struct receiver_view){
		.name = outlet->name,
		.type = outlet->type->name,
		.state = state_of(outlet),
		.queued = outlet->box.count,
		.in_flight = outlet->flights,
		.on_disk = outlet->box.count - outlet->box.resident_count,
		.last_success_us = outlet->last_success_us,
		.oldest_us = outbox_oldest(&outlet->box),
		.fails = outlet->fails,
		.sent = outlet->sent,
		.failed = outlet->failed,
		.given_up = outlet->given_up,
		.latency = &outlet->latency,
	};
	if (outlet->type->target != NULL)
		outlet->type->target(outlet->conf, out->target, sizeof(out->target));
	if (timer_runs(&outlet->timer))
		out->next_try_us = loop_wall(loop) + (outlet->timer.node.due - loop_now(loop));
	say_wait(outlet, out->waits_for, sizeof(out->waits_for));
	memcpy(out->last_error, outlet->last_error, sizeof(out->last_error));
	memcpy(out->failed_by, outlet->failed_by, sizeof(out->failed_by));
}

static bool
is_shown(const struct outlet *outlet)
{
	bool is_used = outlet->sent + outlet->failed + outlet->box.count > 0;

	return outlet->type != NULL && (!outlet->is_fallback || is_used);
}

size_t
deliver_receivers(const struct deliver *deliver)
{
	size_t count = 0;

	LIST_EACH(it, &deliver->outlets)
	count += is_shown(LIST_ENTRY(it, struct outlet, in_deliver));
	return count;
}

bool
deliver_view(const struct deliver *deliver, size_t n, struct receiver_view *out)
{
	LIST_EACH(it, &deliver->outlets)
	{
		const struct outlet *outlet = LIST_ENTRY(it, struct outlet, in_deliver);

		if (is_shown(outlet) && n-- == 0) {
			view_outlet(outlet, out);
			return true;
		}
	}
	return false;
}

/* ---- what was told ---- */

struct found {
	const struct outlet *outlet;
	const void *what; /* struct lane, struct letter */
};

struct finds {
	struct found *all;
	size_t count, total;
};

static void
found(struct finds *finds, const struct outlet *outlet, const void *what)
{
	finds->total++;
	if (finds->count < LOOKED_AT)
		finds->all[finds->count++] = (struct found){ outlet, what };
}

static bool
is_asked_for(const struct outlet *outlet, const char *receiver)
{
	return receiver == NULL || str_eq(outlet->name, receiver);
}

static void
find_told(struct finds *finds, const struct outlet *outlet, const char *incident)
{
	size_t at = 0;
	const char *id;
	void *value;

	if (incident != NULL) {
		const struct lane *lane = outbox_find(&outlet->box, incident);

		if (lane != NULL && !lane->is_digest && lane->told_us != 0)
			found(finds, outlet, lane);
		return;
	}
	while (map_next(outlet->box.lanes, &at, &id, &value)) {
		const struct lane *lane = value;

		if (!lane->is_digest && lane->told_us != 0)
			found(finds, outlet, lane);
	}
}

static int
by_hour(const void *left, const void *right)
{
	const struct lane *a = ((const struct found *)left)->what;
	const struct lane *b = ((const struct found *)right)->what;

	if (a->told_us != b->told_us)
		return a->told_us > b->told_us ? -1 : 1;
	return strcmp(a->incident, b->incident);
}

static size_t
count_letters(const struct lane *lane)
{
	size_t count = lane->digest != NULL ? 1 : 0;

	for (size_t i = 0; i < LEVELS; i++)
		count += lane->levels[i];
	return count;
}

static json_t *
show_told(const struct found *found)
{
	const struct lane *lane = found->what;
	json_t *o = json_object();

	json_object_set_new(o, "receiver", record_text(found->outlet->name));
	json_object_set_new(o, "incident", record_text(lane->incident));
	json_object_set_new(o, "state", json_string(lane->is_told ? "open" : "ended"));
	json_object_set_new(o, "told", record_text(lane->last_type));
	json_object_set_new(o, "reason", record_text(lane->last_reason));
	json_object_set_new(o, "notice", record_text(lane->last_id));
	json_object_set_new(o, "sequence", json_integer(lane->last_sequence));
	json_object_set_new(o, "first_told_at", record_time(lane->first_told_us));
	json_object_set_new(o, "told_at", record_time(lane->told_us));
	json_object_set_new(o, "waiting", json_integer((json_int_t)count_letters(lane)));
	return o;
}

static json_t *
show_finds(struct finds *finds, const char *key, size_t limit,
	int (*compare)(const void *, const void *), json_t *(*show)(const struct found *))
{
	json_t *list = json_array(), *whole = json_object();

	if (finds->count > 1)
		qsort(finds->all, finds->count, sizeof(*finds->all), compare);
	for (size_t i = 0; i < finds->count && i < limit; i++)
		json_array_append_new(list, show(&finds->all[i]));
	json_object_set_new(whole, key, list);
	json_object_set_new(whole, "total", json_integer((json_int_t)finds->total));
	free(finds->all);
	return whole;
}

json_t *
deliver_ledger(
	const struct deliver *deliver, const char *incident, const char *receiver, size_t limit)
{
	struct finds finds = { .all = xcalloc(LOOKED_AT, sizeof(*finds.all)) };

	LIST_EACH(it, &deliver->outlets)
	{
		const struct outlet *outlet = LIST_ENTRY(it, struct outlet, in_deliver);

		if (is_asked_for(outlet, receiver))
			find_told(&finds, outlet, incident);
	}
	return show_finds(&finds, "ledger", limit, by_hour, show_told);
}

/* ---- what waits ---- */

static void
find_waiting(struct finds *finds, const struct outlet *outlet)
{
	LIST_EACH(at, &outlet->box.busy)
	{
		LIST_EACH(it, &LIST_ENTRY(at, struct lane, in_outbox)->letters)
		found(finds, outlet, LIST_ENTRY(it, struct letter, in_lane));
	}
}

/* ---- routes ---- */

static json_t *
show_names(const struct conf_strings *names)
{
	json_t *list = json_array();

	for (size_t i = 0; i < names->count; i++)
		json_array_append_new(list, record_text(names->all[i]));
	return list;
}

static json_t *
show_steps(const struct route_spec *route)
{
	json_t *list = json_array();

	for (size_t i = 0; i < route->step_count; i++) {
		json_t *step = json_object();

		json_object_set_new(
			step, "after", json_real((double)route->steps[i].after_us / 1e6));
		json_object_set_new(step, "to", show_names(&route->steps[i].to));
		json_array_append_new(list, step);
	}
	return list;
}

static json_t *
show_route(const struct route_spec *route, usec_t wall_us)
{
	json_t *o = json_object();
	usec_t since_us;
	bool is_resting = !hours_hold(&route->active_hours, wall_us, &since_us);

	json_object_set_new(o, "match", route_match_json(&route->match));
	json_object_set_new(o, "to", show_names(&route->to));
	json_object_set_new(o, "escalate", show_steps(route));
	json_object_set_new(o, "group_wait", json_real((double)route->group_wait_us / 1e6));
	json_object_set_new(
		o, "repeat_interval", json_real((double)route->repeat_interval_us / 1e6));
	json_object_set_new(o, "send_resolved", json_boolean(route->send_resolved));
	json_object_set_new(o, "continue", json_boolean(route->does_continue));
	json_object_set_new(o, "resting", json_boolean(is_resting));
	if (is_resting)
		json_object_set_new(
			o, "begins_at", record_time(hours_next(&route->active_hours, wall_us)));
	return o;
}

json_t *
deliver_routes(const struct deliver *deliver)
{
	usec_t wall_us = loop_wall(deliver->loop);
	json_t *list = json_array();

	for (size_t i = 0; i < deliver->route_count; i++)
		json_array_append_new(list, show_route(deliver->routes[i], wall_us));
	return list;
}

/* ---- what waits ---- */

static int
by_urgency(const void *left, const void *right)
{
	const struct letter *a = ((const struct found *)left)->what;
	const struct letter *b = ((const struct found *)right)->what;

	if (a->severity != b->severity)
		return a->severity > b->severity ? -1 : 1;
	if (a->born_us != b->born_us)
		return a->born_us < b->born_us ? -1 : 1;
	return strcmp(a->id, b->id);
}

static json_t *
show_waiting(const struct found *found)
{
	const struct letter *letter = found->what;
	const struct loop *loop = found->outlet->deliver->loop;
	usec_t due_us =
		letter->due_us > found->outlet->hold_us ? letter->due_us : found->outlet->hold_us;
	json_t *o = json_object();

	json_object_set_new(o, "receiver", record_text(found->outlet->name));
	json_object_set_new(o, "notice", record_text(letter->id));
	json_object_set_new(o, "type", record_text(letter->type));
	json_object_set_new(o, "severity", json_string(severity_name(letter->severity)));
	json_object_set_new(o, "sequence", json_integer(letter->sequence));
	json_object_set_new(o, "created_at", record_time(letter->created_us));
	json_object_set_new(o, "next_try_at",
		record_time(
			due_us > loop_now(loop) ? loop_wall(loop) + due_us - loop_now(loop) : 0));
	json_object_set_new(o, "tries", json_integer(letter->tries));
	json_object_set_new(o, "state", json_string(letter->run != NULL ? "in flight" : "waiting"));
	json_object_set_new(o, "events", json_integer(letter->events));
	if (letter->lane->is_digest)
		json_object_set_new(
			o, "incidents", json_integer((json_int_t)letter->notice->digest->count));
	else
		json_object_set_new(o, "incident", record_text(letter->lane->incident));
	return o;
}

json_t *
deliver_queue(const struct deliver *deliver, const char *receiver, size_t limit)
{
	struct finds finds = { .all = xcalloc(LOOKED_AT, sizeof(*finds.all)) };

	LIST_EACH(it, &deliver->outlets)
	{
		const struct outlet *outlet = LIST_ENTRY(it, struct outlet, in_deliver);

		if (is_asked_for(outlet, receiver))
			find_waiting(&finds, outlet);
	}
	return show_finds(&finds, "queue", limit, by_urgency, show_waiting);
}

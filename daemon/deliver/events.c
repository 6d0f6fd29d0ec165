/*
 * Told, and provably: turns an incident's events into letters for the receivers that routes and
 * ledger name.  One turn of the loop writes an event's letters together with whatever else the app
 * keeps of it, so a kill loses all of it or nothing.
 */
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "deliver/outlet.h"
#include "deliver/route.h"
#include "deliver/way.h"

#define SWEEP_US USEC_PER_HOUR

static void
write_event(struct outlet *outlet, struct lane *lane, enum incident_event_type type,
	const struct delivery_event *event, usec_t wait_us)
{
	struct notice notice = {
		.type = xstrdup(incident_event_name(type)),
		.reason = xstrdup(event->reason),
		.at_us = event->at_us,
		.sequence = event->incident->sequence,
		.severity = event->incident->severity,
		.is_resolved = type == INCIDENT_ENDED,
	};

	notice_make_id(notice.id);
	incident_copy(&notice.incident, event->incident);
	outlet_owe(outlet, lane, false);
	if (lane->ends_untold) {
		lane->ends_untold = false;
		outlet_keep_lane(outlet, lane);
	}
	outlet_write(outlet, lane, &notice, wait_us);
}

/* Who was told, or is about to be, hears the end, unless the user does not want ends. */
static void
write_ending(struct outlet *outlet, struct lane *lane, const struct route_spec *route,
	const struct delivery_event *event)
{
	bool is_wanted = route != NULL ? route->send_resolved : lane->sends_resolved;

	/* What was not told yet and is over is told as that, whoever wants ends or not. */
	if (lane_hears(lane) && (is_wanted || outlet_holds_beginning(outlet, lane))) {
		write_event(outlet, lane, INCIDENT_ENDED, event, 0);
		return;
	}
	if (lane->is_over)
		return;
	lane->is_owed = false;
	lane->ends_untold |= lane_hears(lane);
	lane->is_ended = true;
	if (lane_waits(lane))
		outlet_keep_lane(outlet, lane);
	else
		outlet_close(outlet, lane);
}

/* The first word waits, unless the receiver has had a quiet minute. */
static void
write_opening(
	struct outlet *outlet, const struct route_spec *route, const struct delivery_event *event)
{
	struct lane *lane = outbox_lane(&outlet->box, event->incident->id);
	usec_t wait_us = outlet_is_quiet(outlet) ? 0 : route->group_wait_us;

	lane->sends_resolved = route->send_resolved;
	write_event(outlet, lane, INCIDENT_OPENED, event, wait_us);
}

/*
 * Outside the hours of its route a receiver hears of endings only.  Whoever the route tells at once
 * is told of the rest when they begin; the steps of `escalate` count from then.
 */
static void
withhold(struct outlet *outlet, const struct route_spec *route, const char *incident)
{
	if (lane_hears(outbox_find(&outlet->box, incident)) || route_names(route, outlet->name))
		outlet_owe(outlet, outbox_lane(&outlet->box, incident), true);
}

static void
offer(struct outlet *outlet, const struct way *way, const struct delivery_event *event)
{
	const struct route_spec *route = way->route;
	struct lane *lane = outbox_find(&outlet->box, event->incident->id);

	if (event->type == INCIDENT_ENDED) {
		if (lane != NULL)
			write_ending(outlet, lane, route, event);
		return;
	}
	if (way->is_resting) {
		/* An acknowledgement alone is no reason to tell somebody new of it later. */
		if (event->type != INCIDENT_ACKED || lane_hears(lane))
			withhold(outlet, route, event->incident->id);
		return;
	}
	if (!lane_hears(lane)) {
		/* An acknowledgement changes nothing that routes look at: no reason to begin. */
		if (route != NULL && event->type != INCIDENT_ACKED)
			write_opening(outlet, route, event);
		return;
	}
	if (outlet->type == NULL)
		return; /* it is not in the settings: only the end is kept for it */
	if (route != NULL)
		lane->sends_resolved = route->send_resolved;
	write_event(outlet, lane, event->type, event, 0);
}

static void
offer_fallback(struct deliver *deliver, const struct delivery_event *event)
{
	static const struct way straight = { .route = &route_default };

	LIST_EACH(it, &deliver->outlets)
	{
		struct outlet *outlet = LIST_ENTRY(it, struct outlet, in_deliver);

		if (outlet->type == NULL || !str_eq(outlet->type->name, DELIVER_FALLBACK) ||
			lane_hears(outbox_find(&outlet->box, event->incident->id)))
			continue;
		offer(outlet, &straight, event);
	}
}

/* Nobody is told of it now; its end is told whatever mutes it. */
static bool
keep_quiet(struct deliver *deliver, const struct incident *incident)
{
	char why[256];
	usec_t until_us;

	if (!deliver_is_muted(deliver, incident, why, sizeof(why), &until_us))
		return false;
	if (!mute_is_marked(deliver, incident->id))
		log_notice("incident=%s is not told of: %s", incident->id, why);
	mute_mark(deliver, incident->id, true);
	return true;
}

void
deliver_incident(struct deliver *deliver, const struct delivery_event *event)
{
	bool has_route = false;

	if (event->type == INCIDENT_ENDED) {
		mute_mark(deliver, event->incident->id, false);
	} else if (keep_quiet(deliver, event->incident)) {
		deliver_settle(deliver);
		return;
	}
	LIST_EACH(it, &deliver->outlets)
	{
		struct outlet *outlet = LIST_ENTRY(it, struct outlet, in_deliver);
		const struct way way = deliver_way(deliver, outlet, event->incident);

		has_route |= way.route != NULL;
		offer(outlet, &way, event);
	}
	/* Failed deliveries go to syslog whatever the routes say. */
	if (event->type != INCIDENT_ENDED &&
		(!has_route || str_eq(event->incident->cause_code, DELIVER_FAILED_CAUSE)))
		offer_fallback(deliver, event);
	deliver_settle(deliver);
}

/* ---- after a silence, and when a route's hours begin ---- */

/* Who was told before it hears again if something changed meanwhile; the others hear of it now. */
static void
catch_up(struct outlet *outlet, const struct way *way, const struct incident *incident)
{
	const struct lane *lane = outbox_find(&outlet->box, incident->id);
	struct delivery_event event = {
		.type = INCIDENT_UPDATED,
		.reason = "first",
		.incident = incident,
		.at_us = loop_wall(outlet->deliver->loop),
	};

	if (lane_hears(lane)) {
		if (lane->last_sequence >= incident->sequence)
			return;
		event.type = INCIDENT_REMINDER;
		event.reason = "repeat";
	}
	offer(outlet, way, &event);
}

static void
speak_up(struct deliver *deliver, const struct incident *incident)
{
	const struct delivery_event first = {
		.type = INCIDENT_UPDATED,
		.reason = "first",
		.incident = incident,
		.at_us = loop_wall(deliver->loop),
	};
	bool has_route = false;

	LIST_EACH(it, &deliver->outlets)
	{
		struct outlet *outlet = LIST_ENTRY(it, struct outlet, in_deliver);
		const struct way way = deliver_way(deliver, outlet, incident);

		has_route |= way.route != NULL;
		catch_up(outlet, &way, incident);
	}
	if (!has_route)
		offer_fallback(deliver, &first);
}

/* The hours of its route have begun, and something was kept from it. */
static void
pay_back(struct outlet *outlet, const struct way *way, const struct incident *incident)
{
	struct lane *lane = outbox_find(&outlet->box, incident->id);

	if (lane == NULL || !lane->is_owed || way->route == NULL || way->is_resting)
		return;
	outlet_owe(outlet, lane, false);
	catch_up(outlet, way, incident);
}

/* Muted ones are marked, so that they are told of later; those that are not any more are told of.
 */
static void
look_for_silence(struct deliver *deliver, const struct incident *incident)
{
	if (keep_quiet(deliver, incident) || !mute_is_marked(deliver, incident->id))
		return;
	mute_mark(deliver, incident->id, false);
	if (incident->status == INCIDENT_OPEN)
		speak_up(deliver, incident);
}

/* ---- escalation ---- */

/* Nobody has taken care of it for so long that others are told. */
static void
escalate(struct outlet *outlet, const struct way *way, const struct incident *incident)
{
	if (way->is_escalated && !lane_hears(outbox_find(&outlet->box, incident->id)))
		catch_up(outlet, way, incident);
}

/* ---- reminders, old age ---- */

static void
remind(struct outlet *outlet, const struct way *way, const struct incident *incident)
{
	const struct delivery_event event = {
		.type = INCIDENT_REMINDER,
		.reason = "repeat",
		.incident = incident,
		.at_us = loop_wall(outlet->deliver->loop),
	};
	struct lane *lane;

	if (way->route == NULL || way->is_resting || way->route->repeat_interval_us == 0)
		return;
	/* A receiver that is new here gets a lane, so that the clock runs: a reload tells nobody.
	 */
	lane = outbox_lane(&outlet->box, incident->id);
	if (!lane_waits(lane) && (!lane->is_ended || lane->is_over) &&
		loop_now(outlet->deliver->loop) - lane->repeat_from_us >=
			way->route->repeat_interval_us)
		offer(outlet, way, &event);
}

/* Once an hour: ledger entries that have no business there any more. */
static void
sweep(struct deliver *deliver, const struct incident *const *open, size_t count)
{
	struct map *ids = map_new();

	for (size_t i = 0; i < count; i++)
		map_put(ids, open[i]->id, deliver);
	LIST_EACH(it, &deliver->outlets)
	outlet_sweep(LIST_ENTRY(it, struct outlet, in_deliver), ids);
	map_free(ids, NULL);
	deliver->swept_us = loop_now(deliver->loop);
}

static void
age(struct deliver *deliver, const struct incident *const *open, size_t count)
{
	usec_t oldest_us = 0;

	if (loop_now(deliver->loop) - deliver->swept_us >= SWEEP_US)
		sweep(deliver, open, count);
	LIST_EACH_SAFE(it, &deliver->outlets)
	{
		struct outlet *outlet = LIST_ENTRY(it, struct outlet, in_deliver);
		usec_t since_us;

		outlet_expire(outlet, outlet->is_fallback);
		spill_park(outlet);
		since_us = outbox_oldest(&outlet->box);
		if (since_us != 0 && (oldest_us == 0 || since_us < oldest_us))
			oldest_us = since_us;
		if (outlet->type == NULL && map_count(outlet->box.lanes) == 0)
			outlet_free(outlet);
	}
	stats_set(deliver->options.env->stats, STAT_OUTBOX_OLDEST,
		oldest_us == 0
			? 0
			: (double)(loop_wall(deliver->loop) - oldest_us) / (double)USEC_PER_SEC);
}

void
deliver_tick(struct deliver *deliver, const struct incident *const *open, size_t count)
{
	if (!deliver->is_running)
		return;
	age(deliver, open, count);
	mute_forget_expired(deliver);
	for (size_t i = 0; i < count; i++) {
		look_for_silence(deliver, open[i]);
		if (open[i]->status != INCIDENT_OPEN || mute_is_marked(deliver, open[i]->id))
			continue;
		LIST_EACH(it, &deliver->outlets)
		{
			struct outlet *outlet = LIST_ENTRY(it, struct outlet, in_deliver);

			const struct way way = deliver_way(deliver, outlet, open[i]);

			pay_back(outlet, &way, open[i]);
			escalate(outlet, &way, open[i]);
			remind(outlet, &way, open[i]);
		}
	}
	deliver_settle(deliver);
}

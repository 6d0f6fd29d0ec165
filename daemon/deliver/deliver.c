/*
 * Told, and provably: turns an incident's events into letters for the receivers that routes and
 * ledger name, and lends the outlets their durability.  One turn of the loop writes an event's
 * letters together with whatever else the app keeps of it, so a kill loses all of it or nothing.
 */
#include "deliver/deliver.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "deliver/outlet.h"
#include "deliver/route.h"
#include "deliver/trial.h"
#include "deliver/way.h"

#define FALLBACK "syslog" /* the receiver type and name for what no route takes */
#define SWEEP_US USEC_PER_HOUR

struct deliver *
deliver_new(const struct deliver_options *options)
{
	struct deliver *deliver = xcalloc(1, sizeof(*deliver));

	deliver->options = *options;
	deliver->daemon_name = xstrdup(options->daemon_name);
	deliver->options.daemon_name = deliver->daemon_name;
	deliver->loop = options->env->loop;
	deliver->swept_us = loop_now(deliver->loop);
	list_init(&deliver->outlets);
	list_init(&deliver->trials);
	mute_init(&deliver->mute);
	return deliver;
}

static const struct receiver_type *
fallback_type(void)
{
	return receiver_find(FALLBACK);
}

static void
free_fallback(struct deliver *deliver)
{
	const struct receiver_type *type = fallback_type();

	if (deliver->fallback_conf == NULL)
		return;
	if (type->release != NULL)
		type->release(deliver->fallback_conf);
	conf_clear(type->fields, deliver->fallback_conf);
	free(deliver->fallback_conf);
}

void
deliver_free(struct deliver *deliver)
{
	if (deliver == NULL)
		return;
	trials_cancel(deliver, "triaged is stopping");
	LIST_EACH_SAFE(it, &deliver->outlets)
	outlet_free(LIST_ENTRY(it, struct outlet, in_deliver));
	free_fallback(deliver);
	mute_fini(&deliver->mute);
	free(deliver->now);
	free(deliver->daemon_name);
	free(deliver);
}

struct outlet *
deliver_outlet(const struct deliver *deliver, const char *name)
{
	LIST_EACH(it, &deliver->outlets)
	{
		struct outlet *outlet = LIST_ENTRY(it, struct outlet, in_deliver);

		if (str_eq(outlet->name, name))
			return outlet;
	}
	return NULL;
}

/* ---- durability, news, figures ---- */

static void
pump_all(struct deliver *deliver)
{
	LIST_EACH(it, &deliver->outlets)
	outlet_pump(LIST_ENTRY(it, struct outlet, in_deliver));
}

static void ask_durable(struct deliver *deliver);

/* Not durable means that the store cannot write: then memory has to do, which the app says. */
static void
on_durable(void *arg, bool is_durable)
{
	struct deliver *deliver = arg;

	if (!is_durable)
		log_debug("deliver: sending from memory");
	deliver->is_asking = false;
	deliver->durable = deliver->asked;
	pump_all(deliver);
	ask_durable(deliver);
}

static void
ask_durable(struct deliver *deliver)
{
	if (deliver->is_asking || deliver->kept == deliver->durable)
		return;
	deliver->is_asking = true;
	deliver->asked = deliver->kept;
	deliver->options.when_durable(deliver->options.arg, on_durable, deliver);
}

/* While another receiver still fails, its trouble is the news. */
static const struct outlet *
find_trouble(const struct deliver *deliver, const struct outlet *first)
{
	if (first->trouble != NULL)
		return first;
	LIST_EACH(it, &deliver->outlets)
	{
		const struct outlet *outlet = LIST_ENTRY(it, struct outlet, in_deliver);

		if (outlet->trouble != NULL)
			return outlet;
	}
	return first;
}

static void
tell_news(struct deliver *deliver)
{
	LIST_EACH(it, &deliver->outlets)
	{
		struct outlet *outlet = LIST_ENTRY(it, struct outlet, in_deliver);
		const struct outlet *which;

		if (!outlet->has_news)
			continue;
		outlet->has_news = false; /* before the call, which may come back here */
		which = find_trouble(deliver, outlet);
		deliver->options.on_trouble(deliver->options.arg, which->name, which->trouble);
	}
}

void
deliver_settle(struct deliver *deliver)
{
	size_t depth = 0;

	tell_news(deliver);
	ask_durable(deliver);
	LIST_EACH(it, &deliver->outlets)
	depth += LIST_ENTRY(it, struct outlet, in_deliver)->box.count;
	stats_set(deliver->options.env->stats, STAT_OUTBOX_DEPTH, (double)depth);
}

/* ---- restore and apply ---- */

void
deliver_restore(struct deliver *deliver, const char *kind, const char *key, const json_t *doc)
{
	const char *receiver = json_string_value(json_object_get(doc, "receiver"));
	struct outlet *outlet;
	struct err e;
	int result;

	if (str_eq(kind, "silence") || str_eq(kind, "muted")) {
		result = mute_restore(deliver, kind, key, doc, &e);
	} else if (receiver == NULL || receiver[0] == '\0') {
		err_set(&e, 0, "it names no receiver");
		result = -1;
	} else {
		outlet = deliver_outlet(deliver, receiver);
		if (outlet == NULL)
			outlet = outlet_new(deliver, receiver);
		result = str_eq(kind, "outbox") ? outbox_restore_letter(&outlet->box, doc, &e)
						: outbox_restore_lane(&outlet->box, doc, &e);
	}
	if (result < 0) {
		log_error("%s: a stored document cannot be used and is dropped: %s", kind, e.text);
		deliver->options.on_keep(deliver->options.arg, kind, key, NULL);
	}
}

static void *
fallback_conf(struct deliver *deliver)
{
	const struct receiver_type *type = fallback_type();
	struct complaints *complaints;
	struct conf_part part;

	if (deliver->fallback_conf != NULL)
		return deliver->fallback_conf;
	deliver->fallback_conf = xcalloc(1, type->conf_size);
	part = (struct conf_part){ type->fields, deliver->fallback_conf };
	complaints = complaints_new();
	conf_fill(&part, 1, NULL, FALLBACK, NULL, complaints);
	if (type->check != NULL)
		type->check(deliver->fallback_conf, NULL, deliver->options.env->tls, complaints);
	complaints_free(complaints);
	return deliver->fallback_conf;
}

/* Puts a receiver in force, at the end of the list. */
static struct outlet *
install(struct deliver *deliver, const char *name, const struct receiver_type *type,
	const void *conf)
{
	struct outlet *outlet = deliver_outlet(deliver, name);

	if (outlet == NULL)
		outlet = outlet_new(deliver, name);
	list_remove(&outlet->in_deliver);
	list_append(&deliver->outlets, &outlet->in_deliver);
	if (outlet->type != NULL &&
		(outlet->type != type || !conf_same(type->fields, outlet->conf, conf)))
		outlet_reset(outlet);
	outlet_detach(outlet);
	outlet_attach(outlet, type, conf);
	outlet_expire(outlet, true); /* what grew old while it was away is nobody's fault */
	return outlet;
}

static bool
is_listed(const struct receiver_spec *const *receivers, size_t count, const struct outlet *outlet)
{
	for (size_t i = 0; i < count; i++) {
		if (str_eq(receivers[i]->name, outlet->name))
			return true;
	}
	return false;
}

/* What no route takes goes to syslog, also where nobody configured one. */
static void
install_fallback(
	struct deliver *deliver, const struct receiver_spec *const *receivers, size_t count)
{
	const struct receiver_type *type = fallback_type();

	for (size_t i = 0; i < count; i++) {
		if (receivers[i]->type == type || str_eq(receivers[i]->name, FALLBACK))
			return;
	}
	if (type != NULL)
		install(deliver, FALLBACK, type, fallback_conf(deliver))->is_fallback = true;
}

/* The old settings are still good here: `install` compares with them before it lets them go. */
void
deliver_apply(struct deliver *deliver, const struct receiver_spec *const *receivers,
	size_t receiver_count, const struct route_spec *const *routes, size_t route_count)
{
	trials_cancel(deliver, "the settings were reloaded meanwhile");
	LIST_EACH(it, &deliver->outlets)
	{
		struct outlet *outlet = LIST_ENTRY(it, struct outlet, in_deliver);

		if (is_listed(receivers, receiver_count, outlet))
			continue;
		outlet_detach(outlet);
		outlet_reset(outlet);
		outlet_absolve(outlet);
	}
	for (size_t i = 0; i < receiver_count; i++)
		install(deliver, receivers[i]->name, receivers[i]->type, receivers[i]->conf);
	install_fallback(deliver, receivers, receiver_count);
	deliver->routes = routes;
	deliver->route_count = route_count;
	deliver->now_s = 0;
	deliver->receiver_count = receiver_count;
	deliver->is_running = true;
	pump_all(deliver);
	deliver_settle(deliver);
}

void
deliver_set_language(struct deliver *deliver, enum language language)
{
	deliver->language = language;
}

/* ---- events ---- */

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
	outlet_write(outlet, lane, &notice, wait_us);
}

/* Who was told, or is about to be, hears the end, unless the user does not want ends. */
static void
write_ending(struct outlet *outlet, struct lane *lane, const struct route_spec *route,
	const struct delivery_event *event)
{
	bool is_wanted = route != NULL ? route->send_resolved : lane->sends_resolved;

	if (lane_hears(lane) && is_wanted) {
		write_event(outlet, lane, INCIDENT_ENDED, event, 0);
		return;
	}
	lane->is_ended = true;
	if (lane_first(lane) == NULL)
		outlet_forget(outlet, lane);
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

		if (outlet->type == NULL || !str_eq(outlet->type->name, FALLBACK) ||
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
	if (lane_first(lane) == NULL && !lane->is_ended &&
		loop_now(outlet->deliver->loop) - lane->repeat_from_us >=
			way->route->repeat_interval_us)
		offer(outlet, way, &event);
}

static bool
is_open(const struct incident *const *open, size_t count, const char *id)
{
	for (size_t i = 0; i < count; i++) {
		if (str_eq(open[i]->id, id))
			return true;
	}
	return false;
}

/* Ledger entries whose incident is gone without a word, such as after a lost database. */
static void
sweep(struct outlet *outlet, const struct incident *const *open, size_t count)
{
	usec_t limit_us = loop_now(outlet->deliver->loop) - OUTBOX_ENDING_US;
	struct lane *old = NULL;
	const char *id;
	size_t at;
	void *value;

	do {
		if (old != NULL)
			outlet_forget(outlet, old);
		old = NULL;
		at = 0;
		while (old == NULL && map_next(outlet->box.lanes, &at, &id, &value)) {
			struct lane *lane = value;

			if (lane_first(lane) == NULL && lane->repeat_from_us < limit_us &&
				!is_open(open, count, id))
				old = lane;
		}
	} while (old != NULL);
}

static void
age(struct deliver *deliver, const struct incident *const *open, size_t count)
{
	usec_t now = loop_now(deliver->loop);
	usec_t oldest_us = 0;
	bool is_sweeping = now - deliver->swept_us >= SWEEP_US;

	LIST_EACH_SAFE(it, &deliver->outlets)
	{
		struct outlet *outlet = LIST_ENTRY(it, struct outlet, in_deliver);
		usec_t since_us;

		outlet_expire(outlet, outlet->is_fallback);
		if (is_sweeping)
			sweep(outlet, open, count);
		since_us = outbox_oldest(&outlet->box);
		if (since_us != 0 && (oldest_us == 0 || since_us < oldest_us))
			oldest_us = since_us;
		if (outlet->type == NULL && map_count(outlet->box.lanes) == 0)
			outlet_free(outlet);
	}
	if (is_sweeping)
		deliver->swept_us = now;
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

/* ---- shutdown, views ---- */

bool
deliver_is_idle(const struct deliver *deliver)
{
	if (deliver->trial_count > 0)
		return false;
	LIST_EACH(it, &deliver->outlets)
	{
		if (LIST_ENTRY(it, struct outlet, in_deliver)->flights > 0)
			return false;
	}
	return true;
}

void
deliver_drain(struct deliver *deliver)
{
	deliver->is_draining = true;
	pump_all(deliver); /* stops the timers */
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
			outlet_view(outlet, out);
			return true;
		}
	}
	return false;
}

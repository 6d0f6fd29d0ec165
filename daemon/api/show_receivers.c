/*
 * Receivers: how each one fares, what waits for it and why, and what it was told of which incident.
 * Those that the settings keep but switch off are listed behind the others.
 */
#include <stdlib.h>

#include "alerts/receiver.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/show.h"
#include "base/str.h"
#include "deliver/deliver.h"
#include "io/loop.h"
#include "model/record.h"
#include "setup/settings.h"

#define QUEUE_SHOWN    50
#define LEDGER_DEFAULT 100
#define LEDGER_MAX     1000

/* ---- one receiver ---- */

static const struct receiver_spec *
spec_of(const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->receiver_count; i++)
		if (str_eq(settings->receivers[i]->name, name))
			return settings->receivers[i];
	return NULL;
}

static json_t *
show_failures(const struct receiver_view *view)
{
	json_t *doc = json_object();

	for (int i = 0; i < SEND_CLASSES; i++)
		json_object_set_new(doc, send_class_name((enum send_class)i),
			json_integer((json_int_t)view->failed_by[i]));
	return doc;
}

static json_t *
seconds(usec_t us)
{
	return json_real((double)us / 1e6);
}

/* From the event to its being taken; null while nothing was. */
static json_t *
show_latency(const struct hist *latency)
{
	json_t *doc;

	if (latency == NULL || latency->count == 0)
		return json_null();
	doc = json_object();
	json_object_set_new(doc, "count", json_integer((json_int_t)latency->count));
	json_object_set_new(
		doc, "mean", seconds((usec_t)(latency->sum_us / (double)latency->count)));
	json_object_set_new(doc, "p50", seconds(hist_quantile(latency, 0.5)));
	json_object_set_new(doc, "p99", seconds(hist_quantile(latency, 0.99)));
	json_object_set_new(doc, "max", seconds(latency->max_us));
	return doc;
}

static json_t *
show_next_test(const struct receiver_spec *spec, usec_t wall_us)
{
	if (spec == NULL || !spec->common.enabled || spec->common.daily_time.zone == NULL)
		return json_null();
	return record_time(daily_next(&spec->common.daily_time, wall_us));
}

/* `spec` is NULL for the syslog that nobody configured. */
static json_t *
show_receiver(const struct receiver_spec *spec, const struct receiver_view *view, usec_t wall_us)
{
	json_t *doc = json_object();

	json_object_set_new(doc, "name", record_text(view->name));
	json_object_set_new(doc, "type", record_text(view->type));
	json_object_set_new(
		doc, "description", record_text(spec == NULL ? NULL : spec->common.description));
	json_object_set_new(doc, "target", record_text(view->target));
	json_object_set_new(doc, "state", record_text(view->state));
	json_object_set_new(doc, "queued", json_integer((json_int_t)view->queued));
	json_object_set_new(doc, "in_flight", json_integer((json_int_t)view->in_flight));
	json_object_set_new(doc, "oldest_at", record_time(view->oldest_us));
	json_object_set_new(doc, "next_try_at", record_time(view->next_try_us));
	json_object_set_new(doc, "waits_for", record_text(view->waits_for));
	json_object_set_new(doc, "sent", json_integer((json_int_t)view->sent));
	json_object_set_new(doc, "failed", json_integer((json_int_t)view->failed));
	json_object_set_new(doc, "failed_by", show_failures(view));
	json_object_set_new(doc, "failures_in_a_row", json_integer(view->fails));
	json_object_set_new(doc, "given_up", json_integer((json_int_t)view->given_up));
	json_object_set_new(doc, "last_success_at", record_time(view->last_success_us));
	json_object_set_new(doc, "last_error", record_text(view->last_error));
	json_object_set_new(doc, "latency", show_latency(view->latency));
	json_object_set_new(doc, "next_daily_test_at", show_next_test(spec, wall_us));
	return doc;
}

static json_t *
show_disabled(const struct receiver_spec *spec)
{
	const struct receiver_type *type = spec->type;
	const struct receiver_view none = {
		.name = spec->name, .type = type->name, .state = "off"
	};

	return show_receiver(spec, &none, 0);
}

/* ---- routes ---- */

void
handle_receivers(struct api_call *call)
{
	const struct api_world *world = call->world;
	const struct settings *settings = world->settings;
	usec_t wall_us = loop_wall(world->env->loop);
	json_t *doc = json_object(), *list = json_array();
	struct receiver_view view;

	for (size_t n = 0; deliver_view(world->deliver, n, &view); n++)
		json_array_append_new(
			list, show_receiver(spec_of(settings, view.name), &view, wall_us));
	for (size_t i = 0; i < settings->disabled_receiver_count; i++)
		json_array_append_new(list, show_disabled(settings->disabled_receivers[i]));
	json_object_set_new(doc, "receivers", list);
	json_object_set_new(doc, "routes", deliver_routes(world->deliver));
	reply_json(call, 200, doc);
}

static json_t *
find_receiver(const struct api_call *call)
{
	const struct api_world *world = call->world;
	const struct settings *settings = world->settings;
	struct receiver_view view;

	for (size_t n = 0; deliver_view(world->deliver, n, &view); n++)
		if (str_eq(view.name, call->name))
			return show_receiver(
				spec_of(settings, view.name), &view, loop_wall(world->env->loop));
	for (size_t i = 0; i < settings->disabled_receiver_count; i++)
		if (str_eq(settings->disabled_receivers[i]->name, call->name))
			return show_disabled(settings->disabled_receivers[i]);
	return NULL;
}

/* Moves the members of `more` (consumed) into `doc`; its total under another name. */
static void
take_in(json_t *doc, json_t *more, const char *total)
{
	json_object_set(doc, total, json_object_get(more, "total"));
	json_object_del(more, "total");
	json_object_update(doc, more);
	json_decref(more);
}

void
handle_receiver(struct api_call *call)
{
	const struct deliver *deliver = call->world->deliver;
	json_t *doc = find_receiver(call);
	size_t limit = LEDGER_DEFAULT;

	if (doc == NULL) {
		reply_unknown_receiver(call);
		return;
	}
	if (page_number(call, "limit", 1, LEDGER_MAX, &limit) == -1) {
		json_decref(doc);
		return;
	}
	take_in(doc, deliver_queue(deliver, call->name, QUEUE_SHOWN), "queue_total");
	take_in(doc, deliver_ledger(deliver, NULL, call->name, limit), "ledger_total");
	reply_json(call, 200, doc);
}

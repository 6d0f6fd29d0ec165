/*
 * Checks as JSON, and the counts of /api/v1/status.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/show.h"
#include "base/mem.h"
#include "deliver/deliver.h"
#include "io/loop.h"
#include "model/record.h"
#include "model/sample_json.h"
#include "probes/probe.h"
#include "sched/sched.h"
#include "setup/settings.h"
#include "triage/triage.h"

#define MUTED_MAX 1000 /* incidents that are asked about in one answer */

/* The number that says most about a check, by name: the first that it knows.  How long a run took
 * says little when it failed. */
static const struct {
	const char *metric;
	bool is_of_failed;
} telling[] = {
	{ "used_percent", true },
	{ "count", true },
	{ "loop_lag_time", true },
	{ "total_time", false },
};

static json_t *
seconds(usec_t us)
{
	return json_real((double)us / 1e6);
}

static int
telling_index(const struct sample *last)
{
	for (size_t i = 0; last != NULL && i < sizeof(telling) / sizeof(telling[0]); i++) {
		int index = metric_index(last->metrics, telling[i].metric);

		if (index == -1 || !isfinite(last->values[index]))
			continue;
		if (last->outcome == OUTCOME_OK || telling[i].is_of_failed)
			return index;
	}
	return -1;
}

const char *
show_telling_metric(const struct sample *last)
{
	int index = telling_index(last);

	return index == -1 ? NULL : last->metrics[index].name;
}

static json_t *
show_telling(const struct sample *last)
{
	int index = telling_index(last);
	json_t *doc;
	char text[64];

	if (index == -1)
		return json_null();
	metric_format(last->values[index], last->metrics[index].unit, text, sizeof(text));
	doc = json_object();
	json_object_set_new(doc, "metric", json_string(last->metrics[index].name));
	json_object_set_new(doc, "value", json_real(last->values[index]));
	json_object_set_new(doc, "unit", json_string(unit_symbol(last->metrics[index].unit)));
	json_object_set_new(doc, "text", record_text(text));
	return doc;
}

static json_t *
show_labels(const struct conf_pairs *pairs)
{
	json_t *labels = json_object();

	for (size_t i = 0; i < pairs->count; i++)
		json_object_set_new(labels, pairs->all[i].name, record_text(pairs->all[i].value));
	return labels;
}

static json_t *
show_needs(const struct conf_strings *needs)
{
	json_t *list = json_array();

	for (size_t i = 0; i < needs->count; i++)
		json_array_append_new(list, record_text(needs->all[i]));
	return list;
}

static void
show_spec(json_t *doc, const struct check_spec *spec)
{
	json_object_set_new(doc, "name", record_text(spec->name));
	json_object_set_new(doc, "type", record_text(spec->type));
	json_object_set_new(doc, "instance",
		spec->instance == NULL ? json_null() : record_text(spec->instance));
	json_object_set_new(doc, "target", record_text(spec->target));
	json_object_set_new(doc, "group", record_text(spec->common.group));
	json_object_set_new(doc, "description", record_text(spec->common.description));
	json_object_set_new(
		doc, "severity", json_string(severity_name(check_severity(&spec->common))));
	json_object_set_new(doc, "labels", show_labels(&spec->common.labels));
	json_object_set_new(doc, "needs", show_needs(&spec->common.needs));
	json_object_set_new(doc, "interval", seconds(spec->common.interval_us));
	json_object_set_new(doc, "timeout", seconds(spec->common.timeout_us));
}

/* What a run may change. */
static void
show_state(json_t *doc, const struct api_world *world, const struct check_view *view)
{
	const struct sample *last = view->last;

	json_object_set_new(doc, "state", json_string(check_state_name(view->state)));
	json_object_set_new(doc, "since", record_time(view->since_us));
	json_object_set_new(doc, "next", record_time(view->next_us));
	json_object_set_new(doc, "running", json_boolean(view->is_running));
	json_object_set_new(doc, "failures", json_integer(view->failures));
	/* It says nothing of the target: nobody's uptime is charged. */
	if (triage_is_blind(world->triage, view->spec->name))
		json_object_set_new(doc, "blind", json_true());
	json_object_set_new(doc, "cause",
		last == NULL || last->cause == NULL ? json_null() : record_text(last->cause->code));
	json_object_set_new(doc, "value", show_telling(last));
}

json_t *
show_check(const struct api_world *world, const struct check_view *view)
{
	json_t *doc = json_object();

	show_spec(doc, view->spec);
	show_state(doc, world, view);
	json_object_set_new(doc, "runs", json_integer((json_int_t)view->runs));
	json_object_set_new(doc, "overdue", json_integer((json_int_t)view->overdue));
	json_object_set_new(
		doc, "last", view->last == NULL ? json_null() : sample_json(view->last));
	return doc;
}

json_t *
show_check_news(const struct api_world *world, const struct check_view *view)
{
	const struct sample *last = view->last;
	bool is_good = last != NULL && last->outcome == OUTCOME_OK;
	json_t *doc = json_object();

	json_object_set_new(doc, "name", record_text(view->spec->name));
	show_state(doc, world, view);
	json_object_set_new(doc, "text", record_text(last == NULL ? NULL : last->text));
	json_object_set_new(doc, "at", record_time(last == NULL ? 0 : last->wall_us));
	json_object_set_new(doc, "total",
		is_good ? json_real((double)last->took_us / USEC_PER_SEC) : json_null());
	return doc;
}

/* --- one check --- */

static json_t *
show_totals(const struct check_view *view)
{
	json_t *totals = json_array();

	for (size_t i = 0; i < view->total_count; i++) {
		double total = sched_total(view, i);

		json_array_append_new(totals, isfinite(total) ? json_real(total) : json_null());
	}
	return totals;
}

void
handle_check(struct api_call *call)
{
	struct check_view view;
	json_t *doc;

	if (!sched_view_name(call->world->sched, call->name, &view)) {
		reply_problem(call, 404, "no check is called \"%s\"", call->name);
		return;
	}
	doc = show_check(call->world, &view);
	json_object_set_new(doc, "totals", show_totals(&view));
	reply_json(call, 200, doc);
}

/* --- counts --- */

static json_t *
count_checks(const struct sched *sched)
{
	static const enum check_state states[] = { CHECK_UP, CHECK_SUSPECT, CHECK_DOWN,
		CHECK_STARTING, CHECK_UNKNOWN };
	size_t counts[CHECK_STARTING + 1];
	json_t *doc = json_object();

	sched_count_states(sched, counts);
	json_object_set_new(doc, "total", json_integer((json_int_t)sched_count(sched)));
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		json_object_set_new(doc, check_state_name(states[i]),
			json_integer((json_int_t)counts[states[i]]));
	return doc;
}

static json_t *
count_incidents(const struct triage *triage)
{
	size_t counts[SEVERITY_CRITICAL + 1] = { 0 };
	size_t open = triage_open_count(triage);
	json_t *doc = json_object();

	for (size_t i = 0; i < open; i++)
		counts[triage_at(triage, i)->severity]++;
	json_object_set_new(doc, "open", json_integer((json_int_t)open));
	for (int level = SEVERITY_CRITICAL; level >= SEVERITY_INFO; level--)
		json_object_set_new(doc, severity_name((enum severity)level),
			json_integer((json_int_t)counts[level]));
	return doc;
}

static json_t *
text_or_null(const char *text)
{
	return text == NULL ? json_null() : record_text(text);
}

/* Where the token of writes over TCP lies; null where the settings have it. */
static json_t *
show_token_path(const struct settings *settings)
{
	json_t *shown;
	char *path;

	if ((settings->api.token != NULL && *settings->api.token != '\0') ||
		settings->daemon.state_dir == NULL)
		return json_null();
	path = xasprintf("%s/token", settings->daemon.state_dir);
	shown = record_text(path);
	free(path);
	return shown;
}

/* Which open incidents nobody is told of, and until when. */
static json_t *
show_muted(const struct triage *triage, const struct deliver *deliver)
{
	size_t silences = 0, works = 0, open = triage == NULL ? 0 : triage_open_count(triage);
	json_t *list = json_array();

	if (deliver != NULL)
		deliver_count_mutes(deliver, &silences, &works);
	/* Open ones come first. */
	for (size_t i = 0; silences + works > 0 && i < open && i < MUTED_MAX; i++) {
		const struct incident *incident = triage_at(triage, i);
		char why[256];
		usec_t until_us;

		if (deliver_is_muted(deliver, incident, why, sizeof(why), &until_us))
			json_array_append_new(
				list, json_pack("{s:s, s:o, s:o}", "id", incident->id, "until",
					      record_time(until_us), "why", record_text(why)));
	}
	return list;
}

void
handle_status(struct api_call *call)
{
	const struct api_world *world = call->world;
	const struct settings *settings = world->settings;
	usec_t now = loop_wall(world->env->loop);
	json_t *doc = json_object();

	json_object_set_new(doc, "name", text_or_null(settings->daemon.name));
	json_object_set_new(doc, "version", record_text(world->env->version));
	json_object_set_new(
		doc, "language", json_string(settings->daemon.language == LANG_ZH ? "zh" : "en"));
	json_object_set_new(doc, "now", record_time(now));
	json_object_set_new(doc, "started_at", record_time(world->started_wall_us));
	json_object_set_new(doc, "uptime", seconds(now - world->started_wall_us));
	json_object_set_new(
		doc, "ready", json_boolean(!world->is_draining && sched_round_done(world->sched)));
	json_object_set_new(doc, "checks", count_checks(world->sched));
	json_object_set_new(doc, "incidents", count_incidents(world->triage));
	json_object_set_new(doc, "muted", show_muted(world->triage, world->deliver));
	json_object_set_new(doc, "heartbeat", show_heartbeat(world->heartbeat));
	json_object_set_new(doc, "listening", door_show(call->api));
	json_object_set_new(doc, "public_url", text_or_null(settings->api.public_url));
	json_object_set_new(doc, "token_path", show_token_path(settings));
	json_object_set_new(doc, "config_path", text_or_null(settings->path));
	json_object_set_new(doc, "config_trouble", text_or_null(world->config_trouble));
	json_object_set_new(doc, "store_trouble", text_or_null(world->store_trouble));
	reply_json(call, 200, doc);
}

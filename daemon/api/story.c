/* What has been decided about a check and why: one list out of every room that decides. */
#include <stdio.h>
#include <string.h>

#include "api/handlers.h"
#include "api/past.h"
#include "base/str.h"
#include "deliver/deliver.h"
#include "io/loop.h"
#include "model/record.h"
#include "rules/rules.h"
#include "sched/sched.h"
#include "triage/triage.h"

static void
say(json_t *list, const char *who, const char *what, const char *text)
{
	json_t *one = json_object();

	json_object_set_new(one, "who", json_string(who));
	json_object_set_new(one, "what", json_string(what));
	json_object_set_new(one, "text", record_text(text));
	json_array_append_new(list, one);
}

static bool
has(const json_t *list, const char *what)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i,
		one) if (str_eq(json_string_value(json_object_get(one, "what")), what)) return true;
	return false;
}

/* Takes a room's list in. */
static void
join(json_t *list, const char *who, json_t *more)
{
	json_t *one;
	size_t i;

	json_array_foreach(more, i, one)
	{
		json_object_set_new(one, "who", json_string(who));
		json_array_append(list, one);
	}
	json_decref(more);
}

static void
say_schedule(json_t *list, const struct check_view *view)
{
	char text[600];
	json_t *next;

	snprintf(text, sizeof(text), "%s%s%s", check_state_name(view->state),
		view->last == NULL ? "" : ": ", view->last == NULL ? "" : view->last->text);
	say(list, "check", "state", text);
	if (view->state == CHECK_SUSPECT) {
		snprintf(text, sizeof(text), "failed %u of %lld times in a row that make it down",
			view->failures, (long long)view->spec->common.retries);
		say(list, "check", "suspect", text);
	}
	say(list, "check", view->is_running ? "running" : "next-run",
		view->is_running ? "a run is under way" : "the next run");
	next = json_array_get(list, json_array_size(list) - 1);
	if (!view->is_running && view->next_us > 0)
		json_object_set_new(next, "until", record_time(view->next_us));
}

/* Incidents that are about this check, as the root or as impact. */
static bool
concerns(const struct incident *incident, const char *check)
{
	if (str_eq(incident->check, check))
		return true;
	for (size_t n = 0; n < incident->alert_count; n++)
		if (incident->alerts[n].is_firing && str_eq(incident->alerts[n].check, check))
			return true;
	return false;
}

static void
say_incidents(json_t *list, const struct api_world *world, const char *check)
{
	for (size_t n = 0; n < triage_open_count(world->triage); n++) {
		const struct incident *incident = triage_at(world->triage, n);
		char text[600];

		if (!concerns(incident, check))
			continue;
		snprintf(text, sizeof(text), "%s: %s", incident->id, incident->title);
		say(list, "incident", incident_status_name(incident->status), text);
		join(list, "delivery", deliver_why(world->deliver, incident));
	}
}

void
handle_why(struct api_call *call)
{
	const struct api_world *world = call->world;
	usec_t now_us = loop_now(world->env->loop);
	struct check_view view;
	json_t *list;

	if (!sched_view_name(world->sched, call->name, &view)) {
		reply_problem(call, 404, "no check is called \"%s\"", call->name);
		return;
	}
	list = json_array();
	say_schedule(list, &view);
	join(list, "rules", rules_why(world->rules, call->name, view.last));
	join(list, "triage", triage_why(world->triage, call->name, now_us));
	say_incidents(list, world, call->name);
	if (!has(list, "muted"))
		join(list, "delivery",
			deliver_why_check(world->deliver, call->name, view.spec->type));
	reply_json(call, 200, json_pack("{s:s, s:o}", "check", call->name, "decisions", list));
}

void
handle_rules(struct api_call *call)
{
	struct check_view view;
	json_t *doc;

	if (!past_find_check(call, call->name, &view))
		return;
	doc = json_object();
	json_object_set_new(doc, "check", record_text(call->name));
	json_object_set_new(doc, "rules", rules_stand(call->world->rules, call->name, view.last));
	reply_json(call, 200, doc);
}

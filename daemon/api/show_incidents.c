/* Incidents as JSON: the webhook's form, and for one of them its whole story. */
#include <string.h>

#include "api/handlers.h"
#include "base/secret.h"
#include "base/str.h"
#include "conf/value.h"
#include "deliver/deliver.h"
#include "io/loop.h"
#include "model/record.h"
#include "setup/settings.h"
#include "triage/story.h"
#include "triage/triage.h"

static json_t *
show_timeline(const struct incident_texts *timeline)
{
	json_t *list = json_array();

	for (size_t n = 0; n < timeline->count; n++) {
		const struct incident_text *entry = &timeline->all[n];
		json_t *one = json_object();

		json_object_set_new(one, "at", record_time(entry->at_us));
		json_object_set_new(one, "kind", record_text(entry->name));
		json_object_set_new(one, "text", record_text(entry->text));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *
show_alerts(const struct incident *i)
{
	json_t *list = json_array();

	for (size_t n = 0; n < i->alert_count; n++) {
		const struct incident_alert *alert = &i->alerts[n];
		json_t *one = json_object();

		json_object_set_new(one, "check", record_text(alert->check));
		json_object_set_new(one, "rule", record_text(alert->rule));
		json_object_set_new(one, "severity", json_string(severity_name(alert->severity)));
		json_object_set_new(one, "since", record_time(alert->since_us));
		json_object_set_new(one, "firing", json_boolean(alert->is_firing));
		json_object_set_new(one, "text", record_text(alert->text));
		json_array_append_new(list, one);
	}
	return list;
}

/* "3f9c2a7d41b8.md": the record instead of the object. */
static bool
wants_record(struct api_call *call)
{
	size_t len = strlen(call->name);

	if (!str_ends(call->name, ".md"))
		return false;
	call->name[len - strlen(".md")] = '\0';
	return true;
}

static void
reply_record(struct api_call *call, const struct incident *incident)
{
	const struct settings *settings = call->world->settings;
	struct buf out;

	buf_init(&out, 0);
	story_markdown(incident, (enum language)settings->daemon.language,
		loop_wall(call->world->env->loop), &out);
	if (call->world->env->secrets != NULL)
		secret_mask(call->world->env->secrets, out.data);
	reply_text(call, 200, "text/markdown; charset=utf-8", buf_text(&out));
	buf_fini(&out);
}

#define DELIVERIES_MAX 200

/* What each receiver was told of it last. */
static json_t *
show_deliveries(const struct api_call *call, const struct incident *incident)
{
	json_t *whole = deliver_ledger(call->world->deliver, incident->id, NULL, DELIVERIES_MAX);
	json_t *list = json_incref(json_object_get(whole, "ledger"));
	json_t *one;
	size_t i;

	json_array_foreach(list, i, one) json_object_del(one, "incident");
	json_decref(whole);
	return list;
}

void
handle_incident(struct api_call *call)
{
	bool is_record = wants_record(call);
	const struct incident *incident = triage_find(call->world->triage, call->name);
	json_t *doc;

	if (incident == NULL) {
		reply_problem(call, 404,
			"no incident has the id \"%s\" (at least 4 digits of it, and only one "
			"incident that begins so)",
			call->name);
		return;
	}
	if (is_record) {
		reply_record(call, incident);
		return;
	}
	doc = incident_json(incident, loop_wall(call->world->env->loop));
	json_object_set_new(doc, "alerts", show_alerts(incident));
	json_object_set_new(doc, "timeline", show_timeline(&incident->timeline));
	json_object_set_new(doc, "sequence", json_integer(incident->sequence));
	json_object_set_new(doc, "reopened", json_integer(incident->reopened));
	json_object_set_new(doc, "flapping", json_boolean(incident->is_flapping));
	json_object_set_new(doc, "deliveries", show_deliveries(call, incident));
	json_object_set_new(doc, "decisions", deliver_why(call->world->deliver, incident));
	json_object_set_new(doc, "merged_into",
		incident->merged_into == NULL ? json_null() : record_text(incident->merged_into));
	reply_json(call, 200, doc);
}

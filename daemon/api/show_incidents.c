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

#define LIMIT_DEFAULT 200
#define LIMIT_MAX     1000
#define OFFSET_MAX    1000000

enum wanted { WANT_ALL, WANT_OPEN, WANT_ACKNOWLEDGED, WANT_RESOLVED };

struct filter {
	enum wanted wanted;
	usec_t since_us;        /* wall; 0: any */
	enum severity severity; /* SEVERITY_OK: any */
	char check[128];        /* a glob; "": any */
	size_t offset, limit;
};

/* Is it the root, or was it dragged down? */
static bool
concerns(const struct incident *i, const char *check)
{
	if (i->check != NULL && str_matches_glob(i->check, check))
		return true;
	for (size_t n = 0; n < i->alert_count; n++) {
		if (str_matches_glob(i->alerts[n].check, check))
			return true;
	}
	return false;
}

static bool
fits(const struct filter *filter, const struct incident *i)
{
	static const char wanted_by_status[][4] = {
		[INCIDENT_OPEN] = { [WANT_ALL] = 1, [WANT_OPEN] = 1 },
		/* Somebody has seen it; it is not over. */
		[INCIDENT_ACKNOWLEDGED] = { [WANT_ALL] = 1,
			[WANT_OPEN] = 1,
			[WANT_ACKNOWLEDGED] = 1 },
		[INCIDENT_RESOLVED] = { [WANT_ALL] = 1, [WANT_RESOLVED] = 1 },
	};

	if (!wanted_by_status[i->status][filter->wanted])
		return false;
	if (filter->severity != SEVERITY_OK && i->severity != filter->severity)
		return false;
	if (filter->check[0] != '\0' && !concerns(i, filter->check))
		return false;
	return filter->since_us == 0 || i->resolved_us == 0 || i->resolved_us >= filter->since_us;
}

static int
parse_state(struct api_call *call, struct filter *filter)
{
	static const char *const names[] = {
		[WANT_ALL] = "all",
		[WANT_OPEN] = "open",
		[WANT_ACKNOWLEDGED] = "acknowledged",
		[WANT_RESOLVED] = "resolved",
	};
	char text[32];

	if (!call_query(call, "state", text, sizeof(text)))
		return 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i]) == 0) {
			filter->wanted = (enum wanted)i;
			return 0;
		}
	}
	reply_problem(call, 400, "state: one of open, acknowledged, resolved, all");
	return -1;
}

static int
parse_since(struct api_call *call, struct filter *filter)
{
	char text[64];
	usec_t age;

	if (!call_query(call, "since", text, sizeof(text)))
		return 0;
	if (clock_parse_rfc3339(text, &filter->since_us) == 0)
		return 0;
	if (value_duration(text, &age, NULL) == 0) {
		filter->since_us = loop_wall(call->world->env->loop) - age;
		return 0;
	}
	reply_problem(call, 400,
		"since: a time such as 2026-01-02T03:04:05Z (with %%2B for a +) or an age such as "
		"2h");
	return -1;
}

static int
parse_about(struct api_call *call, struct filter *filter)
{
	char text[32];
	int level;

	if (call_query(call, "check", filter->check, sizeof(filter->check)) &&
		filter->check[0] == '\0') {
		reply_problem(call, 400, "check: a name, or a glob such as db*");
		return -1;
	}
	if (!call_query(call, "severity", text, sizeof(text)))
		return 0;
	level = severity_parse(text);
	filter->severity = (enum severity)level;
	if (level > SEVERITY_OK)
		return 0;
	reply_problem(call, 400, "severity: one of info, warning, critical");
	return -1;
}

static int
parse_number(struct api_call *call, const char *name, size_t min, size_t max, size_t *out)
{
	char text[32];
	int64_t number;

	if (!call_query(call, name, text, sizeof(text)))
		return 0;
	if (value_int(text, &number, NULL) == -1 || number < (int64_t)min ||
		number > (int64_t)max) {
		reply_problem(call, 400, "%s: a number from %zu to %zu", name, min, max);
		return -1;
	}
	*out = (size_t)number;
	return 0;
}

void
handle_incidents(struct api_call *call)
{
	const struct triage *triage = call->world->triage;
	struct filter filter = { .wanted = WANT_ALL, .limit = LIMIT_DEFAULT };
	usec_t now = loop_wall(call->world->env->loop);
	size_t total = 0;
	json_t *doc, *list;

	if (parse_state(call, &filter) == -1 || parse_since(call, &filter) == -1 ||
		parse_about(call, &filter) == -1 ||
		parse_number(call, "limit", 1, LIMIT_MAX, &filter.limit) == -1 ||
		parse_number(call, "offset", 0, OFFSET_MAX, &filter.offset) == -1)
		return;
	doc = json_object();
	list = json_array();
	for (size_t n = 0; n < triage_count(triage); n++) {
		const struct incident *incident = triage_at(triage, n);

		if (!fits(&filter, incident))
			continue;
		if (total >= filter.offset && total - filter.offset < filter.limit)
			json_array_append_new(list, incident_json(incident, now));
		total++;
	}
	json_object_set_new(doc, "total", json_integer((json_int_t)total));
	json_object_set_new(doc, "incidents", list);
	reply_json(call, 200, doc);
}

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
	if (incident->status != INCIDENT_RESOLVED)
		json_object_set_new(doc, "decisions", deliver_why(call->world->deliver, incident));
	json_object_set_new(doc, "merged_into",
		incident->merged_into == NULL ? json_null() : record_text(incident->merged_into));
	reply_json(call, 200, doc);
}

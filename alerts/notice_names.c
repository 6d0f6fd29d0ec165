/* The names of docs and errors stand here once; a test compares them with what is there. */
#include "alerts/notice_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/message.h"
#include "base/mem.h"
#include "model/record.h"

#define TEXT_MAX 8000 /* bytes of the whole message in words */

static const char *const all[] = {
	/* Short ones. */
	"title",
	"summary",
	"severity",
	"check",
	"cause",
	"status",
	"event",
	"host",
	"target",
	"link",
	"id",
	"text",
	"headline",
	"icon",
	"color",
	"firing",
	/* The webhook's body. */
	"version",
	"type",
	"timestamp",
	"reason",
	"sequence",
	"incident",
	"incident.id",
	"incident.status",
	"incident.severity",
	"incident.host",
	"incident.title",
	"incident.summary",
	"incident.check",
	"incident.type",
	"incident.target",
	"incident.rule",
	"incident.cause",
	"incident.cause.code",
	"incident.cause.playbook",
	"incident.cause.title",
	"incident.cause.explanation",
	"incident.cause.confidence",
	"incident.cause.finding",
	"incident.cause.for",
	"incident.cause.for.#",
	"incident.cause.against",
	"incident.cause.against.#",
	"incident.impact",
	"incident.impact.#",
	"incident.impact.#.check",
	"incident.impact.#.rule",
	"incident.impact.#.since",
	"incident.facts",
	"incident.facts.#",
	"incident.facts.#.name",
	"incident.facts.#.text",
	"incident.facts.#.at",
	"incident.remedy",
	"incident.remedy.#",
	"incident.remedy.#.text",
	"incident.remedy.#.command",
	"incident.remedy.#.destructive",
	"incident.values",
	"incident.values.*",
	"incident.labels",
	"incident.labels.*",
	"incident.runbook_url",
	"incident.url",
	"incident.started_at",
	"incident.detected_at",
	"incident.acknowledged_at",
	"incident.resolved_at",
	"incident.duration",
	"incident.merged_into",
	"incident.acknowledged_by",
	"incident.acknowledged_note",
	"incident.acknowledged_until",
	"incident.related",
	"incident.related.#",
	"incident.related.#.id",
	"incident.related.#.text",
	"incident.reopened",
	"incident.flapping",
	"incident.quiet_since",
	"incident.truncated",
};

const struct template_names notice_names = { all, sizeof(all) / sizeof(all[0]) };

/* Names that are others of the incident. */
static const char *const same[][2] = {
	{ "title", "title" },
	{ "summary", "summary" },
	{ "severity", "severity" },
	{ "check", "check" },
	{ "status", "status" },
	{ "host", "host" },
	{ "target", "target" },
	{ "link", "url" },
};

static void
put_words(json_t *data, const struct send_run *run)
{
	static const struct message_form plain = {
		.newline = "\n",
		.paragraph = "\n",
		.max = TEXT_MAX,
		.unit = UNIT_BYTES,
		.has_headline = true,
	};
	struct message *m =
		message_new(send_notice(run), send_daemon_name(run), send_language(run));
	char *text = message_render(m, &plain), color[8];

	snprintf(color, sizeof(color), "#%06x", m->colour & 0xffffff);
	json_object_set_new(data, "text", record_text(text));
	json_object_set_new(data, "headline", record_text(m->headline));
	json_object_set_new(data, "icon", record_text(m->icon));
	json_object_set_new(data, "color", record_text(color));
	free(text);
	message_free(m);
}

static void
put_short_names(json_t *data, const struct notice *notice, const json_t *incident)
{
	const json_t *cause = json_object_get(incident, "cause");
	const char *title = json_string_value(json_object_get(cause, "title"));
	const char *dot = strrchr(notice->type, '.');

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		json_object_set(data, same[i][0], json_object_get(incident, same[i][1]));
	json_object_set(data, "cause",
		json_object_get(cause, title == NULL || title[0] == '\0' ? "code" : "title"));
	json_object_set_new(data, "event", record_text(dot == NULL ? notice->type : dot + 1));
	json_object_set_new(data, "id", record_text(notice->id));
	json_object_set_new(data, "firing", json_boolean(!notice->is_resolved));
}

json_t *
notice_data(const struct send_run *run, size_t max)
{
	const struct notice *notice = send_notice(run);
	char *body = notice_body(notice, max);
	json_t *data = json_loads(body, 0, NULL);
	json_t *incident = json_object_get(json_object_get(data, "data"), "incident");

	free(body);
	if (data == NULL)
		data = json_object();
	if (incident == NULL) /* a digest has many */
		incident = incident_json(&notice->incident, notice->at_us);
	else
		json_incref(incident);
	json_object_set_new(data, "incident", incident);
	json_object_del(data, "data");
	put_short_names(data, notice, incident);
	put_words(data, run);
	return data;
}

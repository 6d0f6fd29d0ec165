/* Shapes of incidents: as the generic webhook has them, and with their whole story. */
#include <stddef.h>

#include "api/shapes.h"

static const char *const statuses[] = { "open", "acknowledged", "resolved", NULL };

static const struct shape_field cause_fields[] = {
	{ "code", SHAPE_TEXT, .doc = "The cause of the failure; empty: none is known." },
	{ "playbook", SHAPE_TEXT, .doc = "The playbook that was followed; empty: none." },
	{ "title", SHAPE_TEXT, .doc = "In a line." },
	{ "explanation", SHAPE_TEXT, .doc = "In some sentences." },
	{ "confidence", SHAPE_TEXT, .doc = "`possible`, `likely` or `certain`; empty: no cause." },
	{ "finding", SHAPE_TEXT, SHAPE_OPTIONAL, .doc = "What the playbook found: `name.cause`." },
	{ "for", SHAPE_TEXT, SHAPE_LIST | SHAPE_OPTIONAL, .doc = "What speaks for it." },
	{ "against", SHAPE_TEXT, SHAPE_LIST | SHAPE_OPTIONAL, .doc = "What speaks against it." },
	{ .name = NULL },
};
static const struct shape incident_cause = {
	.name = "Cause",
	.doc = "Why it is so.",
	.fields = cause_fields,
};

static const struct shape_field impact_fields[] = {
	{ "check", SHAPE_TEXT, .doc = "A check that suffers from it." },
	{ "rule", SHAPE_TEXT, .doc = "The rule that fires there." },
	{ "since", SHAPE_TIME, SHAPE_NULL, .doc = "Since when." },
	{ .name = NULL },
};
static const struct shape impact = {
	.name = "Impact",
	.doc = "What else is wrong because of it.",
	.fields = impact_fields,
};

static const struct shape_field evidence_fields[] = {
	{ "name", SHAPE_TEXT, .doc = "What it is." },
	{ "text", SHAPE_TEXT, .doc = "What was found; ages in it are those of then." },
	{ "at", SHAPE_TIME, SHAPE_NULL, .doc = "When that was." },
	{ .name = NULL },
};
static const struct shape evidence = {
	.name = "Evidence",
	.doc = "What was found about an incident.",
	.fields = evidence_fields,
};

static const struct shape_field step_fields[] = {
	{ "text", SHAPE_TEXT, .doc = "What to do." },
	{ "command", SHAPE_TEXT, SHAPE_OPTIONAL, .doc = "A command that does it." },
	{ "destructive", SHAPE_FLAG, SHAPE_OPTIONAL, .doc = "true: it destroys something." },
	{ .name = NULL },
};
static const struct shape remedy_step = {
	.name = "RemedyStep",
	.doc = "One thing to do.",
	.fields = step_fields,
};

static const struct shape_field related_fields[] = {
	{ "id", SHAPE_TEXT, .doc = "Of the other incident." },
	{ "text", SHAPE_TEXT, .doc = "How they belong together." },
	{ .name = NULL },
};
static const struct shape related = {
	.name = "Related",
	.doc = "Another incident that has to do with it.",
	.fields = related_fields,
};

static const struct shape_field incident_fields[] = {
	{ "id", SHAPE_TEXT, .doc = "Twelve hexadecimal digits." },
	{ "status", SHAPE_TEXT, .doc = "How it stands.", .words = statuses },
	{ "severity", SHAPE_TEXT, .doc = "How bad it is.", .words = shape_levels },
	{ "host", SHAPE_TEXT, .doc = "The host whose daemon says so." },
	{ "title", SHAPE_TEXT, .doc = "In a line." },
	{ "summary", SHAPE_TEXT, .doc = "In some sentences." },
	{ "check", SHAPE_TEXT, .doc = "The check it is about: the root." },
	{ "type", SHAPE_TEXT, .doc = "Of that check." },
	{ "target", SHAPE_TEXT, .doc = "Of that check." },
	{ "rule", SHAPE_TEXT, .doc = "The rule that fired." },
	{ "cause", SHAPE_OBJECT, .doc = "Why.", .of = &incident_cause },
	{ "impact", SHAPE_OBJECT, SHAPE_LIST, .doc = "What suffers.", .of = &impact },
	{ "facts", SHAPE_OBJECT, SHAPE_LIST, .doc = "The evidence.", .of = &evidence },
	{ "remedy", SHAPE_OBJECT, SHAPE_LIST, .doc = "What to do.", .of = &remedy_step },
	{ "values", SHAPE_VALUES, .doc = "What the rule looked at." },
	{ "labels", SHAPE_LABELS, .doc = "Of the check." },
	{ "runbook_url", SHAPE_TEXT, .doc = "As configured; empty: none." },
	{ "url", SHAPE_TEXT, .doc = "Of its page; empty: no `api.public_url`." },
	{ "started_at", SHAPE_TIME, SHAPE_NULL, .doc = "When it began to be wrong." },
	{ "detected_at", SHAPE_TIME, SHAPE_NULL, .doc = "When that was seen." },
	{ "acknowledged_at", SHAPE_TIME, SHAPE_NULL, .doc = "When somebody took it." },
	{ "resolved_at", SHAPE_TIME, SHAPE_NULL, .doc = "When it was over." },
	{ "duration", SHAPE_NUMBER, .doc = "Seconds that it has lasted." },
	{ "merged_into", SHAPE_TEXT, SHAPE_OPTIONAL | SHAPE_NULL,
		.doc = "The incident that it became a part of." },
	{ "acknowledged_by", SHAPE_TEXT, SHAPE_OPTIONAL, .doc = "Who took it." },
	{ "acknowledged_note", SHAPE_TEXT, SHAPE_OPTIONAL, .doc = "What that one said." },
	{ "acknowledged_until", SHAPE_TIME, SHAPE_OPTIONAL, .doc = "Until when that holds." },
	{ "related", SHAPE_OBJECT, SHAPE_LIST | SHAPE_OPTIONAL,
		.doc = "Others that have to do with it.", .of = &related },
	{ "reopened", SHAPE_INTEGER, SHAPE_OPTIONAL, .doc = "How often it came back." },
	{ "flapping", SHAPE_FLAG, SHAPE_OPTIONAL, .doc = "It comes and goes." },
	{ "quiet_since", SHAPE_TIME, SHAPE_OPTIONAL, .doc = "Since when a flapping one is well." },
	{ .name = NULL },
};
const struct shape shape_incident = {
	.name = "Incident",
	.doc = "Something that is or was wrong, in the form that the generic webhook sends.",
	.fields = incident_fields,
};

static const struct shape_field incidents_fields[] = {
	{ "total", SHAPE_INTEGER, .doc = "How many fit, on all pages." },
	{ "incidents", SHAPE_OBJECT, SHAPE_LIST, .doc = "Open ones first, then the newest.",
		.of = &shape_incident },
	{ "next", SHAPE_TEXT, SHAPE_OPTIONAL,
		.doc = "The path of the next page, if there is one." },
	{ .name = NULL },
};
const struct shape shape_incidents = {
	.name = "Incidents",
	.doc = "Incidents that fit, or as many of them as were asked for.",
	.fields = incidents_fields,
};

/* ---- with its story ---- */

static const struct shape_field alert_fields[] = {
	{ "check", SHAPE_TEXT, .doc = "Where." },
	{ "rule", SHAPE_TEXT, .doc = "Which rule." },
	{ "severity", SHAPE_TEXT, .doc = "How bad.", .words = shape_levels },
	{ "since", SHAPE_TIME, SHAPE_NULL, .doc = "Since when." },
	{ "firing", SHAPE_FLAG, .doc = "It still is so." },
	{ "text", SHAPE_TEXT, .doc = "In words." },
	{ .name = NULL },
};
static const struct shape alert = {
	.name = "Alert",
	.doc = "A rule that fired, as part of an incident.",
	.fields = alert_fields,
};

static const struct shape_field moment_fields[] = {
	{ "at", SHAPE_TIME, SHAPE_NULL, .doc = "When." },
	{ "kind", SHAPE_TEXT, .doc = "What happened, in a word." },
	{ "text", SHAPE_TEXT, .doc = "In words." },
	{ .name = NULL },
};
static const struct shape moment = {
	.name = "Moment",
	.doc = "An entry of an incident's timeline.",
	.fields = moment_fields,
};

static const char *const told_states[] = { "open", "ended", NULL };
static const struct shape_field delivery_fields[] = {
	{ "receiver", SHAPE_TEXT, .doc = "Who was told." },
	{ "state", SHAPE_TEXT, .doc = "Whether it was told of the end.", .words = told_states },
	{ "told", SHAPE_TEXT, .doc = "The last event that it was told of." },
	{ "reason", SHAPE_TEXT, .doc = "Why." },
	{ "notice", SHAPE_TEXT, .doc = "Its id, as in the receiver's records." },
	{ "sequence", SHAPE_INTEGER, .doc = "Of the incident's events." },
	{ "first_told_at", SHAPE_TIME, SHAPE_NULL, .doc = "When it was first told." },
	{ "told_at", SHAPE_TIME, SHAPE_NULL, .doc = "When it was last told." },
	{ "waiting", SHAPE_INTEGER, .doc = "Notices that wait." },
	{ .name = NULL },
};
const struct shape shape_delivery = {
	.name = "Delivery",
	.doc = "What a receiver was told of an incident last.",
	.fields = delivery_fields,
};

static const struct shape_field whole_fields[] = {
	{ "alerts", SHAPE_OBJECT, SHAPE_LIST, .doc = "Rules that fired.", .of = &alert },
	{ "timeline", SHAPE_OBJECT, SHAPE_LIST, .doc = "What happened.", .of = &moment },
	{ "deliveries", SHAPE_OBJECT, SHAPE_LIST, .doc = "Who was told.", .of = &shape_delivery },
	{ "decisions", SHAPE_OBJECT, SHAPE_LIST,
		.doc = "What delivery has decided and waits for; of one that is over, what still "
		       "waits.",
		.of = &shape_decision },
	{ "sequence", SHAPE_INTEGER, .doc = "Of its last event." },
	{ .name = NULL },
};
const struct shape shape_incident_whole = {
	.name = "IncidentWhole",
	.doc = "An incident with its alerts, timeline and deliveries.",
	.extends = &shape_incident,
	.fields = whole_fields,
};

static const struct shape_field ack_fields[] = {
	{ "by", SHAPE_TEXT, SHAPE_OPTIONAL, .doc = "Who; up to 100 bytes." },
	{ "note", SHAPE_TEXT, SHAPE_OPTIONAL, .doc = "Up to 1000 bytes." },
	{ "for", SHAPE_DURATION, SHAPE_OPTIONAL, .doc = "How long it holds." },
	{ "until", SHAPE_TIME, SHAPE_OPTIONAL, .doc = "Until when it holds, in place of `for`." },
	{ "sticky", SHAPE_FLAG, SHAPE_OPTIONAL, .doc = "It stays when the severity rises." },
	{ .name = NULL },
};
const struct shape shape_ack = {
	.name = "Acknowledgement",
	.doc = "Somebody is at it.",
	.fields = ack_fields,
};

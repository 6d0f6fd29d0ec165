/* Shapes of the daemon's own answers, and of errors. */
#include "api/shapes.h"

#include <stddef.h>

const char *const shape_severities[] = { "info", "warning", "critical", NULL };
const char *const shape_levels[] = { "ok", "info", "warning", "critical", NULL };

static const struct shape_field problem_fields[] = {
	{ "type", SHAPE_TEXT, .doc = "`about:blank`: the status says which kind it is." },
	{ "title", SHAPE_TEXT, .doc = "The words of the status." },
	{ "status", SHAPE_INTEGER, .doc = "The status of the answer." },
	{ "detail", SHAPE_TEXT, .doc = "What is wrong and, where that helps, what to do." },
	{ .name = NULL },
};
const struct shape shape_problem = {
	.name = "Problem",
	.doc = "An error, as RFC 9457 has it.",
	.fields = problem_fields,
};

static const struct shape_field text_fields[] = {
	{ "name", SHAPE_TEXT, .doc = "What it is." },
	{ "text", SHAPE_TEXT, .doc = "What was found." },
	{ .name = NULL },
};
const struct shape shape_text = {
	.name = "Fact",
	.doc = "A named text: what was measured or read.",
	.fields = text_fields,
};

/* ---- /api/v1/status ---- */

static const struct shape_field check_count_fields[] = {
	{ "total", SHAPE_INTEGER, .doc = "All checks." },
	{ "up", SHAPE_INTEGER, .doc = "Of them up." },
	{ "suspect", SHAPE_INTEGER, .doc = "Failing, not yet `retries` times." },
	{ "down", SHAPE_INTEGER, .doc = "Of them down." },
	{ "starting", SHAPE_INTEGER, .doc = "Failing within `start_period`." },
	{ "unknown", SHAPE_INTEGER, .doc = "We could not tell, or it has not run yet." },
	{ .name = NULL },
};
static const struct shape check_counts = {
	.name = "CheckCounts",
	.doc = "Checks by state.",
	.fields = check_count_fields,
};

static const struct shape_field incident_count_fields[] = {
	{ "open", SHAPE_INTEGER, .doc = "Not resolved, acknowledged ones with them." },
	{ "critical", SHAPE_INTEGER, .doc = "Of them critical." },
	{ "warning", SHAPE_INTEGER, .doc = "Of them warnings." },
	{ "info", SHAPE_INTEGER, .doc = "Of them for information." },
	{ .name = NULL },
};
static const struct shape incident_counts = {
	.name = "IncidentCounts",
	.doc = "Open incidents by severity.",
	.fields = incident_count_fields,
};

static const struct shape_field place_fields[] = {
	{ "target", SHAPE_TEXT, .doc = "Where to: scheme and host, nothing secret." },
	{ "form", SHAPE_TEXT, .doc = "How it is written." },
	{ "last_success_at", SHAPE_TIME, SHAPE_NULL, .doc = "When it last got through." },
	{ "sent", SHAPE_INTEGER, .doc = "Beats that got through." },
	{ "failed", SHAPE_INTEGER, .doc = "Beats that did not." },
	{ "last_error", SHAPE_TEXT, .doc = "Why the last one did not; empty: it did." },
	{ .name = NULL },
};
static const struct shape heartbeat_place = {
	.name = "HeartbeatPlace",
	.doc = "One place that hears our heartbeat.",
	.fields = place_fields,
};

static const struct shape_field heartbeat_fields[] = {
	{ "silent_because", SHAPE_TEXT, SHAPE_NULL,
		.doc = "Why no beat is sent at present: evidence that we work is missing." },
	{ "left_out", SHAPE_INTEGER, .doc = "Beats that were left out for that." },
	{ "places", SHAPE_OBJECT, SHAPE_LIST, .doc = "Where to.", .of = &heartbeat_place },
	{ .name = NULL },
};
static const struct shape heartbeat_out = {
	.name = "Heartbeat",
	.doc = "The heartbeat that we send.",
	.fields = heartbeat_fields,
};

static const struct shape_field muted_fields[] = {
	{ "id", SHAPE_TEXT, .doc = "The incident." },
	{ "until", SHAPE_TIME, .doc = "Until when." },
	{ "why", SHAPE_TEXT, .doc = "Which silence or planned maintenance keeps it quiet." },
	{ .name = NULL },
};
static const struct shape muted_incident = {
	.name = "MutedIncident",
	.doc = "An open incident that nobody is told of.",
	.fields = muted_fields,
};

static const struct shape_field status_fields[] = {
	{ "name", SHAPE_TEXT, SHAPE_NULL, .doc = "This host, as messages name it." },
	{ "version", SHAPE_TEXT, .doc = "Of the program." },
	{ "language", SHAPE_TEXT, .doc = "Of titles, explanations and remedies: en or zh." },
	{ "now", SHAPE_TIME, .doc = "The daemon's clock." },
	{ "started_at", SHAPE_TIME, .doc = "When the daemon started." },
	{ "uptime", SHAPE_NUMBER, .doc = "Seconds since then." },
	{ "ready", SHAPE_FLAG, .doc = "Every check has run once, and the daemon is not stopping." },
	{ "checks", SHAPE_OBJECT, .doc = "Checks by state.", .of = &check_counts },
	{ "incidents", SHAPE_OBJECT, .doc = "What is not resolved.", .of = &incident_counts },
	{ "muted", SHAPE_OBJECT, SHAPE_LIST,
		.doc = "Open incidents that a silence or maintenance keeps quiet.",
		.of = &muted_incident },
	{ "heartbeat", SHAPE_OBJECT, SHAPE_NULL, .doc = "null: none is configured.",
		.of = &heartbeat_out },
	{ "listening", SHAPE_TEXT, SHAPE_LIST, .doc = "Where this API is to be had." },
	{ "public_url", SHAPE_TEXT, SHAPE_NULL, .doc = "What people reach it by." },
	{ "token_path", SHAPE_TEXT, SHAPE_NULL,
		.doc = "The file with the token of writes over TCP; null: the settings have it." },
	{ "config_path", SHAPE_TEXT, SHAPE_NULL, .doc = "The file the settings are from." },
	{ "config_trouble", SHAPE_TEXT, SHAPE_NULL,
		.doc = "Why the last reload failed; null: it did not." },
	{ "store_trouble", SHAPE_TEXT, SHAPE_NULL,
		.doc = "Why nothing can be kept; null: it can." },
	{ .name = NULL },
};
const struct shape shape_status = {
	.name = "Status",
	.doc = "Counts, and how the daemon itself is.",
	.fields = status_fields,
};

/* ---- /readyz, reload, backup ---- */

static const struct shape_field part_fields[] = {
	{ "name", SHAPE_TEXT, .doc = "Which part." },
	{ "ok", SHAPE_FLAG, .doc = "Is it fine?" },
	{ "needed", SHAPE_FLAG, .doc = "Does being ready need it?" },
	{ "detail", SHAPE_TEXT, SHAPE_NULL, .doc = "What is wrong." },
	{ .name = NULL },
};
static const struct shape readiness_part = {
	.name = "ReadinessPart",
	.doc = "One thing that being ready needs, or that is worth knowing.",
	.fields = part_fields,
};

static const struct shape_field readiness_fields[] = {
	{ "ready", SHAPE_FLAG, .doc = "All that is needed is fine." },
	{ "parts", SHAPE_OBJECT, SHAPE_LIST, .doc = "One by one.", .of = &readiness_part },
	{ .name = NULL },
};
const struct shape shape_readiness = {
	.name = "Readiness",
	.doc = "Whether the daemon's answers mean something yet.",
	.fields = readiness_fields,
};

static const struct shape_field reloaded_fields[] = {
	{ "reloaded", SHAPE_FLAG, .doc = "true: the new settings are in force." },
	{ .name = NULL },
};
const struct shape shape_reloaded = {
	.name = "Reloaded",
	.doc = "A reload that went well.",
	.fields = reloaded_fields,
};

static const struct shape_field backup_file_fields[] = {
	{ "name", SHAPE_TEXT, .doc = "Its name in that folder." },
	{ "bytes", SHAPE_NUMBER, .doc = "Its size." },
	{ .name = NULL },
};
static const struct shape backup_file = {
	.name = "BackupFile",
	.doc = "A database, as of one moment.",
	.fields = backup_file_fields,
};

static const struct shape_field backup_fields[] = {
	{ "folder", SHAPE_TEXT, .doc = "Where they are, on the daemon's host." },
	{ "files", SHAPE_OBJECT, SHAPE_LIST, .doc = "What was saved.", .of = &backup_file },
	{ .name = NULL },
};
const struct shape shape_backup = {
	.name = "Backup",
	.doc = "A backup that is whole and on disk.",
	.fields = backup_fields,
};

static const struct shape_field openapi_fields[] = {
	{ "openapi", SHAPE_TEXT, .doc = "The version of OpenAPI." },
	{ "info", SHAPE_ANY, .doc = "What this is." },
	{ "servers", SHAPE_ANY, .doc = "Where it is." },
	{ "security", SHAPE_ANY, .doc = "What reading needs: nothing." },
	{ "paths", SHAPE_ANY, .doc = "The routes." },
	{ "components", SHAPE_ANY, .doc = "The shapes." },
	{ .name = NULL },
};
const struct shape shape_openapi = {
	.name = "OpenApi",
	.doc = "An OpenAPI document.",
	.fields = openapi_fields,
};

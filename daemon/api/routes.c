/*
 * Every route: who may, who answers, and what it takes and gives.  The OpenAPI document and the
 * manual page are made from these rows.
 */
#include "api/handlers.h"
#include "api/past_shape.h"
#include "api/route.h"
#include "api/shapes.h"

#define TEXT "text/plain"

/* ---- what the query may say ---- */

static const struct api_param readyz_params[] = {
	{ "verbose", SHAPE_TEXT, .doc = "With any value or none: the parts, a line each." },
	{ .name = NULL },
};

static const char *const off_words[] = { "off", NULL };
static const struct api_param metrics_params[] = {
	{ "checks", SHAPE_TEXT, .doc = "`off`: without the checks.", .words = off_words },
	{ .name = NULL },
};

static const struct api_param checks_params[] = {
	{ "state", SHAPE_TEXT, .doc = "Those in this state.", .words = shape_states },
	{ "type", SHAPE_TEXT, .doc = "Of this type; a glob." },
	{ "group", SHAPE_TEXT, .doc = "Of this group; a glob." },
	{ "name", SHAPE_TEXT, .doc = "Called so; a glob such as `db*`." },
	{ "label", SHAPE_TEXT, .doc = "With this label: `team=core`; the value is a glob." },
	{ "limit", SHAPE_INTEGER, .doc = "1 to 10000; default: all." },
	{ "after", SHAPE_TEXT, .doc = "The last one of the page before: `next` has it." },
	{ .name = NULL },
};

static const char *const incident_words[] = { "open", "acknowledged", "resolved", "all", NULL };
static const struct api_param incidents_params[] = {
	{ "state", SHAPE_TEXT, .doc = "Default `all`; `open`: whatever is not resolved.",
		.words = incident_words },
	{ "since", SHAPE_TEXT,
		.doc = "A time or an age such as `2h`: not those that ended before." },
	{ "severity", SHAPE_TEXT, .doc = "Of that level.", .words = shape_severities },
	{ "check", SHAPE_TEXT,
		.doc = "A name or a glob such as `db*`: it is the root, or suffers from it." },
	{ "limit", SHAPE_INTEGER, .doc = "1 to 1000; default 200." },
	{ "offset", SHAPE_INTEGER, .doc = "So many are left out at the beginning." },
	{ "after", SHAPE_TEXT, .doc = "The last one of the page before: `next` has it." },
	{ .name = NULL },
};

static const char *const languages[] = { "en", "zh", NULL };
static const struct api_param language_params[] = {
	{ "lang", SHAPE_TEXT, .doc = "Default: `daemon.language`.", .words = languages },
	{ .name = NULL },
};

static const struct api_param receiver_params[] = {
	{ "limit", SHAPE_INTEGER, .doc = "Of the ledger: 1 to 1000; default 100." },
	{ .name = NULL },
};

static const struct api_param rule_params[] = {
	{ "expr", SHAPE_TEXT, true, .doc = "An expression of the rule language." },
	{ "check", SHAPE_TEXT, .doc = "What `this` means." },
	{ .name = NULL },
};

static const struct api_param events_params[] = {
	{ "checks", SHAPE_TEXT, .doc = "Only these, by name, with commas between them." },
	{ .name = NULL },
};

/* ---- answers that do not follow from the rest of a row ---- */

static const struct api_status readyz_others[] = {
	{ 503, "Not yet, or no longer.", true },
	{ 0 },
};
static const struct api_status run_others[] = {
	{ 409, "It is running already.", false },
	{ 0 },
};
static const struct api_status ack_others[] = {
	{ 409, "It is resolved.", false },
	{ 0 },
};
static const struct api_status unack_others[] = {
	{ 409, "Nobody acknowledged it.", false },
	{ 0 },
};
static const struct api_status silence_others[] = {
	{ 409, "There are too many.", false },
	{ 0 },
};
static const struct api_status test_others[] = {
	{ 409, "It is switched off.", false },
	{ 503, "Eight are on their way already.", false },
	{ 504, "It takes longer than 30 seconds; it goes on.", false },
	{ 0 },
};
static const struct api_status rule_others[] = {
	{ 404, "No check is called so.", false },
	{ 422, "It is no expression: `column N: …`.", false },
	{ 504, "It takes longer than 30 seconds.", false },
	{ 0 },
};
static const struct api_status backtest_others[] = {
	{ 404, "No rule in force or no check is called so.", false },
	{ 422, "It is no rule, or about none of the checks; `detail` has every complaint.", false },
	{ 503, "Another one is under way.", false },
	{ 0 },
};
static const struct api_status past_others[] = {
	{ 503, "Too many ask for history already.", false },
	{ 0 },
};
static const struct api_status reload_others[] = {
	{ 422, "The settings are bad; `detail` has every complaint, the old ones go on.", false },
	{ 504, "It takes longer than 30 seconds; it goes on.", false },
	{ 0 },
};
static const struct api_status backup_others[] = {
	{ 409, "Another one is under way.", false },
	{ 503, "It was not made, for example for want of space; the one before is still there.",
		false },
	{ 504, "It takes longer than 30 seconds; it goes on.", false },
	{ 0 },
};

/* ---- the table ---- */

const struct route route_table[] = {
	{
		.method = "GET",
		.path = "/healthz",
		.right = ROUTE_READ,
		.handle = handle_healthz,
		.doc = "200 while the loop turns, whatever else.",
		.answer_type = TEXT,
	},
	{
		.method = "GET",
		.path = "/readyz",
		.right = ROUTE_READ,
		.handle = handle_readyz,
		.doc = "200 when settings are in force and every check has run once; 503 before "
		       "that and while stopping. `Accept: application/json` gives the parts. A "
		       "reload that failed and a store that cannot write are said there; they do "
		       "not make it 503, since the daemon goes on.",
		.params = readyz_params,
		.answer = &shape_readiness,
		.answer_type = TEXT,
		.others = readyz_others,
	},
	{
		.method = "GET",
		.path = "/metrics",
		.right = ROUTE_READ,
		.handle = handle_metrics,
		.doc = "For Prometheus: OpenMetrics 1.0.0 when `Accept` names "
		       "`application/openmetrics-text`, text 0.0.4 else.",
		.params = metrics_params,
		.answer_type = "text/plain",
	},
	{
		.method = "GET",
		.path = "/api/v1/status",
		.right = ROUTE_READ,
		.handle = handle_status,
		.doc = "Counts, and how the daemon itself is.",
		.answer = &shape_status,
	},
	{
		.method = "GET",
		.path = "/api/v1/checks",
		.right = ROUTE_READ,
		.handle = handle_checks,
		.has_tag = true,
		.doc = "Every check with its last run, or those that are asked for.",
		.params = checks_params,
		.answer = &shape_checks,
	},
	{
		.method = "GET",
		.path = "/api/v1/checks/{check}",
		.right = ROUTE_READ,
		.handle = handle_check,
		.has_tag = true,
		.doc = "One check by name, with its last total times.",
		.answer = &shape_check_whole,
	},
	{
		.method = "POST",
		.path = "/api/v1/checks/{check}/run",
		.right = ROUTE_WRITE,
		.handle = handle_run,
		.doc = "Runs one check now.",
		.answer = &shape_run,
		.status = 202,
		.others = run_others,
	},
	{
		.method = "GET",
		.path = "/api/v1/incidents",
		.right = ROUTE_READ,
		.handle = handle_incidents,
		.has_tag = true,
		.doc = "Incidents, open ones first, then the newest.",
		.params = incidents_params,
		.answer = &shape_incidents,
	},
	{
		.method = "GET",
		.path = "/api/v1/incidents/{incident}",
		.right = ROUTE_READ,
		.handle = handle_incident,
		.has_tag = true,
		.doc = "One incident, with its alerts, timeline and what each receiver was told of "
		       "it. With `.md` behind the id as a record to keep, in Markdown: time, "
		       "impact, cause, evidence, what to do, timeline, follow-up.",
		.answer = &shape_incident_whole,
		.answer_type = "text/markdown",
	},
	{
		.method = "POST",
		.path = "/api/v1/incidents/{incident}/ack",
		.right = ROUTE_WRITE,
		.handle = handle_ack,
		.doc = "Somebody is at it: no more reminders. A body is not needed.",
		.body = &shape_ack,
		.answer = &shape_incident,
		.others = ack_others,
	},
	{
		.method = "DELETE",
		.path = "/api/v1/incidents/{incident}/ack",
		.right = ROUTE_WRITE,
		.handle = handle_unack,
		.doc = "Nobody is at it any more.",
		.answer = &shape_incident,
		.others = unack_others,
	},
	{
		.method = "GET",
		.path = "/api/v1/checks/{check}/why",
		.right = ROUTE_READ,
		.handle = handle_why,
		.has_tag = true,
		.doc = "What has been decided about a check, and what it waits for.",
		.answer = &shape_why,
	},
	{
		.method = "GET",
		.path = "/api/v1/checks/{check}/series",
		.right = ROUTE_READ,
		.handle = handle_series,
		.has_tag = true,
		.doc = "What was measured: averages, bounds and numbers of values over steps of "
		       "equal length, from values of the last 2 h, minutes of 48 h and quarters of "
		       "an hour of 90 d.",
		.params = series_params,
		.answer = &shape_series,
		.others = past_others,
	},
	{
		.method = "GET",
		.path = "/api/v1/checks/{check}/uptime",
		.right = ROUTE_READ,
		.handle = handle_uptime,
		.has_tag = true,
		.doc = "For how much of the last 24 h, 7 d, 30 d and 90 d a check was up. What "
		       "nobody knows (triaged did not run, could not tell, or planned work went "
		       "on) "
		       "is neither up nor down.",
		.answer = &shape_uptime,
		.others = past_others,
	},
	{
		.method = "GET",
		.path = "/api/v1/checks/{check}/rules",
		.right = ROUTE_READ,
		.handle = handle_rules,
		.has_tag = true,
		.doc = "The rules of a check: where each one stands, its levels, and the limits in "
		       "them that a plot can show.",
		.answer = &shape_stand,
	},
	{
		.method = "GET",
		.path = "/api/v1/silences",
		.right = ROUTE_READ,
		.handle = handle_silences,
		.has_tag = true,
		.doc = "Silences and planned maintenance.",
		.answer = &shape_silences,
	},
	{
		.method = "POST",
		.path = "/api/v1/silences",
		.right = ROUTE_WRITE,
		.handle = handle_silence,
		.doc = "For a while nobody is told of what fits; an end is required.",
		.body = &shape_silence_ask,
		.answer = &shape_silence_made,
		.status = 201,
		.others = silence_others,
	},
	{
		.method = "DELETE",
		.path = "/api/v1/silences/{silence}",
		.right = ROUTE_WRITE,
		.handle = handle_silence_end,
		.doc = "Ends a silence; what is still open and was kept quiet is told of now.",
		.answer = &shape_ended,
	},
	{
		.method = "GET",
		.path = "/api/v1/playbooks",
		.right = ROUTE_READ,
		.handle = handle_playbooks,
		.has_tag = true,
		.doc = "The playbooks in force, with their symptoms.",
		.params = language_params,
		.answer = &shape_playbooks,
	},
	{
		.method = "GET",
		.path = "/api/v1/playbooks/{word}",
		.right = ROUTE_READ,
		.handle = handle_playbook,
		.has_tag = true,
		.doc = "One playbook by name, with its causes and remedies; or what a cause's "
		       "code, a finding or a rule means.",
		.params = language_params,
		.answer = &shape_explained,
	},
	{
		.method = "GET",
		.path = "/api/v1/receivers",
		.right = ROUTE_READ,
		.handle = handle_receivers,
		.has_tag = true,
		.doc = "Receivers: how each one fares, what waits for it and why.",
		.answer = &shape_receivers,
	},
	{
		.method = "GET",
		.path = "/api/v1/receivers/{receiver}",
		.right = ROUTE_READ,
		.handle = handle_receiver,
		.has_tag = true,
		.doc = "One receiver, with the first 50 notices that wait and what it was told of "
		       "each incident, the latest first.",
		.params = receiver_params,
		.answer = &shape_receiver_whole,
	},
	{
		.method = "POST",
		.path = "/api/v1/receivers/{receiver}/test",
		.right = ROUTE_WRITE,
		.handle = handle_test,
		.doc = "Sends one notice of type `test` now, neither kept nor tried again, and "
		       "says what became of it.",
		.answer = &shape_test,
		.others = test_others,
	},
	{
		.method = "GET",
		.path = "/api/v1/config",
		.right = ROUTE_READ,
		.handle = handle_config,
		.has_tag = true,
		.doc = "The configuration in force as YAML, secrets masked.",
		.answer_type = "text/yaml",
	},
	{
		.method = "GET",
		.path = "/api/v1/doctor",
		.right = ROUTE_READ,
		.handle = handle_doctor,
		.doc = "How the daemon is set up, as far as it alone knows: rights, clock, its own "
		       "numbers.",
		.answer = &shape_doctor,
	},
	{
		.method = "GET",
		.path = "/api/v1/openapi.json",
		.right = ROUTE_READ,
		.handle = handle_openapi,
		.has_tag = true,
		.doc = "This API as an OpenAPI 3.1 document.",
		.answer = &shape_openapi,
	},
	{
		.method = "GET",
		.path = "/api/v1/rule",
		.right = ROUTE_READ,
		.handle = handle_rule,
		.doc = "What an expression of the [rule language](rules.md) is worth now, and "
		       "every value that it looked at.",
		.params = rule_params,
		.answer = &shape_rule_answer,
		.others = rule_others,
	},
	{
		.method = "GET",
		.path = "/api/v1/backtest",
		.right = ROUTE_READ,
		.handle = handle_backtest,
		.doc = "When a rule would have fired: stored samples replayed through a rule in "
		       "force, or through one that is proposed, and held against the incidents of "
		       "that time.",
		.params = backtest_params,
		.answer = &shape_backtest,
		.others = backtest_others,
	},
	{
		.method = "POST",
		.path = "/api/v1/backtest",
		.right = ROUTE_READ,
		.handle = handle_backtest,
		.doc = "The same for the rules in the body: YAML as below `rules:`. Nothing is "
		       "changed by it.",
		.params = backtest_file_params,
		.body_type = "application/yaml",
		.answer = &shape_backtest,
		.others = backtest_others,
	},
	{
		.method = "POST",
		.path = "/api/v1/reload",
		.right = ROUTE_WRITE,
		.handle = handle_reload,
		.doc = "Reads the configuration again.",
		.answer = &shape_reloaded,
		.others = reload_others,
	},
	{
		.method = "POST",
		.path = "/api/v1/backup",
		.right = ROUTE_WRITE,
		.handle = handle_backup,
		.doc = "Copies both databases into the folder `backup` of the state folder, each "
		       "as of "
		       "one moment, and answers when they are on disk. The last one replaces the "
		       "one "
		       "before.",
		.answer = &shape_backup,
		.others = backup_others,
	},
	{
		.method = "GET",
		.path = "/ping/{token}",
		.right = ROUTE_OPEN,
		.handle = handle_ping,
		.doc = "A job's success, for the `heartbeat` check with that token; `POST` "
		       "takes a body of up to 10 KB. The token alone is what it takes, over "
		       "TCP too.",
		.answer_type = TEXT,
	},
	{
		.method = "POST",
		.path = "/ping/{token}",
		.right = ROUTE_OPEN,
		.handle = handle_ping,
		.doc = "The same.",
		.answer_type = TEXT,
		.body_type = TEXT,
	},
	{
		.method = "GET",
		.path = "/ping/{token}/{event}",
		.right = ROUTE_OPEN,
		.handle = handle_ping,
		.doc = "`start`, `fail` or an exit code: the job begins, failed, ended with "
		       "it.",
		.answer_type = TEXT,
	},
	{
		.method = "POST",
		.path = "/ping/{token}/{event}",
		.right = ROUTE_OPEN,
		.handle = handle_ping,
		.doc = "The same.",
		.answer_type = TEXT,
		.body_type = TEXT,
	},
	{
		.method = "GET",
		.path = "/api/v1/events",
		.right = ROUTE_READ,
		.handle = handle_events,
		.doc = "What happens, as server-sent events: `hello`, `checks` (those that ran, at "
		       "most once a second), `incident` at once, and `silences`, `receivers`, "
		       "`config` when they are to be read anew. `Last-Event-ID` goes on where a "
		       "reader left; 16 may listen.",
		.params = events_params,
		.answer_type = "text/event-stream",
	},
	{
		.method = "GET",
		.path = "/",
		.right = ROUTE_READ,
		.handle = handle_page,
		.has_tag = true,
		.doc = "The dashboard, for people.",
		.answer_type = "text/html",
	},
	{
		.method = "GET",
		.path = "/assets/{file}",
		.right = ROUTE_READ,
		.handle = handle_asset,
		.has_tag = true,
		.doc = "What the dashboard is made of.",
		.answer_type = "*/*",
	},
	{ .method = NULL },
};

/*
 * Every route: who may, who answers, and what it takes and gives.  The OpenAPI document and the
 * manual page are made from these rows.
 */
#include "api/handlers.h"
#include "api/route.h"

const struct route route_table[] = {
	{
		.method = "GET",
		.path = "/healthz",
		.right = ROUTE_READ,
		.handle = handle_healthz,
		.doc = "200 while the loop turns, whatever else.",
	},
	{
		.method = "GET",
		.path = "/readyz",
		.right = ROUTE_READ,
		.handle = handle_readyz,
		.doc = "200 when settings are in force and every check has run once; 503 "
		       "before, and while stopping. `?verbose` or `Accept: application/json` "
		       "gives the parts.",
	},
	{
		.method = "GET",
		.path = "/metrics",
		.right = ROUTE_READ,
		.handle = handle_metrics,
		.doc = "For Prometheus: OpenMetrics 1.0.0 or text 0.0.4, by Accept. "
		       "`?checks=off` leaves the checks out.",
	},
	{
		.method = "GET",
		.path = "/api/v1/status",
		.right = ROUTE_READ,
		.handle = handle_status,
		.doc = "Counts, and how the daemon itself is.",
	},
	{
		.method = "GET",
		.path = "/api/v1/checks",
		.right = ROUTE_READ,
		.handle = handle_checks,
		.doc = "Every check with its last run.",
	},
	{
		.method = "GET",
		.path = "/api/v1/checks/{}",
		.right = ROUTE_READ,
		.handle = handle_check,
		.doc = "One check by name, with its last total times.",
	},
	{
		.method = "POST",
		.path = "/api/v1/checks/{}/run",
		.right = ROUTE_WRITE,
		.handle = handle_run,
		.doc = "Runs one check now.",
	},
	{
		.method = "GET",
		.path = "/api/v1/incidents",
		.right = ROUTE_READ,
		.handle = handle_incidents,
		.doc = "Incidents, newest first, open ones before resolved ones. "
		       "`state=open`, `acknowledged`, `resolved` or `all`; `since=` a time "
		       "or an age such as `2h`; `limit=`.",
	},
	{
		.method = "GET",
		.path = "/api/v1/incidents/{}",
		.right = ROUTE_READ,
		.handle = handle_incident,
		.doc = "One incident by its id or the first four or more digits of it, with "
		       "its timeline; with `.md` behind the id as a record to keep, in "
		       "Markdown.",
	},
	{
		.method = "POST",
		.path = "/api/v1/incidents/{}/ack",
		.right = ROUTE_WRITE,
		.handle = handle_ack,
		.doc = "Somebody is at it: no more reminders. `by`, `note`, `for` or "
		       "`until`, `sticky` (it stays when the severity rises).",
	},
	{
		.method = "DELETE",
		.path = "/api/v1/incidents/{}/ack",
		.right = ROUTE_WRITE,
		.handle = handle_unack,
		.doc = "Nobody is at it any more.",
	},
	{
		.method = "GET",
		.path = "/api/v1/checks/{}/why",
		.right = ROUTE_READ,
		.handle = handle_why,
		.doc = "What has been decided about a check, and what it waits for.",
	},
	{
		.method = "GET",
		.path = "/api/v1/silences",
		.right = ROUTE_READ,
		.handle = handle_silences,
		.doc = "Silences and planned maintenance.",
	},
	{
		.method = "POST",
		.path = "/api/v1/silences",
		.right = ROUTE_WRITE,
		.handle = handle_silence,
		.doc = "For a while nobody is told of what fits: `match` (as in routes), "
		       "`for` or `ends_at`, `starts_at`, `by`, `comment`.",
	},
	{
		.method = "DELETE",
		.path = "/api/v1/silences/{}",
		.right = ROUTE_WRITE,
		.handle = handle_silence_end,
		.doc = "Ends a silence.",
	},
	{
		.method = "GET",
		.path = "/api/v1/playbooks",
		.right = ROUTE_READ,
		.handle = handle_playbooks,
		.doc = "The playbooks in force, with their symptoms. `lang=en` or `zh`.",
	},
	{
		.method = "GET",
		.path = "/api/v1/playbooks/{}",
		.right = ROUTE_READ,
		.handle = handle_playbook,
		.doc = "One playbook by name, with its causes and remedies; or what a "
		       "cause's code, a finding or a rule means.",
	},
	{
		.method = "GET",
		.path = "/api/v1/receivers",
		.right = ROUTE_READ,
		.handle = handle_receivers,
		.doc = "Receivers: how each one fares, what waits for it and why.",
	},
	{
		.method = "GET",
		.path = "/api/v1/receivers/{}",
		.right = ROUTE_READ,
		.handle = handle_receiver,
		.doc = "One receiver, with what waits first and what it was told of each "
		       "incident; `limit=` of the latter.",
	},
	{
		.method = "POST",
		.path = "/api/v1/receivers/{}/test",
		.right = ROUTE_WRITE,
		.handle = handle_test,
		.doc = "Sends a test message to one receiver now and says what became of it.",
	},
	{
		.method = "GET",
		.path = "/api/v1/config",
		.right = ROUTE_READ,
		.handle = handle_config,
		.doc = "The configuration in force as YAML, secrets masked.",
	},
	{
		.method = "GET",
		.path = "/api/v1/rule",
		.right = ROUTE_READ,
		.handle = handle_rule,
		.doc = "What `expr=`, an expression of the rule language, is worth now, and "
		       "every value that it looked at; `check=` is what `this` means. 422 "
		       "with the column when it is no expression.",
	},
	{
		.method = "POST",
		.path = "/api/v1/reload",
		.right = ROUTE_WRITE,
		.handle = handle_reload,
		.doc = "Reads the configuration again; 422 with every complaint when it is "
		       "bad.",
	},
	{
		.method = "GET",
		.path = "/ping/{}",
		.right = ROUTE_OPEN,
		.handle = handle_ping,
		.doc = "A job's success, for the `heartbeat` check with that token; `POST` "
		       "takes a body of up to 10 KB. The token alone is what it takes, over "
		       "TCP too.",
	},
	{
		.method = "POST",
		.path = "/ping/{}",
		.right = ROUTE_OPEN,
		.handle = handle_ping,
		.doc = "The same.",
	},
	{
		.method = "GET",
		.path = "/ping/{}/{}",
		.right = ROUTE_OPEN,
		.handle = handle_ping,
		.doc = "`start`, `fail` or an exit code: the job begins, failed, ended with "
		       "it.",
	},
	{
		.method = "POST",
		.path = "/ping/{}/{}",
		.right = ROUTE_OPEN,
		.handle = handle_ping,
		.doc = "The same.",
	},
	{
		.method = "GET",
		.path = "/",
		.right = ROUTE_READ,
		.handle = handle_page,
		.doc = "The dashboard, for people.",
		.answer_type = "text/html",
	},
	{
		.method = "GET",
		.path = "/assets/{}",
		.right = ROUTE_READ,
		.handle = handle_asset,
		.doc = "What the dashboard is made of.",
		.answer_type = "application/octet-stream",
	},
	{ .method = NULL },
};

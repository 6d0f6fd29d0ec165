/*
 * The table of routes.  A target is matched segment by segment as it was sent, so an encoded slash
 * inside a name stays in it; only the captured segment is decoded.
 */
#include "api/route.h"

#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "base/mem.h"
#include "base/str.h"
#include "setup/settings.h"

const struct route route_table[] = {
	{ "GET", "/healthz", ROUTE_READ, handle_healthz,
		"200 while the loop turns, whatever else." },
	{ "GET", "/readyz", ROUTE_READ, handle_readyz,
		"200 when settings are in force and every check has run once; 503 before, and "
		"while "
		"stopping. `?verbose` or `Accept: application/json` gives the parts." },
	{ "GET", "/metrics", ROUTE_READ, handle_metrics,
		"For Prometheus: OpenMetrics 1.0.0 or text 0.0.4, by Accept. `?checks=off` leaves "
		"the "
		"checks out." },
	{ "GET", "/api/v1/status", ROUTE_READ, handle_status,
		"Counts, and how the daemon itself is." },
	{ "GET", "/api/v1/checks", ROUTE_READ, handle_checks, "Every check with its last run." },
	{ "GET", "/api/v1/checks/{}", ROUTE_READ, handle_check,
		"One check by name, with its last total times." },
	{ "POST", "/api/v1/checks/{}/run", ROUTE_WRITE, handle_run, "Runs one check now." },
	{ "GET", "/api/v1/incidents", ROUTE_READ, handle_incidents,
		"Incidents, newest first, open ones before resolved ones. `state=open`, "
		"`acknowledged`, `resolved` or `all`; `since=` a time or an age such as `2h`; "
		"`limit=`." },
	{ "GET", "/api/v1/incidents/{}", ROUTE_READ, handle_incident,
		"One incident by its id or the first four or more digits of it, with its "
		"timeline; with `.md` behind the id as a record to keep, in Markdown." },
	{ "POST", "/api/v1/incidents/{}/ack", ROUTE_WRITE, handle_ack,
		"Somebody is at it: no more reminders. `by`, `note`, `for` or `until`, `sticky` "
		"(it "
		"stays when the severity rises)." },
	{ "DELETE", "/api/v1/incidents/{}/ack", ROUTE_WRITE, handle_unack,
		"Nobody is at it any more." },
	{ "GET", "/api/v1/checks/{}/why", ROUTE_READ, handle_why,
		"What has been decided about a check, and what it waits for." },
	{ "GET", "/api/v1/silences", ROUTE_READ, handle_silences,
		"Silences and planned maintenance." },
	{ "POST", "/api/v1/silences", ROUTE_WRITE, handle_silence,
		"For a while nobody is told of what fits: `match` (as in routes), `for` or "
		"`ends_at`, `starts_at`, `by`, `comment`." },
	{ "DELETE", "/api/v1/silences/{}", ROUTE_WRITE, handle_silence_end, "Ends a silence." },
	{ "GET", "/api/v1/playbooks", ROUTE_READ, handle_playbooks,
		"The playbooks in force, with their symptoms. `lang=en` or `zh`." },
	{ "GET", "/api/v1/playbooks/{}", ROUTE_READ, handle_playbook,
		"One playbook by name, with its causes and remedies; or what a cause's code, a "
		"finding "
		"or a rule means." },
	{ "GET", "/api/v1/receivers", ROUTE_READ, handle_receivers,
		"Receivers: how each one fares, what waits for it and why." },
	{ "GET", "/api/v1/receivers/{}", ROUTE_READ, handle_receiver,
		"One receiver, with what waits first and what it was told of each incident; "
		"`limit=` of the latter." },
	{ "POST", "/api/v1/receivers/{}/test", ROUTE_WRITE, handle_test,
		"Sends a test message to one receiver now and says what became of it." },
	{ "GET", "/api/v1/config", ROUTE_READ, handle_config,
		"The configuration in force as YAML, secrets masked." },
	{ "GET", "/api/v1/rule", ROUTE_READ, handle_rule,
		"What `expr=`, an expression of the rule language, is worth now, and every value "
		"that it looked at; `check=` is what `this` means. 422 with the column when it is "
		"no expression." },
	{ "POST", "/api/v1/reload", ROUTE_WRITE, handle_reload,
		"Reads the configuration again; 422 with every complaint when it is bad." },
	{ "GET", "/ping/{}", ROUTE_OPEN, handle_ping,
		"A job's success, for the `heartbeat` check with that token; `POST` takes a body "
		"of "
		"up to 10 KB. The token alone is what it takes, over TCP too." },
	{ "POST", "/ping/{}", ROUTE_OPEN, handle_ping, "The same." },
	{ "GET", "/ping/{}/{}", ROUTE_OPEN, handle_ping,
		"`start`, `fail` or an exit code: the job begins, failed, ended with it." },
	{ "POST", "/ping/{}/{}", ROUTE_OPEN, handle_ping, "The same." },
	{ .method = NULL },
};

#define PARTS_MAX 2

/* What the {} of a pattern stand for, in a path as it was sent. */
struct parts {
	const char *at[PARTS_MAX];
	size_t len[PARTS_MAX];
	size_t count;
};

static bool
fits(const char *pattern, const char *path, struct parts *parts)
{
	parts->count = 0;
	while (*pattern != '\0') {
		if (str_starts(pattern, "{}")) {
			size_t len = strcspn(path, "/");

			if (len == 0)
				return false;
			parts->at[parts->count] = path;
			parts->len[parts->count++] = len;
			path += len;
			pattern += strlen("{}");
		} else if (*pattern++ != *path++) {
			return false;
		}
	}
	return *path == '\0';
}

static bool
method_fits(const char *of_route, const char *method)
{
	return strcmp(of_route, method) == 0 ||
	       (strcmp(of_route, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

/* NULL: none; `allow` says which methods the path takes, "" for no such path. */
static const struct route *
find_route(struct api_call *call, char *allow, size_t size)
{
	struct parts parts;

	for (const struct route *route = route_table; route->method != NULL; route++) {
		if (!fits(route->path, call->path, &parts))
			continue;
		if (method_fits(route->method, call->request->method)) {
			if (parts.count > 0)
				call->name = xstrndup(parts.at[0], parts.len[0]);
			if (parts.count > 1)
				call->tail = xstrndup(parts.at[1], parts.len[1]);
			return route;
		}
		if (*allow != '\0')
			strncat(allow, ", ", size - strlen(allow) - 1);
		strncat(allow, strcmp(route->method, "GET") == 0 ? "GET, HEAD" : route->method,
			size - strlen(allow) - 1);
	}
	return NULL;
}

static void
refuse_path(struct api_call *call, const char *allow)
{
	if (*allow == '\0') {
		reply_problem(call, 404, "there is nothing at this path");
		return;
	}
	reply_problem(call, 405, "this path takes %s", allow);
	str_copy(call->reply.allow, sizeof(call->reply.allow), allow);
}

static bool
has_one_host(const struct http1 *request)
{
	unsigned hosts = 0;

	for (unsigned i = 0; i < request->header_count; i++)
		hosts += strcasecmp(request->headers[i].name, "Host") == 0;
	return hosts == 1 || (hosts == 0 && request->minor == 0);
}

static struct peer_names
names_of(const struct api_call *call)
{
	const struct settings *settings = call->world->settings;

	return (struct peer_names){
		.local = &call->peer->local,
		.listen_host = call->peer->listen_host,
		.public_url = settings == NULL ? NULL : settings->api.public_url,
	};
}

/* Browsers always send Host: without one (HTTP/1.0) nobody was tricked. */
static bool
host_is_fine(struct api_call *call)
{
	const struct peer_names names = names_of(call);
	const char *host = http1_header(call->request, "Host");

	if (!has_one_host(call->request)) {
		reply_problem(call, 400, "exactly one Host header is needed");
		return false;
	}
	if (call->peer->is_unix || host == NULL || peer_host_fits(&names, host))
		return true;
	reply_problem(call, 421,
		"this host name is not mine: ask for the address in api.listen, or put the name "
		"into api.public_url");
	return false;
}

static bool
may_write(struct api_call *call)
{
	const struct peer_names names = names_of(call);

	if (call->peer->is_unix) {
		if (!call->peer->may_write)
			reply_problem(call, 403,
				"only root, the daemon's user and members of the group %s may do "
				"this",
				PEER_GROUP);
		return call->peer->may_write;
	}
	if (!peer_origin_fits(&names, http1_header(call->request, "Origin"))) {
		reply_problem(call, 403, "this request comes from a page of another site");
		return false;
	}
	if (peer_token_fits(http1_header(call->request, "Authorization"), call->token))
		return true;
	reply_problem(call, 401,
		"writing over TCP needs `Authorization: Bearer TOKEN`, the token of api.token or "
		"of the file `token` in the state folder");
	call->reply.wants_token = true;
	return false;
}

static bool
is_decodable(char *part)
{
	return part == NULL || percent_decode(part) == 0;
}

void
route_call(struct api_call *call)
{
	char allow[sizeof(call->reply.allow)] = "";
	const struct route *route = find_route(call, allow, sizeof(allow));
	bool is_open = route != NULL && route->right == ROUTE_OPEN;

	if (!is_open && !host_is_fine(call))
		return;
	if (route == NULL) {
		refuse_path(call, allow);
		return;
	}
	if (!is_decodable(call->name) || !is_decodable(call->tail)) {
		reply_problem(call, 400, "the path has a broken %%-escape");
		return;
	}
	if (route->right == ROUTE_WRITE && !may_write(call))
		return;
	route->handle(call);
}

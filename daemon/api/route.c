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
	{ "GET", "/healthz", false, handle_healthz, "200 while the loop turns, whatever else." },
	{ "GET", "/readyz", false, handle_readyz,
		"200 when settings are in force and every check has run once; 503 before, and "
		"while "
		"stopping. `?verbose` or `Accept: application/json` gives the parts." },
	{ "GET", "/metrics", false, handle_metrics,
		"For Prometheus: OpenMetrics 1.0.0 or text 0.0.4, by Accept. `?checks=off` leaves "
		"the "
		"checks out." },
	{ "GET", "/api/v1/status", false, handle_status, "Counts, and how the daemon itself is." },
	{ "GET", "/api/v1/checks", false, handle_checks, "Every check with its last run." },
	{ "GET", "/api/v1/checks/{}", false, handle_check,
		"One check by name, with its last total times." },
	{ "POST", "/api/v1/checks/{}/run", true, handle_run, "Runs one check now." },
	{ "GET", "/api/v1/incidents", false, handle_incidents,
		"Incidents, newest first, open ones before resolved ones. `state=open`, "
		"`acknowledged`, `resolved` or `all`; `since=` a time or an age such as `2h`; "
		"`limit=`." },
	{ "GET", "/api/v1/incidents/{}", false, handle_incident,
		"One incident by its id or the first four or more digits of it, with its "
		"timeline." },
	{ "GET", "/api/v1/receivers", false, handle_receivers,
		"Receivers and what they were told." },
	{ "POST", "/api/v1/receivers/{}/test", true, handle_test,
		"Sends a test message to one receiver now and says what became of it." },
	{ "GET", "/api/v1/config", false, handle_config,
		"The configuration in force as YAML, secrets masked." },
	{ "POST", "/api/v1/reload", true, handle_reload,
		"Reads the configuration again; 422 with every complaint when it is bad." },
	{ .method = NULL },
};

/* *name is the place of {} inside `path`, *len its length. */
static bool
fits(const char *pattern, const char *path, const char **name, size_t *len)
{
	while (*pattern != '\0') {
		if (str_starts(pattern, "{}")) {
			*name = path;
			*len = strcspn(path, "/");
			if (*len == 0)
				return false;
			path += *len;
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

/* NULL: reply says 404, or 405 with what is allowed. */
static const struct route *
find_route(struct api_call *call)
{
	const char *name = NULL;
	size_t len = 0;
	char allow[sizeof(call->reply.allow)] = "";

	for (const struct route *route = route_table; route->method != NULL; route++) {
		name = NULL;
		if (!fits(route->path, call->path, &name, &len))
			continue;
		if (method_fits(route->method, call->request->method)) {
			if (name != NULL)
				call->name = xstrndup(name, len);
			return route;
		}
		if (*allow != '\0')
			strncat(allow, ", ", sizeof(allow) - strlen(allow) - 1);
		strncat(allow, strcmp(route->method, "GET") == 0 ? "GET, HEAD" : route->method,
			sizeof(allow) - strlen(allow) - 1);
	}
	if (*allow == '\0') {
		reply_problem(call, 404, "there is nothing at this path");
		return NULL;
	}
	reply_problem(call, 405, "this path takes %s", allow);
	str_copy(call->reply.allow, sizeof(call->reply.allow), allow);
	return NULL;
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

void
route_call(struct api_call *call)
{
	const struct route *route;

	if (!host_is_fine(call))
		return;
	route = find_route(call);
	if (route == NULL)
		return;
	if (call->name != NULL && percent_decode(call->name) == -1) {
		reply_problem(call, 400, "the path has a broken %%-escape");
		return;
	}
	if (route->needs_write && !may_write(call))
		return;
	route->handle(call);
}

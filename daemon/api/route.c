/*
 * Finds the route of a request.  A target is matched segment by segment as it was sent, so an
 * encoded slash inside a name stays in it; only the captured segment is decoded.
 */
#include "api/route.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/guard.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/loop.h"
#include "setup/settings.h"

#define PARTS_MAX 2

/* What the {check} of a pattern stand for, in a path as it was sent. */
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
		if (*pattern == '{') {
			size_t len = strcspn(path, "/");

			if (len == 0)
				return false;
			parts->at[parts->count] = path;
			parts->len[parts->count++] = len;
			path += len;
			pattern += strcspn(pattern, "}") + 1;
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

static bool
is_browser(const struct api_call *call)
{
	return http1_header(call->request, "Origin") != NULL ||
	       http1_header(call->request, "Sec-Fetch-Site") != NULL;
}

/* Browsers always send Host: without one (HTTP/1.0) nobody was tricked.  A unix socket has no name,
 * but somebody may have forwarded it to a port that a browser's pages reach. */
static bool
host_is_fine(struct api_call *call)
{
	const struct peer_names names = names_of(call);
	const char *host = http1_header(call->request, "Host");

	if (!has_one_host(call->request)) {
		reply_problem(call, 400, "exactly one Host header is needed");
		return false;
	}
	if ((call->peer->is_unix && !is_browser(call)) || host == NULL ||
		peer_host_fits(&names, host))
		return true;
	reply_problem(call, 421,
		"this host name is not mine: ask for the address in api.listen, or put the name "
		"into api.public_url");
	return false;
}

/* Of a browser that says so: does another site's page ask? */
static bool
is_cross_site(const struct api_call *call)
{
	const struct peer_names names = names_of(call);
	const char *site = http1_header(call->request, "Sec-Fetch-Site");

	if (!peer_origin_fits(&names, http1_header(call->request, "Origin")))
		return true;
	return site != NULL && !str_eq(site, "same-origin") && !str_eq(site, "none");
}

static bool
may_write_on_unix(struct api_call *call)
{
	if (!call->peer->may_write)
		reply_problem(call, 403,
			"only root, the daemon's user and members of the group %s may do this",
			PEER_GROUP);
	return call->peer->may_write;
}

static bool
has_token(struct api_call *call)
{
	const char *given = http1_header(call->request, "Authorization");
	usec_t now_us = loop_now(call->world->env->loop);
	unsigned wait_s = guard_wait_s(call->guard, &call->peer->remote, now_us);

	if (wait_s > 0) {
		reply_problem(call, 429, "too many wrong tokens came from this address");
		call->reply.retry_after_s = wait_s;
		return false;
	}
	if (peer_token_fits(given, call->token)) {
		guard_note_right(call->guard, &call->peer->remote);
		return true;
	}
	if (given != NULL)
		guard_note_wrong(call->guard, &call->peer->remote, now_us);
	reply_problem(call, 401,
		given != NULL
			? "this is not the token: it is the one of api.token, or of the file "
			  "`token` in the state folder"
			: "writing over TCP needs `Authorization: Bearer TOKEN`, the token of "
			  "api.token or of the file `token` in the state folder");
	call->reply.wants_token = true;
	return false;
}

static bool
may_write(struct api_call *call)
{
	if (is_cross_site(call)) {
		reply_problem(call, 403, "this request comes from a page of another site");
		return false;
	}
	return call->peer->is_unix ? may_write_on_unix(call) : has_token(call);
}

static bool
is_type(const char *given, const char *wanted)
{
	size_t len = given == NULL ? 0 : strcspn(given, "; \t");

	return len == strlen(wanted) && strncasecmp(given, wanted, len) == 0;
}

/* What a page of another site can send without asking first is of none of these types. */
static bool
is_body_fine(struct api_call *call, const struct route *route)
{
	const char *encoding = http1_header(call->request, "Content-Encoding");
	const char *type = http1_header(call->request, "Content-Type");

	if (buf_left(&call->request->body) == 0)
		return true;
	if (encoding != NULL && strcasecmp(encoding, "identity") != 0) {
		reply_problem(call, 415, "a body is taken as it is, not packed");
		return false;
	}
	if ((route->body == NULL && route->body_type == NULL) || route->right == ROUTE_OPEN ||
		is_type(type, "application/json") ||
		(route->body_type != NULL && is_type(type, route->body_type)))
		return true;
	reply_problem(call, 415, "the body must say what it is: `Content-Type: %s`",
		route->body_type == NULL ? "application/json" : route->body_type);
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
	if (!is_body_fine(call, route))
		return;
	call->route = route;
	route->handle(call);
}

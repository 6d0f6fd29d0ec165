/* The OpenAPI document: paths, parameters, bodies, answers, each from its row. */
#include "api/openapi.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "api/handlers.h"
#include "api/openapi_schema.h"
#include "api/server.h"
#include "api/shapes.h"
#include "base/str.h"
#include "io/http1.h"

#define API_BASE "/api/v1"
#define JSON     "application/json"
#define PROBLEM  "application/problem+json"

static const char intro[] =
	"What triaged knows, and what it can be told to do. Reading needs nothing but a `Host` "
	"that "
	"is a name of this daemon; writing needs the token over TCP, and on a unix socket to be "
	"root, the daemon's user or a member of the group `triaged`. GET answers HEAD too. Every "
	"error is a Problem. Numbers are in base units (seconds, bytes, percent 0 to 100); times "
	"are RFC 3339 in UTC; what is not known is absent or null, never 0. Readers must take "
	"fields that they do not know: there will be more of them.";

/* What the "{…}" of paths stand for. */
static const struct {
	const char *word, *doc;
} path_words[] = {
	{ "check", "A check's name, percent-encoded: `disks%5B%2Fvar%5D`." },
	{ "incident", "An incident's id, or the first four or more digits of it." },
	{ "receiver", "A receiver's name." },
	{ "silence", "A silence's id." },
	{ "word", "A playbook's name, a finding, a cause's code or a rule's name." },
	{ "token", "The token of a `heartbeat` check." },
	{ "event", "`start`, `fail`, or an exit code from 0 to 255." },
	{ "file", "A file's name." },
};

const char *
openapi_path_word(const char *word, size_t len)
{
	for (size_t i = 0; i < sizeof(path_words) / sizeof(path_words[0]); i++)
		if (strlen(path_words[i].word) == len &&
			strncmp(path_words[i].word, word, len) == 0)
			return path_words[i].doc;
	return "";
}

/* ---- names ---- */

static const char *
own_path(const struct route *route)
{
	return str_starts(route->path, API_BASE "/") ? route->path + strlen(API_BASE) : route->path;
}

/* "GET /api/v1/checks/{check}/why" -> "getChecksCheckWhy" */
static json_t *
operation_id(const struct route *route)
{
	bool is_first = true;
	char out[128];
	size_t len = 0;

	for (const char *c = route->method; *c != '\0' && len < 10; c++)
		out[len++] = (char)tolower((unsigned char)*c);
	for (const char *c = own_path(route); *c != '\0' && len < sizeof(out) - 1; c++) {
		if (!isalnum((unsigned char)*c)) {
			is_first = true;
			continue;
		}
		out[len++] = is_first ? (char)toupper((unsigned char)*c) : *c;
		is_first = false;
	}
	out[len] = '\0';
	return json_string(out);
}

/* "/checks/{check}" -> "checks" */
static json_t *
tag_of(const struct route *route)
{
	const char *path = own_path(route) + 1;
	size_t len = strcspn(path, "/.");

	return len == 0 ? json_string("dashboard") : json_stringn(path, len);
}

/* The first sentence, without its stop. */
static json_t *
summary_of(const char *doc)
{
	const char *end = strstr(doc, ". ");

	if (end == NULL && str_ends(doc, "."))
		end = doc + strlen(doc) - 1;
	return end == NULL ? json_string(doc) : json_stringn(doc, (size_t)(end - doc));
}

/* ---- what is asked ---- */

static void
add_path_params(json_t *list, const struct route *route)
{
	for (const char *open = strchr(route->path, '{'); open != NULL;
		open = strchr(open + 1, '{')) {
		size_t len = strcspn(open + 1, "}");

		json_array_append_new(list,
			json_pack("{s:s%, s:s, s:b, s:s, s:{s:s}}", "name", open + 1, len, "in",
				"path", "required", 1, "description",
				openapi_path_word(open + 1, len), "schema", "type", "string"));
	}
}

static void
add_query_params(json_t *list, const struct api_param *params)
{
	for (const struct api_param *param = params; param != NULL && param->name != NULL;
		param++) {
		json_t *schema = openapi_kind(param->kind);

		if (param->words != NULL)
			openapi_words(schema, param->words);
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:b, s:s, s:o}", "name", param->name, "in",
				      "query", "required", param->is_required, "description",
				      param->doc, "schema", schema));
	}
}

static json_t *
content(const char *type, json_t *schema)
{
	return json_pack("{s:{s:o}}", type, "schema", schema);
}

static json_t *
request_body(const struct route *route, json_t *schemas)
{
	if (route->body != NULL)
		return json_pack("{s:b, s:o}", "required", openapi_is_required(route->body),
			"content", content(JSON, openapi_ref(schemas, route->body)));
	if (route->body_type != NULL)
		return json_pack("{s:b, s:o}", "required", 0, "content",
			content(route->body_type, openapi_kind(SHAPE_TEXT)));
	return NULL;
}

/* ---- what is answered ---- */

static json_t *
good_content(const struct route *route, json_t *schemas)
{
	json_t *all = json_object();

	if (route->answer != NULL)
		json_object_update_new(all, content(JSON, openapi_ref(schemas, route->answer)));
	if (route->answer_type != NULL)
		json_object_update_new(all, content(route->answer_type, openapi_kind(SHAPE_TEXT)));
	return all;
}

static void
put_status(json_t *responses, unsigned status, const char *doc, json_t *what)
{
	char key[16];

	snprintf(key, sizeof(key), "%u", status);
	json_object_set_new(responses, key, json_pack("{s:s}", "description", doc));
	if (what != NULL)
		json_object_set_new(json_object_get(responses, key), "content", what);
}

/* A problem with words of its own. */
static void
put_problem(json_t *responses, unsigned status, const char *doc, json_t *schemas)
{
	put_status(responses, status, doc, content(PROBLEM, openapi_ref(schemas, &shape_problem)));
}

/* Refusals that many routes share, each once under components. */
static const struct refusal {
	unsigned status;
	const char *name, *doc;
} refusals[] = {
	{ 400, "Broken", "The request is broken; `detail` says where." },
	{ 401, "NoToken", "The token is missing or wrong." },
	{ 403, "NotAllowed", "Not for this user, or from a page of another site." },
	{ 404, "NotFound", "There is no such thing." },
	{ 413, "TooLarge", "The body is larger than 64 kB; a ping's, than 10 KB." },
	{ 415, "NotJson", "The body does not say that it is of the type below, or is packed." },
	{ 421, "NotMine", "The `Host` is no name of this daemon." },
	{ 429, "TooMany", "Too many wrong tokens; `Retry-After` says how long to wait." },
	{ 503, "Busy", "Too busy; `Retry-After` says how long to wait." },
};
#define REFUSALS (sizeof(refusals) / sizeof(refusals[0]))

/* What follows from who may, and from what is taken. */
static bool
may_refuse(const struct route *route, unsigned status)
{
	switch (status) {
	case 401:
	case 403:
	case 429:
		return route->right == ROUTE_WRITE;
	case 404:
		return strchr(route->path, '{') != NULL;
	case 413:
		return strcmp(route->method, "GET") != 0;
	case 415:
		return route->body != NULL ||
		       (route->body_type != NULL && route->right != ROUTE_OPEN);
	case 421:
		return route->right != ROUTE_OPEN;
	default:
		return true;
	}
}

static void
put_refusals(json_t *responses, const struct route *route)
{
	for (size_t i = 0; i < REFUSALS; i++) {
		char key[16];

		if (!may_refuse(route, refusals[i].status))
			continue;
		snprintf(key, sizeof(key), "%u", refusals[i].status);
		json_object_set_new(responses, key,
			json_pack("{s:o}", "$ref",
				json_sprintf("#/components/responses/%s", refusals[i].name)));
	}
}

static json_t *
shared_responses(json_t *schemas)
{
	json_t *all = json_object();

	for (size_t i = 0; i < REFUSALS; i++)
		json_object_set_new(all, refusals[i].name,
			json_pack("{s:s, s:o}", "description", refusals[i].doc, "content",
				content(PROBLEM, openapi_ref(schemas, &shape_problem))));
	return all;
}

static json_t *
responses_of(const struct route *route, json_t *schemas)
{
	json_t *responses = json_object();
	unsigned good = route->status == 0 ? 200 : route->status;

	put_refusals(responses, route);
	put_status(responses, good, http1_reason((int)good), good_content(route, schemas));
	if (route->has_tag)
		put_status(responses, 304, "It is what `If-None-Match` says.", NULL);
	for (const struct api_status *other = route->others; other != NULL && other->status != 0;
		other++) {
		if (other->is_answer)
			put_status(responses, (unsigned)other->status, other->doc,
				good_content(route, schemas));
		else
			put_problem(responses, (unsigned)other->status, other->doc, schemas);
	}
	return responses;
}

/* ---- the whole ---- */

static json_t *
operation(const struct route *route, json_t *schemas)
{
	json_t *doc = json_object(), *params = json_array(), *body = request_body(route, schemas);

	json_object_set_new(doc, "operationId", operation_id(route));
	json_object_set_new(doc, "tags", json_pack("[o]", tag_of(route)));
	json_object_set_new(doc, "summary", summary_of(route->doc));
	json_object_set_new(doc, "description", json_string(route->doc));
	add_path_params(params, route);
	add_query_params(params, route->params);
	json_object_set_new(doc, "parameters", params);
	if (body != NULL)
		json_object_set_new(doc, "requestBody", body);
	json_object_set_new(doc, "responses", responses_of(route, schemas));
	if (route->right == ROUTE_WRITE)
		json_object_set_new(doc, "security", json_pack("[{s:[]}]", "token"));
	return doc;
}

static void
add_route(json_t *paths, const struct route *route, json_t *schemas)
{
	json_t *path = json_object_get(paths, route->path);
	char method[16];
	size_t i;

	str_copy(method, sizeof(method), route->method);
	for (i = 0; method[i] != '\0'; i++)
		method[i] = (char)tolower((unsigned char)method[i]);
	if (path == NULL) {
		path = json_object();
		json_object_set_new(paths, route->path, path);
	}
	json_object_set_new(path, method, operation(route, schemas));
}

static json_t *
components(json_t *schemas)
{
	json_t *responses = shared_responses(schemas);

	return json_pack("{s:o, s:o, s:{s:{s:s, s:s, s:s}}}", "schemas", schemas, "responses",
		responses, "securitySchemes", "token", "type", "http", "scheme", "bearer",
		"description",
		"`api.token`, or the file `token` of the state folder. Not needed on a unix "
		"socket.");
}

json_t *
openapi_document(const struct route *routes, const char *version)
{
	json_t *doc = json_object(), *paths = json_object(), *schemas = json_object();

	for (const struct route *route = routes; route->method != NULL; route++)
		add_route(paths, route, schemas);
	json_object_set_new(doc, "openapi", json_string("3.1.0"));
	json_object_set_new(doc, "info",
		json_pack("{s:s, s:s, s:s, s:{s:s, s:s}}", "title", "triaged", "version", version,
			"description", intro, "license", "name", "Apache-2.0", "identifier",
			"Apache-2.0"));
	json_object_set_new(doc, "servers",
		json_pack("[{s:s, s:s}]", "url", "/", "description", "This daemon."));
	json_object_set_new(doc, "security", json_array());
	json_object_set_new(doc, "paths", paths);
	json_object_set_new(doc, "components", components(schemas));
	return doc;
}

char *
openapi_text(const struct route *routes, const char *version)
{
	struct buf out;

	buf_init(&out, 0);
	json_write(&out, openapi_document(routes, version));
	buf_add_text(&out, "\n");
	return buf_take_text(&out);
}

void
handle_openapi(struct api_call *call)
{
	struct api *api = call->api;

	/* Few ask for it, and those ask again: it takes some milliseconds to make. */
	if (api->openapi == NULL)
		api->openapi = openapi_text(route_table, call->world->env->version);
	reply_text(call, 200, "application/json", api->openapi);
}

/* Gatus: what the scheme of an endpoint's URL makes of it, and how its client is set. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "setup/import_gatus.h"

#define TIMEOUT_MAX_US (600 * USEC_PER_SEC)

static const struct gatus_key client_keys[] = {
	{ "insecure", NULL },
	{ "ignore-redirect", NULL },
	{ "timeout", NULL },
	{ "network", NULL },
	{ "tls", NULL },
	{ "proxy-url", NULL },
	{ "store-cookies", "no cookies are kept" },
	{ "dns-resolver",
		"the host's resolver is asked; a `dns` check with `server` asks another" },
	{ "oauth2", "no OAuth2 login is made; give a token: `auth: { type: bearer, token: ... }`" },
	{ "identity-aware-proxy", "no such login is made; use an `exec` check" },
	{ "tunnel", "there are no SSH tunnels; run triaged behind it, or `ssh -L` beside it" },
	{ NULL, NULL },
};

void
gatus_take_client(struct gatus *gatus, struct import_item *check, const struct conf_node *client,
	enum condition_kind kind)
{
	const struct conf_node *tls = conf_get(client, "tls");
	bool has_tls = kind == CONDITION_HTTP || kind == CONDITION_TLS;
	char *text;

	import_duration(
		&check->keys, "timeout", gatus_duration(client, "timeout", 10 * USEC_PER_SEC));
	gatus_note_keys(gatus, client, client_keys);
	if (has_tls && gatus_is_true(client, "insecure"))
		import_raw(&check->keys, "verify: false\n");
	if (kind == CONDITION_HTTP && gatus_is_true(client, "ignore-redirect"))
		import_raw(&check->keys, "follow: 0\n");
	text = gatus_get(gatus, client, "proxy-url");
	if (kind == CONDITION_HTTP && *text != '\0') {
		char *url = import_url(gatus->import, gatus->where, "proxy", text);

		import_key(&check->keys, "proxy", url);
		free(url);
	}
	free(text);
	text = gatus_get(gatus, client, "network");
	if (kind == CONDITION_PING && (str_eq(text, "ip4") || str_eq(text, "ip6")))
		import_raw(&check->keys, "family: \"%s\"\n", text + 2);
	free(text);
	if (!has_tls || tls == NULL)
		return;
	text = gatus_get(gatus, tls, "certificate-file");
	import_key(&check->keys, "cert", text);
	free(text);
	text = gatus_get(gatus, tls, "private-key-file");
	import_key(&check->keys, "key", text);
	free(text);
}

static void
take_headers(struct gatus *gatus, struct import_item *check, const struct conf_node *headers)
{
	if (headers == NULL || headers->kind != CONF_MAP || headers->count == 0)
		return;
	import_raw(&check->keys, "headers:\n");
	for (size_t i = 0; i < headers->count; i++) {
		const char *name = headers->items[i]->key;
		char *text = gatus_text(gatus, headers->items[i]);

		if (import_is_secret_name(name)) {
			char *hint = xasprintf("%s_%s", check->name, name);
			char *secret = import_secret(gatus->import, gatus->where, hint, text);

			free(hint);
			free(text);
			text = secret;
		}
		import_pair(&check->keys, name, *text == '\0' ? " " : text);
		free(text);
	}
}

static void
take_body(struct gatus *gatus, struct import_item *check, const struct conf_node *map)
{
	char *body = gatus_get(gatus, map, "body");

	if (*body != '\0' && gatus_is_true(map, "graphql")) {
		char *json = NULL;
		json_t *doc = json_pack("{s:s}", "query", body);

		json = json_dumps(doc, JSON_COMPACT);
		free(body);
		body = json;
		json_decref(doc);
		if (conf_get(conf_get(map, "headers"), "Content-Type") == NULL)
			import_about(check, "GraphQL: see that the header Content-Type is "
					    "application/json.");
	}
	import_body(gatus->import, check, gatus->where, body);
	free(body);
}

/* --- which check it becomes --- */

static void
make_http(struct gatus *gatus, struct import_item *check, const struct conf_node *map,
	const char *url)
{
	char *hidden = import_url(gatus->import, gatus->where, check->name, url);
	char *place = import_place(gatus->import, hidden, "http://unset.invalid/");
	char *method = gatus_get(gatus, map, "method");

	import_key(&check->keys, "url", place);
	if (!str_eq(method, "GET") || conf_get(map, "body") != NULL)
		import_key(&check->keys, "method", method);
	take_headers(gatus, check, conf_get(map, "headers"));
	take_body(gatus, check, map);
	free(hidden);
	free(place);
	free(method);
}

/* host:port behind the scheme, without who logs in there. */
static char *
place_of(struct gatus *gatus, const char *url)
{
	const char *rest = strstr(url, "://") + 3;
	size_t len = strcspn(rest, "/?");
	const char *at = memrchr(rest, '@', len);
	char *host =
		at == NULL ? xstrndup(rest, len) : xstrndup(at + 1, len - (size_t)(at + 1 - rest));
	char *place = import_place(gatus->import, host, "unset.invalid:1");

	free(host);
	return place;
}

static void
make_talk(struct gatus *gatus, struct import_item *check, const struct conf_node *map,
	const char *url)
{
	char *place = place_of(gatus, url), *body = gatus_get(gatus, map, "body");

	import_key(&check->keys, "address", place);
	import_key(&check->keys, "send", body);
	free(place);
	free(body);
}

static void
make_ping(struct gatus *gatus, struct import_item *check, const struct conf_node *map,
	const char *url)
{
	char *place = import_place(gatus->import, url + strlen("icmp://"), "unset.invalid");

	(void)map;
	import_key(&check->keys, "host", place);
	free(place);
}

static void
make_tls(struct gatus *gatus, struct import_item *check, const struct conf_node *map,
	const char *url)
{
	char *place = place_of(gatus, url);

	(void)map;
	import_key(&check->keys, "address", place);
	if (str_starts(url, "starttls://"))
		import_raw(&check->keys, "starttls: smtp\n");
	free(place);
}

static void
make_ssh(struct gatus *gatus, struct import_item *check, const struct conf_node *map,
	const char *url)
{
	char *place = place_of(gatus, url);
	const char *end = strrchr(place, ']');

	(void)map;
	if (strchr(end == NULL ? place : end, ':') == NULL) {
		char *with_port = xasprintf("%s:22", place);

		free(place);
		place = with_port;
	}
	import_key(&check->keys, "address", place);
	import_raw(&check->keys, "expect: \"^SSH-2\"\n");
	free(place);
}

/* What has no type of its own yet: at least somebody listens. */
static void
make_port(struct gatus *gatus, struct import_item *check, const struct conf_node *map,
	const char *url)
{
	bool is_tls = str_starts(url, "wss://") || str_starts(url, "grpcs://");
	char *place = place_of(gatus, url);
	const char *end = strrchr(place, ']');

	(void)map;
	if (strchr(end == NULL ? place : end, ':') == NULL) {
		char *with_port = xasprintf("%s:%s", place, is_tls ? "443" : "80");

		free(place);
		place = with_port;
	}
	import_key(&check->keys, "address", place);
	if (is_tls)
		import_raw(&check->keys, "tls: true\n");
	import_about(check, "There is no check for %.*s, only for its port.",
		(int)strcspn(url, ":"), url);
	import_note(gatus->import, gatus->where,
		"%.*s is not spoken; it became a `tcp` check of the port", (int)strcspn(url, ":"),
		url);
	free(place);
}

static void
make_dns(struct gatus *gatus, struct import_item *check, const struct conf_node *map,
	const char *url)
{
	const struct conf_node *dns = conf_get(map, "dns");
	char *name = gatus_get(gatus, dns, "query-name"),
	     *type = gatus_get(gatus, dns, "query-type");
	char *server = import_place(gatus->import,
		str_starts(url, "udp://") || str_starts(url, "tcp://") ? url + 6 : url,
		"192.0.2.1");
	size_t len = strlen(name);

	if (len > 1 && name[len - 1] == '.')
		name[len - 1] = '\0';
	import_key(&check->keys, "name", *name == '\0' ? "unset.invalid" : name);
	import_key(&check->keys, "server", server);
	import_key(&check->keys, "record", type);
	free(name);
	free(type);
	free(server);
}

static const struct gatus_scheme schemes[] = {
	{ "http://", "http", CONDITION_HTTP, make_http },
	{ "https://", "http", CONDITION_HTTP, make_http },
	{ "tcp://", "tcp", CONDITION_TALK, make_talk },
	{ "udp://", "udp", CONDITION_TALK, make_talk },
	{ "icmp://", "ping", CONDITION_PING, make_ping },
	{ "starttls://", "tls", CONDITION_TLS, make_tls },
	{ "tls://", "tls", CONDITION_TLS, make_tls },
	{ "ssh://", "tcp", CONDITION_TALK, make_ssh },
	{ "ws://", "tcp", CONDITION_TALK, make_port },
	{ "wss://", "tcp", CONDITION_TALK, make_port },
	{ "grpc://", "tcp", CONDITION_TALK, make_port },
	{ "grpcs://", "tcp", CONDITION_TALK, make_port },
	{ NULL, "http", CONDITION_HTTP, make_http },
};
static const struct gatus_scheme dns_scheme = { NULL, "dns", CONDITION_DNS, make_dns };

const struct gatus_scheme *
gatus_scheme(const struct conf_node *map, const char *url)
{
	const struct gatus_scheme *scheme = schemes;

	if (conf_get(map, "dns") != NULL)
		return &dns_scheme;
	while (scheme->prefix != NULL && !str_starts(url, scheme->prefix))
		scheme++;
	return scheme;
}

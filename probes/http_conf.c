/*
 * Settings of the http probe: the rows, what is wrong with them as a whole, and what is made of
 * them once so that a run costs little: address, TLS context, request bytes.
 */
#include "probes/http_conf.h"
#include "probes/tls_rows.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/http1.h"
#include "io/tls.h"

#define ROW    struct http_conf
#define AUTH   struct http_auth_conf
#define EXPECT struct http_expect_conf

static const char *const auth_names[] = {
	[HTTP_AUTH_NONE] = "none",
	[HTTP_AUTH_BASIC] = "basic",
	[HTTP_AUTH_DIGEST] = "digest",
	[HTTP_AUTH_BEARER] = "bearer",
	NULL,
};

const char *const http_version_names[] = {
	[HTTP_ANY] = "any",
	[HTTP_1_0] = "1.0",
	[HTTP_1_1] = "1.1",
	[HTTP_2] = "2",
	NULL,
};

static const struct conf_field auth_fields[] = {
	{ .name = "type",
		ENUM_AT(AUTH, scheme, auth_names),
		.dflt = "none",
		.doc = "`basic` and `digest` take `user` and `password`, `bearer` takes `token`." },
	{ .name = "user", STRING_AT(AUTH, user), .doc = "User name." },
	{ .name = "password",
		SECRET_AT(AUTH, password),
		.doc = "Password.",
		.example = "${file:/run/secrets/api}" },
	{ .name = "token",
		SECRET_AT(AUTH, token),
		.doc = "Bearer token.",
		.example = "${API_TOKEN}" },
	{ .type = CONF_END },
};

static const struct conf_field expect_fields[] = {
	{ .name = "status",
		STRINGS_AT(EXPECT, status),
		.doc = "Accepted statuses: a number, a range (`200-299`, the default) or a list of "
		       "them.",
		.example = "[200, 301-308]" },
	{ .name = "json",
		STRINGS_AT(EXPECT, json),
		.doc = "One or a list of expressions over the paths of the JSON body. The body "
		       "must be "
		       "JSON, and each must be true.",
		.example = "success == true" },
	{ .name = "body",
		REGEX_AT(EXPECT, body),
		.doc = "Regular expression (POSIX extended) that the body must match." },
	{ .name = "not_body",
		REGEX_AT(EXPECT, not_body),
		.doc = "Regular expression that the body must not match." },
	{ .name = "header",
		PAIRS_AT(EXPECT, header),
		.doc = "Headers of the answer: `name: regular expression`, each must be there and "
		       "match.",
		.example = "{ Content-Type: \"^application/json\" }" },
	{ .name = "http_version",
		ENUM_AT(EXPECT, version, http_version_names),
		.dflt = "any",
		.doc = "The version of the protocol that the answer must have." },
	{ .name = "max_time",
		DURATION_AT(EXPECT, max_time_us),
		.min = "1ms",
		.max = "10m",
		.doc = "The answer must be complete within this time (`http.slow`).",
		.example = "2s" },
	{ .type = CONF_END },
};

const struct conf_field http_fields[] = {
	{ .name = "url",
		URL_AT(ROW, url),
		.flags = CONF_REQUIRED,
		.doc = "What is asked for. A user and password in it are sent as Basic "
		       "authentication.",
		.example = "http://127.0.0.1:3000/api/status" },
	{ .name = "method",
		STRING_AT(ROW, method),
		.doc = "Default: `GET`, or `POST` with a body.",
		.example = "HEAD" },
	{ .name = "headers",
		PAIRS_AT(ROW, headers),
		.flags = CONF_MASKED,
		.doc = "Headers to send; their values are masked everywhere. They are not sent to "
		       "another origin that a redirect leads to.",
		.example = "{ X-Api-Key: \"${API_KEY}\" }" },
	{ .name = "body",
		STRING_AT(ROW, body),
		.doc = "Body to send.",
		.example = "'{\"ping\": true}'" },
	{ .name = "auth", GROUP_AT(ROW, auth, auth_fields), .doc = "Credentials." },
	{ .name = "follow",
		INT_AT(ROW, follow),
		.dflt = "5",
		.min = "0",
		.max = "10",
		.doc = "Redirects to follow at most; each hop is resolved and verified anew. 0: a "
		       "redirect is an answer like any other." },
	{ .name = "http_version",
		ENUM_AT(ROW, version, http_version_names),
		.dflt = "any",
		.doc = "Version to speak; `any` is 1.1. `2` needs TLS with ALPN." },
	{ .name = "unix_socket",
		PATH_AT(ROW, unix_socket),
		.doc = "Connect to this socket instead; the URL still names host and path.",
		.example = "/run/docker.sock" },
	{ .name = "proxy",
		URL_AT(ROW, proxy),
		.doc = "Go through this HTTP proxy: `http://[user:password@]host:port`. https:// "
		       "URLs "
		       "go through a tunnel (CONNECT), so the certificate that is verified is the "
		       "target's. The target's name is looked up by the proxy.",
		.example = "http://10.0.0.8:3128" },
	TLS_CA_ROW(ROW),
	TLS_CERT_ROWS(ROW),
	TLS_VERIFY_ROW(ROW),
	{ .name = "reconnect_interval",
		DURATION_AT(ROW, reconnect_us),
		.dflt = "0s",
		.doc = "`0s`: each run makes a new connection. Else the connection is kept "
		       "between runs and made anew so often, and at once when it ended: cheaper "
		       "for both sides, but a server that no longer accepts, or whose certificate "
		       "was "
		       "changed, is seen later: with the next connection. For GET and HEAD over "
		       "HTTP/1.",
		.flags = CONF_ADVANCED,
		.example = "5m" },
	{ .name = "track",
		STRING_AT(ROW, track),
		.doc = "A path in the JSON body whose value changes when the application restarts: "
		       "changes are counted as `restarts_total` and told by the rule "
		       "`api-restarted`.",
		.example = "data.start_time" },
	{ .name = "max_body",
		SIZE_AT(ROW, max_body),
		.dflt = "64KiB",
		.min = "1KiB",
		.max = "16MiB",
		.doc = "Bytes of the body that are read and looked at; the rest is not waited for.",
		.flags = CONF_ADVANCED },
	{ .name = "expect",
		GROUP_AT(ROW, expect, expect_fields),
		.doc = "What a good answer looks like." },
	{ .type = CONF_END },
};

/* Headers that frame the message are the probe's business. */
static const char *const own_headers[] = { "Connection", "Content-Length", "Transfer-Encoding",
	"Upgrade", "TE", "Trailer" };

const char *
http_conf_method(const struct http_conf *conf)
{
	if (conf->method != NULL)
		return conf->method;
	return conf->body != NULL ? "POST" : "GET";
}

const char *
http_conf_header(const struct http_conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->headers.count; i++)
		if (strcasecmp(conf->headers.all[i].name, name) == 0)
			return conf->headers.all[i].value;
	return NULL;
}

struct tls_options
http_conf_tls(const struct http_conf *conf)
{
	return (struct tls_options){
		.ca = conf->ca,
		.cert = conf->cert,
		.key = conf->key != NULL ? conf->key : conf->cert,
		.is_unverified = !conf->is_verified,
		.alpn = conf->needs_full ? NULL : "http/1.1",
	};
}

static void
check_headers(const struct http_conf *conf, struct complaints *complaints)
{
	for (size_t i = 0; i < conf->headers.count; i++) {
		const struct conf_pair *pair = &conf->headers.all[i];

		if (!http1_is_token(pair->name))
			complain(complaints, &pair->pos, "\"%s\" is not a header name", pair->name);
		else if (strpbrk(pair->value, "\r\n") != NULL)
			complain(complaints, &pair->pos, "a header cannot contain a line break");
		for (size_t k = 0; k < sizeof(own_headers) / sizeof(own_headers[0]); k++)
			if (strcasecmp(pair->name, own_headers[k]) == 0)
				complain(complaints, &pair->pos, "%s is set by the probe itself",
					own_headers[k]);
	}
}

static void
check_auth(struct http_conf *conf, const struct conf_node *map, struct complaints *complaints)
{
	struct http_auth_conf *auth = &conf->auth;
	struct conf_pos pos = conf_pos_of(map, "auth");

	if (auth->scheme == HTTP_AUTH_NONE && auth->token != NULL)
		auth->scheme = HTTP_AUTH_BEARER;
	else if (auth->scheme == HTTP_AUTH_NONE && auth->user != NULL)
		auth->scheme = HTTP_AUTH_BASIC;
	if (auth->scheme == HTTP_AUTH_BEARER && auth->token == NULL)
		complain(complaints, &pos, "auth: bearer needs a `token`");
	if ((auth->scheme == HTTP_AUTH_BASIC || auth->scheme == HTTP_AUTH_DIGEST) &&
		auth->user == NULL)
		complain(complaints, &pos, "auth: %s needs `user` and `password`",
			auth_names[auth->scheme]);
	if (auth->token != NULL && strpbrk(auth->token, "\r\n") != NULL)
		complain(complaints, &pos, "a token cannot contain a line break");
}

static void
check_version(struct http_conf *conf, const struct url *url, const struct conf_node *map,
	struct complaints *complaints)
{
	struct conf_pos pos = conf_pos_of(map, "http_version");
	bool wants_two = conf->version == HTTP_2 || conf->expect.version == HTTP_2;

	conf->needs_full =
		wants_two || conf->auth.scheme == HTTP_AUTH_DIGEST || conf->proxy != NULL;
	if (wants_two && !str_eq(url->scheme, "https"))
		complain(complaints, &pos, "HTTP/2 needs an https:// URL");
}

/* What is asked may be asked twice: a kept connection can end under the first request. */
bool
http_conf_keeps(const struct http_conf *conf)
{
	const char *method = http_conf_method(conf);

	return conf->reconnect_us > 0 && !conf->needs_full && conf->body == NULL &&
	       (str_eq(method, "GET") || str_eq(method, "HEAD"));
}

static void
check_keeping(
	const struct http_conf *conf, const struct conf_node *map, struct complaints *complaints)
{
	struct conf_pos pos = conf_pos_of(map, "reconnect_interval");

	if (conf->reconnect_us > 0 && !http_conf_keeps(conf))
		complain(complaints, &pos,
			"reconnect_interval: only for GET and HEAD without a body, over HTTP/1 and "
			"without a proxy");
}

static void
check_proxy(
	const struct http_conf *conf, const struct conf_node *map, struct complaints *complaints)
{
	struct conf_pos pos = conf_pos_of(map, "proxy");
	struct url url;
	struct err e;

	if (conf->proxy == NULL)
		return;
	if (conf->unix_socket != NULL)
		complain(complaints, &pos, "`proxy` and `unix_socket` exclude each other");
	if (url_parse(&url, conf->proxy, &e) < 0)
		return; /* the row's own walk complained */
	if (!str_eq(url.scheme, "http"))
		complain(complaints, &pos, "proxy: http:// is wanted, not %s://", url.scheme);
	if (!str_eq(url.target, "/"))
		complain(complaints, &pos, "proxy: host and port only, without a path");
	url_fini(&url);
}

/* One block for both, to its size: there may be many thousands of them. */
static void
keep_request(struct http_conf *conf, const char *request, const char *host)
{
	size_t size = strlen(host) + 1;

	conf->request = xmalloc(conf->request_len + 1 + size);
	memcpy(conf->request, request, conf->request_len + 1);
	conf->host = memcpy(conf->request + conf->request_len + 1, host, size);
}

/* The first hop never changes: where it goes, and its bytes. */
static void
prepare(struct http_conf *conf, const struct url *url, const struct probe_setup *setup,
	const struct conf_pos *pos, struct complaints *complaints)
{
	struct http_hop hop = { .url = url,
		.method = http_conf_method(conf),
		.has_body = conf->body != NULL,
		.is_kept = http_conf_keeps(conf) };
	struct tls_options tls = http_conf_tls(conf);
	struct err e;
	struct buf out;

	conf->port = url_port(url);
	if (conf->unix_socket != NULL && strlen(conf->unix_socket) >= sizeof(url->place.path))
		complain(complaints, pos, "unix_socket: at most %zu characters",
			sizeof(url->place.path) - 1);
	conf->is_tls = str_eq(url->scheme, "https");
	if (conf->is_tls && setup->tls != NULL) {
		conf->tls = tls_ctx_get(setup->tls, &tls, &e);
		if (conf->tls == NULL)
			complain(complaints, pos, "%s", e.text);
	}
	buf_init(&out, 0);
	if (http_request_write(&out, conf, &hop, &e) < 0)
		complain(complaints, pos, "%s", e.text);
	conf->request_len = buf_left(&out);
	keep_request(conf, buf_text(&out), url->place.host);
	buf_fini(&out);
}

void
http_conf_check(void *conf_, const struct conf_node *map, const struct probe_setup *setup,
	struct complaints *complaints)
{
	struct http_conf *conf = conf_;
	struct conf_pos pos = conf_pos_of(map, "url");
	struct url url;
	struct err e;

	if (conf->url == NULL)
		return; /* complained about already */
	if (url_parse(&url, conf->url, &e) < 0) {
		complain(complaints, &pos, "url: %s", e.text);
		return;
	}
	if (!str_eq(url.scheme, "http") && !str_eq(url.scheme, "https"))
		complain(complaints, &pos, "url: http:// or https:// is wanted, not %s://",
			url.scheme);
	if (conf->method != NULL && !http1_is_token(conf->method)) {
		struct conf_pos at = conf_pos_of(map, "method");

		complain(complaints, &at, "method: \"%s\" is not a word", conf->method);
	}
	check_headers(conf, complaints);
	check_auth(conf, map, complaints);
	check_version(conf, &url, map, complaints);
	check_proxy(conf, map, complaints);
	check_keeping(conf, map, complaints);
	http_wants_make(conf, map, setup->judge, complaints);
	prepare(conf, &url, setup, &pos, complaints);
	url_fini(&url);
}

void
http_conf_release(void *conf_)
{
	struct http_conf *conf = conf_;

	http_wants_free(conf->wants);
	conf->wants = NULL;
	free(conf->request); /* may hold credentials, as the rows themselves do */
	conf->request = NULL;
	conf->host = NULL;
}

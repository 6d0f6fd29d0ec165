/*
 * The generic webhook: a Standard Webhooks 1.0.0 request for every event.
 *
 *	POST, JSON body; webhook-id (the same on every try), webhook-timestamp (of this try),
 *	webhook-signature "v1,<base64>" for each secret: HMAC-SHA256 of "<id>.<timestamp>.<body>"
 *
 * Redirects are never followed: the body is signed for one place.  Only the origin of the URL is
 * ever shown, because the path may be the secret.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alerts/retry_after.h"
#include "alerts/table.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "io/hmac.h"
#include "io/http.h"
#include "io/loop.h"
#include "io/tls.h"
#include "io/url.h"

#define BODY_MAX    20000
#define REPLY_MAX   (64 * 1024) /* what we read of an answer */
#define SECRETS_MAX 8
#define KEY_MAX     1024 /* bytes of one secret */
#define HEADERS_MAX 32   /* of the user's */
#define OWN_HEADERS 5

struct key {
	unsigned char *data;
	size_t len;
};

struct webhook_conf {
	char *url;
	char *secret;
	struct conf_pairs headers;
	char *ca;
	bool verify;
	usec_t timeout_us;
	/* Made by check(). */
	struct key keys[SECRETS_MAX];
	size_t key_count;
	struct url parsed;
	char *origin;
};

struct webhook_run {
	struct http_call *call;
	char *body; /* made once; the call borrows it */
};

static const struct conf_field fields[] = {
	{ "url", URL_AT(struct webhook_conf, url), .flags = CONF_REQUIRED | CONF_MASKED,
		.doc = "Where events are posted to, http or https.  Its path is never shown.",
		.example = "https://example.com/in" },
	{ "secret", SECRET_AT(struct webhook_conf, secret),
		.doc = "Signs every request.  `whsec_` and base64, or `raw:` and any text; several "
		       "with commas between them sign several times, for changing a secret.",
		.example = "\"${HOOK_SECRET}\"" },
	{ "headers", PAIRS_AT(struct webhook_conf, headers), .flags = CONF_MASKED,
		.doc = "Further request headers.",
		.example = "{ Authorization: \"Bearer ${TOKEN}\" }" },
	{ "ca", PATH_AT(struct webhook_conf, ca), .flags = CONF_ADVANCED,
		.doc = "PEM file with the certificate authorities to trust, instead of the "
		       "system's." },
	{ "verify", BOOL_AT(struct webhook_conf, verify), .dflt = "true", .flags = CONF_ADVANCED,
		.doc = "Whether the server's certificate is verified." },
	{ "timeout", DURATION_AT(struct webhook_conf, timeout_us), .dflt = "15s", .min = "1s",
		.max = "60s", .flags = CONF_ADVANCED, .doc = "How long one try may take." },
	{ .type = CONF_END },
};

static const char manual[] =
	"Posts every event as JSON, in order for each incident, as a "
	"[Standard Webhooks](https://www.standardwebhooks.com) request.  Answer with any 2xx "
	"status once the event is safe with you.  `408`, `425`, `429`, every `5xx` and a broken "
	"connection are tried again, with `Retry-After` obeyed, until the event is 24 hours old; "
	"other `3xx` and `4xx` give it up; `410` stops the receiver until its settings change.\n\n"
	"The header `webhook-id` is the same on every try of an event: drop what you have seen.";

/* Headers that are ours to write, or the HTTP client's. */
static const char *const own_headers[] = { "content-length", "content-type", "host", "user-agent",
	"transfer-encoding", "connection" };

/* ---- settings ---- */

static bool
is_header_name(const char *name)
{
	size_t len = strlen(name);

	return len > 0 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			    "!#$%&'*+-.^_`|~") == len;
}

static bool
is_own_header(const char *name)
{
	if (strncasecmp(name, "webhook-", 8) == 0)
		return true;
	for (size_t i = 0; i < sizeof(own_headers) / sizeof(own_headers[0]); i++) {
		if (strcasecmp(name, own_headers[i]) == 0)
			return true;
	}
	return false;
}

static void
check_headers(
	const struct webhook_conf *conf, const struct conf_node *map, struct complaints *complaints)
{
	struct conf_pos at = conf_pos_of(map, "headers");

	if (conf->headers.count > HEADERS_MAX)
		complain(complaints, &at, "headers: at most %d", HEADERS_MAX);
	for (size_t i = 0; i < conf->headers.count; i++) {
		const struct conf_pair *pair = &conf->headers.all[i];
		const char *value = pair->value == NULL ? "" : pair->value;

		if (!is_header_name(pair->name))
			complain(complaints, &pair->pos,
				"headers: \"%s\" cannot be the name of a header", pair->name);
		else if (is_own_header(pair->name))
			complain(complaints, &pair->pos,
				"headers: %s is written by triaged itself; take it out",
				pair->name);
		if (strpbrk(value, "\r\n") != NULL)
			complain(complaints, &pair->pos,
				"headers: the value of %s has a line end in it", pair->name);
	}
}

static void
add_key(struct webhook_conf *conf, const void *data, size_t len)
{
	struct key *key = &conf->keys[conf->key_count++];

	key->data = xmalloc(len);
	memcpy(key->data, data, len);
	key->len = len;
}

/* NULL, or what is wrong; never the secret itself. */
static const char *
read_key(struct webhook_conf *conf, const char *text)
{
	unsigned char data[KEY_MAX];
	long len;

	if (conf->key_count == SECRETS_MAX)
		return "there are too many of them";
	if (str_starts(text, "raw:")) {
		if (text[4] == '\0' || strlen(text + 4) > KEY_MAX)
			return "`raw:` is followed by 1 to 1024 bytes";
		add_key(conf, text + 4, strlen(text + 4));
		return NULL;
	}
	if (!str_starts(text, "whsec_"))
		return "write whsec_ and base64 (openssl rand -base64 32), or raw: and the text";
	len = base64_decode(data, sizeof(data), text + 6);
	if (len <= 0)
		return "what follows `whsec_` is not base64";
	add_key(conf, data, (size_t)len);
	secret_wipe(data, sizeof(data));
	return NULL;
}

static char *
trim(char *text)
{
	size_t len;

	text += strspn(text, " \t");
	len = strlen(text);
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
	return text;
}

static void
check_secret(struct webhook_conf *conf, const struct conf_node *map, struct complaints *complaints)
{
	struct conf_pos at = conf_pos_of(map, "secret");
	char *copy, *rest;

	if (conf->secret == NULL)
		return;
	copy = rest = xstrdup(conf->secret);
	for (char *one = strsep(&rest, ","); one != NULL; one = strsep(&rest, ",")) {
		const char *wrong = read_key(conf, trim(one));

		if (wrong != NULL)
			complain(complaints, &at, "secret: %s", wrong);
	}
	secret_wipe(copy, strlen(conf->secret));
	free(copy);
}

static void
check_url(struct webhook_conf *conf, const struct conf_node *map, struct tls_pool *tls,
	struct complaints *complaints)
{
	const struct tls_options options = { .ca = conf->ca, .is_unverified = !conf->verify };
	struct conf_pos at = conf_pos_of(map, "url");
	struct err e;

	if (conf->url == NULL)
		return; /* complained about already */
	if (url_parse(&conf->parsed, conf->url, &e) < 0) {
		complain(complaints, &at, "url: %s", e.text);
		return;
	}
	conf->origin = url_origin(&conf->parsed);
	if (!str_eq(conf->parsed.scheme, "http") && !str_eq(conf->parsed.scheme, "https")) {
		complain(complaints, &at, "url: a webhook needs http:// or https://");
		return;
	}
	if (tls == NULL || !str_eq(conf->parsed.scheme, "https"))
		return;
	if (tls_ctx_get(tls, &options, &e) == NULL) {
		struct conf_pos ca = conf_pos_of(map, conf->ca == NULL ? "url" : "ca");

		complain(complaints, &ca, "%s: %s", conf->ca == NULL ? "url" : "ca", e.text);
	}
}

static void
check(void *conf, const struct conf_node *map, struct tls_pool *tls, struct complaints *complaints)
{
	check_url(conf, map, tls, complaints);
	check_secret(conf, map, complaints);
	check_headers(conf, map, complaints);
}

static void
release(void *arg)
{
	struct webhook_conf *conf = arg;

	for (size_t i = 0; i < conf->key_count; i++) {
		secret_wipe(conf->keys[i].data, conf->keys[i].len);
		free(conf->keys[i].data);
	}
	conf->key_count = 0;
	url_fini(&conf->parsed);
	free(conf->origin);
	conf->origin = NULL;
}

static void
target(const void *arg, char *out, size_t size)
{
	const struct webhook_conf *conf = arg;

	str_copy(out, size, conf->origin == NULL ? "" : conf->origin);
}

/* ---- one try ---- */

static void
sign(struct buf *out, const struct webhook_conf *conf, const char *stamped, const char *body)
{
	const struct hmac_part parts[] = {
		{ stamped, strlen(stamped) },
		{ body, strlen(body) },
	};

	for (size_t i = 0; i < conf->key_count; i++) {
		unsigned char mac[HMAC_SHA256_SIZE];
		char text[BASE64_SIZE(HMAC_SHA256_SIZE)];

		hmac_sha256(conf->keys[i].data, conf->keys[i].len, parts, 2, mac);
		base64_encode(text, mac, sizeof(mac));
		buf_addf(out, "%sv1,%s", i == 0 ? "" : " ", text);
	}
}

/* What a status means.  The rest of 3xx and 4xx: this notice will never be taken. */
static enum send_result
judge_status(int status)
{
	if (status >= 200 && status <= 299)
		return SEND_OK;
	if (status == 408 || status == 425 || status == 429 || status >= 500)
		return SEND_LATER;
	return status == 410 ? SEND_DISABLE : SEND_NEVER;
}

static usec_t
wait_asked(const struct send_run *run, const struct http_reply *reply)
{
	char text[64];

	if (!http_reply_header(reply, "retry-after", text, sizeof(text)))
		return 0;
	return retry_after_parse(text, loop_wall(send_env(run)->loop));
}

/* The first words of the answer often say why. */
static void
first_words(const struct http_reply *reply, char *out, size_t size)
{
	size_t len = buf_left(&reply->body);
	const char *body = buf_head(&reply->body);
	size_t end = 0;

	while (end < len && body[end] != '\n' && body[end] != '\r')
		end++;
	out[0] = '\0';
	if (end == 0)
		return;
	memcpy(out, ": ", 2);
	str_printable(out + 2, size - 2, body, end);
}

static void
on_reply(void *arg, const struct http_reply *reply)
{
	struct send_run *run = arg;
	struct webhook_run *state = send_state(run);
	const struct webhook_conf *conf = send_conf(run);
	char words[122] = "";
	enum send_result result;

	state->call = NULL;
	if (reply->fault != FAULT_NONE) {
		send_done(run, SEND_LATER, 0, "%s: %s", conf->origin, reply->reason);
		return;
	}
	result = judge_status(reply->status);
	if (reply->status >= 300 && reply->status <= 399) {
		send_done(run, result, 0,
			"%s: status %d: redirects are not followed; set url to the place it names",
			conf->origin, reply->status);
		return;
	}
	if (result != SEND_OK)
		first_words(reply, words, sizeof(words));
	send_done(run, result, result == SEND_LATER ? wait_asked(run, reply) : 0, "%s: status %d%s",
		conf->origin, reply->status, words);
}

static unsigned
add_user_headers(const struct webhook_conf *conf, struct http_header *headers, unsigned count)
{
	for (size_t i = 0; i < conf->headers.count && i < HEADERS_MAX; i++) {
		const struct conf_pair *pair = &conf->headers.all[i];

		headers[count].name = pair->name;
		headers[count++].value = pair->value == NULL ? "" : pair->value;
	}
	return count;
}

static void
start(struct send_run *run)
{
	const struct webhook_conf *conf = send_conf(run);
	const struct io_env *env = send_env(run);
	const struct notice *notice = send_notice(run);
	struct webhook_run *state = send_state(run);
	long long now = (long long)(loop_wall(env->loop) / USEC_PER_SEC);
	struct http_header headers[OWN_HEADERS + HEADERS_MAX];
	struct http_request request;
	struct buf signature;
	char stamp[24], agent[64], stamped[NOTICE_ID_LEN + sizeof(stamp) + 3];
	unsigned count = 0;

	snprintf(stamp, sizeof(stamp), "%lld", now);
	snprintf(stamped, sizeof(stamped), "%s.%s.", notice->id, stamp);
	snprintf(agent, sizeof(agent), "triaged/%s", env->version);
	state->body = notice_body(notice, BODY_MAX);
	buf_init(&signature, 0);
	sign(&signature, conf, stamped, state->body);
	headers[count++] = (struct http_header){ "content-type", "application/json" };
	headers[count++] = (struct http_header){ "user-agent", agent };
	headers[count++] = (struct http_header){ "webhook-id", notice->id };
	headers[count++] = (struct http_header){ "webhook-timestamp", stamp };
	if (conf->key_count > 0)
		headers[count++] =
			(struct http_header){ "webhook-signature", buf_text(&signature) };
	request = (struct http_request){
		.method = "POST",
		.url = conf->url,
		.headers = headers,
		.header_count = add_user_headers(conf, headers, count),
		.body = state->body,
		.body_len = strlen(state->body),
		.auth = conf->parsed.user == NULL ? HTTP_AUTH_NONE : HTTP_AUTH_BASIC,
		.user = conf->parsed.user,
		.password = conf->parsed.password,
		.tls = { .ca = conf->ca, .is_unverified = !conf->verify },
		.body_max = REPLY_MAX,
		.timeout_us = conf->timeout_us,
	};
	state->call = http_call_start(env->http, &request, on_reply, run);
	buf_fini(&signature);
}

static void
stop(struct send_run *run)
{
	struct webhook_run *state = send_state(run);

	http_call_cancel(state->call);
	state->call = NULL;
	free(state->body);
	state->body = NULL;
}

const struct receiver_type receiver_type_webhook = {
	.name = "webhook",
	.summary = "Any HTTP endpoint, as signed JSON (Standard Webhooks).",
	.manual = manual,
	.fields = fields,
	.conf_size = sizeof(struct webhook_conf),
	.run_size = sizeof(struct webhook_run),
	.rate_per_second = 10,
	.timeout_us = 61 * USEC_PER_SEC, /* beyond the longest `timeout` */
	.check = check,
	.release = release,
	.target = target,
	.start = start,
	.stop = stop,
};

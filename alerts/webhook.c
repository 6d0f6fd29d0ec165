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

#include "alerts/post.h"
#include "alerts/table.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "io/hmac.h"
#include "io/loop.h"

#define BODY_MAX    20000
#define SECRETS_MAX 8
#define KEY_MAX     1024 /* bytes of one secret */
#define HEADERS_MAX 32   /* of the user's */
#define OWN_HEADERS 3

struct key {
	unsigned char *data;
	size_t len;
};

struct webhook_conf {
	struct post_conf post;
	char *secret;
	struct conf_pairs headers;
	/* Made by check(). */
	struct key keys[SECRETS_MAX];
	size_t key_count;
};

static const struct conf_field fields[] = {
	{ "url", URL_AT(struct webhook_conf, post.url), .flags = CONF_REQUIRED | CONF_MASKED,
		.doc = "Where events are posted to, http or https.  Its path is never shown.",
		.example = "https://example.com/in" },
	{ "secret", SECRET_AT(struct webhook_conf, secret),
		.doc = "Signs every request.  `whsec_` and base64, or `raw:` and any text; several "
		       "with commas between them sign several times, for changing a secret.",
		.example = "\"${HOOK_SECRET}\"" },
	{ "headers", PAIRS_AT(struct webhook_conf, headers), .flags = CONF_MASKED,
		.doc = "Further request headers.",
		.example = "{ Authorization: \"Bearer ${TOKEN}\" }" },
	POST_ROWS(struct webhook_conf),
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
check(void *arg, const struct conf_node *map, struct tls_pool *tls, struct complaints *complaints)
{
	struct webhook_conf *conf = arg;

	post_check(&conf->post, map, tls, complaints);
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
	post_release(&conf->post);
}

static void
target(const void *arg, char *out, size_t size)
{
	const struct webhook_conf *conf = arg;

	post_target(&conf->post, out, size);
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
	const struct notice *notice = send_notice(run);
	long long now = (long long)(loop_wall(send_env(run)->loop) / USEC_PER_SEC);
	struct http_header headers[OWN_HEADERS + HEADERS_MAX];
	struct post_request request = { .type = "application/json", .headers = headers };
	struct buf signature;
	char stamp[24], stamped[NOTICE_ID_LEN + sizeof(stamp) + 3];
	unsigned count = 0;

	snprintf(stamp, sizeof(stamp), "%lld", now);
	snprintf(stamped, sizeof(stamped), "%s.%s.", notice->id, stamp);
	request.body = notice_body(notice, BODY_MAX);
	buf_init(&signature, 0);
	sign(&signature, conf, stamped, request.body);
	headers[count++] = (struct http_header){ "webhook-id", notice->id };
	headers[count++] = (struct http_header){ "webhook-timestamp", stamp };
	if (conf->key_count > 0)
		headers[count++] =
			(struct http_header){ "webhook-signature", buf_text(&signature) };
	request.header_count = add_user_headers(conf, headers, count);
	post_start(run, send_state(run), &conf->post, &request, NULL);
	buf_fini(&signature);
}

static void
stop(struct send_run *run)
{
	post_stop(send_state(run));
}

const struct receiver_type receiver_type_webhook = {
	.name = "webhook",
	.summary = "Any HTTP endpoint, as signed JSON (Standard Webhooks).",
	.manual = manual,
	.fields = fields,
	.conf_size = sizeof(struct webhook_conf),
	.run_size = sizeof(struct post),
	.rate_per_second = 10,
	.timeout_us = POST_TIMEOUT_US,
	.check = check,
	.release = release,
	.target = target,
	.start = start,
	.stop = stop,
};

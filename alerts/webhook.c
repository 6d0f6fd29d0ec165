/*
 * The generic webhook: a Standard Webhooks 1.0.0 request for every event.
 *
 *	POST, JSON body; webhook-id (the same on every try), webhook-timestamp (of this try),
 *	webhook-signature "v1,<base64>" for each secret: HMAC-SHA256 of "<id>.<timestamp>.<body>"
 *
 * The body is ours, that of Alertmanager's webhook, or one that the user composed; the headers are
 * the same.  Redirects are never followed: the body is signed for one place.  Only the origin of
 * the URL is ever shown, because the path may be the secret.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alerts/notice_names.h"
#include "alerts/post.h"
#include "alerts/table.h"
#include "alerts/template.h"
#include "alerts/webhook_v4.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "io/hmac.h"
#include "io/loop.h"

#define BODY_MAX    20000 /* of our own */
#define OTHER_MAX   65536 /* of the others */
#define SECRETS_MAX 8
#define KEY_MAX     1024 /* bytes of one secret */
#define HEADERS_MAX 32   /* of the user's */
#define OWN_HEADERS 3

struct key {
	unsigned char *data;
	size_t len;
};

enum format { FORMAT_TRIAGED, FORMAT_ALERTMANAGER };
enum method { METHOD_POST, METHOD_PUT };

struct webhook_conf {
	struct post_conf post;
	int format, method;
	const struct conf_node *template_node;
	char *secret;
	struct conf_pairs headers;
	/* Made by check(). */
	struct key keys[SECRETS_MAX];
	size_t key_count;
	struct template *template; /* NULL: `format` */
};

static const char *const formats[] = { "triaged", "alertmanager", NULL };
static const char *const methods[] = { "POST", "PUT", NULL };

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
	{ "format", ENUM_AT(struct webhook_conf, format, formats), .dflt = "triaged",
		.doc = "The body: triaged's own JSON, or what Alertmanager's webhook receiver "
		       "posts (version 4)." },
	{ "template", NODE_AT(struct webhook_conf, template_node),
		.doc = "A body of your own: a map or a list whose texts may hold placeholders.",
		.example = "{ msg: \"{{headline}}\", level: \"{{severity | upper}}\" }" },
	{ "method", ENUM_AT(struct webhook_conf, method, methods), .dflt = "POST",
		.flags = CONF_ADVANCED, .doc = "The method of the request." },
	POST_ROWS(struct webhook_conf),
	{ .type = CONF_END },
};

static const char manual[] =
	"Posts every event as JSON, in order for each incident, as a "
	"[Standard Webhooks](https://www.standardwebhooks.com) request.  Answer with any 2xx "
	"status once the event is safe with you.  `408`, `425`, `429`, every `5xx` and a broken "
	"connection are tried again, with `Retry-After` obeyed, until the event is 24 hours old; "
	"other `3xx` and `4xx` give it up; `410` stops the receiver until its settings change.\n\n"
	"The header `webhook-id` is the same on every try of an event: drop what you have seen.\n\n"
	"With `format: alertmanager` the body is the one of Alertmanager's webhook receiver "
	"(`version` 4), for the many bridges that read it: the group is the incident "
	"(`groupKey`), its one alert has the labels of the `alertmanager` receiver and "
	"`fingerprint` as Prometheus computes it; when a label such as the severity changes, the "
	"alert under the old labels is resolved in the same body.\n\n"
	"With `template` the body is what you write:\n\n"
	"```yaml\n"
	"receivers:\n"
	"  chat:\n"
	"    type: webhook\n"
	"    url: https://chat.example.com/in\n"
	"    template:\n"
	"      text: \"{{icon}} {{event | upper}} {{headline}}: {{summary}}\"\n"
	"      level: \"{{severity | upper}}\"\n"
	"      team: \"{{incident.labels.team | default('none')}}\"\n"
	"      first_step: \"{{incident.remedy.0.text}}\"\n"
	"      numbers: \"{{incident.values}}\"\n"
	"      tags: [triaged, \"{{check}}\"]\n"
	"```\n\n"
	"A text that is one placeholder becomes the value itself: a number, a list, `null`.  "
	"Names are those of triaged's own body, such as `incident.cause.code`, "
	"`incident.facts.0.text`, `reason`, `timestamp` (`data.` in front may stay), and for short "
	"`title`, `summary`, `severity`, `check`, `cause` (in words), `status`, `event` "
	"(`opened`), `host`, `target`, `link`, `id` (of the notice), `headline`, `icon`, `color` "
	"(`#d00000`), `firing`, and `text`: the whole message as people read it.  Filters: "
	"`default(\"none\")` for what is missing or empty, `upper`, `lower`, `cut(80)`, "
	"`join(\", \")`, `json`.  `{{ \"{{\" }}` writes the braces.  The body has at most 64 kB.  "
	"A token in a template is written as `${file:...}` or `${credential:...}`, so that it is "
	"masked wherever settings and requests are shown.";

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
check_template(
	struct webhook_conf *conf, const struct conf_node *map, struct complaints *complaints)
{
	struct conf_pos at = conf_pos_of(map, "format");

	if (conf_is_absent(conf->template_node))
		return;
	conf->template = template_new(conf->template_node, &notice_names, complaints);
	if (!conf_is_absent(conf_get(map, "format")))
		complain(complaints, &at, "format: there is `template` too; take one of them out");
}

static void
check(void *arg, const struct conf_node *map, struct tls_pool *tls, struct complaints *complaints)
{
	struct webhook_conf *conf = arg;

	post_check(&conf->post, map, tls, complaints);
	check_secret(conf, map, complaints);
	check_headers(conf, map, complaints);
	check_template(conf, map, complaints);
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
	template_free(conf->template);
	conf->template = NULL;
	post_release(&conf->post);
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

/* As text, of a new reference; NULL: it is too large. */
static char *
take_json(json_t *body)
{
	char *text = json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(15));

	json_decref(body);
	if (text == NULL || strlen(text) <= OTHER_MAX)
		return text;
	free(text);
	return NULL;
}

/* A template may say the same things often: with less of the evidence it may fit. */
static char *
fill_template(const struct send_run *run, const struct template *template)
{
	static const size_t sizes[] = { BODY_MAX, BODY_MAX / 3, BODY_MAX / 10 };
	char *text = NULL;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && text == NULL; i++) {
		json_t *data = notice_data(run, sizes[i]);

		text = take_json(template_render(template, data));
		json_decref(data);
	}
	return text;
}

static char *
make_body(const struct send_run *run)
{
	const struct webhook_conf *conf = send_conf(run);

	if (conf->template != NULL)
		return fill_template(run, conf->template);
	if (conf->format == FORMAT_ALERTMANAGER)
		return take_json(webhook_v4(run));
	return notice_body(send_notice(run), BODY_MAX);
}

/* Alerts are known by their labels: those that were taken end when others come. */
static void
remember(struct send_run *run, const struct http_reply *reply, struct post_verdict *verdict)
{
	const struct webhook_conf *conf = send_conf(run);

	(void)reply;
	if (conf->format == FORMAT_ALERTMANAGER && verdict->result == SEND_OK)
		send_remember(run, webhook_v4_memory(run));
}

static void
start(struct send_run *run)
{
	const struct webhook_conf *conf = send_conf(run);
	const struct notice *notice = send_notice(run);
	long long now = (long long)(loop_wall(send_env(run)->loop) / USEC_PER_SEC);
	struct http_header headers[OWN_HEADERS + HEADERS_MAX];
	struct post_request request = {
		.method = methods[conf->method],
		.type = "application/json",
		.headers = headers,
		.body = make_body(run),
	};
	struct buf signature;
	char stamp[24], stamped[NOTICE_ID_LEN + sizeof(stamp) + 3];
	unsigned count = 0;

	snprintf(stamp, sizeof(stamp), "%lld", now);
	snprintf(stamped, sizeof(stamped), "%s.%s.", notice->id, stamp);
	if (request.body == NULL) {
		send_blame(run, SEND_CLASS_LOCAL);
		send_done(run, SEND_NEVER, 0, "the template makes more than %d bytes", OTHER_MAX);
		return;
	}
	buf_init(&signature, 0);
	sign(&signature, conf, stamped, request.body);
	headers[count++] = (struct http_header){ "webhook-id", notice->id };
	headers[count++] = (struct http_header){ "webhook-timestamp", stamp };
	if (conf->key_count > 0)
		headers[count++] =
			(struct http_header){ "webhook-signature", buf_text(&signature) };
	request.header_count = add_user_headers(conf, headers, count);
	post_start(run, send_state(run), &conf->post, &request, remember);
	buf_fini(&signature);
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
	.target = post_target_conf,
	.start = start,
	.stop = post_stop_run,
};

/* One HTTP request as a receiver's try.  The body lives as long as the call that borrows it. */
#include "alerts/post.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/fault_class.h"
#include "alerts/retry_after.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "io/hmac.h"
#include "io/loop.h"
#include "io/tls.h"

#define REPLY_MAX   (64 * 1024) /* what is read of an answer */
#define SHOWN_MAX   2000        /* what `triage test` shows of it */
#define HEADERS_MAX 48

/* ---- settings ---- */

static bool
is_http(const struct url *url)
{
	return str_eq(url->scheme, "http") || str_eq(url->scheme, "https");
}

static void
check_tls(const struct post_conf *conf, const struct conf_node *map, struct tls_pool *tls,
	struct complaints *complaints)
{
	const struct tls_options options = { .ca = conf->ca, .is_unverified = !conf->verify };
	const char *key = conf->ca == NULL ? "url" : "ca";
	struct conf_pos at = conf_pos_of(map, key);
	struct err e;

	if (tls != NULL && tls_ctx_get(tls, &options, &e) == NULL)
		complain(complaints, &at, "%s: %s", key, e.text);
}

void
post_check(struct post_conf *conf, const struct conf_node *map, struct tls_pool *tls,
	struct complaints *complaints)
{
	struct conf_pos at = conf_pos_of(map, "url");
	struct err e;

	if (conf->url == NULL)
		return; /* complained about already */
	if (url_parse(&conf->parsed, conf->url, &e) < 0) {
		complain(complaints, &at, "url: %s", e.text);
		return;
	}
	conf->origin = url_origin(&conf->parsed);
	if (!is_http(&conf->parsed))
		complain(complaints, &at, "url: must begin with https:// or http://");
	else if (str_eq(conf->parsed.scheme, "https"))
		check_tls(conf, map, tls, complaints);
}

void
post_release(struct post_conf *conf)
{
	url_fini(&conf->parsed);
	free(conf->origin);
	conf->origin = NULL;
}

void
post_target(const struct post_conf *conf, char *out, size_t size)
{
	str_copy(out, size, conf->origin == NULL ? "" : conf->origin);
}

void
post_release_conf(void *conf)
{
	post_release(conf);
}

void
post_target_conf(const void *conf, char *out, size_t size)
{
	post_target(conf, out, size);
}

/* ---- answers ---- */

/* The first row that fits says what a status means. */
static const struct status_row {
	int from, to;
	enum send_result result;
	enum send_class why;
} statuses[] = {
	{ 200, 299, SEND_OK, SEND_CLASS_NONE },
	{ 300, 399, SEND_NEVER, SEND_CLASS_AUTH },
	{ 401, 401, SEND_NEVER, SEND_CLASS_AUTH },
	{ 403, 403, SEND_NEVER, SEND_CLASS_AUTH },
	{ 404, 405, SEND_NEVER, SEND_CLASS_AUTH },
	{ 407, 407, SEND_LATER, SEND_CLASS_AUTH }, /* the proxy's word */
	{ 408, 408, SEND_LATER, SEND_CLASS_TIMEOUT },
	{ 410, 410, SEND_DISABLE, SEND_CLASS_CLIENT },
	{ 425, 425, SEND_LATER, SEND_CLASS_SERVER },
	{ 429, 429, SEND_LATER, SEND_CLASS_RATE },
	{ 100, 499, SEND_NEVER, SEND_CLASS_CLIENT },
	{ 500, 1000, SEND_LATER, SEND_CLASS_SERVER },
};

/* The first words of the answer often say why. */
static void
first_words(const struct http_reply *reply, char *out, size_t size)
{
	const char *body = buf_head(&reply->body);
	size_t len = buf_left(&reply->body), end = 0;

	while (end < len && body[end] != '\n' && body[end] != '\r')
		end++;
	str_printable(out, size, body, end);
}

static void
judge_status(struct send_run *run, const struct http_reply *reply, struct post_verdict *verdict)
{
	const struct status_row *row = statuses;
	const struct status_row *last = row + sizeof(statuses) / sizeof(statuses[0]) - 1;
	char asked[64];

	/* A number that is no status at all is a server's trouble, too. */
	while (row < last && (reply->status > row->to || reply->status < row->from))
		row++;
	verdict->result = row->result;
	verdict->why = row->why;
	if (reply->status >= 300 && reply->status <= 399)
		str_copy(verdict->words, sizeof(verdict->words),
			"redirects are not followed; set url to the place it names");
	else if (row->result != SEND_OK)
		first_words(reply, verdict->words, sizeof(verdict->words));
	if (row->result == SEND_LATER &&
		http_reply_header(reply, "retry-after", asked, sizeof(asked)))
		verdict->retry_after_us = retry_after_parse(asked, loop_wall(send_env(run)->loop));
}

static void
show_beginning(struct send_run *run, const char *body)
{
	char *shown = xmalloc(SHOWN_MAX + 1);

	memcpy(shown, body, SHOWN_MAX);
	shown[SHOWN_MAX] = '\0';
	send_mask(run, shown, strnlen(shown, SHOWN_MAX) + 1);
	send_show(run, '<', shown, strlen(shown));
	free(shown);
}

static void
show_reply(struct send_run *run, const struct http_reply *reply)
{
	size_t len = buf_left(&reply->body);
	char line[320];

	if (reply->fault != FAULT_NONE)
		snprintf(line, sizeof(line), "(no answer: %s)", reply->reason);
	else
		snprintf(line, sizeof(line), "HTTP status %d, %zu bytes", reply->status, len);
	send_show(run, '<', line, strlen(line));
	if (reply->fault == FAULT_NONE && len <= SHOWN_MAX)
		send_show(run, '<', buf_head(&reply->body), len);
	else if (reply->fault == FAULT_NONE)
		show_beginning(run, buf_head(&reply->body));
}

static void
on_reply(void *arg, const struct http_reply *reply)
{
	struct send_run *run = arg;
	struct post *post = send_state(run);
	struct post_verdict verdict = { .result = SEND_LATER };

	post->call = NULL;
	show_reply(run, reply);
	if (reply->fault != FAULT_NONE) {
		send_blame(run, fault_class(reply->fault));
		send_done(run, SEND_LATER, 0, "%s: %s", post->conf->origin, reply->reason);
		return;
	}
	judge_status(run, reply, &verdict);
	if (post->judge != NULL)
		post->judge(run, reply, &verdict);
	if (verdict.result == SEND_NONE)
		return;
	send_mask(run, verdict.words, sizeof(verdict.words));
	send_blame(run, verdict.why);
	send_done(run, verdict.result, verdict.retry_after_us, "%s: status %d%s%s",
		post->conf->origin, reply->status, verdict.words[0] == '\0' ? "" : ": ",
		verdict.words);
}

void
post_judge_reply(struct send_run *run, const struct http_reply *reply, struct post_verdict *verdict)
{
	*verdict = (struct post_verdict){ .result = SEND_LATER };
	show_reply(run, reply);
	if (reply->fault == FAULT_NONE) {
		judge_status(run, reply, verdict);
		send_mask(run, verdict->words, sizeof(verdict->words));
		return;
	}
	verdict->why = fault_class(reply->fault);
	str_copy(verdict->words, sizeof(verdict->words), reply->reason);
}

bool
post_is_page(const struct http_reply *reply)
{
	const char *body = buf_text(&reply->body);

	return body[strspn(body, " \t\r\n\xef\xbb\xbf")] == '<';
}

json_t *
post_json(const struct http_reply *reply)
{
	return json_loadb(
		buf_head(&reply->body), buf_left(&reply->body), JSON_REJECT_DUPLICATES, NULL);
}

/* ---- one request ---- */

/* As it goes out, and comes back from who shows what it was sent. */
void
post_hide_login(struct send_run *run, const char *user, const char *password)
{
	char *plain, *digits;
	size_t len;

	if (user == NULL)
		return;
	plain = xasprintf("%s:%s", user, password == NULL ? "" : password);
	len = strlen(plain);
	digits = xmalloc(BASE64_SIZE(len));
	base64_encode(digits, plain, len);
	send_hide(run, digits);
	secret_wipe(plain, len);
	secret_wipe(digits, strlen(digits));
	free(plain);
	free(digits);
}

static void
show_request(struct send_run *run, const struct post *post, const struct post_request *request)
{
	char line[320];

	snprintf(line, sizeof(line), "%s %s/***, %zu bytes",
		request->method == NULL ? "POST" : request->method, post->conf->origin,
		strlen(post->body));
	send_show(run, '>', line, strlen(line));
	send_hide(run, request->hidden);
	send_show(run, '>', post->body, strlen(post->body));
}

void
post_start(struct send_run *run, struct post *post, const struct post_conf *conf,
	const struct post_request *request, post_judge_fn judge)
{
	const struct io_env *env = send_env(run);
	struct http_header headers[HEADERS_MAX];
	struct http_request call;
	char agent[64];
	unsigned count = 0;

	snprintf(agent, sizeof(agent), "triaged/%s", env->version);
	free(post->body);
	post->body = request->body != NULL ? request->body : xstrdup("");
	post->conf = conf;
	post->judge = judge;
	headers[count++] = (struct http_header){ "content-type",
		request->type == NULL ? "application/json; charset=utf-8" : request->type };
	headers[count++] = (struct http_header){ "user-agent", agent };
	for (unsigned i = 0; i < request->header_count && count < HEADERS_MAX; i++)
		headers[count++] = request->headers[i];
	call = (struct http_request){
		.method = request->method == NULL ? "POST" : request->method,
		.url = request->url == NULL ? conf->url : request->url,
		.headers = headers,
		.header_count = count,
		.body = post->body,
		.body_len = strlen(post->body),
		.auth = conf->parsed.user == NULL ? HTTP_AUTH_NONE : HTTP_AUTH_BASIC,
		.user = conf->parsed.user,
		.password = conf->parsed.password,
		.proxy = conf->proxy,
		.tls = { .ca = conf->ca, .is_unverified = !conf->verify },
		.body_max = REPLY_MAX,
		.timeout_us = conf->timeout_us,
	};
	post_hide_login(run, conf->parsed.user, conf->parsed.password);
	show_request(run, post, request);
	post->call = http_call_start(env->http, &call, on_reply, run);
}

void
post_stop(struct post *post)
{
	http_call_cancel(post->call);
	post->call = NULL;
	free(post->body);
	post->body = NULL;
}

void
post_stop_run(struct send_run *run)
{
	post_stop(send_state(run));
}

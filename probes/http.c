/*
 * HTTP: asks a URL, follows redirects, judges the answer.
 *
 *	first hop -> answer -> redirect? -> next hop -> ... -> http_judge -> verdict
 *
 * A hop goes by hand (http_plain.c) or through the full client (http_full.c); redirects are
 * followed here for both, each hop resolved and verified anew.  Once the first origin was left,
 * no credential, configured header or body goes along any more, even if the chain comes back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/loop.h"
#include "probes/http_run.h"
#include "probes/net.h"
#include "probes/reveal.h"

#define LOCATION_MAX   2048
#define FULL_HANDSHAKE 20 /* one of so many runs sees the certificate itself */

static const struct metric_desc metrics[] = {
	METRIC_PHASE_ROWS,
	[HTTP_STATUS] = { "status", METRIC_MOMENT, UNIT_NONE, "Status of the last answer." },
	[HTTP_BODY_BYTES] = { "body_bytes", METRIC_MOMENT, UNIT_BYTES,
		"Size of the body; absent when it was cut and the server did not tell." },
	[HTTP_REDIRECTS] = { "redirects", METRIC_MOMENT, UNIT_NONE, "Redirects followed." },
	[HTTP_TLS_DAYS_LEFT] = { "tls_days_left", METRIC_GAUGE, UNIT_SECONDS,
		"Time until the certificate ends: a duration, as in `tls_days_left < 21d`." },
	[HTTP_RESTARTS] = { "restarts_total", METRIC_COUNTER, UNIT_NONE,
		"Changes of the value that `track` names." },
	[HTTP_RESTARTS_HOUR] = { "restarts_hour", METRIC_GAUGE, UNIT_NONE,
		"Those of the last hour, at most 16." },
	[HTTP_RESTART_AGE] = { "restart_age", METRIC_MOMENT, UNIT_SECONDS,
		"Time since the last of them was seen." },
	{ .name = NULL },
};

void
http_add_phase(struct http_run *state, enum metric_phase phase, usec_t us)
{
	if (us < 0)
		return;
	if (state->phase_us[phase] < 0)
		state->phase_us[phase] = 0;
	state->phase_us[phase] += us;
}

static void
show_timing(struct probe_run *run, const struct http_run *state)
{
	struct buf text;

	buf_init(&text, 512);
	for (int i = 0; i < PHASE_TOTAL; i++) {
		if (state->phase_us[i] < 0)
			continue;
		buf_addf(&text, "%s%.*s %.1f ms", text.len > 0 ? ", " : "",
			(int)strcspn(metrics[i].name, "_") + (i == PHASE_FIRST_BYTE ? 5 : 0),
			metrics[i].name, (double)state->phase_us[i] / USEC_PER_MSEC);
	}
	if (text.len > 0)
		probe_fact(run, "timing", "%s", buf_text(&text));
	buf_fini(&text);
}

/* `seen` holds no user or password, but perhaps tokens in a query: those are masked. */
static void
add_masked(struct buf *text, const char *seen)
{
	struct url url;
	char *masked;

	if (url_parse(&url, seen, NULL) < 0)
		return;
	masked = url_masked(&url);
	buf_add_text(text, masked);
	free(masked);
	url_fini(&url);
}

/* How it got there. */
static void
show_hops(struct probe_run *run, const struct http_run *state)
{
	struct buf text;

	if (state->hops == 0)
		return;
	buf_init(&text, 2048);
	for (unsigned i = 0; i <= state->hops; i++) {
		buf_add_text(&text, i > 0 ? " -> " : "");
		add_masked(&text, state->seen[i]);
	}
	probe_fact(run, "hops", "%s", buf_text(&text));
	buf_fini(&text);
}

void
http_report(struct probe_run *run, bool is_bad)
{
	const struct http_conf *conf = probe_conf(run);
	struct http_run *state = probe_state(run);

	for (int i = 0; i < PHASE_TOTAL; i++)
		probe_phase(run, (enum metric_phase)i, state->phase_us[i]);
	probe_value(run, HTTP_REDIRECTS, state->hops);
	if (conf->is_tls) {
		struct http_memory *memory = probe_memory(run, sizeof(*memory));
		usec_t now = loop_wall(probe_env(run)->loop);

		memory->has_failed = is_bad;
		/* a resumed session may not show the certificate: what was seen still holds */
		if (memory->cert_end_us != 0)
			probe_value(run, HTTP_TLS_DAYS_LEFT,
				(double)(memory->cert_end_us - now) / USEC_PER_SEC);
		if (!conf->is_verified)
			probe_fact(run, "tls", "the certificate is not verified (verify: false)");
	}
	if (!is_bad)
		return;
	show_timing(run, state);
	show_hops(run, state);
}

void
http_on_cert(struct probe_run *run, usec_t left_us)
{
	const struct http_conf *conf = probe_conf(run);
	const struct http_run *state = probe_state(run);
	struct http_memory *memory;

	if (!conf->is_tls || state->hops > 0)
		return; /* the check's own certificate, not a stranger's */
	memory = probe_memory(run, sizeof(*memory));
	memory->cert_end_us = loop_wall(probe_env(run)->loop) + left_us;
}

/* Resumed handshakes cost a third, but hide a certificate that was changed.  Of kept connections
 * there are few, and each is looked at. */
bool
http_wants_full_handshake(struct probe_run *run)
{
	const struct http_conf *conf = probe_conf(run);
	const struct http_run *state = probe_state(run);
	const struct http_memory *memory;

	if (!conf->is_tls || state->hops > 0 || probe_watch(run) != NULL)
		return true;
	memory = probe_memory(run, sizeof(*memory));
	return memory->has_failed || memory->cert_end_us == 0 || memory->runs % FULL_HANDSHAKE == 0;
}

const char *
http_method_now(struct probe_run *run)
{
	const struct http_conf *conf = probe_conf(run);
	const struct http_run *state = probe_state(run);
	const char *method = http_conf_method(conf);

	return state->is_rewritten && !str_eq(method, "HEAD") ? "GET" : method;
}

static bool
is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static bool
is_same_origin(const struct url *a, const struct url *b)
{
	return str_eq(a->scheme, b->scheme) && strcasecmp(a->place.host, b->place.host) == 0 &&
	       url_port(a) == url_port(b);
}

/* What other clients do: 303 always, 301 and 302 for POST, become a GET. */
static bool
becomes_get(int status, const char *method)
{
	return status == 303 || ((status == 301 || status == 302) && str_eq(method, "POST"));
}

static char *
url_text(const struct url *url)
{
	bool is_v6 = strchr(url->place.host, ':') != NULL;

	return xasprintf("%s://%s%s%s:%u%s", url->scheme, is_v6 ? "[" : "", url->place.host,
		is_v6 ? "]" : "", url_port(url), url->target);
}

/* 0: `next` is where the answer leads. */
static int
find_next(struct http_run *state, const struct url *from, const char *location, struct url *next,
	struct err *e)
{
	if (url_resolve(next, from, location, e) < 0)
		return -1;
	if (!str_eq(next->scheme, "http") && !str_eq(next->scheme, "https")) {
		err_set(e, 0, "%s:// is not followed", next->scheme);
		url_fini(next);
		return -1;
	}
	if (!is_same_origin(from, next)) {
		state->is_foreign = true;
	} else if (next->user == NULL && next->password == NULL) {
		next->user = xstrdup(from->user);
		next->password = xstrdup(from->password);
	}
	return 0;
}

/* NULL and the verdict given, or the hop that comes next. */
static struct url *
next_url(struct probe_run *run, const struct http_answer *answer, const char *location)
{
	const struct http_conf *conf = probe_conf(run);
	struct http_run *state = probe_state(run);
	struct url first, *next = xcalloc(1, sizeof(*next));
	struct err e = { 0 };
	int rc;

	if (state->url != NULL) {
		rc = find_next(state, state->url, location, next, &e);
	} else {
		rc = url_parse(&first, conf->url, &e);
		if (rc == 0) {
			state->seen[0] = url_text(&first);
			rc = find_next(state, &first, location, next, &e);
			url_fini(&first);
		}
	}
	if (rc == 0)
		return next;
	free(next);
	http_report(run, true);
	probe_value(run, HTTP_STATUS, answer->status);
	probe_fail(run, "http.redirect-refused", "status %d leads to a place that is no URL: %s",
		answer->status, e.text);
	return NULL;
}

static bool
is_loop(struct probe_run *run, const char *text)
{
	const struct http_conf *conf = probe_conf(run);
	const struct http_run *state = probe_state(run);

	for (unsigned i = 0; i <= state->hops; i++) {
		if (!str_eq(state->seen[i], text))
			continue;
		http_report(run, true);
		probe_fail(run, "http.redirect-loop", "redirect %u leads back to where it was %s",
			state->hops + 1, i == state->hops ? "just before" : "already");
		return true;
	}
	if (state->hops < (unsigned)conf->follow)
		return false;
	http_report(run, true);
	probe_fail(run, "http.redirect-loop", "more than %lld redirects", (long long)conf->follow);
	return true;
}

static void
free_url(struct url *url)
{
	if (url == NULL)
		return;
	url_fini(url);
	free(url);
}

/* The check's own name, at the port that it asks or at one where the web is. */
static bool
is_own_place(const struct http_conf *conf, const struct url *url)
{
	static const uint16_t web_ports[] = { 80, 443 };
	uint16_t port = url_port(url);

	if (conf->host == NULL || conf->unix_socket != NULL ||
		strcasecmp(url->place.host, conf->host) != 0)
		return false;
	return port == conf->port || port == web_ports[0] || port == web_ports[1];
}

/* To the name that the settings say it leads like they do, whichever of its addresses answered
 * first; except to metadata, as one who owns a name may have it name anything by then, and to
 * ports that no check and no browser would ask there. */
enum addr_reach
http_led_from(const struct http_conf *conf, const struct http_run *state)
{
	if (state->reach == ADDR_ANYWHERE || state->url == NULL || !is_own_place(conf, state->url))
		return state->reach;
	return state->reach == ADDR_LINK ? ADDR_ANYWHERE : ADDR_HOST;
}

void
http_hop_start(struct probe_run *run)
{
	const struct http_conf *conf = probe_conf(run);
	struct http_run *state = probe_state(run);
	struct tls_ctx *tls = NULL;
	bool is_tls = state->url != NULL ? str_eq(state->url->scheme, "https") : conf->is_tls;
	struct err e;

	if (conf->needs_full) {
		http_full_start(run);
		return;
	}
	if (is_tls) {
		struct tls_options o = http_conf_tls(conf);

		/* our client certificate is a credential, too */
		if (state->is_foreign)
			o.cert = o.key = NULL;
		tls = state->url == NULL && conf->tls != NULL
			      ? conf->tls
			      : tls_ctx_get(probe_env(run)->tls, &o, &e);
		if (tls == NULL) {
			probe_error(run, "self.local", "%s", e.text);
			return;
		}
	}
	http_plain_start(run, state->url, tls);
}

static void
follow(struct probe_run *run, const struct http_answer *answer, const char *location)
{
	const struct http_conf *conf = probe_conf(run);
	struct http_run *state = probe_state(run);
	bool is_get = becomes_get(answer->status, http_method_now(run));
	struct url *next = next_url(run, answer, location);
	struct http_hop hop;
	struct buf request;
	struct err e;
	char *text;

	if (next == NULL)
		return;
	text = url_text(next);
	if (is_loop(run, text)) {
		free(text);
		free_url(next);
		return;
	}
	/* a body may hold credentials: it goes to the first origin only */
	state->is_rewritten |= is_get || state->is_foreign;
	state->seen[++state->hops] = text;
	http_kept_leave(run);
	http_plain_stop(state);
	http_full_stop(state);
	free_url(state->url);
	state->url = next;
	hop = (struct http_hop){ .url = next,
		.method = http_method_now(run),
		.is_foreign = state->is_foreign,
		.has_body = conf->body != NULL && !state->is_rewritten };
	buf_init(&request, 0);
	if (http_request_write(&request, conf, &hop, &e) == 0) {
		state->request = buf_take_text(&request);
		http_hop_start(run);
	} else {
		probe_error(run, "self.local", "%s", e.text);
	}
	buf_fini(&request);
}

void
http_on_answer(struct probe_run *run, const struct http_answer *answer)
{
	const struct http_conf *conf = probe_conf(run);
	char location[LOCATION_MAX];

	if (conf->follow > 0 && is_redirect(answer->status) &&
		http_answer_header(answer, "Location", location, sizeof(location))) {
		follow(run, answer, location);
		return;
	}
	http_judge(run, answer);
}

static void
start(struct probe_run *run)
{
	const struct http_conf *conf = probe_conf(run);
	struct http_run *state = probe_state(run);
	struct stream *kept;

	state->started_us = probe_started(run);
	for (int i = 0; i < PHASE_COUNT; i++)
		state->phase_us[i] = -1;
	kept = http_kept_take(run);
	if (kept != NULL)
		http_plain_go_on(run, kept);
	else
		http_hop_start(run);
	if (conf->is_tls) {
		struct http_memory *memory = probe_memory(run, sizeof(*memory));

		memory->runs++;
		memory->has_failed = true; /* until it is known better */
	}
}

static void
stop(struct probe_run *run)
{
	struct http_run *state = probe_state(run);

	http_kept_give(run);
	http_plain_stop(state);
	http_full_stop(state);
	free_url(state->url);
	for (unsigned i = 0; i < HTTP_HOPS_MAX; i++)
		free(state->seen[i]);
}

static const char *
stuck(struct probe_run *run, char *text, size_t size)
{
	const struct http_run *state = probe_state(run);

	if (state->stream != NULL)
		return http_plain_stuck(run, text, size);
	http_report(run, true);
	str_copy(text, size, "no complete answer");
	return "net.noreply";
}

static void
reveal(const void *conf_, const char *instance, struct revealed *out)
{
	const struct http_conf *conf = conf_;

	(void)instance;
	out->socket = conf->unix_socket;
	if (out->socket != NULL || conf->host == NULL || conf->host[0] == '\0')
		return;
	out->host = conf->host;
	out->port = conf->port;
}

static void
target(const void *conf_, const char *instance, char *out, size_t size)
{
	const struct http_conf *conf = conf_;
	struct url url;
	char *masked;

	(void)instance;
	if (conf->url == NULL || url_parse(&url, conf->url, NULL) < 0) {
		str_copy(out, size, "");
		return;
	}
	masked = url_masked(&url);
	str_copy(out, size, masked);
	free(masked);
	url_fini(&url);
}

static bool
keeps(const void *conf)
{
	return http_conf_keeps(conf);
}

static const char *const schemes[] = { "http", "https", NULL };

const struct probe_type probe_type_http = {
	.name = "http",
	.summary = "Asks a URL over HTTP or HTTPS and looks at the answer.",
	.manual = "Each run makes a new connection, so that a listener that no longer accepts is "
		  "seen; `reconnect_interval` keeps it for so long instead. "
		  "IPv6 and IPv4 are both tried, and the family that fails is named. Redirects are "
		  "followed (five at most); credentials, configured headers and the body go to the "
		  "first "
		  "origin only. Certificates are verified unless `verify: false`; at least one run "
		  "in "
		  "twenty, and the one after a failure, makes a full TLS handshake, so that a "
		  "changed "
		  "certificate is noticed. Phase times add up over redirects. No cookies are kept "
		  "and "
		  "the environment's proxies are not used.",
	.fields = http_fields,
	.metrics = metrics,
	.conf_size = sizeof(struct http_conf),
	.run_size = sizeof(struct http_run),
	.run_zeroed = offsetof(struct http_run, reply),
	.watch_size = sizeof(struct http_watch),
	.watches = keeps,
	.open = http_kept_open,
	.close = http_kept_close,
	.is_network = true,
	.is_portable = true,
	.check = http_conf_check,
	.release = http_conf_release,
	.target = target,
	.reveal = reveal,
	.start = start,
	.stop = stop,
	.stuck = stuck,
	.schemes = schemes,
	.url_key = "url",
};

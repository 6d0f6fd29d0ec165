/* One hop through io/http, for what our own parser does not speak: HTTP/2 and Digest. */
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "probes/http_run.h"
#include "probes/net.h"

#define HEADERS_MAX 64
/* It must tell where it was stuck before our own deadline cuts it off. */
#define MARGIN_US (20 * USEC_PER_MSEC)

static void
add_phases(struct http_run *state, const struct http_phases *p)
{
	http_add_phase(state, PHASE_DNS, p->dns_us);
	http_add_phase(state, PHASE_CONNECT, p->connect_us);
	http_add_phase(state, PHASE_TLS, p->tls_us);
	http_add_phase(state, PHASE_SEND, p->send_us);
	http_add_phase(state, PHASE_FIRST_BYTE, p->first_byte_us);
	http_add_phase(state, PHASE_TRANSFER, p->transfer_us);
}

/* A proxy that cannot reach the target is well; one that cannot be reached, or refuses, is not. */
static void
fail(struct probe_run *run, const struct http_reply *reply)
{
	if (reply->is_led_astray)
		probe_fail(run, "http.redirect-refused", "%s", reply->reason);
	else if (reply->proxy_status >= 500)
		probe_fail(run, http_status_cause(reply->proxy_status), "%s", reply->reason);
	else if (reply->is_proxy || reply->proxy_status != 0)
		probe_fail(run, "http.proxy", "%s", reply->reason);
	else
		probe_fault(run, reply->fault, reply->reason);
}

static void
on_reply(void *arg, const struct http_reply *reply)
{
	struct probe_run *run = arg;
	struct http_run *state = probe_state(run);
	struct http_answer answer = {
		.status = reply->status,
		.version = reply->version,
		.body = buf_text(&reply->body),
		.body_len = buf_left(&reply->body),
		.body_bytes = reply->is_cut ? (double)NAN : (double)reply->body_bytes,
		.is_cut = reply->is_cut,
		.is_truncated = reply->is_truncated,
		.full = reply,
	};

	state->call = NULL;
	add_phases(state, &reply->phases);
	if (reply->family_note != NULL)
		probe_note(run, "net.family", "%s", reply->family_note);
	if (reply->has_cert)
		http_on_cert(run, reply->cert_left_us);
	if (reply->fault != FAULT_NONE) {
		http_report(run, true);
		fail(run, reply);
		return;
	}
	if (state->reach == ADDR_ANYWHERE)
		state->reach = reply->reach;
	http_on_answer(run, &answer);
}

static unsigned
collect_headers(const struct probe_run *run, const struct http_run *state,
	struct http_header headers[HEADERS_MAX])
{
	const struct http_conf *conf = probe_conf(run);
	bool is_ours = !state->is_foreign;
	unsigned count = 0;

	if (!is_ours || http_conf_header(conf, "User-Agent") == NULL)
		headers[count++] = (struct http_header){ "User-Agent", "triaged/" TRIAGED_VERSION };
	for (size_t i = 0; is_ours && i < conf->headers.count && count < HEADERS_MAX; i++)
		headers[count++] = (struct http_header){ conf->headers.all[i].name,
			conf->headers.all[i].value };
	return count;
}

void
http_full_start(struct probe_run *run)
{
	const struct http_conf *conf = probe_conf(run);
	struct http_run *state = probe_state(run);
	struct http_header headers[HEADERS_MAX];
	usec_t left = probe_time_left(run);
	const struct http_auth_conf *auth = &conf->auth;
	struct http_request request = {
		.method = http_method_now(run),
		.url = state->hops > 0 ? state->seen[state->hops] : conf->url,
		.headers = headers,
		.header_count = collect_headers(run, state, headers),
		.version = (enum http_version)conf->version,
		.unix_socket = conf->unix_socket,
		.proxy = conf->proxy,
		.tls = http_conf_tls(conf),
		.body_max = (size_t)conf->max_body,
		.timeout_us = left > 2 * MARGIN_US ? left - MARGIN_US : left,
		.full_handshake = conf->is_tls && http_wants_full_handshake(run),
		.led_from = http_led_from(conf, state),
	};

	if (conf->expect.version == HTTP_2 && request.version == HTTP_ANY)
		request.version = HTTP_2;
	if (conf->body != NULL && !state->is_rewritten) {
		request.body = conf->body;
		request.body_len = strlen(conf->body);
	}
	if (!state->is_foreign) {
		request.auth = (enum http_auth)auth->scheme;
		request.user = auth->user;
		request.password = auth->scheme == HTTP_AUTH_BEARER ? auth->token : auth->password;
	} else {
		request.tls.cert = request.tls.key = NULL;
	}
	state->call = http_call_start(probe_env(run)->http, &request, on_reply, run);
}

void
http_full_stop(struct http_run *state)
{
	http_call_cancel(state->call);
	state->call = NULL;
}

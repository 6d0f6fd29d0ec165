/*
 * One hop over io/stream and io/http1, by hand: the way nearly every check goes, so it costs
 * little.
 *
 *	connect -> OPEN: send the request -> DATA: parse -> done, or cut at max_body -> answer
 *
 * A body is not read beyond max_body: a target that never ends must not keep us busy.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "io/loop.h"
#include "probes/http_run.h"
#include "probes/net.h"

static usec_t
now_us(const struct probe_run *run)
{
	return loop_now(probe_env(run)->loop);
}

static void
add_connection(struct probe_run *run)
{
	struct http_run *state = probe_state(run);
	const struct stream_phases *phases = stream_phases(state->stream);
	const char *family = stream_family_note(state->stream);

	if (state->is_kept)
		return;
	http_add_phase(state, PHASE_DNS, phases->dns_us);
	http_add_phase(state, PHASE_CONNECT, phases->connect_us);
	http_add_phase(state, PHASE_TLS, phases->tls_us);
	if (family != NULL)
		probe_note(run, "net.family", "%s", family);
}

/* Whatever was reached counts; the rest of this hop did not happen. */
static void
add_phases(struct probe_run *run)
{
	struct http_run *state = probe_state(run);
	usec_t sent = state->sent_us;

	add_connection(run);
	if (state->first_us > 0 && sent == 0)
		sent = state->opened_us; /* the answer was faster than the news of the sending */
	if (sent > 0)
		http_add_phase(state, PHASE_SEND, sent - state->opened_us);
	if (state->first_us > 0) {
		http_add_phase(state, PHASE_FIRST_BYTE, state->first_us - sent);
		http_add_phase(state, PHASE_TRANSFER, now_us(run) - state->first_us);
	}
}

static double
body_bytes(const struct http1 *reply)
{
	const char *length;

	if (!reply->is_cut)
		return (double)reply->body_bytes;
	length = http1_header(reply, "Content-Length");
	return length != NULL ? strtod(length, NULL) : (double)NAN;
}

static void
answer(struct probe_run *run, bool is_truncated)
{
	struct http_run *state = probe_state(run);
	struct http1 *reply = &state->reply;
	struct http_answer answer = {
		.status = reply->status,
		.version = 10 + reply->minor,
		.body = buf_text(&reply->body),
		.body_len = buf_left(&reply->body),
		.body_bytes = body_bytes(reply),
		.is_cut = reply->is_cut,
		.is_truncated = is_truncated,
		.plain = reply,
	};
	usec_t left;

	state->is_answered = true;
	if (probe_watch(run) == NULL)
		stream_pause(state->stream, true); /* what follows is of no interest */
	else
		stream_rest(state->stream);
	if (state->reach == ADDR_ANYWHERE)
		state->reach = addr_reach(stream_peer(state->stream));
	add_phases(run);
	if (stream_cert_expiry(state->stream, &left))
		http_on_cert(run, left);
	http_on_answer(run, &answer);
}

/* Bytes came that are no HTTP answer, or none that we would go on with. */
static void
fail_bad(struct probe_run *run)
{
	struct http_run *state = probe_state(run);
	const struct buf *in = stream_in(state->stream);

	if (http_kept_replace(run))
		return;
	state->is_answered = true;
	add_phases(run);
	http_report(run, true);
	if (state->reply.status != 0)
		probe_fail(run, "net.protocol", "status %d, then broken HTTP: %s",
			state->reply.status, state->reply.err.text);
	else if (state->reply.err.code == EPROTOTYPE)
		probe_fail(
			run, "net.tls-required", "the port speaks TLS, and we asked in plain HTTP");
	else if (str_eq(net_banner(buf_head(in), buf_left(in)), "an HTTP server"))
		probe_fail(run, "net.protocol", "broken HTTP: %s", state->reply.err.text);
	else
		net_fail_protocol(run, "HTTP", buf_head(in), buf_left(in));
}

/* The connection is over before the answer was; `fault` and `reason` say how. */
static void
on_broken(struct probe_run *run, enum fault fault, const char *reason)
{
	struct http_run *state = probe_state(run);

	if (http_kept_replace(run))
		return;
	if (state->reply.state == HTTP1_BODY) {
		answer(run, true);
		return;
	}
	state->is_answered = true;
	add_phases(run);
	http_report(run, true);
	if (stream_is_led_astray(state->stream))
		probe_fail(run, "http.redirect-refused", "%s", reason);
	else if (state->first_us > 0)
		probe_fault(run, fault, "the connection broke off within the head of the answer");
	else
		net_fail_at(run, fault, reason, stream_peer(state->stream));
}

/* True: this hop is over, and what it left behind may belong to the next one already. */
static bool
on_data(struct probe_run *run)
{
	struct http_run *state = probe_state(run);
	enum http1_state parsed;

	if (state->first_us == 0)
		state->first_us = now_us(run);
	parsed = http1_feed(&state->reply, stream_in(state->stream));
	if (parsed == HTTP1_BAD)
		fail_bad(run);
	else if (parsed == HTTP1_DONE || state->reply.is_cut)
		answer(run, false);
	else
		return false;
	return true;
}

static void
on_end(struct probe_run *run)
{
	struct http_run *state = probe_state(run);
	char address[ADDR_TEXT], reason[ADDR_TEXT + 64];

	if (buf_left(stream_in(state->stream)) > 0 && on_data(run))
		return;
	if (state->reply.state == HTTP1_BODY) {
		/* without a length the end of the connection is the end of the body */
		answer(run, http1_feed_end(&state->reply) != HTTP1_DONE);
		return;
	}
	addr_text(stream_peer(state->stream), address);
	snprintf(reason, sizeof(reason), "%s closed the connection without an answer", address);
	on_broken(run, FAULT_EOF, reason);
}

static void
on_open(struct probe_run *run)
{
	const struct http_conf *conf = probe_conf(run);
	struct http_run *state = probe_state(run);

	state->opened_us = now_us(run);
	if (state->request != NULL)
		stream_write(state->stream, state->request, strlen(state->request));
	else
		stream_write(state->stream, conf->request, conf->request_len);
	if (stream_unsent(state->stream) == 0)
		state->sent_us = now_us(run);
}

static void
on_event(void *arg, enum stream_event event)
{
	struct probe_run *run = arg;
	struct http_run *state = probe_state(run);

	if (state->is_answered) { /* until the turn ends the connection may go on */
		state->is_ended |= event != STREAM_SENT;
		return;
	}
	switch (event) {
	case STREAM_OPEN:
		on_open(run);
		break;
	case STREAM_SENT:
		if (state->sent_us == 0)
			state->sent_us = now_us(run);
		break;
	case STREAM_DATA:
		on_data(run);
		break;
	case STREAM_END:
		on_end(run);
		break;
	case STREAM_FAILED:
		on_broken(run, stream_fault(state->stream), stream_reason(state->stream));
		break;
	}
}

static void
expect_answer(struct probe_run *run)
{
	const struct http_conf *conf = probe_conf(run);
	struct http_run *state = probe_state(run);
	const struct http1_limits limits = { .body_max = (size_t)conf->max_body, .cut_body = true };

	state->is_answered = false;
	http1_init(&state->reply, HTTP1_RESPONSE, &limits);
	state->has_reply = true;
	state->reply.is_head_reply = str_eq(http_method_now(run), "HEAD");
}

void
http_plain_go_on(struct probe_run *run, struct stream *kept)
{
	struct http_run *state = probe_state(run);

	expect_answer(run);
	state->stream = kept;
	stream_hand(kept, on_event, run);
	on_open(run);
}

void
http_plain_start(struct probe_run *run, const struct url *url, struct tls_ctx *tls)
{
	const struct http_conf *conf = probe_conf(run);
	const struct io_env *env = probe_env(run);
	struct http_run *state = probe_state(run);
	struct place place;

	place.port = url != NULL ? url_port(url) : conf->port;
	str_copy(place.host, sizeof(place.host), url != NULL ? url->place.host : conf->host);
	str_copy(
		place.path, sizeof(place.path), conf->unix_socket != NULL ? conf->unix_socket : "");
	expect_answer(run);
	state->stream = stream_open(
		&(struct stream_options){
			.loop = env->loop,
			.resolver = env->resolver,
			.place = &place,
			.tls = tls,
			.sent_at_once_is_unsaid = true,
			.server_name = tls != NULL ? place.host : NULL,
			.full_handshake = tls != NULL && http_wants_full_handshake(run),
			.led_from = http_led_from(conf, state),
		},
		on_event, run);
}

void
http_plain_stop(struct http_run *state)
{
	stream_close(state->stream);
	state->stream = NULL;
	if (state->has_reply)
		http1_fini(&state->reply);
	state->has_reply = false;
	free(state->request);
	state->request = NULL;
	state->opened_us = state->sent_us = state->first_us = 0;
}

const char *
http_plain_stuck(struct probe_run *run, char *text, size_t size)
{
	struct http_run *state = probe_state(run);
	const struct addr *peer = stream_peer(state->stream);
	const char *cause;

	add_phases(run);
	cause = net_stuck_at(run, stream_stuck(state->stream, text, size), peer, text, size);
	if (state->reply.state == HTTP1_BODY)
		snprintf(text, size, "status %d came, but the body stopped after %llu bytes",
			state->reply.status, (unsigned long long)state->reply.body_bytes);
	else if (state->first_us > 0)
		snprintf(text, size, "the answer began, but its head never ended");
	else if (state->sent_us > 0)
		snprintf(text, size, "the request was sent, but no byte came back");
	http_report(run, true);
	return cause;
}

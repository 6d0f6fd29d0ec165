/*
 * TCP (and unix) sockets: connects, perhaps over TLS, perhaps says something, perhaps waits for
 * what the answer must look like.
 *
 *	connect -> (TLS) -> send -> wait for `expect` -> verdict
 */
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "io/loop.h"
#include "io/stream.h"
#include "io/tls.h"
#include "probes/net.h"
#include "probes/probe.h"
#include "probes/reveal.h"
#include "probes/tls_rows.h"

#define LOOK_MAX  4096 /* bytes of the answer that are looked at */
#define SHOWN_MAX 80

struct tcp_conf {
	char *address, *send, *expect;
	bool is_tls, is_verified;
	char *ca, *server_name;
	/* made by check */
	struct place place;
	struct tls_ctx *ctx;
	regex_t *re;
};

#define ROW struct tcp_conf

static const struct conf_field fields[] = {
	{ .name = "address",
		STRING_AT(ROW, address),
		.flags = CONF_REQUIRED,
		.doc = "`host:port`, or the path of a unix socket (`/run/x.sock`, "
		       "`unix:/run/x.sock`).",
		.example = "127.0.0.1:25" },
	{ .name = "send",
		STRING_AT(ROW, send),
		.doc = "Text to send once it is connected.",
		.example = "\"PING\\r\\n\"" },
	{ .name = "expect",
		REGEX_AT(ROW, expect),
		.doc = "Regular expression (POSIX extended) that must appear in the first 4 KiB of "
		       "what "
		       "the peer sends.",
		.example = "^SSH-2" },
	{ .name = "tls", BOOL_AT(ROW, is_tls), .dflt = "false", .doc = "Speak TLS." },
	TLS_VERIFY_ROW(ROW),
	TLS_CA_ROW(ROW),
	{ .name = "server_name",
		STRING_AT(ROW, server_name),
		.doc = "Name to ask for and to verify. Default: the host of `address`." },
	{ .type = CONF_END },
};

static const struct metric_desc metrics[] = {
	METRIC_PHASE_ROWS,
	{ .name = NULL },
};

struct tcp_run {
	struct stream *stream;
	usec_t opened_us, sent_us, first_us; /* 0: not yet */
	bool is_answered;
};

static usec_t
now_us(const struct probe_run *run)
{
	return loop_now(probe_env(run)->loop);
}

static void
report(struct probe_run *run)
{
	const struct tcp_conf *conf = probe_conf(run);
	struct tcp_run *state = probe_state(run);
	usec_t asked = state->sent_us > 0 ? state->sent_us : state->opened_us;

	net_report(run, state->stream);
	if (state->sent_us > 0)
		probe_phase(run, PHASE_SEND, state->sent_us - state->opened_us);
	if (state->first_us > 0) {
		probe_phase(run, PHASE_FIRST_BYTE, state->first_us - asked);
		probe_phase(run, PHASE_TRANSFER, now_us(run) - state->first_us);
	}
	if (conf->is_tls && !conf->is_verified)
		probe_fact(run, "tls", "the certificate is not verified (verify: false)");
	state->is_answered = true;
}

static void
succeed(struct probe_run *run, const char *what)
{
	const struct tcp_run *state = probe_state(run);
	char peer[ADDR_TEXT];

	stream_pause(state->stream, true); /* what follows is of no interest */
	addr_text(stream_peer(state->stream), peer);
	report(run);
	probe_ok(run, "%s %s", what, peer);
}

/* What came, shown; how much of it was looked at. */
static size_t
show(const struct tcp_run *state, char shown[SHOWN_MAX + 1])
{
	const struct buf *in = stream_in(state->stream);
	size_t len = buf_left(in);

	str_printable(shown, SHOWN_MAX + 1, buf_head(in), len < SHOWN_MAX ? len : SHOWN_MAX);
	return len;
}

static void
fail_mismatch(struct probe_run *run, const char *how)
{
	const struct tcp_conf *conf = probe_conf(run);
	const struct tcp_run *state = probe_state(run);
	const struct buf *in = stream_in(state->stream);
	const char *who = net_banner(buf_head(in), buf_left(in));
	char shown[SHOWN_MAX + 1];

	show(state, shown);
	report(run);
	if (str_eq(who, "a TLS server") && !conf->is_tls)
		probe_fail(run, "net.tls-required", "the port speaks TLS, and we asked in plain");
	else if (who != NULL)
		probe_fail(run, "net.protocol", "%s answers \"%s\"%s, wanted /%s/", who, shown, how,
			conf->expect);
	else
		probe_fail(
			run, "net.protocol", "got \"%s\"%s, wanted /%s/", shown, how, conf->expect);
}

static void
on_data(struct probe_run *run)
{
	const struct tcp_conf *conf = probe_conf(run);
	struct tcp_run *state = probe_state(run);
	const struct buf *in = stream_in(state->stream);
	size_t have = buf_left(in);
	regmatch_t span = { .rm_so = 0, .rm_eo = (regoff_t)(have < LOOK_MAX ? have : LOOK_MAX) };

	if (state->first_us == 0)
		state->first_us = now_us(run);
	if (conf->re == NULL)
		return;
	if (regexec(conf->re, buf_head(in), 1, &span, REG_STARTEND) == 0)
		succeed(run, "expected answer from");
	else if (have >= LOOK_MAX)
		fail_mismatch(run, " and more");
}

static void
on_open(struct probe_run *run)
{
	const struct tcp_conf *conf = probe_conf(run);
	struct tcp_run *state = probe_state(run);

	state->opened_us = now_us(run);
	if (conf->send != NULL)
		stream_write(state->stream, conf->send, strlen(conf->send));
	else if (conf->expect == NULL)
		succeed(run, "connected to");
}

static void
on_sent(struct probe_run *run)
{
	const struct tcp_conf *conf = probe_conf(run);
	struct tcp_run *state = probe_state(run);

	if (state->sent_us == 0)
		state->sent_us = now_us(run);
	if (conf->expect == NULL)
		succeed(run, "sent to");
}

static void
on_end(struct probe_run *run)
{
	const struct tcp_run *state = probe_state(run);
	char peer[ADDR_TEXT];

	on_data(run);
	if (state->is_answered)
		return;
	if (buf_left(stream_in(state->stream)) > 0) {
		fail_mismatch(run, ", then the end");
		return;
	}
	addr_text(stream_peer(state->stream), peer);
	report(run);
	probe_fail(run, "net.eof", "%s closed the connection without a word", peer);
}

static void
on_event(void *arg, enum stream_event event)
{
	struct probe_run *run = arg;
	struct tcp_run *state = probe_state(run);

	if (state->is_answered)
		return; /* until the turn ends the connection may go on */
	switch (event) {
	case STREAM_OPEN:
		on_open(run);
		break;
	case STREAM_SENT:
		on_sent(run);
		break;
	case STREAM_DATA:
		on_data(run);
		break;
	case STREAM_END:
		on_end(run);
		break;
	case STREAM_FAILED:
		report(run);
		net_fail(run, state->stream);
		break;
	}
}

static struct tls_options
tls_options(const struct tcp_conf *conf)
{
	return (struct tls_options){ .ca = conf->ca, .is_unverified = !conf->is_verified };
}

static void
start(struct probe_run *run)
{
	const struct tcp_conf *conf = probe_conf(run);
	const struct io_env *env = probe_env(run);
	struct tcp_run *state = probe_state(run);
	const char *name = conf->server_name != NULL ? conf->server_name : conf->place.host;
	struct tls_ctx *tls = conf->ctx;
	struct err e;

	if (conf->is_tls && tls == NULL) {
		struct tls_options o = tls_options(conf);

		tls = tls_ctx_get(env->tls, &o, &e);
		if (tls == NULL) {
			probe_error(run, "self.local", "%s", e.text);
			return;
		}
	}
	state->stream = stream_open(
		&(struct stream_options){
			.loop = env->loop,
			.resolver = env->resolver,
			.place = &conf->place,
			.tls = tls,
			.server_name = conf->is_tls ? name : NULL,
			.full_handshake = true,
		},
		on_event, run);
}

static void
stop(struct probe_run *run)
{
	struct tcp_run *state = probe_state(run);

	stream_close(state->stream);
	state->stream = NULL;
}

static const char *
stuck(struct probe_run *run, char *text, size_t size)
{
	const struct tcp_conf *conf = probe_conf(run);
	const struct tcp_run *state = probe_state(run);
	char shown[SHOWN_MAX + 1];
	const char *cause = "net.noreply";

	if (state->stream == NULL)
		return cause;
	cause = net_stuck(run, state->stream, text, size);
	report(run);
	if (conf->expect == NULL || state->first_us == 0 || show(state, shown) == 0)
		return cause;
	snprintf(text, size, "got \"%s\", wanted /%s/", shown, conf->expect);
	return "net.protocol";
}

static void
check(void *conf_, const struct conf_node *map, const struct probe_setup *setup,
	struct complaints *complaints)
{
	struct tcp_conf *conf = conf_;
	struct conf_pos pos = conf_pos_of(map, "address");
	const char *address = conf->address;
	struct tls_options tls = tls_options(conf);
	struct err e;

	if (address == NULL)
		return; /* complained about already */
	if (str_starts(address, "tcp://"))
		address += strlen("tcp://");
	if (place_parse(&conf->place, address, &e) < 0)
		complain(complaints, &pos, "address: %s", e.text);
	else if (address[0] == ':' && address[1] != ':')
		complain(complaints, &pos, "address: a host is missing, such as 127.0.0.1:25");
	else if (conf->place.path[0] == '\0' && conf->place.port == 0)
		complain(complaints, &pos, "address: a port is missing, such as %s:25",
			conf->place.host);
	if (conf->is_tls && conf->is_verified)
		net_check_name(&conf->place, conf->server_name, &pos, complaints);
	if (conf->is_tls && setup->tls != NULL) {
		conf->ctx = tls_ctx_get(setup->tls, &tls, &e);
		if (conf->ctx == NULL)
			complain(complaints, &pos, "%s", e.text);
	}
	if (conf->expect == NULL)
		return;
	conf->re = xcalloc(1, sizeof(*conf->re));
	if (regcomp(conf->re, conf->expect, REG_EXTENDED) != 0) {
		free(conf->re); /* the row's own walk complained */
		conf->re = NULL;
	}
}

static void
release(void *conf_)
{
	struct tcp_conf *conf = conf_;

	if (conf->re == NULL)
		return;
	regfree(conf->re);
	free(conf->re);
	conf->re = NULL;
}

static void
reveal(const void *conf_, const char *instance, struct revealed *out)
{
	const struct tcp_conf *conf = conf_;

	(void)instance;
	reveal_place(&conf->place, out);
}

static void
target(const void *conf_, const char *instance, char *out, size_t size)
{
	const struct tcp_conf *conf = conf_;

	(void)instance;
	str_copy(out, size, conf->address != NULL ? conf->address : "");
}

static const char *const schemes[] = { "tcp", NULL };

const struct probe_type probe_type_tcp = {
	.name = "tcp",
	.summary = "Connects to a TCP port or unix socket and looks at what it says.",
	.manual =
		"Without `send` and `expect` a connection is enough. With `expect` the answer must "
		"match before the timeout; a server of another kind is named by its banner "
		"(`net.protocol`).",
	.fields = fields,
	.metrics = metrics,
	.conf_size = sizeof(struct tcp_conf),
	.run_size = sizeof(struct tcp_run),
	.is_network = true,
	.is_portable = true,
	.check = check,
	.release = release,
	.target = target,
	.reveal = reveal,
	.start = start,
	.stop = stop,
	.stuck = stuck,
	.schemes = schemes,
	.url_key = "address",
};

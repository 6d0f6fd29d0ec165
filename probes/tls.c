/*
 * TLS: what a server shows of itself in a handshake.
 *
 *	connect -> (plain words: STARTTLS) -> handshake -> look at the chain -> verdict
 *
 * The certificates are looked at whether or not they are acceptable, and no session is resumed: a
 * resumed one shows none.
 */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "io/loop.h"
#include "io/stream.h"
#include "io/tls.h"
#include "probes/net.h"
#include "probes/probe.h"
#include "probes/reveal.h"
#include "probes/starttls.h"
#include "probes/tls_facts.h"
#include "probes/tls_rows.h"

struct tls_conf {
	char *address, *server_name, *ca, *cert, *key;
	int starttls; /* enum starttls */
	bool is_verified;
	/* made by check */
	struct place place;
	struct tls_ctx *ctx;
};

#define ROW struct tls_conf

static const struct conf_field fields[] = {
	{ .name = "address",
		STRING_AT(ROW, address),
		.flags = CONF_REQUIRED,
		.doc = "`host` or `host:port`. Default port: 443, or that of the `starttls` "
		       "protocol.",
		.example = "www.example.org" },
	{ .name = "server_name",
		STRING_AT(ROW, server_name),
		.doc = "Name to ask for and to verify. Default: the host of `address`." },
	{ .name = "starttls",
		ENUM_AT(ROW, starttls, starttls_names),
		.dflt = "none",
		.doc = "The protocol whose plain words come before TLS." },
	TLS_CA_ROW(ROW),
	TLS_CERT_ROWS(ROW),
	TLS_VERIFY_ROW(ROW),
	{ .type = CONF_END },
};

enum { TLS_DAYS_LEFT = PHASE_COUNT };

static const struct metric_desc metrics[] = {
	METRIC_PHASE_ROWS,
	[TLS_DAYS_LEFT] = { "days_left", METRIC_GAUGE, UNIT_SECONDS,
		"Time until the first certificate ends, of those that were sent and are needed: a "
		"duration, as in `days_left < 21d`." },
	{ .name = NULL },
};

struct tls_run {
	struct stream *stream;
	struct starttls_talk talk;
	bool is_talking; /* the plain words */
	bool is_over;
};

static void
report(struct probe_run *run)
{
	const struct tls_conf *conf = probe_conf(run);
	struct tls_run *state = probe_state(run);
	const struct tls_chain *chain = stream_tls_chain(state->stream);

	state->is_over = true;
	net_report(run, state->stream);
	if (chain != NULL)
		tls_facts_report(run, chain, TLS_DAYS_LEFT);
	if (!conf->is_verified)
		probe_fact(run, "tls", "the certificate is not verified (verify: false)");
}

static void
judge(struct probe_run *run)
{
	const struct tls_run *state = probe_state(run);
	const struct tls_chain *chain = stream_tls_chain(state->stream);
	char why[TLS_WHY_MAX], left[32], peer[ADDR_TEXT];
	usec_t now = loop_wall(probe_env(run)->loop), end_us;

	report(run);
	if (chain == NULL) {
		probe_fail(run, "net.tls-handshake", "the server shows no certificate");
		return;
	}
	if (chain->doubts != 0) {
		tls_facts_why(chain, now, why, sizeof(why));
		probe_fail(run, "net.tls-verify", "%s", why);
		return;
	}
	end_us = chain->certs[chain->weakest].until_us;
	clock_format_duration(end_us > now ? end_us - now : now - end_us, left, sizeof(left));
	addr_text(stream_peer(state->stream), peer);
	probe_ok(run, "%s shows %s, %s %s", peer, chain->names,
		end_us > now ? "good for" : "expired since", left);
}

/* --- the plain words --- */

static void
fail_talk(struct probe_run *run, enum starttls_turn turn)
{
	const struct tls_conf *conf = probe_conf(run);
	struct tls_run *state = probe_state(run);
	const struct buf *in = stream_in(state->stream);
	const char *kind = starttls_names[conf->starttls];
	const char *who = net_banner(buf_head(in), buf_left(in));

	report(run);
	if (turn == STARTTLS_LACK)
		probe_fail(run, "net.tls-unsupported", "the %s server does not begin TLS: %s", kind,
			state->talk.text);
	else if (turn == STARTTLS_AWAY)
		probe_fail(run, "net.turned-away", "the %s server does not want us: %s", kind,
			state->talk.text);
	else if (str_eq(who, "a TLS server"))
		probe_fail(run, "net.tls-required",
			"the port speaks TLS at once: leave `starttls` out");
	else
		probe_fail(run, "net.protocol", "%s%swanted %s with STARTTLS: \"%s\"",
			who != NULL ? who : "", who != NULL ? " answers, " : "", kind,
			state->talk.text);
}

static void
on_words(struct probe_run *run)
{
	const struct tls_conf *conf = probe_conf(run);
	struct tls_run *state = probe_state(run);
	struct buf *in = stream_in(state->stream), say;
	enum starttls_turn turn = STARTTLS_MORE;
	size_t eaten;

	buf_init(&say, 0);
	do {
		turn = starttls_hear(&state->talk, buf_head(in), buf_left(in), &eaten, &say);
		buf_drain(in, turn == STARTTLS_MORE || turn == STARTTLS_GO ? eaten : 0);
	} while (turn == STARTTLS_MORE && eaten > 0 && buf_left(in) > 0);
	if (say.len > 0)
		stream_write(state->stream, buf_head(&say), buf_left(&say));
	buf_fini(&say);
	if (turn == STARTTLS_GO) {
		state->is_talking = false;
		stream_start_tls(state->stream, conf->ctx,
			conf->server_name != NULL ? conf->server_name : conf->place.host);
	} else if (turn != STARTTLS_MORE) {
		fail_talk(run, turn);
	}
}

static void
on_event(void *arg, enum stream_event event)
{
	struct probe_run *run = arg;
	struct tls_run *state = probe_state(run);
	char peer[ADDR_TEXT];

	if (state->is_over)
		return; /* until the turn ends the connection may go on */
	switch (event) {
	case STREAM_OPEN:
		if (state->is_talking)
			on_words(run);
		else
			judge(run);
		break;
	case STREAM_DATA:
		if (state->is_talking)
			on_words(run);
		break;
	case STREAM_SENT:
		break;
	case STREAM_END:
		addr_text(stream_peer(state->stream), peer);
		report(run);
		probe_fail(run, "net.eof", "%s closed the connection before TLS began", peer);
		break;
	case STREAM_FAILED:
		report(run);
		net_fail(run, state->stream);
		break;
	}
}

/* --- life --- */

static struct tls_options
tls_options(const struct tls_conf *conf)
{
	return (struct tls_options){
		.ca = conf->ca,
		.cert = conf->cert,
		.key = conf->key,
		.is_unverified = !conf->is_verified,
	};
}

static void
start(struct probe_run *run)
{
	const struct tls_conf *conf = probe_conf(run);
	const struct io_env *env = probe_env(run);
	struct tls_run *state = probe_state(run);

	state->talk.kind = (enum starttls)conf->starttls;
	state->is_talking = state->talk.kind != STARTTLS_NONE;
	state->stream = stream_open(
		&(struct stream_options){
			.loop = env->loop,
			.resolver = env->resolver,
			.place = &conf->place,
			.tls = state->is_talking ? NULL : conf->ctx,
			.server_name = conf->server_name,
			.in_max = STARTTLS_BYTES_MAX,
			.full_handshake = true,
			.looks = true,
		},
		on_event, run);
}

static void
stop(struct probe_run *run)
{
	struct tls_run *state = probe_state(run);

	stream_close(state->stream);
	state->stream = NULL;
}

static const char *
stuck(struct probe_run *run, char *text, size_t size)
{
	const struct tls_conf *conf = probe_conf(run);
	const struct tls_run *state = probe_state(run);
	const char *cause;
	size_t len;

	if (state->stream == NULL)
		return "net.noreply";
	cause = net_stuck(run, state->stream, text, size);
	len = strlen(text);
	if (state->is_talking && state->talk.step > 0)
		snprintf(text + len, size - len, " in the words before TLS (%s)",
			starttls_names[conf->starttls]);
	return cause;
}

static void
check(void *conf_, const struct conf_node *map, const struct probe_setup *setup,
	struct complaints *complaints)
{
	struct tls_conf *conf = conf_;
	struct conf_pos pos = conf_pos_of(map, "address");
	const char *address = conf->address;
	struct tls_options tls = tls_options(conf);
	struct err e;

	if (address == NULL || conf->starttls < 0)
		return; /* complained about already */
	if (str_starts(address, "tls://"))
		address += strlen("tls://");
	if (place_parse(&conf->place, address, &e) < 0)
		complain(complaints, &pos, "address: %s", e.text);
	else if (address[0] == ':' && address[1] != ':')
		complain(complaints, &pos, "address: a host is missing, such as 127.0.0.1:443");
	else if (conf->place.path[0] == '\0' && conf->place.port == 0)
		conf->place.port = starttls_port((enum starttls)conf->starttls);
	if (conf->is_verified)
		net_check_name(&conf->place, conf->server_name, &pos, complaints);
	conf->ctx = setup->tls != NULL ? tls_ctx_get(setup->tls, &tls, &e) : NULL;
	if (conf->ctx == NULL && setup->tls != NULL)
		complain(complaints, &pos, "%s", e.text);
}

static void
reveal(const void *conf_, const char *instance, struct revealed *out)
{
	const struct tls_conf *conf = conf_;

	(void)instance;
	reveal_place(&conf->place, out);
}

static void
target(const void *conf_, const char *instance, char *out, size_t size)
{
	const struct tls_conf *conf = conf_;
	const char *address = conf->address != NULL ? conf->address : "";

	(void)instance;
	snprintf(out, size, "%s%s", str_starts(address, "tls://") ? "" : "tls://", address);
}

static const char *const schemes[] = { "tls", NULL };

const struct probe_type probe_type_tls = {
	.name = "tls",
	.summary = "Looks at the certificates that a TLS server shows.",
	.manual =
		"The handshake is always a full one, and the certificates are read even if they "
		"are "
		"not acceptable: `net.tls-verify` says whether one has expired, is not valid yet, "
		"is "
		"self-signed, is signed by nobody whom we trust or is for another name, and when "
		"it "
		"looks as if this host's clock were wrong. `days_left` is that of the certificate "
		"that ends first among those that were sent; one that the way to the authority "
		"does "
		"not use, such as an old cross-signature, is left out. A server without STARTTLS "
		"is "
		"`net.tls-unsupported`. With TLS 1.3 a server that insists on a client "
		"certificate says "
		"so only later: the fact `client certificate` tells that it asked for one.\n\n"
		"A MySQL server counts a visitor who leaves without logging in as a failed one, "
		"and after `max_connect_errors` of them in a row it refuses this host: look with "
		"`starttls: mysql` (or a plain `tcp` check of its port) only where a `mysql` check "
		"logs in, too, which takes the count back.",
	.fields = fields,
	.metrics = metrics,
	.conf_size = sizeof(struct tls_conf),
	.run_size = sizeof(struct tls_run),
	.is_network = true,
	.is_portable = true,
	.check = check,
	.target = target,
	.reveal = reveal,
	.start = start,
	.stop = stop,
	.stuck = stuck,
	.schemes = schemes,
	.url_key = "address",
};

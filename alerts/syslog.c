/*
 * Syslog: the socket of this host, or a server by UDP, TCP or TLS.  One try:
 *
 *	local  one datagram.  Nobody listening, or a full socket, is "later".
 *	udp    one datagram, then a moment for the ICMP error that says that nobody listens.
 *	stream connect -> line -> our end -> wait for theirs
 *
 * Syslog knows no acknowledgement, and a connection that is kept swallows what is written after the
 * other side has died.  So each line has a connection of its own, which proves that somebody is
 * there, and is closed from here first: who closes in order after that has read the line; who
 * closes with it unread sends a reset.  From one that keeps the connection open the receipt of its
 * kernel must do.
 */
#include "alerts/syslog_line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/fault_class.h"
#include "alerts/table.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/dgram.h"
#include "io/loop.h"
#include "io/stream.h"
#include "io/timer.h"
#include "io/tls.h"
#include "io/udp.h"
#include "io/url.h"

#define FULL_RETRY_US USEC_PER_SEC
#define REFUSAL_US    (100 * USEC_PER_MSEC) /* in which an ICMP error comes back */
#define LINGER_US     (2 * USEC_PER_SEC)    /* for their end of the connection */
#define LOOK_US       (50 * USEC_PER_MSEC)
#define HEARD_MAX     65536 /* a server has nothing to say */

enum way { WAY_LOCAL, WAY_UDP, WAY_TCP, WAY_TLS };
enum framing { FRAMING_OCTETS, FRAMING_LINES };

static const struct way_row {
	const char *scheme;
	uint16_t port;
} ways[] = {
	[WAY_LOCAL] = { "unix", 0 },
	[WAY_UDP] = { "udp", 514 },
	[WAY_TCP] = { "tcp", 601 },
	[WAY_TLS] = { "tls", 6514 },
};

struct syslog_conf {
	char *server, *socket;
	int facility, framing;
	int64_t max_size;
	bool is_verified;
	char *ca, *cert, *key;
	usec_t timeout_us;
	/* Made by check(). */
	enum way way;
	struct url url;
	char *origin;
	struct tls_ctx *tls;
};

struct syslog_run {
	struct dgram *dgram;
	struct udp *udp;
	struct stream *stream;
	struct timer timer;
	usec_t due_us;    /* the end of the try */
	usec_t linger_us; /* how long their end is waited for */
	bool is_sent, is_ended;
};

#define ROW struct syslog_conf

/* In the order of their numbers. */
static const char *const facilities[] = { "kern", "user", "mail", "daemon", "auth", "syslog", "lpr",
	"news", "uucp", "cron", "authpriv", "ftp", "ntp", "audit", "alert", "clock", "local0",
	"local1", "local2", "local3", "local4", "local5", "local6", "local7", NULL };
static const char *const framings[] = { "octets", "lines", NULL };

static const struct conf_field fields[] = {
	{ "server", URL_AT(ROW, server),
		.doc = "A syslog server: `udp://host:514`, `tcp://host:601` or `tls://host:6514` "
		       "(the ports may be left out). Without it the socket of this host.",
		.example = "tls://logs.example.com:6514" },
	{ "facility", ENUM_AT(ROW, facility, facilities), .dflt = "daemon",
		.doc = "The facility of every line." },
	{ "socket", PATH_AT(ROW, socket), .dflt = "/dev/log",
		.doc = "Where the syslog daemon of this host listens.", .flags = CONF_ADVANCED },
	{ "max_size", SIZE_AT(ROW, max_size), .dflt = "2KiB", .min = "480B", .max = "8KiB",
		.flags = CONF_ADVANCED,
		.doc = "The longest line. Every server takes 480 bytes, and should take 2048; by "
		       "UDP more than 1400 travels in pieces." },
	{ "framing", ENUM_AT(ROW, framing, framings), .dflt = "octets", .flags = CONF_ADVANCED,
		.doc = "How lines are told apart by TCP and TLS: their length before them (RFC "
		       "6587, 5425), or a line feed behind them for servers that know no other." },
	{ "ca", PATH_AT(ROW, ca), .flags = CONF_ADVANCED,
		.doc = "PEM file with the certificate authorities to trust, instead of the "
		       "system's." },
	{ "cert", PATH_AT(ROW, cert), .flags = CONF_ADVANCED,
		.doc = "PEM file with a client certificate." },
	{ "key", PATH_AT(ROW, key), .flags = CONF_ADVANCED,
		.doc = "PEM file with its key. Default: the same file as `cert`." },
	{ "verify", BOOL_AT(ROW, is_verified), .dflt = "true", .flags = CONF_ADVANCED,
		.doc = "Whether the server's certificate is verified." },
	{ "timeout", DURATION_AT(ROW, timeout_us), .dflt = "10s", .min = "1s", .max = "30s",
		.flags = CONF_ADVANCED, .doc = "How long one try over the network may take." },
	{ .type = CONF_END },
};

static const char manual[] =
	"Writes one line for each event, in order for each incident: facility `daemon`, severity "
	"`crit` for critical, `warning` for warning, `notice` for info and for what is over.  The "
	"key facts are an element that log processors can take apart: "
	"`[triaged@32473 incident=\"...\" severity=\"...\" check=\"...\" cause=\"...\"]`.\n\n"
	"Without `server` it goes to the local socket in the form that syslogd, rsyslog and "
	"journald read there, the element at the end of the line, and nothing is needed on the "
	"other side.  Sending never blocks; while nobody reads the socket the lines wait like any "
	"other notice.\n\n"
	"With `server` it is RFC 5424: the element as structured data, the event in upper case as "
	"MSGID.  For rsyslog:\n\n"
	"1. `module(load=\"imtcp\")` and `input(type=\"imtcp\" port=\"601\")`; for UDP `imudp`; "
	"for TLS a stream driver (`gtls` or `ossl`) in mode 1.\n"
	"2. Open the port to this host.\n"
	"3. Print the element with `%structured-data%`, or take it apart with `mmpstrucdata`.\n\n"
	"Syslog has no acknowledgement.  By TCP and TLS each line has a connection of its own, "
	"which is closed from here first.  It counts as taken when the server closes in order "
	"after that, because then it has read the line; what it does with it is not known.  "
	"From a server that keeps the connection open the receipt of its kernel counts, after 2 "
	"seconds.  What was refused, reset or not acknowledged is sent again, so a line may come "
	"twice, but none is lost on the way.  By UDP only a refusal (ICMP, within 0.1 seconds) is "
	"noticed: lines may get lost, and nobody is told.";

/* ---- settings ---- */

static void
check_tls(struct syslog_conf *conf, const struct conf_node *map, struct tls_pool *tls,
	struct complaints *complaints)
{
	static const char *const keys[] = { "ca", "cert", "key", "verify" };
	const struct tls_options options = {
		.ca = conf->ca,
		.cert = conf->cert,
		.key = conf->key == NULL ? conf->cert : conf->key,
		.is_unverified = !conf->is_verified,
	};
	struct conf_pos at = conf_pos_of(map, conf->ca == NULL ? "server" : "ca");
	struct err e;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && conf->way != WAY_TLS; i++) {
		struct conf_pos pos = conf_pos_of(map, keys[i]);

		if (!conf_is_absent(conf_get(map, keys[i])))
			complain(complaints, &pos, "%s: is for tls://... only", keys[i]);
	}
	if (conf->way != WAY_TLS)
		return;
	if (conf->key != NULL && conf->cert == NULL) {
		at = conf_pos_of(map, "key");
		complain(complaints, &at, "key: needs `cert`, the certificate that it belongs to");
		return;
	}
	conf->tls = tls == NULL ? NULL : tls_ctx_get(tls, &options, &e);
	if (tls != NULL && conf->tls == NULL)
		complain(complaints, &at, "%s", e.text);
}

static enum way
find_way(const char *scheme)
{
	for (enum way way = WAY_UDP; way <= WAY_TLS; way++) {
		if (str_eq(ways[way].scheme, scheme))
			return way;
	}
	return WAY_LOCAL;
}

static void
check_server(struct syslog_conf *conf, const struct conf_node *map, struct complaints *complaints)
{
	struct conf_pos at = conf_pos_of(map, "server");
	struct err e;

	if (url_parse(&conf->url, conf->server, &e) < 0) {
		complain(complaints, &at, "server: %s", e.text);
		return;
	}
	conf->way = find_way(conf->url.scheme);
	if (conf->url.place.port == 0)
		conf->url.place.port = ways[conf->way].port;
	conf->origin = url_origin(&conf->url);
	if (conf->way == WAY_LOCAL)
		complain(complaints, &at,
			"server: must begin with udp://, tcp:// or tls://; a socket of this host "
			"is `socket`");
	if (conf->url.user != NULL)
		complain(complaints, &at, "server: syslog knows no users and passwords");
	if (!str_eq(conf->url.target, "/"))
		complain(complaints, &at, "server: nothing may stand behind the port");
	if (!conf_is_absent(conf_get(map, "socket")))
		complain(complaints, &at, "server: there is `socket` too; take one of them out");
}

static void
check(void *arg, const struct conf_node *map, struct tls_pool *tls, struct complaints *complaints)
{
	struct syslog_conf *conf = arg;
	struct conf_pos at = conf_pos_of(map, "framing");

	if (conf->server != NULL)
		check_server(conf, map, complaints);
	if (conf->way < WAY_TCP && !conf_is_absent(conf_get(map, "framing")))
		complain(complaints, &at, "framing: is for tcp://... and tls://... only");
	check_tls(conf, map, tls, complaints);
}

static void
release(void *arg)
{
	struct syslog_conf *conf = arg;

	url_fini(&conf->url);
	free(conf->origin);
	conf->origin = NULL;
}

static const char *
place_of(const struct syslog_conf *conf)
{
	return conf->way == WAY_LOCAL || conf->origin == NULL ? conf->socket : conf->origin;
}

static void
target(const void *conf, char *out, size_t size)
{
	str_copy(out, size, place_of(conf));
}

static void
compose(const struct send_run *run, struct buf *line)
{
	const struct syslog_conf *conf = send_conf(run);
	const struct syslog_form form = {
		.is_network = conf->way != WAY_LOCAL,
		.facility = conf->facility,
		.host = send_daemon_name(run),
		.max = (size_t)conf->max_size,
	};

	buf_init(line, 0);
	syslog_line(line, &form, send_notice(run));
}

/* ---- this host ---- */

static void
send_local(struct send_run *run, const struct buf *line)
{
	const struct syslog_conf *conf = send_conf(run);
	struct syslog_run *state = send_state(run);
	struct err e = { .code = 0 };

	state->dgram = dgram_new(conf->socket);
	if (dgram_send(state->dgram, buf_head(line), buf_left(line), &e) == 0) {
		send_done(run, SEND_OK, 0, "written to %s", conf->socket);
		return;
	}
	send_blame(run, SEND_CLASS_LOCAL);
	if (e.code == EAGAIN || e.code == EWOULDBLOCK || e.code == ENOBUFS)
		send_done(run, SEND_LATER, FULL_RETRY_US, "%s: the socket is full", conf->socket);
	else if (e.code == ENOENT || e.code == ECONNREFUSED)
		send_done(run, SEND_LATER, 0, "%s: no syslog daemon listens there", conf->socket);
	else
		send_done(run, SEND_LATER, 0, "%s: %s", conf->socket, e.text);
}

/* ---- the network ---- */

static void
say(struct send_run *run, const char *words)
{
	send_show(run, '<', words, strlen(words));
}

static void
fail(struct send_run *run, enum send_class why, const char *words)
{
	const struct syslog_conf *conf = send_conf(run);

	timer_stop(&((struct syslog_run *)send_state(run))->timer);
	say(run, words);
	send_blame(run, why);
	send_done(run, SEND_LATER, 0, "%s: %s", conf->origin, words);
}

static void
succeed(struct send_run *run, const char *words)
{
	const struct syslog_conf *conf = send_conf(run);

	timer_stop(&((struct syslog_run *)send_state(run))->timer);
	say(run, words);
	send_done(run, SEND_OK, 0, "%s: %s", conf->origin, words);
}

static void
on_udp(void *arg, enum udp_event event)
{
	struct send_run *run = arg;
	const struct syslog_run *state = send_state(run);

	if (event == UDP_QUIET)
		succeed(run, "sent, and nobody refused it");
	else if (event == UDP_FAILED)
		fail(run, fault_class(udp_fault(state->udp)), udp_reason(state->udp));
}

static void
send_udp(struct send_run *run, const struct buf *line)
{
	const struct syslog_conf *conf = send_conf(run);
	struct syslog_run *state = send_state(run);
	const struct udp_options options = {
		.loop = send_env(run)->loop,
		.resolver = send_env(run)->resolver,
		.place = &conf->url.place,
		.data = buf_head(line),
		.len = buf_left(line),
		.quiet_us = REFUSAL_US,
	};

	state->udp = udp_open(&options, on_udp, run);
}

/* Whether the line has arrived, once it and our end have been handed to the kernel. */
static void
look(struct send_run *run)
{
	struct syslog_run *state = send_state(run);
	usec_t now = loop_now(send_env(run)->loop);
	long unread = stream_unacked(state->stream);

	if (unread < 0)
		fail(run, SEND_CLASS_NETWORK, "the connection broke before the line was read");
	else if (unread == 0 && state->is_ended && stream_is_ended(state->stream))
		succeed(run, "read, and the connection was closed in order");
	else if (unread == 0 && now >= state->linger_us)
		succeed(run, "received; the server keeps the connection open");
	else if (now >= state->due_us)
		fail(run, SEND_CLASS_TIMEOUT, "the line is not acknowledged");
	else
		timer_after(&state->timer, LOOK_US);
}

static void
on_timer(void *arg)
{
	struct send_run *run = arg;
	const struct syslog_run *state = send_state(run);
	char words[200] = "no answer";
	enum fault fault = FAULT_NOREPLY;

	if (state->is_sent) {
		look(run);
		return;
	}
	if (state->stream != NULL)
		fault = stream_stuck(state->stream, words, sizeof(words));
	else if (state->udp != NULL)
		fault = udp_stuck(state->udp, words, sizeof(words));
	fail(run, fault_class(fault), words);
}

static void
on_open(struct send_run *run)
{
	const struct syslog_conf *conf = send_conf(run);
	struct syslog_run *state = send_state(run);
	struct buf line;
	char length[24] = "";

	compose(run, &line);
	if (conf->framing == FRAMING_OCTETS)
		snprintf(length, sizeof(length), "%zu ", buf_left(&line));
	else
		buf_add(&line, "\n", 1);
	stream_write(state->stream, length, strlen(length));
	stream_write(state->stream, buf_head(&line), buf_left(&line));
	stream_finish(state->stream);
	buf_fini(&line);
}

static void
on_sent(struct send_run *run)
{
	struct syslog_run *state = send_state(run);

	state->is_sent = true;
	state->linger_us = loop_now(send_env(run)->loop) + LINGER_US;
	timer_after(&state->timer, LOOK_US);
}

/* It may come before we hear that all was sent. */
static void
on_end(struct send_run *run)
{
	struct syslog_run *state = send_state(run);

	state->is_ended = true;
	if (stream_unsent(state->stream) > 0) {
		fail(run, SEND_CLASS_NETWORK, "it closed the connection before it took the line");
		return;
	}
	if (!state->is_sent)
		on_sent(run);
	look(run);
}

static void
on_stream(void *arg, enum stream_event event)
{
	struct send_run *run = arg;
	struct syslog_run *state = send_state(run);

	switch (event) {
	case STREAM_OPEN:
		on_open(run);
		break;
	case STREAM_DATA: /* not part of the protocol, and not looked at */
		buf_drain(stream_in(state->stream), buf_left(stream_in(state->stream)));
		break;
	case STREAM_SENT:
		on_sent(run);
		break;
	case STREAM_END:
		on_end(run);
		break;
	case STREAM_FAILED:
		fail(run, fault_class(stream_fault(state->stream)), stream_reason(state->stream));
		break;
	}
}

static void
send_stream(struct send_run *run)
{
	const struct syslog_conf *conf = send_conf(run);
	const struct io_env *env = send_env(run);
	struct syslog_run *state = send_state(run);
	struct stream_options options = {
		.loop = env->loop,
		.resolver = env->resolver,
		.place = &conf->url.place,
		.tls = conf->tls,
		.in_max = HEARD_MAX,
	};

	if (conf->way == WAY_TLS && conf->tls == NULL) {
		send_blame(run, SEND_CLASS_TLS);
		send_done(run, SEND_LATER, 0, "%s: TLS is not set up", conf->origin);
		return;
	}
	state->stream = stream_open(&options, on_stream, run);
}

/* ---- one try ---- */

static void
start(struct send_run *run)
{
	const struct syslog_conf *conf = send_conf(run);
	struct syslog_run *state = send_state(run);
	usec_t now = loop_now(send_env(run)->loop);
	struct buf line;

	timer_init(&state->timer, send_env(run)->loop, on_timer, run);
	compose(run, &line);
	send_show(run, '>', buf_head(&line), buf_left(&line));
	state->due_us = now + conf->timeout_us;
	if (conf->way != WAY_LOCAL)
		timer_at(&state->timer, state->due_us);
	if (conf->way == WAY_LOCAL)
		send_local(run, &line);
	else if (conf->way == WAY_UDP)
		send_udp(run, &line);
	else
		send_stream(run);
	buf_fini(&line);
}

static void
stop(struct send_run *run)
{
	struct syslog_run *state = send_state(run);

	timer_stop(&state->timer);
	dgram_free(state->dgram);
	udp_close(state->udp);
	stream_close(state->stream);
	memset(state, 0, sizeof(*state));
}

const struct receiver_type receiver_type_syslog = {
	.name = "syslog",
	.summary = "The syslog daemon of this host, or a server by UDP, TCP or TLS.",
	.manual = manual,
	.fields = fields,
	.conf_size = sizeof(struct syslog_conf),
	.run_size = sizeof(struct syslog_run),
	.rate_per_second = 200, /* a backlog must not hold the loop */
	.timeout_us = 31 * USEC_PER_SEC,
	.check = check,
	.release = release,
	.target = target,
	.start = start,
	.stop = stop,
};

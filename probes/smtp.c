/*
 * SMTP: greets a mail server, asks what it offers, goes over to TLS, perhaps logs in, and leaves.
 * No mail is sent.
 *
 *	greeting -> EHLO -> (STARTTLS -> TLS -> EHLO) -> (AUTH) -> QUIT
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "io/loop.h"
#include "io/smtp_reply.h"
#include "io/stream.h"
#include "io/tls.h"
#include "probes/net.h"
#include "probes/smtp_conf.h"
#include "probes/tls_facts.h"

enum { SMTP_TLS_DAYS_LEFT = PHASE_COUNT };

static const struct metric_desc metrics[] = {
	METRIC_PHASE_ROWS,
	[SMTP_TLS_DAYS_LEFT] = { "tls_days_left", METRIC_GAUGE, UNIT_SECONDS,
		"Time until the first certificate ends, of those that were sent and are needed: a "
		"duration, as in `tls_days_left < 21d`." },
	{ .name = NULL },
};

enum step { STEP_GREETING, STEP_EHLO, STEP_STARTTLS, STEP_HANDSHAKE, STEP_AUTH, STEP_QUIT };

struct smtp_run {
	struct stream *stream;
	enum step step;
	bool is_secure; /* TLS stands */
	bool is_over;
	usec_t opened_us;
	char offers_auth[128];
	char last[300]; /* what the server said last */
};

static const char *const step_names[] = {
	[STEP_GREETING] = "the greeting",
	[STEP_EHLO] = "EHLO",
	[STEP_STARTTLS] = "STARTTLS",
	[STEP_HANDSHAKE] = "the TLS handshake",
	[STEP_AUTH] = "the login",
	[STEP_QUIT] = "QUIT",
};

/* --- what is said at the end --- */

static void
report(struct probe_run *run)
{
	struct smtp_run *state = probe_state(run);
	const struct smtp_conf *conf = probe_conf(run);
	const struct tls_chain *chain = stream_tls_chain(state->stream);

	state->is_over = true;
	net_report(run, state->stream);
	if (chain != NULL)
		tls_facts_report(run, chain, SMTP_TLS_DAYS_LEFT);
	if (chain != NULL && !conf->is_verified)
		probe_fact(run, "tls", "the certificate is not verified (verify: false)");
}

static void
fail(struct probe_run *run, const char *cause, const char *words)
{
	const struct smtp_run *state = probe_state(run);

	report(run);
	probe_fail(run, cause, "%s: the server says %s", words, state->last);
}

static void
succeed(struct probe_run *run)
{
	const struct smtp_run *state = probe_state(run);
	char peer[ADDR_TEXT];

	addr_text(stream_peer(state->stream), peer);
	report(run);
	probe_ok(run, "%s takes mail%s", peer, state->is_secure ? ", over TLS" : ", without TLS");
}

/* --- what is said to the server --- */

static void
tell(struct probe_run *run, enum step step, const char *line)
{
	struct smtp_run *state = probe_state(run);

	state->step = step;
	stream_write(state->stream, line, strlen(line));
}

static void
say_ehlo(struct probe_run *run)
{
	const struct smtp_conf *conf = probe_conf(run);
	char line[300];

	snprintf(line, sizeof(line), "EHLO %.250s\r\n", conf->ehlo);
	tell(run, STEP_EHLO, line);
}

static void
say_auth(struct probe_run *run)
{
	const struct smtp_conf *conf = probe_conf(run);
	const struct smtp_run *state = probe_state(run);
	struct buf line;

	if (conf->user == NULL) {
		tell(run, STEP_QUIT, "QUIT\r\n");
		return;
	}
	if (strstr(state->offers_auth, "PLAIN") == NULL) {
		report(run);
		probe_fail(run, "smtp.no-auth", "the server offers %s%s",
			state->offers_auth[0] != '\0' ? "no login that we know, only "
						      : "no login at all",
			state->offers_auth);
		return;
	}
	buf_init(&line, 0);
	smtp_conf_add_login(conf, &line);
	tell(run, STEP_AUTH, buf_text(&line));
	buf_fini(&line);
}

/* --- replies --- */

/* Encryption by chance, as between mail servers: a doubtful certificate is told, no more. */
static bool
is_chain_acceptable(struct probe_run *run)
{
	const struct smtp_conf *conf = probe_conf(run);
	const struct smtp_run *state = probe_state(run);
	const struct tls_chain *chain = stream_tls_chain(state->stream);
	char why[TLS_WHY_MAX];

	if (chain == NULL || chain->doubts == 0)
		return true;
	tls_facts_why(chain, loop_wall(probe_env(run)->loop), why, sizeof(why));
	if (conf->is_tls || conf->starttls == SMTP_STARTTLS_REQUIRED) {
		report(run);
		probe_fail(run, "net.tls-verify", "%s", why);
		return false;
	}
	probe_note(run, "smtp.cert-doubtful", "%s", why);
	return true;
}

static void
on_greeting(struct probe_run *run, const struct smtp_reply *reply)
{
	struct smtp_run *state = probe_state(run);

	(void)reply;
	probe_phase(run, PHASE_FIRST_BYTE, loop_now(probe_env(run)->loop) - state->opened_us);
	probe_fact(run, "greeting", "%s", state->last);
	say_ehlo(run);
}

static void
on_ehlo(struct probe_run *run, const struct smtp_reply *reply)
{
	const struct smtp_conf *conf = probe_conf(run);
	struct smtp_run *state = probe_state(run);
	const char *data = buf_head(stream_in(state->stream));
	char rest[64];

	if (!smtp_reply_offers(
		    data, reply->len, "AUTH", state->offers_auth, sizeof(state->offers_auth)))
		state->offers_auth[0] = '\0';
	probe_fact(run, "offers", "%s", reply->text);
	if (state->is_secure || conf->starttls == SMTP_STARTTLS_OFF) {
		say_auth(run);
	} else if (smtp_reply_offers(data, reply->len, "STARTTLS", rest, sizeof(rest))) {
		tell(run, STEP_STARTTLS, "STARTTLS\r\n");
	} else if (conf->starttls == SMTP_STARTTLS_REQUIRED) {
		report(run);
		probe_fail(
			run, "smtp.no-starttls", "the server offers no STARTTLS: %s", reply->text);
	} else {
		say_auth(run);
	}
}

static void
on_starttls(struct probe_run *run, const struct smtp_reply *reply)
{
	struct smtp_run *state = probe_state(run);

	(void)reply;
	state->step = STEP_HANDSHAKE; /* on_data begins it, once the reply is eaten */
}

static void
begin_tls(struct probe_run *run)
{
	const struct smtp_conf *conf = probe_conf(run);
	struct smtp_run *state = probe_state(run);

	stream_start_tls(state->stream, conf->ctx,
		conf->server_name != NULL ? conf->server_name : conf->place.host);
}

static void
on_auth(struct probe_run *run, const struct smtp_reply *reply)
{
	(void)reply;
	tell(run, STEP_QUIT, "QUIT\r\n");
}

static void
on_quit(struct probe_run *run, const struct smtp_reply *reply)
{
	(void)reply;
	succeed(run);
}

/* What each step wants to hear, and what a refusal is. */
static const struct {
	int code;
	void (*go)(struct probe_run *run, const struct smtp_reply *reply);
	const char *busy, *refused; /* causes of 4xx and 5xx */
} steps[] = {
	[STEP_GREETING] = { 220, on_greeting, "smtp.busy", "smtp.rejected" },
	[STEP_EHLO] = { 250, on_ehlo, "smtp.busy", "smtp.rejected" },
	[STEP_STARTTLS] = { 220, on_starttls, "smtp.no-starttls", "smtp.no-starttls" },
	[STEP_HANDSHAKE] = { 0, NULL, "net.protocol", "net.protocol" },
	[STEP_AUTH] = { 235, on_auth, "smtp.busy", "smtp.auth" },
	[STEP_QUIT] = { 221, on_quit, "smtp.busy", "smtp.rejected" },
};

static void
on_reply(struct probe_run *run, const struct smtp_reply *reply)
{
	struct smtp_run *state = probe_state(run);
	enum step step = state->step;
	char words[64];

	snprintf(state->last, sizeof(state->last), "%d %.250s", reply->code, reply->text);
	if (step == STEP_AUTH && smtp_conf_is_repeated(probe_conf(run), state->last))
		snprintf(state->last, sizeof(state->last), "%d and repeats what we logged in with",
			reply->code);
	if (reply->code == steps[step].code) {
		steps[step].go(run, reply);
		return;
	}
	snprintf(words, sizeof(words), "%s is refused", step_names[step]);
	if (reply->code >= 500)
		fail(run, steps[step].refused, words);
	else if (reply->code >= 400)
		fail(run, steps[step].busy, words);
	else
		fail(run, "net.protocol", step_names[step]);
}

static void
on_data(struct probe_run *run)
{
	struct smtp_run *state = probe_state(run);
	struct buf *in = stream_in(state->stream);
	struct smtp_reply reply;

	while (!state->is_over && state->step != STEP_HANDSHAKE && buf_left(in) > 0) {
		enum smtp_read read = smtp_reply_read(buf_head(in), buf_left(in), &reply);

		if (read == SMTP_MORE)
			return;
		if (read == SMTP_BROKEN) {
			report(run);
			net_fail_protocol(run, "an SMTP reply", buf_head(in), buf_left(in));
			return;
		}
		on_reply(run, &reply);
		buf_drain(in, reply.len);
		if (!state->is_over && state->step == STEP_HANDSHAKE)
			begin_tls(run);
	}
}

static void
on_open(struct probe_run *run)
{
	const struct smtp_conf *conf = probe_conf(run);
	struct smtp_run *state = probe_state(run);

	if (state->step == STEP_HANDSHAKE) {
		state->is_secure = true;
		if (is_chain_acceptable(run))
			say_ehlo(run);
		return;
	}
	state->opened_us = loop_now(probe_env(run)->loop);
	state->is_secure = conf->is_tls;
	is_chain_acceptable(run);
}

static void
on_end(struct probe_run *run)
{
	struct smtp_run *state = probe_state(run);
	const struct buf *in = stream_in(state->stream);

	on_data(run);
	if (state->is_over)
		return;
	if (state->step == STEP_QUIT) {
		succeed(run); /* a server that hangs up at QUIT is in a hurry, not ill */
		return;
	}
	report(run);
	if (buf_left(in) > 0)
		net_fail_protocol(run, "an SMTP reply", buf_head(in), buf_left(in));
	else
		probe_fail(run, "net.eof",
			"the server closed the connection instead of answering "
			"at %s",
			step_names[state->step]);
}

static void
on_event(void *arg, enum stream_event event)
{
	struct probe_run *run = arg;
	struct smtp_run *state = probe_state(run);

	if (state->is_over)
		return; /* until the turn ends the connection may go on */
	switch (event) {
	case STREAM_OPEN:
		on_open(run);
		break;
	case STREAM_DATA:
		on_data(run);
		break;
	case STREAM_SENT:
		break;
	case STREAM_END:
		on_end(run);
		break;
	case STREAM_FAILED:
		if (state->step == STEP_QUIT) {
			succeed(run);
			break;
		}
		report(run);
		net_fail(run, state->stream);
		break;
	}
}

/* --- life --- */

static void
start(struct probe_run *run)
{
	const struct smtp_conf *conf = probe_conf(run);
	const struct io_env *env = probe_env(run);
	struct smtp_run *state = probe_state(run);

	state->stream = stream_open(
		&(struct stream_options){
			.loop = env->loop,
			.resolver = env->resolver,
			.place = &conf->place,
			.tls = conf->is_tls ? conf->ctx : NULL,
			.server_name = conf->server_name,
			.in_max = SMTP_REPLY_MAX,
			.full_handshake = true,
			.looks = true,
		},
		on_event, run);
}

static void
stop(struct probe_run *run)
{
	struct smtp_run *state = probe_state(run);

	stream_close(state->stream);
	state->stream = NULL;
}

static const char *
stuck(struct probe_run *run, char *text, size_t size)
{
	const struct smtp_run *state = probe_state(run);
	const char *cause;
	size_t len;

	if (state->stream == NULL)
		return "net.noreply";
	cause = net_stuck(run, state->stream, text, size);
	report(run);
	if (state->opened_us > 0 && state->step != STEP_HANDSHAKE &&
		buf_left(stream_in(state->stream)) > 0)
		snprintf(text, size, "the server's reply does not end");
	len = strlen(text);
	if (state->opened_us > 0)
		snprintf(text + len, size - len, " at %s", step_names[state->step]);
	return cause;
}

static const char *const schemes[] = { "smtp", "smtps", NULL };

const struct probe_type probe_type_smtp = {
	.name = "smtp",
	.summary = "Speaks to a mail server as far as mail could be handed over.",
	.manual =
		"Greeting, EHLO, STARTTLS, a login where one is given, QUIT; no mail is sent. A "
		"server that "
		"is busy (4xx) is told from one that does not want us (5xx). With `starttls: true` "
		"TLS is "
		"used where it is offered and a doubtful certificate is a note, as mail servers do "
		"it among "
		"themselves; `required` insists on both. A greeting that comes late is often a "
		"server that "
		"waits for its own DNS: look at `first_byte_time`.",
	.fields = smtp_fields,
	.metrics = metrics,
	.conf_size = sizeof(struct smtp_conf),
	.run_size = sizeof(struct smtp_run),
	.is_network = true,
	.is_portable = true,
	.check = smtp_conf_check,
	.target = smtp_conf_target,
	.reveal = smtp_conf_reveal,
	.start = start,
	.stop = stop,
	.stuck = stuck,
	.schemes = schemes,
	.url_key = "address",
};

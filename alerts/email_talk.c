/* The dialogue with a mail server: each step knows what it wants to hear and what comes next. */
#include "alerts/email_talk.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "alerts/fault_class.h"
#include "alerts/mime.h"
#include "base/secret.h"
#include "base/str.h"
#include "io/hmac.h"
#include "io/loop.h"

#define QUIT_US (2 * USEC_PER_SEC) /* for the good-bye: everything is decided by then */

static const char *const step_names[EMAIL_STEPS] = {
	[EMAIL_GREETING] = "the greeting",
	[EMAIL_EHLO] = "EHLO",
	[EMAIL_STARTTLS] = "STARTTLS",
	[EMAIL_HANDSHAKE] = "the TLS handshake",
	[EMAIL_AUTH] = "the login",
	[EMAIL_AUTH_USER] = "the login",
	[EMAIL_AUTH_PASSWORD] = "the login",
	[EMAIL_MAIL] = "the sender",
	[EMAIL_RCPT] = "a recipient",
	[EMAIL_DATA] = "DATA",
	[EMAIL_DOT] = "the mail",
	[EMAIL_QUIT] = "QUIT",
};

/* ---- the end ---- */

static void
finish(struct send_run *run)
{
	struct email_run *state = send_state(run);

	if (state->is_over)
		return;
	state->is_over = true;
	timer_stop(&state->timer);
	send_blame(run, state->verdict.why);
	send_done(run, state->verdict.result, 0, "%s", state->verdict.text);
}

/* Says a line; `shown` is what `triage test` sees of it, NULL: all. */
static void
tell(struct send_run *run, enum email_step step, const char *line, const char *shown)
{
	struct email_run *state = send_state(run);

	shown = shown == NULL ? line : shown;
	send_show(run, '>', shown, strlen(shown));
	state->step = step;
	stream_write(state->stream, line, strlen(line));
}

/* Everything is decided; what is left is to be polite, not for long. */
static void
leave(struct send_run *run)
{
	struct email_run *state = send_state(run);

	tell(run, EMAIL_QUIT, "QUIT\r\n", NULL);
	timer_after(&state->timer, QUIT_US);
}

static void decide(struct send_run *run, enum send_result result, enum send_class why,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void
decide(struct send_run *run, enum send_result result, enum send_class why, const char *fmt, ...)
{
	struct email_run *state = send_state(run);
	va_list ap;

	state->verdict.result = result;
	state->verdict.why = why;
	va_start(ap, fmt);
	vsnprintf(state->verdict.text, sizeof(state->verdict.text), fmt, ap);
	va_end(ap);
}

/* The mail may have arrived, and the answer got lost. */
static void
break_off(struct send_run *run, enum send_class why, const char *words)
{
	const struct email_run *state = send_state(run);

	if (state->step == EMAIL_DOT)
		decide(run, SEND_LATER, why,
			"%s, after the mail was sent and before its receipt: it may have arrived, "
			"and comes again with the same Message-ID",
			words);
	else
		decide(run, SEND_LATER, why, "%s, at %s", words, step_names[state->step]);
	finish(run);
}

/* ---- the login ---- */

static void
say_secret(struct send_run *run, enum email_step step, const char *before, const char *secret,
	size_t len)
{
	char digits[BASE64_SIZE(EMAIL_LOGIN_MAX)], line[sizeof(digits) + 32], shown[48];

	base64_encode(digits, secret, len);
	snprintf(line, sizeof(line), "%s%s\r\n", before, digits);
	snprintf(shown, sizeof(shown), "%s***", before);
	tell(run, step, line, shown);
	secret_wipe(digits, sizeof(digits));
	secret_wipe(line, sizeof(line));
}

static void say_mail(struct send_run *run);

static void
say_auth(struct send_run *run)
{
	const struct email_conf *conf = send_conf(run);
	const struct email_run *state = send_state(run);
	char plain[EMAIL_LOGIN_MAX];

	if (email_conf_user(conf) == NULL) {
		say_mail(run);
	} else if (!state->is_secure && !addr_is_loopback(stream_peer(state->stream))) {
		decide(run, SEND_LATER, SEND_CLASS_TLS,
			"the server offers no STARTTLS, and the password is not sent in the open");
		leave(run);
	} else if (email_login_is_offered(state->auth, "PLAIN")) {
		say_secret(run, EMAIL_AUTH, "AUTH PLAIN ", plain, email_login_plain(conf, plain));
		secret_wipe(plain, sizeof(plain));
	} else if (email_login_is_offered(state->auth, "LOGIN")) {
		tell(run, EMAIL_AUTH, "AUTH LOGIN\r\n", NULL);
	} else {
		decide(run, SEND_LATER, SEND_CLASS_AUTH,
			"the server offers no login that is known here (PLAIN, LOGIN)%s%s",
			state->auth[0] == '\0' ? "" : ", only ", state->auth);
		leave(run);
	}
}

static void
on_auth(struct send_run *run, const struct smtp_reply *reply)
{
	const struct email_conf *conf = send_conf(run);
	const struct email_run *state = send_state(run);
	const char *user = email_conf_user(conf), *password = email_conf_password(conf);

	if (reply->code == 235)
		say_mail(run);
	else if (state->step == EMAIL_AUTH)
		say_secret(run, EMAIL_AUTH_USER, "", user, strlen(user));
	else
		say_secret(run, EMAIL_AUTH_PASSWORD, "", password, strlen(password));
}

/* ---- greeting, EHLO, TLS ---- */

/* "[192.0.2.7]", "[IPv6:2001:db8::7]" (RFC 5321 4.1.3) */
static void
own_address(const struct stream *stream, char *out, size_t size)
{
	struct sockaddr_storage at = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(at);
	char text[INET6_ADDRSTRLEN] = "127.0.0.1";
	const void *in = &((struct sockaddr_in *)(void *)&at)->sin_addr;

	if (getsockname(stream_fd(stream), (struct sockaddr *)(void *)&at, &len) == 0 &&
		(at.ss_family == AF_INET || at.ss_family == AF_INET6)) {
		if (at.ss_family == AF_INET6)
			in = &((struct sockaddr_in6 *)(void *)&at)->sin6_addr;
		inet_ntop(at.ss_family, in, text, sizeof(text));
	}
	snprintf(out, size, "[%s%s]", strchr(text, ':') != NULL ? "IPv6:" : "", text);
}

static void
say_ehlo(struct send_run *run)
{
	const struct email_conf *conf = send_conf(run);
	const struct email_run *state = send_state(run);
	char own[80], line[300];

	own_address(state->stream, own, sizeof(own));
	snprintf(line, sizeof(line), "EHLO %.255s\r\n", conf->ehlo != NULL ? conf->ehlo : own);
	tell(run, EMAIL_EHLO, line, NULL);
}

static void
on_greeting(struct send_run *run, const struct smtp_reply *reply)
{
	(void)reply;
	say_ehlo(run);
}

/* What was offered before TLS counts no more (RFC 3207 4.2). */
static void
read_offers(struct email_run *state, const char *data, size_t len)
{
	char rest[64];

	state->has_pipelining = smtp_reply_offers(data, len, "PIPELINING", rest, sizeof(rest));
	state->has_utf8 = smtp_reply_offers(data, len, "SMTPUTF8", rest, sizeof(rest));
	state->size_max = 0;
	if (smtp_reply_offers(data, len, "SIZE", rest, sizeof(rest)))
		state->size_max = strtoll(rest, NULL, 10);
	if (!smtp_reply_offers(data, len, "AUTH", state->auth, sizeof(state->auth)))
		state->auth[0] = '\0';
}

static void
on_ehlo(struct send_run *run, const struct smtp_reply *reply)
{
	const struct email_conf *conf = send_conf(run);
	struct email_run *state = send_state(run);
	const char *data = buf_head(stream_in(state->stream));
	char rest[64];

	read_offers(state, data, reply->len);
	if (state->is_secure || conf->mode == EMAIL_STARTTLS_OFF) {
		say_auth(run);
	} else if (smtp_reply_offers(data, reply->len, "STARTTLS", rest, sizeof(rest))) {
		tell(run, EMAIL_STARTTLS, "STARTTLS\r\n", NULL);
	} else if (conf->mode == EMAIL_STARTTLS_REQUIRED) {
		decide(run, SEND_LATER, SEND_CLASS_TLS,
			"the server offers no STARTTLS, so nothing is sent to it: use smtps://, or "
			"set starttls: off if the way to it is safe");
		leave(run);
	} else {
		say_auth(run);
	}
}

static void
on_starttls(struct send_run *run, const struct smtp_reply *reply)
{
	struct email_run *state = send_state(run);

	(void)reply;
	state->step = EMAIL_HANDSHAKE; /* on_data begins it, once the reply is eaten */
}

/* ---- the mail ---- */

static void
say_rcpt(struct send_run *run, size_t who)
{
	const struct email_conf *conf = send_conf(run);
	char line[300];

	snprintf(line, sizeof(line), "RCPT TO:<%.254s>\r\n", conf->people[who].address);
	tell(run, EMAIL_RCPT, line, NULL);
}

/* Whose address the server cannot understand, is not asked for. */
static void
drop_foreign(struct send_run *run)
{
	const struct email_conf *conf = send_conf(run);
	struct email_run *state = send_state(run);

	for (size_t i = 0; i < conf->people_count; i++) {
		struct email_person *person = &state->people[i];

		if (person->fate != EMAIL_WAITS || conf->people[i].is_ascii || state->has_utf8)
			continue;
		person->fate = EMAIL_NEVER;
		str_copy(person->said, sizeof(person->said),
			"the server takes ASCII addresses only (no SMTPUTF8)");
	}
}

static void
conclude(struct send_run *run)
{
	struct email_run *state = send_state(run);

	email_people_conclude(run, &state->verdict);
	leave(run);
}

static bool
needs_utf8(const struct send_run *run)
{
	const struct email_conf *conf = send_conf(run);

	for (size_t i = 0; i < conf->people_count; i++) {
		if (!conf->people[i].is_ascii)
			return true;
	}
	return !conf->sender.is_ascii;
}

/* With PIPELINING all is asked in one go, and the answers come in the same order. */
static void
say_mail(struct send_run *run)
{
	const struct email_conf *conf = send_conf(run);
	struct email_run *state = send_state(run);
	char line[400], size[40] = "";
	struct buf mail;

	drop_foreign(run);
	if (!conf->sender.is_ascii && !state->has_utf8) {
		decide(run, SEND_NEVER, SEND_CLASS_CLIENT,
			"from: the server takes ASCII addresses only (no SMTPUTF8)");
		leave(run);
		return;
	}
	state->asked = email_people_next(run, 0);
	if (state->asked == conf->people_count) {
		conclude(run);
		return;
	}
	buf_init(&mail, 0);
	if (!email_write(run, &mail)) {
		decide(run, SEND_NEVER, SEND_CLASS_CLIENT,
			"the server takes mails of %lld bytes only", state->size_max);
		leave(run);
		buf_fini(&mail);
		return;
	}
	if (state->size_max > 0)
		snprintf(size, sizeof(size), " SIZE=%zu", buf_left(&mail));
	buf_fini(&mail);
	snprintf(line, sizeof(line), "MAIL FROM:<%.254s>%s%s\r\n", conf->sender.address, size,
		needs_utf8(run) && state->has_utf8 ? " SMTPUTF8" : "");
	tell(run, EMAIL_MAIL, line, NULL);
	if (!state->has_pipelining)
		return;
	for (size_t i = state->asked; i < conf->people_count; i = email_people_next(run, i + 1))
		say_rcpt(run, i);
	state->step = EMAIL_MAIL;
}

static void
on_mail(struct send_run *run, const struct smtp_reply *reply)
{
	struct email_run *state = send_state(run);

	(void)reply;
	state->step = EMAIL_RCPT;
	if (!state->has_pipelining)
		say_rcpt(run, state->asked);
}

/* Each answer is for one person; a refusal is his alone, unless the server shuts down. */
static void
on_rcpt(struct send_run *run, const struct smtp_reply *reply)
{
	const struct email_conf *conf = send_conf(run);
	struct email_run *state = send_state(run);

	email_people_judge(run, reply);
	state->asked = email_people_next(run, state->asked + 1);
	if (state->asked < conf->people_count) {
		if (!state->has_pipelining)
			say_rcpt(run, state->asked);
	} else if (email_people_count(run, EMAIL_TAKEN_BY_SERVER) > 0) {
		tell(run, EMAIL_DATA, "DATA\r\n", NULL);
	} else {
		conclude(run);
	}
}

/* `triage test` sees the headers; the parts are encoded, and long. */
static void
show_mail(struct send_run *run, const struct buf *mail)
{
	const char *text = buf_text(mail), *end = strstr(text, "\r\n\r\n");
	size_t len = end == NULL ? buf_left(mail) : (size_t)(end - text);
	char line[80];

	send_show(run, '>', text, len);
	snprintf(line, sizeof(line), "(and its parts, %zu bytes in all)", buf_left(mail));
	send_show(run, '>', line, strlen(line));
}

static void
on_data_wanted(struct send_run *run, const struct smtp_reply *reply)
{
	struct email_run *state = send_state(run);
	struct buf mail, out;

	(void)reply;
	buf_init(&mail, 0);
	buf_init(&out, 0);
	email_write(run, &mail);
	show_mail(run, &mail);
	mime_add_stuffed(&out, buf_text(&mail), buf_left(&mail));
	stream_write(state->stream, buf_head(&out), buf_left(&out));
	tell(run, EMAIL_DOT, ".\r\n", NULL);
	buf_fini(&mail);
	buf_fini(&out);
}

static void
on_receipt(struct send_run *run, const struct smtp_reply *reply)
{
	(void)reply;
	email_people_served(run);
	if (email_people_count(run, EMAIL_WAITS) > 0)
		say_mail(run);
	else
		conclude(run);
}

static void
on_bye(struct send_run *run, const struct smtp_reply *reply)
{
	(void)reply;
	finish(run);
}

/* ---- replies ---- */

/* What each step wants to hear.  on_rcpt and on_bye judge by themselves. */
static const struct step {
	int codes[2];
	void (*go)(struct send_run *run, const struct smtp_reply *reply);
	bool takes_all;
} steps[EMAIL_STEPS] = {
	[EMAIL_GREETING] = { { 220 }, on_greeting, false },
	[EMAIL_EHLO] = { { 250 }, on_ehlo, false },
	[EMAIL_STARTTLS] = { { 220 }, on_starttls, false },
	[EMAIL_AUTH] = { { 235, 334 }, on_auth, false },
	[EMAIL_AUTH_USER] = { { 334 }, on_auth, false },
	[EMAIL_AUTH_PASSWORD] = { { 235 }, on_auth, false },
	[EMAIL_MAIL] = { { 250 }, on_mail, false },
	[EMAIL_RCPT] = { { 0 }, on_rcpt, true },
	[EMAIL_DATA] = { { 354 }, on_data_wanted, false },
	[EMAIL_DOT] = { { 250 }, on_receipt, false },
	[EMAIL_QUIT] = { { 0 }, on_bye, true },
};

static void
refuse(struct send_run *run, const struct smtp_reply *reply)
{
	const struct email_run *state = send_state(run);
	struct email_meaning meaning = email_judge(state->step, reply);

	decide(run, meaning.result, meaning.why, "the server refuses %s: %d %s",
		step_names[state->step], reply->code, reply->text);
	leave(run);
}

static void
on_reply(struct send_run *run, struct smtp_reply *reply)
{
	struct email_run *state = send_state(run);
	const struct step *step = &steps[state->step];

	if (email_login_is_repeated(send_conf(run), reply->text))
		snprintf(reply->text, sizeof(reply->text), "(it repeats what we logged in with)");
	if (step->takes_all && reply->code != 421)
		step->go(run, reply);
	else if (state->step == EMAIL_QUIT)
		finish(run);
	else if (reply->code == step->codes[0] || reply->code == step->codes[1])
		step->go(run, reply);
	else
		refuse(run, reply);
}

static void
show_reply(struct send_run *run, const struct smtp_reply *reply)
{
	char line[sizeof(reply->text) + 8];

	snprintf(line, sizeof(line), "%d %s", reply->code,
		email_login_is_repeated(send_conf(run), reply->text)
			? "(it repeats what we logged in with)"
			: reply->text);
	send_show(run, '<', line, strlen(line));
}

static void
begin_tls(struct send_run *run)
{
	const struct email_conf *conf = send_conf(run);
	struct email_run *state = send_state(run);

	stream_start_tls(state->stream, conf->ctx,
		conf->server_name != NULL ? conf->server_name : conf->url.place.host);
}

static void
on_alien(struct send_run *run)
{
	struct email_run *state = send_state(run);
	const struct buf *in = stream_in(state->stream);
	char shown[80];

	str_printable(shown, sizeof(shown), buf_head(in), buf_left(in) < 60 ? buf_left(in) : 60);
	if (email_login_is_repeated(send_conf(run), shown))
		shown[0] = '\0';
	if (state->step == EMAIL_QUIT) {
		finish(run);
		return;
	}
	send_show(run, '<', shown, strlen(shown));
	break_off(run, SEND_CLASS_SERVER, "the answer is no SMTP");
}

static void
on_data(struct send_run *run)
{
	struct email_run *state = send_state(run);
	struct buf *in = stream_in(state->stream);
	struct smtp_reply reply;

	while (!state->is_over && state->step != EMAIL_HANDSHAKE && buf_left(in) > 0) {
		enum smtp_read read = smtp_reply_read(buf_head(in), buf_left(in), &reply);

		if (read == SMTP_MORE)
			return;
		if (read == SMTP_BROKEN) {
			on_alien(run);
			return;
		}
		show_reply(run, &reply);
		on_reply(run, &reply);
		buf_drain(in, reply.len);
		if (!state->is_over && state->step == EMAIL_HANDSHAKE)
			begin_tls(run);
	}
}

/* ---- the connection ---- */

static void
on_open(struct send_run *run)
{
	const struct email_conf *conf = send_conf(run);
	struct email_run *state = send_state(run);

	if (state->step == EMAIL_HANDSHAKE) {
		state->is_secure = true;
		send_show(run, '<', "(TLS)", 5);
		say_ehlo(run);
		return;
	}
	state->is_secure = conf->is_tls;
}

static void
on_event(void *arg, enum stream_event event)
{
	struct send_run *run = arg;
	struct email_run *state = send_state(run);

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
		on_data(run);
		if (state->step == EMAIL_QUIT)
			finish(run);
		else if (!state->is_over)
			break_off(run, SEND_CLASS_NETWORK, "the server closed the connection");
		break;
	case STREAM_FAILED:
		if (state->step == EMAIL_QUIT)
			finish(run);
		else
			break_off(run, fault_class(stream_fault(state->stream)),
				stream_reason(state->stream));
		break;
	}
}

static void
on_timeout(void *arg)
{
	struct send_run *run = arg;
	struct email_run *state = send_state(run);
	enum fault fault;
	char words[200];

	if (state->step == EMAIL_QUIT) {
		finish(run);
		return;
	}
	fault = stream_stuck(state->stream, words, sizeof(words));
	break_off(run, fault_class(fault), words);
}

void
email_talk_start(struct send_run *run)
{
	const struct email_conf *conf = send_conf(run);
	const struct io_env *env = send_env(run);
	struct email_run *state = send_state(run);

	timer_init(&state->timer, env->loop, on_timeout, run);
	timer_after(&state->timer, conf->timeout_us);
	state->stream = stream_open(
		&(struct stream_options){
			.loop = env->loop,
			.resolver = env->resolver,
			.place = &conf->url.place,
			.tls = conf->is_tls ? conf->ctx : NULL,
			.server_name = conf->server_name,
			.in_max = 2 * SMTP_REPLY_MAX,
		},
		on_event, run);
}

void
email_talk_stop(struct send_run *run)
{
	struct email_run *state = send_state(run);

	if (state->stream != NULL)
		timer_stop(&state->timer);
	stream_close(state->stream);
	state->stream = NULL;
}

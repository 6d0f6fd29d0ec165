/*
 * The conversation:
 *
 *	GREETING -> (TLS) -> LOGIN -> READY <-> ASKED
 *	     an error packet instead of the greeting, or in LOGIN: refused, over
 *	     LOGIN: OK, another plugin, a plugin's own data, in any number up to a cap
 *
 * Where TLS is wanted and not offered, or the certificate is not acceptable, a login of nobody
 * follows nevertheless: a server counts those that leave after its greeting, and a hundred of them
 * make it refuse everybody from this host.
 *
 * A packet must carry the number that follows on the last one; errors need not, servers are lax.
 */
#include "probes/mysql_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "io/loop.h"
#include "io/tls_chain.h"
#include "probes/mysql_auth.h"

#define LOGIN_TURNS_MAX 8 /* packets of one login: three in the longest that is known */
#define REASON_MAX      300
#define SHOWN_MAX       60
#define FIRST_MAX       64

enum step { GREETING, TLS, LOGIN, READY, ASKED, OVER };

struct mysql_client {
	struct mysql_client_options o;
	struct loop *loop;
	struct stream *stream;
	mysql_fn fn; /* NULL: nobody listens */
	void *arg;
	enum step step, last; /* `last`: before it was over */
	unsigned sequence;    /* of the next packet */
	unsigned turns;       /* of the login */
	bool is_hopeless;     /* the plugin is none of ours: the server's last word is awaited */
	bool is_parting;      /* whatever comes, it is over: */
	enum mysql_event parting;
	bool is_encrypted;
	uint32_t capabilities;
	struct mysql_greeting greeting;
	struct mysql_auth auth;
	struct mysql_result result;
	struct mysql_error error;
	char reason[REASON_MAX];
	char first[FIRST_MAX]; /* what it began with, in case it is somebody else */
	size_t first_len;
	char asked[SHOWN_MAX]; /* the head of the statement */
	usec_t greeted_us, ready_us;
};

static void
tell(struct mysql_client *c, enum mysql_event event)
{
	if (c->is_parting)
		event = c->parting;
	if (event != MYSQL_EVENT_READY && event != MYSQL_EVENT_RESULT &&
		(event != MYSQL_EVENT_REFUSED || c->step != READY)) {
		c->last = c->step;
		c->step = OVER;
	}
	if (c->fn != NULL)
		c->fn(c->arg, event);
}

static void
tell_wrong(struct mysql_client *c, const char *why)
{
	str_copy(c->reason, sizeof(c->reason), why);
	tell(c, MYSQL_EVENT_WRONG);
}

static void
flush(struct mysql_client *c, struct buf *out)
{
	stream_write(c->stream, buf_head(out), buf_left(out));
	secret_wipe(out->data, out->len);
	buf_fini(out);
}

/* --- login --- */

static void
send_login(struct mysql_client *c)
{
	const char *database = c->o.database != NULL ? c->o.database : "";
	struct mysql_login login = {
		.capabilities = c->capabilities,
		.user = c->o.user != NULL ? c->o.user : "",
		.database = database,
		.plugin = c->auth.name,
		.proof = c->auth.proof,
		.proof_len = c->auth.proof_len,
	};
	struct buf out;

	buf_init(&out, 0);
	mysql_put_login(&out, &login, c->sequence++);
	c->step = LOGIN;
	flush(c, &out);
}

static void
send_proof(struct mysql_client *c)
{
	struct buf out;

	buf_init(&out, 0);
	mysql_put_bytes(&out, c->auth.proof, c->auth.proof_len, c->sequence++);
	flush(c, &out);
}

/* With the plugin that the server has as its own; the account's may be another: it says so then. */
static void
begin_login(struct mysql_client *c)
{
	const char *plugin = c->greeting.plugin;
	struct err e;

	if (plugin[0] == '\0' || !mysql_auth_knows(plugin) ||
		str_eq(plugin, "mysql_clear_password"))
		plugin = "mysql_native_password";
	if (mysql_auth_begin(&c->auth, plugin, c->greeting.scramble, c->greeting.scramble_len, &e) <
		0) {
		tell_wrong(c, e.text);
		return;
	}
	send_login(c);
}

/* Who we are is said to nobody else; the capabilities stay those that TLS began with. */
static void
part(struct mysql_client *c, enum mysql_event as)
{
	c->is_parting = true;
	c->parting = as;
	c->o.user = c->o.database = NULL;
	c->auth.password = "";
	begin_login(c);
}

static void
say_goodbye(struct mysql_client *c)
{
	struct buf out;

	buf_init(&out, 0);
	mysql_put_command(&out, MYSQL_COM_QUIT, NULL);
	flush(c, &out);
}

static uint32_t
choose_capabilities(const struct mysql_client *c)
{
	uint32_t optional = MYSQL_PLUGIN_AUTH | MYSQL_ATTRIBUTES | MYSQL_TRANSACTIONS;
	uint32_t own = MYSQL_LONG_PASSWORD | MYSQL_LONG_FLAG | MYSQL_PROTOCOL_41 |
		       MYSQL_SECURE_CONNECTION | (c->greeting.capabilities & optional);

	if (c->o.database != NULL)
		own |= MYSQL_WITH_DB;
	return own;
}

static void
begin_tls(struct mysql_client *c)
{
	struct buf out;

	c->capabilities |= MYSQL_TLS;
	buf_init(&out, 0);
	mysql_put_tls_request(&out, c->capabilities, c->sequence++);
	c->step = TLS;
	flush(c, &out);
	stream_start_tls(c->stream, c->o.tls, NULL);
}

static void
on_greeting(struct mysql_client *c, const struct mysql_packet *p)
{
	bool has_tls;

	if (mysql_greeting_read(&c->greeting, p->data, p->len) < 0) {
		tell_wrong(c, "");
		return;
	}
	c->greeted_us = loop_now(c->loop);
	c->capabilities = choose_capabilities(c);
	c->auth.is_private = c->o.place->path[0] != '\0';
	has_tls = (c->greeting.capabilities & MYSQL_TLS) != 0;
	if (c->o.tls != NULL && has_tls)
		begin_tls(c);
	else if (c->o.mode >= DSN_TLS_REQUIRE)
		part(c, MYSQL_EVENT_NO_TLS);
	else
		begin_login(c);
}

static void
on_switch(struct mysql_client *c, const struct mysql_packet *p)
{
	struct mysql_switch to;
	struct err e;

	if (mysql_switch_read(&to, p->data, p->len) < 0) {
		tell_wrong(c, "the change of the login plugin is cut");
		return;
	}
	c->is_hopeless =
		mysql_auth_begin(&c->auth, to.plugin, to.scramble, to.scramble_len, &e) < 0;
	if (c->is_hopeless)
		str_copy(c->reason, sizeof(c->reason), e.text);
	send_proof(c);
}

static void
on_plugin_data(struct mysql_client *c, const struct mysql_packet *p)
{
	struct err e;
	int rc;

	if (c->is_hopeless) { /* it wants to go on talking: there is nothing more to say */
		tell(c, MYSQL_EVENT_PLUGIN);
		return;
	}
	rc = mysql_auth_continue(&c->auth, p->data + 1, p->len - 1, &e);
	if (rc > 0)
		send_proof(c);
	else if (rc < 0)
		tell_wrong(c, e.text);
}

static void
on_logged_in(struct mysql_client *c)
{
	if (c->is_parting) {
		say_goodbye(c);
		tell(c, c->parting);
		return;
	}
	secret_wipe(c->auth.proof, sizeof(c->auth.proof));
	memset(&c->o, 0, sizeof(c->o)); /* the settings may be gone from now on */
	c->auth.password = "";
	c->ready_us = loop_now(c->loop);
	c->step = READY;
	tell(c, MYSQL_EVENT_READY);
}

static void
on_refused(struct mysql_client *c, const struct mysql_packet *p)
{
	if (mysql_error_read(&c->error, p->data, p->len) < 0)
		tell_wrong(c, "an error packet is cut");
	else
		tell(c, c->is_hopeless ? MYSQL_EVENT_PLUGIN : MYSQL_EVENT_REFUSED);
}

static void
on_login(struct mysql_client *c, const struct mysql_packet *p)
{
	if (++c->turns > LOGIN_TURNS_MAX) {
		tell_wrong(c, "the login does not end");
		return;
	}
	switch (p->data[0]) {
	case MYSQL_MARK_OK:
		on_logged_in(c);
		break;
	case MYSQL_MARK_EOF:
		on_switch(c, p);
		break;
	case MYSQL_MARK_MORE:
		on_plugin_data(c, p);
		break;
	default:
		tell_wrong(c, "an answer to the login that does not exist");
	}
}

/* --- statements --- */

static void
on_answer(struct mysql_client *c, const struct mysql_packet *p)
{
	switch (mysql_result_take(&c->result, p->data, p->len)) {
	case MYSQL_MORE:
		break;
	case MYSQL_DONE:
		c->step = READY;
		tell(c, MYSQL_EVENT_RESULT);
		break;
	case MYSQL_REFUSED:
		c->error = c->result.error;
		c->step = READY;
		tell(c, MYSQL_EVENT_REFUSED);
		break;
	case MYSQL_WRONG:
		tell_wrong(c, c->result.wrong);
		break;
	}
}

/* Nothing was asked: the server says why it is about to close (shutdown, killed, idle too long). */
static void
on_unasked(struct mysql_client *c, const struct mysql_packet *p)
{
	if (p->data[0] == MYSQL_MARK_ERROR)
		mysql_error_read(&c->error, p->data, p->len);
	c->step = OVER;
}

static void
on_packet(struct mysql_client *c, const struct mysql_packet *p)
{
	bool is_error = p->len > 0 && p->data[0] == MYSQL_MARK_ERROR;

	if (p->len == 0 || (p->sequence != (c->sequence & 0xff) && !is_error)) {
		tell_wrong(c, c->step == GREETING ? "" : "a packet out of turn");
		return;
	}
	c->sequence = p->sequence + 1;
	if (c->step == ASKED)
		on_answer(c, p);
	else if (c->step == READY)
		on_unasked(c, p);
	else if (is_error)
		on_refused(c, p);
	else if (c->step == GREETING)
		on_greeting(c, p);
	else if (c->step == LOGIN)
		on_login(c, p);
}

static void
on_data(struct mysql_client *c)
{
	struct buf *in = stream_in(c->stream);
	struct mysql_packet p;
	int rc = 1;

	if (c->first_len < sizeof(c->first)) {
		c->first_len = buf_left(in) < sizeof(c->first) ? buf_left(in) : sizeof(c->first);
		memcpy(c->first, buf_head(in), c->first_len);
	}
	/* While TLS begins, bytes are the stream's business: it refuses them. */
	while (c->step != OVER && c->step != TLS && rc > 0) {
		rc = mysql_packet_read(buf_head(in), buf_left(in), &p);
		if (rc > 0) { /* drained bytes stay where they are until more are read */
			buf_drain(in, p.total);
			on_packet(c, &p);
		} else if (rc < 0) {
			tell_wrong(c, c->step == GREETING ? "" : "a packet of an absurd length");
		}
	}
	if (c->step == READY) /* nothing was asked after the answer */
		stream_rest(c->stream);
}

static void
on_lost(struct mysql_client *c)
{
	if (c->step != OVER)
		tell(c, c->is_hopeless ? MYSQL_EVENT_PLUGIN : MYSQL_EVENT_LOST);
}

/* The handshake went on in spite of doubts: they count here. */
static bool
is_trusted(struct mysql_client *c)
{
	const struct tls_chain *chain = stream_tls_chain(c->stream);

	if (c->o.mode < DSN_TLS_VERIFY_CA || (chain != NULL && chain->doubts == 0))
		return true;
	str_copy(c->reason, sizeof(c->reason),
		chain != NULL ? chain->why : "the server showed no certificate");
	return false;
}

static void
on_open(struct mysql_client *c)
{
	if (c->step != TLS)
		return; /* connected: the server has the first word */
	c->is_encrypted = c->auth.is_private = true;
	if (is_trusted(c))
		begin_login(c);
	else
		part(c, MYSQL_EVENT_DISTRUST);
}

static void
on_event(void *arg, enum stream_event event)
{
	struct mysql_client *c = arg;

	switch (event) {
	case STREAM_OPEN:
		on_open(c);
		break;
	case STREAM_DATA:
		on_data(c);
		break;
	case STREAM_SENT:
		break;
	case STREAM_END:
		on_data(c);
		on_lost(c);
		break;
	case STREAM_FAILED:
		on_lost(c);
		break;
	}
}

/* --- life --- */

struct mysql_client *
mysql_client_open(const struct mysql_client_options *o, mysql_fn fn, void *arg)
{
	struct mysql_client *c = xcalloc(1, sizeof(*c));

	c->o = *o;
	c->loop = o->env->loop;
	c->fn = fn;
	c->arg = arg;
	c->auth.password = o->password != NULL ? o->password : "";
	mysql_result_init(&c->result);
	c->stream = stream_open(
		&(struct stream_options){
			.loop = o->env->loop,
			.resolver = o->env->resolver,
			.sent_at_once_is_unsaid = true,
			.place = o->place,
			.full_handshake = true,
			.looks = true,
		},
		on_event, c);
	return c;
}

static void
release(void *obj)
{
	struct mysql_client *c = obj;

	mysql_result_fini(&c->result);
	secret_wipe(&c->auth, sizeof(c->auth));
	free(c);
}

void
mysql_client_close(struct mysql_client *c)
{
	if (c == NULL)
		return;
	if (c->step == READY)
		say_goodbye(c);
	c->step = OVER;
	c->fn = NULL;
	stream_close(c->stream);
	loop_retire(c->loop, c, release);
}

void
mysql_client_bind(struct mysql_client *c, mysql_fn fn, void *arg)
{
	c->fn = fn;
	c->arg = arg;
}

void
mysql_client_query(struct mysql_client *c, const char *sql)
{
	struct buf out;

	mysql_result_reset(&c->result);
	str_copy(c->asked, sizeof(c->asked), sql);
	c->sequence = 1;
	c->step = ASKED;
	buf_init(&out, 0);
	mysql_put_command(&out, MYSQL_COM_QUERY, sql);
	flush(c, &out);
}

bool
mysql_client_is_idle(const struct mysql_client *c)
{
	return c->step == READY;
}

/* --- looking --- */

const struct mysql_greeting *
mysql_client_greeting(const struct mysql_client *c)
{
	return &c->greeting;
}

const struct mysql_result *
mysql_client_result(const struct mysql_client *c)
{
	return &c->result;
}

const struct mysql_error *
mysql_client_error(const struct mysql_client *c)
{
	return &c->error;
}

const char *
mysql_client_reason(const struct mysql_client *c)
{
	return c->reason;
}

const void *
mysql_client_first(const struct mysql_client *c, size_t *len)
{
	*len = c->first_len;
	return c->first;
}

struct stream *
mysql_client_stream(struct mysql_client *c)
{
	return c->stream;
}

bool
mysql_client_is_encrypted(const struct mysql_client *c)
{
	return c->is_encrypted;
}

bool
mysql_client_parts(const struct mysql_client *c, enum mysql_event *as)
{
	*as = c->parting;
	return c->is_parting;
}

bool
mysql_client_offers_tls(const struct mysql_client *c)
{
	return (c->greeting.capabilities & MYSQL_TLS) != 0;
}

void
mysql_client_wait(const struct mysql_client *c, char *out, size_t size)
{
	enum step step = c->step == OVER ? c->last : c->step;

	if (step == ASKED)
		snprintf(out, size, "the answer to \"%s\"", c->asked);
	else
		str_copy(out, size, step == LOGIN ? "the answer to the login" : "the greeting");
}

usec_t
mysql_client_greeted_us(const struct mysql_client *c)
{
	return c->greeted_us;
}

usec_t
mysql_client_ready_us(const struct mysql_client *c)
{
	return c->ready_us;
}

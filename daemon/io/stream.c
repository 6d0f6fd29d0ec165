/*
 * A stream's life and bytes: opening, reading into the in-buffer, writing at once and keeping what
 * does not fit, telling the owner, closing.
 *
 *	DNS -> CONNECT -> (TLS) -> OPEN -> OVER
 *
 * The owner is never called from inside its own calls: what comes of them is owed and said when the
 * running callback of ours ends, or by a timer that is due at once.
 */
#include "io/stream.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "io/loop_private.h"
#include "io/spare.h"
#include "io/stream_int.h"

#define IN_MAX_DEFAULT ((size_t)256 * 1024)
#define CHUNK_SIZE     16384
#define READS_MAX      16 /* in one go, before others have their turn */
#define SENTS_MAX      16

static void on_ready(evutil_socket_t fd, short what, void *arg);
static void on_kick(void *arg);

/* --- telling --- */

bool
stream_say(struct stream *s, enum stream_event event)
{
	if (event == STREAM_END || event == STREAM_FAILED) {
		s->step = STEP_OVER;
		stream_unwatch(s);
	}
	s->fn(s->arg, event);
	return !s->is_closed;
}

void
stream_kick(struct stream *s)
{
	if (!s->is_closed && !timer_runs(&s->kick))
		timer_after(&s->kick, 0);
}

void
stream_fail(struct stream *s, enum fault fault, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (s->is_closed || s->step == STEP_OVER)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->fault = fault;
	xstrset(&s->reason, text);
	if (s->is_inside) {
		stream_say(s, STREAM_FAILED);
		return;
	}
	s->step = STEP_OVER;
	stream_unwatch(s);
	s->owes_fail = true;
	stream_kick(s);
}

/* What the peer's address is called in reasons; never the empty string. */
static const char *
peer_text(const struct stream *s, char out[ADDR_TEXT])
{
	if (s->peer.len == 0)
		return "the peer";
	addr_text(&s->peer, out);
	return out;
}

static void
fail_errno(struct stream *s, int error)
{
	enum fault fault = fault_from_errno(error);
	char text[ADDR_TEXT];

	if (fault == FAULT_RESET)
		stream_fail(s, fault, "the connection was reset by %s", peer_text(s, text));
	else
		stream_fail(s, fault, "%s: %s", peer_text(s, text), strerror(error));
}

/* --- watching --- */

void
stream_watch(struct stream *s)
{
	event_assign(&s->ev, loop_base(s->loop), s->fd, EV_READ | EV_WRITE | EV_ET | EV_PERSIST,
		on_ready, s);
	if (event_add(&s->ev, NULL) == -1) {
		stream_fail(s, FAULT_LOCAL, "the socket cannot be watched");
		return;
	}
	s->is_watched = true;
}

void
stream_unwatch(struct stream *s)
{
	if (s->is_watched)
		event_del(&s->ev);
	s->is_watched = false;
}

/* --- reading --- */

/* One read: >0 bytes, 0 the end, -1 nothing now, -2 failed and said. */
static ssize_t
read_once(struct stream *s, char *chunk, size_t size)
{
	size_t len = 0;
	ssize_t n;

	if (s->tls_conn != NULL) {
		switch (tls_conn_read(s->tls_conn, chunk, size, &len)) {
		case TLS_DONE:
			return (ssize_t)len;
		case TLS_CLOSED:
			return 0;
		case TLS_AGAIN:
			return -1;
		default:
			stream_fail(
				s, tls_conn_fault(s->tls_conn), "%s", tls_conn_reason(s->tls_conn));
			return -2;
		}
	}
	do {
		n = recv(s->fd, chunk, size, 0);
	} while (n == -1 && errno == EINTR);
	if (n >= 0 || errno == EAGAIN)
		return n;
	fail_errno(s, errno);
	return -2;
}

static void
say_end(struct stream *s)
{
	if (s->send_error != 0)
		fail_errno(s, s->send_error);
	else
		stream_say(s, STREAM_END);
}

static void
read_some(struct stream *s)
{
	char chunk[CHUNK_SIZE];

	for (int i = 0; i < READS_MAX; i++) {
		size_t room = s->in_max - buf_left(&s->in) + 1;
		ssize_t n;

		if (s->is_paused) {
			s->owes_read = true;
			if (s->send_error != 0) /* the owner does not want to hear why */
				say_end(s);
			return;
		}
		n = read_once(s, chunk, room < sizeof(chunk) ? room : sizeof(chunk));
		if (n == 0 || (n == -1 && s->send_error != 0)) /* it says nothing more */
			say_end(s);
		if (n <= 0)
			return;
		if ((size_t)n == room) {
			stream_fail(s, FAULT_PROTOCOL, "more than %zu bytes and no end of it",
				s->in_max);
			return;
		}
		buf_add(&s->in, chunk, (size_t)n);
		s->rests = false;
		if (!stream_say(s, STREAM_DATA) || s->step != STEP_OPEN || s->rests)
			return;
	}
	s->owes_read = true;
	stream_kick(s);
}

/* --- writing --- */

/* Sends what it can; how much has gone.  Trouble is kept for the reading side to say. */
static size_t
send_some(struct stream *s, const char *data, size_t size)
{
	size_t len = 0;
	ssize_t n;

	if (s->tls_conn != NULL) {
		switch (tls_conn_write(s->tls_conn, data, size, &len)) {
		case TLS_DONE:
			return len;
		case TLS_AGAIN:
			return 0;
		default:
			s->send_error = EPIPE;
			return 0;
		}
	}
	do {
		n = send(s->fd, data, size, MSG_NOSIGNAL);
	} while (n == -1 && errno == EINTR);
	if (n >= 0)
		return (size_t)n;
	if (errno != EAGAIN)
		s->send_error = errno;
	return 0;
}

/* A peer that takes nothing any more may have said why: reads that before it is given up. */
static void
note_send_error(struct stream *s)
{
	if (s->send_error == 0)
		return;
	buf_fini(&s->out);
	s->owes_read = true;
	stream_kick(s);
}

/* Our end, once there is nothing before it. */
static void
send_end(struct stream *s)
{
	if (!s->is_finishing || s->fd == -1 || s->step != STEP_OPEN || s->send_error != 0 ||
		buf_left(&s->out) > 0)
		return;
	s->is_finishing = false;
	if (s->tls_conn != NULL)
		tls_conn_finish(s->tls_conn);
	shutdown(s->fd, SHUT_WR);
}

static void
flush(struct stream *s)
{
	size_t left = buf_left(&s->out);

	while (left > 0 && s->send_error == 0) {
		size_t n = send_some(s, buf_head(&s->out), left);

		if (n == 0)
			break;
		buf_drain(&s->out, n);
		left -= n;
		s->owes_sent = left == 0;
	}
	if (s->owes_sent) /* an idle connection keeps no memory */
		buf_fini(&s->out);
	send_end(s);
	note_send_error(s);
}

void
stream_write(struct stream *s, const void *data, size_t len)
{
	const char *bytes = data;
	size_t sent = 0;

	if (s->is_closed || s->send_error != 0 || s->fd == -1 || len == 0)
		return;
	s->owes_sent = false;
	if ((s->step == STEP_OPEN || s->step == STEP_OVER) && buf_left(&s->out) == 0) {
		while (sent < len && s->send_error == 0) {
			size_t n = send_some(s, bytes + sent, len - sent);

			if (n == 0)
				break;
			sent += n;
		}
	}
	if (s->send_error == 0 && sent < len) {
		buf_add(&s->out, bytes + sent, len - sent);
		return;
	}
	note_send_error(s);
	s->owes_sent = s->send_error == 0 && s->step == STEP_OPEN && !s->is_brief;
	if (s->owes_sent && !s->is_inside)
		stream_kick(s);
}

void
stream_finish(struct stream *s)
{
	s->is_finishing = true;
	send_end(s);
}

size_t
stream_unsent(const struct stream *s)
{
	return buf_left(&s->out);
}

/* --- the loop's callbacks --- */

static void
say_sent(struct stream *s)
{
	for (int i = 0; i < SENTS_MAX && s->owes_sent && s->step == STEP_OPEN; i++) {
		s->owes_sent = false;
		if (!stream_say(s, STREAM_SENT))
			return;
	}
	if (s->owes_sent)
		stream_kick(s);
}

static void
serve(struct stream *s, bool is_readable)
{
	if (buf_left(&s->out) > 0)
		flush(s);
	if (is_readable && !s->is_closed && s->step == STEP_OPEN) {
		s->owes_read = false;
		read_some(s);
	}
}

void
stream_connected(struct stream *s)
{
	usec_t now = loop_now(s->loop);

	s->phases.connect_us = now - s->since_us;
	s->since_us = now;
	if (s->tls != NULL)
		stream_tls_begin(s);
	else
		stream_opened(s);
}

void
stream_opened(struct stream *s)
{
	s->step = STEP_OPEN;
	stream_say(s, STREAM_OPEN);
}

static void
on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;

	(void)fd;
	loop_woke(s->loop);
	s->is_inside = true;
	if (s->step == STEP_CONNECT)
		stream_finish_connect(s, what);
	else if (s->step == STEP_TLS)
		stream_tls_step(s);
	if (!s->is_closed && s->step == STEP_OPEN)
		serve(s, (what & EV_READ) != 0 || s->tls_conn != NULL);
	if (!s->is_closed && s->owes_sent)
		say_sent(s);
	s->is_inside = false;
}

static void
on_kick(void *arg)
{
	struct stream *s = arg;

	s->is_inside = true;
	if (s->owes_fail) {
		s->owes_fail = false;
		stream_say(s, STREAM_FAILED);
	} else if (s->owes_step) {
		s->owes_step = false;
		stream_tls_step(s);
	}
	if (!s->is_closed && s->step == STEP_OPEN)
		serve(s, s->owes_read || s->tls_conn != NULL);
	if (!s->is_closed && s->owes_sent)
		say_sent(s);
	s->is_inside = false;
}

/* --- life --- */

static struct stream *
stream_new(struct loop *loop, size_t in_max, stream_fn fn, void *arg, size_t names_size)
{
	struct stream *s = spare_take(loop, sizeof(*s) + names_size);

	memset(s, 0, sizeof(*s));
	s->size = sizeof(*s) + names_size;
	s->loop = loop;
	s->fn = fn;
	s->arg = arg;
	s->fd = -1;
	s->in_max = in_max == 0 ? IN_MAX_DEFAULT : in_max;
	s->phases = (struct stream_phases){ -1, -1, -1 };
	timer_init(&s->kick, loop, on_kick, s);
	return s;
}

struct stream *
stream_open(const struct stream_options *o, stream_fn fn, void *arg)
{
	const struct place *place = o->place;
	const char *host = place->path[0] != '\0' ? place->path : place->host;
	const char *name = o->server_name != NULL ? o->server_name : place->host;
	size_t host_size = strlen(host) + 1, name_size = o->tls == NULL ? 0 : strlen(name) + 1;
	struct stream *s = stream_new(o->loop, o->in_max, fn, arg, host_size + name_size);

	s->host = memcpy(s->names, host, host_size);
	if (name_size > 0)
		s->server_name = memcpy(s->names + host_size, name, name_size);
	s->port = place->port;
	s->family = o->family;
	s->led_from = o->led_from;
	s->tls = o->tls;
	s->wants_full = o->full_handshake;
	s->looks = o->looks;
	s->is_brief = o->sent_at_once_is_unsaid;
	s->resolver = o->resolver;
	stream_begin(s, place);
	return s;
}

bool
stream_is_led_astray(const struct stream *stream)
{
	return stream->is_led_astray;
}

struct stream *
stream_adopt(struct loop *loop, int fd, size_t in_max, stream_fn fn, void *arg)
{
	struct stream *s = stream_new(loop, in_max, fn, arg, 0);

	s->fd = fd;
	s->step = STEP_OPEN;
	s->host = "";
	s->peer.len = sizeof(s->peer.any);
	if (getpeername(fd, &s->peer.sa, &s->peer.len) == -1)
		s->peer.len = 0;
	stream_watch(s);
	return s;
}

static void
end(void *obj)
{
	struct stream *s = obj;

	buf_fini(&s->in);
	buf_fini(&s->out);
	free(s->reason);
	free(s->note);
	spare_give(s->loop, s, s->size);
}

void
stream_hand(struct stream *s, stream_fn fn, void *arg)
{
	s->fn = fn;
	s->arg = arg;
}

void
stream_close(struct stream *s)
{
	if (s == NULL || s->is_closed)
		return;
	s->is_closed = true;
	timer_stop(&s->kick);
	resolve_cancel(s->lookup);
	stream_race_free(s);
	stream_unwatch(s);
	tls_conn_free(s->tls_conn);
	s->tls_conn = NULL;
	fd_close(&s->fd);
	loop_retire(s->loop, s, end);
}

void
stream_pause(struct stream *s, bool is_paused)
{
	s->is_paused = is_paused;
	if (!is_paused && s->owes_read)
		stream_kick(s);
}

void
stream_rest(struct stream *s)
{
	s->rests = true;
}

/* --- looking --- */

struct buf *
stream_in(struct stream *s)
{
	return &s->in;
}

enum fault
stream_fault(const struct stream *s)
{
	return s->fault;
}

const char *
stream_reason(const struct stream *s)
{
	return s->reason == NULL ? "" : s->reason;
}

long
stream_unacked(const struct stream *s)
{
	int error = 0, left = 0;
	socklen_t len = sizeof(error);

	if (s->fd == -1 || s->send_error != 0 || s->fault != FAULT_NONE ||
		getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1 || error != 0 ||
		ioctl(s->fd, SIOCOUTQ, &left) == -1)
		return -1;
	return left;
}

bool
stream_is_ended(const struct stream *s)
{
	char byte;

	return s->fd != -1 && s->fault == FAULT_NONE &&
	       recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

enum fault
stream_stuck(const struct stream *s, char *text, size_t size)
{
	char peer[ADDR_TEXT];

	switch (s->step) {
	case STEP_DNS:
		snprintf(text, size, "no answer from the resolver for %s", s->host);
		return FAULT_DNS_FAIL;
	case STEP_CONNECT:
		snprintf(text, size, "no answer to the connect from %s", peer_text(s, peer));
		return FAULT_TIMEOUT;
	case STEP_TLS:
		snprintf(text, size, "connected to %s, but the TLS handshake does not end",
			peer_text(s, peer));
		return FAULT_TLS_HANDSHAKE;
	default:
		snprintf(text, size, "connected to %s, then silence", peer_text(s, peer));
		return FAULT_NOREPLY;
	}
}

const struct stream_phases *
stream_phases(const struct stream *s)
{
	return &s->phases;
}

const struct addr *
stream_peer(const struct stream *s)
{
	return &s->peer;
}

const char *
stream_family_note(const struct stream *s)
{
	return s->note;
}

bool
stream_cert_expiry(const struct stream *s, usec_t *left_us)
{
	usec_t end_us;

	if (s->tls_conn == NULL || !tls_conn_cert_end(s->tls_conn, &end_us))
		return false;
	*left_us = end_us - loop_wall(s->loop);
	return true;
}

const struct tls_chain *
stream_tls_chain(const struct stream *s)
{
	return s->tls_conn == NULL ? NULL : tls_conn_chain(s->tls_conn);
}

int
stream_fd(const struct stream *s)
{
	return s->fd;
}

/* The TLS steps of a stream: after the connect, or in the middle of a dialogue (STARTTLS). */
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "io/stream_int.h"

static bool
begin(struct stream *s, struct tls_ctx *tls, const char *name)
{
	s->step = STEP_TLS;
	s->tls_conn = tls_conn_new(tls, s->fd, name, s->port, s->wants_full);
	if (s->tls_conn == NULL)
		stream_fail(s, FAULT_LOCAL, "OpenSSL gives no connection");
	else if (s->looks)
		tls_conn_look(s->tls_conn);
	return s->tls_conn != NULL;
}

void
stream_tls_begin(struct stream *s)
{
	int on = 1;

	/* The last handshake message and the first request are two segments: the second must not
	 * wait for the first one's acknowledgement. */
	if (addr_family(&s->peer) != AF_UNIX)
		setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (begin(s, s->tls, s->server_name))
		stream_tls_step(s);
}

void
stream_tls_step(struct stream *s)
{
	usec_t now;

	switch (tls_conn_handshake(s->tls_conn)) {
	case TLS_AGAIN:
		return;
	case TLS_DONE:
		now = loop_now(s->loop);
		s->phases.tls_us = now - s->since_us;
		s->since_us = now;
		stream_opened(s);
		return;
	default:
		stream_fail(s, tls_conn_fault(s->tls_conn), "%s", tls_conn_reason(s->tls_conn));
	}
}

void
stream_start_tls(struct stream *s, struct tls_ctx *tls, const char *server_name)
{
	if (s->is_closed || s->step != STEP_OPEN || s->tls_conn != NULL)
		return;
	/* Bytes behind the agreement were sent by somebody who should not have been able to. */
	if (buf_left(&s->in) > 0) {
		stream_fail(s, FAULT_PROTOCOL, "plain bytes after the agreement to begin TLS");
		return;
	}
	s->since_us = loop_now(s->loop);
	s->owes_sent = false;
	if (!begin(s, tls, server_name != NULL ? server_name : s->host))
		return;
	s->owes_step = true;
	stream_kick(s);
}

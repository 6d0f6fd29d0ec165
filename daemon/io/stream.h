/*
 * A connection that never blocks: name -> address -> connect -> TLS -> bytes, with the time of each
 * phase.  TCP and unix sockets, plain and TLS, one path.  Both address families are tried (IPv6
 * first, the next address after 300 ms or at once on failure); which family failed is kept.
 *
 * There is no deadline in here: the owner has one and calls stream_close.
 */
#ifndef IO_STREAM_H
#define IO_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "io/addr.h"
#include "io/fault.h"
#include "io/loop.h"
#include "io/resolve.h"
#include "io/tls.h"
#include "io/tls_chain.h"

struct stream;

enum stream_event {
	STREAM_OPEN,   /* connected, and TLS is done where asked for; write now */
	STREAM_DATA,   /* more bytes in stream_in() */
	STREAM_SENT,   /* everything written has left */
	STREAM_END,    /* the peer closed; what it sent before is in stream_in() */
	STREAM_FAILED, /* see stream_fault(), stream_reason() */
};

typedef void (*stream_fn)(void *arg, enum stream_event event);

struct stream_options {
	struct loop *loop;
	struct resolver *resolver;
	const struct place *place; /* copied */
	struct tls_ctx *tls;       /* NULL: plain */
	const char *server_name;   /* SNI and the name verified; NULL: place->host */
	size_t in_max; /* most bytes unread in stream_in(): more is FAULT_PROTOCOL; 0: 256 kB */
	bool full_handshake; /* do not resume: see the certificate */
	bool looks;          /* keep what the server shows; its doubts do not end the handshake */
	bool sent_at_once_is_unsaid; /* STREAM_SENT only where something had to wait */
	int family;                  /* AF_UNSPEC, or only AF_INET / AF_INET6 */
	enum addr_reach led_from;    /* who sent us there; ADDR_ANYWHERE: the settings did */
};

/* Each phase in microseconds, -1: did not happen (yet). */
struct stream_phases {
	usec_t dns_us, connect_us, tls_us;
};

/* fn is called later, never from inside; after STREAM_END or STREAM_FAILED never again. */
struct stream *stream_open(const struct stream_options *o, stream_fn fn, void *arg);
/* Takes over an accepted, non-blocking fd; already open: no STREAM_OPEN comes. */
struct stream *stream_adopt(struct loop *loop, int fd, size_t in_max, stream_fn fn, void *arg);
/* From now on another hears of it, of what comes next and not of what came. */
void stream_hand(struct stream *stream, stream_fn fn, void *arg);
void stream_close(struct stream *stream); /* NULL is fine; fn is not called any more */

void stream_write(struct stream *stream, const void *data, size_t len);
size_t stream_unsent(const struct stream *stream);
/* Nothing more will be written: says good-bye as soon as all is sent, and goes on reading. */
void stream_finish(struct stream *stream);
/* Bytes (and a good-bye) that the peer's kernel has not acknowledged; -1: the connection broke, and
 * nobody knows.  Also after STREAM_END, until stream_close. */
long stream_unacked(const struct stream *stream);
/* The peer's end has come, of the connection itself: TLS says STREAM_END at a good-bye, behind
 * which a reset may follow. */
bool stream_is_ended(const struct stream *stream);
struct buf *stream_in(struct stream *stream); /* read with buf_head/buf_left, eat with buf_drain */
void stream_pause(struct stream *stream, bool is_paused); /* stops reading */
/* Within STREAM_DATA: nothing more is expected before the next write, so that it is not looked for.
 * What was there already, an end of the connection even, may show at that only. */
void stream_rest(struct stream *stream);
/* STARTTLS: after the plain dialogue; STREAM_OPEN comes again. */
void stream_start_tls(struct stream *stream, struct tls_ctx *tls, const char *server_name);

enum fault stream_fault(const struct stream *stream);
const char *stream_reason(const struct stream *stream); /* "connection refused by 127.0.0.1:80" */
/* Says what a deadline means now: DNS_FAIL, TIMEOUT, TLS_HANDSHAKE or NOREPLY by phase. */
enum fault stream_stuck(const struct stream *stream, char *text, size_t size);
const struct stream_phases *stream_phases(const struct stream *stream);
/* It failed because `led_from` may not lead there: nothing was sent. */
bool stream_is_led_astray(const struct stream *stream);
const struct addr *stream_peer(const struct stream *stream); /* len 0 before it is connected */
/* "IPv6 ([::1]:80) is refused, IPv4 answers" or NULL: one family failed although another works. */
const char *stream_family_note(const struct stream *stream);
/* Seconds until the peer's certificate ends (may be negative); false: no certificate seen. */
bool stream_cert_expiry(const struct stream *stream, usec_t *left_us);
/* With `looks`: what the server showed; NULL: no certificate came. */
const struct tls_chain *stream_tls_chain(const struct stream *stream);
int stream_fd(const struct stream *stream); /* for peer credentials; -1 when closed */

#endif

/*
 * The inside of a stream, shared by stream.c (life, bytes), stream_connect.c (addresses, the race)
 * and stream_tls.c.
 *
 * The socket is watched edge-triggered with one registration for its whole life: a connection
 * costs one epoll_ctl to begin and one to end.  Therefore reading goes on until the kernel says
 * EAGAIN (or the owner closes), and what is left over for fairness is taken up again by `kick`.
 */
#ifndef IO_STREAM_INT_H
#define IO_STREAM_INT_H

#include <event2/event.h>
#include <event2/event_struct.h>

#include "io/stream.h"
#include "io/timer.h"
#include "io/tls_conn.h"

enum stream_step {
	STEP_DNS,
	STEP_CONNECT,
	STEP_TLS,
	STEP_OPEN,
	STEP_OVER, /* END or FAILED was said, or will be by the kick */
};

struct race;

struct stream {
	struct event ev;
	struct loop *loop;
	stream_fn fn;
	void *arg;
	int fd;
	enum stream_step step;
	int family;
	uint16_t port;
	enum addr_reach led_from;
	bool is_led_astray;
	bool is_closed;  /* by the owner; memory lives until the turn is over */
	bool is_watched; /* ev is registered */
	bool is_paused;
	bool is_finishing; /* what is sent is to be followed by our end */
	bool wants_full;   /* TLS handshake */
	bool looks;
	bool rests;     /* see stream_rest */
	bool is_brief;  /* SENT of what left at once is not said */
	bool is_inside; /* one of our own callbacks runs: what is owed is said at its end */
	bool owes_sent, owes_fail, owes_read, owes_step; /* to be said or done by the kick */
	int send_error; /* a write failed; reading goes on for what the peer said before */
	enum fault fault;
	char *reason;
	char *note; /* about the family that failed */
	struct buf in, out;
	size_t in_max;
	struct timer kick;
	usec_t since_us; /* when this step began */
	struct stream_phases phases;
	struct addr peer;
	struct resolver *resolver;
	struct resolve_call *lookup;
	struct race *race;
	struct tls_ctx *tls;
	struct tls_conn *tls_conn;
	const char *host; /* inside this allocation, as is server_name */
	const char *server_name;
	size_t size; /* of this allocation */
	char names[];
};

/* --- stream.c --- */

/* The connection stands: goes on to TLS or says OPEN. */
void stream_connected(struct stream *s);
void stream_opened(struct stream *s);
/* Says FAILED: now when inside one of our callbacks, else by the kick. */
void stream_fail(struct stream *s, enum fault fault, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool stream_say(struct stream *s, enum stream_event event); /* false: closed by the owner */
void stream_kick(struct stream *s);
/* Registers s->fd; the edges of what is ready already come too. */
void stream_watch(struct stream *s);
void stream_unwatch(struct stream *s);

/* --- stream_connect.c --- */

void stream_begin(struct stream *s, const struct place *place);
void stream_finish_connect(struct stream *s, short ready); /* s->fd became ready */
void stream_race_free(struct stream *s);

/* --- stream_tls.c --- */

void stream_tls_begin(struct stream *s); /* on the connected socket */
void stream_tls_step(struct stream *s);

#endif

/*
 * One connection of the API server, from accept to close.
 *
 *	IDLE -> READING -> (MAKING | WAITING) -> SENDING -> IDLE | LINGERING | closed
 *	                -> STREAMING -> closed
 *
 * Each step has one deadline that bytes do not extend.  Requests are answered one at a time, in
 * order: while one is being answered the socket is not read, so that a peer which closes its side
 * after the request still gets the answer.  LINGERING gives a peer that is still sending a chance
 * to read why it was refused before the socket is reset.  STREAMING is the live feed's: it has no
 * deadline but the feed's own, and a limit of its own beside that of the connections.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/call.h"
#include "api/dress.h"
#include "api/head.h"
#include "api/route.h"
#include "api/server.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/stream.h"

#define IN_MAX      ((size_t)256 << 10)
#define PIECE_MAX   ((size_t)256 << 10) /* handed to the stream at once */
#define DROPPED_MAX ((size_t)1 << 20)
#define GREETING_US (200 * USEC_PER_MSEC)

enum conn_step {
	CONN_IDLE,
	CONN_READING,
	CONN_MAKING,
	CONN_WAITING,
	CONN_SENDING,
	CONN_LINGERING,
	CONN_STREAMING,
};

struct conn {
	struct list node, walk_node;
	struct api *api;
	struct peer peer;
	struct stream *stream;
	enum conn_step step;
	struct timer timer;
	usec_t since_us; /* in this step */
	bool has_continued;
	struct http1 request;
	struct api_call call;
	bool has_call;
	size_t sent, held; /* of the reply's body */
	size_t dropped;    /* bytes that nobody wants */
	bool is_feed;      /* not counted any more: the feed counts its readers */
};

static void feed(struct conn *conn);

static void
enter(struct conn *conn, enum conn_step step, usec_t limit_us)
{
	conn->step = step;
	conn->since_us = loop_now(conn->timer.loop);
	timer_after(&conn->timer, limit_us);
}

static void
count(const struct conn *conn, enum stat_id id)
{
	stats_add(conn->api->world->env->stats, id, 1);
}

static void
count_conn(const struct conn *conn, bool is_coming)
{
	struct api *api = conn->api;

	api->conn_count += is_coming ? 1 : -(size_t)1;
	if (!conn->peer.is_unix)
		api->tcp_count += is_coming ? 1 : -(size_t)1;
	stats_set(api->world->env->stats, STAT_API_CONNECTIONS, (double)api->conn_count);
}

static void
end_call(struct conn *conn)
{
	conn->api->held_bytes -= conn->held;
	conn->held = conn->sent = 0;
	list_remove(&conn->walk_node);
	if (conn->has_call)
		call_fini(&conn->call);
	conn->has_call = false;
	http1_fini(&conn->request);
}

static void
close_conn(struct conn *conn)
{
	end_call(conn);
	timer_stop(&conn->timer);
	stream_close(conn->stream);
	conn->stream = NULL;
	list_remove(&conn->node);
	if (!conn->is_feed)
		count_conn(conn, false);
	loop_retire(conn->timer.loop, conn, free);
}

/* ---- sending ---- */

static void
write_head(struct conn *conn, const struct reply *reply)
{
	const struct head_around around = {
		.wall_us = loop_wall(conn->timer.loop),
		.is_endless = conn->is_feed,
		.is_http10 = conn->request.minor == 0,
	};
	struct buf head;

	buf_init(&head, 4096);
	head_write(&head, reply, &around);
	stream_write(conn->stream, buf_head(&head), buf_left(&head));
	buf_fini(&head);
}

static void
send_more(struct conn *conn)
{
	const struct buf *body = &conn->call.reply.body;
	size_t left = conn->held - conn->sent, len = left < PIECE_MAX ? left : PIECE_MAX;

	stream_write(conn->stream, buf_head(body) + conn->sent, len);
	conn->sent += len;
}

static void
send_reply(struct conn *conn)
{
	struct reply *reply = &conn->call.reply;
	const char *method = conn->request.method;

	count(conn, STAT_API_REQUESTS);
	if (!conn->request.keeps_alive || conn->api->world->is_draining)
		reply->is_closing = true;
	enter(conn, CONN_SENDING, SEND_US);
	write_head(conn, reply);
	if (method == NULL || strcmp(method, "HEAD") != 0)
		conn->held = buf_left(&reply->body);
	conn->api->held_bytes += conn->held;
	if (conn->held > 0)
		send_more(conn);
}

static void
on_feed_over(void *arg)
{
	close_conn(arg);
}

/* No length, so it ends with the connection; what the reader says from now on is dropped. */
static void
begin_feed(struct conn *conn)
{
	struct reply *reply = &conn->call.reply;

	count(conn, STAT_API_REQUESTS);
	count_conn(conn, false);
	conn->is_feed = true;
	reply->is_closing = true;
	enter(conn, CONN_STREAMING, 0);
	timer_stop(&conn->timer);
	write_head(conn, reply);
	stream_pause(conn->stream, false);
	feed_start(conn->call.feed, conn->stream, on_feed_over, conn);
}

static void
on_sent(struct conn *conn)
{
	bool is_closing, was_bad;

	if (conn->step == CONN_STREAMING)
		feeds_stir(&conn->api->feeds);
	if (conn->step != CONN_SENDING)
		return;
	if (conn->sent < conn->held) {
		send_more(conn);
		return;
	}
	is_closing = conn->call.reply.is_closing;
	was_bad = conn->request.state != HTTP1_DONE;
	end_call(conn);
	if (is_closing && was_bad) {
		shutdown(stream_fd(conn->stream), SHUT_WR);
		enter(conn, CONN_LINGERING, LINGER_US);
		stream_pause(conn->stream, false);
		return;
	}
	if (is_closing) {
		close_conn(conn);
		return;
	}
	enter(conn, CONN_IDLE, IDLE_US);
	stream_pause(conn->stream, false);
	if (buf_left(stream_in(conn->stream)) > 0)
		feed(conn);
}

/* ---- answering ---- */

static void
begin_walk(struct conn *conn)
{
	struct api *api = conn->api;

	enter(conn, CONN_MAKING, ANSWER_US);
	list_append(&api->walking, &conn->walk_node);
	if (!timer_runs(&api->walk_timer))
		timer_after(&api->walk_timer, 0);
}

/* The reply is filled: it is dressed, perhaps in slices, and sent. */
static void
finish(struct conn *conn)
{
	if (dress_reply(&conn->call))
		send_reply(conn);
	else
		begin_walk(conn);
}

static void
on_answer(void *arg)
{
	struct conn *conn = arg;

	if (conn->step == CONN_WAITING && conn->call.walk.step != NULL)
		begin_walk(conn);
	else if (conn->step == CONN_WAITING)
		finish(conn);
}

static void
begin_call(struct conn *conn)
{
	stream_pause(conn->stream, true);
	call_init(&conn->call, conn->api->world, &conn->request);
	conn->has_call = true;
	conn->call.peer = &conn->peer;
	conn->call.token = conn->api->token;
	conn->call.api = conn->api;
	conn->call.guard = &conn->api->guard;
	conn->call.feeds = &conn->api->feeds;
	conn->call.backtests = &conn->api->backtests;
	conn->call.on_answer = on_answer;
	conn->call.on_answer_arg = conn;
}

static void
answer(struct conn *conn)
{
	struct api *api = conn->api;

	if (api->held_bytes > HELD_MAX) {
		reply_problem(&conn->call, 503, "too many large answers are being sent");
		conn->call.reply.retry_after_s = 5;
		count(conn, STAT_API_REJECTED);
	} else {
		route_call(&conn->call);
	}
	if (conn->call.feed != NULL && strcmp(conn->request.method, "GET") == 0) {
		begin_feed(conn);
	} else if (conn->call.walk.step != NULL) {
		begin_walk(conn);
	} else if (conn->call.waiting != NULL) {
		enter(conn, CONN_WAITING, ANSWER_US);
	} else {
		finish(conn);
	}
}

/* One request a turn: a crowd that asks at once must not make it a long one. */
static void
ask(struct conn *conn)
{
	struct api *api = conn->api;

	begin_call(conn);
	if (timer_runs(&api->walk_timer)) {
		enter(conn, CONN_MAKING, ANSWER_US);
		list_append(&api->asking, &conn->walk_node);
		return;
	}
	timer_after(&api->walk_timer, 0);
	answer(conn);
}

static void
refuse(struct conn *conn, int status, const char *text)
{
	count(conn, STAT_API_REJECTED);
	begin_call(conn);
	reply_problem(&conn->call, status, "%s", text);
	conn->call.reply.is_closing = true;
	send_reply(conn);
}

/*
 * One slice of the first of those who wait; the others' turn comes when it is done, so that one
 * large answer is in the making at a time.
 */
static void
walk(struct conn *conn)
{
	struct api_call *call = &conn->call;

	if (!call->walk.step(call))
		return;
	call->walk.end(call->walk.state);
	call->walk = (struct walk){ .step = NULL };
	if (call->is_dressed || dress_reply(call)) {
		list_remove(&conn->walk_node);
		send_reply(conn);
	}
}

/* A turn's share: one request that has not been looked at, and one slice of a large answer. */
void
conn_on_walk(void *arg)
{
	struct api *api = arg;

	if (!list_is_empty(&api->walking))
		walk(LIST_ENTRY(api->walking.next, struct conn, walk_node));
	if (!list_is_empty(&api->asking)) {
		struct conn *conn = LIST_ENTRY(api->asking.next, struct conn, walk_node);

		list_remove(&conn->walk_node);
		answer(conn);
	}
	if ((!list_is_empty(&api->walking) || !list_is_empty(&api->asking)) &&
		!timer_runs(&api->walk_timer))
		timer_after(&api->walk_timer, 0);
}

/* ---- reading ---- */

/* curl waits a second for this before it sends a larger body. */
static void
say_continue(struct conn *conn)
{
	static const char words[] = "HTTP/1.1 100 Continue\r\n\r\n";
	const char *expect = http1_header(&conn->request, "Expect");

	if (conn->has_continued || expect == NULL || strcasecmp(expect, "100-continue") != 0)
		return;
	conn->has_continued = true;
	stream_write(conn->stream, words, sizeof(words) - 1);
}

static void
begin_request(struct conn *conn)
{
	static const struct http1_limits limits = { .head_max = HEAD_MAX, .body_max = BODY_MAX };

	http1_init(&conn->request, HTTP1_REQUEST, &limits);
	conn->has_continued = false;
	enter(conn, CONN_READING, REQUEST_US);
}

/* What comes after the last request is read so that the peer gets to read, not without end. */
static void
drop(struct conn *conn, struct buf *in)
{
	conn->dropped += buf_left(in);
	buf_drain(in, buf_left(in));
	if (conn->dropped <= DROPPED_MAX)
		return;
	if (conn->step == CONN_LINGERING)
		stream_pause(conn->stream, true);
	else
		close_conn(conn);
}

static void
feed(struct conn *conn)
{
	struct buf *in = stream_in(conn->stream);

	if (conn->step == CONN_LINGERING || conn->step == CONN_STREAMING) {
		drop(conn, in);
		return;
	}
	if (conn->step == CONN_IDLE)
		begin_request(conn);
	if (conn->step != CONN_READING)
		return;
	switch (http1_feed(&conn->request, in)) {
	case HTTP1_HEAD:
		break;
	case HTTP1_BODY:
		say_continue(conn);
		break;
	case HTTP1_DONE:
		ask(conn);
		break;
	case HTTP1_BAD:
		refuse(conn, conn->request.status == 0 ? 400 : conn->request.status,
			conn->request.err.text);
		break;
	}
}

static void
on_stream(void *arg, enum stream_event event)
{
	struct conn *conn = arg;

	switch (event) {
	case STREAM_OPEN:
		break;
	case STREAM_DATA:
		feed(conn);
		break;
	case STREAM_SENT:
		on_sent(conn);
		break;
	case STREAM_END:
	case STREAM_FAILED:
		close_conn(conn);
		break;
	}
}

static void
on_deadline(void *arg)
{
	struct conn *conn = arg;

	switch (conn->step) {
	case CONN_READING:
		refuse(conn, 408, "the request did not arrive within 5 seconds");
		break;
	case CONN_MAKING:
	case CONN_WAITING:
		list_remove(&conn->walk_node);
		if (conn->call.forget != NULL)
			conn->call.forget(&conn->call);
		reply_problem(&conn->call, 504, "this takes longer than 30 seconds; it goes on");
		conn->call.reply.is_closing = true;
		send_reply(conn);
		break;
	case CONN_SENDING:
		count(conn, STAT_API_REJECTED);
		close_conn(conn);
		break;
	case CONN_IDLE:
	case CONN_LINGERING:
		close_conn(conn);
		break;
	case CONN_STREAMING:
		break;
	}
}

/* ---- coming in ---- */

/* How readily a connection is given up for a newcomer; 0: never, we are busy with it. */
static int
spareness(const struct conn *conn)
{
	static const int by_step[] = {
		[CONN_IDLE] = 3,
		[CONN_LINGERING] = 2,
		/* An honest request is read in no time: the one that takes longest is not. */
		[CONN_READING] = 1,
		[CONN_MAKING] = 0,
		[CONN_WAITING] = 0,
		[CONN_SENDING] = 0,
		[CONN_STREAMING] = 0,
	};

	return by_step[conn->step];
}

/* Of those that can be spared best the oldest goes; false: all are busy. */
static bool
make_room(struct api *api, bool is_tcp_only)
{
	struct conn *spare = NULL;

	LIST_EACH(it, &api->conns)
	{
		struct conn *conn = LIST_ENTRY(it, struct conn, node);

		if (spareness(conn) == 0 || (is_tcp_only && conn->peer.is_unix))
			continue;
		if (spare == NULL || spareness(conn) > spareness(spare) ||
			(spareness(conn) == spareness(spare) && conn->since_us < spare->since_us))
			spare = conn;
	}
	if (spare == NULL)
		return false;
	if (spare->step == CONN_READING)
		count(spare, STAT_API_REJECTED);
	close_conn(spare);
	return true;
}

static bool
is_room(struct api *api, bool is_unix)
{
	if (!is_unix && api->tcp_count >= CONNS_TCP_MAX)
		return make_room(api, true);
	return api->conn_count < CONNS_MAX || make_room(api, false);
}

static void
turn_away(struct api *api, int fd)
{
	struct buf words;

	buf_init(&words, 4096);
	head_write_busy(&words, loop_wall(api->world->env->loop));
	stats_add(api->world->env->stats, STAT_API_REJECTED, 1);
	/* As much as fits: this peer is owed nothing. */
	if (send(fd, buf_head(&words), buf_left(&words), MSG_NOSIGNAL | MSG_DONTWAIT) == -1)
		errno = 0;
	buf_fini(&words);
	fd_close(&fd);
}

void
conn_accept(struct api *api, int fd, bool is_unix, const char *listen_host)
{
	struct loop *loop = api->world->env->loop;
	struct conn *conn;

	if (!is_room(api, is_unix)) {
		turn_away(api, fd);
		return;
	}
	conn = xcalloc(1, sizeof(*conn));
	conn->api = api;
	conn->peer.is_unix = is_unix;
	str_copy(conn->peer.listen_host, sizeof(conn->peer.listen_host), listen_host);
	peer_look(&conn->peer, fd, api->has_group ? &api->group : NULL);
	list_init(&conn->walk_node);
	list_append(&api->conns, &conn->node);
	count_conn(conn, true);
	timer_init(&conn->timer, loop, on_deadline, conn);
	conn->stream = stream_adopt(loop, fd, IN_MAX, on_stream, conn);
	http1_init(&conn->request, HTTP1_REQUEST, NULL);
	enter(conn, CONN_IDLE, IDLE_US);
}

/* One that has just come may have a request under way to us. */
static bool
is_busy(const struct conn *conn)
{
	bool is_new = loop_now(conn->timer.loop) - conn->since_us < GREETING_US;

	return conn->step == CONN_READING || conn->step == CONN_MAKING ||
	       conn->step == CONN_WAITING || conn->step == CONN_SENDING ||
	       (conn->step == CONN_IDLE && is_new);
}

bool
conn_any_busy(const struct api *api)
{
	LIST_EACH(it, &api->conns)
	{
		if (is_busy(LIST_ENTRY(it, struct conn, node)))
			return true;
	}
	return false;
}

void
conn_close_all(struct api *api)
{
	while (!list_is_empty(&api->conns))
		close_conn(LIST_ENTRY(api->conns.next, struct conn, node));
}

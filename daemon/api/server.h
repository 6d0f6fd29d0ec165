/* What the files of the API server share: the connections, their limits and who may come in. */
#ifndef API_SERVER_H
#define API_SERVER_H

#include <sys/types.h>

#include "api/api.h"
#include "api/feed.h"
#include "api/guard.h"
#include "api/peer.h"
#include "api/token.h"
#include "base/list.h"
#include "io/listen.h"
#include "io/passed.h"
#include "io/timer.h"

#define CONNS_MAX     64
#define CONNS_TCP_MAX 56 /* the rest is kept for the unix socket, so that `triage` gets in */
#define HEAD_MAX      8192
#define BODY_MAX      65536
#define REQUEST_US    (5 * USEC_PER_SEC) /* from its first byte to its last */
#define IDLE_US       (60 * USEC_PER_SEC)
#define ANSWER_US     (30 * USEC_PER_SEC) /* for a handler that waits for somebody */
#define SEND_US       (30 * USEC_PER_SEC) /* for the peer to take the whole reply */
#define LINGER_US     USEC_PER_SEC
#define HELD_MAX      ((size_t)128 << 20) /* bytes of replies in memory, all connections */

struct api {
	const struct api_world *world;
	struct list conns;
	size_t conn_count, tcp_count;
	size_t held_bytes;
	struct list asking;  /* connections whose request waits to be looked at */
	struct list walking; /* connections whose reply is being made, in order */
	struct timer walk_timer;
	struct feeds feeds;
	struct guard guard;
	char *openapi;      /* the document: it does not change while we run */
	unsigned backtests; /* under way */
	struct list doors;
	gid_t group;
	bool has_group;
	char token[TOKEN_MAX];      /* "": none yet */
	char file_token[TOKEN_MAX]; /* what the state folder had; "": not looked at */
};

/* conn.c: takes over the descriptor. */
void conn_accept(struct api *api, int fd, bool is_unix, const char *listen_host);
void conn_close_all(struct api *api);
bool conn_any_busy(const struct api *api); /* a request is read or answered */
void conn_on_walk(void *arg);              /* the walk timer's callback; arg: struct api */

/* door.c */
int door_open_all(struct api *api, struct err *e);
void door_close_all(struct api *api);
void door_close_passed(struct api *api); /* who comes then waits for our successor */
void door_where(const struct api *api, char *out, size_t size);

#endif

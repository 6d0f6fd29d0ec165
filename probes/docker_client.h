/*
 * The API of Docker and Podman, as far as looking goes: one GET with a JSON answer, and the stream
 * of events.  Over a unix socket, or TCP to a proxy in front of one.  Whatever the other side
 * sends is bounded; nothing is ever changed there.
 */
#ifndef PROBES_DOCKER_CLIENT_H
#define PROBES_DOCKER_CLIENT_H

#include <jansson.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "io/addr.h"
#include "io/env.h"
#include "io/fault.h"

/* Where it is; one place, or the usual ones in order, the first that answers. */
struct docker_places {
	struct place all[3];
	unsigned count;
};

/* NULL: what $DOCKER_HOST says, else /var/run/docker.sock, then Podman's.  "unix:///path", "/path",
 * "tcp://host:port". */
int docker_places_parse(struct docker_places *places, const char *text, struct err *e);

/* Where a container check asks, of its settings. */
const struct docker_places *container_places(const void *conf);

struct docker_reply {
	enum fault fault; /* FAULT_NONE: there is a status */
	const char *text; /* what failed, or what the other side said is wrong */
	int status;
	const json_t *json; /* NULL: none, or not JSON */
	const char *body; /* as it came, a container's log is no JSON; NULL: there was no answer */
	size_t body_len;
};

struct docker_call;
typedef void (*docker_fn)(void *arg, const struct docker_reply *reply);

/* fn is called once, later.  FAULT_NOREPLY when the time is over. */
struct docker_call *docker_get(const struct io_env *env, const struct docker_places *places,
	const char *path, usec_t timeout_us, docker_fn fn, void *arg);
void docker_call_cancel(struct docker_call *call); /* NULL is fine */

/* Percent-encodes `text` behind `path` as a query's value. */
void docker_add_value(struct buf *path, const char *text);

/* Of a list of containers, the first that publishes this port; NULL: none. */
const json_t *docker_publisher(const json_t *containers, unsigned port);

struct docker_events;
/* fn(arg, what) for each event of a container that `filters` (JSON) lets through; it comes back by
 * itself.  what: "die", "oom", "health_status: healthy"...; NULL: connected anew. */
typedef void (*docker_event_fn)(void *arg, const char *what);
struct docker_events *docker_events_open(const struct io_env *env,
	const struct docker_places *places, const char *filters, docker_event_fn fn, void *arg);
void docker_events_close(struct docker_events *events); /* NULL is fine */

/* The next whole event at the start of the bytes; its length with the newline, 0: none yet, -1: too
 * long to be one.  *what: owned text, NULL: nothing to tell. */
int docker_event_take(const char *bytes, size_t len, char **what);

#endif

/*
 * The stream of events: an answer without end, one JSON object a line.
 *
 *	connecting -> listening -> (it hung up, or sent what is no event) -> waiting -> connecting
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/http1.h"
#include "io/stream.h"
#include "io/timer.h"
#include "probes/docker_client.h"
#include "probes/docker_request.h"

#define EVENT_MAX    65536
#define BODY_MAX     ((size_t)2 * EVENT_MAX)
#define RETRY_MIN_US USEC_PER_SEC
#define RETRY_MAX_US USEC_PER_MIN

struct docker_events {
	const struct io_env *env;
	struct docker_places places;
	unsigned at;
	char *path;
	docker_event_fn fn;
	void *arg;
	struct timer retry;
	usec_t retry_us;
	struct stream *stream;
	struct http1 message;
	bool has_message, is_back;
};

static void connect_to(struct docker_events *events);

static void
hang_up(struct docker_events *events)
{
	stream_close(events->stream);
	events->stream = NULL;
	if (events->has_message)
		http1_fini(&events->message);
	events->has_message = false;
}

static void
try_later(struct docker_events *events)
{
	hang_up(events);
	events->is_back = true;
	timer_after(&events->retry, events->retry_us);
	if (events->retry_us < RETRY_MAX_US)
		events->retry_us *= 2;
}

int
docker_event_take(const char *bytes, size_t len, char **what)
{
	const char *stop = memchr(bytes, '\n', len);
	const char *type, *action;
	json_t *event;

	*what = NULL;
	if (stop == NULL)
		return len > EVENT_MAX ? -1 : 0;
	event = json_loadb(bytes, (size_t)(stop - bytes), 0, NULL);
	type = json_string_value(json_object_get(event, "Type"));
	action = json_string_value(json_object_get(event, "Action"));
	if (action == NULL)
		action = json_string_value(json_object_get(event, "status"));
	if (action != NULL && (type == NULL || str_eq(type, "container")))
		*what = xstrdup(action);
	json_decref(event);
	return (int)(stop - bytes) + 1;
}

/* Each whole line is an event; the rest stays for the next bytes.  False: this is no stream. */
static bool
take_events(struct docker_events *events)
{
	struct buf *body = &events->message.body;
	struct buf rest;
	char *what;
	int used;

	while ((used = docker_event_take(buf_head(body), buf_left(body), &what)) > 0) {
		buf_drain(body, (size_t)used);
		if (what != NULL)
			events->fn(events->arg, what);
		free(what);
	}
	if (used < 0 || events->message.is_cut)
		return false;
	buf_init(&rest, 0);
	buf_add(&rest, buf_head(body), buf_left(body));
	buf_reset(body);
	buf_add(body, buf_head(&rest), buf_left(&rest));
	buf_fini(&rest);
	return true;
}

static void
on_data(struct docker_events *events)
{
	enum http1_state state = http1_feed(&events->message, stream_in(events->stream));

	if (state == HTTP1_HEAD)
		return;
	if (state != HTTP1_BODY || events->message.status != 200) {
		try_later(events);
		return;
	}
	events->retry_us = RETRY_MIN_US;
	if (events->is_back)
		events->fn(events->arg, NULL);
	events->is_back = false;
	if (!take_events(events))
		try_later(events);
}

static void
on_event(void *arg, enum stream_event event)
{
	struct docker_events *events = arg;

	switch (event) {
	case STREAM_OPEN:
		docker_request_write(events->stream, events->path);
		break;
	case STREAM_DATA:
		on_data(events);
		break;
	case STREAM_SENT:
		break;
	case STREAM_FAILED:
		if (stream_fault(events->stream) == FAULT_REFUSED &&
			events->at + 1 < events->places.count) {
			events->at++;
			connect_to(events);
			break;
		}
		try_later(events);
		break;
	case STREAM_END:
		try_later(events);
		break;
	}
}

static void
connect_to(struct docker_events *events)
{
	const struct http1_limits limits = { .body_max = BODY_MAX, .cut_body = true };

	hang_up(events);
	http1_init(&events->message, HTTP1_RESPONSE, &limits);
	events->has_message = true;
	events->stream = stream_open(
		&(struct stream_options){
			.loop = events->env->loop,
			.resolver = events->env->resolver,
			.place = &events->places.all[events->at],
			.in_max = BODY_MAX,
		},
		on_event, events);
}

static void
on_retry(void *arg)
{
	struct docker_events *events = arg;

	events->at = 0;
	connect_to(events);
}

struct docker_events *
docker_events_open(const struct io_env *env, const struct docker_places *places,
	const char *filters, docker_event_fn fn, void *arg)
{
	struct docker_events *events = xcalloc(1, sizeof(*events));
	struct buf path;

	buf_init(&path, 0);
	buf_add_text(&path, "/events?filters=");
	docker_add_value(&path, filters);
	events->path = buf_take_text(&path);
	events->env = env;
	events->places = *places;
	events->fn = fn;
	events->arg = arg;
	events->retry_us = RETRY_MIN_US;
	timer_init(&events->retry, env->loop, on_retry, events);
	connect_to(events);
	return events;
}

void
docker_events_close(struct docker_events *events)
{
	if (events == NULL)
		return;
	hang_up(events);
	timer_stop(&events->retry);
	free(events->path);
	free(events);
}

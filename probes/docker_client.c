/*
 * One request over its own connection: connect -> GET -> answer -> JSON.  Of several places the
 * next is tried when nobody is at the one before.
 */
#include "probes/docker_client.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/http1.h"
#include "io/stream.h"
#include "io/timer.h"
#include "probes/docker_request.h"

#define BODY_MAX ((size_t)4 << 20)

struct docker_call {
	const struct io_env *env;
	struct docker_places places;
	unsigned at; /* of places */
	char *path;
	docker_fn fn;
	void *arg;
	struct timer timer;
	struct stream *stream;
	struct http1 message;
};

int
docker_places_parse(struct docker_places *places, const char *text, struct err *e)
{
	static const char *const usual[] = { "/var/run/docker.sock", "/run/podman/podman.sock" };

	*places = (struct docker_places){ .count = 1 };
	if (text == NULL && getenv("DOCKER_HOST") != NULL &&
		docker_places_parse(places, getenv("DOCKER_HOST"), NULL) == 0)
		return 0;
	if (text == NULL) {
		places->count = sizeof(usual) / sizeof(usual[0]);
		for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
			place_parse(&places->all[i], usual[i], NULL);
		return 0;
	}
	if (str_starts(text, "unix://"))
		text += strlen("unix://");
	else if (str_starts(text, "tcp://"))
		text += strlen("tcp://");
	if (place_parse(&places->all[0], text, e) < 0)
		return -1;
	if (places->all[0].path[0] == '\0' &&
		(places->all[0].port == 0 || places->all[0].host[0] == '\0'))
		return err_set(e, 0, "a path such as /var/run/docker.sock is wanted");
	return 0;
}

static bool
publishes(const json_t *container, unsigned port)
{
	const json_t *ports = json_object_get(container, "Ports");

	for (size_t i = 0; i < json_array_size(ports); i++)
		if (json_integer_value(json_object_get(json_array_get(ports, i), "PublicPort")) ==
			(json_int_t)port)
			return true;
	return false;
}

const json_t *
docker_publisher(const json_t *containers, unsigned port)
{
	for (size_t i = 0; i < json_array_size(containers); i++)
		if (publishes(json_array_get(containers, i), port))
			return json_array_get(containers, i);
	return NULL;
}

void
docker_add_value(struct buf *path, const char *text)
{
	for (; *text != '\0'; text++)
		if (isalnum((unsigned char)*text) || strchr("-_.~", *text) != NULL)
			buf_add(path, text, 1);
		else
			buf_addf(path, "%%%02X", (unsigned char)*text);
}

void
docker_request_write(struct stream *stream, const char *path)
{
	struct buf out;

	buf_init(&out, 0);
	buf_addf(&out,
		"GET %s HTTP/1.1\r\nHost: docker\r\nUser-Agent: triaged/" TRIAGED_VERSION
		"\r\nAccept: application/json\r\nConnection: close\r\n\r\n",
		path);
	stream_write(stream, buf_head(&out), buf_left(&out));
	buf_fini(&out);
}

/* --- a call --- */

static void
call_free(void *obj)
{
	struct docker_call *call = obj;

	http1_fini(&call->message);
	free(call->path);
	free(call);
}

static void
call_retire(struct docker_call *call)
{
	timer_stop(&call->timer);
	stream_close(call->stream);
	call->stream = NULL;
	loop_retire(call->env->loop, call, call_free);
}

static void
call_end(struct docker_call *call, const struct docker_reply *reply)
{
	docker_fn fn = call->fn;

	call_retire(call);
	fn(call->arg, reply);
}

static void
end_badly(struct docker_call *call, enum fault fault, const char *text)
{
	call_end(call, &(struct docker_reply){ .fault = fault, .text = text });
}

/* {"message": "no such container"}, or {"cause": ...} of Podman's own. */
static void
answer(struct docker_call *call)
{
	const struct buf *body = &call->message.body;
	struct docker_reply reply = { .status = call->message.status,
		.text = "",
		.body = buf_head(body),
		.body_len = buf_left(body) };
	json_t *json;
	const char *said;

	if (call->message.is_cut) {
		end_badly(call, FAULT_PROTOCOL, "an answer of more than 4 MiB");
		return;
	}
	json = json_loadb(buf_head(body), buf_left(body), JSON_DISABLE_EOF_CHECK, NULL);
	said = json_string_value(json_object_get(json, "message"));
	reply.json = json;
	reply.text = said != NULL ? said : "";
	if (json == NULL && reply.status >= 200 && reply.status < 300) {
		reply.fault = FAULT_PROTOCOL;
		reply.text = "what answers there is not Docker";
	}
	call_end(call, &reply);
	json_decref(json);
}

static void
on_data(struct docker_call *call)
{
	switch (http1_feed(&call->message, stream_in(call->stream))) {
	case HTTP1_DONE:
		answer(call);
		break;
	case HTTP1_BAD:
		end_badly(call, FAULT_PROTOCOL, "what answers there is not Docker");
		break;
	case HTTP1_HEAD:
	case HTTP1_BODY:
		break;
	}
}

static void
on_end(struct docker_call *call)
{
	enum http1_state state = http1_feed(&call->message, stream_in(call->stream));

	if (state != HTTP1_DONE && state != HTTP1_BAD)
		state = http1_feed_end(&call->message);
	if (state == HTTP1_DONE)
		answer(call);
	else
		end_badly(call, FAULT_EOF, "it hung up before its answer was whole");
}

static void try_place(struct docker_call *call);

static void
on_event(void *arg, enum stream_event event)
{
	struct docker_call *call = arg;
	char text[300];

	switch (event) {
	case STREAM_OPEN:
		docker_request_write(call->stream, call->path);
		break;
	case STREAM_DATA:
		on_data(call);
		break;
	case STREAM_END:
		on_end(call);
		break;
	case STREAM_SENT:
		break;
	case STREAM_FAILED:
		if (stream_fault(call->stream) == FAULT_REFUSED &&
			call->at + 1 < call->places.count) {
			call->at++;
			try_place(call);
			break;
		}
		str_copy(text, sizeof(text), stream_reason(call->stream));
		end_badly(call, stream_fault(call->stream), text);
		break;
	}
}

static void
try_place(struct docker_call *call)
{
	stream_close(call->stream);
	call->stream = stream_open(
		&(struct stream_options){
			.loop = call->env->loop,
			.resolver = call->env->resolver,
			.place = &call->places.all[call->at],
		},
		on_event, call);
}

static void
on_timer(void *arg)
{
	end_badly(arg, FAULT_NOREPLY, "it does not answer");
}

struct docker_call *
docker_get(const struct io_env *env, const struct docker_places *places, const char *path,
	usec_t timeout_us, docker_fn fn, void *arg)
{
	const struct http1_limits limits = { .body_max = BODY_MAX, .cut_body = true };
	struct docker_call *call = xcalloc(1, sizeof(*call));

	call->env = env;
	call->places = *places;
	call->path = xstrdup(path);
	call->fn = fn;
	call->arg = arg;
	http1_init(&call->message, HTTP1_RESPONSE, &limits);
	timer_init(&call->timer, env->loop, on_timer, call);
	timer_after(&call->timer, timeout_us);
	try_place(call);
	return call;
}

void
docker_call_cancel(struct docker_call *call)
{
	if (call != NULL)
		call_retire(call);
}

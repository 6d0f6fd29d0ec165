/*
 * HTTP to the daemon over a loop of its own.  Owns that loop, the resolver and the place that
 * answered first: later requests go there.
 */
#include "cli/client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/places.h"
#include "cli/trouble.h"
#include "io/http1.h"
#include "io/loop.h"
#include "io/resolve.h"
#include "io/stream.h"
#include "io/timer.h"
#include "io/tls.h"
#include "io/url.h"

#define CONNECT_US (3 * USEC_PER_SEC)
#define ANSWER_US  (40 * USEC_PER_SEC) /* a reload may take 30 s */
#define BODY_MAX   ((size_t)64 << 20)
#define TOKEN_MAX  256

struct client {
	const struct cli *cli;
	struct clock clock;
	struct loop *loop;
	struct resolver *resolver;
	struct tls_pool *tls;
	struct places places;
	size_t chosen;      /* index + 1; 0: none yet */
	char denied[120];   /* a socket that is there but not for us; "" if none */
	struct err trouble; /* of the places; "" if none */
};

/* One request on one connection. */
struct exchange {
	struct client *client;
	struct stream *stream;
	struct timer timer;
	struct http1 reply;
	struct buf request;
	bool is_open, is_over;
	struct err err; /* of a failure: code is an errno where one is known */
	bool is_denied;
};

struct client *
client_new(const struct cli *cli)
{
	struct client *client = xcalloc(1, sizeof(*client));

	client->cli = cli;
	clock_init_real(&client->clock);
	client->loop = loop_new(&client->clock, &client->trouble);
	if (client->loop == NULL)
		return client;
	client->resolver = resolver_new(client->loop, NULL);
	client->tls = tls_pool_new();
	places_find(&client->places, cli, &client->trouble);
	if (client->places.warning != NULL) {
		term_clean(client->places.warning, false);
		fprintf(stderr, "triage: warning: %s; looking in the usual places\n",
			client->places.warning);
	}
	return client;
}

void
client_free(struct client *client)
{
	if (client == NULL)
		return;
	places_fini(&client->places);
	if (client->loop != NULL) {
		resolver_free(client->resolver);
		loop_free(client->loop);
		tls_pool_free(client->tls);
	}
	free(client);
}

/* ---- one exchange ---- */

static void
finish(struct exchange *x)
{
	x->is_over = true;
	timer_stop(&x->timer);
}

static void
fail(struct exchange *x, const char *text)
{
	err_set(&x->err, 0, "%s", text);
	finish(x);
}

static void
on_timeout(void *arg)
{
	struct exchange *x = arg;

	fail(x, x->is_open ? "no answer in time" : "no connection in time");
}

static void
feed(struct exchange *x, bool is_end)
{
	enum http1_state state = http1_feed(&x->reply, stream_in(x->stream));

	if (is_end && state != HTTP1_DONE && state != HTTP1_BAD)
		state = http1_feed_end(&x->reply);
	if (state == HTTP1_BAD)
		fail(x, x->reply.err.text);
	else if (state == HTTP1_DONE)
		finish(x);
}

static void
on_stream(void *arg, enum stream_event event)
{
	struct exchange *x = arg;

	if (x->is_over)
		return;
	switch (event) {
	case STREAM_OPEN:
		x->is_open = true;
		timer_after(&x->timer, ANSWER_US);
		stream_write(x->stream, buf_head(&x->request), buf_left(&x->request));
		break;
	case STREAM_DATA:
		feed(x, false);
		break;
	case STREAM_SENT:
		break;
	case STREAM_END:
		feed(x, true);
		break;
	case STREAM_FAILED:
		x->is_denied = stream_fault(x->stream) == FAULT_DENIED;
		fail(x, stream_reason(x->stream));
		break;
	}
}

static int
parse_place(const char *text, struct url *url, struct err *e)
{
	memset(url, 0, sizeof(*url));
	if (str_starts(text, "unix:"))
		return place_parse(&url->place, text, e);
	if (url_parse(url, text, e) == -1)
		return -1;
	if (str_eq(url->scheme, "http") || str_eq(url->scheme, "https")) {
		url->place.port = url_port(url);
		return 0;
	}
	url_fini(url);
	return err_set(e, EINVAL, "%s: not a http://, https:// or unix: address", text);
}

static int
read_token(const char *path, char out[TOKEN_MAX], struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t len = fd == -1 ? -1 : read(fd, out, TOKEN_MAX - 1);
	int reason = errno;

	fd_close(&fd);
	if (len == -1)
		return err_set(e, reason, "%s: %s", path, strerror(reason));
	out[len] = '\0';
	out[strcspn(out, "\r\n")] = '\0';
	return *out != '\0' ? 0 : err_set(e, 0, "%s: no token in it", path);
}

int
client_read_token(const char *path, char *out, size_t size, struct err *e)
{
	char token[TOKEN_MAX];

	if (read_token(path, token, e) == -1)
		return -1;
	str_copy(out, size, token);
	return 0;
}

int
client_try_token(const char *path, struct err *e)
{
	char token[TOKEN_MAX];

	return read_token(path, token, e);
}

static bool
has_given_token(const struct client *client)
{
	const char *given = getenv("TRIAGE_TOKEN");

	return client->cli->token_file != NULL || (given != NULL && *given != '\0');
}

/* Only a write over TCP needs it: --token-file, $TRIAGE_TOKEN, the state folder's. */
static void
add_token(const struct client *client, struct buf *out)
{
	const char *given = getenv("TRIAGE_TOKEN");
	char token[TOKEN_MAX], header[TOKEN_MAX + 8];

	if (client->cli->token_file != NULL) {
		if (read_token(client->cli->token_file, token, NULL) == -1)
			return;
	} else if (given != NULL && *given != '\0') {
		str_copy(token, sizeof(token), given);
	} else if (client->places.token_path == NULL ||
		   read_token(client->places.token_path, token, NULL) == -1) {
		return;
	}
	snprintf(header, sizeof(header), "Bearer %s", token);
	http1_write_header(out, "Authorization", header, NULL);
}

static void
write_request(struct exchange *x, const struct client_request *ask, const struct url *url)
{
	const char *body = ask->body == NULL ? "" : ask->body;
	const struct place *place = &url->place;
	bool is_unix = place->path[0] != '\0';
	bool is_read = strcmp(ask->method, "GET") == 0;
	char host[300], length[24];

	if (is_unix)
		str_copy(host, sizeof(host), "localhost");
	else
		snprintf(host, sizeof(host), strchr(place->host, ':') == NULL ? "%s:%u" : "[%s]:%u",
			place->host, place->port);
	buf_addf(&x->request, "%s %s HTTP/1.1\r\n", ask->method, ask->path);
	http1_write_header(&x->request, "Host", host, NULL);
	http1_write_header(&x->request, "Accept", "application/json", NULL);
	http1_write_header(&x->request, "User-Agent", "triage/" TRIAGED_VERSION, NULL);
	http1_write_header(&x->request, "Connection", "close", NULL);
	if (!is_unix && !is_read)
		add_token(x->client, &x->request);
	snprintf(length, sizeof(length), "%zu", strlen(body));
	if (ask->body != NULL)
		http1_write_header(&x->request, "Content-Type", "application/json", NULL);
	if (!is_read)
		http1_write_header(&x->request, "Content-Length", length, NULL);
	buf_add_text(&x->request, "\r\n");
	buf_add_text(&x->request, body);
}

static int
run(struct exchange *x, const struct url *url)
{
	const struct tls_options tls = { .alpn = "http/1.1" };
	struct stream_options o = {
		.loop = x->client->loop,
		.resolver = x->client->resolver,
		.place = &url->place,
		.in_max = 1 << 20,
	};

	if (str_eq(url->scheme, "https")) {
		o.tls = tls_ctx_get(x->client->tls, &tls, &x->err);
		if (o.tls == NULL)
			return -1;
	}
	timer_init(&x->timer, x->client->loop, on_timeout, x);
	timer_after(&x->timer, CONNECT_US);
	x->stream = stream_open(&o, on_stream, x);
	while (!x->is_over)
		loop_turn(x->client->loop, true);
	stream_close(x->stream);
	return x->err.text[0] == '\0' ? 0 : -1;
}

/* ---- finding the one that answers ---- */

struct search {
	const struct client_request *ask;
	struct client_reply *reply;
	char reason[200]; /* what the last place said */
};

/* The first of them, but rather a socket that is seen than a folder that is closed. */
static void
note_denied(struct client *client, const char *path)
{
	if (client->denied[0] == '\0' ||
		(access(client->denied, F_OK) != 0 && access(path, F_OK) == 0))
		str_copy(client->denied, sizeof(client->denied), path);
}

/* 0: answered; 1: nobody there; -1: somebody is, but it went wrong. */
static int
try_place(struct client *client, const char *text, struct search *search, struct err *e)
{
	const struct http1_limits limits = { .body_max = BODY_MAX };
	struct exchange x = { .client = client };
	struct client_reply *reply = search->reply;
	struct url url;
	int result;

	if (parse_place(text, &url, e) == -1)
		return -1;
	http1_init(&x.reply, HTTP1_RESPONSE, &limits);
	buf_init(&x.request, 0);
	write_request(&x, search->ask, &url);
	result = run(&x, &url);
	if (result == 0) {
		reply->status = x.reply.status;
		reply->len = buf_left(&x.reply.body);
		reply->body = buf_take_text(&x.reply.body); /* all of it, NULs too */
	} else if (x.is_denied) {
		note_denied(client, url.place.path);
	}
	if (result == -1 && x.is_open)
		err_set(e, 0, "%s: %s", text, x.err.text);
	else if (result == -1)
		result = 1;
	if (result == 1)
		str_copy(search->reason, sizeof(search->reason), x.err.text);
	http1_fini(&x.reply);
	buf_fini(&x.request);
	url_fini(&url);
	return result;
}

int
client_ask(struct client *client, const struct client_request *ask, struct client_reply *reply,
	struct err *e)
{
	struct search search = { .ask = ask, .reply = reply };
	int result = 1;

	if (client->trouble.text[0] != '\0')
		return err_set(e, 0, "%s", client->trouble.text);
	if (client->chosen != 0)
		result = try_place(client, client->places.all[client->chosen - 1], &search, e);
	for (size_t i = 0; result == 1 && i < client->places.count; i++) {
		result = try_place(client, client->places.all[i], &search, e);
		if (result == 0)
			client->chosen = i + 1;
	}
	/* Whoever has no token meant the socket, also where TCP would answer. */
	if (result == 0 && reply->status == 401 && client->denied[0] != '\0' &&
		!has_given_token(client)) {
		client_reply_fini(reply);
		trouble_denied(client->denied, e);
		return -1;
	}
	if (result == 1 && client->denied[0] != '\0')
		trouble_denied(client->denied, e);
	else if (result == 1)
		trouble_not_running(&client->places, search.reason, e);
	return result == 0 ? 0 : -1;
}

const char *
client_place(const struct client *client)
{
	return client->chosen == 0 ? "" : client->places.all[client->chosen - 1];
}

/* ---- replies ---- */

void
client_reply_fini(struct client_reply *reply)
{
	free(reply->body);
	*reply = (struct client_reply){ .status = 0 };
}

char *
client_problem(const struct client_reply *reply)
{
	json_t *doc = json_loadb(reply->body, reply->len, 0, NULL);
	const char *detail = json_string_value(json_object_get(doc, "detail"));
	char *text;

	if (detail != NULL && *detail != '\0')
		text = xstrdup(detail);
	else
		text = xasprintf("it answered %d %s", reply->status, http1_reason(reply->status));
	json_decref(doc);
	if (reply->status == 401) {
		char *longer = xasprintf("%s: give it with `-t FILE`, or ask the unix socket, "
					 "which needs none: `-c FILE`, the daemon's settings, "
					 "finds it, `-u SOCKET` names it",
			text);

		free(text);
		text = longer;
	}
	term_clean(text, true);
	return text;
}

/* Ours has a detail; a route that is not there is of another version; anything else is not ours. */
static void
set_problem(struct client *client, const struct client_reply *reply, struct err *e)
{
	json_t *doc = json_loadb(reply->body, reply->len, 0, NULL);
	const char *detail = json_string_value(json_object_get(doc, "detail"));
	char *text = client_problem(reply);

	if (reply->status == 405 || str_eq(detail, "there is nothing at this path"))
		err_set(e, reply->status,
			CLIENT_OLD " and does not know this (this command is of version %s): "
				   "upgrade and restart it",
			TRIAGED_VERSION);
	else if (detail == NULL && reply->status != 503)
		err_set(e, reply->status, "what answers at %s is not triaged: %s",
			client_place(client), text);
	else
		err_set(e, reply->status, "%s", text);
	free(text);
	json_decref(doc);
}

static json_t *
ask_json(struct client *client, const struct client_request *ask, struct err *e)
{
	struct client_reply reply = { .status = 0 };
	json_t *doc = NULL;

	if (client_ask(client, ask, &reply, e) == -1) {
		if (e != NULL)
			e->code = 0;
		return NULL;
	}
	if (reply.status < 200 || reply.status > 299) {
		set_problem(client, &reply, e);
	} else {
		doc = json_loadb(reply.body, reply.len, 0, NULL);
		if (doc == NULL)
			err_set(e, reply.status,
				"what answers is not triaged: its answer to %s is not JSON",
				ask->path);
	}
	client_reply_fini(&reply);
	return doc;
}

json_t *
client_get(struct client *client, const char *path, struct err *e)
{
	return ask_json(client, &(struct client_request){ "GET", path, NULL }, e);
}

json_t *
client_post(struct client *client, const char *path, struct err *e)
{
	return ask_json(client, &(struct client_request){ "POST", path, NULL }, e);
}

json_t *
client_send(struct client *client, const char *method, const char *path, json_t *doc, struct err *e)
{
	char *body = doc == NULL ? NULL : json_dumps(doc, JSON_COMPACT);
	json_t *answer = ask_json(client, &(struct client_request){ method, path, body }, e);

	free(body);
	json_decref(doc);
	return answer;
}

char *
client_segment(const char *name)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
	char *out = xmalloc(strlen(name) * 3 + 1), *to = out;

	for (; *name != '\0'; name++) {
		if (strchr(plain, *name) != NULL)
			*to++ = *name;
		else
			to += sprintf(to, "%%%02X", (unsigned char)*name);
	}
	*to = '\0';
	return out;
}

char *
client_path(const char *before, const char *name, const char *after)
{
	char *segment = client_segment(name);
	char *path = xasprintf("%s%s%s", before, segment, after);

	free(segment);
	return path;
}

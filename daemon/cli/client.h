/*
 * Asks a daemon over its unix socket or TCP, one request at a time.  Blocks, with deadlines: this
 * is a command that somebody waits for.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <jansson.h>

#include "base/err.h"
#include "cli/verb.h"

struct client;

/* Never NULL; nothing is connected yet. */
struct client *client_new(const struct cli *cli);
void client_free(struct client *client);

struct client_reply {
	int status;
	char *body; /* owned; client_reply_fini */
	size_t len;
};

/* The place that answered, "unix:/path" or a URL; "" before. */
const char *client_place(const struct client *client);

/* 0: the file has a token; else e says why it does not serve. */
int client_try_token(const char *path, struct err *e);
int client_read_token(const char *path, char *out, size_t size, struct err *e);

struct client_request {
	const char *method, *path;
	const char *body; /* JSON; NULL: none */
};

/* -1: nobody answered; e says where it looked and what to do. */
int client_ask(struct client *client, const struct client_request *ask, struct client_reply *reply,
	struct err *e);
void client_reply_fini(struct client_reply *reply);
/*
 * JSON of a 2xx reply, owned.  NULL and e otherwise: e->code is the HTTP status, 0 when nobody
 * answered, and the text is the problem's detail.
 */
json_t *client_get(struct client *client, const char *path, struct err *e);
json_t *client_post(struct client *client, const char *path, struct err *e);
/* With a body (consumed; NULL: none). */
json_t *client_send(
	struct client *client, const char *method, const char *path, json_t *doc, struct err *e);
/* How an error begins when the daemon lacks what is asked for. */
#define CLIENT_OLD "the daemon that answers is of another version"
/* The detail of a problem+json body, or the status in words; owned. */
char *client_problem(const struct client_reply *reply);
/* A name as one path segment: "disks[/var]" -> "disks%5B%2Fvar%5D"; owned. */
char *client_segment(const char *name);
/* A path with such a name in it; owned. */
char *client_path(const char *before, const char *name, const char *after);

#endif

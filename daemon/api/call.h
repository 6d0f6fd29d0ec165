/*
 * One request being answered.  A handler reads the call and fills the reply at once; what takes
 * longer sets `walk` (a slice of work each turn of the loop) or `wait` (somebody else answers).
 */
#ifndef API_CALL_H
#define API_CALL_H

#include <jansson.h>
#include <stdbool.h>

#include "api/api.h"
#include "api/peer.h"
#include "base/buf.h"
#include "io/http1.h"

#define REPLY_MAX ((size_t)64 << 20) /* bytes of one reply's body */

struct api_call;
struct route;
struct guard;
struct feed;
struct feeds;

struct reply {
	int status; /* 0: not yet */
	const char *type;
	const char *encoding; /* of the body; NULL: none */
	const char *cache;    /* Cache-Control; NULL: nobody keeps it */
	const char *policy;   /* Content-Security-Policy; NULL: nothing may be loaded */
	const char *vary;     /* request headers that it depends on; NULL: none */
	bool is_packable;     /* it depends on Accept-Encoding, too */
	char etag[48];        /* with its quotes; "": none */
	char allow[64];       /* of a 405 */
	bool wants_token;     /* of a 401 */
	bool is_closing;      /* the connection ends after it */
	unsigned retry_after_s;
	struct buf body;
};

/* Work in slices: step until it says true, then end frees `state`. */
struct walk {
	bool (*step)(struct api_call *call);
	void (*end)(void *state);
	void *state;
};

struct api_call {
	const struct api_world *world;
	const struct http1 *request;
	const struct peer *peer;
	const struct route *route; /* NULL: none was found */
	struct guard *guard;       /* of writes over TCP */
	const char *token;         /* of writes over TCP */
	char *path;                /* the target without its query, as sent */
	const char *query;         /* what came after '?', "" */
	char *name, *tail;         /* what the {} of the route stand for, decoded; NULL */
	struct reply reply;
	bool is_dressed; /* dress.c has been at it */
	struct walk walk;
	/* Set by a handler whose answer comes later; the connection calls it when it goes away. */
	void (*forget)(struct api_call *call);
	struct api *api;
	struct feeds *feeds;
	unsigned *backtests;          /* that are under way, of all connections */
	struct feed *feed;            /* a reader of the live feed from now on; owned */
	void *waiting;                /* the handler's own */
	void (*on_answer)(void *arg); /* to be called when a late reply is filled */
	void *on_answer_arg;
};

void call_init(struct api_call *call, const struct api_world *world, const struct http1 *request);
void call_fini(struct api_call *call);
/* For who answers later: those in force now, for settings_unref. */
struct settings *call_hold_settings(const struct api_call *call);

/* A query parameter, decoded; false: absent.  A bad or too long one reads as "". */
bool call_query(const struct api_call *call, const char *name, char *out, size_t size);
/* Does Accept name this media type? */
bool call_accepts(const struct api_call *call, const char *type);
/* May the body be gzipped? */
bool call_takes_gzip(const struct api_call *call);
/* Does If-None-Match name this tag (with its quotes)? */
bool call_has_seen(const struct api_call *call, const char *etag);
/* Percent-decodes in place; -1: not decodable, or a NUL. */
int percent_decode(char *text);

void reply_json(struct api_call *call, int status, json_t *doc); /* consumes doc */
void reply_text(struct api_call *call, int status, const char *type, const char *text);
void reply_bytes(
	struct api_call *call, int status, const char *type, const void *bytes, size_t len);
void reply_unchanged(struct api_call *call); /* 304: the asker has it; keeps etag and cache */
void reply_problem(struct api_call *call, int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Adds one JSON value to a buffer; consumes it. */
void json_write(struct buf *out, json_t *doc);

#endif

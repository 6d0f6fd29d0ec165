/*
 * HTTP/1.1 by hand, bounded: one parser for both directions, fed from a growing buffer, used by
 * the plain http probe and by the API server.  Lengths, counts and numbers are capped before
 * anything is kept; broken framing (CL with TE, bad chunk, NUL, bare CR) is an error, not a guess.
 */
#ifndef IO_HTTP1_H
#define IO_HTTP1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define HTTP1_HEADERS_MAX 100

struct http1_limits {
	size_t head_max; /* bytes of start line and headers; 0: 16 kB */
	size_t body_max; /* bytes of body kept; 0: 64 kB */
	bool cut_body;   /* true: a longer body is cut and counted, not an error (probes) */
};

enum http1_state {
	HTTP1_HEAD, /* more of the head is needed */
	HTTP1_BODY, /* head is done, more body is needed */
	HTTP1_DONE,
	HTTP1_BAD, /* see err */
};

enum http1_kind { HTTP1_REQUEST, HTTP1_RESPONSE };

struct http1_header {
	const char *name, *value; /* inside the message's own copy of the head */
};

struct http1 {
	enum http1_kind kind;
	enum http1_state state;
	struct http1_limits limits;
	bool is_head_reply;    /* set before parsing: the answer to HEAD has no body */
	int status;            /* response: 100..999; of a BAD request: the status to answer with */
	int minor;             /* HTTP/1.<minor> */
	char *method, *target; /* request */
	struct http1_header headers[HTTP1_HEADERS_MAX];
	unsigned header_count;
	struct buf body;     /* decoded */
	uint64_t body_bytes; /* also what was cut */
	bool is_cut;
	bool keeps_alive;
	struct err err; /* of BAD; code EPROTOTYPE: the bytes are TLS */
	/* private */
	char *head;
	uint64_t left; /* of the body or of the chunk */
	unsigned framing;
	size_t scanned;
	unsigned interim;
};

void http1_init(struct http1 *m, enum http1_kind kind, const struct http1_limits *limits);
void http1_fini(struct http1 *m);
/* Eats from `in` what belongs to this message and nothing more.  Call again with more bytes. */
enum http1_state http1_feed(struct http1 *m, struct buf *in);
/* The peer closed: DONE if the framing allows it, else BAD ("truncated"). */
enum http1_state http1_feed_end(struct http1 *m);
const char *http1_header(const struct http1 *m, const char *name); /* first; NULL: absent */

/* A 1xx response was skipped inside http1_feed; the final one is what is seen. */

const char *http1_reason(int status); /* "Not Found" */
/* Refuses CR, LF and NUL in any part. */
int http1_write_header(struct buf *out, const char *name, const char *value, struct err *e);
bool http1_is_token(const char *text);

#endif

/* Between http1.c (framing, body) and http1_head.c (the head); nobody else's business. */
#ifndef IO_HTTP1_HEAD_H
#define IO_HTTP1_HEAD_H

#include "io/http1.h"

enum http1_framing {
	FRAMING_NONE,
	FRAMING_LENGTH,
	FRAMING_TO_END,
	FRAMING_SIZE,
	FRAMING_DATA,
	FRAMING_DATA_END,
	FRAMING_TRAILER,
};

/* Eats a whole head, or nothing.  -1: the message is bad. */
int http1_feed_head(struct http1 *m, struct buf *in);
/* The message is bad; `status` is what a request is answered with.  Returns -1. */
int http1_bad(struct http1 *m, int status, const char *why);

#endif

/* The head of an answer: what every one of them says to browsers, and what this one has to say. */
#ifndef API_HEAD_H
#define API_HEAD_H

#include "api/call.h"

struct head_around {
	usec_t wall_us;
	bool is_endless; /* a feed: no length */
	bool is_http10;
};

void head_write(struct buf *out, const struct reply *reply, const struct head_around *around);
/* A whole answer, for who finds no room: without a call. */
void head_write_busy(struct buf *out, usec_t wall_us);

#endif

/* Which request goes to which handler: one table, and the checks that stand before all of them. */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "api/call.h"
#include "api/shape.h"

/* What it takes to come in, beside a Host that is ours. */
enum route_right {
	ROUTE_READ,  /* nothing more */
	ROUTE_WRITE, /* TCP: the token, and no page of another site; unix: the peer's credentials */
	ROUTE_OPEN,  /* not even that Host: the path holds a secret that opens this alone */
};

struct route {
	const char *method; /* GET answers HEAD too */
	const char *path;   /* two segments may be "{what}": call->name, call->tail */
	enum route_right right;
	void (*handle)(struct api_call *call);
	const char *doc;
	const struct api_param *params;  /* of the query; NULL: none */
	const struct shape *body;        /* of a request that takes JSON; NULL: none */
	const struct shape *answer;      /* of a good answer in JSON; NULL: it is not JSON */
	const char *answer_type;         /* its media type where it is not, or not only, JSON */
	const char *body_type;           /* of a request that takes anything but JSON */
	unsigned status;                 /* of a good answer; 0: 200 */
	bool has_tag;                    /* it may be the same again: ETag, 304 */
	const struct api_status *others; /* answers that do not follow from the rest; NULL: none */
};

extern const struct route route_table[]; /* closed by a NULL method */

/* Checks Host, Origin and rights, finds the route, calls its handler. */
void route_call(struct api_call *call);

#endif

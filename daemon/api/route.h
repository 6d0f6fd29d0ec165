/* Which request goes to which handler: one table, and the checks that stand before all of them. */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "api/call.h"

struct route {
	const char *method; /* GET answers HEAD too */
	const char *path;   /* one segment may be "{}": call->name */
	bool needs_write;
	void (*handle)(struct api_call *call);
	const char *doc;
};

extern const struct route route_table[]; /* closed by a NULL method */

/* Checks Host, Origin and rights, finds the route, calls its handler. */
void route_call(struct api_call *call);

#endif

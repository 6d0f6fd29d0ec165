/* The kernel's routing tables and neighbours, as text: the way out of this host.  Pure. */
#ifndef FACTS_ROUTES_H
#define FACTS_ROUTES_H

#include <stdbool.h>

struct route {
	char interface[32], gateway[64]; /* gateway "": the interface leads there itself */
};

/* The default route of /proc/net/route, else of /proc/net/ipv6_route; texts may be "".  Of several
 * the one of the smallest metric. */
bool routes_find_default(struct route *out, const char *v4, const char *v6);

enum neighbour { NEIGHBOUR_UNKNOWN, NEIGHBOUR_KNOWN, NEIGHBOUR_SILENT };
enum neighbour routes_find_neighbour(const char *arp, const char *address); /* /proc/net/arp */

#endif

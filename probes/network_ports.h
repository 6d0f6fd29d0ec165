/* How many of the ephemeral ports are in use, asked of the kernel in pieces that fit on the loop.
 */
#ifndef PROBES_NETWORK_PORTS_H
#define PROBES_NETWORK_PORTS_H

#include <stdbool.h>
#include <stddef.h>

#include "io/loop.h"

struct port_count;

/* fn(arg, ports): distinct local TCP ports in the range; -1: this kernel does not tell.  Called
 * once, later.  Sees the network namespace that we run in, and no other. */
typedef void (*port_count_fn)(void *arg, int ports);
struct port_count *port_count_start(
	struct loop *loop, unsigned low, unsigned high, port_count_fn fn, void *arg);
void port_count_stop(struct port_count *count); /* NULL is fine */

/* --- the parser: for tests and fuzzing --- */

struct port_set {
	unsigned low, high;
	unsigned count; /* distinct ones */
	unsigned char seen[65536 / 8];
};
/* One datagram of the kernel's answer: 0 more is to come, 1 that was the end, -1 trouble. */
int port_set_take(struct port_set *set, const void *data, size_t len);

#endif

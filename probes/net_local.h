/*
 * Why a connection to this very host did not come about: who listens on the port?  Only for
 * addresses of ours, because the kernel tells of our own network namespace alone.
 */
#ifndef PROBES_NET_LOCAL_H
#define PROBES_NET_LOCAL_H

#include "io/fault.h"
#include "io/sock_diag.h"
#include "probes/probe.h"

/*
 * A quick look at the kernel's table, after a failure only.  The cause that says more than the
 * fault does, with its words in `text` and the fact "port"; NULL: nothing more is known.
 */
const char *net_local_cause(
	struct probe_run *run, enum fault fault, const struct addr *peer, char *text, size_t size);

/* Is it an address of this host?  No packet is sent. */
bool net_local_is_ours(const struct addr *addr);

/* "127.0.0.1:80 (uid 33), [::1]:80 (uid 33)"; for facts. */
void net_local_list(const struct sock_table *table, char *out, size_t size);

#endif

/*
 * Names to addresses, without ever blocking: c-ares on the loop.  A and AAAA are asked apart and
 * answer apart; hosts file first; answers are cached by their TTL (clamped to 5..300 s; failures
 * 5 s); a stale answer is served, marked, when the resolver is silent; identical lookups in flight
 * are one.  No library in this program sees a host name.
 */
#ifndef IO_RESOLVE_H
#define IO_RESOLVE_H

#include <stdbool.h>

#include "io/addr.h"
#include "io/fault.h"
#include "io/loop.h"

#define RESOLVE_MAX 8

struct resolver;
struct resolve_call;

struct resolve_answer {
	struct addr addrs[RESOLVE_MAX]; /* port 0; IPv6 first; at most four of each family */
	unsigned count;
	enum fault v4, v6; /* FAULT_NONE also where the name has none of that family */
	enum fault fault;  /* the verdict when count is 0 */
	bool is_stale;
	unsigned ttl_s;
};

typedef void (*resolve_fn)(void *arg, const struct resolve_answer *answer);

struct resolve_options {
	const char *servers;    /* "127.0.0.1:5353,[::1]:53"; NULL: the system's resolv.conf */
	const char *hosts_path; /* NULL: /etc/hosts */
	usec_t timeout_us;      /* per try; 0: 1.5 s */
	int tries;              /* 0: 2 */
};

/* `options` may be NULL.  c-ares is initialised at the first name that is not numeric or cached. */
struct resolver *resolver_new(struct loop *loop, const struct resolve_options *options);
void resolver_free(struct resolver *resolver); /* open calls are dropped without a word */

/* The name servers that are asked, in their order; how many of `max`. */
unsigned resolver_servers(struct resolver *resolver, struct addr *out, unsigned max);
/* True when the answer is at hand: numeric, hosts file or cache. */
bool resolve_now(struct resolver *resolver, const char *host, struct resolve_answer *answer);
/* Asks; fn is called once, later, never from inside this call.  Cancel: resolve_cancel. */
struct resolve_call *resolve_start(
	struct resolver *resolver, const char *host, resolve_fn fn, void *arg);
void resolve_cancel(struct resolve_call *call); /* NULL is fine; fn will not be called */

#endif
